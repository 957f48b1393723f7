//! That an erasure left rows on a ground, which go when their time is over: years after its request was forgotten with all that
//! permitted it.
//!
//! What a table says of rows that are to be erased anybody can write who can write rows. A worker therefore opens the erasing of
//! what was kept only under a [`KeptRecord`], which this room makes of the authority that the erasure was completed under, and
//! which carries an HMAC under the gate key.

use crate::domain::{AuthorityId, CaseId, RequestId, Timestamp};
use crate::vault::GateKey;

use super::authority::{Authority, CompletedPlan, Unfounded};

/// That a completed erasure kept rows, as the database keeps it. The fields are plain, because the HMAC over them is what counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptRecord {
    /// The case of the erasure; the keys of its rows are sealed under its `kept` key.
    pub case: CaseId,
    /// The request that was completed.
    pub request: RequestId,
    /// What it was completed under.
    pub authority: AuthorityId,
    /// HMAC of the account under the installation key.
    pub account_mac: [u8; 32],
    /// The digest of the plan that said what is kept.
    pub plan_digest: [u8; 32],
    /// When it was completed.
    pub completed_at: Timestamp,
    /// HMAC over all of the above under the gate key.
    pub mark: [u8; 32],
}

/// A stored record of kept rows that this program did not write.
#[derive(Debug, thiserror::Error, Clone, Copy, PartialEq, Eq)]
#[error(
    "the stored record of what case {0} keeps does not carry the mark of this installation: it was forged or altered"
)]
pub struct ForgedKept(
    /// The case that the row claims.
    pub CaseId,
);

const LABEL: &str = "expunged/1/kept";

impl KeptRecord {
    /// The record of a plan that was completed under this authority.
    ///
    /// # Errors
    /// [`Unfounded`] where the plan is another one or not completed.
    pub fn of(authority: &Authority, plan: &CompletedPlan, case: CaseId, gate: &GateKey) -> Result<Self, Unfounded> {
        authority.completes(plan)?;
        let mut record = Self {
            case,
            request: plan.request,
            authority: authority.id(),
            account_mac: plan.account_mac,
            plan_digest: plan.plan_digest,
            completed_at: plan.completed_at,
            mark: [0; 32],
        };
        record.mark = record.with_parts(|parts| gate.mac(LABEL, parts));
        Ok(record)
    }

    /// Checks the mark.
    ///
    /// # Errors
    /// [`ForgedKept`] where any field is not what this installation wrote.
    pub fn check(&self, gate: &GateKey) -> Result<(), ForgedKept> {
        let ours = self.with_parts(|parts| gate.verify(LABEL, parts, &self.mark));
        if ours { Ok(()) } else { Err(ForgedKept(self.case)) }
    }

    /// Hands every field but the mark to a function, in one fixed order.
    fn with_parts<T>(&self, act: impl FnOnce(&[&[u8]]) -> T) -> T {
        act(&[
            self.case.as_bytes(),
            self.request.as_uuid().as_bytes(),
            self.authority.as_uuid().as_bytes(),
            &self.account_mac,
            &self.plan_digest,
            &self.completed_at.as_micros().to_be_bytes(),
        ])
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::chance::SeededChance;
    use crate::verify::authority::Grounds;
    use crate::verify::testing::keys;
    use crate::verify::{AuthorityKind, Method};

    const NOW: Timestamp = Timestamp::from_micros(1_800_000_000_000_000);
    const LIVES: Duration = Duration::from_secs(86_400 * 30);

    fn completed() -> (Authority, CompletedPlan) {
        let chance = SeededChance::new(5);
        let request = RequestId::new(NOW, &chance);
        let grounds = Grounds { request, method: Method::Code, account_mac: [1; 32], plan_digest: [2; 32] };
        let plan =
            CompletedPlan { request, account_mac: [1; 32], plan_digest: [2; 32], completed_at: NOW.plus_days(8) };
        (Authority::issue(&grounds, LIVES, NOW, &chance), plan)
    }

    #[test]
    fn no_field_can_be_altered() {
        let (ours, other) = (keys(1), keys(2));
        let (authority, plan) = completed();
        let case = CaseId::new(&SeededChance::new(6));
        let good = KeptRecord::of(&authority, &plan, case, ours.gate()).unwrap();
        assert_eq!(good.check(ours.gate()), Ok(()));
        assert_eq!(good.check(other.gate()), Err(ForgedKept(case)));
        let alterations: [fn(&mut KeptRecord); 7] = [
            |r| r.case = CaseId::new(&SeededChance::new(7)),
            |r| r.request = RequestId::new(NOW, &SeededChance::new(8)),
            |r| r.authority = AuthorityId::new(NOW, &SeededChance::new(9)),
            |r| r.account_mac[0] ^= 1,
            |r| r.plan_digest[31] ^= 1,
            |r| r.completed_at = r.completed_at.plus_days(1),
            |r| r.mark[0] ^= 1,
        ];
        for alter in alterations {
            let mut forged = good.clone();
            alter(&mut forged);
            assert!(forged.check(ours.gate()).is_err(), "{forged:?}");
        }
    }

    #[test]
    fn only_a_completed_plan_keeps_anything() {
        let keys = keys(1);
        let (authority, plan) = completed();
        let case = CaseId::new(&SeededChance::new(6));
        let other = CompletedPlan { plan_digest: [3; 32], ..plan };
        assert_eq!(KeptRecord::of(&authority, &other, case, keys.gate()), Err(Unfounded::OtherPlan));
        let early = CompletedPlan { completed_at: NOW.minus(LIVES), ..plan };
        assert_eq!(KeptRecord::of(&authority, &early, case, keys.gate()), Err(Unfounded::NotCompleted));
    }

    #[test]
    fn an_authority_for_what_was_kept_is_a_continuation_and_rests_on_our_mark() {
        let (ours, other) = (keys(1), keys(2));
        let (authority, plan) = completed();
        let case = CaseId::new(&SeededChance::new(6));
        let kept = KeptRecord::of(&authority, &plan, case, ours.gate()).unwrap();
        let (later, chance) = (NOW.plus_days(3_650), SeededChance::new(10));
        let next = RequestId::new(later, &chance);
        let issued = Authority::of_ended_keeping(&kept, ours.gate(), next, [9; 32], LIVES, later, &chance).unwrap();
        assert_eq!((issued.kind(), issued.method()), (AuthorityKind::Continuation, Method::KeepingEnded));
        assert_eq!((issued.request(), issued.account_mac(), issued.plan_digest()), (next, &[1; 32], &[9; 32]));
        let forged = Authority::of_ended_keeping(&kept, other.gate(), next, [9; 32], LIVES, later, &chance);
        assert_eq!(forged, Err(ForgedKept(case)));
    }
}
