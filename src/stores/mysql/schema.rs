//! The catalogue of MariaDB and MySQL: the tables of the connection's own database.

use super::MysqlConnection;
use crate::stores::sql::{ColumnRow, Connection as _, LinkRow, TextRow, UniqueRow, schema};
use crate::stores::{Collation, Column, ColumnKind, Schema, StoreError};

// The casts are needed: MySQL 8 answers some of these columns as bytes.
const COLUMNS: &str = "SELECT CONVERT(c.TABLE_NAME, CHAR), CONVERT(c.COLUMN_NAME, CHAR), CONVERT(c.COLUMN_TYPE, CHAR),
      CONVERT(c.DATA_TYPE, CHAR), CONVERT(c.IS_NULLABLE, CHAR), CONVERT(c.CHARACTER_MAXIMUM_LENGTH, CHAR),
      CONVERT(c.CHARACTER_SET_NAME, CHAR), CONVERT(c.COLLATION_NAME, CHAR),
      CONVERT(CASE WHEN c.EXTRA LIKE '%GENERATED%' THEN 1 ELSE 0 END, CHAR)
    FROM information_schema.COLUMNS c
    JOIN information_schema.TABLES t ON t.TABLE_SCHEMA = c.TABLE_SCHEMA AND t.TABLE_NAME = c.TABLE_NAME
    WHERE c.TABLE_SCHEMA = DATABASE() AND t.TABLE_TYPE = 'BASE TABLE' ORDER BY c.TABLE_NAME, c.ORDINAL_POSITION";

const UNIQUES: &str = "SELECT CONVERT(s.TABLE_NAME, CHAR), CONVERT(s.INDEX_NAME, CHAR),
      CONVERT(CASE WHEN s.INDEX_NAME = 'PRIMARY' THEN 1 ELSE 0 END, CHAR), CONVERT(s.COLUMN_NAME, CHAR)
    FROM information_schema.STATISTICS s
    WHERE s.TABLE_SCHEMA = DATABASE() AND s.NON_UNIQUE = 0 AND s.SUB_PART IS NULL AND s.COLUMN_NAME IS NOT NULL
    ORDER BY s.TABLE_NAME, s.INDEX_NAME, s.SEQ_IN_INDEX";

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

/// Reads the catalogue.
pub(super) async fn read(connection: &MysqlConnection) -> Result<Schema, StoreError> {
    let columns = connection.read(COLUMNS, &[]).await?.into_iter().map(column).collect::<Option<_>>();
    let uniques = connection.read(UNIQUES, &[]).await?.into_iter().map(unique).collect::<Option<_>>();
    let links = connection.read(LINKS, &[]).await?.into_iter().map(link).collect::<Option<_>>();
    schema(columns, uniques, links)
}

fn column(row: TextRow) -> Option<ColumnRow> {
    let [table, name, type_name, data_type, nullable, length, charset, collation, generated] =
        <[Option<String>; 9]>::try_from(row).ok()?;
    let kind = kind(data_type.as_deref()?);
    let table = table?;
    let column = Column {
        name: name?,
        type_name: type_name?.to_ascii_lowercase(),
        kind,
        nullable: nullable.as_deref() == Some("YES"),
        length_max: length.and_then(|length| length.parse().ok()),
        collation: charset.zip(collation).map(|(charset, name)| Collation { charset, name }),
        generated: generated.as_deref() == Some("1"),
    };
    Some(ColumnRow { path: vec![table.clone()], table, column })
}

fn unique(row: TextRow) -> Option<UniqueRow> {
    let [table, name, primary, column] = <[Option<String>; 4]>::try_from(row).ok()?;
    Some(UniqueRow { table: table?, name: name?, primary: primary.as_deref() == Some("1"), column: column? })
}

fn link(row: TextRow) -> Option<LinkRow> {
    let [table, name, column, to, references] = <[Option<String>; 5]>::try_from(row).ok()?;
    Some(LinkRow { table: table?, name: name?, column: column?, to: to?, references })
}

fn kind(data_type: &str) -> ColumnKind {
    match data_type.to_ascii_lowercase().as_str() {
        "tinyint" | "smallint" | "mediumint" | "int" | "bigint" => ColumnKind::Int,
        "decimal" | "float" | "double" => ColumnKind::Number,
        "char" | "varchar" | "tinytext" | "text" | "mediumtext" | "longtext" => ColumnKind::Text,
        "binary" | "varbinary" | "tinyblob" | "blob" | "mediumblob" | "longblob" => ColumnKind::Bytes,
        "uuid" => ColumnKind::Uuid,
        "date" | "datetime" | "timestamp" => ColumnKind::Time,
        _ => ColumnKind::Other,
    }
}
