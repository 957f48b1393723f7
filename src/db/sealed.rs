//! Sealed blobs: personal data, each under one key and bound to its own row.

use uuid::Uuid;

use crate::chance::{Chance, draw};
use crate::db::{DbError, Row, Tx};
use crate::domain::Timestamp;
use crate::params;
use crate::vault::{DataKey, Place, Sealed};

use super::keys;

/// Where a blob belongs: it opens as this kind, in this row, and nowhere else.
const fn place(kind: &str, id: Uuid) -> Place<'_> {
    Place { table: "sealed", field: kind, row: id }
}

/// Seals bytes under a key and stores them; the kind says what they are, for example `letter`.
///
/// # Errors
/// [`DbError`]; where the key was destroyed meanwhile, [`DbError::RowCount`].
pub async fn put(
    tx: &mut Tx,
    key: &DataKey,
    kind: &'static str,
    plain: &[u8],
    now: Timestamp,
    chance: &dyn Chance,
) -> Result<Uuid, DbError> {
    if !keys::hold(tx, key.id()).await? {
        return Err(DbError::RowCount { expected: 1, found: 0 });
    }
    let id = uuid::Builder::from_random_bytes(draw(chance)).into_uuid();
    let sealed = key.seal(place(kind, id), plain, chance).map_err(|error| DbError::Encode(error.into()))?;
    tx.execute_one(
        "INSERT INTO sealed (id, key_id, kind, bytes, created_at) VALUES ($1, $2, $3, $4, $5)",
        params![id, key.id().as_uuid(), kind, sealed.as_bytes(), now],
    )
    .await?;
    Ok(id)
}

/// One blob in clear, or `None` where it is not there or under another key.
///
/// # Errors
/// [`DbError`]; bytes that do not open are [`DbError::Stored`].
pub async fn get(tx: &mut Tx, key: &DataKey, kind: &'static str, id: Uuid) -> Result<Option<Vec<u8>>, DbError> {
    let sql = "SELECT id, bytes FROM sealed WHERE id = $1 AND key_id = $2 AND kind = $3";
    let row = tx.optional(sql, params![id, key.id().as_uuid(), kind]).await?;
    row.map(|row| opened(row, key, kind).map(|(_, plain)| plain)).transpose()
}

/// All blobs of a kind under a key, in the order of their ids, from the one after `after`, at most `limit`.
///
/// # Errors
/// [`DbError`]; bytes that do not open are [`DbError::Stored`].
pub async fn list(
    tx: &mut Tx,
    key: &DataKey,
    kind: &'static str,
    after: Option<Uuid>,
    limit: u32,
) -> Result<Vec<(Uuid, Vec<u8>)>, DbError> {
    let sql = "SELECT id, bytes FROM sealed WHERE key_id = $1 AND kind = $2 AND id > $3 ORDER BY id LIMIT $4";
    let rows = tx.all(sql, params![key.id().as_uuid(), kind, after.unwrap_or(Uuid::nil()), limit]).await?;
    rows.into_iter().map(|row| opened(row, key, kind)).collect()
}

/// Deletes a blob. `false` where it was not there.
///
/// # Errors
/// [`DbError`] where the database does not answer.
pub async fn delete(tx: &mut Tx, id: Uuid) -> Result<bool, DbError> {
    tx.destroyed();
    Ok(tx.execute("DELETE FROM sealed WHERE id = $1", params![id]).await? == 1)
}

fn opened(row: Row, key: &DataKey, kind: &str) -> Result<(Uuid, Vec<u8>), DbError> {
    let row = row.of("sealed");
    let id = row.uuid("id")?;
    let plain = key.unseal(place(kind, id), &Sealed::from_bytes(row.bytes("bytes")?));
    plain.map(|plain| (id, plain)).map_err(|error| DbError::Stored {
        table: "sealed",
        column: "bytes".to_owned(),
        row: id.to_string(),
        source: error.into(),
    })
}
