//! Tells a request that one of its letters reached nobody: refused at once by the next mail server, or returned later.
//!
//! Never decides what the request does then: the life does.

use crate::db::letters::LetterRow;
use crate::db::{Tx, requests};
use crate::domain::LetterKind;
use crate::domain::request::{Audience, Event};
use crate::trail::Actor;

use super::advance;
use super::error::FlowError;
use super::house::House;

/// Tells the request, and through it or directly the team. Silence after a question that nobody read says nothing, so
/// the question of the round that runs goes to a person. A lost letter to the team tells nobody: it would be lost too.
pub(super) async fn tell(house: &House, tx: &mut Tx, ours: &LetterRow) -> Result<(), FlowError> {
    let Some(id) = ours.request.filter(|_| !ours.kind.is_alarm()) else { return Ok(()) };
    let Some(stored) = requests::load(tx, id).await? else { return Ok(()) };
    if asks(ours.kind) && ours.round == stored.request.round {
        let bindings = stored.bindings.clone();
        advance::advance(house, tx, &stored, &Event::ChallengeBounced, bindings, Actor::PROGRAM).await?;
        return Ok(());
    }
    let (kind, now) = (LetterKind::AlarmBounced, house.clock.now());
    advance::write_letter(house, tx, Some(&stored.request), kind, Audience::Team, now).await
}

/// Whether a letter of this kind waits for an answer.
pub(super) const fn asks(kind: LetterKind) -> bool {
    matches!(kind, LetterKind::Challenge | LetterKind::Reminder | LetterKind::CodeAsked | LetterKind::ApprovalAsked)
}
