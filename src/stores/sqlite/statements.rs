//! What SQLite says differently.

use crate::stores::sql::Dialect;
use crate::stores::{Column, ColumnKind};

/// SQLite 3.41 or later (`unhex`); ours is built in.
pub struct SqliteDialect;

impl Dialect for SqliteDialect {
    fn quote(name: &str) -> String {
        format!("\"{}\"", name.replace('"', "\"\""))
    }

    fn parameter(n: usize) -> String {
        format!("?{n}")
    }

    fn as_text(expression: &str, column: Option<&Column>) -> String {
        match column.map(|column| column.kind) {
            Some(ColumnKind::Bytes) => format!("LOWER(HEX({expression}))"),
            _ => format!("CAST({expression} AS TEXT)"),
        }
    }

    /// A value without affinity takes that of the column it is compared with or assigned to. No CAST: it would make
    /// 0 of a text that is no number, and 0 may be somebody's key.
    fn as_type(text: &str, column: &Column) -> String {
        match column.kind {
            ColumnKind::Bytes => format!("unhex({text})"),
            _ => text.to_owned(),
        }
    }

    fn rows_of_json(parameter: &str, columns: &[&Column]) -> String {
        let values: Vec<_> = columns
            .iter()
            .enumerate()
            .map(|(at, column)| {
                let value = Self::as_type(&format!("json_extract(value, '$[{at}]')"), column);
                format!("{value} AS c{at}")
            })
            .collect();
        format!("(SELECT {} FROM json_each({parameter}))", values.join(", "))
    }

    fn differ(left: &str, right: &str) -> String {
        format!("{left} IS NOT {right}")
    }

    fn delete(table: &str, _source: &str, _matching: &str, within: &str) -> String {
        format!("DELETE FROM {table} AS t WHERE {within}")
    }

    fn update(table: &str, source: &str, matching: &str, sets: &[(String, String)]) -> String {
        let sets: Vec<_> = sets.iter().map(|(column, value)| format!("{column} = {value}")).collect();
        format!("UPDATE {table} AS t SET {} FROM {source} AS s WHERE {matching}", sets.join(", "))
    }
}
