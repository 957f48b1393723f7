//! What a letter answers, should it answer a challenge: yes, no, stop, something else, or nothing but a code.
//!
//! A yes counts in the new text of a letter that no machine wrote, and nowhere else; a vacation responder that echoes our
//! subject and our plus-address confirms nothing. Where only words make a letter look like a machine's, what it answers is
//! still said here, for a person may have written it; it is for the flow to believe no yes of it. A yes is what has no other word in it: the whole new text consists of
//! words of agreeing, of courtesy and of the wish to erase, all of one language, without a negation, a condition or a
//! question, and none that a phrase only leaves room for. Whatever else a letter says, a person may have meant something by it, and we ask again.

use std::fmt;
use std::ops::Range;

use super::against;
use super::frame::{Names, says, without_frame};
use super::hearing::{is_everybodys, is_firm, is_void, tells, thanks_for_letter};
use super::judge::wishes;
use super::lexicon::{Group, Lexicon};
use super::limit::limit;
use super::lists::List;
use super::negation::{self, Negated};
use super::refusal;
use super::signals::{Hit, Signals, is_printed_reference};
use super::tokens;
use super::tongue::Tongue;
use super::utterance::{Force, force, is_erasing, wished};
use crate::domain::{Reference, stored_enum};

/// A text of more words than this is read with its greeting and its good-bye.
const FRAMED_WORDS_MAX: usize = 150;
/// A text of more words than this is no plain yes.
const PLAIN_WORDS_MAX: usize = 60;
/// Words of agreeing, and those that change nothing beside them.
const AGREEING: [Group; 4] = [Group::Yes, Group::Courtesy, Group::Greeting, Group::AnswerWord];
/// What may stand in a sentence that hands over a code, besides those.
const HANDING_OVER: [Group; 2] = [Group::CodeCue, Group::AnswerLink];
/// What may stand in a sentence that asks to erase, besides those.
const WISHING: [Group; 15] = [
    Group::EraseVerb,
    Group::EraseNoun,
    Group::CloseVerb,
    Group::AccountMine,
    Group::Account,
    Group::DataMine,
    Group::Data,
    Group::Profile,
    Group::Pronoun,
    Group::Everything,
    Group::Own,
    Group::ForgetMe,
    Group::LawErasure,
    Group::Request,
    Group::AnswerLink,
];
/// What may be erased, besides an account.
const OBJECTS: [Group; 6] =
    [Group::DataMine, Group::Data, Group::Profile, Group::Everything, Group::ForgetMe, Group::LawErasure];
/// What takes a yes back, wholly or by half.
const CONTRADICTING: [Group; 10] = [
    Group::No,
    Group::NoAlone,
    Group::Negation,
    Group::Hedge,
    Group::Undo,
    Group::How,
    Group::Conditional,
    Group::AccountTheirs,
    Group::DataTheirs,
    Group::OtherUser,
];

stored_enum! {
    /// What the new text says to a question of ours.
    AnswerIntent, "answer" {
        /// A plain yes, and not a word besides.
        Yes = "yes",
        /// A no, or "do not erase".
        No = "no",
        /// Takes the request back.
        Withdraw = "withdraw",
        /// Something else, something of both, or a yes with more to it. A code beside it is no yes.
        Unclear = "unclear",
        /// Says nothing: no text, or nothing but courtesy, names and codes. A code beside it speaks for itself.
        None = "none",
    }
}

/// What a letter answers.
#[derive(Clone, PartialEq, Eq)]
pub struct Answer {
    /// Yes or no. A code may count under [`AnswerIntent::Yes`] and [`AnswerIntent::None`], and under nothing else.
    pub intent: AnswerIntent,
    /// In which languages the new text is a plain yes, where no more than one short word says so and nothing in the letter tells
    /// its language: "tak" is one in Polish. Empty where the intent is [`AnswerIntent::Yes`].
    pub yes_in: Vec<Tongue>,
    /// What may be a six-symbol code, from the new text, in Crockford's symbols, upper case. At most 8. None of a letter
    /// that is proven to be a machine's.
    pub codes: Vec<String>,
    /// What may be a token, from plus-addresses, the quoted text and the body, lower case. At most 16.
    pub tokens: Vec<String>,
    /// Whether the new text says no, takes a request back, asks to erase nothing or to keep the account, or says that somebody
    /// else asked; though a machine or
    /// a list brought the letter, its plain and its HTML text disagree, or it says yes as well: no proof of anything, and
    /// reason enough to pause.
    pub asks_to_stop: bool,
}

impl Answer {
    pub(super) fn none() -> Self {
        let (codes, tokens, yes_in) = Default::default();
        Self { intent: AnswerIntent::None, yes_in, codes, tokens, asks_to_stop: false }
    }

    /// What it answers to somebody who was written to in a language, or wrote in it before.
    #[must_use]
    pub fn to(&self, language: Tongue) -> AnswerIntent {
        if self.yes_in.contains(&language) { AnswerIntent::Yes } else { self.intent }
    }
}

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Answer")
            .field("intent", &self.intent)
            .field("yes_in", &self.yes_in)
            .field("codes", &self.codes.len())
            .field("tokens", &self.tokens.len())
            .field("asks_to_stop", &self.asks_to_stop)
            .finish()
    }
}

/// What one new text says, and the codes in it.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Said {
    pub intent: AnswerIntent,
    /// In which languages it is a yes, where its own is not told.
    pub yes_in: Vec<Tongue>,
    pub codes: Vec<String>,
    /// Whether anything in it asks to stop, or to erase nothing.
    pub stops: bool,
}

impl Said {
    /// What is left of an answer that nobody gave.
    pub const fn nothing() -> Self {
        Self { intent: AnswerIntent::None, yes_in: Vec::new(), codes: Vec::new(), stops: false }
    }

    /// Of a new text, and what was found in it.
    pub fn of(new_text: &str, found: &Signals, names: &Names, lexicon: &Lexicon) -> Self {
        let codes = tokens::codes(new_text, lexicon);
        // A frame takes nothing from a long text that is no plain answer anyway.
        let framed = found.words <= FRAMED_WORDS_MAX;
        let bare_text = framed.then(|| without_frame(new_text, names, lexicon));
        let bare = bare_text.as_deref().map(|text| Signals::of(text, lexicon));
        let signals = bare.as_ref().unwrap_or(found);
        let (intent, yes_in) = match intent(signals, found, names, &codes) {
            (says, yes_in)
                if (says == AnswerIntent::Yes || !yes_in.is_empty()) && bare_text.as_deref().is_some_and(is_void) =>
            {
                (AnswerIntent::Unclear, Vec::new())
            }
            said => said,
        };
        let said_no = match intent {
            AnswerIntent::No | AnswerIntent::Withdraw => true,
            _ => !signals.has_any(Group::Undo) && says_no(signals) && !agrees(signals),
        };
        let stops = said_no || negates(signals) || keeps(signals) || may_negate(signals) || disowns(signals);
        Self { intent, yes_in, codes, stops }
    }

    /// What it says to a question, or below a letter, of a language.
    pub fn to(self, language: Option<Tongue>) -> Self {
        match language {
            Some(language) if self.yes_in.contains(&language) => {
                Self { intent: AnswerIntent::Yes, yes_in: Vec::new(), ..self }
            }
            _ => self,
        }
    }

    /// What is left of it beside what the letter repeats: a stop in that is one, whatever stands above it, and a yes above a letter
    /// that is passed on may not be about our question.
    pub fn beside(self, stops: bool, passes_on: bool) -> Self {
        let intent = match self.intent {
            AnswerIntent::Yes if stops || passes_on => AnswerIntent::Unclear,
            AnswerIntent::None if stops => AnswerIntent::Unclear,
            intent => intent,
        };
        let yes_in = if stops || passes_on { Vec::new() } else { self.yes_in };
        Self { intent, yes_in, stops: self.stops || stops, ..self }
    }

    /// What a letter says whose plain text says this and whose HTML text says that: what both say, else nothing clear.
    pub fn both(self, twin: &Self) -> Self {
        let codes: Vec<String> = self.codes.iter().filter(|code| twin.codes.contains(code)).cloned().collect();
        let lost = codes.is_empty() && !(self.codes.is_empty() && twin.codes.is_empty());
        let intent = if self.intent == twin.intent && !lost { self.intent } else { AnswerIntent::Unclear };
        let agree = intent == self.intent;
        let yes_in = self.yes_in.into_iter().filter(|language| agree && twin.yes_in.contains(language)).collect();
        Self { intent, yes_in, codes, stops: self.stops || twin.stops }
    }
}

/// What a text says without its frame, and in which languages it is a yes where its own is not told. The whole text, `found`, may
/// tell it.
fn intent(signals: &Signals, found: &Signals, names: &Names, codes: &[String]) -> (AnswerIntent, Vec<Tongue>) {
    if signals.has_any(Group::Undo) {
        let intent = if wishes(signals) { AnswerIntent::Unclear } else { AnswerIntent::Withdraw };
        return (intent, Vec::new());
    }
    if negates(signals) || says_no(signals) {
        let intent = if agrees(signals) || wishes(signals) { AnswerIntent::Unclear } else { AnswerIntent::No };
        return (intent, Vec::new());
    }
    // A yes to a part is no yes to what was asked.
    if keeps(signals) || limit(signals, false).is_some() {
        return (AnswerIntent::Unclear, Vec::new());
    }
    assent(signals, found, names, codes)
}

/// What a text says that takes nothing back.
fn assent(signals: &Signals, found: &Signals, names: &Names, codes: &[String]) -> (AnswerIntent, Vec<Tongue>) {
    // Where no language knows a word, any one says so.
    let heard = |language: &&Tongue| signals.weight(**language) > 0 || **language == Tongue::En;
    let read = |language: &Tongue| Some((*language, Plain::read(signals, *language, names, codes)?));
    let readings: Vec<(Tongue, Plain)> = Tongue::ALL.iter().filter(heard).filter_map(read).collect();
    let told = |(language, plain): &(Tongue, Plain)| {
        plain.agrees && !plain.thanks && (plain.everybodys || tells(found, *language, plain.beside))
    };
    let hands_over = |(_, plain): &(Tongue, Plain)| plain.wishes && !codes.is_empty();
    if readings.iter().any(|reading| told(reading) || hands_over(reading)) {
        return (AnswerIntent::Yes, Vec::new());
    }
    let yes_in: Vec<Tongue> =
        readings.iter().filter(|(_, plain)| plain.agrees).map(|(language, _)| *language).collect();
    // Beside a code, which speaks for itself, it matters little what a short word is.
    let says_nothing =
        |(_, plain): &(Tongue, Plain)| !plain.wishes && (!plain.agrees || plain.thanks || !codes.is_empty());
    let intent = if readings.iter().any(says_nothing) { AnswerIntent::None } else { AnswerIntent::Unclear };
    (intent, yes_in)
}

fn agrees(signals: &Signals) -> bool {
    // "Ne le faites pas": the yes is a word of a no.
    const NOES: [Group; 4] = [Group::No, Group::NoAlone, Group::Refuse, Group::Unwanted];
    signals.hits.iter().any(|hit| hit.is(Group::Yes) && !within(hit, signals, &NOES))
}

/// Whether the hit is part of a longer phrase of one of these groups, in any language.
fn within(hit: &Hit, signals: &Signals, groups: &[Group]) -> bool {
    signals.sentences(hit.sentence, hit.sentence).iter().any(|other| {
        let longer = other.last - other.first > hit.last - hit.first;
        longer && other.covers(hit.first) && other.covers(hit.last) && groups.iter().any(|group| other.is(*group))
    })
}

/// Whether a "not" stands further off that may be meant for an erasure: enough for a pause, and no answer.
fn may_negate(signals: &Signals) -> bool {
    signals.hits.iter().any(|hit| negation::is_far(hit, signals))
}

/// "That was not me", "somebody else asked you for it".
fn disowns(signals: &Signals) -> bool {
    let anothers = |hit: &Hit| is_erasing(hit) && against::is_anothers(hit, signals);
    signals.hits.iter().any(|hit| hit.is(Group::NotMe) || anothers(hit))
}

/// "Do not erase" or "avoid erasing", in any language, or what may be meant so.
fn negates(signals: &Signals) -> bool {
    let closes = |hit: &Hit| signals.beside(hit, Group::AccountMine) || signals.beside(hit, Group::Account);
    let mut erasing = signals.hits.iter().filter(|hit| is_erasing(hit) && (!hit.is(Group::CloseVerb) || closes(hit)));
    let made = |hit: &Hit| negation::of(hit, signals).max(against::prevented(hit, signals));
    erasing.any(|hit| matches!(made(hit), Negated::Perhaps | Negated::Forbids))
}

/// "Erase nothing", "I want to keep my account": not where it only says what shall stay beside a wish to erase.
pub(super) fn keeps(signals: &Signals) -> bool {
    signals.has_any(Group::Keep) && !wishes(signals)
}

/// A no that is an answer: a refusal, a phrase, a word that opens its sentence, or a word that is all its clause says. "No other
/// questions" is none.
fn says_no(signals: &Signals) -> bool {
    let refuses = refusal::is_plain(signals) || refusal::is_said(signals) && !wishes(signals);
    refuses
        || signals.hits.iter().any(|hit| {
            let phrase = hit.is(Group::No) && (hit.last > hit.first || opens_answer(hit, signals));
            let word = hit.is(Group::NoAlone) && !signals.is_question(hit.sentence);
            phrase || (word && alone(hit, signals) && !within(hit, signals, &AGREEING))
        })
}

/// Whether nothing but courtesy stands before the hit in its sentence.
fn opens_answer(hit: &Hit, signals: &Signals) -> bool {
    all_agree(signals.sentence_of(hit.first).start..hit.first, hit, signals)
}

/// Whether the clause of the hit says nothing besides yes, no, courtesy and the reference of a request ("stop EXP-7K3Q-M2").
fn alone(hit: &Hit, signals: &Signals) -> bool {
    let also = [Group::No, Group::NoAlone];
    signals.clause_words(hit.clause).all(|word| {
        let mut hits = signals.sentences(hit.sentence, hit.sentence).iter();
        is_reference(signals.spelling(word))
            || hits.any(|other| other.covers(word) && AGREEING.iter().chain(&also).any(|group| other.is(*group)))
    })
}

/// Whether a folded word is written like the reference of a request.
fn is_reference(word: &str) -> bool {
    let bare = word.trim_matches(|c: char| !c.is_alphanumeric());
    bare.starts_with("exp-") && bare.parse::<Reference>().is_ok()
}

/// Whether all these words of the hit's sentence agree, or change nothing.
fn all_agree(mut words: std::ops::Range<usize>, hit: &Hit, signals: &Signals) -> bool {
    let sentence = signals.sentences(hit.sentence, hit.sentence);
    words.all(|word| sentence.iter().any(|other| other.covers(word) && AGREEING.iter().any(|group| other.is(*group))))
}

/// A text of which every word is understood, in one language, and none takes anything back.
struct Plain {
    agrees: bool,
    wishes: bool,
    /// Whatever agrees in it is a yes that everybody knows.
    everybodys: bool,
    /// Such a yes is among what agrees in it.
    beside: bool,
    /// Whatever agrees in it may be thanks in another language.
    thanks: bool,
}

impl Plain {
    fn read(signals: &Signals, language: Tongue, names: &Names, codes: &[String]) -> Option<Self> {
        if signals.words > PLAIN_WORDS_MAX || signals.asks() {
            return None;
        }
        let mut plain = Self { agrees: false, wishes: false, everybodys: true, beside: false, thanks: true };
        let thanked = thanks_for_letter(signals);
        // Beside a code it is no more than a name of what the code confirms. A yes may name another request than the one that asks.
        let names_request = !codes.is_empty() && !signals.has_any(Group::Yes);
        for first in signals.openings() {
            let words = signals.sentence_of(*first);
            let hits: Vec<&Hit> =
                signals.hits_at(words.clone()).iter().filter(|hit| hit.language == language).collect();
            if hits.iter().any(|hit| contradicts(hit, &hits, signals)) || is_theirs(&words, language, signals) {
                return None;
            }
            let is = |group: Group| hits.iter().any(|hit| hit.is(group));
            let wishes = is(Group::ForgetMe) || hits.iter().any(|hit| is_erasing(hit));
            let has_code = words.clone().any(|word| is_code(signals, word, codes));
            if wishes && (!asks_to_erase(&hits, signals) || names_thing(&words, &hits, signals, has_code)) {
                return None;
            }
            let cued = is(Group::CodeCue);
            let speaks = wishes || is(Group::Yes);
            plain.wishes |= wishes;
            let mut allowed: Vec<Group> = AGREEING.to_vec();
            // "Bis dann" beside a yes may say when.
            allowed.extend((!speaks).then_some(Group::Closing));
            allowed.extend(WISHING.iter().filter(|_| wishes));
            allowed.extend(HANDING_OVER.iter().filter(|_| has_code || cued));
            // A word that only stands in the gap of a phrase ("my … account") may be "second".
            let says = |word: usize, piece: &Range<usize>| {
                let means = |hit: &Hit, group: &Group| {
                    hit.is(*group) && (!wishes || *group != Group::Greeting || addresses(hit, &hits, signals))
                };
                hits.iter().any(|hit| hit.says_piece(word, piece) && allowed.iter().any(|group| means(hit, group)))
            };
            let known = |word: usize| {
                signals.pieces(word).all(|(at, piece)| says(word, &at) || tokens::is_of(piece, codes) && cued)
                    || is_code(signals, word, codes) && (cued || is_surely_code(signals, word))
                    || is_name(word, signals, names) && (!speaks || signs(word, &hits, signals, names))
                    || names_request && is_printed_reference(signals.spelling(word))
            };
            if !words.clone().all(known) {
                return None;
            }
            for hit in hits.iter().filter(|hit| hit.is(Group::Yes) && !within(hit, signals, &AGREEING[1..])) {
                plain.agrees |= !thanked || is_firm(hit, signals);
                let everybodys = is_everybodys(hit, signals);
                plain.everybodys &= everybodys;
                plain.beside |= everybodys;
                plain.thanks &= thanks_elsewhere(hit, signals);
            }
        }
        Some(plain)
    }
}

/// Whether a verb of erasing may be meant for the code, the request or our letter: "yes, delete the request" erases nobody. Not where
/// the thing is confirmed ("I confirm my request to delete it"), where it is asked for what is erased ("I request that you delete my
/// account"), or where the code stands beside.
fn names_thing(words: &Range<usize>, hits: &[&Hit], signals: &Signals, has_code: bool) -> bool {
    let confirmed = |word: usize| hits.iter().any(|hit| hit.is(Group::Yes) && hit.covers(word) && !is_wish(hit, hits));
    // What is not Latin is no word of a list.
    let coded = |word: usize| {
        let mut cues = hits.iter().filter(|hit| hit.is(Group::CodeCue));
        signals.spelling(word).starts_with('_') && cues.any(|hit| hit.covers(word))
    };
    let listed = |word: usize| hits.first().is_some_and(|hit| signals.spells(word, List::AnswerThing, hit.language));
    let is_thing = |word: &usize| (listed(*word) || coded(*word)) && !confirmed(*word);
    // "Удалите запрос": what asks stands before its verb, or is courtesy. In Japanese it stands behind.
    let requested = |verb: &Hit| {
        let polite =
            |word: usize| hits.iter().any(|hit| hit.covers(word) && AGREEING.iter().any(|group| hit.is(*group)));
        let mut requests = hits.iter().filter(|hit| hit.is(Group::Request) && hit.clause == verb.clause);
        requests.any(|hit| {
            verb.last < hit.first && signals.spelling(hit.first).starts_with('_') && !(hit.first..=hit.last).all(polite)
        })
    };
    let verb = |hit: &&&Hit| hit.is(Group::EraseVerb) || hit.is(Group::CloseVerb);
    let object = |hit: &&&Hit| {
        let named = [Group::AccountMine, Group::Account, Group::Pronoun];
        named.iter().chain(&OBJECTS).any(|group| hit.is(*group))
    };
    // The Greek "it" is a "the" as well.
    let named = hits.iter().any(|hit| object(&hit) && !hit.is(Group::Pronoun));
    if !named && hits.iter().filter(verb).any(|verb| verb.language != Tongue::Ja && requested(verb)) {
        return true;
    }
    words.clone().filter(is_thing).any(|thing| {
        hits.iter().filter(verb).filter(|verb| signals.clause_words(verb.clause).contains(&thing)).any(|verb| {
            !hits.iter().filter(object).any(|object| {
                let asked = thing < verb.first && verb.last < object.first;
                let handed_over = (verb.last < object.first && object.last < thing)
                    || (thing < object.first && object.last < verb.first);
                asked || has_code && handed_over
            })
        })
    })
}

/// Whether a yes is one of the words of a wish: "please delete".
fn is_wish(yes: &Hit, hits: &[&Hit]) -> bool {
    hits.iter().any(|hit| (hit.is(Group::EraseVerb) || hit.is(Group::CloseVerb)) && hit.overlaps(yes))
}

/// Whether words of greeting greet: they open the sentence, or are all that their clause says. "Das Konto meiner Frau" and "the team
/// account" are somebody's.
fn addresses(hit: &Hit, hits: &[&Hit], signals: &Signals) -> bool {
    let covered = |word: usize, groups: &[Group]| {
        hits.iter().any(|other| other.covers(word) && groups.iter().any(|group| other.is(*group)))
    };
    let opens = (signals.sentence_of(hit.first).start..hit.first).all(|word| covered(word, &[Group::Greeting]));
    opens || signals.clause_words(hit.clause).all(|word| covered(word, &AGREEING))
}

/// Whether a word is of the sender's name and says nothing besides.
fn is_name(word: usize, signals: &Signals, names: &Names) -> bool {
    names.has_own(signals.spelling(word)) && !signals.hits.iter().any(|hit| hit.covers(word) && says(hit))
}

/// Whether a word ends a greeting or signs what was said, with nothing but names between: "yes, thanks, Anna".
fn signs(word: usize, hits: &[&Hit], signals: &Signals, names: &Names) -> bool {
    const FRAME: [Group; 3] = [Group::Courtesy, Group::Greeting, Group::Closing];
    let mut before = (signals.sentence_of(word).start..word).rev();
    let framing = before.find(|word| !is_name(*word, signals, names));
    framing.is_some_and(|word| hits.iter().any(|hit| hit.covers(word) && FRAME.iter().any(|group| hit.is(*group))))
}

/// Whether the words of the hit are thanks in another language: "tak" is the Polish yes, and the Danish thank-you. Nobody
/// agreed who may only have thanked.
fn thanks_elsewhere(hit: &Hit, signals: &Signals) -> bool {
    let mut beside = signals.sentences(hit.sentence, hit.sentence).iter();
    beside.any(|other| {
        other.is(Group::Courtesy) && other.language != hit.language && other.covers(hit.first) && other.covers(hit.last)
    })
}

/// Whether a sentence with a word of erasing asks for it, and says of what. Beside a yes "it" is enough, or no object at
/// all, also in the sentence behind it; but who asks to close something has to say that it is the account.
fn asks_to_erase(hits: &[&Hit], signals: &Signals) -> bool {
    let is = |group: Group| hits.iter().any(|hit| hit.is(group));
    let agrees = hits.first().is_some_and(|hit| signals.has(hit.language, Group::Yes));
    let agreed = |hit: &Hit| hits.iter().any(|yes| yes.is(Group::Yes) && yes.first < hit.first && hit.last <= yes.last);
    let closes = is(Group::AccountMine) || is(Group::Account);
    let named = closes || OBJECTS.iter().any(|group| is(*group));
    // "Ich bestätige meine Anfrage, mein Konto zu löschen."
    let confirmed = |hit: &Hit| {
        let names =
            |yes: &Hit| (yes.first..=yes.last).any(|word| signals.spells(word, List::AnswerThing, yes.language));
        hits.iter().any(|yes| yes.is(Group::Yes) && yes.last < hit.first && names(yes))
    };
    hits.iter().filter(|hit| is_erasing(hit)).all(|hit| {
        // "I confirm the deletion" has no verb of asking; "is my account deleted" has none either, and no noun.
        let noun = agrees && is(Group::EraseNoun);
        let asked = wished(hit, signals) || signals.opens_clause(hit) || noun || confirmed(hit);
        let object = if hit.is(Group::CloseVerb) { closes } else { named || agrees };
        let wish = agreed(hit) || force(hit, signals) == Force::Wish && asked;
        wish && object
    })
}

/// Whether a hit takes a yes back: not where it is a part of a phrase that does not ("no problem"), nor where the same
/// word is all that its clause says (the Spanish "si", which is also an "if"), nor where it only says of which kind the writer's own
/// account is ("my user account").
fn contradicts(hit: &Hit, hits: &[&Hit], signals: &Signals) -> bool {
    if !CONTRADICTING.iter().any(|group| hit.is(*group)) {
        return false;
    }
    if [Group::DataTheirs, Group::OtherUser].iter().any(|group| hit.is(*group)) && is_kind(hit, hits, signals) {
        return false;
    }
    let agreeing = |other: &&&Hit| AGREEING.iter().any(|group| other.is(*group));
    let mut covering = hits.iter().filter(agreeing).filter(|other| other.covers(hit.first) && other.covers(hit.last));
    // Of this language alone: among many languages, one has a small word for nearly anything.
    let agrees = |word: usize| hits.iter().filter(agreeing).any(|other| other.covers(word));
    !covering
        .any(|other| other.last - other.first > hit.last - hit.first || signals.clause_words(hit.clause).all(agrees))
}

/// Whether a sentence is about what is somebody else's in another language that knows as many of its words: "jej" is a Czech "it", and
/// a Slovak "her".
fn is_theirs(words: &Range<usize>, language: Tongue, signals: &Signals) -> bool {
    let others = || signals.hits_at(words.clone()).iter().filter(|hit| hit.language != language);
    others().any(|hit| {
        let theirs = hit.is(Group::AccountTheirs) || hit.is(Group::DataTheirs);
        theirs && signals.weight(hit.language) >= signals.weight(language) && {
            let own: Vec<&Hit> = others().filter(|other| other.language == hit.language).collect();
            contradicts(hit, &own, signals)
        }
    })
}

/// Whether what may be somebody else's is only of which kind the writer's own account is, or "the data" and "its data".
fn is_kind(hit: &Hit, hits: &[&Hit], signals: &Signals) -> bool {
    const ARTICLES: [&str; 3] = ["los", "the", "its"];
    let own = |other: &&&Hit| other.is(Group::AccountMine) || other.is(Group::Account);
    let beside = |other: &Hit| {
        let within = other.covers(hit.first) && other.covers(hit.last) && other.is(Group::AccountMine);
        within
            || hit.is(Group::OtherUser)
                && hit.first == hit.last
                && other.clause == hit.clause
                && other.last + 1 == hit.first
    };
    let article = hit.is(Group::DataTheirs) && ARTICLES.contains(&signals.spelling(hit.first));
    article || hits.iter().filter(own).any(|other| beside(other))
}

/// Whether a word is one of the codes, or a half of one that was typed in two.
fn is_code(signals: &Signals, word: usize, codes: &[String]) -> bool {
    tokens::is_of(signals.spelling(word), codes)
}

/// Whether a word that may be a code is nothing else: it has a digit, or nobody said yes beside it. "Yes, retain" is six letters,
/// and takes the yes back.
fn is_surely_code(signals: &Signals, word: usize) -> bool {
    signals.spelling(word).bytes().any(|byte| byte.is_ascii_digit()) || !signals.has_any(Group::Yes)
}

#[cfg(test)]
#[path = "answer_tests.rs"]
mod tests;
