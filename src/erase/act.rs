//! Acts on saved keys, chunk by chunk, and counts what came of it. Finds nothing.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

use super::blank;
use super::discover::{Finder, Owned, Sets};
use super::engine::{Recognised, Run};
use super::error::EraseError;
use super::held;
use super::holding::{Groups, Holding};
use super::ledger::{Before, Begun, ChunkState, Discovery, Ended, StepCounts, StepState};
use super::map::{Link, Mask, TableMap, TableRef};
use super::marks::Marks;
use super::owners::Owners;
use super::packed::{Gather, Packed};
use super::pages::{HELD_MAX, PageName, Pages};
use super::plan::{Act, KeySet, Skeleton, Step};
use super::remade::Place;
use super::throttle;
use super::tombstone::{ALIKE, tombstone};
use super::whose::{Asking, Sorted, Stage};
use crate::stores::{Assignment, Key, NewValue, OnDelete, RowStore, Schema, Select, StoreError, StoreName, Table};

/// What came of rows.
#[derive(Clone, Default)]
pub(super) struct Done {
    pub(super) counts: StepCounts,
    /// Of how many that held something.
    pub(super) holding: Holding,
}

impl Done {
    fn of(step: &Step, counts: StepCounts, before: &Before) -> Self {
        Self { counts, holding: before.holding.told(step, counts) }
    }
}

/// An execution whose keys are saved.
pub(super) struct Work<'a> {
    pub(super) run: &'a Run<'a>,
    pub(super) schemas: &'a BTreeMap<StoreName, Schema>,
    pub(super) discovery: &'a Discovery,
    /// What becomes of rows that hold a saved identity under another key.
    pub(super) recognised: Recognised,
    /// Rows under saved keys that are somebody else's by now: none of them is touched or counted.
    pub(super) strangers: &'a Owned,
    /// Whether a completed erasure is looked at again, and nothing is done.
    pub(super) searching: bool,
    /// Saved keys that were read lately.
    pub(super) pages: Pages,
    /// How far the steps are.
    pub(super) marks: Marks,
}

impl Work<'_> {
    /// Does what is left of a step; answers what came of all of it.
    pub(super) async fn act(&self, step: &Step, owners: &Owners) -> Result<Done, EraseError> {
        let state = self.state(step.number).await?;
        let asking = self.asking(step, owners).await?;
        let mut total = Done::default();
        for chunk in 0..self.chunks(&step.rows)? {
            let done = self.chunk(step, chunk, &state, &asking).await?;
            total.counts.add(done.counts);
            total.holding.add(done.holding);
        }
        Ok(total)
    }

    /// One chunk. It ends only when it is seen done; until then the next run does it again.
    async fn chunk(&self, step: &Step, chunk: u32, state: &StepState, asking: &Asking<'_>) -> Result<Done, EraseError> {
        let ledger = self.run.ledger;
        if let Some(ChunkState { done: Some(counts), before }) = state.chunks.get(&chunk) {
            return Ok(Done::of(step, *counts, before));
        }
        let at = &step.rows.at;
        let began = throttle::begin(self.run, at).await?;
        // Asked before each chunk, and behind all waiting: a hold may be placed while we erase.
        let held = held::above(self.skeleton(), ledger.held(self.discovery).await?);
        if let Some(holds) = held::waits(step, &held) {
            return Err(EraseError::Held { at: at.clone(), holds: holds.clone() });
        }
        let store = self.finder().store(at)?;
        let table = self.finder().table(at)?;
        let keys = self.load(&step.rows, chunk).await?;
        let over = self.over(step, &keys).await?;
        let Sorted { ours, unsure } = asking.sorted(&over, stage(step, state, chunk)).await?;
        let begun = state.chunks.get(&chunk);
        if unsure > 0 && begun.is_none() {
            return Ok(Done::default()); // a person has to look first; the reading back counts it
        }
        let select = Select { table: &at.table, columns: &table.key, values: &ours, linked_to: None };
        let assignments = self.assignments(step, table, &ours).await?;
        let before = match begun {
            Some(begun) => begun.before.clone(),
            None => {
                let before = Groups::of(step, table).before(store, select, &assignments).await;
                let before = before.map_err(EraseError::store(at))?;
                self.begin(Begun { step: step.number, chunk, before }).await?
            }
        };
        ledger.breakpoint("erase:chunk_begun").await?;
        match &step.act {
            Act::Delete => {
                self.nothing_came(at, &ours).await?;
                store.delete(select).await
            }
            Act::Keep => Ok(0),
            _ => store.mask(select, &assignments).await,
        }
        .map_err(EraseError::store(at))?;
        ledger.breakpoint("erase:chunk_acted").await?;
        let left = left(&step.act, store, select, &assignments).await.map_err(EraseError::store(at))?;
        let counts = counted(step, keys.len() as u64, &before, left);
        if left + unsure == 0 {
            // Recorded with the begin of the next, unless that may be long after.
            self.end(Ended { step: step.number, chunk, counts });
            if throttle::waits(self.run, at) {
                self.settle().await?;
            }
        }
        if step.act != Act::Keep {
            throttle::end(self.run, at, began).await;
        }
        Ok(Done::of(step, counts, &before))
    }

    /// That no row leads to these rows which the store would delete or let go by itself when they are deleted: it came
    /// after all others were looked for, and afterwards nothing would tell any more whose it was.
    async fn nothing_came(&self, at: &TableRef, rows: &[Key]) -> Result<(), EraseError> {
        let rows: Packed = rows.iter().cloned().collect();
        for (child, table) in self.skeleton().tables.iter().filter(|(child, _)| child.store == at.store) {
            let found = self.schemas.get(&child.store).and_then(|schema| schema.tables.get(&child.table));
            let of_store = |link: &&Link| {
                let mut foreign = found.into_iter().flat_map(|found| &found.foreign_keys);
                let same = |columns: &[String]| columns.iter().all(|column| link.columns.contains(column));
                foreign.any(|key| key.on_delete != OnDelete::Refuse && key.table == at.table && same(&key.columns))
            };
            for link in table.belongs_to.iter().filter(|link| link.to == *at).filter(of_store) {
                if !self.finder().linked(child, table, link, &rows).await?.is_empty() {
                    return Err(EraseError::HeldOn { at: at.clone() });
                }
            }
        }
        Ok(())
    }

    /// The new values that a step gives to the rows of these keys.
    pub(super) async fn assignments(
        &self,
        step: &Step,
        table: &TableMap,
        keys: &[Key],
    ) -> Result<Vec<Assignment>, EraseError> {
        let at = &step.rows.at;
        let found = self.schemas.get(&at.store).and_then(|schema| schema.tables.get(&at.table));
        let columns = match &step.act {
            Act::Open(columns) | Act::LetGo(columns) | Act::Cut(columns) | Act::Mask(columns) => columns.clone(),
            Act::Blank(columns) => blank::masks(at, found.unwrap_or(&Table::default()), columns)?,
            Act::Delete | Act::Keep => BTreeMap::new(),
        };
        let secret = self.run.tombstone_secret;
        let mut assignments = Vec::with_capacity(columns.len());
        for (column, mask) in &columns {
            let length_max = found.and_then(|table| table.column(column)).and_then(|column| column.length_max);
            let value = match mask {
                Mask::Null | Mask::Detach => NewValue::Null,
                Mask::Constant(text) | Mask::Reown(text) => NewValue::Constant(text.clone()),
                Mask::Tombstone => {
                    let is_address = table.identify.get("email").is_some_and(|address| address == column);
                    let text = |key: &Key| tombstone(secret, at, column, key, length_max, is_address);
                    NewValue::PerKey { texts: keys.iter().map(text).collect(), alike: ALIKE }
                }
                Mask::Redact { .. } | Mask::Truncate(_) | Mask::Pseudonym | Mask::Json(_) => {
                    let place = Place { secret, at, column, length_max };
                    NewValue::Each(self.finder().remade(table, mask, &place, keys).await?)
                }
            };
            assignments.push(Assignment { column: column.clone(), value });
        }
        Ok(assignments)
    }

    /// How many chunks of keys a set has. A set that was never saved is not an empty one.
    pub(super) fn chunks(&self, set: &KeySet) -> Result<u32, EraseError> {
        let chunks = self.discovery.chunks.get(&set.to_string()).ok_or_else(|| changed(set))?;
        u32::try_from(chunks.len()).map_err(|_| changed(set))
    }

    /// The keys of one chunk: as many as were found.
    pub(super) async fn load(&self, set: &KeySet, chunk: u32) -> Result<Vec<Key>, EraseError> {
        let name = (set.to_string(), chunk);
        let keys = match self.pages.get(&name) {
            Some(keys) => keys,
            None => self.fetch(name).await?,
        };
        let wanted = self.discovery.chunks.get(&set.to_string()).and_then(|chunks| chunks.get(chunk as usize));
        if wanted != Some(&(keys.len() as u64)) {
            return Err(changed(set));
        }
        let mut keys = keys;
        if let Some(strangers) = self.strangers.get(&set.at).filter(|_| set.by.is_none() && set.pointing.is_none()) {
            keys.retain(|key| !strangers.contains(key));
        }
        Ok(keys)
    }

    /// Reads a page, and the others with it where all of them are few.
    async fn fetch(&self, wanted: PageName) -> Result<Vec<Key>, EraseError> {
        let mut names = vec![wanted.clone()];
        if self.discovery.chunks.values().flatten().sum::<u64>() <= HELD_MAX {
            let others = self.sets().into_iter().flat_map(|set| {
                let chunks = self.discovery.chunks.get(&set).map_or(0, Vec::len);
                (0..u32::try_from(chunks).unwrap_or(0)).map(move |chunk| (set.clone(), chunk))
            });
            names.extend(others.filter(|name| *name != wanted && self.pages.get(name).is_none()));
        }
        let mut read = names.clone().into_iter().zip(self.run.ledger.load_pages(&names).await?);
        let first = read.next().map(|(_, keys)| keys).unwrap_or_default();
        read.for_each(|(name, keys)| self.pages.hold(name, keys));
        self.pages.hold(wanted, first.clone());
        Ok(first)
    }

    /// The saved sets that steps and links are about, by name.
    fn sets(&self) -> BTreeSet<String> {
        let steps = self.skeleton().steps.iter().map(|step| step.rows.clone());
        let known = self.skeleton().tables.iter().filter(|(_, table)| table.subject.is_some());
        let known = known
            .flat_map(|(at, table)| table.identify.values().map(move |column| KeySet::by(at.clone(), column.clone())));
        let all = steps.chain(self.skeleton().witnesses()).chain(known).map(|set| set.to_string());
        all.filter(|name| self.discovery.chunks.contains_key(name)).collect()
    }

    /// Those of these rows that a step may touch: in the plan of a retention that ended, no row that stays by its own end.
    pub(super) async fn over(&self, step: &Step, keys: &[Key]) -> Result<Vec<Key>, EraseError> {
        let Some(keep) = &step.past else { return Ok(keys.to_vec()) };
        let today = self.run.now.date();
        let ends = self.finder().ends(&step.rows.at, keep, keys).await?;
        // One whose end cannot be read was over when it was saved: its start may be what was just emptied.
        let staying = ends.into_iter().filter(|(_, end)| end.is_some_and(|end| end >= today));
        let staying: BTreeSet<Key> = staying.map(|(key, _)| key).collect();
        Ok(keys.iter().filter(|key| !staying.contains(*key)).cloned().collect())
    }

    pub(super) async fn saved(&self, set: &KeySet) -> Result<Packed, EraseError> {
        let mut keys = Gather::default();
        for chunk in 0..self.chunks(set)? {
            self.load(set, chunk).await?.iter().for_each(|key| keys.add(key));
        }
        Ok(keys.finish())
    }

    /// All saved keys.
    pub(super) async fn all_saved(&self) -> Result<Sets, EraseError> {
        let mut sets = Sets::new();
        let witnesses = self.skeleton().witnesses().into_iter().filter(|set| self.discovery.was_saved(set));
        for set in self.skeleton().steps.iter().map(|step| step.rows.clone()).chain(witnesses) {
            if let Entry::Vacant(unread) = sets.entry(set) {
                let keys = self.saved(unread.key()).await?;
                unread.insert(keys);
            }
        }
        Ok(sets)
    }

    /// All saved keys of a table's rows that belong to the target.
    pub(super) async fn saved_of(&self, at: &TableRef) -> Result<Packed, EraseError> {
        let mut keys = Packed::default();
        for set in self.discovery.sets_of(at) {
            keys = keys.with(self.saved(&set).await?);
        }
        Ok(keys)
    }

    pub(super) const fn skeleton(&self) -> &Skeleton {
        &self.discovery.skeleton
    }
}

impl<'a> Work<'a> {
    /// One that acts. What becomes of rows that hold a saved identity under another key is `recognised`.
    pub(super) fn new(
        run: &'a Run<'a>,
        schemas: &'a BTreeMap<StoreName, Schema>,
        discovery: &'a Discovery,
        strangers: &'a Owned,
        recognised: Recognised,
    ) -> Self {
        let (pages, marks) = (Pages::default(), Marks::default());
        Self { run, schemas, discovery, recognised, strangers, searching: false, pages, marks }
    }

    pub(super) const fn finder(&self) -> Finder<'a> {
        Finder { skeleton: &self.discovery.skeleton, stores: self.run.stores, limits: self.run.limits }
    }
}

/// How many rows are not as the act leaves them.
async fn left(act: &Act, store: &dyn RowStore, select: Select<'_>, new: &[Assignment]) -> Result<u64, StoreError> {
    match act {
        Act::Delete => store.count(select).await,
        Act::Keep => Ok(0),
        _ => store.residue(select, new).await,
    }
}

/// How far a step is with deleting a chunk.
pub(super) fn stage(step: &Step, state: &StepState, chunk: u32) -> Stage {
    Stage::of((step.act == Act::Delete).then_some(state), chunk)
}

fn changed(set: &KeySet) -> EraseError {
    EraseError::SavedKeys { set: set.to_string() }
}

/// What came of a chunk: rows that were there before the act and are not there now were erased by it, also where it
/// ran before and nobody recorded it. A row that had nothing to mask was not masked.
fn counted(step: &Step, saved: u64, before: &Before, left: u64) -> StepCounts {
    let Before { present, changing, .. } = *before;
    let mut counts = StepCounts { not_found: saved.saturating_sub(present), ..StepCounts::default() };
    let kept = if step.keep.is_some() { present } else { 0 };
    match &step.act {
        Act::Delete => counts.erased = present.saturating_sub(left),
        Act::Mask(_) | Act::Blank(_) => {
            let told = !step.erases.is_empty() || !step.pseudonyms.is_empty();
            counts.masked = if told { changing } else { 0 };
            counts.kept = kept;
        }
        Act::Keep => counts.kept = kept,
        Act::LetGo(_) => counts.detached = present,
        // The same rows are counted as found or not by the step that follows.
        Act::Cut(_) => (counts.detached, counts.not_found) = (present, 0),
        Act::Open(_) => counts.not_found = 0,
    }
    counts
}
