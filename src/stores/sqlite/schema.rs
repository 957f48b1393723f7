//! SQLite's catalogue, by its pragma functions.

use super::SqliteConnection;
use crate::stores::sql::{ColumnRow, Connection as _, LinkRow, TextRow, UniqueRow, schema};
use crate::stores::{Column, ColumnKind, Schema, StoreError};

const COLUMNS: &str = "SELECT m.name, c.name, c.type, CAST(c.\"notnull\" OR c.pk > 0 AS TEXT), CAST(c.hidden AS TEXT)
    FROM sqlite_schema AS m JOIN pragma_table_xinfo(m.name) AS c
    WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY m.name, c.cid";

/// The primary key from the columns (a rowid alias has no index), the other sets from the indexes. An index with a
/// WHERE says nothing of the other rows, and one on an expression has no column name.
const UNIQUES: &str = "SELECT t, i, p, c FROM (
    SELECT m.name AS t, '' AS i, '1' AS p, c.name AS c, c.pk AS n
    FROM sqlite_schema AS m JOIN pragma_table_info(m.name) AS c WHERE m.type = 'table' AND c.pk > 0
    UNION ALL
    SELECT m.name, l.name, '0', c.name, c.seqno
    FROM sqlite_schema AS m JOIN pragma_index_list(m.name) AS l JOIN pragma_index_info(l.name) AS c
    WHERE m.type = 'table' AND l.\"unique\" = 1 AND l.partial = 0 AND l.origin <> 'pk'
      AND NOT EXISTS (SELECT 1 FROM pragma_index_info(l.name) AS e WHERE e.name IS NULL)
    ) ORDER BY t, i, n";

const LINKS: &str = "SELECT m.name, CAST(f.id AS TEXT), f.\"from\", f.\"table\", f.\"to\"
    FROM sqlite_schema AS m JOIN pragma_foreign_key_list(m.name) AS f
    WHERE m.type = 'table' ORDER BY m.name, f.id, f.seq";

/// Reads the catalogue.
pub(super) async fn read(connection: &SqliteConnection) -> Result<Schema, StoreError> {
    let columns = connection.read(COLUMNS, &[]).await?.into_iter().map(column).collect::<Option<_>>();
    let uniques = connection.read(UNIQUES, &[]).await?.into_iter().map(unique).collect::<Option<_>>();
    let links = connection.read(LINKS, &[]).await?.into_iter().map(link).collect::<Option<_>>();
    schema(columns, uniques, links)
}

fn column(row: TextRow) -> Option<ColumnRow> {
    let [Some(table), Some(name), type_name, not_null, hidden] = <[Option<String>; 5]>::try_from(row).ok()? else {
        return None;
    };
    let type_name = type_name.unwrap_or_default();
    let column = Column {
        kind: kind(&type_name),
        length_max: length(&type_name),
        name,
        type_name,
        nullable: not_null.as_deref() != Some("1"),
        collation: None,
        generated: hidden.is_some_and(|hidden| hidden == "2" || hidden == "3"),
    };
    Some(ColumnRow { path: vec![table.clone()], table, column })
}

fn unique(row: TextRow) -> Option<UniqueRow> {
    let [Some(table), Some(name), primary, Some(column)] = <[Option<String>; 4]>::try_from(row).ok()? else {
        return None;
    };
    Some(UniqueRow { table, name, primary: primary.as_deref() == Some("1"), column })
}

fn link(row: TextRow) -> Option<LinkRow> {
    let [Some(table), Some(name), Some(column), Some(to), references] = <[Option<String>; 5]>::try_from(row).ok()?
    else {
        return None;
    };
    Some(LinkRow { table, name, column, to, references })
}

/// The affinity by SQLite's own rules (datatype3.html §3.1), refined by the names that people give to times.
fn kind(type_name: &str) -> ColumnKind {
    let name = type_name.to_ascii_uppercase();
    let has = |part: &str| name.contains(part);
    if has("INT") {
        ColumnKind::Int
    } else if has("CHAR") || has("CLOB") || has("TEXT") {
        ColumnKind::Text
    } else if has("BLOB") {
        ColumnKind::Bytes
    } else if has("DATE") || has("TIME") {
        ColumnKind::Time
    } else if has("REAL") || has("FLOA") || has("DOUB") || has("NUM") || has("DEC") {
        ColumnKind::Number
    } else {
        ColumnKind::Other
    }
}

/// The length that the type names. SQLite does not enforce it, but programs that read the column may.
fn length(type_name: &str) -> Option<u32> {
    let (name, rest) = type_name.split_once('(')?;
    let is_text = kind(name) == ColumnKind::Text;
    rest.trim_end_matches(')').trim().parse().ok().filter(|_| is_text)
}
