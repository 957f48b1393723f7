//! The words that requests are recognised by, read from TOML and made ready once, for the first letter that is read.
//!
//! A language is a file of *groups* (verbs of erasing, objects, negations, …); a group is a list of phrases. How groups
//! combine is decided in `judge`, so that a native speaker can mend words without Rust and nobody writes a pattern
//! that spans a sentence. `notation` makes patterns of them, `phrases` finds these in a text. They are ASCII with ASCII
//! word boundaries (text and phrases are folded alike, and letters of other scripts are written in ASCII by `script`), and
//! hold no counted gap over Unicode, which would cost two orders of magnitude in speed.
//!
//! # How to add a language
//! One file, `config/lexicon/<code>.toml`, and one line in `tongue`. `config/lexicon/README.md` explains the notation and
//! which groups to begin with. A file may leave out groups, until it has figures under `[measured]`: then it must have all of
//! them, be they empty. What a language finds goes to a person as long as its `[measured]` does not tell of at least
//! [`MEASURED_LETTERS_MIN`] letters that ask for an erasure.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::Range;
use std::sync::{Arc, LazyLock, OnceLock};

use serde::Deserialize;
use sha2::{Digest as _, Sha256};

pub(super) use super::groups::Group;
use super::notation::{Misspelled, forgive, in_order, words_of};
use super::phrases::{Finder, NoBeginning, Pattern, Reading};
use super::tongue::{MEASURED_LETTERS_MIN, Tongue, Tongues};

/// What is wrong with a lexicon.
#[derive(Debug, thiserror::Error)]
pub enum LexiconError {
    /// A file is no valid lexicon.
    #[error("lexicon {name}")]
    Toml {
        /// The file's name.
        name: String,
        /// Where and why.
        source: Box<toml::de::Error>,
    },
    /// A group that nothing reads.
    #[error("lexicon {name}: [groups] {group} is no group; expected one of {expected}")]
    UnknownGroup {
        /// The file's name.
        name: String,
        /// The key that was found.
        group: String,
        /// The keys that are known.
        expected: String,
    },
    /// A group that every language with figures must have.
    #[error("lexicon {name}: [groups] {group} is missing (it may be an empty list)")]
    MissingGroup {
        /// The file's name.
        name: String,
        /// The key that is missing.
        group: &'static str,
    },
    /// A phrase that is not of the notation, or that begins with a gap.
    #[error("lexicon {name}: a phrase of {group} is not well formed")]
    Phrase {
        /// The file's name.
        name: String,
        /// The group or the category.
        group: String,
        /// Why not.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawLexicon {
    groups: BTreeMap<String, Vec<String>>,
    /// Data-map category → phrases that name such data.
    #[serde(default)]
    specific: BTreeMap<String, Vec<String>>,
    #[serde(default)]
    misspelled: Misspelled,
    #[serde(default)]
    measured: Option<Measured>,
}

/// How a language did on letters that were labelled by hand.
#[derive(Deserialize, Clone, Copy, PartialEq, Eq, Debug)]
#[serde(deny_unknown_fields)]
pub struct Measured {
    /// Letters that ask for an erasure.
    pub erasure_letters: u32,
    /// How many of them open a request by themselves.
    pub opened: u32,
    /// How many of them go to a person.
    pub reviewed: u32,
}

/// What a located phrase belongs to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Topic {
    Group(Group),
    /// Named data of this data-map category.
    Specific(Arc<str>),
}

impl Topic {
    fn name(&self) -> &str {
        match self {
            Self::Group(group) => group.as_str(),
            Self::Specific(category) => category,
        }
    }
}

/// The words of all languages.
pub struct Lexicon {
    /// SHA-256 over the files.
    digest: [u8; 32],
    words: LazyLock<Words, Box<dyn FnOnce() -> Words + Send>>,
}

impl Lexicon {
    /// The lexicon that the binary carries, ready.
    ///
    /// # Errors
    /// A file that is no lexicon: then the binary was built of a wrong one.
    pub fn embedded() -> Result<Self, LexiconError> {
        Ok(Self::of(Words::compile(files())?))
    }

    fn of(words: Words) -> Self {
        Self { digest: digest(), words: LazyLock::new(Box::new(|| words)) }
    }

    /// Of other files than those of the binary.
    #[cfg(test)]
    pub(super) fn compile<'t>(texts: impl Iterator<Item = (Tongue, &'t str)>) -> Result<Self, LexiconError> {
        Words::compile(texts).map(Self::of)
    }

    /// The same, made ready for the first letter: a daemon that has no letters to read need not wait for it.
    ///
    /// It panics there where [`Self::embedded`] errs, which depends on the binary alone: no binary that its tests have seen does.
    #[must_use]
    #[expect(clippy::expect_used, reason = "the files are a part of the program, and its tests have read them")]
    pub fn at_first_letter() -> Self {
        let words = || Words::compile(files()).expect("the lexicons of the binary are well formed");
        Self { digest: digest(), words: LazyLock::new(Box::new(words)) }
    }

    /// SHA-256 over its files: what the trail says of them.
    #[must_use]
    pub const fn digest(&self) -> [u8; 32] {
        self.digest
    }

    /// How each language did on labelled letters, where that was measured.
    pub fn measured(&self) -> impl Iterator<Item = (Tongue, Measured)> {
        self.words.measured.iter().map(|(tongue, figures)| (*tongue, *figures))
    }
}

/// What is asked of it is asked of its words, which are then made ready.
impl std::ops::Deref for Lexicon {
    type Target = Words;

    fn deref(&self) -> &Words {
        &self.words
    }
}

fn files() -> impl Iterator<Item = (Tongue, &'static str)> {
    Tongue::ALL.iter().map(|tongue| (*tongue, tongue.lexicon()))
}

fn digest() -> [u8; 32] {
    let mut hasher = Sha256::new();
    for (tongue, text) in files() {
        hasher.update(format!("{tongue} {}\n", text.len()));
        hasher.update(text);
    }
    hasher.finalize().into()
}

/// The words, made ready to be looked for.
pub struct Words {
    patterns: Vec<Pattern>,
    finder: Finder,
    /// Of the groups that name somebody.
    cues: Finder,
    /// For every group its phrases in all languages, made ready when they are asked for.
    groups: HashMap<Group, OnceLock<Option<Finder>>>,
    /// A misspelled word → the word that was meant.
    forgiven: HashMap<String, String>,
    /// The languages with figures.
    measured: BTreeMap<Tongue, Measured>,
    /// Those whose finds open requests by themselves; otherwise a person looks.
    opening: Tongues,
}

impl Words {
    pub(super) fn compile<'t>(texts: impl Iterator<Item = (Tongue, &'t str)>) -> Result<Self, LexiconError> {
        let mut patterns: Vec<Pattern> = Vec::new();
        let mut forgiven: HashMap<String, (Tongue, String)> = HashMap::new();
        let mut measured = BTreeMap::new();
        let mut words: Vec<(Tongue, String)> = Vec::new();
        for (language, text) in texts {
            let name = format!("{language}.toml");
            let raw: RawLexicon =
                toml::from_str(text).map_err(|e| LexiconError::Toml { name: name.clone(), source: Box::new(e) })?;
            check_groups(&name, &raw)?;
            for (slip, meant) in forgive(&raw.misspelled) {
                forgiven.entry(slip).or_insert((language, meant));
            }
            let phrases = raw.groups.values().chain(raw.specific.values()).flatten();
            words.extend(phrases.flat_map(|phrase| words_of(phrase)).map(|word| (language, word)));
            measured.extend(raw.measured.map(|figures| (language, figures)));
            let grouped = Group::ALL.iter().filter_map(|group| {
                let phrases = raw.groups.get(group.as_str())?;
                Some((Topic::Group(*group), phrases))
            });
            let named =
                raw.specific.iter().map(|(category, phrases)| (Topic::Specific(category.as_str().into()), phrases));
            for (topic, phrases) in grouped.chain(named).filter(|(_, phrases)| !phrases.is_empty()) {
                let phrases = in_order(phrases).map_err(|cause| malformed(language, &topic, cause))?;
                patterns.push(Pattern { language, topic, phrases });
            }
        }
        let finder = Finder::new(patterns.iter().enumerate()).map_err(|cause| no_beginning(&patterns, cause))?;
        let names = |topic: &Topic| matches!(topic, Topic::Group(group) if group.names_somebody());
        let cues = Finder::new(patterns.iter().enumerate().filter(|(_, pattern)| names(&pattern.topic)));
        let cues = cues.map_err(|cause| no_beginning(&patterns, cause))?;
        let groups = Group::ALL.iter().map(|group| (*group, OnceLock::new())).collect();
        let mut opening = Tongues::default();
        let enough = measured.iter().filter(|(_, figures)| figures.erasure_letters >= MEASURED_LETTERS_MIN);
        enough.for_each(|(language, _)| opening.insert(*language));
        Ok(Self { patterns, finder, cues, groups, forgiven: unambiguous(forgiven, &words), measured, opening })
    }

    /// The categories of data that people name in any language.
    #[must_use]
    pub fn categories(&self) -> BTreeSet<&str> {
        let category = |pattern: &'_ Pattern| matches!(pattern.topic, Topic::Specific(_));
        self.patterns.iter().filter(|pattern| category(pattern)).map(|pattern| pattern.topic.name()).collect()
    }

    /// The languages whose finds open requests by themselves.
    pub(super) const fn opening(&self) -> Tongues {
        self.opening
    }

    fn of(&self, group: Group) -> Option<&Finder> {
        let of_group = |pattern: &Pattern| pattern.topic == Topic::Group(group);
        let own = || self.patterns.iter().enumerate().filter(|(_, pattern)| of_group(pattern));
        self.groups.get(&group)?.get_or_init(|| Finder::new(own()).ok()).as_ref()
    }

    /// Whether something in a folded text may name somebody, in any language.
    pub(super) fn cues(&self, folded: &str) -> bool {
        self.cues.first(folded, &self.patterns).is_some()
    }

    /// Whether a phrase of this group, in any language, occurs in a folded text.
    pub(super) fn has(&self, group: Group, folded: &str) -> bool {
        self.of(group).is_some_and(|finder| finder.first(folded, &self.patterns).is_some())
    }

    /// Whether a folded text begins with a phrase of this group, in any language.
    pub(super) fn starts(&self, group: Group, folded: &str) -> bool {
        self.first_at_start(group, folded).is_some()
    }

    /// The length in bytes of the phrase of this group that a folded text begins with.
    pub(super) fn first_at_start(&self, group: Group, folded: &str) -> Option<usize> {
        self.of(group)?.at(folded, 0, &self.patterns)
    }

    /// Where the first phrase of this group, in any language, ends in a folded text.
    pub(super) fn first_end(&self, group: Group, folded: &str) -> Option<usize> {
        self.of(group)?.first(folded, &self.patterns).map(|found| found.end)
    }

    /// Whether a folded word is a whole phrase of any group.
    pub(super) fn knows(&self, word: &str) -> bool {
        !self.languages_of(word).is_empty()
    }

    /// The languages in which a folded text is a whole phrase of any group.
    pub(super) fn languages_of(&self, phrase: &str) -> Vec<Tongue> {
        let found = self.finder.find(phrase, &self.patterns, Reading::All);
        let whole = found.into_iter().filter(|(_, range)| *range == (0..phrase.len()));
        whole.map(|(pattern, _)| self.patterns[pattern].language).collect()
    }

    /// Every phrase in a folded text, with its language, topic and byte range, in the order of the text: of the languages
    /// that its sentences or the whole of it may be in, and of these.
    pub(super) fn locate(&self, folded: &str, also: Tongues) -> impl Iterator<Item = (Tongue, &Topic, Range<usize>)> {
        let found = self.finder.find(folded, &self.patterns, Reading::Plausible(also));
        found.into_iter().map(|(pattern, range)| {
            let Pattern { language, topic, .. } = &self.patterns[pattern];
            (*language, topic, range)
        })
    }

    /// The text with forgiven misspellings put right.
    pub(super) fn put_right(&self, folded: &str) -> String {
        let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let mut out = String::with_capacity(folded.len());
        let mut rest = folded;
        while !rest.is_empty() {
            let word_end = rest.find(|c: char| !is_word(c)).unwrap_or(rest.len());
            let word = &rest[..word_end];
            out.push_str(self.forgiven.get(word).map_or(word, String::as_str));
            let gap_end = rest[word_end..].find(is_word).map_or(rest.len(), |at| word_end + at);
            out.push_str(&rest[word_end..gap_end]);
            rest = &rest[gap_end..];
        }
        out
    }
}

fn no_beginning(patterns: &[Pattern], cause: NoBeginning) -> LexiconError {
    let Pattern { language, topic, .. } = &patterns[cause.pattern];
    malformed(*language, topic, cause)
}

fn malformed(language: Tongue, topic: &Topic, cause: impl std::error::Error + Send + Sync + 'static) -> LexiconError {
    LexiconError::Phrase { name: format!("{language}.toml"), group: topic.name().to_owned(), source: cause.into() }
}

/// The slips that are no word of another language: "profiel" is Dutch, and no English "profile".
fn unambiguous(mut slips: HashMap<String, (Tongue, String)>, words: &[(Tongue, String)]) -> HashMap<String, String> {
    for (language, word) in words {
        if slips.get(word).is_some_and(|(own, _)| own != language) {
            slips.remove(word);
        }
    }
    slips.into_iter().map(|(slip, (_, meant))| (slip, meant)).collect()
}

fn check_groups(name: &str, raw: &RawLexicon) -> Result<(), LexiconError> {
    for key in raw.groups.keys() {
        if let Err(unknown) = key.parse::<Group>() {
            let (name, group) = (name.to_owned(), key.clone());
            return Err(LexiconError::UnknownGroup { name, group, expected: unknown.expected });
        }
    }
    let missing = Group::ALL.iter().filter(|_| raw.measured.is_some());
    match missing.into_iter().find(|group| !raw.groups.contains_key(group.as_str())) {
        Some(group) => Err(LexiconError::MissingGroup { name: name.to_owned(), group: group.as_str() }),
        None => Ok(()),
    }
}

/// The embedded lexicon, compiled once for all tests of the room.
#[cfg(test)]
pub(super) fn for_tests() -> &'static Lexicon {
    static SHARED: std::sync::OnceLock<Lexicon> = std::sync::OnceLock::new();
    SHARED.get_or_init(|| Lexicon::embedded().unwrap())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::intake::normal::fold;
    use crate::intake::pattern::pattern;

    #[test]
    fn slips_inside_a_word_are_forgiven() {
        let lexicon = for_tests();
        assert_eq!(lexicon.put_right("plese delte my acount, now"), "please delete my account, now");
        assert_eq!(lexicon.put_right("deleted accounts are gone"), "deleted accounts are gone");
        assert_eq!(lexicon.put_right("verwijder mijn profiel"), "verwijder mijn profiel");
    }

    #[test]
    fn what_is_made_ready_late_is_the_same() {
        let late = Lexicon::at_first_letter();
        assert_eq!(late.digest(), for_tests().digest());
        assert!(late.knows("delete") && !late.knows("xyzzy"));
        assert!(late.measured().eq(for_tests().measured()));
    }

    #[test]
    fn every_group_can_be_asked_for() {
        let lexicon = for_tests();
        assert!(Group::ALL.iter().all(|group| lexicon.of(*group).is_some()));
    }

    /// Sentences of the tests in every language, read in all of them.
    #[test]
    fn what_is_found_is_what_each_pattern_finds() {
        let lexicon = for_tests();
        let here = |of: &Pattern| {
            let sources: Vec<String> = of.phrases.iter().map(pattern).collect();
            regex::Regex::new(&format!("^(?:{})", sources.join("|"))).unwrap()
        };
        let patterns: Vec<regex::Regex> = lexicon.patterns.iter().map(here).collect();
        let sentences = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/mail/sentences");
        for tongue in Tongue::ALL {
            let text = std::fs::read_to_string(sentences.join(format!("{tongue}.txt"))).unwrap();
            let lines: Vec<&str> = text.lines().filter(|line| !line.starts_with('#')).take(12).collect();
            let text = fold(&lines.join("\n\n"));
            let mut found = lexicon.finder.find(&text, &lexicon.patterns, Reading::All);
            let mut expected: Vec<(usize, Range<usize>)> = Vec::new();
            for (number, here) in patterns.iter().enumerate() {
                let mut free = 0;
                for at in crate::intake::phrases::starts(&text) {
                    let end = here.find(&text[at..]).map_or(0, |hit| at + hit.end());
                    if at >= free && end > at {
                        free = end;
                        expected.push((number, at..end));
                    }
                }
            }
            found.sort_by_key(|(pattern, range)| (*pattern, range.start));
            expected.sort_by_key(|(pattern, range)| (*pattern, range.start));
            for (found, expected) in found.iter().zip(&expected) {
                let Pattern { language, topic, .. } = &lexicon.patterns[expected.0];
                assert_eq!(found, expected, "{language} {}: {}", topic.name(), &text[expected.1.clone()]);
            }
            assert_eq!(found.len(), expected.len(), "{tongue}");
        }
    }

    #[test]
    fn a_sentence_is_read_in_the_languages_that_it_may_be_in() {
        let english = "[groups]\nown = [\"please\", \"we\", \"use\", \"the\", \"account\"]";
        let italian = "[groups]\nown = [\"cancellate\", \"il mio\", \"account\"]";
        let lexicon = Words::compile([(Tongue::En, english), (Tongue::It, italian)].into_iter()).unwrap();
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
    fn a_wrong_file_is_named() {
        let text = "[groups]\nnonsense = []\n";
        let error = Words::compile([(Tongue::Fr, text)].into_iter()).err().unwrap();
        assert!(matches!(error, LexiconError::UnknownGroup { ref name, .. } if name == "fr.toml"), "{error}");
    }

    #[test]
    fn a_language_opens_by_itself_once_it_was_measured() {
        let lexicon = |measured: &str| {
            let text = format!("[groups]\nerase_verb = [\"efface*\"]\n{measured}");
            Words::compile([(Tongue::Fr, text.as_str())].into_iter())
        };
        assert!(!lexicon("").unwrap().opening().contains(Tongue::Fr));
        let error = lexicon("request = [\"… merci\"]").err().unwrap();
        assert!(matches!(error, LexiconError::Phrase { ref group, .. } if group == "request"), "{error}");
        let error = lexicon("request = [\"merci (bien\"]").err().unwrap();
        assert!(matches!(error, LexiconError::Phrase { ref group, .. } if group == "request"), "{error}");
        let error = lexicon("[measured]\nerasure_letters = 40\nopened = 39\nreviewed = 1").err().unwrap();
        assert!(matches!(error, LexiconError::MissingGroup { .. }), "{error}");
    }
}
