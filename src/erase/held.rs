//! What a legal hold stops: the steps on the rows that are held, and those on the rows that these belong or point to. Pure.

use std::collections::{BTreeMap, BTreeSet};

use uuid::Uuid;

use super::map::TableRef;
use super::plan::{Skeleton, Step};

/// The held tables of a plan, each with the legal holds that stand on it.
pub type HeldTables = BTreeMap<TableRef, BTreeSet<Uuid>>;

/// The held tables, and all above them: a row that stays must not lose what it belongs to.
pub(super) fn above(skeleton: &Skeleton, mut held: HeldTables) -> HeldTables {
    loop {
        let mut grown = held.clone();
        for (at, table) in &skeleton.tables {
            let Some(holds) = held.get(at) else { continue };
            for link in table.belongs_to.iter().chain(&table.refers_to) {
                grown.entry(link.to.clone()).or_default().extend(holds);
            }
        }
        if grown == held {
            return held;
        }
        held = grown;
    }
}

/// The steps of a plan that wait while these tables are held, by their numbers.
#[must_use]
pub fn waiting(skeleton: &Skeleton, held: BTreeSet<TableRef>) -> BTreeSet<u16> {
    let held = above(skeleton, held.into_iter().map(|at| (at, BTreeSet::new())).collect());
    skeleton.steps.iter().filter(|step| waits(step, &held).is_some()).map(|step| step.number).collect()
}

/// What a step waits for: its rows are held, or would let go of rows that are.
pub(super) fn waits<'a>(step: &Step, held: &'a HeldTables) -> Option<&'a BTreeSet<Uuid>> {
    let pointing = || held.get(&step.rows.pointing.as_ref()?.to);
    held.get(&step.rows.at).or_else(pointing)
}
