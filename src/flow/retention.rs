//! What stays in the stores after erasures, on which ground and until when; and its end.
//!
//! When a request is completed, the keys of what stays are sealed once more (`remember`), under a key of the case that outlives the
//! others. A job per case looks at those rows (`look`) and has them erased when their own time is over. Who asked to hear of that is
//! told (`notice`).

use std::collections::BTreeMap;

use jiff::civil::Date;
use serde::Serialize;

use crate::db::{Tx, jobs, kept};
use crate::queue::Lease;

use super::error::FlowError;
use super::house::House;

mod look;
mod notice;
mod remember;
mod sorted;
mod trouble;

pub(super) use look::look;
pub use notice::tell_at_end;
pub(super) use notice::{is_wanted, keep, letter, waits};
pub(super) use remember::{Found, found, remember};

/// Ends a job that ended its worker each time, or could not be done for another reason: a person is told, and the case is looked at
/// again by another job (`due`).
pub(super) async fn died(house: &House, tx: &mut Tx, lease: &Lease, error: &FlowError) -> Result<(), FlowError> {
    trouble::tell(house, tx, look::case_of(lease)?, error).await?;
    Ok(())
}

/// Jobs that are made at once.
const JOBS_MAX: u32 = 1_000;

/// Makes the job of every case whose day has passed and that has none: it runs for years, and must not be lost.
pub(super) async fn due(house: &House, tx: &mut Tx) -> Result<(), FlowError> {
    let now = house.clock.now();
    let jobs: Vec<_> = kept::due(tx, now, JOBS_MAX).await?.into_iter().map(|case| remember::job(case, now)).collect();
    jobs::enqueue(tx, &jobs, now, &*house.chance).await?;
    Ok(())
}

/// Cases that are listed at once.
const CASES_MAX: u32 = 1_000_000;

/// Rows of one table that stay on one ground until one day.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct KeptLine {
    /// The store.
    pub store: String,
    /// The table.
    pub table: String,
    /// The ground, as the letters name it.
    pub ground: String,
    /// The last day of the row that stays longest.
    pub until: Option<Date>,
    /// How many rows.
    pub rows: u64,
    /// Of how many requests.
    pub requests: u64,
    /// Whether that day has passed: the ground is gone, and the rows should be.
    pub over: bool,
}

/// What is kept, what ends first first, as it was when its rows were looked at last.
///
/// # Errors
/// When our database does not answer.
pub async fn list(house: &House) -> Result<Vec<KeptLine>, FlowError> {
    let today = house.calendar.day(house.clock.now());
    let mut tx = house.db.read().await?;
    let mut sums = BTreeMap::new();
    for record in kept::all(&mut tx, CASES_MAX).await? {
        let Some(key) = remember::key(house, &mut tx, record.case).await? else { continue };
        for set in remember::remainder(&mut tx, &key).await?.sets.into_iter().filter(|set| set.rows > 0) {
            let at = set.keeping.rows.at;
            let line = (set.until, at.store.to_string(), at.table, set.keeping.keep.ground);
            let sum = sums.entry(line).or_insert((0, 0));
            *sum = (sum.0 + set.rows, sum.1 + 1);
        }
    }
    let mut lines = Vec::with_capacity(sums.len());
    for ((until, store, table, ground), (rows, requests)) in sums {
        let over = until.is_some_and(|until: Date| until < today);
        lines.push(KeptLine { store, table, ground, until, rows, requests, over });
    }
    Ok(lines)
}
