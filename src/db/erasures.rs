//! The tables `discoveries`, `saved_keys`, `steps` and `step_chunks`: what an erasure found, saved, intends and did.
//!
//! A step's row is bound to its authority, account and plan by a composite foreign key, and triggers refuse one whose
//! request is not erasing under them: the gate of the house in the database.

use serde::Serialize;
use serde_json::Value;
use uuid::Uuid;

use super::error::DbError;
use super::sql::{Row, Tx, params};
use crate::domain::{AuthorityId, RequestId, Timestamp};

/// The place of a step: which pass over the plan, and its number in the plan. The first pass is the one that the person
/// asked for; each continuation is one more, so that what it does is recorded beside what was done before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// 0, and one more with each continuation.
    pub pass: u32,
    /// The step's number in the plan.
    pub step: u16,
}

/// The numbers that a pass has for its steps: all that a step's number can be.
const PASS: u32 = 1 << 16;

impl From<Place> for u32 {
    fn from(place: Place) -> Self {
        place.pass.saturating_mul(PASS).saturating_add(Self::from(place.step))
    }
}

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
    /// Its place.
    pub sequence: Place,
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
    /// Which pass over the plan: 0, and one more with each continuation.
    pub pass: u32,
    /// Its number in the plan.
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

/// Where what was found lies, if discovery was completed.
///
/// # Errors
/// When the database does not answer.
pub async fn discovery_blob(tx: &mut Tx, bound: Bound) -> Result<Option<Uuid>, DbError> {
    let sql = "SELECT sealed_id FROM discoveries WHERE request_id = $1 AND plan_digest = $2";
    let row = tx.optional(sql, params![bound.request, bound.plan_digest]).await?;
    row.map(|row| row.of("discoveries").uuid("sealed_id")).transpose()
}

/// Marks discovery as complete, and notes where what was found lies.
///
/// # Errors
/// When the database does not answer.
pub async fn save_discovery_blob(tx: &mut Tx, bound: Bound, blob: Uuid) -> Result<(), DbError> {
    tx.execute_one(
        "INSERT INTO discoveries (request_id, plan_digest, sealed_id) VALUES ($1, $2, $3)
         ON CONFLICT (request_id, plan_digest) DO UPDATE SET sealed_id = excluded.sealed_id",
        params![bound.request, bound.plan_digest, blob],
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
            "INSERT INTO steps (request_id, sequence, store, table_name, action, state, authority_id, account_mac,
               plan_digest, intended_at)
             VALUES ($1, $2, $3, $4, $5, 'intended', $6, $7, $8, $9)
             ON CONFLICT (request_id, plan_digest, sequence) DO NOTHING",
            params![
                bound.request,
                u32::from(step.sequence),
                step.store,
                step.table,
                step.action,
                bound.authority,
                bound.account_mac,
                bound.plan_digest,
                now
            ],
        )
        .await?;
    Ok(rows == 1)
}

/// The rows of a chunk before the first act on it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChunkBegun {
    /// Rows that were there.
    pub present: u64,
    /// Those that the act changes.
    pub changing: u64,
    /// Those that hold something, per category; `None` where it was not asked yet when the chunk was begun.
    pub holding: Option<Value>,
}

/// How far one chunk of a step is.
#[derive(Clone, Debug)]
pub struct ChunkRow {
    /// Its number.
    pub chunk: u32,
    /// Its rows before the first act on it.
    pub begun: ChunkBegun,
    /// What came of it.
    pub counts: Option<Value>,
}

/// Whether a step's intent is recorded.
///
/// # Errors
/// When the database does not answer.
pub async fn is_intended(tx: &mut Tx, bound: Bound, sequence: Place) -> Result<bool, DbError> {
    let sql = "SELECT sequence FROM steps WHERE request_id = $1 AND plan_digest = $2 AND sequence = $3";
    let row = tx.optional(sql, params![bound.request, bound.plan_digest, u32::from(sequence)]).await?;
    Ok(row.is_some())
}

/// The chunks of a step that were begun.
///
/// # Errors
/// A bad stored value names its column.
pub async fn chunks(tx: &mut Tx, bound: Bound, sequence: Place) -> Result<Vec<ChunkRow>, DbError> {
    let rows = tx
        .all(
            "SELECT chunk, present, changing, holding, counts FROM step_chunks
             WHERE request_id = $1 AND plan_digest = $2 AND sequence = $3 ORDER BY chunk",
            params![bound.request, bound.plan_digest, u32::from(sequence)],
        )
        .await?;
    let read = |row: Row| {
        let row = row.of("step_chunks");
        Ok(ChunkRow { chunk: row.u32("chunk")?, begun: begun(&row)?, counts: row.opt_json("counts")? })
    };
    rows.into_iter().map(read).collect()
}

fn begun(row: &Row) -> Result<ChunkBegun, DbError> {
    let count = |column: &str| row.i64(column).map(|count| u64::try_from(count).unwrap_or(0));
    Ok(ChunkBegun { present: count("present")?, changing: count("changing")?, holding: row.opt_json("holding")? })
}

/// Records the rows of a chunk before the act, and answers the first counts ever recorded for it.
///
/// # Errors
/// A foreign key where the step has no intent.
pub async fn begin_chunk(
    tx: &mut Tx,
    bound: Bound,
    step: Place,
    chunk: u32,
    rows: ChunkBegun,
) -> Result<ChunkBegun, DbError> {
    let count = |rows| i64::try_from(rows).unwrap_or(i64::MAX);
    let key = (bound.request, bound.plan_digest, u32::from(step));
    tx.execute(
        "INSERT INTO step_chunks (request_id, plan_digest, sequence, chunk, present, changing, holding)
         VALUES ($1, $2, $3, $4, $5, $6, $7)
         ON CONFLICT (request_id, plan_digest, sequence, chunk) DO NOTHING",
        params![key.0, key.1, key.2, chunk, count(rows.present), count(rows.changing), rows.holding],
    )
    .await?;
    let row = tx
        .one(
            "SELECT present, changing, holding FROM step_chunks
             WHERE request_id = $1 AND plan_digest = $2 AND sequence = $3 AND chunk = $4",
            params![key.0, key.1, key.2, chunk],
        )
        .await?;
    begun(&row.of("step_chunks"))
}

/// Records what came of a chunk; what was recorded first stays.
///
/// # Errors
/// A wrong row count where the chunk was never begun.
pub async fn end_chunk(tx: &mut Tx, bound: Bound, step: Place, chunk: u32, counts: Value) -> Result<(), DbError> {
    tx.execute_one(
        "UPDATE step_chunks SET counts = COALESCE(counts, $5)
         WHERE request_id = $1 AND plan_digest = $2 AND sequence = $3 AND chunk = $4",
        params![bound.request, bound.plan_digest, u32::from(step), chunk, counts],
    )
    .await
}

/// Records what came of a step after it was read back.
///
/// # Errors
/// A wrong row count where the step has no intent; a gate refusal as [`intend`].
pub async fn set_outcome(
    tx: &mut Tx,
    bound: Bound,
    sequence: Place,
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

/// Whether any rows of any step were begun: the note of it is written before the rows are touched.
///
/// # Errors
/// When the database does not answer.
pub async fn has_begun(tx: &mut Tx, request: RequestId) -> Result<bool, DbError> {
    let sql = "SELECT COUNT(*) AS number FROM step_chunks WHERE request_id = $1";
    Ok(tx.one(sql, params![request]).await?.i64("number")? > 0)
}

/// Whether rows of a store were acted on for this request, and what came of it was read back. A chunk is written down before it
/// is acted on: one that has no counts may have changed nothing.
///
/// # Errors
/// When the database does not answer.
pub async fn has_acted(tx: &mut Tx, request: RequestId) -> Result<bool, DbError> {
    let sql = "SELECT COUNT(*) AS number FROM step_chunks WHERE request_id = $1 AND counts IS NOT NULL";
    Ok(tx.one(sql, params![request]).await?.i64("number")? > 0)
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
        pass: row.u32("sequence")? / PASS,
        sequence: row.u32("sequence")? % PASS,
        store: row.text("store")?,
        table: row.text("table_name")?,
        action: row.text("action")?,
        state: row.text("state")?,
        counts: row.opt_json("counts")?,
    })
}
