//! The table `suppressions`: keyed HMACs of the identities of who was erased, for importers; never the identities.

use std::collections::BTreeSet;

use super::error::DbError;
use super::sql::{Tx, params};
use crate::domain::Timestamp;

/// Adds identities, by one statement. One that is there already stays for the longer of both terms.
///
/// # Errors
/// When the database does not answer.
pub async fn add(tx: &mut Tx, macs: &BTreeSet<String>, until: Timestamp) -> Result<(), DbError> {
    // A list is read as rows; that each is there once is what ON CONFLICT asks for in PostgreSQL.
    let sql = tx.dialect().pick(
        "INSERT INTO suppressions (mac, until) SELECT value, $2 FROM json_each($1) WHERE true
         ON CONFLICT (mac) DO UPDATE SET
           until = CASE WHEN suppressions.until > excluded.until THEN suppressions.until ELSE excluded.until END",
        "INSERT INTO suppressions (mac, until) SELECT value, $2 FROM unnest($1) AS value
         ON CONFLICT (mac) DO UPDATE SET
           until = CASE WHEN suppressions.until > excluded.until THEN suppressions.until ELSE excluded.until END",
    );
    if !macs.is_empty() {
        tx.execute(sql, params![macs.iter().cloned().collect::<Vec<_>>(), until]).await?;
    }
    Ok(())
}

/// Which of these are on the list.
///
/// # Errors
/// When the database does not answer.
pub async fn known(tx: &mut Tx, macs: &[&str], now: Timestamp) -> Result<Vec<String>, DbError> {
    let rows = tx.all("SELECT mac FROM suppressions WHERE mac = ANY($1) AND until > $2", params![macs, now]).await?;
    rows.iter().map(|row| row.text("mac")).collect()
}

/// Takes those off the list whose term is over; answers how many.
///
/// # Errors
/// When the database does not answer.
pub async fn forget(tx: &mut Tx, now: Timestamp) -> Result<u64, DbError> {
    tx.execute("DELETE FROM suppressions WHERE until <= $1", params![now]).await
}
