//! What a statement is given: one kind of parameter per kind of column, and lists of keys.

use std::fmt;

use serde_json::Value;
use uuid::Uuid;

use crate::domain::{AuthorityId, CaseId, DeliveryId, JobId, LetterId, Reference, RequestId, Timestamp};

/// The parameters of a statement, in the order of `$1, $2 …`. Written with [`params!`](crate::params).
pub type Params = Vec<Param>;

/// One parameter. `None` is a NULL of that type (PostgreSQL wants to know it).
#[derive(Clone)]
pub enum Param {
    /// `BOOLEAN`, or 0 and 1.
    Bool(Option<bool>),
    /// `BIGINT`; narrower columns take it too.
    I64(Option<i64>),
    /// `TEXT`.
    Text(Option<String>),
    /// `BYTEA` or `BLOB`.
    Bytes(Option<Vec<u8>>),
    /// `UUID`, or a `BLOB` of 16 bytes.
    Uuid(Option<Uuid>),
    /// `TIMESTAMPTZ`, or microseconds since 1970.
    Time(Option<Timestamp>),
    /// `JSONB`, or JSON as text.
    Json(Option<Value>),
    /// A list for `= ANY($n)`.
    Texts(Vec<String>),
    /// A list for `= ANY($n)`.
    I64s(Vec<i64>),
    /// A list for `= ANY($n)`.
    Uuids(Vec<Uuid>),
    /// A list for `= ANY($n)`.
    Times(Vec<Timestamp>),
    /// A list of HMACs for `= ANY($n)`.
    Macs(Vec<[u8; 32]>),
}

impl Param {
    /// Whether this is a list, which SQLite reads as JSON.
    pub(super) const fn is_list(&self) -> bool {
        matches!(self, Self::Texts(_) | Self::I64s(_) | Self::Uuids(_) | Self::Times(_) | Self::Macs(_))
    }
}

/// Says the kind and never the value.
impl fmt::Debug for Param {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Bool(_) => "Bool",
            Self::I64(_) => "I64",
            Self::Text(_) => "Text",
            Self::Bytes(_) => "Bytes",
            Self::Uuid(_) => "Uuid",
            Self::Time(_) => "Time",
            Self::Json(_) => "Json",
            Self::Texts(_) => "Texts",
            Self::I64s(_) => "I64s",
            Self::Uuids(_) => "Uuids",
            Self::Times(_) => "Times",
            Self::Macs(_) => "Macs",
        })
    }
}

macro_rules! param_from {
    ($($variant:ident($kind:ty, $value:ident => $made:expr)),+ $(,)?) => {$(
        impl From<$kind> for Param {
            fn from($value: $kind) -> Self {
                Self::$variant(Some($made))
            }
        }

        impl From<Option<$kind>> for Param {
            fn from(value: Option<$kind>) -> Self {
                Self::$variant(value.map(|$value| $made))
            }
        }
    )+};
}

param_from! {
    Bool(bool, value => value),
    I64(i64, value => value),
    I64(i32, value => i64::from(value)),
    I64(i16, value => i64::from(value)),
    I64(u32, value => i64::from(value)),
    I64(u16, value => i64::from(value)),
    Text(String, value => storable(value)),
    Text(&str, value => storable(value.to_owned())),
    Text(&String, value => storable(value.clone())),
    Text(&Reference, value => value.as_str().to_owned()),
    Bytes(Vec<u8>, value => value),
    Bytes(&[u8], value => value.to_vec()),
    Bytes(CaseId, value => value.as_bytes().to_vec()),
    Uuid(Uuid, value => value),
    Uuid(AuthorityId, value => value.as_uuid()),
    Uuid(DeliveryId, value => value.as_uuid()),
    Uuid(JobId, value => value.as_uuid()),
    Uuid(LetterId, value => value.as_uuid()),
    Uuid(RequestId, value => value.as_uuid()),
    Time(Timestamp, value => value),
    Json(Value, value => storable_json(value)),
}

/// A text that both databases take: PostgreSQL has no NUL in one, and what somebody wrote into a letter must not fail there for ever.
fn storable(text: String) -> String {
    if text.contains('\0') { text.replace('\0', "\u{fffd}") } else { text }
}

fn storable_json(value: Value) -> Value {
    match value {
        Value::String(text) => Value::String(storable(text)),
        Value::Array(values) => values.into_iter().map(storable_json).collect(),
        Value::Object(fields) => {
            Value::Object(fields.into_iter().map(|(name, value)| (storable(name), storable_json(value))).collect())
        }
        other => other,
    }
}

impl<const N: usize> From<[u8; N]> for Param {
    fn from(value: [u8; N]) -> Self {
        Self::Bytes(Some(value.to_vec()))
    }
}

impl<const N: usize> From<&[u8; N]> for Param {
    fn from(value: &[u8; N]) -> Self {
        Self::Bytes(Some(value.to_vec()))
    }
}

impl<const N: usize> From<Option<[u8; N]>> for Param {
    fn from(value: Option<[u8; N]>) -> Self {
        Self::Bytes(value.map(|bytes| bytes.to_vec()))
    }
}

impl From<Vec<String>> for Param {
    fn from(value: Vec<String>) -> Self {
        Self::Texts(value.into_iter().map(storable).collect())
    }
}

impl From<&[&str]> for Param {
    fn from(value: &[&str]) -> Self {
        Self::Texts(value.iter().map(|text| storable((*text).to_owned())).collect())
    }
}

impl From<Vec<i64>> for Param {
    fn from(value: Vec<i64>) -> Self {
        Self::I64s(value)
    }
}

impl From<Vec<Timestamp>> for Param {
    fn from(value: Vec<Timestamp>) -> Self {
        Self::Times(value)
    }
}

impl From<Vec<[u8; 32]>> for Param {
    fn from(value: Vec<[u8; 32]>) -> Self {
        Self::Macs(value)
    }
}

impl From<Vec<Uuid>> for Param {
    fn from(value: Vec<Uuid>) -> Self {
        Self::Uuids(value)
    }
}

/// The parameters of a statement: `params![id, "waiting", now]`.
#[macro_export]
macro_rules! params {
    ($($value:expr),* $(,)?) => {
        ::std::vec![$($crate::db::sql::Param::from($value)),*] as $crate::db::sql::Params
    };
}

/// So many rows of parameters go into one statement; SQLite takes 32,766 parameters, and PostgreSQL 65,535.
pub(super) const ROWS_MAX: usize = 50;

/// `($1, $2), ($3, $4)`: what stands behind VALUES for so many rows of so many columns.
pub(super) fn value_rows(rows: usize, columns: usize) -> String {
    let row = |row: usize| {
        let numbers: Vec<String> = (1..=columns).map(|column| format!("${}", row * columns + column)).collect();
        format!("({})", numbers.join(", "))
    };
    (0..rows).map(row).collect::<Vec<_>>().join(", ")
}
