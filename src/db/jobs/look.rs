//! Jobs as people look at them: listed, counted, and one that an operator wants done now. Changes nothing.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{JobState, MAILBOX_NOT_READ};
use crate::db::error::DbError;
use crate::db::sql::{Row, Tx};
use crate::domain::request::Wake;
use crate::domain::{JobId, RequestId, Timestamp};
use crate::params;

/// A job as people look at it.
#[derive(Clone, Debug, PartialEq)]
pub struct JobRow {
    /// Its id.
    pub id: JobId,
    /// What is to be done.
    pub kind: String,
    /// Where it stands.
    pub state: JobState,
    /// The request that it belongs to.
    pub request: Option<RequestId>,
    /// Attempts so far, the running one included.
    pub attempts: u32,
    /// The last attempt there will be; 0 for finished jobs.
    pub attempts_max: u32,
    /// Not before this.
    pub run_at: Timestamp,
    /// Why the last attempt failed.
    pub reason: Option<String>,
    /// Since when that is the reason; `None` for finished jobs.
    pub since: Option<Timestamp>,
    /// Who works on it, or did.
    pub holder: Option<String>,
    /// When it was finished.
    pub finished_at: Option<Timestamp>,
}

/// Jobs in these states, of one request or of all, what somebody should look at first: those that failed for good, those being
/// worked on, those that wait, what is due next first, and those that are finished. Where nothing else tells, the newest is first.
///
/// # Errors
/// A bad stored value names its column.
pub async fn list(
    tx: &mut Tx,
    states: &[JobState],
    request: Option<RequestId>,
    count_max: u32,
) -> Result<Vec<JobRow>, DbError> {
    let words: Vec<&str> = states.iter().map(|state| state.as_str()).collect();
    let rows = tx
        .all(
            "SELECT id, kind, state, request_id, attempts, attempts_max, run_at, reason, reason_since, holder, finished_at FROM (
               SELECT id, kind, state, request_id, attempts, attempts_max, run_at, reason, reason_since,
                      lease_holder AS holder, NULL AS finished_at FROM jobs
               UNION ALL
               SELECT id, kind, outcome, request_id, attempts, 0, run_at, reason, NULL, holder, finished_at FROM jobs_done
             ) AS every
             WHERE state = ANY($1) AND ($2 IS NULL OR request_id = $2)
             ORDER BY CASE state WHEN 'dead' THEN 0 WHEN 'running' THEN 1 WHEN 'waiting' THEN 2 ELSE 3 END,
               CASE state WHEN 'waiting' THEN run_at END, id DESC LIMIT $3",
            params![words.as_slice(), request, count_max],
        )
        .await?;
    rows.into_iter().map(|row| job_row(&row.of("jobs"))).collect()
}

/// How many there are of which [`list`] gives the first.
///
/// # Errors
/// When the database does not answer.
pub async fn count(tx: &mut Tx, states: &[JobState], request: Option<RequestId>) -> Result<u64, DbError> {
    let words: Vec<&str> = states.iter().map(|state| state.as_str()).collect();
    let sql = "SELECT (SELECT COUNT(*) FROM jobs WHERE state = ANY($1) AND ($2 IS NULL OR request_id = $2))
             + (SELECT COUNT(*) FROM jobs_done WHERE outcome = ANY($1) AND ($2 IS NULL OR request_id = $2)) AS number";
    let row = tx.one(sql, params![words.as_slice(), request]).await?;
    Ok(u64::try_from(row.i64("number")?).unwrap_or_default())
}

fn job_row(row: &Row) -> Result<JobRow, DbError> {
    Ok(JobRow {
        id: JobId::from_uuid(row.uuid("id")?),
        kind: row.text("kind")?,
        state: row.word("state")?,
        request: row.opt_uuid("request_id")?.map(RequestId::from_uuid),
        attempts: row.u32("attempts")?,
        attempts_max: row.u32("attempts_max")?,
        run_at: row.time("run_at")?,
        reason: row.opt_text("reason")?,
        since: row.opt_time("reason_since")?,
        holder: row.opt_text("holder")?,
        finished_at: row.opt_time("finished_at")?,
    })
}

/// A job that failed for good or waits, as whoever wants it done now needs it.
#[derive(Clone, Debug, PartialEq)]
pub struct IdleJob {
    /// What is to be done.
    pub kind: String,
    /// Whether it failed for good; else it waits.
    pub dead: bool,
    /// Not before this.
    pub run_at: Timestamp,
    /// The request that it belongs to.
    pub request: Option<RequestId>,
    /// What it is about.
    pub payload: Value,
    /// Why it failed or waits, where something stood in its way.
    pub reason: Option<String>,
}

/// The dead or waiting job of this id.
///
/// # Errors
/// A bad stored value names its column.
pub async fn idle(tx: &mut Tx, job: JobId) -> Result<Option<IdleJob>, DbError> {
    let sql = "SELECT kind, state, run_at, request_id, payload, reason FROM jobs WHERE id = $1 AND state IN ('dead', 'waiting')";
    let Some(row) = tx.optional(sql, params![job]).await? else { return Ok(None) };
    let row = row.of("jobs");
    Ok(Some(IdleJob {
        kind: row.text("kind")?,
        dead: row.word::<JobState>("state")? == JobState::Dead,
        run_at: row.time("run_at")?,
        request: row.opt_uuid("request_id")?.map(RequestId::from_uuid),
        payload: row.json("payload")?,
        reason: row.opt_text("reason")?,
    }))
}

/// How a job that its work has settled stands: whether it is done, why it waits where it was put off, and what people call its request.
///
/// # Errors
/// When the database does not answer.
pub async fn settled(
    tx: &mut Tx,
    job: JobId,
    request: Option<RequestId>,
) -> Result<(bool, Option<String>, Option<String>), DbError> {
    let sql =
        "SELECT (SELECT COUNT(*) FROM jobs WHERE id = $1) AS waits, (SELECT reason FROM jobs WHERE id = $1) AS reason,
                 (SELECT reference FROM requests WHERE id = $2) AS reference";
    let row = tx.one(sql, params![job, request]).await?.of("jobs");
    Ok((row.i64("waits")? == 0, row.opt_text("reason")?, row.opt_text("reference")?))
}

/// Why unfinished jobs of a kind failed or wait, each reason with the number of jobs; `None` where nothing stands in their way.
///
/// # Errors
/// A bad stored value names its column.
pub async fn reasons_of(tx: &mut Tx, kind: &str) -> Result<Vec<(JobState, Option<String>, u64)>, DbError> {
    let sql = "SELECT state, reason, COUNT(*) AS count FROM jobs WHERE kind = $1 GROUP BY state, reason ORDER BY state, reason";
    let rows = tx.all(sql, params![kind]).await?.into_iter().map(|row| {
        let row = row.of("jobs");
        Ok((row.word("state")?, row.opt_text("reason")?, u64::try_from(row.i64("count")?).unwrap_or_default()))
    });
    rows.collect()
}

/// When these requests are woken for this, where that is still to come.
///
/// # Errors
/// When the database does not answer.
pub async fn waking(
    tx: &mut Tx,
    requests: &[RequestId],
    wake: Wake,
) -> Result<BTreeMap<RequestId, Timestamp>, DbError> {
    let ids: Vec<_> = requests.iter().map(|id| id.as_uuid()).collect();
    let sql = "SELECT request_id, MIN(run_at) AS run_at FROM jobs
               WHERE request_id = ANY($1) AND kind = 'wake' AND state = 'waiting' AND payload ->> 'wake' = $2
               GROUP BY request_id";
    let rows = tx.all(sql, params![ids, wake.as_str()]).await?;
    let waking = rows.into_iter().map(|row| {
        let row = row.of("jobs");
        Ok((RequestId::from_uuid(row.uuid("request_id")?), row.time("run_at")?))
    });
    waking.collect()
}

/// What failed for good of each of these requests, where something did: the kind of the job. A letter that was given up has a state of
/// its own, and is none.
///
/// # Errors
/// When the database does not answer.
pub async fn dead_of(tx: &mut Tx, requests: &[RequestId]) -> Result<BTreeMap<RequestId, String>, DbError> {
    let ids: Vec<_> = requests.iter().map(|id| id.as_uuid()).collect();
    let sql = "SELECT request_id, MIN(kind) AS kind FROM jobs
               WHERE request_id = ANY($1) AND state = 'dead' AND kind <> 'send' GROUP BY request_id";
    let rows = tx.all(sql, params![ids]).await?.into_iter().map(|row| {
        let row = row.of("jobs");
        Ok((RequestId::from_uuid(row.uuid("request_id")?), row.text("kind")?))
    });
    rows.collect()
}

/// How many jobs of a kind wait for this reason.
///
/// # Errors
/// When the database does not answer.
pub async fn count_waiting_for(tx: &mut Tx, kind: &str, reason: &str) -> Result<u64, DbError> {
    let sql = "SELECT COUNT(*) AS count FROM jobs WHERE state = 'waiting' AND kind = $1 AND reason = $2";
    let count = tx.one(sql, params![kind, reason]).await?.of("jobs").i64("count")?;
    Ok(u64::try_from(count).unwrap_or(0))
}

/// How many jobs of all kinds wait for this reason, and since when the first of them.
///
/// # Errors
/// When the database does not answer.
pub async fn waiting_for(tx: &mut Tx, reason: &str) -> Result<(u64, Option<Timestamp>), DbError> {
    let sql = "SELECT COUNT(*) AS count, MIN(reason_since) AS since FROM jobs WHERE state = 'waiting' AND reason = $1";
    let row = tx.one(sql, params![reason]).await?.of("jobs");
    Ok((u64::try_from(row.i64("count")?).unwrap_or(0), row.opt_time("since")?))
}

/// How many jobs are tried again by then after an attempt that failed for this reason.
///
/// # Errors
/// When the database does not answer.
pub async fn count_again(tx: &mut Tx, reason: &str, until: Timestamp) -> Result<u64, DbError> {
    let sql = "SELECT COUNT(*) AS count FROM jobs WHERE state = 'waiting' AND reason = $1 AND run_at <= $2";
    let count = tx.one(sql, params![reason, until]).await?.of("jobs").i64("count")?;
    Ok(u64::try_from(count).unwrap_or(0))
}

/// How many jobs are due by now and not settled: waiting, being worked on, or kept only by a mailbox that was not read.
pub async fn count_due(tx: &mut Tx, now: Timestamp) -> Result<u64, DbError> {
    let sql = "SELECT COUNT(*) AS count FROM jobs
               WHERE state IN ('waiting', 'running') AND (run_at <= $1 OR reason = $2)";
    let count = tx.one(sql, params![now, MAILBOX_NOT_READ]).await?.of("jobs").i64("count")?;
    Ok(u64::try_from(count).unwrap_or(0))
}
