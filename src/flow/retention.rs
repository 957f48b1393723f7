//! What stays in the stores after erasures, on which ground and until when. Counts only; reads our own database and nothing
//! else.

use std::collections::BTreeMap;

use jiff::civil::Date;
use serde::Serialize;

use crate::db::requests;
use crate::domain::State;
use crate::vault::KeyPurpose;

use super::error::FlowError;
use super::house::House;
use super::safe;

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

/// What is kept, what ends first first. Requests whose record was forgotten by its term are not among it.
///
/// # Errors
/// When our database does not answer.
pub async fn list(house: &House) -> Result<Vec<KeptLine>, FlowError> {
    let today = house.calendar.day(house.clock.now());
    let mut tx = house.db.read().await?;
    let mut sums = BTreeMap::new();
    for stored in requests::list(&mut tx, &[State::Completed, State::Reopened], true, u32::MAX).await? {
        if !safe::has_key(house, &mut tx, stored.request.case, KeyPurpose::Record).await? {
            continue;
        }
        for kept in safe::closing(house, &mut tx, &stored.request).await?.kept {
            let sum = sums.entry((kept.until, kept.store, kept.table, kept.ground)).or_insert((0, 0));
            *sum = (sum.0 + kept.rows, sum.1 + 1);
        }
    }
    let mut lines = Vec::with_capacity(sums.len());
    for ((until, store, table, ground), (rows, requests)) in sums {
        let over = until.is_some_and(|until: Date| until < today);
        lines.push(KeptLine { store, table, ground, until, rows, requests, over });
    }
    Ok(lines)
}
