//! How far the steps of a round are: read from the ledger once, and kept up with what is recorded.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::act::Work;
use super::error::EraseError;
use super::holding::Holding;
use super::ledger::{Before, Begun, ChunkState, Ended, StepState};
use super::plan::Step;

/// How far the steps are.
#[derive(Default)]
pub(super) struct Marks(Mutex<Inner>);

#[derive(Default)]
struct Inner {
    /// As the ledger has it; `None` where it was not read yet.
    steps: Option<BTreeMap<u16, StepState>>,
    /// Chunks that are seen done, and not recorded yet. A run that is killed before does them again.
    ended: Vec<Ended>,
}

impl Marks {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn chunk(&mut self, step: u16, chunk: u32, before: &Before) -> &mut ChunkState {
        let chunks = &mut self.steps.get_or_insert_default().entry(step).or_default().chunks;
        chunks.entry(chunk).or_insert_with(|| ChunkState { before: before.clone(), done: None })
    }
}

impl Work<'_> {
    /// How far a step is.
    pub(super) async fn state(&self, step: u16) -> Result<StepState, EraseError> {
        let known = |inner: &Inner| Some(inner.steps.as_ref()?.get(&step).cloned().unwrap_or_default());
        if let Some(state) = known(&self.marks.lock()) {
            return Ok(state);
        }
        let steps = self.run.ledger.steps().await?;
        let mut inner = self.marks.lock();
        inner.steps = Some(steps);
        Ok(known(&inner).unwrap_or_default())
    }

    /// Records what will be done, as far as that was not recorded yet, in one go: nothing of any step was done before.
    pub(super) async fn intend(&self) -> Result<(), EraseError> {
        let mut fresh: Vec<&Step> = Vec::new();
        for step in &self.skeleton().steps {
            if !self.state(step.number).await?.intended {
                fresh.push(step);
            }
        }
        if fresh.is_empty() {
            return Ok(());
        }
        self.run.ledger.intend(&fresh).await?;
        for step in fresh {
            self.marks.lock().steps.get_or_insert_default().entry(step.number).or_default().intended = true;
        }
        Ok(self.run.ledger.breakpoint("erase:intent_saved").await?)
    }

    /// Records the rows of a chunk before the act, and what came of those before it; answers the first counts ever recorded.
    pub(super) async fn begin(&self, begun: Begun) -> Result<Before, EraseError> {
        let before = self.recorded(Some(&begun)).await?.unwrap_or_else(|| begun.before.clone());
        self.marks.lock().chunk(begun.step, begun.chunk, &before);
        Ok(before)
    }

    /// Notes that a chunk is seen done; what came of it is recorded with the next.
    pub(super) fn end(&self, ended: Ended) {
        self.marks.lock().ended.push(ended);
    }

    /// Records what came of chunks and was not recorded yet.
    pub(super) async fn settle(&self) -> Result<(), EraseError> {
        if !self.marks.lock().ended.is_empty() {
            self.recorded(None).await?;
        }
        Ok(())
    }

    async fn recorded(&self, begun: Option<&Begun>) -> Result<Option<Before>, EraseError> {
        let ended = std::mem::take(&mut self.marks.lock().ended);
        let first = self.run.ledger.mark(&ended, begun).await?;
        for Ended { step, chunk, counts } in &ended {
            let nothing = Before { present: 0, changing: 0, holding: Holding::default() };
            self.marks.lock().chunk(*step, *chunk, &nothing).done = Some(*counts);
        }
        if !ended.is_empty() {
            self.run.ledger.breakpoint("erase:chunk_saved").await?;
        }
        Ok(first)
    }
}
