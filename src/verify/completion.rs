//! That an erasure was done: every step in every store was read back, and nobody else is waited for.
//!
//! What a request's row says of its state, and a letter of the outbox of itself, anybody can write who can write rows. A person is
//! told of an end only where a [`CompletionRecord`] stands behind it, which carries an HMAC under the gate key, over all that the
//! letter tells.

use crate::domain::{AuthorityId, RequestId, Timestamp, stored_enum};
use crate::vault::GateKey;

stored_enum! {
    /// How much of an erasure is done.
    Covers, "extent of a completion" {
        /// Every step in every store of ours was read back; others are still waited for.
        Stores = "stores",
        /// Nobody is waited for any more.
        All = "all",
    }
}

/// That an erasure was done, as the database keeps it. The fields are plain, because the HMAC over them is what counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CompletionRecord {
    /// What permitted it.
    pub authority: AuthorityId,
    /// How much is done.
    pub covers: Covers,
    /// The request that the authority is for.
    pub request: RequestId,
    /// HMAC of the account under the installation key.
    pub account_mac: [u8; 32],
    /// The digest of the one plan that was carried out.
    pub plan_digest: [u8; 32],
    /// Whether anything was held of the person, or others were asked: which letter tells the end.
    pub held_anything: bool,
    /// When it was done.
    pub completed_at: Timestamp,
    /// HMAC over all of the above, and over what the person is told of it, under the gate key.
    pub mark: [u8; 32],
}

/// A request that is called completed, and nothing that this program wrote stands behind it.
#[derive(Debug, thiserror::Error, Clone, Copy, PartialEq, Eq)]
#[error(
    "request {0} is called completed, and nothing with the mark of this installation says so: its state was forged or what was \
     completed was altered; nobody is told that it is done, and a person has to look at what its stores hold; 'requests scope' or \
     'requests account' opens it anew from its letter"
)]
pub struct ForgedCompletion(
    /// The request that the row claims.
    pub RequestId,
);

const LABEL: &str = "expunged/1/completion";

impl CompletionRecord {
    /// The same with the mark of this installation; `told` is what the person is told of it.
    #[must_use]
    pub fn marked(self, told: &[u8], gate: &GateKey) -> Self {
        let mark = self.with_parts(told, |parts| gate.mac(LABEL, parts));
        Self { mark, ..self }
    }

    /// Whether this installation made the mark, for exactly this.
    #[must_use]
    pub fn is_ours(&self, told: &[u8], gate: &GateKey) -> bool {
        self.with_parts(told, |parts| gate.verify(LABEL, parts, &self.mark))
    }

    /// Hands every field but the mark to a function, in one fixed order.
    fn with_parts<T>(&self, told: &[u8], act: impl FnOnce(&[&[u8]]) -> T) -> T {
        act(&[
            self.authority.as_uuid().as_bytes(),
            self.covers.as_str().as_bytes(),
            self.request.as_uuid().as_bytes(),
            &self.account_mac,
            &self.plan_digest,
            &[u8::from(self.held_anything)],
            &self.completed_at.as_micros().to_be_bytes(),
            told,
        ])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chance::SeededChance;
    use crate::verify::testing::keys;

    #[test]
    fn no_field_can_be_altered_and_nothing_else_is_told() {
        let (ours, other) = (keys(1), keys(2));
        let now = Timestamp::from_micros(1_800_000_000_000_000);
        let record = CompletionRecord {
            authority: AuthorityId::new(now, &SeededChance::new(1)),
            covers: Covers::Stores,
            request: RequestId::new(now, &SeededChance::new(2)),
            account_mac: [1; 32],
            plan_digest: [2; 32],
            held_anything: true,
            completed_at: now,
            mark: [0; 32],
        };
        let good = record.marked(b"two rows", ours.gate());
        assert!(good.is_ours(b"two rows", ours.gate()));
        assert!(!good.is_ours(b"no rows", ours.gate()));
        assert!(!good.is_ours(b"two rows", other.gate()));
        let alterations: [fn(&mut CompletionRecord); 8] = [
            |r| r.authority = AuthorityId::new(r.completed_at, &SeededChance::new(3)),
            |r| r.covers = Covers::All,
            |r| r.request = RequestId::new(r.completed_at, &SeededChance::new(4)),
            |r| r.account_mac[31] ^= 1,
            |r| r.plan_digest[0] ^= 1,
            |r| r.held_anything = false,
            |r| r.completed_at = r.completed_at.plus_days(1),
            |r| r.mark[16] ^= 0x80,
        ];
        for alter in alterations {
            let mut forged = good.clone();
            alter(&mut forged);
            assert!(!forged.is_ours(b"two rows", ours.gate()), "{forged:?}");
        }
    }
}
