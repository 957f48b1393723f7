//! An account that a wish to erase names as a place: "my telephone number from our account". It is not what shall be erased.

use super::lexicon::{Group, List, Topic};
use super::signals::{Hit, Signals};
use super::tongue::Tongue;
use super::utterance::{is_erasing, wished};

/// Words that may stand between a verb of erasing and a place.
const NEAR_WORDS: usize = 3;
/// Words between a verb of erasing and the place that something shall be taken from.
const TAKEN_WORDS: usize = 5;
/// Bytes of a word that is more than an ending: "locked", and not "need".
const STATE_BYTES: usize = 4;

/// Whether an account is only where something is: "from our account", "my profile in the account", and neither "from your system
/// our account" nor "the whole of the account".
///
/// A noun of erasing takes the account itself behind such a word ("la suppression de mon compte"), unless named data stand between.
pub(super) fn is_where(hit: &Hit, account: &Hit, found: &Signals) -> bool {
    let is_own = found.around(account, Group::Own).any(|own| own.first == account.first);
    let is_place = |place: &Hit| match place.first > account.first {
        true => is_own && place.last >= account.last,
        false => !is_own || place.first + 1 >= account.first,
    };
    let takes = |place: &Hit| !hit.is(Group::EraseNoun) || has_before(hit, account, place, found);
    found.around(account, Group::AccountPlace).any(|place| place.overlaps(account) && is_place(place) && takes(place))
}

/// Whether this is an account that lies in another one, which stands right behind it: "my account from our company account". What is
/// asked for is the writer's login there, and not the whole.
pub(super) fn lies_in_another(account: &Hit, found: &Signals) -> bool {
    let is_account = |hit: &Hit| found.within(hit, Group::Account) || found.within(hit, Group::AccountMine);
    let is_whole = |place: &Hit| place.first == account.last + 1 && is_account(place);
    (account.is(Group::Account) || account.is(Group::AccountMine))
        && found.around(account, Group::AccountPlace).any(is_whole)
}

/// Whether named data or a profile stand between a noun of erasing and the account of a place, with no "and" behind them. The
/// place may begin with the word that the noun has for them: "suppression de mon profil du compte".
fn has_before(hit: &Hit, account: &Hit, place: &Hit, found: &Signals) -> bool {
    let is_link = |link: &Hit, named: &Hit| named.last < link.first && link.last < account.last;
    let mut sentence = found.sentences(hit.sentence, hit.sentence).iter();
    sentence.any(|named| {
        let is_narrow =
            matches!(named.topic, Topic::Specific(_)) || named.is(Group::Profile) || named.is(Group::ContactMine);
        let between = named.language == hit.language && hit.last < named.first && named.last < account.last;
        let linked = || found.around(hit, Group::Conjunction).any(|link| is_link(link, named));
        is_narrow && between && named.clause == place.clause && !linked()
    })
}

/// Whether an account stands behind named data or a profile that it seems to have: "my phone number associated with our account".
/// What is joined by a word such as "and" is asked for as well.
pub(super) fn has_named(hit: &Hit, account: &Hit, found: &Signals) -> bool {
    let sentence = || found.sentences(hit.sentence, hit.sentence).iter().filter(|other| other.language == hit.language);
    let is_between = |other: &Hit, named: &Hit| named.last < other.first && other.first < account.first;
    let is_had = |named: &&Hit| {
        let mut between = sentence().filter(|other| is_between(other, named));
        (matches!(named.topic, Topic::Specific(_)) || named.is(Group::Profile))
            && named.clause == account.clause
            && named.last + 1 < account.first
            && !between.any(|other| other.is(Group::Conjunction) || other.is(Group::Also) || is_erasing(other))
    };
    sentence().any(|named| is_had(&named))
}

/// Whether a wish to erase has nothing but an account as a place: "the contents of my account", "me from the account", "the access
/// to the account, and the account". Whether the account is meant, a person has to say.
pub(super) fn has_only(hit: &Hit, found: &Signals) -> bool {
    let names_account = |place: &Hit| found.within(place, Group::Account) || found.within(place, Group::AccountMine);
    let only = |place: &Hit| {
        let near = place.distance(hit) <= NEAR_WORDS && !place.overlaps(hit) && names_account(place);
        near && (joins(place, found) || is_bare(hit, place, found))
    };
    let other_thing = hit.is(Group::CloseVerb) || found.beside(hit, Group::Topic) || found.beside(hit, Group::List);
    !other_thing && wished(hit, found) && found.around(hit, Group::AccountPlace).any(only)
}

/// Whether what shall not be kept is only what is kept in some place: "nothing is kept in the delivery box", "my data stored in
/// the US", and not "in your systems".
pub(super) fn is_placed(hit: &Hit, found: &Signals) -> bool {
    const KEPT: [&str; 10] =
        ["kept", "retained", "stored", "held", "saved", "left", "file", "conserv", "gard", "stock"];
    const IN: [&str; 17] = [
        "in",
        "inside",
        "outside",
        "at",
        "over",
        "within",
        "during",
        "abroad",
        "overnight",
        "under",
        "dans",
        "hors",
        "au",
        "chez",
        "pendant",
        "fuera",
        "en",
    ];
    let next = hit.last + 1;
    let bare = |word: usize| found.spelling(word).trim_matches(|c: char| !c.is_alphanumeric());
    let ours = || found.around(hit, Group::PlaceYours).any(|place| next <= place.first && place.first <= next + 1);
    KEPT.iter().any(|kept| bare(hit.last).starts_with(kept))
        && found.sentence_of(hit.first).contains(&next)
        && IN.contains(&bare(next))
        && !ours()
}

/// Whether an object is only what another thing, which no rule reads, shall be taken from or is a part of: "the watermark from my
/// photos", "the restriction of my account", "my account statement".
pub(super) fn is_taken_from(hit: &Hit, object: &Hit, found: &Signals) -> bool {
    let is = |word: usize, list: List| found.spells(word, list, hit.language);
    if !names_object(object) {
        return false;
    }
    if is(object.last + 1, List::Piece) && found.clause_words(object.clause).contains(&(object.last + 1)) {
        return true;
    }
    let is_own = |word: usize| found.around(hit, Group::Own).any(|own| own.covers(word));
    let before = |word: usize| word.checked_sub(1).filter(|before| found.sentence_of(word).contains(before));
    let word = match before(object.first) {
        Some(own) if is_own(own) => own,
        _ => object.first,
    };
    let makes_place = |word: usize| is(word, List::From) || is(word, List::Of);
    let place = if is(word, List::Of) { Some(word) } else { before(word).filter(|word| makes_place(*word)) };
    // "Close the window that hides my account."
    let that = (hit.last + 1..object.first).find(|word| is(*word, List::That));
    place.into_iter().chain(that).any(|place| has_unread(hit, place, found))
}

/// Whether what the verb takes before a place is a thing that no rule reads.
fn has_unread(hit: &Hit, place: usize, found: &Signals) -> bool {
    const NOTHING: [Group; 6] =
        [Group::Topic, Group::Noun, Group::Thing, Group::Title, Group::CancelContract, Group::Hedge];
    let sentence = || found.sentences(hit.sentence, hit.sentence).iter().filter(|other| other.language == hit.language);
    let from = match hit.last < place {
        true => hit.last + 1,
        false => {
            let asks = sentence().filter(|other| other.is(Group::Request) && other.last < place);
            asks.map(|asks| asks.last + 1).max().unwrap_or(place).max(found.clause_words(hit.clause).start)
        }
    };
    let whole = sentence().any(|other| other.is(Group::BesidePlace) && from <= other.first && other.first < place);
    let known = |word: usize| {
        let says = |other: &Hit| other.covers(word) && !NOTHING.iter().any(|group| other.is(*group));
        sentence().any(says)
    };
    // "La suppression immédiate de mes données", "cierre definitivo de mi cuenta": what stands behind a noun says how.
    let named = hit.is(Group::EraseVerb) || known(from) || found.spelling(from).contains('\'');
    let near = place.saturating_sub(from) <= TAKEN_WORDS && named;
    near && !whole && (from..place).any(|word| !known(word)) && !(from..place).any(|word| is_object(word, hit, found))
}

/// Whether a word is of what may be erased by itself: "the data of my account".
fn is_object(word: usize, hit: &Hit, found: &Signals) -> bool {
    let mut sentence = found.sentences(hit.sentence, hit.sentence).iter();
    sentence.any(|other| other.language == hit.language && names_object(other) && other.covers(word))
}

/// Whether a hit names what may be erased.
fn names_object(hit: &Hit) -> bool {
    const OBJECTS: [Group; 8] = [
        Group::AccountMine,
        Group::Account,
        Group::DataMine,
        Group::Data,
        Group::DataTheirs,
        Group::Profile,
        Group::ContactMine,
        Group::Everything,
    ];
    matches!(hit.topic, Topic::Specific(_)) || OBJECTS.iter().any(|group| hit.is(*group))
}

/// Whether a phrase such as "remove me" goes on with a place that is none of ours: "from the choir", "as admin of the group".
pub(super) fn is_out_of_another(hit: &Hit, found: &Signals) -> bool {
    const OURS: [Group; 8] = [
        Group::PlaceYours,
        Group::Account,
        Group::AccountMine,
        Group::Profile,
        Group::Data,
        Group::DataMine,
        Group::Everything,
        Group::List,
    ];
    let next = hit.last + 1;
    let clause = found.clause_words(hit.clause);
    // The phrase itself may name the place, and go on: "from all registers in your house".
    let near = hit.first..clause.end.min(next + TAKEN_WORDS);
    let is = |word: usize, list: List| found.spells(word, list, hit.language);
    let mut sentence = found.sentences(hit.sentence, hit.sentence).iter();
    let ours = |other: &Hit| {
        let named = OURS.iter().any(|group| other.is(*group));
        other.language == hit.language && named && other.first >= near.start && other.first < near.end
    };
    clause.contains(&next)
        && is(next, List::From)
        && !near.clone().any(|word| is(word, List::Place))
        && !sentence.any(ours)
}

/// Whether what shall not be had is an account in some state, or for some end: "I do not want my account locked", "I do not need an
/// account to check out". English puts it there with no more words.
pub(super) fn is_of_state(hit: &Hit, found: &Signals) -> bool {
    let next = hit.last + 1;
    let goes_on = |word: &str| word == "to" || word.ends_with("ed") && word.len() > STATE_BYTES;
    hit.language == Tongue::En && found.clause_words(hit.clause).contains(&next) && goes_on(found.spelling(next))
}

/// Whether an account stands beside a verb that takes nothing known: "I do not find the button to delete the account, do it for me".
pub(super) fn names_account(hit: &Hit, found: &Signals) -> bool {
    found.beside(hit, Group::Account) || found.beside(hit, Group::AccountMine)
}

/// Whether a place takes in an "and" behind its account: "from the account and the account".
fn joins(place: &Hit, found: &Signals) -> bool {
    let inside = |link: &Hit| place.first < link.first && link.last < place.last;
    let mut accounts = found.around(place, Group::Account);
    found
        .around(place, Group::Conjunction)
        .any(|link| inside(link) && accounts.any(|account| account.first > place.first && account.last < link.first))
}

/// Whether nothing that could be an object stands between the words of asking, the verb and the place.
fn is_bare(hit: &Hit, place: &Hit, found: &Signals) -> bool {
    const LIGHT: [Group; 9] = [
        Group::BesidePlace,
        Group::Request,
        Group::Courtesy,
        Group::Own,
        Group::AnswerLink,
        Group::AnswerWord,
        Group::Yes,
        Group::EraseVerb,
        Group::EraseNoun,
    ];
    let clause = found.clause_words(hit.clause);
    let asks = found.around(hit, Group::Request).filter(|asks| clause.contains(&asks.first) && asks.first < hit.first);
    let from = asks.map(|asks| asks.first).max().unwrap_or(clause.start);
    let light = |word: usize| {
        let mut known = found.sentences(hit.sentence, hit.sentence).iter();
        let is = |other: &Hit| other.language == hit.language && other.covers(word);
        place.covers(word) || known.any(|other| is(other) && LIGHT.iter().any(|group| other.is(*group)))
    };
    let named = found.around(hit, Group::Pronoun).any(|it| from <= it.first && it.last < hit.last.max(place.first));
    place.clause == hit.clause && !named && (from..hit.last.max(place.first)).all(light)
}

#[cfg(test)]
#[path = "place_tests.rs"]
mod tests;
