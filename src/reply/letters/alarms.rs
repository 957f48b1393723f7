//! Alarms: letters to the team. They hold no personal data; who wants to know more looks the reference up.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::domain::{LetterKind, Reference, State, Timestamp};

/// To the team: something waits for review. The reason holds no personal data.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AlarmReview {
    /// Which request.
    pub reference: Reference,
    /// Why a person is needed: a word of [`crate::domain::request::ReviewReason`], or `reopened`.
    pub reason: String,
    /// Since when.
    pub waiting_since: Timestamp,
    /// When the answer is due.
    pub due_on: Date,
}

/// To the team: a step failed for good, or waits for a store that is away or a legal hold. The reason holds no personal data.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AlarmStepFailed {
    /// Which request.
    pub reference: Reference,
    /// The store's name.
    pub store: String,
    /// The table, bucket or endpoint.
    pub table: String,
    /// Why: the code of the failure in the job table.
    pub reason: String,
    /// It is tried again by itself until the store is back.
    pub waits: bool,
    /// The legal holds that it waits for; empty where it waits for none, or all were lifted since.
    #[serde(default)]
    pub holds: Vec<AlarmHold>,
}

/// A legal hold that something waits for.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AlarmHold {
    /// Its id, as `expunged holds` takes it.
    pub id: String,
    /// What kind of thing it is on: a word of [`crate::verify::HeldKind`].
    pub on: String,
    /// The store or table that it is on, or that the held person is in; empty for an account and for everything.
    pub place: String,
    /// Since when.
    pub since: Timestamp,
}

/// To the team: a letter of ours did not reach its reader, or nobody knows whether it did.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AlarmBounced {
    /// Which request.
    pub reference: Reference,
    /// Which letter.
    pub letter: LetterKind,
    /// Whether it is certain that it did not arrive: refused, returned or given up, and not merely unanswered for.
    pub certain: bool,
    /// What stood in the way, where that is known: a word of the program, such as `reply_550_at_recipient`.
    pub obstacle: Option<String>,
}

/// To the team: the mail server has not taken a letter of ours for hours.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AlarmDelayed {
    /// Which request.
    pub reference: Reference,
    /// Which letter.
    pub letter: LetterKind,
    /// Since when.
    pub since: Timestamp,
    /// Until when it is tried again.
    pub until: Timestamp,
    /// What stood in the way, where that is known: a word of the program, such as `reply_535_before_letter`.
    pub obstacle: Option<String>,
}

/// To the team: a request is due in seven days.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AlarmDueSoon {
    /// Which request.
    pub reference: Reference,
    /// The state that it is in.
    pub state: State,
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

/// To the team: our own database came back from a backup, or another one stands in its place.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AlarmLedger {
    /// When that was noticed.
    pub noticed_at: Timestamp,
    /// The store whose canary is newer than what our own database knows; empty where the watermark told.
    pub store: String,
}

/// To the team: what the directory says of ended services cannot be acted on, wholly or in part.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AlarmTermination {
    /// When the directory was asked.
    pub asked_at: Timestamp,
    /// Why no request was opened: `too_many`, `share` or `query`; empty where only some accounts were left out.
    pub stopped: String,
    /// Accounts that it gave.
    pub listed: u64,
    /// Accounts in all.
    pub accounts: u64,
    /// Accounts whose time is over and that had no request yet.
    pub due: u64,
    /// Accounts without a date that can be read.
    pub undated: u64,
    /// Accounts with several dates.
    pub doubled: u64,
}

/// To the team: more letters are to be sent than the limits of one hour allow.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AlarmCapped {
    /// Since when.
    pub since: Timestamp,
    /// How many letters wait for their turn.
    pub waiting: u64,
}

/// To the team: several alarms of one kind, told together.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AlarmGathered {
    /// Which alarm.
    pub letter: LetterKind,
    /// How many of them.
    pub count: u64,
    /// The requests that they are about, the first of them; empty where they are about none.
    pub references: String,
}
