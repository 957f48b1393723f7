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
    /// The last [`Decision`](super::Decision) that rows stay, whose rows are saved.
    #[serde(default)]
    pub decided: u32,
}

impl Discovery {
    /// Nothing found yet under a plan.
    #[must_use]
    pub fn of(skeleton: Skeleton) -> Self {
        Self { skeleton, chunks: BTreeMap::new(), until: BTreeMap::new(), told: BTreeSet::new(), decided: 0 }
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

/// A page of keys that is to be saved: no more than one chunk of a step is about.
#[derive(Clone, Debug)]
pub struct KeyPage {
    /// Its set, as [`KeySet`] prints itself.
    pub set: String,
    /// Its number in the set.
    pub chunk: u32,
    /// The keys.
    pub keys: Vec<Key>,
}

/// A chunk that is about to be acted on.
#[derive(Clone, Debug)]
pub struct Begun {
    /// The step.
    pub step: u16,
    /// The chunk.
    pub chunk: u32,
    /// Its rows.
    pub before: Before,
}

/// A chunk that was acted on, and is seen done.
#[derive(Clone, Copy, Debug)]
pub struct Ended {
    /// The step.
    pub step: u16,
    /// The chunk.
    pub chunk: u32,
    /// What came of it.
    pub counts: StepCounts,
}

/// What came of a step, after it was read back.
#[derive(Clone, Copy, Debug)]
pub struct StepOutcome<'a> {
    /// The step.
    pub step: &'a Step,
    /// What happened to its rows.
    pub counts: StepCounts,
    /// Of how many that held something.
    pub holding: &'a Holding,
}

/// The memory of one erasure.
///
/// MUST: be durable when a call returns, and take all of a call or nothing; seal keys (they may be personal data); give back
/// what was saved; take every call a second time without a change: `save_keys` replaces, `intend` and `mark` keep what is
/// there, and `mark` answers the first count ever given for the chunk that begins. MUST refuse to write for a run that does
/// not hold the work any more, and to give back keys or a discovery that somebody else wrote or moved.
#[async_trait]
pub trait Ledger: Send + Sync {
    /// What was found, if discovery was completed.
    async fn discovery(&self) -> Result<Option<Discovery>, LedgerError>;
    /// Saves pages of keys.
    async fn save_keys(&self, pages: &[KeyPage]) -> Result<(), LedgerError>;
    /// Pages of keys that were saved, by set and number, in this order; one that was not is an error, never an empty page.
    async fn load_pages(&self, pages: &[(String, u32)]) -> Result<Vec<Vec<Key>>, LedgerError>;
    /// One page of keys that was saved.
    async fn load_keys(&self, set: &KeySet, chunk: u32) -> Result<Vec<Key>, LedgerError> {
        let page = (set.to_string(), chunk);
        Ok(self.load_pages(std::slice::from_ref(&page)).await?.pop().unwrap_or_default())
    }
    /// Marks discovery as complete, with what was found so far.
    async fn save_discovery(&self, discovery: &Discovery) -> Result<(), LedgerError>;
    /// How far the steps are that were intended.
    async fn steps(&self) -> Result<BTreeMap<u16, StepState>, LedgerError>;
    /// Records that steps will be done, before anything of them is.
    async fn intend(&self, steps: &[&Step]) -> Result<(), LedgerError>;
    /// Records what came of chunks, and the rows of the next one before the act; answers the first counts ever recorded for
    /// that.
    async fn mark(&self, ended: &[Ended], begun: Option<&Begun>) -> Result<Option<Before>, LedgerError>;
    /// Records what came of the steps, after all of them were read back. A later run may record it again.
    async fn outcomes(&self, outcomes: &[StepOutcome<'_>]) -> Result<(), LedgerError>;
    /// The tables of the plan that a legal hold stands on now: none of their rows may be touched.
    async fn held(&self, _discovery: &Discovery) -> Result<HeldTables, LedgerError> {
        Ok(HeldTables::new())
    }
    /// Called between every commit and outside effect, with a name of [`BREAKPOINTS`](super::BREAKPOINTS). Does
    /// nothing in production; an error ends the run there, as a kill would.
    async fn breakpoint(&self, name: &'static str) -> Result<(), LedgerError>;
}
