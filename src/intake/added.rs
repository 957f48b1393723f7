//! What somebody wrote into a copy of a letter of ours, or below it, where no mark shows that it is theirs.
//!
//! Many mail programs repeat the letter that is answered without a sign before its lines. What stands in it that our letters do
//! not say is then its reader's, or was said by somebody in between. It opens nothing and agrees to nothing; it is only asked
//! whether it says stop.

use std::collections::HashSet;
use std::sync::LazyLock;

use super::lexicon::Lexicon;
use super::normal::fold;
use super::ours;

/// So many words in a row are those of our letters, and of nobody else by chance.
const ROW: usize = 6;
/// Words of a sentence of ours that is known as a whole.
const SHORT_MIN: usize = 2;
/// Words of a copy that are looked at; a letter of ours has some hundreds.
const WORDS_MAX: usize = 4_000;

/// The rows of words of all our letters (`build.rs` takes them out of the templates), and the sentences that are shorter: the hash of
/// each, in their order.
static OURS: LazyLock<Vec<u64>> = LazyLock::new(|| {
    let mut rows = Vec::new();
    for stretch in include_str!(concat!(env!("OUT_DIR"), "/letters.txt")).lines() {
        rows.extend(bare_words(&fold(stretch)).windows(ROW).map(row));
        for sentence in stretch.split(['.', '?', '!', ':', ';', ',']).map(fold) {
            let words = bare_words(&sentence);
            rows.extend((SHORT_MIN..ROW).contains(&words.len()).then(|| row(&words)));
        }
    }
    rows.sort_unstable();
    rows.dedup();
    rows
});

/// The hash of words in a row.
fn row(words: &[&str]) -> u64 {
    words.iter().fold(NO_WORDS, |row, word| with(row, word))
}

/// The hash of no words (FNV-1a).
const NO_WORDS: u64 = 0xcbf2_9ce4_8422_2325;

/// The hash of a row with one word more behind it.
fn with(row: u64, word: &str) -> u64 {
    let bytes = word.bytes().chain([b' ']);
    bytes.fold(row, |row, byte| (row ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3))
}

fn bare_words(folded: &str) -> Vec<&str> {
    folded.split_whitespace().map(bare).filter(|word| !word.is_empty()).collect()
}

/// A word of a copy: as it was written, folded, and whether our letters say it where it stands.
struct Word<'a> {
    written: &'a str,
    folded: String,
    line: usize,
    is_ours: bool,
}

/// What is said in a copy besides our own words: each stretch of it on one line, and by the lines on which it stands. Empty where no
/// word of the copy is ours.
pub(super) fn added(copy: &str, lexicon: &Lexicon) -> Vec<String> {
    let mut words = words(copy);
    mark_ours(&mut words);
    let Some(first) = words.iter().position(|word| word.is_ours) else { return Vec::new() };
    let begins = words[first].line;
    // What stands above it is its header, in whatever language.
    let header: HashSet<usize> = copy
        .lines()
        .enumerate()
        .take(begins)
        .filter(|(_, line)| ours::is_header_line(&fold(line), lexicon))
        .map(|(line, _)| line)
        .collect();
    let theirs: Vec<(usize, &Word<'_>)> =
        words.iter().enumerate().filter(|(_, word)| !word.is_ours && !header.contains(&word.line)).collect();
    // A stretch goes on over the end of a line, and ends at an empty one.
    let stretches = theirs.chunk_by(|(a, above), (b, below)| a + 1 == *b && below.line <= above.line + 1);
    let lines = theirs.chunk_by(|(a, above), (b, below)| a + 1 == *b && below.line == above.line);
    let mut said: Vec<String> = stretches
        .chain(lines)
        .map(|part| part.iter().map(|(_, word)| word.written).collect::<Vec<_>>().join(" "))
        .collect();
    said.sort_unstable();
    said.dedup();
    said
}

fn words(copy: &str) -> Vec<Word<'_>> {
    let lines = copy.lines().enumerate();
    let written = lines.flat_map(|(line, text)| text.split_whitespace().map(move |written| (line, written)));
    let words = written.filter(|(_, written)| !is_link(written)).take(WORDS_MAX).map(|(line, written)| {
        let folded = fold(written);
        Word { written, folded: bare(folded.trim()).to_owned(), line, is_ours: false }
    });
    words.filter(|word| !word.folded.is_empty()).collect()
}

/// Marks the rows of words that our letters have, and their short sentences.
fn mark_ours(words: &mut [Word<'_>]) {
    for at in 0..words.len() {
        let (mut row, mut longest) = (NO_WORDS, 0);
        for (length, word) in (1..=ROW).zip(&words[at..]) {
            row = with(row, &word.folded);
            if length >= SHORT_MIN && OURS.binary_search(&row).is_ok() {
                longest = length;
            }
        }
        words[at..at + longest].iter_mut().for_each(|word| word.is_ours = true);
    }
}

fn bare(word: &str) -> &str {
    word.trim_matches(|c: char| !c.is_alphanumeric())
}

/// Whether a word is an address of the web, in brackets or without: nobody says the words of which it is made ("shop.no").
fn is_link(word: &str) -> bool {
    let start = word.trim_start_matches(|c: char| !c.is_alphanumeric());
    let begins = |with: &str| start.get(..with.len()).is_some_and(|start| start.eq_ignore_ascii_case(with));
    begins("https://") || begins("http://")
}

#[cfg(test)]
mod tests;
