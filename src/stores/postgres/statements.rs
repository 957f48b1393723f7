//! What PostgreSQL says differently.

use crate::stores::sql::Dialect;
use crate::stores::{Column, ColumnKind};

/// PostgreSQL 13 or later.
pub struct PostgresDialect;

impl Dialect for PostgresDialect {
    fn quote(name: &str) -> String {
        format!("\"{}\"", name.replace('"', "\"\""))
    }

    fn parameter(n: usize) -> String {
        format!("${n}")
    }

    fn as_text(expression: &str, column: Option<&Column>) -> String {
        match column.map(|column| column.kind) {
            Some(ColumnKind::Bytes) => format!("encode({expression}, 'hex')"),
            _ => format!("({expression})::text"),
        }
    }

    /// The type name is the catalogue's own (`format_type`), which quotes what needs it.
    fn as_type(text: &str, column: &Column) -> String {
        match column.kind {
            ColumnKind::Bytes => format!("decode({text}, 'hex')"),
            _ => format!("({text})::{}", column.type_name),
        }
    }

    fn rows_of_json(parameter: &str, columns: &[&Column]) -> String {
        let values: Vec<_> = columns
            .iter()
            .enumerate()
            .map(|(at, column)| format!("{} AS c{at}", Self::as_type(&format!("e.value->>{at}"), column)))
            .collect();
        format!("(SELECT {} FROM json_array_elements({parameter}::json) AS e(value))", values.join(", "))
    }

    fn differ(left: &str, right: &str) -> String {
        format!("{left} IS DISTINCT FROM {right}")
    }

    fn delete(table: &str, _source: &str, _matching: &str, within: &str) -> String {
        format!("DELETE FROM {table} AS t WHERE {within}")
    }

    fn update(table: &str, source: &str, matching: &str, sets: &[(String, String)]) -> String {
        let sets: Vec<_> = sets.iter().map(|(column, value)| format!("{column} = {value}")).collect();
        format!("UPDATE {table} AS t SET {} FROM {source} AS s WHERE {matching}", sets.join(", "))
    }
}
