//! How far a letter counts as the answer that it is: what it decides, where its request then stands, and whether it is a
//! part of that request's thread or says something of its own.
//!
//! Decides, and writes nothing. What [`judge`](super::judge) does and what [`observe`](super::observe) says both come from
//! the one value that is made here.

use crate::db::Tx;
use crate::db::deliveries::Disposition;
use crate::db::requests::Stored;
use crate::domain::request::{Effect, Request, apply};
use crate::domain::{State, Timestamp};
use crate::intake::{AnswerIntent, Intake};

use super::answer::{self, Answered, Decision, Heard};
use super::error::FlowError;
use super::house::House;
use super::weigh::ByWords;

/// What comes of an answer.
pub(super) struct Outcome {
    /// What it decides; `None` where its request has ended, so that nothing is left to answer.
    pub(super) decision: Option<Decision>,
    /// The request as the decision leaves it.
    pub(super) after: Request,
    /// What follows from that.
    pub(super) effects: Vec<Effect>,
    /// Whether the letter belongs to the thread of the request; else its words count like any other letter's.
    pub(super) is_of_the_thread: bool,
    /// Whether who looks at the case is to see the letter.
    pub(super) is_kept: bool,
}

/// Decides what comes of an answer to a letter about this request.
pub(super) async fn outcome(
    house: &House,
    tx: &mut Tx,
    stored: &Stored,
    answered: &Answered,
    (letter, received_at): (&Intake, Timestamp),
    by_words: &ByWords,
) -> Result<Outcome, FlowError> {
    let before = &stored.request;
    if before.state.is_ended() {
        return Ok(Outcome {
            decision: None,
            after: before.clone(),
            effects: Vec::new(),
            is_of_the_thread: says_nothing(letter.answer.intent, by_words),
            is_kept: false,
        });
    }
    let says = answer::says(house, tx, stored, answered, letter).await?;
    let decision = answer::decide(house, tx, stored, answered, &Heard::saying(says, letter, received_at)).await?;
    let (after, effects) = match decision.event(stored) {
        Some(event) => apply(before, &event, &house.policy, house.clock.now())?,
        None => (before.clone(), Vec::new()),
    };
    let moves = after.moves != before.moves;
    let is_read = is_read_by_person(after.state);
    let is_of_the_thread = is_of_the_thread((letter, says), by_words, moves || is_read && is_doubt((letter, says)));
    // Who looks at the case sees what brought it there, and what was written to it since.
    let is_kept = !after.state.is_ended()
        && (is_read && (moves || is_of_the_thread) || is_doubt((letter, says)) && is_of_the_thread);
    Ok(Outcome { decision: Some(decision), after, effects, is_of_the_thread, is_kept })
}

/// Whether it says something that a person must read who looks at its request: a doubt, or a limit.
fn is_doubt((letter, says): (&Intake, AnswerIntent)) -> bool {
    says == AnswerIntent::Unclear || letter.limited
}

/// Whether somebody of the team reads what is written to a request in this state.
const fn is_read_by_person(state: State) -> bool {
    matches!(state, State::NeedsReview | State::OnHold)
}

/// What asks for nothing and moves nothing (thanks, a late yes) still belongs to the thread, and is forgotten with it; a
/// question to support does not, nor does a wish below a letter of a request that has ended.
fn says_nothing(says: AnswerIntent, by_words: &ByWords) -> bool {
    says != AnswerIntent::Unclear && matches!(by_words, ByWords::Left(Disposition::Ordinary))
}

/// Whether an answer is a part of the thread of its request, which has heard it (it moved it, or is read by whoever looks at
/// it) or not. A wish beside a doubt or a no opens a request of its own, or joins the one that it repeats.
fn is_of_the_thread((letter, says): (&Intake, AnswerIntent), by_words: &ByWords, heard: bool) -> bool {
    let is_yes = matches!(says, AnswerIntent::Yes | AnswerIntent::None);
    // What a limited answer asks for is what was asked, and not another wish.
    let another = !is_yes && letter.verdict.opens() && !letter.limited;
    !another && (heard || says_nothing(says, by_words))
}
