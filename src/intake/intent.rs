//! What a letter may ask for, and how sure we are. Words for verdicts only; the judging is in `judge`.

use std::borrow::Cow;

use crate::domain::stored_enum;

stored_enum! {
    /// What a letter asks for.
    Intent, "intent" {
        /// Close the account, with all its data.
        ErasureAccount = "erasure_account",
        /// Remove one profile: the writer's own, or another user's whom they name.
        ErasureProfile = "erasure_profile",
        /// Erase a person whom one of our customers serves.
        ErasureEndUser = "erasure_end_user",
        /// Erase named data; the rest stays.
        ErasureSpecificData = "erasure_specific_data",
        /// "My data", Art. 17 GDPR, "forget me", or a reminder of such a request.
        ErasureGeneric = "erasure_generic",
        /// Art. 15 GDPR: what do you hold?
        Access = "access",
        /// Art. 16 GDPR: put it right.
        Rectification = "rectification",
        /// Art. 18 and 21 GDPR, unsubscribing, do not sell.
        ObjectionOptout = "objection_optout",
        /// Takes an erasure request back.
        Withdraw = "withdraw",
        /// Cancels a contract, an order or a booking: no word about an erasure.
        CancelContract = "cancel_contract",
        /// A short yes to something that we asked.
        Confirm = "confirm",
        /// A short no to something that we asked.
        Deny = "deny",
        /// Everything else that people write to support.
        Ordinary = "ordinary",
        /// A machine answered in a person's name.
        AutoReply = "auto_reply",
        /// A letter came back.
        Bounce = "bounce",
        /// Unwanted: threats and lures.
        Spam = "spam",
        /// Sent to many.
        Newsletter = "newsletter",
        /// May be a request: a person has to look.
        Unclear = "unclear",
    }
}

impl Intent {
    /// Whether it is one of the five kinds of erasure.
    #[must_use]
    pub const fn is_erasure(self) -> bool {
        matches!(
            self,
            Self::ErasureAccount
                | Self::ErasureProfile
                | Self::ErasureEndUser
                | Self::ErasureSpecificData
                | Self::ErasureGeneric
        )
    }
}

/// The part of a letter that a rule matched in.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Part {
    /// A header other than the subject.
    Header,
    /// The subject.
    Subject,
    /// The new text.
    New,
    /// A letter forwarded within this one.
    Forwarded,
    /// The plain text against the HTML text.
    Whole,
}

/// Which rule spoke, and where. Carries no text of the letter.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Reason {
    /// The id of the rule, for example `de.erase.verb+account`.
    pub rule: Cow<'static, str>,
    /// The part of the letter.
    pub part: Part,
}

impl Reason {
    pub(super) fn of(rule: impl Into<Cow<'static, str>>, part: Part) -> Self {
        Self { rule: rule.into(), part }
    }
}

/// What a letter asks for.
#[derive(Clone, PartialEq, Debug)]
pub struct Verdict {
    /// The request that matters most to us: an erasure wins over a further request in the same letter.
    pub intent: Intent,
    /// Further requests in the same letter; under [`Intent::Unclear`] what it may be.
    pub also: Vec<Intent>,
    /// How sure we are, 0 to 1. An ordering by rule, not a probability.
    pub confidence: f64,
    /// The rules that spoke, at most 16.
    pub reasons: Vec<Reason>,
}

impl Verdict {
    pub(super) fn of(intent: Intent, confidence: f64, reason: Reason) -> Self {
        Self { intent, also: Vec::new(), confidence, reasons: vec![reason] }
    }
}
