//! Legal holds: an account, a person, a table or a store that nothing may be erased from while the hold stands, whoever
//! asked; and the switch that stops all erasing, which is a hold on everything.
//!
//! Placing and lifting carry an HMAC under the gate key: what plain SQL wrote neither lifts a hold nor moves it to
//! somebody else.

use crate::chance::{Chance, draw};
use crate::domain::{Timestamp, stored_enum};
use crate::vault::{GateKey, Pseudonym};

stored_enum! {
    /// What a legal hold is on.
    HeldKind, "kind of legal hold" {
        /// An account, with all that belongs to it.
        Account = "account",
        /// One person, by the key of their row.
        Subject = "subject",
        /// A table of a store.
        Table = "table",
        /// A store.
        Store = "store",
        /// Every store: nothing is erased at all.
        Everything = "everything",
    }
}

/// A legal hold as the database keeps it. The fields are plain, because the HMACs over them are what counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LegalHoldRecord {
    /// Its id.
    pub id: uuid::Uuid,
    /// What it is on.
    pub kind: HeldKind,
    /// HMAC of that under the installation key.
    pub target_mac: [u8; 32],
    /// What people know it by, such as the number of a file.
    pub reference: String,
    /// Who placed it.
    pub placed_by: [u8; 16],
    /// When.
    pub placed_at: Timestamp,
    /// HMAC over all of the above under the gate key.
    pub hmac: [u8; 32],
    /// When it was lifted; `None` while it stands.
    pub released_at: Option<Timestamp>,
    /// HMAC over all of the above and the time of its end.
    pub release_hmac: Option<[u8; 32]>,
}

/// A stored legal hold that this program did not write.
#[derive(Debug, thiserror::Error, Clone, Copy, PartialEq, Eq)]
#[error("the stored legal hold {0} does not carry the mark of this installation: it was forged or altered")]
pub struct ForgedLegalHold(
    /// The id that the row claims.
    pub uuid::Uuid,
);

const PLACED: &str = "expunged/1/legal-hold";
const LIFTED: &str = "expunged/1/legal-hold-end";

impl LegalHoldRecord {
    /// Places a hold.
    #[must_use]
    pub fn place(
        kind: HeldKind,
        target_mac: [u8; 32],
        reference: String,
        by: Pseudonym,
        now: Timestamp,
        gate: &GateKey,
        chance: &dyn Chance,
    ) -> Self {
        let mut hold = Self {
            id: uuid::Builder::from_random_bytes(draw(chance)).into_uuid(),
            kind,
            target_mac,
            reference,
            placed_by: *by.as_bytes(),
            placed_at: now,
            hmac: [0; 32],
            released_at: None,
            release_hmac: None,
        };
        hold.hmac = hold.with_parts(|parts| gate.mac(PLACED, parts));
        hold
    }

    /// The same hold, lifted.
    #[must_use]
    pub fn lifted(mut self, now: Timestamp, gate: &GateKey) -> Self {
        self.released_at = Some(now);
        self.release_hmac = Some(gate.mac(LIFTED, &[&self.hmac, &now.as_micros().to_be_bytes()]));
        self
    }

    /// Whether it stands. An end that this program did not write is none.
    ///
    /// # Errors
    /// [`ForgedLegalHold`] where any field of the hold is not what this installation wrote.
    pub fn stands(&self, gate: &GateKey) -> Result<bool, ForgedLegalHold> {
        if !self.with_parts(|parts| gate.verify(PLACED, parts, &self.hmac)) {
            return Err(ForgedLegalHold(self.id));
        }
        let lifted = self
            .released_at
            .zip(self.release_hmac)
            .is_some_and(|(at, hmac)| gate.verify(LIFTED, &[&self.hmac, &at.as_micros().to_be_bytes()], &hmac));
        Ok(!lifted)
    }

    /// Hands every field of the placing but the HMAC to a function, in one fixed order.
    fn with_parts<T>(&self, act: impl FnOnce(&[&[u8]]) -> T) -> T {
        act(&[
            self.id.as_bytes(),
            self.kind.as_str().as_bytes(),
            &self.target_mac,
            self.reference.as_bytes(),
            &self.placed_by,
            &self.placed_at.as_micros().to_be_bytes(),
        ])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chance::SeededChance;
    use crate::verify::testing::keys;

    const NOW: Timestamp = Timestamp::from_micros(1_800_000_000_000_000);

    #[test]
    fn only_our_own_mark_places_and_lifts() {
        let (keys, other) = (keys(1), keys(2));
        let (gate, chance) = (keys.gate(), SeededChance::new(3));
        let by = keys.pseudonym("ops");
        let hold = LegalHoldRecord::place(HeldKind::Account, [1; 32], "12 O 34".into(), by, NOW, gate, &chance);
        assert_eq!(hold.stands(gate), Ok(true));
        assert_eq!(hold.clone().lifted(NOW.plus_days(1), gate).stands(gate), Ok(false));
        assert_eq!(hold.clone().lifted(NOW.plus_days(1), other.gate()).stands(gate), Ok(true), "a forged end is none");
        let moved = LegalHoldRecord { target_mac: [2; 32], ..hold.clone() };
        assert_eq!(moved.stands(gate), Err(ForgedLegalHold(hold.id)));
        let late = hold.clone().lifted(NOW.plus_days(1), gate);
        let earlier = LegalHoldRecord { released_at: Some(NOW), ..late };
        assert_eq!(earlier.stands(gate), Ok(true));
    }
}
