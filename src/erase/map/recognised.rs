//! Where people are recognised by more than links: tables with addresses in which nobody would be looked for by one.

use super::propose::is_address;
use super::{DataMap, NO_CATEGORY, TableMap};
use crate::stores::Table;

/// What is said of columns of a table by which nobody is recognised, though they seem to be for it: `(column, problem, help)`.
pub(super) fn unrecognised(map: &DataMap, mapped: &TableMap, found: &Table) -> Vec<(String, String, String)> {
    let is_by_link = mapped.subject.is_none() && mapped.shape.is_none();
    if !is_by_link || mapped.belongs_to.is_empty() && mapped.held_by.is_empty() {
        return Vec::new();
    }
    let subjects = map.tables().filter(|(_, table)| table.subject.is_some());
    let known: Vec<(&String, &String)> = subjects.flat_map(|(_, table)| &table.identify).collect();
    let mut said = Vec::new();
    for (what, column) in mapped.identify.iter().filter(|(what, _)| !known.iter().any(|(known, _)| known == what)) {
        let problem = format!("no data subject is identified by {what:?}, so that nobody is looked for here");
        said.push((column.clone(), problem, "call it as under identify of the subject's table".to_owned()));
    }
    // Whoever is known by no address is looked for by none.
    let Some((what, _)) = known.iter().find(|(_, column)| is_address(column)) else { return said };
    let is_said = |name: &String| {
        mapped.identify.values().any(|column| column == name)
            || mapped.is_linked(name)
            || mapped.categories.get(name).is_none_or(|category| category == NO_CATEGORY)
    };
    for column in found.columns.iter().map(|column| &column.name).filter(|name| is_address(name) && !is_said(name)) {
        let problem = "the table is searched by its links alone: an address that is written here without one (by a trigger, by an import) is not seen";
        let help = format!("add identify = {{ {what} = {column:?} }}, and an index on it where the table is large");
        said.push((column.clone(), problem.to_owned(), help));
    }
    said
}
