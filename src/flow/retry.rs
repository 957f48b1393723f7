//! Has work that failed for good done again, or work that waits done now, where there is still something to do; where not, says what helps instead.
//!
//! When a job dies, a person is told through its request, which then goes another way: the letter is set aside, the
//! request goes to review, the question counts as lost. The job alone, put back, would find nothing left to do.

use crate::db::deliveries::{self, Disposition};
use crate::db::letters::{self, LetterState};
use crate::db::requests::{self, Stored};
use crate::db::{Tx, jobs};
use crate::domain::request::{Audience, Event, Request, Wake, apply};
use crate::domain::{DeliveryId, JobId, LetterId, Reference, State, Timestamp};
use crate::trail::{Event as Recorded, Fact, Facts};
use crate::vault::KeyPurpose;

use super::error::FlowError;
use super::house::House;
use super::kinds::{ASKED_LATELY, GATHERED};
use super::operate::{self, Operator};
use super::{advance, kinds, note, safe, undelivered};

/// What became of an operator's wish to have a job tried again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retried {
    /// It is tried again, with all its attempts.
    Again,
    /// It waited for a time, and is due now.
    Sooner,
    /// There is no such job that failed for good or waits.
    NotIdle,
    /// It would find nothing to do; this helps instead.
    Instead(&'static str),
}

/// Puts a dead job back, and what it is about as well where its end has moved that; makes one due now that waits for an
/// obstacle to go, or for its turn.
///
/// # Errors
/// When our database does not answer.
pub async fn job(house: &House, id: JobId, operator: &Operator) -> Result<Retried, FlowError> {
    let mut tx = house.db.write().await?;
    let Some(idle) = jobs::idle(&mut tx, id).await? else { return Ok(Retried::NotIdle) };
    let stored = match idle.request {
        Some(request) => requests::load(&mut tx, request).await?,
        None => None,
    };
    let instead = match idle.dead {
        true => prepare(house, &mut tx, &idle, stored.as_ref()).await?,
        false => match ended_before(house, &mut tx, &idle, stored.as_ref()).await? {
            None => cannot_hurry(&idle, house.clock.now()),
            over => over,
        },
    };
    if let Some(instead) = instead {
        return Ok(Retried::Instead(instead));
    }
    match jobs::retry(&mut tx, id, house.clock.now()).await {
        Ok(true) => {}
        Ok(false) => return Ok(Retried::NotIdle),
        Err(error) if error.is_unique_violation() => {
            return Ok(Retried::Instead("the same work was enqueued again meanwhile; see 'jobs list'"));
        }
        Err(error) => return Err(error.into()),
    }
    if let Some(Stored { request, .. }) = &stored
        && safe::has_key(house, &mut tx, request.case, KeyPurpose::Record).await?
    {
        let facts = Facts::new().with("job", Fact::Word(idle.kind.clone()))?;
        note::append(house, &mut tx, request.case, Recorded::JobRetried, operator.actor(), facts).await?;
    }
    tx.commit().await?;
    Ok(if idle.dead { Retried::Again } else { Retried::Sooner })
}

/// Why a waiting job finds nothing to do any more: its request, or what its letter says, is over.
async fn ended_before(
    house: &House,
    tx: &mut Tx,
    idle: &jobs::IdleJob,
    stored: Option<&Stored>,
) -> Result<Option<&'static str>, FlowError> {
    let Some(Stored { request, .. }) = stored else { return Ok(None) };
    match idle.kind.as_str() {
        kinds::WAKE if is_stale(house, &idle.payload, request, idle.run_at.max(house.clock.now()))? => {
            Ok(Some("its request has ended or gone on since: on its day it finds nothing to do, and goes by itself"))
        }
        kinds::SEND => {
            let OfLetter { letter: id } = read(&idle.payload)?;
            let Some(letter) = letters::load(tx, id).await? else { return Ok(Some("its letter was forgotten")) };
            let is_over = undelivered::is_over_by_now(house, tx, &letter, request).await?;
            Ok(is_over.then_some(
                "what its letter says is over, because its request has ended or gone on since: it is sent no more, and the job goes by \
                 itself",
            ))
        }
        _ => Ok(None),
    }
}

/// What a waiting job waits for, where that is not for an operator to shorten: what is due waits for a worker only, and
/// whatever is not work on an obstacle waits for a day that a life sets.
fn cannot_hurry(idle: &jobs::IdleJob, now: Timestamp) -> Option<&'static str> {
    let waits_for_an_obstacle = match idle.kind.as_str() {
        kinds::JUDGE | kinds::IDENTIFY | kinds::OTHERS | kinds::ERASE | kinds::SEND => true,
        // Planned for its day; what stood in its way on that day is noted.
        kinds::BEGIN | kinds::SWEEP | kinds::ASK => idle.reason.is_some(),
        _ => false,
    };
    match waits_for_an_obstacle {
        // Tried now, it would find the same limit and wait on.
        true if idle.run_at > now && limit(idle).is_some() => limit(idle),
        true => (idle.run_at <= now).then_some("it is due already, and waits for a worker of the daemon"),
        false => Some("it waits for a day that its request was promised"),
    }
}

/// The limit that a waiting job keeps to, where one makes it wait. Limits of the hour are not among them: they may have been raised, and a
/// letter that finds them as they were waits on.
fn limit(idle: &jobs::IdleJob) -> Option<&'static str> {
    match idle.reason.as_deref()? {
        GATHERED => Some(
            "alarms of its kind are told together: it goes out by itself at its time, or with another before \
             (alarms_gathered_minutes under [limits])",
        ),
        ASKED_LATELY => Some(
            "its address was asked for another request a short while ago: its turn comes by itself at its time \
             (per_address_hours under [challenge])",
        ),
        _ => None,
    }
}

/// Brings what the job is about to where it finds something to do, or answers what helps instead.
async fn prepare(
    house: &House,
    tx: &mut Tx,
    dead: &jobs::IdleJob,
    stored: Option<&Stored>,
) -> Result<Option<&'static str>, FlowError> {
    let state = stored.map(|stored| stored.request.state);
    Ok(match dead.kind.as_str() {
        kinds::JUDGE => set_aside(tx, &dead.payload).await?,
        kinds::IDENTIFY => moved_on(state, State::Received),
        kinds::BEGIN => moved_on(state, State::Scheduled),
        kinds::ERASE => moved_on(state, State::Erasing),
        kinds::SWEEP if state == Some(State::WaitingOnRecipients) => None,
        kinds::SWEEP => moved_on(state, State::Completed),
        kinds::ASK if stored.is_some_and(|stored| stored.request.waits) => None,
        kinds::ASK => moved_on(state, State::WaitingOnRecipients),
        kinds::SEND => letter(house, tx, &dead.payload, stored).await?,
        kinds::WAKE => stale_wake(house, &dead.payload, stored)?,
        _ => None,
    })
}

#[derive(serde::Deserialize)]
struct OfDelivery {
    delivery: DeliveryId,
}

#[derive(serde::Deserialize)]
struct OfLetter {
    letter: LetterId,
}

#[derive(serde::Deserialize)]
struct OfWake {
    wake: Wake,
    round: u32,
}

fn read<T: serde::de::DeserializeOwned>(payload: &serde_json::Value) -> Result<T, FlowError> {
    serde_json::from_value(payload.clone()).map_err(|_| FlowError::Broken("a job's payload of another shape"))
}

const IN_REVIEW: &str =
    "its request waits in review: 'requests scope' or 'requests account' has it identified and confirmed anew";

const MOVED_ON: &str = "its request has moved on since; see 'requests show'";

/// A letter that could not be judged has a request of its own by now, which keeps its bytes.
async fn set_aside(tx: &mut Tx, payload: &serde_json::Value) -> Result<Option<&'static str>, FlowError> {
    let OfDelivery { delivery } = read(payload)?;
    let stored = deliveries::load(tx, delivery).await?;
    Ok(stored.is_none_or(|stored| stored.disposition != Disposition::Stored).then_some(
        "the letter was set aside and its request waits in review: read it with 'requests show --reveal', then set what it \
         asks for with 'requests account' and 'requests scope', or end it with 'requests withdraw'",
    ))
}

fn moved_on(state: Option<State>, needed: State) -> Option<&'static str> {
    match state {
        Some(state) if state == needed => None,
        Some(State::NeedsReview) => Some(IN_REVIEW),
        _ => Some(MOVED_ON),
    }
}

/// A letter that was given up goes back to the outbox, unless nobody waits for it any more.
async fn letter(
    house: &House,
    tx: &mut Tx,
    payload: &serde_json::Value,
    stored: Option<&Stored>,
) -> Result<Option<&'static str>, FlowError> {
    let OfLetter { letter: id } = read(payload)?;
    let Some(letter) = letters::load(tx, id).await? else { return Ok(Some("its letter was forgotten")) };
    match letter.state {
        LetterState::Queued | LetterState::Sending => return Ok(None),
        LetterState::Sent | LetterState::Bounced => return Ok(Some("the mail server has taken its letter")),
        LetterState::Failed | LetterState::Held => {}
    }
    if let Some(Stored { request, .. }) = stored {
        if undelivered::is_over_by_now(house, tx, &letter, request).await? {
            let waits = request.state == State::NeedsReview;
            return Ok(Some(if waits { IN_REVIEW } else { "what it asks or says is over; see 'requests show'" }));
        }
        if !letter.kind.is_alarm() && !safe::has_key(house, tx, request.case, KeyPurpose::Contact).await? {
            return Ok(Some("the address that it would go to was forgotten by its term"));
        }
    }
    letters::put_back(tx, &[id]).await?;
    Ok(None)
}

/// Sends the letters of a request again that were refused, came back or may not have arrived, where they are still due:
/// how many.
///
/// # Errors
/// [`FlowError::NotFound`] where there is none, [`FlowError::KeyDestroyed`] where the address was forgotten by its term.
pub async fn letters_of(house: &House, reference: &Reference, operator: &Operator) -> Result<u64, FlowError> {
    let mut tx = house.db.write().await?;
    let Stored { request, .. } = operate::find(&mut tx, reference).await?;
    let mut lost = Vec::new();
    for letter in letters::of_request(&mut tx, request.id).await? {
        let is_lost = letter.is_lost() && letter.audience != Audience::Team;
        if is_lost && !undelivered::is_over_by_now(house, &mut tx, &letter, &request).await? {
            lost.push(letter);
        }
    }
    if lost.is_empty() {
        return Err(FlowError::NotFound("letter of this request that reached nobody and is still due"));
    }
    if !safe::has_key(house, &mut tx, request.case, KeyPurpose::Contact).await? {
        return Err(FlowError::KeyDestroyed(KeyPurpose::Contact));
    }
    let contact = safe::contact(house, &mut tx, &request).await?;
    lost.retain(|letter| match letter.audience {
        Audience::Asker => contact.asker.is_some(),
        Audience::Owner => contact.owner.is_some(),
        _ => true,
    });
    if lost.is_empty() {
        return Err(FlowError::NotFound(NO_ADDRESS));
    }
    let (ids, now): (Vec<_>, _) = (lost.iter().map(|letter| letter.id).collect(), house.clock.now());
    let count = letters::put_back(&mut tx, &ids).await?;
    let sends: Vec<_> = lost.iter().map(|letter| advance::send_job(letter, now)).collect();
    jobs::enqueue(&mut tx, &sends, now, &*house.chance).await?;
    let facts = Facts::new().with("job", Fact::Word(kinds::SEND.to_owned()))?;
    note::append(house, &mut tx, request.case, Recorded::JobRetried, operator.actor(), facts).await?;
    tx.commit().await?;
    Ok(count)
}

/// What is missing where letters have nobody to go to.
const NO_ADDRESS: &str = "address on file to which its letters could go; tell the person in another way, and write it down with \
     'requests note'";

fn stale_wake(
    house: &House,
    payload: &serde_json::Value,
    stored: Option<&Stored>,
) -> Result<Option<&'static str>, FlowError> {
    let Some(Stored { request, .. }) = stored else { return Ok(Some("its request was forgotten")) };
    let review = request.state == State::NeedsReview;
    let stale = is_stale(house, payload, request, house.clock.now())?;
    Ok(stale.then_some(if review { IN_REVIEW } else { MOVED_ON }))
}

/// Whether a request that is woken at this time stays as it is.
fn is_stale(house: &House, payload: &serde_json::Value, request: &Request, at: Timestamp) -> Result<bool, FlowError> {
    let OfWake { wake, round } = read(payload)?;
    let moves = apply(request, &Event::Woken { wake, round }, &house.policy, at);
    Ok(moves.map_or(true, |(next, _)| next.moves == request.moves))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_beginning_waits_for_its_day_unless_something_stands_in_its_way() {
        let now = Timestamp::from_micros(1_800_000_000_000_000);
        let job = |reason: Option<&str>| jobs::IdleJob {
            kind: kinds::BEGIN.to_owned(),
            dead: false,
            run_at: now.plus_days(1),
            request: None,
            payload: serde_json::Value::Null,
            reason: reason.map(str::to_owned),
        };
        assert!(cannot_hurry(&job(None), now).is_some_and(|why| why.contains("was promised")));
        assert_eq!(cannot_hurry(&job(Some(jobs::MAILBOX_NOT_READ)), now), None);
    }
}
