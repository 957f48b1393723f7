//! The job table against its floor: the same work by hand-written SQL, on the same tables, in the same run.
//!
//! Prints, per database, settled jobs a second beside the floor's (claims of a hundred; goal at least 1.0x), what a
//! claim costs at growing numbers of waiting jobs (goal at most 1.2x of what it costs at ten thousand, in turn), and after many
//! finished ones with autovacuum off (goal at most 1.5x), each beside the floor's at the same place, and what it costs a worker that was
//! idle. Ratios count, not figures. `EXPUNGED_BENCH_SIZE=small` is for CI; PostgreSQL is measured where
//! `EXPUNGED_TEST_POSTGRES_URL` names an empty server; at full size its `shared_buffers` must hold the table (2 GB), or
//! the disk is measured.
#![expect(clippy::print_stdout, reason = "the table is the result")]

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Result;
use expunged::chance::{Chance, OsChance, draw};
use expunged::clock::{Clock as _, SystemClock};
use expunged::db::{DatabaseSettings, Db, Dialect, Jobs};
use expunged::domain::Timestamp;
use expunged::params;
use expunged::queue::{Claim, JobTable as _};
use futures::future::try_join_all;
use serde_json::Value;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{Connection as _, PgPool, Row as _, SqlitePool};

const BATCH: u32 = 100;
/// Waiting jobs of the table that all others are compared with.
const SMALL_TABLE: u32 = 10_000;
/// Claims whose median is the cost of a claim; with the warm-up, and three kinds of them, they must leave some of the
/// smallest table.
const CLAIMS: usize = 27;
/// Claims before them: caches and plans are not what is measured.
const WARM_UP: usize = 4;
/// Alternating rounds of the floor and ours; the median of each counts.
const ROUNDS: usize = 9;

struct Size {
    settled: u32,
    waiting: &'static [u32],
    finished: u32,
    /// How long the disk of PostgreSQL is left alone behind a fill.
    settle: Duration,
}

const FULL: Size = Size {
    settled: 10_000,
    waiting: &[10_000, 1_000_000, 5_000_000],
    finished: 1_000_000,
    settle: Duration::from_secs(5),
};
const SMALL: Size = Size { settled: 2_000, waiting: &[10_000, 100_000], finished: 20_000, settle: Duration::ZERO };

fn main() -> Result<()> {
    let size = if std::env::var("EXPUNGED_BENCH_SIZE").is_ok_and(|size| size == "small") { SMALL } else { FULL };
    tokio::runtime::Runtime::new()?.block_on(async {
        let folder = tempfile::tempdir()?;
        let file = |name: &str| folder.path().join(name).display().to_string();
        let (grown, small) = (file("grown.db"), file("small.db"));
        let grown = World::open(&format!("sqlite://{grown}"), Floor::Sqlite(sqlite(&grown).await?)).await?;
        let small = World::open(&format!("sqlite://{small}"), Floor::Sqlite(sqlite(&small).await?)).await?;
        measure("SQLite", &grown, &small, &size).await?;
        let Ok(server) = std::env::var("EXPUNGED_TEST_POSTGRES_URL") else { return Ok(()) };
        let word = data_encoding::HEXLOWER.encode(&draw::<8>(&OsChance as &dyn Chance));
        let names = [format!("bench_{word}_grown"), format!("bench_{word}_small")];
        let mut admin = sqlx::PgConnection::connect(&server).await?;
        let [grown, small] =
            [postgres(&mut admin, &server, &names[0]).await?, postgres(&mut admin, &server, &names[1]).await?];
        measure("PostgreSQL", &grown, &small, &size).await?;
        for name in names {
            let sql = format!("DROP DATABASE {name} WITH (FORCE)");
            sqlx::raw_sql(sqlx::AssertSqlSafe(sql)).execute(&mut admin).await?;
        }
        Ok(())
    })
}

/// A world in a database of its own on this server.
async fn postgres(admin: &mut sqlx::PgConnection, server: &str, name: &str) -> Result<World> {
    sqlx::raw_sql(sqlx::AssertSqlSafe(format!("CREATE DATABASE {name}"))).execute(admin).await?;
    let mut url: url::Url = server.parse()?;
    url.set_path(name);
    World::open(url.as_str(), Floor::Postgres(PgPool::connect(url.as_str()).await?)).await
}

/// What grows is measured in turn with a table that stays small, so that both have the same neighbours on the machine.
async fn measure(name: &str, world: &World, small: &World, size: &Size) -> Result<()> {
    println!("{name}");
    for tasks in [1, 8] {
        world.throughput(size.settled, tasks).await?;
    }
    for &waiting in size.waiting {
        world.clear().await?;
        world.fill(waiting).await?;
        world.floor.settle(size.settle).await?;
        world.claim_costs(small).await?.print(&format!("at {waiting:>9} waiting"));
    }
    world.clear().await?;
    world.finish(size.finished).await?;
    world.fill(SMALL_TABLE).await?;
    world.claim_costs(small).await?.print(&format!("after {:>6} finished", size.finished));
    world.db.close().await;
    small.db.close().await;
    Ok(())
}

/// What a claim costs at one place: ours, the floor's, and that of a worker that was idle and reads from the start.
struct Costs {
    ours: Duration,
    /// Ours at the table that stays small.
    small: Duration,
    floor: Duration,
    idle: Duration,
}

impl Costs {
    fn print(&self, place: &str) {
        let Self { ours, small, floor, idle } = self;
        println!(
            "  claim of {BATCH} {place}: {:>7.2} ms, {:>6.0} claims/s ({:.2}x of the small table's; {:.2}x of {:.2} ms by hand), when idle {:.2} ms",
            ms(*ours),
            f64::from(BATCH) / ours.as_secs_f64(),
            ours.as_secs_f64() / small.as_secs_f64(),
            ours.as_secs_f64() / floor.as_secs_f64(),
            ms(*floor),
            ms(*idle),
        );
    }
}

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1_000.0
}

fn median<T: Copy + PartialOrd>(mut values: Vec<T>) -> Option<T> {
    values.sort_by(|a, b| a.partial_cmp(b).unwrap_or(std::cmp::Ordering::Equal));
    values.get(values.len() / 2).copied()
}

struct World {
    db: Db,
    jobs: Arc<Jobs>,
    floor: Floor,
    now: Timestamp,
}

impl World {
    async fn open(url: &str, floor: Floor) -> Result<Self> {
        let db = Db::open(&DatabaseSettings { url: url.into(), connections_max: 16 }).await?;
        let jobs = Arc::new(Jobs::new(db.clone(), Arc::new(OsChance)));
        Ok(Self { db, jobs, floor, now: SystemClock.now() })
    }

    async fn throughput(&self, count: u32, tasks: u32) -> Result<()> {
        let (mut ours, mut floors) = (Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            self.clear().await?;
            self.fill(count).await?;
            floors.push(rate(count, try_join_all((0..tasks).map(|_| self.floor.work(self.now)))).await?);
            self.clear().await?;
            self.fill(count).await?;
            ours.push(rate(count, try_join_all((0..tasks).map(|_| self.work()))).await?);
        }
        let (ours, floor) = (median(ours).unwrap_or_default(), median(floors).unwrap_or_default());
        println!(
            "  claimed and settled, {tasks} task(s): {ours:>7.0} jobs/s, by hand-written SQL {floor:>7.0}   {:.2}x",
            ours / floor
        );
        Ok(())
    }

    /// As a busy worker does: what is finished is completed with the next claim.
    async fn work(&self) -> Result<()> {
        let mut done = Vec::new();
        loop {
            let claim = Claim { worker: "bench", kinds: &["a"], count_max: BATCH, lease: Duration::from_secs(60) };
            let turned = self.jobs.turn_over(done, claim, self.now).await?;
            anyhow::ensure!(turned.lost.is_empty(), "a lease was lost");
            if turned.claimed.is_empty() {
                return Ok(());
            }
            done = turned.claimed;
        }
    }

    /// In turn, so that whatever the machine does meanwhile happens to all.
    async fn claim_costs(&self, reference: &Self) -> Result<Costs> {
        reference.clear().await?;
        reference.fill(SMALL_TABLE).await?;
        reference.floor.settle(Duration::ZERO).await?;
        let (mut ours, mut small, mut floor, mut idle) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        for round in 0..WARM_UP + CLAIMS {
            let fresh = Jobs::new(self.db.clone(), Arc::new(OsChance));
            let costs = [
                timed(claimed(&self.jobs, self.now)).await?,
                timed(claimed(&reference.jobs, reference.now)).await?,
                timed(self.floor.claim(self.now)).await?,
                timed(claimed(&fresh, self.now)).await?,
            ];
            if round >= WARM_UP {
                let [own, at_small, hand, first] = costs;
                ours.push(own);
                small.push(at_small);
                floor.push(hand);
                idle.push(first);
            }
        }
        let middle = |costs| median(costs).unwrap_or_default();
        Ok(Costs { ours: middle(ours), small: middle(small), floor: middle(floor), idle: middle(idle) })
    }

    async fn sql(&self, sql: &str, params: expunged::db::Params) -> Result<()> {
        let mut tx = self.db.write().await?;
        tx.execute(sql, params).await?;
        Ok(tx.commit().await?)
    }

    /// Empty tables without dead entries, and no autovacuum in between.
    async fn clear(&self) -> Result<()> {
        for table in ["jobs", "jobs_done"] {
            self.sql(&format!("{} {table}", self.db.dialect().pick("DELETE FROM", "TRUNCATE")), params![]).await?;
        }
        if self.db.dialect() == Dialect::Postgres {
            self.sql("ALTER TABLE jobs SET (autovacuum_enabled = false)", params![]).await?;
        }
        Ok(())
    }

    /// Waiting jobs, one a millisecond in the past, with ids of their time as ours are (UUIDv7), and a checkpoint, so
    /// that the measurement pays for none.
    async fn fill(&self, count: u32) -> Result<()> {
        let sql = self.db.dialect().pick(
            "WITH RECURSIVE series(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM series WHERE n + 1 < $1)
             INSERT INTO jobs (id, kind, state, priority, run_at, attempts_max, payload, created_at)
             SELECT unhex(printf('%012x7%s8%s', $2 / 1000 - ($1 - n), substr(hex(randomblob(2)), 2),
                          substr(hex(randomblob(8)), 2))),
                    'a', 'waiting', 1, $2 - 1000 * ($1 - n), 5, '{\"n\": 1}', $2 FROM series",
            "INSERT INTO jobs (id, kind, state, priority, run_at, attempts_max, payload, created_at)
             SELECT (lpad(to_hex((extract(epoch FROM $2) * 1000)::bigint - ($1 - n)), 12, '0') || '7'
                     || substr(gen_random_uuid()::text, 2, 3) || '8' || substr(md5(random()::text), 2, 15))::uuid,
                    'a', 'waiting', 1, $2 - ($1 - n) * INTERVAL '1 ms', 5, '{\"n\": 1}', $2
             FROM generate_series(0, $1 - 1) AS series(n)",
        );
        self.sql(sql, params![count, self.now]).await?;
        self.sql("ANALYZE jobs", params![]).await?;
        self.floor.checkpoint().await
    }

    /// Jobs that were claimed and finished, by the hundred, as a worker would have.
    async fn finish(&self, count: u32) -> Result<()> {
        self.fill(count).await?;
        self.work().await
    }
}

async fn claimed(jobs: &Jobs, now: Timestamp) -> Result<()> {
    let claim = Claim { worker: "bench", kinds: &["a"], count_max: BATCH, lease: Duration::from_secs(600) };
    let leases = jobs.claim(claim, now).await?;
    anyhow::ensure!(leases.len() == BATCH as usize, "the table is full");
    Ok(())
}

async fn timed(work: impl Future<Output = Result<()>>) -> Result<Duration> {
    let start = Instant::now();
    work.await?;
    Ok(start.elapsed())
}

async fn rate(count: u32, work: impl Future<Output = Result<Vec<()>>>) -> Result<f64> {
    let start = Instant::now();
    work.await?;
    Ok(f64::from(count) / start.elapsed().as_secs_f64())
}

/// The same work by hand: in one transaction move the last hundred to the evidence and claim the next, with no fence and no
/// lanes, and answer what a worker must know of a job. What is claimed is committed before it is worked on, as it must be where
/// the work is outside of the database.
enum Floor {
    Sqlite(SqlitePool),
    Postgres(PgPool),
}

async fn sqlite(path: &str) -> Result<SqlitePool> {
    let options = SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true)
        .foreign_keys(true)
        // As ours: a destroyed key must not stay on a free page. The statements are what is compared.
        .pragma("secure_delete", "ON")
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full);
    Ok(SqlitePoolOptions::new().max_connections(1).connect_with(options).await?)
}

const SQLITE_CLAIM: &str = "UPDATE jobs SET state = 'running', attempts = attempts + 1, lease_holder = 'bench',
    lease_token = lease_token + 1, claimed_at = $1, lease_until = $1 + 60000000 WHERE id IN
    (SELECT id FROM jobs WHERE state = 'waiting' AND kind = 'a' AND run_at <= $1 ORDER BY priority, run_at, id LIMIT 100)
    RETURNING id, kind, payload, attempts, attempts_max, request_id";
const POSTGRES_CLAIM: &str = "UPDATE jobs SET state = 'running', attempts = attempts + 1, lease_holder = 'bench',
    lease_token = lease_token + 1, claimed_at = $1, lease_until = $1 + INTERVAL '1 minute' WHERE id IN
    (SELECT id FROM jobs WHERE state = 'waiting' AND kind = 'a' AND run_at <= $1
     ORDER BY priority, run_at, id LIMIT 100 FOR UPDATE SKIP LOCKED)
    RETURNING id, kind, payload, attempts, attempts_max, request_id";
const COLUMNS: &str = "id, kind, outcome, request_id, unique_key, attempts, payload, run_at, created_at, claimed_at, \
    finished_at, holder, lease_token";
const VALUES: &str = "id, kind, 'completed', request_id, unique_key, attempts, payload, run_at, created_at, \
    claimed_at, $2, lease_holder, lease_token";

impl Floor {
    async fn work(&self, now: Timestamp) -> Result<()> {
        match self {
            Self::Sqlite(pool) => {
                let mut claimed = Some(Vec::new());
                while let Some(done) = claimed {
                    claimed = turn_over_sqlite(pool, done, now).await?;
                }
            }
            Self::Postgres(pool) => {
                let mut claimed = Some(Vec::new());
                while let Some(done) = claimed {
                    claimed = turn_over_postgres(pool, done, now).await?;
                }
            }
        }
        Ok(())
    }

    async fn claim(&self, now: Timestamp) -> Result<()> {
        match self {
            Self::Sqlite(pool) => drop(sqlx::query(SQLITE_CLAIM).bind(now).fetch_all(pool).await?),
            Self::Postgres(pool) => drop(sqlx::query(POSTGRES_CLAIM).bind(now).fetch_all(pool).await?),
        }
        Ok(())
    }

    /// What time does with the rows of a daemon: PostgreSQL knows them as committed (of a large table ANALYZE reads a part
    /// only), and the disk has done with the gigabytes that the fill wrote.
    async fn settle(&self, wait: Duration) -> Result<()> {
        if let Self::Postgres(pool) = self {
            sqlx::query("VACUUM jobs").execute(pool).await?;
            tokio::time::sleep(wait).await;
        }
        Ok(())
    }

    async fn checkpoint(&self) -> Result<()> {
        match self {
            Self::Sqlite(pool) => sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)").execute(pool).await.map(|_| ())?,
            Self::Postgres(pool) => sqlx::query("CHECKPOINT").execute(pool).await.map(|_| ())?,
        }
        Ok(())
    }
}

/// A claimed job: id, kind, payload, attempts, how many there may be, and the request.
type Work<Id, Count> = (Id, String, Value, Count, Count, Option<Id>);

/// Settles what is done and claims the next; nothing where none is left.
async fn turn_over_sqlite(pool: &SqlitePool, done: Vec<String>, now: Timestamp) -> Result<Option<Vec<String>>> {
    let mut tx = pool.begin_with("BEGIN IMMEDIATE").await?;
    if !done.is_empty() {
        let list = serde_json::to_string(&done)?;
        let which = "id IN (SELECT unhex(value) FROM json_each($1))";
        let insert = format!("INSERT INTO jobs_done ({COLUMNS}) SELECT {VALUES} FROM jobs WHERE {which}");
        sqlx::query(sqlx::AssertSqlSafe(insert)).bind(&list).bind(now).execute(&mut *tx).await?;
        let delete = format!("DELETE FROM jobs WHERE {which}");
        sqlx::query(sqlx::AssertSqlSafe(delete)).bind(&list).execute(&mut *tx).await?;
    }
    let rows = sqlx::query(SQLITE_CLAIM).bind(now).fetch_all(&mut *tx).await?;
    tx.commit().await?;
    let mut claimed = Vec::with_capacity(rows.len());
    for row in &rows {
        let job: Work<Vec<u8>, i64> =
            (row.try_get(0)?, row.try_get(1)?, row.try_get(2)?, row.try_get(3)?, row.try_get(4)?, row.try_get(5)?);
        claimed.push(data_encoding::HEXLOWER.encode(&job.0));
    }
    Ok((!claimed.is_empty()).then_some(claimed))
}

/// The same.
async fn turn_over_postgres(pool: &PgPool, done: Vec<uuid::Uuid>, now: Timestamp) -> Result<Option<Vec<uuid::Uuid>>> {
    let mut tx = pool.begin().await?;
    if !done.is_empty() {
        let sql = format!(
            "WITH done AS (DELETE FROM jobs WHERE id = ANY($1) RETURNING *)
             INSERT INTO jobs_done ({COLUMNS}) SELECT {VALUES} FROM done"
        );
        sqlx::query(sqlx::AssertSqlSafe(sql)).bind(done).bind(now).execute(&mut *tx).await?;
    }
    let rows = sqlx::query(POSTGRES_CLAIM).bind(now).fetch_all(&mut *tx).await?;
    tx.commit().await?;
    let mut claimed = Vec::with_capacity(rows.len());
    for row in &rows {
        let job: Work<uuid::Uuid, i32> =
            (row.try_get(0)?, row.try_get(1)?, row.try_get(2)?, row.try_get(3)?, row.try_get(4)?, row.try_get(5)?);
        claimed.push(job.0);
    }
    Ok((!claimed.is_empty()).then_some(claimed))
}
