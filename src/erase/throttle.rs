//! How much of a store's time an erasing takes: it rests after each chunk, and waits while the store lags behind.
//!
//! Chunks are short transactions of their own (`rows_per_chunk`), so that nobody waits for more than one of them.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::engine::Run;
use super::error::EraseError;
use super::map::{StoreMap, TableRef};
use crate::stores::{Lookup, LookupRow, StoreError, Stores};

/// Between two looks at the lag.
const LOOK_AGAIN: Duration = Duration::from_secs(1);
/// So many looks, and then the work is given back and comes again later: no worker waits for a replica all night.
const LOOKS_MAX: u32 = 30;
/// A rest is never longer, however slow the chunk was.
const REST_MAX: Duration = Duration::from_secs(10);

/// Begins a chunk once the store has caught up; answers when it began.
pub(super) async fn begin(run: &Run<'_>, at: &TableRef) -> Result<Instant, EraseError> {
    let throttle = run.map.stores().get(&at.store).and_then(|store| store.throttle.as_ref());
    if let Some((query, max)) = throttle.and_then(|throttle| Some((throttle.lag.as_ref()?, throttle.lag_max))) {
        let mut looks = 0;
        while lag(run.stores, at, query).await? > max {
            looks += 1;
            if looks >= LOOKS_MAX {
                return Err(EraseError::Lagging { at: at.clone() });
            }
            sleep(LOOK_AGAIN).await;
        }
    }
    Ok(Instant::now())
}

/// Rests after a chunk.
pub(super) async fn end(run: &Run<'_>, at: &TableRef, began: Instant) {
    let throttle = run.map.stores().get(&at.store).and_then(|store| store.throttle.as_ref());
    let Some(percent) = throttle.map(|throttle| throttle.rest_percent).filter(|percent| *percent > 0) else { return };
    sleep(rest(began.elapsed(), percent)).await;
}

/// Whether anything may be waited for between two chunks of a store.
pub(super) fn waits(run: &Run<'_>, at: &TableRef) -> bool {
    let throttle = run.map.stores().get(&at.store).and_then(|store| store.throttle.as_ref());
    throttle.is_some_and(|throttle| throttle.lag.is_some() || throttle.rest_percent > 0)
}

fn rest(worked: Duration, percent: u32) -> Duration {
    (worked.saturating_mul(percent) / 100).min(REST_MAX)
}

/// What the configured query answers: a number in its one row, or NULL or no row where nothing follows the store.
async fn lag(stores: &Stores, at: &TableRef, query: &str) -> Result<f64, EraseError> {
    let lookup = stores.lookup(&at.store).map_err(EraseError::store(at))?;
    let rows = lookup.lookup(query, &[]).await.map_err(EraseError::store(at))?;
    number(&rows).ok_or_else(|| EraseError::NoLag { at: at.clone() })
}

/// Why the configured query tells no lag.
#[derive(Debug, thiserror::Error)]
pub enum LagError {
    /// The store does not take it.
    #[error("the store does not take the query of [store.throttle] lag")]
    Store(#[from] StoreError),
    /// It answers other columns than one.
    #[error("the query of [store.throttle] lag answers {0} columns, and must answer one")]
    Columns(usize),
    /// It answers no number.
    #[error("the query of [store.throttle] lag must answer one row with one number, NULL, or no row")]
    NoNumber,
}

/// Runs the configured query once, in a transaction that only reads where the store has such; `None` where the map has none.
///
/// # Errors
/// [`LagError`].
pub async fn try_lag(store: &StoreMap, lookup: &dyn Lookup) -> Result<Option<f64>, LagError> {
    let Some(query) = store.throttle.as_ref().and_then(|throttle| throttle.lag.as_ref()) else { return Ok(None) };
    match lookup.describe(query, &[]).await?.len() {
        1 => {}
        other => return Err(LagError::Columns(other)),
    }
    let rows = lookup.lookup(query, &[]).await?;
    number(&rows).map(Some).ok_or(LagError::NoNumber)
}

fn number(rows: &[LookupRow]) -> Option<f64> {
    match rows {
        [] => Some(0.0),
        [row] if row.len() == 1 => match row.values().next()? {
            None => Some(0.0),
            Some(text) => text.trim().parse().ok().filter(|lag: &f64| lag.is_finite()),
        },
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rest_is_a_share_of_the_work_and_has_an_end() {
        let of = |millis, percent| rest(Duration::from_millis(millis), percent).as_millis();
        assert_eq!([of(100, 100), of(100, 50), of(100, 300), of(60_000, 100)], [100, 50, 300, 10_000]);
    }

    #[test]
    fn a_lag_is_one_number_and_nothing_else() {
        let row = |value: Option<&str>| LookupRow::from([("lag".to_owned(), value.map(str::to_owned))]);
        assert_eq!(number(&[]), Some(0.0));
        assert_eq!(number(&[row(None)]), Some(0.0));
        assert_eq!(number(&[row(Some(" 2.5 "))]), Some(2.5));
        for wrong in [vec![row(Some("soon"))], vec![row(Some("NaN"))], vec![row(Some("1")), row(Some("2"))]] {
            assert_eq!(number(&wrong), None);
        }
    }
}
