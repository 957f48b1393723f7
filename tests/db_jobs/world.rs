//! A fresh database per test: SQLite in a temporary folder, PostgreSQL on the server of the test run.

use std::sync::Arc;
use std::time::Duration;

use expunged::chance::OsChance;
use expunged::clock::{Clock as _, SystemClock};
use expunged::db::{DatabaseSettings, Db, Jobs, jobs};
use expunged::domain::{JobId, RequestId, Timestamp};
use expunged::params;
use expunged::queue::{Claim, JobTable as _, Lease, NewJob};
use serde_json::json;

pub struct World {
    pub db: Db,
    pub jobs: Arc<Jobs>,
    pub settings: DatabaseSettings,
    pub now: Timestamp,
}

impl World {
    pub async fn open(settings: DatabaseSettings) -> Self {
        let db = Db::open(&settings).await.expect("the database opens");
        let jobs = Arc::new(Jobs::new(db.clone(), Arc::new(OsChance)));
        Self { db, jobs, settings, now: SystemClock.now() }
    }

    /// Enqueues in a transaction of its own.
    pub async fn enqueue(&self, new: &[NewJob]) -> Vec<JobId> {
        let mut tx = self.db.write().await.unwrap();
        let ids = jobs::enqueue(&mut tx, new, self.now, &OsChance).await.unwrap();
        tx.commit().await.unwrap();
        ids
    }

    pub async fn claim(&self, count_max: u32) -> Vec<Lease> {
        self.claim_at(self.now, &["a"], count_max, Duration::from_secs(30)).await
    }

    pub async fn claim_at(&self, now: Timestamp, kinds: &[&str], count_max: u32, lease: Duration) -> Vec<Lease> {
        self.jobs.claim(Claim { worker: "tester", kinds, count_max, lease }, now).await.unwrap()
    }

    /// The only job there is, claimed under a lease that has run out by now.
    pub async fn claim_and_oversleep(&self) -> Lease {
        let lease = self.claim_at(self.now, &["a"], 1, Duration::from_millis(20)).await.pop().unwrap();
        tokio::time::sleep(Duration::from_millis(60)).await;
        lease
    }

    /// How many jobs stand in this state, by plain SQL.
    pub async fn count(&self, state: &str) -> i64 {
        let mut tx = self.db.read().await.unwrap();
        let sql = "SELECT (SELECT COUNT(*) FROM jobs WHERE state = $1) \
                        + (SELECT COUNT(*) FROM jobs_done WHERE outcome = $1) AS count";
        tx.one(sql, params![state]).await.unwrap().i64("count").unwrap()
    }

    /// Runs a statement of the test's own.
    pub async fn sql(&self, sql: &str) {
        let mut tx = self.db.write().await.unwrap();
        tx.execute(sql, params![]).await.unwrap();
        tx.commit().await.unwrap();
    }
}

/// A job of kind `a` that may run at once.
pub fn job(now: Timestamp) -> NewJob {
    NewJob::new("a", json!({ "n": 1 }), now)
}

pub fn request(now: Timestamp) -> RequestId {
    RequestId::new(now, &OsChance)
}

pub async fn on_sqlite<F: Future<Output = ()>>(test: impl FnOnce(World) -> F) {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}", folder.path().join("ledger.db").display());
    test(World::open(DatabaseSettings { url: url.into(), connections_max: 4 }).await).await;
}

pub async fn on_postgres<F: Future<Output = ()>>(test: impl FnOnce(World) -> F) {
    let url = crate::support::postgres::fresh_postgres().await;
    let world = World::open(DatabaseSettings { url: url.into(), connections_max: 20 }).await;
    let db = world.db.clone();
    test(world).await;
    db.close().await;
}

/// The same test on both databases.
macro_rules! on_both {
    ($($tests:tt)*) => {
        $crate::support::on_both_of! {
            $crate::db_jobs::world::World, $crate::db_jobs::world::on_sqlite, $crate::db_jobs::world::on_postgres;
            $($tests)*
        }
    };
}

pub(crate) use on_both;
