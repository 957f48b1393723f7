//! The second contract: places that we do not erase from ourselves. Somebody else is asked to, and we wait for their answer.
//!
//! How to add a kind of recipient:
//! 1. A folder beside `http/` and `mail/` with a `mod.rs` that implements [`RequestStore`].
//! 2. A word in [`RecipientKind`] (and in the CHECK of `recipients.kind`), a way in `erase/map/recipient.rs`, by which its map
//!    is read, and an arm in `flow/ask.rs`, where it is opened.
//! 3. A caller of the suite in `tests/recipients`, with a partner who answers in its way.

use std::fmt;

use async_trait::async_trait;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

pub use crate::domain::{Part, RecipientKind};
use crate::domain::{Reference, Retry, Scope, SubjectKind, Timestamp, stored_enum};

stored_enum! {
    /// How far a recipient is, in their own words (those of OpenDSR).
    Progress, "state of a request" {
        /// They have it, and have not begun.
        Pending = "pending",
        /// They are at work.
        InProgress = "in_progress",
        /// They say that it is done.
        Completed = "completed",
        /// They will not do it.
        Refused = "refused",
    }
}

/// Something that a recipient finds a person by. Personal data: never printed.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Identity {
    /// Whose: an account, a user or an end-user.
    pub subject: SubjectKind,
    /// What it is, by its name in the data map (`email`, `phone`), or `key`.
    pub kind: String,
    /// The value.
    pub value: String,
}

/// What one recipient is asked. Personal data stand in it, so that it does not print.
#[derive(Clone, Serialize, Deserialize)]
pub struct Order {
    /// The same for every attempt at the same request and recipient, and for nothing else.
    pub key: String,
    /// What people quote.
    pub reference: Reference,
    /// When the person asked.
    pub received_at: Timestamp,
    /// When the law wants the answer to the person.
    pub due_on: Date,
    /// How much is erased.
    pub scope: Scope,
    /// The categories of data that they hold of it, by the map's words.
    pub categories: Vec<String>,
    /// By what they find whom it is about.
    pub identities: Vec<Identity>,
    /// Which part of all that they are asked about this person; `None` where one order holds it.
    #[serde(default)]
    pub part: Option<Part>,
}

impl fmt::Debug for Order {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Order({}, {} identities)", self.reference, self.identities.len())
    }
}

/// Why a recipient could not be asked. No text carries personal data, or a word that came from outside.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AskError {
    /// Nobody answers there now.
    #[error("the recipient does not answer: {0}")]
    Away(&'static str),
    /// They answer with a status that is no answer to what was asked.
    #[error("the recipient answers with HTTP status {0}")]
    Status(u16),
    /// Their answer says nothing that we know.
    #[error("the recipient's answer cannot be read: {0}")]
    Unreadable(&'static str),
    /// The address is not one that we write to.
    #[error(
        "the recipient's host stands for {0}, an address of our own networks; list it under allow in the map if that is meant"
    )]
    Inside(std::net::IpAddr),
    /// The map says something that cannot be used.
    #[error("the recipient's map cannot be used: {0}")]
    Settings(&'static str),
    /// Our outbox did not take the letter.
    #[error("our own outbox")]
    Outbox(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl AskError {
    /// Whether the same question may go through later without anybody doing anything.
    #[must_use]
    pub const fn retry(&self) -> Retry {
        match self {
            Self::Away(_) | Self::Outbox(_) => Retry::Transient,
            Self::Status(status) if *status >= 500 || matches!(*status, 408 | 425 | 429) => Retry::Transient,
            Self::Status(_) | Self::Unreadable(_) | Self::Inside(_) | Self::Settings(_) => Retry::Permanent,
        }
    }

    /// A fixed word for the job table and the log.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Away(_) => "recipient_away",
            Self::Status(_) => "recipient_status",
            Self::Unreadable(_) => "recipient_unreadable",
            Self::Inside(_) => "recipient_inside",
            Self::Settings(_) => "recipient_settings",
            Self::Outbox(_) => "outbox",
        }
    }
}

/// Somebody else who is asked to erase.
///
/// MUST: hand over an order so that asking twice with one key is asking once; say `Completed` only where the recipient said so,
/// in words or a state that mean nothing else, and never because they took the order; tell a refusal as [`Progress::Refused`]
/// and what it does not understand as an error; answer within its limits of time and bytes; give the identities of the order to
/// the recipient and to nobody else, and never print them. SHOULD: tell an error that passes by itself from one that does not.
///
/// Callers have recorded that they ask before they do, and ask again after a kill.
#[async_trait]
pub trait RequestStore: Send + Sync {
    /// Hands the order over; answers how far they are.
    async fn ask(&self, order: &Order, now: Timestamp) -> Result<Progress, AskError>;

    /// How far they are with an order that was handed over. Who answers by themselves is not asked.
    async fn look(&self, order: &Order, now: Timestamp) -> Result<Progress, AskError>;

    /// Reminds them of an order that was handed over. Who is asked again and again needs no reminder.
    async fn remind(&self, order: &Order, now: Timestamp) -> Result<(), AskError>;
}
