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

    const HAS_LOGINS: bool = true;

    const COMPARES_AS_LINKED: bool = true;

    /// The type name is the catalogue's own, which quotes what needs it.
    fn as_type(text: &str, column: &Column) -> String {
        match column.kind {
            ColumnKind::Bytes => format!("decode({text}, 'hex')"),
            _ => format!("({text})::{}", column.compare_type),
        }
    }

    fn rows_of_json(parameter: &str, key: &[&Column], new: &[&Column]) -> String {
        let mut values = Vec::new();
        for (at, column) in key.iter().enumerate() {
            let text = format!("e.value->>{at}");
            values.push(format!("{} AS c{at}", Self::as_type(&text, column)));
            if column.kind == ColumnKind::Text {
                values.push(format!("{text} AS x{at}"));
            }
        }
        for (at, column) in (key.len()..).zip(new) {
            values.push(format!("{} AS c{at}", as_new(&format!("e.value->>{at}"), column)));
        }
        format!("(SELECT {} FROM json_array_elements({parameter}::json) AS e(value))", values.join(", "))
    }

    fn exact(name: &str, column: &Column) -> Option<String> {
        (column.kind == ColumnKind::Text).then(|| format!("({name})::text COLLATE \"C\""))
    }

    fn survived(_: usize, _: &Column) -> Option<String> {
        None
    }

    fn differ(name: &str, value: &str, column: &Column) -> String {
        match Self::exact(name, column) {
            Some(exact) => format!("{exact} IS DISTINCT FROM {value}"),
            // The type json knows no equality.
            None if column.compare_type == "json" => format!("({name})::text IS DISTINCT FROM ({value})::text"),
            None => format!("{name} IS DISTINCT FROM {value}"),
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

/// A new value. A text stays a text: the store then refuses one that is too long, where a cast would cut it.
fn as_new(text: &str, column: &Column) -> String {
    match column.kind {
        ColumnKind::Bytes => format!("decode({text}, 'hex')"),
        ColumnKind::Text => text.to_owned(),
        _ => format!("({text})::{}", column.type_name),
    }
}
