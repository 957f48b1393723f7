//! What can stop an erasure. Names tables and counts, never a key and never a value.

use crate::domain::{Retry, Scope};
use crate::stores::StoreError;

use super::ledger::LedgerError;
use super::map::TableRef;

/// Why a target has no plan. Nothing was read and nothing was written.
#[derive(Debug, thiserror::Error, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum PlanError {
    /// The target's table is not in the map.
    #[error("{at} is not mapped")]
    UnknownTable {
        /// The table.
        at: TableRef,
    },
    /// The row is another kind of subject than the scope asks for.
    #[error("a row of {at} is not what the scope {scope} erases")]
    WrongSubject {
        /// The table.
        at: TableRef,
        /// The scope.
        scope: Scope,
    },
    /// The root's key has another number of values than the map's.
    #[error("the key does not fit {at}")]
    KeyShape {
        /// The table.
        at: TableRef,
    },
    /// Categories were named without the scope `data`, or none with it.
    #[error("the scope data needs categories, and no other scope takes them")]
    Categories,
    /// No column has this category.
    #[error("no column of the data map has the category {category:?}")]
    UnknownCategory {
        /// The category.
        category: String,
    },
    /// Nothing of the target has one of the named categories.
    #[error("nothing below {at} has one of the named categories")]
    NothingNamed {
        /// The root's table.
        at: TableRef,
    },
    /// A named column cannot be masked and the row cannot be deleted.
    #[error("{at}.{column} has no mask, so that its category cannot be erased alone; add one to the data map")]
    NoMask {
        /// The table.
        at: TableRef,
        /// The column.
        column: String,
    },
    /// Links that run in a circle and are not let go of.
    #[error("the links of {at} run in a circle")]
    Circle {
        /// A table of the circle.
        at: TableRef,
    },
    /// The authority permits another plan.
    #[error("the authority was given for another plan")]
    OtherPlan,
    /// The plan could not be written canonically.
    #[error("the plan has no canonical form")]
    Canonical,
}

/// Why an erasure stopped. What was done is recorded, and running it again goes on from there.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EraseError {
    /// The plan does not hold.
    #[error("the plan does not hold")]
    Plan(#[from] PlanError),
    /// The data map is another one than the plan was made from.
    #[error("the data map changed after the plan was approved")]
    MapChanged,
    /// The map names a table that is not there any more.
    #[error("{at} is not mapped")]
    NotMapped {
        /// The table.
        at: TableRef,
    },
    /// The stores are not what the map says. Nothing was written.
    #[error("the data map is not true of the stores: {} defects, the first: {}", defects.len(), defects.first().map(ToString::to_string).unwrap_or_default())]
    Defects {
        /// All of them.
        defects: Vec<super::map::MapDefect>,
    },
    /// A store failed.
    #[error("{at}: the store failed")]
    Store {
        /// The table that it was about.
        at: TableRef,
        /// What happened.
        source: StoreError,
    },
    /// What was done could not be recorded, or what was recorded not read.
    #[error("the ledger failed")]
    Ledger(#[from] LedgerError),
    /// More rows than one subject may have in a store. Nothing was written.
    #[error("{at}: more than {max} rows belong to the target")]
    TooManyRows {
        /// The table.
        at: TableRef,
        /// The limit.
        max: u64,
    },
    /// The number of rows is not the one that was approved. Nothing was written.
    #[error("the rows are not those that were approved")]
    Drift(super::preview::Drift),
    /// Rows that are kept have no start, so that there is no end to name. Nothing was written.
    #[error("{at}: {rows} rows that would be kept have no readable {column}, so that there is no end of keeping")]
    NoEnd {
        /// The table.
        at: TableRef,
        /// The column that keeping is counted from.
        column: String,
        /// How many rows.
        rows: u64,
    },
    /// Every row's retention is over, so that there is no ground to keep it. Nothing was written.
    #[error("{at}: the period of keeping ended on {end}; the rows must go another way than by this plan")]
    RetentionEnded {
        /// The table.
        at: TableRef,
        /// The last day.
        end: jiff::civil::Date,
    },
    /// Told to stop between two chunks.
    #[error("stopped between two chunks; running it again goes on")]
    Stopped,
}

impl EraseError {
    /// Whether running it again may go through.
    #[must_use]
    pub fn retry(&self) -> Retry {
        match self {
            Self::Store { source, .. } => source.retry(),
            Self::Ledger(error) => error.retry,
            Self::Stopped => Retry::Transient,
            _ => Retry::Permanent,
        }
    }

    pub(super) fn store(at: &TableRef) -> impl FnOnce(StoreError) -> Self + use<> {
        let at = at.clone();
        move |source| Self::Store { at, source }
    }
}
