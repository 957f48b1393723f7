//! The tables `discoveries`, `saved_keys` and `steps`: what an erasure found, saved, intends and did.
//!
//! A step's row is bound to its authority, account and plan by a composite foreign key, and triggers refuse one whose
//! request is not erasing under them: the gate of the house in the database.

use serde::Serialize;
use serde_json::Value;
use uuid::Uuid;

use super::error::DbError;
use super::sql::{Row, Tx, params};
use crate::domain::{AuthorityId, RequestId, Timestamp};

/// Which erasure is meant: a plan of a request, under an authority for an account.
#[derive(Clone, Copy, Debug)]
pub struct Bound {
    /// The request.
    pub request: RequestId,
    /// What permits it.
    pub authority: AuthorityId,
    /// HMAC of the account.
    pub account_mac: [u8; 32],
    /// The plan.
    pub plan_digest: [u8; 32],
}

/// What a step is, for people and for the row.
#[derive(Clone, Copy, Debug)]
pub struct StepName<'a> {
    /// Its place in the plan.
    pub sequence: u16,
    /// The store.
    pub store: &'a str,
    /// The table.
    pub table: &'a str,
    /// `open`, `detach`, `delete`, `mask` or `keep`.
    pub action: &'a str,
}

/// A step as people look at it.
#[derive(Clone, Debug, Serialize)]
pub struct StepRow {
    /// Its place in the plan.
    pub sequence: u32,
    /// The store.
    pub store: String,
    /// The table.
    pub table: String,
    /// What it does.
    pub action: String,
    /// `intended` or `read_back`.
    pub state: String,
    /// What came of it.
    pub counts: Option<Value>,
}

/// What was found, if discovery was completed.
///
/// # Errors
/// When the database does not answer.
pub async fn discovery(tx: &mut Tx, bound: Bound) -> Result<Option<Value>, DbError> {
    let sql = "SELECT found FROM discoveries WHERE request_id = $1 AND plan_digest = $2";
    let row = tx.optional(sql, params![bound.request, bound.plan_digest]).await?;
    row.map(|row| row.of("discoveries").json("found")).transpose()
}

/// Marks discovery as complete.
///
/// # Errors
/// When the database does not answer.
pub async fn save_discovery(tx: &mut Tx, bound: Bound, found: Value) -> Result<(), DbError> {
    tx.execute_one(
        "INSERT INTO discoveries (request_id, plan_digest, found) VALUES ($1, $2, $3)
         ON CONFLICT (request_id, plan_digest) DO UPDATE SET found = excluded.found",
        params![bound.request, bound.plan_digest, found],
    )
    .await
}

/// Where a chunk of saved keys lies.
///
/// # Errors
/// When the database does not answer.
pub async fn keys_blob(tx: &mut Tx, bound: Bound, set: &str, chunk: u32) -> Result<Option<Uuid>, DbError> {
    let row = tx
        .optional(
            "SELECT sealed_id FROM saved_keys WHERE request_id = $1 AND plan_digest = $2 AND key_set = $3 AND chunk = $4",
            params![bound.request, bound.plan_digest, set, chunk],
        )
        .await?;
    row.map(|row| row.of("saved_keys").uuid("sealed_id")).transpose()
}

/// Notes where a chunk of saved keys lies.
///
/// # Errors
/// When the database does not answer.
pub async fn save_keys_blob(tx: &mut Tx, bound: Bound, set: &str, chunk: u32, blob: Uuid) -> Result<(), DbError> {
    tx.execute_one(
        "INSERT INTO saved_keys (request_id, plan_digest, key_set, chunk, sealed_id) VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (request_id, plan_digest, key_set, chunk) DO UPDATE SET sealed_id = excluded.sealed_id",
        params![bound.request, bound.plan_digest, set, chunk, blob],
    )
    .await
}

/// Records that a step will be done; `false` where that was recorded before.
///
/// # Errors
/// A gate refusal where the request is not erasing under this authority, account and plan.
pub async fn intend(tx: &mut Tx, bound: Bound, step: StepName<'_>, now: Timestamp) -> Result<bool, DbError> {
    let rows = tx
        .execute(
            "INSERT INTO steps (request_id, sequence, store, table_name, action, state, chunks, authority_id, account_mac,
               plan_digest, intended_at)
             VALUES ($1, $2, $3, $4, $5, 'intended', $6, $7, $8, $9, $10)
             ON CONFLICT (request_id, plan_digest, sequence) DO NOTHING",
            params![
                bound.request,
                u32::from(step.sequence),
                step.store,
                step.table,
                step.action,
                serde_json::json!({}),
                bound.authority,
                bound.account_mac,
                bound.plan_digest,
                now
            ],
        )
        .await?;
    Ok(rows == 1)
}

/// How far the chunks of a step are; `None` before its intent.
///
/// # Errors
/// When the database does not answer.
pub async fn chunks(tx: &mut Tx, bound: Bound, sequence: u16) -> Result<Option<Value>, DbError> {
    let row = tx
        .optional(
            "SELECT chunks FROM steps WHERE request_id = $1 AND plan_digest = $2 AND sequence = $3",
            params![bound.request, bound.plan_digest, u32::from(sequence)],
        )
        .await?;
    row.map(|row| row.of("steps").json("chunks")).transpose()
}

/// Records how far the chunks of a step are.
///
/// # Errors
/// A wrong row count where the step has no intent; a gate refusal as [`intend`].
pub async fn set_chunks(tx: &mut Tx, bound: Bound, sequence: u16, chunks: Value) -> Result<(), DbError> {
    tx.execute_one(
        "UPDATE steps SET chunks = $4 WHERE request_id = $1 AND plan_digest = $2 AND sequence = $3",
        params![bound.request, bound.plan_digest, u32::from(sequence), chunks],
    )
    .await
}

/// Records what came of a step after it was read back.
///
/// # Errors
/// As [`set_chunks`].
pub async fn set_outcome(
    tx: &mut Tx,
    bound: Bound,
    sequence: u16,
    counts: Value,
    now: Timestamp,
) -> Result<(), DbError> {
    tx.execute_one(
        "UPDATE steps SET state = 'read_back', counts = $4, read_back_at = $5
         WHERE request_id = $1 AND plan_digest = $2 AND sequence = $3",
        params![bound.request, bound.plan_digest, u32::from(sequence), counts, now],
    )
    .await
}

/// The steps of a request in order.
///
/// # Errors
/// A bad stored value names its column.
pub async fn steps(tx: &mut Tx, request: RequestId) -> Result<Vec<StepRow>, DbError> {
    let rows = tx
        .all(
            "SELECT sequence, store, table_name, action, state, counts FROM steps WHERE request_id = $1 ORDER BY sequence",
            params![request],
        )
        .await?;
    rows.into_iter().map(|row| read(&row.of("steps"))).collect()
}

fn read(row: &Row) -> Result<StepRow, DbError> {
    Ok(StepRow {
        sequence: row.u32("sequence")?,
        store: row.text("store")?,
        table: row.text("table_name")?,
        action: row.text("action")?,
        state: row.text("state")?,
        counts: row.opt_json("counts")?,
    })
}
