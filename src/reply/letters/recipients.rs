//! Letters to whoever holds data for us, and the alarm to the team about them.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::Common;
use crate::domain::{Part, Reference};

/// Something that a recipient finds a person by.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IdentityLine {
    /// Whose: a kind of subject.
    pub subject: String,
    /// What it is, by the data map's word.
    pub kind: String,
    /// The value.
    pub value: String,
}

/// Asks a recipient to erase, and to say when it is done (Art. 17 and 19 GDPR).
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecipientAsked {
    /// What every letter names.
    pub common: Common,
    /// Whom we write to.
    pub label: String,
    /// The categories of data that they hold of it.
    pub categories: Vec<String>,
    /// By what they find whom it is about.
    pub identities: Vec<IdentityLine>,
    /// Which of several letters about the request.
    #[serde(default)]
    pub part: Option<Part>,
    /// Printed in the body, so that a quoted reply is known.
    pub token: String,
}

/// They have not answered yet. The same facts as [`RecipientAsked`], and since when they know.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecipientReminded {
    /// What every letter names.
    pub common: Common,
    /// Whom we write to.
    pub label: String,
    /// The categories of data that they hold of it.
    pub categories: Vec<String>,
    /// By what they find whom it is about.
    pub identities: Vec<IdentityLine>,
    /// Which of several letters about the request.
    #[serde(default)]
    pub part: Option<Part>,
    /// Printed in the body.
    pub token: String,
    /// When they were asked.
    pub asked_on: Date,
}

/// A recipient that a request waits for.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecipientLine {
    /// The name of their map.
    pub store: String,
    /// How far they are: a word of the program.
    pub state: String,
    /// Why a person must look, where one must: a word of the program.
    pub need: Option<String>,
}

/// To the team: a request waits for recipients, and a person must look at one of them.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AlarmRecipient {
    /// Which request.
    pub reference: Reference,
    /// When the answer to the person is due.
    pub due_on: Date,
    /// All that it waits for.
    pub recipients: Vec<RecipientLine>,
}
