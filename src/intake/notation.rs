//! The notation of the lexicon files: how a phrase is written, and the slips of spelling that are forgiven.
//!
//! It is explained for those who write it in `config/lexicon/README.md`.

use std::collections::HashMap;
use std::fmt::Write as _;

use regex::{Regex, RegexBuilder};
use serde::Deserialize;
use unicode_normalization::UnicodeNormalization as _;

use super::normal::fold;
use super::script::Script;

/// Bytes that the lazy automaton of one pattern may take.
const DFA_BYTES_MAX: usize = 64 << 20;
/// Bytes that one compiled pattern may take.
const PATTERN_BYTES_MAX: usize = 64 << 20;
/// Letters from which on a slip inside a word is forgiven.
const FORGIVEN_CHARS_MIN: usize = 6;

/// Words of which slips are forgiven.
#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub(super) struct Misspelled {
    /// Words whose inner slips are forgiven.
    pub words: Vec<String>,
    /// Real words that look like such a slip.
    pub real: Vec<String>,
}

/// A pattern with room for its automaton.
pub(super) fn compiled(source: &str) -> Result<Regex, regex::Error> {
    RegexBuilder::new(source).dfa_size_limit(DFA_BYTES_MAX).size_limit(PATTERN_BYTES_MAX).build()
}

/// Phrases with their patterns, the longest first, because alternation takes the first that fits.
pub(super) fn in_order(phrases: &[String]) -> Vec<(String, String)> {
    let mut patterns: Vec<(String, String)> =
        phrases.iter().map(|phrase| (phrase.clone(), pattern(phrase))).collect();
    patterns.sort_by_key(|(_, pattern)| std::cmp::Reverse(pattern.len()));
    patterns
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
pub(super) fn letter(c: char) -> String {
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
pub(super) fn forgive(misspelled: &Misspelled) -> HashMap<String, String> {
    let mut into = HashMap::new();
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
    into
}

/// The pieces of a phrase between its signs, folded: its words, as far as they are written out.
pub(super) fn words_of(phrase: &str) -> impl Iterator<Item = String> {
    let pieces = phrase.split(|c: char| !c.is_alphanumeric());
    pieces.filter(|piece| piece.chars().count() >= FORGIVEN_CHARS_MIN - 1).map(fold)
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
}
