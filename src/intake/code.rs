//! What is left of a phrase behind its beginning, as it lies in the tables: what `notation` made of it, piece behind piece.
//!
//! First a byte of signs, one of the words of its gaps and one of the number of its needles; the signs that may come next and next but
//! one, of four bytes each; the needles; then its pieces. Whatever may be longer than a byte has its length before it, in two bytes, the
//! lesser first: each row, each way of a sign, and all of them together.

/// It goes on past no sign that a gap does not take in.
pub(super) const PLAIN: u8 = 1;
/// A word ends where it ends.
pub(super) const ENDS: u8 = 2;
/// Its endings are of any script.
pub(super) const ANY_SCRIPT: u8 = 4;

/// Signs that stand side by side; of three alone the last byte is 0.
pub(super) type Needle = [u8; NEEDLE];
pub(super) const NEEDLE: usize = 4;

/// Whether a needle is of three signs.
#[allow(dead_code, reason = "the build asks it, and the library does not")]
pub(super) const fn is_short(needle: Needle) -> bool {
    needle[NEEDLE - 1] == 0
}

/// Some signs: a bit for each, which others share.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Heads(u32);

impl Heads {
    /// Any sign, and the end of the text.
    pub const ANY: Self = Self(u32::MAX);

    #[allow(dead_code, reason = "the build asks it, and the library does not")]
    pub const fn of(sign: u8) -> Self {
        Self(1 << (sign & 31))
    }

    #[allow(dead_code, reason = "the build asks it, and the library does not")]
    pub const fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    #[allow(dead_code, reason = "the build asks it, and the library does not")]
    pub const fn to_bytes(self) -> [u8; 4] {
        self.0.to_le_bytes()
    }

    /// Whether the sign at a place of a text may be one of them.
    pub fn admit(self, text: &[u8], at: usize) -> bool {
        self == Self::ANY || text.get(at).is_some_and(|sign| self.0 >> (sign & 31) & 1 != 0)
    }
}

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

/// What is left of a phrase, by its code.
#[derive(Clone, Copy)]
pub(super) struct Left<'t> {
    pub signs: u8,
    /// Words of a gap.
    pub gap_words: usize,
    /// No text without any of them holds the phrase; where there are none, nothing is known.
    /// What its first two signs may be.
    pub heads: [Heads; 2],
    pub needles: &'t [Needle],
    pub row: &'t [u8],
}

impl<'t> Left<'t> {
    /// What is left whose code begins here.
    pub fn of(code: &'t [u8]) -> Option<Self> {
        let ([signs, gap_words, needles], rest) = code.split_first_chunk::<3>()?;
        let (heads, rest) = rest.split_first_chunk::<8>()?;
        let heads = heads.as_chunks::<4>().0;
        let heads = [Heads(u32::from_le_bytes(heads[0])), Heads(u32::from_le_bytes(heads[1]))];
        let (needles, rest) = rest.split_at_checked(NEEDLE * usize::from(*needles))?;
        let (row, _) = sized(rest)?;
        let needles = needles.as_chunks().0;
        Some(Self { signs: *signs, gap_words: usize::from(*gap_words), heads, needles, row })
    }

    /// Whether its first signs may be those at this place of a folded text.
    pub fn may_begin(&self, folded: &[u8], at: usize) -> bool {
        self.heads[0].admit(folded, at) && self.heads[1].admit(folded, at + 1)
    }

    pub const fn is(&self, sign: u8) -> bool {
        self.signs & sign != 0
    }
}
