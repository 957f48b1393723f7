//! Who is named in a sentence with "also" behind the wish, whatever its length: "Bela Hartwig's profile is also no longer
//! needed", "my wife also had one". Who sends regards, or told the writer something, is only mentioned.

use super::Read;
use super::named::ARTICLES;
use super::{Said, bare};
use crate::intake::lexicon::Group;
use crate::intake::normal::fold;
use crate::intake::signals::{Hit, is_genitive};
use crate::intake::tongue::Tongue;
use crate::intake::unread::POSSESSIVES;

/// What may stand between a name and the "also" that adds it, folded: "Bela has also left".
const AUXILIARIES: [&str; 13] =
    ["has", "is", "was", "had", "will", "can", "a", "est", "ha", "heeft", "had", "mag", "kan"];
/// Who acts in the place of a name, folded.
pub(super) const PRONOUNS: [&str; 24] = [
    "she", "they", "you", "this", "that", "these", "those", "who", "elle", "elles", "ils", "nous", "vous", "ella",
    "ellos", "ellas", "usted", "nosotros", "zij", "hij", "lei", "lui", "loro", "noi",
];
/// What stands before a place rather than before somebody, folded.
const PLACED: [&str; 24] = [
    "in", "to", "from", "at", "on", "via", "into", "near", "aus", "bei", "nach", "im", "vom", "am", "chez", "sur",
    "dans", "en", "bij", "op", "naar", "uit", "su", "presso",
];
/// What stands before a thing of two words ("my Galaxy Tab"), and before nobody's full name, folded.
const MINE: [&str; 14] =
    ["my", "your", "mein", "meine", "meinem", "meinen", "mon", "ma", "votre", "mi", "mijn", "mio", "mia", "uw"];
/// What stands before a surname, folded.
const TITLES: [&str; 22] = [
    "mr", "mrs", "ms", "dr", "herr", "herrn", "frau", "mme", "madame", "monsieur", "m", "sr", "sra", "senor", "senora",
    "dhr", "mevr", "mevrouw", "meneer", "heer", "signor", "signora",
];
/// Whose somebody is, beside the words of [`POSSESSIVES`], folded.
const WHOSE: [&str; 25] = [
    "his", "her", "their", "sein", "seine", "ihr", "ihre", "son", "sa", "leur", "su", "zijn", "haar", "hun", "suo",
    "sua", "ma", "mia", "onze", "ons", "meiner", "meinem", "unserer", "unserem", "nostra",
];
/// With what another clause begins, beside the conjunctions of the lexicon, folded.
const RELATIVES: [&str; 14] =
    ["that", "which", "who", "dass", "der", "die", "das", "welche", "que", "qui", "che", "dat", "waar", "weil"];
/// The writer, folded.
pub(super) const MYSELF: [&str; 7] = ["i", "me", "ich", "moi", "yo", "ik", "io"];

impl Said<'_> {
    /// Whether a sentence with "also" names somebody whom no claim holds.
    pub(super) fn also_names(&self, start: usize, end: usize) -> bool {
        let Some(also) = (start..end).find(|word| self.is_also(*word, end)) else { return false };
        if self.is_only_mentioned(also, start, end) || self.forbids(also, start, end) {
            return false;
        }
        self.leads(start, also, end)
            || (start..end).any(|word| self.full_name_at(word, end) || self.has_what_is_theirs(word))
            || self.hits(start, end).any(|hit| self.is_somebodys(hit, start))
    }

    /// "Bela also left", "Bela has also left", beside somebody else.
    fn leads(&self, start: usize, also: usize, end: usize) -> bool {
        let near = also == start + 1 || also == start + 2 && AUXILIARIES.contains(&self.folded(start + 1));
        near && self.read == Read::Other
            && self.language != Tongue::De
            && !PRONOUNS.contains(&self.folded(start))
            && self.name_at(start, end)
    }

    /// "Too many mails" adds nobody.
    fn is_also(&self, word: usize, end: usize) -> bool {
        let ends = || word + 1 >= end || self.words[word].ends_with([',', ';', ')', ':']) || self.links(word + 1);
        self.is(word, &[Group::Also]) && (self.folded(word) != "too" || ends())
    }

    /// Whether a "not" stands with the "also" and forbids something; "no longer" does not, nor does one of another clause.
    fn forbids(&self, also: usize, start: usize, end: usize) -> bool {
        const ELSE: [Group; 2] = [Group::NoLonger, Group::NegationElse];
        let idle =
            |not: &Hit| self.hits(start, end).any(|hit| ELSE.iter().any(|group| hit.is(*group)) && hit.overlaps(not));
        let parts = |word: usize| self.links(word) || RELATIVES.contains(&self.folded(word)) || self.is_apart(word);
        let from = (start + 1..=also).rev().find(|word| parts(*word)).unwrap_or(start);
        let to = (also + 1..end).find(|word| parts(*word)).unwrap_or(end);
        self.hits(from, to).any(|hit| hit.is(Group::Negation) && !idle(hit))
    }

    /// Whether a comma or its like stands before a word.
    fn is_apart(&self, word: usize) -> bool {
        word > 0 && self.words[word - 1].ends_with([',', ';', ':', '('])
    }

    /// "Bela also sends regards", "Also, Bela agrees": all that is said with the "also" is what somebody said or knows. In a clause
    /// of its own it says why somebody is named: "also Bela, she has been informed".
    pub(super) fn is_only_mentioned(&self, also: usize, start: usize, end: usize) -> bool {
        let parts = |word: usize| {
            self.is_apart(word) || RELATIVES.contains(&self.folded(word)) || PRONOUNS.contains(&self.folded(word))
        };
        let from = (start + 1..=also).rev().find(|word| parts(*word)).unwrap_or(start);
        // A comma, or who is meant, right behind an "also" that begins the sentence begins no other clause.
        let behind = if also == start { also + 2 } else { also + 1 };
        let to = (behind..end).find(|word| parts(*word)).unwrap_or(end);
        self.has(from, to, &[Group::Mention, Group::Regards])
    }

    /// "Bela Hartwig", "Ms Hartwig".
    fn full_name_at(&self, word: usize, end: usize) -> bool {
        let placed = word > 0 && PLACED.contains(&self.folded(word - 1));
        !placed && self.two_names_at(word, end)
    }

    /// The same, whatever stands before it.
    pub(super) fn two_names_at(&self, word: usize, end: usize) -> bool {
        let thing = word > 0 && MINE.contains(&self.folded(word - 1));
        // "Vielen Dank" is no name.
        const FRAME: [Group; 5] =
            [Group::Courtesy, Group::Greeting, Group::Closing, Group::AnswerWord, Group::LimitDate];
        // Only a word of a kind that names get mixed up with is none: "Hartwig" begins like a Spanish verb.
        const THINGS: [Group; 5] = [Group::Noun, Group::Account, Group::Profile, Group::Data, Group::Topic];
        let surname = || {
            let next = bare(self.words.get(word + 1).map(String::as_str).unwrap_or_default());
            let folded = fold(next.strip_suffix("'s").or_else(|| next.strip_suffix("\u{2019}s")).unwrap_or(next));
            let written = next.starts_with(char::is_uppercase) && next.chars().any(char::is_lowercase);
            let known = match self.language {
                Tongue::De => self.is_word(&folded),
                _ => self.is(word + 1, &THINGS) || self.is(word + 1, &FRAME),
            };
            written && !known && !self.names.has(&folded) && !self.is_claimed(word + 1)
        };
        let apart = self.words[word].ends_with([',', ';', ':', ')']);
        let title = self.folded(word);
        let titled = TITLES.contains(&title) && (title.len() > 2 || self.words[word].starts_with(char::is_uppercase));
        word + 1 < end
            && !thing
            && (titled && surname()
                || !apart
                    && !self.is(word, &FRAME)
                    && !self.is(word, &[Group::Noun])
                    && self.name_at(word, end)
                    && surname())
    }

    /// "Bela's", "my wife's".
    pub(super) fn has_what_is_theirs(&self, word: usize) -> bool {
        let of_person = self.is(word, &[Group::Person, Group::OtherUser, Group::EndUser]);
        let named = word > 0 && self.words[word].starts_with(char::is_uppercase);
        is_genitive(self.found.spelling(word)) && !self.is_claimed(word) && (of_person || named)
    }

    /// "My wife", "her colleague"; beside somebody else also "the intern". "My wife and I" are the writer.
    pub(super) fn is_somebodys(&self, hit: &Hit, start: usize) -> bool {
        const PEOPLE: [Group; 3] = [Group::Person, Group::OtherUser, Group::EndUser];
        const THINGS: [Group; 6] =
            [Group::Account, Group::Profile, Group::DataTheirs, Group::AccountTheirs, Group::Thing, Group::Noun];
        let whose = |word: usize| {
            let folded = self.folded(word);
            POSSESSIVES.contains(&folded)
                || WHOSE.contains(&folded)
                || self.read == Read::Other && ARTICLES.contains(&folded)
        };
        let owned = (hit.first.saturating_sub(2).max(start)..=hit.last).any(whose);
        let with_writer = self.links(hit.last + 1) && MYSELF.contains(&self.folded(hit.last + 2))
            || hit.first >= start + 3 && MYSELF.contains(&self.folded(hit.first - 3));
        PEOPLE.iter().any(|group| hit.is(*group))
            && owned
            && !with_writer
            && !self.is_claimed(hit.last + 1)
            && !self.is(hit.last, &THINGS)
            && !self.is(hit.last + 1, &THINGS)
    }
}
