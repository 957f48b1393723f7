//! That nothing more is waited for from a recipient: they said that it is done, or a person of the team closed it.
//!
//! A row's state anybody can write who can write rows. What counts as settled therefore carries an HMAC under the gate key, over
//! all by which it counts and by which the person is told of it.

use crate::domain::{RequestId, Timestamp};
use crate::vault::GateKey;

const LABEL: &str = "expunged/1/settled";

/// How a recipient of a request was settled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settled<'a> {
    /// The request that waited for them.
    pub request: RequestId,
    /// The name of their map, and which part.
    pub store: &'a str,
    /// Which of their answers it is: how often their state was written, with this one.
    pub answers: u32,
    /// The word of their state.
    pub state: &'a str,
    /// The word of what a person had to look at; empty for nothing.
    pub need: &'a str,
    /// Since when nothing more is waited for.
    pub at: Timestamp,
}

impl Settled<'_> {
    /// The mark of this installation.
    #[must_use]
    pub fn mark(&self, gate: &GateKey) -> [u8; 32] {
        self.with_parts(|parts| gate.mac(LABEL, parts))
    }

    /// Whether this installation made the mark, for exactly this.
    #[must_use]
    pub fn is_ours(&self, mark: &[u8; 32], gate: &GateKey) -> bool {
        self.with_parts(|parts| gate.verify(LABEL, parts, mark))
    }

    fn with_parts<T>(&self, act: impl FnOnce(&[&[u8]]) -> T) -> T {
        act(&[
            self.request.as_uuid().as_bytes(),
            self.store.as_bytes(),
            &self.answers.to_be_bytes(),
            self.state.as_bytes(),
            self.need.as_bytes(),
            &self.at.as_micros().to_be_bytes(),
        ])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chance::SeededChance;
    use crate::verify::testing::keys;

    #[test]
    fn a_mark_is_for_one_recipient_and_state() {
        let (ours, other) = (keys(1), keys(2));
        let now = Timestamp::from_micros(1_800_000_000_000_000);
        let request = RequestId::new(now, &SeededChance::new(1));
        let done = Settled { request, store: "parcels", answers: 2, state: "completed", need: "", at: now };
        let mark = done.mark(ours.gate());
        assert!(done.is_ours(&mark, ours.gate()));
        assert!(!done.is_ours(&mark, other.gate()));
        for forged in [
            Settled { store: "courier", ..done },
            Settled { answers: 3, ..done },
            Settled { state: "closed", ..done },
            Settled { need: "refused", ..done },
            Settled { at: now.plus_days(1), ..done },
            Settled { request: RequestId::new(now, &SeededChance::new(2)), ..done },
        ] {
            assert!(!forged.is_ours(&mark, ours.gate()), "{forged:?}");
        }
    }
}
