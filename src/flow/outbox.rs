//! Sends one letter of the outbox: `sending` is committed before DATA, and what comes of it after (FAULTS, SMTP).
//!
//! A letter is rendered when it is sent, from facts that do not change after it was written, so that a resend is the
//! same letter with the same Message-ID.

use std::time::Duration;

use crate::breakpoint;
use crate::db::letters::{self, LetterRow, LetterState};
use crate::db::requests::{self, Stored};
use crate::db::{Tx, jobs};
use crate::domain::request::Audience;
use crate::domain::{Language, LetterId, LetterKind};
use crate::queue::{AfterFailure, Lease};
use crate::reply::compose::{Envelope, Outgoing, compose, verp};
use crate::reply::mailer::SendError;
use crate::trail::Event;

use super::error::FlowError;
use super::house::House;
use super::letter::{self, Written};
use super::{forget, note, undelivered};

#[derive(serde::Deserialize)]
struct Payload {
    letter: LetterId,
}

/// How often an uncertain delivery is tried again before a person must look.
const SENDS_MAX: u32 = 2;

/// Sends a letter that is queued, or settles one whose delivery was cut off.
pub(super) async fn send(house: &House, lease: &Lease) -> Result<(), FlowError> {
    let Payload { letter: id } = super::payload(lease)?;
    let mut tx = house.db.read().await?;
    let letter = letters::load(&mut tx, id).await?.ok_or(FlowError::Missing("the letter of a sending job"))?;
    if !matches!(letter.state, LetterState::Queued | LetterState::Sending) {
        drop(tx);
        return super::complete(house, lease).await;
    }
    if letter.state == LetterState::Sending && letter.sends >= SENDS_MAX {
        drop(tx);
        return settle(house, lease, &letter, LetterState::Held).await;
    }
    let stored = match letter.request {
        Some(request) => requests::load(&mut tx, request).await?,
        None => None,
    };
    let written = match letter::write(house, &mut tx, &letter, stored.as_ref()).await {
        Err(FlowError::KeyDestroyed(_)) => None,
        other => other?,
    };
    drop(tx);
    let Some(written) = written else {
        // Nobody to write to, or the address was forgotten: said in the queue, never sent elsewhere.
        return settle(house, lease, &letter, LetterState::Failed).await;
    };
    let outgoing = composed(house, &letter, &written)?;
    let letter = begin(house, &letter, stored.as_ref()).await?;
    breakpoint!("send.before_data");
    let sent = hand_over(house, &outgoing).await;
    breakpoint!("send.after_data");
    match sent {
        Ok(()) => settle(house, lease, &letter, LetterState::Sent).await,
        Err(SendError::Transient { .. }) => again(house, lease, &letter).await,
        Err(SendError::Permanent { .. }) => settle(house, lease, &letter, LetterState::Failed).await,
        // `sending` stays: the next attempt resends once with the same Message-ID, the one after that holds.
        Err(SendError::Ambiguous { .. }) => Err(FlowError::Uncertain),
    }
}

/// Commits that DATA is about to begin, and its leaf.
async fn begin(house: &House, letter: &LetterRow, stored: Option<&Stored>) -> Result<LetterRow, FlowError> {
    let mut tx = house.db.write().await?;
    letters::set_state(&mut tx, letter, LetterState::Sending, house.clock.now()).await?;
    if let Some(Stored { request, .. }) = stored {
        note::letter(house, &mut tx, request.case, Event::LetterSending, letter, LetterState::Sending).await?;
    }
    tx.commit().await?;
    breakpoint!("send.sending_committed");
    Ok(LetterRow { state: LetterState::Sending, sends: letter.sends + 1, ..letter.clone() })
}

/// The server said "not now": the letter waits, and this was no delivery.
async fn again(house: &House, lease: &Lease, letter: &LetterRow) -> Result<(), FlowError> {
    let mut tx = house.db.write().await?;
    letters::set_state(&mut tx, letter, LetterState::Queued, house.clock.now()).await?;
    letters::uncount(&mut tx, letter).await?;
    let minutes = 1_u64 << lease.job().attempt.min(7);
    let at = house.clock.now().plus(Duration::from_secs(minutes * 60));
    jobs::fail_in(&mut tx, lease, "smtp_not_now", AfterFailure::At(at)).await?;
    tx.commit().await?;
    breakpoint!("send.put_back");
    Ok(())
}

/// Records what came of it, tells the team where nobody got it, and lets the address be forgotten after the last one.
async fn settle(house: &House, lease: &Lease, letter: &LetterRow, to: LetterState) -> Result<(), FlowError> {
    let mut tx = house.db.write().await?;
    letters::set_state(&mut tx, letter, to, house.clock.now()).await?;
    if let Some(request) = letter.request {
        let stored = requests::load(&mut tx, request).await?.ok_or(FlowError::Missing("the request of a letter"))?;
        if let Some(event) = recorded(to) {
            note::letter(house, &mut tx, stored.request.case, event, letter, to).await?;
        }
        match to {
            LetterState::Failed => undelivered::tell(house, &mut tx, letter).await?,
            // It may have arrived, and may still be answered: only the team is told.
            LetterState::Held if !letter.kind.is_alarm() => {
                let (kind, now) = (LetterKind::AlarmBounced, house.clock.now());
                super::advance::write_letter(house, &mut tx, Some(&stored.request), kind, Audience::Team, now).await?;
            }
            _ => {}
        }
        forget::contact_if_done(house, &mut tx, &stored).await?;
    }
    jobs::complete_in(&mut tx, lease).await?;
    tx.commit().await?;
    breakpoint!("send.settled");
    Ok(())
}

const fn recorded(state: LetterState) -> Option<Event> {
    match state {
        LetterState::Sent => Some(Event::LetterSent),
        LetterState::Failed | LetterState::Bounced | LetterState::Held => Some(Event::LetterBounced),
        LetterState::Queued | LetterState::Sending => None,
    }
}

/// Hands over the same letter to each addressee; only the team has several. What went to some and then failed is
/// sent again to all: an alarm twice is better than one that nobody got.
async fn hand_over(house: &House, letters: &[Outgoing]) -> Result<(), SendError> {
    for outgoing in letters {
        house.mailer.send(outgoing).await?;
    }
    Ok(())
}

fn composed(house: &House, letter: &LetterRow, written: &Written) -> Result<Vec<Outgoing>, FlowError> {
    let rendered = written.letter.render(&house.templates, written.language)?;
    let envelope = |to: &String| Envelope {
        from: house.config.service.address.clone(),
        from_name: house.config.service.sender_name.clone(),
        envelope_from: verp(&house.config.service.address, letter.id),
        to: to.clone(),
        reply_to: written.token.as_ref().map(|token| house.plus_address(token)),
        message_id: letter.message_id.clone(),
        in_reply_to: written.in_reply_to.clone(),
        references: written.in_reply_to.iter().cloned().collect(),
        date: letter.created_at,
    };
    written.to.iter().map(|to| Ok(compose(&envelope(to), &rendered)?)).collect()
}

/// The language of a letter: the request's, or the house's for the team.
pub(super) fn language(house: &House, letter: &LetterRow, stored: Option<&Stored>) -> Language {
    match (letter.audience, stored) {
        (Audience::Team, _) | (_, None) => house.config.service.language,
        (_, Some(stored)) => stored.request.language,
    }
}

/// For a caller that writes letters outside a request's life: the alarm that the mailbox was not polled.
pub async fn alarm(house: &House, tx: &mut Tx, kind: LetterKind) -> Result<(), FlowError> {
    super::advance::write_letter(house, tx, None, kind, Audience::Team, house.clock.now()).await
}
