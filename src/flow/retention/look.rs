//! Looks at the rows that a case keeps, and has those erased whose time is over.
//!
//! One job per case, from the first completion until the last row is gone. It asks the rows themselves until when they stay, waits
//! for the first of them, and then opens a request that nobody wrote a letter for: the keys move into it, and it is erased, read back
//! and completed like any other, under a continuation of what permitted the erasure that kept them.
//!
//! What stands in the way of some rows (`trouble`) waits for a person and holds up no others. It is looked at again every week, and
//! goes on by itself when the cause is gone; who ends that request says that they have seen to those rows themselves.

use std::time::Duration;

use uuid::Uuid;

use crate::breakpoint;
use crate::db::requests::Stored;
use crate::db::{Tx, authorities, holds, jobs, kept, keys, sealed};
use crate::domain::request::{Event, Origin, Warrant};
use crate::domain::{Calendar, CaseId, Retry, Timestamp};
use crate::erase::{Discovery, KeyPage};
use crate::queue::Lease;
use crate::trail::Actor;
use crate::vault::{DataKey, KeyOwner, KeyPurpose};
use crate::verify::{Authority, Beginning, KeptRecord};

use super::super::advance::advance;
use super::super::error::FlowError;
use super::super::house::House;
use super::super::ledger::CaseLedger;
use super::super::{erase, legal, note, open, safe};
use super::notice;
use super::remember::{self, KEYS, REMAINDER};
use super::sorted::{self, Looked};
use super::trouble::{self, Trouble};

/// Rows are looked at this often at least: a map may let them go sooner than was told.
const LOOK_DAYS: u32 = 90;

/// How long it waits for a store that is away, and between two looks.
const AWAY: Duration = Duration::from_secs(6 * 3_600);

#[derive(serde::Deserialize)]
struct Payload {
    case: Uuid,
}

/// The case that a job looks at.
pub(super) fn case_of(lease: &Lease) -> Result<CaseId, FlowError> {
    let Payload { case } = super::super::payload(lease)?;
    Ok(CaseId::from_bytes(case.into_bytes()))
}

/// Looks, and opens what is to be erased. It never ends but with the last row: what stands in its way is a person's to see.
pub(in crate::flow) async fn look(house: &House, lease: &Lease) -> Result<(), FlowError> {
    let case = case_of(lease)?;
    match look_at(house, lease, case).await {
        Err(error) if error.retry() == Retry::Permanent => {
            let mut tx = house.db.write().await?;
            let at = trouble::tell(house, &mut tx, case, &error).await?;
            jobs::snooze_in(&mut tx, lease, at).await?;
            Ok(tx.commit().await?)
        }
        Err(error @ FlowError::Erase(_)) => {
            let at = house.clock.now().plus(AWAY);
            let mut tx = house.db.write().await?;
            trouble::away(house, &mut tx, case, &error).await?;
            jobs::note_reason(&mut tx, lease.held(), error.code()).await?;
            jobs::snooze_in(&mut tx, lease, at).await?;
            Ok(tx.commit().await?)
        }
        other => other,
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
    let (remainder, trouble) = (remember::remainder(&mut tx, &key).await?, Trouble::of(house, &mut tx, case).await?);
    let is_told = notice::is_wanted(house, &mut tx, case).await?;
    drop(tx);
    if matches!(trouble, Trouble::Paused) {
        let mut tx = house.db.write().await?;
        jobs::snooze_in(&mut tx, lease, house.clock.now().plus(AWAY)).await?;
        return Ok(tx.commit().await?);
    }
    let looked = sorted::look(house, &key, remainder, trouble.seen_to(), is_told).await?;
    go_on(house, lease, &record, &key, (looked, trouble)).await
}

/// Writes what a look has found: the keys that are over move into a request, and what is left waits for its own day.
async fn go_on(
    house: &House,
    lease: &Lease,
    record: &KeptRecord,
    key: &DataKey,
    (looked, before): (Looked, Trouble),
) -> Result<(), FlowError> {
    breakpoint!("retention.looked");
    let now = house.clock.now();
    let mut tx = house.db.write().await?;
    let trouble = Trouble::of(house, &mut tx, record.case).await?;
    let same = kept::lock(&mut tx, record.case).await? && trouble.is_like(&before);
    // The case was completed once more meanwhile, or a person did something: it is looked at anew.
    if !same || remember::remainder(&mut tx, key).await?.number != looked.remainder.number {
        return Err(FlowError::Moved);
    }
    if matches!(trouble, Trouble::Ended(_)) {
        kept::set_trouble(&mut tx, record.case, None).await?;
    }
    if let Some(obstacle) = &looked.obstacle {
        trouble::tell(house, &mut tx, record.case, obstacle).await?;
    }
    notice::seen_to(house, &mut tx, record.case, &looked.given_up).await?;
    match (trouble.waiting(), &looked.over) {
        (waiting, Some(_)) => {
            let waiting = waiting.filter(|_| looked.obstacle.is_none());
            begin(house, &mut tx, lease, record, waiting, &looked).await?;
        }
        (Some(waiting), None) if looked.obstacle.is_none() => {
            let (event, bindings) = (Event::WithdrawnByOperator, waiting.bindings.clone());
            advance(house, &mut tx, &waiting, &event, bindings, Actor::PROGRAM).await?;
        }
        _ => {}
    }
    for (blob, chunk) in &looked.changed {
        if !sealed::delete(&mut tx, *blob).await? {
            return Err(FlowError::Moved);
        }
        if !chunk.rows.is_empty() {
            safe::add(house, &mut tx, key, KEYS, chunk).await?;
        }
    }
    settle(house, &mut tx, lease, record.case, key, &looked, now).await?;
    tx.commit().await?;
    breakpoint!("retention.committed");
    Ok(())
}

/// Waits for the next end, or ends with the last row.
async fn settle(
    house: &House,
    tx: &mut Tx,
    lease: &Lease,
    case: CaseId,
    key: &DataKey,
    looked: &Looked,
    now: Timestamp,
) -> Result<(), FlowError> {
    if looked.remainder.sets.iter().all(|set| set.rows == 0) {
        forget(house, tx, case).await?;
        return Ok(jobs::complete_in(tx, lease).await?);
    }
    safe::put(house, tx, key, REMAINDER, &looked.remainder).await?;
    let days = if looked.obstacle.is_some() { trouble::LOOK_DAYS } else { LOOK_DAYS };
    let at = now.plus_days(days);
    let over = looked.first.map(|day| Calendar::utc().end_of(day));
    let at = over.map_or(at, |over| at.min(over)).max(now.plus(AWAY));
    kept::set_look(tx, case, at).await?;
    Ok(jobs::snooze_in(tx, lease, at).await?)
}

/// Opens the request that erases what is over, with its keys, and lets it begin.
async fn begin(
    house: &House,
    tx: &mut Tx,
    lease: &Lease,
    record: &KeptRecord,
    waiting: Option<Stored>,
    looked: &Looked,
) -> Result<(), FlowError> {
    let Some(over) = &looked.over else { return Ok(()) };
    let stored = match waiting {
        Some(stored) => stored,
        None => open::by_itself(house, tx, Origin::Retention, record.case).await?,
    };
    let (id, case, now, gate) = (stored.request.id, stored.request.case, house.clock.now(), house.keys.gate());
    let (digest, lives) = (over.skeleton.digest, house.terms().authority_lives);
    let authority = Authority::of_ended_keeping(record, gate, id, digest, lives, now, &*house.chance)?;
    let holds = holds::of_request(tx, id).await?;
    let beginning = Beginning::of(&authority, &holds, Duration::ZERO, now, gate)
        .map_err(|_| FlowError::Broken("what was kept does not permit to go on"))?;
    note::issued(house, tx, case, &authority, Actor::PROGRAM).await?;
    authorities::begin(tx, beginning.record()).await?;
    let kept = remember::key(house, tx, record.case).await?.ok_or(FlowError::KeyDestroyed(KeyPurpose::Kept))?;
    save(&erase::ledger(house, lease, &stored, &authority, 0), tx, &kept, looked).await?;
    let mut bindings = stored.bindings.clone();
    (bindings.account_mac, bindings.plan_digest) = (Some(record.account_mac), Some(digest));
    let warrant = Warrant { authority: authority.id(), expires_at: authority.expires_at() };
    let tells = notice::hand_over(house, tx, (record.case, &stored), looked).await?;
    advance(house, tx, &stored, &Event::KeepingEnded { warrant, tells }, bindings, Actor::PROGRAM).await?;
    Ok(())
}

/// Saves the keys as those of the new request: to its engine they are what was found. Whose they were goes with them.
async fn save(ledger: &CaseLedger<'_>, tx: &mut Tx, kept: &DataKey, looked: &Looked) -> Result<(), FlowError> {
    let Some(over) = &looked.over else { return Ok(()) };
    let size = ledger.house.erase_limits.chunk_rows.max(1) as usize;
    let mut discovery = Discovery::of(over.skeleton.clone());
    for (step, keys) in over.skeleton.steps.iter().zip(&over.keys) {
        let sizes = discovery.chunks.entry(step.rows.to_string()).or_default();
        for (number, keys) in (0..).zip(keys.chunks(size)) {
            let page = KeyPage { set: step.rows.to_string(), chunk: number, keys: keys.to_vec() };
            ledger.save_keys_in(tx, std::slice::from_ref(&page)).await?;
            sizes.push(keys.len() as u64);
        }
    }
    let mut after = None;
    while let Some((id, people)) = remember::people_after(tx, kept, after).await? {
        let sizes = discovery.chunks.entry(legal::OF_KEPT.to_owned()).or_default();
        let page = legal::page_of_kept(u32::try_from(sizes.len()).unwrap_or(u32::MAX), people);
        sizes.push(page.keys.len() as u64);
        ledger.save_keys_in(tx, std::slice::from_ref(&page)).await?;
        after = Some(id);
    }
    ledger.save_discovery_in(tx, &discovery).await
}

/// Nothing is kept any more. The leaf is the record's, where that still lives.
async fn forget(house: &House, tx: &mut Tx, case: CaseId) -> Result<(), FlowError> {
    notice::forget(house, tx, case).await?;
    if safe::has_key(house, tx, case, KeyPurpose::Record).await? {
        note::key_destroyed(house, tx, case, KeyPurpose::Kept).await?;
    }
    keys::destroy_of(tx, KeyOwner::Case(case), KeyPurpose::Kept, house.clock.now()).await?;
    Ok(kept::delete(tx, case).await?)
}
