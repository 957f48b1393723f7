//! Judges one stored letter: what it is, which request it belongs to, and its one disposition.

use crate::breakpoint;
use crate::db::deliveries::{self, Delivery, Disposition};
use crate::db::letters::{self, LetterRow};
use crate::db::requests::{self, Stored};
use crate::db::{Tx, challenges, jobs};
use crate::domain::request::{Event, ReviewReason};
use crate::domain::{CaseId, DeliveryId, RequestId, State};
use crate::intake::{self, Intake, Intent, MachineKind};
use crate::queue::Lease;
use crate::trail::{self, Actor, Fact, Facts};
use crate::verify::{Possession, Token};

use super::answer::{self, Answered};
use super::error::FlowError;
use super::house::House;
use super::{advance, note, open, safe, undelivered};

#[derive(serde::Deserialize)]
struct Payload {
    delivery: DeliveryId,
}

/// What a letter turns out to be.
enum Judgement {
    /// It is left as it was, and none of its bytes are kept.
    Left(Disposition),
    /// The same bytes were judged before.
    Again(Delivery),
    /// One of our letters came back.
    CameBack(LetterRow),
    /// It answers one of our letters.
    Answers(Box<Answered>),
    /// It asks to stop, and proves nothing.
    Stops(Vec<Stored>),
    /// It repeats what is open already.
    Repeats(Box<Stored>),
    /// It opens a request.
    Opens,
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
    let letter = read(house, bytes.clone()).await?;
    let judgement = weigh(house, &mut tx, &delivery, &letter).await?;
    drop(tx);

    breakpoint!("judge.weighed");
    let mut tx = house.db.write().await?;
    let (disposition, request) = settle(house, &mut tx, &delivery, &letter, &bytes, judgement).await?;
    let reasons: Vec<String> = letter.verdict.reasons.iter().map(|reason| reason.rule.to_string()).collect();
    deliveries::judge(&mut tx, id, disposition, &reasons, request, house.clock.now()).await?;
    safe::forget_delivery(house, &mut tx, &delivery).await?;
    if let Some(case) = case_of(&mut tx, request).await? {
        let facts = Facts::new()
            .with("disposition", Fact::Word(disposition.to_string()))?
            .with("intent", Fact::Word(letter.verdict.intent.to_string()))?;
        note::append(house, &mut tx, case, trail::Event::LetterJudged, Actor::PROGRAM, facts).await?;
    }
    jobs::complete_in(&mut tx, lease).await?;
    tx.commit().await?;
    breakpoint!("judge.committed");
    Ok(())
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
    safe::adopt(house, tx, &request, &delivery).await?;
    let reasons = [reason.to_owned()];
    let now = house.clock.now();
    deliveries::judge(tx, id, Disposition::Quarantined, &reasons, Some(request.id), now).await?;
    note::append(house, tx, request.case, trail::Event::LetterQuarantined, Actor::PROGRAM, Facts::new()).await
}

/// Parsing costs time that the other tasks should not wait for.
async fn read(house: &House, bytes: Vec<u8>) -> Result<Intake, FlowError> {
    let (lexicon, limits) = (house.lexicon.clone(), house.intake_limits);
    tokio::task::spawn_blocking(move || intake::read(&bytes, &lexicon, &limits))
        .await
        .map_err(|_| FlowError::Broken("judging a letter panicked"))
}

async fn weigh(house: &House, tx: &mut Tx, delivery: &Delivery, letter: &Intake) -> Result<Judgement, FlowError> {
    if let Some(twin) = deliveries::twin(tx, delivery).await? {
        return Ok(Judgement::Again(twin));
    }
    if let Some(bounce) = &letter.bounce {
        // A letter that is late, relayed or delivered has not come back: its reader may still answer.
        if !bounce.says_failed() {
            return Ok(Judgement::Left(Disposition::Automatic));
        }
        let ours = bounced_letter(house, tx, letter).await?;
        return Ok(ours.map_or(Judgement::Left(Disposition::Automatic), Judgement::CameBack));
    }
    match letter.machine {
        // Web forms and support aliases look like lists and machines: what may be a request there goes to a person.
        Some(_) if letter.verdict.intent == Intent::Unclear => return Ok(Judgement::Opens),
        Some(MachineKind::List | MachineKind::Bulk) => return Ok(Judgement::Left(Disposition::Newsletter)),
        Some(_) => return Ok(Judgement::Left(Disposition::Automatic)),
        None => {}
    }
    if let Some(answered) = possession(tx, letter).await? {
        return Ok(Judgement::Answers(Box::new(answered)));
    }
    let open = match sender(letter) {
        Some(address) => requests::open_of_asker(tx, &house.keys.lookup_mac(address)).await?,
        None => Vec::new(),
    };
    Ok(match letter.verdict.intent {
        Intent::Withdraw if !open.is_empty() => Judgement::Stops(open),
        intent if opens(intent) => match open.into_iter().find(|stored| stored.request.state != State::Erasing) {
            Some(stored) if intent != Intent::Unclear => Judgement::Repeats(Box::new(stored)),
            _ => Judgement::Opens,
        },
        Intent::Access | Intent::Rectification | Intent::ObjectionOptout => Judgement::Left(Disposition::HandedOn),
        Intent::Newsletter => Judgement::Left(Disposition::Newsletter),
        Intent::Spam => Judgement::Left(Disposition::Spam),
        Intent::AutoReply | Intent::Bounce => Judgement::Left(Disposition::Automatic),
        _ => Judgement::Left(Disposition::Ordinary),
    })
}

/// Whether a letter of this intent opens a request; an unclear one does, for a person to look at.
const fn opens(intent: Intent) -> bool {
    matches!(
        intent,
        Intent::ErasureAccount
            | Intent::ErasureProfile
            | Intent::ErasureEndUser
            | Intent::ErasureSpecificData
            | Intent::ErasureGeneric
            | Intent::Unclear
    )
}

/// The visible sender, where there is exactly one.
pub(super) fn sender(letter: &Intake) -> Option<&str> {
    match letter.from.as_slice() {
        [only] => Some(only.as_str()),
        _ => None,
    }
}

/// The letter of ours that a bounce speaks of: by the VERP address it was sent back to, or by its Message-ID.
async fn bounced_letter(house: &House, tx: &mut Tx, letter: &Intake) -> Result<Option<LetterRow>, FlowError> {
    for recipient in &letter.recipients {
        if let Some(id) = house.parse_verp(recipient.as_str()) {
            return Ok(letters::load(tx, id).await?);
        }
    }
    let original = letter.bounce.as_ref().and_then(|bounce| bounce.original_message_id.as_deref());
    match original {
        Some(message_id) => Ok(letters::by_message_id(tx, bare(message_id)).await?),
        None => Ok(None),
    }
}

/// A Message-ID without its angle brackets.
fn bare(message_id: &str) -> &str {
    message_id.trim().trim_start_matches('<').trim_end_matches('>')
}

/// Which of our letters it answers: by its token, or by the Message-ID that nobody can guess.
async fn possession(tx: &mut Tx, letter: &Intake) -> Result<Option<Answered>, FlowError> {
    for token in letter.answer.tokens.iter().filter_map(|text| Token::parse(text)) {
        if let Some(stored) = challenges::by_token(tx, &token.hash()).await? {
            return Answered::of(tx, stored.challenge.request, Some(stored.challenge.round), Possession::TokenMatched)
                .await;
        }
    }
    for message_id in letter.in_reply_to.iter().chain(&letter.references) {
        let Some(ours) = letters::by_message_id(tx, bare(message_id)).await? else { continue };
        if let Some(request) = ours.request.filter(|_| !ours.kind.is_alarm()) {
            return Answered::of(tx, request, Some(ours.round), Possession::MessageIdMatched).await;
        }
    }
    Ok(None)
}

async fn settle(
    house: &House,
    tx: &mut Tx,
    delivery: &Delivery,
    letter: &Intake,
    bytes: &[u8],
    judgement: Judgement,
) -> Result<(Disposition, Option<RequestId>), FlowError> {
    Ok(match judgement {
        Judgement::Left(disposition) => (disposition, None),
        Judgement::Again(twin) => (Disposition::Duplicate, twin.request),
        Judgement::CameBack(ours) => (Disposition::Bounce, came_back(house, tx, &ours).await?),
        Judgement::Answers(answered) => {
            let id = answered.stored.request.id;
            answer::take(house, tx, *answered, letter).await?;
            (Disposition::Answer, Some(id))
        }
        Judgement::Stops(open) => {
            let first = open.first().map(|stored| stored.request.id);
            for stored in open.iter().filter(|stored| stored.request.state.can_stop()) {
                let bindings = stored.bindings.clone();
                advance::advance(house, tx, stored, &Event::StopAsked, bindings, Actor::PROGRAM).await?;
            }
            (Disposition::Answer, first)
        }
        Judgement::Repeats(stored) => (Disposition::Joined, Some(stored.request.id)),
        Judgement::Opens => (Disposition::Opened, Some(open::open(house, tx, delivery, letter, bytes).await?)),
    })
}

/// Marks our letter as bounced and tells its request.
async fn came_back(house: &House, tx: &mut Tx, ours: &LetterRow) -> Result<Option<RequestId>, FlowError> {
    if ours.state != letters::LetterState::Bounced {
        letters::set_state(tx, ours, letters::LetterState::Bounced, house.clock.now()).await?;
    }
    undelivered::tell(house, tx, ours).await?;
    Ok(ours.request)
}

/// The case that a judged letter belongs to; `None` where its record was forgotten already.
async fn case_of(tx: &mut Tx, request: Option<RequestId>) -> Result<Option<CaseId>, FlowError> {
    let Some(id) = request else { return Ok(None) };
    Ok(requests::load(tx, id).await?.map(|stored| stored.request.case))
}
