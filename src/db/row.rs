//! A row of either database, read strictly: a value that does not fit names table, column and row.

use std::error::Error as StdError;
use std::str::FromStr;

use serde_json::Value;
use sqlx::error::UnexpectedNullError;
use sqlx::postgres::PgRow;
use sqlx::sqlite::SqliteRow;
use sqlx::types::Json;
use sqlx::{Decode, Postgres, Row as _, Sqlite, Type, TypeInfo as _};
use uuid::Uuid;

use super::error::DbError;
use crate::domain::Timestamp;

/// One row of a query.
pub struct Row {
    cells: Cells,
    table: &'static str,
}

enum Cells {
    Sqlite(SqliteRow),
    Postgres(PgRow),
}

impl From<SqliteRow> for Row {
    fn from(row: SqliteRow) -> Self {
        Self { cells: Cells::Sqlite(row), table: "a query" }
    }
}

impl From<PgRow> for Row {
    fn from(row: PgRow) -> Self {
        Self { cells: Cells::Postgres(row), table: "a query" }
    }
}

macro_rules! accessors {
    ($($(#[$doc:meta])* $name:ident, $opt_name:ident -> $kind:ty, |$value:ident: $stored:ty| $made:expr;)+) => {$(
        $(#[$doc])*
        pub fn $name(&self, column: &str) -> Result<$kind, DbError> {
            let $value = self.stored::<$stored>(column)?;
            let made: Result<$kind, Box<dyn StdError + Send + Sync>> = $made;
            made.map_err(|source| self.wrong(column, source))
        }

        $(#[$doc])*
        ///
        /// `None` for NULL.
        pub fn $opt_name(&self, column: &str) -> Result<Option<$kind>, DbError> {
            let Some($value) = self.stored::<Option<$stored>>(column)? else { return Ok(None) };
            let made: Result<$kind, Box<dyn StdError + Send + Sync>> = $made;
            made.map(Some).map_err(|source| self.wrong(column, source))
        }
    )+};
}

impl Row {
    /// Names the table, so that an error can tell where a bad value is stored.
    #[must_use]
    pub fn of(mut self, table: &'static str) -> Self {
        self.table = table;
        self
    }

    accessors! {
        /// A truth value.
        bool, opt_bool -> bool, |value: bool| Ok(value);
        /// A text.
        text, opt_text -> String, |value: String| Ok(value);
        /// Bytes.
        bytes, opt_bytes -> Vec<u8>, |value: Vec<u8>| Ok(value);
        /// Exactly 32 bytes: a digest, a key.
        array32, opt_array32 -> [u8; 32], |value: Vec<u8>| sized(&value);
        /// A UUID.
        uuid, opt_uuid -> Uuid, |value: Uuid| Ok(value);
        /// A time.
        time, opt_time -> Timestamp, |value: Timestamp| Ok(value);
        /// JSON.
        json, opt_json -> Value, |value: Json<Value>| Ok(value.0);
        /// A whole number of any width.
        i64, opt_i64 -> i64, |value: Whole| Ok(value.0);
        /// A whole number that is not negative and fits 32 bits.
        u32, opt_u32 -> u32, |value: Whole| u32::try_from(value.0).map_err(Into::into);
    }

    /// Exactly `N` bytes.
    pub fn array<const N: usize>(&self, column: &str) -> Result<[u8; N], DbError> {
        sized(&self.bytes(column)?).map_err(|source| self.wrong(column, source))
    }

    /// Exactly `N` bytes; `None` for NULL.
    pub fn opt_array<const N: usize>(&self, column: &str) -> Result<Option<[u8; N]>, DbError> {
        let Some(bytes) = self.opt_bytes(column)? else { return Ok(None) };
        sized(&bytes).map(Some).map_err(|source| self.wrong(column, source))
    }

    /// A stored word, such as a state; an unknown word is an error.
    pub fn word<T>(&self, column: &str) -> Result<T, DbError>
    where
        T: FromStr<Err: Into<Box<dyn StdError + Send + Sync>>>,
    {
        self.text(column)?.parse().map_err(|error: T::Err| self.wrong(column, error.into()))
    }

    /// A stored word; `None` for NULL.
    pub fn opt_word<T>(&self, column: &str) -> Result<Option<T>, DbError>
    where
        T: FromStr<Err: Into<Box<dyn StdError + Send + Sync>>>,
    {
        let Some(text) = self.opt_text(column)? else { return Ok(None) };
        text.parse().map(Some).map_err(|error: T::Err| self.wrong(column, error.into()))
    }

    fn stored<T>(&self, column: &str) -> Result<T, DbError>
    where
        T: for<'r> Decode<'r, Sqlite> + Type<Sqlite> + for<'r> Decode<'r, Postgres> + Type<Postgres>,
    {
        match &self.cells {
            Cells::Sqlite(row) => row.try_get::<T, _>(column),
            Cells::Postgres(row) => row.try_get::<T, _>(column),
        }
        .map_err(|error| match error {
            sqlx::Error::ColumnDecode { source, .. } if source.is::<UnexpectedNullError>() => {
                self.wrong(column, "is NULL".into())
            }
            error => self.wrong(column, Box::new(error)),
        })
    }

    /// A stored value that does not fit, with the row's `id` where the query has one.
    pub(super) fn wrong(&self, column: &str, source: Box<dyn StdError + Send + Sync>) -> DbError {
        let id = match &self.cells {
            Cells::Sqlite(row) if has_id(row.columns()) => row.try_get::<Uuid, _>("id").ok(),
            Cells::Postgres(row) if has_id(row.columns()) => row.try_get::<Uuid, _>("id").ok(),
            _ => None,
        };
        let row = id.map_or_else(|| "?".to_owned(), |id| id.to_string());
        DbError::Stored { table: self.table, column: column.to_owned(), row, source }
    }
}

fn has_id<C: sqlx::Column>(columns: &[C]) -> bool {
    columns.iter().any(|column| column.name() == "id")
}

fn sized<const N: usize>(bytes: &[u8]) -> Result<[u8; N], Box<dyn StdError + Send + Sync>> {
    bytes.try_into().map_err(|_| format!("{} bytes where {N} belong", bytes.len()).into())
}

/// A whole number whose width the column decides.
struct Whole(i64);

impl Type<Sqlite> for Whole {
    fn type_info() -> sqlx::sqlite::SqliteTypeInfo {
        <i64 as Type<Sqlite>>::type_info()
    }

    fn compatible(ty: &sqlx::sqlite::SqliteTypeInfo) -> bool {
        <i64 as Type<Sqlite>>::compatible(ty)
    }
}

impl<'r> Decode<'r, Sqlite> for Whole {
    fn decode(value: sqlx::sqlite::SqliteValueRef<'r>) -> Result<Self, sqlx::error::BoxDynError> {
        <i64 as Decode<Sqlite>>::decode(value).map(Self)
    }
}

impl Type<Postgres> for Whole {
    fn type_info() -> sqlx::postgres::PgTypeInfo {
        <i64 as Type<Postgres>>::type_info()
    }

    fn compatible(ty: &sqlx::postgres::PgTypeInfo) -> bool {
        matches!(ty.name(), "INT2" | "INT4" | "INT8")
    }
}

impl<'r> Decode<'r, Postgres> for Whole {
    fn decode(value: sqlx::postgres::PgValueRef<'r>) -> Result<Self, sqlx::error::BoxDynError> {
        // The driver's integers read any width and refuse what does not fit.
        <i64 as Decode<Postgres>>::decode(value).map(Self)
    }
}
