//! Letters of other scripts as ASCII: `_` and two signs for an alphabet's, `__` and four for any other.
//!
//! The patterns of the lexicon are ASCII with ASCII word boundaries, because Unicode ones cost two orders of magnitude in
//! speed. So "мой" becomes one word of nine ASCII signs, and no word of it can be taken for one of a Latin language. Where
//! words are written without spaces (Chinese, Japanese), every sign becomes a word of its own.

/// The first letter of the alphabets that are written with two signs: Greek.
const ALPHABETS_FROM: u32 = 0x370;
/// The last: Arabic. Cyrillic, Armenian and Hebrew lie between.
const ALPHABETS_TO: u32 = 0x6ff;
const DIGITS: &[u8; 32] = b"0123456789abcdefghijklmnopqrstuv";

/// What kind of sign it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Script {
    /// No letter: punctuation and the like.
    None,
    /// ASCII letters and digits, and Latin letters that folding turns into them.
    Ascii,
    /// A letter of a script that parts its words by spaces.
    Alphabet,
    /// A sign of a script that does not.
    Ideograph,
}

impl Script {
    pub fn of(c: char) -> Self {
        match u32::from(c) {
            _ if c.is_ascii_alphanumeric() => Self::Ascii,
            _ if !c.is_alphanumeric() => Self::None,
            // Latin letters, with their extensions.
            ..ALPHABETS_FROM | 0x1e00..=0x1eff | 0x2c60..=0x2c7f => Self::Ascii,
            0x3005..=0x3007 | 0x3040..=0x30ff | 0x31f0..=0x31ff | 0x3400..=0x9fff | 0xf900..=0xfaff => Self::Ideograph,
            0x20000..=0x3ffff => Self::Ideograph,
            _ => Self::Alphabet,
        }
    }

    /// Whether a sign of this kind begins a word though no space stands before it.
    pub fn parts_from(self, last: Self, out: &str) -> bool {
        match (last, self) {
            (Self::None, Self::Ideograph) => out.ends_with([',', '.', ';', ':', '!', '?', ')']),
            (Self::Ideograph, Self::Ascii | Self::Alphabet | Self::Ideograph) => true,
            (Self::Ascii | Self::Alphabet, Self::Ideograph) => true,
            _ => false,
        }
    }
}

/// A letter as it stands in a folded text.
pub(super) fn push(out: &mut String, c: char) {
    // The sigma at the end of a word is the same letter.
    let code = u32::from(if c == 'ς' { 'σ' } else { c });
    let (lead, code, digits) = match code {
        ALPHABETS_FROM..=ALPHABETS_TO => ("_", code - ALPHABETS_FROM, 2),
        _ => ("__", code, 4),
    };
    out.push_str(lead);
    for place in (0..digits).rev() {
        let digit = (code >> (5 * place)) & 31;
        out.push(char::from(DIGITS[digit as usize]));
    }
}

/// Whether a folded text ends with a Greek letter.
pub(super) fn ends_greek(folded: &str) -> bool {
    let bytes = folded.as_bytes();
    let Some([b'_', high, low]) = bytes.last_chunk::<3>() else { return false };
    let digit = |byte: &u8| DIGITS.iter().position(|digit| digit == byte);
    let (Some(high), Some(low)) = (digit(high), digit(low)) else { return false };
    // Greek ends at U+03FF.
    high * 32 + low < 0x400 - ALPHABETS_FROM as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_letters_are_one() {
        let code = |c: char| {
            let mut out = String::new();
            push(&mut out, c);
            out
        };
        let letters: Vec<char> = ('\u{370}'..='\u{fffd}').filter(|c| c.is_alphanumeric() && *c != 'ς').collect();
        let codes: std::collections::HashSet<String> = letters.iter().map(|c| code(*c)).collect();
        assert_eq!(codes.len(), letters.len());
        assert!(ends_greek(&code('λ')) && !ends_greek(&code('л')));
    }
}
