//! How a column is emptied that the map does not mask: NULL where it may be NULL, otherwise a value that says nothing.

use std::collections::BTreeMap;

use super::error::EraseError;
use super::map::{Mask, TableRef};
use super::tombstone;
use crate::stores::{Column, ColumnKind, Table};

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
