//! That a request was held, and that its hold was lifted: marks under the gate key, as an authority has one.
//!
//! The state of a request is a row that plain SQL can write. So a hold is kept apart from it, stands until this program
//! lifts it, and nothing begins without the marks of all its releases.

use crate::domain::request::Hold;
use crate::domain::{RequestId, Timestamp};
use crate::vault::GateKey;

/// A hold as the database keeps it. The fields are plain, because the HMACs over them are what counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HoldRecord {
    /// The request that is held.
    pub request: RequestId,
    /// Which hold of the request, from 1.
    pub number: u32,
    /// Who placed it.
    pub by: Hold,
    /// When.
    pub held_at: Timestamp,
    /// HMAC over all of the above under the gate key.
    pub hmac: [u8; 32],
    /// Its end.
    pub release: Option<ReleaseRecord>,
}

/// The end of a hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReleaseRecord {
    /// When it was lifted.
    pub released_at: Timestamp,
    /// HMAC over the hold and the time under the gate key.
    pub hmac: [u8; 32],
}

/// A hold that this program did not place, or did not lift.
#[derive(Debug, thiserror::Error, Clone, Copy, PartialEq, Eq)]
#[error(
    "request {0} is held, or was, and its end does not carry the mark of this installation: it was forged or altered; an \
     operator who holds and releases it, or refuses it, puts that right"
)]
pub struct ForgedRelease(
    /// The request.
    pub RequestId,
);

impl HoldRecord {
    /// Holds a request that has these holds already.
    #[must_use]
    pub fn place(request: RequestId, known: &[Self], by: Hold, now: Timestamp, gate: &GateKey) -> Self {
        let number = known.last().map_or(1, |last| last.number + 1);
        let mut hold = Self { request, number, by, held_at: now, hmac: [0; 32], release: None };
        hold.hmac = hold.with_parts(|parts| gate.mac(HOLD, parts));
        hold
    }

    /// The same hold, lifted now.
    #[must_use]
    pub fn lifted(&self, now: Timestamp, gate: &GateKey) -> Self {
        let hmac = self.with_release(now, |parts| gate.mac(RELEASE, parts));
        Self { release: Some(ReleaseRecord { released_at: now, hmac }), ..self.clone() }
    }

    /// Whether this program placed it.
    #[must_use]
    pub fn is_ours(&self, gate: &GateKey) -> bool {
        self.with_parts(|parts| gate.verify(HOLD, parts, &self.hmac))
    }

    /// When this program lifted it; `None` while it stands, and where somebody else wrote that it does not.
    #[must_use]
    pub fn lifted_at(&self, gate: &GateKey) -> Option<Timestamp> {
        let ReleaseRecord { released_at, hmac } = self.release?;
        self.with_release(released_at, |parts| gate.verify(RELEASE, parts, &hmac)).then_some(released_at)
    }

    /// Hands every field of the hold to a function, in one fixed order.
    fn with_parts<T>(&self, act: impl FnOnce(&[&[u8]]) -> T) -> T {
        act(&[
            self.request.as_uuid().as_bytes(),
            &self.number.to_be_bytes(),
            self.by.as_str().as_bytes(),
            &self.held_at.as_micros().to_be_bytes(),
        ])
    }

    fn with_release<T>(&self, at: Timestamp, act: impl FnOnce(&[&[u8]]) -> T) -> T {
        self.with_parts(|parts| act(&[parts, &[&at.as_micros().to_be_bytes()]].concat()))
    }
}

/// When the last hold of a request ended; `None` where it was never held.
///
/// # Errors
/// [`ForgedRelease`] where a hold stands, or this program did not place and lift each of them.
pub(super) fn last_release(
    request: RequestId,
    holds: &[HoldRecord],
    gate: &GateKey,
) -> Result<Option<Timestamp>, ForgedRelease> {
    let mut last = None;
    for (hold, number) in holds.iter().zip(1..) {
        let lifted = hold.lifted_at(gate).filter(|_| hold.request == request && hold.number == number);
        last = last.max(Some(lifted.filter(|_| hold.is_ours(gate)).ok_or(ForgedRelease(request))?));
    }
    Ok(last)
}

const HOLD: &str = "expunged/1/hold";
const RELEASE: &str = "expunged/1/release";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chance::SeededChance;
    use crate::verify::testing::keys;

    const NOW: Timestamp = Timestamp::from_micros(1_800_000_000_000_000);

    fn request(seed: u64) -> RequestId {
        RequestId::new(NOW, &SeededChance::new(seed))
    }

    #[test]
    fn only_what_was_lifted_each_time_is_free() {
        let (keys, held) = (keys(1), request(1));
        let free = |holds: &[HoldRecord]| last_release(held, holds, keys.gate());
        assert_eq!(free(&[]), Ok(None));
        let first = HoldRecord::place(held, &[], Hold::Operator, NOW, keys.gate());
        assert_eq!(free(std::slice::from_ref(&first)), Err(ForgedRelease(held)));
        let first = first.lifted(NOW.plus_days(1), keys.gate());
        assert_eq!(free(std::slice::from_ref(&first)), Ok(Some(NOW.plus_days(1))));
        let second = HoldRecord::place(held, std::slice::from_ref(&first), Hold::Unproven, NOW, keys.gate());
        assert_eq!(free(&[first.clone(), second.clone()]), Err(ForgedRelease(held)));
        let second = second.lifted(NOW.plus_days(3), keys.gate());
        assert_eq!(free(&[first, second.clone()]), Ok(Some(NOW.plus_days(3))));
        assert_eq!(free(&[second]), Err(ForgedRelease(held)), "one was taken away");
    }

    #[test]
    fn no_field_can_be_altered_and_no_other_release_fits() {
        let (keys, held) = (keys(1), request(1));
        let good = HoldRecord::place(held, &[], Hold::Operator, NOW, keys.gate()).lifted(NOW.plus_days(1), keys.gate());
        let release = |at, hmac| Some(ReleaseRecord { released_at: at, hmac });
        let mark = good.release.unwrap().hmac;
        let other = HoldRecord::place(request(2), &[], Hold::Operator, NOW, keys.gate());
        let alterations = [
            HoldRecord { request: request(2), ..good.clone() },
            HoldRecord { number: 2, ..good.clone() },
            HoldRecord { by: Hold::Unproven, ..good.clone() },
            HoldRecord { held_at: NOW.plus_days(1), ..good.clone() },
            HoldRecord { hmac: [3; 32], ..good.clone() },
            HoldRecord { release: None, ..good.clone() },
            HoldRecord { release: release(NOW, mark), ..good.clone() },
            HoldRecord { release: release(NOW.plus_days(1), [3; 32]), ..good.clone() },
            HoldRecord { release: other.lifted(NOW.plus_days(1), keys.gate()).release, ..good.clone() },
            other.lifted(NOW.plus_days(1), keys.gate()),
        ];
        for altered in alterations {
            assert_eq!(last_release(held, &[altered], keys.gate()), Err(ForgedRelease(held)));
        }
        last_release(held, std::slice::from_ref(&good), super::tests::keys(2).gate()).unwrap_err();
        last_release(held, &[good], keys.gate()).unwrap();
    }
}
