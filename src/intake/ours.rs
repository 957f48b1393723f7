//! Where a letter of our own begins inside somebody's text, whatever their mail program put above it, in any language.
//!
//! Three things show it: the sentences that our letters are made of (the lexicon's `own_letter`), an address with a
//! token in it, and a token alone on its line. From its beginning on everything is quoted: the codes in it were typed
//! by us. The headers and the greeting above it go with it.

use crate::domain::Reference;

use super::lexicon::{Group, Lexicon};
use super::normal::fold;

/// 26 base-32 symbols carry 128 bits.
const TOKEN_CHARS_MIN: usize = 26;
const TOKEN_CHARS_MAX: usize = 64;
/// Lines of a paragraph that may stand before the sentence by which it is known.
const PARAGRAPH_LINES: usize = 3;
/// A line that a mail program broke is at least so long.
pub(super) const BROKEN_LINE_BYTES: usize = 40;
const GREETING_BYTES_MAX: usize = 40;
const HEADER_LINES_MAX: usize = 12;
const LABEL_BYTES_MAX: usize = 30;
/// The same of another script: a folded letter of it takes three bytes or more.
const OTHER_LABEL_BYTES_MAX: usize = 100;
/// Words of a label, and signs of one in a script that parts no words.
const LABEL_WORDS_MAX: usize = 3;
const LABEL_SIGNS_MAX: usize = 6;

/// The line at which a letter of ours begins in a text that nobody marked as quoted. Takes folded lines.
pub(super) fn begins(folded: &[String], lexicon: &Lexicon) -> Option<usize> {
    let found = (0..folded.len()).find(|at| is_ours(folded, *at, lexicon))?;
    let mut start = found;
    while start > 0 && found - start < PARAGRAPH_LINES && folded[start - 1].len() >= BROKEN_LINE_BYTES {
        start -= 1;
    }
    let mut above = skip_empty(folded, start);
    if above > 0 && folded[above - 1].len() <= GREETING_BYTES_MAX && lexicon.starts(Group::Greeting, &folded[above - 1])
    {
        start = above - 1;
        above = skip_empty(folded, start);
    }
    for _ in 0..HEADER_LINES_MAX {
        if above == 0 || !(is_header_line(&folded[above - 1], lexicon) || is_introduction(&folded[above - 1])) {
            break;
        }
        above -= 1;
        start = above;
    }
    Some(start)
}

/// Whether a letter is one of ours that nobody added a word to: a forwarder may have dropped all else that shows it.
pub(super) fn is_whole(subject: &str, text: &str, lexicon: &Lexicon) -> bool {
    is_subject(subject) && {
        let folded: Vec<String> = text.lines().map(fold).skip_while(String::is_empty).collect();
        begins(&folded, lexicon) == Some(0)
    }
}

/// Subjects of ours end with the reference in brackets.
fn is_subject(subject: &str) -> bool {
    let last = subject.trim_end().strip_suffix(']').and_then(|rest| rest.rsplit_once('['));
    last.is_some_and(|(_, reference)| reference.parse::<Reference>().is_ok())
}

/// The lines above this one, without the empty ones right above it.
fn skip_empty(folded: &[String], start: usize) -> usize {
    folded[..start].iter().rposition(|line| !line.is_empty()).map_or(0, |last| last + 1)
}

fn is_ours(folded: &[String], at: usize, lexicon: &Lexicon) -> bool {
    let line = folded[at].as_str();
    if line.is_empty() || line.starts_with('>') {
        return false;
    }
    if has_token(line) || lexicon.has(Group::OwnLetter, line) {
        return true;
    }
    // A mail program may have broken the sentence.
    let Some(next) = folded.get(at + 1).filter(|next| !next.is_empty() && line.len() >= BROKEN_LINE_BYTES) else {
        return false;
    };
    lexicon.has(Group::OwnLetter, &format!("{line} {next}")) && !lexicon.has(Group::OwnLetter, next)
}

/// A token alone on the line, or behind the plus sign of an address.
fn has_token(line: &str) -> bool {
    let fits = |word: &str| {
        (TOKEN_CHARS_MIN..=TOKEN_CHARS_MAX).contains(&word.len()) && word.bytes().all(|b| b.is_ascii_alphanumeric())
    };
    let alone = line.trim_matches(|c: char| !c.is_alphanumeric());
    let plus = line.split('+').skip(1).filter_map(|rest| rest.split_once('@')).map(|(detail, _)| detail);
    (fits(alone) && alone.bytes().any(|b| b.is_ascii_digit())) || plus.into_iter().any(fits)
}

/// "Word: value", as mail programs write the headers of a letter above it. A code is never a header.
pub(super) fn is_header_line(folded: &str, lexicon: &Lexicon) -> bool {
    let line = folded.trim_start_matches(['*', '_', ' ']);
    let Some((label, value)) = line.split_once(':') else { return false };
    let (other, _) = folded.split_once(':').unwrap_or_default();
    let label = label.trim_end_matches(['*', '_', ' ']);
    let is_label = !label.is_empty()
        && label.len() <= LABEL_BYTES_MAX
        && label.split(' ').count() <= LABEL_WORDS_MAX
        && label.chars().all(|c| c.is_alphabetic() || matches!(c, ' ' | '-' | '.'));
    (is_label || is_label_of_other_script(other.trim_matches(['*', ' '])))
        && !value.trim_matches(['*', '_', ' ']).is_empty()
        && !value.starts_with("//")
        && !lexicon.starts(Group::CodeCue, line)
}

/// The same of letters or signs that are folded into a writing of their own: `_6e_6i`, `__0kuh`.
fn is_label_of_other_script(label: &str) -> bool {
    let is_word = |word: &str| word.starts_with('_') && word.bytes().all(|b| b == b'_' || b.is_ascii_alphanumeric());
    let is_sign = |word: &str| word.starts_with("__");
    let words = label.split(' ').count();
    let words_max = if label.split(' ').all(is_sign) { LABEL_SIGNS_MAX } else { LABEL_WORDS_MAX };
    label.len() <= OTHER_LABEL_BYTES_MAX
        && words <= words_max
        && label.split(' ').all(is_word)
        && label.contains(|c: char| c != '_' && c != ' ')
}

/// "Op maandag 2 maart schreef Shop <a@shop.example>:", or a line of signs.
fn is_introduction(folded: &str) -> bool {
    let signs = folded.len() >= 3 && folded.chars().all(|c| !c.is_alphanumeric());
    let named = folded.ends_with(':') && folded.bytes().any(|b| b == b'@' || b.is_ascii_digit());
    signs || named || (folded.starts_with("--") && folded.ends_with("--"))
}
