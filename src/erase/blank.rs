//! How a column is emptied that the map does not mask: NULL where it may be NULL, otherwise a value that says nothing.

use std::collections::BTreeMap;

use super::error::EraseError;
use super::map::{DataMap, Link, MapDefect, Mask, Rule, TableMap, TableRef};
use super::tombstone;
use crate::stores::{Column, ColumnKind, Schema, StoreName, Table};

/// The masks of rows that stay without a ground.
///
/// # Errors
/// [`EraseError::NoBlank`] for a column that nothing meaningless fits into.
pub(super) fn masks(
    at: &TableRef,
    found: &Table,
    columns: &BTreeMap<String, Option<Mask>>,
) -> Result<BTreeMap<String, Mask>, EraseError> {
    let one = |(name, mask): (&String, &Option<Mask>)| {
        let mask = mask.clone().or_else(|| found.column(name).and_then(|column| empty(found, column)));
        let mask = mask.ok_or_else(|| EraseError::NoBlank { at: at.clone(), column: name.clone() })?;
        Ok((name.clone(), mask))
    };
    columns.iter().map(one).collect()
}

/// What no map may promise: personal columns of kept rows that nothing could empty when their time is over. With each whether every
/// such row stops by it, or only where named categories are asked for (the row then stays, and otherwise goes as a whole).
#[must_use]
pub fn unblankable(map: &DataMap, schemas: &BTreeMap<StoreName, Schema>) -> Vec<(bool, MapDefect)> {
    let mut defects = Vec::new();
    for (at, table) in map.tables() {
        let Some(found) = schemas.get(&at.store).and_then(|schema| schema.tables.get(&at.table)) else { continue };
        let points_here = |link: &Link| link.to == at;
        let hangs = map.tables().any(|(_, t)| t.belongs_to.iter().chain(&t.refers_to).any(points_here));
        let file = map.stores().get(&at.store).map(|store| store.file.clone()).unwrap_or_default();
        let mut told = std::collections::BTreeSet::new();
        for (_, variant) in table.variants() {
            let always = variant.erase != Rule::Keep || hangs;
            for column in stuck(&variant, found) {
                if told.insert(column.clone()) {
                    let problem =
                        "the row is kept, and when its time is over nothing that says nothing fits into this column";
                    let help = "mask it (mask = { … = { constant = \"…\" } }), or let the column be NULL in the store";
                    let (file, at, column) = (file.clone(), at.clone(), Some(column));
                    defects.push((always, MapDefect { file, at, column, problem: problem.into(), help: help.into() }));
                }
            }
        }
    }
    defects
}

/// The personal columns of a table's kept rows that have no mask for their end, and that cannot be emptied.
fn stuck(table: &TableMap, found: &Table) -> Vec<String> {
    if table.keep.is_none() {
        return Vec::new();
    }
    let personal = table.personal().map(|(column, _)| column).filter(|column| !table.is_linked(column));
    let unmasked = personal.filter(|column| table.mask.get(*column).is_none_or(Mask::is_remade));
    let cannot = |name: &&str| found.column(name).is_some_and(|column| empty(found, column).is_none());
    unmasked.filter(cannot).map(str::to_owned).collect()
}

fn empty(found: &Table, column: &Column) -> Option<Mask> {
    let unique = found.is_in_unique(&column.name);
    match column.kind {
        _ if column.generated => None,
        _ if column.nullable => Some(Mask::Null),
        ColumnKind::Text if column.length_max.is_none_or(|length| length >= tombstone::LENGTH_MIN) => {
            Some(Mask::Tombstone)
        }
        ColumnKind::Text if !unique => Some(Mask::Constant(String::new())),
        ColumnKind::Int | ColumnKind::Number if !unique => Some(Mask::Constant("0".to_owned())),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stores::StoreName;

    fn emptied(kind: ColumnKind, nullable: bool, length_max: Option<u32>, unique: bool) -> Option<Mask> {
        let column = Column {
            name: "c".to_owned(),
            type_name: String::new(),
            compare_type: String::new(),
            range: None,
            loose: false,
            kind,
            nullable,
            length_max,
            collation: None,
            generated: false,
        };
        let uniques = if unique { vec![vec!["c".to_owned()]] } else { Vec::new() };
        let table = Table { columns: vec![column], uniques, ..Table::default() };
        let at = TableRef { store: StoreName::new("shop").unwrap(), table: "t".to_owned() };
        let columns = BTreeMap::from([("c".to_owned(), None)]);
        masks(&at, &table, &columns).ok().and_then(|masks| masks.get("c").cloned())
    }

    #[test]
    fn a_column_is_emptied_as_far_as_its_type_lets_it() {
        let constant = |text: &str| Some(Mask::Constant(text.to_owned()));
        assert_eq!(emptied(ColumnKind::Time, true, None, false), Some(Mask::Null));
        assert_eq!(emptied(ColumnKind::Text, false, None, true), Some(Mask::Tombstone));
        assert_eq!(emptied(ColumnKind::Text, false, Some(10), false), constant(""));
        assert_eq!(emptied(ColumnKind::Int, false, None, false), constant("0"));
        assert_eq!(emptied(ColumnKind::Int, false, None, true), None);
        assert_eq!(emptied(ColumnKind::Time, false, None, false), None, "no date is nobody's");
    }
}
