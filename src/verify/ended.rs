//! That the directory says of an account that its service has ended: the ground on which the account is erased though nobody asked.
//!
//! What the directory says becomes an [`EndedRecord`], which names the request that was opened for it, the account and the date, and
//! carries an HMAC under the gate key: whoever can write rows can write another date, but no mark. An authority comes of a record
//! once. After a person has looked, and lets it go on, it comes of the record's next round, which only this program can mark.

use crate::domain::{RequestId, Timestamp};
use crate::vault::{GateKey, InstallationKeys};

use super::directory::Ended;

/// That an account's service has ended, as the database keeps it. The fields are plain, because the HMAC over them is what counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EndedRecord {
    /// The request that was opened for it.
    pub request: RequestId,
    /// HMAC of the account under the installation key.
    pub account_mac: [u8; 32],
    /// When the service ended, as the directory said.
    pub ended_at: Timestamp,
    /// How many authorities had come of it when a person last let it go on: one more may.
    pub round: u32,
    /// HMAC over all of the above under the gate key.
    pub mark: [u8; 32],
}

/// Why no authority comes of a record.
#[derive(Debug, thiserror::Error, Clone, Copy, PartialEq, Eq)]
pub enum NotEnded {
    /// This program did not write it.
    #[error(
        "the stored end of service of request {0} does not carry the mark of this installation: it was forged or altered"
    )]
    Forged(RequestId),
    /// An authority came of it already, and nobody has let it go on since.
    #[error("an authority came of this end of service already, and nobody of the team has let it go on since")]
    Used,
    /// It ends in the future.
    #[error("the account's service has not ended yet")]
    Later,
}

const LABEL: &str = "expunged/1/ended";

impl EndedRecord {
    /// What is kept of a directory's answer for the request that is opened for it; `None` where it gives no date.
    #[must_use]
    pub fn of(ended: &Ended, request: RequestId, keys: &InstallationKeys) -> Option<Self> {
        let account_mac = keys.account_mac(ended.account());
        let record = Self { request, account_mac, ended_at: ended.ended_at()?, round: 0, mark: [0; 32] };
        Some(record.marked(keys.gate()))
    }

    /// The same after a person has looked, and lets it go on; `issued` authorities have come of it so far.
    ///
    /// # Errors
    /// [`NotEnded::Forged`] where it does not carry the mark of this installation.
    pub fn taken_up(&self, issued: u32, gate: &GateKey) -> Result<Self, NotEnded> {
        self.check(gate)?;
        Ok(Self { round: issued, ..self.clone() }.marked(gate))
    }

    /// The same for another request, which goes on in the place of this one.
    ///
    /// # Errors
    /// As [`Self::taken_up`].
    pub fn handed_on(&self, request: RequestId, gate: &GateKey) -> Result<Self, NotEnded> {
        self.check(gate)?;
        Ok(Self { request, round: 0, ..self.clone() }.marked(gate))
    }

    /// Checks the mark.
    ///
    /// # Errors
    /// [`NotEnded::Forged`] where any field is not what this installation wrote.
    pub fn check(&self, gate: &GateKey) -> Result<(), NotEnded> {
        let ours = self.with_parts(|parts| gate.verify(LABEL, parts, &self.mark));
        if ours { Ok(()) } else { Err(NotEnded::Forged(self.request)) }
    }

    /// Whether this answer of the directory says the same: the account, and the same end.
    #[must_use]
    pub fn is_of(&self, ended: &Ended, keys: &InstallationKeys) -> bool {
        ended.ended_at() == Some(self.ended_at) && keys.account_mac(ended.account()) == self.account_mac
    }

    fn marked(self, gate: &GateKey) -> Self {
        let mark = self.with_parts(|parts| gate.mac(LABEL, parts));
        Self { mark, ..self }
    }

    /// Hands every field but the mark to a function, in one fixed order.
    fn with_parts<T>(&self, act: impl FnOnce(&[&[u8]]) -> T) -> T {
        act(&[
            self.request.as_uuid().as_bytes(),
            &self.account_mac,
            &self.ended_at.as_micros().to_be_bytes(),
            &self.round.to_be_bytes(),
        ])
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::chance::SeededChance;
    use crate::verify::testing::keys;
    use crate::verify::{Authority, AuthorityKind};

    const NOW: Timestamp = Timestamp::from_micros(1_800_000_000_000_000);
    const LIVES: Duration = Duration::from_secs(86_400 * 30);

    fn record(ended_at: Timestamp) -> EndedRecord {
        let request = RequestId::new(NOW, &SeededChance::new(5));
        EndedRecord::of(&Ended::new("A1".to_owned(), Some(ended_at)), request, &keys(1)).unwrap()
    }

    fn authority(record: &EndedRecord, issued: u32) -> Result<Authority, NotEnded> {
        Authority::of_ended_service(record, issued, keys(1).gate(), [2; 32], LIVES, NOW, &SeededChance::new(1))
    }

    #[test]
    fn no_field_can_be_altered() {
        let good = record(NOW);
        let alterations: [fn(&mut EndedRecord); 5] = [
            |r| r.request = RequestId::new(NOW, &SeededChance::new(6)),
            |r| r.account_mac[31] ^= 1,
            |r| r.ended_at = r.ended_at.minus(Duration::from_micros(1)),
            |r| r.round += 1,
            |r| r.mark[16] ^= 0x80,
        ];
        for alter in alterations {
            let mut forged = good.clone();
            alter(&mut forged);
            assert_eq!(authority(&forged, forged.round), Err(NotEnded::Forged(forged.request)));
            forged.taken_up(1, keys(1).gate()).unwrap_err();
        }
        assert_eq!(good.check(keys(2).gate()), Err(NotEnded::Forged(good.request)), "another installation");
        let issued = authority(&good, 0).unwrap();
        assert_eq!((issued.kind(), issued.request()), (AuthorityKind::Termination, good.request));
        assert_eq!(issued.account_mac(), &good.account_mac);
    }

    #[test]
    fn an_authority_comes_of_it_once_until_a_person_lets_it_go_on() {
        let first = record(NOW);
        assert_eq!(authority(&first, 1), Err(NotEnded::Used));
        let second = first.taken_up(1, keys(1).gate()).unwrap();
        assert_eq!(authority(&second, 1).unwrap().request(), first.request);
        assert_eq!(authority(&second, 2), Err(NotEnded::Used));
    }

    #[test]
    fn a_service_that_ends_tomorrow_permits_nothing_and_one_without_a_date_is_no_record() {
        assert_eq!(authority(&record(NOW.plus_days(1)), 0), Err(NotEnded::Later));
        let request = RequestId::new(NOW, &SeededChance::new(5));
        assert_eq!(EndedRecord::of(&Ended::new("A1".to_owned(), None), request, &keys(1)), None);
    }

    #[test]
    fn an_answer_says_the_same_by_account_and_date() {
        let (known, keys) = (record(NOW), keys(1));
        let says = |account: &str, at| known.is_of(&Ended::new(account.to_owned(), at), &keys);
        assert!(says("A1", Some(NOW)));
        assert!(!says("A2", Some(NOW)) && !says("A1", Some(NOW.plus_days(1))) && !says("A1", None));
    }
}
