//! The keys of the installation: all derived from the key-encryption key, one per use, none stored.
//!
//! They are what look-ups, digests, message ids and the gate are keyed with. They never seal personal data: those
//! have keys that can be destroyed.

use std::fmt;

use subtle::ConstantTimeEq;

use crate::domain::request::Audience;
use crate::domain::{LetterId, LetterKind, RequestId};

use super::secret::Secret;

/// The installation's keys. They wipe themselves and never print.
pub struct InstallationKeys {
    lookup: Secret,
    account: Secret,
    digest: Secret,
    message_id: Secret,
    pseudonym: Secret,
    suppression: Secret,
    gate: GateKey,
}

impl InstallationKeys {
    pub(super) fn derive(kek: &Secret) -> Self {
        Self {
            lookup: kek.derive("expunged/1/lookup"),
            account: kek.derive("expunged/1/account"),
            digest: kek.derive("expunged/1/digest"),
            message_id: kek.derive("expunged/1/message-id"),
            pseudonym: kek.derive("expunged/1/pseudonym"),
            suppression: kek.derive("expunged/1/suppression"),
            gate: GateKey(kek.derive("expunged/1/gate")),
        }
    }

    /// What an address is found by in our own tables: spaces around it and its case do not count, dots and
    /// subaddresses do.
    #[must_use]
    pub fn lookup_mac(&self, address: &str) -> [u8; 32] {
        self.lookup.mac("address", &[address.trim().to_lowercase().as_bytes()])
    }

    /// What an identity of somebody erased stands under in the suppression list, in hex: spaces around it and its case do
    /// not count.
    #[must_use]
    pub fn suppression_mac(&self, identity: &str) -> String {
        let mac = self.suppression.mac("identity", &[identity.trim().to_lowercase().as_bytes()]);
        data_encoding::HEXLOWER.encode(&mac)
    }

    /// What an account is bound by in authorities; byte-exact.
    #[must_use]
    pub fn account_mac(&self, account: &str) -> [u8; 32] {
        self.account.mac("account", &[account.as_bytes()])
    }

    /// What a person is held by in legal holds: their row's table and key; byte-exact. A table is its name and no key.
    #[must_use]
    pub fn subject_mac(&self, table: &str, key: &str) -> [u8; 32] {
        self.account.mac("subject", &[table.as_bytes(), key.as_bytes()])
    }

    /// The keyed digest of a letter's content.
    #[must_use]
    pub fn digest(&self, bytes: &[u8]) -> [u8; 32] {
        self.digest.mac("content", &[bytes])
    }

    /// The left side of a Message-ID: the same for the same request, letter, addressee and occasion, so that a resend is
    /// the same letter; 26 characters of base 32 (130 bits) that nobody can guess.
    #[must_use]
    pub fn message_id_local(&self, request: RequestId, letter: LetterKind, to: Audience, occasion: u32) -> String {
        let (letter, to) = (letter.as_str().as_bytes(), to.as_str().as_bytes());
        let mac =
            self.message_id.mac("message-id", &[request.as_uuid().as_bytes(), letter, to, &occasion.to_be_bytes()]);
        base32_lower(&mac)
    }

    /// The left side of the Message-ID of an alarm about a letter of ours: the same for the same letter and alarm.
    #[must_use]
    pub fn alarm_id_local(&self, about: LetterId, alarm: LetterKind) -> String {
        base32_lower(&self.message_id.mac("alarm-id", &[about.as_uuid().as_bytes(), alarm.as_str().as_bytes()]))
    }

    /// The left side of the Message-ID of a letter to one of several addresses of the team, each of which has its own.
    #[must_use]
    pub fn copy_id_local(&self, local: &str, addressee: &[u8; 32]) -> String {
        base32_lower(&self.message_id.mac("copy-id", &[local.as_bytes(), addressee]))
    }

    /// Whom the trail and the evidence name instead of a person of the team.
    #[must_use]
    pub fn pseudonym(&self, operator: &str) -> Pseudonym {
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&self.pseudonym.mac("operator", &[operator.as_bytes()])[..16]);
        Pseudonym(bytes)
    }

    /// The key of the gate.
    #[must_use]
    pub const fn gate(&self) -> &GateKey {
        &self.gate
    }
}

#[cfg(test)]
impl InstallationKeys {
    /// Those of one fixed key: what is marked or looked up under them is written down in tests, and stays.
    pub(crate) fn pinned() -> Self {
        Self::derive(&Secret::from_bytes([7; 32]))
    }
}

impl fmt::Debug for InstallationKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("InstallationKeys(…)")
    }
}

/// 130 bits as 26 lower-case characters of base 32 (RFC 4648 §6 without padding).
pub(crate) fn base32_lower(mac: &[u8; 32]) -> String {
    let mut text = data_encoding::BASE32_NOPAD.encode(&mac[..17]).to_ascii_lowercase();
    text.truncate(26);
    text
}

/// What authorities, challenges and evidence are authenticated with: plain SQL can write rows, but not their HMAC.
pub struct GateKey(Secret);

impl GateKey {
    /// HMAC of the parts for one use, named by the label.
    #[must_use]
    pub fn mac(&self, label: &str, parts: &[&[u8]]) -> [u8; 32] {
        self.0.mac(label, parts)
    }

    /// Whether this is the HMAC of the parts; takes the same time for every wrong one.
    #[must_use]
    pub fn verify(&self, label: &str, parts: &[&[u8]], hmac: &[u8; 32]) -> bool {
        self.mac(label, parts).ct_eq(hmac).into()
    }
}

impl fmt::Debug for GateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("GateKey(…)")
    }
}

/// A person of the team, named without a name: 16 bytes, the same for the same person in one installation.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Pseudonym([u8; 16]);

impl Pseudonym {
    /// The program itself.
    pub const PROGRAM: Self = Self([0; 16]);

    /// The sixteen bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }

    /// One read from storage.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }
}

impl fmt::Display for Pseudonym {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&data_encoding::HEXLOWER.encode(&self.0))
    }
}

impl fmt::Debug for Pseudonym {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Pseudonym({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chance::SeededChance;
    use crate::domain::Timestamp;

    fn keys(byte: u8) -> InstallationKeys {
        InstallationKeys::derive(&Secret::from_bytes([byte; 32]))
    }

    #[test]
    fn each_use_has_its_own_key() {
        let keys = keys(1);
        let all = [keys.lookup_mac("a"), keys.account_mac("a"), keys.digest(b"a"), keys.gate().mac("a", &[])];
        let distinct: std::collections::BTreeSet<_> = all.iter().collect();
        assert_eq!(distinct.len(), all.len());
        assert_ne!(keys.lookup_mac("a"), super::tests::keys(2).lookup_mac("a"));
    }

    /// What a database was written with is looked up for years. Computed apart from this program.
    #[test]
    fn what_is_looked_up_stays() {
        let keys = InstallationKeys::pinned();
        let hex = |mac: &[u8]| data_encoding::HEXLOWER.encode(mac);
        let request = RequestId::from_uuid(uuid::Uuid::from_bytes([0x11; 16]));
        let letter = LetterId::from_uuid(uuid::Uuid::from_bytes([0x77; 16]));
        assert_eq!(
            hex(&keys.lookup_mac(" Ann@example.org")),
            "0d36b0a853eac4ef310a45557c71f61960766afba9c53c2980990d20396ca178"
        );
        assert_eq!(
            keys.suppression_mac("ann@Example.org"),
            "4604a2677124e312f464ac12784ea6074ca1f12e955d5f3d535c718561f052b9"
        );
        assert_eq!(hex(&keys.account_mac("A1")), "1c5273ff9ee006d0395a4c349e86114da076e7dcbb4e8d4aa2892dfb9f996f53");
        assert_eq!(
            hex(&keys.subject_mac("shop.users", "1")),
            "5c820d2dec3dd0c3a1a16f4f491eda6456dfee1d60d8a332b496632b48f703b8"
        );
        assert_eq!(hex(&keys.digest(b"a letter")), "72e9504b13e30376f10a545acebaefd51c15fd6ec5c4d0e3ff76d49a0ca534f6");
        assert_eq!(
            keys.message_id_local(request, LetterKind::Challenge, Audience::Asker, 1),
            "kkcoi5piprw5lxwm7jtpqbntgq"
        );
        assert_eq!(keys.alarm_id_local(letter, LetterKind::AlarmBounced), "y3m5d6qkaamkb7ozqivyushi4v");
        assert_eq!(keys.copy_id_local("local", &[9; 32]), "phuj3prjrtgjhvdexu4izi6poz");
        assert_eq!(keys.pseudonym("anna").to_string(), "21bfb5db9e0c05f9e12069de829deac1");
    }

    #[test]
    fn addresses_differ_by_dots_and_tags_but_not_by_case() {
        let keys = keys(1);
        assert_eq!(keys.lookup_mac("Ann.Bo@Example.org "), keys.lookup_mac("ann.bo@example.org"));
        assert_ne!(keys.lookup_mac("annbo@example.org"), keys.lookup_mac("ann.bo@example.org"));
        assert_ne!(keys.lookup_mac("ann.bo+x@example.org"), keys.lookup_mac("ann.bo@example.org"));
        assert_ne!(keys.account_mac("A1"), keys.account_mac("a1"), "account ids are byte-exact");
    }

    #[test]
    fn a_resend_has_the_same_message_id_and_nothing_else_has() {
        let keys = keys(1);
        let request = RequestId::new(Timestamp::from_micros(0), &SeededChance::new(1));
        let id = keys.message_id_local(request, LetterKind::Challenge, Audience::Asker, 1);
        assert_eq!(id.len(), 26);
        assert!(id.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit()));
        assert_eq!(id, keys.message_id_local(request, LetterKind::Challenge, Audience::Asker, 1));
        assert_ne!(id, keys.message_id_local(request, LetterKind::Challenge, Audience::Asker, 2));
        assert_ne!(id, keys.message_id_local(request, LetterKind::Challenge, Audience::Owner, 1));
        assert_ne!(id, keys.message_id_local(request, LetterKind::Reminder, Audience::Asker, 1));
    }

    #[test]
    fn nothing_prints() {
        assert_eq!(format!("{:?} {:?}", keys(1), keys(1).gate()), "InstallationKeys(…) GateKey(…)");
    }
}
