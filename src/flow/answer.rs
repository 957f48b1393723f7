//! Takes an answer to one of our letters: `verify` rules on it, and the request moves by the ruling.

use crate::db::challenges::{self, StoredChallenge};
use crate::db::requests::{self, Bindings, Stored};
use crate::db::{Tx, authorities};
use crate::domain::request::{Event, ReviewReason, Warrant};
use crate::domain::{RequestId, State};
use crate::intake::Intake;
use crate::trail::Actor;
use crate::verify::{Addressee, AnswerFacts, Authority, Intent, Judge, Possession, Ruling, judge_answer};

use super::advance::advance;
use super::error::FlowError;
use super::house::House;
use super::{challenge, note, safe};

/// A letter that shows that its writer holds one of ours.
pub(super) struct Answered {
    /// The request that ours was about.
    pub(super) stored: Stored,
    /// The challenge of that letter's round.
    pub(super) challenge: Option<StoredChallenge>,
    /// What shows it.
    pub(super) possession: Possession,
}

impl Answered {
    /// The request and the round that a letter of ours belonged to.
    pub(super) async fn of(
        tx: &mut Tx,
        request: RequestId,
        round: Option<u32>,
        possession: Possession,
    ) -> Result<Option<Self>, FlowError> {
        let Some(stored) = requests::load(tx, request).await? else { return Ok(None) };
        let challenge = match round {
            Some(round) => challenges::load(tx, request, round).await?,
            None => None,
        };
        Ok(Some(Self { stored, challenge, possession }))
    }
}

/// Moves the request as `verify` rules. What changes nothing is recorded as an answer all the same.
pub(super) async fn take(house: &House, tx: &mut Tx, answered: Answered, letter: &Intake) -> Result<(), FlowError> {
    // What was read before the transaction may be old by now.
    let Some(stored) = requests::load(tx, answered.stored.request.id).await? else { return Ok(()) };
    let facts = facts_of(letter);
    let proven = answered.possession != Possession::None;
    match stored.request.state {
        State::AwaitingConfirmation | State::AwaitingApproval => rule(house, tx, &stored, &answered, &facts).await,
        State::Scheduled | State::NeedsReview if proven && says_stop(&facts) => {
            step(house, tx, &stored, &Event::WithdrawnByPerson, Actor::PERSON).await
        }
        State::OnHold if proven && says_stop(&facts) => {
            step(house, tx, &stored, &Event::WithdrawnByPerson, Actor::PERSON).await
        }
        State::OnHold if proven && facts.intent == Intent::Yes && !facts.machine_written => {
            step(house, tx, &stored, &Event::Released, Actor::PERSON).await
        }
        _ => Ok(()),
    }
}

fn says_stop(facts: &AnswerFacts) -> bool {
    !facts.machine_written && matches!(facts.intent, Intent::Withdraw | Intent::No)
}

fn facts_of(letter: &Intake) -> AnswerFacts {
    use crate::intake::AnswerIntent;
    let intent = match letter.answer.intent {
        AnswerIntent::Yes => Intent::Yes,
        AnswerIntent::No => Intent::No,
        AnswerIntent::Withdraw => Intent::Withdraw,
        AnswerIntent::Unclear => Intent::Unclear,
        AnswerIntent::None => Intent::None,
    };
    AnswerFacts { intent, codes: letter.answer.codes.clone(), machine_written: letter.machine.is_some() }
}

async fn step(house: &House, tx: &mut Tx, stored: &Stored, event: &Event, actor: Actor) -> Result<(), FlowError> {
    advance(house, tx, stored, event, stored.bindings.clone(), actor).await?;
    Ok(())
}

/// Lets `verify` rule on the answer to the live challenge.
async fn rule(
    house: &House,
    tx: &mut Tx,
    stored: &Stored,
    answered: &Answered,
    facts: &AnswerFacts,
) -> Result<(), FlowError> {
    let Some(asked) = &answered.challenge else { return Ok(()) };
    asked.challenge.check(house.keys.gate(), &asked.hmac)?;
    let live = asked.challenge.round == stored.request.round;
    if !live && !says_stop(facts) {
        return Ok(());
    }
    let contact = safe::contact_key(house, tx, &stored.request).await?;
    let secret = contact.challenge_secret();
    let judge = Judge { secret: &secret, terms: house.terms(), now: house.clock.now(), chance: &*house.chance };
    let ruling = judge_answer(&asked.challenge, answered.possession, facts, &judge);
    follow(house, tx, stored, asked, ruling).await
}

async fn follow(
    house: &House,
    tx: &mut Tx,
    stored: &Stored,
    asked: &StoredChallenge,
    ruling: Ruling,
) -> Result<(), FlowError> {
    let owner_was_asked = asked.challenge.addressee == Addressee::ApprovingOwner;
    // Who answers is whom the letter was for.
    let actor = if owner_was_asked { Actor::OWNER } else { Actor::PERSON };
    let (id, round) = (stored.request.id, asked.challenge.round);
    match ruling {
        Ruling::Confirmed { scope, authority } => {
            let bindings = bind(house, tx, stored, &authority, actor).await?;
            let warrant = Warrant { authority: authority.id(), expires_at: authority.expires_at() };
            let event = if owner_was_asked { Event::Approved { warrant } } else { Event::Confirmed { scope, warrant } };
            advance(house, tx, stored, &event, bindings, actor).await?;
            Ok(())
        }
        Ruling::AwaitsApproval { scope, plan_digest } => {
            let bindings = Bindings { plan_digest: Some(plan_digest), ..stored.bindings.clone() };
            let event = Event::ConfirmedPendingApproval { scope };
            let moved = advance(house, tx, stored, &event, bindings, actor).await?;
            challenge::ask_owner(house, tx, &moved.request, asked, scope).await
        }
        Ruling::Denied | Ruling::Withdraw { proven: true } if owner_was_asked => {
            step(house, tx, stored, &Event::ApprovalDenied, actor).await
        }
        Ruling::Denied | Ruling::Withdraw { proven: true } => {
            step(house, tx, stored, &Event::WithdrawnByPerson, actor).await
        }
        Ruling::Withdraw { proven: false } => step(house, tx, stored, &Event::StopAsked, actor).await,
        Ruling::AskForCode { attempts } => {
            challenges::set_attempts(tx, id, round, attempts).await?;
            step(house, tx, stored, &Event::AnswerUnclear, actor).await
        }
        Ruling::TooManyAttempts { attempts } => {
            challenges::set_attempts(tx, id, round, attempts).await?;
            let event = Event::Unclear { reason: ReviewReason::TooManyAttempts, reachable: true };
            step(house, tx, stored, &event, actor).await
        }
        Ruling::Expired | Ruling::Ignored(_) => Ok(()),
    }
}

/// Writes the authority and binds the request to its account and plan.
async fn bind(
    house: &House,
    tx: &mut Tx,
    stored: &Stored,
    authority: &Authority,
    actor: Actor,
) -> Result<Bindings, FlowError> {
    authorities::insert(tx, &authority.record(house.keys.gate())).await?;
    note::issued(house, tx, stored.request.case, authority, actor).await?;
    Ok(Bindings {
        account_mac: Some(*authority.account_mac()),
        plan_digest: Some(*authority.plan_digest()),
        ..stored.bindings.clone()
    })
}
