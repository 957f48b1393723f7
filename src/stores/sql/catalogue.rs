//! Builds a [`Schema`] from the rows that each database's catalogue answers.

use std::collections::BTreeMap;

use crate::stores::{Column, ForeignKey, Schema, StoreError, Table};

/// One column of one table.
pub struct ColumnRow {
    /// The table's name in the schema.
    pub table: String,
    /// Namespace and name, for quoting.
    pub path: Vec<String>,
    /// The column.
    pub column: Column,
}

/// One column of one unique set, in order.
pub struct UniqueRow {
    /// The table's name in the schema.
    pub table: String,
    /// The index or constraint.
    pub name: String,
    /// Whether it is the primary key.
    pub primary: bool,
    /// The column.
    pub column: String,
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
}

/// The schema of these rows; a row that could not be read (`None`) is an error, because a column that is not seen
/// is one that nobody maps.
pub fn schema(
    columns: Option<Vec<ColumnRow>>,
    uniques: Option<Vec<UniqueRow>>,
    links: Option<Vec<LinkRow>>,
) -> Result<Schema, StoreError> {
    let (Some(columns), Some(uniques), Some(links)) = (columns, uniques, links) else {
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
    Ok(Schema { tables })
}

fn add_uniques(tables: &mut BTreeMap<String, Table>, rows: Vec<UniqueRow>) {
    let mut sets = BTreeMap::<(String, String), (bool, Vec<String>)>::new();
    for row in rows {
        let set = sets.entry((row.table, row.name)).or_default();
        set.0 = row.primary;
        set.1.push(row.column);
    }
    for ((table, _), (primary, columns)) in sets {
        let Some(table) = tables.get_mut(&table) else { continue };
        if primary {
            table.primary_key = columns;
        } else {
            table.uniques.push(columns);
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
        });
        let implied = || primary.get(&link.table).and_then(|key| key.get(link.columns.len())).cloned();
        let references = row.references.or_else(implied).unwrap_or_default();
        link.columns.push(row.column);
        link.references.push(references);
    }
    for ((table, _), link) in links {
        if let Some(table) = tables.get_mut(&table) {
            table.foreign_keys.push(link);
        }
    }
}
