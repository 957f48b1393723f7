//! The gate as a type: only this room makes an [`Authority`].
//!
//! What the database keeps is an [`AuthorityRecord`] with an HMAC under the gate key, which lives outside the
//! database. Whoever can write rows can copy a record, but not make one or alter one; and a copied one names the
//! request, the account and the plan that it is for.

use std::time::Duration;

use crate::chance::Chance;
use crate::domain::{AuthorityId, RequestId, Timestamp, stored_enum};
use crate::vault::GateKey;

use super::ended::{EndedRecord, NotEnded};
use super::kept::{ForgedKept, KeptRecord};

stored_enum! {
    /// On what an authority rests.
    AuthorityKind, "authority" {
        /// A person proved that they own the address on file, or two operators vouched with evidence.
        Verified = "verified",
        /// The account's service ended; the deletion policy erases it.
        Termination = "termination",
        /// A completed plan goes on: second sweep, replay, retention that ended.
        Continuation = "continuation",
    }
}

stored_enum! {
    /// How it was proved; what an auditor counts.
    Method, "verification method" {
        /// A clear yes with the token of the challenge.
        Reply = "reply",
        /// The code of the challenge, with its token.
        Code = "code",
        /// The code of the challenge, typed on its page.
        Page = "page",
        /// The owner approved what a user confirmed.
        OwnerApproval = "owner_approval",
        /// Two operators vouched with evidence.
        Operators = "operators",
        /// The configured query listed the account as ended.
        ServiceEnded = "service_ended",
        /// An authority that a plan was completed under.
        CompletedPlan = "completed_plan",
        /// A completed plan kept rows on a ground, and their time is over.
        KeepingEnded = "keeping_ended",
    }
}

impl Method {
    const fn kind(self) -> AuthorityKind {
        match self {
            Self::Reply | Self::Code | Self::Page | Self::OwnerApproval | Self::Operators => AuthorityKind::Verified,
            Self::ServiceEnded => AuthorityKind::Termination,
            Self::CompletedPlan | Self::KeepingEnded => AuthorityKind::Continuation,
        }
    }
}

/// What permits exactly one plan of exactly one request to be executed. It cannot be built outside `verify`, and
/// not copied.
#[derive(Debug, PartialEq, Eq)]
pub struct Authority {
    id: AuthorityId,
    request: RequestId,
    method: Method,
    account_mac: [u8; 32],
    plan_digest: [u8; 32],
    issued_at: Timestamp,
    expires_at: Timestamp,
}

/// An authority as the database keeps it. The fields are plain, because the HMAC over them is what counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuthorityRecord {
    /// Its id.
    pub id: AuthorityId,
    /// The request that it is for.
    pub request: RequestId,
    /// What it rests on.
    pub kind: AuthorityKind,
    /// How it was proved.
    pub method: Method,
    /// HMAC of the account under the installation key.
    pub account_mac: [u8; 32],
    /// The digest of the one plan that it permits.
    pub plan_digest: [u8; 32],
    /// When it was issued.
    pub issued_at: Timestamp,
    /// Until when it lets a request enter `Erasing`.
    pub expires_at: Timestamp,
    /// HMAC over all of the above under the gate key.
    pub hmac: [u8; 32],
}

/// A stored authority that this program did not write.
#[derive(Debug, thiserror::Error, Clone, Copy, PartialEq, Eq)]
#[error("the stored authority {0} does not carry the mark of this installation: it was forged or altered")]
pub struct ForgedAuthority(
    /// The id that the row claims.
    pub AuthorityId,
);

/// Why no authority comes of what was shown.
#[derive(Debug, thiserror::Error, Clone, Copy, PartialEq, Eq)]
pub enum Unfounded {
    /// Another request, account or plan than the one that was completed.
    #[error("the completed plan is not the one that the authority was for")]
    OtherPlan,
    /// It was completed in the future.
    #[error("the plan is not completed yet")]
    NotCompleted,
}

/// Evidence that a plan was completed, and goes on under the same digest.
#[derive(Debug, Clone, Copy)]
pub struct CompletedPlan {
    /// Its request.
    pub request: RequestId,
    /// The account that it was for.
    pub account_mac: [u8; 32],
    /// The digest that was executed.
    pub plan_digest: [u8; 32],
    /// When it was completed.
    pub completed_at: Timestamp,
}

/// What an authority is for and how long it lives; made by the parts of this room that have proof.
pub(super) struct Grounds {
    pub(super) request: RequestId,
    pub(super) method: Method,
    pub(super) account_mac: [u8; 32],
    pub(super) plan_digest: [u8; 32],
}

impl Authority {
    /// The only way in. Private to `verify`.
    pub(super) fn issue(grounds: &Grounds, lives: Duration, now: Timestamp, chance: &dyn Chance) -> Self {
        Self {
            id: AuthorityId::new(now, chance),
            request: grounds.request,
            method: grounds.method,
            account_mac: grounds.account_mac,
            plan_digest: grounds.plan_digest,
            issued_at: now,
            expires_at: now.plus(lives),
        }
    }

    /// An authority by the deletion policy (Art. 5(1)(e), 17(1)(a) GDPR): the account's service ended. `issued` says how many
    /// authorities its request ever had: each round of the record permits one.
    ///
    /// # Errors
    /// [`NotEnded`] where the record does not carry the mark of this installation, was used, or is of the future.
    pub fn of_ended_service(
        ended: &EndedRecord,
        issued: u32,
        gate: &GateKey,
        plan_digest: [u8; 32],
        lives: Duration,
        now: Timestamp,
        chance: &dyn Chance,
    ) -> Result<Self, NotEnded> {
        ended.check(gate)?;
        if issued > ended.round {
            return Err(NotEnded::Used);
        }
        if ended.ended_at > now {
            return Err(NotEnded::Later);
        }
        let grounds = Grounds {
            request: ended.request,
            method: Method::ServiceEnded,
            account_mac: ended.account_mac,
            plan_digest,
        };
        Ok(Self::issue(&grounds, lives, now, chance))
    }

    /// An authority that goes on from a completed plan: same request, same account, same digest, nothing more.
    ///
    /// # Errors
    /// [`Unfounded`] where the plan is another one or not completed.
    pub fn continued(
        &self,
        plan: &CompletedPlan,
        lives: Duration,
        now: Timestamp,
        chance: &dyn Chance,
    ) -> Result<Self, Unfounded> {
        if plan.completed_at > now {
            return Err(Unfounded::NotCompleted);
        }
        self.completes(plan)?;
        let grounds = Grounds {
            request: self.request,
            method: Method::CompletedPlan,
            account_mac: self.account_mac,
            plan_digest: self.plan_digest,
        };
        Ok(Self::issue(&grounds, lives, now, chance))
    }

    /// Whether a completed plan is the one that this is for.
    pub(super) fn completes(&self, plan: &CompletedPlan) -> Result<(), Unfounded> {
        if plan.completed_at < self.issued_at {
            return Err(Unfounded::NotCompleted);
        }
        let same = plan.request == self.request
            && plan.account_mac == self.account_mac
            && plan.plan_digest == self.plan_digest;
        if same { Ok(()) } else { Err(Unfounded::OtherPlan) }
    }

    /// An authority for rows that a completed plan kept and whose time is over: for the same account, a request of its own and
    /// the plan of those rows.
    ///
    /// # Errors
    /// [`ForgedKept`] where the record does not carry the mark of this installation.
    pub fn of_ended_keeping(
        kept: &KeptRecord,
        gate: &GateKey,
        request: RequestId,
        plan_digest: [u8; 32],
        lives: Duration,
        now: Timestamp,
        chance: &dyn Chance,
    ) -> Result<Self, ForgedKept> {
        kept.check(gate)?;
        let grounds = Grounds { request, method: Method::KeepingEnded, account_mac: kept.account_mac, plan_digest };
        Ok(Self::issue(&grounds, lives, now, chance))
    }

    /// What the database keeps of it.
    #[must_use]
    pub fn record(&self, gate: &GateKey) -> AuthorityRecord {
        let mut record = AuthorityRecord {
            id: self.id,
            request: self.request,
            kind: self.kind(),
            method: self.method,
            account_mac: self.account_mac,
            plan_digest: self.plan_digest,
            issued_at: self.issued_at,
            expires_at: self.expires_at,
            hmac: [0; 32],
        };
        record.hmac = record.with_parts(|parts| gate.mac(LABEL, parts));
        record
    }

    /// What the database kept of it, checked.
    ///
    /// # Errors
    /// [`ForgedAuthority`] where any field is not what this installation wrote.
    pub fn from_record(record: &AuthorityRecord, gate: &GateKey) -> Result<Self, ForgedAuthority> {
        let ours = record.with_parts(|parts| gate.verify(LABEL, parts, &record.hmac));
        if !ours || record.kind != record.method.kind() {
            return Err(ForgedAuthority(record.id));
        }
        Ok(Self {
            id: record.id,
            request: record.request,
            method: record.method,
            account_mac: record.account_mac,
            plan_digest: record.plan_digest,
            issued_at: record.issued_at,
            expires_at: record.expires_at,
        })
    }

    /// Its id.
    #[must_use]
    pub const fn id(&self) -> AuthorityId {
        self.id
    }

    /// The request that it is for.
    #[must_use]
    pub const fn request(&self) -> RequestId {
        self.request
    }

    /// What it rests on.
    #[must_use]
    pub const fn kind(&self) -> AuthorityKind {
        self.method.kind()
    }

    /// How it was proved.
    #[must_use]
    pub const fn method(&self) -> Method {
        self.method
    }

    /// HMAC of the account under the installation key.
    #[must_use]
    pub const fn account_mac(&self) -> &[u8; 32] {
        &self.account_mac
    }

    /// The digest of the one plan that it permits.
    #[must_use]
    pub const fn plan_digest(&self) -> &[u8; 32] {
        &self.plan_digest
    }

    /// When it was issued: the grace period runs from here.
    #[must_use]
    pub const fn issued_at(&self) -> Timestamp {
        self.issued_at
    }

    /// Until when it lets a request enter `Erasing`.
    #[must_use]
    pub const fn expires_at(&self) -> Timestamp {
        self.expires_at
    }

    /// Whether it still lives: it must, when the request enters `Erasing`.
    #[must_use]
    pub fn live_at(&self, now: Timestamp) -> bool {
        self.issued_at <= now && now < self.expires_at
    }
}

const LABEL: &str = "expunged/1/authority";

impl AuthorityRecord {
    /// Hands every field but the HMAC to a function, in one fixed order.
    fn with_parts<T>(&self, act: impl FnOnce(&[&[u8]]) -> T) -> T {
        act(&[
            self.id.as_uuid().as_bytes(),
            self.request.as_uuid().as_bytes(),
            self.kind.as_str().as_bytes(),
            self.method.as_str().as_bytes(),
            &self.account_mac,
            &self.plan_digest,
            &self.issued_at.as_micros().to_be_bytes(),
            &self.expires_at.as_micros().to_be_bytes(),
        ])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chance::SeededChance;
    use crate::verify::testing::keys;

    const NOW: Timestamp = Timestamp::from_micros(1_800_000_000_000_000);
    const LIVES: Duration = Duration::from_secs(86_400 * 30);

    fn issued(method: Method) -> Authority {
        let chance = SeededChance::new(5);
        let grounds =
            Grounds { request: RequestId::new(NOW, &chance), method, account_mac: [1; 32], plan_digest: [2; 32] };
        Authority::issue(&grounds, LIVES, NOW, &chance)
    }

    #[test]
    fn a_record_comes_back_as_itself() {
        let keys = keys(1);
        for method in Method::ALL {
            let authority = issued(*method);
            let again = Authority::from_record(&authority.record(keys.gate()), keys.gate()).unwrap();
            assert_eq!(again, authority);
        }
    }

    #[test]
    fn no_field_can_be_altered() {
        let keys = keys(1);
        let good = issued(Method::Code).record(keys.gate());
        let chance = SeededChance::new(77);
        let alterations: [fn(&mut AuthorityRecord, &SeededChance); 9] = [
            |r, c| r.id = AuthorityId::new(NOW, c),
            |r, c| r.request = RequestId::new(NOW, c),
            |r, _| r.kind = AuthorityKind::Termination,
            |r, _| r.method = Method::Operators,
            |r, _| r.account_mac[31] ^= 1,
            |r, _| r.plan_digest[0] ^= 1,
            |r, _| r.issued_at = r.issued_at.minus(Duration::from_micros(1)),
            |r, _| r.expires_at = r.expires_at.plus(Duration::from_micros(1)),
            |r, _| r.hmac[16] ^= 0x80,
        ];
        for alter in alterations {
            let mut forged = good.clone();
            alter(&mut forged, &chance);
            assert_eq!(Authority::from_record(&forged, keys.gate()), Err(ForgedAuthority(forged.id)));
        }
        assert!(Authority::from_record(&good, keys.gate()).is_ok());
    }

    #[test]
    fn another_installation_and_a_guess_do_not_pass() {
        let good = issued(Method::Code).record(keys(1).gate());
        assert!(Authority::from_record(&good, keys(2).gate()).is_err());
        let guessed = AuthorityRecord { hmac: [0; 32], ..good };
        assert!(Authority::from_record(&guessed, keys(1).gate()).is_err());
    }

    #[test]
    fn it_lives_between_its_dates() {
        let authority = issued(Method::Reply);
        assert!(authority.live_at(NOW));
        assert!(!authority.live_at(NOW.minus(Duration::from_micros(1))), "a clock set back lengthens nothing");
        assert!(!authority.live_at(NOW.plus(LIVES)));
    }

    #[test]
    fn only_the_completed_plan_goes_on() {
        let chance = SeededChance::new(1);
        let first = issued(Method::Code);
        let done = CompletedPlan {
            request: first.request(),
            account_mac: *first.account_mac(),
            plan_digest: *first.plan_digest(),
            completed_at: NOW.plus_days(40),
        };
        let later = NOW.plus_days(47);
        let next = first.continued(&done, LIVES, later, &chance).unwrap();
        assert_eq!((next.kind(), next.live_at(later)), (AuthorityKind::Continuation, true));
        let other = CompletedPlan { plan_digest: [3; 32], ..done };
        assert_eq!(first.continued(&other, LIVES, later, &chance).unwrap_err(), Unfounded::OtherPlan);
        let early = first.continued(&done, LIVES, NOW.plus_days(39), &chance);
        assert_eq!(early.unwrap_err(), Unfounded::NotCompleted);
    }
}
