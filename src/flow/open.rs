//! Opens a request from a letter: the case gets its keys, adopts the letter, and who asks is looked up next.

use serde_json::json;

use crate::db::Tx;
use crate::db::deliveries::Delivery;
use crate::db::requests::{self, Bindings, Stored};
use crate::db::terminations::Resumed;
use crate::db::{letters, shared_letters, terminations};
use crate::domain::request::{Event, Origin, Request, ReviewReason};
use crate::domain::{CaseId, Deadlines, Language, Reference, RequestId, State, Timestamp};
use crate::intake::{Defect, Intake, Intent};
use crate::queue::{NewJob, Priority};
use crate::trail::{self, Actor, Fact, Facts};
use crate::verify::{Ended, EndedRecord};

use super::error::FlowError;
use super::facts::{Opening, Subject};
use super::house::House;
use super::successor::{self, OPENED_AS};
use super::{advance, kinds, note, outbox, safe, several, wish};

/// How often a reference is drawn before it is an error that all are taken.
const DRAWS_MAX: u32 = 8;

/// The rule of a letter that is nothing but an attachment.
const ATTACHED: &str = "attachment";

/// What became of a letter that asks for something.
pub(super) enum Opened {
    /// A request of its own.
    New(RequestId),
    /// The same wish is open already.
    Joined(RequestId),
}

/// Opens a request in the caller's transaction, or joins the open one of the same wish. One of a letter that is suspected of being spam is
/// for a person to look at first.
pub(super) async fn open(
    house: &House,
    tx: &mut Tx,
    delivery: &Delivery,
    (letter, suspected): (&Intake, bool),
    bytes: &[u8],
) -> Result<Opened, FlowError> {
    let (mut opening, language) = understood(house, letter);
    opening.suspected = suspected;
    let asker_mac = opening.from.as_ref().map(|address| house.keys.lookup_mac(address));
    let bindings = Bindings { asker_mac, ..Bindings::default() };
    let wish = wish::mac(house, delivery.content_mac, letter);
    // By one of its addresses it may be open where the first one has ended.
    let open = several::open_of(house, tx, wish, &opening).await?;
    if several::is_asked(house, tx, &open).await? {
        return join(house, tx, delivery, &opening, &open, bytes).await;
    }
    opening.wish = wish;
    let opened = write(house, tx, Opens::letter(delivery.received_at, language, wish), bindings).await?;
    let Some(Stored { request, .. }) = opened else {
        let open = several::open_of(house, tx, wish, &opening).await?;
        return join(house, tx, delivery, &opening, &open, bytes).await;
    };
    safe::put_opening(house, tx, &request, &opening).await?;
    safe::put_letter(house, tx, &request, bytes).await?;
    if let Some(language) = letter.language {
        requests::set_spoken(tx, request.id, language.as_str()).await?;
    }
    identify_soon(house, tx, &request).await?;
    Ok(Opened::New(request.id))
}

pub(super) async fn identify_soon(house: &House, tx: &mut Tx, request: &Request) -> Result<(), FlowError> {
    let now = house.clock.now();
    let mut job = NewJob::new(kinds::IDENTIFY, json!({}), now);
    job.request = Some(request.id);
    job.priority = Priority::Urgent;
    job.unique_key = Some(format!("identify:{}:{}", request.id, request.moves));
    advance::enqueue(house, tx, job, now).await
}

/// Opens a request from the kept letter of one that ended because nobody by its address was found, or that only rows call
/// erased, or whose saved keys are gone, now that an operator says whose it is. What has ended stays ended; the clock of the new
/// one runs from the receipt of the letter.
pub(super) async fn anew(
    house: &House,
    tx: &mut Tx,
    ended: &Stored,
    subject: &Subject,
    actor: Actor,
) -> Result<Stored, FlowError> {
    let old = &ended.request;
    if let Some(successor) = successor::of(tx, old).await? {
        return Err(FlowError::OpenedAnew(successor));
    }
    if old.origin == Origin::Termination {
        return anew_of_end(house, tx, ended, subject, actor).await;
    }
    let opening = safe::opening(house, tx, old).await?;
    let letters = safe::letters(house, tx, old).await?;
    let bindings = Bindings { asker_mac: ended.bindings.asker_mac, ..Bindings::default() };
    let anew = write(house, tx, Opens::letter(old.deadlines.received_at, old.language, None), bindings).await?;
    let anew = anew.ok_or(FlowError::Broken("a letter that is read again repeats no wish"))?;
    safe::put_opening(house, tx, &anew.request, &opening).await?;
    for letter in &letters {
        safe::put_letter(house, tx, &anew.request, letter).await?;
    }
    if let Some(language) = requests::spoken(tx, old.id).await? {
        requests::set_spoken(tx, anew.request.id, &language).await?;
    }
    succeed(house, tx, old, &anew.request, subject, actor).await?;
    Ok(anew)
}

/// The same of one that nobody wrote a letter for: the end of a service opens the new one as it opened the old one, and is marked for
/// it. The old one is not the end's any more.
async fn anew_of_end(
    house: &House,
    tx: &mut Tx,
    ended: &Stored,
    subject: &Subject,
    actor: Actor,
) -> Result<Stored, FlowError> {
    let old = &ended.request;
    let known = terminations::load(tx, old.id).await?.ok_or(FlowError::Missing("the end of the account's service"))?;
    let (now, language, origin) = (house.clock.now(), old.language, Origin::Termination);
    let bindings = Bindings { account_mac: Some(known.account_mac), ..Bindings::default() };
    let anew = write(house, tx, Opens { origin, received_at: now, language, wish: None }, bindings).await?;
    let anew = anew.ok_or(FlowError::Broken("what nobody wrote repeats no wish"))?;
    terminations::set_resumed(tx, old.id, Resumed::Replaced, now).await?;
    if !terminations::insert(tx, &known.handed_on(anew.request.id, house.keys.gate())?).await? {
        return Err(FlowError::Broken(
            "the same end of service has opened another request meanwhile; see 'requests list'",
        ));
    }
    succeed(house, tx, old, &anew.request, subject, actor).await?;
    Ok(anew)
}

/// The new one is about whom the operator named, each of the two cases says in its trail which the other is, and it is identified soon.
async fn succeed(
    house: &House,
    tx: &mut Tx,
    old: &Request,
    anew: &Request,
    subject: &Subject,
    actor: Actor,
) -> Result<(), FlowError> {
    safe::put_subject(house, tx, anew, subject).await?;
    for (case, name, other) in [(old.case, OPENED_AS, anew.case), (anew.case, "opened_from", old.case)] {
        // A word begins with a letter, a number may not.
        let facts = Facts::new().with(name, Fact::Word(format!("case:{other}")))?;
        let private = note::said_of(subject);
        note::append_private(house, tx, case, trail::Event::PutRight, actor, facts, private).await?;
    }
    identify_soon(house, tx, anew).await
}

/// What a letter says that opens a request, and the language of its writer.
pub(super) fn understood(house: &House, letter: &Intake) -> (Opening, Language) {
    let language = language_of(letter).unwrap_or(house.config.service.language);
    if letter.passed_on {
        return (passed_on(house, letter), language);
    }
    let ours = letter.from.iter().any(|from| house.is_our_address(from));
    let mut opening = opening(letter, super::weigh::sender(letter).filter(|_| !ours));
    // We never answer ourselves.
    opening.machine_written |= ours;
    (opening, language)
}

/// A letter that passes on another one. What a colleague passes on is the wish of who wrote it, who is asked like anybody that
/// writes to us; what others pass on may be anybody's, and a person has to say.
fn passed_on(house: &House, letter: &Intake) -> Opening {
    let writer = letter.forwarded_from.as_ref().filter(|writer| !house.is_our_address(writer));
    match writer.filter(|_| house.is_of_colleagues(&letter.from)) {
        // What it answers is a letter of ours to nobody: the writer never saw the one that was passed on.
        Some(writer) => Opening { message_id: None, passed_on: true, ..opening(letter, Some(writer.as_str())) },
        None => Opening { intent: None, passed_on: true, ..opening(letter, super::weigh::sender(letter)) },
    }
}

/// A repeat belongs to the open requests of its wish, with its bytes: who looks at a case sees all that was written.
async fn join(
    house: &House,
    tx: &mut Tx,
    delivery: &Delivery,
    opening: &Opening,
    open: &[Stored],
    bytes: &[u8],
) -> Result<Opened, FlowError> {
    // It ended just now: the letter is judged again, and opens one of its own.
    let first = &open.first().ok_or(FlowError::Moved)?.request;
    for Stored { request, .. } in open {
        safe::put_letter(house, tx, request, bytes).await?;
        ask_again(house, tx, request).await?;
        if request.id != first.id {
            shared_letters::add(tx, delivery.id, request.id).await?;
        }
    }
    if !opening.own.is_empty() {
        let now = house.clock.now();
        let mut job = NewJob::new(kinds::OTHERS, json!({}), now);
        job.request = Some(first.id);
        job.unique_key = Some(format!("others:{}:{}", first.id, delivery.id));
        advance::enqueue(house, tx, job, now).await?;
    }
    Ok(Opened::Joined(first.id))
}

/// Opens a further request from the letters of one, with what they say by another of their writer's addresses; `None` where the same
/// wish is open. Each case has its own copy of the letters, under its own key: each forgets them at its own time.
pub(super) async fn beside(
    house: &House,
    tx: &mut Tx,
    first: &Stored,
    opening: &Opening,
    wish: Option<[u8; 32]>,
) -> Result<Option<Request>, FlowError> {
    let Request { deadlines, language, case, .. } = first.request;
    let bindings = Bindings { asker_mac: first.bindings.asker_mac, ..Bindings::default() };
    let opened = write(house, tx, Opens::letter(deadlines.received_at, language, wish), bindings).await?;
    let Some(Stored { request, .. }) = opened else { return Ok(None) };
    safe::put_opening(house, tx, &request, opening).await?;
    for letter in &safe::letters(house, tx, &first.request).await? {
        safe::put_letter(house, tx, &request, letter).await?;
    }
    if let Some(language) = requests::spoken(tx, first.request.id).await? {
        requests::set_spoken(tx, request.id, &language).await?;
    }
    // A word begins with a letter, a number may not.
    let facts = Facts::new().with("opened_from", Fact::Word(format!("case:{case}")))?;
    note::append(house, tx, request.case, trail::Event::Noted, Actor::PROGRAM, facts).await?;
    identify_soon(house, tx, &request).await?;
    Ok(Some(request))
}

/// Who repeats a wish may have lost the question: the same letter goes out once more, with the same Message-ID, as often
/// as one address may be asked at all.
async fn ask_again(house: &House, tx: &mut Tx, open: &Request) -> Result<(), FlowError> {
    if open.state != State::AwaitingConfirmation {
        return Ok(());
    }
    let now = house.clock.now();
    let before = now.minus(house.config.challenge.per_address);
    let Some(letter) = letters::challenge_sent_before(tx, open.id, open.round, before).await? else { return Ok(()) };
    letters::ask_again(tx, &letter).await.map_err(outbox::moved)?;
    advance::enqueue(house, tx, advance::send_job(&letter, now), now).await
}

/// Opens a request from a letter that could not be read: nobody is known to have asked, and a person looks at it. The
/// legal clock runs all the same, because the letter may ask for erasure.
pub(super) async fn for_review(
    house: &House,
    tx: &mut Tx,
    received_at: Timestamp,
    reason: ReviewReason,
) -> Result<Request, FlowError> {
    let language = house.config.service.language;
    let stored = write(house, tx, Opens::letter(received_at, language, None), Bindings::default()).await?;
    let stored = stored.ok_or(FlowError::Broken("a letter that nobody could read repeats no wish"))?;
    let event = Event::Unclear { reason, reachable: false, quiet: false };
    let bindings = stored.bindings.clone();
    Ok(advance::advance(house, tx, &stored, &event, bindings, Actor::PROGRAM).await?.request)
}

/// Opens a request that nobody wrote a letter for; `of` is the case that it goes on from. Nobody is known who could be written to.
pub(super) async fn by_itself(house: &House, tx: &mut Tx, origin: Origin, of: CaseId) -> Result<Stored, FlowError> {
    let (now, language) = (house.clock.now(), house.config.service.language);
    let opened = Opens { origin, received_at: now, language, wish: None };
    let stored = write(house, tx, opened, Bindings::default()).await?;
    let stored = stored.ok_or(FlowError::Broken("what nobody wrote repeats no wish"))?;
    // A word begins with a letter, a number may not.
    let facts = Facts::new().with("opened_from", Fact::Word(format!("case:{of}")))?;
    note::append(house, tx, stored.request.case, trail::Event::Noted, Actor::PROGRAM, facts).await?;
    Ok(stored)
}

/// Opens a request because the service of an account has ended, for the caller to have it identified or looked at; `None` where the same end has opened one already. The caller's
/// transaction is then to be dropped.
pub(super) async fn of_ended_service(
    house: &House,
    tx: &mut Tx,
    ended: &Ended,
    bindings: Bindings,
) -> Result<Option<Stored>, FlowError> {
    let (now, language, origin) = (house.clock.now(), house.config.service.language, Origin::Termination);
    let stored = write(house, tx, Opens { origin, received_at: now, language, wish: None }, bindings).await?;
    let stored = stored.ok_or(FlowError::Broken("what nobody wrote repeats no wish"))?;
    let record = EndedRecord::of(ended, stored.request.id, &house.keys);
    let record = record.ok_or(FlowError::Broken("an end without a date opens nothing"))?;
    if !terminations::insert(tx, &record).await? {
        return Ok(None);
    }
    let facts = Facts::new()
        .with("origin", Fact::Word(origin.to_string()))?
        .with("ended", Fact::Day(house.calendar.day(record.ended_at)))?;
    note::append(house, tx, stored.request.case, trail::Event::Noted, Actor::PROGRAM, facts).await?;
    Ok(Some(stored))
}

/// Keeps what the header of a letter says that was too large to read, so that a person sees who wrote. What it asks for
/// stays open.
pub(super) async fn keep_header(
    house: &House,
    tx: &mut Tx,
    request: &Request,
    letter: &Intake,
    header: &[u8],
) -> Result<(), FlowError> {
    let opening = Opening { intent: None, ..opening(letter, super::weigh::sender(letter)) };
    safe::put_opening(house, tx, request, &opening).await?;
    safe::put_letter(house, tx, request, header).await
}

/// What a request is opened with.
struct Opens {
    origin: Origin,
    received_at: Timestamp,
    language: Language,
    /// HMAC of the wish of its letter.
    wish: Option<[u8; 32]>,
}

impl Opens {
    const fn letter(received_at: Timestamp, language: Language, wish: Option<[u8; 32]>) -> Self {
        Self { origin: Origin::Letter, received_at, language, wish }
    }
}

/// Writes a new request with its keys and the first leaf of its trail; `None` where the same wish is open.
async fn write(house: &House, tx: &mut Tx, opens: Opens, bindings: Bindings) -> Result<Option<Stored>, FlowError> {
    let Opens { origin, received_at, language, wish } = opens;
    let now = house.clock.now();
    let request = Request::open(
        RequestId::new(now, &*house.chance),
        free_reference(house, tx).await?,
        CaseId::new(&*house.chance),
        origin,
        language,
        Deadlines::from_receipt(received_at, &house.config.law.pack, &house.calendar),
    );
    if !requests::insert(tx, &request, &bindings, wish, now).await? {
        return Ok(None);
    }
    safe::create_keys(house, tx, &request).await?;
    let facts = Facts::new()
        .with("received", Fact::Time(received_at))?
        .with("due", Fact::Day(request.deadlines.base_due))?
        .with("language", Fact::Word(language.to_string()))?;
    note::append(house, tx, request.case, trail::Event::RequestOpened, Actor::PROGRAM, facts).await?;
    advance::opened(house, tx, &request, now).await?;
    Ok(Some(Stored { request, bindings, updated_at: now, ended_at: None }))
}

fn opening(letter: &Intake, sender: Option<&str>) -> Opening {
    let claims = &letter.claims;
    Opening {
        from: sender.map(ToOwned::to_owned),
        several_senders: letter.defects.contains(&Defect::SeveralSenders),
        message_id: letter.message_id.clone(),
        intent: Some(letter.verdict.intent).filter(|_| letter.verdict.opens()),
        addresses: claims.addresses.iter().map(|address| address.as_str().to_owned()).collect(),
        identifiers: claims.identifiers.iter().map(|identifier| identifier.value.clone()).collect(),
        names: claims.names.clone(),
        categories: claims.categories.clone(),
        machine_written: letter.machine.is_some(),
        // "Do not delete my account" excepts no part of what it asks for: it asks for nothing.
        limited: letter.limited && letter.verdict.intent != Intent::Withdraw,
        more: letter.more,
        attached: letter.verdict.is_unclear() && letter.verdict.reasons.iter().any(|reason| reason.rule == ATTACHED),
        company: wish::is_of_company(letter),
        mine: wish::is_mine(letter),
        asks_for_copy: letter.verdict.also.contains(&Intent::Access),
        own: claims.own.addresses.iter().map(|address| address.as_str().to_owned()).collect(),
        own_cut: claims.own.cut,
        own_beside: claims.own.beside,
        asks_as: None,
        passed_on: false,
        rest: false,
        suspected: false,
        wish: None,
    }
}

/// A reference that no request has; the unique index holds it even if two draw the same at once.
async fn free_reference(house: &House, tx: &mut Tx) -> Result<Reference, FlowError> {
    for _ in 0..DRAWS_MAX {
        let reference = Reference::new(&*house.chance);
        if requests::by_reference(tx, &reference).await?.is_none() {
            return Ok(reference);
        }
    }
    Err(FlowError::Broken("no free reference was drawn in eight tries"))
}

/// The language of a letter, where letters of ours exist in it.
fn language_of(letter: &Intake) -> Option<Language> {
    letter.language.and_then(|tongue| Language::from_locale(tongue.as_str()))
}

/// The language to write in: what the directory has on file, else the letter's own.
pub(super) fn language_on_file(locale: Option<&str>, letter: Language) -> Language {
    locale.and_then(Language::from_locale).unwrap_or(letter)
}
