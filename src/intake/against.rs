//! What is said against an erasure that is named: it shall be prevented, it is lamented, or its writer gives thanks for it.
//!
//! "Prevent that my account is deleted" forbids; "your app keeps deleting my data" and "thank you for deleting it" tell of what
//! was done. Where the words may be a wish all the same, a person reads the letter.

use super::lexicon::{Group, List};
use super::negation::Negated;
use super::signals::{Hit, Signals};
use super::tongue::Tongue;

/// Words that may stand between a word of preventing or of thanks and its verb.
const NEAR_WORDS: usize = 3;

/// What words of preventing make of a hit.
pub(super) fn prevented(hit: &Hit, found: &Signals) -> Negated {
    let made = |word: &Hit| match () {
        () if found.within(word, Group::NegationElse) => Negated::No,
        () if word.overlaps(hit) => Negated::Forbids,
        // "Ich möchte die Löschung meines Kontos verhindern": the verb stands last.
        () if word.first > hit.first && ends_clause(word, hit, found) => Negated::Forbids,
        () if word.first > hit.first => Negated::No,
        () if that_clause(word, hit, found).is_some() => Negated::Forbids,
        () if asks_between(word.last, hit, found) || !in_clause(word, hit, found) => Negated::No,
        () if found.spells(hit.first.saturating_sub(1), List::Being, hit.language) => Negated::Forbids,
        () if word.distance(hit) > NEAR_WORDS => Negated::No,
        // "To prevent misuse delete it" and "avoid to delete it" look alike.
        () if hit.is(Group::EraseNoun) => Negated::Forbids,
        () => Negated::Perhaps,
    };
    found.around(hit, Group::Prevent).map(made).max().unwrap_or(Negated::No)
}

/// Whether a word of preventing is the last one of the hit's clause, in a language that puts verbs there.
fn ends_clause(word: &Hit, hit: &Hit, found: &Signals) -> bool {
    matches!(hit.language, Tongue::De | Tongue::Nl)
        && word.clause == hit.clause
        && found.clause_words(hit.clause).end == word.last + 1
}

/// Whether a negation stands in what shall be made sure: "make sure that it is not deleted" forbids, and does not complain that
/// nothing was done. "Confirm whether it is not deleted yet" asks.
pub(super) fn is_ensured(negation: &Hit, found: &Signals) -> bool {
    let asks = |word: &Hit| {
        let between = |other: &Hit| word.last < other.first && other.last < negation.first;
        [Group::How, Group::Conditional].into_iter().any(|group| found.around(negation, group).any(between))
    };
    let governs = |word: &Hit| {
        word.last < negation.first
            && (in_clause(word, negation, found) || that_clause(word, negation, found).is_some())
            && !asks(word)
            && !is_vouched(word, found)
    };
    !forgets(negation, found) && found.around(negation, Group::Ensure).any(governs)
}

/// Whether a negation is of forgetting or of delay: "make sure you don't forget to delete it" forbids nothing.
fn forgets(negation: &Hit, found: &Signals) -> bool {
    let is_one = |word: usize| found.spells(word, List::Forget, negation.language);
    let mut phrases = found.around(negation, Group::NegationElse).filter(|phrase| phrase.overlaps(negation));
    phrases.any(|phrase| (phrase.first..=phrase.last).any(is_one))
}

/// Whether its writer vouches by this word for what is so, and asks for nothing: "I confirm that it is still not deleted".
fn is_vouched(word: &Hit, found: &Signals) -> bool {
    let sentence = found.sentence_of(word.first);
    let is = |list: List, at: usize| sentence.contains(&at) && found.spells(at, list, word.language);
    let before = |back: usize| word.first.checked_sub(back);
    let by_me = || {
        before(1).is_some_and(|at| is(List::I, at))
            || is(List::I, word.last + 1)
            || before(1).is_some_and(|at| is(List::IDo, at)) && before(2).is_some_and(|at| is(List::I, at))
    };
    is(List::IVouch, word.first) || is(List::Vouch, word.first) && by_me()
}

/// Whether a hit is lamented, or told of as a loss: the words stand around the verb, or before it in its clause.
pub(super) fn is_lamented(hit: &Hit, found: &Signals) -> bool {
    let links = |loss: &Hit| {
        let between = |link: &Hit| loss.first <= link.first && link.last < hit.first;
        let joined = found.around(hit, Group::Conjunction).any(between) && !loss.overlaps(hit);
        joined || found.around(hit, Group::Request).any(between)
    };
    let beside = |loss: &Hit| loss.overlaps(hit) || loss.last < hit.first && in_clause(loss, hit, found);
    found.around(hit, Group::Loss).any(|loss| beside(loss) && !links(loss))
}

/// Whether the writer gives thanks for it and asks for nothing in that sentence.
pub(super) fn is_thanked(hit: &Hit, found: &Signals) -> bool {
    let thanks = |word: &Hit| word.last < hit.first && word.distance(hit) <= NEAR_WORDS && in_clause(word, hit, found);
    // "As soon as possible", "in advance"; but "I want to thank you" asks for nothing.
    let asks = |thanks: &Hit| {
        found.around(hit, Group::Request).any(|request| request.first > thanks.first && !request.overlaps(hit))
    };
    found.around(hit, Group::ThanksFor).any(|word| thanks(word) && !asks(word))
}

/// Whether an erasure of the writer's own is said to be the wish of somebody else, or never to have been asked for: "my ex asked
/// you to delete my account".
pub(super) fn is_anothers(hit: &Hit, found: &Signals) -> bool {
    const OWN: [Group; 3] = [Group::AccountMine, Group::DataMine, Group::ContactMine];
    // "My ex wants my password, so please delete my account."
    let wishes_again = |by: &Hit| {
        // "Ha pedido que borren": what was asked for begins right behind it, and is no wish of the writer's.
        let that = |word: usize| found.spells(word, List::That, hit.language);
        let begins = by.last + 1 + usize::from(that(by.last + 1));
        let governed = that(by.last) || that(by.last + 1);
        let what = |request: &Hit| {
            request.first > by.last && request.first <= begins && (governed || request.clause == by.clause)
        };
        let again = |request: &Hit| by.last < request.first && request.first <= hit.first && !what(request);
        let imperative = by.clause != hit.clause && !governed && hit.is(Group::EraseVerb) && found.opens_clause(hit);
        found.around(hit, Group::Request).any(again) || imperative
    };
    let governs = |by: &Hit| match by.first < hit.first {
        true => !wishes_again(by),
        false => by.clause == hit.clause,
    };
    // "Požádal jsem": the writer asked, in words that alone would be somebody else's.
    let mine = |by: &Hit| matches!(by.language, Tongue::Cs | Tongue::Sk) && found.within(by, Group::Urge);
    let by = |by: &Hit| governs(by) && !mine(by);
    OWN.iter().any(|group| found.beside(hit, *group)) && found.around(hit, Group::AskedBy).any(by)
}

/// What words of asking before a hit make of it that tells of what was done or is done.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Asked {
    /// Nothing is asked for before it.
    No,
    /// Something is asked for, and it may be another thing: "please help, my account was deleted".
    Perhaps,
    /// It is what is asked for: "I request that my account is deleted".
    Yes,
}

/// Whether the words of asking before a hit take it in.
pub(super) fn asked(hit: &Hit, found: &Signals) -> Asked {
    // "It may be deleted" asks by the verb itself.
    if found.around(hit, Group::Request).any(|request| request.first < hit.first && request.overlaps(hit)) {
        return Asked::Yes;
    }
    let before = found.around(hit, Group::Request).filter(|request| request.last < hit.first);
    let Some(request) = before.max_by_key(|request| request.last) else { return Asked::No };
    let between = |other: &Hit| request.last < other.first && other.last < hit.first;
    let reason = |link: &Hit| between(link) && found.spells(link.first, List::Cause, hit.language);
    // "I want to know why it was deleted."
    let why = |how: &Hit| between(how) && in_clause(how, hit, found);
    let is_whether = |word: usize| found.spells(word, List::Whether, hit.language);
    let whether = || (request.last + 1..hit.first).any(is_whether);
    // "Please confirm that it was deleted" may have asked for that before.
    let confirm = |word: &Hit| {
        let near = word.last < hit.first && word.last + 1 >= request.first;
        near && found.spells(word.first, List::Confirm, hit.language)
    };
    let other = found.around(hit, Group::Conjunction).any(reason)
        || found.around(hit, Group::How).any(why)
        || found.around(hit, Group::Ensure).any(confirm)
        || whether();
    let takes_in = in_clause(request, hit, found) || that_between(request.last, hit, found).is_some();
    if takes_in && !other { Asked::Yes } else { Asked::Perhaps }
}

/// Whether a word ends in the clause of the hit.
fn in_clause(word: &Hit, hit: &Hit, found: &Signals) -> bool {
    found.clause_words(hit.clause).contains(&word.last)
}

/// The first word of a clause between a word and a hit that begins with "that".
fn that_between(from: usize, hit: &Hit, found: &Signals) -> Option<usize> {
    (from + 1..hit.first).find(|at| found.spells(*at, List::That, hit.language) && found.begins_clause(*at))
}

/// Where the clause begins in which a word says what shall be or not be, if the hit stands in it: ", that my account is …".
fn that_clause(word: &Hit, hit: &Hit, found: &Signals) -> Option<usize> {
    let until = (word.last + 2 + NEAR_WORDS).min(hit.last + 1);
    let start = (word.last..until).find(|at| found.spells(*at, List::That, hit.language))?;
    // "To prevent that it is misused, delete it": the verb opens a clause of its own.
    // "For fear of theft I want that it is deleted."
    let goes_on = |at: usize| found.spelling(at).ends_with(char::is_alphanumeric);
    let any = |at: usize, list: List| Tongue::ALL.iter().any(|language| found.spells(at, list, *language));
    let wants = |at: usize| any(at, List::Want) || goes_on(at) && any(at, List::Ask);
    if (word.last + 1..start).any(wants) {
        return None;
    }
    let apart = !found.clause_words(hit.clause).contains(&start);
    let imperative = apart && found.opens_clause(hit) && !found.within(hit, Group::Done);
    (!imperative && !asks_between(start, hit, found)).then_some(start)
}

/// Whether a word of asking, or an "and" right before the verb, begins a wish behind this word and the next ("prevent please").
fn asks_between(from: usize, hit: &Hit, found: &Signals) -> bool {
    let asks = |request: &Hit| from + 1 < request.first && request.last < hit.first;
    let joined = |link: &Hit| from < link.first && link.last + 1 == hit.first;
    found.around(hit, Group::Request).any(asks) || found.around(hit, Group::Conjunction).any(joined)
}

#[cfg(test)]
#[path = "against_tests.rs"]
mod tests;
