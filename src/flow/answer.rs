//! Takes an answer to one of our letters: `verify` rules on it, and the request moves by the ruling.

use std::time::Duration;

use crate::db::Tx;
use crate::db::challenges::{self, StoredChallenge};
use crate::db::holds;
use crate::db::letters::LetterRow;
use crate::db::requests::{self, Bindings, Stored};
use crate::domain::request::{Audience, Event, Hold, ReviewReason, Warrant};
use crate::domain::{RequestId, State, Timestamp};
use crate::intake::{Address, AnswerIntent, Intake, MachineKind, Tongue};
use crate::trail::Actor;
use crate::verify::{Addressee, AnswerFacts, Authority, HoldRecord, Intent, Judge, Possession, Ruling, judge_answer};

use super::advance::advance;
use super::error::FlowError;
use super::facts::{Contact, Subject};
use super::house::House;
use super::{challenge, note, promise, safe, standing, undelivered};

/// A letter that shows that its writer holds one of ours.
pub(super) struct Answered {
    /// The request that ours was about.
    pub(super) stored: Stored,
    /// The challenge that its reader was asked; `None` for a letter of ours that asks nothing, to which "stop" is the
    /// only answer.
    challenge: Option<StoredChallenge>,
    /// Whom the letter of ours was for.
    audience: Audience,
    /// What shows it.
    pub(super) possession: Possession,
    /// Whom the owner's answer would be believed of.
    approver: Option<(Subject, Contact)>,
    /// Whether the directory was asked about them again.
    asked_again: bool,
    /// Why the owner's answer is for a person to look at.
    changed: Option<ReviewReason>,
}

impl Answered {
    /// The request and the round that a token belongs to. It was printed for the one address that the round asked.
    pub(super) async fn by_token(
        house: &House,
        tx: &mut Tx,
        asked: StoredChallenge,
    ) -> Result<Option<Self>, FlowError> {
        let (request, audience) = (asked.challenge.request, audience(&asked));
        Self::of(house, tx, request, Some(asked), audience, Possession::TokenMatched).await
    }

    /// The request and the round that the token of a page belongs to.
    pub(super) async fn by_page(house: &House, tx: &mut Tx, asked: StoredChallenge) -> Result<Option<Self>, FlowError> {
        let (request, audience) = (asked.challenge.request, audience(&asked));
        Self::of(house, tx, request, Some(asked), audience, Possession::PageMatched).await
    }

    /// The request that a letter of ours was about. Only a letter that put the round's question, to the one whom the
    /// round asked, shows that its reader may answer it: the asker gets letters while the owner is asked.
    pub(super) async fn by_letter(
        house: &House,
        tx: &mut Tx,
        request: RequestId,
        ours: &LetterRow,
    ) -> Result<Option<Self>, FlowError> {
        let asked = match undelivered::asks(ours.kind) {
            true => challenges::load(tx, request, ours.round).await?.filter(|asked| audience(asked) == ours.audience),
            false => None,
        };
        Self::of(house, tx, request, asked, ours.audience, Possession::MessageIdMatched).await
    }

    async fn of(
        house: &House,
        tx: &mut Tx,
        request: RequestId,
        challenge: Option<StoredChallenge>,
        audience: Audience,
        possession: Possession,
    ) -> Result<Option<Self>, FlowError> {
        let Some(stored) = requests::load(tx, request).await? else { return Ok(None) };
        let mut answered =
            Self { stored, challenge, audience, possession, approver: None, asked_again: false, changed: None };
        let request = &answered.stored.request;
        if answered.challenge.as_ref().is_some_and(owner_was_asked) && !request.state.is_ended() {
            answered.approver =
                Some((safe::subject(house, tx, request).await?, safe::contact(house, tx, request).await?));
        }
        Ok(Some(answered))
    }

    /// Asks the directory whether the owner who answers is still the owner who was asked, where their yes would count: a stop
    /// is heard from whoever holds a letter of ours, and however the directory is.
    pub(super) async fn ask_again(&mut self, house: &House, heard: &Heard<'_>) -> Result<(), FlowError> {
        if let Some((subject, contact)) = &self.approver
            && waits_for_owner(&self.stored)
            && self.live(&self.stored).is_some()
            && heard.counts_by_standing()
        {
            self.changed = standing::approver(house, subject, contact).await?;
            self.asked_again = true;
        }
        Ok(())
    }

    /// Whether its request has ended, so that nothing is left to answer.
    pub(super) const fn has_ended(&self) -> bool {
        self.stored.request.state.is_ended()
    }

    /// Who answers: whom the letter was for.
    fn actor(&self) -> Actor {
        if self.is_owners() { Actor::OWNER } else { Actor::PERSON }
    }

    /// Whether the owner answers, and not the asker.
    fn is_owners(&self) -> bool {
        self.audience == Audience::Owner
    }

    /// The challenge, where it is the request's live one.
    fn live(&self, stored: &Stored) -> Option<&StoredChallenge> {
        self.challenge.as_ref().filter(|asked| asked.challenge.round == stored.request.round)
    }
}

/// Whether the owner's word is waited for, also behind a pause.
fn waits_for_owner(stored: &Stored) -> bool {
    stored.request.state == State::AwaitingApproval
        || stored.request.held == Some((State::AwaitingApproval, Hold::Unproven))
}

fn owner_was_asked(asked: &StoredChallenge) -> bool {
    asked.challenge.addressee == Addressee::ApprovingOwner
}

fn actor_of(asked: &StoredChallenge) -> Actor {
    if owner_was_asked(asked) { Actor::OWNER } else { Actor::PERSON }
}

pub(super) fn audience(asked: &StoredChallenge) -> Audience {
    if owner_was_asked(asked) { Audience::Owner } else { Audience::Asker }
}

/// What is heard of an answer, whichever way it came.
pub(super) struct Heard<'l> {
    pub(super) facts: AnswerFacts,
    /// Whom a letter came from, as it says.
    from: &'l [Address],
    /// It excepts a part of what was asked, or names a time or a condition.
    limited: bool,
    /// A list brought it.
    by_list: bool,
}

impl<'l> Heard<'l> {
    /// In a letter.
    pub(super) fn of(letter: &'l Intake, received_at: Timestamp) -> Self {
        Self::saying(letter.answer.intent, letter, received_at)
    }

    /// In a letter that says this to our question.
    pub(super) fn saying(says: AnswerIntent, letter: &'l Intake, received_at: Timestamp) -> Self {
        let by_list = matches!(letter.machine, Some(MachineKind::List | MachineKind::Bulk));
        let facts = facts_of(letter, says, received_at);
        Self { facts, from: &letter.from, limited: letter.limited, by_list }
    }

    /// On a page: a code, or that it shall be stopped, and nothing beside it.
    pub(super) const fn on_page(intent: Intent, codes: Vec<String>, now: Timestamp) -> Self {
        let facts = AnswerFacts { intent, codes, machine_written: false, received_at: now };
        Self { facts, from: &[], limited: false, by_list: false }
    }

    /// Whether an answer of the owner counts only if they still are the owner.
    const fn counts_by_standing(&self) -> bool {
        !self.facts.machine_written && !matches!(self.facts.intent, Intent::No | Intent::Withdraw)
    }
}

/// What an answer comes to.
pub(super) enum Decision {
    /// It moves nothing.
    Nothing,
    /// It moves the request.
    Step(Event, Actor),
    /// It moves the request as `verify` ruled on the answer to this challenge.
    Ruled(Box<StoredChallenge>, Ruling),
    /// It moves the request; of the codes to this round that was asked, so many were wrong.
    Counted { round: u32, attempts: u32, event: Option<(Event, Actor)> },
}

impl Decision {
    fn review(reason: ReviewReason, actor: Actor) -> Self {
        Self::Step(review(reason), actor)
    }

    /// The event that follows from it.
    pub(super) fn event(&self, stored: &Stored) -> Option<Event> {
        match self {
            Self::Nothing => None,
            Self::Step(event, _) => Some(event.clone()),
            Self::Counted { event, .. } => event.as_ref().map(|(event, _)| event.clone()),
            Self::Ruled(asked, ruling) => event_of(stored, asked, ruling),
        }
    }
}

/// Moves the request as its answer was decided.
pub(super) async fn carry_out(
    house: &House,
    tx: &mut Tx,
    stored: &Stored,
    decision: Decision,
) -> Result<(), FlowError> {
    match decision {
        Decision::Nothing => Ok(()),
        Decision::Step(event, actor) => step(house, tx, stored, &event, actor).await,
        Decision::Ruled(asked, ruling) => follow(house, tx, stored, &asked, ruling).await,
        Decision::Counted { round, attempts, event } => {
            challenges::set_attempts(tx, stored.request.id, round, attempts).await?;
            match event {
                Some((event, actor)) => step(house, tx, stored, &event, actor).await,
                None => Ok(()),
            }
        }
    }
}

/// Decides what an answer comes to. Reads our database, and writes nothing.
pub(super) async fn decide(
    house: &House,
    tx: &mut Tx,
    stored: &Stored,
    answered: &Answered,
    heard: &Heard<'_>,
) -> Result<Decision, FlowError> {
    let facts = &said(house, tx, stored, heard).await?;
    if facts.machine_written {
        return Ok(passed_on(stored, answered, heard));
    }
    // Another answer may have been judged since the question was read: what that one got wrong counts as well.
    let live = match answered.live(stored) {
        Some(asked) => challenges::load(tx, stored.request.id, asked.challenge.round).await?,
        None => None,
    };
    let (live, actor) = (live.as_ref(), answered.actor());
    if answered.approver.is_some() && waits_for_owner(stored) && live.is_some() && heard.counts_by_standing() {
        // It moved since the directory would have been asked.
        if !answered.asked_again {
            return Err(FlowError::Moved);
        }
        if let Some(reason) = answered.changed {
            return Ok(Decision::review(reason, actor));
        }
    }
    // A code beside it, or after it, would speak for the whole again; and whoever else is asked now does not hear of it.
    if heard.limited
        && !says_stop(facts)
        && let Some(event) = looked_at(stored, ReviewReason::Limited)
    {
        return Ok(Decision::Step(event, actor));
    }
    Ok(match (stored.request.state, stored.request.held, live) {
        (State::AwaitingConfirmation | State::AwaitingApproval, _, Some(asked)) => {
            let ruling = rule(house, tx, stored, answered.possession, asked, facts).await?;
            Decision::Ruled(Box::new(asked.clone()), ruling)
        }
        (State::OnHold, Some((back, Hold::Unproven)), _) => {
            return end_pause(house, tx, stored, (answered, live), facts, back).await;
        }
        (State::OnHold, _, _) if says_stop(facts) => stop(stored, answered),
        (state, _, _) if state.can_stop() && says_stop(facts) => stop(stored, answered),
        (State::NeedsReview, _, _) => Decision::Nothing,
        // The owner, who decides now, does not know of the asker's doubt and could pass over a pause.
        (State::AwaitingApproval, _, _) if facts.intent == Intent::Unclear && !answered.is_owners() => {
            Decision::review(ReviewReason::UnclearLetter, actor)
        }
        // Whatever is not plainly a yes or a thank-you may be a stop, in the grace period and below an older letter.
        (state, _, _) if state.can_stop() && facts.intent == Intent::Unclear => Decision::Step(Event::StopAsked, actor),
        (State::OnHold, _, _) if facts.intent == Intent::Unclear => {
            match looked_at(stored, ReviewReason::UnclearLetter) {
                Some(event) => Decision::Step(event, actor),
                None => Decision::Nothing,
            }
        }
        _ => Decision::Nothing,
    })
}

/// Words of an answer from which on it says something of its own, which no rule answers.
const WORDS_OF_A_QUESTION: usize = 5;
/// The same where words have no blanks between them.
const CHARS_OF_A_QUESTION: usize = 30;

/// Whether a person has to read an answer beside what comes of it by itself: it is neither a yes, a no, a stop nor a code, and more than a
/// word or two. What comes after it is no news: at the next such answer the request goes to a person anyway.
pub(super) fn asks_something(stored: &Stored, decision: &Decision, letter: &Intake) -> bool {
    let text = letter.new_text.trim();
    let speaks = text.split_whitespace().count() >= WORDS_OF_A_QUESTION || text.chars().count() >= CHARS_OF_A_QUESTION;
    let ruled = matches!(decision, Decision::Ruled(_, Ruling::Unclear | Ruling::AskForCode { .. }));
    // A yes without the code is answered by the letter that asks for it.
    let agrees = letter.answer.intent == crate::intake::AnswerIntent::Yes;
    match decision {
        // Paused by what may be a stop, and asked what is meant: what else it says, nobody but a person hears.
        Decision::Step(Event::StopAsked, _) => speaks && !letter.answer.asks_to_stop,
        _ => speaks && ruled && !agrees && matches!(decision.event(stored), Some(Event::AnswerUnclear)),
    }
}

/// How a request gets to a person because of a letter to it: at once, or after an operator's pause; `None` where one looks at
/// it already, or nothing can be stopped.
fn looked_at(stored: &Stored, reason: ReviewReason) -> Option<Event> {
    match (stored.request.state, stored.request.held) {
        (State::Received | State::AwaitingConfirmation | State::AwaitingApproval, _)
        | (State::OnHold, Some((_, Hold::Unproven))) => Some(review(reason)),
        (State::OnHold, _) if stored.request.hears_stop() => Some(review(reason)),
        (State::Scheduled, _) => Some(Event::Stopped { reason }),
        _ => None,
    }
}

/// An answer that a list brought to a question that is still put: nothing of it is believed, because a list may bring
/// anybody's, and it is not lost either. A person reads it. What other machines write answers nothing.
fn passed_on(stored: &Stored, answered: &Answered, heard: &Heard<'_>) -> Decision {
    let waits = matches!(stored.request.state, State::AwaitingConfirmation | State::AwaitingApproval)
        || matches!(stored.request.held, Some((_, Hold::Unproven)));
    match answered.live(stored) {
        Some(_) if heard.by_list && waits => Decision::review(ReviewReason::UnclearLetter, answered.actor()),
        _ => Decision::Nothing,
    }
}

/// Whoever holds a letter of ours may call it off; an owner whose question is no longer put only pauses it.
fn stop(stored: &Stored, answered: &Answered) -> Decision {
    let old_owner = answered.challenge.as_ref().is_some_and(owner_was_asked) && answered.live(stored).is_none();
    match stored.request.state {
        State::OnHold if old_owner => Decision::Nothing,
        _ if old_owner => Decision::Step(Event::StopAsked, answered.actor()),
        _ => Decision::Step(Event::WithdrawnByPerson, answered.actor()),
    }
}

/// An answer while somebody's unproven "stop" pauses the request: a proof ends the pause, a yes of the asker, who is told of
/// it, lets it go on, and what is neither is for a person. An owner who was asked something else does not end it.
async fn end_pause(
    house: &House,
    tx: &mut Tx,
    stored: &Stored,
    (answered, live): (&Answered, Option<&StoredChallenge>),
    facts: &AnswerFacts,
    back: State,
) -> Result<Decision, FlowError> {
    let waits = matches!(back, State::AwaitingConfirmation | State::AwaitingApproval);
    // What was written before the stop takes nothing of it back, however late it is heard.
    if !says_stop(facts) && came_before(holds::of_request(tx, stored.request.id).await?.last(), facts.received_at) {
        return Ok(Decision::Nothing);
    }
    let mut counted = None;
    if let Some(asked) = live.filter(|_| waits) {
        match rule(house, tx, stored, answered.possession, asked, facts).await? {
            Ruling::AskForCode { attempts } => counted = Some((asked.challenge.round, attempts)),
            Ruling::Unclear | Ruling::Expired | Ruling::Ignored(_) => {}
            ruling => return Ok(Decision::Ruled(Box::new(asked.clone()), ruling)),
        }
    } else if says_stop(facts) {
        return Ok(stop(stored, answered));
    }
    let goes_on = facts.intent == Intent::Yes || facts.intent == Intent::None && !facts.codes.is_empty();
    let is_asked = !answered.is_owners() || waits && live.is_some();
    let event = if goes_on && !is_asked {
        None
    } else if goes_on && answered.challenge.is_some() {
        Some(Event::ReleasedByPerson)
    } else if goes_on || facts.intent == Intent::Unclear {
        Some(review(ReviewReason::UnclearLetter))
    } else {
        None
    };
    let event = event.map(|event| (event, answered.actor()));
    Ok(match (counted, event) {
        (Some((round, attempts)), event) => Decision::Counted { round, attempts, event },
        (None, Some((event, actor))) => Decision::Step(event, actor),
        (None, None) => Decision::Nothing,
    })
}

/// Whether a letter came before a pause. A server says of it the second.
fn came_before(pause: Option<&HoldRecord>, received_at: Timestamp) -> bool {
    pause.is_some_and(|hold| received_at.plus(Duration::from_secs(1)) <= hold.held_at)
}

/// For a person to look at; whether the asker can be written to is known by now.
const fn review(reason: ReviewReason) -> Event {
    Event::Unclear { reason, reachable: false, quiet: false }
}

fn says_stop(facts: &AnswerFacts) -> bool {
    matches!(facts.intent, Intent::Withdraw | Intent::No)
}

/// What the letter says. A colleague who answers a customer, with us in copy, agrees to nothing for them by a word; a code is one
/// that only our letter had.
async fn said(house: &House, tx: &mut Tx, stored: &Stored, heard: &Heard<'_>) -> Result<AnswerFacts, FlowError> {
    let facts = heard.facts.clone();
    if facts.intent != Intent::Yes || !facts.codes.is_empty() || !house.is_of_colleagues(heard.from) {
        return Ok(facts);
    }
    for from in heard.from {
        let theirs = requests::open_of_address(tx, &house.keys.lookup_mac(from.as_str())).await?;
        if theirs.iter().any(|open| open.request.id == stored.request.id) {
            return Ok(facts);
        }
    }
    Ok(AnswerFacts { intent: Intent::Unclear, ..facts })
}

/// What a letter says: a short word is a yes in the language of our question, and in that of the letter that opened the request.
pub(super) async fn says(
    house: &House,
    tx: &mut Tx,
    stored: &Stored,
    answered: &Answered,
    letter: &Intake,
) -> Result<AnswerIntent, FlowError> {
    if letter.answer.yes_in.is_empty() {
        return Ok(letter.answer.intent);
    }
    let owners = answered.approver.as_ref().filter(|_| answered.is_owners());
    // In whose name somebody else wrote may speak another language: "tak" is a yes in Polish, and thanks in Danish.
    let opened = |from: &Address| stored.bindings.asker_mac == Some(house.keys.lookup_mac(from.as_str()));
    let (written, spoken) = match owners {
        Some((_, contact)) => (contact.owner_language.unwrap_or(house.config.service.language), None),
        None if letter.from.iter().any(opened) => {
            (stored.request.language, requests::spoken(tx, stored.request.id).await?)
        }
        None => (stored.request.language, None),
    };
    let languages = [Some(written.as_str()), spoken.as_deref()];
    let mut languages = languages.into_iter().flatten().filter_map(|word| word.parse::<Tongue>().ok());
    let heard = languages.find(|language| letter.answer.yes_in.contains(language));
    Ok(heard.map_or(letter.answer.intent, |language| letter.answer.to(language)))
}

fn facts_of(letter: &Intake, says: AnswerIntent, received_at: Timestamp) -> AnswerFacts {
    let intent = match says {
        AnswerIntent::Yes => Intent::Yes,
        AnswerIntent::No => Intent::No,
        AnswerIntent::Withdraw => Intent::Withdraw,
        AnswerIntent::Unclear => Intent::Unclear,
        AnswerIntent::None => Intent::None,
    };
    // What sounds like a machine and may be a person is asked again rather than believed.
    let sounds_like_one = letter.machine.is_some() && !letter.machine_proven;
    let intent = if sounds_like_one && matches!(intent, Intent::Yes | Intent::None) { Intent::Unclear } else { intent };
    AnswerFacts { intent, codes: letter.answer.codes.clone(), machine_written: letter.machine_proven, received_at }
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
    possession: Possession,
    asked: &StoredChallenge,
    facts: &AnswerFacts,
) -> Result<Ruling, FlowError> {
    asked.challenge.check(house.keys.gate(), &asked.hmac)?;
    let contact = safe::contact_key(house, tx, &stored.request).await?;
    let secret = contact.challenge_secret();
    let terms = house.terms_with(promise::grace(house, tx, stored.request.id).await?);
    let judge = Judge { secret: &secret, terms, now: house.clock.now(), chance: &*house.chance };
    Ok(judge_answer(&asked.challenge, possession, facts, &judge))
}

/// The event that a ruling on the answer to a challenge moves the request by.
fn event_of(stored: &Stored, asked: &StoredChallenge, ruling: &Ruling) -> Option<Event> {
    let owner_was_asked = owner_was_asked(asked);
    Some(match ruling {
        Ruling::Confirmed { scope, authority } => {
            let warrant = Warrant { authority: authority.id(), expires_at: authority.expires_at() };
            if owner_was_asked { Event::Approved { warrant } } else { Event::Confirmed { scope: *scope, warrant } }
        }
        Ruling::AwaitsApproval { scope, .. } => Event::ConfirmedPendingApproval { scope: *scope },
        Ruling::Denied | Ruling::Withdraw { proven: true } if owner_was_asked => Event::ApprovalDenied,
        Ruling::Denied | Ruling::Withdraw { proven: true } => Event::WithdrawnByPerson,
        Ruling::Withdraw { proven: false } => Event::StopAsked,
        Ruling::TooManyAttempts { .. } => review(ReviewReason::TooManyAttempts),
        Ruling::Unclear if stored.request.code_asked => review(ReviewReason::UnclearLetter),
        Ruling::AskForCode { attempts } if *attempts > asked.challenge.attempts => Event::CodeWrong,
        Ruling::AskForCode { .. } | Ruling::Unclear => Event::AnswerUnclear,
        Ruling::Expired | Ruling::Ignored(_) => return None,
    })
}

/// Writes what a ruling says beside the move, and moves.
async fn follow(
    house: &House,
    tx: &mut Tx,
    stored: &Stored,
    asked: &StoredChallenge,
    ruling: Ruling,
) -> Result<(), FlowError> {
    let Some(event) = event_of(stored, asked, &ruling) else { return Ok(()) };
    let actor = actor_of(asked);
    let bindings = match &ruling {
        Ruling::Confirmed { authority, .. } => {
            note::issued(house, tx, stored.request.case, authority, actor).await?;
            bound_to(authority, &stored.bindings)
        }
        Ruling::AwaitsApproval { plan_digest, .. } => {
            Bindings { plan_digest: Some(*plan_digest), ..stored.bindings.clone() }
        }
        Ruling::AskForCode { attempts } | Ruling::TooManyAttempts { attempts } => {
            challenges::set_attempts(tx, stored.request.id, asked.challenge.round, *attempts).await?;
            stored.bindings.clone()
        }
        _ => stored.bindings.clone(),
    };
    let moved = advance(house, tx, stored, &event, bindings, actor).await?;
    match ruling {
        Ruling::AwaitsApproval { scope, .. } if moved.request.state == State::AwaitingApproval => {
            challenge::ask_owner(house, tx, &moved.request, asked, scope, moved.updated_at).await
        }
        _ => Ok(()),
    }
}

/// What a request is bound to that this authority permits to erase.
pub(super) fn bound_to(authority: &Authority, before: &Bindings) -> Bindings {
    Bindings {
        account_mac: Some(*authority.account_mac()),
        plan_digest: Some(*authority.plan_digest()),
        ..before.clone()
    }
}
