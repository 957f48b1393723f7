//! Thirty-two secret bytes and the one function that derives others from them. They wipe themselves and never print.

use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use zeroize::{Zeroize, ZeroizeOnDrop};

/// Thirty-two secret bytes.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub(super) struct Secret([u8; 32]);

impl Secret {
    pub(super) const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    pub(super) const fn bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// HMAC-SHA-256 (RFC 2104) of the parts, each preceded by its length, so that no two lists give one message.
    pub(super) fn mac(&self, label: &str, parts: &[&[u8]]) -> [u8; 32] {
        let mut mac = keyed(&self.0);
        // The label says which use and which version: keys of one use never answer for another.
        for part in std::iter::once(label.as_bytes()).chain(parts.iter().copied()) {
            mac.update(&u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
            mac.update(part);
        }
        mac.finalize().into_bytes().into()
    }

    /// A key for one use. The parent is uniformly random, so one call of the PRF is all of HKDF that is needed
    /// (RFC 5869 §3.3).
    pub(super) fn derive(&self, label: &str) -> Self {
        Self(self.mac(label, &[]))
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// HMAC under exactly 32 bytes.
fn keyed(key: &[u8; 32]) -> Hmac<Sha256> {
    let mut block = [0_u8; 64];
    block[..32].copy_from_slice(key);
    // A key shorter than the block is padded with zeros by the definition of HMAC; to pad here makes the length
    // a fact of the types, and no error is left to handle.
    let mac = Hmac::<Sha256>::new(&block.into());
    block.zeroize();
    mac
}

/// What challenge tokens and codes of one case are derived from; `verify` derives, and nobody reads it.
#[derive(Clone)]
pub struct ChallengeSecret(Secret);

impl ChallengeSecret {
    pub(super) const fn new(secret: Secret) -> Self {
        Self(secret)
    }

    /// HMAC of the parts for one use, named by the label.
    #[must_use]
    pub fn mac(&self, label: &str, parts: &[&[u8]]) -> [u8; 32] {
        self.0.mac(label, parts)
    }
}

#[cfg(test)]
impl ChallengeSecret {
    /// A fixed one: what is derived from it is written down in tests, and stays.
    pub(crate) const fn pinned() -> Self {
        Self(Secret::from_bytes([8; 32]))
    }
}

impl fmt::Debug for ChallengeSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ChallengeSecret(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hmac_is_the_one_of_the_rfc() {
        // RFC 4231 test case 2 uses the key "Jefe"; padded with zeros to 32 bytes it is the same HMAC key.
        let mut key = [0_u8; 32];
        key[..4].copy_from_slice(b"Jefe");
        let mut mac = keyed(&key);
        mac.update(b"what do ya want for nothing?");
        assert_eq!(
            data_encoding::HEXLOWER.encode(&mac.finalize().into_bytes()),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
        );
    }

    #[test]
    fn parts_cannot_be_shifted() {
        let secret = Secret::from_bytes([7; 32]);
        assert_ne!(secret.mac("t", &[b"ab", b"c"]), secret.mac("t", &[b"a", b"bc"]));
        assert_ne!(secret.mac("t", &[b"a"]), secret.mac("ta", &[]));
        assert_eq!(format!("{secret:?}"), "Secret(…)");
    }
}
