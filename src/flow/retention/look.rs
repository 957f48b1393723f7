//! Looks at the rows that a case keeps, and opens the erasing of those whose time is over.
//!
//! One job per case, from the first completion until the last row is gone. It asks the rows themselves until when they stay, waits
//! for the first of them, and then opens a request that nobody wrote a letter for: the keys move into it, and it is erased, read back
//! and completed like any other, under a continuation of what permitted the erasure that kept them.
//!
//! Where the map does not know the rows any more, or they have no end that can be read, that request waits for a person instead; it
//! is looked at again every week, and goes on by itself when the cause is gone.

use std::collections::BTreeMap;
use std::time::Duration;

use tracing::warn;
use uuid::Uuid;

use crate::breakpoint;
use crate::db::{Tx, jobs, kept, keys, requests, sealed};
use crate::domain::request::{Event, Origin, ReviewReason, Warrant};
use crate::domain::{CaseId, RequestId, Retry, State, Timestamp};
use crate::erase::{Discovery, Ends, EraseError, Skeleton, ends, plan_past_keeping};
use crate::queue::Lease;
use crate::stores::Key;
use crate::trail::Actor;
use crate::vault::{DataKey, KeyOwner, KeyPurpose};
use crate::verify::{Authority, Beginning, KeptRecord};

use super::super::advance::advance;
use super::super::error::FlowError;
use super::super::house::House;
use super::super::ledger::CaseLedger;
use super::super::{erase, note, open, safe};
use super::remember::{self, Chunk, KEYS, Remainder};

/// Rows are looked at this often at least: a map may let them go sooner than was told.
const LOOK_DAYS: u32 = 90;

/// How long it waits for a store that is away.
const AWAY: Duration = Duration::from_secs(6 * 3_600);

/// How long it waits for a person.
const TROUBLE_DAYS: u32 = 7;

#[derive(serde::Deserialize)]
struct Payload {
    case: Uuid,
}

/// What a look has found.
struct Looked {
    skeleton: Skeleton,
    remainder: Remainder,
    /// The keys whose time is over, by their set.
    over: BTreeMap<usize, Vec<Key>>,
    /// Chunks that lose keys, with what stays of them.
    changed: Vec<(Uuid, Chunk)>,
    /// The last day of the row that stays shortest.
    first: Option<jiff::civil::Date>,
}

/// Looks, and opens what is to be erased. It never ends but with the last row: what stands in its way is a person's to see.
pub(in crate::flow) async fn look(house: &House, lease: &Lease) -> Result<(), FlowError> {
    let Payload { case } = super::super::payload(lease)?;
    let case = CaseId::from_bytes(case.into_bytes());
    match look_at(house, lease, case).await {
        Err(error) if error.retry() == Retry::Permanent => trouble(house, lease, case, &error).await,
        Err(error) => {
            warn!(error = %error.chain(), "rows that are kept cannot be looked at; tried again later");
            put_off(house, lease, house.clock.now().plus(AWAY)).await
        }
        done => done,
    }
}

async fn look_at(house: &House, lease: &Lease, case: CaseId) -> Result<(), FlowError> {
    let mut tx = house.db.read().await?;
    let Some(record) = kept::load(&mut tx, case).await? else {
        drop(tx);
        return super::super::complete(house, lease).await;
    };
    record.check(house.keys.gate())?;
    let key = remember::key(house, &mut tx, case).await?.ok_or(FlowError::KeyDestroyed(KeyPurpose::Kept))?;
    let remainder = remember::remainder(&mut tx, &key).await?;
    drop(tx);
    let looked = looked(house, &key, remainder).await?;
    go_on(house, lease, &record, &key, looked).await
}

async fn put_off(house: &House, lease: &Lease, until: Timestamp) -> Result<(), FlowError> {
    let mut tx = house.db.write().await?;
    jobs::snooze_in(&mut tx, lease, until).await?;
    Ok(tx.commit().await?)
}

/// Asks every kept row until when it stays, a chunk at a time.
async fn looked(house: &House, key: &DataKey, mut remainder: Remainder) -> Result<Looked, FlowError> {
    let keepings: Vec<_> = remainder.sets.iter().map(|set| set.keeping.clone()).collect();
    let skeleton = plan_past_keeping(&house.map, &remainder.target, &keepings)?;
    let (today, mut after) = (house.clock.now().date(), None);
    let (mut over, mut changed, mut first) = (BTreeMap::<usize, Vec<Key>>::new(), Vec::new(), None);
    for set in &mut remainder.sets {
        (set.rows, set.until) = (0, None);
    }
    loop {
        let mut tx = house.db.read().await?;
        let Some((id, chunk)) = remember::chunk_after(&mut tx, key, after).await? else { break };
        drop(tx);
        after = Some(id);
        let (set, number) = (chunk.set, chunk.keys.len());
        let (Some(step), Some(kept)) = (skeleton.steps.get(set), remainder.sets.get_mut(set)) else {
            return Err(FlowError::Broken("kept keys of a set that nobody kept"));
        };
        let Ends { over: gone, staying, first: next, last } =
            ends(&skeleton, &house.stores, house.erase_limits, (step, chunk.keys), today).await?;
        kept.rows += staying.len() as u64;
        kept.until = kept.until.max(last);
        first = [first, next].into_iter().flatten().min();
        if staying.len() < number {
            changed.push((id, Chunk { set, keys: staying }));
        }
        over.entry(set).or_default().extend(gone);
    }
    over.retain(|_, keys| !keys.is_empty());
    Ok(Looked { skeleton, remainder, over, changed, first })
}

/// Writes what a look has found: the keys that are over move into a request, and what is left waits for its own day.
async fn go_on(
    house: &House,
    lease: &Lease,
    record: &KeptRecord,
    key: &DataKey,
    looked: Looked,
) -> Result<(), FlowError> {
    breakpoint!("retention.looked");
    let now = house.clock.now();
    let mut tx = house.db.write().await?;
    let waiting = waiting(&mut tx, record.case).await?;
    if !looked.over.is_empty() {
        begin(house, &mut tx, lease, record, waiting, &looked).await?;
    } else if let Some(waiting) = waiting {
        let bindings = waiting.bindings.clone();
        advance(house, &mut tx, &waiting, &Event::WithdrawnByOperator, bindings, Actor::PROGRAM).await?;
    }
    for (blob, chunk) in &looked.changed {
        sealed::delete(&mut tx, *blob).await?;
        if !chunk.keys.is_empty() {
            remember::put(house, &mut tx, key, KEYS, chunk).await?;
        }
    }
    if looked.remainder.sets.iter().all(|set| set.rows == 0) {
        forget(house, &mut tx, record.case).await?;
        jobs::complete_in(&mut tx, lease).await?;
    } else {
        remember::put_remainder(house, &mut tx, key, &looked.remainder).await?;
        let over = looked.first.map(|day| crate::domain::Calendar::utc().end_of(day));
        let at = now.plus_days(LOOK_DAYS);
        let at = over.map_or(at, |over| at.min(over)).max(now.plus(AWAY));
        kept::set_look(&mut tx, record.case, at).await?;
        jobs::snooze_in(&mut tx, lease, at).await?;
    }
    tx.commit().await?;
    breakpoint!("retention.committed");
    Ok(())
}

/// The request that waits for a person because these rows could not be looked at.
async fn waiting(tx: &mut Tx, case: CaseId) -> Result<Option<requests::Stored>, FlowError> {
    let Some(id) = kept::trouble(tx, case).await? else { return Ok(None) };
    Ok(requests::load(tx, id).await?.filter(|stored| stored.request.state == State::NeedsReview))
}

/// Opens the request that erases what is over, with its keys, and lets it begin.
async fn begin(
    house: &House,
    tx: &mut Tx,
    lease: &Lease,
    record: &KeptRecord,
    waiting: Option<requests::Stored>,
    looked: &Looked,
) -> Result<(), FlowError> {
    let stored = match waiting {
        Some(stored) => stored,
        None => open::by_itself(house, tx, Origin::Retention, record.case).await?,
    };
    let (id, case, now, gate) = (stored.request.id, stored.request.case, house.clock.now(), house.keys.gate());
    let digest = looked.skeleton.digest;
    let lives = house.terms().authority_lives;
    let authority = Authority::of_ended_keeping(record, gate, id, digest, lives, now, &*house.chance)?;
    let beginning = Beginning::of(&authority, &[], Duration::ZERO, now, gate)
        .map_err(|_| FlowError::Broken("what was kept does not permit to go on"))?;
    note::issued(house, tx, case, &authority, Actor::PROGRAM).await?;
    crate::db::authorities::begin(tx, beginning.record()).await?;
    save(&erase::ledger(house, lease, &stored, &authority, 0), tx, looked).await?;
    let mut bindings = stored.bindings.clone();
    (bindings.account_mac, bindings.plan_digest) = (Some(record.account_mac), Some(digest));
    let event =
        Event::KeepingEnded { warrant: Warrant { authority: authority.id(), expires_at: authority.expires_at() } };
    advance(house, tx, &stored, &event, bindings, Actor::PROGRAM).await?;
    Ok(())
}

/// Saves the keys as those of the new request: to its engine they are what was found.
async fn save(ledger: &CaseLedger<'_>, tx: &mut Tx, looked: &Looked) -> Result<(), FlowError> {
    let size = ledger.house.erase_limits.chunk_rows.max(1) as usize;
    let mut chunks = BTreeMap::new();
    for (place, step) in looked.skeleton.steps.iter().enumerate() {
        let keys = looked.over.get(&place).map(Vec::as_slice).unwrap_or_default();
        let mut sizes = Vec::new();
        for (number, keys) in (0..).zip(keys.chunks(size)) {
            ledger.save_keys_in(tx, &step.rows, number, keys).await?;
            sizes.push(keys.len() as u64);
        }
        chunks.insert(step.rows.to_string(), sizes);
    }
    let discovery = Discovery {
        skeleton: looked.skeleton.clone(),
        chunks,
        until: BTreeMap::new(),
        told: std::collections::BTreeSet::new(),
    };
    ledger.save_discovery_in(tx, &discovery).await
}

/// Nothing is kept any more. The leaf is the record's, where that still lives.
async fn forget(house: &House, tx: &mut Tx, case: CaseId) -> Result<(), FlowError> {
    if safe::has_key(house, tx, case, KeyPurpose::Record).await? {
        note::key_destroyed(house, tx, case, KeyPurpose::Kept).await?;
    }
    keys::destroy_of(tx, KeyOwner::Case(case), KeyPurpose::Kept, house.clock.now()).await?;
    Ok(kept::delete(tx, case).await?)
}

/// A person has to look before these rows can be looked at; they are told once.
async fn trouble(house: &House, lease: &Lease, case: CaseId, error: &FlowError) -> Result<(), FlowError> {
    let now = house.clock.now();
    let mut tx = house.db.write().await?;
    if waiting(&mut tx, case).await?.is_none() {
        let id = ask_person(house, &mut tx, case, error).await?;
        kept::set_trouble(&mut tx, case, id).await?;
    }
    let at = now.plus_days(TROUBLE_DAYS);
    kept::set_look(&mut tx, case, at).await?;
    jobs::snooze_in(&mut tx, lease, at).await?;
    Ok(tx.commit().await?)
}

async fn ask_person(house: &House, tx: &mut Tx, case: CaseId, error: &FlowError) -> Result<RequestId, FlowError> {
    let stored = open::by_itself(house, tx, Origin::Retention, case).await?;
    let reason = match error {
        FlowError::Erase(EraseError::Plan(_)) => ReviewReason::MapDefects,
        other => other.cause().unwrap_or(ReviewReason::RetentionUnclear),
    };
    erase::note_failure(house, tx, &stored, reason.as_str(), error).await?;
    let event = Event::Unclear { reason, reachable: false, quiet: true };
    Ok(advance(house, tx, &stored, &event, stored.bindings.clone(), Actor::PROGRAM).await?.request.id)
}
