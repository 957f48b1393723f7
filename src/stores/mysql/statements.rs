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

    /// Text takes the column's own collation, because two tables of different collations cannot be compared.
    fn as_type(text: &str, column: &Column) -> String {
        match (column.kind, &column.collation) {
            (ColumnKind::Int, _) if column.type_name.contains("unsigned") => format!("CAST({text} AS UNSIGNED)"),
            (ColumnKind::Int, _) => format!("CAST({text} AS SIGNED)"),
            (ColumnKind::Bytes, _) => format!("UNHEX({text})"),
            (_, Some(collation)) => {
                format!("CONVERT({text} USING {}) COLLATE {}", collation.charset, collation.name)
            }
            _ => text.to_owned(),
        }
    }

    fn rows_of_json(parameter: &str, columns: &[&Column]) -> String {
        let (mut values, mut paths) = (Vec::new(), Vec::new());
        for (at, column) in columns.iter().enumerate() {
            let is_int = column.kind == ColumnKind::Int;
            let (json_type, value) = match is_int {
                true if column.type_name.contains("unsigned") => ("BIGINT UNSIGNED", format!("j.j{at}")),
                true => ("BIGINT", format!("j.j{at}")),
                false => ("VARCHAR(768) CHARACTER SET utf8mb4", Self::as_type(&format!("j.j{at}"), column)),
            };
            values.push(format!("{value} AS c{at}"));
            paths.push(format!("j{at} {json_type} PATH '$[{at}]'"));
        }
        format!(
            "(SELECT {} FROM JSON_TABLE({parameter}, '$[*]' COLUMNS ({})) AS j)",
            values.join(", "),
            paths.join(", ")
        )
    }

    fn differ(left: &str, right: &str) -> String {
        format!("NOT ({left} <=> {right})")
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
