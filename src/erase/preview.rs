//! A plan with counts: what would happen. Anybody may compute it, and nobody can execute it.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::discover::{EraseLimits, Finder, Found};
use super::error::EraseError;
use super::map::{DataMap, TableRef};
use super::packed::Packed;
use super::plan::Skeleton;
use crate::domain::Timestamp;
use crate::stores::{StoreName, Stores};

/// The steps with the number of rows of each.
#[derive(Clone, Debug, Serialize)]
pub struct Preview {
    /// The steps.
    pub skeleton: Skeleton,
    /// One row per step, in order.
    pub rows: Vec<PreviewRow>,
}

/// What one step would do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PreviewRow {
    /// The step's number.
    pub step: u16,
    /// The store.
    pub store: StoreName,
    /// The table.
    pub table: String,
    /// `open`, `detach`, `delete`, `mask` or `keep`.
    pub act: Cow<'static, str>,
    /// Rows.
    pub rows: u64,
    /// The ground on which they stay.
    pub ground: Option<String>,
    /// Until when they stay.
    pub until: Option<jiff::civil::Date>,
}

/// Counts what a plan would do. Writes nothing.
///
/// # Errors
/// A store that cannot be read, no such row or several, too many rows, rows to keep that have no end.
pub async fn preview(
    map: &DataMap,
    stores: &Stores,
    skeleton: Skeleton,
    limits: EraseLimits,
    now: Timestamp,
) -> Result<Preview, EraseError> {
    Ok(preview_with_people(map, stores, skeleton, limits, now).await?.0)
}

/// The keys of rows that are people or accounts, by their table. They stay in memory: a legal hold may be on one of them.
pub type People = BTreeMap<TableRef, Packed>;

/// The same, and whom the plan is about.
///
/// # Errors
/// As [`preview`].
pub async fn preview_with_people(
    map: &DataMap,
    stores: &Stores,
    skeleton: Skeleton,
    limits: EraseLimits,
    now: Timestamp,
) -> Result<(Preview, People), EraseError> {
    let schemas = super::engine::trusted_schemas(map, stores).await?;
    let finder = Finder { skeleton: &skeleton, stores, limits };
    let found = finder.find(now).await?;
    super::engine::can_blank(&skeleton, &found, &schemas)?;
    finder.placeholders(&found).await?;
    finder.can_be_remade(&found, &schemas).await?;
    // The root has no step of its own where only some of its data are named.
    let mut people = People::from([(skeleton.target.at(), Packed::from(finder.root().await?))]);
    for (set, keys) in found.sets.iter().filter(|(set, _)| set.pointing.is_none() && set.by.is_none()) {
        if skeleton.tables.iter().any(|(at, table)| *at == set.at && table.subject.is_some()) {
            let known = people.entry(set.at.clone()).or_default();
            *known = std::mem::take(known).with(keys.clone());
        }
    }
    let rows = rows(&skeleton, &found);
    Ok((Preview { skeleton, rows }, people))
}

pub(super) fn rows(skeleton: &Skeleton, found: &Found) -> Vec<PreviewRow> {
    let row = |step: &super::plan::Step| PreviewRow {
        step: step.number,
        store: step.rows.at.store.clone(),
        table: step.rows.at.table.clone(),
        act: step.act.as_str().into(),
        rows: found.sets.get(&step.rows).map_or(0, |keys| keys.len() as u64),
        ground: step.keep.as_ref().map(|keep| keep.ground.clone()),
        until: found.until.get(&step.number).copied(),
    };
    skeleton.steps.iter().map(row).collect()
}

impl Preview {
    /// Rows that would be changed or kept, each counted once.
    #[must_use]
    pub fn rows_total(&self) -> u64 {
        let prepares =
            |number: u16| self.skeleton.steps.get(usize::from(number)).is_some_and(|step| step.act.prepares());
        self.rows.iter().filter(|row| !prepares(row.step)).map(|row| row.rows).sum()
    }
}

/// How far counts may move between approval and erasure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DriftLimits {
    /// Percent of the approved rows.
    pub percent_max: u64,
    /// Rows.
    pub rows_max: u64,
}

impl Default for DriftLimits {
    fn default() -> Self {
        Self { percent_max: 10, rows_max: 100 }
    }
}

/// A count that moved too far.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Drift {
    /// The step's number, its store and table, and its act; `None` where the steps themselves differ.
    pub step: Option<(u16, String, String)>,
    /// Rows that were approved.
    pub approved: u64,
    /// Rows that there are now.
    pub found: u64,
}

/// The first step whose rows moved past both limits: by more than 10 % and by more than 100 rows as they are by
/// default, so that neither one new order of a small account nor a hundred of a million stops a request.
#[must_use]
pub fn drift(approved: &[PreviewRow], found: &[PreviewRow], limits: DriftLimits) -> Option<Drift> {
    if approved.len() != found.len() {
        return Some(Drift { step: None, approved: approved.len() as u64, found: found.len() as u64 });
    }
    approved.iter().zip(found).find_map(|(before, after)| {
        let moved = before.rows.abs_diff(after.rows);
        let too_far = moved > limits.rows_max && moved * 100 > before.rows * limits.percent_max;
        let step = || (before.step, format!("{}.{}", before.store, before.table), before.act.to_string());
        too_far.then(|| Drift { step: Some(step()), approved: before.rows, found: after.rows })
    })
}

impl fmt::Display for Drift {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { step, approved, found } = self;
        match step {
            Some((step, table, act)) => write!(f, "step {step}, {act} in {table}: {approved} rows then, {found} now"),
            None => write!(f, "{approved} steps then, {found} now"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(counts: &[u64]) -> Vec<PreviewRow> {
        let row = |(step, rows): (usize, &u64)| PreviewRow {
            step: step as u16,
            store: StoreName::new("shop").unwrap(),
            table: "t".to_owned(),
            act: "delete".into(),
            rows: *rows,
            ground: None,
            until: None,
        };
        counts.iter().enumerate().map(row).collect()
    }

    #[test]
    fn drift_needs_both_limits() {
        let limits = DriftLimits::default();
        for (before, after, drifts) in [
            (1, 101, false),
            (1, 102, true),
            (10_000, 10_900, false),
            (10_000, 11_001, true),
            (500, 0, true),
            (50, 0, false),
        ] {
            assert_eq!(drift(&rows(&[7, before]), &rows(&[7, after]), limits).is_some(), drifts, "{before} {after}");
        }
        assert!(drift(&rows(&[1]), &rows(&[1, 1]), limits).is_some());
    }
}
