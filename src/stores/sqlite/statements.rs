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

    const HAS_LOGINS: bool = false;

    /// The catalogue does not tell how a column compares, and a foreign key compares as the key that it points to.
    const COMPARES_AS_LINKED: bool = false;

    /// A value without affinity takes that of the column it is compared with or assigned to. No CAST: it would make
    /// 0 of a text that is no number, and 0 may be somebody's key.
    fn as_type(text: &str, column: &Column) -> String {
        match column.kind {
            ColumnKind::Bytes => format!("unhex({text})"),
            _ => text.to_owned(),
        }
    }

    fn rows_of_json(parameter: &str, key: &[&Column], new: &[&Column]) -> String {
        let mut values = Vec::new();
        for (at, column) in key.iter().chain(new).enumerate() {
            let text = format!("json_extract(value, '$[{at}]')");
            values.push(format!("{} AS c{at}", Self::as_type(&text, column)));
            if at < key.len() && column.kind == ColumnKind::Text {
                values.push(format!("{text} AS x{at}"));
            }
        }
        format!("(SELECT {} FROM json_each({parameter}))", values.join(", "))
    }

    fn exact(name: &str, column: &Column) -> Option<String> {
        (column.kind == ColumnKind::Text).then(|| format!("{name} COLLATE BINARY"))
    }

    fn survived(_: usize, _: &Column) -> Option<String> {
        None
    }

    fn differ(name: &str, value: &str, column: &Column) -> String {
        match Self::exact(name, column) {
            Some(exact) => format!("{exact} IS NOT {value}"),
            None => format!("{name} IS NOT {value}"),
        }
    }

    fn delete(table: &str, _source: &str, _matching: &str, within: &str) -> String {
        format!("DELETE FROM {table} AS t WHERE {within}")
    }

    fn update(table: &str, source: &str, matching: &str, sets: &[(String, String)]) -> String {
        let sets: Vec<_> = sets.iter().map(|(column, value)| format!("{column} = {value}")).collect();
        format!("UPDATE {table} AS t SET {} FROM {source} AS s WHERE {matching}", sets.join(", "))
    }
}
