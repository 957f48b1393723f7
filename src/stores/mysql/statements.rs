//! What MariaDB and MySQL say differently.

use crate::stores::sql::Dialect;
use crate::stores::{Column, ColumnKind};

/// MariaDB 10.6 or later, MySQL 8 or later (`JSON_TABLE`).
pub struct MysqlDialect;

impl Dialect for MysqlDialect {
    fn quote(name: &str) -> String {
        format!("`{}`", name.replace('`', "``"))
    }

    fn parameter(_: usize) -> String {
        "?".to_owned()
    }

    fn as_text(expression: &str, column: Option<&Column>) -> String {
        match column.map(|column| column.kind) {
            Some(ColumnKind::Bytes) => format!("LOWER(HEX({expression}))"),
            _ => format!("CONVERT({expression}, CHAR CHARACTER SET utf8mb4)"),
        }
    }

    const HAS_LOGINS: bool = true;

    const COMPARES_AS_LINKED: bool = true;

    /// Text takes the column's own collation, because otherwise no index serves and two tables of different collations
    /// cannot be compared. A decimal compared with a text would be compared as a double.
    fn as_type(text: &str, column: &Column) -> String {
        match (column.kind, &column.collation) {
            (ColumnKind::Int, _) if column.type_name.contains("unsigned") => format!("CAST({text} AS UNSIGNED)"),
            (ColumnKind::Int, _) => format!("CAST({text} AS SIGNED)"),
            (ColumnKind::Number, _) => format!("CAST({text} AS DECIMAL(65, 30))"),
            (ColumnKind::Bytes, _) => format!("UNHEX({text})"),
            (_, Some(collation)) => {
                format!("CONVERT({text} USING {}) COLLATE {}", collation.charset, collation.name)
            }
            _ => text.to_owned(),
        }
    }

    fn rows_of_json(parameter: &str, key: &[&Column], new: &[&Column]) -> String {
        let (mut values, mut paths) = (Vec::new(), Vec::new());
        for (at, column) in key.iter().enumerate() {
            let is_int = column.kind == ColumnKind::Int;
            let (json_type, value) = match is_int {
                true if column.type_name.contains("unsigned") => ("BIGINT UNSIGNED", format!("j.j{at}")),
                true => ("BIGINT", format!("j.j{at}")),
                false => (TEXT, Self::as_type(&format!("j.j{at}"), column)),
            };
            values.push(format!("{value} AS c{at}"));
            if column.kind == ColumnKind::Text {
                values.push(format!("CAST(j.j{at} AS BINARY) AS x{at}"));
            }
            paths.push(format!("j{at} {json_type} PATH '$[{at}]'"));
        }
        for (at, column) in (key.len()..).zip(new) {
            values.push(format!("{} AS c{at}", as_new(&format!("j.j{at}"), column)));
            let is_long = column.kind == ColumnKind::Text && column.length_max.is_none_or(|length| length > 768);
            let long = if is_long || is_document(column) { LONG } else { TEXT };
            paths.push(format!("j{at} {long} PATH '$[{at}]'"));
        }
        format!(
            "(SELECT {} FROM JSON_TABLE({parameter}, '$[*]' COLUMNS ({})) AS j)",
            values.join(", "),
            paths.join(", ")
        )
    }

    /// As bytes of UTF-8: every collation of text, the binary ones too, takes `a` and `a ` for the same.
    fn exact(name: &str, column: &Column) -> Option<String> {
        (column.kind == ColumnKind::Text).then(|| bytes(name))
    }

    /// A character that the column's character set does not have becomes `?`, which may be somebody's key.
    fn survived(at: usize, column: &Column) -> Option<String> {
        (column.kind == ColumnKind::Text).then(|| format!("{} = s.x{at}", bytes(&format!("s.c{at}"))))
    }

    fn differ(name: &str, value: &str, column: &Column) -> String {
        match column.kind {
            ColumnKind::Text => format!("NOT ({} <=> {})", bytes(name), bytes(value)),
            // A document equals no text of itself, and its own text has other blanks and another order.
            _ if is_document(column) => format!("NOT ({name} <=> CAST({value} AS JSON))"),
            _ => format!("NOT ({name} <=> {value})"),
        }
    }

    /// A join and not an IN: before MariaDB 11.1 a DELETE runs its subquery for every row of the table.
    fn delete(table: &str, source: &str, matching: &str, _within: &str) -> String {
        format!("DELETE t FROM {source} AS s STRAIGHT_JOIN {table} AS t ON {matching}")
    }

    fn update(table: &str, source: &str, matching: &str, sets: &[(String, String)]) -> String {
        let sets: Vec<_> = sets.iter().map(|(column, value)| format!("t.{column} = {value}")).collect();
        format!("UPDATE {source} AS s STRAIGHT_JOIN {table} AS t ON {matching} SET {}", sets.join(", "))
    }
}

/// How a text is read from the list.
const TEXT: &str = "VARCHAR(768) CHARACTER SET utf8mb4";
/// How a new value of a long text is.
const LONG: &str = "LONGTEXT CHARACTER SET utf8mb4";

fn bytes(text: &str) -> String {
    format!("CAST(CONVERT({text} USING utf8mb4) AS BINARY)")
}

/// Whether a column is a document by its type, which only MySQL knows: MariaDB's is a long text.
fn is_document(column: &Column) -> bool {
    column.type_name == "json"
}

/// A new value. A text is not converted by us: the store then refuses what its character set cannot write, where a
/// conversion would write `?`.
fn as_new(text: &str, column: &Column) -> String {
    match column.kind {
        ColumnKind::Text => text.to_owned(),
        _ if is_document(column) => format!("CAST({text} AS JSON)"),
        ColumnKind::Time if column.type_name == "date" => format!("CAST({text} AS DATE)"),
        ColumnKind::Time => format!("CAST({text} AS DATETIME(6))"),
        ColumnKind::Float => format!("CAST({text} AS DOUBLE)"),
        _ => MysqlDialect::as_type(text, column),
    }
}
