//! The program forgets too (invariant 9): keys by their terms, our letters in the mailbox and in Sent.

use std::time::Duration;

use serde_json::json;

use crate::breakpoint;
use crate::db::letters::{self, LetterRow, LetterState};
use crate::db::requests::{self, Stored};
use crate::db::{Tx, jobs};
use crate::domain::request::{Audience, Request};
use crate::domain::{RequestId, Timestamp, stored_enum};
use crate::queue::{Lease, NewJob, Priority};
use crate::vault::KeyPurpose;

use super::advance::enqueue;
use super::error::FlowError;
use super::house::House;
use super::{kinds, note, safe, undelivered};

stored_enum! {
    /// What is forgotten.
    Term, "term" {
        /// The letters, ours and theirs, the key that sealed our copies, and the address where a letter never arrived.
        Letters = "letters",
        /// The saved keys of what was erased, with the last backup of the stores.
        Replay = "replay",
        /// The record itself: who, when, what.
        Record = "record",
    }
}

/// How long the saved keys wait for a sweep that is late.
const SWEEP_WAIT: Duration = Duration::from_secs(3_600);

#[derive(serde::Deserialize)]
struct Payload {
    term: Term,
    /// The end of the request that it was asked for by: where it ended once more since, that end has terms of its own.
    ended_at: Timestamp,
}

/// Whether the job of the caller was settled.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Settled {
    Already,
    Not,
}

/// Forgets what is due, unless the request was opened again meanwhile.
pub(super) async fn forget(house: &House, lease: &Lease) -> Result<(), FlowError> {
    let Payload { term, ended_at } = super::payload(lease)?;
    let id = super::request_of(lease)?;
    let mut tx = house.db.write().await?;
    let Some(stored) = requests::load(&mut tx, id).await? else {
        jobs::complete_in(&mut tx, lease).await?;
        return Ok(tx.commit().await?);
    };
    let mut settled = Settled::Not;
    if stored.ended_at == Some(ended_at) {
        match term {
            Term::Letters => {
                destroy(house, &mut tx, &stored, KeyPurpose::Letter).await?;
                destroy(house, &mut tx, &stored, KeyPurpose::Contact).await?;
                // The mailbox task expunges: it alone talks to the mailbox.
                requests::set_letters_due(&mut tx, id, house.clock.now()).await?;
            }
            // A sweep that waits for a store which is away still searches by these keys.
            Term::Replay if jobs::is_overdue(&mut tx, id, kinds::SWEEP, house.clock.now()).await? => {
                jobs::snooze_in(&mut tx, lease, house.clock.now().plus(SWEEP_WAIT)).await?;
                settled = Settled::Already;
            }
            Term::Replay => destroy(house, &mut tx, &stored, KeyPurpose::Replay).await?,
            Term::Record => settled = record(house, &mut tx, lease, &stored).await?,
        }
    }
    if settled == Settled::Not {
        jobs::complete_in(&mut tx, lease).await?;
    }
    tx.commit().await?;
    breakpoint!("forget.committed");
    Ok(())
}

/// Forgets the case: its last keys, and every row that belongs to it. Where its letters lie is known by those rows, so
/// they stay as long as a letter has not left the mailbox.
async fn record(house: &House, tx: &mut Tx, lease: &Lease, stored: &Stored) -> Result<Settled, FlowError> {
    let (id, case) = (stored.request.id, stored.request.case);
    let has_letters = safe::has_key(house, tx, case, KeyPurpose::Letter).await?;
    if has_letters || requests::has_letters_due(tx, id).await? {
        jobs::snooze_in(tx, lease, house.clock.now().plus_days(1)).await?;
        return Ok(Settled::Already);
    }
    // The leaf that says so is the last one that the record key commits to.
    for purpose in [KeyPurpose::Contact, KeyPurpose::Replay, KeyPurpose::Record] {
        destroy(house, tx, stored, purpose).await?;
    }
    // Its own job is one of the rows.
    jobs::complete_in(tx, lease).await?;
    requests::forget(tx, id).await?;
    Ok(Settled::Already)
}

/// A letter joined a request whose letters were forgotten already (late thanks, a late bounce): it goes the same way.
pub(super) async fn late_letter(house: &House, tx: &mut Tx, id: RequestId) -> Result<(), FlowError> {
    let Some(stored) = requests::load(tx, id).await? else { return Ok(()) };
    let over =
        stored.request.state.is_ended() && !safe::has_key(house, tx, stored.request.case, KeyPurpose::Letter).await?;
    if over {
        requests::set_letters_due(tx, id, house.clock.now()).await?;
    }
    Ok(())
}

/// Forgets the address as soon as the last letter to it is delivered or has come back. While one could not be handed
/// over, the person was not told (Art. 12(3) GDPR): the team may have it sent again until the letters are forgotten.
pub(super) async fn contact_if_done(house: &House, tx: &mut Tx, stored: &Stored) -> Result<(), FlowError> {
    let awaited = |letter: &LetterRow| {
        let handed_over = matches!(letter.state, LetterState::Sent | LetterState::Bounced);
        letter.audience != Audience::Team && !handed_over && !undelivered::is_over(letter, &stored.request)
    };
    if stored.request.state.is_ended() && !letters::of_request(tx, stored.request.id).await?.iter().any(awaited) {
        destroy(house, tx, stored, KeyPurpose::Contact).await?;
    }
    Ok(())
}

/// Destroys a key with its leaf in the trail, the leaf first.
async fn destroy(house: &House, tx: &mut Tx, stored: &Stored, purpose: KeyPurpose) -> Result<(), FlowError> {
    if !safe::has_key(house, tx, stored.request.case, purpose).await? {
        return Ok(());
    }
    note::key_destroyed(house, tx, stored.request.case, purpose).await?;
    safe::destroy(house, tx, stored.request.case, purpose).await?;
    Ok(())
}

/// Plans what is forgotten of a request that ends now, and when. The saved keys go when the last backup that could bring the
/// rows back has expired and the second sweep has searched by them; where nothing was erased, nothing can come back.
pub(super) async fn plan(
    house: &House,
    tx: &mut Tx,
    request: &Request,
    erased: bool,
    now: Timestamp,
) -> Result<(), FlowError> {
    // Of an earlier end, where it was opened again: its terms would be over too soon.
    jobs::cancel_waiting(tx, request.id, &[kinds::FORGET]).await?;
    let backups = house.map.stores().values().map(|store| store.backup_days).max().unwrap_or(0);
    let replayed = now.plus_days(backups).max(now.plus(house.config.schedule.second_sweep));
    let terms = [
        (Term::Letters, now.plus_days(house.letter_days(request.state)), Priority::Bulk),
        (Term::Replay, if erased { replayed } else { now }, Priority::Normal),
        (Term::Record, now.plus_days(house.config.retention.record_days), Priority::Bulk),
    ];
    for (term, at, priority) in terms {
        let mut job = NewJob::new(kinds::FORGET, json!({ "term": term, "ended_at": now }), at);
        job.request = Some(request.id);
        job.unique_key = Some(format!("forget:{}:{term}:{}", request.id, request.moves));
        job.priority = priority;
        enqueue(house, tx, job, now).await?;
    }
    Ok(())
}
