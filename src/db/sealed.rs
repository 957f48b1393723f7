//! Sealed blobs: personal data, each under one key and bound to its own row.

use std::collections::BTreeMap;

use uuid::Uuid;

use crate::chance::{Chance, draw};
use crate::db::{DbError, Row, Tx};
use crate::domain::Timestamp;
use crate::params;
use crate::vault::{DataKey, Place, Sealed};

use super::keys;
use super::params::{ROWS_MAX, value_rows};

/// Where a blob belongs: it opens as this, in this row, and nowhere else.
const fn place(field: &str, id: Uuid) -> Place<'_> {
    Place { table: "sealed", field, row: id }
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
    put_bound(tx, key, Bound { kind, to: "" }, plain, now, chance).await
}

/// What a blob is, and what it belongs to beside its own row: it does not open for anything else, so that whoever
/// writes to the database cannot hand one chunk of keys in for another.
#[derive(Clone, Copy, Debug)]
pub struct Bound<'a> {
    /// What it is, for example `keys`.
    pub kind: &'static str,
    /// What it belongs to, in words of the program; no personal data.
    pub to: &'a str,
}

impl Bound<'_> {
    fn field(&self) -> String {
        if self.to.is_empty() { self.kind.to_owned() } else { format!("{}\0{}", self.kind, self.to) }
    }
}

/// Seals bytes that belong to something, and stores them.
///
/// # Errors
/// As [`put`].
pub async fn put_bound(
    tx: &mut Tx,
    key: &DataKey,
    bound: Bound<'_>,
    plain: &[u8],
    now: Timestamp,
    chance: &dyn Chance,
) -> Result<Uuid, DbError> {
    let ids = put_all(tx, key, &[(bound, plain)], now, chance).await?;
    ids.into_iter().next().ok_or(DbError::RowCount { expected: 1, found: 0 })
}

/// Seals several blobs and stores them; their ids are in the same order.
///
/// # Errors
/// As [`put`].
pub async fn put_all(
    tx: &mut Tx,
    key: &DataKey,
    blobs: &[(Bound<'_>, &[u8])],
    now: Timestamp,
    chance: &dyn Chance,
) -> Result<Vec<Uuid>, DbError> {
    if !keys::hold(tx, key.id()).await? {
        return Err(DbError::RowCount { expected: 1, found: 0 });
    }
    let mut ids = Vec::with_capacity(blobs.len());
    for blobs in blobs.chunks(ROWS_MAX) {
        let mut params = params![];
        for (bound, plain) in blobs {
            let id = uuid::Builder::from_random_bytes(draw(chance)).into_uuid();
            let sealed = key.seal(place(&bound.field(), id), plain, chance);
            let sealed = sealed.map_err(|error| DbError::Encode(error.into()))?;
            params.extend(params![id, key.id().as_uuid(), bound.kind, sealed.as_bytes(), now]);
            ids.push(id);
        }
        let rows = value_rows(blobs.len(), 5);
        let sql = format!("INSERT INTO sealed (id, key_id, kind, bytes, created_at) VALUES {rows}");
        let found = tx.execute(&sql, params).await?;
        if found != blobs.len() as u64 {
            return Err(DbError::RowCount { expected: blobs.len() as u64, found });
        }
    }
    Ok(ids)
}

/// One blob in clear, or `None` where it is not there or under another key.
///
/// # Errors
/// [`DbError`]; bytes that do not open are [`DbError::Stored`].
pub async fn get(tx: &mut Tx, key: &DataKey, kind: &'static str, id: Uuid) -> Result<Option<Vec<u8>>, DbError> {
    get_bound(tx, key, Bound { kind, to: "" }, id).await
}

/// One blob in clear that belongs to this, or `None` where it is not there or under another key.
///
/// # Errors
/// [`DbError`]; bytes that belong to something else do not open: [`DbError::Stored`].
pub async fn get_bound(tx: &mut Tx, key: &DataKey, bound: Bound<'_>, id: Uuid) -> Result<Option<Vec<u8>>, DbError> {
    let sql = "SELECT id, bytes FROM sealed WHERE id = $1 AND key_id = $2 AND kind = $3";
    let row = tx.optional(sql, params![id, key.id().as_uuid(), bound.kind]).await?;
    row.map(|row| opened(row, key, &bound.field()).map(|(_, plain)| plain)).transpose()
}

/// Several blobs in clear, each with what it belongs to, by their ids. One that is not there, or under another key, is missing.
///
/// # Errors
/// As [`get_bound`].
pub async fn get_all(
    tx: &mut Tx,
    key: &DataKey,
    kind: &'static str,
    wanted: &BTreeMap<Uuid, String>,
) -> Result<BTreeMap<Uuid, Vec<u8>>, DbError> {
    let sql = "SELECT id, bytes FROM sealed WHERE id = ANY($1) AND key_id = $2 AND kind = $3";
    let ids: Vec<Uuid> = wanted.keys().copied().collect();
    let mut opened_all = BTreeMap::new();
    for row in tx.all(sql, params![ids, key.id().as_uuid(), kind]).await? {
        let row = row.of("sealed");
        let to = wanted.get(&row.uuid("id")?).map(String::as_str).unwrap_or_default();
        let (id, plain) = opened(row, key, &Bound { kind, to }.field())?;
        opened_all.insert(id, plain);
    }
    Ok(opened_all)
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

/// Deletes all blobs of a kind under a key.
///
/// # Errors
/// [`DbError`] where the database does not answer.
pub async fn delete_all(tx: &mut Tx, key: &DataKey, kind: &'static str) -> Result<(), DbError> {
    tx.destroyed();
    tx.execute("DELETE FROM sealed WHERE key_id = $1 AND kind = $2", params![key.id().as_uuid(), kind]).await?;
    Ok(())
}

fn opened(row: Row, key: &DataKey, field: &str) -> Result<(Uuid, Vec<u8>), DbError> {
    let row = row.of("sealed");
    let id = row.uuid("id")?;
    let plain = key.unseal(place(field, id), &Sealed::from_bytes(row.bytes("bytes")?));
    plain.map(|plain| (id, plain)).map_err(|error| DbError::Stored {
        table: "sealed",
        column: "bytes".to_owned(),
        row: id.to_string(),
        source: error.into(),
    })
}
