//! What came of an erasure, as the letter and the trail tell it.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use serde::Serialize;

use super::ledger::StepCounts;
use super::map::NO_CATEGORY;
use super::plan::{Act, Skeleton, Step};
use crate::stores::StoreName;

/// What came of every step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Outcome {
    /// Rows per step, in order.
    pub steps: Vec<StepOutcome>,
    /// The same per store, table and category. A row counts once in each of its categories.
    pub lines: Vec<Line>,
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

/// What came of one category of one table.
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
    pub(super) fn of(skeleton: &Skeleton, counts: &[StepCounts], until: &BTreeMap<u16, Date>) -> Self {
        let pairs = || skeleton.steps.iter().zip(counts);
        let steps = pairs().map(|(step, counts)| StepOutcome {
            step: step.number,
            store: step.rows.at.store.clone(),
            table: step.rows.at.table.clone(),
            act: step.act.as_str(),
            counts: *counts,
        });
        let shown = pairs().filter(|(step, counts)| !step.act.prepares() || counts.residue > 0);
        let lines = shown.flat_map(|(step, counts)| lines(step, *counts, until.get(&step.number).copied()));
        Self { steps: steps.collect(), lines: lines.collect() }
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
fn lines(step: &Step, counts: StepCounts, until: Option<Date>) -> Vec<Line> {
    let mut categories: BTreeSet<&str> =
        step.erases.iter().chain(&step.keeps).chain(&step.pseudonyms).map(String::as_str).collect();
    // Only what is not theirs and lets go is told as "of others".
    let detached = if matches!(step.act, Act::LetGo(_)) { counts.detached } else { 0 };
    if categories.is_empty() || detached > 0 {
        categories.insert(NO_CATEGORY);
    }
    let line = |category: &str| {
        let erases = step.erases.iter().any(|erased| erased == category);
        let keeps = step.keeps.iter().any(|kept| kept == category);
        let ground = step.keep.as_ref().filter(|_| keeps && counts.kept > 0);
        // What a category has of a code it has not lost, whatever else of it is gone.
        let coded = step.pseudonyms.iter().any(|coded| coded == category);
        let masked = if erases && !coded { counts.masked } else { 0 };
        Line {
            store: Some(step.rows.at.store.clone()),
            table: step.rows.at.table.clone(),
            category: category.to_owned(),
            erased: if erases { counts.erased } else { 0 },
            masked: if step.anonymous { 0 } else { masked },
            anonymised: if step.anonymous { masked } else { 0 },
            pseudonymised: if coded { counts.masked } else { 0 },
            detached: if category == NO_CATEGORY { detached } else { 0 },
            kept: ground
                .map(|keep| Kept { rows: counts.kept, ground: keep.ground.clone(), until })
                .into_iter()
                .collect(),
            not_found: counts.not_found,
            residue: counts.residue,
        }
    };
    categories.into_iter().map(line).collect()
}
