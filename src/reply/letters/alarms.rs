//! Alarms: letters to the team. They hold no personal data; who wants to know more looks the reference up.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::domain::{LetterKind, Reference, Timestamp};

/// To the team: something waits for review. The reason holds no personal data.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AlarmReview {
    /// Which request.
    pub reference: Reference,
    /// Why a person is needed.
    pub reason: String,
    /// Since when.
    pub waiting_since: Timestamp,
    /// When the answer is due.
    pub due_on: Date,
}

/// To the team: a step failed for good, or waits for a store that is away. The reason holds no personal data.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AlarmStepFailed {
    /// Which request.
    pub reference: Reference,
    /// The store's name.
    pub store: String,
    /// The table, bucket or endpoint.
    pub table: String,
    /// Why.
    pub reason: String,
    /// It is tried again by itself until the store is back.
    pub waits: bool,
}

/// To the team: a letter of ours bounced.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AlarmBounced {
    /// Which request.
    pub reference: Reference,
    /// Which letter.
    pub letter: LetterKind,
}

/// To the team: a request is due in seven days.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AlarmDueSoon {
    /// Which request.
    pub reference: Reference,
    /// The state that it is in.
    pub state: String,
    /// When the answer is due.
    pub due_on: Date,
}

/// To the team: the mailbox was not polled for too long.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AlarmMailbox {
    /// The mailbox's name in the configuration.
    pub mailbox: String,
    /// The last successful poll.
    pub since: Timestamp,
}
