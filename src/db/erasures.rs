//! The tables `discoveries`, `saved_keys`, `steps` and `step_chunks`: what an erasure found, saved, intends and did.
//!
//! A step's row is bound to its authority, account and plan by a composite foreign key, and triggers refuse one whose
//! request is not erasing under them: the gate of the house in the database.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use serde_json::Value;
use uuid::Uuid;

use super::error::DbError;
use super::params::{ROWS_MAX, value_rows};
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

impl Place {
    /// The step's number in the plan.
    const fn step_of(sequence: u32) -> u16 {
        (sequence % PASS) as u16
    }

    /// The first and the last place of a pass.
    const fn of_pass(pass: u32) -> [u32; 2] {
        [pass.saturating_mul(PASS), pass.saturating_mul(PASS).saturating_add(PASS - 1)]
    }
}

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
    /// How far it is, as long as nothing has come of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub so_far: Option<SoFar>,
}

/// How far a step is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct SoFar {
    /// Chunks that are done.
    pub chunks: u64,
    /// Rows that were in them.
    pub rows: u64,
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

/// Whether anything was found for a request under any plan.
///
/// # Errors
/// When the database does not answer.
pub async fn has_found(tx: &mut Tx, request: RequestId) -> Result<bool, DbError> {
    let sql = "SELECT COUNT(*) AS number FROM discoveries WHERE request_id = $1";
    Ok(tx.one(sql, params![request]).await?.i64("number")? > 0)
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

/// A page of saved keys: the name of its set, and its number.
pub type PageName = (String, u32);

/// Where these pages of saved keys lie, as far as they were saved.
///
/// # Errors
/// When the database does not answer.
pub async fn keys_blobs(tx: &mut Tx, bound: Bound, pages: &[PageName]) -> Result<BTreeMap<PageName, Uuid>, DbError> {
    let sets: BTreeSet<String> = pages.iter().map(|(set, _)| set.clone()).collect();
    let chunks: BTreeSet<i64> = pages.iter().map(|(_, chunk)| i64::from(*chunk)).collect();
    let rows = tx
        .all(
            "SELECT key_set, chunk, sealed_id FROM saved_keys
             WHERE request_id = $1 AND plan_digest = $2 AND key_set = ANY($3) AND chunk = ANY($4)",
            params![
                bound.request,
                bound.plan_digest,
                sets.into_iter().collect::<Vec<_>>(),
                chunks.into_iter().collect::<Vec<_>>()
            ],
        )
        .await?;
    let read = |row: Row| {
        let row = row.of("saved_keys");
        Ok(((row.text("key_set")?, row.u32("chunk")?), row.uuid("sealed_id")?))
    };
    let found: BTreeMap<_, _> = rows.into_iter().map(read).collect::<Result<_, DbError>>()?;
    Ok(found.into_iter().filter(|(name, _)| pages.contains(name)).collect())
}

/// Notes where pages of saved keys lie.
///
/// # Errors
/// When the database does not answer.
pub async fn save_keys_blobs(tx: &mut Tx, bound: Bound, pages: &[(PageName, Uuid)]) -> Result<(), DbError> {
    for pages in pages.chunks(ROWS_MAX) {
        let mut params = params![];
        for ((set, chunk), blob) in pages {
            params.extend(params![bound.request, bound.plan_digest, set, *chunk, *blob]);
        }
        let rows = value_rows(pages.len(), 5);
        let sql = format!(
            "INSERT INTO saved_keys (request_id, plan_digest, key_set, chunk, sealed_id) VALUES {rows}
             ON CONFLICT (request_id, plan_digest, key_set, chunk) DO UPDATE SET sealed_id = excluded.sealed_id"
        );
        let found = tx.execute(&sql, params).await?;
        if found != pages.len() as u64 {
            return Err(DbError::RowCount { expected: pages.len() as u64, found });
        }
    }
    Ok(())
}

/// Records that steps will be done; answers those of which that was not recorded before.
///
/// # Errors
/// A gate refusal where the request is not erasing under this authority, account and plan.
pub async fn intend(
    tx: &mut Tx,
    bound: Bound,
    steps: &[StepName<'_>],
    now: Timestamp,
) -> Result<BTreeSet<u16>, DbError> {
    let mut fresh = BTreeSet::new();
    for steps in steps.chunks(ROWS_MAX) {
        let mut params = params![];
        for step in steps {
            params.extend(params![
                bound.request,
                u32::from(step.sequence),
                step.store,
                step.table,
                step.action,
                "intended",
                bound.authority,
                bound.account_mac,
                bound.plan_digest,
                now
            ]);
        }
        let rows = value_rows(steps.len(), 10);
        let sql = format!(
            "INSERT INTO steps (request_id, sequence, store, table_name, action, state, authority_id, account_mac,
               plan_digest, intended_at)
             VALUES {rows}
             ON CONFLICT (request_id, plan_digest, sequence) DO NOTHING RETURNING sequence"
        );
        for row in tx.all(&sql, params).await? {
            fresh.insert(Place::step_of(row.of("steps").u32("sequence")?));
        }
    }
    Ok(fresh)
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

/// The steps of a pass whose intent is recorded.
///
/// # Errors
/// When the database does not answer.
pub async fn intended(tx: &mut Tx, bound: Bound, pass: u32) -> Result<Vec<u16>, DbError> {
    let [first, last] = Place::of_pass(pass);
    let sql = "SELECT sequence FROM steps WHERE request_id = $1 AND plan_digest = $2 AND sequence BETWEEN $3 AND $4";
    let rows = tx.all(sql, params![bound.request, bound.plan_digest, first, last]).await?;
    rows.into_iter().map(|row| Ok(Place::step_of(row.of("steps").u32("sequence")?))).collect()
}

/// The chunks of a pass that were begun, each with its step.
///
/// # Errors
/// A bad stored value names its column.
pub async fn chunks(tx: &mut Tx, bound: Bound, pass: u32) -> Result<Vec<(u16, ChunkRow)>, DbError> {
    let [first, last] = Place::of_pass(pass);
    let rows = tx
        .all(
            "SELECT sequence, chunk, present, changing, holding, counts FROM step_chunks
             WHERE request_id = $1 AND plan_digest = $2 AND sequence BETWEEN $3 AND $4",
            params![bound.request, bound.plan_digest, first, last],
        )
        .await?;
    let read = |row: Row| {
        let row = row.of("step_chunks");
        let chunk = ChunkRow { chunk: row.u32("chunk")?, begun: begun(&row)?, counts: row.opt_json("counts")? };
        Ok((Place::step_of(row.u32("sequence")?), chunk))
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
    // What is there stays: an update that changes nothing, so that it answers the row in either case.
    let row = tx
        .one(
            "INSERT INTO step_chunks (request_id, plan_digest, sequence, chunk, present, changing, holding)
             VALUES ($1, $2, $3, $4, $5, $6, $7)
             ON CONFLICT (request_id, plan_digest, sequence, chunk) DO UPDATE SET present = step_chunks.present
             RETURNING present, changing, holding",
            params![key.0, key.1, key.2, chunk, count(rows.present), count(rows.changing), rows.holding],
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
            "SELECT s.sequence, s.store, s.table_name, s.action, s.state, s.counts, COUNT(c.chunk) AS chunks,
               CAST(COALESCE(SUM(c.present), 0) AS BIGINT) AS rows_done
             FROM steps s LEFT JOIN step_chunks c ON c.request_id = s.request_id AND c.plan_digest = s.plan_digest
               AND c.sequence = s.sequence AND c.counts IS NOT NULL
             WHERE s.request_id = $1
             GROUP BY s.plan_digest, s.sequence, s.store, s.table_name, s.action, s.state, s.counts ORDER BY s.sequence",
            params![request],
        )
        .await?;
    rows.into_iter().map(|row| read(&row.of("steps"))).collect()
}

fn read(row: &Row) -> Result<StepRow, DbError> {
    let counts = row.opt_json("counts")?;
    let number = |column: &str| row.i64(column).map(|number| u64::try_from(number).unwrap_or(0));
    let (chunks, rows) = (number("chunks")?, number("rows_done")?);
    Ok(StepRow {
        pass: row.u32("sequence")? / PASS,
        sequence: row.u32("sequence")? % PASS,
        store: row.text("store")?,
        table: row.text("table_name")?,
        action: row.text("action")?,
        state: row.text("state")?,
        so_far: (counts.is_none() && chunks > 0).then_some(SoFar { chunks, rows }),
        counts,
    })
}
