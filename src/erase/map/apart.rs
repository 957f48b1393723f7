//! Links whose two ends are of different types, or of which one takes texts for the same that differ. We compare keys by what is
//! written, so such a link finds rows only where the column holds the key in just those letters; one that was meant for something else
//! (an address, a code) finds nothing, and an erasing would say so without a word of doubt. Where both ends lie in one MySQL and have
//! one collation, rows are found as it compares them, and nothing is apart.

use std::collections::BTreeMap;

use super::{DataMap, Link, MapDefect, TableRef, links};
use crate::stores::{Column, ColumnKind, Schema, StoreName};

/// The links whose columns are of another type, or another collation, than the key that they point to, and of which
/// nobody said that they hold it as it is written. Empty is good; none of them stops the start.
#[must_use]
pub fn apart(map: &DataMap, schemas: &BTreeMap<StoreName, Schema>) -> Vec<MapDefect> {
    let mut found = Vec::new();
    for (at, table) in map.tables() {
        for link in table.belongs_to.iter().chain(&table.refers_to).filter(|link| !link.as_written) {
            found.extend(of_link(map, schemas, &at, link));
        }
        for holder in &table.held_by {
            let link = Link::plain(at.clone(), holder.columns.clone());
            found.extend(of_link(map, schemas, &holder.by, &link));
        }
    }
    found.sort();
    found.dedup();
    found
}

/// What is apart in one link of the table `here`.
fn of_link(map: &DataMap, schemas: &BTreeMap<StoreName, Schema>, here: &TableRef, link: &Link) -> Vec<MapDefect> {
    let found_of = |at: &TableRef| schemas.get(&at.store)?.tables.get(&at.table);
    let store_of = |at: &TableRef| map.stores().get(&at.store);
    let (Some(parent), Some(found), Some(keys)) = (map.table(&link.to), found_of(here), found_of(&link.to)) else {
        return Vec::new();
    };
    let (Some(store), Some(other)) = (store_of(here), store_of(&link.to)) else { return Vec::new() };
    // Names of Redis and of a bucket are texts whatever they are made of.
    let is_name = store.kind.is_keyed() || other.kind.is_keyed();
    let is_enforced = found.foreign_keys.iter().any(|foreign| links::answers(link, parent, here, foreign));
    let pairs = link.columns.iter().zip(&parent.key);
    let pairs = pairs.filter_map(|(column, key)| Some((found.column(column)?, keys.column(key)?)));
    let defect = |column: &Column, problem: String, help: String| MapDefect {
        file: store.file.clone(),
        at: here.clone(),
        column: Some(column.name.clone()),
        problem,
        help,
    };
    pairs
        .filter_map(|(column, key)| {
            if !is_name && links::kinds_meet(key.kind, column.kind) && !is_one_kind(key.kind, column.kind) {
                let problem = format!(
                    "it is {} and links to {}.{}, which is {}: only what is written just like the key is found, and an \
                     address or a code finds nothing",
                    column.type_name, link.to, key.name, key.type_name
                );
                return Some(defect(column, problem, help(link, "give both one type")));
            }
            let is_text = column.kind == ColumnKind::Text && key.kind == ColumnKind::Text;
            let is_linked = is_enforced || here.store == link.to.store && column.compares_like(key);
            if !is_text || is_linked || !column.loose && !key.loose {
                return None;
            }
            let problem = format!(
                "it is {} and links to {}.{}, which is {}: only the same letters in the same case, with the same blanks, are found, and what \
                 the other end takes for the same stays",
                how(column),
                link.to,
                key.name,
                how(key)
            );
            Some(defect(column, problem, help(link, "give both one collation, or a foreign key")))
        })
        .collect()
}

/// Of which type a column of text is, and how it compares.
fn how(column: &Column) -> String {
    match (&column.collation, column.loose) {
        (Some(collation), _) => format!("{} in {}", column.type_name, collation.name),
        (None, true) => format!("{} that takes texts for the same which differ", column.type_name),
        (None, false) => column.type_name.clone(),
    }
}

/// What to do; a link that is right as it is can be said to be.
fn help(link: &Link, first: &str) -> String {
    let columns = match link.columns.as_slice() {
        [one] => format!("{one:?}"),
        several => format!("{several:?}"),
    };
    format!(
        "name the column that holds the key, or {first}; where it does hold the key as it is written, say so: \
         {{ columns = {columns}, as_written = true }}"
    )
}

/// Whether a database compares the two rightly by itself.
const fn is_one_kind(key: ColumnKind, column: ColumnKind) -> bool {
    use ColumnKind::{Bytes, Int, Number, Text, Uuid};
    matches!((key, column), (Int, Int | Number) | (Text, Text) | (Uuid, Uuid) | (Bytes, Bytes))
}
