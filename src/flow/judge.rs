//! Judges one stored letter: what it is, which request it belongs to, and its one disposition.

use crate::breakpoint;
use crate::db::deliveries::{self, Delivery, Disposition};
use crate::db::letters::{self, LetterRow};
use crate::db::recipients::Recipient;
use crate::db::requests::Stored;
use crate::db::{Tx, jobs, requests, shared_letters};
use crate::domain::request::{Audience, ReviewReason};
use crate::domain::{CaseId, DeliveryId, LetterKind, RequestId, Retry};
use crate::intake::{Intake, traces};
use crate::queue::Lease;
use crate::trail::{self, Actor, Fact, Facts};

use super::advance::write_letter;
use super::answer::{self, Answered, Heard};
use super::desk::AWAY_WAIT;
use super::error::FlowError;
use super::house::House;
use super::open::Opened;
use super::weigh::{self, ByWords, Judgement};
use super::{erase, forget, heard, note, open, our_mx, outbox, recipients, safe, thread, undelivered, unheard};

#[derive(serde::Deserialize)]
struct Payload {
    delivery: DeliveryId,
}

/// Reads a stored letter and writes what follows from it, with its disposition, in one transaction.
pub(super) async fn judge(house: &House, lease: &Lease) -> Result<(), FlowError> {
    let Payload { delivery: id } = super::payload(lease)?;
    let mut tx = house.db.read().await?;
    let delivery = deliveries::load(&mut tx, id).await?.ok_or(FlowError::Missing("the delivery of a judging job"))?;
    if delivery.disposition != Disposition::Stored {
        drop(tx);
        return super::complete(house, lease).await;
    }
    let bytes = safe::delivery_bytes(house, &mut tx, &delivery).await?;
    let letter = weigh::read(house, bytes.clone()).await?;
    let mut judgement = weigh::weigh(house, &mut tx, delivery.content_mac, &letter).await?;
    drop(tx);
    if judgement.moves_a_request() || weigh::says_stop(&letter) {
        if !heard::is_turn_of(house, lease, &delivery).await? {
            return Ok(());
        }
        // What came before may have opened what this one is about, or moved it.
        let mut tx = house.db.read().await?;
        judgement = weigh::weigh(house, &mut tx, delivery.content_mac, &letter).await?;
    }
    if let Judgement::Answers(answered, _) = &mut judgement {
        match answered.ask_again(house, &Heard::of(&letter, delivery.received_at)).await {
            Err(error) if error.is_away() && lease.held().attempt >= lease.job().attempts_max => {
                return wait_for_directory(house, lease, (id, &answered.stored), &error).await;
            }
            asked => asked?,
        }
    }
    let (judgement, suspected_by) = weigh::suspected(house, judgement, &bytes).await;
    let sender = match judgement.is_of_a_request() {
        true => Some(weigh::authenticate(house, &bytes, delivery.received_at).await?),
        false => None,
    };

    breakpoint!("judge.weighed");
    let mut tx = house.db.write().await?;
    let (disposition, request) = settle(house, &mut tx, &delivery, &letter, &bytes, judgement).await?;
    let mut reasons: Vec<String> = letter.verdict.reasons.iter().map(|reason| reason.rule.to_string()).collect();
    reasons.extend(suspected_by.map(|filter| format!("filter.{filter}")));
    deliveries::judge(&mut tx, id, disposition, &reasons, request, house.clock.now()).await?;
    safe::forget_delivery(house, &mut tx, &delivery).await?;
    heard::go_on(house, &mut tx, &delivery.mailbox).await?;
    if let Some(id) = request {
        forget::late_letter(house, &mut tx, id).await?;
    }
    if let Some(case) = case_of(&mut tx, request).await? {
        let mut facts = Facts::new()
            .with("disposition", Fact::Word(disposition.to_string()))?
            .with("intent", Fact::Word(letter.verdict.asked().to_owned()))?;
        if let Some(sender) = &sender {
            facts = facts.with("sender", Fact::Word(sender.outcome.to_string()))?;
            if let Some(why) = sender.unproven() {
                facts = facts.with(our_mx::FACT, Fact::Word(why.to_string()))?;
            }
        }
        note::append(house, &mut tx, case, trail::Event::LetterJudged, Actor::PROGRAM, facts).await?;
    }
    jobs::complete_in(&mut tx, lease).await?;
    tx.commit().await?;
    breakpoint!("judge.committed");
    Ok(())
}

/// An owner's answer counts by whether they still are the owner: it waits however long the directory is away, and with it all
/// that may only happen when every letter was read. What others write goes first.
async fn wait_for_directory(
    house: &House,
    lease: &Lease,
    (letter, of): (DeliveryId, &Stored),
    error: &FlowError,
) -> Result<(), FlowError> {
    let mut tx = house.db.write().await?;
    deliveries::park(&mut tx, letter, house.clock.now()).await?;
    heard::go_on(house, &mut tx, house.mailbox_name()).await?;
    erase::tell_that_away(house, &mut tx, lease, of.request.id, error).await?;
    jobs::snooze_in(&mut tx, lease, house.clock.now().plus(AWAY_WAIT)).await?;
    Ok(tx.commit().await?)
}

/// Sets a letter aside that could not be judged: a request in review keeps it and brings it before a person.
pub(super) async fn set_aside(
    house: &House,
    tx: &mut Tx,
    lease: &Lease,
    reason: &'static str,
) -> Result<(), FlowError> {
    let Payload { delivery: id } = super::payload(lease)?;
    let delivery = deliveries::load(tx, id).await?.ok_or(FlowError::Missing("the delivery of a judging job"))?;
    if delivery.disposition != Disposition::Stored {
        return Ok(());
    }
    let request = open::for_review(house, tx, delivery.received_at, ReviewReason::Poison).await?;
    match safe::delivery_bytes(house, tx, &delivery).await {
        Ok(bytes) => unheard::pause_about(house, tx, &traces(&bytes), &request.reference).await?,
        Err(error) if error.retry() == Retry::Transient => return Err(error),
        // What was stored cannot be opened; that may be why it is set aside.
        Err(_) => {}
    }
    safe::adopt(house, tx, &request, &delivery).await?;
    let reasons = [reason.to_owned()];
    let now = house.clock.now();
    deliveries::judge(tx, id, Disposition::Quarantined, &reasons, Some(request.id), now).await?;
    heard::go_on(house, tx, &delivery.mailbox).await?;
    note::append(house, tx, request.case, trail::Event::LetterQuarantined, Actor::PROGRAM, Facts::new()).await
}

async fn settle(
    house: &House,
    tx: &mut Tx,
    delivery: &Delivery,
    letter: &Intake,
    bytes: &[u8],
    judgement: Judgement,
) -> Result<(Disposition, Option<RequestId>), FlowError> {
    let by_words = match judgement {
        Judgement::Again(twin) => {
            shared_letters::follow(tx, twin.id, delivery.id).await?;
            return Ok((Disposition::Duplicate, twin.request));
        }
        Judgement::CameBack(ours) => return Ok((Disposition::Bounce, came_back(house, tx, &ours).await?)),
        Judgement::Recipient(recipient) => {
            recipients::heard(house, tx, &recipient, (letter, bytes)).await?;
            return Ok((Disposition::Answer, Some(recipient.request)));
        }
        Judgement::Afterwards(recipient) => {
            let request = afterwards(house, tx, delivery, &recipient, bytes).await?;
            return Ok((Disposition::Opened, Some(request)));
        }
        Judgement::Answers(answered, by_words) => {
            // Who holds a letter of one request stops that one; what they name beside it waits.
            if weigh::says_stop(letter) {
                let beside = unheard::named_beside(house, tx, letter, answered.stored.request.id).await?;
                pause_all(house, tx, &beside, (letter, delivery), bytes).await?;
            }
            if taken(house, tx, &answered, (letter, delivery), bytes, &by_words).await? {
                return Ok((Disposition::Answer, Some(answered.stored.request.id)));
            }
            by_words
        }
        Judgement::Words(by_words) => by_words,
    };
    Ok(match by_words {
        ByWords::Left(disposition) => (disposition, None),
        ByWords::Stops(open) => {
            let first = open.first().map(|stored| stored.request.id);
            pause_all(house, tx, &open, (letter, delivery), bytes).await?;
            if weigh::stop_asks_too(letter) {
                opened(house, tx, delivery, (letter, false), bytes).await?
            } else {
                (Disposition::Answer, first)
            }
        }
        ByWords::Opens => opened(house, tx, delivery, (letter, false), bytes).await?,
        ByWords::Suspected => opened(house, tx, delivery, (letter, true), bytes).await?,
    })
}

/// Pauses all requests that a stop may be about. Which of them is meant nobody could tell, so that each has it in its own trail.
async fn pause_all(
    house: &House,
    tx: &mut Tx,
    about: &[Stored],
    (letter, delivery): (&Intake, &Delivery),
    bytes: &[u8],
) -> Result<(), FlowError> {
    let first = about.first().map(|stored| stored.request.id);
    let open: Vec<&Stored> = about.iter().filter(|stored| !stored.request.state.is_ended()).collect();
    for stored in &open {
        let facts = note::answer(letter, delivery.id, None)?.with("heard_by", Fact::Count(open.len() as u64))?;
        note::append(house, tx, stored.request.case, trail::Event::AnswerJudged, Actor::PROGRAM, facts).await?;
        unheard::pause(house, tx, stored).await?;
        safe::put_letter(house, tx, &stored.request, bytes).await?;
        if Some(stored.request.id) != first || weigh::stop_asks_too(letter) {
            shared_letters::add(tx, delivery.id, stored.request.id).await?;
        }
    }
    Ok(())
}

/// What a recipient writes after the end goes to a person, as a request of its own: the other one's letters may be forgotten.
async fn afterwards(
    house: &House,
    tx: &mut Tx,
    delivery: &Delivery,
    recipient: &Recipient,
    bytes: &[u8],
) -> Result<RequestId, FlowError> {
    let request = open::for_review(house, tx, delivery.received_at, ReviewReason::UnclearLetter).await?;
    safe::put_letter(house, tx, &request, bytes).await?;
    let about = requests::load(tx, recipient.request).await?.map(|stored| stored.request.reference.to_string());
    let words = format!("{} writes about {}, which has ended", recipient.store, about.unwrap_or_default());
    let (event, private) = (trail::Event::Noted, trail::PrivateFacts::new().with("note", words));
    note::append_private(house, tx, request.case, event, Actor::PROGRAM, Facts::new(), private).await?;
    Ok(request.id)
}

async fn opened(
    house: &House,
    tx: &mut Tx,
    delivery: &Delivery,
    (letter, suspected): (&Intake, bool),
    bytes: &[u8],
) -> Result<(Disposition, Option<RequestId>), FlowError> {
    Ok(match open::open(house, tx, delivery, (letter, suspected), bytes).await? {
        Opened::New(request) => (Disposition::Opened, Some(request)),
        Opened::Joined(request) => (Disposition::Joined, Some(request)),
    })
}

/// Takes an answer to one of our letters; whether it is a part of the thread of its request.
async fn taken(
    house: &House,
    tx: &mut Tx,
    answered: &Answered,
    (letter, delivery): (&Intake, &Delivery),
    bytes: &[u8],
    by_words: &ByWords,
) -> Result<bool, FlowError> {
    // What was read before the transaction may be old by now.
    let Some(stored) = requests::load(tx, answered.stored.request.id).await? else { return Ok(true) };
    let outcome = thread::outcome(house, tx, &stored, answered, (letter, delivery.received_at), by_words).await?;
    if let Some(decision) = outcome.decision {
        // What changes nothing is recorded as an answer all the same.
        record_answer(house, tx, answered, (letter, delivery.id)).await?;
        let asks = answer::asks_something(&stored, &decision, letter);
        answer::carry_out(house, tx, &stored, decision).await?;
        if asks {
            let (kind, now) = (LetterKind::AlarmReview, house.clock.now());
            write_letter(house, tx, Some(&outcome.after), kind, Audience::Team, now).await?;
        }
    }
    if outcome.is_kept {
        safe::put_letter(house, tx, &outcome.after, bytes).await?;
    }
    Ok(outcome.is_of_the_thread)
}

/// Records what an answer proves and says, before it moves anything.
async fn record_answer(
    house: &House,
    tx: &mut Tx,
    answered: &Answered,
    (letter, delivery): (&Intake, DeliveryId),
) -> Result<(), FlowError> {
    let facts = note::answer(letter, delivery, Some(answered.possession))?;
    let case = answered.stored.request.case;
    note::append(house, tx, case, trail::Event::AnswerJudged, Actor::PROGRAM, facts).await
}

/// Marks our letter as bounced and tells its request.
async fn came_back(house: &House, tx: &mut Tx, ours: &LetterRow) -> Result<Option<RequestId>, FlowError> {
    if ours.state != letters::LetterState::Bounced {
        let now = house.clock.now();
        letters::set_state(tx, ours, letters::LetterState::Bounced, now).await.map_err(outbox::moved)?;
        letters::note_obstacle(tx, ours.id, "returned").await?;
    }
    undelivered::tell(house, tx, ours).await?;
    Ok(ours.request)
}

/// The case that a judged letter belongs to; `None` where its record was forgotten already.
async fn case_of(tx: &mut Tx, request: Option<RequestId>) -> Result<Option<CaseId>, FlowError> {
    let Some(id) = request else { return Ok(None) };
    Ok(requests::load(tx, id).await?.map(|stored| stored.request.case))
}
