//! What works and should still be known: searches that read whole tables, columns that are called otherwise than the
//! map says, and how much of the stores the map speaks of.

use std::collections::BTreeMap;

use super::propose::names;
use super::recognised::unrecognised;
use super::{AMOUNTS, DataMap, MapDefect, NO_CATEGORY, StoreMap, TableMap, TableRef, apart};
use crate::stores::{Right, RowsOf, Schema, StoreKind, StoreName, Table};

/// About how many rows each table of each store has.
pub type Sizes = BTreeMap<StoreName, BTreeMap<String, u64>>;

/// Rows a second that a store reads from one end of a table to the other: slow for a cached table, fast for a disk.
const ROWS_PER_SECOND: u64 = 1_000_000;
/// A table of fewer rows is read as fast as an index.
const ROWS_MIN: u64 = 10_000;

/// One risk. A grave one will stop erasures when it comes to it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Risk {
    /// Whether erasing will fail by it.
    pub grave: bool,
    /// What, where, and what to do.
    pub defect: MapDefect,
}

/// Risks of the maps, held against the catalogues. `statement_seconds` is how long one statement may run. Without `sizes`, which
/// only the stores know, nothing is said of what depends on them: see [`without_index`].
#[must_use]
pub fn risks(
    map: &DataMap,
    schemas: &BTreeMap<StoreName, Schema>,
    sizes: Option<&Sizes>,
    statement_seconds: u64,
) -> Vec<Risk> {
    let mut risks = Vec::new();
    for (name, store) in map.stores() {
        let Some(schema) = schemas.get(name) else { continue };
        for (table, found) in &schema.tables {
            let at = TableRef { store: name.clone(), table: table.clone() };
            let mut add = |grave, column: Option<&str>, problem: String, help: String| {
                let column = column.map(str::to_owned);
                let defect = MapDefect { file: store.file.clone(), at: at.clone(), column, problem, help };
                risks.push(Risk { grave, defect });
            };
            match store.tables.get(table) {
                Some(mapped) => {
                    if let Some(sizes) = sizes.filter(|_| !store.kind.is_keyed()) {
                        let rows = sizes.get(name).and_then(|sizes| sizes.get(table)).copied();
                        unindexed(mapped, found, table, rows, statement_seconds, &mut add);
                    }
                    called_otherwise(mapped, found, &mut add);
                    emptied(mapped, &mut add);
                    for (column, problem, help) in unrecognised(map, mapped, found) {
                        add(false, Some(&column), problem, help);
                    }
                }
                None if store.ignore.contains(table) => ignored(found, &mut add),
                None => {}
            }
        }
    }
    risks.extend(apart(map, schemas).into_iter().map(|defect| Risk { grave: true, defect }));
    risks.sort();
    risks
}

/// The tables that are searched without an index, whatever their size: whether that is a risk is told by how many rows they have.
#[must_use]
pub fn without_index(map: &DataMap, schemas: &BTreeMap<StoreName, Schema>) -> Vec<TableRef> {
    let found = |at: &TableRef| {
        // Names of a store without tables are found by going over all of them, and no index would change that.
        map.stores().get(&at.store).filter(|store| !store.kind.is_keyed())?;
        schemas.get(&at.store)?.tables.get(&at.table)
    };
    let slow = map.tables().filter(|(at, mapped)| {
        found(at).is_some_and(|found| searched(mapped).iter().any(|columns| !found.is_indexed(columns)))
    });
    slow.map(|(at, _)| at).collect()
}

/// The columns that rows of a table are searched by.
fn searched(mapped: &TableMap) -> Vec<Vec<String>> {
    let links = mapped.belongs_to.iter().chain(&mapped.refers_to).map(|link| link.columns.clone());
    let persons = mapped.identify.values().filter(|_| mapped.subject.is_none()).map(|column| vec![column.clone()]);
    let mut searched: Vec<Vec<String>> = links.chain(persons).collect();
    searched.sort();
    searched.dedup();
    searched
}

/// Columns that rows are searched by, without an index that begins with one of them.
fn unindexed(
    mapped: &TableMap,
    found: &Table,
    name: &str,
    rows: Option<u64>,
    statement_seconds: u64,
    add: &mut impl FnMut(bool, Option<&str>, String, String),
) {
    for columns in searched(mapped).iter().filter(|columns| !found.is_indexed(columns)) {
        if rows.is_some_and(|rows| rows < ROWS_MIN) {
            continue;
        }
        let (grave, cost) = match rows {
            None => (false, "the store does not say how many".to_owned()),
            Some(rows) => {
                let seconds = rows.div_ceil(ROWS_PER_SECOND);
                (seconds >= statement_seconds, format!("about {rows}, some {seconds} s at a million rows a second"))
            }
        };
        let list = columns.join(", ");
        let problem = format!("no index begins with it, so every chunk of keys reads all rows of the table: {cost}");
        add(grave, Some(&list), problem, format!("CREATE INDEX {name}_{} ON {name} ({list})", columns.join("_")));
    }
}

/// Amounts of records that a law keeps: without them the record is none, and nothing brings them back.
fn emptied(mapped: &TableMap, add: &mut impl FnMut(bool, Option<&str>, String, String)) {
    if mapped.keep.is_none() {
        return;
    }
    for column in mapped.mask.keys().filter(|column| mapped.categories.get(*column).is_some_and(|of| of == AMOUNTS)) {
        let problem =
            "its rows are kept, and their amounts are erased: what the ground asks for may be gone".to_owned();
        add(false, Some(column), problem, "take its mask away, unless the ground keeps something else".to_owned());
    }
}

/// Columns that the map calls nobody's, and that are named like somebody's.
fn called_otherwise(mapped: &TableMap, found: &Table, add: &mut impl FnMut(bool, Option<&str>, String, String)) {
    let owned = !mapped.is_nobodys();
    for column in &found.columns {
        let none = mapped.categories.get(&column.name).is_some_and(|category| category == NO_CATEGORY);
        let links = mapped.belongs_to.iter().chain(&mapped.refers_to);
        let pointing = links.flat_map(|link| &link.columns).any(|name| *name == column.name);
        if let Some((category, reason)) = names(&column.name, owned).filter(|_| none && !pointing) {
            let problem = format!("the map says \"none\", and it is {reason}, which is mostly {category}");
            add(false, Some(&column.name), problem, format!("say {category:?}, or leave it if it is nobody's"));
        }
    }
}

/// Ignored tables with columns that are named like somebody's.
fn ignored(found: &Table, add: &mut impl FnMut(bool, Option<&str>, String, String)) {
    for column in &found.columns {
        if let Some((category, reason)) = names(&column.name, false) {
            let problem = format!("the table is ignored, and the column is {reason}, which is mostly {category}");
            let help = match found.rows {
                RowsOf::Itself => "map the table, or leave it if it is nobody's".to_owned(),
                rows => format!("{}; leave it if that is so", rows.seen_to()),
            };
            add(false, Some(&column.name), problem, help);
        }
    }
}

/// How much of the stores the maps speak of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Coverage {
    /// Columns of all tables that are not ignored and are not a canary's.
    pub columns: u64,
    /// Those that the map names.
    pub mapped: u64,
}

impl Coverage {
    /// Counts.
    #[must_use]
    pub fn of(map: &DataMap, schemas: &BTreeMap<StoreName, Schema>) -> Self {
        let mut coverage = Self::default();
        for (name, store) in map.stores() {
            let tables = schemas.get(name).into_iter().flat_map(|schema| &schema.tables);
            let is_left = |table: &String| store.ignore.contains(table) || store.canary.as_ref() == Some(table);
            for (table, found) in tables.filter(|(table, _)| !is_left(table)) {
                let mapped = store.tables.get(table);
                let is_mapped = |name: &String| mapped.is_some_and(|mapped| mapped.categories.contains_key(name));
                coverage.columns += found.columns.len() as u64;
                coverage.mapped += found.columns.iter().filter(|column| is_mapped(&column.name)).count() as u64;
            }
        }
        coverage
    }

    /// In whole per cent, rounded down, so that 100 means every column.
    #[must_use]
    pub const fn percent(self) -> u64 {
        match (self.mapped * 100).checked_div(self.columns) {
            Some(percent) => percent,
            None => 100,
        }
    }
}

/// A right of the login, and whether the map needs it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Need {
    /// The table.
    pub table: String,
    /// The right.
    pub right: Right,
    /// The columns that are read or written.
    pub columns: Vec<String>,
    /// The table's key.
    pub key: Vec<String>,
    /// Whether it is needed; what is not needed is too much.
    pub needed: bool,
}

/// The rights on the table of a canary.
fn canary(table: &str) -> [Need; 3] {
    let need = |right, column: &str, needed| Need {
        table: table.to_owned(),
        right,
        columns: if right == Right::Delete { Vec::new() } else { vec![column.to_owned()] },
        key: vec![super::CANARY_KEY.to_owned()],
        needed,
    };
    [
        need(Right::Select, super::CANARY_EPOCH, true),
        need(Right::Update, super::CANARY_EPOCH, true),
        need(Right::Delete, "", false),
    ]
}

/// The rights that the map needs in its store, and those that it is better without.
#[must_use]
pub fn needs(store: &StoreMap, schema: &Schema) -> Vec<Need> {
    let mut needs = Vec::new();
    for (name, found) in &schema.tables {
        let Some(first) = found.columns.first() else { continue };
        if store.canary.as_ref() == Some(name) {
            needs.extend(canary(name));
            continue;
        }
        let mapped = store.tables.get(name);
        let key = mapped.map_or_else(|| vec![first.name.clone()], |mapped| mapped.key.clone());
        let mut need = |right, columns: Vec<String>, needed| {
            needs.push(Need { table: name.clone(), right, columns, key: key.clone(), needed });
        };
        if let Some(mapped) = mapped.filter(|mapped| !mapped.is_nobodys()) {
            let links = mapped.belongs_to.iter().chain(&mapped.refers_to).flat_map(|link| link.columns.iter().cloned());
            let variants = mapped.variants();
            let until = variants.iter().filter_map(|(_, variant)| Some(variant.keep.as_ref()?.until.column.clone()));
            let mut reads: Vec<_> = mapped.key.iter().cloned().chain(links).chain(until).collect();
            reads.extend(mapped.by_word().cloned());
            // Whether a row holds anything of a category is asked before it goes.
            reads.extend(mapped.personal().map(|(column, _)| column.to_owned()));
            reads.sort();
            reads.dedup();
            // One that the store does not have is a defect of the map, which says so.
            reads.retain(|column| found.column(column).is_some());
            need(Right::Select, reads, true);
            let mut masks: Vec<_> = variants.iter().flat_map(|(_, variant)| variant.mask.keys().cloned()).collect();
            masks.sort();
            masks.dedup();
            masks.retain(|column| found.column(column).is_some());
            if !masks.is_empty() {
                need(Right::Update, masks, true);
            }
            need(
                Right::Delete,
                Vec::new(),
                mapped.goes() || variants.iter().any(|(_, variant)| variant.keep.is_some()),
            );
        } else if store.kind != StoreKind::Sqlite {
            need(Right::Delete, Vec::new(), false);
        }
        need(Right::Insert, Vec::new(), false);
    }
    needs
}
