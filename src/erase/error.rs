//! What can stop an erasure. Names tables and counts, never a key and never a value.

use std::collections::BTreeSet;

use uuid::Uuid;

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
    /// The data map is another one than the plan was made from. Nothing was written.
    #[error("the data map changed after the plan was approved, and nothing was found under it yet")]
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
    /// What follows the store is too far behind; the work waits for it.
    #[error("{at}: what follows the store is behind by more than its map lets pass ([store.throttle] lag_max)")]
    Lagging {
        /// The table.
        at: TableRef,
    },
    /// The query for the lag answered no number.
    #[error("{at}: the query of [store.throttle] lag must answer one row with one number")]
    NoLag {
        /// The table.
        at: TableRef,
    },
    /// More rows than one subject may have in a store. Nothing was written.
    #[error(
        "{at}: more than {max} rows belong to the target; look at the plan with 'expunged plan --rows-max' and agree to it with 'expunged apply'"
    )]
    TooManyRows {
        /// The table.
        at: TableRef,
        /// The limit.
        max: u64,
    },
    /// The number of rows is not the one that was approved. Nothing was written.
    #[error("the rows are not those that were approved ({0})")]
    Drift(super::preview::Drift),
    /// Rows that are kept have no start, so that there is no end to name. Nothing was written.
    #[error("{at}: {} no readable {column}, so that there is no end of keeping", rows_that(*rows, "that would be kept has", "that would be kept have"))]
    NoEnd {
        /// The table.
        at: TableRef,
        /// The column that keeping is counted from.
        column: String,
        /// How many rows.
        rows: u64,
    },
    /// A row whose period of keeping is over has a column that nothing meaningless fits into. Nothing was written.
    #[error(
        "{at}.{column}: rows whose period of keeping is over cannot let go of it; give the column a mask in the data map"
    )]
    NoBlank {
        /// The table.
        at: TableRef,
        /// The column.
        column: String,
    },
    /// The row that is to be erased is not there, or is more than one. Nothing was written.
    #[error("{at}: {rows} rows have the key of the target, where exactly one must")]
    NotOneRoot {
        /// The table.
        at: TableRef,
        /// How many there are: none, or at least this many.
        rows: u64,
    },
    /// Rows hold a word of which the map does not say what it means. Nothing was written.
    #[error(
        "{at}.{column}: {} a word that the data map does not know; add it to words, or to a when, and fill it where it is empty",
        rows_that(*rows, "holds", "hold")
    )]
    UnknownWord {
        /// The table.
        at: TableRef,
        /// The column.
        column: String,
        /// How many rows.
        rows: u64,
    },
    /// Rows hold values that their mask cannot be made of: no date, no JSON, a document of another shape
    /// than its paths, a text that a pattern makes longer and longer.
    #[error(
        "{at}.{column}: {} something that the mask of the data map cannot be made of: no date, no JSON, JSON of \
         another shape than the paths say, or a text that the pattern makes longer and longer; look in {at} for such a {column} of the person and correct it, or give the column \
         another mask",
        rows_that(*rows, "holds", "hold")
    )]
    Unmade {
        /// The table.
        at: TableRef,
        /// The column.
        column: String,
        /// How many rows.
        rows: u64,
    },
    /// Rows would be given to a placeholder that is not there. Nothing was written.
    #[error("{at}: the placeholder that {by}.{column} is to point to is not there")]
    NoPlaceholder {
        /// The table that lacks it.
        at: TableRef,
        /// The table whose rows would point to it.
        by: TableRef,
        /// The column.
        column: String,
    },
    /// The placeholder is among the rows that are to be erased. Nothing was written.
    #[error("{at}: a row that stands for nobody is among those to be erased")]
    PlaceholderErased {
        /// The table.
        at: TableRef,
    },
    /// The saved keys are not those that were found: somebody changed them.
    #[error("the saved keys of {set} are not those that were found")]
    SavedKeys {
        /// The set of rows.
        set: String,
    },
    /// Rows are found by their link and not by their own key. Nothing was written.
    #[error(
        "{at}: {} keys that find nothing: what is stored there is of another type than the column says; \
         store those keys in the column's own type",
        rows_that(*rows, "has", "have")
    )]
    NotByKey {
        /// The table.
        at: TableRef,
        /// How many rows.
        rows: u64,
    },
    /// A legal hold stands on the table, the person or the account. What else was to be done is done.
    #[error("{at}: a legal hold stands; this waits until it is lifted")]
    Held {
        /// The table whose step waits.
        at: TableRef,
        /// The holds that it waits for, by their ids.
        holds: BTreeSet<Uuid>,
    },
    /// New rows that hold on to what is to be deleted came as fast as they were found.
    #[error("{at}: new rows hold on to the rows that are to be deleted")]
    HeldOn {
        /// The table whose rows could not be deleted.
        at: TableRef,
    },
}

/// `1 row holds`, `2 rows hold`.
pub(crate) fn rows_that(count: u64, does: &str, do_so: &str) -> String {
    if count == 1 { format!("1 row {does}") } else { format!("{count} rows {do_so}") }
}

impl EraseError {
    /// Whether running it again may go through.
    #[must_use]
    pub fn retry(&self) -> Retry {
        match self {
            Self::Store { source, .. } => source.retry(),
            Self::Ledger(error) => error.retry,
            // Rows that are inserted right now: the next run finds those as well.
            Self::HeldOn { .. } | Self::Lagging { .. } => Retry::Transient,
            _ => Retry::Permanent,
        }
    }

    /// Whether a store could not be reached, or did not answer in time, or a legal hold stands: the work waits for the end
    /// of that, however long.
    #[must_use]
    pub fn is_away(&self) -> bool {
        match self {
            Self::Store { source, .. } => source.retry() == Retry::Transient,
            Self::Held { .. } | Self::Lagging { .. } => true,
            _ => false,
        }
    }

    /// The table and, where one is known, the column that it is about. Names of the map, never a value.
    #[must_use]
    pub fn place(&self) -> Option<(&TableRef, Option<&str>)> {
        match self {
            Self::NotMapped { at }
            | Self::Store { at, .. }
            | Self::TooManyRows { at, .. }
            | Self::NotOneRoot { at, .. }
            | Self::NotByKey { at, .. }
            | Self::NoPlaceholder { at, .. }
            | Self::PlaceholderErased { at }
            | Self::Held { at, .. }
            | Self::Lagging { at }
            | Self::NoLag { at }
            | Self::HeldOn { at } => Some((at, None)),
            Self::NoEnd { at, column, .. }
            | Self::NoBlank { at, column }
            | Self::UnknownWord { at, column, .. }
            | Self::Unmade { at, column, .. } => Some((at, Some(column))),
            Self::Defects { defects } => defects.first().map(|defect| (&defect.at, defect.column.as_deref())),
            _ => None,
        }
    }

    pub(super) fn store(at: &TableRef) -> impl FnOnce(StoreError) -> Self + use<> {
        let at = at.clone();
        move |source| Self::Store { at, source }
    }
}
