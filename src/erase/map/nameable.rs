//! What people ask for by its name alone ("my phone number"), and the columns that stand in the way: their row holds more than that and
//! stays, and they have no mask. Such a request goes to a person.

use std::collections::{BTreeMap, BTreeSet};

use super::risk::Risk;
use super::{DataMap, MapDefect, Mask, TableRef, fit};
use crate::domain::{Scope, SubjectKind};
use crate::erase::{PlanError, Target, plan};
use crate::stores::{Key, Schema, StoreName};

/// The columns without a mask that one of these categories needs when it is asked for alone. What an account is known and reached by is
/// not among them: it stays as long as the account does.
#[must_use]
pub fn unmasked(map: &DataMap, schemas: &BTreeMap<StoreName, Schema>, nameable: &[&str]) -> Vec<Risk> {
    let mut found = BTreeMap::<(TableRef, String), &str>::new();
    let mapped = map.general_categories();
    for category in nameable.iter().filter(|category| mapped.iter().any(|mapped| mapped == *category)) {
        for subject in SubjectKind::KNOWN {
            let columns = in_the_way(map, subject, category);
            found.extend(columns.into_iter().map(|at| (at, *category)));
        }
    }
    found.into_iter().map(|((at, column), category)| told(map, schemas, &at, column, category)).collect()
}

/// Plans for that category, again and again, as if what stood in the way the last time had a mask.
fn in_the_way(map: &DataMap, subject_kind: SubjectKind, category: &str) -> BTreeSet<(TableRef, String)> {
    let mut found = BTreeSet::new();
    let Some((root, _)) = map.subjects(&subject_kind).next() else { return found };
    let TableRef { store, table } = root;
    let categories = vec![category.to_owned()];
    let target = Target { scope: Scope::Data, subject_kind, store, table, key: Key::from("any"), categories };
    let mut masked = map.clone();
    while let Err(PlanError::NoMask { at, column }) = plan(&masked, &target) {
        let mapped = masked.stores.get_mut(&at.store).and_then(|store| store.tables.get_mut(&at.table));
        let Some(mapped) = mapped else { break };
        mapped.mask.insert(column.clone(), Mask::Null);
        mapped.answers.iter_mut().for_each(|answer| drop(answer.mask.insert(column.clone(), Mask::Null)));
        if !found.insert((at, column)) {
            break;
        }
    }
    found
}

fn told(map: &DataMap, schemas: &BTreeMap<StoreName, Schema>, at: &TableRef, column: String, category: &str) -> Risk {
    let table = schemas.get(&at.store).and_then(|schema| schema.tables.get(&at.table));
    let is_nulled = table.is_some_and(|table| table.column(&column).is_some_and(|c| fit::fits(&Mask::Null, c, table)));
    let mask = if is_nulled { "\"null\"" } else { "{ constant = \"…\" }" };
    let problem = format!(
        "a request for {category:?} alone goes to a person: the row holds more and stays, and the column has no mask"
    );
    let help = format!("add it to the table's mask: {column} = {mask}");
    let file = map.stores().get(&at.store).map(|store| store.file.clone()).unwrap_or_default();
    Risk { grave: false, defect: MapDefect { file, at: at.clone(), column: Some(column), problem, help } }
}
