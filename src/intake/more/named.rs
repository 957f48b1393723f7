//! What begins at a word of a sentence: a person, a name, a number, or the writer's own, that no claim holds.

use super::{JOINERS, Read, SHORT_WORDS, Said, bare, stem};
use crate::intake::lexicon::{Group, Topic};
use crate::intake::normal::fold;
use crate::intake::signals::Hit;
use crate::intake::tongue::Tongue;
use crate::intake::unread::POSSESSIVES;

/// Words between what joins and the number that it joins: "and our customer with the number 19".
const NUMBER_WORDS: usize = 6;
/// Words within which it shows that what is joined is the writer's own.
const NEAR_WORDS: usize = 6;
/// Words between an article and the person behind it: "the other user".
const PERSON_WORDS: usize = 2;
/// Words in which somebody follows whose the thing is.
const OF_WORDS: usize = 8;
/// Articles and their like, folded: what may stand between "and" and a person.
pub(super) const ARTICLES: [&str; 91] = [
    "the", "a", "an", "this", "that", "these", "those", "his", "her", "their", "its", "both", "all", "every", "any",
    "with", "of", "to", "der", "die", "das", "den", "dem", "des", "ein", "eine", "einen", "einer", "dieser", "diese",
    "diesen", "sein", "seine", "seinen", "seiner", "ihr", "ihre", "ihren", "ihrer", "meinem", "meiner", "unserer",
    "unserem", "le", "la", "les", "l", "un", "une", "ce", "cette", "cet", "ces", "son", "sa", "ses", "leur", "leurs",
    "el", "los", "las", "al", "una", "uno", "su", "sus", "este", "esta", "de", "het", "een", "deze", "dit", "zijn",
    "haar", "hun", "il", "lo", "gli", "i", "suo", "sua", "loro", "mit", "von", "avec", "con", "van", "met", "other",
    "former",
];
/// What stands before whose a thing is, folded.
const OF: [&str; 8] = ["of", "von", "vom", "de", "du", "d'", "van", "di"];
/// What makes a whole of a group, folded.
const WHOLES: [&str; 8] = ["whole", "entire", "ganzen", "gesamten", "toute", "todo", "todas", "hele"];
/// What stands before a number that somebody goes by, folded.
const NUMBER_CUES: [&str; 18] = [
    "number",
    "no",
    "nr",
    "nummer",
    "numero",
    "n",
    "num",
    "id",
    "uid",
    "#",
    "kundennummer",
    "klantnummer",
    "mitgliedsnummer",
    "benutzernummer",
    "nutzernummer",
    "gebruikersnummer",
    "kontonummer",
    "accountnummer",
];

impl Said<'_> {
    /// Whether something that no claim holds begins here.
    pub(super) fn thing_at(&self, at: usize, end: usize) -> bool {
        if at >= end {
            return false;
        }
        self.hits(at, at + 1).any(|hit| hit.is(Group::TheOther)) && !self.is_mine(at, end)
            || self.item_at(at, end)
            || self.person_at(at, end)
            || self.of_another_at(at, end)
            || self.read == Read::Other && self.data_at(at, end)
    }

    /// A name, or what is the writer's own beside somebody else.
    pub(super) fn item_at(&self, at: usize, end: usize) -> bool {
        at < end && (self.name_at(at, end) || self.own_at(at))
    }

    /// "My phone number", where somebody else was read.
    pub(super) fn own_at(&self, at: usize) -> bool {
        let first = self.folded(at);
        // "Ma" is an Italian "but".
        let is_my = POSSESSIVES.contains(&first) && (first != "ma" || self.language == Tongue::Fr);
        self.read == Read::Other && is_my && !self.is_claimed(at + 1)
    }

    /// "His wife", "the intern", "our other customer": a person behind no more than articles.
    pub(super) fn person_at(&self, at: usize, end: usize) -> bool {
        const PEOPLE: [Group; 4] = [Group::Person, Group::OtherUser, Group::EndUser, Group::SeveralPeople];
        let article = |word: usize| {
            let folded = self.folded(word);
            ARTICLES.contains(&folded) || POSSESSIVES.contains(&folded) || self.is(word, &[Group::Own])
        };
        let mut people =
            self.hits(at, end.min(at + PERSON_WORDS + 1)).filter(|hit| PEOPLE.iter().any(|group| hit.is(*group)));
        people.any(|hit| {
            // "User account" is a thing, and "her profile" is hers.
            let thing = self.is(hit.last, &[Group::Account, Group::Profile, Group::DataTheirs, Group::AccountTheirs]);
            let said = self.read == Read::Other || hit.first > at || article(hit.first);
            said && (at..hit.first).all(article)
                && !thing
                && !self.is_claimed(hit.last + 1)
                && !self.acts(hit.last + 1, end)
        })
    }

    /// "The account of my husband", "all other accounts of our company", "the address of my mother".
    pub(super) fn of_another_at(&self, at: usize, end: usize) -> bool {
        const THINGS: [Group; 5] =
            [Group::Account, Group::Profile, Group::Data, Group::ContactMine, Group::AccountTheirs];
        const OTHERS: [&str; 10] =
            ["other", "another", "second", "andere", "anderen", "weiteren", "autres", "otras", "otros", "altri"];
        let to = (at..end.min(at + OF_WORDS)).find(|word| self.links(*word)).unwrap_or(end.min(at + OF_WORDS));
        let is_thing = |word: usize| {
            let mut covering = self.found.hits.iter().filter(|hit| hit.language == self.language && hit.covers(word));
            covering.any(|hit| THINGS.iter().any(|group| hit.is(*group)) || matches!(hit.topic, Topic::Specific(_)))
        };
        // "The address of": whatever it is, if an article stands before it.
        let owned = |word: usize| word > at && word + 1 < to && OF.contains(&self.folded(word + 1));
        let small = |word: usize| {
            let folded = self.folded(word);
            is_thing(word)
                || owned(word)
                || ARTICLES.contains(&folded)
                || POSSESSIVES.contains(&folded)
                || OTHERS.contains(&folded)
                || WHOLES.contains(&folded)
        };
        let run = (at..to).find(|word| !small(*word)).unwrap_or(to);
        let Some(thing) = (at..run).find(|word| is_thing(*word) || owned(*word)) else { return false };
        let person = |word: usize| {
            self.is(word, &[Group::Person, Group::OtherUser, Group::EndUser]) && !self.is_claimed(word + 1)
        };
        let other = (at..thing).any(|word| OTHERS.contains(&self.folded(word)))
            && self.is(thing, &[Group::Account, Group::Profile]);
        other || run > thing + 1 && run < end && (person(run) || self.is_people(run))
    }

    fn is_people(&self, word: usize) -> bool {
        const PEOPLE: [&str; 12] = [
            "team", "staff", "company", "family", "familie", "firma", "equipe", "famille", "familia", "empresa",
            "bedrijf", "gezin",
        ];
        PEOPLE.contains(&self.folded(word))
    }

    /// Whether the person does something of their own: "and my wife has moved".
    pub(super) fn acts(&self, next: usize, end: usize) -> bool {
        const VERBS: [&str; 20] = [
            "has", "have", "had", "is", "are", "was", "were", "will", "agrees", "agree", "hat", "haben", "ist", "sind",
            "a", "est", "ont", "ha", "heeft", "es",
        ];
        next < end && VERBS.contains(&self.folded(next))
    }

    /// "All photos of the party", beside somebody: data that need not be theirs.
    fn data_at(&self, at: usize, end: usize) -> bool {
        let article = |word: usize| ARTICLES.contains(&self.folded(word)) || self.is(word, &[Group::Everything]);
        let mut named =
            self.hits(at, end.min(at + PERSON_WORDS + 1)).filter(|hit| matches!(hit.topic, Topic::Specific(_)));
        named.any(|hit| {
            let of = hit.last + 1 < end && OF.contains(&self.folded(hit.last + 1));
            (at..hit.first).all(article) && of && !(hit.last + 2..end).any(|word| self.is_claimed(word))
        })
    }

    /// Whether a folded word is one of the language of the letter, or of English, which people mix in: "Hartwig" begins like a
    /// Spanish word, and is a name all the same.
    pub(super) fn is_word(&self, folded: &str) -> bool {
        self.lexicon.languages_of(folded).iter().any(|known| *known == self.language || *known == Tongue::En)
    }

    /// "Orders and Wishlists": a plural behind a thing that is known is one more thing, and nobody's name.
    pub(super) fn lists_things(&self, before: usize, at: usize) -> bool {
        let plural = self.folded(at).ends_with('s') && !matches!(self.language, Tongue::De | Tongue::It);
        let ends = self.words.get(at + 1).is_none_or(|next| !bare(next).starts_with(char::is_uppercase));
        let specific = |hit: &Hit| matches!(hit.topic, Topic::Specific(_)) && hit.covers(before);
        let thing = self.is(before, &[Group::Noun]) || self.hits(before, before + 1).any(specific);
        let is_genitive = self.words.get(at).is_some_and(|word| word.contains(['\'', '\u{2019}']));
        plural && (ends || self.words[at].ends_with([',', '.'])) && thing && !is_genitive
    }

    /// A word with a capital that nothing knows, or an address.
    pub(super) fn name_at(&self, at: usize, end: usize) -> bool {
        let Some(word) = self.words.get(at).filter(|_| at < end) else { return false };
        if word.contains('@') {
            return false;
        }
        let (core, stem) = (bare(word), stem(word));
        let folded = fold(stem);
        // "Ihr Kundenservice": a German "your" has a capital.
        let is_your = ["ihr", "ihre", "ihren", "ihrem", "ihrer", "ihres", "sie", "ihnen"].contains(&folded.as_str());
        let is_name = !is_your
            && stem.chars().count() > 2
            && stem.starts_with(char::is_uppercase)
            && stem.chars().any(char::is_lowercase);
        // "Article 17", "Anna Garrido <anna@team.example>".
        let next = self.words.get(at + 1).map(String::as_str).unwrap_or_default();
        let counted = next.starts_with(|c: char| c.is_ascii_digit() || c == '§')
            || stem.contains(|c: char| !c.is_alphabetic() && c != '-');
        let addressed = (at + 1..end.min(at + 4)).any(|word| self.words[word].contains('@'));
        let own = self.is_claimed(at) || self.names.has(&folded) || self.is_word(&folded);
        if !is_name || counted || addressed || own || self.ends_as_thing(at) {
            return false;
        }
        let two = at + 1 < end && bare(next).starts_with(char::is_uppercase) && !self.is_word(&fold(bare(next)));
        // German nouns have capitals: one alone is a person only beside a person.
        self.language != Tongue::De
            || two && !word.ends_with([',', '.'])
            || self.read == Read::Other && core.len() == stem.len() && !self.acts(at + 1, end)
    }

    /// "Phone Number", "Brightshelf Shop", "Brightshelf Plus": what a capital word is the first half of is no person.
    fn ends_as_thing(&self, at: usize) -> bool {
        let Some(next) = self.words.get(at + 1).filter(|_| !self.words[at].ends_with([',', ';', '.', ':'])) else {
            return false;
        };
        let folded = self.folded(at + 1);
        // A name has an English "Shop" behind it anywhere; but what begins like another language's thing is a name.
        let known = |group: Group| self.lexicon.has_in(group, folded, &[self.language, Tongue::En]);
        let thing =
            known(Group::Noun) || known(Group::Thing) || NUMBER_CUES.contains(&folded) || JOINERS.contains(&folded);
        bare(next).starts_with(char::is_uppercase) && thing
    }

    /// "User number 21", "the account with the number 4711".
    pub(super) fn number_at(&self, at: usize, end: usize) -> bool {
        const THINGS: [Group; 6] =
            [Group::IdCue, Group::OtherUser, Group::EndUser, Group::Person, Group::Account, Group::PersonCue];
        let to = end.min(at + NUMBER_WORDS);
        let is_number = |word: &usize| self.folded(*word).bytes().next().is_some_and(|byte| byte.is_ascii_digit());
        let number = (at..to).find(is_number).filter(|number| !(at..=*number).any(|word| self.links(word)));
        let Some(number) = number else { return false };
        let cued = |word: usize| self.is(word, &THINGS) || NUMBER_CUES.contains(&self.folded(word));
        // "Invoice number 12" is nobody.
        let thing = |word: usize| {
            self.is(word, &[Group::EraseVerb, Group::Data])
                || self.is(word, &[Group::Noun]) && !self.is(word, &[Group::PhoneCue])
        };
        (at..number).any(cued) && !(at..number).any(thing)
    }

    /// Whether a word is of a name that is claimed, or the writer's own.
    pub(super) fn is_claimed(&self, word: usize) -> bool {
        let spelled = self.folded(word);
        let stem = spelled.strip_suffix("'s").unwrap_or(spelled);
        !stem.is_empty() && self.known.iter().any(|known| known == stem)
    }

    /// Whether what is joined is the writer's own: "the one of my own account".
    pub(super) fn is_mine(&self, at: usize, end: usize) -> bool {
        const MINE: [Group; 2] = [Group::AccountMine, Group::DataMine];
        self.read == Read::Own && self.has(at, end.min(at + NEAR_WORDS), &MINE) && !self.has(at, end, &[Group::Person])
    }

    /// Whether a sentence names anybody who is not claimed and not only mentioned.
    pub(super) fn names_somebody(&self, start: usize, end: usize) -> bool {
        const PEOPLE: [Group; 4] = [Group::Person, Group::OtherUser, Group::EndUser, Group::TheOther];
        let behind_mention = |word: usize| (start..word).rev().take(3).any(|before| self.is(before, &[Group::Mention]));
        let named = |word: usize| {
            // The first word of a sentence has a capital anyway.
            let two = word + 1 < end && self.name_at(word + 1, end);
            (word > start || two || !self.is_word(self.folded(word)) && end - start <= SHORT_WORDS)
                && self.name_at(word, end)
        };
        let person = |word: usize| {
            self.is(word, &PEOPLE) && !self.is_claimed(word + 1) && !self.is(word, &[Group::AccountTheirs])
        };
        (start..end).any(|word| (named(word) || person(word) || self.number_at(word, end)) && !behind_mention(word))
            && !self.has(start, end, &[Group::Mention])
    }
}
