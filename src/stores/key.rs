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

    /// The value as a column of this kind has it, from the text that a person or a directory gives. `None` where it
    /// is no value of that kind.
    #[must_use]
    pub fn canonical(&self, kind: ColumnKind) -> Option<Self> {
        let Self::Text(text) = self else { return Some(self.clone()) };
        match kind {
            ColumnKind::Int => whole_number(text).map(|n| i64::try_from(n).map_or_else(|_| self.clone(), Self::Int)),
            ColumnKind::Uuid => Uuid::parse_str(text).ok().map(Self::Uuid),
            ColumnKind::Bytes => data_encoding::HEXLOWER_PERMISSIVE.decode(text.as_bytes()).ok().map(Self::Bytes),
            _ => Some(self.clone()),
        }
    }

    /// The value as it is sent to be compared with this column.
    pub(super) fn fit(&self, column: &Column) -> Fit {
        match column.kind {
            ColumnKind::Int => self.fit_int(column),
            ColumnKind::Number => match self {
                Self::Int(number) => Fit::as_one(number.to_string()),
                Self::Text(digits) if digits.len() <= DIGITS_MAX && whole_number(digits).is_some() => {
                    Fit::as_one(digits.clone())
                }
                _ => Fit::Unfit,
            },
            ColumnKind::Uuid => match self {
                Self::Uuid(uuid) => Some(*uuid),
                Self::Text(given) => Uuid::parse_str(given).ok(),
                Self::Bytes(given) => Uuid::from_slice(given).ok(),
                Self::Int(_) => None,
            }
            .map_or(Fit::Unfit, |uuid| Fit::as_one(uuid.to_string())),
            ColumnKind::Bytes => match self {
                Self::Bytes(_) => Fit::as_one(self.to_text()),
                Self::Uuid(uuid) => Fit::as_one(data_encoding::HEXLOWER.encode(uuid.as_bytes())),
                Self::Int(_) | Self::Text(_) => Fit::Unfit,
            },
            ColumnKind::Float => Fit::Unfit,
            ColumnKind::Text | ColumnKind::Time | ColumnKind::Other => self.fit_text(),
        }
    }

    fn fit_int(&self, column: &Column) -> Fit {
        let number = match self {
            Self::Int(number) => Some(i128::from(*number)),
            Self::Text(digits) => whole_number(digits),
            Self::Bytes(_) | Self::Uuid(_) => None,
        };
        let Some(number) = number else { return Fit::Unfit };
        let (least, greatest) = column.range.unwrap_or((i64::MIN.into(), i64::MAX.into()));
        if number < least || number > greatest {
            return Fit::Never;
        }
        let value = i64::try_from(number).map(serde_json::Value::from);
        value
            .or_else(|_| u64::try_from(number).map(serde_json::Value::from))
            .map_or(Fit::Never, |v| Fit::Values(vec![v]))
    }

    /// A text has one spelling. What is no text of its own has those that programs give it.
    fn fit_text(&self) -> Fit {
        match self {
            Self::Text(text) if text.len() > TEXT_BYTES_MAX => Fit::Unfit,
            _ => Fit::Values(self.spellings().into_iter().map(serde_json::Value::from).collect()),
        }
    }

    /// The value as programs write it into a text.
    pub(crate) fn spellings(&self) -> Vec<String> {
        match self {
            Self::Int(_) | Self::Text(_) => vec![self.to_text()],
            Self::Bytes(bytes) => {
                vec![data_encoding::HEXLOWER.encode(bytes), data_encoding::HEXUPPER.encode(bytes)]
            }
            Self::Uuid(uuid) => vec![
                format!("{:x}", uuid.hyphenated()),
                format!("{:X}", uuid.hyphenated()),
                format!("{:x}", uuid.simple()),
                format!("{:X}", uuid.simple()),
            ],
        }
    }
}

/// How a value meets a column.
pub(super) enum Fit {
    /// It can be there, in these spellings.
    Values(Vec<serde_json::Value>),
    /// It is beyond what the column can hold, so that no row has it.
    Never,
    /// It is of another kind: whether a row means it cannot be told.
    Unfit,
}

impl Fit {
    fn as_one(text: String) -> Self {
        Self::Values(vec![text.into()])
    }
}

/// A whole number in the one spelling that it has, so that `007` is not taken for 7.
fn whole_number(text: &str) -> Option<i128> {
    text.parse::<i128>().ok().filter(|number| number.to_string() == text)
}

/// More digits are no keys (MySQL's decimals hold 35 beside the scale that values are compared in).
const DIGITS_MAX: usize = 35;

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
