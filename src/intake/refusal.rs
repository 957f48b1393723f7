//! A refusal that names nothing: "You say that you will delete my account. Please don't." What is refused stands in another
//! sentence, or in the letter that this one answers.
//!
//! "Please don't hesitate" and "do not wait" go on, and refuse nothing: the words of `refuse` and `unwanted` count where
//! their clause ends with them.

use super::lexicon::{Group, List};
use super::object::object_of;
use super::signals::{Hit, Signals};
use super::tongue::Tongue;
use super::utterance::{Force, SHORT_WORDS, force, is_erasing, undone, wished};

/// Words that a phrase has at least that refuses wherever it stands in its clause: "so do not do that".
const LONG_WORDS: usize = 3;
/// Erasures of a text that are weighed.
const NAMED_MAX: usize = 50;
/// What may stand around a refusal in its clause.
const LIGHT: [Group; 7] = [
    Group::Request,
    Group::Courtesy,
    Group::AnswerWord,
    Group::Greeting,
    Group::Closing,
    Group::Conjunction,
    Group::NoAlone,
];

/// Whether a text refuses outright, whatever it is: "please don't!"
pub(super) fn is_plain(found: &Signals) -> bool {
    found.hits.iter().any(|hit| hit.is(Group::Refuse) && stands(hit, found))
}

/// Whether a text refuses something, in words that may also be about something else: "I do not want that." Of a long text that
/// names no erasure they are.
pub(super) fn is_said(found: &Signals) -> bool {
    let near =
        |hit: &Hit| found.words <= SHORT_WORDS || named(found, hit.language).any(|named| named.first < hit.first);
    is_plain(found) || unwanted(found).any(near)
}

/// The refusal of an erasure that the text, or its subject, names. `asks` says whether the text wishes for one as well: what is
/// said before that may be about anything.
pub(super) fn refusal<'s>(found: &'s Signals, subject: Option<&Signals>, asks: bool) -> Option<&'s Hit> {
    let announced = |hit: &Hit| subject.is_some_and(|subject| named(subject, hit.language).next().is_some());
    let is_told = |hit: &Hit| {
        let follows = |named: &Hit| if asks { named.last < hit.first } else { !named.overlaps(hit) };
        named(found, hit.language).any(follows)
    };
    let mut plain = found.hits.iter().filter(|hit| hit.is(Group::Refuse) && stands(hit, found));
    let follows = |hit: &Hit| {
        let next = |named: &Hit| hit.sentence - named.sentence <= 1 && !is_wish(named, found);
        named(found, hit.language).any(|named| named.last < hit.first && (!asks || next(named)))
    };
    plain.find(|hit| is_told(hit) || announced(hit)).or_else(|| unwanted(found).find(|hit| follows(hit)))
}

/// The words of `unwanted` that stand for themselves and ask nothing.
fn unwanted(found: &Signals) -> impl Iterator<Item = &Hit> {
    let is_one = move |hit: &&Hit| hit.is(Group::Unwanted) && !found.is_question(hit.sentence) && stands(hit, found);
    found.hits.iter().filter(is_one)
}

/// What a text says of an erasure in a language.
fn named(found: &Signals, language: Tongue) -> impl Iterator<Item = &Hit> {
    let is_one = move |hit: &&Hit| hit.language == language && is_erasing(hit) && !undone(hit, found);
    found.hits.iter().filter(is_one).take(NAMED_MAX).filter(move |hit| object_of(hit, found).is_some())
}

fn is_wish(hit: &Hit, found: &Signals) -> bool {
    !found.is_question(hit.sentence) && wished(hit, found) && force(hit, found) == Force::Wish
}

/// Whether a refusal is all that its clause says, and no condition: "if you don't, I shall complain".
fn stands(hit: &Hit, found: &Signals) -> bool {
    let sentence = found.sentence_of(hit.last);
    let is_light = |word: usize| {
        let mut known = found.sentences(hit.sentence, hit.sentence).iter().filter(|other| other.covers(word));
        known.any(|other| LIGHT.iter().any(|group| other.is(*group)))
    };
    // "Dont want it anymore" goes on.
    let wants = |word: usize| found.spells(word, List::Want, hit.language);
    let ends_well = |word: usize| is_light(word) && !wants(word);
    let starts = (sentence.start..=hit.first).rev().find(|word| found.begins_clause(*word)).unwrap_or(sentence.start);
    let ends = (hit.last + 1..sentence.end).find(|word| found.begins_clause(*word)).unwrap_or(sentence.end);
    let long = hit.last + 1 - hit.first >= LONG_WORDS;
    let conditions = |other: &Hit| starts <= other.first && other.last < hit.first;
    let conditional = found.around(hit, Group::Conditional).any(conditions);
    // "I do not want that, that you keep my data."
    let goes_on = ends < sentence.end && ends == hit.last + 1 && found.spells(ends, List::That, hit.language);
    let because = || found.spells(hit.last + 1, List::Cause, hit.language);
    (long || (starts..hit.first).all(is_light))
        && !conditional
        && !goes_on
        && (hit.last + 1 >= ends || ends_well(hit.last + 1) || because())
}

#[cfg(test)]
#[path = "refusal_tests.rs"]
mod tests;
