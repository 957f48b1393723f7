//! Moves a request: the facts, the trail entry and the jobs that follow are written in one transaction (invariant 5).

use serde_json::json;

use crate::db::letters::{self, LetterRow, LetterState};
use crate::db::requests::{self, Bindings, Stored};
use crate::db::{DbError, Tx, authorities, jobs};
use crate::domain::request::{self, Audience, Effect, Event, Request, Wake, Work, apply};
use crate::domain::{LetterId, LetterKind, RequestId, State, Timestamp};
use crate::queue::{NewJob, Priority};
use crate::trail::Actor;

use super::error::FlowError;
use super::house::House;
use super::{challenge, forget, kinds, note, pause, promise};

/// Moves a stored request by an event and writes all that follows from it.
///
/// # Errors
/// [`FlowError::Illegal`] where the state does not take the event; the transaction is then to be dropped.
pub async fn advance(
    house: &House,
    tx: &mut Tx,
    stored: &Stored,
    event: &Event,
    bindings: Bindings,
    actor: Actor,
) -> Result<Stored, FlowError> {
    let now = house.clock.now();
    let (request, effects) = apply(&stored.request, event, &promise::policy(house, tx, stored.request.id).await?, now)?;
    if request.moves == stored.request.moves {
        return Ok(stored.clone());
    }
    pause::lift(house, tx, &stored.request, &request).await?;
    requests::save(tx, &stored.request, &request, &bindings, now).await.map_err(|error| match error {
        DbError::RowCount { .. } => FlowError::Moved,
        other => other.into(),
    })?;
    pause::place(house, tx, &stored.request, &request).await?;
    // What permitted it serves one way only: not after an end, and not after it went back to a person.
    if let Some(warrant) = stored.request.warrant
        && (request.warrant != Some(warrant) || request.state.is_ended())
    {
        authorities::end(tx, warrant.authority, now).await?;
    }
    if stored.request.state == State::Received && request.state != State::Received {
        // Who asks is not looked up for what is paused or over; what is let go on gets a job of its own for it.
        jobs::cancel_waiting(tx, request.id, &[kinds::IDENTIFY]).await?;
    }
    note::moved(house, tx, &stored.request, event, &request, actor).await?;
    for effect in &effects {
        follow(house, tx, &request, *effect, now).await?;
    }
    let ended_at = request.state.is_ended().then(|| stored.ended_at.unwrap_or(now));
    Ok(Stored { request, bindings, updated_at: now, ended_at })
}

/// Writes what follows from the opening of a request.
pub(super) async fn opened(house: &House, tx: &mut Tx, request: &Request, now: Timestamp) -> Result<(), FlowError> {
    for effect in request::opened(request, &house.policy, now) {
        follow(house, tx, request, effect, now).await?;
    }
    Ok(())
}

async fn follow(
    house: &House,
    tx: &mut Tx,
    request: &Request,
    effect: Effect,
    now: Timestamp,
) -> Result<(), FlowError> {
    match effect {
        Effect::Send { letter, to } => write_letter(house, tx, Some(request), letter, to, now).await?,
        Effect::AskAnew => challenge::ask_anew(house, tx, request, now).await?,
        Effect::Run(work) => enqueue(house, tx, work_job(request, work, now), now).await?,
        Effect::WakeAt { wake, at } => enqueue(house, tx, wake_job(request, wake, at), now).await?,
        Effect::CancelWakes => {
            jobs::cancel(tx, request.id, &[kinds::WAKE]).await?;
        }
        Effect::Close { erased } => forget::plan(house, tx, request, erased, now).await?,
    }
    Ok(())
}

/// Writes a letter to the outbox with the job that sends it. Once per kind, addressee and occasion (invariant 4); to the
/// team, one to each of its addresses.
pub(super) async fn write_letter(
    house: &House,
    tx: &mut Tx,
    request: Option<&Request>,
    kind: LetterKind,
    audience: Audience,
    now: Timestamp,
) -> Result<(), FlowError> {
    let occasion = request.map_or(0, |request| request.moves);
    let about = request.map_or_else(|| RequestId::new(now, &*house.chance), |request| request.id);
    let local = house.keys.message_id_local(about, kind, audience, occasion);
    for letter in new_letters(house, request, kind, audience, &local, now) {
        post(house, tx, letter, now).await?;
    }
    Ok(())
}

/// Writes an alarm to the team about a letter that has not reached its reader. Once per kind and letter.
pub(super) async fn write_alarm_about(
    house: &House,
    tx: &mut Tx,
    request: &Request,
    kind: LetterKind,
    about: &LetterRow,
    now: Timestamp,
) -> Result<(), FlowError> {
    let local = house.keys.alarm_id_local(about.id, kind);
    for letter in new_letters(house, Some(request), kind, Audience::Team, &local, now) {
        post(house, tx, LetterRow { about: Some(about.id), ..letter }, now).await?;
    }
    Ok(())
}

/// Writes a letter to a recipient. Once per kind and recipient, whatever the request went through meanwhile.
pub(super) async fn write_to_recipient(
    house: &House,
    tx: &mut Tx,
    request: &Request,
    kind: LetterKind,
    store: &str,
) -> Result<(), FlowError> {
    let now = house.clock.now();
    let audience = Audience::Recipient;
    let local = house.keys.message_id_local(request.id, kind, audience, 0);
    let local = house.keys.copy_id_local(&local, &house.keys.lookup_mac(store));
    let letter = new_letter(house, Some(request), kind, (audience, None), &local, now);
    post(house, tx, LetterRow { store: Some(store.to_owned()), occasion: 0, ..letter }, now).await
}

/// A letter for each addressee. One to a team without addresses is written too: the queue says that it reached nobody.
fn new_letters(
    house: &House,
    request: Option<&Request>,
    kind: LetterKind,
    audience: Audience,
    local: &str,
    now: Timestamp,
) -> Vec<LetterRow> {
    let team = house.config.service.team.iter().filter(|_| audience == Audience::Team);
    let mut addressees: Vec<_> = team.map(|address| Some(house.keys.lookup_mac(address))).collect();
    if addressees.is_empty() {
        addressees.push(None);
    }
    let letter = |addressee: Option<[u8; 32]>| {
        let local = addressee.map(|to| house.keys.copy_id_local(local, &to)).unwrap_or_else(|| local.to_owned());
        new_letter(house, request, kind, (audience, addressee), &local, now)
    };
    addressees.into_iter().map(letter).collect()
}

pub(super) fn new_letter(
    house: &House,
    request: Option<&Request>,
    kind: LetterKind,
    (audience, addressee): (Audience, Option<[u8; 32]>),
    local: &str,
    now: Timestamp,
) -> LetterRow {
    LetterRow {
        id: LetterId::new(now, &*house.chance),
        request: request.map(|request| request.id),
        about: None,
        kind,
        audience,
        addressee,
        store: None,
        occasion: request.map_or(0, |request| request.moves),
        round: request.map_or(0, |request| request.round),
        message_id: format!("{local}@{}", house.domain()),
        state: LetterState::Queued,
        sends: 0,
        created_at: now,
        sent_at: None,
        put_off_at: None,
        begun_at: None,
        told_in: None,
        obstacle: None,
    }
}

/// Puts a letter into the outbox with the job that sends it, unless it is there already.
async fn post(house: &House, tx: &mut Tx, letter: LetterRow, now: Timestamp) -> Result<(), FlowError> {
    if letters::insert(tx, &letter).await? {
        enqueue(house, tx, send_job(&letter, now), now).await?;
    }
    Ok(())
}

/// The job that sends a letter of the outbox.
pub(super) fn send_job(letter: &LetterRow, now: Timestamp) -> NewJob {
    let mut job = NewJob::new(kinds::SEND, json!({ "letter": letter.id }), now);
    job.request = letter.request;
    job.unique_key = Some(format!("send:{}", letter.id));
    job.attempts_max = 20;
    job.priority = Priority::Urgent;
    job
}

pub(super) async fn enqueue(house: &House, tx: &mut Tx, job: NewJob, now: Timestamp) -> Result<(), FlowError> {
    jobs::enqueue(tx, &[job], now, &*house.chance).await?;
    Ok(())
}

fn work_job(request: &Request, work: Work, now: Timestamp) -> NewJob {
    let kind = match work {
        Work::Identify => kinds::IDENTIFY,
        Work::Begin => kinds::BEGIN,
        Work::Erase => kinds::ERASE,
    };
    let mut job = NewJob::new(kind, json!({}), now);
    job.request = Some(request.id);
    if work == Work::Identify {
        job.priority = Priority::Urgent;
    }
    job.unique_key = Some(format!("{kind}:{}:{}", request.id, request.moves));
    job
}

pub(super) fn wake_job(request: &Request, wake: Wake, at: Timestamp) -> NewJob {
    let mut job = NewJob::new(kinds::WAKE, json!({ "wake": wake, "round": request.round, "at": at }), at);
    job.request = Some(request.id);
    job.unique_key = Some(format!("wake:{}:{wake}:{}", request.id, request.moves));
    job
}
