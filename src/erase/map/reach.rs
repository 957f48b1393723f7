//! Does every table of somebody's data lie below a data subject? What nothing leads to is never found, and silently
//! kept.

use std::collections::{BTreeMap, BTreeSet};

use super::{DataMap, MapDefect, TableRef};
use crate::domain::SubjectKind;

/// The tables whose rows are, or at any depth belong to, data subjects of these kinds.
fn below(map: &DataMap, wanted: impl Fn(&SubjectKind) -> bool) -> BTreeSet<TableRef> {
    let mut children = BTreeMap::<&TableRef, Vec<TableRef>>::new();
    let mut next = Vec::new();
    for (at, table) in map.tables() {
        for link in &table.belongs_to {
            children.entry(&link.to).or_default().push(at.clone());
        }
        for holder in &table.held_by {
            children.entry(&holder.by).or_default().push(at.clone());
        }
        if table.subject.as_ref().is_some_and(&wanted) {
            next.push(at);
        }
    }
    let mut reached = BTreeSet::new();
    while let Some(at) = next.pop() {
        if reached.insert(at.clone()) {
            next.extend(children.get(&at).into_iter().flatten().cloned());
        }
    }
    reached
}

/// Whose rows the tables hold: the kinds of the subjects that they belong to.
pub(super) fn subjects_of(map: &DataMap) -> BTreeMap<TableRef, BTreeSet<SubjectKind>> {
    let mut of = BTreeMap::<TableRef, BTreeSet<SubjectKind>>::new();
    for kind in map.kinds() {
        for at in below(map, |subject| subject == kind) {
            of.entry(at).or_default().insert(kind.clone());
        }
    }
    of
}

/// Tables that belong to something, which in the end belongs to nobody.
pub(super) fn unreached(map: &DataMap, defects: &mut Vec<MapDefect>) {
    let reached = below(map, |_| true);
    let lost = map.tables().filter(|(at, table)| {
        let only_points = table.belongs_to.is_empty() && table.held_by.is_empty() && table.personal().next().is_none();
        !reached.contains(at) && !table.is_nobodys() && !only_points
    });
    defects.extend(lost.map(|(at, table)| {
        // The reader lets a table stand that only points to somebody; what is personal in it then stays.
        let (problem, help) = if table.belongs_to.is_empty() && table.held_by.is_empty() {
            ("it only refers to others, and its rows and what is personal in them would stay", "use belongs_to")
        } else {
            ("what it belongs to belongs to no subject", "let it, or what it belongs to, lead to a subject")
        };
        MapDefect {
            file: map.stores().get(&at.store).map(|store| store.file.clone()).unwrap_or_default(),
            at,
            column: None,
            problem: problem.to_owned(),
            help: help.to_owned(),
        }
    }));
}
