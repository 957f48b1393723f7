//! Rows that a completed erasure left on a ground, and the plan that erases them when their time is over.
//!
//! By then years have passed. The request is forgotten, the map is another one, and the row may have been deleted and its key given
//! again. So what is remembered of it is little: its key, the ground and the end that the person was told. What happens to it is what
//! the map of *then* says of rows past keeping; and whether its time is over is asked of the row itself, when it is looked at and once
//! more right before the act. A row that was written under a key since then has a later end, and is left alone.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::discover::{EraseLimits, Finder};
use super::error::{EraseError, PlanError};
use super::graph::Graph;
use super::map::{DataMap, Keep, Mask, TableMap};
use super::plan::{Act, KeySet, Skeleton, Step, Target, digest};
use super::planner::Planner;
use crate::domain::Scope;
use crate::stores::{Key, Stores};

/// Rows of one table that stay on one ground.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Keeping {
    /// The rows, as the plan had them.
    pub rows: KeySet,
    /// The columns of their keys, in order.
    pub key: Vec<String>,
    /// Why, and until when, as the person was told.
    pub keep: Keep,
    /// The columns that were kept of named categories; `None` where the person or account went as a whole.
    pub columns: Option<Vec<String>>,
}

/// Rows of one [`Keeping`], told apart by their own ends.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ends {
    /// Their time is over.
    pub over: Vec<Key>,
    /// They stay.
    pub staying: Vec<Key>,
    /// The last day of the staying row that stays shortest.
    pub first: Option<Date>,
    /// The last day of the staying row that stays longest.
    pub last: Option<Date>,
}

impl Keeping {
    /// What the steps of a plan keep on a ground.
    #[must_use]
    pub fn all_of(skeleton: &Skeleton) -> Vec<Self> {
        let kept = skeleton.steps.iter().filter(|step| !step.rows.ended);
        kept.filter_map(|step| {
            let keep = step.keep.clone()?;
            let key = skeleton.table(&step.rows.at)?.key.clone();
            Some(Self { rows: step.rows.clone(), key, keep, columns: columns(skeleton, step) })
        })
        .collect()
    }

    /// The ground and the end that count by now: what the person was told, or the map of today where it lets go sooner. A law may
    /// shorten a period; that rows stay longer than the person was told is a legal hold's to say.
    fn of_today(&self, table: &TableMap) -> Keep {
        let today = self.variant(table).keep.map(|keep| keep.until);
        let sooner = today.filter(|until| {
            let told = &self.keep.until;
            until.column == told.column && until.unit == told.unit && until.count < told.count
        });
        Keep { until: sooner.unwrap_or_else(|| self.keep.until.clone()), ..self.keep.clone() }
    }

    /// The answer of the table that these rows have by now: the one with their ground, or any.
    fn variant(&self, table: &TableMap) -> TableMap {
        let mut variants = table.variants().into_iter().map(|(_, variant)| variant);
        let same = |variant: &TableMap| variant.keep.as_ref().is_some_and(|keep| keep.ground == self.keep.ground);
        variants.find(same).unwrap_or_else(|| table.clone())
    }
}

/// What was kept of named categories: the columns that the rows lose when their time is over.
fn columns(skeleton: &Skeleton, kept: &Step) -> Option<Vec<String>> {
    let past = KeySet { ended: true, ..kept.rows.clone() };
    let step = skeleton.steps.iter().find(|step| step.rows == past)?;
    match &step.act {
        Act::Blank(columns) if skeleton.target.scope == Scope::Data => Some(columns.keys().cloned().collect()),
        _ => None,
    }
}

/// The plan that erases rows whose time is over. `target` is what was erased; its row is gone, and its key is not part of the plan.
///
/// # Errors
/// [`PlanError`] where the map has no such table any more, or another key for it.
pub fn plan_past_keeping(map: &DataMap, target: &Target, keepings: &[Keeping]) -> Result<Skeleton, PlanError> {
    let target = Target { key: Key(Vec::new()), ..target.clone() };
    let tables: BTreeSet<_> = keepings.iter().map(|keeping| &keeping.rows.at).collect();
    let graph = Graph::of(map, |at| tables.contains(at));
    let mut planner = Planner::of(map, &target, &graph);
    for keeping in keepings {
        let at = &keeping.rows.at;
        let table = map.table(at).ok_or_else(|| PlanError::UnknownTable { at: at.clone() })?;
        if table.key != keeping.key {
            return Err(PlanError::KeyShape { at: at.clone() });
        }
        let variant = keeping.variant(table);
        planner.ended(&keeping.rows, &variant, keeping.columns.as_deref(), keeping.of_today(table));
    }
    let steps = planner.steps;
    let tables = tables.into_iter().filter_map(|at| Some((at.clone(), map.table(at)?.clone()))).collect();
    let skeleton = Skeleton { target, finds: Vec::new(), steps, tables, digest: [0; 32] };
    let digest = digest(&skeleton)?;
    Ok(Skeleton { digest, ..skeleton })
}

/// Tells rows whose time is over from those that stay, by what they hold now. Rows that are gone are neither.
///
/// # Errors
/// A store that does not answer; [`EraseError::NoEnd`] where rows have no end that can be read.
pub async fn ends(
    skeleton: &Skeleton,
    stores: &Stores,
    limits: EraseLimits,
    (step, keys): (&Step, Vec<Key>),
    today: Date,
) -> Result<Ends, EraseError> {
    let Some(keep) = &step.past else { return Ok(Ends::default()) };
    let at = &step.rows.at;
    let finder = Finder { skeleton, stores, limits };
    let (mut ends, mut unreadable) = (Ends::default(), 0);
    for (key, end) in finder.ends(at, keep, &keys.into_iter().collect()).await? {
        match end {
            Some(end) if end < today => ends.over.push(key),
            Some(end) => {
                ends.staying.push(key);
                ends.first = Some(ends.first.map_or(end, |first| first.min(end)));
                ends.last = ends.last.max(Some(end));
            }
            None => unreadable += 1,
        }
    }
    if unreadable > 0 {
        return Err(EraseError::NoEnd { at: at.clone(), column: keep.until.column.clone(), rows: unreadable });
    }
    Ok(ends)
}

/// The masks of named columns of rows that have no ground to stay.
pub(super) fn blanks(table: &TableMap, columns: &[String]) -> BTreeMap<String, Option<Mask>> {
    let known = columns.iter().filter(|column| table.categories.contains_key(*column));
    let says_how = |mask: &&Mask| !mask.is_remade() && !matches!(mask, Mask::Detach | Mask::Reown(_));
    let mask = |column: &String| table.mask.get(column).filter(says_how).cloned();
    known.map(|column| (column.clone(), mask(column))).collect()
}
