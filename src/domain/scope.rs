//! What may be erased, and as whom somebody asks (DESIGN §2).

use super::stored_enum;

stored_enum! {
    /// How much a request asks to erase.
    Scope, "scope" {
        /// Close the account: its owner, every user, every end-user, all data.
        Account = "account",
        /// One user's profile; the account lives on.
        User = "user",
        /// One end-user: a person whom the customer serves.
        EndUser = "end_user",
        /// Named categories of data of an account, a user or an end-user.
        Data = "data",
    }
}

stored_enum! {
    /// What an address is in an account.
    Role, "role" {
        /// The one owner of the account.
        Owner = "owner",
        /// A staff profile.
        User = "user",
        /// A person whom the customer serves.
        EndUser = "end_user",
    }
}

stored_enum! {
    /// The languages that our letters are written in. To add one: a variant here and a folder in `templates/mail`; tests
    /// fail while one is missing, or while its answers would not be understood. More languages than these are
    /// understood (`intake::Tongue`): who writes in one of them is answered in the language of `[service] language`.
    Language, "language" {
        /// English.
        En = "en",
        /// German.
        De = "de",
        /// French.
        Fr = "fr",
        /// Spanish.
        Es = "es",
    }
}

impl Language {
    /// The language of a locale such as `de-AT` or `fr_CH`; `None` for one that we have no letters in.
    #[must_use]
    pub fn from_locale(locale: &str) -> Option<Self> {
        let code = locale.split(['-', '_', '.']).next()?;
        code.to_ascii_lowercase().parse().ok()
    }
}

stored_enum! {
    /// The letters that we write. To add one: a variant here, a struct in `reply::letters`, a template in every
    /// language; tests fail while one is missing.
    LetterKind, "letter" {
        /// Acknowledges a request and asks for its confirmation, with the code.
        Challenge = "challenge",
        /// An answer was not clear: asks for the code, once.
        CodeAsked = "code_asked",
        /// Nobody answered the challenge yet.
        Reminder = "reminder",
        /// Confirmed: erased on this date, and how to stop it.
        Scheduled = "scheduled",
        /// Tells the owner what a user asked for and asks for their approval.
        ApprovalAsked = "approval_asked",
        /// Tells the owner, who is the controller, that an end-user asks (Art. 28(3)(e) GDPR).
        Forwarded = "forwarded",
        /// Tells the end-user that the owner, who decides, was told.
        PassedOn = "passed_on",
        /// Tells the owner that the data of their account are erased because its service ended, when, and how to stop it.
        ServiceEnded = "service_ended",
        /// Tells the owner what somebody else had scheduled, while it can still be stopped.
        SecondNotice = "second_notice",
        /// A person looks at it.
        InReview = "in_review",
        /// Somebody may have asked to stop, or without proof: paused, and asks what is meant.
        OnHold = "on_hold",
        /// A person of the team paused it.
        Paused = "paused",
        /// Done, with the outcome per category.
        Completed = "completed",
        /// What was kept on a ground is erased, its time being over; to whoever asked to be told of that.
        KeptErased = "kept_erased",
        /// We hold nothing.
        NothingHeld = "nothing_held",
        /// Refused, with ground, authority and court (Art. 12(4), 17(3) GDPR).
        Refused = "refused",
        /// Takes longer, with the reason (Art. 12(3) GDPR).
        Extension = "extension",
        /// Withdrawn: nothing is erased.
        Withdrawn = "withdrawn",
        /// Nobody confirmed in time: nothing is erased.
        Expired = "expired",
        /// Asks a recipient of the data to erase them too (Art. 19 GDPR).
        RecipientAsked = "recipient_asked",
        /// The recipient has not answered yet.
        RecipientReminded = "recipient_reminded",
        /// To the team: something waits for review.
        AlarmReview = "alarm_review",
        /// To the team: a step failed for good.
        AlarmStepFailed = "alarm_step_failed",
        /// To the team: a letter of ours bounced.
        AlarmBounced = "alarm_bounced",
        /// To the team: the mail server has not taken a letter of ours for hours.
        AlarmDelayed = "alarm_delayed",
        /// To the team: a request is due in seven days.
        AlarmDueSoon = "alarm_due_soon",
        /// To the team: the mailbox was not polled for too long.
        AlarmMailbox = "alarm_mailbox",
        /// To the team: our own database came back from a backup.
        AlarmLedger = "alarm_ledger",
        /// To the team: what the directory says of ended services cannot be acted on.
        AlarmTermination = "alarm_termination",
        /// To the team: more letters are to be sent than the limits of one hour allow.
        AlarmCapped = "alarm_capped",
        /// To the team: a recipient refused, is silent, or says what only a person understands.
        AlarmRecipient = "alarm_recipient",
        /// To the team: several alarms of one kind at once. Stands in their place when they are sent.
        AlarmGathered = "alarm_gathered",
    }
}

stored_enum! {
    /// How a recipient is asked.
    RecipientKind, "kind of recipient" {
        /// By a letter.
        Mail = "mail",
        /// By the endpoint of their service.
        Http = "http",
    }
}

impl LetterKind {
    /// Whether the letter goes to the team and to nobody else.
    #[must_use]
    pub const fn is_alarm(self) -> bool {
        matches!(
            self,
            Self::AlarmReview
                | Self::AlarmStepFailed
                | Self::AlarmBounced
                | Self::AlarmDelayed
                | Self::AlarmDueSoon
                | Self::AlarmMailbox
                | Self::AlarmLedger
                | Self::AlarmCapped
                | Self::AlarmTermination
                | Self::AlarmRecipient
                | Self::AlarmGathered
        )
    }
}

/// Which of several orders to one recipient about one request, that each are answered by themselves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Part {
    /// From 1 on.
    pub number: usize,
    /// How many there are.
    pub of: usize,
}
