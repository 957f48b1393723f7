//! Whose data they are.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::nearest::edits;
use super::{Scope, UnknownWord};

/// A kind of data subject: one that letters and the directory know, or one that only the data maps name and that is reached by
/// what its rows belong to (`employee`, `applicant`).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub enum SubjectKind {
    /// A customer's account.
    Account,
    /// The one who holds it, where owners have a table of their own.
    Owner,
    /// A staff profile; the owner's as well where they have no other.
    User,
    /// A person whom the customer serves.
    EndUser,
    /// Any other.
    Named(String),
}

/// So many letters a kind's name has at most.
const NAME_MAX: usize = 40;

impl SubjectKind {
    /// Those that letters and the directory know.
    pub const KNOWN: [Self; 4] = [Self::Account, Self::Owner, Self::User, Self::EndUser];

    /// The word that it is stored and shown as.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Account => "account",
            Self::Owner => "owner",
            Self::User => "user",
            Self::EndUser => "end_user",
            Self::Named(name) => name,
        }
    }

    /// How much is asked for when all of one of them is; `None` for a kind that no letter asks for.
    #[must_use]
    pub const fn scope(&self) -> Option<Scope> {
        match self {
            Self::Account => Some(Scope::Account),
            Self::Owner | Self::User => Some(Scope::User),
            Self::EndUser => Some(Scope::EndUser),
            Self::Named(_) => None,
        }
    }
}

impl fmt::Display for SubjectKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for SubjectKind {
    type Err = UnknownWord;

    fn from_str(text: &str) -> Result<Self, UnknownWord> {
        if let Some(known) = Self::KNOWN.into_iter().find(|kind| kind.as_str() == text) {
            return Ok(known);
        }
        let is_name = text.starts_with(|c: char| c.is_ascii_lowercase())
            && text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
            && text.len() <= NAME_MAX;
        // A slip would make a kind that no letter asks for, and nobody's account would be found.
        let slip = Self::KNOWN.into_iter().find(|known| is_slip(text, known.as_str()));
        // A part of somebody's data is nobody.
        if is_name && text != Scope::Data.as_str() && slip.is_none() {
            return Ok(Self::Named(text.to_owned()));
        }
        let expected = match slip {
            Some(known) => format!("{known}, a name that is less like it"),
            None => "account, owner, user, end_user, another name in lower-case letters".to_owned(),
        };
        Err(UnknownWord { what: "kind of data subject", found: text.to_owned(), expected })
    }
}

/// Whether a word is a known one with a letter too many, too few or wrong; of a long one, with two.
fn is_slip(text: &str, known: &str) -> bool {
    edits(text, known) <= if known.len() > 6 { 2 } else { 1 }
}

impl From<SubjectKind> for String {
    fn from(kind: SubjectKind) -> Self {
        kind.as_str().to_owned()
    }
}

impl TryFrom<String> for SubjectKind {
    type Error = UnknownWord;

    fn try_from(text: String) -> Result<Self, UnknownWord> {
        text.parse()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_is_one_that_is_known_or_a_name() {
        for kind in SubjectKind::KNOWN {
            assert_eq!(kind.as_str().parse(), Ok(kind.clone()));
            assert!(kind.scope().is_some());
        }
        let employee: SubjectKind = "employee".parse().unwrap();
        assert_eq!((employee.as_str(), employee.scope()), ("employee", None));
        for name in ["buyer", "guest", "member", "applicant", "donor"] {
            assert!(name.parse::<SubjectKind>().is_ok(), "{name}");
        }
        for wrong in [
            "acount",
            "users",
            "enduser",
            "end_users",
            "",
            "data",
            "Employee",
            "end user",
            "2nd",
            "a-b",
            &"a".repeat(41),
        ] {
            assert!(wrong.parse::<SubjectKind>().is_err(), "{wrong:?}");
        }
    }
}
