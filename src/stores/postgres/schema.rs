//! PostgreSQL's catalogue. A table of the connection's own namespace goes by its name, any other by both names, so
//! that a link from another namespace is seen.

use super::PostgresConnection;
use crate::stores::sql::{ColumnRow, Connection as _, LinkRow, TextRow, UniqueRow, schema};
use crate::stores::{Column, ColumnKind, Schema, StoreError};

/// `atttypmod` of a text type is its length plus four. Domains are seen through to their base type.
const COLUMNS: &str = "SELECT
      CASE WHEN n.nspname = current_schema() THEN c.relname::text ELSE n.nspname || '.' || c.relname END,
      n.nspname::text, c.relname::text, a.attname::text, format_type(a.atttypid, a.atttypmod),
      COALESCE(b.typname, t.typname)::text, COALESCE(b.typcategory, t.typcategory)::text,
      (a.attnotnull OR t.typnotnull)::text,
      (CASE WHEN t.typname IN ('varchar', 'bpchar') AND a.atttypmod > 4 THEN a.atttypmod - 4
            WHEN b.typname IN ('varchar', 'bpchar') AND t.typtypmod > 4 THEN t.typtypmod - 4 END)::text,
      (a.attgenerated <> '' OR a.attidentity = 'a')::text
    FROM pg_class c
    JOIN pg_namespace n ON n.oid = c.relnamespace
    JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
    JOIN pg_type t ON t.oid = a.atttypid
    LEFT JOIN pg_type b ON b.oid = t.typbasetype AND t.typtype = 'd'
    WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition
      AND n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname NOT LIKE 'pg\\_t%'
    ORDER BY 1, a.attnum";

/// Unique indexes that are valid, immediate to rely on, without a WHERE and without expressions.
const UNIQUES: &str = "SELECT
      CASE WHEN n.nspname = current_schema() THEN c.relname::text ELSE n.nspname || '.' || c.relname END,
      x.relname::text, i.indisprimary::text, a.attname::text
    FROM pg_index i
    JOIN pg_class c ON c.oid = i.indrelid
    JOIN pg_class x ON x.oid = i.indexrelid
    JOIN pg_namespace n ON n.oid = c.relnamespace
    CROSS JOIN LATERAL unnest(i.indkey[0:i.indnkeyatts - 1]) WITH ORDINALITY AS k(attnum, at)
    JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = k.attnum
    WHERE i.indisunique AND i.indisvalid AND i.indpred IS NULL AND i.indexprs IS NULL
      AND n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname NOT LIKE 'pg\\_t%'
    ORDER BY 1, 2, k.at";

const LINKS: &str = "SELECT
      CASE WHEN n.nspname = current_schema() THEN c.relname::text ELSE n.nspname || '.' || c.relname END,
      f.conname::text, a.attname::text,
      CASE WHEN rn.nspname = current_schema() THEN r.relname::text ELSE rn.nspname || '.' || r.relname END,
      ra.attname::text
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

/// Reads the catalogue.
pub(super) async fn read(connection: &PostgresConnection) -> Result<Schema, StoreError> {
    let columns = connection.read(COLUMNS, &[]).await?.into_iter().map(column).collect::<Option<_>>();
    let uniques = connection.read(UNIQUES, &[]).await?.into_iter().map(unique).collect::<Option<_>>();
    let links = connection.read(LINKS, &[]).await?.into_iter().map(link).collect::<Option<_>>();
    schema(columns, uniques, links)
}

fn column(row: TextRow) -> Option<ColumnRow> {
    let [table, namespace, relation, name, type_name, base, category, not_null, length, generated] =
        <[Option<String>; 10]>::try_from(row).ok()?;
    let column = Column {
        name: name?,
        type_name: type_name?,
        kind: kind(base.as_deref()?, category.as_deref()?),
        nullable: not_null.as_deref() != Some("true"),
        length_max: length.and_then(|length| length.parse().ok()),
        collation: None,
        generated: generated.as_deref() == Some("true"),
    };
    Some(ColumnRow { table: table?, path: vec![namespace?, relation?], column })
}

fn unique(row: TextRow) -> Option<UniqueRow> {
    let [table, name, primary, column] = <[Option<String>; 4]>::try_from(row).ok()?;
    Some(UniqueRow { table: table?, name: name?, primary: primary.as_deref() == Some("true"), column: column? })
}

fn link(row: TextRow) -> Option<LinkRow> {
    let [table, name, column, to, references] = <[Option<String>; 5]>::try_from(row).ok()?;
    Some(LinkRow { table: table?, name: name?, column: column?, to: to?, references })
}

/// By the type's name and its category in `pg_type` (S text, N numbers, D times).
fn kind(base: &str, category: &str) -> ColumnKind {
    match (base, category) {
        ("int2" | "int4" | "int8", _) => ColumnKind::Int,
        ("uuid", _) => ColumnKind::Uuid,
        ("bytea", _) => ColumnKind::Bytes,
        ("text" | "varchar" | "bpchar" | "citext", _) => ColumnKind::Text,
        ("numeric" | "float4" | "float8", _) => ColumnKind::Number,
        (_, "D") => ColumnKind::Time,
        _ => ColumnKind::Other,
    }
}
