//! Whether a letter asks for a whole and excepts a part of it: "delete everything except my invoices".
//!
//! A time or a condition that is still to come is a limit as well: "once my last order has arrived".
//!
//! No plan follows such words, so a person has to read them. A limit that is missed erases too much, and one that is seen
//! where there is none costs a person a minute; what the law keeps in any case is no limit.

use super::lexicon::{Group, Topic};
use super::lists::List;
use super::negation::please_between;
use super::signals::{Hit, Signals};
use super::tongue::Tongue;
use super::utterance::{Force, force, is_erasing};

/// Words between what shall stay and its name.
const NAMED_WITHIN_WORDS: usize = 4;
/// Words between a negation and the word of keeping that it negates.
const NEGATION_WORDS: usize = 4;
/// Words from a limit to the word that says that the law sets it.
const LAW_WORDS: usize = 8;
/// Words from what is to be erased to its date.
const DATE_WORDS: usize = 2;
/// Languages whose times and conditions stand before the verb, and end in the word for them.
const POSTPOSED: [Tongue; 3] = [Tongue::Tr, Tongue::Ja, Tongue::Zh];
/// What may stand right before an imperative.
const LEADING: [Group; 5] = [Group::Request, Group::Courtesy, Group::AnswerWord, Group::Hedge, Group::Yes];
/// What makes an exception one of an erasure, besides the word of erasing.
const WHOLES: [Group; 6] =
    [Group::ForgetMe, Group::Everything, Group::DataMine, Group::AccountMine, Group::Account, Group::Data];

/// The language of the first limit. Where only named data are to be erased the rest stays anyway, and only what takes
/// something from the named is a limit.
pub(super) fn limit(found: &Signals, named_only: bool) -> Option<Tongue> {
    let is_limit = |hit: &&Hit| {
        let part = excepts(hit, found) || keeps(hit, found, named_only);
        (part || defers(hit, found, named_only) || dates(hit, found)) && !by_law(hit, found)
    };
    found.hits.iter().find(is_limit).map(|hit| hit.language)
}

/// "All except": in a sentence about the whole, or opening one behind it.
fn excepts(hit: &Hit, found: &Signals) -> bool {
    // "If you do not delete my account": a complaint, which excepts nothing.
    let governs = |other: &Hit| other.clause == hit.clause && other.last < hit.first;
    let threat = || found.within(hit, Group::AccountMine) && found.around(hit, Group::Conditional).any(governs);
    if !hit.is(Group::LimitExcept) || threat() {
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
    let conditional = found
        .around(hit, Group::Conditional)
        .any(|other| other.clause == hit.clause && other.last < hit.first && !found.within(other, Group::Yes));
    let how = found.around(hit, Group::How).any(|how| how.last < hit.first) || found.is_question(hit.sentence);
    !negated && !conditional && (!how || found.beside(hit, Group::Request))
}

/// "Once my order has arrived", "not the new one": behind a wish that it is said of, or as a clause before it. What is only
/// to be told ("and let me know when you have deleted it") is tied to nothing.
fn defers(hit: &Hit, found: &Signals, named_only: bool) -> bool {
    let negates = || found.within(hit, Group::Negation);
    if !hit.is(Group::LimitUntil) || (named_only && negates() && !names_data(hit, found)) {
        return false;
    }
    let opens = found.clause_words(hit.clause).start == hit.first;
    // "Once you have deleted it": it speaks of the erasing itself.
    let erasing = |other: &Hit| other.language == hit.language && is_erasing(other);
    let sentence = found.sentences(hit.sentence, hit.sentence);
    let please = |other: &Hit| please_between(hit, other, found);
    // Where "after" stands behind what has to happen first, the wish follows it in the same clause.
    let asked = |other: &Hit| matches!(force(other, found), Force::Wish | Force::Doubtful | Force::Conditional);
    let behind = |other: &Hit| other.first > hit.first && erasing(other) && asked(other);
    if POSTPOSED.contains(&hit.language) && sentence.iter().any(behind) {
        return true;
    }
    if sentence
        .iter()
        .any(|other| erasing(other) && other.clause == hit.clause && other.first > hit.last && !please(other))
    {
        return false;
    }
    sentence.iter().filter(|other| is_wish(other, hit, found)).any(|wish| match wish.last < hit.first {
        // Right behind its verb a "not" is the verb's own: "ne supprimez pas mon compte".
        true => {
            let own = wish.last + 1 == hit.first && negates();
            (opens || wish.clause == hit.clause) && !own && !tells(wish, hit, found)
        }
        false => opens && (wish.clause != hit.clause || please(wish)),
    })
}

/// "On 31 December", "older than 2020": beside what is to be erased, right before the verb, or opening the sentence.
fn dates(hit: &Hit, found: &Signals) -> bool {
    if !hit.is(Group::LimitDate) || found.beside(hit, Group::Reminder) {
        return false;
    }
    // "Until 31 December" is a term, and no limit.
    let until = hit.first > 0 && found.spells(hit.first - 1, List::Until, hit.language);
    let term = until || found.around(hit, Group::Conditional).any(|other| other.last + 1 == hit.first);
    let sentence = found.sentences(hit.sentence, hit.sentence).iter().filter(|other| other.language == hit.language);
    let mut wishes = sentence.clone().filter(|other| is_wish(other, hit, found)).peekable();
    if term || wishes.peek().is_none() {
        return false;
    }
    let is_object = |other: &Hit| {
        const ALSO: [Group; 3] = [Group::Profile, Group::ContactMine, Group::Pronoun];
        let grouped = WHOLES.iter().chain(&ALSO).any(|group| other.is(*group));
        grouped || is_erasing(other) || matches!(other.topic, Topic::Specific(_))
    };
    let mut sentence = sentence;
    let behind = |other: &Hit| other.last < hit.first && hit.first - other.last <= DATE_WORDS && is_object(other);
    found.opens(hit)
        || sentence.any(behind)
        || wishes.any(|wish| wish.clause == hit.clause && hit.last < wish.first && wish.first - hit.last <= DATE_WORDS)
}

/// Whether the hit asks to erase, or agrees to it, in the sentence and language of a limit.
fn is_wish(hit: &Hit, limit: &Hit, found: &Signals) -> bool {
    let asks = is_erasing(hit) && matches!(force(hit, found), Force::Wish | Force::Doubtful);
    hit.language == limit.language && (asks || hit.is(Group::ForgetMe) || hit.is(Group::Yes))
}

/// Whether another clause begins between a wish and a limit that names nothing to be erased: "and confirm".
fn tells(wish: &Hit, limit: &Hit, found: &Signals) -> bool {
    let between = |link: &&Hit| wish.last < link.first && link.last + 1 < limit.first;
    let Some(link) = found.around(limit, Group::Conjunction).filter(between).max_by_key(|link| link.last) else {
        return false;
    };
    let mut sentence = found.sentences(limit.sentence, limit.sentence).iter();
    let follows = |other: &Hit| link.last < other.first && other.first <= link.last + 2;
    !sentence.any(|other| {
        follows(other) && WHOLES.iter().any(|group| other.is(*group))
            || other.first == link.last + 1 && is_erasing(other)
    })
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
