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
    }
}

stored_enum! {
    /// What the text of a letter alone proposes to do with it. What became of its delivery is `db`'s to say.
    Disposition, "proposed disposition" {
        /// Opens a request for erasure.
        Open = "open",
        /// May ask for an erasure, or could not be read: a person looks.
        Review = "review",
        /// Asks for nothing that is ours to do.
        Ignore = "ignore",
        /// A request of another kind, for whoever handles those.
        HandOn = "hand_on",
        /// Says yes, no or stop to something that we asked or that is open.
        ReplyToOpen = "reply_to_open",
    }
}

impl Intent {
    /// The word that `classify` prints and labelled letters carry: one for both kinds of taking back.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Withdraw | Self::CancelContract => "withdraw_or_cancel",
            other => other.as_str(),
        }
    }

    /// What becomes of a letter that plainly asks for this.
    const fn disposition(self) -> Disposition {
        match self {
            Self::ErasureAccount
            | Self::ErasureProfile
            | Self::ErasureEndUser
            | Self::ErasureSpecificData
            | Self::ErasureGeneric => Disposition::Open,
            Self::Access | Self::Rectification | Self::ObjectionOptout => Disposition::HandOn,
            Self::Withdraw | Self::Confirm | Self::Deny => Disposition::ReplyToOpen,
            // A contract is for the support team, where the letter lies.
            Self::CancelContract | Self::Ordinary | Self::AutoReply | Self::Bounce | Self::Spam | Self::Newsletter => {
                Disposition::Ignore
            }
        }
    }

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
    /// Further requests in the same letter; under [`Disposition::Review`] what else it may be.
    pub also: Vec<Intent>,
    /// How sure we are, 0 to 1. An ordering by rule, not a probability.
    pub confidence: f64,
    /// What ought to become of it. Only [`Disposition::Open`] lets a request go on without a person.
    pub disposition: Disposition,
    /// The rules that spoke, at most 16.
    pub reasons: Vec<Reason>,
}

/// Reasons that a verdict keeps.
pub(super) const REASONS_MAX: usize = 16;

impl Verdict {
    pub(super) fn of(intent: Intent, confidence: f64, reason: Reason) -> Self {
        let disposition = intent.disposition();
        Self { intent, also: Vec::new(), confidence, disposition, reasons: vec![reason] }
    }

    /// What is only probable, with the rule that says so: for a person to look at.
    pub(super) fn for_review(mut self, confidence_max: f64, reason: Reason) -> Self {
        self.disposition = Disposition::Review;
        self.confidence = self.confidence.min(confidence_max);
        self.reasons.insert(0, reason);
        self.reasons.truncate(REASONS_MAX);
        self
    }

    /// With a further rule that spoke.
    pub(super) fn with(mut self, reason: Reason) -> Self {
        self.reasons.truncate(REASONS_MAX - 1);
        self.reasons.push(reason);
        self
    }

    /// Adds a further request, once.
    pub(super) fn also(&mut self, intent: Intent) {
        if intent != self.intent && !self.also.contains(&intent) {
            self.also.push(intent);
        }
    }

    /// Whether it opens a request that goes on without a person.
    #[must_use]
    pub fn opens(&self) -> bool {
        self.disposition == Disposition::Open
    }

    /// Whether a person has to look.
    #[must_use]
    pub fn is_unclear(&self) -> bool {
        self.disposition == Disposition::Review
    }

    /// The word for what it asks for, as it is recorded: none where a person has yet to say.
    #[must_use]
    pub const fn asked(&self) -> &'static str {
        match self.disposition {
            Disposition::Review => "unclear",
            _ => self.intent.as_str(),
        }
    }
}
