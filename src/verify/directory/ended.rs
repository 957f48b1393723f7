//! What a directory says of accounts whose service has ended. Nobody else makes an [`Ended`].

use std::fmt;

use crate::domain::Timestamp;

/// An account whose service has ended, as the directory says.
#[derive(Clone, PartialEq, Eq)]
pub struct Ended {
    account: String,
    ended_at: Option<Timestamp>,
}

impl Ended {
    pub(in crate::verify) const fn new(account: String, ended_at: Option<Timestamp>) -> Self {
        Self { account, ended_at }
    }

    /// The account's id, byte-exact.
    #[must_use]
    pub fn account(&self) -> &str {
        &self.account
    }

    /// When its service ended; `None` where the directory gives no date that can be read.
    #[must_use]
    pub const fn ended_at(&self) -> Option<Timestamp> {
        self.ended_at
    }
}

impl fmt::Debug for Ended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Ended(…)")
    }
}
