//! What names an erasure and asks for none: words of others between quotation marks, what its writer does themselves, and a right
//! that somebody only wants to hear about.
//!
//! "Customers write: \"please delete my account\"", "if nobody answers I delete my account", "tell me about my right to erasure". They
//! may be meant as a wish all the same: a person reads them.

use super::lexicon::{Group, List};
use super::signals::{Hit, Signals};

/// Words that may stand between a right and the erasure that it is to.
const RIGHT_WORDS: usize = 6;
/// Words outside of quotation marks from which on what stands between them is told.
const OUTSIDE_WORDS: usize = 2;

/// Whether a hit stands between quotation marks in a text that says more than that, and does not ask for it before them.
pub(super) fn is_quoted(hit: &Hit, found: &Signals) -> bool {
    let Some(quoted) = found.quotation(hit) else { return false };
    let asks = |request: &Hit| request.last < quoted.start && !found.is_question(hit.sentence);
    found.words.saturating_sub(quoted.len()) >= OUTSIDE_WORDS && !found.around(hit, Group::Request).any(asks)
}

/// Whether its writer does or did it themselves: "I delete my account", "borro mi cuenta". "I cancel my account" asks by that.
pub(super) fn is_own_deed(hit: &Hit, found: &Signals) -> bool {
    let sentence = found.sentence_of(hit.first);
    let before = hit.first.checked_sub(1).filter(|word| sentence.contains(word));
    let is = |word: usize, list: List| found.spells(word, list, hit.language);
    let by_me = before.is_some_and(|word| is(word, List::I) || is(word, List::IWill)) || is(hit.first, List::IWill);
    by_me && hit.is(Group::EraseVerb) && !found.beside(hit, Group::Request) && !found.beside(hit, Group::Courtesy)
}

/// Whether a hit only says which right somebody wants to hear about, or lists it among what an access to data has to tell.
pub(super) fn names_right(hit: &Hit, found: &Signals) -> bool {
    let sentence = found.sentence_of(hit.first);
    let from = sentence.start.max(hit.first.saturating_sub(RIGHT_WORDS));
    let is_right = |word: &usize| found.spells(*word, List::Right, hit.language);
    let Some(right) = (from..=hit.last).find(is_right) else { return false };
    let tells = |word: usize| found.spells(word, List::Inform, hit.language);
    (sentence.start..right).any(tells) || found.has_any(Group::Access)
}
