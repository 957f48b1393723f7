//! What came of an erasure, as the letter and the trail tell it.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use serde::Serialize;

use super::act::Done;
use super::ledger::StepCounts;
use super::map::NO_CATEGORY;
use super::plan::{Act, Skeleton, Step};
use crate::stores::StoreName;

/// What came of every step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Outcome {
    /// Rows per step, in order.
    pub steps: Vec<StepOutcome>,
    /// The same per store, table and category. A row counts once in each category that it held something of.
    pub lines: Vec<Line>,
    /// What stays on a ground, per step; a row counts once.
    pub kept: Vec<KeptRows>,
}

/// Rows of one table that stay.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct KeptRows {
    /// The store.
    pub store: StoreName,
    /// The table.
    pub table: String,
    /// How many, why and until when.
    pub kept: Kept,
}

/// What came of one step, in rows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct StepOutcome {
    /// The step's number.
    pub step: u16,
    /// The store.
    pub store: StoreName,
    /// The table.
    pub table: String,
    /// `open`, `detach`, `delete`, `mask` or `keep`.
    pub act: &'static str,
    /// The rows.
    pub counts: StepCounts,
}

/// What came of one category of one table. Of deleted and masked rows, and of those that stay, these count that held something
/// of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Line {
    /// The store; `None` in a line over several.
    pub store: Option<StoreName>,
    /// The table; empty in a line over several.
    pub table: String,
    /// The category, or `none` for rows that say nothing of the person by themselves.
    pub category: String,
    /// Rows deleted.
    pub erased: u64,
    /// Rows that stay with the category masked, and may still tell whose they were.
    pub masked: u64,
    /// Rows that stay with the category masked, and in which nothing tells whose they were.
    pub anonymised: u64,
    /// Rows that stay with a code in the place of the category, by which the person is still told apart.
    pub pseudonymised: u64,
    /// Rows of others that let go of what was deleted.
    pub detached: u64,
    /// Rows that stay on a ground.
    pub kept: Vec<Kept>,
    /// Rows that were gone before we came.
    pub not_found: u64,
    /// Rows still there without a ground.
    pub residue: u64,
}

/// Rows that stay.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Kept {
    /// How many.
    pub rows: u64,
    /// Why.
    pub ground: String,
    /// The last day, of the row that stays longest.
    pub until: Option<Date>,
}

impl Outcome {
    pub(super) fn of(skeleton: &Skeleton, done: &[Done], until: &BTreeMap<u16, Date>) -> Self {
        let pairs = || skeleton.steps.iter().zip(done);
        let steps = pairs().map(|(step, done)| StepOutcome {
            step: step.number,
            store: step.rows.at.store.clone(),
            table: step.rows.at.table.clone(),
            act: step.act.as_str(),
            counts: done.counts,
        });
        let end = |step: &Step| until.get(&step.number).copied();
        let shown = pairs().filter(|(step, done)| !step.act.prepares() || done.counts.residue > 0);
        let lines = shown.flat_map(|(step, done)| lines(step, done, end(step)));
        let kept = pairs().filter_map(|(step, done)| {
            let ground = step.keep.as_ref().filter(|_| done.counts.kept > 0)?.ground.clone();
            Some(KeptRows {
                store: step.rows.at.store.clone(),
                table: step.rows.at.table.clone(),
                kept: Kept { rows: done.counts.kept, ground, until: end(step) },
            })
        });
        Self { steps: steps.collect(), lines: lines.collect(), kept: kept.collect() }
    }

    /// Whether nothing is left that has no ground to stay. Only then may "completed" be said.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.steps.iter().all(|step| step.counts.residue == 0)
    }

    /// Whether nothing at all was found. What was found and was gone before we came was held, and backups may hold it still.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.steps.iter().all(|step| {
            let StepCounts { erased, masked, detached, kept, not_found, residue } = step.counts;
            erased + masked + detached + kept + not_found + residue == 0
        })
    }

    /// The stores that the steps of the plan were carried out in: no other was looked into for the target.
    #[must_use]
    pub fn searched(&self) -> BTreeSet<&StoreName> {
        self.steps.iter().map(|step| &step.store).collect()
    }

    /// The stores in which rows of the target were found, with backups that hold them for a while.
    #[must_use]
    pub fn stores(&self) -> BTreeSet<&StoreName> {
        let found = |step: &&StepOutcome| step.counts != StepCounts::default();
        self.steps.iter().filter(found).map(|step| &step.store).collect()
    }

    /// Rows in all, each counted once.
    #[must_use]
    pub fn totals(&self) -> StepCounts {
        let mut totals = StepCounts::default();
        self.steps.iter().for_each(|step| totals.add(step.counts));
        totals
    }

    /// The lines of the letter: one per category, over all stores.
    #[must_use]
    pub fn by_category(&self) -> Vec<Line> {
        let mut categories = BTreeMap::<&str, Line>::new();
        for line in &self.lines {
            let sum = categories.entry(&line.category).or_default();
            sum.category.clone_from(&line.category);
            sum.erased += line.erased;
            sum.masked += line.masked;
            sum.anonymised += line.anonymised;
            sum.pseudonymised += line.pseudonymised;
            sum.detached += line.detached;
            sum.not_found += line.not_found;
            sum.residue += line.residue;
            for kept in &line.kept {
                match sum.kept.iter_mut().find(|known| known.ground == kept.ground) {
                    Some(known) => {
                        known.rows += kept.rows;
                        known.until = known.until.max(kept.until);
                    }
                    None => sum.kept.push(kept.clone()),
                }
            }
        }
        categories.into_values().collect()
    }
}

/// One line per category of a step. What is about the row and not about a category stands with the first.
fn lines(step: &Step, done: &Done, until: Option<Date>) -> Vec<Line> {
    let Done { counts, holding } = done;
    let mut categories: BTreeSet<&str> =
        step.erases.iter().chain(&step.keeps).chain(&step.pseudonyms).map(String::as_str).collect();
    // Only what is not theirs and lets go is told as "of others".
    let detached = if matches!(step.act, Act::LetGo(_)) { counts.detached } else { 0 };
    // What stays is told, though there be nothing in it of what could be.
    let nothing_in_it = counts.kept > 0 && holding.kept.values().all(|rows| *rows == 0);
    if categories.is_empty() || detached > 0 || nothing_in_it {
        categories.insert(NO_CATEGORY);
    }
    let rows_of = |all: &BTreeMap<String, u64>, category: &str| all.get(category).copied().unwrap_or(0);
    let line = |category: &str| {
        let erases = step.erases.iter().any(|erased| erased == category);
        let rows = match category {
            NO_CATEGORY if nothing_in_it => counts.kept,
            _ => rows_of(&holding.kept, category),
        };
        let ground = step.keep.as_ref().filter(|_| rows > 0);
        let gone = rows_of(&holding.gone, category);
        // What a category has of a code it has not lost, whatever else of it is gone.
        let coded = step.pseudonyms.iter().any(|coded| coded == category);
        let masked = if erases && !coded { gone.min(counts.masked) } else { 0 };
        Line {
            store: Some(step.rows.at.store.clone()),
            table: step.rows.at.table.clone(),
            category: category.to_owned(),
            erased: if erases { gone.min(counts.erased) } else { 0 },
            masked: if step.anonymous { 0 } else { masked },
            anonymised: if step.anonymous { masked } else { 0 },
            pseudonymised: if coded { gone.min(counts.masked) } else { 0 },
            detached: if category == NO_CATEGORY { detached } else { 0 },
            kept: ground.map(|keep| Kept { rows, ground: keep.ground.clone(), until }).into_iter().collect(),
            not_found: counts.not_found,
            residue: counts.residue,
        }
    };
    categories.into_iter().map(line).collect()
}
