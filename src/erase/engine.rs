//! Carries out a plan: finds and saves every key, acts leaf → root in chunks, reads every step back.
//!
//! It can be killed anywhere and run again. Before an act it records the intent and how many rows are there; after it,
//! what came of them. A chunk that ran and was not recorded runs again, finds the rows gone or masked, and counts
//! them against what was there before: the same figures as if nothing had happened. Nothing is ever undone.

use std::collections::{BTreeMap, BTreeSet};

use tokio_util::sync::CancellationToken;

use super::discover::{EraseLimits, Finder};
use super::error::EraseError;
use super::ledger::{ChunkState, Discovery, Ledger, StepCounts, StepState};
use super::map::{DataMap, Mask, TableMap, check};
use super::outcome::Outcome;
use super::plan::{Act, KeySet, Plan, Skeleton, Step};
use super::preview::{self, DriftLimits};
use super::tombstone::tombstone;
use crate::domain::Timestamp;
use crate::stores::{Assignment, Key, NewValue, Schema, Select, StoreName, Stores};

/// The places between a commit and the next outside effect, where a kill is tested.
pub const BREAKPOINTS: &[&str] = &[
    "erase:found",
    "erase:keys_saved",
    "erase:discovery_saved",
    "erase:intent_saved",
    "erase:chunk_begun",
    "erase:chunk_acted",
    "erase:chunk_saved",
    "erase:step_read_back",
    "erase:outcome_saved",
];

/// What an execution works with.
pub struct Run<'a> {
    /// The data map.
    pub map: &'a DataMap,
    /// The open stores.
    pub stores: &'a Stores,
    /// The memory of this erasure.
    pub ledger: &'a dyn Ledger,
    /// The case's secret for tombstones; the same in every run of the case.
    pub tombstone_secret: &'a [u8; 32],
    /// The time.
    pub now: Timestamp,
    /// Rows per chunk and per table.
    pub limits: EraseLimits,
    /// How far counts may move from the approved ones.
    pub drift: DriftLimits,
    /// Stops between two chunks.
    pub kill: &'a CancellationToken,
    /// Told of every chunk.
    pub progress: &'a (dyn Fn(Progress) + Send + Sync),
}

/// How far an execution is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// The step's number.
    pub step: u16,
    /// Steps in all.
    pub steps: u16,
    /// Chunks of this step that are done.
    pub chunks_done: u32,
    /// Chunks of this step in all.
    pub chunks: u32,
}

/// Carries out a plan, or goes on with it.
///
/// # Errors
/// [`EraseError`]; what was done until then is recorded, and the same call goes on from there.
pub async fn execute(plan: &Plan, run: &Run<'_>) -> Result<Outcome, EraseError> {
    let skeleton = plan.skeleton();
    if super::plan::plan(run.map, &skeleton.target)?.digest != skeleton.digest {
        return Err(EraseError::MapChanged);
    }
    let schemas = trusted_schemas(run.map, run.stores).await?;
    let discovery = discovered(plan, run).await?;
    let work = Work { run, skeleton, schemas: &schemas, discovery: &discovery };
    let mut counts = Vec::with_capacity(skeleton.steps.len());
    for step in &skeleton.steps {
        counts.push(work.act(step).await?);
    }
    for (step, counts) in skeleton.steps.iter().zip(&mut counts) {
        counts.residue = work.residue(step).await?;
        run.ledger.breakpoint("erase:step_read_back").await?;
        run.ledger.outcome(step.number, *counts).await?;
        run.ledger.breakpoint("erase:outcome_saved").await?;
    }
    Ok(Outcome::of(skeleton, &counts, &discovery.until))
}

/// The catalogues, if the map is still true of them: a column that was added since the start is nobody's to pass over.
pub(super) async fn trusted_schemas(map: &DataMap, stores: &Stores) -> Result<BTreeMap<StoreName, Schema>, EraseError> {
    let mut schemas = BTreeMap::new();
    for (name, mapped) in map.stores() {
        let at = super::map::TableRef {
            store: name.clone(),
            table: mapped.tables.keys().next().cloned().unwrap_or_default(),
        };
        let store = stores.get(name).map_err(EraseError::store(&at))?;
        schemas.insert(name.clone(), store.schema().await.map_err(EraseError::store(&at))?);
    }
    let defects = check(map, &schemas);
    if defects.is_empty() { Ok(schemas) } else { Err(EraseError::Defects { defects }) }
}

/// What was found, from the ledger, or found now and saved there before anything is written.
async fn discovered(plan: &Plan, run: &Run<'_>) -> Result<Discovery, EraseError> {
    if let Some(discovery) = run.ledger.discovery().await? {
        return Ok(discovery);
    }
    let finder = Finder { map: run.map, stores: run.stores, limits: run.limits, kill: run.kill };
    let found = finder.find(plan.skeleton(), run.now).await?;
    let rows = preview::rows(plan.skeleton(), &found);
    if let Some(drift) = preview::drift(&plan.preview().rows, &rows, run.drift) {
        return Err(EraseError::Drift(drift));
    }
    run.ledger.breakpoint("erase:found").await?;
    let chunk_rows = run.limits.chunk_rows.max(1);
    let mut discovery = Discovery { chunk_rows, until: found.until, ..Discovery::default() };
    for (set, keys) in found.sets {
        let keys: Vec<_> = keys.into_iter().collect();
        for (number, chunk) in (0..).zip(keys.chunks(chunk_rows as usize)) {
            run.ledger.save_keys(&set, number, chunk).await?;
            run.ledger.breakpoint("erase:keys_saved").await?;
        }
        discovery.rows.insert(set.to_string(), keys.len() as u64);
    }
    run.ledger.save_discovery(&discovery).await?;
    run.ledger.breakpoint("erase:discovery_saved").await?;
    Ok(discovery)
}

/// An execution whose keys are saved.
pub(super) struct Work<'a> {
    pub(super) run: &'a Run<'a>,
    pub(super) skeleton: &'a Skeleton,
    pub(super) schemas: &'a BTreeMap<StoreName, Schema>,
    pub(super) discovery: &'a Discovery,
}

impl Work<'_> {
    /// Does what is left of a step; answers what came of all of it.
    async fn act(&self, step: &Step) -> Result<StepCounts, EraseError> {
        let ledger = self.run.ledger;
        let state = ledger.step(step.number).await?;
        if !state.intended {
            ledger.intent(step.number).await?;
            ledger.breakpoint("erase:intent_saved").await?;
        }
        let chunks = self.chunks(&step.rows);
        let mut total = StepCounts::default();
        for chunk in 0..chunks {
            self.finder().not_killed()?;
            total.add(self.chunk(step, chunk, &state).await?);
            (self.run.progress)(Progress {
                step: step.number,
                steps: u16::try_from(self.skeleton.steps.len()).unwrap_or(u16::MAX),
                chunks_done: chunk + 1,
                chunks,
            });
        }
        Ok(total)
    }

    async fn chunk(&self, step: &Step, chunk: u32, state: &StepState) -> Result<StepCounts, EraseError> {
        let ledger = self.run.ledger;
        if let Some(ChunkState { done: Some(counts), .. }) = state.chunks.get(&chunk) {
            return Ok(*counts);
        }
        let at = &step.rows.at;
        let failed = EraseError::store(at);
        let store = self.run.stores.get(&at.store).map_err(EraseError::store(at))?;
        let table = self.finder().table(at)?;
        let keys = ledger.load_keys(&step.rows, chunk).await?;
        let select = Select { table: &at.table, columns: &table.key, values: &keys };
        let present = match state.chunks.get(&chunk) {
            Some(begun) => begun.present,
            None => {
                let present = store.count(select).await.map_err(EraseError::store(at))?;
                ledger.begin_chunk(step.number, chunk, present).await?
            }
        };
        ledger.breakpoint("erase:chunk_begun").await?;
        match &step.act {
            Act::Delete => store.delete(select).await,
            Act::Open(columns) | Act::LetGo(columns) | Act::Mask(columns) => {
                store.mask(select, &self.assignments(step, table, columns, &keys)).await
            }
            Act::Keep => Ok(0),
        }
        .map_err(failed)?;
        ledger.breakpoint("erase:chunk_acted").await?;
        let left = store.count(select).await.map_err(EraseError::store(at))?;
        let counts = counted(step, keys.len() as u64, present, left);
        ledger.end_chunk(step.number, chunk, counts).await?;
        ledger.breakpoint("erase:chunk_saved").await?;
        Ok(counts)
    }

    /// The new values of a mask for these keys.
    pub(super) fn assignments(
        &self,
        step: &Step,
        table: &TableMap,
        columns: &BTreeMap<String, Mask>,
        keys: &[Key],
    ) -> Vec<Assignment> {
        let at = &step.rows.at;
        let found = self.schemas.get(&at.store).and_then(|schema| schema.tables.get(&at.table));
        let value = |column: &str, mask: &Mask| match mask {
            Mask::Null | Mask::Detach => NewValue::Null,
            Mask::Constant(text) => NewValue::Constant(text.clone()),
            Mask::Tombstone => {
                let length_max = found.and_then(|table| table.column(column)).and_then(|column| column.length_max);
                let is_address = table.identify.get("email").is_some_and(|address| address == column);
                let secret = self.run.tombstone_secret;
                let text = |key: &Key| tombstone(secret, at, column, key, length_max, is_address);
                NewValue::PerKey(keys.iter().map(text).collect())
            }
        };
        columns.iter().map(|(column, mask)| Assignment { column: column.clone(), value: value(column, mask) }).collect()
    }

    pub(super) fn chunks(&self, set: &KeySet) -> u32 {
        let rows = self.discovery.rows.get(&set.to_string()).copied().unwrap_or(0);
        u32::try_from(rows.div_ceil(u64::from(self.discovery.chunk_rows.max(1)))).unwrap_or(u32::MAX)
    }

    pub(super) async fn saved(&self, set: &KeySet) -> Result<BTreeSet<Key>, EraseError> {
        let mut keys = BTreeSet::new();
        for chunk in 0..self.chunks(set) {
            keys.extend(self.run.ledger.load_keys(set, chunk).await?);
        }
        Ok(keys)
    }

    pub(super) const fn finder(&self) -> Finder<'_> {
        Finder { map: self.run.map, stores: self.run.stores, limits: self.run.limits, kill: self.run.kill }
    }
}

/// What came of a chunk: rows that were there before the act and are not there now were erased by it, also where it
/// ran before and nobody recorded it.
fn counted(step: &Step, saved: u64, present: u64, left: u64) -> StepCounts {
    let mut counts = StepCounts { not_found: saved.saturating_sub(present), ..StepCounts::default() };
    let here = |wanted: bool| if wanted { present } else { 0 };
    match &step.act {
        Act::Delete => counts.erased = present.saturating_sub(left),
        Act::Mask(columns) => {
            counts.masked = here(!step.erases.is_empty());
            counts.detached = here(columns.values().any(|mask| *mask == Mask::Detach));
            counts.kept = here(step.keep.is_some());
        }
        Act::Keep => counts.kept = here(step.keep.is_some()),
        Act::LetGo(_) => counts.detached = present,
        Act::Open(_) => counts.not_found = 0,
    }
    counts
}
