//! What stands behind the beginning of a phrase, and where the phrase ends there.

/// What a beginning says of the text behind it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(super) enum Rest {
    /// Nothing follows, and the phrase ends in a sign.
    Nothing,
    /// Nothing follows, where a word ends or begins there.
    Bound,
    /// The word goes on to its end, in ASCII letters.
    Ending,
    /// The word goes on to its end, in letters of any script.
    AnyEnding,
    /// Only the pattern knows.
    Pattern,
}

impl Rest {
    /// All, by their numbers.
    pub const ALL: [Self; 5] = [Self::Nothing, Self::Bound, Self::Ending, Self::AnyEnding, Self::Pattern];

    /// Where the phrase ends whose beginning ends here in a folded text; `None` where it is not found, or only the pattern
    /// can tell.
    pub fn end(self, folded: &[u8], at: usize) -> Option<usize> {
        let letters = |of: fn(&u8) -> bool| at + folded[at..].iter().take_while(|byte| of(byte)).count();
        let end = match self {
            Self::Nothing => return Some(at),
            Self::Pattern => return None,
            Self::Bound => at,
            Self::Ending => letters(u8::is_ascii_alphanumeric),
            Self::AnyEnding => letters(|byte| is_word(*byte)),
        };
        let within = |at: Option<usize>| at.and_then(|at| folded.get(at)).is_some_and(|byte| is_word(*byte));
        (within(end.checked_sub(1)) != within(Some(end))).then_some(end)
    }
}

/// Whether a byte of a folded text is of a word.
pub(super) const fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// Whether a byte of a folded text may be of a word that stands in a gap.
pub(super) const fn is_of_gap(byte: u8) -> bool {
    byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'\'' | b'"' | b'@' | b'_' | b'/')
}
