//! Signatures of Standard Webhooks (symmetric, `v1`). Never prints the secret.

use std::fmt;

use data_encoding::BASE64;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use zeroize::Zeroizing;

use super::super::request::AskError;
use crate::domain::Timestamp;

/// Bytes that a secret has at least and at most (Standard Webhooks: 24 to 64).
const SECRET_BYTES: std::ops::RangeInclusive<usize> = 24..=64;

/// What is signed with.
pub struct Secret(Zeroizing<Vec<u8>>);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// What stands in the headers.
pub struct Signed {
    /// Seconds since 1970.
    pub timestamp: i64,
    /// `v1,` and base 64.
    pub signature: String,
}

impl Secret {
    /// A secret as the partner was given it: `whsec_` and base 64.
    ///
    /// # Errors
    /// [`AskError::Settings`] for anything else.
    pub fn parse(text: &str) -> Result<Self, AskError> {
        let bad = AskError::Settings("its secret must be whsec_ and 24 to 64 bytes in base 64");
        let Some(encoded) = text.trim().strip_prefix("whsec_") else { return Err(bad) };
        match BASE64.decode(encoded.as_bytes()) {
            Ok(bytes) if SECRET_BYTES.contains(&bytes.len()) => Ok(Self(Zeroizing::new(bytes))),
            _ => Err(bad),
        }
    }

    /// Signs a message.
    #[must_use]
    pub fn sign(&self, id: &str, now: Timestamp, body: &[u8]) -> Signed {
        let timestamp = now.as_micros().div_euclid(1_000_000);
        // A key shorter than the block is padded with zeros by the definition of HMAC, and none here is longer.
        let mut block = Zeroizing::new([0_u8; 64]);
        block.iter_mut().zip(self.0.iter()).for_each(|(place, byte)| *place = *byte);
        let mut mac = Hmac::<Sha256>::new(&(*block).into());
        mac.update(format!("{id}.{timestamp}.").as_bytes());
        mac.update(body);
        Signed { timestamp, signature: format!("v1,{}", BASE64.encode(&mac.finalize().into_bytes())) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the specification's reference libraries.
    #[test]
    fn a_message_is_signed_as_the_reference_libraries_sign_it() {
        let secret = Secret::parse("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
        let now = Timestamp::from_micros(1_614_265_330_000_000);
        let signed = secret.sign("msg_p5jXN8AQM9LWM0D4loKWxJek", now, br#"{"test": 2432232314}"#);
        assert_eq!(signed.timestamp, 1_614_265_330);
        assert_eq!(signed.signature, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn what_is_no_secret_is_refused() {
        for text in ["", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_", "whsec_c2hvcnQ=", "whsec_%%%"] {
            assert!(Secret::parse(text).is_err(), "{text}");
        }
    }
}
