//! The lexicon files made into the tables that the program carries (see `tables`). The build script does it, and the tests do
//! it again and compare.
//!
//! `notation` reads phrases, `beginnings` and `index` make a trie of how they begin, and `code` in the room above is what is
//! left of those that have to be held against a text.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde::Deserialize;
use sha2::{Digest as _, Sha256};
use unicode_normalization::UnicodeNormalization as _;

use super::groups::Group;
use super::lists::List;
use super::normal::fold;
use super::tables::{Section, key};
use super::tongue::Tongue;
use crate::domain::UnknownWord;

mod beginnings;
mod heads;
mod index;
mod needles;
mod notation;
#[cfg(test)]
mod pattern;
mod written;

use index::Index;
use notation::{Misspelled, Phrase, forgive, in_order, words_of};
use written::{Texts, Written};

/// What is wrong with a lexicon.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LexiconError {
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
    /// A list that nothing reads.
    #[error("lexicon {name}: [words] {list} is no list; expected one of {expected}")]
    UnknownList {
        /// The file's name.
        name: String,
        /// The key that was found.
        list: String,
        /// The keys that are known.
        expected: String,
    },
    /// A list that every language with figures must have.
    #[error("lexicon {name}: [words] {list} is missing (it may be an empty list)")]
    MissingList {
        /// The file's name.
        name: String,
        /// The key that is missing.
        list: &'static str,
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
    /// Lists of single words.
    #[serde(default)]
    words: BTreeMap<String, Vec<String>>,
    #[serde(default)]
    misspelled: Misspelled,
    #[serde(default)]
    measured: Option<Measured>,
}

/// How a language did on letters that were labelled by hand.
#[derive(Deserialize, Clone, Copy)]
#[serde(deny_unknown_fields)]
struct Measured {
    /// Letters that ask for an erasure.
    erasure_letters: u32,
    /// How many of them open a request by themselves.
    opened: u32,
    /// How many of them go to a person.
    reviewed: u32,
}

/// What the phrases of a pattern belong to.
#[derive(Clone, PartialEq, Eq, Debug)]
enum Of {
    Group(Group),
    /// Named data of this data-map category.
    Category(String),
}

impl Of {
    fn name(&self) -> &str {
        match self {
            Self::Group(group) => group.as_str(),
            Self::Category(category) => category,
        }
    }
}

/// The phrases of one topic in one language.
pub(super) struct Pattern {
    language: Tongue,
    of: Of,
    /// In the order in which they are tried.
    phrases: Vec<Phrase>,
}

/// The tables of some lexicons: of all languages, where the program carries them.
///
/// # Errors
/// A file that is no lexicon.
pub(crate) fn compile<'t>(files: impl Iterator<Item = (Tongue, &'t str)>) -> Result<Vec<u8>, LexiconError> {
    Ok(Gathered::of(files)?.written()?.into_bytes())
}

/// What the files say.
struct Gathered {
    digest: [u8; 32],
    patterns: Vec<Pattern>,
    /// A misspelled word → the word that was meant.
    forgiven: BTreeMap<String, String>,
    measured: BTreeMap<Tongue, Measured>,
    /// By the number of the list and its language: a folded word, and whether words begin so.
    lists: BTreeMap<u32, BTreeSet<(String, bool)>>,
}

impl Gathered {
    fn of<'t>(files: impl Iterator<Item = (Tongue, &'t str)>) -> Result<Self, LexiconError> {
        let mut patterns: Vec<Pattern> = Vec::new();
        let mut forgiven: HashMap<String, (Tongue, String)> = HashMap::new();
        let mut measured = BTreeMap::new();
        let mut lists: BTreeMap<u32, BTreeSet<(String, bool)>> = BTreeMap::new();
        let mut words: Vec<(Tongue, String)> = Vec::new();
        let mut hasher = Sha256::new();
        for (language, text) in files {
            hasher.update(format!("{language} {}\n", text.len()));
            hasher.update(text);
            let name = format!("{language}.toml");
            let raw: RawLexicon =
                toml::from_str(text).map_err(|e| LexiconError::Toml { name: name.clone(), source: Box::new(e) })?;
            check_groups(&name, &raw)?;
            for (list, listed) in listed(&name, &raw)? {
                lists.entry(key(list, language)).or_default().extend(listed.iter().flat_map(|word| spelled(word)));
            }
            for (slip, meant) in forgive(&raw.misspelled) {
                forgiven.entry(slip).or_insert((language, meant));
            }
            let phrases = raw.groups.values().chain(raw.specific.values()).flatten();
            words.extend(phrases.flat_map(|phrase| words_of(phrase)).map(|word| (language, word)));
            measured.extend(raw.measured.map(|figures| (language, figures)));
            let grouped =
                Group::ALL.iter().filter_map(|group| Some((Of::Group(*group), raw.groups.get(group.as_str())?)));
            let named = raw.specific.iter().map(|(category, phrases)| (Of::Category(category.clone()), phrases));
            for (of, phrases) in grouped.chain(named).filter(|(_, phrases)| !phrases.is_empty()) {
                let phrases = in_order(phrases).map_err(|cause| malformed(language, &of, cause))?;
                patterns.push(Pattern { language, of, phrases });
            }
        }
        Ok(Self {
            digest: hasher.finalize().into(),
            patterns,
            forgiven: unambiguous(forgiven, &words),
            measured,
            lists,
        })
    }

    fn written(&self) -> Result<Written, LexiconError> {
        let mut out = Written::default();
        let mut texts = Texts::default();
        out.bytes(Section::Digest, &self.digest);
        let categories: BTreeSet<&str> =
            self.patterns.iter().filter(|pattern| matches!(pattern.of, Of::Category(_))).map(|p| p.of.name()).collect();
        for category in &categories {
            out.numbers(Section::Categories, &texts.place(category));
        }
        for Pattern { language, of, .. } in &self.patterns {
            let topic = match of {
                Of::Group(group) => *group as usize,
                Of::Category(_) => {
                    Group::ALL.len() + categories.iter().take_while(|known| **known != of.name()).count()
                }
            };
            out.numbers(Section::Patterns, &[*language as u32, topic as u32]);
        }
        for (language, figures) in &self.measured {
            let Measured { erasure_letters, opened, reviewed } = *figures;
            out.numbers(Section::Measured, &[*language as u32, erasure_letters, opened, reviewed]);
        }
        out.slips(&self.forgiven, &mut texts);
        for (key, words) in &self.lists {
            for (word, begins) in words {
                let [start, end] = texts.place(word);
                out.numbers(Section::Words, &[*key, start, end, u32::from(*begins)]);
            }
        }
        out.bytes(Section::Texts, texts.all.as_bytes());
        let index = Index::of(&self.patterns).map_err(|cause| self.of_phrase(cause.pattern(), cause))?;
        index.write(&mut out);
        Ok(out)
    }

    fn of_phrase(&self, pattern: usize, cause: impl std::error::Error + Send + Sync + 'static) -> LexiconError {
        let Pattern { language, of, .. } = &self.patterns[pattern];
        malformed(*language, of, cause)
    }
}

fn malformed(language: Tongue, of: &Of, cause: impl std::error::Error + Send + Sync + 'static) -> LexiconError {
    LexiconError::Phrase { name: format!("{language}.toml"), group: of.name().to_owned(), source: cause.into() }
}

/// The slips that are no word of another language: "profiel" is Dutch, and no English "profile".
fn unambiguous(mut slips: HashMap<String, (Tongue, String)>, words: &[(Tongue, String)]) -> BTreeMap<String, String> {
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

/// The lists of a file.
fn listed<'r>(name: &str, raw: &'r RawLexicon) -> Result<Vec<(List, &'r Vec<String>)>, LexiconError> {
    let mut lists = Vec::new();
    for (key, words) in &raw.words {
        let unknown = |unknown: UnknownWord| {
            let (name, list) = (name.to_owned(), key.clone());
            LexiconError::UnknownList { name, list, expected: unknown.expected }
        };
        lists.push((key.parse::<List>().map_err(unknown)?, words));
    }
    let missing = List::ALL.iter().filter(|_| raw.measured.is_some());
    match missing.into_iter().find(|list| !raw.words.contains_key(list.as_str())) {
        Some(list) => Err(LexiconError::MissingList { name: name.to_owned(), list: list.as_str() }),
        None => Ok(lists),
    }
}

/// A word of a list as it is looked up, in the ways in which people write its letters, and whether words begin so: "bestätig*".
fn spelled(word: &str) -> [(String, bool); 2] {
    let (word, begins) = word.strip_suffix('*').map_or((word, false), |stem| (stem, true));
    let parted = |sign: char| match sign {
        'ä' | 'æ' => "ae".to_owned(),
        'ö' | 'ø' => "oe".to_owned(),
        'ü' => "ue".to_owned(),
        'å' => "aa".to_owned(),
        other => other.to_string(),
    };
    let apart: String = word.nfc().map(parted).collect();
    [(fold(word), begins), (fold(&apart), begins)]
}

#[cfg(test)]
mod tests;
