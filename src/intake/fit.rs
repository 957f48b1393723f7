//! Whether a phrase goes on at a place of a folded text as it has to, and where it ends there.
//!
//! It tries what the phrase's pattern would, in the same order, and so ends where that would; but nothing has to be compiled
//! for it. How the phrase begins is known by then, and a gap is of few words, so that little is tried in vain.

use std::cell::RefCell;
use std::ops::Range;

use super::code::{ANY_SCRIPT, ENDS, Left, Piece};
use super::rest::{is_of_gap, is_word};

/// What is left of a phrase, held against a text.
struct Fit<'a> {
    left: &'a Left<'a>,
    folded: &'a [u8],
    /// The bytes of words that stand in gaps, the last first.
    loose: RefCell<Vec<Range<usize>>>,
}

/// What of a text a phrase is.
pub(super) struct Fitted {
    /// Where it ends.
    pub end: usize,
    /// The bytes of its words that the phrase does not say, for they stand in gaps.
    pub loose: Vec<Range<usize>>,
}

/// What has to stand behind a piece: the rest of its row, and what follows on that.
#[derive(Clone, Copy)]
struct Next<'a> {
    row: &'a [u8],
    then: Option<&'a Self>,
}

impl Next<'_> {
    fn is_behind_space(&self) -> bool {
        matches!(Piece::first(self.row), Some((Piece::Text(text), _)) if text.starts_with(b" "))
    }
}

/// The phrase of which this is left behind its beginning, which ends at this place of a folded text.
pub(super) fn fitted(left: &Left<'_>, folded: &[u8], at: usize) -> Option<Fitted> {
    let fit = Fit { left, folded, loose: RefCell::default() };
    let end = fit.rest(Some(&Next { row: left.row, then: None }), at)?;
    Some(Fitted { end, loose: fit.loose.into_inner() })
}

impl Fit<'_> {
    /// Where it ends, if the rest of it stands here.
    fn rest(&self, next: Option<&Next<'_>>, at: usize) -> Option<usize> {
        let Some(Next { row, then }) = next else { return self.last(at) };
        let Some((piece, row)) = Piece::first(row) else { return self.rest(*then, at) };
        let after = Next { row, then: *then };
        match piece {
            Piece::Text(text) => self.rest(Some(&after), self.behind(text, at)?),
            Piece::Sign(mut ways) => ways.find_map(|way| self.rest(Some(&after), self.behind(way, at)?)),
            Piece::Choice(mut rows) => rows.find_map(|row| self.rest(Some(&Next { row, then: Some(&after) }), at)),
            Piece::Maybe(piece) => {
                let there = Next { row: piece, then: Some(&after) };
                self.rest(Some(&there), at).or_else(|| self.rest(Some(&after), at))
            }
            Piece::Ending => {
                let letter = |byte: u8| {
                    byte.is_ascii_lowercase() || byte.is_ascii_digit() || self.left.is(ANY_SCRIPT) && byte == b'_'
                };
                (at..=self.run(at, letter)).rev().find_map(|end| self.rest(Some(&after), end))
            }
            Piece::Gap => self.gap(self.left.gap_words, &after, at),
            Piece::Words => self.word(self.left.gap_words - 1, &after, at),
        }
    }

    /// At most so many words, each behind a space, and then the rest.
    fn gap(&self, words: usize, after: &Next<'_>, at: usize) -> Option<usize> {
        let more = (words > 0 && self.folded.get(at) == Some(&b' ')).then(|| self.word(words - 1, after, at + 1));
        more.flatten().or_else(|| self.rest(Some(after), at))
    }

    /// A word, at most so many more, and then the rest.
    fn word(&self, more: usize, after: &Next<'_>, at: usize) -> Option<usize> {
        let end = self.run(at, is_of_gap);
        // A space is of no word: where one has to follow, only the end of this one is worth a try.
        let from = if after.is_behind_space() { end.max(at + 1) } else { at + 1 };
        // Only what leads to the end of the phrase is noted.
        let note = |end: usize| self.loose.borrow_mut().push(at..end);
        (from..=end).rev().find_map(|end| self.gap(more, after, end).inspect(|_| note(end)))
    }

    fn behind(&self, text: &[u8], at: usize) -> Option<usize> {
        let here = self.folded.get(at..at + text.len())?;
        // Most differ in their first sign.
        here.iter().zip(text).all(|(one, other)| one == other).then_some(at + text.len())
    }

    /// Where signs of a kind end.
    fn run(&self, at: usize, of: impl Fn(u8) -> bool) -> usize {
        at + self.folded[at..].iter().take_while(|byte| of(**byte)).count()
    }

    /// The end, where the phrase may end here.
    fn last(&self, at: usize) -> Option<usize> {
        let within = |at: Option<usize>| at.and_then(|at| self.folded.get(at)).is_some_and(|byte| is_word(*byte));
        (!self.left.is(ENDS) || within(at.checked_sub(1)) != within(Some(at))).then_some(at)
    }
}
