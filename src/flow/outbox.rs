//! Sends one letter of the outbox: `sending` is committed before DATA, and what comes of it after (FAULTS, SMTP).
//!
//! A letter is rendered when it is sent, from facts that do not change after it was written, so that a resend is the
//! same letter with the same Message-ID.
//!
//! Every letter ends: sent, returned, or given up, and of what is given up the request and the team are told. A server
//! that says "not now" is asked again for days; that is no failed attempt of the job, so no count of attempts ends it.

use std::time::Duration;

use tracing::{error, info, warn};

use crate::breakpoint;
use crate::chance::Chance;
use crate::db::letters::{self, LetterRow, LetterState};
use crate::db::requests::{self, Stored};
use crate::db::{DbError, Tx, jobs};
use crate::domain::request::Audience;
use crate::domain::{LetterId, LetterKind, Retry, Timestamp};
use crate::queue::{Backoff, Lease};
use crate::reply::compose::{Envelope, Outgoing, compose, verp};
use crate::reply::mailer::SendError;
use crate::trail::Event;

use super::error::FlowError;
use super::house::House;
use super::letter::{self, Written};
use super::{behind, completion, erase, flood, forget, note, recipients, retention, undelivered};

#[derive(serde::Deserialize)]
struct Payload {
    letter: LetterId,
}

/// Why a letter is given up without asking a mail server: what it asks or says is over, or there is nobody to write to.
const OVER: &str = "over";
const NO_ADDRESS: &str = "no_address";

/// How often an uncertain delivery is tried again before a person must look.
const SENDS_MAX: u32 = 2;

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3_600);

/// How long a letter waits for a server that says "not now" before the team is told (RFC 5321 §4.5.4.1 warns as late).
const TOLD_AFTER: Duration = HOUR.saturating_mul(4);

/// How long it waits before it is given up: RFC 5321 §4.5.4.1 asks for four or five days at least.
const GIVEN_UP_AFTER: Duration = HOUR.saturating_mul(5 * 24);

/// Sends a letter that is queued, or settles one whose delivery was cut off.
pub(super) async fn send(house: &House, lease: &Lease) -> Result<(), FlowError> {
    let Payload { letter: id } = super::payload(lease)?;
    let mut tx = house.db.read().await?;
    let letter = letters::load(&mut tx, id).await?.ok_or(FlowError::Missing("the letter of a sending job"))?;
    if !matches!(letter.state, LetterState::Queued | LetterState::Sending) {
        drop(tx);
        return super::complete(house, lease).await;
    }
    if letter.state == LetterState::Sending {
        drop(tx);
        // What became of it is looked up where that can be, before anybody gets it twice or is told that nobody knows.
        if let Some(sent) = &house.sent
            && sent.has(&letter.message_id).await
        {
            info!(letter.id = %letter.id, letter.kind = %letter.kind, "a letter whose delivery was cut off lies in Sent");
            return settle(house, lease, &letter, LetterState::Sent, None).await;
        }
        if letter.sends >= SENDS_MAX {
            return settle(house, lease, &letter, LetterState::Held, None).await;
        }
        tx = house.db.read().await?;
    }
    let stored = match letter.request {
        Some(request) => requests::load(&mut tx, request).await?,
        None => None,
    };
    // What waited until its question was over, or until it was no longer so, is not asked or said any more.
    if let Some(stored) = &stored
        && undelivered::is_over_by_now(house, &mut tx, &letter, &stored.request).await?
    {
        drop(tx);
        return settle(house, lease, &letter, lost(letter.sends), Some(OVER)).await;
    }
    if let Some(stored) = &stored {
        if letter.kind == LetterKind::KeptErased && retention::waits(house, &mut tx, stored).await? {
            drop(tx);
            return wait(house, lease).await;
        }
        completion::check_letter(house, &mut tx, stored, letter.kind).await?;
    }
    drop(tx);
    // A hold may have been placed since the letter was written.
    if let (Some(stored), Some(store)) = (&stored, &letter.store)
        && let Some(held) = recipients::held(house, lease, stored, store).await?
    {
        return recipients::wait_for_hold(house, lease, &held).await;
    }
    if flood::is_gathered(house, lease, &letter).await? {
        return Ok(());
    }
    let mut tx = house.db.read().await?;
    let written = letter::write(house, &mut tx, &letter, stored.as_ref()).await;
    drop(tx);
    let outgoing = match written.and_then(|written| written.map(|it| composed(house, &letter, &it)).transpose()) {
        Ok(Some(outgoing)) => outgoing,
        // Nobody to write to, or the address was forgotten: said in the queue, never sent elsewhere.
        Ok(None) => return settle(house, lease, &letter, lost(letter.sends), Some(NO_ADDRESS)).await,
        Err(error @ FlowError::KeyDestroyed(_)) => {
            return settle(house, lease, &letter, lost(letter.sends), Some(error.code())).await;
        }
        // The same facts fail again, so the letter is given up where people see it.
        Err(error) if error.retry() == Retry::Permanent => {
            let reason = error.code();
            error!(letter.id = %letter.id, letter.kind = %letter.kind, reason, cause = %error.chain(), "a letter cannot be written");
            return settle(house, lease, &letter, lost(letter.sends), Some(reason)).await;
        }
        Err(error) => return Err(error),
    };
    // Whoever was told since a backup was made would be told again.
    if !letter.kind.is_alarm() {
        behind::check(house).await?;
    }
    let Some(letter) = begin(house, lease, &letter, stored.as_ref(), &outgoing).await? else { return Ok(()) };
    if let Err(error) = behind::keep(house).await
        && !letter.kind.is_alarm()
    {
        return take_back(house, &letter, error).await;
    }
    breakpoint!("send.before_data");
    let sent = house.mailer.send(&outgoing).await;
    breakpoint!("send.after_data");
    match sent {
        Ok(_) => settle(house, lease, &letter, LetterState::Sent, None).await,
        Err(error) => not_sent(house, lease, &letter, error).await,
    }
}

/// What the letter says is not so yet.
async fn wait(house: &House, lease: &Lease) -> Result<(), FlowError> {
    let mut tx = house.db.write().await?;
    jobs::snooze_in(&mut tx, lease, house.clock.now().plus(HOUR)).await?;
    Ok(tx.commit().await?)
}

/// What a failure means for the letter. Its cause is logged and noted: a login that is refused, a certificate that is not
/// trusted and a mailbox that does not exist each have another cure.
async fn not_sent(house: &House, lease: &Lease, letter: &LetterRow, error: SendError) -> Result<(), FlowError> {
    let obstacle = error.word();
    warn!(letter.id = %letter.id, letter.kind = %letter.kind, obstacle, %error, "a letter was not handed over");
    match error {
        SendError::Transient { .. } => put_off(house, lease, letter, &obstacle).await,
        // Who would be told that an alarm was refused? Where nobody else of the team has it, it is tried as long as anything.
        SendError::Permanent { .. } if letter.kind.is_alarm() && !another_has_it(house, letter).await? => {
            put_off(house, lease, letter, &obstacle).await
        }
        SendError::Permanent { .. } => settle(house, lease, letter, lost(letter.sends - 1), Some(&obstacle)).await,
        // `sending` stays: the next attempt resends once with the same Message-ID, the one after that holds.
        SendError::Ambiguous { .. } => {
            let mut tx = house.db.write().await?;
            letters::note_obstacle(&mut tx, letter.id, &obstacle).await?;
            tx.commit().await?;
            Err(FlowError::Uncertain)
        }
    }
}

async fn another_has_it(house: &House, letter: &LetterRow) -> Result<bool, FlowError> {
    let mut tx = house.db.read().await?;
    Ok(letters::another_has_it(&mut tx, letter).await?)
}

/// Commits that DATA is about to begin, and its leaf; `None` where the letter waits for another hour.
async fn begin(
    house: &House,
    lease: &Lease,
    letter: &LetterRow,
    stored: Option<&Stored>,
    outgoing: &Outgoing,
) -> Result<Option<LetterRow>, FlowError> {
    let mut tx = house.db.write().await?;
    let to = flood::whither(house, letter, &outgoing.to);
    if let Some(to) = &to
        && flood::is_capped(house, &mut tx, lease, letter, to).await?
    {
        tx.commit().await?;
        return Ok(None);
    }
    letters::begin(&mut tx, letter, to.as_ref(), house.clock.now()).await.map_err(moved)?;
    if let Some(Stored { request, .. }) = stored {
        // To the team goes no address of the case.
        let to = (letter.audience != Audience::Team).then_some(outgoing.to.as_str());
        note::sending(house, &mut tx, request.case, letter, to).await?;
    }
    tx.commit().await?;
    breakpoint!("send.sending_committed");
    Ok(Some(LetterRow { state: LetterState::Sending, sends: letter.sends + 1, ..letter.clone() }))
}

/// What became of a letter that is given up after this many deliveries whose end is not known: after none it reached
/// nobody, after one it may have.
const fn lost(uncertain: u32) -> LetterState {
    if uncertain == 0 { LetterState::Failed } else { LetterState::Held }
}

/// Somebody else settled the letter meanwhile: it is read again.
pub(super) fn moved(error: DbError) -> FlowError {
    match error {
        DbError::RowCount { .. } => FlowError::Moved,
        other => other.into(),
    }
}

/// The server said "not now": the letter waits, and this was no delivery. The team is told once that it waits long.
async fn put_off(house: &House, lease: &Lease, letter: &LetterRow, obstacle: &str) -> Result<(), FlowError> {
    let now = house.clock.now();
    let waited = letter.put_off_at.map_or(Duration::ZERO, |since| between(since, now));
    if waited >= GIVEN_UP_AFTER {
        return settle(house, lease, letter, lost(letter.sends - 1), Some(obstacle)).await;
    }
    let wait = next_wait(waited, &*house.chance);
    info!(letter.id = %letter.id, wait_seconds = wait.as_secs(), "the letter waits for the mail server");
    let mut tx = house.db.write().await?;
    letters::put_off(&mut tx, letter, now).await.map_err(moved)?;
    letters::note_obstacle(&mut tx, letter.id, obstacle).await?;
    jobs::note_reason(&mut tx, lease.held(), obstacle).await?;
    jobs::snooze_in(&mut tx, lease, now.plus(wait)).await?;
    if waited >= TOLD_AFTER {
        undelivered::tell_of_delay(house, &mut tx, letter).await?;
    }
    tx.commit().await?;
    breakpoint!("send.put_back");
    Ok(())
}

/// The watermark does not know of this letter: it would be told once more by a database that came back from a backup. So nothing
/// is handed over; the job waits for an operator or for room on the disk, however often, and no delivery is counted.
async fn take_back(house: &House, letter: &LetterRow, error: FlowError) -> Result<(), FlowError> {
    warn!(letter.id = %letter.id, code = error.code(), "a letter waits: the watermark could not be raised before it");
    let mut tx = house.db.write().await?;
    letters::take_back(&mut tx, letter).await.map_err(moved)?;
    tx.commit().await?;
    Err(error)
}

/// Until when a letter that was put off then is tried again.
pub(super) fn tried_until(put_off_at: Timestamp) -> Timestamp {
    put_off_at.plus(GIVEN_UP_AFTER)
}

/// The next wait is about as long as it has waited already, so waits double; an hour at most. The jitter keeps letters
/// that were refused together from coming back together.
fn next_wait(waited: Duration, chance: &dyn Chance) -> Duration {
    let whole = waited.clamp(MINUTE, HOUR);
    Backoff { first: whole, longest: whole }.after(1, chance)
}

fn between(earlier: Timestamp, later: Timestamp) -> Duration {
    Duration::from_micros(u64::try_from(later.as_micros().saturating_sub(earlier.as_micros())).unwrap_or(0))
}

/// A sending job failed for good: its letter is given up, so that it does not wait in the outbox for nobody. Where it would have
/// told of an end that is not true, the team hears of that, and not of a letter that reached nobody.
pub(super) async fn set_aside(house: &House, tx: &mut Tx, lease: &Lease, error: &FlowError) -> Result<(), FlowError> {
    let Payload { letter: id } = super::payload(lease)?;
    match letters::load(tx, id).await? {
        Some(letter) if let (FlowError::ForgedCompletion(_), Some(request)) = (error, letter.request) => {
            letters::note_obstacle(tx, letter.id, error.code()).await?;
            record_in(house, tx, &letter, lost(letter.sends)).await?;
            erase::step_failed(house, tx, request, error).await
        }
        Some(letter) if matches!(letter.state, LetterState::Queued | LetterState::Sending) => {
            settle_in(house, tx, &letter, lost(letter.sends), None).await
        }
        _ => Ok(()),
    }
}

/// Settles a letter with its job. `obstacle` is what stood in its way, where that is not noted yet.
async fn settle(
    house: &House,
    lease: &Lease,
    letter: &LetterRow,
    to: LetterState,
    obstacle: Option<&str>,
) -> Result<(), FlowError> {
    let mut tx = house.db.write().await?;
    settle_in(house, &mut tx, letter, to, obstacle).await?;
    jobs::complete_in(&mut tx, lease).await?;
    tx.commit().await?;
    breakpoint!("send.settled");
    Ok(())
}

/// Records what came of it, tells the team where nobody got it, and lets the address be forgotten after the last one.
async fn settle_in(
    house: &House,
    tx: &mut Tx,
    letter: &LetterRow,
    to: LetterState,
    obstacle: Option<&str>,
) -> Result<(), FlowError> {
    if let Some(obstacle) = obstacle {
        letters::note_obstacle(tx, letter.id, obstacle).await?;
    }
    let obstacle = obstacle.map(str::to_owned).or_else(|| letter.obstacle.clone()).filter(|_| to != LetterState::Sent);
    let letter = &LetterRow { obstacle, ..letter.clone() };
    let Some(stored) = record_in(house, tx, letter, to).await? else { return Ok(()) };
    match to {
        // What is over is missed by nobody.
        _ if undelivered::is_over_by_now(house, tx, letter, &stored.request).await? => {}
        LetterState::Failed => undelivered::tell(house, tx, letter).await?,
        LetterState::Held => undelivered::tell_of_doubt(house, tx, letter).await?,
        _ => {}
    }
    let stored = requests::load(tx, stored.request.id).await?.ok_or(FlowError::Missing("the request of a letter"))?;
    forget::contact_if_done(house, tx, &stored).await
}

/// The letter's new state, in the outbox and in the trail of its request.
async fn record_in(
    house: &House,
    tx: &mut Tx,
    letter: &LetterRow,
    to: LetterState,
) -> Result<Option<Stored>, FlowError> {
    let now = house.clock.now();
    letters::set_state(tx, letter, to, now).await.map_err(moved)?;
    for other in flood::spoken(tx, letter, to, now).await? {
        if let Some(request) = other.request
            && let Some(stored) = requests::load(tx, request).await?
        {
            note::letter(house, tx, stored.request.case, Event::LetterSent, &other, to).await?;
        }
    }
    let Some(request) = letter.request else { return Ok(None) };
    let stored = requests::load(tx, request).await?.ok_or(FlowError::Missing("the request of a letter"))?;
    if let Some(event) = recorded(to) {
        note::letter(house, tx, stored.request.case, event, letter, to).await?;
    }
    Ok(Some(stored))
}

const fn recorded(state: LetterState) -> Option<Event> {
    match state {
        LetterState::Sent => Some(Event::LetterSent),
        LetterState::Failed | LetterState::Bounced | LetterState::Held => Some(Event::LetterBounced),
        LetterState::Queued | LetterState::Sending => None,
    }
}

fn composed(house: &House, letter: &LetterRow, written: &Written) -> Result<Outgoing, FlowError> {
    let rendered = written.letter.render(&house.templates, written.language)?;
    let envelope = Envelope {
        from: house.config.service.address.clone(),
        from_name: house.config.service.sender_name.clone(),
        envelope_from: verp(&house.config.service.address, letter.id),
        to: written.to.clone(),
        reply_to: written.token.as_ref().map(|token| house.plus_address(token)),
        message_id: letter.message_id.clone(),
        in_reply_to: written.in_reply_to.clone(),
        references: written.in_reply_to.iter().cloned().collect(),
        date: letter.created_at,
    };
    Ok(compose(&envelope, &rendered)?)
}

/// For a caller that writes letters outside a request's life: the alarm that the mailbox was not polled.
pub async fn alarm(house: &House, tx: &mut Tx, kind: LetterKind) -> Result<(), FlowError> {
    super::advance::write_letter(house, tx, None, kind, Audience::Team, house.clock.now()).await
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::chance::SeededChance;

    #[test]
    fn waits_double_to_an_hour_and_no_two_are_alike() {
        let chance = SeededChance::new(5);
        let mut waited = Duration::ZERO;
        let mut tries = 0;
        while waited < GIVEN_UP_AFTER {
            let whole = waited.clamp(MINUTE, HOUR);
            let waits: BTreeSet<Duration> = (0..50).map(|_| next_wait(waited, &chance)).collect();
            assert!(waits.iter().all(|wait| *wait >= whole / 2 && *wait <= whole), "after {waited:?}");
            assert!(waits.len() > 25, "jitter after {waited:?}");
            waited += next_wait(waited, &chance);
            tries += 1;
        }
        assert!((100..400).contains(&tries), "{tries} tries in five days");
    }

    #[test]
    fn a_letter_that_may_have_arrived_is_never_called_undelivered() {
        assert_eq!([lost(0), lost(1), lost(2)], [LetterState::Failed, LetterState::Held, LetterState::Held]);
    }
}
