//! How many rows held something of a category: what a letter counts. A row whose column is NULL held nothing of it, and whoever
//! never gave a telephone number is not told that one was erased.
//!
//! It is asked with the counts of a chunk before the first act on it, in the same statements, and kept with them: afterwards the
//! rows do not tell any more. A category of which a column is a link counts all rows of its step: an earlier step may have let go
//! of it, and by it they were found. So does what a chunk did not ask that an older version began.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::ledger::{Before, StepCounts};
use super::map::{NO_CATEGORY, TableMap};
use super::plan::{Act, Step};
use crate::stores::{Assignment, RowStore, Select, StoreError};

/// Rows per category that hold something of it: at least one column that is not NULL.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Holding {
    /// Of what the act takes from the rows; what a mask had made before counts no second time.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub gone: BTreeMap<String, u64>,
    /// Of what stays in them on a ground.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub kept: BTreeMap<String, u64>,
}

impl Holding {
    /// Whether there is nothing to tell.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.gone.is_empty() && self.kept.is_empty()
    }

    pub(super) fn add(&mut self, other: Self) {
        for (sum, more) in [(&mut self.gone, other.gone), (&mut self.kept, other.kept)] {
            for (category, rows) in more {
                *sum.entry(category).or_default() += rows;
            }
        }
    }

    /// The same for every category of a step, and of no more rows than came of it.
    pub(super) fn told(&self, step: &Step, counts: StepCounts) -> Self {
        let of = |asked: &BTreeMap<String, u64>, categories: &mut dyn Iterator<Item = &String>, all: u64| {
            categories
                .map(|category| (category.clone(), asked.get(category).map_or(all, |rows| (*rows).min(all))))
                .collect()
        };
        let went = counts.erased + counts.masked; // a step does one of them
        Self {
            gone: of(&self.gone, &mut step.erases.iter().chain(&step.pseudonyms), went),
            kept: of(&self.kept, &mut step.keeps.iter(), counts.kept),
        }
    }
}

/// The columns of each category that a store is asked for.
#[derive(Default)]
pub(super) struct Groups {
    gone: BTreeMap<String, Vec<String>>,
    kept: BTreeMap<String, Vec<String>>,
}

impl Groups {
    /// What a step's rows are asked for.
    pub(super) fn of(step: &Step, table: &TableMap) -> Self {
        let masked = |column: &str| match &step.act {
            Act::Mask(columns) => columns.contains_key(column),
            Act::Blank(columns) => columns.contains_key(column),
            Act::Delete => true,
            Act::Open(_) | Act::LetGo(_) | Act::Cut(_) | Act::Keep => false,
        };
        let coded = |category: &str| step.pseudonyms.iter().any(|coded| coded == category);
        let mut groups = Self::default();
        for category in step.erases.iter().chain(&step.pseudonyms).filter(|category| *category != NO_CATEGORY) {
            let columns = columns(table, category);
            let by_link = columns.iter().any(|column| table.is_linked(column));
            let columns: Vec<String> = columns.into_iter().filter(|column| masked(column)).collect();
            if !by_link && !columns.is_empty() {
                groups.gone.insert(category.clone(), columns);
            }
        }
        for category in step.keeps.iter().filter(|category| *category != NO_CATEGORY) {
            let stays = |column: &String| !table.is_linked(column) && (!masked(column) || coded(category));
            let columns: Vec<String> = columns(table, category).into_iter().filter(stays).collect();
            if !columns.is_empty() {
                groups.kept.insert(category.clone(), columns);
            }
        }
        groups
    }

    /// The rows of a chunk before the act that gives them these values: as many statements as without the categories.
    pub(super) async fn before(
        &self,
        store: &dyn RowStore,
        select: Select<'_>,
        assignments: &[Assignment],
    ) -> Result<Before, StoreError> {
        let masks = !assignments.is_empty();
        let gone = || self.gone.iter().filter(|_| !masks);
        let columns: Vec<Vec<String>> = gone().chain(&self.kept).map(|(_, columns)| columns.clone()).collect();
        let here = store.tally(select, &[], &columns).await?;
        let mut asked = here.holding.into_iter();
        let mut gone: BTreeMap<String, u64> =
            gone().map(|(category, _)| category.clone()).zip(asked.by_ref()).collect();
        let kept = self.kept.keys().cloned().zip(asked).collect();
        let mut changing = here.rows;
        if masks {
            let columns: Vec<Vec<String>> = self.gone.values().cloned().collect();
            let differing = store.tally(select, assignments, &columns).await?;
            gone = self.gone.keys().cloned().zip(differing.holding).collect();
            changing = differing.rows;
        }
        Ok(Before { present: here.rows, changing, holding: Holding { gone, kept } })
    }
}

fn columns(table: &TableMap, category: &str) -> Vec<String> {
    table.personal().filter(|(_, of)| *of == category).map(|(column, _)| column.to_owned()).collect()
}
