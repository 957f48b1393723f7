//! SQLite's catalogue, by its pragma functions.

use super::SqliteConnection;
use crate::stores::sql::{
    CheckRow, ColumnRow, Connection as _, IndexRow, LinkRow, TextRow, UniqueRow, add_indexes, schema,
};
use crate::stores::{Column, ColumnKind, OnDelete, Schema, StoreError};

/// A primary key of several columns holds NULL where they do not say NOT NULL (without a rowid, and in a STRICT table, they are made to
/// say so). A rowid never is NULL, and another key of one column is left to whoever reads it: a key of NULL is an error there.
const COLUMNS: &str = "SELECT m.name, c.name, c.type,
      CAST(c.\"notnull\" OR (c.pk > 0 AND (SELECT COUNT(*) FROM pragma_table_info(m.name) AS k WHERE k.pk > 0) = 1) AS TEXT),
      CAST(c.hidden AS TEXT)
    FROM sqlite_schema AS m JOIN pragma_table_xinfo(m.name) AS c
    WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY m.name, c.cid";

/// The primary key from the columns (a rowid alias has no index), the other sets from the indexes. An index with a
/// WHERE says nothing of the other rows, and one on an expression has no column name.
const UNIQUES: &str = "SELECT t, i, p, c, w, e FROM (
    SELECT m.name AS t, '' AS i, '1' AS p, c.name AS c, '1' AS w, NULL AS e, c.pk AS n
    FROM sqlite_schema AS m JOIN pragma_table_info(m.name) AS c WHERE m.type = 'table' AND c.pk > 0
    UNION ALL
    SELECT m.name, l.name, '0', c.name, CASE WHEN l.partial = 0 AND c.name IS NOT NULL THEN '1' ELSE '0' END,
      (SELECT substr(x.sql, instr(x.sql, '(')) FROM sqlite_schema AS x WHERE x.type = 'index' AND x.name = l.name), c.seqno
    FROM sqlite_schema AS m JOIN pragma_index_list(m.name) AS l JOIN pragma_index_info(l.name) AS c
    WHERE m.type = 'table' AND l.\"unique\" = 1 AND l.origin <> 'pk'
    ) ORDER BY t, i, n";

/// An index with a WHERE finds only some rows.
const INDEXES: &str = "SELECT m.name, l.name, c.name
    FROM sqlite_schema AS m JOIN pragma_index_list(m.name) AS l JOIN pragma_index_info(l.name) AS c
    WHERE m.type = 'table' AND l.partial = 0 AND l.origin <> 'pk'
    ORDER BY m.name, l.name, c.seqno";

/// Columns that an index compares by another collation than the bytes.
const LOOSE: &str = "SELECT DISTINCT m.name, x.name FROM sqlite_schema AS m JOIN pragma_index_list(m.name) AS l
    JOIN pragma_index_xinfo(l.name) AS x WHERE m.type = 'table' AND x.key = 1 AND x.coll <> 'BINARY' AND x.cid >= 0";

const TEXTS: &str = "SELECT m.name, m.sql FROM sqlite_schema AS m WHERE m.type = 'table' AND m.sql IS NOT NULL";

/// A link may spell table and column in another case than they have.
const LINKS: &str = "SELECT m.name, CAST(f.id AS TEXT), f.\"from\",
      COALESCE((SELECT n.name FROM sqlite_schema AS n WHERE n.type = 'table' AND lower(n.name) = lower(f.\"table\")),
        f.\"table\"),
      COALESCE((SELECT c.name FROM pragma_table_info(f.\"table\") AS c WHERE lower(c.name) = lower(f.\"to\")), f.\"to\"), f.on_delete
    FROM sqlite_schema AS m JOIN pragma_foreign_key_list(m.name) AS f
    WHERE m.type = 'table' ORDER BY m.name, f.id, f.seq";

/// Reads the catalogue.
pub(super) async fn read(connection: &SqliteConnection) -> Result<Schema, StoreError> {
    let columns = connection.read(COLUMNS, &[]).await?.into_iter().map(column).collect::<Option<_>>();
    let uniques = connection.read(UNIQUES, &[]).await?.into_iter().map(unique).collect::<Option<_>>();
    let links = connection.read(LINKS, &[]).await?.into_iter().map(link).collect::<Option<_>>();
    let texts = connection.read(TEXTS, &[]).await?.into_iter().map(checks).collect::<Option<Vec<_>>>();
    let mut schema = schema(columns, uniques, links, texts.map(|checks| checks.into_iter().flatten().collect()))?;
    add_indexes(&mut schema, connection.read(INDEXES, &[]).await?.into_iter().map(index).collect())?;
    for row in connection.read(LOOSE, &[]).await? {
        let [Some(table), Some(column)] = <[Option<String>; 2]>::try_from(row).map_err(|_| StoreError::Catalogue)?
        else {
            return Err(StoreError::Catalogue);
        };
        let columns = schema.tables.get_mut(&table).map(|table| table.columns.iter_mut());
        columns.into_iter().flatten().filter(|known| known.name == column).for_each(|known| known.loose = true);
    }
    Ok(schema)
}

fn column(row: TextRow) -> Option<ColumnRow> {
    let [Some(table), Some(name), type_name, not_null, hidden] = <[Option<String>; 5]>::try_from(row).ok()? else {
        return None;
    };
    let type_name = type_name.unwrap_or_default();
    let column = Column {
        kind: kind(&type_name),
        length_max: length(&type_name),
        range: (kind(&type_name) == ColumnKind::Int).then_some((i64::MIN.into(), i64::MAX.into())),
        loose: false,
        compare_type: type_name.clone(),
        name,
        type_name,
        nullable: not_null.as_deref() != Some("1"),
        collation: None,
        generated: hidden.is_some_and(|hidden| hidden == "2" || hidden == "3"),
    };
    Some(ColumnRow { path: vec![table.clone()], table, column })
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

fn link(row: TextRow) -> Option<LinkRow> {
    let [table, name, column, to, references, rule] = <[Option<String>; 6]>::try_from(row).ok()?;
    let on_delete = OnDelete::from_words(&rule?);
    Some(LinkRow { table: table?, name: name?, column: column?, to: to?, references, on_delete })
}

/// The conditions in the text of a table.
fn checks(row: TextRow) -> Option<Vec<CheckRow>> {
    let [table, sql] = <[Option<String>; 2]>::try_from(row).ok()?;
    let (table, sql) = (table?, sql?);
    let lower = sql.to_ascii_lowercase();
    let clause = |at: usize| {
        let start = at + "check".len();
        let open =
            sql[start..].find(|c: char| !c.is_whitespace()).filter(|skip| sql[start + skip..].starts_with('('))?;
        Some(CheckRow { table: table.clone(), clause: within_brackets(&sql[start + open..]).to_owned() })
    };
    Some(lower.match_indices("check").filter_map(|(at, _)| clause(at)).collect())
}

/// From the first bracket to the one that closes it. One inside a text would only make the piece longer or shorter by
/// another bracket, and then the rest of the table counts as condition, which is safe.
fn within_brackets(sql: &str) -> &str {
    let mut depth = 0_i32;
    for (at, c) in sql.char_indices() {
        depth += i32::from(c == '(') - i32::from(c == ')');
        if depth == 0 {
            return &sql[..=at];
        }
    }
    sql
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
    } else if has("REAL") || has("FLOA") || has("DOUB") {
        ColumnKind::Float
    } else if has("NUM") || has("DEC") {
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
