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
            /// Its lexicon as it was compiled in.
            pub(super) const fn lexicon(self) -> &'static str {
                match self {
                    $(Self::$variant => include_str!(concat!("../../config/lexicon/", $code, ".toml"))),+
                }
            }

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
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Language;

    #[test]
    fn what_we_write_in_we_understand() {
        for language in Language::ALL {
            assert!(language.as_str().parse::<Tongue>().is_ok(), "{language} has letters and no lexicon");
        }
    }
}
