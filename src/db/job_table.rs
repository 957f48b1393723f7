//! [`JobTable`] on our own database: claims, extensions, settlements in transactions of their own, rescue, waking.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use serde_json::{Value, json};
use sqlx::postgres::PgListener;
use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout};

use super::dialect::Dialect;
use super::error::DbError;
use super::jobs;
use super::open::{Bell, Db};
use super::sql::{Params, Retries, Row};
use crate::chance::Chance;
use crate::domain::{JobId, RequestId, Timestamp};
use crate::params;
use crate::queue::{AfterFailure, Claim, Held, Job, JobTable, Lease, Priority, QueueError, TurnOver};

/// The table of jobs. Cheap to share; one for all workers of a process.
pub struct Jobs {
    db: Db,
    chance: Arc<dyn Chance>,
    floors: Mutex<Floors>,
    listener: tokio::sync::Mutex<Option<PgListener>>,
    /// What a transaction of this process rings; it remembers a ring that nobody waited for. `None` on PostgreSQL.
    bell: tokio::sync::Mutex<Option<watch::Receiver<()>>>,
}

impl Jobs {
    /// The jobs of this database.
    #[must_use]
    pub fn new(db: Db, chance: Arc<dyn Chance>) -> Self {
        let bell = match db.bell() {
            Bell::Local(bell) => Some(bell.subscribe()),
            Bell::Channel(_) => None,
        };
        let (listener, bell) = (tokio::sync::Mutex::new(None), tokio::sync::Mutex::new(bell));
        Self { db, chance, floors: Mutex::default(), listener, bell }
    }

    fn floors(&self) -> MutexGuard<'_, Floors> {
        self.floors.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tries a whole transaction again when the database asks for it.
    async fn persist<T, F, R>(&self, transaction: F) -> Result<T, DbError>
    where
        F: Fn() -> R + Send + Sync,
        R: Future<Output = Result<T, DbError>> + Send,
        T: Send,
    {
        Ok(self.persist_counting(transaction).await?.0)
    }

    /// The same, and whether it took more than one try: the answer to an earlier one may have been lost.
    async fn persist_counting<T, F, R>(&self, transaction: F) -> Result<(T, bool), DbError>
    where
        F: Fn() -> R + Send + Sync,
        R: Future<Output = Result<T, DbError>> + Send,
        T: Send,
    {
        let (mut retries, mut again) = (Retries::default(), false);
        loop {
            match transaction().await {
                Err(error) if retries.again(&error, self.chance.as_ref()).await => again = true,
                outcome => return Ok((outcome?, again)),
            }
        }
    }

    /// Completes and claims in one transaction, in this order, so that what is claimed is locked for a short time only:
    /// the rows that were claimed, and the jobs whose lease was lost. A claim alone completes nothing.
    async fn turn_over_once(
        &self,
        done: &[Held],
        claim: Claim<'_>,
        lanes: &[Lane<'_>],
        now: Timestamp,
    ) -> Result<(Vec<Row>, Vec<JobId>), DbError> {
        let dialect = self.db.dialect();
        let mut params = claim_params(dialect, claim, lanes, now);
        if done.is_empty() {
            return Ok((self.db.alone(&claim_sql(dialect), params).await?, Vec::new()));
        }
        if dialect == Dialect::Sqlite {
            let mut tx = self.db.write().await?;
            let lost = jobs::complete_held(&mut tx, done).await?;
            let claimed = tx.all(&claim_sql(dialect), params).await?;
            tx.commit().await?;
            return Ok((claimed, lost));
        }
        let first = params.len() + 1;
        params.extend(jobs::arrays_of(done));
        let sql = format!(
            "WITH {}, claimed AS ({})
             SELECT id, NULL AS kind, NULL AS priority, NULL AS run_at, NULL AS request_id, NULL AS payload,
                    NULL AS attempts, NULL AS attempts_max, NULL AS lease_token FROM lost
             UNION ALL SELECT {CLAIMED} FROM claimed",
            jobs::complete_ctes(&format!("${first}"), &format!("${}", first + 1)),
            claim_sql(dialect),
        );
        let mut claimed = Vec::new();
        let mut lost = Vec::new();
        for row in self.db.alone(&sql, params).await? {
            match row.opt_text("kind")? {
                Some(_) => claimed.push(row),
                None => lost.push(JobId::from_uuid(row.uuid("id")?)),
            }
        }
        Ok((claimed, lost))
    }

    /// The same, tried until it is done, from where the lanes' live entries begin, or from the start where that is not
    /// known.
    async fn turn_over_from(
        &self,
        above: Option<Vec<Lane<'_>>>,
        done: &[Held],
        claim: Claim<'_>,
        now: Timestamp,
    ) -> Result<TurnOver, DbError> {
        let from_start = above.is_none();
        let lanes = above.unwrap_or_else(|| {
            self.floors().read_from_start = Some(Instant::now());
            lanes(claim.kinds, |_, _| START)
        });
        let once = || self.turn_over_once(done, claim, &lanes, now);
        let ((rows, lost), in_doubt) = self.persist_counting(once).await?;
        let claimed = leases(&rows, claim.kinds, &mut self.floors(), from_start)?;
        Ok(TurnOver { lost, claimed, in_doubt })
    }

    async fn extend_once(&self, leases: &[Held], lease: Duration) -> Result<Vec<(JobId, i64)>, DbError> {
        let dialect = self.db.dialect();
        let sql = format!(
            "UPDATE jobs SET lease_until = {} + $2 * {} FROM ({}) AS held
             WHERE id = held.job AND lease_token = held.token AND {} RETURNING id, lease_token",
            dialect.now(),
            dialect.microsecond(),
            jobs::held_leases(dialect),
            jobs::still_held(dialect)
        );
        let lease_micros = i64::try_from(lease.as_micros()).unwrap_or(i64::MAX);
        let rows = self.db.alone(&sql, params![jobs::list_of(leases), lease_micros]).await?;
        pairs(&rows)
    }

    /// Which of these leases, that could not be extended, were lost: those under which the job was not settled.
    async fn lost_of(&self, leases: &[Held]) -> Result<Vec<Held>, DbError> {
        let sql = format!(
            "SELECT held.job AS id, held.token AS lease_token FROM ({}) AS held
             LEFT JOIN jobs ON jobs.id = held.job LEFT JOIN jobs_done ON jobs_done.id = held.job
             WHERE COALESCE(jobs.lease_token, jobs_done.lease_token) <> held.token OR jobs.state = 'running'
                OR COALESCE(jobs.reason, jobs_done.reason) = 'lease_expired'
                   AND COALESCE(jobs.attempts, jobs_done.attempts) = held.attempt",
            jobs::held_attempts(self.db.dialect())
        );
        let rows = self.db.alone(&sql, params![jobs::list_of(leases)]).await?;
        let lost = pairs(&rows)?;
        Ok(leases.iter().filter(|held| lost.contains(&(held.job, held.token))).copied().collect())
    }

    async fn complete_once(&self, leases: &[Held]) -> Result<Vec<JobId>, DbError> {
        if self.db.dialect() == Dialect::Postgres {
            return jobs::ids(self.db.alone(&jobs::complete_alone(), jobs::arrays_of(leases).into()).await?);
        }
        let mut tx = self.db.write().await?;
        let lost = jobs::complete_held(&mut tx, leases).await?;
        tx.commit().await?;
        Ok(lost)
    }

    async fn fail_once(&self, lease: &Lease, reason: &'static str, next: AfterFailure) -> Result<(), DbError> {
        let mut tx = self.db.write().await?;
        jobs::fail_in(&mut tx, lease, reason, next).await?;
        tx.commit().await
    }

    async fn give_back_once(&self, leases: &[Held], until: Option<Timestamp>) -> Result<u64, DbError> {
        let mut tx = self.db.write().await?;
        let given = jobs::give_back(&mut tx, leases, until).await?;
        tx.made_work();
        tx.commit().await?;
        Ok(given)
    }

    /// First what ran out, while its attempt still tells that it was counted; then what nobody knows of.
    async fn put_right_once(
        &self,
        worker: &str,
        kinds: &[&str],
        known: &[Held],
        lost: &[Held],
    ) -> Result<u64, DbError> {
        let mut tx = self.db.write().await?;
        let dialect = tx.dialect();
        let uncounted = format!(
            "UPDATE jobs SET attempts = attempts - 1 FROM ({}) AS held
             WHERE id = held.job AND attempts > 0 AND (lease_token > held.token
               OR lease_token = held.token AND state = 'waiting' AND reason = 'lease_expired' AND attempts = held.attempt)",
            jobs::held_attempts(dialect)
        );
        let taken_back = tx.execute(&uncounted, params![jobs::list_of(lost)]).await?;
        let unknown = format!(
            "UPDATE jobs SET state = 'waiting', attempts = attempts - 1, lease_until = NULL, lease_holder = NULL
             WHERE state = 'running' AND lease_holder = $2 AND kind = ANY($3) AND NOT EXISTS (
               SELECT 1 FROM ({}) AS held WHERE held.job = jobs.id AND held.token = jobs.lease_token)",
            jobs::held_leases(dialect)
        );
        let given_back = tx.execute(&unknown, params![jobs::list_of(known), worker, kinds]).await?;
        if given_back > 0 {
            tx.made_work();
        }
        tx.commit().await?;
        Ok(taken_back + given_back)
    }

    /// A job whose attempts are used up waits too, to be ended by whoever claims it: nothing dies here, where no request
    /// and no person would hear of it.
    async fn rescue_once(&self, now: Timestamp) -> Result<u64, DbError> {
        let mut tx = self.db.write().await?;
        let expired = format!(
            "SELECT id FROM jobs WHERE state = 'running' AND lease_until <= {} ORDER BY lease_until LIMIT $2 {}",
            tx.dialect().now(),
            tx.dialect().pick("", "FOR UPDATE SKIP LOCKED")
        );
        let sql = format!(
            "UPDATE jobs SET state = 'waiting', run_at = CASE WHEN run_at < $1 THEN $1 ELSE run_at END, reason = 'lease_expired',
                    reason_since = {}, lease_until = NULL, lease_holder = NULL
             WHERE id IN ({expired})",
            jobs::reason_since(tx.dialect(), "'lease_expired'")
        );
        let rescued = tx.execute(&sql, params![now, RESCUE_COUNT_MAX]).await?;
        tx.made_work();
        tx.commit().await?;
        Ok(rescued)
    }

    async fn hear(&self, pool: &sqlx::PgPool) -> Result<(), sqlx::Error> {
        let mut listener = self.listener.lock().await;
        let connected = match listener.take() {
            Some(connected) => connected,
            None => {
                let mut fresh = PgListener::connect_with(pool).await?;
                fresh.listen(CHANNEL).await?;
                fresh
            }
        };
        // It goes back before the wait, so that a wait that is given up loses neither it nor a notification.
        listener.insert(connected).recv().await.map(drop)
    }
}

/// What a claim answers of a job.
const CLAIMED: &str = "id, kind, priority, run_at, request_id, payload, attempts, attempts_max, lease_token";

/// The statement of a claim; its parameters are those of [`claim_params`].
fn claim_sql(dialect: Dialect) -> String {
    format!(
        "UPDATE jobs SET state = 'running', attempts = attempts + 1, lease_token = lease_token + 1,
                lease_holder = $1, claimed_at = {now}, lease_until = {now} + $2 * {microsecond}
         WHERE id {next} RETURNING {CLAIMED}",
        now = dialect.now(),
        microsecond = dialect.microsecond(),
        next = dialect.pick(NEXT_SQLITE, NEXT_POSTGRES),
    )
}

fn claim_params(dialect: Dialect, claim: Claim<'_>, lanes: &[Lane<'_>], now: Timestamp) -> Params {
    let lease_micros = i64::try_from(claim.lease.as_micros()).unwrap_or(i64::MAX);
    let mut params = params![claim.worker, lease_micros, now, claim.count_max];
    params.append(&mut lanes_as_params(dialect, lanes));
    params
}

/// What PostgreSQL's trigger notifies.
const CHANNEL: &str = "expunged_jobs";
/// Leases taken back in one pass.
const RESCUE_COUNT_MAX: u32 = 1_000;

/// CROSS JOIN keeps SQLite to this order: one range of the index per lane, and no further than LIMIT.
const NEXT_SQLITE: &str = "IN (
    SELECT jobs.id FROM json_each($5) AS lane CROSS JOIN jobs INDEXED BY jobs_waiting
        ON jobs.kind = lane.value ->> 0 AND jobs.priority = lane.value ->> 1
    WHERE jobs.state = 'waiting' AND jobs.run_at <= $3 LIMIT $4)";

/// One range of the index per lane; rows are locked as they are pulled, and LIMIT stops pulling. The array keeps the
/// planner from joining by a scan of the table when it knows no statistics.
const NEXT_POSTGRES: &str = "= ANY(ARRAY(
    SELECT next.id FROM unnest($5, $6, $7) AS lane(kind, priority, floor) CROSS JOIN LATERAL (
        SELECT id FROM jobs
        WHERE state = 'waiting' AND kind = lane.kind AND priority = lane.priority::smallint
          AND run_at >= lane.floor AND run_at <= $3
        ORDER BY run_at, id LIMIT $4 FOR UPDATE SKIP LOCKED) AS next
    LIMIT $4))";

/// One range of the index of waiting jobs: a kind and a priority, and where the claim begins to read.
#[derive(Clone, Copy)]
struct Lane<'a> {
    kind: &'a str,
    priority: Priority,
    floor: Timestamp,
}

/// The lanes in the order of the claim: by priority, then as the kinds were asked for.
fn lanes<'a>(kinds: &'a [&'a str], floor: impl Fn(&str, Priority) -> Timestamp) -> Vec<Lane<'a>> {
    let every = Priority::ALL.into_iter().flat_map(|priority| kinds.iter().map(move |kind| (*kind, priority)));
    every.map(|(kind, priority)| Lane { kind, priority, floor: floor(kind, priority) }).collect()
}

fn lanes_as_params(dialect: Dialect, lanes: &[Lane<'_>]) -> Params {
    match dialect {
        Dialect::Sqlite => {
            params![lanes.iter().map(|lane| json!([lane.kind, lane.priority.as_i16()])).collect::<Value>()]
        }
        Dialect::Postgres => params![
            lanes.iter().map(|lane| lane.kind.to_owned()).collect::<Vec<_>>(),
            lanes.iter().map(|lane| i64::from(lane.priority.as_i16())).collect::<Vec<_>>(),
            lanes.iter().map(|lane| lane.floor).collect::<Vec<_>>(),
        ],
    }
}

/// Where each lane's live entries begin, as far as this process knows.
///
/// PostgreSQL leaves the index entries of claimed jobs where they were until vacuum, at the very place where a claim
/// begins to read. So a claim begins a little below what was claimed last. It reads from the start where that does
/// not fill it, and once a second in any case, for jobs that were enqueued with an older time or committed late.
#[derive(Default)]
struct Floors {
    highest: HashMap<(String, Priority), Timestamp>,
    read_from_start: Option<Instant>,
}

/// Jobs of concurrent transactions commit out of order by about this much.
const FLOOR_MARGIN: Duration = Duration::from_secs(2);
/// How often a claim reads from the beginning.
const FULL_READ_EVERY: Duration = Duration::from_secs(1);
/// Before every job.
const START: Timestamp = Timestamp::from_micros(0);

impl Floors {
    /// The lanes above their floors; `None` when it is time to read from the start again.
    fn lanes<'a>(&mut self, kinds: &'a [&'a str]) -> Option<Vec<Lane<'a>>> {
        if self.read_from_start.is_none_or(|last| last.elapsed() >= FULL_READ_EVERY) {
            return None;
        }
        let floor = |kind: &str, priority| self.highest.get(&(kind.to_owned(), priority)).copied();
        Some(lanes(kinds, |kind, priority| floor(kind, priority).map_or(START, |time| time.minus(FLOOR_MARGIN))))
    }

    /// Remembers the highest time that a claim got from a lane. One that read from the start knows best, and may
    /// lower it: older jobs have come.
    fn learn(&mut self, highest: Vec<(String, Priority, Timestamp)>, from_start: bool) {
        for (kind, priority, time) in highest {
            let known = self.highest.entry((kind, priority)).or_insert(time);
            *known = if from_start { time } else { time.max(*known) };
        }
    }
}

/// The leases of a claim in the order in which they were asked for; the database answers in any.
fn leases(rows: &[Row], kinds: &[&str], floors: &mut Floors, from_start: bool) -> Result<Vec<Lease>, DbError> {
    let mut claimed = Vec::with_capacity(rows.len());
    // A claim has few lanes and many rows.
    let mut highest: Vec<(String, Priority, Timestamp)> = Vec::new();
    for row in rows {
        let (lease, priority, run_at) = lease(row)?;
        let kind = &lease.job().kind;
        match highest.iter_mut().find(|(known, lane, _)| *lane == priority && known == kind) {
            Some((_, _, time)) => *time = run_at.max(*time),
            None => highest.push((kind.clone(), priority, run_at)),
        }
        let place = kinds.iter().position(|kind| *kind == lease.job().kind);
        claimed.push(((priority, place, run_at, lease.job().id), lease));
    }
    floors.learn(highest, from_start);
    claimed.sort_by_key(|(place, _)| *place);
    Ok(claimed.into_iter().map(|(_, lease)| lease).collect())
}

fn lease(row: &Row) -> Result<(Lease, Priority, Timestamp), DbError> {
    let number = row.i64("priority")?;
    let priority = Priority::from_i64(number).ok_or_else(|| row.wrong("priority", "no priority of ours".into()))?;
    let job = Job {
        id: JobId::from_uuid(row.uuid("id")?),
        kind: row.text("kind")?,
        request: row.opt_uuid("request_id")?.map(RequestId::from_uuid),
        payload: row.json("payload")?,
        attempt: row.u32("attempts")?,
        attempts_max: row.u32("attempts_max")?,
    };
    Ok((Lease::claimed(job, row.i64("lease_token")?), priority, row.time("run_at")?))
}

/// Leases by job and token.
fn pairs(rows: &[Row]) -> Result<Vec<(JobId, i64)>, DbError> {
    rows.iter().map(|row| Ok((JobId::from_uuid(row.uuid("id")?), row.i64("lease_token")?))).collect()
}

fn table_error(error: DbError) -> QueueError {
    QueueError::Table { retry: error.retry(), source: Box::new(error) }
}

fn settle_error(job: JobId) -> impl Fn(DbError) -> QueueError {
    move |error| match error {
        DbError::LostLease => QueueError::LostLease(job),
        error => table_error(error),
    }
}

fn held(leases: &[Lease]) -> Vec<Held> {
    leases.iter().map(Lease::held).collect()
}

#[async_trait]
impl JobTable for Jobs {
    async fn claim(&self, claim: Claim<'_>, now: Timestamp) -> Result<Vec<Lease>, QueueError> {
        Ok(self.turn_over(Vec::new(), claim, now).await?.claimed)
    }

    async fn turn_over(&self, done: Vec<Lease>, claim: Claim<'_>, now: Timestamp) -> Result<TurnOver, QueueError> {
        if claim.kinds.is_empty() || claim.count_max == 0 {
            return Ok(TurnOver { lost: self.complete(done).await?, claimed: Vec::new(), in_doubt: false });
        }
        let above = self.floors().lanes(claim.kinds);
        let from_start = above.is_none();
        let turned = self.turn_over_from(above, &held(&done), claim, now).await;
        let mut turned = turned.map_err(table_error)?;
        let missing = claim.count_max.saturating_sub(u32::try_from(turned.claimed.len()).unwrap_or(u32::MAX));
        if missing > 0 && !from_start {
            // What was claimed already must reach the caller, whatever becomes of the rest.
            let rest = self.turn_over_from(None, &[], Claim { count_max: missing, ..claim }, now).await;
            match rest {
                Ok(rest) => {
                    turned.claimed.extend(rest.claimed);
                    turned.in_doubt |= rest.in_doubt;
                }
                Err(_) => turned.in_doubt = true,
            }
        }
        Ok(turned)
    }

    async fn extend(&self, leases: &[Held], lease: Duration) -> Result<Vec<Held>, QueueError> {
        if leases.is_empty() {
            return Ok(Vec::new());
        }
        let extended = self.persist(|| self.extend_once(leases, lease)).await.map_err(table_error)?;
        let rest: Vec<Held> =
            leases.iter().filter(|held| !extended.contains(&(held.job, held.token))).copied().collect();
        if rest.is_empty() {
            return Ok(rest);
        }
        self.persist(|| self.lost_of(&rest)).await.map_err(table_error)
    }

    async fn complete(&self, leases: Vec<Lease>) -> Result<Vec<JobId>, QueueError> {
        if leases.is_empty() {
            return Ok(Vec::new());
        }
        let held = held(&leases);
        self.persist(|| self.complete_once(&held)).await.map_err(table_error)
    }

    async fn fail(&self, lease: Lease, reason: &'static str, next: AfterFailure) -> Result<(), QueueError> {
        self.persist(|| self.fail_once(&lease, reason, next)).await.map_err(settle_error(lease.job().id))
    }

    async fn snooze(&self, lease: Lease, until: Timestamp) -> Result<(), QueueError> {
        let held = [lease.held()];
        match self.persist(|| self.give_back_once(&held, Some(until))).await.map_err(table_error)? {
            1 => Ok(()),
            _ => Err(QueueError::LostLease(lease.job().id)),
        }
    }

    async fn release(&self, leases: Vec<Lease>) -> Result<(), QueueError> {
        if leases.is_empty() {
            return Ok(());
        }
        let held = held(&leases);
        self.persist(|| self.give_back_once(&held, None)).await.map(drop).map_err(table_error)
    }

    async fn rescue(&self, now: Timestamp) -> Result<u64, QueueError> {
        self.persist(|| self.rescue_once(now)).await.map_err(table_error)
    }

    async fn put_right(&self, worker: &str, kinds: &[&str], known: &[Held], lost: &[Held]) -> Result<u64, QueueError> {
        self.persist(|| self.put_right_once(worker, kinds, known, lost)).await.map_err(table_error)
    }

    async fn wait_for_work(&self, at_most: Duration) {
        match self.db.bell() {
            Bell::Local(_) => {
                let mut bell = self.bell.lock().await;
                let Some(bell) = bell.as_mut() else { return };
                // Either outcome means: look.
                drop(timeout(at_most, bell.changed()).await);
            }
            Bell::Channel(pool) => {
                if let Ok(Err(error)) = timeout(at_most, self.hear(pool)).await {
                    tracing::debug!(%error, "not woken by the database; polling");
                    *self.listener.lock().await = None;
                    sleep(at_most).await;
                }
            }
        }
    }
}
