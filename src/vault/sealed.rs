//! Sealed bytes: XChaCha20-Poly1305 with a random nonce, bound to the key and to the one place that they are for.
//!
//! Layout: one version byte, 24 bytes nonce, ciphertext with its 16-byte tag.

use std::fmt;

use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{Key, XChaCha20Poly1305, XNonce};
use uuid::Uuid;

use crate::chance::{Chance, draw};

use super::VaultError;
use super::data_key::KeyId;
use super::secret::Secret;

/// The most plain bytes of one blob: 64 MiB, above the largest letter that the mailbox takes.
pub const SEALED_BYTES_MAX: usize = 64 * 1024 * 1024;

const VERSION: u8 = 1;
const NONCE_BYTES: usize = 24;
const TAG_BYTES: usize = 16;

/// Where sealed bytes belong: they open nowhere else, so that whoever writes to the database cannot move them.
#[derive(Clone, Copy, Debug)]
pub struct Place<'a> {
    /// The table.
    pub table: &'a str,
    /// The column, or the kind of the blob.
    pub field: &'a str,
    /// The row.
    pub row: Uuid,
}

impl Place<'_> {
    pub(super) fn bound_to(&self, key: KeyId) -> Vec<u8> {
        let mut aad = b"expunged/1/sealed\0".to_vec();
        aad.extend_from_slice(key.as_uuid().as_bytes());
        aad.extend_from_slice(self.row.as_bytes());
        for word in [self.table, self.field] {
            aad.extend_from_slice(&u64::try_from(word.len()).unwrap_or(u64::MAX).to_be_bytes());
            aad.extend_from_slice(word.as_bytes());
        }
        aad
    }
}

/// Bytes that only one key opens.
#[derive(Clone, PartialEq, Eq)]
pub struct Sealed(Vec<u8>);

impl Sealed {
    /// Sealed bytes read from storage; they are checked when they are opened.
    #[must_use]
    pub const fn from_bytes(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }

    /// As they are stored.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Sealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sealed({} bytes)", self.0.len())
    }
}

pub(super) fn seal(key: &Secret, aad: &[u8], plain: &[u8], chance: &dyn Chance) -> Result<Sealed, VaultError> {
    if plain.len() > SEALED_BYTES_MAX {
        return Err(VaultError::TooLong);
    }
    let nonce = draw::<NONCE_BYTES>(chance);
    let cipher = XChaCha20Poly1305::new(&Key::from(*key.bytes()));
    let sealed = cipher.encrypt(&XNonce::from(nonce), Payload { msg: plain, aad }).map_err(|_| VaultError::TooLong)?;
    let mut bytes = Vec::with_capacity(1 + NONCE_BYTES + sealed.len());
    bytes.push(VERSION);
    bytes.extend_from_slice(&nonce);
    bytes.extend_from_slice(&sealed);
    Ok(Sealed(bytes))
}

pub(super) fn open(key: &Secret, aad: &[u8], sealed: &Sealed) -> Result<Vec<u8>, VaultError> {
    let (version, rest) = sealed.0.split_first().ok_or(VaultError::CutOff)?;
    if *version != VERSION {
        return Err(VaultError::UnknownVersion(*version));
    }
    let (nonce, msg) = rest.split_first_chunk::<NONCE_BYTES>().ok_or(VaultError::CutOff)?;
    if msg.len() < TAG_BYTES {
        return Err(VaultError::CutOff);
    }
    let cipher = XChaCha20Poly1305::new(&Key::from(*key.bytes()));
    cipher.decrypt(&XNonce::from(*nonce), Payload { msg, aad }).map_err(|_| VaultError::Altered)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::chance::SeededChance;
    use crate::domain::{CaseId, Timestamp};
    use crate::vault::{DataKey, KeyOwner, KeyPurpose};

    fn key(seed: u64) -> DataKey {
        let chance = SeededChance::new(seed);
        let owner = KeyOwner::Case(CaseId::new(&chance));
        DataKey::new(owner, KeyPurpose::Contact, Timestamp::from_micros(0), &chance)
    }

    fn place(field: &str) -> Place<'_> {
        Place { table: "sealed", field, row: Uuid::nil() }
    }

    #[test]
    fn the_cipher_is_the_one_of_the_draft() {
        // draft-irtf-cfrg-xchacha-03, appendix A.3.1.
        let hex = |text: &str| data_encoding::HEXLOWER.decode(text.as_bytes()).unwrap();
        let plain = b"Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, \
                      sunscreen would be it.";
        let aad = hex("50515253c0c1c2c3c4c5c6c7");
        let key =
            <[u8; 32]>::try_from(hex("808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f")).unwrap();
        let mut stored = vec![VERSION];
        stored.extend(hex("404142434445464748494a4b4c4d4e4f5051525354555657"));
        stored.extend(hex(concat!(
            "bd6d179d3e83d43b9576579493c0e939572a1700252bfaccbed2902c21396cbb",
            "731c7f1b0b4aa6440bf3a82f4eda7e39ae64c6708c54c216cb96b72e1213b452",
            "2f8c9ba40db5d945b11b69b982c1bb9e3f3fac2bc369488f76b2383565d3fff9",
            "21f9664c97637da9768812f615c68b13b52e",
            "c0875924c1c7987947deafd8780acf49"
        )));
        let opened = open(&Secret::from_bytes(key), &aad, &Sealed(stored)).unwrap();
        assert_eq!(opened, plain);
    }

    #[test]
    fn it_opens_only_in_its_place_and_under_its_key() {
        let (one, two) = (key(1), key(2));
        let sealed = one.seal(place("letter"), b"plain", &SeededChance::new(9)).unwrap();
        assert_eq!(one.unseal(place("letter"), &sealed).unwrap(), b"plain");
        assert_eq!(one.unseal(place("address"), &sealed), Err(VaultError::Altered));
        let moved = Place { row: Uuid::max(), ..place("letter") };
        assert_eq!(one.unseal(moved, &sealed), Err(VaultError::Altered));
        assert_eq!(two.unseal(place("letter"), &sealed), Err(VaultError::Altered));
        assert!(!format!("{sealed:?}").contains("plain"));
    }

    proptest! {
        #[test]
        fn any_byte_altered_is_noticed(plain in proptest::collection::vec(any::<u8>(), 0..200), at in any::<prop::sample::Index>(), flip in 1_u8..) {
            let key = key(1);
            let sealed = key.seal(place("f"), &plain, &SeededChance::new(7)).unwrap();
            prop_assert_eq!(key.unseal(place("f"), &sealed).unwrap(), plain);
            let mut bytes = sealed.as_bytes().to_vec();
            let at = at.index(bytes.len());
            bytes[at] ^= flip;
            prop_assert!(key.unseal(place("f"), &Sealed::from_bytes(bytes)).is_err());
        }

        #[test]
        fn anything_at_all_opens_to_an_error(bytes in proptest::collection::vec(any::<u8>(), 0..120)) {
            prop_assert!(key(1).unseal(place("f"), &Sealed::from_bytes(bytes)).is_err());
        }
    }
}
