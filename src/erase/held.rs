//! What a legal hold stops: the steps on the rows that are held, and those on the rows that these belong or point to. Pure.

use std::collections::BTreeSet;

use super::map::TableRef;
use super::plan::{Skeleton, Step};

/// The held tables, and all above them: a row that stays must not lose what it belongs to.
pub(super) fn above(skeleton: &Skeleton, mut held: BTreeSet<TableRef>) -> BTreeSet<TableRef> {
    loop {
        let links = skeleton
            .tables
            .iter()
            .filter(|(at, _)| held.contains(at))
            .flat_map(|(_, table)| table.belongs_to.iter().chain(&table.refers_to).map(|link| link.to.clone()));
        let more: Vec<TableRef> = links.filter(|to| !held.contains(to)).collect();
        if more.is_empty() {
            return held;
        }
        held.extend(more);
    }
}

/// The steps of a plan that wait while these tables are held, by their numbers.
#[must_use]
pub fn waiting(skeleton: &Skeleton, held: BTreeSet<TableRef>) -> BTreeSet<u16> {
    let held = above(skeleton, held);
    skeleton.steps.iter().filter(|step| waits(step, &held)).map(|step| step.number).collect()
}

/// Whether a step waits: its rows are held, or would let go of rows that are.
pub(super) fn waits(step: &Step, held: &BTreeSet<TableRef>) -> bool {
    held.contains(&step.rows.at) || step.rows.pointing.as_ref().is_some_and(|link| held.contains(&link.to))
}
