//! A leaf: canonical JSON, at most 8 KiB, and its RFC 6962 hash. Once made it is only read.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::event::Event;
use super::facts::is_public;

/// The version of the leaves that this program writes.
pub const VERSION: u32 = 1;
/// The longest leaf.
pub const LEAF_BYTES_MAX: usize = 8 * 1024;

/// What a leaf says, field by field; bytes are lower-case hex, times milliseconds since 1970 UTC.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LeafFields {
    /// [`VERSION`].
    pub version: u32,
    /// What happened.
    pub event: Event,
    /// When.
    pub time: i64,
    /// The case: 16 bytes.
    pub case: String,
    /// The leaf's number within the case, from 1.
    pub number: u64,
    /// The hash of the leaf before it within the case, or 32 zero bytes.
    pub previous: String,
    /// Who did it.
    pub actor: ActorFields,
    /// SHA-256 of the policy that was in force.
    pub policy: String,
    /// SHA-256 of the configuration.
    pub config: String,
    /// SHA-256 of the program.
    pub build: String,
    /// Public facts.
    pub facts: BTreeMap<String, Value>,
    /// HMAC commitment to the private facts under the case's record key.
    pub private: String,
    /// HMAC commitment to an address that we write to, in one leaf of a case for each.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub address: Option<String>,
    /// 32 random bytes: who sees only the hash of a leaf cannot try out what is in it.
    pub blinding: String,
}

/// Who did it, without a name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ActorFields {
    /// The kind of actor.
    pub kind: super::ActorKind,
    /// 16 bytes; zeros for the program.
    pub pseudonym: String,
}

/// A leaf as it is stored and hashed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Leaf {
    /// Canonical JSON (RFC 8785).
    pub json: Vec<u8>,
    /// SHA-256 of a zero byte and the JSON (RFC 6962 §2.1).
    pub hash: [u8; 32],
}

/// Why something is no leaf.
#[derive(Debug, thiserror::Error)]
pub enum LeafError {
    /// Longer than a leaf may be.
    #[error("a leaf of {0} bytes; at most {LEAF_BYTES_MAX}")]
    TooLong(usize),
    /// Not JSON, or not of these fields.
    #[error("not a leaf of version 1")]
    NotALeaf(#[source] serde_json::Error),
    /// JSON, but not as RFC 8785 writes it: two writings of one leaf would have two hashes.
    #[error("a leaf that is not canonical JSON")]
    NotCanonical,
    /// A field that is not what it must be.
    #[error("the field `{0}` of a leaf is not what it must be")]
    BadField(&'static str),
    /// A public fact that is not public by its type.
    #[error(transparent)]
    Fact(#[from] super::NotAFact),
    /// A key of another case, or for another purpose.
    #[error("a leaf is committed under the record key of its own case")]
    ForeignKey,
}

impl LeafError {
    /// Nothing here gets better by waiting.
    #[must_use]
    pub const fn retry(&self) -> crate::domain::Retry {
        crate::domain::Retry::Permanent
    }
}

/// The hash of a leaf: a zero byte before it, so that no leaf can stand for a node of the tree (RFC 6962 §2.1).
#[must_use]
pub fn leaf_hash(json: &[u8]) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update([0]);
    hash.update(json);
    hash.finalize().into()
}

impl Leaf {
    /// Writes a leaf.
    ///
    /// # Errors
    /// [`LeafError`] where a field is not what it must be or the leaf is too long.
    pub fn write(fields: &LeafFields) -> Result<Self, LeafError> {
        fields.check()?;
        let json = serde_json_canonicalizer::to_vec(fields).map_err(LeafError::NotALeaf)?;
        if json.len() > LEAF_BYTES_MAX {
            return Err(LeafError::TooLong(json.len()));
        }
        Ok(Self { hash: leaf_hash(&json), json })
    }

    /// A leaf read from storage or an export. Its fields are checked by [`Self::read`].
    #[must_use]
    pub fn from_json(json: Vec<u8>) -> Self {
        Self { hash: leaf_hash(&json), json }
    }

    /// What it says.
    ///
    /// # Errors
    /// [`LeafError`] where it is not exactly what [`Self::write`] writes.
    pub fn read(&self) -> Result<LeafFields, LeafError> {
        if self.json.len() > LEAF_BYTES_MAX {
            return Err(LeafError::TooLong(self.json.len()));
        }
        let fields: LeafFields = serde_json::from_slice(&self.json).map_err(LeafError::NotALeaf)?;
        fields.check()?;
        let again = serde_json_canonicalizer::to_vec(&fields).map_err(LeafError::NotALeaf)?;
        if again == self.json { Ok(fields) } else { Err(LeafError::NotCanonical) }
    }
}

impl LeafFields {
    fn check(&self) -> Result<(), LeafError> {
        let hexes = [
            ("case", &self.case, 16),
            ("previous", &self.previous, 32),
            ("actor", &self.actor.pseudonym, 16),
            ("policy", &self.policy, 32),
            ("config", &self.config, 32),
            ("build", &self.build, 32),
            ("private", &self.private, 32),
            ("blinding", &self.blinding, 32),
        ];
        let address = self.address.as_ref().map(|address| ("address", address, 32));
        for (name, text, bytes) in hexes.into_iter().chain(address) {
            if text.len() != bytes * 2 || data_encoding::HEXLOWER.decode(text.as_bytes()).is_err() {
                return Err(LeafError::BadField(name));
            }
        }
        if self.version != VERSION {
            return Err(LeafError::BadField("version"));
        }
        if self.number == 0 {
            return Err(LeafError::BadField("number"));
        }
        let public = |(name, value): (&String, &Value)| is_public(&Value::String(name.clone())) && is_public(value);
        if self.facts.iter().all(public) { Ok(()) } else { Err(LeafError::BadField("facts")) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn canonical_json_is_the_one_of_the_rfc() {
        // RFC 8785 §3.2.2 and §3.2.4: the sample and its canonical form.
        let sample = r#"{"numbers":[333333333.33333329,1E30,4.50,2e-3,0.000000000000000000000000001],
            "string":"\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/","literals":[null,true,false]}"#;
        let canonical = concat!(
            r#"{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],"#,
            r#""string":"€$\u000f\nA'B\"\\\\\"/"}"#
        );
        let value: Value = serde_json::from_str(sample).unwrap();
        assert_eq!(serde_json_canonicalizer::to_string(&value).unwrap(), canonical);
    }

    #[test]
    fn leaf_hashes_are_those_of_rfc_6962() {
        // The hash of the empty leaf and of "L123456", as the reference implementations of RFC 6962 test them.
        let hex = |bytes: [u8; 32]| data_encoding::HEXLOWER.encode(&bytes);
        assert_eq!(hex(leaf_hash(b"")), "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d");
        assert_eq!(hex(leaf_hash(b"L123456")), "395aa064aa4c29f7010acfe3f25db9485bbd4b91897b6ad7ad547639252b4d56");
    }
}
