//! The table `holds`: that a request was held, and that its hold was lifted. Triggers hold that nothing of a hold changes but
//! its release, and that a held request goes nowhere before that.

use super::error::DbError;
use super::sql::{Tx, params};
use crate::domain::RequestId;
use crate::verify::{HoldRecord, ReleaseRecord};

/// Writes a hold that `verify` placed.
///
/// # Errors
/// When the database does not answer.
pub async fn insert(tx: &mut Tx, hold: &HoldRecord) -> Result<(), DbError> {
    tx.execute_one(
        "INSERT INTO holds (request_id, number, held_by, held_at, hmac) VALUES ($1, $2, $3, $4, $5)",
        params![hold.request, hold.number, hold.by.as_str(), hold.held_at, hold.hmac],
    )
    .await
}

/// Writes the end of a hold, over whatever was written there.
///
/// # Errors
/// A wrong row count when there is no such hold.
pub async fn set_release(tx: &mut Tx, hold: &HoldRecord) -> Result<(), DbError> {
    tx.execute_one(
        "UPDATE holds SET released_at = $3, release_hmac = $4 WHERE request_id = $1 AND number = $2",
        params![
            hold.request,
            hold.number,
            hold.release.map(|release| release.released_at),
            hold.release.map(|release| Vec::from(release.hmac))
        ],
    )
    .await
}

/// The holds of a request, oldest first, not checked yet: `verify` does that.
///
/// # Errors
/// A bad stored value names its column.
pub async fn of_request(tx: &mut Tx, request: RequestId) -> Result<Vec<HoldRecord>, DbError> {
    let rows = tx
        .all(
            "SELECT request_id, number, held_by, held_at, hmac, released_at, release_hmac FROM holds
             WHERE request_id = $1 ORDER BY number",
            params![request],
        )
        .await?;
    let read = rows.into_iter().map(|row| {
        let row = row.of("holds");
        let release = row.opt_time("released_at")?.zip(row.opt_array("release_hmac")?);
        Ok(HoldRecord {
            request: RequestId::from_uuid(row.uuid("request_id")?),
            number: row.u32("number")?,
            by: row.word("held_by")?,
            held_at: row.time("held_at")?,
            hmac: row.array("hmac")?,
            release: release.map(|(released_at, hmac)| ReleaseRecord { released_at, hmac }),
        })
    });
    read.collect()
}
