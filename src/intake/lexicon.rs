//! The words that requests are recognised by, read from TOML and compiled once.
//!
//! A language is a file of *groups* (verbs of erasing, objects, negations, …); a group is a list of phrases. How groups
//! combine is decided in `judge`, so that a native speaker can mend words without Rust and nobody writes a pattern
//! that spans a sentence. One [`regex::RegexSet`] pass tells which groups occur in a text at all; only those are
//! located. Patterns are ASCII with ASCII word boundaries (text and phrases are folded alike), and hold no counted
//! gap over Unicode, which would cost two orders of magnitude in speed.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;

use regex::{Regex, RegexBuilder, RegexSet, RegexSetBuilder};
use serde::Deserialize;
use sha2::{Digest as _, Sha256};

pub(super) use super::groups::Group;
use super::normal::fold;
use crate::domain::Language;

/// Bytes that the lazy automaton of one pattern, or of the set, may take.
const DFA_BYTES_MAX: usize = 64 << 20;
/// Bytes that one compiled pattern may take.
const PATTERN_BYTES_MAX: usize = 64 << 20;
/// Letters from which on a slip inside a word is forgiven.
const FORGIVEN_CHARS_MIN: usize = 6;

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
    /// A group that every language must have.
    #[error("lexicon {name}: [groups] {group} is missing (it may be an empty list)")]
    MissingGroup {
        /// The file's name.
        name: String,
        /// The key that is missing.
        group: &'static str,
    },
    /// A phrase that would be found in every text.
    #[error("lexicon {name}: a phrase of {group} is empty or has an empty alternative")]
    EmptyPhrase {
        /// The file's name.
        name: String,
        /// The group or the category.
        group: String,
    },
    /// A phrase that cannot be compiled.
    #[error("lexicon {name}: a phrase of {group} is not well formed")]
    Phrase {
        /// The file's name.
        name: String,
        /// The group or the category.
        group: String,
        /// Why not.
        source: Box<regex::Error>,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawLexicon {
    groups: BTreeMap<String, Vec<String>>,
    /// Data-map category → phrases that name such data.
    specific: BTreeMap<String, Vec<String>>,
    misspelled: Misspelled,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Misspelled {
    /// Words whose inner slips are forgiven.
    words: Vec<String>,
    /// Real words that look like such a slip.
    real: Vec<String>,
}

/// What a located phrase belongs to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Topic {
    Group(Group),
    /// Named data of this data-map category.
    Specific(String),
}

impl Topic {
    fn name(&self) -> &str {
        match self {
            Self::Group(group) => group.as_str(),
            Self::Specific(category) => category,
        }
    }
}

struct Pattern {
    language: Language,
    topic: Topic,
    regex: Regex,
}

/// The words of all languages, compiled.
pub struct Lexicon {
    patterns: Vec<Pattern>,
    /// One pattern per entry of `patterns`, in the same order.
    set: RegexSet,
    /// For every group the phrases of all languages together.
    union: HashMap<Group, Regex>,
    /// A misspelled word → the word that was meant.
    forgiven: HashMap<String, String>,
}

const EMBEDDED: [(Language, &str); 4] = [
    (Language::En, include_str!("../../config/lexicon/en.toml")),
    (Language::De, include_str!("../../config/lexicon/de.toml")),
    (Language::Fr, include_str!("../../config/lexicon/fr.toml")),
    (Language::Es, include_str!("../../config/lexicon/es.toml")),
];

impl Lexicon {
    /// The lexicon that the binary carries.
    pub fn embedded() -> Result<Self, LexiconError> {
        Self::compile(EMBEDDED.into_iter().map(|(language, text)| (language, text.to_owned())))
    }

    fn compile(texts: impl Iterator<Item = (Language, String)>) -> Result<Self, LexiconError> {
        let mut sources: Vec<(Language, Topic, String)> = Vec::new();
        let mut forgiven = HashMap::new();
        for (language, text) in texts {
            let name = format!("{language}.toml");
            let raw: RawLexicon =
                toml::from_str(&text).map_err(|e| LexiconError::Toml { name: name.clone(), source: Box::new(e) })?;
            check_groups(&name, &raw)?;
            forgive(&raw.misspelled, &mut forgiven);
            for group in Group::ALL {
                if let Some(phrases) = raw.groups.get(group.as_str()).filter(|phrases| !phrases.is_empty()) {
                    sources.push((language, Topic::Group(*group), alternation(phrases)));
                }
            }
            for (category, phrases) in raw.specific.iter().filter(|(_, phrases)| !phrases.is_empty()) {
                sources.push((language, Topic::Specific(category.clone()), alternation(phrases)));
            }
        }
        Self::assemble(sources, forgiven)
    }

    /// SHA-256 over its words: what the trail says of them.
    #[must_use]
    pub fn digest(&self) -> [u8; 32] {
        let mut hasher = Sha256::new();
        for pattern in &self.patterns {
            hasher.update(format!("{} {} {}\n", pattern.language, pattern.topic.name(), pattern.regex.as_str()));
        }
        for (misspelled, meant) in self.forgiven.iter().collect::<BTreeMap<_, _>>() {
            hasher.update(format!("{misspelled} {meant}\n"));
        }
        hasher.finalize().into()
    }

    fn assemble(
        sources: Vec<(Language, Topic, String)>,
        forgiven: HashMap<String, String>,
    ) -> Result<Self, LexiconError> {
        let mut patterns = Vec::new();
        let mut by_group: BTreeMap<Group, Vec<&str>> = BTreeMap::new();
        for (language, topic, source) in &sources {
            let regex = compiled(source).map_err(|e| phrase_error(&format!("{language}.toml"), topic, e))?;
            if regex.is_match("") {
                return Err(LexiconError::EmptyPhrase {
                    name: format!("{language}.toml"),
                    group: topic.name().to_owned(),
                });
            }
            patterns.push(Pattern { language: *language, topic: topic.clone(), regex });
            if let Topic::Group(group) = topic {
                by_group.entry(*group).or_default().push(source);
            }
        }
        let mut union = HashMap::new();
        for (group, sources) in by_group {
            let regex = compiled(&sources.join("|")).map_err(|e| phrase_error("all", &Topic::Group(group), e))?;
            union.insert(group, regex);
        }
        let set = RegexSetBuilder::new(sources.iter().map(|(_, _, source)| source))
            .dfa_size_limit(DFA_BYTES_MAX)
            .size_limit(PATTERN_BYTES_MAX)
            .build()
            .map_err(|e| LexiconError::Phrase { name: "all".into(), group: "all".into(), source: Box::new(e) })?;
        Ok(Self { patterns, set, union, forgiven })
    }

    /// Whether a phrase of this group, in any language, occurs in a folded text.
    pub(super) fn has(&self, group: Group, folded: &str) -> bool {
        self.union.get(&group).is_some_and(|regex| regex.is_match(folded))
    }

    /// Whether a folded text begins with a phrase of this group, in any language.
    pub(super) fn starts(&self, group: Group, folded: &str) -> bool {
        self.first_at_start(group, folded).is_some()
    }

    /// The length in bytes of the phrase of this group that a folded text begins with.
    pub(super) fn first_at_start(&self, group: Group, folded: &str) -> Option<usize> {
        let found = self.union.get(&group)?.find(folded)?;
        (found.start() == 0).then_some(found.end())
    }

    /// Where phrases of this group, in any language, end in a folded text.
    pub(super) fn ends<'t>(&'t self, group: Group, folded: &'t str) -> impl Iterator<Item = usize> + 't {
        self.union.get(&group).into_iter().flat_map(move |regex| regex.find_iter(folded).map(|found| found.end()))
    }

    /// Where phrases of this group, in any language, stand in a folded text.
    pub(super) fn ranges<'t>(
        &'t self,
        group: Group,
        folded: &'t str,
    ) -> impl Iterator<Item = std::ops::Range<usize>> + 't {
        self.union.get(&group).into_iter().flat_map(move |regex| regex.find_iter(folded).map(|found| found.range()))
    }

    /// Whether a folded word is a whole phrase of any group.
    pub(super) fn knows(&self, word: &str) -> bool {
        !self.languages_of(word).is_empty()
    }

    /// The languages in which a folded text is a whole phrase of any group.
    pub(super) fn languages_of(&self, phrase: &str) -> Vec<Language> {
        let mut languages = Vec::new();
        self.locate(phrase, |language, _, range| languages.extend((range == (0..phrase.len())).then_some(language)));
        languages
    }

    /// Calls back with language, topic and byte range of every phrase in a folded text.
    pub(super) fn locate(&self, folded: &str, mut found: impl FnMut(Language, &Topic, std::ops::Range<usize>)) {
        for index in self.set.matches(folded) {
            let pattern = &self.patterns[index];
            for hit in pattern.regex.find_iter(folded) {
                found(pattern.language, &pattern.topic, hit.range());
            }
        }
    }

    /// The text with forgiven misspellings put right.
    pub(super) fn put_right(&self, folded: &str) -> String {
        let mut out = String::with_capacity(folded.len());
        let mut rest = folded;
        while !rest.is_empty() {
            let word_end = rest.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(rest.len());
            let word = &rest[..word_end];
            out.push_str(self.forgiven.get(word).map_or(word, String::as_str));
            let gap_end =
                rest[word_end..].find(|c: char| c.is_ascii_alphabetic()).map_or(rest.len(), |at| word_end + at);
            out.push_str(&rest[word_end..gap_end]);
            rest = &rest[gap_end..];
        }
        out
    }
}

fn check_groups(name: &str, raw: &RawLexicon) -> Result<(), LexiconError> {
    for key in raw.groups.keys() {
        if let Err(unknown) = key.parse::<Group>() {
            let (name, group) = (name.to_owned(), key.clone());
            return Err(LexiconError::UnknownGroup { name, group, expected: unknown.expected });
        }
    }
    match Group::ALL.iter().find(|group| !raw.groups.contains_key(group.as_str())) {
        Some(group) => Err(LexiconError::MissingGroup { name: name.to_owned(), group: group.as_str() }),
        None => Ok(()),
    }
}

fn phrase_error(name: &str, topic: &Topic, source: regex::Error) -> LexiconError {
    LexiconError::Phrase { name: name.to_owned(), group: topic.name().to_owned(), source: Box::new(source) }
}

fn compiled(source: &str) -> Result<Regex, regex::Error> {
    RegexBuilder::new(source).dfa_size_limit(DFA_BYTES_MAX).size_limit(PATTERN_BYTES_MAX).build()
}

/// The longest phrase first, because alternation takes the first that fits.
fn alternation(phrases: &[String]) -> String {
    let mut patterns: Vec<String> = phrases.iter().map(|phrase| pattern(phrase)).collect();
    patterns.sort_by_key(|pattern| std::cmp::Reverse(pattern.len()));
    patterns.join("|")
}

/// A phrase in the notation of the lexicon files as a regular expression.
fn pattern(phrase: &str) -> String {
    const WORDS_BETWEEN: &str = r#"(?: [-a-z0-9'"@_/]+){0,4} "#;
    const WORDS: &str = r#"[-a-z0-9'"@_/]+(?: [-a-z0-9'"@_/]+){0,3}"#;
    let mut out =
        String::from(if phrase.starts_with(|c: char| c.is_alphanumeric() || c == '(') { r"(?-u:\b)" } else { "" });
    for (at, piece) in phrase.split(" … ").enumerate() {
        if at > 0 {
            out.push_str(WORDS_BETWEEN);
        }
        for c in piece.chars() {
            match c {
                '*' => out.push_str("[a-z0-9]*"),
                '…' => out.push_str(WORDS),
                '(' => out.push_str("(?:"),
                ')' | '|' | '?' => out.push(c),
                'ä' => out.push_str("ae?"),
                'ö' => out.push_str("oe?"),
                'ü' => out.push_str("ue?"),
                ' ' => out.push(' '),
                other => {
                    let _ = write!(out, "{}", regex::escape(&fold(&other.to_string())));
                }
            }
        }
    }
    if phrase.ends_with(|c: char| c.is_alphanumeric() || matches!(c, '*' | ')' | '?')) {
        out.push_str(r"(?-u:\b)");
    }
    out
}

/// Every word with one letter dropped, doubled or changed with its neighbour, its first and last letter untouched.
fn forgive(misspelled: &Misspelled, into: &mut HashMap<String, String>) {
    let known: Vec<String> = misspelled.words.iter().chain(&misspelled.real).map(|word| fold(word)).collect();
    for word in misspelled.words.iter().map(|word| fold(word)).filter(|word| word.len() >= FORGIVEN_CHARS_MIN) {
        let letters: Vec<char> = word.chars().collect();
        for at in 1..letters.len() - 1 {
            let mut dropped = letters.clone();
            dropped.remove(at);
            let mut doubled = letters.clone();
            doubled.insert(at, letters[at]);
            let mut swapped = letters.clone();
            if at + 1 < letters.len() {
                swapped.swap(at, at + 1);
            }
            for slip in [dropped, doubled, swapped] {
                let slip: String = slip.into_iter().collect();
                if !known.contains(&slip) {
                    into.entry(slip).or_insert_with(|| word.clone());
                }
            }
        }
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

    #[test]
    fn notation() {
        let regex = |phrase: &str| Regex::new(&pattern(phrase)).unwrap();
        assert!(regex("lösch*").is_match("bitte loeschen sie") && regex("lösch*").is_match("loschung"));
        assert!(!regex("lösch*").is_match("verloschen"));
        assert!(regex("art(icle)?.? 17").is_match("article 17") && regex("art.? 17").is_match("art. 17"));
        assert!(
            regex("copy … data").is_match("copy of all my data") && !regex("copy … data").is_match("copy. my data")
        );
    }

    #[test]
    fn slips_inside_a_word_are_forgiven() {
        let lexicon = for_tests();
        assert_eq!(lexicon.put_right("plese delte my acount, now"), "please delete my account, now");
        assert_eq!(lexicon.put_right("deleted accounts are gone"), "deleted accounts are gone");
    }

    #[test]
    fn a_wrong_file_is_named() {
        let text = "[groups]\nnonsense = []\n[specific]\n[misspelled]\nwords = []\nreal = []\n";
        let error = Lexicon::compile([(Language::Fr, text.to_owned())].into_iter()).err().unwrap();
        assert!(matches!(error, LexiconError::UnknownGroup { ref name, .. } if name == "fr.toml"), "{error}");
    }
}
