//! The memory of one erasure in our own database: keys sealed under the case's replay key, each intent with its leaf
//! in the trail before the act, each outcome with its leaf after it was read back.
//!
//! Every write is made under the job's lease: a worker that was paused longer than its lease writes nothing any more.

use std::collections::BTreeMap;

use async_trait::async_trait;
use serde_json::Value;
use uuid::Uuid;

use crate::breakpoint;
use crate::db::erasures::{self, Bound, ChunkBegun, PageName, Place, StepName};
use crate::db::{DbError, Tx, jobs, sealed};
use crate::domain::CaseId;
use crate::erase::plan::{KeySet, Step};
use crate::erase::{
    Before, Begun, ChunkState, Discovery, Ended, HeldTables, KeyPage, Ledger, LedgerError, StepCounts, StepOutcome,
    StepState,
};
use crate::queue::Held;
use crate::stores::Key;
use crate::trail::{Event, Fact, Facts};

use super::error::FlowError;
use super::house::House;
use super::{behind, legal, note, safe};

const KEYS: &str = "keys";
const DISCOVERY: &str = "discovery";

/// The ledger of one request's plan.
pub(super) struct CaseLedger<'a> {
    pub(super) house: &'a House,
    /// The lease of the job that erases.
    pub(super) held: Held,
    pub(super) case: CaseId,
    pub(super) bound: Bound,
    /// Which pass over the plan: 0, and one more with each continuation.
    pub(super) pass: u32,
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
    /// A transaction that may write while the lease is held, and no longer.
    async fn write(&self) -> Result<Tx, FlowError> {
        let mut tx = self.house.db.write().await?;
        jobs::confirm_in(&mut tx, self.held).await?;
        Ok(tx)
    }

    const fn place(&self, step: u16) -> Place {
        Place { pass: self.pass, step }
    }

    /// The facts of a step, for the trail.
    fn facts(&self, step: &Step, counts: Option<StepCounts>) -> Result<Facts, FlowError> {
        let mut facts = Facts::new()
            .with("step", Fact::Count(u64::from(step.number)))?
            .with("store", Fact::Word(word(step.rows.at.store.as_str())))?
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
        Ok(facts)
    }

    /// What the blobs of this erasure belong to, so that those of another one do not open here.
    fn belongs(&self, to: &str) -> String {
        let plan = data_encoding::HEXLOWER.encode(&self.bound.plan_digest);
        format!("{} {plan} {to}", self.bound.request)
    }

    fn belongs_chunk(&self, set: &str, chunk: u32) -> String {
        self.belongs(&format!("{set} {chunk}"))
    }

    /// Seals pages of keys, in the place of older ones.
    pub(super) async fn save_keys_in(&self, tx: &mut Tx, pages: &[KeyPage]) -> Result<(), FlowError> {
        let names: Vec<PageName> = pages.iter().map(|page| (page.set.clone(), page.chunk)).collect();
        for old in erasures::keys_blobs(tx, self.bound, &names).await?.into_values() {
            sealed::delete(tx, old).await?;
        }
        let key = safe::replay_key(self.house, tx, self.case).await?;
        let places: Vec<String> = names.iter().map(|(set, chunk)| self.belongs_chunk(set, *chunk)).collect();
        let plain = pages.iter().map(|page| bytes(&page.keys)).collect::<Result<Vec<_>, _>>()?;
        let blobs: Vec<(sealed::Bound<'_>, &[u8])> = places
            .iter()
            .zip(&plain)
            .map(|(to, plain)| (sealed::Bound { kind: KEYS, to: to.as_str() }, plain.as_slice()))
            .collect();
        let ids = sealed::put_all(tx, &key, &blobs, self.house.clock.now(), &*self.house.chance).await?;
        let saved: Vec<(PageName, Uuid)> = names.into_iter().zip(ids).collect();
        Ok(erasures::save_keys_blobs(tx, self.bound, &saved).await?)
    }

    /// Pages of saved keys, in this order.
    pub(super) async fn pages_in(&self, tx: &mut Tx, pages: &[PageName]) -> Result<Vec<Vec<Key>>, FlowError> {
        let missing = || FlowError::Missing("a chunk of saved keys");
        let blobs = erasures::keys_blobs(tx, self.bound, pages).await?;
        let key = safe::replay_key(self.house, tx, self.case).await?;
        let belongs = blobs.iter().map(|((set, chunk), blob)| (*blob, self.belongs_chunk(set, *chunk)));
        let sealed = sealed::get_all(tx, &key, KEYS, &belongs.collect()).await?;
        let mut read = Vec::with_capacity(pages.len());
        for page in pages {
            let bytes = blobs.get(page).and_then(|blob| sealed.get(blob)).ok_or_else(missing)?;
            let keys = serde_json::from_slice(bytes).map_err(|_| FlowError::Broken("saved keys of another shape"))?;
            read.push(keys);
        }
        Ok(read)
    }

    /// A chunk of saved keys.
    pub(super) async fn keys_in(&self, tx: &mut Tx, set: &KeySet, chunk: u32) -> Result<Vec<Key>, FlowError> {
        Ok(self.pages_in(tx, &[(set.to_string(), chunk)]).await?.pop().unwrap_or_default())
    }

    /// Seals what was found.
    pub(super) async fn save_discovery_in(&self, tx: &mut Tx, discovery: &Discovery) -> Result<(), FlowError> {
        let old = erasures::discovery_blob(tx, self.bound).await?;
        let bound = sealed::Bound { kind: DISCOVERY, to: &self.belongs("") };
        let blob = self.replace(tx, old, bound, &bytes(discovery)?).await?;
        Ok(erasures::save_discovery_blob(tx, self.bound, blob).await?)
    }

    /// Seals bytes in the place of an older blob.
    async fn replace(
        &self,
        tx: &mut Tx,
        old: Option<Uuid>,
        bound: sealed::Bound<'_>,
        bytes: &[u8],
    ) -> Result<Uuid, FlowError> {
        if let Some(old) = old {
            sealed::delete(tx, old).await?;
        }
        let key = safe::replay_key(self.house, tx, self.case).await?;
        Ok(sealed::put_bound(tx, &key, bound, bytes, self.house.clock.now(), &*self.house.chance).await?)
    }
}

/// A name as the trail may hold it: its alphabet is narrower than a database's, and a word begins with a letter there.
pub(super) fn word(name: &str) -> String {
    let allowed = |c: char| if c.is_ascii_alphanumeric() || c == '_' { c } else { '-' };
    let begins = name.starts_with(|c: char| c.is_ascii_alphabetic());
    let prefix = if begins { "" } else { "t_" };
    prefix.chars().chain(name.chars().map(|c| allowed(c.to_ascii_lowercase()))).take(64).collect()
}

fn before(rows: ChunkBegun) -> Result<Before, FlowError> {
    let holding = rows.holding.map(serde_json::from_value).transpose();
    let holding = holding.map_err(|_| FlowError::Broken("what the rows of a chunk held, of another shape"))?;
    Ok(Before { present: rows.present, changing: rows.changing, holding: holding.unwrap_or_default() })
}

fn json<T: serde::Serialize>(value: &T) -> Result<Value, FlowError> {
    serde_json::to_value(value).map_err(|_| FlowError::Broken("a record of an erasure that does not serialise"))
}

fn bytes<T: serde::Serialize>(value: &T) -> Result<Vec<u8>, FlowError> {
    serde_json::to_vec(value).map_err(|_| FlowError::Broken("a record of an erasure that does not serialise"))
}

#[async_trait]
impl Ledger for CaseLedger<'_> {
    async fn discovery(&self) -> Result<Option<Discovery>, LedgerError> {
        let mut tx = self.house.db.read().await?;
        let Some(blob) = erasures::discovery_blob(&mut tx, self.bound).await? else { return Ok(None) };
        let key = safe::replay_key(self.house, &mut tx, self.case).await?;
        let bound = sealed::Bound { kind: DISCOVERY, to: &self.belongs("") };
        let bytes = sealed::get_bound(&mut tx, &key, bound, blob).await?;
        let bytes = bytes.ok_or(FlowError::Missing("what the erasing had found"))?;
        let read = serde_json::from_slice(&bytes).map_err(|_| FlowError::Broken("a discovery of another shape"))?;
        Ok(Some(read))
    }

    async fn save_keys(&self, pages: &[KeyPage]) -> Result<(), LedgerError> {
        let mut tx = self.write().await?;
        self.save_keys_in(&mut tx, pages).await?;
        tx.commit().await?;
        Ok(())
    }

    async fn load_pages(&self, pages: &[(String, u32)]) -> Result<Vec<Vec<Key>>, LedgerError> {
        let mut tx = self.house.db.read().await?;
        Ok(self.pages_in(&mut tx, pages).await?)
    }

    async fn save_discovery(&self, discovery: &Discovery) -> Result<(), LedgerError> {
        let mut tx = self.write().await?;
        self.save_discovery_in(&mut tx, discovery).await?;
        tx.commit().await?;
        Ok(())
    }

    async fn steps(&self) -> Result<BTreeMap<u16, StepState>, LedgerError> {
        let mut tx = self.house.db.read().await?;
        let mut steps = BTreeMap::<u16, StepState>::new();
        for step in erasures::intended(&mut tx, self.bound, self.pass).await? {
            steps.entry(step).or_default().intended = true;
        }
        for (step, row) in erasures::chunks(&mut tx, self.bound, self.pass).await? {
            let read = |counts| {
                serde_json::from_value(counts).map_err(|_| FlowError::Broken("the counts of a chunk of another shape"))
            };
            let done = row.counts.map(read).transpose()?;
            let chunk = ChunkState { before: before(row.begun)?, done };
            steps.entry(step).or_default().chunks.insert(row.chunk, chunk);
        }
        Ok(steps)
    }

    async fn intend(&self, steps: &[&Step]) -> Result<(), LedgerError> {
        let mut tx = self.write().await?;
        let mut names = Vec::with_capacity(steps.len());
        for step in steps {
            names.push(StepName {
                sequence: self.place(step.number),
                store: step.rows.at.store.as_str(),
                table: &step.rows.at.table,
                action: step.act.as_str(),
            });
        }
        let fresh = erasures::intend(&mut tx, self.bound, &names, self.house.clock.now()).await?;
        let fresh = steps.iter().filter(|step| fresh.contains(&step.number));
        let facts = fresh.map(|step| self.facts(step, None)).collect::<Result<Vec<_>, _>>()?;
        note::append_all(self.house, &mut tx, self.case, Event::Intent, facts).await?;
        tx.commit().await?;
        // What is about to be written into a store must not be forgotten with a backup of our own database.
        Ok(behind::keep(self.house).await?)
    }

    async fn mark(&self, ended: &[Ended], begun: Option<&Begun>) -> Result<Option<Before>, LedgerError> {
        let mut tx = self.write().await?;
        for Ended { step, chunk, counts } in ended {
            erasures::end_chunk(&mut tx, self.bound, self.place(*step), *chunk, json(counts)?).await?;
        }
        let mut first = None;
        if let Some(Begun { step, chunk, before: rows }) = begun {
            let holding = Some(json(&rows.holding)?);
            let rows = ChunkBegun { present: rows.present, changing: rows.changing, holding };
            first = Some(erasures::begin_chunk(&mut tx, self.bound, self.place(*step), *chunk, rows).await?);
        }
        tx.commit().await?;
        Ok(first.map(before).transpose()?)
    }

    async fn outcomes(&self, outcomes: &[StepOutcome<'_>]) -> Result<(), LedgerError> {
        let mut tx = self.write().await?;
        let mut all = Vec::with_capacity(outcomes.len());
        for StepOutcome { step, counts, holding } in outcomes {
            let mut shown = json(counts)?;
            if let Some(shown) = shown.as_object_mut().filter(|_| !holding.is_empty()) {
                shown.insert("holding".to_owned(), json(holding)?);
            }
            erasures::set_outcome(&mut tx, self.bound, self.place(step.number), shown, self.house.clock.now()).await?;
            all.push(self.facts(step, Some(*counts))?);
        }
        note::append_all(self.house, &mut tx, self.case, Event::Outcome, all).await?;
        tx.commit().await?;
        Ok(())
    }

    async fn held(&self, discovery: &Discovery) -> Result<HeldTables, LedgerError> {
        Ok(legal::held(self, discovery).await?)
    }

    async fn breakpoint(&self, name: &'static str) -> Result<(), LedgerError> {
        breakpoint::pass(name);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_of_a_table_has_a_word() {
        let long = "_".repeat(90);
        for name in ["2fa_tokens", "_x", "users", "Öl", "a b", "public.users", "", "—", long.as_str()] {
            let facts = Facts::new().with("table", Fact::Word(word(name)));
            assert!(facts.is_ok(), "{name:?} became {:?}", word(name));
        }
        assert_eq!(word("2fa_tokens"), "t_2fa_tokens");
        assert_eq!(word("Users"), "users");
    }
}
