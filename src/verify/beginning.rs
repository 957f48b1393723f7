//! That an erasure may begin now: its authority is live, nothing holds it, and its grace period, counted from the proof or
//! from the end of the last pause, is over.
//!
//! What a request's row says of its state and its dates anybody can write who can write rows. A worker therefore
//! erases only under a [`Beginning`], which this room makes of an [`Authority`] and which carries an HMAC under the gate key.

use std::time::Duration;

use crate::domain::{AuthorityId, RequestId, Timestamp};
use crate::vault::GateKey;

use super::authority::Authority;
use super::hold::{ForgedRelease, HoldRecord, last_release};

/// That a request began to be erased under one authority. It cannot be made outside `verify`.
#[derive(Debug, PartialEq, Eq)]
pub struct Beginning(BeginningRecord);

/// A beginning as the database keeps it. The fields are plain, because the HMAC over them is what counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BeginningRecord {
    /// What permits it.
    pub authority: AuthorityId,
    /// The request that the authority is for.
    pub request: RequestId,
    /// HMAC of the account under the installation key.
    pub account_mac: [u8; 32],
    /// The digest of the one plan that is carried out.
    pub plan_digest: [u8; 32],
    /// When it began.
    pub begun_at: Timestamp,
    /// HMAC over all of the above under the gate key.
    pub hmac: [u8; 32],
}

/// Why nothing begins.
#[derive(Debug, thiserror::Error, Clone, Copy, PartialEq, Eq)]
pub enum NotBegun {
    /// The grace period, counted from the proof or the end of the last pause, runs until then.
    #[error("the grace period still runs")]
    TooEarly {
        /// When it is over.
        until: Timestamp,
    },
    /// The proof is too old.
    #[error("the proof is too old to begin under it")]
    Expired,
    /// A hold stands.
    #[error(transparent)]
    Held(#[from] ForgedRelease),
}

/// A stored beginning that this program did not write, or wrote for another authority.
#[derive(Debug, thiserror::Error, Clone, Copy, PartialEq, Eq)]
#[error("the stored beginning of request {0} does not carry the mark of this installation: it was forged or altered")]
pub struct ForgedBeginning(
    /// The request that the row claims.
    pub RequestId,
);

impl Beginning {
    /// When the grace period of an authority is over: it counts from the proof, or from the end of the last pause. `holds`
    /// are all that its request ever had.
    ///
    /// # Errors
    /// [`ForgedRelease`] while a hold stands.
    pub fn due_at(
        authority: &Authority,
        holds: &[HoldRecord],
        grace: Duration,
        gate: &GateKey,
    ) -> Result<Timestamp, ForgedRelease> {
        let released_at = last_release(authority.request(), holds, gate)?;
        Ok(authority.issued_at().max(released_at.unwrap_or(authority.issued_at())).plus(grace))
    }

    /// Begins under an authority, once its grace period is over and as long as it lives. `holds` are all that its request
    /// ever had.
    ///
    /// # Errors
    /// [`NotBegun`] before and after that, and while a hold stands.
    pub fn of(
        authority: &Authority,
        holds: &[HoldRecord],
        grace: Duration,
        now: Timestamp,
        gate: &GateKey,
    ) -> Result<Self, NotBegun> {
        let until = Self::due_at(authority, holds, grace, gate)?;
        if now < until {
            return Err(NotBegun::TooEarly { until });
        }
        if !authority.live_at(now) {
            return Err(NotBegun::Expired);
        }
        let mut record = BeginningRecord {
            authority: authority.id(),
            request: authority.request(),
            account_mac: *authority.account_mac(),
            plan_digest: *authority.plan_digest(),
            begun_at: now,
            hmac: [0; 32],
        };
        record.hmac = record.with_parts(|parts| gate.mac(LABEL, parts));
        Ok(Self(record))
    }

    /// What the database keeps of it.
    #[must_use]
    pub const fn record(&self) -> &BeginningRecord {
        &self.0
    }

    /// What the database kept of it, checked, and held against the authority that it must be of.
    ///
    /// # Errors
    /// [`ForgedBeginning`] where any field is not what this installation wrote for this authority.
    pub fn from_record(
        record: BeginningRecord,
        authority: &Authority,
        gate: &GateKey,
    ) -> Result<Self, ForgedBeginning> {
        let ours = record.with_parts(|parts| gate.verify(LABEL, parts, &record.hmac));
        let bound = record.authority == authority.id()
            && record.request == authority.request()
            && record.account_mac == *authority.account_mac()
            && record.plan_digest == *authority.plan_digest()
            && authority.live_at(record.begun_at);
        if ours && bound { Ok(Self(record)) } else { Err(ForgedBeginning(record.request)) }
    }
}

const LABEL: &str = "expunged/1/beginning";

impl BeginningRecord {
    /// Hands every field but the HMAC to a function, in one fixed order.
    fn with_parts<T>(&self, act: impl FnOnce(&[&[u8]]) -> T) -> T {
        act(&[
            self.authority.as_uuid().as_bytes(),
            self.request.as_uuid().as_bytes(),
            &self.account_mac,
            &self.plan_digest,
            &self.begun_at.as_micros().to_be_bytes(),
        ])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chance::SeededChance;
    use crate::domain::request::Hold;
    use crate::verify::authority::{Grounds, Method};
    use crate::verify::testing::keys;

    const NOW: Timestamp = Timestamp::from_micros(1_800_000_000_000_000);
    const DAY: Duration = Duration::from_secs(86_400);

    fn authority(seed: u64) -> Authority {
        let chance = SeededChance::new(seed);
        let grounds = Grounds {
            request: RequestId::new(NOW, &chance),
            method: Method::Code,
            account_mac: [1; 32],
            plan_digest: [2; 32],
        };
        Authority::issue(&grounds, DAY * 21, NOW, &chance)
    }

    #[test]
    fn nothing_begins_before_the_grace_period_of_the_proof_or_after_its_end() {
        let (keys, authority) = (keys(1), authority(1));
        let begin = |days| Beginning::of(&authority, &[], DAY * 7, NOW.plus_days(days), keys.gate());
        assert_eq!(begin(6).unwrap_err(), NotBegun::TooEarly { until: NOW.plus_days(7) });
        assert_eq!(begin(21).unwrap_err(), NotBegun::Expired);
        let begun = begin(7).unwrap();
        assert_eq!(Beginning::from_record(begun.record().clone(), &authority, keys.gate()).unwrap(), begun);
    }

    #[test]
    fn nothing_begins_while_it_is_held_and_the_grace_period_runs_anew_after_that() {
        let (keys, authority) = (keys(1), authority(1));
        let begin = |hold: &HoldRecord, days| {
            Beginning::of(&authority, std::slice::from_ref(hold), DAY * 7, NOW.plus_days(days), keys.gate())
        };
        let hold = HoldRecord::place(authority.request(), &[], Hold::Operator, NOW.plus_days(1), keys.gate());
        assert_eq!(begin(&hold, 12).unwrap_err(), NotBegun::Held(ForgedRelease(authority.request())));
        let hold = hold.lifted(NOW.plus_days(5), keys.gate());
        assert_eq!(begin(&hold, 11).unwrap_err(), NotBegun::TooEarly { until: NOW.plus_days(12) });
        begin(&hold, 12).unwrap();
    }

    #[test]
    fn no_field_can_be_altered_and_no_other_authority_begins_by_it() {
        let (keys, authority, other) = (keys(1), authority(1), authority(2));
        let good = Beginning::of(&authority, &[], DAY, NOW.plus_days(2), keys.gate()).unwrap().record().clone();
        let alterations: [fn(&mut BeginningRecord, &Authority); 6] = [
            |r, other| r.authority = other.id(),
            |r, other| r.request = other.request(),
            |r, _| r.account_mac[31] ^= 1,
            |r, _| r.plan_digest[0] ^= 1,
            |r, _| r.begun_at = r.begun_at.plus(Duration::from_micros(1)),
            |r, _| r.hmac[16] ^= 0x80,
        ];
        for alter in alterations {
            let mut forged = good.clone();
            alter(&mut forged, &other);
            Beginning::from_record(forged, &authority, keys.gate()).unwrap_err();
        }
        Beginning::from_record(good.clone(), &other, keys.gate()).unwrap_err();
        Beginning::from_record(good, &authority, super::tests::keys(2).gate()).unwrap_err();
    }
}
