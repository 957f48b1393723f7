//! Keys of rows in somebody else's tables. They may be personal data (an address can be a key): Debug tells only
//! their shape.

use std::fmt;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::schema::{Column, ColumnKind};

/// One value of a key.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeyValue {
    /// A whole number.
    Int(i64),
    /// Text, and every type that has no variant of its own, as the store writes it.
    Text(String),
    /// Bytes, stored as hex.
    Bytes(#[serde(with = "hex")] Vec<u8>),
    /// A UUID, stored as text.
    Uuid(Uuid),
}

/// What identifies one row: the values of the key columns in the order of the data map.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Key(
    /// The values.
    pub Vec<KeyValue>,
);

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Key({} values)", self.0.len())
    }
}

impl fmt::Debug for KeyValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Int(_) => "Int(…)",
            Self::Text(_) => "Text(…)",
            Self::Bytes(_) => "Bytes(…)",
            Self::Uuid(_) => "Uuid(…)",
        })
    }
}

impl From<i64> for KeyValue {
    fn from(value: i64) -> Self {
        Self::Int(value)
    }
}

impl From<&str> for KeyValue {
    fn from(value: &str) -> Self {
        Self::Text(value.to_owned())
    }
}

impl From<i64> for Key {
    fn from(value: i64) -> Self {
        Self(vec![value.into()])
    }
}

impl From<&str> for Key {
    fn from(value: &str) -> Self {
        Self(vec![value.into()])
    }
}

impl KeyValue {
    /// The value as text: what a person types and what a column of text in another store holds.
    #[must_use]
    pub fn to_text(&self) -> String {
        match self {
            Self::Int(number) => number.to_string(),
            Self::Text(text) => text.clone(),
            Self::Bytes(bytes) => data_encoding::HEXLOWER.encode(bytes),
            Self::Uuid(uuid) => uuid.to_string(),
        }
    }

    /// A value as a column of this kind gives it, from the text that the store wrote.
    #[must_use]
    pub fn from_text(text: String, kind: ColumnKind) -> Self {
        match kind {
            ColumnKind::Int => text.parse().map_or(Self::Text(text), Self::Int),
            ColumnKind::Uuid => Uuid::parse_str(&text).map_or(Self::Text(text), Self::Uuid),
            ColumnKind::Bytes => {
                data_encoding::HEXLOWER_PERMISSIVE.decode(text.as_bytes()).map_or(Self::Text(text), Self::Bytes)
            }
            _ => Self::Text(text),
        }
    }

    /// The value as it is sent to be compared with this column, or `None` where the column cannot hold it.
    pub(super) fn to_wire(&self, column: &Column) -> Option<serde_json::Value> {
        let text = || serde_json::Value::from(self.to_text());
        match (column.kind, self) {
            (ColumnKind::Int, Self::Int(number)) => Some((*number).into()),
            (ColumnKind::Int, Self::Text(digits)) => digits.parse::<i128>().is_ok().then(text),
            (ColumnKind::Int, _) | (ColumnKind::Uuid, Self::Int(_)) => None,
            (ColumnKind::Uuid, Self::Uuid(_)) => Some(text()),
            (ColumnKind::Uuid, Self::Text(given)) => Uuid::parse_str(given).ok().map(|uuid| uuid.to_string().into()),
            (ColumnKind::Uuid, Self::Bytes(given)) => Uuid::from_slice(given).ok().map(|uuid| uuid.to_string().into()),
            (ColumnKind::Bytes, Self::Bytes(_)) => Some(text()),
            (ColumnKind::Bytes, Self::Uuid(uuid)) => Some(data_encoding::HEXLOWER.encode(uuid.as_bytes()).into()),
            (ColumnKind::Bytes, _) => None,
            (ColumnKind::Number, Self::Bytes(_) | Self::Uuid(_)) => None,
            (ColumnKind::Number, Self::Text(given)) => given.parse::<f64>().is_ok().then(text),
            _ => Some(text()).filter(|_| self.to_text().len() <= TEXT_BYTES_MAX),
        }
    }
}

/// Longer texts are no keys (InnoDB indexes at most 3,072 bytes, 768 characters of four).
const TEXT_BYTES_MAX: usize = 768;

impl Key {
    /// Exactly one value, or `None`.
    #[must_use]
    pub fn single(&self) -> Option<&KeyValue> {
        match self.0.as_slice() {
            [value] => Some(value),
            _ => None,
        }
    }
}

mod hex {
    use serde::{Deserialize as _, Deserializer, Serializer, de::Error as _};

    pub(super) fn serialize<S: Serializer>(bytes: &[u8], to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&data_encoding::HEXLOWER.encode(bytes))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<u8>, D::Error> {
        let text = String::deserialize(from)?;
        data_encoding::HEXLOWER.decode(text.as_bytes()).map_err(|_| D::Error::custom("not hex"))
    }
}
