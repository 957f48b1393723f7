//! A question about an erasure that presses: "When will my account be deleted? Get on with it." "Why is my account still there? I
//! asked for its deletion in May." Who only asks when or how is told; who presses has asked before, and a person looks.

use super::lexicon::Group;
use super::negation::{self, Negated};
use super::object::object_of;
use super::signals::{Hit, Signals};
use super::tongue::Tongue;
use super::utterance::{is_erasing, undone};

/// What shows that a letter is not the first one, or shall be obeyed.
const URGING: [Group; 2] = [Group::Urge, Group::Reminder];
/// What may be asked after.
const OWN: [Group; 3] = [Group::AccountMine, Group::DataMine, Group::Profile];
/// Words between "I asked for" and what was asked for.
const NEAR_WORDS: usize = 3;
/// Verbs and nouns of erasing that are weighed.
const ERASING_MAX: usize = 50;

/// Whether a text presses for an erasure, in one language.
pub(super) fn presses(found: &Signals, language: Tongue) -> bool {
    let urges = URGING.iter().any(|group| found.has(language, *group));
    let erasing = || {
        let one =
            move |hit: &&Hit| is_erasing(hit) && !undone(hit, found) && negation::of(hit, found) != Negated::Forbids;
        found.hits.iter().filter(move |hit| hit.language == language).filter(one).take(ERASING_MAX)
    };
    // "When will my account be deleted?"
    let asked_when = || {
        let when = |hit: &Hit| found.around(hit, Group::When).any(|when| when.first < hit.first);
        let own = |hit: &Hit| object_of(hit, found).is_some() && names_own(hit, found);
        urges && erasing().any(|hit| when(hit) && own(hit))
    };
    // "Why do you still have my account?"
    let asked_after = || {
        let mut still = found.of_group(language, Group::Still).filter(|still| {
            let how = found.around(still, Group::How).any(|how| how.first <= still.first);
            (found.is_question(still.sentence) || how) && names_own(still, found)
        });
        still.next().is_some() && (urges || erasing().next().is_some())
    };
    // "I asked to be deleted a month ago. What is the status?"
    let asked_before = || {
        let near = |urge: &Hit, hit: &Hit| urge.first < hit.first && urge.distance(hit) <= NEAR_WORDS;
        let by = |hit: &Hit| found.around(hit, Group::Urge).any(|urge| near(urge, hit));
        let again = |hit: &Hit| {
            let mut all =
                found.hits.iter().filter(|other| other.language == language && other.sentence != hit.sentence);
            found.asks() || all.any(|other| other.is(Group::Urge) || other.is(Group::Request))
        };
        erasing().any(|hit| by(hit) && again(hit))
    };
    asked_when() || asked_after() || asked_before()
}

fn names_own(hit: &Hit, found: &Signals) -> bool {
    OWN.iter().any(|group| found.beside(hit, *group))
}
