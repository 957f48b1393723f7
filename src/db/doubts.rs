//! The table `ledger_doubts`: that our own database may have come back from a backup, and that an operator accepted it.

use super::error::DbError;
use super::sql::{Tx, params};
use crate::domain::{Timestamp, stored_enum};

stored_enum! {
    /// By what it showed.
    Cause, "cause of a doubt" {
        /// The watermark names a leaf that the trail does not have.
        Watermark = "watermark",
        /// A store's canary is newer than what we know to have written there.
        Canary = "canary",
    }
}

/// A leaf that a watermark names and the trail lacks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MissingLeaf {
    /// Its place in the order of writing.
    pub position: i64,
    /// Its RFC 6962 leaf hash.
    pub hash: [u8; 32],
}

/// Why our own database is doubted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Doubt {
    /// By what it showed.
    pub cause: Cause,
    /// Whose canary; `None` for the watermark.
    pub store: Option<String>,
    /// The epoch that stands in the canary.
    pub epoch: Option<Timestamp>,
    /// What a watermark names; `None` for a canary.
    pub leaf: Option<MissingLeaf>,
    /// When it was noticed, on the database's own clock.
    pub noticed_at: Timestamp,
}

/// The doubts that nobody has accepted.
///
/// # Errors
/// A bad stored value names its column.
pub async fn open(tx: &mut Tx) -> Result<Vec<Doubt>, DbError> {
    let sql = "SELECT cause, store, epoch, leaf_position, leaf_hash, noticed_at FROM ledger_doubts WHERE accepted_at IS NULL ORDER BY noticed_at, id";
    let rows = tx.all(sql, params![]).await?.into_iter().map(|row| row.of("ledger_doubts"));
    rows.map(|row| {
        let leaf = row.opt_i64("leaf_position")?.zip(row.opt_array("leaf_hash")?);
        Ok(Doubt {
            cause: row.word("cause")?,
            store: row.opt_text("store")?,
            epoch: row.opt_time("epoch")?,
            leaf: leaf.map(|(position, hash)| MissingLeaf { position, hash }),
            noticed_at: row.time("noticed_at")?,
        })
    })
    .collect()
}

/// Notes a doubt, unless the same is open already. Answers whether it is the first of its kind, so that the team is told once: of
/// several daemons each has a watermark of its own.
///
/// # Errors
/// When the database does not answer.
pub async fn note(tx: &mut Tx, doubt: &Doubt, id: uuid::Uuid) -> Result<bool, DbError> {
    let mut known = open(tx).await?;
    known.retain(|known| (known.cause, &known.store) == (doubt.cause, &doubt.store));
    if known.iter().any(|known| known.leaf == doubt.leaf) {
        return Ok(false);
    }
    let sql = "INSERT INTO ledger_doubts (id, cause, store, epoch, leaf_position, leaf_hash, noticed_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7)";
    let (store, position) = (doubt.store.as_deref(), doubt.leaf.map(|leaf| leaf.position));
    let hash = doubt.leaf.map(|leaf| leaf.hash);
    tx.execute_one(sql, params![id, doubt.cause.as_str(), store, doubt.epoch, position, hash, doubt.noticed_at])
        .await?;
    Ok(known.is_empty())
}

/// Notes that an operator accepted what is open; answers how many.
///
/// # Errors
/// When the database does not answer.
pub async fn accept(tx: &mut Tx) -> Result<u64, DbError> {
    let now = tx.now().await?;
    tx.execute("UPDATE ledger_doubts SET accepted_at = $1 WHERE accepted_at IS NULL", params![now]).await
}

/// When our own database was last accepted as it is; `None` where it never was.
///
/// # Errors
/// A bad stored value names its column.
pub async fn accepted_at(tx: &mut Tx) -> Result<Option<Timestamp>, DbError> {
    let sql = "SELECT MAX(accepted_at) AS accepted_at FROM ledger_doubts";
    tx.one(sql, params![]).await?.of("ledger_doubts").opt_time("accepted_at")
}

/// Whether it was accepted that this leaf is missing. No clock is asked: one that was fast when the leaf was seen would make a
/// doubt come back after each time that it is accepted.
///
/// # Errors
/// When the database does not answer.
pub async fn is_accepted(tx: &mut Tx, leaf: MissingLeaf) -> Result<bool, DbError> {
    let sql = "SELECT COUNT(*) AS number FROM ledger_doubts
         WHERE leaf_position = $1 AND leaf_hash = $2 AND accepted_at IS NOT NULL";
    let row = tx.one(sql, params![leaf.position, leaf.hash]).await?.of("ledger_doubts");
    Ok(row.i64("number")? > 0)
}

/// The newest epoch in the canary of this store that was accepted; `None` where none was.
///
/// # Errors
/// A bad stored value names its column.
pub async fn accepted_epoch(tx: &mut Tx, store: &str) -> Result<Option<Timestamp>, DbError> {
    let sql =
        "SELECT MAX(epoch) AS epoch FROM ledger_doubts WHERE store = $1 AND cause = $2 AND accepted_at IS NOT NULL";
    tx.one(sql, params![store, Cause::Canary.as_str()]).await?.of("ledger_doubts").opt_time("epoch")
}
