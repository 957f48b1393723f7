//! The table `legal_holds`. Nothing of a hold changes but its end, and no row is ever deleted: triggers hold that.

use uuid::Uuid;

use super::error::DbError;
use super::sql::{Row, Tx, params};
use crate::verify::LegalHoldRecord;

/// Writes a hold.
///
/// # Errors
/// When the database does not answer.
pub async fn insert(tx: &mut Tx, hold: &LegalHoldRecord) -> Result<(), DbError> {
    tx.execute_one(
        "INSERT INTO legal_holds (id, kind, target_mac, reference, placed_by, placed_at, hmac)
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
        params![
            hold.id,
            hold.kind.as_str(),
            hold.target_mac,
            hold.reference.as_str(),
            hold.placed_by.to_vec(),
            hold.placed_at,
            hold.hmac
        ],
    )
    .await
}

/// Writes the end of a hold.
///
/// # Errors
/// A wrong row count where it has ended before, or never was.
pub async fn set_release(tx: &mut Tx, hold: &LegalHoldRecord) -> Result<(), DbError> {
    let sql = "UPDATE legal_holds SET released_at = $2, release_hmac = $3 WHERE id = $1 AND released_at IS NULL";
    tx.execute_one(sql, params![hold.id, hold.released_at, hold.release_hmac.map(Vec::from)]).await
}

/// All holds, the oldest first; not checked yet: `stands` does that.
///
/// # Errors
/// A bad stored value names its column.
pub async fn all(tx: &mut Tx) -> Result<Vec<LegalHoldRecord>, DbError> {
    let sql = "SELECT id, kind, target_mac, reference, placed_by, placed_at, hmac, released_at, release_hmac
        FROM legal_holds ORDER BY placed_at, id";
    tx.all(sql, params![]).await?.into_iter().map(read).collect()
}

/// The hold with this id.
///
/// # Errors
/// As [`all`].
pub async fn load(tx: &mut Tx, id: Uuid) -> Result<Option<LegalHoldRecord>, DbError> {
    Ok(all(tx).await?.into_iter().find(|hold| hold.id == id))
}

fn read(row: Row) -> Result<LegalHoldRecord, DbError> {
    let row = row.of("legal_holds");
    Ok(LegalHoldRecord {
        id: row.uuid("id")?,
        kind: row.word("kind")?,
        target_mac: row.array("target_mac")?,
        reference: row.text("reference")?,
        placed_by: row.array("placed_by")?,
        placed_at: row.time("placed_at")?,
        hmac: row.array("hmac")?,
        released_at: row.opt_time("released_at")?,
        release_hmac: row.opt_array("release_hmac")?,
    })
}
