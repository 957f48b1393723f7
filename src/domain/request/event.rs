//! What happens to a request, and what follows from it.

use crate::domain::{Deadlines, LetterKind, Role, Scope, Timestamp, stored_enum};

use super::state::{ReviewReason, Warrant};

stored_enum! {
    /// A time that a request waits for.
    Wake, "wake" {
        /// The challenge was not answered for a while.
        Remind = "remind",
        /// The challenge was not answered in time.
        Expire = "expire",
        /// The owner did not approve in time.
        ApprovalLapse = "approval_lapse",
        /// The grace period is over.
        GraceEnd = "grace_end",
        /// An unproven "stop" was not settled in time.
        HoldLapse = "hold_lapse",
        /// The due date comes near.
        DueSoon = "due_soon",
        /// The base due date is here: the notice of an extension must have been sent.
        NoticeDue = "notice_due",
        /// The day is here on which a refusal promised another look.
        ReviewDue = "review_due",
    }
}

stored_enum! {
    /// Work on a request that needs the outside world.
    Work, "work" {
        /// Ask the directory who the asker is and what the authority table says.
        Identify = "identify",
        /// Check again what was true at the proof, then begin.
        Begin = "begin",
        /// Save the keys, erase, read back.
        Erase = "erase",
    }
}

stored_enum! {
    /// Whom a letter goes to. Never "the From of the letter".
    Audience, "audience" {
        /// The asker's address on file.
        Asker = "asker",
        /// The owner's address on file.
        Owner = "owner",
        /// Our own people.
        Team = "team",
        /// Somebody who holds data for us, at the address that the data map has.
        Recipient = "recipient",
    }
}

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// The directory knows the asker, and the authority table lets them ask.
    Identified {
        /// What they are in the account.
        role: Role,
        /// What the challenge offers, one or two scopes.
        offered: Vec<Scope>,
        /// Whether the owner must approve afterwards.
        approval: bool,
    },
    /// No account has any claimed address.
    Stranger,
    /// The authority table hands the letter to the controller.
    ForwardToOwner {
        /// What the asker is in the account.
        role: Role,
    },
    /// A person must look.
    Unclear {
        /// Why.
        reason: ReviewReason,
        /// Whether the asker has an address on file that can be written to.
        reachable: bool,
        /// Whether nothing is written to them now: who floods an address with requests is not helped to do so.
        quiet: bool,
    },
    /// The answer to a challenge proved possession but not intent.
    AnswerUnclear,
    /// A code came, and not the right one: they are told so, each time, as long as tries are left.
    CodeWrong,
    /// The asker proved it; no approval is needed.
    Confirmed {
        /// What they confirmed.
        scope: Scope,
        /// The authority that `verify` made of it.
        warrant: Warrant,
    },
    /// The asker proved it, and the owner must approve.
    ConfirmedPendingApproval {
        /// What they confirmed.
        scope: Scope,
    },
    /// The owner approved.
    Approved {
        /// The authority that `verify` made of it.
        warrant: Warrant,
    },
    /// The owner said no.
    ApprovalDenied,
    /// Two operators vouch for the word that a request in review waits for: the asker's where no approval is needed, the
    /// owner's where the asker's was proven.
    Vouched {
        /// What was asked for.
        scope: Scope,
        /// The authority that `verify` made of their evidence.
        warrant: Warrant,
    },
    /// Two operators vouch for the asker of a request in review, and the owner must approve.
    VouchedPendingApproval {
        /// What was asked for.
        scope: Scope,
    },
    /// The person, with proof, took it back or said that it was not them.
    WithdrawnByPerson,
    /// Somebody asked to stop without proof, or with proof said something that may be a stop.
    StopAsked,
    /// A letter that carried a challenge came back.
    ChallengeBounced,
    /// A time came. Stale wakes (of an earlier round or state) change nothing.
    Woken {
        /// Which.
        wake: Wake,
        /// The round it was set in.
        round: u32,
    },
    /// What was true at the proof is still true.
    Begun,
    /// What was true at the proof is no longer true; nothing was written.
    Stopped {
        /// What changed.
        reason: ReviewReason,
    },
    /// Every step in every store was re-read; the residue is 0 or retained.
    Erased {
        /// Whether anything was found at all.
        held_anything: bool,
        /// Whether somebody who was told has still to acknowledge.
        waiting: bool,
    },
    /// Everybody who was told has acknowledged, or a person closed it with a reason.
    RecipientsDone,
    /// A person must look at what a recipient says, or at their silence; the request stays where it is.
    RecipientStuck,
    /// A step failed for good; the request stays where it is until a person retries it.
    StepFailed,
    /// Data came back.
    CameBack,
    /// Before the end of its waiting the stores can be searched no more: a person decides.
    Unsearchable,
    /// A completed plan goes on under a continuation.
    Continued {
        /// The continuation that `verify` made.
        warrant: Warrant,
    },
    /// The time of rows is over that an erasure kept on a ground.
    KeepingEnded {
        /// The continuation that `verify` made.
        warrant: Warrant,
        /// Whether somebody is told when they are erased, and their address is known.
        tells: bool,
    },
    /// The account's service has ended, and the time is over for which its data are kept after that.
    ServiceEnded {
        /// The authority that `verify` made of what the directory says.
        warrant: Warrant,
    },
    /// The directory says it no more: the account lives again, its service ended at another time, or the account is gone.
    ServiceResumed {
        /// Whether whoever was told hears of it; where the account is gone there is nobody left who waits.
        told: bool,
    },
    /// What had come back is erased, and every step was re-read. The person heard of the first end; their address went
    /// with its last letter.
    ErasedAgain,
    /// A person of the team looked at what came back, and it stays: it is somebody else's, or a new beginning.
    LeftAlone,
    /// An operator set scope or account: it is identified anew and goes through the challenge like any other.
    PutRight,
    /// An operator opened a new request from its letter, because it can come to no true end: only rows said that it was erased,
    /// and nothing that this program wrote stands behind it, or the saved keys of its erasing were destroyed.
    Replaced,
    /// An operator paused it.
    Held,
    /// The team accepted our own database as it is, though it came back from a backup: whoever took this back since may have been
    /// forgotten with what it lacks, so that an operator says of each that it goes on. Nobody is written to, because what they were
    /// told since is not known.
    Doubted,
    /// An operator released it.
    Released,
    /// The person said, with proof, to go on after somebody's unproven "stop".
    ReleasedByPerson,
    /// An operator extended the period (Art. 12(3) GDPR).
    Extended {
        /// The deadlines as the law pack extends them.
        deadlines: Deadlines,
    },
    /// An operator refused it with a ground.
    RefusedByOperator,
    /// An operator withdrew it on the person's behalf.
    WithdrawnByOperator,
}

impl Event {
    /// The event's name, for errors and the trail.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Identified { .. } => "identified",
            Self::Stranger => "stranger",
            Self::ForwardToOwner { .. } => "forward_to_owner",
            Self::Unclear { .. } => "unclear",
            Self::AnswerUnclear => "answer_unclear",
            Self::CodeWrong => "code_wrong",
            Self::Confirmed { .. } => "confirmed",
            Self::ConfirmedPendingApproval { .. } => "confirmed_pending_approval",
            Self::Approved { .. } => "approved",
            Self::ApprovalDenied => "approval_denied",
            Self::Vouched { .. } => "vouched",
            Self::VouchedPendingApproval { .. } => "vouched_pending_approval",
            Self::WithdrawnByPerson => "withdrawn_by_person",
            Self::StopAsked => "stop_asked",
            Self::ChallengeBounced => "challenge_bounced",
            Self::Woken { .. } => "woken",
            Self::Begun => "begun",
            Self::Stopped { .. } => "stopped",
            Self::Erased { .. } => "erased",
            Self::RecipientsDone => "recipients_done",
            Self::RecipientStuck => "recipient_stuck",
            Self::StepFailed => "step_failed",
            Self::CameBack => "came_back",
            Self::Unsearchable => "unsearchable",
            Self::Continued { .. } => "continued",
            Self::KeepingEnded { .. } => "keeping_ended",
            Self::ServiceEnded { .. } => "service_ended",
            Self::ServiceResumed { .. } => "service_resumed",
            Self::ErasedAgain => "erased_again",
            Self::LeftAlone => "left_alone",
            Self::PutRight => "put_right",
            Self::Replaced => "replaced",
            Self::Held => "held",
            Self::Doubted => "doubted",
            Self::Released => "released",
            Self::ReleasedByPerson => "released_by_person",
            Self::Extended { .. } => "extended",
            Self::RefusedByOperator => "refused_by_operator",
            Self::WithdrawnByOperator => "withdrawn_by_operator",
        }
    }
}

/// What follows from a move. Each becomes a job in the transaction that stores the moved request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Write this letter.
    Send {
        /// Which.
        letter: LetterKind,
        /// To whom.
        to: Audience,
    },
    /// Put the question of the last round anew, under this round.
    AskAnew,
    /// Do this work.
    Run(Work),
    /// Wake the request at this time.
    WakeAt {
        /// Why.
        wake: Wake,
        /// When.
        at: Timestamp,
    },
    /// Nothing that was set to wake it matters any more.
    CancelWakes,
    /// It ended: the periods of forgetting start. The only place where they do.
    Close {
        /// Whether rows were erased for it, so that a backup may bring them back while it lives.
        erased: bool,
    },
}
