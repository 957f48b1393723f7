//! Remembers what an erasure keeps, when it is completed: the keys of those rows, sealed under a key that lives as long as they stay.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use serde_json::json;
use uuid::Uuid;

use crate::db::requests::Stored;
use crate::db::{Tx, kept, keys, sealed};
use crate::domain::{CaseId, Timestamp};
use crate::erase::plan::KeySet;
use crate::erase::{EraseError, Keeping, KeptRow, Ledger as _, Target};
use crate::queue::{NewJob, Priority};
use crate::stores::Key;
use crate::vault::{DataKey, KeyOwner, KeyPurpose};
use crate::verify::{CompletedPlan, KeptRecord};

use super::super::advance::enqueue;
use super::super::error::FlowError;
use super::super::house::House;
use super::super::ledger::CaseLedger;
use super::super::{begin, kinds, legal, safe};

pub(super) const REMAINDER: &str = "kept";
pub(super) const KEYS: &str = "kept_keys";
/// Whose they were, as a legal hold knows people; a blob for each page of them.
const PEOPLE: &str = "kept_people";

/// What a case keeps, beside the keys of its rows.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Remainder {
    /// What was erased, without its key.
    pub(super) target: Target,
    /// Its rows by table and ground, leaf to root.
    pub(super) sets: Vec<KeptSet>,
    /// How often the case was completed: once, and once more with each replay.
    pub(super) number: u32,
    /// Since when no store could be asked, or not all.
    pub(super) away_since: Option<Timestamp>,
}

/// Rows of one table that stay on one ground.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct KeptSet {
    pub(super) keeping: Keeping,
    /// How many, when they were looked at last.
    pub(super) rows: u64,
    /// The last day of the row that stays longest.
    pub(super) until: Option<Date>,
}

impl KeptSet {
    /// What its chunks name it by.
    pub(super) fn name(&self) -> String {
        self.keeping.rows.to_string()
    }
}

/// Some rows of a set, in the order of their keys.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Chunk {
    /// The name of the set.
    pub(super) set: String,
    pub(super) rows: Vec<KeptRow>,
}

/// What an erasure keeps: where its keys are saved.
pub(in crate::flow) struct Found {
    remainder: Remainder,
    /// The chunks of each set.
    chunks: Vec<(KeySet, u32)>,
    /// The pages of each set of people whose they are.
    people: Vec<(KeySet, u32)>,
}

/// What the erasure behind a ledger keeps; `None` where nothing stays on a ground.
pub(in crate::flow) async fn found(ledger: &CaseLedger<'_>) -> Result<Option<Found>, FlowError> {
    let Some(discovery) = ledger.discovery().await.map_err(EraseError::from)? else { return Ok(None) };
    let (mut sets, mut chunks) = (Vec::new(), Vec::new());
    for keeping in Keeping::all_of(&discovery.skeleton) {
        let saved = discovery.chunks.get(&keeping.rows.to_string()).map(Vec::as_slice).unwrap_or_default();
        let rows = saved.iter().sum();
        if rows == 0 {
            continue;
        }
        let of_step = discovery.skeleton.steps.iter().find(|step| step.rows == keeping.rows && step.keep.is_some());
        let until = of_step.and_then(|step| discovery.until.get(&step.number).copied());
        chunks.push((keeping.rows.clone(), u32::try_from(saved.len()).unwrap_or(u32::MAX)));
        sets.push(KeptSet { keeping, rows, until });
    }
    if sets.is_empty() {
        return Ok(None);
    }
    let people = legal::persons(&discovery);
    let target = Target { key: Key(Vec::new()), ..discovery.skeleton.target };
    Ok(Some(Found { remainder: Remainder { target, sets, number: 1, away_since: None }, chunks, people }))
}

/// Seals the keys of what is kept once more, and has it looked at from tomorrow on. Called in the transaction that completes the
/// request, before it moves. After a replay the same again: what went meanwhile is found missing at the next look.
pub(in crate::flow) async fn remember(
    house: &House,
    tx: &mut Tx,
    stored: &Stored,
    ledger: &CaseLedger<'_>,
    found: Option<&Found>,
) -> Result<(), FlowError> {
    let Some(Found { remainder, chunks, people }) = found else { return Ok(()) };
    let (now, case, gate) = (house.clock.now(), stored.request.case, house.keys.gate());
    let authority = begin::begun(house, tx, stored).await?;
    let done = CompletedPlan {
        request: stored.request.id,
        account_mac: *authority.account_mac(),
        plan_digest: *authority.plan_digest(),
        completed_at: now,
    };
    let record = KeptRecord::of(&authority, &done, case, gate)
        .map_err(|_| FlowError::Broken("what is completed is not what permitted it"))?;
    let key = match key(house, tx, case).await? {
        Some(key) => key,
        None => keys::create(tx, &house.kek, KeyOwner::Case(case), KeyPurpose::Kept, now, &*house.chance).await?,
    };
    let tomorrow = now.plus_days(1);
    kept::insert(tx, &record, tomorrow).await?;
    sealed::delete_all(tx, &key, KEYS).await?;
    for (set, count) in chunks {
        for chunk in 0..*count {
            let mut keys = ledger.keys_in(tx, set, chunk).await?;
            keys.sort();
            let rows = keys.into_iter().map(|key| (key, None)).collect();
            safe::add(house, tx, &key, KEYS, &Chunk { set: set.to_string(), rows }).await?;
        }
    }
    sealed::delete_all(tx, &key, PEOPLE).await?;
    for (set, count) in people {
        for page in 0..*count {
            let keys = ledger.keys_in(tx, set, page).await?;
            let people: Vec<u8> = keys.iter().flat_map(|key| legal::person(house, set, key)).collect();
            sealed::put(tx, &key, PEOPLE, &people, now, &*house.chance).await?;
        }
    }
    let known: Option<Remainder> = safe::get(tx, &key, REMAINDER).await?;
    let number = known.map_or(1, |known| known.number.saturating_add(1));
    safe::put(house, tx, &key, REMAINDER, &Remainder { number, ..remainder.clone() }).await?;
    enqueue(house, tx, job(case, tomorrow), now).await
}

/// The job that looks at what a case keeps.
pub(super) fn job(case: CaseId, at: Timestamp) -> NewJob {
    let mut job = NewJob::new(kinds::RETENTION, json!({ "case": Uuid::from_bytes(*case.as_bytes()) }), at);
    job.unique_key = Some(format!("retention:{case}"));
    job.priority = Priority::Bulk;
    job
}

/// The key of what a case keeps; `None` where it keeps nothing.
pub(super) async fn key(house: &House, tx: &mut Tx, case: CaseId) -> Result<Option<DataKey>, FlowError> {
    Ok(keys::load(tx, &house.kek, KeyOwner::Case(case), KeyPurpose::Kept).await?)
}

/// What a case keeps.
pub(super) async fn remainder(tx: &mut Tx, key: &DataKey) -> Result<Remainder, FlowError> {
    safe::get(tx, key, REMAINDER).await?.ok_or(FlowError::Missing("what a case keeps"))
}

/// The page of people behind the one with this id, whose the kept rows were.
pub(super) async fn people_after(
    tx: &mut Tx,
    key: &DataKey,
    after: Option<Uuid>,
) -> Result<Option<(Uuid, Vec<[u8; 32]>)>, FlowError> {
    let Some((id, bytes)) = sealed::list(tx, key, PEOPLE, after, 1).await?.pop() else { return Ok(None) };
    let (people, rest) = bytes.as_chunks::<32>();
    if rest.is_empty() {
        Ok(Some((id, people.to_vec())))
    } else {
        Err(FlowError::Broken("kept people of another shape"))
    }
}

/// The chunk of keys behind the one with this id.
pub(super) async fn chunk_after(
    tx: &mut Tx,
    key: &DataKey,
    after: Option<Uuid>,
) -> Result<Option<(Uuid, Chunk)>, FlowError> {
    let Some((id, bytes)) = sealed::list(tx, key, KEYS, after, 1).await?.pop() else { return Ok(None) };
    let chunk = serde_json::from_slice(&bytes).map_err(|_| FlowError::Broken("kept keys of another shape"))?;
    Ok(Some((id, chunk)))
}
