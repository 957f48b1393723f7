//! What a request is at one moment.

use std::time::Duration;

use jiff::tz::TimeZone;

use crate::domain::{
    AuthorityId, CaseId, Deadlines, Language, Reference, RequestId, Role, Scope, Timestamp, stored_enum,
};

stored_enum! {
    /// Where a request stands.
    State, "state" {
        /// Its letter was judged a request; who asks is looked up.
        Received = "received",
        /// The address on file was asked to confirm.
        AwaitingConfirmation = "awaiting_confirmation",
        /// The owner was asked to approve what their user confirmed.
        AwaitingApproval = "awaiting_approval",
        /// Proven; the grace period runs and a "stop" cancels.
        Scheduled = "scheduled",
        /// Keys are saved and rows are being erased; there is no way back.
        Erasing = "erasing",
        /// Our stores are clean; others who were told have not acknowledged.
        WaitingOnRecipients = "waiting_on_recipients",
        /// Every store was re-read and holds nothing, or only what the letter names.
        Completed = "completed",
        /// A person must look.
        NeedsReview = "needs_review",
        /// Handed to the controller (Art. 28(3)(e) GDPR).
        Forwarded = "forwarded",
        /// No account has this address.
        NotFound = "not_found",
        /// Refused with a ground.
        Refused = "refused",
        /// Taken back by the person.
        Withdrawn = "withdrawn",
        /// Never confirmed.
        Expired = "expired",
        /// Paused; goes back to where it was.
        OnHold = "on_hold",
        /// Data came back after completion, or whether they did cannot be looked for before the end.
        Reopened = "reopened",
    }
}

impl State {
    /// Whether nothing more happens by itself, so that the periods of forgetting run.
    #[must_use]
    pub const fn is_ended(self) -> bool {
        matches!(
            self,
            Self::Completed | Self::Forwarded | Self::NotFound | Self::Refused | Self::Withdrawn | Self::Expired
        )
    }

    /// Whether the person can still stop it and nothing was written to any store.
    #[must_use]
    pub const fn can_stop(self) -> bool {
        matches!(
            self,
            Self::Received | Self::AwaitingConfirmation | Self::AwaitingApproval | Self::Scheduled | Self::NeedsReview
        )
    }
}

stored_enum! {
    /// What opened the request.
    Origin, "origin" {
        /// A letter.
        Letter = "letter",
        /// The account's service ended.
        Termination = "termination",
        /// Rows that an erasure kept on a ground may stay no longer.
        Retention = "retention",
    }
}

stored_enum! {
    /// Why a person must look.
    ReviewReason, "review reason" {
        /// The letter's intent is not certain.
        UnclearLetter = "unclear_letter",
        /// The letter is too large to read.
        TooLarge = "too_large",
        /// The letter could not be judged in three tries.
        Poison = "poison",
        /// The address has several accounts or roles that fit.
        SeveralAccounts = "several_accounts",
        /// Whom or what it means was not found, or is more than one.
        UnclearTarget = "unclear_target",
        /// The authority table says so for this role and scope.
        Policy = "policy",
        /// No address on file can be asked.
        NoAddressOnFile = "no_address_on_file",
        /// Too many wrong codes.
        TooManyAttempts = "too_many_attempts",
        /// The owner did not answer in time.
        OwnerSilent = "owner_silent",
        /// A pause that nobody ended.
        HoldLapsed = "hold_lapsed",
        /// An ended service opened it, and twice within a month the directory took that back for this account.
        EndUnsteady = "end_unsteady",
        /// Address on file, account or role changed between proof and erasing.
        FactsChanged = "facts_changed",
        /// What would be erased changed past the threshold since it was proven.
        PlanDrifted = "plan_drifted",
        /// The proof was too old when the erasing was to begin.
        AuthorityExpired = "authority_expired",
        /// Our challenge bounced: silence then says nothing.
        ChallengeBounced = "challenge_bounced",
        /// The letter that says when the data are erased, and how to stop it, reached nobody.
        NotTold = "not_told",
        /// The address on file was asked so often lately that a challenge would come too late.
        AskedOften = "asked_often",
        /// The letter names more addresses of its writer than are asked by themselves; it is about those that were not.
        ManyAddresses = "many_addresses",
        /// It asks for a whole and excepts a part of it, in words that no plan follows.
        Limited = "limited",
        /// All of the letter is an attachment, which nobody has read.
        AttachedOnly = "attached_only",
        /// A spam filter of the house holds the letter for spam.
        Suspected = "suspected",
        /// A right other than erasure was asked for.
        OtherRight = "other_right",
        /// Address or password changed a short while ago: whoever reads that mailbox now may have taken it over.
        ChangedLately = "changed_lately",
        /// The data map has no plan for it, or is not true of the stores.
        MapDefects = "map_defects",
        /// It names data that no category of the data maps is, or none of this person's.
        CategoryUnknown = "category_unknown",
        /// More rows than one subject may have.
        TooManyRows = "too_many_rows",
        /// Rows that would be kept have no end that can be read, or cannot let go of what is personal after it.
        RetentionUnclear = "retention_unclear",
        /// Rows that were kept on a ground cannot be erased now that their time is over.
        KeptStuck = "kept_stuck",
        /// The row that is to be erased is not in its store, or is there more than once.
        SubjectMissing = "subject_missing",
        /// A store refused what it was asked to do.
        StoreFailed = "store_failed",
        /// Our own database came back from a backup before the first write, and a withdrawal may not be in it.
        LedgerBack = "ledger_back",
    }
}

stored_enum! {
    /// Why a person must look at a request that does not wait for one: what an alarm says in the place of a
    /// [`ReviewReason`].
    LookReason, "reason to look" {
        /// The same person came back after the erasing.
        Reopened = "reopened",
        /// The stores can be searched no more before the end: what the saved keys lie under was destroyed.
        Unsearchable = "unsearchable",
        /// Nobody was found whom the letter could mean.
        NotFound = "not_found",
        /// The day on which a refusal is looked at again.
        ReviewDay = "review_day",
        /// An answer asks or says something that no rule answers. The code was asked for once more, and goes on counting.
        AskedBack = "asked_back",
        /// A letter to what is scheduled asks or says something that no rule answers, and may be a stop: it paused the request.
        AskedMeanwhile = "asked_meanwhile",
    }
}

impl ReviewReason {
    /// Whether only an answer is missing: what was offered, to whom and about which account is as it was, so that
    /// evidence of operators may stand for the word. After every other reason it is identified anew first.
    #[must_use]
    pub const fn lacks_only_a_word(self) -> bool {
        matches!(self, Self::ChallengeBounced | Self::TooManyAttempts | Self::OwnerSilent | Self::UnclearLetter)
    }
}

stored_enum! {
    /// Who paused it.
    Hold, "hold" {
        /// A "stop" without proof; the address on file is asked.
        Unproven = "unproven_stop",
        /// An operator.
        Operator = "operator",
        /// The team, of all that may be erased, when it accepted a database of ours that came back from a backup: a withdrawal may
        /// not be in it.
        Ledger = "ledger",
    }
}

impl Hold {
    /// Whether somebody of the team placed it, so that only they end it.
    #[must_use]
    pub const fn is_ours(self) -> bool {
        matches!(self, Self::Operator | Self::Ledger)
    }
}

/// Who asks and for what, as far as the directory and the authority table tell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ask {
    /// What the asker is in the account.
    pub role: Role,
    /// The scopes that the challenge offers; one, or "the named data" and "the whole account".
    pub offered: Vec<Scope>,
    /// The scope that was confirmed.
    pub scope: Option<Scope>,
    /// Whether the owner must approve after the asker confirmed.
    pub approval: bool,
}

/// What permits the erasing: an authority that `verify` made, and until when it may begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Warrant {
    /// The authority's row.
    pub authority: AuthorityId,
    /// After this instant the request may not enter `Erasing` under it.
    pub expires_at: Timestamp,
}

/// The facts of a request. No personal data: those are sealed in the vault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// Its id.
    pub id: RequestId,
    /// What people see and say.
    pub reference: Reference,
    /// Its number in the trail.
    pub case: CaseId,
    /// Where it stands.
    pub state: State,
    /// While on hold: where it goes back to, and who paused it.
    pub held: Option<(State, Hold)>,
    /// What opened it.
    pub origin: Origin,
    /// The language that we write in.
    pub language: Language,
    /// The legal clock; it starts when the letter reached the mailbox.
    pub deadlines: Deadlines,
    /// Who asks for what, once identified.
    pub ask: Option<Ask>,
    /// Whether the asker has an address on file that can be written to.
    pub reachable: bool,
    /// Which challenge is the live one; 0 before the first.
    pub round: u32,
    /// Whether a challenge was reminded of: once in the life of a request, as the reminder says.
    pub reminded: bool,
    /// Whether the code was asked for after an unclear answer to the live challenge.
    pub code_asked: bool,
    /// What permits the erasing.
    pub warrant: Option<Warrant>,
    /// When the grace period ends.
    pub erase_at: Option<Timestamp>,
    /// Why a person must look.
    pub review: Option<ReviewReason>,
    /// Whether the team was told that the due date that counts now comes near.
    pub due_told: bool,
    /// Whether rows were erased for it: then the saved keys live as long as the backups of the stores.
    pub erased: bool,
    /// Whether it waits for others who were asked to erase: its last letter was not written. What came back meanwhile is erased,
    /// and it waits on.
    pub waits: bool,
    /// How many transitions it has gone through; letters of one kind are told apart by it.
    pub moves: u32,
}

impl Request {
    /// Whether evidence of operators may stand for the word that it waits for: while the question stands, or in review
    /// where only the answer is missing.
    #[must_use]
    pub fn takes_evidence(&self) -> bool {
        // Nobody's word is missing where an ended service opened it.
        if self.origin == Origin::Termination {
            return false;
        }
        let in_review = self.ask.is_some() && self.review.is_some_and(ReviewReason::lacks_only_a_word);
        match self.state {
            State::AwaitingConfirmation | State::AwaitingApproval => true,
            State::NeedsReview => in_review,
            _ => false,
        }
    }

    /// Whether the owner's word is what is missing: the asker's was proven.
    #[must_use]
    pub fn waits_for_owner(&self) -> bool {
        match self.state {
            State::AwaitingApproval => true,
            State::NeedsReview => self.ask.as_ref().is_some_and(|ask| ask.approval && ask.scope.is_some()),
            _ => false,
        }
    }

    /// A request that a letter, an ended service or an ended retention has just opened.
    #[must_use]
    pub const fn open(
        id: RequestId,
        reference: Reference,
        case: CaseId,
        origin: Origin,
        language: Language,
        deadlines: Deadlines,
    ) -> Self {
        Self {
            id,
            reference,
            case,
            state: State::Received,
            held: None,
            origin,
            language,
            deadlines,
            ask: None,
            reachable: false,
            round: 0,
            reminded: false,
            code_asked: false,
            warrant: None,
            erase_at: None,
            review: None,
            due_told: false,
            erased: false,
            waits: false,
            moves: 0,
        }
    }
}

impl Request {
    /// Whether a "stop" without proof has anything to stop: nothing was written yet, and nothing has paused it, or the team
    /// has, after whose pause nobody looks yet.
    #[must_use]
    pub fn hears_stop(&self) -> bool {
        match self.held {
            Some((back, by)) => by.is_ours() && back != State::NeedsReview,
            None => self.state.can_stop(),
        }
    }
}

/// The periods that steer a life (DESIGN §6, "Defaults").
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// Where the days begin that our letters name.
    pub time_zone: TimeZone,
    /// How long a challenge waits for its answer, and then to the end of that day.
    pub challenge_expires: Duration,
    /// When a challenge that nobody answered is reminded of.
    pub reminder: Duration,
    /// How long the owner may take to approve before a person looks, and then to the end of that day.
    pub approval_expires: Duration,
    /// How long a confirmed request can still be stopped.
    pub grace: Duration,
    /// How long an unproven "stop" pauses a request before a person looks.
    pub hold_expires: Duration,
    /// How many days before the due date the team is warned.
    pub due_soon_days: u32,
}

impl Default for Policy {
    fn default() -> Self {
        const DAY: u64 = 86_400;
        Self {
            time_zone: TimeZone::UTC,
            challenge_expires: Duration::from_secs(14 * DAY),
            reminder: Duration::from_secs(5 * DAY),
            approval_expires: Duration::from_secs(7 * DAY),
            grace: Duration::from_secs(7 * DAY),
            hold_expires: Duration::from_secs(7 * DAY),
            due_soon_days: 7,
        }
    }
}

/// An event that may not happen in this state. Nothing was changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a request that is {state} cannot take {event}: {why}")]
pub struct IllegalTransition {
    /// Where the request stands.
    pub state: State,
    /// The event's name.
    pub event: &'static str,
    /// What stands against it.
    pub why: &'static str,
}
