//! The challenge, and the ruling on what comes back: one pure function.
//!
//! An answer needs *possession* of what only the challenge letter carried, and *intent*: a clear yes where one choice
//! is open and no code is asked for, or the code with nothing beside it that takes it back. A code alone proves nothing
//! by mail, a machine's letter never confirms, and closing an account always needs the code.

use std::time::Duration;

use crate::chance::Chance;
use crate::domain::{RequestId, Scope, Timestamp, stored_enum};
use crate::vault::{ChallengeSecret, GateKey};

use super::authority::{Authority, Grounds, Method};
use super::token::{Code, CodeHash, TokenHash};

stored_enum! {
    /// Whose answer the challenge waits for.
    Addressee, "addressee of a challenge" {
        /// The asker, whose word suffices.
        Asker = "asker",
        /// The asker, after whom the owner is asked: their word alone permits nothing.
        AskerBeforeOwner = "asker_before_owner",
        /// The owner, who approves what a user confirmed.
        ApprovingOwner = "approving_owner",
    }
}

stored_enum! {
    /// What shows that somebody holds the challenge letter.
    Possession, "possession" {
        /// The token came back: in the plus-address or a quote.
        TokenMatched = "token_matched",
        /// The token of its page was the path that the answer came by.
        PageMatched = "page_matched",
        /// In-Reply-To or References name the challenge, whose Message-ID nobody can guess.
        MessageIdMatched = "message_id_matched",
        /// Nothing does.
        None = "none",
    }
}

stored_enum! {
    /// What the new text of a letter says.
    Intent, "intent" {
        /// A clear yes.
        Yes = "yes",
        /// A clear no, or "that was not me".
        No = "no",
        /// Stop it.
        Withdraw = "withdraw",
        /// Something, but nothing clear.
        Unclear = "unclear",
        /// Nothing on the matter.
        None = "none",
    }
}

/// One choice of a challenge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offer {
    /// What would be erased.
    pub scope: Scope,
    /// The digest of the plan for it.
    pub plan_digest: [u8; 32],
    /// The hash of the code for it.
    pub code: CodeHash,
}

/// A challenge as it was sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Challenge {
    /// The request.
    pub request: RequestId,
    /// The round of the request that this is.
    pub round: u32,
    /// Whose answer it waits for.
    pub addressee: Addressee,
    /// HMAC of the account.
    pub account_mac: [u8; 32],
    /// One choice or two.
    pub choices: Vec<Offer>,
    /// The hash of its token.
    pub token: TokenHash,
    /// The hash of the token of its page.
    pub page: TokenHash,
    /// From when on no answer confirms.
    pub expires_at: Timestamp,
    /// Whether the settings ask for the code. Closing an account and a choice of two need it anyhow.
    pub code_required: bool,
    /// How many days its letter says are waited after the answer. What the settings say by then may be more, and counts for nothing
    /// where it is less.
    pub grace_days: u32,
    /// Wrong codes so far.
    pub attempts: u32,
}

/// What intake read in one answer.
#[derive(Clone)]
pub struct AnswerFacts {
    /// What the new text says.
    pub intent: Intent,
    /// What looks like a code in it, as it was typed.
    pub codes: Vec<String>,
    /// Whether a machine wrote the letter.
    pub machine_written: bool,
    /// When it reached the mailbox, which may be long before it is read: whether it comes in time is told by that.
    pub received_at: Timestamp,
}

/// So much may the clock of the mailbox be ahead of ours before one of them is wrong.
const AHEAD_MAX: Duration = Duration::from_secs(300);

impl AnswerFacts {
    /// By which time it is told whether an answer comes in time: when it reached the mailbox. A server whose clock is a little ahead
    /// takes nobody's last minutes; one that is far ahead shows that ours was set back, and that lengthens no challenge.
    fn came_at(&self, now: Timestamp) -> Timestamp {
        if self.received_at <= now.plus(AHEAD_MAX) { self.received_at.min(now) } else { self.received_at }
    }
}

impl std::fmt::Debug for AnswerFacts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { intent, codes, machine_written, received_at: _ } = self;
        write!(f, "AnswerFacts({intent}, {} codes, machine: {machine_written})", codes.len())
    }
}

/// How answers are judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terms {
    /// Wrong codes after which a person looks.
    pub attempts_max: u32,
    /// How long an authority lives: the grace period, and what a hold or a weekend may add.
    pub authority_lives: Duration,
}

/// What a ruling needs besides the answer.
#[derive(Clone, Copy)]
pub struct Judge<'a> {
    /// What the case's tokens and codes are derived from.
    pub secret: &'a ChallengeSecret,
    /// How answers are judged.
    pub terms: Terms,
    /// This instant.
    pub now: Timestamp,
    /// For the id of the authority.
    pub chance: &'a dyn Chance,
}

stored_enum! {
    /// Why an answer changes nothing.
    Ignored, "reason to ignore" {
        /// A machine wrote it.
        MachineWritten = "machine_written",
        /// Nothing shows that its writer has the challenge.
        NoPossession = "no_possession",
        /// The challenge offers nothing.
        NothingOffered = "nothing_offered",
    }
}

/// What follows from an answer.
#[derive(Debug, PartialEq, Eq)]
pub enum Ruling {
    /// Proved and wanted: this permits it.
    Confirmed {
        /// The choice.
        scope: Scope,
        /// What permits it.
        authority: Authority,
    },
    /// Proved and wanted by a user; now the owner is asked.
    AwaitsApproval {
        /// The choice.
        scope: Scope,
        /// The plan that the owner will be asked about.
        plan_digest: [u8; 32],
    },
    /// A clear no from somebody who has the challenge.
    Denied,
    /// Stop it. Proven cancels; unproven pauses and asks.
    Withdraw {
        /// Whether its writer has the challenge.
        proven: bool,
    },
    /// The code is needed: none came, or a wrong one, or two.
    AskForCode {
        /// Wrong codes so far, with this answer's; to be stored.
        attempts: u32,
    },
    /// More was said than a yes or a code, and it is not plain what: asked once, then a person looks.
    Unclear,
    /// Too many wrong codes: a person looks.
    TooManyAttempts {
        /// Wrong codes so far, with this answer's; to be stored.
        attempts: u32,
    },
    /// It came too late.
    Expired,
    /// It changes nothing.
    Ignored(Ignored),
}

/// Rules on an answer. Pure: the caller stores what follows, in one transaction.
#[must_use]
pub fn judge_answer(challenge: &Challenge, possession: Possession, answer: &AnswerFacts, judge: &Judge<'_>) -> Ruling {
    if answer.machine_written {
        return Ruling::Ignored(Ignored::MachineWritten);
    }
    let proven = possession != Possession::None;
    // To stop costs nobody anything, so it is heard from everybody and at any time.
    if answer.intent == Intent::Withdraw {
        return Ruling::Withdraw { proven };
    }
    // Wrong codes of a stranger do not count: they could shut the person out.
    if !proven {
        return Ruling::Ignored(Ignored::NoPossession);
    }
    if challenge.choices.is_empty() {
        return Ruling::Ignored(Ignored::NothingOffered);
    }
    // A no beside a code is still a no, and none comes too late.
    if answer.intent == Intent::No {
        return Ruling::Denied;
    }
    if answer.came_at(judge.now) >= challenge.expires_at {
        return Ruling::Expired;
    }
    if challenge.attempts >= judge.terms.attempts_max {
        return Ruling::TooManyAttempts { attempts: challenge.attempts };
    }
    // Beside a condition or a question no code confirms: then none is tried either, and none counts. An order number in a
    // question burns nobody's tries, and nobody learns by questions which code is the right one.
    if answer.intent == Intent::Unclear {
        return Ruling::Unclear;
    }
    match challenge.read_codes(answer, judge) {
        Codes::Chosen(offer) => {
            let by_page = possession == Possession::PageMatched;
            challenge.confirmed(offer, if by_page { Method::Page } else { Method::Code }, judge)
        }
        // A page asks for the code, whatever a letter may be answered with: a path is read by more eyes than a letter.
        _ if answer.intent == Intent::Yes && !challenge.needs_code() && possession != Possession::PageMatched => {
            // Only one choice is open here: `needs_code` says so.
            challenge.confirmed(&challenge.choices[0], Method::Reply, judge)
        }
        Codes::None => Ruling::AskForCode { attempts: challenge.attempts },
        Codes::Wrong(wrong) => {
            let attempts = challenge.attempts.saturating_add(wrong);
            if attempts >= judge.terms.attempts_max {
                Ruling::TooManyAttempts { attempts }
            } else {
                Ruling::AskForCode { attempts }
            }
        }
    }
}

/// What the codes of an answer come to.
enum Codes<'a> {
    /// None that looks like one, or the codes of two choices.
    None,
    /// The code of exactly one choice.
    Chosen(&'a Offer),
    /// So many that are no choice's.
    Wrong(u32),
}

impl Challenge {
    /// Whether a yes alone does not suffice.
    #[must_use]
    pub fn needs_code(&self) -> bool {
        self.code_required || self.choices.len() != 1 || self.choices.iter().any(|offer| offer.scope == Scope::Account)
    }

    /// Counts at most as many codes as attempts are left, so that one letter with all codes is no way in. The codes
    /// after those can only take away: they show that two choices were meant.
    fn read_codes<'a>(&'a self, answer: &AnswerFacts, judge: &Judge<'_>) -> Codes<'a> {
        let left = judge.terms.attempts_max.saturating_sub(self.attempts) as usize;
        let mut hashes: Vec<CodeHash> = Vec::new();
        for code in answer.codes.iter().filter_map(|text| Code::parse(text)).take(CODES_READ_MAX) {
            let hash = code.hash(judge.secret, self.request, self.round);
            if !hashes.contains(&hash) {
                hashes.push(hash);
            }
        }
        let counted = &hashes[..left.min(hashes.len())];
        let mut meant = self.choices.iter().filter(|offer| hashes.contains(&offer.code));
        match (meant.next(), meant.next()) {
            (Some(_), Some(_)) => Codes::None,
            (Some(offer), None) if counted.contains(&offer.code) => Codes::Chosen(offer),
            _ if counted.is_empty() => Codes::None,
            _ => Codes::Wrong(u32::try_from(counted.len()).unwrap_or(u32::MAX)),
        }
    }

    fn confirmed(&self, offer: &Offer, method: Method, judge: &Judge<'_>) -> Ruling {
        let method = match self.addressee {
            Addressee::Asker => method,
            Addressee::ApprovingOwner => Method::OwnerApproval,
            Addressee::AskerBeforeOwner => {
                return Ruling::AwaitsApproval { scope: offer.scope, plan_digest: offer.plan_digest };
            }
        };
        let grounds =
            Grounds { request: self.request, method, account_mac: self.account_mac, plan_digest: offer.plan_digest };
        let authority = Authority::issue(&grounds, judge.terms.authority_lives, judge.now, judge.chance);
        Ruling::Confirmed { scope: offer.scope, authority }
    }

    /// What is stored beside a challenge, so that nobody slips one in, or the hash of a token of their own.
    /// The count of attempts is not in it: it changes.
    #[must_use]
    pub fn hmac(&self, gate: &GateKey) -> [u8; 32] {
        self.with_parts(|parts| gate.mac(LABEL, parts))
    }

    /// Checks a challenge read from storage.
    ///
    /// # Errors
    /// [`ForgedChallenge`] where it is not the one that was sent.
    pub fn check(&self, gate: &GateKey, hmac: &[u8; 32]) -> Result<(), ForgedChallenge> {
        let ours = self.with_parts(|parts| gate.verify(LABEL, parts, hmac));
        if ours { Ok(()) } else { Err(ForgedChallenge(self.request)) }
    }

    fn with_parts<T>(&self, act: impl FnOnce(&[&[u8]]) -> T) -> T {
        let request = self.request.as_uuid();
        let (round, expires_at) = (self.round.to_be_bytes(), self.expires_at.as_micros().to_be_bytes());
        let (required, grace_days) = ([u8::from(self.code_required)], self.grace_days.to_be_bytes());
        let mut parts: Vec<&[u8]> = vec![
            request.as_bytes(),
            &round,
            self.addressee.as_str().as_bytes(),
            &self.account_mac,
            self.token.as_bytes(),
            &expires_at,
            &required,
            &grace_days,
        ];
        for offer in &self.choices {
            parts.extend_from_slice(&[offer.scope.as_str().as_bytes(), &offer.plan_digest, offer.code.as_bytes()]);
        }
        parts.push(self.page.as_bytes());
        act(&parts)
    }
}

const LABEL: &str = "expunged/1/challenge";
/// The most code-like words of one letter that are looked at.
const CODES_READ_MAX: usize = 64;

/// A stored challenge that this program did not send.
#[derive(Debug, thiserror::Error, Clone, Copy, PartialEq, Eq)]
#[error("the stored challenge of request {0} does not carry the mark of this installation: it was forged or altered")]
pub struct ForgedChallenge(
    /// The request that the row claims.
    pub RequestId,
);

#[cfg(test)]
#[path = "challenge_tests.rs"]
mod tests;
