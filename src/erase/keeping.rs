//! Rows that a completed erasure left on a ground, and the plan that erases them when their time is over.
//!
//! By then years have passed. The request is forgotten, the map is another one, and the row may have been deleted and its key given
//! again. So what is remembered of a row is its key and its end, and of its table the ground and the end that the person was told. What
//! happens to it is what the map of *then* says of rows past keeping.
//!
//! Whether its time is over is asked of the row itself, when it is looked at and once more right before the act. A row that has a later
//! end than the one that was kept, or that leads to somebody again whom it had let go of, is somebody else's by now as far as anybody can
//! tell: a person has to look.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::blank;
use super::discover::{EraseLimits, Finder};
use super::engine::trusted_schemas;
use super::error::{EraseError, PlanError};
use super::graph::Graph;
use super::map::{DataMap, Keep, Mask, TableMap, TableRef};
use super::plan::{Act, KeySet, Skeleton, Step, Target, digest};
use super::planner::Planner;
use crate::domain::Scope;
use crate::stores::{Key, Stores, Table};

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

/// A row that stays: its key, and its last day where that was read already.
pub type KeptRow = (Key, Option<Date>);

/// Rows of one [`Keeping`], told apart by their own ends. Rows that are gone are in none of these.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ends {
    /// Their time is over.
    pub over: Vec<Key>,
    /// The last day of the one of those that stayed longest.
    pub over_on: Option<Date>,
    /// They stay, until these days.
    pub staying: Vec<KeptRow>,
    /// Nobody can tell whether they are the rows that were kept.
    pub doubtful: Vec<KeptRow>,
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
/// [`PlanError`] where the map has no such table or column any more, or another key for it.
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
        planner.ended(&keeping.rows, &variant, keeping.columns.as_deref(), keeping.of_today(table))?;
    }
    let steps = planner.steps;
    let tables = tables.into_iter().filter_map(|at| Some((at.clone(), map.table(at)?.clone()))).collect();
    let skeleton = Skeleton { target, finds: Vec::new(), steps, tables, digest: [0; 32] };
    let digest = digest(&skeleton)?;
    Ok(Skeleton { digest, ..skeleton })
}

/// Tells rows whose time is over from those that stay, by what they hold now.
///
/// # Errors
/// A store that does not answer; [`EraseError::NoEnd`] where rows have no end that can be read.
pub async fn ends(
    skeleton: &Skeleton,
    stores: &Stores,
    limits: EraseLimits,
    (step, rows): (&Step, Vec<KeptRow>),
    today: Date,
) -> Result<Ends, EraseError> {
    let Some(keep) = &step.past else { return Ok(Ends::default()) };
    let at = &step.rows.at;
    let finder = Finder { skeleton, stores, limits };
    let keys: Vec<Key> = rows.iter().map(|(key, _)| key.clone()).collect();
    let led = led_back(&finder, step, &keys).await?;
    let known: BTreeMap<Key, Option<Date>> = rows.into_iter().collect();
    let (mut ends, mut unreadable) = (Ends::default(), 0);
    for (key, end) in finder.ends(at, keep, &keys).await? {
        let before = known.get(&key).copied().flatten();
        match end {
            None => unreadable += 1,
            // A map that lets go sooner than it did makes every end sooner; a later one is another row's.
            Some(end) if before.is_some_and(|before| end > before) || led.contains(&key) => {
                ends.doubtful.push((key, before.or(Some(end))));
            }
            Some(end) if end < today => {
                ends.over.push(key);
                ends.over_on = ends.over_on.max(Some(end));
            }
            Some(end) => ends.staying.push((key, Some(end))),
        }
    }
    if unreadable > 0 {
        return Err(EraseError::NoEnd { at: at.clone(), column: keep.until.column.clone(), rows: unreadable });
    }
    Ok(ends)
}

/// Rows that had let go of what was erased, and lead to something again.
async fn led_back(finder: &Finder<'_>, step: &Step, keys: &[Key]) -> Result<BTreeSet<Key>, EraseError> {
    let at = &step.rows.at;
    let table = finder.table(at)?;
    let emptied = |column: &String| matches!(table.mask.get(column), Some(Mask::Null | Mask::Detach));
    let mut columns: Vec<String> =
        table.belongs_to.iter().flat_map(|link| &link.columns).filter(|c| emptied(c)).cloned().collect();
    columns.sort();
    columns.dedup();
    // Where named categories were erased, the person is still there, and the rows lead to them.
    if columns.is_empty() || finder.skeleton.target.scope == Scope::Data {
        return Ok(BTreeSet::new());
    }
    let rows = finder.read(at, table, &columns, keys).await?;
    Ok(rows.into_iter().filter(|(_, values)| values.iter().any(Option::is_some)).map(|(key, _)| key).collect())
}

/// Checks that the map is true of the stores, and that what is over can be erased by it. Asked before anything is begun: what is begun
/// goes by the map of that day.
///
/// # Errors
/// [`EraseError::Defects`], [`EraseError::NoBlank`]; a store that does not answer.
pub async fn can_begin(map: &DataMap, stores: &Stores, skeleton: &Skeleton) -> Result<(), EraseError> {
    let schemas = trusted_schemas(map, stores).await?;
    for step in &skeleton.steps {
        if let Act::Blank(columns) = &step.act {
            let at = &step.rows.at;
            let table = schemas.get(&at.store).and_then(|schema| schema.tables.get(&at.table));
            blank::masks(at, table.unwrap_or(&Table::default()), columns)?;
        }
    }
    Ok(())
}

/// Checks that the map is true of the stores.
///
/// # Errors
/// [`EraseError::Defects`]; a store that does not answer.
pub async fn trusted(map: &DataMap, stores: &Stores) -> Result<(), EraseError> {
    trusted_schemas(map, stores).await.map(|_| ())
}

/// The masks of named columns of rows that have no ground to stay.
pub(super) fn blanks(
    at: &TableRef,
    table: &TableMap,
    columns: &[String],
) -> Result<BTreeMap<String, Option<Mask>>, PlanError> {
    let says_how = |mask: &&Mask| !mask.is_remade() && !matches!(mask, Mask::Detach | Mask::Reown(_));
    let mut blanks = BTreeMap::new();
    for column in columns {
        if !table.categories.contains_key(column) {
            return Err(PlanError::NoMask { at: at.clone(), column: column.clone() });
        }
        blanks.insert(column.clone(), table.mask.get(column).filter(says_how).cloned());
    }
    Ok(blanks)
}
