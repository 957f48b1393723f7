//! What SQLite and PostgreSQL really do differently: how values travel, lists of keys, the database's own time.

use std::fmt::Write as _;

use sqlx::error::BoxDynError;
use sqlx::postgres::{PgArgumentBuffer, PgArguments, PgHasArrayType, PgTypeInfo, PgValueRef};
use sqlx::sqlite::{SqliteArguments, SqliteArgumentsBuffer, SqliteTypeInfo, SqliteValueRef};
use sqlx::types::Json;
use sqlx::{Arguments, AssertSqlSafe, Decode, Encode, Postgres, SqlSafeStr as _, SqlStr, Sqlite, Type, encode::IsNull};

use super::error::DbError;
use super::params::{Param, Params};
use crate::domain::Timestamp;

/// Which database ours is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// SQLite in the process: one daemon.
    Sqlite,
    /// PostgreSQL 15 or later: any number of daemons.
    Postgres,
}

impl Dialect {
    /// The statement in this database's words, for the few that cannot be written once.
    #[must_use]
    pub const fn pick(self, sqlite: &'static str, postgres: &'static str) -> &'static str {
        match self {
            Self::Sqlite => sqlite,
            Self::Postgres => postgres,
        }
    }

    /// The database's own time now, as an expression of the type of a time column. Leases run on it.
    #[must_use]
    pub const fn now(self) -> &'static str {
        self.pick("CAST(unixepoch('subsec') * 1000000 AS INTEGER)", "clock_timestamp()")
    }

    /// One microsecond, to be multiplied with a number and added to a time.
    #[must_use]
    pub const fn microsecond(self) -> &'static str {
        self.pick("1", "INTERVAL '1 microsecond'")
    }
}

/// Parameters as SQLite takes them; a list becomes JSON text, keys in it as hex.
pub(super) fn sqlite_arguments(params: Params) -> Result<SqliteArguments, DbError> {
    let mut arguments = SqliteArguments::default();
    arguments.reserve(params.len(), 0);
    for param in params {
        match param {
            Param::Bool(value) => arguments.add(value),
            Param::I64(value) => arguments.add(value),
            Param::Text(value) => arguments.add(value),
            Param::Bytes(value) => arguments.add(value),
            Param::Uuid(value) => arguments.add(value),
            Param::Time(value) => arguments.add(value),
            Param::Json(value) => arguments.add(value.map(|json| json.to_string())),
            Param::Texts(list) => arguments.add(serde_json::Value::from(list).to_string()),
            Param::I64s(list) => arguments.add(serde_json::Value::from(list).to_string()),
            Param::Uuids(list) => arguments.add(json_of_uuids(&list)),
            Param::Macs(list) => arguments.add(json_of_bytes(list.iter().map(<[u8; 32]>::as_slice))),
            Param::Times(list) => {
                arguments.add(list.iter().map(|time| time.as_micros()).collect::<serde_json::Value>().to_string())
            }
        }
        .map_err(DbError::Encode)?;
    }
    Ok(arguments)
}

fn json_of_uuids(list: &[uuid::Uuid]) -> String {
    json_of_bytes(list.iter().map(|uuid| uuid.as_bytes().as_slice()))
}

/// The same of any bytes: SQLite makes them of hexadecimal digits.
fn json_of_bytes<'b>(list: impl Iterator<Item = &'b [u8]>) -> String {
    let mut json = String::new();
    for (index, bytes) in list.enumerate() {
        // Writing to a String cannot fail.
        let _ = write!(json, "{}\"{}\"", if index == 0 { '[' } else { ',' }, data_encoding::HEXLOWER.encode(bytes));
    }
    if json.is_empty() { "[]".to_owned() } else { json + "]" }
}

/// Parameters as PostgreSQL takes them.
pub(super) fn postgres_arguments(params: Params) -> Result<PgArguments, DbError> {
    let mut arguments = PgArguments::default();
    arguments.reserve(params.len(), 0);
    for param in params {
        match param {
            Param::Bool(value) => arguments.add(value),
            Param::I64(value) => arguments.add(value),
            Param::Text(value) => arguments.add(value),
            Param::Bytes(value) => arguments.add(value),
            Param::Uuid(value) => arguments.add(value),
            Param::Time(value) => arguments.add(value),
            Param::Json(value) => arguments.add(value.map(Json)),
            Param::Texts(list) => arguments.add(list),
            Param::I64s(list) => arguments.add(list),
            Param::Uuids(list) => arguments.add(list),
            Param::Macs(list) => arguments.add(list.into_iter().map(Vec::from).collect::<Vec<Vec<u8>>>()),
            Param::Times(list) => arguments.add(list),
        }
        .map_err(DbError::Encode)?;
    }
    Ok(arguments)
}

/// The statement as this database says it: SQLite has no arrays, so that `= ANY($n)` reads a JSON list there.
pub(super) fn spell(dialect: Dialect, sql: &str, params: &Params) -> SqlStr {
    if dialect == Dialect::Sqlite && params.iter().any(Param::is_list) {
        return AssertSqlSafe(lists_for_sqlite(sql, params)).into_sql_str();
    }
    AssertSqlSafe(sql).into_sql_str()
}

/// Writes `= ANY($n)` as SQLite reads it, where `$n` is a list.
fn lists_for_sqlite(sql: &str, params: &Params) -> String {
    const ANY: &str = "= ANY($";
    let mut spelled = String::with_capacity(sql.len() + 64);
    let mut rest = sql;
    while let Some(at) = rest.find(ANY) {
        let after = &rest[at + ANY.len()..];
        let digits = after.find(')').unwrap_or(0);
        let number = &after[..digits];
        let list = number.parse::<usize>().ok().and_then(|n| params.get(n.wrapping_sub(1)));
        let value = if matches!(list, Some(Param::Uuids(_) | Param::Macs(_))) { "unhex(value)" } else { "value" };
        spelled.push_str(&rest[..at]);
        // Writing to a String cannot fail.
        let _ = write!(spelled, "IN (SELECT {value} FROM json_each(${number}))");
        rest = after.get(digits + 1..).unwrap_or_default();
    }
    spelled + rest
}

/// Microseconds from 1970-01-01 to 2000-01-01, where PostgreSQL's time begins.
const POSTGRES_EPOCH_MICROS: i64 = 946_684_800_000_000;

impl Type<Postgres> for Timestamp {
    fn type_info() -> PgTypeInfo {
        PgTypeInfo::with_oid(sqlx::postgres::types::Oid(1184)) // timestamptz, fixed in PostgreSQL's catalogue
    }
}

impl PgHasArrayType for Timestamp {
    fn array_type_info() -> PgTypeInfo {
        PgTypeInfo::with_oid(sqlx::postgres::types::Oid(1185)) // timestamptz[]
    }
}

impl Encode<'_, Postgres> for Timestamp {
    fn encode_by_ref(&self, buf: &mut PgArgumentBuffer) -> Result<IsNull, BoxDynError> {
        let micros = self.as_micros().checked_sub(POSTGRES_EPOCH_MICROS).ok_or("a time before PostgreSQL's first")?;
        <i64 as Encode<Postgres>>::encode(micros, buf)
    }
}

impl<'r> Decode<'r, Postgres> for Timestamp {
    fn decode(value: PgValueRef<'r>) -> Result<Self, BoxDynError> {
        let micros = <i64 as Decode<Postgres>>::decode(value)?;
        Ok(Self::from_micros(micros.checked_add(POSTGRES_EPOCH_MICROS).ok_or("a time beyond ours (infinity?)")?))
    }
}

impl Type<Sqlite> for Timestamp {
    fn type_info() -> SqliteTypeInfo {
        <i64 as Type<Sqlite>>::type_info()
    }

    fn compatible(ty: &SqliteTypeInfo) -> bool {
        <i64 as Type<Sqlite>>::compatible(ty)
    }
}

impl Encode<'_, Sqlite> for Timestamp {
    fn encode_by_ref(&self, buf: &mut SqliteArgumentsBuffer) -> Result<IsNull, BoxDynError> {
        <i64 as Encode<Sqlite>>::encode(self.as_micros(), buf)
    }
}

impl<'r> Decode<'r, Sqlite> for Timestamp {
    fn decode(value: SqliteValueRef<'r>) -> Result<Self, BoxDynError> {
        <i64 as Decode<Sqlite>>::decode(value).map(Self::from_micros)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_spelled_as_json_for_sqlite() {
        let params = vec![Param::Uuids(vec![]), Param::Texts(vec![]), Param::I64(Some(1))];
        let spelled = lists_for_sqlite("a = ANY($1) AND b = ANY($2) AND c = $3", &params);
        assert_eq!(
            spelled,
            "a IN (SELECT unhex(value) FROM json_each($1)) AND b IN (SELECT value FROM json_each($2)) AND c = $3"
        );
    }

    #[test]
    fn an_empty_list_of_keys_is_an_empty_json_list() {
        assert_eq!(json_of_uuids(&[]), "[]");
        assert_eq!(json_of_uuids(&[uuid::Uuid::nil(), uuid::Uuid::max()]).len(), 2 * 34 + 3);
    }
}
