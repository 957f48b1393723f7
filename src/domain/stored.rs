//! Enums that are stored as words: one list per enum, read back strictly.

/// A word in the database or the config that is none of those we know. It is an error wherever it is met, never a default.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{found:?} is no {what}; expected one of {expected}")]
pub struct UnknownWord {
    /// What kind of word was expected, for example `scope`.
    pub what: &'static str,
    /// The word that was found.
    pub found: String,
    /// The words that are known, separated by commas.
    pub expected: String,
}

/// Declares an enum with the word that each variant is stored as, `as_str`, `FromStr`, `Display`, `ALL` and serde.
macro_rules! stored_enum {
    ($(#[$doc:meta])* $name:ident, $what:literal { $($(#[$vdoc:meta])* $variant:ident = $word:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, serde::Serialize, serde::Deserialize)]
        pub enum $name { $($(#[$vdoc])* #[serde(rename = $word)] $variant),+ }

        impl $name {
            /// Every variant, in the order of declaration.
            #[allow(dead_code, reason = "not every enum is walked through; a lint per enum would only move the choice")]
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The word that it is stored and shown as.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl std::str::FromStr for $name {
            type Err = $crate::domain::UnknownWord;
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                match text {
                    $($word => Ok(Self::$variant),)+
                    other => Err($crate::domain::UnknownWord {
                        what: $what,
                        found: other.to_owned(),
                        expected: [$($word),+].join(", "),
                    }),
                }
            }
        }
    };
}

pub(crate) use stored_enum;
