//! Is the map true of the stores? Every difference is a defect, and one defect stops the start: what nobody mapped
//! would be silently kept.

use std::collections::BTreeMap;
use std::fmt;

use super::{DataMap, Link, Mask, Rule, TableMap, TableRef};
use crate::erase::tombstone;
use crate::stores::{Column, ColumnKind, ForeignKey, Schema, StoreName, Table};

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

impl fmt::Display for MapDefect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.file, self.at)?;
        if let Some(column) = &self.column {
            write!(f, ".{column}")?;
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
                None => report.add(table, None, "the store has no such table", "correct the name, or take it away"),
                Some(found) => {
                    columns(&mut report, table, mapped, found);
                    key(&mut report, table, mapped, found);
                    masks(&mut report, table, mapped, found);
                    until(&mut report, table, mapped, found);
                }
            }
        }
        for (table, found) in &schema.tables {
            for foreign in &found.foreign_keys {
                link(&mut report, map, table, found, foreign);
            }
        }
    }
    defects.sort();
    defects
}

struct Report<'a> {
    file: &'a str,
    store: &'a StoreName,
    defects: &'a mut Vec<MapDefect>,
}

impl Report<'_> {
    fn add(&mut self, table: &str, column: Option<&str>, problem: impl Into<String>, help: impl Into<String>) {
        self.defects.push(MapDefect {
            file: self.file.to_owned(),
            at: TableRef { store: self.store.clone(), table: table.to_owned() },
            column: column.map(str::to_owned),
            problem: problem.into(),
            help: help.into(),
        });
    }
}

fn columns(report: &mut Report<'_>, table: &str, mapped: &TableMap, found: &Table) {
    for column in &found.columns {
        if !mapped.categories.contains_key(&column.name) {
            let help = "give it a category, or \"none\"";
            report.add(table, Some(&column.name), "the column is not mapped", help);
        }
    }
    for column in mapped.categories.keys().filter(|column| found.column(column).is_none()) {
        report.add(table, Some(column), "the store has no such column", "correct the name, or take it away");
    }
}

fn key(report: &mut Report<'_>, table: &str, mapped: &TableMap, found: &Table) {
    let columns: Vec<_> = mapped.key.iter().filter_map(|name| found.column(name)).collect();
    if columns.len() != mapped.key.len() {
        return; // reported as a missing column
    }
    if !found.is_unique(&mapped.key) {
        report.add(table, None, "the key is not unique", "name the primary key, or add a unique index");
    }
    for column in columns {
        if column.nullable {
            report.add(table, Some(&column.name), "a key column may be NULL", "name a key that never is");
        }
        if matches!(column.kind, ColumnKind::Other | ColumnKind::Number | ColumnKind::Time) {
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

fn masks(report: &mut Report<'_>, table: &str, mapped: &TableMap, found: &Table) {
    for (name, mask) in &mapped.mask {
        let Some(column) = found.column(name) else { continue };
        if column.generated {
            report.add(table, Some(name), "the store computes this column", "mask what it is computed from");
            continue;
        }
        let unfit = match mask {
            Mask::Null | Mask::Detach if !column.nullable => {
                Some(("the column is NOT NULL", "use \"tombstone\" or { constant = \"…\" }, or let it be NULL"))
            }
            Mask::Tombstone => tombstone_unfit(column),
            Mask::Constant(text) => constant_unfit(text, column, found),
            Mask::Null | Mask::Detach => None,
        };
        if let Some((problem, help)) = unfit {
            report.add(table, Some(name), format!("the mask does not fit: {problem}"), help);
        }
    }
}

fn tombstone_unfit(column: &Column) -> Option<(&'static str, &'static str)> {
    if column.kind != ColumnKind::Text {
        return Some(("a tombstone is a text", "use \"null\" or { constant = \"…\" }"));
    }
    let short = column.length_max.is_some_and(|length| length < tombstone::LENGTH_MIN);
    short.then_some(("a tombstone needs 24 characters", "widen the column, or use \"null\""))
}

fn constant_unfit(text: &str, column: &Column, table: &Table) -> Option<(&'static str, &'static str)> {
    if table.is_in_unique(&column.name) {
        return Some(("the column is unique", "use \"tombstone\" or \"null\""));
    }
    if column.length_max.is_some_and(|length| text.chars().count() > length as usize) || text.len() > CONSTANT_BYTES_MAX
    {
        return Some(("the constant is too long", "use a shorter one"));
    }
    let fits = match column.kind {
        ColumnKind::Int => text.parse::<i64>().is_ok(),
        ColumnKind::Number => text.parse::<f64>().is_ok(),
        ColumnKind::Text | ColumnKind::Time | ColumnKind::Other => true,
        ColumnKind::Bytes | ColumnKind::Uuid => false,
    };
    (!fits).then_some(("the constant is not of the column's type", "use \"null\""))
}

/// What a JSON list carries to MySQL in one piece.
const CONSTANT_BYTES_MAX: usize = 700;

fn until(report: &mut Report<'_>, table: &str, mapped: &TableMap, found: &Table) {
    let Some(keep) = &mapped.keep else { return };
    let Some(column) = found.column(&keep.until.column) else { return };
    if !matches!(column.kind, ColumnKind::Time | ColumnKind::Text | ColumnKind::Int) {
        report.add(table, Some(&column.name), "keeping cannot be counted from this type", "name a date or a time");
    }
    if mapped.mask.contains_key(&keep.until.column) {
        report.add(table, Some(&column.name), "keeping is counted from a masked column", "leave it as it is");
    }
}

fn link(report: &mut Report<'_>, map: &DataMap, table: &str, found: &Table, foreign: &ForeignKey) {
    let here = TableRef { store: report.store.clone(), table: table.to_owned() };
    let there = TableRef { store: report.store.clone(), table: foreign.table.clone() };
    let columns = foreign.columns.join(", ");
    match (map.table(&here), map.table(&there)) {
        (None, None) => {}
        (None, Some(_)) => {
            let help = format!("map it: its {columns} points to {there}");
            report.add(table, None, "the table is not mapped", help);
        }
        (Some(_), None) => {
            let help = format!("map it: {here}.{columns} points to it");
            report.add(&foreign.table, None, "the table is not mapped", help);
        }
        (Some(_), Some(parent)) if parent.is_nobodys() => {}
        (Some(child), Some(parent)) => {
            let answer = child.belongs_to.iter().chain(&child.refers_to).find(|link| {
                link.to == there && pairs(&link.columns, &parent.key) == pairs(&foreign.columns, &foreign.references)
            });
            match answer {
                None => {
                    let help = format!("add belongs_to or refers_to {} = \"{columns}\"", foreign.table);
                    report.add(table, Some(&columns), "the foreign key has no answer", help);
                }
                Some(answer) => release(report, table, child, parent, answer, found),
            }
        }
    }
}

/// A row that stays must let go of a row that goes.
fn release(report: &mut Report<'_>, table: &str, child: &TableMap, parent: &TableMap, link: &Link, found: &Table) {
    let stays = child.erase != Rule::Delete;
    if stays && parent.erase == Rule::Delete && !child.lets_go(link) {
        let columns = link.columns.join(", ");
        let nullable = link.columns.iter().any(|name| found.column(name).is_some_and(|column| column.nullable));
        let help = if nullable {
            format!("add mask = {{ {columns} = \"detach\" }}")
        } else {
            format!("let {columns} be NULL, or point it to a placeholder: {{ constant = \"…\" }}")
        };
        report.add(table, Some(&columns), format!("the row stays and would hold on to {}", link.to), help);
    }
}

fn pairs<'a>(columns: &'a [String], references: &'a [String]) -> Vec<(&'a String, &'a String)> {
    let mut pairs: Vec<_> = columns.iter().zip(references).collect();
    pairs.sort();
    pairs
}
