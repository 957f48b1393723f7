//! The catalogue of MariaDB and MySQL: the tables of the connection's own database, and those of other databases that
//! point into it, under both their names.
//!
//! `information_schema` shows a table only to a login that has a privilege on it. A table that nobody sees may still
//! hold rows that go by ON DELETE CASCADE, uncounted, so the login must have one on the whole database.

use std::collections::BTreeMap;

use super::{MysqlConnection, grants};
use crate::stores::sql::{
    CheckRow, ColumnRow, Connection as _, IndexRow, LinkRow, TextRow, UniqueRow, add_indexes, schema,
};
use crate::stores::{Collation, Column, ColumnKind, OnDelete, Schema, StoreError};

// The casts are needed: MySQL 8 answers some of these columns as bytes. The tables stand in an IN, because MariaDB
// makes a join of the two by opening the table once for every column.
const COLUMNS: &str = "SELECT CONVERT(CASE WHEN c.TABLE_SCHEMA = DATABASE() THEN c.TABLE_NAME
        ELSE CONCAT(c.TABLE_SCHEMA, '.', c.TABLE_NAME) END, CHAR),
      CONVERT(c.TABLE_SCHEMA, CHAR), CONVERT(c.TABLE_NAME, CHAR),
      CONVERT(c.COLUMN_NAME, CHAR), CONVERT(c.COLUMN_TYPE, CHAR),
      CONVERT(c.DATA_TYPE, CHAR), CONVERT(c.IS_NULLABLE, CHAR), CONVERT(c.CHARACTER_MAXIMUM_LENGTH, CHAR),
      CONVERT(c.CHARACTER_SET_NAME, CHAR), CONVERT(c.COLLATION_NAME, CHAR),
      CONVERT(CASE WHEN c.EXTRA LIKE '%GENERATED%' THEN 1 ELSE 0 END, CHAR)
    FROM information_schema.COLUMNS c
    WHERE {tables of c} AND (c.TABLE_SCHEMA, c.TABLE_NAME) IN (
      SELECT t.TABLE_SCHEMA, t.TABLE_NAME FROM information_schema.TABLES t
      WHERE {tables of t} AND t.TABLE_TYPE IN ('BASE TABLE', 'SYSTEM VERSIONED'))
    ORDER BY 1, c.ORDINAL_POSITION";

/// Tables whose rows are kept when they are changed or deleted, and found by FOR SYSTEM_TIME (MariaDB).
const VERSIONED: &str = "SELECT CONVERT(t.TABLE_NAME, CHAR) FROM information_schema.TABLES t
    WHERE t.TABLE_SCHEMA = DATABASE() AND t.TABLE_TYPE = 'SYSTEM VERSIONED'";

/// An index of the beginning of a column does not say that whole values differ.
const UNIQUES: &str = "SELECT CONVERT(CASE WHEN s.TABLE_SCHEMA = DATABASE() THEN s.TABLE_NAME
        ELSE CONCAT(s.TABLE_SCHEMA, '.', s.TABLE_NAME) END, CHAR), CONVERT(s.INDEX_NAME, CHAR),
      CONVERT(CASE WHEN s.INDEX_NAME = 'PRIMARY' THEN 1 ELSE 0 END, CHAR), CONVERT(s.COLUMN_NAME, CHAR),
      CONVERT(CASE WHEN s.SUB_PART IS NULL THEN 1 ELSE 0 END, CHAR), CONVERT({expression}, CHAR)
    FROM information_schema.STATISTICS s
    WHERE {tables of s} AND s.NON_UNIQUE = 0
    ORDER BY 1, s.INDEX_NAME, s.SEQ_IN_INDEX";

/// In MySQL a part may be an expression, which has no name.
const INDEXES: &str = "SELECT CONVERT(s.TABLE_NAME, CHAR), CONVERT(s.INDEX_NAME, CHAR), CONVERT(s.COLUMN_NAME, CHAR)
    FROM information_schema.STATISTICS s
    WHERE s.TABLE_SCHEMA = DATABASE() AND s.INDEX_NAME <> 'PRIMARY'
      AND s.INDEX_TYPE IN ('BTREE', 'HASH')
    ORDER BY 1, s.INDEX_NAME, s.SEQ_IN_INDEX";

/// Tables of other databases that point into ours. They are then read one by one: a condition on all databases would
/// make the server open every table that it has.
const OUTSIDE: &str = "SELECT DISTINCT CONVERT(k.TABLE_SCHEMA, CHAR), CONVERT(k.TABLE_NAME, CHAR)
    FROM information_schema.KEY_COLUMN_USAGE k
    WHERE k.REFERENCED_TABLE_SCHEMA = DATABASE() AND k.TABLE_SCHEMA <> DATABASE()";

/// MySQL has indexes on expressions, MariaDB has not.
const IS_MYSQL: &str = "SELECT '1' FROM information_schema.COLUMNS c WHERE c.TABLE_SCHEMA = 'information_schema'
      AND c.TABLE_NAME = 'STATISTICS' AND c.COLUMN_NAME = 'EXPRESSION'";

/// MariaDB names a condition once per table, and those of single columns by the column.
const CHECKS_OF_MARIADB: &str = "SELECT CONVERT(k.TABLE_NAME, CHAR), CONVERT(k.CHECK_CLAUSE, CHAR)
    FROM information_schema.CHECK_CONSTRAINTS k WHERE k.CONSTRAINT_SCHEMA = DATABASE() ORDER BY 1, 2";

/// MySQL names a condition once per database.
const CHECKS_OF_MYSQL: &str = "SELECT CONVERT(t.TABLE_NAME, CHAR), CONVERT(k.CHECK_CLAUSE, CHAR)
    FROM information_schema.TABLE_CONSTRAINTS t
    JOIN information_schema.CHECK_CONSTRAINTS k
      ON k.CONSTRAINT_SCHEMA = t.CONSTRAINT_SCHEMA AND k.CONSTRAINT_NAME = t.CONSTRAINT_NAME
    WHERE t.TABLE_SCHEMA = DATABASE() AND t.CONSTRAINT_TYPE = 'CHECK' ORDER BY 1, 2";

/// A link from or into another database goes by both names.
const LINKS: &str = "SELECT
      CONVERT(CASE WHEN k.TABLE_SCHEMA = DATABASE() THEN k.TABLE_NAME
        ELSE CONCAT(k.TABLE_SCHEMA, '.', k.TABLE_NAME) END, CHAR),
      CONVERT(k.CONSTRAINT_NAME, CHAR), CONVERT(k.COLUMN_NAME, CHAR),
      CONVERT(CASE WHEN k.REFERENCED_TABLE_SCHEMA = DATABASE() THEN k.REFERENCED_TABLE_NAME
        ELSE CONCAT(k.REFERENCED_TABLE_SCHEMA, '.', k.REFERENCED_TABLE_NAME) END, CHAR),
      CONVERT(k.REFERENCED_COLUMN_NAME, CHAR)
    FROM information_schema.KEY_COLUMN_USAGE k
    WHERE (k.TABLE_SCHEMA = DATABASE() OR k.REFERENCED_TABLE_SCHEMA = DATABASE())
      AND k.REFERENCED_TABLE_NAME IS NOT NULL
    ORDER BY 1, k.CONSTRAINT_NAME, k.ORDINAL_POSITION";

/// The rules of those links. Read by itself: a join of the two would make MariaDB open tables again and again.
const RULES: &str = "SELECT
      CONVERT(CASE WHEN r.CONSTRAINT_SCHEMA = DATABASE() THEN r.TABLE_NAME
        ELSE CONCAT(r.CONSTRAINT_SCHEMA, '.', r.TABLE_NAME) END, CHAR),
      CONVERT(r.CONSTRAINT_NAME, CHAR), CONVERT(r.DELETE_RULE, CHAR)
    FROM information_schema.REFERENTIAL_CONSTRAINTS r
    WHERE r.CONSTRAINT_SCHEMA = DATABASE() OR r.UNIQUE_CONSTRAINT_SCHEMA = DATABASE()";

/// Reads the catalogue.
pub(super) async fn read(connection: &MysqlConnection) -> Result<Schema, StoreError> {
    grants::sees_all(connection).await?;
    let is_mysql = !connection.read(IS_MYSQL, &[]).await?.is_empty();
    let uniques = UNIQUES.replace("{expression}", if is_mysql { "s.EXPRESSION" } else { "NULL" });
    let (mut columns, mut parts) =
        (of_tables(connection, COLUMNS, &[]).await?, of_tables(connection, &uniques, &[]).await?);
    for table in connection.read(OUTSIDE, &[]).await? {
        let table = table.into_iter().collect::<Option<Vec<_>>>().ok_or(StoreError::Catalogue)?;
        columns.extend(of_tables(connection, COLUMNS, &table).await?);
        parts.extend(of_tables(connection, &uniques, &table).await?);
    }
    let columns = columns.into_iter().map(column).collect::<Option<_>>();
    let uniques = parts.into_iter().map(unique).collect::<Option<_>>();
    let rules = connection.read(RULES, &[]).await?.into_iter().map(rule).collect::<Option<BTreeMap<_, _>>>();
    let rules = rules.ok_or(StoreError::Catalogue)?;
    let links = connection.read(LINKS, &[]).await?.into_iter().map(|row| link(row, &rules)).collect::<Option<_>>();
    let checks = connection
        .read(if is_mysql { CHECKS_OF_MYSQL } else { CHECKS_OF_MARIADB }, &[])
        .await?
        .into_iter()
        .map(check)
        .collect::<Option<_>>();
    let mut schema = schema(columns, uniques, links, checks)?;
    for row in connection.read(VERSIONED, &[]).await? {
        let name = row.into_iter().next().flatten().ok_or(StoreError::Catalogue)?;
        schema.tables.get_mut(&name).ok_or(StoreError::Catalogue)?.keeps_old_rows = true;
    }
    add_indexes(&mut schema, connection.read(INDEXES, &[]).await?.into_iter().map(index).collect())?;
    Ok(schema)
}

/// What a query answers for the tables of our database, or for one of another: its database and name.
async fn of_tables(connection: &MysqlConnection, query: &str, outside: &[String]) -> Result<Vec<TextRow>, StoreError> {
    let which = |of: &str| match outside {
        [] => format!("{of}.TABLE_SCHEMA = DATABASE()"),
        _ => format!("{of}.TABLE_SCHEMA = ? AND {of}.TABLE_NAME = ?"),
    };
    let params = vec![outside; query.matches("{tables of ").count()].concat();
    let query = ["c", "t", "s"].iter().fold(query.to_owned(), |query, of| {
        let tables = format!("{{tables of {of}}}");
        query.replace(&tables, &which(of))
    });
    connection.read(&query, &params).await
}

fn column(row: TextRow) -> Option<ColumnRow> {
    let [table, database, relation, name, type_name, data_type, nullable, length, charset, collation, generated] =
        <[Option<String>; 11]>::try_from(row).ok()?;
    let (data_type, type_name) = (data_type?.to_ascii_lowercase(), type_name?);
    let kind = kind(&data_type);
    // The words of an enum stay as they are written.
    let type_name = if data_type == "enum" { type_name } else { type_name.to_ascii_lowercase() };
    let is_strict = |collation: &Collation| collation.name.ends_with("bin");
    let collation = charset.zip(collation).map(|(charset, name)| Collation { charset, name });
    let column = Column {
        name: name?,
        range: range(&data_type, type_name.contains("unsigned")),
        loose: collation.as_ref().is_some_and(|collation| !is_strict(collation)),
        compare_type: data_type,
        type_name,
        kind,
        nullable: nullable.as_deref() == Some("YES"),
        length_max: length.and_then(|length| length.parse().ok()),
        collation,
        generated: generated.as_deref() == Some("1"),
    };
    Some(ColumnRow { path: vec![database?, relation?], table: table?, column })
}

fn unique(row: TextRow) -> Option<UniqueRow> {
    let [table, name, primary, column, whole, expression] = <[Option<String>; 6]>::try_from(row).ok()?;
    let is = |digit: Option<String>| digit.as_deref() == Some("1");
    Some(UniqueRow { table: table?, name: name?, primary: is(primary), column, whole: is(whole), expression })
}

fn index(row: TextRow) -> Option<IndexRow> {
    let [table, name, column] = <[Option<String>; 3]>::try_from(row).ok()?;
    Some(IndexRow { table: table?, name: name?, column })
}

/// Table and link → what becomes of its rows.
type Rules = BTreeMap<(String, String), OnDelete>;

fn rule(row: TextRow) -> Option<((String, String), OnDelete)> {
    let [table, name, words] = <[Option<String>; 3]>::try_from(row).ok()?;
    Some(((table?, name?), OnDelete::from_words(&words?)))
}

/// A link whose rule the login does not see is taken for the worst.
fn link(row: TextRow, rules: &Rules) -> Option<LinkRow> {
    let [table, name, column, to, references] = <[Option<String>; 5]>::try_from(row).ok()?;
    let at = (table?, name?);
    let on_delete = rules.get(&at).copied().unwrap_or(OnDelete::Cascade);
    Some(LinkRow { table: at.0, name: at.1, column: column?, to: to?, references, on_delete })
}

fn check(row: TextRow) -> Option<CheckRow> {
    let [table, clause] = <[Option<String>; 2]>::try_from(row).ok()?;
    Some(CheckRow { table: table?, clause: clause? })
}

fn range(data_type: &str, unsigned: bool) -> Option<(i128, i128)> {
    let bits = match data_type {
        "tinyint" => 8,
        "smallint" => 16,
        "mediumint" => 24,
        "int" => 32,
        "bigint" => 64,
        _ => return None,
    };
    Some(if unsigned { (0, (1 << bits) - 1) } else { (-(1 << (bits - 1)), (1 << (bits - 1)) - 1) })
}

fn kind(data_type: &str) -> ColumnKind {
    match data_type {
        "tinyint" | "smallint" | "mediumint" | "int" | "bigint" => ColumnKind::Int,
        "decimal" => ColumnKind::Number,
        "float" | "double" => ColumnKind::Float,
        "char" | "varchar" | "tinytext" | "text" | "mediumtext" | "longtext" => ColumnKind::Text,
        "binary" | "varbinary" | "tinyblob" | "blob" | "mediumblob" | "longblob" => ColumnKind::Bytes,
        "uuid" => ColumnKind::Uuid,
        "date" | "datetime" | "timestamp" => ColumnKind::Time,
        _ => ColumnKind::Other,
    }
}
