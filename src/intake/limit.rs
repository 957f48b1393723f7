//! Whether a letter asks for a whole and excepts a part of it: "delete everything except my invoices".
//!
//! No plan follows such words, so a person has to read them. A limit that is missed erases too much, and one that is seen
//! where there is none costs a person a minute; what the law keeps in any case is no limit.

use super::lexicon::{Group, Topic};
use super::signals::{Hit, Signals};
use super::tongue::Tongue;
use super::utterance::is_erasing;

/// Words between what shall stay and its name.
const NAMED_WITHIN_WORDS: usize = 4;
/// Words between a negation and the word of keeping that it negates.
const NEGATION_WORDS: usize = 4;
/// Words from a limit to the word that says that the law sets it.
const LAW_WORDS: usize = 8;
/// What may stand right before an imperative.
const LEADING: [Group; 5] = [Group::Request, Group::Courtesy, Group::AnswerWord, Group::Hedge, Group::Yes];
/// What makes an exception one of an erasure, besides the word of erasing.
const WHOLES: [Group; 6] =
    [Group::ForgetMe, Group::Everything, Group::DataMine, Group::AccountMine, Group::Account, Group::Data];

/// The language of the first limit. Where only named data are to be erased the rest stays anyway, and only what takes
/// something from the named is a limit.
pub(super) fn limit(found: &Signals, named_only: bool) -> Option<Tongue> {
    let is_limit = |hit: &&Hit| (excepts(hit, found) || keeps(hit, found, named_only)) && !by_law(hit, found);
    found.hits.iter().find(is_limit).map(|hit| hit.language)
}

/// "All except": in a sentence about the whole, or opening one behind it.
fn excepts(hit: &Hit, found: &Signals) -> bool {
    if !hit.is(Group::LimitExcept) {
        return false;
    }
    let mut beside = found.sentences(hit.sentence, hit.sentence).iter().filter(|other| other.language == hit.language);
    found.opens_clause(hit) || beside.any(|other| is_erasing(other) || WHOLES.iter().any(|group| other.is(*group)))
}

/// "But keep my invoices": not where a negation, a condition or a question takes it back.
fn keeps(hit: &Hit, found: &Signals, named_only: bool) -> bool {
    let says = hit.is(Group::LimitKeep) || (hit.is(Group::LimitImperative) && leads(hit, found));
    if !says || (named_only && !names_data(hit, found)) {
        return false;
    }
    let negated = found.around(hit, Group::Negation).any(|other| {
        let before = other.last < hit.first && hit.first - other.last <= NEGATION_WORDS;
        other.clause == hit.clause && (before || other.overlaps(hit))
    });
    // The Spanish yes is spelled like an "if".
    let says_yes = |other: &Hit| found.around(other, Group::Yes).any(|yes| yes.overlaps(other));
    let conditional = found
        .around(hit, Group::Conditional)
        .any(|other| other.clause == hit.clause && other.last < hit.first && !says_yes(other));
    let how = found.around(hit, Group::How).any(|how| how.last < hit.first) || found.is_question(hit.sentence);
    !negated && !conditional && (!how || found.beside(hit, Group::Request))
}

/// Whether a verb stands where an imperative does: first in its clause, or behind words of asking, courtesy and "but".
fn leads(hit: &Hit, found: &Signals) -> bool {
    let Some(before) = hit.first.checked_sub(1).filter(|_| hit.first > found.clause_words(hit.clause).start) else {
        return true;
    };
    let sentence = found.sentences(hit.sentence, hit.sentence).iter();
    sentence
        .filter(|other| other.language == hit.language)
        .any(|other| other.covers(before) && LEADING.iter().any(|group| other.is(*group)))
}

/// Whether what shall stay is called by a name of data.
fn names_data(hit: &Hit, found: &Signals) -> bool {
    let mut sentence = found.sentences(hit.sentence, hit.sentence).iter();
    sentence.any(|other| {
        let is_near = hit.first <= other.first && other.first <= hit.last + NAMED_WITHIN_WORDS;
        is_near && matches!(other.topic, Topic::Specific(_))
    })
}

/// Whether the law sets the limit: what must be kept is kept, and told, without anybody's wish.
fn by_law(hit: &Hit, found: &Signals) -> bool {
    found.around(hit, Group::LimitLaw).any(|law| law.last >= hit.first && law.distance(hit) <= LAW_WORDS)
}

#[cfg(test)]
#[path = "limit_tests.rs"]
mod tests;
