//! The languages that letters are understood in. Which of them we also write in is [`crate::domain::Language`]'s matter.
//!
//! # How to add a language
//! 1. Its lexicon: `config/lexicon/<code>.toml`, where the code is ISO 639-1. `config/lexicon/README.md` says how, and needs no Rust.
//! 2. One line in the table below. That is all: the file is compiled in, the language is judged and answered in the
//!    language of `[service] language`, until letters in it exist.
//!
//! What is found in a new language goes to a person, until its lexicon says under `[measured]` how it did on at least
//! [`MEASURED_LETTERS_MIN`] letters that ask for an erasure.

use crate::domain::stored_enum;

/// Letters asking for an erasure that a language must have been measured on, before it opens requests by itself.
pub(super) const MEASURED_LETTERS_MIN: u32 = 20;

/// Declares the languages with their lexicons, and the code by which a guess at the language of a whole text knows them.
macro_rules! tongues {
    ($($(#[$doc:meta])* $variant:ident = $code:literal $iso3:literal),+ $(,)?) => {
        stored_enum! {
            /// A language that letters are understood in. Its word is its ISO 639-1 code.
            Tongue, "language of a letter" { $($(#[$doc])* $variant = $code),+ }
        }

        impl Tongue {
            /// The language of an ISO 639-3 code, which is what guesses at the language of a whole text answer.
            pub(super) fn from_iso3(code: &str) -> Option<Self> {
                match code {
                    $($iso3 => Some(Self::$variant),)+
                    _ => None,
                }
            }
        }
    };
}

tongues! {
    /// English.
    En = "en" "eng",
    /// German.
    De = "de" "deu",
    /// French.
    Fr = "fr" "fra",
    /// Spanish.
    Es = "es" "spa",
    /// Italian.
    It = "it" "ita",
    /// Portuguese, of Portugal and of Brazil.
    Pt = "pt" "por",
    /// Dutch.
    Nl = "nl" "nld",
    /// Polish.
    Pl = "pl" "pol",
    /// Swedish.
    Sv = "sv" "swe",
    /// Danish.
    Da = "da" "dan",
    /// Norwegian, as most write it (Bokmål), with what Nynorsk writes otherwise.
    Nb = "nb" "nob",
    /// Finnish.
    Fi = "fi" "fin",
    /// Icelandic.
    Is = "is" "isl",
    /// Catalan.
    Ca = "ca" "cat",
    /// Estonian.
    Et = "et" "est",
    /// Latvian.
    Lv = "lv" "lav",
    /// Lithuanian.
    Lt = "lt" "lit",
    /// Irish.
    Ga = "ga" "gle",
    /// Maltese.
    Mt = "mt" "mlt",
    /// Czech.
    Cs = "cs" "ces",
    /// Slovak.
    Sk = "sk" "slk",
    /// Hungarian.
    Hu = "hu" "hun",
    /// Romanian.
    Ro = "ro" "ron",
    /// Bulgarian.
    Bg = "bg" "bul",
    /// Greek.
    El = "el" "ell",
    /// Croatian.
    Hr = "hr" "hrv",
    /// Slovenian.
    Sl = "sl" "slv",
    /// Ukrainian.
    Uk = "uk" "ukr",
    /// Turkish.
    Tr = "tr" "tur",
    /// Russian.
    Ru = "ru" "rus",
    /// Serbian, in both alphabets.
    Sr = "sr" "srp",
    /// Arabic.
    Ar = "ar" "ara",
    /// Japanese.
    Ja = "ja" "jpn",
    /// Chinese, simplified and traditional.
    Zh = "zh" "cmn",
}

/// Whether a text may be in a language that knows so many of its words, beside the one that knows most of them: it knows at
/// least half as many.
pub(super) const fn plausible(words: usize, best: usize) -> bool {
    words > 0 && words * 2 >= best
}

/// Some of the languages.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub(super) struct Tongues(u64);

impl Tongues {
    /// How many there may be.
    #[cfg(test)]
    pub const MAX: usize = 64;
    /// All of them.
    pub const ALL: Self = Self(u64::MAX);
    /// None of them.
    pub const NONE: Self = Self(0);

    const fn of(tongue: Tongue) -> Self {
        Self(1 << tongue as u32)
    }

    /// As two numbers, the lesser half first.
    #[allow(dead_code, reason = "the build asks it, and the library does not")]
    pub const fn halves(self) -> [u32; 2] {
        [self.0 as u32, (self.0 >> u32::BITS) as u32]
    }

    /// Of two such numbers.
    pub const fn of_halves([low, high]: [u32; 2]) -> Self {
        Self(low as u64 | (high as u64) << u32::BITS)
    }

    pub const fn insert(&mut self, tongue: Tongue) {
        self.0 |= Self::of(tongue).0;
    }

    pub const fn contains(self, tongue: Tongue) -> bool {
        self.0 & Self::of(tongue).0 != 0
    }

    /// Whether the language of this number is among them.
    pub const fn contains_number(self, number: u32) -> bool {
        self.0 >> number & 1 != 0
    }

    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// By their places in [`Tongue::ALL`].
    #[cfg(test)]
    pub fn of_numbers(numbers: impl Iterator<Item = usize>) -> Self {
        Self(numbers.fold(0, |all, number| all | 1 << number))
    }

    /// Their places in [`Tongue::ALL`].
    pub fn numbers(self) -> impl Iterator<Item = usize> {
        let mut left = self.0;
        std::iter::from_fn(move || {
            let number = left.trailing_zeros();
            left &= left.wrapping_sub(1);
            (number < u64::BITS).then_some(number as usize)
        })
    }
}

impl std::ops::BitOr for Tongues {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl std::ops::BitOrAssign for Tongues {
    fn bitor_assign(&mut self, other: Self) {
        self.0 |= other.0;
    }
}

impl std::ops::BitAnd for Tongues {
    type Output = Self;

    fn bitand(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }
}

impl std::ops::BitXor for Tongues {
    type Output = Self;

    fn bitxor(self, other: Self) -> Self {
        Self(self.0 ^ other.0)
    }
}

impl std::ops::Not for Tongues {
    type Output = Self;

    fn not(self) -> Self {
        Self(!self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Language;

    #[test]
    fn every_language_has_its_place() {
        assert!(Tongue::ALL.len() <= Tongues::MAX);
        let mut some = Tongues::default();
        assert!(some == Tongues::NONE && some.is_empty() && some.numbers().next().is_none());
        for (at, tongue) in Tongue::ALL.iter().enumerate().step_by(2) {
            some.insert(*tongue);
            assert!(some.contains(*tongue) && some.numbers().last() == Some(at));
        }
        assert_eq!(Tongues::of_numbers(some.numbers()), some);
        assert!(!some.contains(Tongue::ALL[1]));
    }

    #[test]
    fn half_of_the_best_is_plausible() {
        for (words, best, is_one) in
            [(3, 6, true), (3, 5, true), (3, 7, false), (1, 1, true), (1, 0, true), (0, 0, false)]
        {
            assert_eq!(plausible(words, best), is_one, "{words} of {best}");
        }
    }

    #[test]
    fn what_we_write_in_we_understand() {
        for language in Language::ALL {
            assert!(language.as_str().parse::<Tongue>().is_ok(), "{language} has letters and no lexicon");
        }
    }
}
