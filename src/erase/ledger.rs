//! What an erasure remembers between two runs. The engine says what; whoever implements [`Ledger`] says where.

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error as StdError;

use async_trait::async_trait;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::held::HeldTables;
use super::holding::Holding;
use super::map::TableRef;
use super::plan::{KeySet, Skeleton, Step};
use crate::domain::Retry;
use crate::stores::Key;

/// What was found before the first write, and by later rounds. Saved once all keys are saved; until then nothing is
/// written in a store.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Discovery {
    /// What is done. From here on the run goes by this, whatever becomes of the map.
    pub skeleton: Skeleton,
    /// Set (as [`KeySet`] prints itself) → how many keys each of its chunks holds.
    pub chunks: BTreeMap<String, Vec<u64>>,
    /// Step → the last day that its rows are kept.
    pub until: BTreeMap<u16, Date>,
    /// The recipients who were to be told of somebody that was found.
    #[serde(default)]
    pub told: BTreeSet<String>,
    /// Whom kept rows were of, as the ledger's own words for people: their keys are forgotten, and a legal hold on them counts.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub of: BTreeSet<[u8; 32]>,
}

impl Discovery {
    /// Nothing found yet under a plan.
    #[must_use]
    pub fn of(skeleton: Skeleton) -> Self {
        Self { skeleton, chunks: BTreeMap::new(), until: BTreeMap::new(), told: BTreeSet::new(), of: BTreeSet::new() }
    }

    /// Whether a set was saved. What tells whose a row is was not by an older version.
    #[must_use]
    pub fn was_saved(&self, set: &KeySet) -> bool {
        self.chunks.contains_key(&set.to_string())
    }

    /// The saved sets of a table's rows that belong to the target.
    #[must_use]
    pub fn sets_of(&self, at: &TableRef) -> BTreeSet<KeySet> {
        let steps = self.skeleton.steps.iter().map(|step| step.rows.clone());
        let sets = steps.chain([KeySet::of(at.clone())]).filter(|set| set.at == *at && set.pointing.is_none());
        sets.filter(|set| self.was_saved(set)).collect()
    }
}

/// How far a step is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepState {
    /// Its intent was recorded.
    pub intended: bool,
    /// Its chunks that were begun.
    pub chunks: BTreeMap<u32, ChunkState>,
}

/// The rows of a chunk before the first act on it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Before {
    /// Rows that were there.
    pub present: u64,
    /// Those whose columns did not hold their new values yet; all of them where no column gets one.
    pub changing: u64,
    /// Those that hold something of a category.
    pub holding: Holding,
}

/// How far a chunk is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChunkState {
    /// Its rows before the first act on it.
    pub before: Before,
    /// What came of it; `None` while that is not known.
    pub done: Option<StepCounts>,
}

/// What happened to rows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepCounts {
    /// Deleted.
    pub erased: u64,
    /// Stay with masked columns, and one of these had something to mask.
    pub masked: u64,
    /// Let go of what they pointed to.
    pub detached: u64,
    /// Stay on a ground (they may be masked too).
    pub kept: u64,
    /// Were found, and were gone before we came.
    pub not_found: u64,
    /// Still there when read back, without a ground.
    pub residue: u64,
}

impl StepCounts {
    pub(super) fn add(&mut self, other: Self) {
        self.erased += other.erased;
        self.masked += other.masked;
        self.detached += other.detached;
        self.kept += other.kept;
        self.not_found += other.not_found;
        self.residue += other.residue;
    }
}

/// What could not be recorded or read.
#[derive(Debug, thiserror::Error)]
#[error("the erasure's own records could not be read or written")]
pub struct LedgerError {
    /// Why.
    pub source: Box<dyn StdError + Send + Sync>,
    /// Whether it may go through later.
    pub retry: Retry,
}

/// The memory of one erasure.
///
/// MUST: be durable when a call returns; seal keys (they may be personal data); give back what was saved; take every
/// call a second time without a change: `save_keys` replaces, `intent`, `begin_chunk` and `end_chunk` keep what is there,
/// and `begin_chunk` answers the first count ever given for the chunk. MUST refuse to write for a run that does not hold
/// the work any more, and to give back keys or a discovery that somebody else wrote or moved.
#[async_trait]
pub trait Ledger: Send + Sync {
    /// What was found, if discovery was completed.
    async fn discovery(&self) -> Result<Option<Discovery>, LedgerError>;
    /// Saves a chunk of keys.
    async fn save_keys(&self, set: &KeySet, chunk: u32, keys: &[Key]) -> Result<(), LedgerError>;
    /// A chunk of keys that was saved; one that was not is an error, never an empty chunk.
    async fn load_keys(&self, set: &KeySet, chunk: u32) -> Result<Vec<Key>, LedgerError>;
    /// Marks discovery as complete, with what was found so far.
    async fn save_discovery(&self, discovery: &Discovery) -> Result<(), LedgerError>;
    /// How far a step is.
    async fn step(&self, step: u16) -> Result<StepState, LedgerError>;
    /// Records that a step will be done, before anything of it is.
    async fn intent(&self, step: &Step) -> Result<(), LedgerError>;
    /// Records the rows of a chunk before the act; answers the first counts ever recorded.
    async fn begin_chunk(&self, step: u16, chunk: u32, before: Before) -> Result<Before, LedgerError>;
    /// Records what came of a chunk.
    async fn end_chunk(&self, step: u16, chunk: u32, counts: StepCounts) -> Result<(), LedgerError>;
    /// Records what came of a step, and of how many rows that held something, after it was read back. A later run may
    /// record it again.
    async fn outcome(&self, step: &Step, counts: StepCounts, holding: &Holding) -> Result<(), LedgerError>;
    /// The tables of the plan that a legal hold stands on now: none of their rows may be touched.
    async fn held(&self, _discovery: &Discovery) -> Result<HeldTables, LedgerError> {
        Ok(HeldTables::new())
    }
    /// Called between every commit and outside effect, with a name of [`BREAKPOINTS`](super::BREAKPOINTS). Does
    /// nothing in production; an error ends the run there, as a kill would.
    async fn breakpoint(&self, name: &'static str) -> Result<(), LedgerError>;
}
