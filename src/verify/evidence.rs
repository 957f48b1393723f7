//! Operator evidence: a person was verified by other means, one operator records it, another one approves.
//!
//! No single person of the team can permit an erasure. The record carries an HMAC under the gate key between the two
//! acts, so that the recorder's pseudonym cannot be exchanged in the database. No document is kept: what kind of
//! proof it was, and a keyed digest of the note that describes it.

use std::time::Duration;

use crate::chance::Chance;
use crate::domain::{RequestId, Timestamp, stored_enum};
use crate::vault::{GateKey, Pseudonym};

use super::authority::{Authority, Grounds, Method};
use super::challenge::Addressee;

stored_enum! {
    /// How a person was verified otherwise. An identity card is not among them (Art. 12(6) GDPR: not by default).
    ProofKind, "kind of proof" {
        /// Called back on the number on file.
        CalledBack = "called_back",
        /// Signed in to the account and said so there.
        SignedIn = "signed_in",
        /// A letter to the postal address on file was answered.
        PostalLetter = "postal_letter",
        /// Somebody who may represent the person or the company showed it.
        Representation = "representation",
    }
}

/// What an operator vouches for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Vouched {
    /// The request.
    pub request: RequestId,
    /// HMAC of the account.
    pub account_mac: [u8; 32],
    /// The one plan that the person asked for.
    pub plan_digest: [u8; 32],
    /// Whose word is replaced: who was called back is not who must approve.
    pub addressee: Addressee,
    /// The round of the request in which it was recorded.
    pub round: u32,
    /// How they were verified.
    pub proof: ProofKind,
    /// Keyed digest of the operator's note, which lies sealed in the vault.
    pub note_digest: [u8; 32],
}

/// Whose hand it is: the user whom the system knows to act, and the names that the environment claims besides ("root for anna").
///
/// A claimed name is never enough to be a second person, because whoever can set it can claim any; and it is always enough to be
/// the same person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hand {
    /// The user whom the system knows.
    pub person: Pseudonym,
    /// Whom they say that they are.
    pub claimed: Vec<Pseudonym>,
}

impl Hand {
    /// Of somebody who claims no other name.
    #[must_use]
    pub const fn of(person: Pseudonym) -> Self {
        Self { person, claimed: Vec::new() }
    }

    /// Whether both may be one person, under whatever name they act.
    #[must_use]
    pub fn may_be(&self, other: &Self) -> bool {
        let names = |hand: &Self| [&[hand.person], hand.claimed.as_slice()].concat();
        names(self).iter().any(|name| names(other).contains(name))
    }
}

/// Evidence that waits for a second operator, as the database keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EvidenceRecord {
    /// What is vouched for.
    pub vouched: Vouched,
    /// Who recorded it.
    pub recorder: Hand,
    /// When.
    pub recorded_at: Timestamp,
    /// HMAC over all of the above under the gate key.
    pub hmac: [u8; 32],
}

/// Stored evidence that this program did not write.
#[derive(Debug, thiserror::Error, Clone, Copy, PartialEq, Eq)]
#[error("the stored evidence of request {0} does not carry the mark of this installation: it was forged or altered")]
pub struct ForgedEvidence(
    /// The request that the row claims.
    pub RequestId,
);

/// Why evidence permits nothing.
#[derive(Debug, thiserror::Error, Clone, Copy, PartialEq, Eq)]
pub enum EvidenceError {
    /// Recorder and approver are one person.
    #[error(
        "whoever recorded the evidence cannot approve it: a second operator must, signed in as a user of their own (root is one person, \
        and whoever comes by sudo is also the one who called it)"
    )]
    SamePerson,
    /// The program does not vouch.
    #[error("evidence is recorded and approved by persons")]
    NotAPerson,
    /// Older than it may be, or from the future.
    #[error("the evidence is too old, or dated in the future: record it again with --proof and --evidence")]
    Stale,
    /// The request went on since, and waits for somebody else or anew.
    #[error("the evidence was recorded for another step of the request: record it again with --proof and --evidence")]
    OtherStep,
    /// Altered in the database.
    #[error(transparent)]
    Forged(#[from] ForgedEvidence),
}

/// What a second operator's approval comes to.
#[derive(Debug, PartialEq, Eq)]
pub enum Endorsed {
    /// It permits the one plan.
    Permitted(Authority),
    /// The asker is verified; their word alone permits nothing, and the owner is asked next.
    OwnerNext,
}

/// Evidence counts for so long: after that the person is asked again.
const EVIDENCE_LIVES: Duration = Duration::from_secs(14 * 86_400);
const LABEL: &str = "expunged/1/evidence";

impl EvidenceRecord {
    /// Records what an operator vouches for. It permits nothing yet.
    ///
    /// # Errors
    /// [`EvidenceError::NotAPerson`] for the program itself.
    pub fn new(vouched: Vouched, recorder: Hand, now: Timestamp, gate: &GateKey) -> Result<Self, EvidenceError> {
        if recorder.person == Pseudonym::PROGRAM {
            return Err(EvidenceError::NotAPerson);
        }
        let mut record = Self { vouched, recorder, recorded_at: now, hmac: [0; 32] };
        record.hmac = record.with_parts(|parts| gate.mac(LABEL, parts));
        Ok(record)
    }

    /// A second operator approves. `step` is whose word the request waits for now, and its round.
    ///
    /// # Errors
    /// [`EvidenceError`] where it is the same operator, the program, forged, too old, or for another step.
    pub fn approve(
        &self,
        approver: &Hand,
        step: (Addressee, u32),
        lives: Duration,
        gate: &GateKey,
        now: Timestamp,
        chance: &dyn Chance,
    ) -> Result<Endorsed, EvidenceError> {
        if !self.with_parts(|parts| gate.verify(LABEL, parts, &self.hmac)) {
            return Err(ForgedEvidence(self.vouched.request).into());
        }
        if approver.person == Pseudonym::PROGRAM || self.recorder.person == Pseudonym::PROGRAM {
            return Err(EvidenceError::NotAPerson);
        }
        if approver.may_be(&self.recorder) {
            return Err(EvidenceError::SamePerson);
        }
        if now < self.recorded_at || now >= self.recorded_at.plus(EVIDENCE_LIVES) {
            return Err(EvidenceError::Stale);
        }
        if step != (self.vouched.addressee, self.vouched.round) {
            return Err(EvidenceError::OtherStep);
        }
        if self.vouched.addressee == Addressee::AskerBeforeOwner {
            return Ok(Endorsed::OwnerNext);
        }
        let grounds = Grounds {
            request: self.vouched.request,
            method: Method::Operators,
            account_mac: self.vouched.account_mac,
            plan_digest: self.vouched.plan_digest,
        };
        Ok(Endorsed::Permitted(Authority::issue(&grounds, lives, now, chance)))
    }

    fn with_parts<T>(&self, act: impl FnOnce(&[&[u8]]) -> T) -> T {
        let (vouched, request) = (&self.vouched, self.vouched.request.as_uuid());
        let (round, recorded_at) = (vouched.round.to_be_bytes(), self.recorded_at.as_micros().to_be_bytes());
        let mut parts: Vec<&[u8]> = vec![
            request.as_bytes(),
            &vouched.account_mac,
            &vouched.plan_digest,
            vouched.addressee.as_str().as_bytes(),
            &round,
            vouched.proof.as_str().as_bytes(),
            &vouched.note_digest,
            self.recorder.person.as_bytes(),
            &recorded_at,
        ];
        // Behind all else: what nobody claimed a name in has the form that it had before names were kept.
        parts.extend(self.recorder.claimed.iter().map(|name| name.as_bytes().as_slice()));
        act(&parts)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chance::SeededChance;
    use crate::vault::{InstallationKeys, KeyEncryptionKey};
    use crate::verify::AuthorityKind;

    const NOW: Timestamp = Timestamp::from_micros(1_800_000_000_000_000);
    const LIVES: Duration = Duration::from_secs(86_400);

    fn keys() -> InstallationKeys {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("kek");
        KeyEncryptionKey::open_or_create(&path, &SeededChance::new(1)).unwrap().installation_keys()
    }

    fn vouched() -> Vouched {
        Vouched {
            request: RequestId::new(NOW, &SeededChance::new(1)),
            account_mac: [1; 32],
            plan_digest: [2; 32],
            addressee: Addressee::Asker,
            round: 1,
            proof: ProofKind::CalledBack,
            note_digest: [3; 32],
        }
    }

    #[test]
    fn it_takes_two() {
        let (keys, chance) = (keys(), SeededChance::new(1));
        let [ann, bob] = ["ann", "bob"].map(|name| Hand::of(keys.pseudonym(name)));
        let record = EvidenceRecord::new(vouched(), ann.clone(), NOW, keys.gate()).unwrap();
        let step = (Addressee::Asker, 1);
        let approve = |by: &Hand, at| record.approve(by, step, LIVES, keys.gate(), at, &chance);
        assert_eq!(approve(&ann, NOW), Err(EvidenceError::SamePerson));
        assert_eq!(approve(&Hand::of(Pseudonym::PROGRAM), NOW), Err(EvidenceError::NotAPerson));
        assert_eq!(approve(&bob, NOW.plus_days(14)), Err(EvidenceError::Stale));
        assert_eq!(approve(&bob, NOW.minus(LIVES)), Err(EvidenceError::Stale));
        let Endorsed::Permitted(authority) = approve(&bob, NOW.plus_days(1)).unwrap() else {
            panic!("nobody else is asked")
        };
        assert_eq!((authority.kind(), authority.method()), (AuthorityKind::Verified, Method::Operators));
        assert_eq!(authority.plan_digest(), &[2; 32]);
    }

    #[test]
    fn it_replaces_the_word_of_one_person_in_one_step() {
        let (keys, chance) = (keys(), SeededChance::new(1));
        let [ann, bob] = ["ann", "bob"].map(|name| Hand::of(keys.pseudonym(name)));
        let asker = Vouched { addressee: Addressee::AskerBeforeOwner, ..vouched() };
        let record = EvidenceRecord::new(asker, ann, NOW, keys.gate()).unwrap();
        let approve = |step| record.approve(&bob, step, LIVES, keys.gate(), NOW, &chance);
        assert_eq!(approve((Addressee::AskerBeforeOwner, 1)), Ok(Endorsed::OwnerNext), "no authority comes of it");
        assert_eq!(approve((Addressee::ApprovingOwner, 2)), Err(EvidenceError::OtherStep));
        assert_eq!(approve((Addressee::AskerBeforeOwner, 2)), Err(EvidenceError::OtherStep));
    }

    /// Where the kernel does not know who signed in, root is whoever called sudo, by that one's word alone.
    #[test]
    fn a_claimed_name_makes_nobody_a_second_person_and_anybody_the_same() {
        let (keys, chance) = (keys(), SeededChance::new(1));
        let name = |name| keys.pseudonym(name);
        let by = |person, claimed: &[&str]| Hand {
            person: name(person),
            claimed: claimed.iter().map(|name| keys.pseudonym(name)).collect(),
        };
        for (recorder, approver, is_second) in [
            (by("root", &["ann"]), by("ann", &[]), false),
            (by("ann", &[]), by("root", &["ann"]), false),
            (by("root", &["ann"]), by("root", &["bob"]), false),
            (by("root", &["ann", "uid-1000"]), by("uid-1000", &[]), false),
            (by("expunged", &["ann"]), by("root", &["ann"]), false),
            (by("root", &["ann"]), by("bob", &[]), true),
            (by("ann", &[]), by("root", &["bob"]), true),
        ] {
            let record = EvidenceRecord::new(vouched(), recorder.clone(), NOW, keys.gate()).unwrap();
            let done = record.approve(&approver, (Addressee::Asker, 1), LIVES, keys.gate(), NOW, &chance);
            match done {
                Ok(Endorsed::Permitted(_)) => assert!(is_second, "{recorder:?} {approver:?}"),
                other => assert_eq!((other, is_second), (Err(EvidenceError::SamePerson), false)),
            }
        }
    }

    #[test]
    fn the_program_records_none() {
        let error = EvidenceRecord::new(vouched(), Hand::of(Pseudonym::PROGRAM), NOW, keys().gate()).unwrap_err();
        assert_eq!(error, EvidenceError::NotAPerson);
    }

    #[test]
    fn the_recorder_cannot_be_exchanged_in_the_database() {
        let (keys, chance) = (keys(), SeededChance::new(1));
        let [ann, bob] = ["ann", "bob"].map(|name| Hand::of(keys.pseudonym(name)));
        let record = EvidenceRecord::new(vouched(), ann.clone(), NOW, keys.gate()).unwrap();
        let exchanged = EvidenceRecord { recorder: bob.clone(), ..record.clone() };
        let claimed = Hand { person: ann.person, claimed: vec![bob.person] };
        let claimed = EvidenceRecord { recorder: claimed, ..record.clone() };
        let step = Vouched { addressee: Addressee::ApprovingOwner, ..vouched() };
        let restepped = EvidenceRecord { vouched: step, ..record.clone() };
        let moved = EvidenceRecord { vouched: Vouched { plan_digest: [9; 32], ..vouched() }, ..record };
        for forged in [exchanged, claimed, restepped, moved] {
            let step = (forged.vouched.addressee, 1);
            let error = forged.approve(&ann, step, LIVES, keys.gate(), NOW, &chance).unwrap_err();
            assert_eq!(error, EvidenceError::Forged(ForgedEvidence(vouched().request)));
        }
    }
}
