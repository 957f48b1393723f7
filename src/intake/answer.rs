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
use super::frame::{Names, without_frame};
use super::judge::wishes;
use super::lexicon::{Group, Lexicon};
use super::limit::limit;
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
const CONTRADICTING: [Group; 7] =
    [Group::No, Group::NoAlone, Group::Negation, Group::Hedge, Group::Undo, Group::How, Group::Conditional];

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
    pub(super) const fn none() -> Self {
        Self { intent: AnswerIntent::None, codes: Vec::new(), tokens: Vec::new(), asks_to_stop: false }
    }
}

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Answer")
            .field("intent", &self.intent)
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
    pub codes: Vec<String>,
    /// Whether anything in it asks to stop, or to erase nothing.
    pub stops: bool,
}

impl Said {
    /// What is left of an answer that nobody gave.
    pub const fn nothing() -> Self {
        Self { intent: AnswerIntent::None, codes: Vec::new(), stops: false }
    }

    /// Of a new text, and what was found in it.
    pub fn of(new_text: &str, found: &Signals, names: &Names, lexicon: &Lexicon) -> Self {
        let codes = tokens::codes(new_text, lexicon);
        // A frame takes nothing from a long text that is no plain answer anyway.
        let framed = found.words <= FRAMED_WORDS_MAX;
        let bare = framed.then(|| Signals::of(&without_frame(new_text, names, lexicon), lexicon));
        let signals = bare.as_ref().unwrap_or(found);
        let intent = intent(signals, names, &codes);
        let said_no = match intent {
            AnswerIntent::No | AnswerIntent::Withdraw => true,
            _ => !signals.has_any(Group::Undo) && says_no(signals) && !agrees(signals),
        };
        let stops = said_no || negates(signals) || keeps(signals) || may_negate(signals) || disowns(signals);
        Self { intent, codes, stops }
    }

    /// What is left of it beside what the letter repeats: a stop in that is one, whatever stands above it, and a yes above a letter
    /// that is passed on may not be about our question.
    pub fn beside(self, stops: bool, passes_on: bool) -> Self {
        let intent = match self.intent {
            AnswerIntent::Yes if stops || passes_on => AnswerIntent::Unclear,
            AnswerIntent::None if stops => AnswerIntent::Unclear,
            intent => intent,
        };
        Self { intent, stops: self.stops || stops, ..self }
    }

    /// What a letter says whose plain text says this and whose HTML text says that: what both say, else nothing clear.
    pub fn both(self, twin: &Self) -> Self {
        let codes: Vec<String> = self.codes.iter().filter(|code| twin.codes.contains(code)).cloned().collect();
        let lost = codes.is_empty() && !(self.codes.is_empty() && twin.codes.is_empty());
        let intent = if self.intent == twin.intent && !lost { self.intent } else { AnswerIntent::Unclear };
        Self { intent, codes, stops: self.stops || twin.stops }
    }
}

fn intent(signals: &Signals, names: &Names, codes: &[String]) -> AnswerIntent {
    if signals.has_any(Group::Undo) {
        return if wishes(signals) { AnswerIntent::Unclear } else { AnswerIntent::Withdraw };
    }
    if negates(signals) || says_no(signals) {
        return if agrees(signals) || wishes(signals) { AnswerIntent::Unclear } else { AnswerIntent::No };
    }
    // A yes to a part is no yes to what was asked.
    if keeps(signals) || limit(signals, false).is_some() {
        return AnswerIntent::Unclear;
    }
    // Where no language knows a word, any one says so.
    let heard = |language: &&Tongue| signals.weight(**language) > 0 || **language == Tongue::En;
    let readings =
        || Tongue::ALL.iter().filter(heard).filter_map(|language| Plain::read(signals, *language, names, codes));
    if readings().any(|plain| plain.agrees || (plain.wishes && !codes.is_empty())) {
        return AnswerIntent::Yes;
    }
    let says_nothing = readings().any(|plain| !plain.wishes);
    if says_nothing { AnswerIntent::None } else { AnswerIntent::Unclear }
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
}

impl Plain {
    fn read(signals: &Signals, language: Tongue, names: &Names, codes: &[String]) -> Option<Self> {
        if signals.words > PLAIN_WORDS_MAX || signals.asks() {
            return None;
        }
        let mut plain = Self { agrees: false, wishes: false };
        // Beside a code it is no more than a name of what the code confirms. A yes may name another request than the one that asks.
        let names_request = !codes.is_empty() && !signals.has_any(Group::Yes);
        for first in signals.openings() {
            let words = signals.sentence_of(*first);
            let hits: Vec<&Hit> =
                signals.hits_at(words.clone()).iter().filter(|hit| hit.language == language).collect();
            if hits.iter().any(|hit| contradicts(hit, &hits, signals)) {
                return None;
            }
            let is = |group: Group| hits.iter().any(|hit| hit.is(group));
            let wishes = is(Group::ForgetMe) || hits.iter().any(|hit| is_erasing(hit));
            if wishes && !asks_to_erase(&hits, signals) {
                return None;
            }
            let has_code = words.clone().any(|word| is_code(signals, word, codes));
            let mut allowed: Vec<Group> = AGREEING.to_vec();
            if wishes {
                plain.wishes = true;
                allowed.extend(WISHING);
            }
            if has_code || is(Group::CodeCue) {
                allowed.extend(HANDING_OVER);
            }
            let cued = is(Group::CodeCue);
            // A word that only stands in the gap of a phrase ("my … account") may be "second".
            let says = |word: usize, piece: &Range<usize>| {
                hits.iter().any(|hit| hit.says_piece(word, piece) && allowed.iter().any(|group| hit.is(*group)))
            };
            let known = |word: usize| {
                signals.pieces(word).all(|(at, piece)| says(word, &at) || tokens::is_of(piece, codes) && cued)
                    || is_code(signals, word, codes) && (cued || is_surely_code(signals, word))
                    || names.has(signals.spelling(word))
                    || names_request && is_printed_reference(signals.spelling(word))
            };
            if !words.clone().all(known) {
                return None;
            }
            plain.agrees |= hits.iter().any(|hit| {
                hit.is(Group::Yes) && !within(hit, signals, &AGREEING[1..]) && !thanks_elsewhere(hit, signals)
            });
        }
        Some(plain)
    }
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
/// all; but who asks to close something has to say that it is the account.
fn asks_to_erase(hits: &[&Hit], signals: &Signals) -> bool {
    let is = |group: Group| hits.iter().any(|hit| hit.is(group));
    let agrees = is(Group::Yes);
    let closes = is(Group::AccountMine) || is(Group::Account);
    let named = closes || OBJECTS.iter().any(|group| is(*group));
    hits.iter().filter(|hit| is_erasing(hit)).all(|hit| {
        // "I confirm the deletion" has no verb of asking; "is my account deleted" has none either, and no noun.
        let asked = wished(hit, signals) || signals.opens_clause(hit) || (agrees && is(Group::EraseNoun));
        let object = if hit.is(Group::CloseVerb) { closes } else { named || agrees };
        force(hit, signals) == Force::Wish && asked && object
    })
}

/// Whether a hit takes a yes back: not where it is a part of a phrase that does not ("no problem"), nor where the same
/// word is all that its clause says (the Spanish "si", which is also an "if").
fn contradicts(hit: &Hit, hits: &[&Hit], signals: &Signals) -> bool {
    if !CONTRADICTING.iter().any(|group| hit.is(*group)) {
        return false;
    }
    let agreeing = |other: &&&Hit| AGREEING.iter().any(|group| other.is(*group));
    let mut covering = hits.iter().filter(agreeing).filter(|other| other.covers(hit.first) && other.covers(hit.last));
    // Of this language alone: among many languages, one has a small word for nearly anything.
    let agrees = |word: usize| hits.iter().filter(agreeing).any(|other| other.covers(word));
    !covering
        .any(|other| other.last - other.first > hit.last - hit.first || signals.clause_words(hit.clause).all(agrees))
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
