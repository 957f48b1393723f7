//! The tables `jobs` and `jobs_done`, inside a transaction of the caller: enqueue, settle, cancel, retry; how people look at
//! them stands in [`look`].
//!
//! What the flow does to a job it does here, in the one transaction that also writes the request and the trail.
//! Leases are compared on the database's clock in the same statement that settles, so that a late commit is refused.

mod look;

use std::fmt::Write as _;

use serde_json::{Value, json};

pub use look::{
    IdleJob, JobRow, count, count_again, count_due, count_waiting_for, dead_of, idle, list, reasons_of, settled,
    waiting_for, waking,
};

use super::dialect::Dialect;
use super::error::DbError;
use super::sql::{Param, Row, Tx};
use crate::chance::Chance;
use crate::domain::{JobId, RequestId, Timestamp, stored_enum};
use crate::params;
use crate::queue::{AfterFailure, Held, Lease, NewJob};

stored_enum! {
    /// Where a job stands.
    JobState, "job state" {
        /// For its time, or for a worker.
        Waiting = "waiting",
        /// Under a lease.
        Running = "running",
        /// All attempts failed; a person may put it back.
        Dead = "dead",
        /// Done.
        Completed = "completed",
        /// Not needed any more.
        Cancelled = "cancelled",
    }
}

/// Writes jobs in one statement and answers the ids of those that are new: a job whose unique key a live job
/// holds already is not written. To enqueue the successor of a job under the same key, complete that one first.
///
/// # Errors
/// A payload above 64 KiB, an empty kind and zero attempts are refused by the table.
pub async fn enqueue(tx: &mut Tx, jobs: &[NewJob], now: Timestamp, chance: &dyn Chance) -> Result<Vec<JobId>, DbError> {
    if jobs.is_empty() {
        return Ok(Vec::new());
    }
    let rows: Vec<Value> = jobs.iter().map(|job| row_of(job, JobId::new(now, chance))).collect();
    let new = tx.dialect().pick(
        "SELECT unhex(value ->> 'id'), value ->> 'kind', 'waiting', value ->> 'priority', value ->> 'run_at',
                unhex(value ->> 'request'), value ->> 'key', value ->> 'attempts_max', value -> 'payload', $2
         FROM json_each($1) WHERE true",
        "SELECT id, kind, 'waiting', priority, TIMESTAMPTZ 'epoch' + run_at * INTERVAL '1 microsecond',
                request, key, attempts_max, payload, $2
         FROM jsonb_to_recordset($1) AS new(id uuid, kind text, priority smallint, run_at bigint, request uuid,
                key text, attempts_max integer, payload jsonb)",
    );
    let sql = format!(
        "INSERT INTO jobs (id, kind, state, priority, run_at, request_id, unique_key, attempts_max, payload, created_at)
         {new}
         ON CONFLICT (unique_key) WHERE unique_key IS NOT NULL AND state <> 'dead' DO NOTHING
         RETURNING id"
    );
    let added = tx.all(&sql, params![Value::Array(rows), now]).await?;
    if !added.is_empty() {
        tx.made_work();
    }
    ids(added)
}

fn row_of(job: &NewJob, id: JobId) -> Value {
    json!({
        "id": id.as_uuid().as_simple().to_string(),
        "kind": job.kind,
        "priority": job.priority.as_i16(),
        "run_at": job.run_at.as_micros(),
        "request": job.request.map(|request| request.as_uuid().as_simple().to_string()),
        "key": job.unique_key,
        "attempts_max": job.attempts_max,
        "payload": job.payload,
    })
}

/// Completes a job in the transaction that writes its effect. The lease stays with the caller until the commit, so
/// that the transaction can be tried again after a deadlock.
///
/// # Errors
/// [`DbError::LostLease`]: roll back, somebody else does the job now.
pub async fn complete_in(tx: &mut Tx, lease: &Lease) -> Result<(), DbError> {
    if complete_held(tx, &[lease.held()]).await?.is_empty() { Ok(()) } else { Err(DbError::LostLease) }
}

/// Refuses to go on in this transaction when the job's lease was lost, and keeps everybody from taking the job over
/// before the transaction ends. Call it where something is written for a job that goes on.
///
/// # Errors
/// [`DbError::LostLease`]: roll back, somebody else does the job now.
pub async fn confirm_in(tx: &mut Tx, held: Held) -> Result<(), DbError> {
    let sql = format!(
        "UPDATE jobs SET lease_until = lease_until WHERE id = $1 AND lease_token = $2 AND {}",
        still_held(tx.dialect())
    );
    settled_one(tx.execute(&sql, params![held.job, held.token]).await?)
}

/// The columns that the evidence takes over as they are.
const EVIDENCE: &str =
    "id, kind, request_id, unique_key, attempts, payload, run_at, created_at, claimed_at, lease_token";

/// Moves the jobs whose leases are still held to the evidence, and answers those that were lost.
pub(super) async fn complete_held(tx: &mut Tx, leases: &[Held]) -> Result<Vec<JobId>, DbError> {
    if tx.dialect() == Dialect::Postgres {
        return ids(tx.all(&complete_alone(), arrays_of(leases).into()).await?);
    }
    let (target, source, which) = evidence_of(Dialect::Sqlite);
    let sql = format!("{target} {source} FROM ({HELD_SQLITE}) AS held CROSS JOIN jobs WHERE {which}");
    let moved = tx.execute(&sql, params![list_of(leases)]).await?;
    let lost = if moved == leases.len() as u64 { Vec::new() } else { lost_of(tx, list_of(leases)).await? };
    delete_moved(tx, moved).await?;
    Ok(lost)
}

/// On PostgreSQL, the statement that completes jobs (parameters: [`arrays_of`]) and answers those that were lost.
pub(super) fn complete_alone() -> String {
    format!("WITH {} SELECT id FROM lost", complete_ctes("$1", "$2"))
}

/// What completes jobs on PostgreSQL, as parts of a WITH: `lost` has the ids of those that were not held any more. It
/// names the few and not the many, because each row that is answered costs as much as moving it.
pub(super) fn complete_ctes(jobs: &str, tokens: &str) -> String {
    let (target, source, which) = evidence_of(Dialect::Postgres);
    format!(
        "held AS (SELECT job, token FROM unnest({jobs}, {tokens}) AS list(job, token)),
         settled AS (DELETE FROM jobs USING held WHERE {which} RETURNING jobs.*),
         moved AS ({target} {source} FROM settled RETURNING id),
         lost AS (SELECT job AS id FROM held EXCEPT SELECT id FROM moved)"
    )
}

/// Where finished jobs go, what goes there, and which: those whose lease is still held.
fn evidence_of(dialect: Dialect) -> (String, String, String) {
    let (still_held, now) = (still_held(dialect), dialect.now());
    let target = format!("INSERT INTO jobs_done ({EVIDENCE}, outcome, finished_at, holder)");
    let source = format!("SELECT {EVIDENCE}, 'completed', {now}, lease_holder");
    let which = format!("id = held.job AND lease_token = held.token AND {still_held}");
    (target, source, which)
}

/// On SQLite, which jobs of the list were not moved just now: no job is in both tables but between the two halves of
/// moving it.
async fn lost_of(tx: &mut Tx, list: String) -> Result<Vec<JobId>, DbError> {
    // By the key for each: a list of all that were moved would be made anew for each, out of the whole table.
    let moved =
        "SELECT 1 FROM jobs JOIN jobs_done USING (id) WHERE jobs.id = held.job AND jobs.lease_token = held.token";
    let sql = format!("SELECT job AS id FROM ({HELD_SQLITE}) AS held WHERE NOT EXISTS ({moved})");
    ids(tx.all(&sql, params![list]).await?)
}

/// On SQLite, the second half of moving jobs to the evidence: those that this transaction wrote there last, so that
/// nothing is taken out of the table but what is kept there. SQLite cannot DELETE inside WITH; its transaction is alone
/// anyway, so that two statements are as good as one, and a new row has the highest rowid of its table.
async fn delete_moved(tx: &mut Tx, moved: u64) -> Result<(), DbError> {
    let sql = "DELETE FROM jobs WHERE id IN (SELECT id FROM jobs_done ORDER BY rowid DESC LIMIT $1)";
    let deleted = tx.execute(sql, params![i64::try_from(moved).unwrap_or(i64::MAX)]).await?;
    if deleted == moved { Ok(()) } else { Err(DbError::RowCount { expected: moved, found: deleted }) }
}

/// Records a failed attempt in the transaction of the caller. `reason` is a code that is fixed in the program.
///
/// # Errors
/// [`DbError::LostLease`].
pub async fn fail_in(tx: &mut Tx, lease: &Lease, reason: &'static str, next: AfterFailure) -> Result<(), DbError> {
    let (state, run_at) = match next {
        AfterFailure::At(time) => (JobState::Waiting, Some(time)),
        AfterFailure::Never => (JobState::Dead, None),
    };
    let sql = format!(
        "UPDATE jobs SET state = $3, run_at = COALESCE($4, run_at), reason = $5, reason_since = {}, lease_until = NULL, lease_holder = NULL
         WHERE id = $1 AND lease_token = $2 AND {}",
        reason_since(tx.dialect(), "$5"),
        still_held(tx.dialect())
    );
    let held = lease.held();
    settled_one(tx.execute(&sql, params![held.job, held.token, state.as_str(), run_at, reason]).await?)
}

/// Lets the job wait until then, in the transaction of the caller; the attempt does not count.
///
/// # Errors
/// [`DbError::LostLease`].
pub async fn snooze_in(tx: &mut Tx, lease: &Lease, until: Timestamp) -> Result<(), DbError> {
    match give_back(tx, &[lease.held()], Some(until)).await? {
        1 => Ok(()),
        _ => Err(DbError::LostLease),
    }
}

/// Notes why a job that is held could not be done now, for people who look at it; the next attempt says anew.
///
/// # Errors
/// [`DbError::LostLease`].
pub async fn note_reason(tx: &mut Tx, held: Held, reason: &str) -> Result<(), DbError> {
    let sql = format!(
        "UPDATE jobs SET reason = $3, reason_since = {} WHERE id = $1 AND lease_token = $2 AND {}",
        reason_since(tx.dialect(), "$3"),
        still_held(tx.dialect())
    );
    settled_one(tx.execute(&sql, params![held.job, held.token, reason]).await?)
}

/// Since when it is this reason: one that stands there already keeps its time.
pub(super) fn reason_since(dialect: Dialect, reason: &str) -> String {
    format!("CASE WHEN jobs.reason = {reason} THEN COALESCE(reason_since, {now}) ELSE {now} END", now = dialect.now())
}

/// Forgets jobs that ended before this time, at most `count_max`; answers how many.
///
/// # Errors
/// When the database does not answer.
pub async fn forget_done(tx: &mut Tx, before: Timestamp, count_max: u32) -> Result<u64, DbError> {
    tx.execute(
        "DELETE FROM jobs_done WHERE id IN (
           SELECT id FROM jobs_done WHERE finished_at < $1 ORDER BY finished_at LIMIT $2)",
        params![before, count_max],
    )
    .await
}

/// Lets jobs wait again, until another time or not; their attempts do not count. Answers how many were still held.
pub(super) async fn give_back(tx: &mut Tx, leases: &[Held], run_at: Option<Timestamp>) -> Result<u64, DbError> {
    let sql = format!(
        "UPDATE jobs SET state = 'waiting', attempts = attempts - 1, run_at = COALESCE($2, run_at),
                lease_until = NULL, lease_holder = NULL
         FROM ({}) AS held WHERE id = held.job AND lease_token = held.token AND {}",
        held_leases(tx.dialect()),
        still_held(tx.dialect())
    );
    tx.execute(&sql, params![list_of(leases), run_at]).await
}

/// Takes a request's jobs of these kinds out of the table, unless somebody works on them right now. Answers how
/// many jobs are cancelled; running ones end by themselves and must look whether they are still wanted.
///
/// # Errors
/// When the database does not answer.
pub async fn cancel(tx: &mut Tx, request: RequestId, kinds: &[&str]) -> Result<u64, DbError> {
    cancel_where(tx, request, kinds, "state IN ('waiting', 'dead')").await
}

/// The same of those that wait for their time; what failed for good stays for people to see.
///
/// # Errors
/// When the database does not answer.
pub async fn cancel_waiting(tx: &mut Tx, request: RequestId, kinds: &[&str]) -> Result<u64, DbError> {
    cancel_where(tx, request, kinds, "state = 'waiting'").await
}

async fn cancel_where(tx: &mut Tx, request: RequestId, kinds: &[&str], states: &str) -> Result<u64, DbError> {
    let columns = format!("{EVIDENCE}, reason, outcome, finished_at");
    let values = format!("{EVIDENCE}, reason, 'cancelled', {}", tx.dialect().now());
    let which = format!("request_id = $1 AND kind = ANY($2) AND {states}");
    let sql = match tx.dialect() {
        Dialect::Sqlite => format!("INSERT INTO jobs_done ({columns}) SELECT {values} FROM jobs WHERE {which}"),
        Dialect::Postgres => format!(
            "WITH moved AS (DELETE FROM jobs WHERE {which} RETURNING *)
             INSERT INTO jobs_done ({columns}) SELECT {values} FROM moved"
        ),
    };
    let moved = tx.execute(&sql, params![request, kinds]).await?;
    if tx.dialect() == Dialect::Sqlite {
        delete_moved(tx, moved).await?;
    }
    Ok(moved)
}

/// Whether a request has a job of this kind whose time has come and that is not finished.
///
/// # Errors
/// When the database does not answer.
pub async fn is_overdue(tx: &mut Tx, request: RequestId, kind: &str, now: Timestamp) -> Result<bool, DbError> {
    let sql = "SELECT id FROM jobs WHERE request_id = $1 AND kind = $2 AND state <> 'dead' AND run_at <= $3 LIMIT 1";
    Ok(tx.optional(sql, params![request, kind, now]).await?.is_some())
}

/// Makes a job due now: a dead one with all its attempts, a waiting one as it stands. `false` when there is none.
///
/// # Errors
/// A unique violation when a live job has the unique key of a dead one by now.
pub async fn retry(tx: &mut Tx, job: JobId, now: Timestamp) -> Result<bool, DbError> {
    let sql =
        "UPDATE jobs SET state = 'waiting', attempts = CASE WHEN state = 'dead' THEN 0 ELSE attempts END, run_at = $2
               WHERE id = $1 AND (state = 'dead' OR state = 'waiting' AND run_at > $2)";
    let changed = tx.execute(sql, params![job, now]).await?;
    if changed == 1 {
        tx.made_work();
    }
    Ok(changed == 1)
}

/// The fence, for the WHERE of a statement that names `id` and `lease_token` as well. Only a running job has a lease
/// (a CHECK), and without the word PostgreSQL cannot take to the index of running jobs, which is full of dead entries.
pub(super) fn still_held(dialect: Dialect) -> String {
    format!("lease_until > {}", dialect.now())
}

/// On SQLite, the leases that `$1` lists (see [`list_of`]), as rows of `job` and `token`. A number ends where no digit follows.
const HELD_SQLITE: &str =
    "SELECT unhex(substr(value, 1, 32)) AS job, CAST(substr(value, 33) AS INTEGER) AS token FROM json_each($1)";

/// The leases that `$1` lists (see [`list_of`]), as rows of `job` and `token`.
pub(super) const fn held_leases(dialect: Dialect) -> &'static str {
    dialect.pick(
        HELD_SQLITE,
        "SELECT left(value, 32)::uuid AS job, split_part(substr(value, 33), ' ', 1)::bigint AS token
         FROM jsonb_array_elements_text($1::jsonb)",
    )
}

/// The same with the attempt that each lease was given for, as rows of `job`, `token` and `attempt`.
pub(super) const fn held_attempts(dialect: Dialect) -> &'static str {
    dialect.pick(
        "SELECT unhex(substr(value, 1, 32)) AS job, CAST(substr(value, 33) AS INTEGER) AS token,
                CAST(substr(value, instr(value, ' ')) AS INTEGER) AS attempt FROM json_each($1)",
        "SELECT left(value, 32)::uuid AS job, split_part(substr(value, 33), ' ', 1)::bigint AS token,
                split_part(value, ' ', 2)::bigint AS attempt FROM jsonb_array_elements_text($1::jsonb)",
    )
}

/// Leases as a list for one parameter: a word each, the id in hex with the token right behind it, and the attempt behind a space. A
/// list within the list would be read once for each of its parts.
pub(super) fn list_of(leases: &[Held]) -> String {
    let mut list = String::with_capacity(48 * leases.len() + 2);
    for (index, held) in leases.iter().enumerate() {
        let before = if index == 0 { '[' } else { ',' };
        // Writing to a String cannot fail.
        let _ = write!(list, "{before}\"{}{} {}\"", held.job.as_uuid().as_simple(), held.token, held.attempt);
    }
    if list.is_empty() { "[]".to_owned() } else { list + "]" }
}

/// Leases as two arrays, for PostgreSQL.
pub(super) fn arrays_of(leases: &[Held]) -> [Param; 2] {
    let jobs: Vec<_> = leases.iter().map(|held| held.job.as_uuid()).collect();
    let tokens: Vec<_> = leases.iter().map(|held| held.token).collect();
    [jobs.into(), tokens.into()]
}

pub(super) fn ids(rows: Vec<Row>) -> Result<Vec<JobId>, DbError> {
    rows.into_iter().map(|row| row.uuid("id").map(JobId::from_uuid)).collect()
}

const fn settled_one(changed: u64) -> Result<(), DbError> {
    if changed == 1 { Ok(()) } else { Err(DbError::LostLease) }
}

/// Why a job waits that would act on silence, as long as the mailbox may hold a letter that was not read.
pub const MAILBOX_NOT_READ: &str = "mailbox_not_read";

/// Has the jobs of these kinds that wait for this reason, and until then at the latest, look again now.
///
/// # Errors
/// When the database does not answer.
pub async fn hasten(
    tx: &mut Tx,
    kinds: &[&str],
    reason: &str,
    now: Timestamp,
    until: Timestamp,
) -> Result<u64, DbError> {
    // All priorities are named so that the index of waiting jobs leads to those few.
    let sql = "UPDATE jobs SET run_at = $3 WHERE state = 'waiting' AND kind = ANY($1) AND priority IN (0, 1, 2)
               AND run_at > $3 AND run_at <= $4 AND reason = $2";
    let changed = tx.execute(sql, params![kinds, reason, now, until]).await?;
    if changed > 0 {
        tx.made_work();
    }
    Ok(changed)
}

/// Has the job with this unique key look again that waits for this reason.
///
/// # Errors
/// When the database does not answer.
pub async fn hasten_one(tx: &mut Tx, unique_key: &str, reason: &str, now: Timestamp) -> Result<(), DbError> {
    let sql = "UPDATE jobs SET run_at = $3 WHERE unique_key = $1 AND state = 'waiting' AND reason = $2 AND run_at > $3";
    if tx.execute(sql, params![unique_key, reason, now]).await? > 0 {
        tx.made_work();
    }
    Ok(())
}
