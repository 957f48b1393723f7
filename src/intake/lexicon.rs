//! The words that requests are recognised by, looked up in a text.
//!
//! A language is a file of *groups* (verbs of erasing, objects, negations, …); a group is a list of phrases. How groups
//! combine is decided in `judge`, so that a native speaker can mend words without Rust and nobody writes a pattern
//! that spans a sentence. The files are made into tables when the program is built (`compile`), and `phrases` finds their
//! phrases in a text, with nothing to make ready. They are ASCII with ASCII word boundaries: text and phrases are folded
//! alike, and letters of other scripts are written in ASCII by `script`.
//!
//! # How to add a language
//! One file, `config/lexicon/<code>.toml`, and one line in `tongue`. `config/lexicon/README.md` explains the notation and
//! which groups to begin with. A file may leave out groups, until it has figures under `[measured]`: then it must have all of
//! them, be they empty. What a language finds goes to a person as long as its `[measured]` does not tell of at least
//! [`MEASURED_LETTERS_MIN`] letters that ask for an erasure.

use std::collections::BTreeSet;
use std::ops::Range;

pub(super) use super::groups::Group;
pub(super) use super::lists::List;
use super::phrases::{Finder, Found, Reading};
use super::rest::is_word;
use super::tables::{Tables, Which};
use super::tongue::{MEASURED_LETTERS_MIN, Tongue, Tongues};

/// The tables of the program, made of the files when it was built.
static EMBEDDED: Tables<'static> = Tables::of(EMBEDDED_BYTES);
pub(super) const EMBEDDED_BYTES: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/lexicon.tables"));

/// Bytes of the shortest slip that is forgiven: of a word of six letters with one left out.
const SLIP_BYTES_MIN: usize = 5;

/// How a language did on letters that were labelled by hand.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Measured {
    /// Letters that ask for an erasure.
    pub erasure_letters: u32,
    /// How many of them open a request by themselves.
    pub opened: u32,
    /// How many of them go to a person.
    pub reviewed: u32,
}

/// What a located phrase belongs to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Topic {
    Group(Group),
    /// Named data of this data-map category.
    Specific(&'static str),
}

/// The words of all languages.
pub struct Lexicon {
    tables: &'static Tables<'static>,
    /// By their numbers in the tables.
    topics: Vec<Topic>,
    /// The languages whose finds open requests by themselves; otherwise a person looks.
    opening: Tongues,
}

impl Lexicon {
    /// The lexicon that the program carries.
    #[must_use]
    pub fn embedded() -> Self {
        Self::of(&EMBEDDED)
    }

    fn of(tables: &'static Tables<'static>) -> Self {
        let categories = (0..tables.categories.count()).map(|number| tables.categories.row(number));
        let categories = categories.map(|[start, end]| Topic::Specific(tables.text(start, end)));
        let topics = Group::ALL.iter().map(|group| Topic::Group(*group)).chain(categories).collect();
        let mut lexicon = Self { tables, topics, opening: Tongues::default() };
        let mut opening = Tongues::default();
        let enough = lexicon.measured().filter(|(_, figures)| figures.erasure_letters >= MEASURED_LETTERS_MIN);
        enough.for_each(|(language, _)| opening.insert(language));
        lexicon.opening = opening;
        lexicon
    }

    /// Of other files than those of the program. What it is made of stays for as long as the tests run.
    #[cfg(test)]
    pub(super) fn compile<'t>(
        files: impl Iterator<Item = (Tongue, &'t str)>,
    ) -> Result<Self, super::compile::LexiconError> {
        let bytes = super::compile::compile(files)?.leak();
        Ok(Self::of(Box::leak(Box::new(Tables::of(bytes)))))
    }

    /// SHA-256 over its files: what the trail says of them.
    #[must_use]
    pub fn digest(&self) -> [u8; 32] {
        self.tables.digest
    }

    /// How each language did on labelled letters, where that was measured.
    pub fn measured(&self) -> impl Iterator<Item = (Tongue, Measured)> {
        let Tables { measured, .. } = self.tables;
        (0..measured.count()).map(|number| {
            let [language, erasure_letters, opened, reviewed] = measured.row(number);
            (Tongue::ALL[language as usize], Measured { erasure_letters, opened, reviewed })
        })
    }

    /// The categories of data that people name in any language.
    #[must_use]
    pub fn categories(&self) -> BTreeSet<&str> {
        let category = |topic: &Topic| match topic {
            Topic::Specific(category) => Some(*category),
            Topic::Group(_) => None,
        };
        self.topics.iter().filter_map(category).collect()
    }

    /// The languages whose finds open requests by themselves.
    pub(super) const fn opening(&self) -> Tongues {
        self.opening
    }

    /// The tables that it reads.
    pub(super) const fn tables(&self) -> &'static Tables<'static> {
        self.tables
    }

    /// Whether a folded word is one of a list, in one of these languages.
    pub(super) fn lists(&self, word: &str, list: List, languages: &[Tongue]) -> bool {
        languages.iter().any(|language| self.tables.lists(word, list, *language))
    }

    const fn finder(&self, which: Which) -> Finder<'static> {
        Finder::of(self.tables, which)
    }

    /// Whether something in a folded text may name somebody, in any language.
    pub(super) fn cues(&self, folded: &str) -> bool {
        self.finder(Which::Cues).first(folded).is_some()
    }

    /// Whether a phrase of this group, in any language, occurs in a folded text.
    pub(super) fn has(&self, group: Group, folded: &str) -> bool {
        self.finder(Which::Of(group)).first(folded).is_some()
    }

    /// Whether a phrase of this group, in one of these languages, occurs in a folded text.
    pub(super) fn has_in(&self, group: Group, folded: &str, languages: &[Tongue]) -> bool {
        let found = self.finder(Which::Of(group)).find(folded, Reading::All);
        found.iter().any(|found| languages.contains(&self.of_pattern(found.pattern).0))
    }

    /// Whether a folded text begins with a phrase of this group, in any language.
    pub(super) fn starts(&self, group: Group, folded: &str) -> bool {
        self.first_at_start(group, folded).is_some()
    }

    /// Whether a phrase of this group, in any language, begins at this place of a folded text.
    pub(super) fn begins_at(&self, group: Group, folded: &str, at: usize) -> bool {
        self.finder(Which::Of(group)).at(folded, at).is_some()
    }

    /// The length in bytes of the phrase of this group that a folded text begins with.
    pub(super) fn first_at_start(&self, group: Group, folded: &str) -> Option<usize> {
        self.finder(Which::Of(group)).at(folded, 0)
    }

    /// Where the first phrase of this group, in any language, ends in a folded text.
    pub(super) fn first_end(&self, group: Group, folded: &str) -> Option<usize> {
        self.finder(Which::Of(group)).first(folded).map(|found| found.end)
    }

    /// Whether a folded word is a whole phrase of any group.
    pub(super) fn knows(&self, word: &str) -> bool {
        !self.languages_of(word).is_empty()
    }

    /// The languages in which a folded text is a whole phrase of any group.
    pub(super) fn languages_of(&self, phrase: &str) -> Vec<Tongue> {
        let found = self.finder(Which::All).find(phrase, Reading::All);
        let whole = found.into_iter().filter(|found| found.range == (0..phrase.len()));
        whole.map(|found| self.of_pattern(found.pattern).0).collect()
    }

    /// Every phrase in a folded text, with its language, topic and byte range, in the order of the text: of the languages
    /// that its sentences or the whole of it may be in, and of these.
    pub(super) fn locate(&self, folded: &str, also: Tongues) -> impl Iterator<Item = (Tongue, &Topic, Range<usize>)> {
        self.found(folded, also).map(|(language, topic, found)| (language, topic, found.range))
    }

    /// The same, with the words of each that its phrase does not say.
    pub(super) fn found(&self, folded: &str, also: Tongues) -> impl Iterator<Item = (Tongue, &Topic, Found)> {
        let found = self.finder(Which::All).find(folded, Reading::Plausible(also));
        found.into_iter().map(|found| {
            let (language, topic) = self.of_pattern(found.pattern);
            (language, topic, found)
        })
    }

    fn of_pattern(&self, pattern: usize) -> (Tongue, &Topic) {
        let [language, topic] = self.tables.patterns.row(pattern);
        (Tongue::ALL[language as usize], &self.topics[topic as usize])
    }

    /// The text with forgiven misspellings put right.
    pub(super) fn put_right(&self, folded: String) -> String {
        let bytes = folded.as_bytes();
        let (mut out, mut taken, mut at) = (String::new(), 0, 0);
        while at < bytes.len() {
            let end = at + bytes[at..].iter().take_while(|byte| is_word(**byte)).count();
            let may_be = end - at >= SLIP_BYTES_MIN;
            if let Some(meant) = may_be.then(|| self.tables.meant(&folded[at..end])).flatten() {
                out.push_str(&folded[taken..at]);
                out.push_str(meant);
                taken = end;
            }
            at = end + bytes[end..].iter().take_while(|byte| !is_word(**byte)).count();
        }
        if taken == 0 {
            return folded;
        }
        out.push_str(&folded[taken..]);
        out
    }
}

/// The embedded lexicon, compiled once for all tests of the room.
#[cfg(test)]
pub(super) fn for_tests() -> &'static Lexicon {
    static SHARED: std::sync::OnceLock<Lexicon> = std::sync::OnceLock::new();
    SHARED.get_or_init(Lexicon::embedded)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_inside_a_word_are_forgiven() {
        let lexicon = for_tests();
        assert_eq!(lexicon.put_right("plese delte my acount, now".to_owned()), "please delete my account, now");
        assert_eq!(lexicon.put_right("deleted accounts are gone".to_owned()), "deleted accounts are gone");
        assert_eq!(lexicon.put_right("verwijder mijn profiel".to_owned()), "verwijder mijn profiel");
    }

    #[test]
    fn no_slip_is_shorter_than_those_that_are_looked_up() {
        let tables = for_tests().tables();
        let slips = (0..tables.slips.count()).map(|number| tables.slips.row(number));
        let shortest = slips.map(|[start, end, ..]| tables.text(start, end).len()).min();
        assert_eq!(shortest, Some(SLIP_BYTES_MIN));
    }

    #[test]
    fn a_sentence_is_read_in_the_languages_that_it_may_be_in() {
        let english = "[groups]\nown = [\"please\", \"we\", \"use\", \"the\", \"account\"]";
        let italian = "[groups]\nown = [\"cancellate\", \"il mio\", \"account\"]";
        let lexicon = Lexicon::compile([(Tongue::En, english), (Tongue::It, italian)].into_iter()).unwrap();
        let read = |text: &str| {
            let mut languages: Vec<Tongue> =
                lexicon.locate(text, Tongues::default()).map(|(language, _, _)| language).collect();
            languages.sort_unstable();
            languages.dedup();
            languages
        };
        assert_eq!(read("please we use the account"), [Tongue::En]);
        assert_eq!(read("please we use the account. cancellate il mio account"), [Tongue::En, Tongue::It]);
        assert_eq!(read("account"), [Tongue::En, Tongue::It]);
    }

    #[test]
    fn a_language_opens_by_itself_once_it_was_measured() {
        let opens = |letters: u32| {
            let groups: Vec<String> = Group::ALL.iter().map(|group| format!("{group} = [\"efface*\"]")).collect();
            let measured = format!("[measured]\nerasure_letters = {letters}\nopened = 19\nreviewed = 1");
            let lists: Vec<String> = List::ALL.iter().map(|list| format!("{list} = [\"que\"]")).collect();
            let text = format!("[groups]\n{}\n[words]\n{}\n{measured}", groups.join("\n"), lists.join("\n"));
            Lexicon::compile([(Tongue::Fr, text.as_str())].into_iter()).unwrap().opening().contains(Tongue::Fr)
        };
        assert!(opens(20) && !opens(19));
        let unmeasured = Lexicon::compile([(Tongue::Fr, "[groups]\nerase_verb = [\"efface*\"]")].into_iter()).unwrap();
        assert!(!unmeasured.opening().contains(Tongue::Fr));
    }
}
