//! What can happen to a case: the words of the trail.

use crate::domain::stored_enum;

stored_enum! {
    /// What a leaf records.
    Event, "trail event" {
        /// A letter was judged: its disposition.
        LetterJudged = "letter_judged",
        /// A letter could not be judged and was set aside.
        LetterQuarantined = "letter_quarantined",
        /// A request was opened.
        RequestOpened = "request_opened",
        /// The directory said who the asker is.
        Identified = "identified",
        /// The directory knows nobody by that address.
        NotFound = "not_found",
        /// A challenge was made; that its letter left is a leaf of its own.
        ChallengeMade = "challenge_made",
        /// It was reminded of.
        Reminded = "reminded",
        /// An answer came: what it proves and what it says. What is done about it is a leaf of its own.
        AnswerJudged = "answer_judged",
        /// The code was asked for.
        CodeAsked = "code_asked",
        /// The asker confirmed.
        Confirmed = "confirmed",
        /// The owner was asked.
        ApprovalAsked = "approval_asked",
        /// The owner approved.
        Approved = "approved",
        /// The owner, or the asker, said no.
        Denied = "denied",
        /// An authority was issued.
        AuthorityIssued = "authority_issued",
        /// It is erased on a date.
        Scheduled = "scheduled",
        /// The owner, who is the controller, was told.
        Forwarded = "forwarded",
        /// A person of the team has to look.
        ReviewAsked = "review_asked",
        /// Somebody asked to stop, or an operator did.
        Held = "held",
        /// The hold ended.
        Released = "released",
        /// The term was extended (Art. 12(3) GDPR).
        Extended = "extended",
        /// It was withdrawn.
        Withdrawn = "withdrawn",
        /// Nobody confirmed in time.
        Expired = "expired",
        /// It was refused.
        Refused = "refused",
        /// What a step will do, before it does it.
        Intent = "intent",
        /// What a step did, and what its rows are found to be when they are read back.
        Outcome = "outcome",
        /// A step failed.
        StepFailed = "step_failed",
        /// Our own stores are done with; what others were asked to do is still open.
        Awaited = "awaited",
        /// A recipient was told.
        RecipientTold = "recipient_told",
        /// A recipient answered.
        RecipientAnswered = "recipient_answered",
        /// Everything is erased, or kept with a ground and a date.
        Completed = "completed",
        /// Data came back, or a sweep found them.
        Reopened = "reopened",
        /// A letter of ours is about to be sent.
        LetterSending = "letter_sending",
        /// A letter of ours was taken by the mail server.
        LetterSent = "letter_sent",
        /// A letter of ours came back or was refused.
        LetterBounced = "letter_bounced",
        /// The letters of a case are about to be expunged from the mailbox and from Sent.
        LettersExpunging = "letters_expunging",
        /// They are gone from there.
        LettersExpunged = "letters_expunged",
        /// A key was destroyed, and with it what it sealed.
        KeyDestroyed = "key_destroyed",
        /// An operator saw personal data.
        Revealed = "revealed",
        /// An operator set scope, account or target of a request in review.
        PutRight = "put_right",
        /// An operator agreed to a plan's rows.
        PlanAgreed = "plan_agreed",
        /// An operator wrote a note, or the program one: what a later search of the stores found.
        Noted = "noted",
        /// An operator recorded evidence.
        EvidenceRecorded = "evidence_recorded",
        /// Another operator approved it.
        EvidenceApproved = "evidence_approved",
        /// An operator had a job tried again.
        JobRetried = "job_retried",
        /// Letters with forged fields are about to be sent through our own MX.
        MxProbing = "mx_probing",
        /// What our own MX did with them.
        MxProbed = "mx_probed",
    }
}
