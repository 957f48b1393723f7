//! Judges one stored letter: what it is, which request it belongs to, and its one disposition.

use crate::breakpoint;
use crate::db::deliveries::{self, Delivery, Disposition};
use crate::db::letters::{self, LetterRow};
use crate::db::requests::{self, Stored};
use crate::db::{Tx, challenges, jobs};
use crate::domain::request::{Event, ReviewReason};
use crate::domain::{CaseId, DeliveryId, RequestId, State};
use crate::intake::{self, AnswerIntent, Intake, Intent, MachineKind};
use crate::queue::Lease;
use crate::trail::{self, Actor, Fact, Facts};
use crate::verify::Token;

use super::answer::{self, Answered};
use super::error::FlowError;
use super::house::House;
use super::open::Opened;
use super::{advance, forget, note, open, safe, undelivered};

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
    /// It answers one of our letters; where that moves nothing, its words count like any other letter's.
    Answers(Box<Answered>, Box<Judgement>),
    /// It asks to stop, and proves nothing.
    Stops(Vec<Stored>),
    /// It opens a request, or repeats the wish of one.
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
    let mut judgement = weigh(house, &mut tx, &delivery, &letter).await?;
    drop(tx);
    if let Judgement::Answers(answered, _) = &mut judgement {
        answered.ask_again(house).await?;
    }

    breakpoint!("judge.weighed");
    let mut tx = house.db.write().await?;
    let (disposition, request) = settle(house, &mut tx, &delivery, &letter, &bytes, judgement).await?;
    let reasons: Vec<String> = letter.verdict.reasons.iter().map(|reason| reason.rule.to_string()).collect();
    deliveries::judge(&mut tx, id, disposition, &reasons, request, house.clock.now()).await?;
    safe::forget_delivery(house, &mut tx, &delivery).await?;
    if let Some(id) = request {
        forget::late_letter(house, &mut tx, id).await?;
    }
    if let Some(case) = case_of(&mut tx, request).await? {
        let facts = Facts::new()
            .with("disposition", Fact::Word(disposition.to_string()))?
            .with("intent", Fact::Word(letter.verdict.asked().to_owned()))?;
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
    if is_ours(tx, letter).await? {
        return Ok(Judgement::Left(Disposition::Automatic));
    }
    // A web form, or a colleague who forwards from the support mailbox: whose wish it is, a person must see.
    if letter.from.iter().any(|from| house.is_our_address(from)) {
        let may_ask = letter.verdict.opens() || letter.verdict.is_unclear();
        return Ok(if may_ask { Judgement::Opens } else { Judgement::Left(Disposition::Automatic) });
    }
    // A machine's "stop" is heard where it holds one of our letters: to pause costs nobody anything.
    if letter.machine.is_some()
        && letter.answer.asks_to_stop
        && let Some(answered) = possession(house, tx, letter).await?
    {
        return Ok(Judgement::Stops(vec![answered.stored]));
    }
    let by_words = match letter.machine {
        // Web forms and support aliases look like lists and machines: what may be a request there goes to a person.
        Some(_) if letter.verdict.is_unclear() => Judgement::Opens,
        Some(MachineKind::List | MachineKind::Bulk) => Judgement::Left(Disposition::Newsletter),
        Some(_) => Judgement::Left(Disposition::Automatic),
        None => by_words(house, tx, letter).await?,
    };
    if letter.machine.is_some() && letter.machine_proven {
        return Ok(by_words);
    }
    // Words alone ("do not reply by phone", "on vacation") make nobody a machine who holds one of our letters.
    Ok(match possession(house, tx, letter).await? {
        Some(answered) => Judgement::Answers(Box::new(answered), Box::new(by_words)),
        None => by_words,
    })
}

/// What a person's letter is by its words alone.
async fn by_words(house: &House, tx: &mut Tx, letter: &Intake) -> Result<Judgement, FlowError> {
    if let Some(address) = sender(letter).filter(|_| says_stop(letter)) {
        let mut open = requests::open_of_address(tx, &house.keys.lookup_mac(address)).await?;
        open.retain(|stored| stored.request.state.can_stop() || stored.request.state == State::OnHold);
        if !open.is_empty() {
            return Ok(Judgement::Stops(open));
        }
    }
    Ok(match letter.verdict.disposition {
        intake::Disposition::Open | intake::Disposition::Review => Judgement::Opens,
        intake::Disposition::HandOn => Judgement::Left(Disposition::HandedOn),
        // A yes that repeats its wish, to a question that was not ours: a person sees what is wished.
        intake::Disposition::ReplyToOpen if repeats_a_wish(letter) => Judgement::Opens,
        // It answers nothing of ours that we know of.
        intake::Disposition::ReplyToOpen => Judgement::Left(Disposition::Ordinary),
        intake::Disposition::Ignore => Judgement::Left(match letter.verdict.intent {
            Intent::Newsletter => Disposition::Newsletter,
            Intent::Spam => Disposition::Spam,
            Intent::AutoReply | Intent::Bounce => Disposition::Automatic,
            _ => Disposition::Ordinary,
        }),
    })
}

/// Whether it says yes and asks for an erasure as well.
fn repeats_a_wish(letter: &Intake) -> bool {
    letter.verdict.intent == Intent::Confirm && letter.verdict.also.iter().any(|intent| intent.is_erasure())
}

/// Words up to which a "no" or "stop" is what the letter says, rather than a word in it.
const STOP_WORDS_MAX: usize = 40;

/// Whether it says that nothing shall be erased. To stop costs nobody anything, so a short "no" is enough.
fn says_stop(letter: &Intake) -> bool {
    let verdict = &letter.verdict;
    if verdict.opens() {
        return false;
    }
    if letter.answer.asks_to_stop {
        return true;
    }
    let short = || letter.new_text.split_whitespace().nth(STOP_WORDS_MAX).is_none();
    match letter.answer.intent {
        AnswerIntent::Withdraw => true,
        AnswerIntent::No => short(),
        _ => matches!(verdict.intent, Intent::Deny | Intent::Withdraw) || verdict.also.contains(&Intent::Withdraw),
    }
}

/// Whether this is a letter of our own that came round to us: by a forward, an alias, or a copy to the team.
async fn is_ours(tx: &mut Tx, letter: &Intake) -> Result<bool, FlowError> {
    match letter.message_id.as_deref() {
        Some(message_id) => Ok(letters::by_message_id(tx, bare(message_id)).await?.is_some()),
        None => Ok(false),
    }
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

/// Which of our letters it answers: by its token, or by the Message-ID that nobody can guess. One that still lives counts
/// before one that has ended.
async fn possession(house: &House, tx: &mut Tx, letter: &Intake) -> Result<Option<Answered>, FlowError> {
    let mut ended = None;
    for token in letter.answer.tokens.iter().filter_map(|text| Token::parse(text)) {
        let Some(stored) = challenges::by_token(tx, &token.hash()).await? else { continue };
        match Answered::by_token(house, tx, stored).await? {
            Some(answered) if answered.has_ended() => ended = ended.or(Some(answered)),
            None => {}
            live => return Ok(live),
        }
    }
    for message_id in letter.in_reply_to.iter().chain(&letter.references) {
        let Some(ours) = letters::by_message_id(tx, bare(message_id)).await? else { continue };
        let Some(request) = ours.request.filter(|_| !ours.kind.is_alarm()) else { continue };
        match Answered::by_letter(house, tx, request, &ours).await? {
            Some(answered) if answered.has_ended() => ended = ended.or(Some(answered)),
            None => {}
            live => return Ok(live),
        }
    }
    Ok(ended)
}

async fn settle(
    house: &House,
    tx: &mut Tx,
    delivery: &Delivery,
    letter: &Intake,
    bytes: &[u8],
    judgement: Judgement,
) -> Result<(Disposition, Option<RequestId>), FlowError> {
    let judgement = match judgement {
        Judgement::Answers(answered, by_words) => match taken(house, tx, *answered, letter, &by_words).await? {
            Taken::Answer(request) => return Ok((Disposition::Answer, Some(request))),
            Taken::ByWords => *by_words,
        },
        other => other,
    };
    Ok(match judgement {
        Judgement::Left(disposition) => (disposition, None),
        Judgement::Again(twin) => (Disposition::Duplicate, twin.request),
        Judgement::CameBack(ours) => (Disposition::Bounce, came_back(house, tx, &ours).await?),
        Judgement::Answers(..) => return Err(FlowError::Broken("an answer within an answer")),
        Judgement::Stops(open) => {
            let first = open.first().map(|stored| stored.request.id);
            for stored in open.iter().filter(|stored| stored.request.state.can_stop()) {
                let bindings = stored.bindings.clone();
                advance::advance(house, tx, stored, &Event::StopAsked, bindings, Actor::PROGRAM).await?;
            }
            if letter.verdict.is_unclear() {
                // It may ask for something as well: it pauses, and a person reads it.
                opened(house, tx, delivery, letter, bytes).await?
            } else {
                (Disposition::Answer, first)
            }
        }
        Judgement::Opens => opened(house, tx, delivery, letter, bytes).await?,
    })
}

async fn opened(
    house: &House,
    tx: &mut Tx,
    delivery: &Delivery,
    letter: &Intake,
    bytes: &[u8],
) -> Result<(Disposition, Option<RequestId>), FlowError> {
    Ok(match open::open(house, tx, delivery, letter, bytes).await? {
        Opened::New(request) => (Disposition::Opened, Some(request)),
        Opened::Joined(request) => (Disposition::Joined, Some(request)),
    })
}

/// What an answer came to.
enum Taken {
    /// It is a part of this request's thread.
    Answer(RequestId),
    /// It says something of its own, and counts like any other letter.
    ByWords,
}

/// Takes an answer to one of our letters. What moves nothing and asks for nothing (thanks, a late yes) still belongs to the
/// thread, and is forgotten with it; a question to support does not, nor does a wish below a letter of a request that has
/// ended. A wish beside a doubt or a no opens a request of its own, or joins the one that it repeats.
async fn taken(
    house: &House,
    tx: &mut Tx,
    answered: Answered,
    letter: &Intake,
    by_words: &Judgement,
) -> Result<Taken, FlowError> {
    let id = answered.stored.request.id;
    let says_nothing =
        letter.answer.intent != AnswerIntent::Unclear && matches!(by_words, Judgement::Left(Disposition::Ordinary));
    if answered.has_ended() {
        return Ok(if says_nothing { Taken::Answer(id) } else { Taken::ByWords });
    }
    record_answer(house, tx, &answered, letter).await?;
    let before = answered.stored.request.moves;
    answer::take(house, tx, answered, letter).await?;
    let moved = requests::load(tx, id).await?.is_none_or(|stored| stored.request.moves != before);
    let is_yes = matches!(letter.answer.intent, AnswerIntent::Yes | AnswerIntent::None);
    let another = !is_yes && letter.verdict.opens();
    Ok(if another || !(moved || says_nothing) { Taken::ByWords } else { Taken::Answer(id) })
}

/// Records what an answer proves and says, before it moves anything.
async fn record_answer(house: &House, tx: &mut Tx, answered: &Answered, letter: &Intake) -> Result<(), FlowError> {
    let facts = Facts::new()
        .with("possession", Fact::Word(answered.possession.as_str().to_owned()))?
        .with("says", Fact::Word(letter.answer.intent.to_string()))?
        .with("codes", Fact::Count(letter.answer.codes.len() as u64))?
        .with("machine", Fact::Flag(letter.machine.is_some()))?;
    let case = answered.stored.request.case;
    note::append(house, tx, case, trail::Event::AnswerJudged, Actor::PROGRAM, facts).await
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
