//! Builds a [`Schema`] from the rows that each database's catalogue answers.

use std::collections::BTreeMap;

use crate::stores::schema::mentions;
use crate::stores::{Column, ForeignKey, OnDelete, Schema, StoreError, Table};

/// One column of one table.
pub struct ColumnRow {
    /// The table's name in the schema.
    pub table: String,
    /// Namespace and name, for quoting.
    pub path: Vec<String>,
    /// The column.
    pub column: Column,
}

/// One part of one unique index, in order.
pub struct UniqueRow {
    /// The table's name in the schema.
    pub table: String,
    /// The index or constraint.
    pub name: String,
    /// Whether it is the primary key.
    pub primary: bool,
    /// The column; `None` is an expression.
    pub column: Option<String>,
    /// Whether the index says that whole values of this part differ in all rows.
    pub whole: bool,
    /// The text of an index with expressions or a condition: the columns that it names count as well.
    pub expression: Option<String>,
}

/// One part of an index, in order.
pub struct IndexRow {
    /// The table's name in the schema.
    pub table: String,
    /// The index.
    pub name: String,
    /// The column; `None` is an expression.
    pub column: Option<String>,
}

/// A condition that the rows of a table keep.
pub struct CheckRow {
    /// The table.
    pub table: String,
    /// The condition.
    pub clause: String,
}

/// One column of one foreign key, in order.
pub struct LinkRow {
    /// The table that points.
    pub table: String,
    /// The constraint.
    pub name: String,
    /// The column that points.
    pub column: String,
    /// The table that it points to.
    pub to: String,
    /// The column that it points to; `None` is the primary key.
    pub references: Option<String>,
    /// What becomes of the row when the one that it points to is deleted.
    pub on_delete: OnDelete,
}

/// The schema of these rows; a row that could not be read (`None`) is an error, because a column that is not seen
/// is one that nobody maps.
pub fn schema(
    columns: Option<Vec<ColumnRow>>,
    uniques: Option<Vec<UniqueRow>>,
    links: Option<Vec<LinkRow>>,
    checks: Option<Vec<CheckRow>>,
) -> Result<Schema, StoreError> {
    let (Some(columns), Some(uniques), Some(links), Some(checks)) = (columns, uniques, links, checks) else {
        return Err(StoreError::Catalogue);
    };
    let mut tables = BTreeMap::<String, Table>::new();
    for row in columns {
        let table = tables.entry(row.table).or_default();
        table.path = row.path;
        table.columns.push(row.column);
    }
    add_uniques(&mut tables, uniques);
    let primary: BTreeMap<String, Vec<String>> =
        tables.iter().map(|(name, table)| (name.clone(), table.primary_key.clone())).collect();
    add_links(&mut tables, links, &primary);
    for row in checks {
        if let Some(table) = tables.get_mut(&row.table) {
            table.checks.push(row.clause);
        }
    }
    Ok(Schema { tables, strays: 0 })
}

/// Adds what rows can be found by.
pub fn add_indexes(schema: &mut Schema, rows: Option<Vec<IndexRow>>) -> Result<(), StoreError> {
    let mut indexes = BTreeMap::<(String, String), Vec<Option<String>>>::new();
    for row in rows.ok_or(StoreError::Catalogue)? {
        indexes.entry((row.table, row.name)).or_default().push(row.column);
    }
    for ((table, _), parts) in indexes {
        let columns: Vec<_> = parts.into_iter().map_while(|part| part).collect();
        if let Some(table) = schema.tables.get_mut(&table)
            && !columns.is_empty()
        {
            table.indexes.push(columns);
        }
    }
    Ok(())
}

fn add_uniques(tables: &mut BTreeMap<String, Table>, rows: Vec<UniqueRow>) {
    let mut sets = BTreeMap::<(String, String), Vec<UniqueRow>>::new();
    for row in rows {
        sets.entry((row.table.clone(), row.name.clone())).or_default().push(row);
    }
    for ((table, _), parts) in sets {
        let Some(table) = tables.get_mut(&table) else { continue };
        let columns: Vec<_> = parts.iter().filter_map(|part| part.column.clone()).collect();
        if parts.iter().any(|part| part.primary) {
            table.primary_key = columns;
        } else if parts.iter().all(|part| part.whole && part.column.is_some()) {
            table.uniques.push(columns);
        } else {
            let named = |name: &String| parts.iter().filter_map(|p| p.expression.as_ref()).any(|e| mentions(e, name));
            let in_expressions = table.columns.iter().map(|column| &column.name).filter(|name| named(name)).cloned();
            let partly: Vec<_> = columns.into_iter().chain(in_expressions).collect();
            table.partly_unique.extend(partly);
        }
    }
}

fn add_links(tables: &mut BTreeMap<String, Table>, rows: Vec<LinkRow>, primary: &BTreeMap<String, Vec<String>>) {
    let mut links = BTreeMap::<(String, String), ForeignKey>::new();
    for row in rows {
        let link = links.entry((row.table, row.name)).or_insert_with(|| ForeignKey {
            columns: Vec::new(),
            table: row.to,
            references: Vec::new(),
            on_delete: row.on_delete,
        });
        let implied = || primary.get(&link.table).and_then(|key| key.get(link.columns.len())).cloned();
        let references = row.references.or_else(implied).unwrap_or_default();
        link.columns.push(row.column);
        link.references.push(references);
    }
    for ((name, _), link) in links {
        // A table that was not listed still holds on to the rows that it points to, and somebody must hear of it.
        tables.entry(name).or_default().foreign_keys.push(link);
    }
}
