//! PostgreSQL's catalogue. A table of the connection's own namespace goes by its name, any other by both names, so
//! that a link from another namespace is seen.

use std::collections::BTreeMap;

use super::PostgresConnection;
use crate::stores::sql::{
    CheckRow, ColumnRow, Connection as _, IndexRow, LinkRow, TextRow, UniqueRow, add_indexes, schema,
};
use crate::stores::{Column, ColumnKind, OnDelete, RowsOf, Schema, StoreError};

/// Everything that holds rows: tables, and foreign tables and materialized views too, which copy what tables hold.
/// `format_type` with -1 names a type without its length (with NULL it would say `character`, which is one letter).
/// `atttypmod` of a text type is its length plus four. Domains are seen through to their base type.
const COLUMNS: &str = "SELECT
      CASE WHEN n.nspname = current_schema() THEN c.relname::text ELSE n.nspname || '.' || c.relname END,
      n.nspname::text, c.relname::text, a.attname::text, format_type(a.atttypid, a.atttypmod),
      COALESCE(b.typname, t.typname)::text, COALESCE(b.typcategory, t.typcategory)::text,
      (a.attnotnull OR t.typnotnull)::text,
      (CASE WHEN t.typname IN ('varchar', 'bpchar') AND a.atttypmod > 4 THEN a.atttypmod - 4
            WHEN b.typname IN ('varchar', 'bpchar') AND t.typtypmod > 4 THEN t.typtypmod - 4 END)::text,
      (a.attgenerated <> '' OR a.attidentity = 'a')::text, format_type(COALESCE(b.oid, t.oid), -1),
      (COALESCE(b.typname, t.typname) IN ('citext', 'bpchar') OR NOT COALESCE(l.collisdeterministic, true))::text,
      row_security_active(c.oid)::text, c.relkind::text
    FROM pg_class c
    JOIN pg_namespace n ON n.oid = c.relnamespace
    JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
    JOIN pg_type t ON t.oid = a.atttypid
    LEFT JOIN pg_type b ON b.oid = t.typbasetype AND t.typtype = 'd'
    LEFT JOIN pg_collation l ON l.oid = a.attcollation
    WHERE c.relkind IN ('r', 'p', 'f', 'm') AND NOT c.relispartition
      AND n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname NOT LIKE 'pg\\_t%'
    ORDER BY 1, a.attnum";

/// Only an index that is valid and has neither a WHERE nor expressions says that whole values differ in all rows.
const UNIQUES: &str = "SELECT
      CASE WHEN n.nspname = current_schema() THEN c.relname::text ELSE n.nspname || '.' || c.relname END,
      x.relname::text, i.indisprimary::text, a.attname::text,
      (i.indisvalid AND i.indpred IS NULL AND i.indexprs IS NULL)::text,
      CASE WHEN i.indpred IS NOT NULL OR i.indexprs IS NOT NULL
        THEN substring(pg_get_indexdef(i.indexrelid) FROM ' USING .*') END
    FROM pg_index i
    JOIN pg_class c ON c.oid = i.indrelid
    JOIN pg_class x ON x.oid = i.indexrelid
    JOIN pg_namespace n ON n.oid = c.relnamespace
    CROSS JOIN LATERAL unnest(i.indkey[0:i.indnkeyatts - 1]) WITH ORDINALITY AS k(attnum, at)
    LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = k.attnum AND k.attnum > 0
    WHERE i.indisunique
      AND n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname NOT LIKE 'pg\\_t%'
    ORDER BY 1, 2, k.at";

/// An index with a WHERE finds only some rows, and one that is not valid none.
const INDEXES: &str = "SELECT
      CASE WHEN n.nspname = current_schema() THEN c.relname::text ELSE n.nspname || '.' || c.relname END,
      x.relname::text, a.attname::text
    FROM pg_index i
    JOIN pg_class c ON c.oid = i.indrelid
    JOIN pg_class x ON x.oid = i.indexrelid
    JOIN pg_namespace n ON n.oid = c.relnamespace
    CROSS JOIN LATERAL unnest(i.indkey[0:i.indnkeyatts - 1]) WITH ORDINALITY AS k(attnum, at)
    LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = k.attnum AND k.attnum > 0
    WHERE i.indisvalid AND i.indpred IS NULL AND NOT i.indisprimary
      AND n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname NOT LIKE 'pg\\_t%'
    ORDER BY 1, 2, k.at";

const LINKS: &str = "SELECT
      CASE WHEN n.nspname = current_schema() THEN c.relname::text ELSE n.nspname || '.' || c.relname END,
      f.conname::text, a.attname::text,
      CASE WHEN rn.nspname = current_schema() THEN r.relname::text ELSE rn.nspname || '.' || r.relname END,
      ra.attname::text, f.confdeltype::text
    FROM pg_constraint f
    JOIN pg_class c ON c.oid = f.conrelid
    JOIN pg_namespace n ON n.oid = c.relnamespace
    JOIN pg_class r ON r.oid = f.confrelid
    JOIN pg_namespace rn ON rn.oid = r.relnamespace
    CROSS JOIN LATERAL unnest(f.conkey, f.confkey) WITH ORDINALITY AS k(from_attnum, to_attnum, at)
    JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = k.from_attnum
    JOIN pg_attribute ra ON ra.attrelid = r.oid AND ra.attnum = k.to_attnum
    WHERE f.contype = 'f' AND NOT c.relispartition AND NOT r.relispartition
    ORDER BY 1, 2, k.at";

/// The conditions of tables, and those of the domains that their columns have.
const CHECKS: &str = "SELECT
      CASE WHEN n.nspname = current_schema() THEN c.relname::text ELSE n.nspname || '.' || c.relname END,
      pg_get_constraintdef(k.oid)
    FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE k.contype = 'c' AND n.nspname NOT IN ('pg_catalog', 'information_schema')
    UNION ALL SELECT
      CASE WHEN n.nspname = current_schema() THEN c.relname::text ELSE n.nspname || '.' || c.relname END,
      quote_ident(a.attname) || ': ' || pg_get_constraintdef(k.oid)
    FROM pg_constraint k JOIN pg_attribute a ON a.atttypid = k.contypid AND a.attnum > 0 AND NOT a.attisdropped
    JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE k.contype = 'c' AND k.contypid <> 0 AND n.nspname NOT IN ('pg_catalog', 'information_schema')
    ORDER BY 1, 2";

/// Reads the catalogue.
pub(super) async fn read(connection: &PostgresConnection) -> Result<Schema, StoreError> {
    let columns: Option<Vec<(ColumnRow, OfTable)>> =
        connection.read(COLUMNS, &[]).await?.into_iter().map(column).collect();
    let (columns, of_tables): (Vec<_>, Vec<_>) = columns.ok_or(StoreError::Catalogue)?.into_iter().unzip();
    let of_tables: BTreeMap<String, OfTable> =
        columns.iter().zip(of_tables).map(|(column, of)| (column.table.clone(), of)).collect();
    let uniques = connection.read(UNIQUES, &[]).await?.into_iter().map(unique).collect::<Option<_>>();
    let links = connection.read(LINKS, &[]).await?.into_iter().map(link).collect::<Option<_>>();
    let checks = connection.read(CHECKS, &[]).await?.into_iter().map(check).collect::<Option<_>>();
    let mut schema = schema(Some(columns), uniques, links, checks)?;
    add_indexes(&mut schema, connection.read(INDEXES, &[]).await?.into_iter().map(index).collect())?;
    for (name, table) in &mut schema.tables {
        let of = of_tables.get(name).copied().unwrap_or_default();
        (table.hides_rows, table.rows) = (of.hides_rows, of.rows);
    }
    Ok(schema)
}

/// What each row of the catalogue's columns says of its table.
#[derive(Clone, Copy, Default)]
struct OfTable {
    hides_rows: bool,
    rows: RowsOf,
}

fn column(row: TextRow) -> Option<(ColumnRow, OfTable)> {
    let [
        table,
        namespace,
        relation,
        name,
        type_name,
        base,
        category,
        not_null,
        length,
        generated,
        base_type,
        loose,
        hides_rows,
        relation_kind,
    ] = <[Option<String>; 14]>::try_from(row).ok()?;
    let range = range(base.as_deref()?);
    let column = Column {
        name: name?,
        type_name: type_name?,
        // A number of any width compares with the widest, so that one beyond the column's range is no error.
        compare_type: if range.is_some() { "bigint".to_owned() } else { base_type? },
        range,
        loose: loose.as_deref() == Some("true"),
        kind: kind(base.as_deref()?, category.as_deref()?),
        nullable: not_null.as_deref() != Some("true"),
        length_max: length.and_then(|length| length.parse().ok()),
        collation: None,
        generated: generated.as_deref() == Some("true"),
    };
    let rows = match relation_kind.as_deref()? {
        "m" => RowsOf::Others,
        "f" => RowsOf::Elsewhere,
        _ => RowsOf::Itself,
    };
    let of = OfTable { hides_rows: hides_rows.as_deref() == Some("true"), rows };
    Some((ColumnRow { table: table?, path: vec![namespace?, relation?], column }, of))
}

fn unique(row: TextRow) -> Option<UniqueRow> {
    let [table, name, primary, column, whole, expression] = <[Option<String>; 6]>::try_from(row).ok()?;
    let is = |word: Option<String>| word.as_deref() == Some("true");
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

fn check(row: TextRow) -> Option<CheckRow> {
    let [table, clause] = <[Option<String>; 2]>::try_from(row).ok()?;
    Some(CheckRow { table: table?, clause: clause? })
}

fn range(base: &str) -> Option<(i128, i128)> {
    match base {
        "int2" => Some((i16::MIN.into(), i16::MAX.into())),
        "int4" => Some((i32::MIN.into(), i32::MAX.into())),
        "int8" => Some((i64::MIN.into(), i64::MAX.into())),
        _ => None,
    }
}

/// By the type's name and its category in `pg_type` (S text, N numbers, D times).
fn kind(base: &str, category: &str) -> ColumnKind {
    match (base, category) {
        ("int2" | "int4" | "int8", _) => ColumnKind::Int,
        ("uuid", _) => ColumnKind::Uuid,
        ("bytea", _) => ColumnKind::Bytes,
        ("text" | "varchar" | "bpchar" | "citext", _) => ColumnKind::Text,
        ("numeric", _) => ColumnKind::Number,
        ("float4" | "float8", _) => ColumnKind::Float,
        (_, "D") => ColumnKind::Time,
        _ => ColumnKind::Other,
    }
}
