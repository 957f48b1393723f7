//! What waits for a person's word once our own database is accepted, though it came back from a backup.
//!
//! A "stop" that came since the backup is not in it, and its letter is not read again: it lies in the folder that heard letters are
//! moved to, or was expunged. So nothing that somebody's word once permitted goes on by itself: an operator says of each request that
//! it does, and a grace period, or a question, then begins anew. Nobody is written to before, because nobody knows what they were told.

use serde::Serialize;

use crate::db::requests::{self, Stored};
use crate::db::{Tx, doubts, erasures, letters};
use crate::domain::request::{Event, Hold, Origin};
use crate::domain::{LetterKind, Reference, State, Timestamp};
use crate::trail::Actor;

use super::advance::advance;
use super::error::FlowError;
use super::house::House;

/// Where a request can be that may be erased without another word, or by one that was given before the backup.
const STATES: &[State] = &[
    State::Received,
    State::AwaitingConfirmation,
    State::AwaitingApproval,
    State::Scheduled,
    State::OnHold,
    State::Erasing,
];

/// A request that an operator must let go on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Waiting {
    /// What people call it.
    pub reference: Reference,
    /// Where our own database has it.
    pub was: State,
    /// What an operator types to let it go on, where nobody withdrew it since.
    pub goes_on: String,
}

/// Sets every request that may begin to be erased before a person; what is due first is first.
pub(super) async fn wait_for_a_person(house: &House, tx: &mut Tx, actor: Actor) -> Result<Vec<Waiting>, FlowError> {
    let mut waiting = Vec::new();
    for stored in requests::list(tx, STATES, false, u32::MAX).await? {
        if may_be_erased(tx, &stored).await? {
            let moved = advance(house, tx, &stored, &Event::Doubted, stored.bindings.clone(), actor).await?;
            let (reference, was) = (stored.request.reference, stored.request.state);
            // What was being erased has lost what permitted it, and is identified anew.
            let goes_on = match moved.request.state {
                State::NeedsReview => format!("expunged requests scope {reference} SCOPE"),
                _ => format!("expunged requests release {reference}"),
            };
            waiting.push(Waiting { reference, was, goes_on });
        }
    }
    Ok(waiting)
}

/// Whether a word that was taken back since might have it erased.
async fn may_be_erased(tx: &mut Tx, stored: &Stored) -> Result<bool, FlowError> {
    let request = &stored.request;
    Ok(match request.state {
        State::AwaitingApproval | State::Scheduled => true,
        // Who was not asked yet has said neither yes nor no.
        State::AwaitingConfirmation => {
            let asked = letters::of_request(tx, request.id).await?;
            let this_round = asked.iter().filter(|letter| letter.round == request.round);
            this_round.into_iter().any(|letter| letter.kind == LetterKind::Challenge && letter.sends > 0)
        }
        // An ended service asks nobody.
        State::Received => request.origin == Origin::Termination,
        State::OnHold => matches!(request.held, Some((_, Hold::Unproven))),
        // With keys that were saved there was no way back in what is lacking either.
        State::Erasing => !erasures::has_found(tx, request.id).await?,
        _ => false,
    })
}

/// Whether a database that was accepted later may lack what was done at this time.
///
/// # Errors
/// When our database does not answer.
pub(super) async fn may_lack(tx: &mut Tx, at: Timestamp) -> Result<bool, FlowError> {
    Ok(doubts::accepted_at(tx).await?.is_some_and(|accepted| at <= accepted))
}
