//! The letters: one plain struct per letter with the facts that it tells, and what they render to.
//!
//! A letter never looks anything up and never computes a date; whoever fills it knows. The structs serialise, so that
//! an outbox can seal them, and have no Debug: they hold names, codes and tokens. In the templates a value is always
//! text: control characters are taken out, template syntax in it means nothing, HTML is escaped.

use std::fmt;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::ReplyError;
use super::templates::Templates;
use crate::domain::{Language, LetterKind, Reference, Scope};

mod alarms;
mod check;
mod recipients;
#[cfg(test)]
pub(crate) mod samples;
#[cfg(test)]
mod tests;

pub use alarms::{
    AlarmBounced, AlarmCapped, AlarmDelayed, AlarmDueSoon, AlarmGathered, AlarmHold, AlarmLedger, AlarmMailbox,
    AlarmReview, AlarmStepFailed, AlarmTermination,
};
pub use recipients::{AlarmRecipient, IdentityLine, RecipientAsked, RecipientLine, RecipientReminded};

/// What every letter to a customer names.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Common {
    /// The reference that people quote.
    pub reference: Reference,
    /// The service that writes, as customers know it.
    pub service_name: String,
    /// Where questions go.
    pub support_address: String,
    /// The day on which the request reached the mailbox.
    pub received_on: Date,
    /// The day by which the law wants the answer (Art. 12(3) GDPR).
    pub due_on: Date,
    /// Whether that day may still move: the law knows an extension, which was not used and can still be told in time.
    pub extendable: bool,
}

/// One way to understand a request, with the code that confirms it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Choice {
    /// How much would be erased.
    pub scope: Scope,
    /// The six-character code.
    pub code: String,
    /// Whom an owner or user named, in the directory's words; `None` when the asker means themself.
    pub subject_label: Option<String>,
    /// The categories of data for [`Scope::Data`]; empty otherwise.
    pub categories: Vec<String>,
}

/// Acknowledges a request and asks for its confirmation.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Challenge {
    /// What every letter names.
    pub common: Common,
    /// One choice, or two: the named data or the whole account.
    pub choices: Vec<Choice>,
    /// Whether only the code confirms; otherwise a clear yes is enough. Two choices always need the code.
    pub code_required: bool,
    /// Without an answer the request ends on this day.
    pub expires_on: Date,
    /// Printed in the body, so that a quoted reply proves possession of the mailbox.
    pub token: String,
    /// Days between confirmation and erasure in which it can be stopped.
    pub grace_days: u32,
    /// The page on which it can be answered too; `None` where there are no pages.
    #[serde(default)]
    pub link: Option<String>,
}

/// An answer was not clear, or its code was not the right one: asks for the code.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CodeAsked {
    /// What every letter names.
    pub common: Common,
    /// One choice, or two.
    pub choices: Vec<Choice>,
    /// Printed in the body.
    pub token: String,
    /// Without an answer the request ends on this day.
    pub expires_on: Date,
    /// After a wrong code: how often one may still be wrong or right before a person looks.
    pub tries_left: Option<u32>,
    /// The page on which it can be answered too; `None` where there are no pages.
    #[serde(default)]
    pub link: Option<String>,
}

/// Nobody answered the challenge yet, or not as it takes. The facts of [`Challenge`], and whether there was an answer.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reminder {
    /// What every letter names.
    pub common: Common,
    /// One choice, or two.
    pub choices: Vec<Choice>,
    /// Whether only the code confirms.
    pub code_required: bool,
    /// Without an answer the request ends on this day.
    pub expires_on: Date,
    /// Printed in the body.
    pub token: String,
    /// Days between confirmation and erasure in which it can be stopped.
    pub grace_days: u32,
    /// Whether an answer came that did not have the code.
    pub answered: bool,
    /// The page on which it can be answered too; `None` where there are no pages.
    #[serde(default)]
    pub link: Option<String>,
}

/// Confirmed: erased on this date, and how to stop it as long as that is possible.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scheduled {
    /// What every letter names.
    pub common: Common,
    /// How much is erased.
    pub scope: Scope,
    /// Whose data; `None` when the asker means themself.
    pub subject_label: Option<String>,
    /// The categories of data for [`Scope::Data`]; empty otherwise.
    pub categories: Vec<String>,
    /// The day on which erasing begins.
    pub erase_on: Date,
    /// Printed in the body, so that "stop" in a reply counts; `None` where there is no grace period to stop it in.
    pub token: Option<String>,
    /// The page on which it can be answered too; `None` where there are no pages.
    #[serde(default)]
    pub link: Option<String>,
}

/// Tells the owner that the data of their account are erased because its service ended: when, and how to stop it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServiceEnded {
    /// What every letter names.
    pub common: Common,
    /// The day on which the service ended, as the directory says.
    pub ended_on: Date,
    /// The day on which erasing begins.
    pub erase_on: Date,
    /// How much is erased.
    pub scope: Scope,
    /// The article by which data go that are needed no more.
    pub article: String,
}

/// Asks the owner to approve what a user asked for.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApprovalAsked {
    /// What every letter names.
    pub common: Common,
    /// How much would be erased.
    pub scope: Scope,
    /// Whose data; `None` when the asker means themself.
    pub subject_label: Option<String>,
    /// The categories of data for [`Scope::Data`]; empty otherwise.
    pub categories: Vec<String>,
    /// Who asks: by name and address, as the directory has them.
    pub asked_by_label: String,
    /// Whether only the code approves; otherwise a clear yes is enough.
    pub code_required: bool,
    /// The six-character code.
    pub code: String,
    /// Printed in the body.
    pub token: String,
    /// Without an answer a person looks at it from this day on.
    pub expires_on: Date,
    /// Days between approval and erasure in which it can be stopped.
    pub grace_days: u32,
    /// The page on which it can be answered too; `None` where there are no pages.
    #[serde(default)]
    pub link: Option<String>,
}

/// Tells the owner, who is the controller, that an end-user asks (Art. 28(3)(e) GDPR).
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Forwarded {
    /// What every letter names.
    pub common: Common,
    /// The end-user who asks: by name and address, as the directory has them.
    pub subject_label: String,
    /// How much they ask to erase.
    pub scope: Scope,
    /// The categories of data for [`Scope::Data`]; empty otherwise.
    pub categories: Vec<String>,
    /// The article by which a processor passes a request on.
    pub article: String,
}

/// Tells the end-user that the owner of the account, who decides, was told (Art. 28(3)(e) GDPR).
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PassedOn {
    /// What every letter names.
    pub common: Common,
    /// The article by which a processor passes a request on.
    pub article: String,
}

/// Tells the owner what somebody else confirmed, and how to call it off as long as that is possible.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SecondNotice {
    /// What every letter names.
    pub common: Common,
    /// How much is erased.
    pub scope: Scope,
    /// Whose data; `None` when the asker means themself.
    pub subject_label: Option<String>,
    /// The categories, for [`Scope::Data`]: the owner has not seen the request that names them.
    pub categories: Vec<String>,
    /// Who asked, in the directory's words.
    pub asked_by_label: String,
    /// The day on which erasing begins.
    pub erase_on: Date,
    /// Whether there is a grace period in which a "stop" calls it off.
    pub can_stop: bool,
}

/// A person looks at it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InReview {
    /// What every letter names.
    pub common: Common,
}

/// Somebody may have asked to stop, or without proof: paused, and asks what is meant.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OnHold {
    /// What every letter names.
    pub common: Common,
    /// Whether nobody asked for it: the end of a service opened it.
    #[serde(default)]
    pub unasked: bool,
    /// Printed in the body; `None` where nobody asked, so that no question has one.
    pub token: Option<String>,
}

/// A person of the team paused it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Paused {
    /// What every letter names.
    pub common: Common,
}

/// The category of records that hold none of the person's data by themselves. No category of a data map is called so.
pub const OTHER_RECORDS: &str = "other records";

/// What became of one category of data, in records. Records that stay are `anonymised` only when nobody can be told from
/// them; otherwise the category was `removed` from them.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutcomeLine {
    /// The category's word; one that the language has no name for is shown as it is written.
    pub category: String,
    /// Records erased.
    pub erased: u64,
    /// Records that stay without this category, and may still tell whose they are.
    #[serde(default)]
    pub removed: u64,
    /// Records that stay without this category, and in which nothing tells whose they were.
    pub anonymised: u64,
    /// Records that stay with a code in the place of this category.
    #[serde(default)]
    pub pseudonymised: u64,
    /// Records kept; then `ground` and `until` are needed.
    pub kept: u64,
    /// Why records are kept.
    pub ground: Option<String>,
    /// Until when records are kept.
    pub until: Option<Date>,
    /// Nothing of this category was held.
    pub not_found: bool,
}

/// When the copies in the backups of one store expire.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BackupLine {
    /// The store, in words for people.
    pub store_label: String,
    /// Where it stands.
    pub location: String,
    /// The day on which the last copy expires.
    pub expires_on: Date,
}

/// Done, with the outcome per category.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Completed {
    /// What every letter names.
    pub common: Common,
    /// Whether nobody asked for it: the end of a service opened it.
    #[serde(default)]
    pub unasked: bool,
    /// How much was asked for.
    pub scope: Scope,
    /// Whose data; `None` when the asker means themself.
    pub subject_label: Option<String>,
    /// The categories of data for [`Scope::Data`]; empty otherwise.
    pub categories: Vec<String>,
    /// Per category of data.
    pub outcome: Vec<OutcomeLine>,
    /// Records that stay because they are not the person's, and that no longer point to them.
    pub detached: u64,
    /// The stores that have backups.
    pub backups: Vec<BackupLine>,
    /// Who else held data, was told, and says that they erased them (Art. 19 GDPR).
    pub recipients: Vec<String>,
    /// Who else was asked to, and refuses.
    #[serde(default)]
    pub refused: Vec<String>,
    /// Who else was asked to, and has not confirmed it.
    #[serde(default)]
    pub unconfirmed: Vec<String>,
    /// Whether we write once more when what is kept is erased, and keep the address for that.
    #[serde(default)]
    pub told_at_end: bool,
    /// The day on which the last step was done and read back.
    pub finished_on: Date,
    /// The article by which data may be kept; needed where something is kept, which is a refusal in part.
    pub article: String,
    /// Where to complain; needed where something is kept.
    pub supervisory_authority: String,
    /// Which court, or how to find it; needed where something is kept.
    pub court_remedy: String,
}

/// A ground on which records were kept, and the day on which their time was over.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EndedLine {
    /// Why they were kept.
    pub ground: String,
    /// The last day of the one that was kept longest; `None` where none of them was there any more.
    pub ended_on: Option<Date>,
}

/// What became of one category of data that is kept no longer, in records; see [`OutcomeLine`].
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GoneLine {
    /// The category's word.
    pub category: String,
    /// Records erased.
    pub erased: u64,
    /// Records that stay without this category, and may still tell whose they are.
    pub removed: u64,
    /// Records that stay without this category, and in which nothing tells whose they were.
    pub anonymised: u64,
    /// Records that stay with a code in the place of this category.
    pub pseudonymised: u64,
}

impl From<OutcomeLine> for GoneLine {
    fn from(line: OutcomeLine) -> Self {
        let OutcomeLine { category, erased, removed, anonymised, pseudonymised, .. } = line;
        Self { category, erased, removed, anonymised, pseudonymised }
    }
}

/// A ground on which records are kept still.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StayingLine {
    /// Why.
    pub ground: String,
    /// Until when; `None` where that is not read yet.
    pub until: Option<Date>,
}

/// What was kept on a ground is erased, its time being over.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptErased {
    /// What every letter names, of the request that was completed when the records were kept.
    pub common: Common,
    /// The grounds on which nothing is kept any more.
    pub grounds: Vec<EndedLine>,
    /// What became of the last of the records, per category of data.
    pub outcome: Vec<GoneLine>,
    /// Whether others were erased before, each when its own time was over.
    pub earlier: bool,
    /// What is kept still, on other grounds.
    pub staying: Vec<StayingLine>,
    /// The stores that have backups.
    pub backups: Vec<BackupLine>,
    /// The day on which the last step was done and read back.
    pub finished_on: Date,
}

/// We hold nothing.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NothingHeld {
    /// What every letter names.
    pub common: Common,
    /// The stores that were searched, in words for people.
    pub searched: Vec<String>,
}

/// Refused, with ground, authority and court (Art. 12(4), 17(3) GDPR).
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refused {
    /// What every letter names.
    pub common: Common,
    /// Why, in words for people.
    pub ground: String,
    /// The article that permits it.
    pub article: String,
    /// The data that stay: categories, or a scope in words.
    pub data_concerned: Vec<String>,
    /// When we look at it again.
    pub review_on: Option<Date>,
    /// Where to complain.
    pub supervisory_authority: String,
    /// Which court, or how to find it.
    pub court_remedy: String,
}

/// Takes longer, with the reason (Art. 12(3) GDPR).
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Extension {
    /// What every letter names; its `due_on` is the day that no longer holds.
    pub common: Common,
    /// The new last day.
    pub new_due_on: Date,
    /// Why, in words for people.
    pub reason: String,
    /// The article that permits it.
    pub article: String,
}

/// Withdrawn: nothing is erased.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Withdrawn {
    /// What every letter names.
    pub common: Common,
    /// Whether a person of the team stopped it, and no letter of the asker.
    pub by_team: bool,
    /// Whether nobody asked for it: the end of a service opened it.
    #[serde(default)]
    pub unasked: bool,
    /// Why it was stopped though nobody said so: the account's service has not ended (`lives`), ended on another day (`redated`), or its
    /// data are kept for longer by now (`longer`); empty where somebody stopped it.
    #[serde(default)]
    pub resumed: String,
}

/// Nobody confirmed in time: nothing is erased.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Expired {
    /// What every letter names.
    pub common: Common,
    /// Whether an answer came that did not have the code.
    pub answered: bool,
}

/// One rendered letter: the same words as text and as HTML.
#[derive(Clone, PartialEq, Eq)]
pub struct Rendered {
    /// What it is written in.
    pub language: Language,
    /// One line.
    pub subject: String,
    /// Plain text, wrapped, lines ended by LF.
    pub text: String,
    /// One HTML page without images or remote content; a link leads to a page of ours at most.
    pub html: String,
}

impl fmt::Debug for Rendered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Rendered(text: {} bytes, html: {} bytes)", self.text.len(), self.html.len())
    }
}

/// Declares the enum of all letters, its kind, and how each one's facts become a template's context.
macro_rules! letters {
    ($($name:ident),+ $(,)?) => {
        /// Any letter, as an outbox holds it.
        #[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(tag = "letter", content = "facts")]
        pub enum Letter {
            $(#[doc = concat!("See [`struct@", stringify!($name), "`].")] $name($name)),+
        }

        impl Letter {
            /// Which letter it is.
            #[must_use]
            pub const fn kind(&self) -> LetterKind {
                match self { $(Self::$name(_) => LetterKind::$name),+ }
            }

            /// The letter's facts as the templates see them.
            pub(super) fn facts(&self) -> Result<serde_json::Value, serde_json::Error> {
                match self { $(Self::$name(facts) => serde_json::to_value(facts)),+ }
            }
        }

        $(impl From<$name> for Letter {
            fn from(facts: $name) -> Self {
                Self::$name(facts)
            }
        })+
    };
}

letters!(
    Challenge,
    CodeAsked,
    Reminder,
    Scheduled,
    ServiceEnded,
    ApprovalAsked,
    Forwarded,
    PassedOn,
    SecondNotice,
    InReview,
    OnHold,
    Paused,
    Completed,
    KeptErased,
    NothingHeld,
    Refused,
    Extension,
    Withdrawn,
    Expired,
    RecipientAsked,
    RecipientReminded,
    AlarmReview,
    AlarmStepFailed,
    AlarmBounced,
    AlarmDelayed,
    AlarmDueSoon,
    AlarmMailbox,
    AlarmLedger,
    AlarmTermination,
    AlarmCapped,
    AlarmRecipient,
    AlarmGathered,
);

impl fmt::Debug for Letter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Letter({})", self.kind())
    }
}

impl Letter {
    /// Subject, text and HTML in this language.
    ///
    /// # Errors
    /// A template that fails, and a letter that lacks a fact it must tell: see [`ReplyError::Incomplete`].
    pub fn render(&self, templates: &Templates, language: Language) -> Result<Rendered, ReplyError> {
        check::complete(self)?;
        let facts = self.facts().map_err(|_| ReplyError::Facts(self.kind()))?;
        templates.render(self.kind(), language, facts)
    }
}
