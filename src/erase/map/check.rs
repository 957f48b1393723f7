//! Is the map true of the stores? Every difference is a defect, and one defect stops the start: what nobody mapped
//! would be silently kept.

use std::collections::BTreeMap;
use std::fmt;

use super::{CANARY_EPOCH, CANARY_KEY, DataMap, StoreMap, TableMap, TableRef, cascade, error, fit, links, reach};
use crate::stores::{ColumnKind, RowsOf, Schema, StoreName, Table};

/// One thing in which the map and a store differ.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct MapDefect {
    /// The map's file, or empty where no map names the store.
    pub file: String,
    /// The table.
    pub at: TableRef,
    /// The column, where it is about one.
    pub column: Option<String>,
    /// What is wrong.
    pub problem: String,
    /// What to do.
    pub help: String,
}

const TABLE_UNMAPPED: &str = "the table is not mapped";
const COLUMN_UNMAPPED: &str = "the column is not mapped";

impl MapDefect {
    /// Whether it is only that the map does not speak of a table or a column yet.
    #[must_use]
    pub fn is_unmapped(&self) -> bool {
        self.problem == TABLE_UNMAPPED || self.problem == COLUMN_UNMAPPED
    }
}

impl fmt::Display for MapDefect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.file, self.at)?;
        if let Some(column) = &self.column {
            write!(f, ".{}", column.escape_debug())?;
        }
        write!(f, ": {}; {}", self.problem, self.help)
    }
}

/// Compares the map with the stores' catalogues. Empty is the only good answer.
#[must_use]
pub fn check(map: &DataMap, schemas: &BTreeMap<StoreName, Schema>) -> Vec<MapDefect> {
    let mut defects = Vec::new();
    for (name, store) in map.stores() {
        let mut report = Report { file: &store.file, store: name, defects: &mut defects };
        let Some(schema) = schemas.get(name) else {
            report.add("", None, "the store was not read", "open it and check again");
            continue;
        };
        for (table, mapped) in &store.tables {
            match schema.tables.get(table) {
                None => {
                    let meant = error::meant(table, schema.tables.keys().map(String::as_str));
                    let help = format!("{meant}correct the name, or take it away");
                    report.add(table, None, "the store has no such table", help);
                }
                Some(found) => {
                    columns(&mut report, table, mapped, found);
                    match found.rows {
                        RowsOf::Itself => key(&mut report, table, mapped, found),
                        rows => not_its_own(&mut report, table, mapped, rows),
                    }
                    fit::masks(&mut report, table, mapped, found);
                    until(&mut report, table, mapped, found);
                    links::values_meet(&mut report, map, schemas, table);
                }
            }
        }
        whole_store(&mut report, store, schema);
        for (table, found) in &schema.tables {
            for foreign in &found.foreign_keys {
                links::has_answer(&mut report, map, table, foreign);
                cascade::takes_what_stays(&mut report, map, table, foreign);
            }
        }
    }
    reach::unreached(map, &mut defects);
    defects.sort();
    defects
}

/// Where defects are gathered, for one store.
pub(super) struct Report<'a> {
    file: &'a str,
    pub(super) store: &'a StoreName,
    defects: &'a mut Vec<MapDefect>,
}

impl Report<'_> {
    pub(super) fn add(
        &mut self,
        table: &str,
        column: Option<&str>,
        problem: impl Into<String>,
        help: impl Into<String>,
    ) {
        self.defects.push(MapDefect {
            file: self.file.to_owned(),
            at: TableRef { store: self.store.clone(), table: table.to_owned() },
            column: column.map(str::to_owned),
            problem: problem.into(),
            help: help.into(),
        });
    }
}

/// Every table of the store is mapped, or somebody said that it holds nobody's data.
fn whole_store(report: &mut Report<'_>, store: &StoreMap, schema: &Schema) {
    for (table, found) in &schema.tables {
        let is_canary = store.canary.as_ref() == Some(table);
        if !store.tables.contains_key(table) && !store.ignore.contains(table) && !is_canary {
            report.add(table, None, TABLE_UNMAPPED, unmapped_help(table, found.rows));
        }
    }
    if schema.strays > 0 {
        let problem = format!("{} names of a sample are not mapped", schema.strays);
        let help =
            "map them under [keys.NAME], or, if they hold nobody's data, list their pattern in ignore under [store]";
        report.add("", None, problem, help);
    }
    if let Some(table) = store.canary.as_ref().filter(|_| !store.kind.is_keyed()) {
        canary(report, table, schema.tables.get(table));
    }
    let ignored = store.ignore.iter().filter(|_| !store.kind.is_keyed());
    for table in ignored.filter(|table| !schema.tables.contains_key(*table)) {
        let help = "correct the name, or take it out of ignore";
        report.add(table, None, "the store has no such table to ignore", help);
    }
}

/// What to do about a table that the map does not speak of.
fn unmapped_help(table: &str, rows: RowsOf) -> String {
    let ignore = format!("write ignore = [{table:?}] under [store]");
    match rows {
        RowsOf::Itself => format!("map it, or, if it holds nobody's data, {ignore}"),
        RowsOf::Others | RowsOf::Elsewhere => format!("{}, and {ignore}", rows.seen_to()),
    }
}

/// Rows that are copied or fetched cannot be erased where they are seen, and are nobody's by the map's word alone.
fn not_its_own(report: &mut Report<'_>, table: &str, mapped: &TableMap, rows: RowsOf) {
    if !mapped.is_nobodys() {
        let problem = match rows {
            RowsOf::Elsewhere => {
                "it is a foreign table: nothing here tells its rows apart, and they lie on another server"
            }
            _ => "it is a materialized view: nothing can be erased from it, and it keeps what it copied",
        };
        let help = format!("take it out of the map; {}, and write ignore = [{table:?}] under [store]", rows.seen_to());
        report.add(table, None, problem, help);
    }
}

/// The canary's table holds one row of ours and nothing of anybody.
fn canary(report: &mut Report<'_>, table: &str, found: Option<&Table>) {
    let help =
        "CREATE TABLE … (id VARCHAR(16) PRIMARY KEY, epoch VARCHAR(32) NOT NULL), with the row ('expunged', '0')";
    let Some(found) = found else {
        return report.add(table, None, "the store has no such table for the canary", help);
    };
    let key = [CANARY_KEY.to_owned()];
    let is_text =
        |name: &str| found.column(name).is_some_and(|column| !column.nullable && column.kind == ColumnKind::Text);
    if found.columns.len() != 2 || !is_text(CANARY_KEY) || !is_text(CANARY_EPOCH) || !found.is_unique(&key) {
        report.add(table, None, "it is not the table of a canary", help);
    }
}

fn columns(report: &mut Report<'_>, table: &str, mapped: &TableMap, found: &Table) {
    for column in &found.columns {
        if !mapped.categories.contains_key(&column.name) {
            let help = "give it a category, or \"none\"";
            report.add(table, Some(&column.name), COLUMN_UNMAPPED, help);
        }
    }
    for column in mapped.categories.keys().filter(|column| found.column(column).is_none()) {
        let meant = error::meant(column, found.columns.iter().map(|column| column.name.as_str()));
        let help = format!("{meant}correct the name, or take it away");
        report.add(table, Some(column), "the store has no such column", help);
    }
}

fn key(report: &mut Report<'_>, table: &str, mapped: &TableMap, found: &Table) {
    if found.keeps_old_rows {
        let help = "ALTER TABLE … DROP SYSTEM VERSIONING: what is erased would stay in the history of the table, where it is not looked for";
        report.add(table, None, "the store keeps each row that is changed or erased", help);
    }
    if found.hides_rows {
        let help = "give the login BYPASSRLS: what is hidden from it would count as erased";
        report.add(table, None, "row-level security hides rows from the login", help);
    }
    let columns: Vec<_> = mapped.key.iter().filter_map(|name| found.column(name)).collect();
    if columns.len() != mapped.key.len() {
        return; // reported as a missing column
    }
    if !found.is_unique(&mapped.key) {
        report.add(table, None, "the key is not unique", "name the primary key, or add a unique index");
    }
    for column in columns {
        if column.nullable {
            let help = "name a key that never is, or let the column be NOT NULL (SQLite lets each column of a PRIMARY KEY of several be \
                NULL that does not say so): a row with a NULL there is found by no key";
            report.add(table, Some(&column.name), "a key column may be NULL", help);
        }
        if matches!(column.kind, ColumnKind::Other | ColumnKind::Number | ColumnKind::Float | ColumnKind::Time) {
            let help = "name a key of whole numbers, text, bytes or UUIDs";
            report.add(
                table,
                Some(&column.name),
                format!("a key of type {:?} cannot be compared", column.type_name),
                help,
            );
        }
    }
}

fn until(report: &mut Report<'_>, table: &str, mapped: &TableMap, found: &Table) {
    for (_, variant) in mapped.variants() {
        until_of(report, table, &variant, found);
    }
}

fn until_of(report: &mut Report<'_>, table: &str, mapped: &TableMap, found: &Table) {
    let Some(keep) = &mapped.keep else { return };
    let Some(column) = found.column(&keep.until.column) else { return };
    if !matches!(column.kind, ColumnKind::Time | ColumnKind::Text | ColumnKind::Int) {
        report.add(table, Some(&column.name), "keeping cannot be counted from this type", "name a date or a time");
    }
    if mapped.mask.contains_key(&keep.until.column) {
        report.add(table, Some(&column.name), "keeping is counted from a masked column", "leave it as it is");
    }
}
