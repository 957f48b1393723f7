//! One newtype per kind of id, and the short reference that people see.
//!
//! Ids are UUIDv7: they sort by the time they were made, which keeps the tables' indexes dense. A function
//! that wants a request cannot be handed a job.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::Timestamp;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Uuid);

        impl $name {
            /// A new id (UUIDv7, RFC 9562 §5.7) of this instant, made unique by ten random bytes.
            #[must_use]
            pub fn new(now: Timestamp, chance: &dyn crate::chance::Chance) -> Self {
                let mut random = [0_u8; 10];
                chance.fill(&mut random);
                let millis = u64::try_from(now.as_micros() / 1000).unwrap_or(0);
                Self(uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid())
            }

            /// The id as it is stored.
            #[must_use]
            pub const fn as_uuid(self) -> Uuid {
                self.0
            }

            /// An id read from storage.
            #[must_use]
            pub const fn from_uuid(uuid: Uuid) -> Self {
                Self(uuid)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self.0)
            }
        }

        impl FromStr for $name {
            type Err = uuid::Error;
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Uuid::parse_str(text).map(Self)
            }
        }
    };
}

id!(
    /// A person's request, from the letter that opened it to its end.
    RequestId
);
id!(
    /// One letter as it lay in one mailbox: `(mailbox, folder, UIDVALIDITY, UID)`.
    DeliveryId
);
id!(
    /// One unit of work in the job table.
    JobId
);
id!(
    /// One letter that we write: a kind, an addressee and an occasion of one request.
    LetterId
);
id!(
    /// What permits one request's plan to be executed.
    AuthorityId
);

/// The random number of a case in the trail: 16 bytes that say nothing of the person and nothing of the time.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct CaseId([u8; 16]);

impl CaseId {
    /// A new case number.
    #[must_use]
    pub fn new(chance: &dyn crate::chance::Chance) -> Self {
        let mut bytes = [0; 16];
        chance.fill(&mut bytes);
        Self(bytes)
    }

    /// The sixteen bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }

    /// A case number read from storage.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }
}

impl fmt::Display for CaseId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&data_encoding::HEXLOWER.encode(&self.0))
    }
}

impl fmt::Debug for CaseId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CaseId({self})")
    }
}

/// What people see and say of a request, such as `EXP-7K3Q-M2`.
///
/// Six symbols of Crockford's base 32 (no I, L, O, U), so that it can be read out on the telephone: 2^30 references.
/// It is unique in the ledger, proves nothing and opens nothing.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Reference(String);

const CROCKFORD: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

impl Reference {
    /// A new reference; the ledger's unique index refuses one that is taken, and the caller draws again.
    #[must_use]
    pub fn new(chance: &dyn crate::chance::Chance) -> Self {
        let mut random = [0_u8; 6];
        chance.fill(&mut random);
        let symbol = |byte: u8| char::from(CROCKFORD[usize::from(byte % 32)]);
        let [a, b, c, d, e, f] = random.map(symbol);
        Self(format!("EXP-{a}{b}{c}{d}-{e}{f}"))
    }

    /// The reference as people write it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A text that is no reference.
#[derive(Debug, thiserror::Error)]
#[error("a reference looks like EXP-7K3Q-M2 (letters and digits without I, L, O and U)")]
pub struct NotAReference;

impl FromStr for Reference {
    type Err = NotAReference;

    /// Reads a reference as people type it: any case, with or without its dashes, and O, I and L for 0, 1 and 1.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let symbols: String = text
            .trim()
            .to_ascii_uppercase()
            .trim_start_matches("EXP")
            .chars()
            .filter(|c| *c != '-')
            .map(|c| match c {
                'O' => '0',
                'I' | 'L' => '1',
                other => other,
            })
            .collect();
        let known = |c: char| c.is_ascii() && CROCKFORD.contains(&(c as u8));
        if symbols.len() != 6 || !symbols.chars().all(known) {
            return Err(NotAReference);
        }
        Ok(Self(format!("EXP-{}-{}", &symbols[..4], &symbols[4..])))
    }
}
