//! The notation of the lexicon files: how a phrase is written, and the slips of spelling that are forgiven.
//!
//! It is explained for those who write it in `config/lexicon/README.md`.

use std::cell::RefCell;
use std::collections::HashMap;

use serde::Deserialize;
use unicode_normalization::UnicodeNormalization as _;

use super::super::normal::fold;
use super::super::script::Script;

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

/// A phrase, taken apart.
pub(super) struct Phrase {
    /// As it is written.
    pub text: String,
    /// Its choices, each a row of pieces.
    pub rows: Vec<Vec<Piece>>,
    /// Whether a word begins where it begins.
    pub starts: bool,
    /// Whether a word ends where it ends.
    pub ends: bool,
    /// Whether endings are of any script.
    pub any_script: bool,
    /// Words of a gap: where every sign is a word, more of them make four words.
    pub gap_words: usize,
}

/// A piece of a phrase.
pub(super) enum Piece {
    /// Signs that stand for themselves.
    Text(String),
    /// One sign, in the ways in which it is written, the preferred first.
    Sign(Vec<String>),
    /// Choices, each a row of pieces.
    Choice(Vec<Vec<Piece>>),
    /// What may be missing.
    Maybe(Box<Piece>),
    /// The ending of a word.
    Ending,
    /// Words that may stand between two others, each behind a space.
    Gap,
    /// Some words, at least one.
    Words,
}

/// A phrase that is not of the notation.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("“{phrase}” has a bracket without its other one, or a ? behind nothing")]
pub(super) struct NotAPhrase {
    phrase: String,
}

/// Takes a phrase apart.
pub(super) fn parse(phrase: &str) -> Result<Phrase, NotAPhrase> {
    let signs: Vec<char> = phrase.replace(" … ", "\u{0} ").chars().collect();
    let bounded = |c: char| c.is_alphanumeric();
    let holds = |script: Script| !phrase.is_ascii() && phrase.chars().any(|c| Script::of(c) == script);
    match rows(&signs, 0) {
        Some((rows, end)) if end == signs.len() => Ok(Phrase {
            text: phrase.to_owned(),
            rows,
            starts: phrase.starts_with(|c| bounded(c) || c == '('),
            ends: phrase.ends_with(|c| bounded(c) || matches!(c, '*' | ')' | '?')),
            any_script: holds(Script::Alphabet),
            gap_words: if holds(Script::Ideograph) { 10 } else { 4 },
        }),
        _ => Err(NotAPhrase { phrase: phrase.to_owned() }),
    }
}

/// Rows of pieces parted by "|", up to a bracket that closes them or the end; and where that stands.
fn rows(signs: &[char], mut at: usize) -> Option<(Vec<Vec<Piece>>, usize)> {
    let (mut found, mut row) = (Vec::new(), Vec::new());
    while let Some(&sign) = signs.get(at).filter(|sign| **sign != ')') {
        at += 1;
        let piece = match sign {
            '|' => {
                found.push(std::mem::take(&mut row));
                continue;
            }
            '(' => {
                let (inner, end) = rows(signs, at)?;
                signs.get(end)?;
                at = end + 1;
                Piece::Choice(inner)
            }
            '?' => return None,
            '*' => Piece::Ending,
            '\u{0}' => Piece::Gap,
            '…' => Piece::Words,
            plain if is_plain(plain) => {
                let mut text = String::from(plain);
                // The sign before a "?" is a piece of its own.
                let goes_on =
                    |at: usize| signs.get(at).is_some_and(|next| is_plain(*next)) && signs.get(at + 1) != Some(&'?');
                while goes_on(at) {
                    text.push(signs[at]);
                    at += 1;
                }
                Piece::Text(text)
            }
            other => Piece::Sign(ways(other)),
        };
        let may_be_missing = signs.get(at) == Some(&'?');
        at += usize::from(may_be_missing);
        row.push(if may_be_missing { Piece::Maybe(Box::new(piece)) } else { piece });
    }
    found.push(row);
    Some((found, at))
}

/// Whether a sign stands for itself.
const fn is_plain(sign: char) -> bool {
    sign.is_ascii_lowercase() || sign.is_ascii_digit() || sign == ' '
}

/// How one sign of a phrase is written: as it is folded, and as people write it who have no key for it. Of two ways the
/// longer comes first, and goes on where the other ends.
fn ways(c: char) -> Vec<String> {
    thread_local! {
        /// Folding one sign costs more than the rest of making a lexicon ready.
        static KNOWN: RefCell<HashMap<char, Vec<String>>> = RefCell::new(HashMap::new());
    }
    let of = |c: char| match c {
        'ä' => vec!["ae".to_owned(), "a".to_owned()],
        'ö' | 'ø' => vec!["oe".to_owned(), "o".to_owned()],
        'ü' => vec!["ue".to_owned(), "u".to_owned()],
        'å' => vec!["aa".to_owned(), "a".to_owned()],
        other => {
            let folded = fold(&other.to_string());
            // Every such sign is a word of its own in a folded text.
            let before_a_space = (Script::of(other) == Script::Ideograph).then(|| format!("{folded} "));
            before_a_space.into_iter().chain([folded]).collect()
        }
    };
    KNOWN.with_borrow_mut(|known| known.entry(c).or_insert_with(|| of(c)).clone())
}

/// Phrases, the longest first, because the first that fits is taken.
///
/// # Errors
/// A phrase that is not of the notation.
pub(super) fn in_order(phrases: &[String]) -> Result<Vec<Phrase>, NotAPhrase> {
    let with_length = |phrase: &String| -> Result<_, NotAPhrase> {
        let phrase = parse(phrase)?;
        Ok((phrase.text.chars().count(), phrase))
    };
    let mut found: Vec<(usize, Phrase)> = phrases.iter().map(with_length).collect::<Result<_, _>>()?;
    found.sort_by_key(|(length, _)| std::cmp::Reverse(*length));
    Ok(found.into_iter().map(|(_, phrase)| phrase).collect())
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
    use regex::Regex;

    use super::super::pattern::pattern;
    use super::*;

    #[test]
    fn notation() {
        let regex = |phrase: &str| Regex::new(&pattern(&parse(phrase).unwrap())).unwrap();
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
    fn what_is_not_of_the_notation_is_refused() {
        for phrase in ["delete (my", "delete my)", "(a|(b)", "?a", "(?a)", "a|?", "a??"] {
            assert_eq!(parse(phrase).err(), Some(NotAPhrase { phrase: phrase.to_owned() }), "{phrase}");
        }
    }
}
