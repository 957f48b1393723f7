//! The words that requests are recognised by, read from TOML and compiled once.
//!
//! A language is a file of *groups* (verbs of erasing, objects, negations, …); a group is a list of phrases. How groups
//! combine is decided in `judge`, so that a native speaker can mend words without Rust and nobody writes a pattern
//! that spans a sentence. One [`regex::RegexSet`] pass tells which groups occur in a text at all; only those are
//! located. Patterns are ASCII with ASCII word boundaries (text and phrases are folded alike, and letters of other
//! scripts are written in ASCII by `script`), and hold no counted gap over Unicode, which would cost two orders of
//! magnitude in speed.
//!
//! # How to add a language
//! One file, `config/lexicon/<code>.toml`, and one line in `tongue`. `config/lexicon/README.md` explains the notation and
//! which groups to begin with. A file may leave out groups, until it has figures under `[measured]`: then it must have all of
//! them, be they empty. What a language finds goes to a person as long as its `[measured]` does not tell of at least
//! [`MEASURED_LETTERS_MIN`] letters that ask for an erasure.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;

use regex::{Regex, RegexBuilder, RegexSet, RegexSetBuilder};
use serde::Deserialize;
use sha2::{Digest as _, Sha256};
use unicode_normalization::UnicodeNormalization as _;

pub(super) use super::groups::Group;
use super::normal::fold;
use super::script::Script;
use super::tongue::{MEASURED_LETTERS_MIN, Tongue};

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
    /// A group that every language with figures must have.
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

#[derive(Deserialize, Default)]
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
    language: Tongue,
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
    /// The languages with figures.
    measured: BTreeMap<Tongue, Measured>,
}

impl Lexicon {
    /// The lexicon that the binary carries.
    pub fn embedded() -> Result<Self, LexiconError> {
        Self::compile(Tongue::ALL.iter().map(|tongue| (*tongue, tongue.lexicon())))
    }

    pub(super) fn compile<'t>(texts: impl Iterator<Item = (Tongue, &'t str)>) -> Result<Self, LexiconError> {
        let mut sources: Vec<(Tongue, Topic, String)> = Vec::new();
        let mut forgiven = HashMap::new();
        let mut measured = BTreeMap::new();
        for (language, text) in texts {
            let name = format!("{language}.toml");
            let raw: RawLexicon =
                toml::from_str(text).map_err(|e| LexiconError::Toml { name: name.clone(), source: Box::new(e) })?;
            check_groups(&name, &raw)?;
            forgive(&raw.misspelled, &mut forgiven);
            measured.extend(raw.measured.map(|figures| (language, figures)));
            for group in Group::ALL {
                if let Some(phrases) = raw.groups.get(group.as_str()).filter(|phrases| !phrases.is_empty()) {
                    sources.push((language, Topic::Group(*group), alternation(phrases)));
                }
            }
            for (category, phrases) in raw.specific.iter().filter(|(_, phrases)| !phrases.is_empty()) {
                sources.push((language, Topic::Specific(category.clone()), alternation(phrases)));
            }
        }
        Ok(Self { measured, ..Self::assemble(sources, forgiven)? })
    }

    /// How each language did on labelled letters, where that was measured.
    pub fn measured(&self) -> impl Iterator<Item = (Tongue, Measured)> {
        self.measured.iter().map(|(tongue, figures)| (*tongue, *figures))
    }

    /// Whether what is found in this language opens a request by itself; otherwise a person looks.
    pub(super) fn opens(&self, tongue: Tongue) -> bool {
        self.measured.get(&tongue).is_some_and(|figures| figures.erasure_letters >= MEASURED_LETTERS_MIN)
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
        sources: Vec<(Tongue, Topic, String)>,
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
        Ok(Self { patterns, set, union, forgiven, measured: BTreeMap::new() })
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
    pub(super) fn languages_of(&self, phrase: &str) -> Vec<Tongue> {
        let mut languages = Vec::new();
        self.locate(phrase, |language, _, range| languages.extend((range == (0..phrase.len())).then_some(language)));
        languages
    }

    /// Calls back with language, topic and byte range of every phrase in a folded text.
    pub(super) fn locate(&self, folded: &str, mut found: impl FnMut(Tongue, &Topic, std::ops::Range<usize>)) {
        for index in self.set.matches(folded) {
            let pattern = &self.patterns[index];
            for hit in pattern.regex.find_iter(folded) {
                found(pattern.language, &pattern.topic, hit.range());
            }
        }
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
    const WORD: &str = r#"[-a-z0-9'"@_/]+"#;
    let bounded = |c: char| c.is_alphanumeric();
    let holds = |script: Script| phrase.chars().any(|c| Script::of(c) == script);
    // Where every sign is a word, more of them make four words.
    let gap = if holds(Script::Ideograph) { 10 } else { 4 };
    let ending = if holds(Script::Alphabet) { "[a-z0-9_]*" } else { "[a-z0-9]*" };
    let mut out = String::from(if phrase.starts_with(|c| bounded(c) || c == '(') { r"(?-u:\b)" } else { "" });
    for (at, piece) in phrase.split(" … ").enumerate() {
        if at > 0 {
            let _ = write!(out, "(?: {WORD}){{0,{gap}}} ");
        }
        let mut signs = piece.chars().peekable();
        while let Some(c) = signs.next() {
            let sign = match c {
                '*' => ending.to_owned(),
                '…' => format!("{WORD}(?: {WORD}){{0,{}}}", gap - 1),
                '(' => "(?:".to_owned(),
                ')' | '|' | '?' | ' ' => c.to_string(),
                other => letter(other),
            };
            let is_one = sign.len() == 1 || sign.starts_with(['(', '[']) || signs.peek() != Some(&'?');
            let _ = if is_one { write!(out, "{sign}") } else { write!(out, "(?:{sign})") };
        }
    }
    if phrase.ends_with(|c| bounded(c) || matches!(c, '*' | ')' | '?')) {
        out.push_str(r"(?-u:\b)");
    }
    out
}

/// One sign of a phrase: as it is folded, and as people write it who have no key for it.
fn letter(c: char) -> String {
    match c {
        'ä' => "ae?".to_owned(),
        'ö' | 'ø' => "oe?".to_owned(),
        'ü' => "ue?".to_owned(),
        'å' => "aa?".to_owned(),
        other => {
            let folded = regex::escape(&fold(&other.to_string()));
            // Every such sign is a word of its own in a folded text.
            if Script::of(other) == Script::Ideograph { folded + " ?" } else { folded }
        }
    }
}

/// Every word with one letter dropped, doubled or changed with its neighbour, its first and last letter untouched.
fn forgive(misspelled: &Misspelled, into: &mut HashMap<String, String>) {
    let known: Vec<String> = misspelled.words.iter().chain(&misspelled.real).map(|word| fold(word)).collect();
    for word in &misspelled.words {
        let letters: Vec<char> = word.nfc().flat_map(char::to_lowercase).collect();
        if letters.len() < FORGIVEN_CHARS_MIN {
            continue;
        }
        for at in 1..letters.len() - 1 {
            let mut dropped = letters.clone();
            dropped.remove(at);
            let mut doubled = letters.clone();
            doubled.insert(at, letters[at]);
            let mut swapped = letters.clone();
            swapped.swap(at, at + 1);
            for slip in [dropped, doubled, swapped] {
                let slip = fold(&slip.into_iter().collect::<String>());
                if !known.contains(&slip) {
                    into.entry(slip).or_insert_with(|| fold(word));
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
        assert!(regex("slet* … konto").is_match("slette min konto") && regex("på").is_match("paa"));
        assert!(regex("søge").is_match("soege") && regex("ну?жно").is_match(&fold("нжно")));
        let cyrillic = regex("(удал|стер)* … (аккаунт|профиль)а?");
        assert!(cyrillic.is_match(&fold("Удалите мой аккаунт!")) && cyrillic.is_match(&fold("стереть профиль")));
        assert!(!cyrillic.is_match(&fold("подудалите аккаунт")) && !regex("on").is_match(&fold("он")));
        let chinese = regex("(删除|注销)我们?的 … 账户");
        assert!(chinese.is_match(&fold("请删除我的账户。")) && chinese.is_match(&fold("注销我们的所有账户")));
        assert!(!chinese.is_match(&fold("删除我的数据")));
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
        let text = "[groups]\nnonsense = []\n";
        let error = Lexicon::compile([(Tongue::Fr, text)].into_iter()).err().unwrap();
        assert!(matches!(error, LexiconError::UnknownGroup { ref name, .. } if name == "fr.toml"), "{error}");
    }

    #[test]
    fn a_language_opens_by_itself_once_it_was_measured() {
        let lexicon = |measured: &str| {
            let text = format!("[groups]\nerase_verb = [\"efface*\"]\n{measured}");
            Lexicon::compile([(Tongue::Fr, text.as_str())].into_iter())
        };
        assert!(!lexicon("").unwrap().opens(Tongue::Fr));
        let error = lexicon("[measured]\nerasure_letters = 40\nopened = 39\nreviewed = 1").err().unwrap();
        assert!(matches!(error, LexiconError::MissingGroup { .. }), "{error}");
    }
}
