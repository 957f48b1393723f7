//! Whether what our own MX says counts: by the name that is configured, and only with proof.

use super::{Mechanism, Reason};
use crate::domain::stored_enum;

stored_enum! {
    /// Why the results of our own MX do not count though its name is configured.
    Unproven, "reason why our MX is not trusted" {
        /// Nobody has tried whether it takes forged ones out.
        Never = "never",
        /// When it was tried last, it was not proven.
        Failed = "failed",
        /// It was proven, too long ago.
        Outdated = "outdated",
        /// The letter came before it was proven.
        Before = "before",
    }
}

impl Unproven {
    /// What a person reads of it.
    #[must_use]
    pub const fn says(self) -> &'static str {
        match self {
            Self::Never => {
                "passed over: nobody has proven yet that our MX takes out what others forge in its name ('expunged doctor mail')"
            }
            Self::Failed => {
                "passed over: 'expunged doctor mail' did not find that our MX takes out what others forge in its name"
            }
            Self::Outdated => {
                "passed over: the proof that our MX takes out forged ones is too old ('expunged doctor mail')"
            }
            Self::Before => "passed over: the letter came before our MX was proven to take out forged ones",
        }
    }

    pub(super) const fn reason(self) -> Reason {
        Reason { mechanism: Mechanism::Results, says: self.says() }
    }
}

/// Our own MX, by its authserv-id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OurMx<'a> {
    /// None is configured: no results count.
    Unnamed,
    /// One is, and what stands in its name counts as if it did not.
    Unproven(Unproven),
    /// What stands in this name is its own word.
    Trusted(&'a str),
}

impl<'a> OurMx<'a> {
    /// The MX of somebody who vouches for it with their own word; `None` for none.
    #[must_use]
    pub fn by_word_of(name: Option<&'a str>) -> Self {
        name.map_or(Self::Unnamed, Self::Trusted)
    }
}
