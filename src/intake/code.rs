//! A phrase as it lies in the tables: what `notation` made of it, piece behind piece.
//!
//! First a byte of signs, one of the words of its gaps and one of the number of its needles; these; then its rows. Whatever may be longer than a byte has its length
//! before it, in two bytes, the lesser first: each row, each way of a sign, and all of them together.

/// A word begins where the phrase begins.
pub(super) const STARTS: u8 = 1;
/// A word ends where it ends.
pub(super) const ENDS: u8 = 2;
/// Its endings are of any script.
pub(super) const ANY_SCRIPT: u8 = 4;

/// Bytes of a needle.
pub(super) const NEEDLE: usize = 4;

/// Kinds of pieces, as their first byte says.
pub(super) mod kind {
    /// Signs that stand for themselves.
    pub const TEXT: u8 = 0;
    /// One sign, in its ways.
    pub const SIGN: u8 = 1;
    /// Choices, each a row.
    pub const CHOICE: u8 = 2;
    /// A piece that may be missing.
    pub const MAYBE: u8 = 3;
    /// The ending of a word.
    pub const ENDING: u8 = 4;
    /// Words that may stand between two others, each behind a space.
    pub const GAP: u8 = 5;
    /// Some words, at least one.
    pub const WORDS: u8 = 6;
}

/// A piece of a phrase.
#[derive(Clone, Copy)]
pub(super) enum Piece<'t> {
    Text(&'t [u8]),
    Sign(Parts<'t>),
    Choice(Parts<'t>),
    /// Its code.
    Maybe(&'t [u8]),
    Ending,
    Gap,
    Words,
}

impl<'t> Piece<'t> {
    /// The first piece of a row, and the code of the others.
    pub fn first(row: &'t [u8]) -> Option<(Self, &'t [u8])> {
        let (kind, rest) = row.split_first()?;
        let plain = match *kind {
            kind::ENDING => Self::Ending,
            kind::GAP => Self::Gap,
            kind::WORDS => Self::Words,
            kind => {
                let (inner, rest) = sized(rest)?;
                let piece = match kind {
                    kind::TEXT => Self::Text(inner),
                    kind::SIGN => Self::Sign(Parts(inner)),
                    kind::CHOICE => Self::Choice(Parts(inner)),
                    kind::MAYBE => Self::Maybe(inner),
                    _ => return None,
                };
                return Some((piece, rest));
            }
        };
        Some((plain, rest))
    }
}

/// Bytes that have their length before them, and what follows.
fn sized(code: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = code.split_first_chunk::<2>()?;
    rest.split_at_checked(u16::from_le_bytes(*length).into())
}

/// Pieces of code that each have their length before them.
#[derive(Clone, Copy)]
pub(super) struct Parts<'t>(&'t [u8]);

impl<'t> Iterator for Parts<'t> {
    type Item = &'t [u8];

    fn next(&mut self) -> Option<&'t [u8]> {
        let (first, rest) = sized(self.0)?;
        self.0 = rest;
        Some(first)
    }
}

/// A phrase by its code.
#[derive(Clone, Copy)]
pub(super) struct Phrase<'t> {
    pub signs: u8,
    /// Words of a gap.
    pub gap_words: usize,
    /// No text without any of them holds the phrase; where there are none, nothing is known.
    pub needles: &'t [[u8; NEEDLE]],
    pub rows: Parts<'t>,
}

impl<'t> Phrase<'t> {
    /// The phrase whose code begins here.
    pub fn of(code: &'t [u8]) -> Option<Self> {
        let ([signs, gap_words, needles], rest) = code.split_first_chunk::<3>()?;
        let (needles, rest) = rest.split_at_checked(NEEDLE * usize::from(*needles))?;
        let (rows, _) = sized(rest)?;
        let needles = needles.as_chunks().0;
        Some(Self { signs: *signs, gap_words: usize::from(*gap_words), needles, rows: Parts(rows) })
    }

    pub const fn is(&self, sign: u8) -> bool {
        self.signs & sign != 0
    }
}
