//! What is to be recorded, and the leaf that it becomes.

use crate::chance::{Chance, draw};
use crate::domain::{CaseId, Timestamp, stored_enum};
use crate::vault::{DataKey, KeyOwner, KeyPurpose, Pseudonym};

use super::event::Event;
use super::facts::{Facts, PrivateFacts, millis};
use super::leaf::{ActorFields, Leaf, LeafError, LeafFields, VERSION};

stored_enum! {
    /// What kind of actor did it.
    ActorKind, "kind of actor" {
        /// The program.
        Program = "program",
        /// The person whom the request is of.
        Person = "person",
        /// The owner of the account.
        Owner = "owner",
        /// Somebody of the team.
        Operator = "operator",
    }
}

/// Who did it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Actor {
    /// The kind of actor.
    pub kind: ActorKind,
    /// Zeros for everybody but operators.
    pub pseudonym: Pseudonym,
}

impl Actor {
    /// The program.
    pub const PROGRAM: Self = Self { kind: ActorKind::Program, pseudonym: Pseudonym::PROGRAM };
    /// The person whom the request is of.
    pub const PERSON: Self = Self { kind: ActorKind::Person, pseudonym: Pseudonym::PROGRAM };
    /// The owner of the account.
    pub const OWNER: Self = Self { kind: ActorKind::Owner, pseudonym: Pseudonym::PROGRAM };

    /// Somebody of the team.
    #[must_use]
    pub const fn operator(pseudonym: Pseudonym) -> Self {
        Self { kind: ActorKind::Operator, pseudonym }
    }
}

/// What was in force: SHA-256 of each, computed once at start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamps {
    /// Of the policy: authority table, terms, law pack.
    pub policy: [u8; 32],
    /// Of the checked configuration with the data maps and the lexicon that it leads to, without its secrets.
    pub config: [u8; 32],
    /// Of the file of the program that runs.
    pub build: [u8; 32],
}

/// Where a leaf joins the chain of its case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Link {
    /// The number of the last leaf; 0 before the first.
    pub number: u64,
    /// The hash of the last leaf; zeros before the first.
    pub hash: [u8; 32],
}

impl Link {
    /// Before the first leaf of a case.
    pub const START: Self = Self { number: 0, hash: [0; 32] };
}

/// One step of a case, to be recorded.
#[derive(Clone, Debug)]
pub struct Entry {
    event: Event,
    actor: Actor,
    facts: Facts,
    private: PrivateFacts,
    address: Option<[u8; 32]>,
}

impl Entry {
    /// An entry without facts yet.
    #[must_use]
    pub fn new(event: Event, actor: Actor) -> Self {
        Self { event, actor, facts: Facts::new(), private: PrivateFacts::new(), address: None }
    }

    /// With these public facts.
    #[must_use]
    pub fn facts(mut self, facts: Facts) -> Self {
        self.facts = facts;
        self
    }

    /// With these private facts.
    #[must_use]
    pub fn private(mut self, private: PrivateFacts) -> Self {
        self.private = private;
        self
    }

    /// With the commitment to an address that we write to; once per case and address.
    #[must_use]
    pub const fn committed_address(mut self, commitment: [u8; 32]) -> Self {
        self.address = Some(commitment);
        self
    }

    /// What happened.
    #[must_use]
    pub const fn event(&self) -> Event {
        self.event
    }

    /// The private facts, to be sealed.
    #[must_use]
    pub const fn private_facts(&self) -> &PrivateFacts {
        &self.private
    }

    /// The leaf after this link, committed under the case's record key.
    ///
    /// # Errors
    /// [`LeafError`] where the key is not the case's record key or the leaf is too long.
    pub fn leaf(
        &self,
        after: Link,
        record: &DataKey,
        stamps: &Stamps,
        now: Timestamp,
        chance: &dyn Chance,
    ) -> Result<Leaf, LeafError> {
        let case = case_of(record)?;
        let hex = |bytes: &[u8]| data_encoding::HEXLOWER.encode(bytes);
        let number = after.number + 1;
        let private = self.private.to_canonical().map_err(LeafError::NotALeaf)?;
        Leaf::write(&LeafFields {
            version: VERSION,
            event: self.event,
            time: millis(now),
            case: case.to_string(),
            number,
            previous: hex(&after.hash),
            actor: ActorFields { kind: self.actor.kind, pseudonym: self.actor.pseudonym.to_string() },
            policy: hex(&stamps.policy),
            config: hex(&stamps.config),
            build: hex(&stamps.build),
            facts: self.facts.as_json(),
            private: hex(&private_commitment(record, case, number, &private)),
            address: self.address.map(|address| hex(&address)),
            blinding: hex(&draw::<32>(chance)),
        })
    }
}

/// The commitment to an address, under the case's record key: not the same in two cases.
///
/// # Errors
/// [`LeafError::ForeignKey`] where the key is no case's record key.
pub fn address_commitment(record: &DataKey, address: &str) -> Result<[u8; 32], LeafError> {
    let case = case_of(record)?;
    Ok(record.commit("expunged/1/trail-address", &[case.as_bytes(), address.trim().to_lowercase().as_bytes()]))
}

/// Number and case are in it, so that equal facts in two leaves do not show as equal.
fn private_commitment(record: &DataKey, case: CaseId, number: u64, canonical: &[u8]) -> [u8; 32] {
    record.commit("expunged/1/trail-private", &[case.as_bytes(), &number.to_be_bytes(), canonical])
}

fn case_of(record: &DataKey) -> Result<CaseId, LeafError> {
    match (record.purpose(), record.owner()) {
        (KeyPurpose::Record, KeyOwner::Case(case)) => Ok(case),
        _ => Err(LeafError::ForeignKey),
    }
}

impl LeafFields {
    /// Whether these are the private facts that the leaf commits to.
    ///
    /// # Errors
    /// [`LeafError::ForeignKey`] where the key is not the record key of this leaf's case.
    pub fn commits_to(&self, private: &PrivateFacts, record: &DataKey) -> Result<bool, LeafError> {
        use subtle::ConstantTimeEq;
        let case = case_of(record)?;
        if case.to_string() != self.case {
            return Err(LeafError::ForeignKey);
        }
        let canonical = private.to_canonical().map_err(LeafError::NotALeaf)?;
        let expected = data_encoding::HEXLOWER.encode(&private_commitment(record, case, self.number, &canonical));
        Ok(expected.as_bytes().ct_eq(self.private.as_bytes()).into())
    }
}
