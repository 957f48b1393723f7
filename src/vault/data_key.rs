//! The random keys of deliveries and cases: wrapped under the key-encryption key, one per purpose, destroyed by term.

use std::fmt;

use uuid::Uuid;

use crate::chance::{Chance, draw};
use crate::domain::{CaseId, DeliveryId, Timestamp, stored_enum};

use super::VaultError;
use super::kek::KeyEncryptionKey;
use super::sealed::{self, Place, Sealed};
use super::secret::{ChallengeSecret, Secret};

stored_enum! {
    /// What a key is for, and by that how long it lives.
    KeyPurpose, "key purpose" {
        /// One letter until it is judged.
        Delivery = "delivery",
        /// The letters of a case.
        Letter = "letter",
        /// The reply address, and what tokens and codes are derived from.
        Contact = "contact",
        /// Saved keys of erased rows, for as long as backups can bring the rows back.
        Replay = "replay",
        /// The private facts of the trail.
        Record = "record",
        /// The keys of rows that stay on a ground, until the last of them may go.
        Kept = "kept",
        /// The address that is told when rows that stay on a ground are gone, until it was or nobody wants that any more.
        Notice = "notice",
    }
}

/// The name of a key: a UUIDv7.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct KeyId(Uuid);

impl KeyId {
    /// A new one.
    #[must_use]
    pub fn new(now: Timestamp, chance: &dyn Chance) -> Self {
        let millis = u64::try_from(now.as_micros() / 1000).unwrap_or(0);
        Self(uuid::Builder::from_unix_timestamp_millis(millis, &draw(chance)).into_uuid())
    }

    /// As it is stored.
    #[must_use]
    pub const fn as_uuid(self) -> Uuid {
        self.0
    }

    /// One read from storage.
    #[must_use]
    pub const fn from_uuid(uuid: Uuid) -> Self {
        Self(uuid)
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyId({})", self.0)
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Whose data a key seals.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum KeyOwner {
    /// One letter in the mailbox; its one key is [`KeyPurpose::Delivery`].
    Delivery(DeliveryId),
    /// One case; it has four of the others, a fifth where rows stay on a ground, and a sixth where somebody is told of their end.
    Case(CaseId),
}

impl KeyOwner {
    /// The owner as it is stored: sixteen bytes, told apart by the key's purpose.
    #[must_use]
    pub fn as_uuid(self) -> Uuid {
        match self {
            Self::Delivery(delivery) => delivery.as_uuid(),
            Self::Case(case) => Uuid::from_bytes(*case.as_bytes()),
        }
    }

    /// The same as bytes.
    #[must_use]
    pub fn as_bytes(self) -> [u8; 16] {
        self.as_uuid().into_bytes()
    }

    /// The owner read from storage.
    #[must_use]
    pub const fn from_stored(owner: Uuid, purpose: KeyPurpose) -> Self {
        match purpose {
            KeyPurpose::Delivery => Self::Delivery(DeliveryId::from_uuid(owner)),
            _ => Self::Case(CaseId::from_bytes(owner.into_bytes())),
        }
    }

    /// Whether this owner can have a key of this purpose.
    #[must_use]
    pub const fn may_have(self, purpose: KeyPurpose) -> bool {
        matches!(self, Self::Delivery(_)) == matches!(purpose, KeyPurpose::Delivery)
    }
}

/// A key in the clear, in memory only. It wipes itself and never prints.
pub struct DataKey {
    id: KeyId,
    owner: KeyOwner,
    purpose: KeyPurpose,
    secret: Secret,
}

/// A key as the database keeps it.
#[derive(Clone, Debug)]
pub struct WrappedKey {
    /// Its name.
    pub id: KeyId,
    /// Whose data it seals.
    pub owner: KeyOwner,
    /// What it is for.
    pub purpose: KeyPurpose,
    /// The wrapped bytes.
    pub bytes: Sealed,
}

impl DataKey {
    /// A new random key.
    #[must_use]
    pub fn new(owner: KeyOwner, purpose: KeyPurpose, now: Timestamp, chance: &dyn Chance) -> Self {
        Self { id: KeyId::new(now, chance), owner, purpose, secret: Secret::from_bytes(draw(chance)) }
    }

    /// Its name.
    #[must_use]
    pub const fn id(&self) -> KeyId {
        self.id
    }

    /// Whose data it seals.
    #[must_use]
    pub const fn owner(&self) -> KeyOwner {
        self.owner
    }

    /// What it is for.
    #[must_use]
    pub const fn purpose(&self) -> KeyPurpose {
        self.purpose
    }

    /// Seals bytes for one place.
    ///
    /// # Errors
    /// [`VaultError::TooLong`] for more than one blob may hold.
    pub fn seal(&self, place: Place, plain: &[u8], chance: &dyn Chance) -> Result<Sealed, VaultError> {
        sealed::seal(&self.secret.derive("expunged/1/seal"), &place.bound_to(self.id), plain, chance)
    }

    /// Opens what was sealed under this key for this place.
    ///
    /// # Errors
    /// [`VaultError`] where it is not that.
    pub fn unseal(&self, place: Place, sealed: &Sealed) -> Result<Vec<u8>, VaultError> {
        sealed::open(&self.secret.derive("expunged/1/seal"), &place.bound_to(self.id), sealed)
    }

    /// HMAC commitment to the parts: who has the key can show what was committed to, and without it nobody can guess.
    #[must_use]
    pub fn commit(&self, label: &str, parts: &[&[u8]]) -> [u8; 32] {
        self.secret.derive("expunged/1/commit").mac(label, parts)
    }

    /// What the case's challenge tokens and codes are derived from.
    #[must_use]
    pub fn challenge_secret(&self) -> ChallengeSecret {
        ChallengeSecret::new(self.secret.derive("expunged/1/challenge"))
    }
}

impl fmt::Debug for DataKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DataKey({}, {})", self.id, self.purpose)
    }
}

/// What a wrapped key is bound to: its name, its purpose and its owner. A row that swaps one of them does not open.
fn bound(id: KeyId, owner: KeyOwner, purpose: KeyPurpose) -> Vec<u8> {
    let mut aad = b"expunged/1/wrapped-key\0".to_vec();
    aad.extend_from_slice(id.as_uuid().as_bytes());
    aad.extend_from_slice(owner.as_uuid().as_bytes());
    aad.extend_from_slice(purpose.as_str().as_bytes());
    aad
}

impl KeyEncryptionKey {
    /// Wraps a key for the database.
    ///
    /// # Errors
    /// None that happen: the one error of sealing is length, and a key is short.
    pub fn wrap(&self, key: &DataKey, chance: &dyn Chance) -> Result<WrappedKey, VaultError> {
        let aad = bound(key.id, key.owner, key.purpose);
        let bytes = sealed::seal(&self.wrapping(), &aad, key.secret.bytes(), chance)?;
        Ok(WrappedKey { id: key.id, owner: key.owner, purpose: key.purpose, bytes })
    }

    /// Unwraps a key.
    ///
    /// # Errors
    /// [`VaultError::Altered`] where the row is not what was wrapped, or under another key-encryption key.
    pub fn unwrap_key(&self, wrapped: &WrappedKey) -> Result<DataKey, VaultError> {
        use zeroize::Zeroize;
        let aad = bound(wrapped.id, wrapped.owner, wrapped.purpose);
        let mut plain = sealed::open(&self.wrapping(), &aad, &wrapped.bytes)?;
        let secret = <[u8; 32]>::try_from(plain.as_slice()).map(Secret::from_bytes);
        plain.zeroize();
        let secret = secret.map_err(|_| VaultError::Altered)?;
        Ok(DataKey { id: wrapped.id, owner: wrapped.owner, purpose: wrapped.purpose, secret })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chance::SeededChance;

    fn kek(seed: u64) -> KeyEncryptionKey {
        let folder = tempfile::tempdir().unwrap();
        KeyEncryptionKey::open_or_create(&folder.path().join("kek"), &SeededChance::new(seed)).unwrap()
    }

    fn key(seed: u64) -> DataKey {
        let chance = SeededChance::new(seed);
        DataKey::new(KeyOwner::Case(CaseId::new(&chance)), KeyPurpose::Record, Timestamp::from_micros(0), &chance)
    }

    #[test]
    fn a_wrapped_key_opens_as_itself() {
        let (kek, key, chance) = (kek(1), key(2), SeededChance::new(3));
        let wrapped = kek.wrap(&key, &chance).unwrap();
        let again = kek.unwrap_key(&wrapped).unwrap();
        assert_eq!(again.commit("t", &[b"x"]), key.commit("t", &[b"x"]));
    }

    #[test]
    fn a_wrapped_key_is_bound_to_its_row() {
        let (kek1, key1, chance) = (kek(1), key(2), SeededChance::new(3));
        let wrapped = kek1.wrap(&key1, &chance).unwrap();
        let other = key(4);
        let altered = |row: WrappedKey| assert_eq!(kek1.unwrap_key(&row).unwrap_err(), VaultError::Altered);
        altered(WrappedKey { purpose: KeyPurpose::Letter, ..wrapped.clone() });
        altered(WrappedKey { owner: other.owner(), ..wrapped.clone() });
        altered(WrappedKey { id: other.id(), ..wrapped.clone() });
        assert_eq!(kek(5).unwrap_key(&wrapped).unwrap_err(), VaultError::Altered);
    }

    #[test]
    fn a_delivery_has_one_kind_of_key_and_a_case_the_others() {
        let chance = SeededChance::new(1);
        let delivery = KeyOwner::Delivery(DeliveryId::new(Timestamp::from_micros(0), &chance));
        let case = KeyOwner::Case(CaseId::new(&chance));
        for purpose in KeyPurpose::ALL {
            assert_ne!(delivery.may_have(*purpose), case.may_have(*purpose));
            let owner = if delivery.may_have(*purpose) { delivery } else { case };
            assert_eq!(KeyOwner::from_stored(owner.as_uuid(), *purpose), owner);
        }
    }
}
