//! Weighs one letter: what it is, and which request it belongs to. Reads our database, and writes nothing.
//!
//! What [`judge`](super::judge) then does, and what [`observe`](super::observe) says that it would do, both come from here.

use crate::authenticate::{Arrived, Authentication};
use crate::db::Tx;
use crate::db::deliveries::{self, Delivery, Disposition};
use crate::db::letters::{self, LetterRow};
use crate::db::mx_runs;
use crate::db::recipients::{self, Recipient};
use crate::db::requests::{self, Stored};
use crate::domain::{State, Timestamp};
use crate::intake::{self, AnswerIntent, Intake, Intent, MachineKind};
use crate::verify::Token;

use super::answer::Answered;
use super::error::FlowError;
use super::house::House;
use super::our_mx;
use super::ours::{Names, Ours, bare};

/// What a letter turns out to be.
pub(super) enum Judgement {
    /// The same bytes were judged before.
    Again(Delivery),
    /// One of our letters came back.
    CameBack(LetterRow),
    /// A recipient answers who was asked to erase.
    Recipient(Box<Recipient>),
    /// A recipient writes of a request that waits for nobody any more, and does not only say that it is done.
    Afterwards(Box<Recipient>),
    /// It answers one of our letters; where that moves nothing, its words count like any other letter's.
    Answers(Box<Answered>, ByWords),
    /// It answers nothing of ours.
    Words(ByWords),
}

/// What a letter is by what it says.
pub(super) enum ByWords {
    /// It is left as it was, and none of its bytes are kept.
    Left(Disposition),
    /// It asks to stop, and proves nothing.
    Stops(Vec<Stored>),
    /// It opens a request, or repeats the wish of one.
    Opens,
    /// It would, and a spam filter of the house holds it for spam: a person looks first, and nobody is written to.
    Suspected,
}

impl Judgement {
    /// Whether a request has to do with it: of other letters nobody asks who sent them.
    pub(super) const fn is_of_a_request(&self) -> bool {
        matches!(
            self,
            Self::Recipient(_)
                | Self::Afterwards(_)
                | Self::Answers(..)
                | Self::Words(ByWords::Stops(_) | ByWords::Opens | ByWords::Suspected)
        )
    }

    /// Whether it may move a request that is open, so that what came before it must have been heard.
    pub(super) const fn moves_a_request(&self) -> bool {
        matches!(self, Self::Recipient(_) | Self::Answers(..) | Self::Words(ByWords::Stops(_)))
    }

    const fn left(disposition: Disposition) -> Self {
        Self::Words(ByWords::Left(disposition))
    }
}

/// Parsing costs time that the other tasks should not wait for.
pub(super) async fn read(house: &House, bytes: Vec<u8>) -> Result<Intake, FlowError> {
    let (lexicon, limits) = (house.lexicon.clone(), house.intake_limits);
    tokio::task::spawn_blocking(move || intake::take_in(&bytes, &lexicon, &limits))
        .await
        .map_err(|_| FlowError::Broken("judging a letter panicked"))
}

/// Who sent a letter, judged as of its arrival. A fact beside it: nobody is spared the challenge.
///
/// # Errors
/// When our database does not say whether our own MX is proven.
pub async fn authenticate(house: &House, bytes: &[u8], received_at: Timestamp) -> Result<Authentication, FlowError> {
    let our_mx = our_mx::of(house, received_at).await?;
    let arrived = Arrived { bytes, at: received_at, our_domain: Some(house.domain()), our_mx };
    Ok(house.authenticator.authenticate(&arrived).await)
}

/// What a letter is, by what our database knows of it. The digest of its content tells whether it was judged before.
pub(super) async fn weigh(
    house: &House,
    tx: &mut Tx,
    content_mac: Option<[u8; 32]>,
    letter: &Intake,
) -> Result<Judgement, FlowError> {
    if let Some(message_id) = &letter.message_id
        && mx_runs::is_probe(tx, bare(message_id)).await?
    {
        return Ok(Judgement::left(Disposition::Probe));
    }
    if let Some(mac) = content_mac
        && let Some(twin) = deliveries::of_content(tx, &mac).await?
    {
        return Ok(Judgement::Again(twin));
    }
    if let Some(bounce) = &letter.bounce {
        // A letter that is late, relayed or delivered has not come back: its reader may still answer.
        if !bounce.says_failed() {
            return Ok(Judgement::left(Disposition::Automatic));
        }
        let ours = bounced_letter(house, tx, letter).await?;
        return Ok(ours.map_or(Judgement::left(Disposition::Automatic), Judgement::CameBack));
    }
    if is_ours(tx, letter).await? {
        return Ok(Judgement::left(Disposition::Automatic));
    }
    if let Some(recipient) = recipient(tx, letter).await? {
        // That a machine took our letter says nothing of the data. A list may pass on what a person wrote.
        let is_list = matches!(letter.machine, Some(MachineKind::List | MachineKind::Bulk));
        return Ok(match letter.machine_proven && !is_list {
            true => Judgement::left(Disposition::Automatic),
            false if is_news(tx, &recipient, letter).await? => Judgement::Afterwards(Box::new(recipient)),
            false => Judgement::Recipient(Box::new(recipient)),
        });
    }
    // A web form, or a colleague who forwards from the support mailbox: whose wish it is, a person must see.
    if letter.from.iter().any(|from| house.is_our_address(from)) {
        let may_ask = letter.verdict.opens() || letter.verdict.is_unclear();
        return Ok(Judgement::Words(if may_ask { ByWords::Opens } else { ByWords::Left(Disposition::Automatic) }));
    }
    // A machine's "stop" is heard where it holds one of our letters: to pause costs nobody anything.
    if letter.machine.is_some()
        && letter.answer.asks_to_stop
        && let Some(answered) = possession(house, tx, letter).await?
    {
        return Ok(Judgement::Words(ByWords::Stops(vec![answered.stored])));
    }
    let by_words = match letter.machine {
        // Web forms and support aliases look like lists and machines: what may be a request there goes to a person.
        Some(_) if letter.verdict.is_unclear() => ByWords::Opens,
        Some(MachineKind::List | MachineKind::Bulk) => ByWords::Left(Disposition::Newsletter),
        Some(_) => ByWords::Left(Disposition::Automatic),
        None => by_words(house, tx, letter).await?,
    };
    // A list passes on what people write: one that holds a letter of ours brings somebody's answer.
    let is_list = matches!(letter.machine, Some(MachineKind::List | MachineKind::Bulk));
    if letter.machine.is_some() && letter.machine_proven && !is_list {
        return Ok(Judgement::Words(by_words));
    }
    // Words alone ("do not reply by phone", "on vacation") make nobody a machine who holds one of our letters.
    Ok(match possession(house, tx, letter).await? {
        Some(answered) => Judgement::Answers(Box::new(answered), by_words),
        None => Judgement::Words(by_words),
    })
}

/// What a spam filter of the house adds, and which of them. It is asked only where its word counts: of a letter that opens a request, and of
/// one that asks for nothing. Answers to us, stops and other rights are read for what they say, whatever they look like.
pub(super) async fn suspected(house: &House, judgement: Judgement, bytes: &[u8]) -> (Judgement, Option<&'static str>) {
    let becomes = match &judgement {
        Judgement::Words(ByWords::Opens) => ByWords::Suspected,
        Judgement::Words(ByWords::Left(Disposition::Ordinary)) => ByWords::Left(Disposition::Spam),
        _ => return (judgement, None),
    };
    let Some(filters) = &house.filters else { return (judgement, None) };
    match filters.suspicion(bytes).await {
        Some(by) => (Judgement::Words(becomes), Some(by)),
        None => (judgement, None),
    }
}

/// What a person's letter is by its words alone.
async fn by_words(house: &House, tx: &mut Tx, letter: &Intake) -> Result<ByWords, FlowError> {
    if says_stop(letter) {
        // Who passes a stop on may be anybody: to pause costs nothing.
        let writer = letter.forwarded_from.as_ref().map(crate::intake::Address::as_str);
        let mut open = Vec::new();
        for address in sender(letter).into_iter().chain(writer) {
            open.extend(requests::open_of_address(tx, &house.keys.lookup_mac(address)).await?);
        }
        open.retain(|stored| stored.request.state.can_stop() || stored.request.state == State::OnHold);
        if !open.is_empty() {
            return Ok(ByWords::Stops(open));
        }
    }
    Ok(match letter.verdict.disposition {
        intake::Disposition::Open | intake::Disposition::Review => ByWords::Opens,
        intake::Disposition::HandOn => ByWords::Left(Disposition::HandedOn),
        // A yes that repeats its wish, to a question that was not ours: a person sees what is wished.
        intake::Disposition::ReplyToOpen if repeats_a_wish(letter) => ByWords::Opens,
        // "Do not erase" with nothing open that it could stop: it may complain that nothing was erased yet.
        intake::Disposition::ReplyToOpen if is_only_negated(letter) => ByWords::Opens,
        // It answers nothing of ours that we know of.
        intake::Disposition::ReplyToOpen => ByWords::Left(Disposition::Ordinary),
        intake::Disposition::Ignore => ByWords::Left(match letter.verdict.intent {
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

/// Whether all that it says of erasing is negated.
fn is_only_negated(letter: &Intake) -> bool {
    let negated = letter.verdict.reasons.iter().any(|reason| reason.rule.ends_with(".negated"));
    letter.verdict.intent == Intent::Withdraw && negated
}

/// Words up to which a "no" or "stop" is what the letter says, rather than a word in it.
const STOP_WORDS_MAX: usize = 40;

/// Whether it says that nothing shall be erased. To stop costs nobody anything, so a short "no" is enough.
pub(super) fn says_stop(letter: &Intake) -> bool {
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

/// Which recipient answers what they were asked: by the token of that letter, or by its Message-ID.
async fn recipient(tx: &mut Tx, letter: &Intake) -> Result<Option<Recipient>, FlowError> {
    for token in letter.answer.tokens.iter().filter_map(|text| Token::parse(text)) {
        if let Some(found) = recipients::by_token(tx, token.hash().as_bytes()).await? {
            return Ok(Some(found));
        }
    }
    for message_id in letter.in_reply_to.iter().chain(&letter.references) {
        let Some(ours) = letters::by_message_id(tx, bare(message_id)).await? else { continue };
        if let (Some(request), Some(store)) = (ours.request, &ours.store)
            && let Some(found) = recipients::load(tx, request, store).await?
        {
            return Ok(Some(found));
        }
    }
    Ok(None)
}

/// Whether a recipient says something that the end of their request did not know of: that it is not done, or what a person has
/// to read.
async fn is_news(tx: &mut Tx, recipient: &Recipient, letter: &Intake) -> Result<bool, FlowError> {
    let waits = requests::load(tx, recipient.request).await?.is_some_and(|stored| stored.request.waits);
    let done = letter.machine.is_none() && intake::acknowledgement(&letter.new_text) == intake::Acknowledgement::Done;
    Ok(!waits && !done)
}

/// Which of our letters it answers: by its token, or by the Message-ID that nobody can guess. One that still lives counts
/// before one that has ended.
async fn possession(house: &House, tx: &mut Tx, letter: &Intake) -> Result<Option<Answered>, FlowError> {
    let mut ended = None;
    let mut names = Names::of(&letter.answer.tokens, letter.in_reply_to.iter().chain(&letter.references));
    while let Some(ours) = names.next(tx).await? {
        let answered = match ours {
            Ours::Question(stored) => Answered::by_token(house, tx, *stored).await?,
            Ours::Letter(request, ours) => Answered::by_letter(house, tx, request, &ours).await?,
        };
        match answered {
            Some(answered) if answered.has_ended() => ended = ended.or(Some(answered)),
            None => {}
            live => return Ok(live),
        }
    }
    Ok(ended)
}

/// Whether a letter that stops may ask for something as well: it pauses, and a person reads it.
pub(super) fn stop_asks_too(letter: &Intake) -> bool {
    letter.verdict.is_unclear()
}
