//! The table `canaries`: the epoch that was last written into each store that has a canary.

use super::error::DbError;
use super::sql::{Tx, params};
use crate::domain::Timestamp;

/// What was written into a store's canary.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Canary {
    /// The last epoch that surely stands there.
    pub epoch: Timestamp,
    /// The epoch that was about to be written, and may stand there.
    pub next: Timestamp,
}

/// What was written into the canary of a store; `None` before the first time.
///
/// # Errors
/// A bad stored value names its column.
pub async fn load(tx: &mut Tx, store: &str) -> Result<Option<Canary>, DbError> {
    let row = tx.optional("SELECT epoch, next_epoch FROM canaries WHERE store = $1", params![store]).await?;
    row.map(|row| {
        let row = row.of("canaries");
        Ok(Canary { epoch: row.time("epoch")?, next: row.time("next_epoch")? })
    })
    .transpose()
}

/// Notes what is about to be written.
///
/// # Errors
/// When the database does not answer.
pub async fn intend(tx: &mut Tx, store: &str, next: Timestamp) -> Result<(), DbError> {
    tx.execute_one(
        "INSERT INTO canaries (store, epoch, next_epoch) VALUES ($1, $2, $3)
         ON CONFLICT (store) DO UPDATE SET next_epoch = excluded.next_epoch",
        params![store, Timestamp::from_micros(0), next],
    )
    .await
}

/// Notes that it was written. A later one stays.
///
/// # Errors
/// A wrong row count where nothing was intended.
pub async fn written(tx: &mut Tx, store: &str, epoch: Timestamp) -> Result<(), DbError> {
    let sql = "UPDATE canaries SET epoch = CASE WHEN epoch > $2 THEN epoch ELSE $2 END WHERE store = $1";
    tx.execute_one(sql, params![store, epoch]).await
}
