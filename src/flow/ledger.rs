//! The memory of one erasure in our own database: keys sealed under the case's replay key, each intent with its leaf
//! in the trail before the act, each outcome with its leaf after it was read back.

use async_trait::async_trait;
use serde_json::Value;

use crate::breakpoint;
use crate::db::erasures::{self, Bound, StepName};
use crate::db::{DbError, Tx, sealed};
use crate::domain::CaseId;
use crate::erase::plan::{KeySet, Step};
use crate::erase::{ChunkState, Discovery, Ledger, LedgerError, StepCounts, StepState};
use crate::stores::Key;
use crate::trail::{Actor, Event, Fact, Facts};

use super::error::FlowError;
use super::house::House;
use super::{note, safe};

const KEYS: &str = "keys";

/// The ledger of one request's plan.
pub(super) struct CaseLedger<'a> {
    pub(super) house: &'a House,
    pub(super) case: CaseId,
    pub(super) bound: Bound,
    pub(super) steps: &'a [Step],
}

impl From<FlowError> for LedgerError {
    fn from(error: FlowError) -> Self {
        Self { retry: error.retry(), source: Box::new(error) }
    }
}

impl From<DbError> for LedgerError {
    fn from(error: DbError) -> Self {
        FlowError::from(error).into()
    }
}

impl CaseLedger<'_> {
    fn step_named(&self, number: u16) -> Result<&Step, FlowError> {
        self.steps.get(usize::from(number)).ok_or(FlowError::Missing("a step of the plan"))
    }

    async fn record(
        &self,
        tx: &mut Tx,
        event: Event,
        number: u16,
        counts: Option<StepCounts>,
    ) -> Result<(), FlowError> {
        let step = self.step_named(number)?;
        let mut facts = Facts::new()
            .with("step", Fact::Count(u64::from(number)))?
            .with("store", Fact::Word(step.rows.at.store.to_string()))?
            .with("table", Fact::Word(word(&step.rows.at.table)))?
            .with("act", Fact::Word(step.act.as_str().to_owned()))?
            .with("plan", Fact::Digest(self.bound.plan_digest))?;
        if let Some(counts) = counts {
            for (name, count) in [
                ("erased", counts.erased),
                ("masked", counts.masked),
                ("detached", counts.detached),
                ("kept", counts.kept),
                ("not_found", counts.not_found),
                ("residue", counts.residue),
            ] {
                facts = facts.with(name, Fact::Count(count))?;
            }
        }
        note::append(self.house, tx, self.case, event, Actor::PROGRAM, facts).await
    }

    async fn chunks(&self, tx: &mut Tx, step: u16) -> Result<Option<StepState>, FlowError> {
        let Some(chunks) = erasures::chunks(tx, self.bound, step).await? else { return Ok(None) };
        let chunks =
            serde_json::from_value(chunks).map_err(|_| FlowError::Broken("the chunks of a step of another shape"))?;
        Ok(Some(StepState { intended: true, chunks }))
    }

    async fn set_chunks(&self, tx: &mut Tx, step: u16, state: &StepState) -> Result<(), FlowError> {
        erasures::set_chunks(tx, self.bound, step, json(&state.chunks)?).await?;
        Ok(())
    }
}

/// A table's name as the trail may hold it: its alphabet is narrower than a database's.
fn word(name: &str) -> String {
    name.to_lowercase().chars().map(|c| if c.is_ascii_alphanumeric() || c == '_' { c } else { '-' }).take(64).collect()
}

fn json<T: serde::Serialize>(value: &T) -> Result<Value, FlowError> {
    serde_json::to_value(value).map_err(|_| FlowError::Broken("a record of an erasure that does not serialise"))
}

#[async_trait]
impl Ledger for CaseLedger<'_> {
    async fn discovery(&self) -> Result<Option<Discovery>, LedgerError> {
        let mut tx = self.house.db.read().await?;
        let found = erasures::discovery(&mut tx, self.bound).await?;
        let read = |value| serde_json::from_value(value).map_err(|_| FlowError::Broken("a discovery of another shape"));
        Ok(found.map(read).transpose()?)
    }

    async fn save_keys(&self, set: &KeySet, chunk: u32, keys: &[Key]) -> Result<(), LedgerError> {
        let mut tx = self.house.db.write().await?;
        let name = set.to_string();
        if let Some(old) = erasures::keys_blob(&mut tx, self.bound, &name, chunk).await? {
            sealed::delete(&mut tx, old).await?;
        }
        let key = safe::replay_key(self.house, &mut tx, self.case).await?;
        let bytes = serde_json::to_vec(keys).map_err(|_| FlowError::Broken("keys that do not serialise"))?;
        let now = self.house.clock.now();
        let blob = sealed::put(&mut tx, &key, KEYS, &bytes, now, &*self.house.chance).await?;
        erasures::save_keys_blob(&mut tx, self.bound, &name, chunk, blob).await?;
        tx.commit().await?;
        Ok(())
    }

    async fn load_keys(&self, set: &KeySet, chunk: u32) -> Result<Vec<Key>, LedgerError> {
        let mut tx = self.house.db.read().await?;
        let missing = || FlowError::Missing("a chunk of saved keys");
        let blob = erasures::keys_blob(&mut tx, self.bound, &set.to_string(), chunk).await?.ok_or_else(missing)?;
        let key = safe::replay_key(self.house, &mut tx, self.case).await?;
        let bytes = sealed::get(&mut tx, &key, KEYS, blob).await?.ok_or_else(missing)?;
        Ok(serde_json::from_slice(&bytes).map_err(|_| FlowError::Broken("saved keys of another shape"))?)
    }

    async fn save_discovery(&self, discovery: &Discovery) -> Result<(), LedgerError> {
        let mut tx = self.house.db.write().await?;
        erasures::save_discovery(&mut tx, self.bound, json(discovery)?).await?;
        tx.commit().await?;
        Ok(())
    }

    async fn step(&self, step: u16) -> Result<StepState, LedgerError> {
        let mut tx = self.house.db.read().await?;
        Ok(self.chunks(&mut tx, step).await?.unwrap_or_default())
    }

    async fn intent(&self, step: u16) -> Result<(), LedgerError> {
        let named = self.step_named(step)?;
        let name = StepName {
            sequence: step,
            store: named.rows.at.store.as_str(),
            table: &named.rows.at.table,
            action: named.act.as_str(),
        };
        let mut tx = self.house.db.write().await?;
        if erasures::intend(&mut tx, self.bound, name, self.house.clock.now()).await? {
            self.record(&mut tx, Event::Intent, step, None).await?;
        }
        tx.commit().await?;
        Ok(())
    }

    async fn begin_chunk(&self, step: u16, chunk: u32, present: u64) -> Result<u64, LedgerError> {
        let mut tx = self.house.db.write().await?;
        let mut state = self.chunks(&mut tx, step).await?.ok_or(FlowError::Missing("the intent of a step"))?;
        let first = state.chunks.entry(chunk).or_insert(ChunkState { present, done: None }).present;
        self.set_chunks(&mut tx, step, &state).await?;
        tx.commit().await?;
        Ok(first)
    }

    async fn end_chunk(&self, step: u16, chunk: u32, counts: StepCounts) -> Result<(), LedgerError> {
        let mut tx = self.house.db.write().await?;
        let mut state = self.chunks(&mut tx, step).await?.ok_or(FlowError::Missing("the intent of a step"))?;
        state.chunks.entry(chunk).or_insert(ChunkState { present: 0, done: None }).done = Some(counts);
        self.set_chunks(&mut tx, step, &state).await?;
        tx.commit().await?;
        Ok(())
    }

    async fn outcome(&self, step: u16, counts: StepCounts) -> Result<(), LedgerError> {
        let mut tx = self.house.db.write().await?;
        erasures::set_outcome(&mut tx, self.bound, step, json(&counts)?, self.house.clock.now()).await?;
        self.record(&mut tx, Event::Outcome, step, Some(counts)).await?;
        tx.commit().await?;
        Ok(())
    }

    async fn breakpoint(&self, name: &'static str) -> Result<(), LedgerError> {
        breakpoint::pass(name);
        Ok(())
    }
}
