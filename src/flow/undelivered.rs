//! Tells a request that one of its letters reached nobody: refused by the mail server, given up, or returned later.
//!
//! Never decides what the request does then: the life does.

use crate::db::Tx;
use crate::db::letters::{self, LetterRow, LetterState};
use crate::db::requests::{self, Stored};
use crate::domain::request::{Audience, Event, Hold, Request, Wake};
use crate::domain::{LetterKind, State, Timestamp};
use crate::trail::Actor;

use super::advance;
use super::error::FlowError;
use super::house::House;
use super::recipients;

/// Tells the request, and through it or directly the team. Silence after a question that nobody read says nothing, so
/// the question of the round that runs goes to a person. A lost letter to the team tells nobody: it would be lost too.
pub(super) async fn tell(house: &House, tx: &mut Tx, ours: &LetterRow) -> Result<(), FlowError> {
    let Some(stored) = request_of(tx, ours).await? else { return Ok(()) };
    if asks(ours.kind) && ours.round == stored.request.round {
        let bindings = stored.bindings.clone();
        advance::advance(house, tx, &stored, &Event::ChallengeBounced, bindings, Actor::PROGRAM).await?;
        return Ok(());
    }
    if ours.audience == Audience::Recipient {
        recipients::lost(house, tx, ours).await?;
    }
    alarm(house, tx, &stored, LetterKind::AlarmBounced, ours).await
}

/// Tells the team that nobody knows whether a letter arrived. It may have, and may still be answered: the request goes on.
pub(super) async fn tell_of_doubt(house: &House, tx: &mut Tx, ours: &LetterRow) -> Result<(), FlowError> {
    let Some(stored) = request_of(tx, ours).await? else { return Ok(()) };
    alarm(house, tx, &stored, LetterKind::AlarmBounced, ours).await
}

/// Tells the team that the mail server has not taken a letter for hours; it is tried again all the same.
pub(super) async fn tell_of_delay(house: &House, tx: &mut Tx, ours: &LetterRow) -> Result<(), FlowError> {
    let Some(stored) = request_of(tx, ours).await? else { return Ok(()) };
    alarm(house, tx, &stored, LetterKind::AlarmDelayed, ours).await
}

/// Whether the silence that this wake would end says nothing, because no letter of the question is known to have left
/// us. What still waits in the outbox is then given up: its question is over.
pub(super) async fn unread(
    house: &House,
    tx: &mut Tx,
    stored: &Stored,
    wake: Wake,
    round: u32,
) -> Result<bool, FlowError> {
    let request = &stored.request;
    let ends = match wake {
        Wake::Expire => request.state == State::AwaitingConfirmation,
        Wake::ApprovalLapse => request.state == State::AwaitingApproval,
        _ => false,
    };
    if !ends || round != request.round {
        return Ok(false);
    }
    let mut asked = letters::of_request(tx, request.id).await?;
    asked.retain(|letter| asks(letter.kind) && letter.round == round);
    if asked.iter().any(|letter| letter.state == LetterState::Sent) {
        return Ok(false);
    }
    for letter in asked.iter().filter(|letter| letter.state == LetterState::Queued) {
        letters::set_state(tx, letter, LetterState::Failed, house.clock.now()).await?;
    }
    Ok(true)
}

/// Whether those were told of an erasing to come who can stop it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Notice {
    /// Every letter that says so was taken by a mail server, the last one then, and none came back; `None` where there was
    /// nobody to tell.
    Told(Option<Timestamp>),
    /// One is still to be sent.
    OnItsWay,
    /// One reached nobody, or nobody knows whether it did.
    Lost,
}

/// See [`Notice`], of letters of these kinds. Of several of a kind the last one of this round counts: it says what is so now.
pub(super) async fn notice(tx: &mut Tx, request: &Request, kinds: &[LetterKind]) -> Result<Notice, FlowError> {
    let mut told = letters::of_request(tx, request.id).await?;
    told.retain(|letter| letter.round == request.round);
    told.sort_by_key(|letter| letter.created_at);
    let last: Vec<&LetterRow> =
        kinds.iter().filter_map(|kind| told.iter().rfind(|letter| letter.kind == *kind)).collect();
    let is = |of: &[LetterState]| last.iter().any(|letter| of.contains(&letter.state));
    Ok(if is(&[LetterState::Failed, LetterState::Bounced, LetterState::Held]) {
        Notice::Lost
    } else if is(&[LetterState::Queued, LetterState::Sending]) {
        Notice::OnItsWay
    } else {
        Notice::Told(last.iter().filter_map(|letter| letter.sent_at).max())
    })
}

/// Whether a letter says what is not so any more: it asks what its request does not wait for now, or tells where it stood
/// once. After the end only what tells of that end is still due.
pub(super) fn is_over(ours: &LetterRow, request: &Request) -> bool {
    let state = request.state;
    let behind_pause = request.held.map_or(state, |(back, _)| back);
    let paused_by = request.held.map(|(_, by)| by);
    let still = match ours.kind {
        LetterKind::Challenge | LetterKind::Reminder | LetterKind::CodeAsked | LetterKind::ApprovalAsked => {
            let waits = matches!(behind_pause, State::AwaitingConfirmation | State::AwaitingApproval);
            // Nobody knows what was answered to what a database lacks that came back from a backup.
            waits && ours.round == request.round && paused_by != Some(Hold::Ledger)
        }
        LetterKind::Scheduled | LetterKind::ServiceEnded | LetterKind::SecondNotice => state == State::Scheduled,
        LetterKind::OnHold => paused_by == Some(Hold::Unproven),
        LetterKind::Paused => paused_by == Some(Hold::Operator),
        LetterKind::InReview => behind_pause == State::NeedsReview,
        // What may be a stop asked something beside it.
        LetterKind::AlarmReview if paused_by == Some(Hold::Unproven) => true,
        LetterKind::AlarmReview => match behind_pause {
            State::NeedsReview | State::Reopened => true,
            // That nobody was found, or that a refusal is looked at again; not what was asked before.
            State::NotFound | State::Refused => ours.occasion == request.moves,
            // What came back is erased again by itself; that it came stays true.
            State::Erasing | State::WaitingOnRecipients | State::Completed => {
                request.erase_at.is_some_and(|begun| ours.created_at >= begun)
            }
            // An answer that asked something was answered with the code's letter; what it asks is still open.
            State::AwaitingConfirmation | State::AwaitingApproval | State::Scheduled => request.code_asked,
            _ => false,
        },
        LetterKind::Extension => !state.is_ended(),
        LetterKind::RecipientAsked | LetterKind::RecipientReminded | LetterKind::AlarmRecipient => request.waits,
        LetterKind::AlarmDueSoon => !state.is_ended() || state == State::Forwarded,
        LetterKind::Forwarded | LetterKind::PassedOn => state == State::Forwarded,
        LetterKind::Withdrawn => state == State::Withdrawn,
        LetterKind::Expired => state == State::Expired,
        LetterKind::Refused => state == State::Refused,
        LetterKind::Completed | LetterKind::NothingHeld => state == State::Completed,
        // What came back is erased again, or left to whose it is; then it leaves.
        LetterKind::KeptErased => matches!(state, State::Completed | State::Reopened | State::Erasing),
        // Of what went wrong; that is true whatever came after.
        LetterKind::AlarmStepFailed
        | LetterKind::AlarmBounced
        | LetterKind::AlarmDelayed
        | LetterKind::AlarmMailbox
        | LetterKind::AlarmLedger
        | LetterKind::AlarmCapped
        | LetterKind::AlarmTermination
        | LetterKind::AlarmGathered => true,
    };
    !still
}

/// The same, with what only our database knows: whether the recipient whom it goes to is still to be asked.
pub(super) async fn is_over_by_now(
    house: &House,
    tx: &mut Tx,
    ours: &LetterRow,
    request: &Request,
) -> Result<bool, FlowError> {
    if is_over(ours, request) {
        return Ok(true);
    }
    match &ours.store {
        Some(store) => Ok(!recipients::is_asked(house, tx, request.id, store).await?),
        None => Ok(false),
    }
}

async fn request_of(tx: &mut Tx, ours: &LetterRow) -> Result<Option<Stored>, FlowError> {
    match ours.request.filter(|_| !ours.kind.is_alarm()) {
        Some(id) => Ok(requests::load(tx, id).await?),
        None => Ok(None),
    }
}

async fn alarm(
    house: &House,
    tx: &mut Tx,
    stored: &Stored,
    kind: LetterKind,
    about: &LetterRow,
) -> Result<(), FlowError> {
    advance::write_alarm_about(house, tx, &stored.request, kind, about, house.clock.now()).await
}

/// Whether a letter of this kind waits for an answer.
pub(super) const fn asks(kind: LetterKind) -> bool {
    matches!(kind, LetterKind::Challenge | LetterKind::Reminder | LetterKind::CodeAsked | LetterKind::ApprovalAsked)
}
