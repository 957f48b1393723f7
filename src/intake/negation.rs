//! What a negation near a verb of erasing does to it: whether it is the verb's own, and whether it forbids anything.
//!
//! "Delete my account and do not write to me" negates another verb; "I cannot delete my account" and "you have still not
//! deleted it" forbid nothing. Where that is not sure, a person reads the letter.

use super::against::is_ensured;
use super::lexicon::Group;
use super::signals::{Hit, Signals};
use super::utterance::conditional;

/// Words that may stand between a negation and its verb.
const NEGATION_WORDS: usize = 3;
/// Phrases that say something else by a negation: "I do not use it", "I have had no reply".
const OTHERWISE: [Group; 5] =
    [Group::Leaving, Group::Reminder, Group::NoAccount, Group::ForgetMe, Group::ForgetPerhaps];
/// What may be erased, or be left.
const OBJECTS: [Group; 6] =
    [Group::AccountMine, Group::Account, Group::DataMine, Group::Data, Group::Profile, Group::ContactMine];

/// What the negations around a hit make of it, the weightiest last.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Negated {
    No,
    /// It says that the writer cannot do it, that it was not done yet, or not to hesitate: hardly anything but a wish.
    Complains,
    /// It is not sure what it negates.
    Perhaps,
    /// It shall not be done.
    Forbids,
}

/// What the negations close to the hit make of it.
pub(super) fn of(hit: &Hit, found: &Signals) -> Negated {
    if is_unwanted(hit, found) {
        return Negated::Forbids;
    }
    let close = |other: &&Hit| is_in_clause(other, hit, found) && other.distance(hit) <= NEGATION_WORDS;
    let close = found.around(hit, Group::Negation).filter(close);
    close.map(|other| one(other, hit, found)).max().unwrap_or(Negated::No)
}

fn one(negation: &Hit, hit: &Hit, found: &Signals) -> Negated {
    let within = |group: Group| found.within(negation, group);
    let follows = negation.first > hit.last;
    if OTHERWISE.into_iter().any(within) {
        return Negated::No;
    }
    let forbids_nothing = within(Group::NegationElse) && !is_ensured(negation, found);
    if let Some(link) = link(hit, negation, found).filter(|_| follows || !forbids_nothing) {
        return if takes_both(link, negation, found) { Negated::Perhaps } else { Negated::No };
    }
    if forbids_nothing {
        return Negated::Complains;
    }
    // "Delete it I do not …": it has a subject of its own.
    let own_subject = || {
        let mut own = found.around(negation, Group::Own);
        own.any(|own| own.first > hit.last && own.last + 1 == negation.first)
    };
    let elsewhere = follows && (!within(Group::NegationBehind) || own_subject());
    // "Could you not …?", "if you do not …".
    if elsewhere || found.is_question(hit.sentence) || conditional(hit, found) {
        return Negated::Perhaps;
    }
    Negated::Forbids
}

/// Whether it is what its writer does not want of their account: "I do not want my account deleted", and not "I do not want my
/// account, delete it".
pub(super) fn is_unwanted(hit: &Hit, found: &Signals) -> bool {
    let of_account = |phrase: &Hit| found.within(phrase, Group::Account) || found.within(phrase, Group::AccountMine);
    let right_behind = |phrase: &Hit| {
        phrase.clause == hit.clause && phrase.last < hit.first && hit.first - phrase.last <= NEGATION_WORDS
    };
    let between = |phrase: &Hit| {
        let is_one = |other: &Hit| phrase.last < other.first && other.first <= hit.first;
        [Group::Request, Group::Conjunction].iter().any(|group| found.around(hit, *group).any(is_one))
    };
    let unwanted = |phrase: &Hit| right_behind(phrase) && of_account(phrase) && !between(phrase);
    found.around(hit, Group::ForgetMe).any(unwanted)
}

/// Whether any negation stands before a hit in its clause, whatever it negates: "you still haven't deleted it" is no report.
pub(super) fn is_near(hit: &Hit, found: &Signals) -> bool {
    let near = |other: &Hit| is_in_clause(other, hit, found) && other.last < hit.first;
    found.around(hit, Group::Negation).any(|other| near(other) && other.distance(hit) <= NEGATION_WORDS)
}

/// Whether a negation that stands further off may still be the verb's: before it with no new clause in between ("I do not
/// want any of you to delete it"), or at the end of its clause where the language puts it there.
///
/// Of a noun it would be another verb's: "I have no news of my request for erasure".
pub(super) fn is_far(hit: &Hit, found: &Signals) -> bool {
    if !hit.is(Group::EraseVerb) && !hit.is(Group::CloseVerb) {
        return false;
    }
    let says_else = |negation: &Hit| {
        let mut groups = OTHERWISE.into_iter().chain([Group::NegationElse]);
        groups.any(|group| found.within(negation, group))
    };
    let far =
        |other: &&Hit| is_in_clause(other, hit, found) && other.distance(hit) > NEGATION_WORDS && !says_else(other);
    found.around(hit, Group::Negation).filter(far).any(|negation| {
        let link = link(hit, negation, found);
        if negation.last < hit.first {
            return link.is_none() && !please_between(negation, hit, found);
        }
        found.within(negation, Group::NegationBehind)
            && ends_clause(negation, found)
            && link.is_none_or(|link| takes_both(link, negation, found))
    })
}

/// Whether a negation ends in the clause of the hit: "not, that" reaches over its comma.
fn is_in_clause(negation: &Hit, hit: &Hit, found: &Signals) -> bool {
    !negation.overlaps(hit) && found.clause_words(hit.clause).contains(&negation.last)
}

/// The last word between two hits that begins another clause: "and", "but".
fn link<'s>(hit: &Hit, negation: &Hit, found: &'s Signals) -> Option<&'s Hit> {
    let (first, last) = (hit.last.min(negation.last), hit.first.max(negation.first));
    found
        .around(hit, Group::Conjunction)
        .filter(|link| first < link.first && link.last < last)
        .max_by_key(|link| link.last)
}

/// "Löschen Sie mein Konto und meine Daten nicht": behind the conjunction stands a second object, and no verb of its own.
fn takes_both(link: &Hit, negation: &Hit, found: &Signals) -> bool {
    let mut sentence = found.sentences(link.sentence, link.sentence).iter();
    let is_next = |other: &Hit| link.last < other.first && other.first <= link.last + 2 && other.last < negation.first;
    found.within(negation, Group::NegationBehind)
        && ends_clause(negation, found)
        && sentence.any(|other| is_next(other) && OBJECTS.iter().any(|group| other.is(*group)))
}

fn ends_clause(hit: &Hit, found: &Signals) -> bool {
    found.clause_words(hit.clause).end == hit.last + 1
}

/// Whether a word of asking that begins a sentence of its own stands between: "I do not like it any more please delete".
pub(super) fn please_between(one: &Hit, other: &Hit, found: &Signals) -> bool {
    let (first, last) = (one.last.min(other.last), one.first.max(other.first));
    let asks = |word: &Hit| found.around(word, Group::AnswerWord).any(|known| known.first == word.first);
    found.around(one, Group::Request).any(|word| first < word.first && word.last < last && asks(word))
}
