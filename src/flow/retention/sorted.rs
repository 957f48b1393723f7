//! Asks the kept rows of a case until when they stay, a chunk at a time, and sorts them. Writes nothing.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use uuid::Uuid;

use crate::domain::Retry;
use crate::erase::{Ends, KeptRow, PlanError, Skeleton, can_begin, ends, plan_past_keeping, trusted};
use crate::reply::letters::{EndedLine, StayingLine};
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
    /// The grounds that had rows and have none any more.
    pub(super) gone: Vec<EndedLine>,
    /// The grounds of rows that a person has seen to themselves.
    pub(super) given_up: BTreeSet<String>,
}

impl Looked {
    const fn of(remainder: Remainder) -> Self {
        Self {
            remainder,
            over: None,
            changed: Vec::new(),
            first: None,
            obstacle: None,
            gone: Vec::new(),
            given_up: BTreeSet::new(),
        }
    }

    /// The grounds that have rows still, each with the last day of the row that stays longest.
    pub(super) fn staying(&self) -> Vec<StayingLine> {
        let mut grounds = BTreeMap::<&String, Option<Date>>::new();
        for set in self.remainder.sets.iter().filter(|set| set.rows > 0) {
            let until = grounds.entry(&set.keeping.keep.ground).or_default();
            *until = set.until.max(*until);
        }
        grounds.into_iter().map(|(ground, until)| StayingLine { ground: ground.clone(), until }).collect()
    }
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
    /// Those whose time is over, and the last day of the one that stayed longest.
    over: Vec<Key>,
    over_on: Option<Date>,
    staying: Vec<KeptRow>,
    /// Whether a person has seen to some of them.
    given_up: bool,
}

/// Looks at every row. `seen_to` are the words of an obstacle of which a person said that they have seen to those rows themselves: they
/// are remembered no longer. Where somebody is told of their end (`is_told`), rows that went by themselves are part of the plan too: that
/// they are gone is read back like all else before it is said.
pub(super) async fn look(
    house: &House,
    key: &DataKey,
    remainder: Remainder,
    seen_to: Option<&str>,
    is_told: bool,
) -> Result<Looked, FlowError> {
    let mut looked = Looked::of(remainder);
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
    let before = looked.remainder.sets.clone();
    let sets = if is_told { gone(&before, &chunks) } else { BTreeSet::new() };
    looked.over = over(house, (chunks.as_mut_slice(), sets), &looked.remainder, &mut obstacles).await?;
    looked.obstacle = obstacles.first;
    for set in &mut looked.remainder.sets {
        (set.rows, set.until) = (0, None);
    }
    looked.remainder.away_since = None;
    let mut ends = BTreeMap::<String, Option<Date>>::new();
    for Sorted { id, chunk, staying, over_on, given_up, .. } in chunks {
        let set = looked.remainder.sets.iter_mut().find(|set| set.name() == chunk.set);
        let set = set.ok_or(FlowError::Broken("kept rows of a set that nobody kept"))?;
        if given_up {
            looked.given_up.insert(set.keeping.keep.ground.clone());
        }
        let end = ends.entry(chunk.set.clone()).or_default();
        *end = over_on.max(*end);
        set.rows += staying.len() as u64;
        set.until = staying.iter().filter_map(|(_, end)| *end).max().max(set.until);
        looked.first = staying.iter().filter_map(|(_, end)| *end).min().into_iter().chain(looked.first).min();
        if staying != chunk.rows {
            looked.changed.push((id, Chunk { set: chunk.set, rows: staying }));
        }
    }
    looked.gone = ended(&before, &looked.remainder.sets, &ends);
    Ok(looked)
}

/// The sets of which no row is there any more, though none was erased or given up.
fn gone(sets: &[KeptSet], chunks: &[Sorted]) -> BTreeSet<String> {
    let left = |sorted: &&Sorted| sorted.given_up || !sorted.over.is_empty() || !sorted.staying.is_empty();
    let left: BTreeSet<_> = chunks.iter().filter(left).map(|sorted| sorted.chunk.set.as_str()).collect();
    sets.iter().filter(|set| set.rows > 0).map(KeptSet::name).filter(|name| !left.contains(name.as_str())).collect()
}

/// The grounds that had rows and have none any more, each with the last day of the row that stayed longest.
fn ended(before: &[KeptSet], after: &[KeptSet], ends: &BTreeMap<String, Option<Date>>) -> Vec<EndedLine> {
    let staying: BTreeSet<_> = after.iter().filter(|set| set.rows > 0).map(|set| &set.keeping.keep.ground).collect();
    let mut ended = BTreeMap::<&String, Option<Date>>::new();
    for set in before.iter().filter(|set| set.rows > 0 && !staying.contains(&set.keeping.keep.ground)) {
        let day = ended.entry(&set.keeping.keep.ground).or_default();
        *day = ends.get(&set.name()).copied().flatten().max(*day);
    }
    ended.into_iter().map(|(ground, ended_on)| EndedLine { ground: ground.clone(), ended_on }).collect()
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
        let given_up = !obstacles.stands(error);
        let staying = if given_up { Vec::new() } else { chunk.rows.clone() };
        Sorted { id: Uuid::nil(), chunk, over: Vec::new(), over_on: None, staying, given_up }
    };
    let plan = plans.get(&chunk.set).ok_or(FlowError::Broken("kept rows of a set that nobody kept"))?;
    let (skeleton, step) = match plan {
        Ok(plan) => (plan, plan.steps.first().ok_or(FlowError::Broken("a plan of kept rows without a step"))?),
        Err(error) => return Ok(as_it_was(chunk, error.clone().into())),
    };
    let asked = ends(skeleton, &house.stores, house.erase_limits, (step, chunk.rows.clone()), today).await;
    let Ends { over, over_on, mut staying, doubtful } = match asked.map_err(FlowError::from) {
        Ok(ends) => ends,
        Err(error) if error.retry() == Retry::Permanent => return Ok(as_it_was(chunk, error)),
        Err(error) => return Err(error),
    };
    let mut given_up = false;
    if !doubtful.is_empty() {
        given_up = !obstacles.stands(FlowError::Doubtful(step.rows.at.clone()));
        staying.extend(doubtful.into_iter().filter(|_| !given_up));
    }
    staying.sort();
    Ok(Sorted { id: Uuid::nil(), chunk, over, over_on, staying, given_up })
}

/// The plan of all that is over, and its keys, with the sets of which nothing is there any more; what cannot be erased stays where it is.
async fn over(
    house: &House,
    (chunks, gone): (&mut [Sorted], BTreeSet<String>),
    remainder: &Remainder,
    obstacles: &mut Obstacles<'_>,
) -> Result<Option<Over>, FlowError> {
    let mut keys: BTreeMap<String, Vec<Key>> = gone.into_iter().map(|set| (set, Vec::new())).collect();
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
            if chunks.iter().any(|sorted| !sorted.over.is_empty()) {
                let stands = obstacles.stands(error);
                chunks.iter_mut().for_each(|sorted| put_back(sorted, stands));
            }
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

/// Rows whose time is over stay all the same, or are a person's to see to.
fn put_back(sorted: &mut Sorted, stands: bool) {
    sorted.over_on = None;
    sorted.given_up |= !stands && !sorted.over.is_empty();
    if !stands {
        return;
    }
    let over = |(key, _): &&KeptRow| sorted.over.contains(key);
    let back: Vec<_> = sorted.chunk.rows.iter().filter(over).cloned().collect();
    sorted.staying.extend(back);
    sorted.staying.sort();
}
