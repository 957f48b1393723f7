//! Asks the kept rows of a case until when they stay, a chunk at a time, and sorts them. Writes nothing.

use std::collections::BTreeMap;

use jiff::civil::Date;
use uuid::Uuid;

use crate::domain::Retry;
use crate::erase::{Ends, KeptRow, PlanError, Skeleton, can_begin, ends, plan_past_keeping, trusted};
use crate::stores::Key;
use crate::vault::DataKey;

use super::super::error::FlowError;
use super::super::house::House;
use super::remember::{self, Chunk, KeptSet, Remainder};

/// What a look has found.
pub(super) struct Looked {
    pub(super) remainder: Remainder,
    /// What is to be erased now.
    pub(super) over: Option<Over>,
    /// Chunks that are not what they were, with what stays of them.
    pub(super) changed: Vec<(Uuid, Chunk)>,
    /// The last day of the row that stays shortest.
    pub(super) first: Option<Date>,
    /// What a person has to see before some rows can be erased.
    pub(super) obstacle: Option<FlowError>,
}

/// Rows whose time is over.
pub(super) struct Over {
    /// The plan that erases them.
    pub(super) skeleton: Skeleton,
    /// The keys of each of its steps.
    pub(super) keys: Vec<Vec<Key>>,
}

/// A chunk, sorted.
struct Sorted {
    id: Uuid,
    chunk: Chunk,
    /// Those whose time is over.
    over: Vec<Key>,
    staying: Vec<KeptRow>,
}

/// Looks at every row. `seen_to` are the words of an obstacle of which a person said that they have seen to those rows themselves: they
/// are remembered no longer.
pub(super) async fn look(
    house: &House,
    key: &DataKey,
    remainder: Remainder,
    seen_to: Option<&str>,
) -> Result<Looked, FlowError> {
    let mut looked = Looked { remainder, over: None, changed: Vec::new(), first: None, obstacle: None };
    // A map that is not true of its stores is nobody's rows' fault: none of them is touched, or given up.
    trusted(&house.map, &house.stores).await?;
    let mut obstacles = Obstacles { seen_to, first: None };
    let plans = plans(house, &looked.remainder);
    let mut chunks = Vec::new();
    let mut after = None;
    loop {
        let mut tx = house.db.read().await?;
        let Some((id, chunk)) = remember::chunk_after(&mut tx, key, after).await? else { break };
        drop(tx);
        after = Some(id);
        let sorted = sort(house, &plans, chunk, &mut obstacles).await?;
        chunks.push(Sorted { id, ..sorted });
    }
    looked.over = over(house, &mut chunks, &looked.remainder, &mut obstacles).await?;
    looked.obstacle = obstacles.first;
    for set in &mut looked.remainder.sets {
        (set.rows, set.until) = (0, None);
    }
    looked.remainder.away_since = None;
    for Sorted { id, chunk, staying, .. } in chunks {
        let set = looked.remainder.sets.iter_mut().find(|set| set.name() == chunk.set);
        let set = set.ok_or(FlowError::Broken("kept rows of a set that nobody kept"))?;
        set.rows += staying.len() as u64;
        set.until = staying.iter().filter_map(|(_, end)| *end).max().max(set.until);
        looked.first = staying.iter().filter_map(|(_, end)| *end).min().into_iter().chain(looked.first).min();
        if staying != chunk.rows {
            looked.changed.push((id, Chunk { set: chunk.set, rows: staying }));
        }
    }
    Ok(looked)
}

/// What stands in the way.
struct Obstacles<'a> {
    seen_to: Option<&'a str>,
    /// The first that a person has not seen to.
    first: Option<FlowError>,
}

impl Obstacles<'_> {
    /// Whether rows that this stands in the way of are still remembered.
    fn stands(&mut self, error: FlowError) -> bool {
        let stands = self.seen_to != Some(error.chain().as_str());
        if stands && self.first.is_none() {
            self.first = Some(error);
        }
        stands
    }
}

/// The plan of each set by itself, or why there is none.
fn plans(house: &House, remainder: &Remainder) -> BTreeMap<String, Result<Skeleton, PlanError>> {
    let plan = |set: &KeptSet| plan_past_keeping(&house.map, &remainder.target, std::slice::from_ref(&set.keeping));
    remainder.sets.iter().map(|set| (set.name(), plan(set))).collect()
}

/// Sorts a chunk. What cannot be erased stays, unless a person has seen to it.
async fn sort(
    house: &House,
    plans: &BTreeMap<String, Result<Skeleton, PlanError>>,
    chunk: Chunk,
    obstacles: &mut Obstacles<'_>,
) -> Result<Sorted, FlowError> {
    let today = house.clock.now().date();
    let mut as_it_was = |chunk: Chunk, error: FlowError| {
        let staying = if obstacles.stands(error) { chunk.rows.clone() } else { Vec::new() };
        Sorted { id: Uuid::nil(), chunk, over: Vec::new(), staying }
    };
    let plan = plans.get(&chunk.set).ok_or(FlowError::Broken("kept rows of a set that nobody kept"))?;
    let (skeleton, step) = match plan {
        Ok(plan) => (plan, plan.steps.first().ok_or(FlowError::Broken("a plan of kept rows without a step"))?),
        Err(error) => return Ok(as_it_was(chunk, error.clone().into())),
    };
    let asked = ends(skeleton, &house.stores, house.erase_limits, (step, chunk.rows.clone()), today).await;
    let Ends { over, mut staying, doubtful } = match asked.map_err(FlowError::from) {
        Ok(ends) => ends,
        Err(error) if error.retry() == Retry::Permanent => return Ok(as_it_was(chunk, error)),
        Err(error) => return Err(error),
    };
    if !doubtful.is_empty() && obstacles.stands(FlowError::Doubtful(step.rows.at.clone())) {
        staying.extend(doubtful);
    }
    staying.sort();
    Ok(Sorted { id: Uuid::nil(), chunk, over, staying })
}

/// The plan of all that is over, and its keys; what cannot be erased stays where it is.
async fn over(
    house: &House,
    chunks: &mut [Sorted],
    remainder: &Remainder,
    obstacles: &mut Obstacles<'_>,
) -> Result<Option<Over>, FlowError> {
    let mut keys = BTreeMap::<String, Vec<Key>>::new();
    for sorted in chunks.iter().filter(|sorted| !sorted.over.is_empty()) {
        keys.entry(sorted.chunk.set.clone()).or_default().extend(sorted.over.iter().cloned());
    }
    let sets = remainder.sets.iter().filter(|set| keys.contains_key(&set.name()));
    let keepings: Vec<_> = sets.map(|set| set.keeping.clone()).collect();
    if keepings.is_empty() {
        return Ok(None);
    }
    let keys: Vec<_> = keepings.iter().filter_map(|keeping| keys.remove(&keeping.rows.to_string())).collect();
    let skeleton = plan_past_keeping(&house.map, &remainder.target, &keepings)?;
    match can_begin(&house.map, &house.stores, &skeleton).await.map_err(FlowError::from) {
        Ok(()) => Ok(Some(Over { skeleton, keys })),
        Err(error) if error.retry() == Retry::Permanent => {
            if obstacles.stands(error) {
                chunks.iter_mut().for_each(put_back);
            }
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

/// Rows whose time is over stay all the same.
fn put_back(sorted: &mut Sorted) {
    let over = |(key, _): &&KeptRow| sorted.over.contains(key);
    let back: Vec<_> = sorted.chunk.rows.iter().filter(over).cloned().collect();
    sorted.staying.extend(back);
    sorted.staying.sort();
}
