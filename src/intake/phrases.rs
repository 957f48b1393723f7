//! Finds the phrases of all languages in a folded text, in time that does not grow with their number.
//!
//! A trie of how phrases begin is walked once at every word of the text; only the patterns of which a phrase begins there
//! are tried, and only there. What is found is what each pattern would find by itself, from left to right. A pattern is
//! compiled when it is tried for the first time: most languages are never met.

use std::ops::Range;
use std::sync::OnceLock;

use aho_corasick::automaton::OverlappingState;
use aho_corasick::{AhoCorasick, Anchored, Input, StartKind};
use regex::Regex;
use regex_syntax::hir::literal::Extractor;

use super::lexicon::Topic;
use super::tongue::Tongue;

/// Beginnings of one phrase that are told apart; behind them the trie only knows a shorter one.
const BEGINNINGS_MAX: usize = 256;

type Cause = Box<dyn std::error::Error + Send + Sync>;

/// Patterns of one topic in one language.
pub(super) struct Pattern {
    pub language: Tongue,
    pub topic: Topic,
    pub source: String,
    /// Of the text from where a phrase may begin; `None` where it is too large, which a test rules out.
    here: OnceLock<Option<Regex>>,
}

impl Pattern {
    pub fn new(language: Tongue, topic: Topic, source: String) -> Self {
        Self { language, topic, source, here: OnceLock::new() }
    }

    /// The pattern at the beginning of a text.
    pub fn here(&self) -> Option<&Regex> {
        let compiled = || super::notation::compiled(&format!("^(?:{})", self.source)).ok();
        self.here.get_or_init(compiled).as_ref()
    }
}

/// Where phrases begin, and which patterns they are of.
pub(super) struct Finder {
    trie: AhoCorasick,
    /// For every beginning the patterns that have it.
    owners: Vec<Vec<usize>>,
    patterns: usize,
}

impl Finder {
    /// Of patterns by their phrases.
    ///
    /// # Errors
    /// The pattern of which a phrase is not well formed or has no beginning, and why.
    pub fn new(phrases: &[Vec<String>]) -> Result<Self, (usize, Cause)> {
        let mut beginnings: Vec<(Vec<u8>, usize)> = Vec::new();
        for (pattern, phrases) in phrases.iter().enumerate() {
            for phrase in phrases {
                let begin = begin(phrase).map_err(|cause| (pattern, cause))?;
                beginnings.extend(begin.into_iter().map(|beginning| (beginning, pattern)));
            }
        }
        beginnings.sort_unstable();
        beginnings.dedup();
        let (mut literals, mut owners): (Vec<Vec<u8>>, Vec<Vec<usize>>) = (Vec::new(), Vec::new());
        for (beginning, pattern) in beginnings {
            if literals.last() != Some(&beginning) {
                literals.push(beginning);
                owners.push(Vec::new());
            }
            if let Some(last) = owners.last_mut() {
                last.push(pattern);
            }
        }
        let trie = AhoCorasick::builder()
            .start_kind(StartKind::Anchored)
            .build(literals)
            .map_err(|cause| (0, cause.into()))?;
        Ok(Self { trie, owners, patterns: phrases.len() })
    }

    /// Every phrase in a folded text: its pattern and its bytes, in the order of the text.
    pub fn find(&self, folded: &str, patterns: &[Pattern]) -> Vec<(usize, Range<usize>)> {
        let mut found = Vec::new();
        let mut next = vec![Next::default(); self.patterns];
        for at in starts(folded) {
            let from = found.len();
            let mut state = OverlappingState::start();
            loop {
                let input = Input::new(folded).span(at..folded.len()).anchored(Anchored::Yes);
                if self.trie.try_find_overlapping(input, &mut state).is_err() {
                    break;
                }
                let Some(beginning) = state.get_match() else { break };
                for &pattern in &self.owners[beginning.pattern().as_usize()] {
                    let Next { free, tried } = next[pattern];
                    if at < free || tried == at + 1 {
                        continue;
                    }
                    next[pattern].tried = at + 1;
                    let here = patterns[pattern].here().and_then(|regex| regex.find(&folded[at..]));
                    if let Some(hit) = here.filter(|hit| !hit.is_empty()) {
                        next[pattern].free = at + hit.end();
                        found.push((pattern, at..at + hit.end()));
                    }
                }
            }
            found[from..].sort_unstable_by_key(|(pattern, _)| *pattern);
        }
        found
    }
}

/// What is known of a pattern while a text is walked.
#[derive(Clone, Copy, Default)]
struct Next {
    /// Where its last phrase ended.
    free: usize,
    /// One more than where it was tried last.
    tried: usize,
}

/// Where a phrase may begin: at words, and at signs that are of no word.
fn starts(folded: &str) -> impl Iterator<Item = usize> + '_ {
    let is_word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    let bytes = folded.as_bytes();
    (0..bytes.len()).filter(move |&at| {
        let byte = bytes[at];
        if is_word(byte) { at == 0 || !is_word(bytes[at - 1]) } else { byte != b' ' && folded.is_char_boundary(at) }
    })
}

/// The literals of which each text that a phrase finds begins with one.
fn begin(phrase: &str) -> Result<Vec<Vec<u8>>, Cause> {
    let hir = regex_syntax::parse(phrase)?;
    let mut extractor = Extractor::new();
    extractor.limit_total(BEGINNINGS_MAX);
    let begin = extractor.extract(&hir);
    let literals = begin.literals().unwrap_or_default();
    if literals.is_empty() || literals.iter().any(|literal| literal.is_empty()) {
        return Err("it has no beginning: it starts with a gap or a sign that may be missing".into());
    }
    Ok(literals.iter().map(|literal| literal.as_bytes().to_vec()).collect())
}
