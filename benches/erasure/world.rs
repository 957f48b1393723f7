//! The daemon of production over the shop: accounts whose service has ended are erased by it, and what the store was
//! asked to do is timed apart from all the rest.

use std::path::Path;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use async_trait::async_trait;
use expunged::chance::OsChance;
use expunged::clock::{Clock as _, FixedClock};
use expunged::config::{self, Purpose, Surroundings};
use expunged::daemon::build::{self, Choices};
use expunged::daemon::{self, Running};
use expunged::db::{Jobs, jobs};
use expunged::domain::Timestamp;
use expunged::erase::DataMap;
use expunged::flow::desk::Desk;
use expunged::flow::{House, kinds, tidy};
use expunged::params;
use expunged::queue::Lease;
use expunged::queue::worker::{self, Handler, Settled, WorkerSettings};
use expunged::stores::{
    self, Assignment, Key, KeyValue, Lookup, LookupRow, RowStore, Schema, Select, SqlRows, StoreError, StoreKind,
    StoreLimits, StoreName, Tally,
};
use tokio_util::sync::CancellationToken;

use super::counts::{self, Sent};
use super::shop::{Shop, account};

const CONFIG: &str = include_str!("expunged.toml");
const MAP: &str = include_str!("shop.toml");
/// Far from the ends of months and years.
const START: Timestamp = Timestamp::from_micros(1_799_000_000_000_000);
/// Longer than anything takes, at full size on a slow machine.
const WAIT_MAX: Duration = Duration::from_secs(3_600);

/// Requests that went another way than to their end.
const ASTRAY: &str = "SELECT COUNT(*) AS number FROM requests \
    WHERE state NOT IN ('received', 'scheduled', 'erasing', 'completed')";

/// The files of a world: config, map and mailbox.
pub fn lay(folder: &Path, kind: StoreKind, store: &str, ledger: &str) -> Result<()> {
    let account = match kind {
        StoreKind::Mysql => "CONVERT(:account USING utf8mb4)",
        _ => ":account",
    };
    let config = CONFIG.replace("{ledger}", ledger).replace("{account}", account);
    std::fs::write(folder.join("expunged.toml"), config)?;
    std::fs::write(folder.join("shop.toml"), MAP.replace("{kind}", kind.as_str()).replace("{url}", store))?;
    for name in ["cur", "new", "tmp"] {
        std::fs::create_dir_all(folder.join("support").join(name))?;
    }
    Ok(())
}

/// What one erasing took.
#[derive(Clone, Copy)]
pub struct Erased {
    /// From the claim of its job to the end of it.
    pub whole: Duration,
    /// The statements that erased, alone.
    pub statements: Duration,
    /// Rows that these changed.
    pub rows: u64,
    /// Statements that were sent, to the store and to the ledger.
    pub sent: Sent,
    /// Those to the store.
    pub calls: u64,
}

/// A house, its clock, and the store that is timed.
pub struct World {
    house: Arc<House>,
    clock: Arc<FixedClock>,
    timed: Arc<Timed>,
}

impl World {
    /// Builds the house from the files in a folder.
    pub async fn open(folder: &Path, kind: StoreKind, store: &str) -> Result<Self> {
        let clock = Arc::new(FixedClock::at(START));
        let config = config::load(&folder.join("expunged.toml"), &Surroundings::new(Purpose::Demo, None))
            .map_err(|error| anyhow::anyhow!("{error}"))?;
        let choices = Choices {
            clock: Arc::clone(&clock) as _,
            chance: Arc::new(OsChance),
            mailer: None,
            credentials: None,
            backfill: true,
            may_create: true,
            program: None,
        };
        let mut house = build::house(config, choices).await?;
        let limits = StoreLimits { statement_timeout: WAIT_MAX, ..StoreLimits::default() };
        let timed = Arc::new(Timed::over(stores::open(kind, &store.into(), limits).await?));
        house.stores.insert(StoreName::new("shop").context("a name")?, Arc::clone(&timed) as Arc<dyn SqlRows>);
        Ok(Self { house: Arc::new(house), clock, timed })
    }

    /// Rests so long after each chunk from now on, in percent of what it took.
    pub fn throttle(&mut self, folder: &Path, rest_percent: u32) -> Result<()> {
        let house = Arc::get_mut(&mut self.house).context("nobody works in the house now")?;
        let map = std::fs::read_to_string(folder.join("shop.toml"))?;
        let map = format!("{map}\n[store.throttle]\nrest_percent = {rest_percent}\n");
        house.map = DataMap::parse(&[("shop.toml", &map)]).map_err(|error| anyhow::anyhow!("{error}"))?;
        Ok(())
    }

    pub async fn close(self) {
        self.house.db.close().await;
    }

    /// Lives until the story is told; without the jobs that erase where they are kept for later.
    async fn live<T>(&self, erases: bool, story: impl Future<Output = Result<T>>) -> Result<T> {
        let mailbox = build::mailbox(&self.house.config, &self.house.clock, &self.house.chance);
        let mut running = Running::of_demo(&self.house);
        if !erases {
            running.workers.kinds.retain(|kind| kind != kinds::ERASE);
        }
        let stop = CancellationToken::new();
        let daemon = daemon::run(Arc::clone(&self.house), mailbox, running, stop.clone());
        let told = async {
            let told = tokio::time::timeout(WAIT_MAX, story).await;
            stop.cancel();
            told?
        };
        let (ran, told) = tokio::join!(daemon, told);
        ran?;
        told
    }

    /// Lives with nothing to do.
    pub async fn rest(&self, how_long: Duration) -> Result<()> {
        self.live(true, async {
            tokio::time::sleep(how_long).await;
            Ok(())
        })
        .await
    }

    /// The services of these accounts have ended, their owners were told, and their time has come. Returns with what the
    /// story that begins there came to.
    async fn ended<T>(
        &self,
        shop: &Shop,
        first_customers: &[u64],
        erases: bool,
        story: impl AsyncFnOnce() -> Result<T>,
    ) -> Result<T> {
        for some in first_customers.chunks(500) {
            let values: Vec<_> = some.iter().map(|id| format!("('{}', '2026-10-05')", account(*id))).collect();
            shop.run(&format!("INSERT INTO contracts VALUES {}", values.join(", "))).await?;
        }
        let wanted = first_customers.len() as u64;
        self.clock.advance(Duration::from_secs(86_400 + 60));
        tidy::tidy(&self.house).await?;
        self.live(erases, async {
            self.until(async || Ok(self.in_state("scheduled").await? == wanted && self.due().await? == 0)).await?;
            self.clock.advance(Duration::from_secs(9 * 86_400));
            story().await
        })
        .await
    }

    /// Erases these accounts one after the other, each as a job of the daemon; what each took, in the order of the jobs.
    pub async fn one_by_one(&self, shop: &Shop, first_customers: &[u64]) -> Result<Vec<Erased>> {
        let (wanted, before) = (first_customers.len(), self.in_state("completed").await?);
        self.ended(shop, first_customers, false, async || {
            self.until(async || Ok(self.in_state("erasing").await? == wanted as u64)).await
        })
        .await?;
        let stop = CancellationToken::new();
        let counting = Arc::new(Counting {
            desk: Desk(Arc::clone(&self.house)),
            timed: Arc::clone(&self.timed),
            left: AtomicUsize::new(wanted),
            stop: stop.clone(),
            last: Mutex::new((Instant::now(), Vec::new())),
        });
        self.timed.take();
        counts::take();
        let mut settings = WorkerSettings::new("bench", &[kinds::ERASE]);
        (settings.concurrency, settings.poll) = (1, Duration::from_millis(5));
        let table = Arc::new(Jobs::new(self.house.db.clone(), Arc::clone(&self.house.chance)));
        let (clock, chance) = (Arc::clone(&self.house.clock), Arc::clone(&self.house.chance));
        counting.begin();
        let work = worker::run(table, Arc::clone(&counting) as _, settings, clock, chance, stop);
        tokio::time::timeout(WAIT_MAX, work).await??;
        self.all_completed(before, wanted).await?;
        Ok(counting.taken())
    }

    /// Erases these accounts as the daemon does it when all of them are due at once: how long that took.
    pub async fn at_once(&self, shop: &Shop, first_customers: &[u64]) -> Result<Duration> {
        let before = self.in_state("completed").await?;
        self.ended(shop, first_customers, true, async || {
            let start = Instant::now();
            self.until(async || Ok(self.in_state("scheduled").await? + self.in_state("erasing").await? == 0)).await?;
            let took = start.elapsed();
            self.all_completed(before, first_customers.len()).await?;
            Ok(took)
        })
        .await
    }

    /// A request that is neither completed nor stands where it should is a wrong result.
    async fn all_completed(&self, before: u64, wanted: usize) -> Result<()> {
        let completed = self.in_state("completed").await?;
        anyhow::ensure!(
            completed == before + wanted as u64,
            "{} of {wanted} requests were completed",
            completed.saturating_sub(before)
        );
        Ok(())
    }

    async fn in_state(&self, state: &str) -> Result<u64> {
        self.number(&format!("SELECT COUNT(*) AS number FROM requests WHERE state = '{state}'")).await
    }

    async fn due(&self) -> Result<u64> {
        let mut tx = self.house.db.read().await?;
        Ok(jobs::count_due(&mut tx, self.clock.now()).await?)
    }

    async fn number(&self, sql: &str) -> Result<u64> {
        let mut tx = self.house.db.read().await?;
        Ok(u64::try_from(tx.one(sql, params![]).await?.i64("number")?)?)
    }

    async fn until(&self, is_so: impl AsyncFn() -> Result<bool>) -> Result<()> {
        let start = Instant::now();
        while !is_so().await? {
            let astray = self.number(ASTRAY).await?;
            anyhow::ensure!(astray == 0, "{astray} requests wait for a person");
            anyhow::ensure!(start.elapsed() < WAIT_MAX, "the house is never done");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Ok(())
    }
}

/// The desk of the daemon, until so many jobs are done.
struct Counting {
    desk: Desk,
    timed: Arc<Timed>,
    left: AtomicUsize,
    stop: CancellationToken,
    last: Mutex<(Instant, Vec<Erased>)>,
}

impl Counting {
    fn begin(&self) {
        self.last.lock().unwrap_or_else(PoisonError::into_inner).0 = Instant::now();
    }

    fn note(&self) {
        let (statements, rows, calls) = self.timed.take();
        let sent = counts::take();
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let whole = last.0.elapsed();
        last.1.push(Erased { whole, statements, rows, sent, calls });
        last.0 = Instant::now();
    }

    fn taken(&self) -> Vec<Erased> {
        std::mem::take(&mut self.last.lock().unwrap_or_else(PoisonError::into_inner).1)
    }
}

#[async_trait]
impl Handler for Counting {
    async fn handle(&self, lease: Lease) -> Settled {
        let settled = self.desk.handle(lease).await;
        if matches!(settled, Settled::Done | Settled::Finished(_)) {
            self.note();
            if self.left.fetch_sub(1, Relaxed) == 1 {
                self.stop.cancel();
            }
        }
        settled
    }
}

/// A store whose erasing statements are timed.
struct Timed {
    store: Arc<dyn SqlRows>,
    nanos: AtomicU64,
    rows: AtomicU64,
    calls: AtomicU64,
}

impl Timed {
    const fn over(store: Arc<dyn SqlRows>) -> Self {
        Self { store, nanos: AtomicU64::new(0), rows: AtomicU64::new(0), calls: AtomicU64::new(0) }
    }

    /// What was taken since the last time.
    fn take(&self) -> (Duration, u64, u64) {
        let nanos = self.nanos.swap(0, Relaxed);
        (Duration::from_nanos(nanos), self.rows.swap(0, Relaxed), self.calls.swap(0, Relaxed))
    }

    async fn time(&self, act: impl Future<Output = Result<u64, StoreError>> + Send) -> Result<u64, StoreError> {
        self.calls.fetch_add(1, Relaxed);
        let start = Instant::now();
        let rows = act.await?;
        self.nanos.fetch_add(u64::try_from(start.elapsed().as_nanos()).unwrap_or(u64::MAX), Relaxed);
        self.rows.fetch_add(rows, Relaxed);
        Ok(rows)
    }
}

#[async_trait]
impl Lookup for Timed {
    async fn lookup(&self, sql: &str, params: &[(&str, &str)]) -> Result<Vec<LookupRow>, StoreError> {
        self.store.lookup(sql, params).await
    }

    async fn describe(&self, sql: &str, params: &[&str]) -> Result<Vec<String>, StoreError> {
        self.store.describe(sql, params).await
    }
}

#[async_trait]
impl RowStore for Timed {
    async fn ping(&self) -> Result<(), StoreError> {
        self.store.ping().await
    }

    async fn schema(&self) -> Result<Schema, StoreError> {
        self.store.schema().await
    }

    async fn keys(
        &self,
        select: Select<'_>,
        key: &[String],
        after: Option<&Key>,
        limit: u32,
    ) -> Result<Vec<Key>, StoreError> {
        self.calls.fetch_add(1, Relaxed);
        self.store.keys(select, key, after, limit).await
    }

    async fn keys_of_both(&self, one: Select<'_>, other: Select<'_>, key: &[String]) -> Result<Vec<Key>, StoreError> {
        self.calls.fetch_add(1, Relaxed);
        self.store.keys_of_both(one, other, key).await
    }

    fn canonical(&self, table: &str, columns: &[String], key: &Key) -> Result<Key, StoreError> {
        self.store.canonical(table, columns, key)
    }

    async fn tally(
        &self,
        select: Select<'_>,
        assignments: &[Assignment],
        groups: &[Vec<String>],
    ) -> Result<Tally, StoreError> {
        self.calls.fetch_add(1, Relaxed);
        self.store.tally(select, assignments, groups).await
    }

    async fn count(&self, select: Select<'_>) -> Result<u64, StoreError> {
        self.calls.fetch_add(1, Relaxed);
        self.store.count(select).await
    }

    async fn delete(&self, select: Select<'_>) -> Result<u64, StoreError> {
        self.time(self.store.delete(select)).await
    }

    async fn mask(&self, select: Select<'_>, assignments: &[Assignment]) -> Result<u64, StoreError> {
        self.time(self.store.mask(select, assignments)).await
    }

    async fn residue(&self, select: Select<'_>, assignments: &[Assignment]) -> Result<u64, StoreError> {
        self.calls.fetch_add(1, Relaxed);
        self.store.residue(select, assignments).await
    }

    async fn values(&self, select: Select<'_>, columns: &[String]) -> Result<Vec<Vec<Option<KeyValue>>>, StoreError> {
        self.calls.fetch_add(1, Relaxed);
        self.store.values(select, columns).await
    }
}
