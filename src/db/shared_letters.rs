//! The table `shared_letters`: the requests that a letter belongs to beside that of its row in `deliveries`.
//!
//! A letter that names several addresses of its writer has a request for each; it leaves the mailbox with the last of them
//! (see [`deliveries::to_expunge`](super::deliveries::to_expunge)).

use super::error::DbError;
use super::sql::{Tx, params};
use crate::domain::{DeliveryId, Reference, RequestId};

/// A letter belongs to this request as well; a second time changes nothing.
///
/// # Errors
/// When the database does not answer.
pub async fn add(tx: &mut Tx, letter: DeliveryId, request: RequestId) -> Result<(), DbError> {
    let sql = "INSERT INTO shared_letters (delivery_id, request_id) VALUES ($1, $2) ON CONFLICT DO NOTHING";
    tx.execute(sql, params![letter.as_uuid(), request]).await.map(drop)
}

/// The letters that opened a request, or repeat it, belong to another one as well.
///
/// # Errors
/// When the database does not answer.
pub async fn share(tx: &mut Tx, of: RequestId, with: RequestId) -> Result<(), DbError> {
    let sql = "INSERT INTO shared_letters (delivery_id, request_id)
               SELECT id, $2 FROM deliveries WHERE disposition IN ('opened','joined','duplicate')
                 AND (request_id = $1 OR id IN (SELECT delivery_id FROM shared_letters WHERE request_id = $1))
               ON CONFLICT DO NOTHING";
    tx.execute(sql, params![of, with]).await.map(drop)
}

/// The same bytes under another UID belong to all that the first belongs to.
///
/// # Errors
/// When the database does not answer.
pub async fn follow(tx: &mut Tx, twin: DeliveryId, letter: DeliveryId) -> Result<(), DbError> {
    let sql = "INSERT INTO shared_letters (delivery_id, request_id)
               SELECT $2, request_id FROM shared_letters WHERE delivery_id = $1 ON CONFLICT DO NOTHING";
    tx.execute(sql, params![twin.as_uuid(), letter.as_uuid()]).await.map(drop)
}

/// The other requests that the letters of this one belong to, the oldest first.
///
/// # Errors
/// A bad stored value names its column.
pub async fn beside(tx: &mut Tx, request: RequestId) -> Result<Vec<Reference>, DbError> {
    let sql = "WITH mine AS (SELECT id FROM deliveries WHERE request_id = $1
                             UNION SELECT delivery_id FROM shared_letters WHERE request_id = $1)
               SELECT reference FROM requests WHERE id <> $1
                 AND (id IN (SELECT request_id FROM deliveries WHERE id IN (SELECT id FROM mine))
                   OR id IN (SELECT request_id FROM shared_letters WHERE delivery_id IN (SELECT id FROM mine)))
               ORDER BY opened_at, id";
    tx.all(sql, params![request]).await?.iter().map(|row| row.word("reference")).collect()
}
