//! One verb or noun of erasing in its sentence: how it is meant. What it acts on stands in `object`.
//!
//! Looks at the sentence of the word, and at the one behind. What the letter as a whole asks for is judged in `judge`.

use super::against::{self, Asked};
use super::hearsay::{is_own_deed, is_quoted, names_right};
use super::lexicon::{Group, Topic};
use super::lists::List;
use super::negation::{self, Negated};
use super::object::{is_in_place, names_it};
use super::signals::{Hit, Signals};

/// Words that may stand between a verb of erasing and its object.
pub(super) const WINDOW_WORDS: usize = 14;
/// How far behind the words that take a request back the verb of that request may stand.
const UNDONE_WORDS: usize = 2;
/// Words from a word of the writer's own to the verb behind it that takes what it names.
const OWN_WORDS: usize = 4;
/// Words of a letter that says little else.
pub(super) const SHORT_WORDS: usize = 16;

/// How an utterance of erasing is meant.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Force {
    Wish,
    /// A wish, or the opposite: a negation stands near, and whose it is or what it means is not sure; or it may tell of what
    /// was done.
    Doubtful,
    Negated,
    AskedHow,
    Conditional,
    Reported,
}

pub(super) fn is_erasing(hit: &Hit) -> bool {
    hit.is(Group::EraseVerb) || hit.is(Group::EraseNoun) || hit.is(Group::CloseVerb)
}

/// Whether the sentence is put as a wish: words of asking, thanks, or a verb that opens it.
pub(super) fn wished(hit: &Hit, found: &Signals) -> bool {
    found.beside(hit, Group::Request)
        || found.beside(hit, Group::Courtesy)
        || (found.opens(hit) && !hit.is(Group::EraseNoun))
}

/// How the utterance is meant.
pub(super) fn force(hit: &Hit, found: &Signals) -> Force {
    let before = |group: Group, words: usize| {
        found.around(hit, group).any(|other| {
            other.sentence == hit.sentence && other.last < hit.first && hit.first - other.last - 1 <= words
        })
    };
    match negation::of(hit, found).max(against::prevented(hit, found)) {
        Negated::Forbids => return Force::Negated,
        Negated::Perhaps => return Force::Doubtful,
        Negated::Complains if !wished(hit, found) => return Force::Doubtful,
        Negated::Complains => return Force::Wish,
        Negated::No => {}
    }
    if conditional(hit, found) {
        return Force::Conditional;
    }
    // "How do I delete my account, thank you in advance" asks no more than "how do I delete my account".
    let asks = |request: &Hit| !found.around(request, Group::InAdvance).any(|thanks| thanks.overlaps(request));
    if before(Group::How, WINDOW_WORDS) && !found.around(hit, Group::Request).any(asks) {
        return if asks_whether(hit, found) { Force::Doubtful } else { Force::AskedHow };
    }
    match found.within(hit, Group::Done).then(|| against::asked(hit, found)) {
        // "Deleted my account" opens with what may be a verb; "deleted my account, how do I get it back?" does not ask for it.
        Some(Asked::No)
            if (!found.opens(hit) || found.is_question(hit.sentence))
                && !negation::is_near(hit, found)
                && !is_open(hit, found) =>
        {
            return Force::Reported;
        }
        Some(Asked::No | Asked::Perhaps) => return Force::Doubtful,
        Some(Asked::Yes) | None => {}
    }
    let asked = is_asked_of_us(hit, found) || is_refused_behind(hit, found);
    let doubtful =
        asked || against::is_lamented(hit, found) || against::is_thanked(hit, found) || negation::is_far(hit, found);
    let told = || is_quoted(hit, found) || is_own_deed(hit, found) || names_right(hit, found);
    if doubtful || against::is_anothers(hit, found) || told() { Force::Doubtful } else { Force::Wish }
}

/// Whether a question is what becomes of something if its writer leaves: "will you delete my data when I cancel?"
fn is_asked_of_us(hit: &Hit, found: &Signals) -> bool {
    const LEAVES: [Group; 3] = [Group::CancelContract, Group::Leaving, Group::CloseVerb];
    let leaves = |condition: &Hit| {
        let mut clause = LEAVES.into_iter().flat_map(|group| found.around(condition, group));
        clause.any(|leave| leave.clause == condition.clause && !leave.overlaps(hit))
    };
    found.is_question(hit.sentence) && found.around(hit, Group::Conditional).any(leaves)
}

/// Whether its writer asks whether it may be done, or tells of being asked, and says no right behind: "Shall my account be deleted?
/// By no means."
fn is_refused_behind(hit: &Hit, found: &Signals) -> bool {
    let words = found.sentence_of(hit.first);
    let asks = found.is_question(hit.sentence)
        || words.clone().any(|word| found.spells(word, List::Whether, hit.language))
        || found.around(hit, Group::Conditional).any(|condition| condition.first < hit.first);
    let mut next = found.hits.iter().filter(|other| other.language == hit.language && other.first == words.end);
    asks && next.any(|other| other.is(Group::No) || other.is(Group::Refuse))
}

/// Whether words that tell of what was done may be a wish for something of the writer's own: in a question, or with no past
/// tense ("I'd prefer having my account deleted"). Thanks tell.
fn is_open(hit: &Hit, found: &Signals) -> bool {
    let open = asks_if(hit, found) || found.within(hit, Group::DonePerhaps);
    open && names_own(hit, found) && !against::is_thanked(hit, found)
}

fn names_own(hit: &Hit, found: &Signals) -> bool {
    [Group::AccountMine, Group::DataMine].into_iter().any(|group| found.beside(hit, group))
}

/// Whether a question is whether it was done ("have you deleted my account yet?"), and not how or why.
fn asks_whether(hit: &Hit, found: &Signals) -> bool {
    found.within(hit, Group::Done) && asks_if(hit, found) && names_own(hit, found)
}

/// Whether the clause of a hit is a question with no word of "how" or "why" but the one that its verb begins with; not "my account
/// was deleted, can you restore it?".
fn asks_if(hit: &Hit, found: &Signals) -> bool {
    let of_verb = |how: &Hit| found.around(hit, Group::Done).any(|done| done.overlaps(hit) && done.overlaps(how));
    let ends = found.clause_words(hit.clause).end == found.sentence_of(hit.first).end;
    ends && found.is_question(hit.sentence) && found.around(hit, Group::How).all(of_verb)
}

/// Whether the hit tells of what was done, as far as its words show.
pub(super) fn is_told(hit: &Hit, found: &Signals) -> bool {
    let told = || found.within(hit, Group::Done) || against::is_lamented(hit, found) || against::is_thanked(hit, found);
    match force(hit, found) {
        Force::Reported => true,
        Force::Doubtful | Force::AskedHow => told(),
        _ => false,
    }
}

/// Whether a wish is left in doubt by what stands beside it: a question with no word of asking.
pub(super) fn is_doubtful(hit: &Hit, found: &Signals) -> bool {
    // "Löschen Sie Kundendaten nach Vertragsende?" opens with its verb, as questions do.
    let asked = || found.beside(hit, Group::Request) || found.beside(hit, Group::Courtesy);
    found.is_question(hit.sentence) && (!asked() || found.beside(hit, Group::How))
}

/// Whether a condition governs the hit: one before it in its sentence with no word of asking in between ("if you agree,
/// please delete" asks, and so does "I would be grateful if"). A verb that opens the clause behind the condition is an imperative, and asks too.
pub(super) fn conditional(hit: &Hit, found: &Signals) -> bool {
    let last = |group: Group| {
        let before = found.around(hit, group).filter(|other| other.sentence == hit.sentence && other.last < hit.first);
        before.max_by_key(|other| other.last)
    };
    // "Sí, confirmo la eliminación": the Spanish yes is an "if" without its accent.
    let is_yes = |condition: &Hit| {
        let alone = found.clause_words(condition.clause) == (condition.first..condition.last + 1);
        alone && found.around(condition, Group::Yes).any(|yes| yes.first == condition.first)
    };
    let near = |condition: &&Hit| hit.first - condition.last <= WINDOW_WORDS && !is_yes(condition);
    let Some(condition) = last(Group::Conditional).filter(near) else {
        return false;
    };
    let asked = last(Group::Request).is_some_and(|request| request.last >= condition.last);
    let imperative = hit.is(Group::EraseVerb)
        && condition.clause != hit.clause
        && found.opens_clause(hit)
        && !is_own_deed(hit, found);
    !asked && !imperative
}

/// Whether the hit only names what is taken back ("stop the deletion", "ignore my request to delete it") or what nobody
/// shall do ("erase nothing"), in any language.
pub(super) fn undone(hit: &Hit, found: &Signals) -> bool {
    let mut beside = found.sentences(hit.sentence, hit.sentence).iter();
    let follows = |other: &Hit| {
        let next = other.clause == hit.clause && other.last < hit.first && hit.first - other.last <= UNDONE_WORDS;
        next && !found.around(hit, Group::Request).any(|asked| asked.first > other.last && asked.first < hit.first)
    };
    beside.any(|other| match () {
        () if other.is(Group::Undo) => other.overlaps(hit) || follows(other),
        () => other.is(Group::Keep) && other.overlaps(hit),
    })
}

/// Whether the hit asks for something that it does not name, of a letter that has an account or data in mind: for a
/// person to see.
pub(super) fn is_suspect(hit: &Hit, found: &Signals) -> bool {
    const MINDED: [Group; 10] = [
        Group::AccountMine,
        Group::Account,
        Group::Data,
        Group::DataMine,
        Group::DataTheirs,
        Group::EndUser,
        Group::Profile,
        Group::ContactMine,
        Group::PlaceYours,
        Group::LawErasure,
    ];
    let mut all = found.hits.iter().filter(|other| other.language == hit.language && !is_in_place(other, found));
    let is_minded = |other: &Hit| match &other.topic {
        Topic::Group(group) => MINDED.contains(group),
        Topic::Specific(category) => **category != *"content",
    };
    let minded = all.any(is_minded);
    // "Under the GDPR law" and "the e-mail address ann@example.org" are no other thing.
    let lawful = found.around(hit, Group::LawErasure).any(|law| !law.overlaps(hit));
    let other_thing = found.around(hit, Group::Topic).any(|other| !lawful && !names_it(other, found));
    let named_own = !hit.is(Group::EraseNoun) && found.around(hit, Group::Own).any(|own| is_taken_own(hit, own, found));
    (minded || named_own)
        && !other_thing
        && !found.beside(hit, Group::List)
        && !hit.is(Group::CloseVerb)
        && wished(hit, found)
}

/// Whether a word of the writer's own begins what the verb takes: right behind it ("delete my shoe size", "löschen Sie meine
/// Schuhgröße"), or right behind the word of asking where the verb stands last ("bitte meine Schuhgröße löschen").
fn is_taken_own(hit: &Hit, own: &Hit, found: &Signals) -> bool {
    let is_light = |word: usize| found.around(hit, Group::AnswerLink).any(|light| light.covers(word));
    let behind = own.first == hit.last + 1 || own.first == hit.last + 2 && is_light(hit.last + 1);
    let asked = || found.around(hit, Group::Request).any(|request| request.last + 1 == own.first);
    behind || own.last < hit.first && own.clause == hit.clause && hit.first - own.last <= OWN_WORDS && asked()
}
