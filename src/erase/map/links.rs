//! Links of the map against the stores: can the values of a link be the keys that it points to, and has every foreign
//! key an answer?

use std::collections::BTreeMap;

use super::check::Report;
use super::{DataMap, Link, StoreMap, TableMap, TableRef};
use crate::stores::{Column, ColumnKind, ForeignKey, Schema, StoreKind, StoreName, Table};

/// Reports the links of a table that can never match, or that could match somebody else's rows.
pub(super) fn values_meet(report: &mut Report<'_>, map: &DataMap, schemas: &BTreeMap<StoreName, Schema>, table: &str) {
    let here = TableRef { store: report.store.clone(), table: table.to_owned() };
    let found_of = |at: &TableRef| schemas.get(&at.store)?.tables.get(&at.table);
    let (Some(mapped), Some(found)) = (map.table(&here), found_of(&here)) else { return };
    let Some(store) = map.stores().get(report.store) else { return };
    for link in mapped.belongs_to.iter().chain(&mapped.refers_to) {
        let (Some(parent), Some(keys)) = (map.table(&link.to), found_of(&link.to)) else { continue };
        let is_enforced = found.foreign_keys.iter().any(|foreign| answers(link, parent, &here, foreign));
        if !is_enforced && compares_loosely(store, found, link) {
            let (column, help) = (link.columns.join(", "), "give it a binary collation, or take the foreign key away");
            report.add(table, Some(&column), "it compares as its foreign key, and could match others", help);
        }
        for (column, key) in link.columns.iter().zip(&parent.key) {
            let (Some(column), Some(key)) = (found.column(column), keys.column(key)) else { continue };
            if let Some((problem, help)) = unmeet(store.kind, column, key, is_enforced) {
                report.add(table, Some(&column.name), format!("{problem} {}.{}", link.to, key.name), help);
            }
        }
    }
}

/// Columns of a foreign key compare as the store compares them, which is right for that foreign key alone.
fn compares_loosely(store: &StoreMap, found: &Table, link: &Link) -> bool {
    let is_loose = |name: &String| found.column(name).is_some_and(|column| column.loose);
    store.kind != StoreKind::Sqlite
        && link.columns.iter().any(is_loose)
        && found.foreign_keys.iter().any(|foreign| foreign.columns == link.columns)
}

/// Why values of this column cannot be trusted to be this key.
fn unmeet(kind: StoreKind, column: &Column, key: &Column, is_enforced: bool) -> Option<(&'static str, &'static str)> {
    if !kinds_meet(key.kind, column.kind) {
        return Some(("its type can never match", "name the column that holds the key, or change its type"));
    }
    if is_enforced {
        let loose = kind == StoreKind::Sqlite && key.loose;
        return loose.then_some((
            "its foreign key follows a text that is compared without case,",
            "give the key the collation BINARY",
        ));
    }
    let enforce = "widen it, or let the store enforce the link by a foreign key";
    // SQLite does not hold anybody to a length.
    if kind != StoreKind::Sqlite && column.kind == ColumnKind::Text && is_narrower(column, key) {
        return Some(("it is narrower than", enforce));
    }
    let is_text = key.kind == ColumnKind::Text && column.kind == ColumnKind::Text;
    let enforce = "give it a binary collation, or let the store enforce the link by a foreign key";
    (is_text && column.loose && !key.loose).then_some(("it tells texts apart less strictly than", enforce))
}

/// Whether a value of the one kind can be a value of the other. Inexact numbers, times and types that nobody knows are
/// never keys.
pub(super) const fn kinds_meet(key: ColumnKind, column: ColumnKind) -> bool {
    use ColumnKind::{Bytes, Int, Number, Text, Uuid};
    matches!(
        (key, column),
        (Int, Int | Number | Text) | (Text, Text | Int | Number | Uuid) | (Uuid | Bytes, Uuid | Bytes | Text)
    )
}

/// Whether a column of text is too short for some key: a program that cut it would have written somebody else's.
fn is_narrower(column: &Column, key: &Column) -> bool {
    const UUID_CHARS_MIN: u32 = 32;
    let Some(held) = column.length_max else { return false };
    let wanted = match key.kind {
        ColumnKind::Int => key.range.map(|(_, greatest)| u32::try_from(greatest.to_string().len()).unwrap_or(u32::MAX)),
        ColumnKind::Uuid => Some(UUID_CHARS_MIN),
        ColumnKind::Bytes => key.length_max.map(|length| length.saturating_mul(2)),
        _ => Some(key.length_max.unwrap_or(u32::MAX)),
    };
    wanted.is_some_and(|wanted| held < wanted)
}

/// Reports a foreign key that the map says nothing about.
pub(super) fn has_answer(report: &mut Report<'_>, map: &DataMap, table: &str, foreign: &ForeignKey) {
    let here = TableRef { store: report.store.clone(), table: table.to_owned() };
    let there = TableRef { store: report.store.clone(), table: foreign.table.clone() };
    let columns = foreign.columns.join(", ");
    let is_ignored = |at: &TableRef| map.stores().get(&at.store).is_some_and(|store| store.ignore.contains(&at.table));
    match (map.table(&here), map.table(&there)) {
        (None, None) => {}
        (_, Some(parent)) if parent.is_nobodys() => {}
        // A table that is not ignored has been reported as not mapped.
        (None, Some(_)) if !is_ignored(&here) => {}
        (None, Some(_)) => {
            let help = format!("map it: its {columns} points to {there}");
            report.add(table, None, "the table is ignored, and holds on to somebody's data", help);
        }
        (Some(_), None) if is_ignored(&there) => {}
        (Some(_), None) => {
            let help = format!("map it: {here}.{columns} points to it");
            report.add(&foreign.table, None, "the table is not mapped", help);
        }
        (Some(child), Some(parent)) => {
            let mut links = child.belongs_to.iter().chain(&child.refers_to);
            if !links.any(|link| answers(link, parent, &here, foreign)) {
                let help = format!("add belongs_to or refers_to {} = \"{columns}\"", foreign.table);
                report.add(table, Some(&columns), "the foreign key has no answer", help);
            }
        }
    }
}

/// Whether a link of a table says the same as a foreign key of it.
pub(super) fn answers(link: &Link, parent: &TableMap, here: &TableRef, foreign: &ForeignKey) -> bool {
    link.to.store == here.store
        && link.to.table == foreign.table
        && pairs(&link.columns, &parent.key) == pairs(&foreign.columns, &foreign.references)
}

fn pairs<'a>(columns: &'a [String], references: &'a [String]) -> Vec<(&'a String, &'a String)> {
    let mut pairs: Vec<_> = columns.iter().zip(references).collect();
    pairs.sort();
    pairs
}

#[cfg(test)]
mod tests {
    use super::*;

    fn column(kind: ColumnKind, length_max: Option<u32>, loose: bool) -> Column {
        Column {
            name: "id".to_owned(),
            type_name: String::new(),
            compare_type: String::new(),
            range: (kind == ColumnKind::Int).then_some((i64::MIN.into(), i64::MAX.into())),
            loose,
            kind,
            nullable: true,
            length_max,
            collation: None,
            generated: false,
        }
    }

    #[test]
    fn a_link_holds_the_whole_key_or_is_enforced() {
        use ColumnKind::{Bytes, Float, Int, Number, Other, Text, Uuid};
        let text = |length: u32| column(Text, Some(length), false);
        for (child, key, is_enforced, says) in [
            (text(40), column(Int, None, false), false, None),
            (text(10), column(Int, None, false), false, Some("narrower")),
            (text(36), text(36), false, None),
            (text(20), text(36), false, Some("narrower")),
            (text(20), text(36), true, None),
            (text(36), column(Text, None, false), false, Some("narrower")),
            (text(31), column(Uuid, None, false), false, Some("narrower")),
            (column(Text, Some(36), true), text(36), false, Some("less strictly")),
            (column(Text, Some(36), true), column(Text, Some(36), true), false, None),
            (column(Int, None, false), column(Int, None, false), false, None),
            (column(Number, None, false), column(Int, None, false), false, None),
            (column(Float, None, false), column(Int, None, false), false, Some("never match")),
            (column(Other, None, false), text(36), true, Some("never match")),
            (column(Bytes, None, false), text(36), false, Some("never match")),
            (column(Int, None, false), column(Uuid, None, false), false, Some("never match")),
        ] {
            let said = unmeet(StoreKind::Mysql, &child, &key, is_enforced).map(|(problem, _)| problem);
            assert_eq!(said.is_some(), says.is_some(), "{child:?} {key:?}: {said:?}");
            assert!(says.is_none_or(|says| said.unwrap_or_default().contains(says)), "{says:?}: {said:?}");
        }
    }
}
