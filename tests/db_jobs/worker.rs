//! The loop: work is done once, panics and failures are attempts, a shutdown gives back, lost leases stop work.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use expunged::chance::{OsChance, SeededChance};
use expunged::clock::SystemClock;
use expunged::db::{Db, jobs};
use expunged::domain::Retry;
use expunged::queue::worker::{Handler, Settled, WorkerSettings, run};
use expunged::queue::{Backoff, JobTable, Lease, NewJob, QueueError};
use serde_json::json;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::world::{self, World, job, on_both};

/// Does what the payload says.
struct Obedient {
    db: Db,
    started: AtomicUsize,
    ended: AtomicUsize,
    exhausted: AtomicUsize,
}

impl Obedient {
    fn new(db: &Db) -> Arc<Self> {
        let [started, ended, exhausted] = [const { AtomicUsize::new(0) }; 3];
        Arc::new(Self { db: db.clone(), started, ended, exhausted })
    }
}

#[async_trait]
impl Handler for Obedient {
    async fn handle(&self, lease: Lease) -> Settled {
        self.started.fetch_add(1, Ordering::SeqCst);
        let order = lease.job().payload.as_str().unwrap_or("finish").to_owned();
        let first = lease.job().attempt == 1;
        match order.as_str() {
            "panic once" if first => panic!("as ordered"),
            "panic always" => panic!("as ordered"),
            "fail once" if first => return Settled::Failed { lease, reason: "ordered", retry: Retry::Transient },
            "fail for good" => return Settled::Failed { lease, reason: "ordered", retry: Retry::Permanent },
            "hang" => tokio::time::sleep(Duration::from_secs(600)).await,
            "nap" => tokio::time::sleep(Duration::from_millis(1_500)).await,
            "in my own transaction" => {
                let mut tx = self.db.write().await.unwrap();
                jobs::complete_in(&mut tx, &lease).await.unwrap();
                tx.commit().await.unwrap();
                self.ended.fetch_add(1, Ordering::SeqCst);
                return Settled::Done;
            }
            _ => {}
        }
        self.ended.fetch_add(1, Ordering::SeqCst);
        Settled::Finished(lease)
    }

    async fn exhausted(&self, lease: Lease) -> Settled {
        self.exhausted.fetch_add(1, Ordering::SeqCst);
        Settled::Failed { lease, reason: "exhausted", retry: Retry::Permanent }
    }
}

fn settings(name: &str) -> WorkerSettings {
    WorkerSettings {
        poll: Duration::from_millis(100),
        rescue_every: Duration::from_millis(200),
        drain: Duration::from_millis(300),
        backoff: Backoff { first: Duration::from_millis(50), longest: Duration::from_millis(100) },
        ..WorkerSettings::new(name, &["a"])
    }
}

/// Workers that are stopped, and must have ended well, at the end of the test.
struct Crew {
    tasks: JoinSet<Result<(), QueueError>>,
    stop: CancellationToken,
}

impl Crew {
    fn new() -> Self {
        Self { tasks: JoinSet::new(), stop: CancellationToken::new() }
    }

    fn add(&mut self, world: &World, handler: &Arc<Obedient>, settings: WorkerSettings) {
        let (table, handler) = (Arc::clone(&world.jobs) as Arc<dyn JobTable>, Arc::clone(handler) as Arc<dyn Handler>);
        let chance = Arc::new(SeededChance::new(1));
        self.tasks.spawn(run(table, handler, settings, Arc::new(SystemClock), chance, self.stop.clone()));
    }

    async fn stop(self) {
        self.stop.cancel();
        for ended in self.tasks.join_all().await {
            ended.unwrap();
        }
    }
}

async fn until(what: &str, mut condition: impl AsyncFnMut() -> bool) {
    for _ in 0..400 {
        if condition().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    panic!("waited 10 s in vain: {what}");
}

fn ordered(world: &World, order: &str) -> NewJob {
    NewJob { payload: json!(order), ..job(world.now) }
}

on_both! {
    async fn two_workers_do_every_job_once(world) {
        let handler = Obedient::new(&world.db);
        let mut crew = Crew::new();
        crew.add(&world, &handler, settings("one"));
        crew.add(&world, &handler, settings("two"));
        let new: Vec<_> = (0..400).map(|n| ordered(&world, if n % 2 == 0 { "" } else { "in my own transaction" })).collect();
        world.enqueue(&new).await;
        until("all are done", async || world.count("completed").await == 400).await;
        crew.stop().await;
        assert_eq!(handler.started.load(Ordering::SeqCst), 400);
    }

    async fn panics_and_failures_are_attempts(world) {
        let handler = Obedient::new(&world.db);
        world.enqueue(&["panic once", "fail once", "fail for good", ""].map(|order| ordered(&world, order))).await;
        let mut crew = Crew::new();
        crew.add(&world, &handler, settings("one"));
        until("all have ended", async || world.count("completed").await == 3 && world.count("dead").await == 1).await;
        crew.stop().await;
        assert_eq!(handler.started.load(Ordering::SeqCst), 6);
        let mut tx = world.db.read().await.unwrap();
        let rows = jobs::list(&mut tx, &[jobs::JobState::Completed], None, 10).await.unwrap();
        let mut attempts: Vec<_> = rows.iter().map(|row| row.attempts).collect();
        attempts.sort_unstable();
        assert_eq!(attempts, [1, 2, 2]);
    }

    async fn a_job_that_always_panics_is_handed_out_once_more_to_be_ended(world) {
        let handler = Obedient::new(&world.db);
        world.enqueue(&[NewJob { attempts_max: 2, ..ordered(&world, "panic always") }]).await;
        let mut crew = Crew::new();
        crew.add(&world, &handler, settings("one"));
        until("it is dead", async || world.count("dead").await == 1).await;
        crew.stop().await;
        assert_eq!((handler.started.load(Ordering::SeqCst), handler.exhausted.load(Ordering::SeqCst)), (2, 1));
    }

    async fn a_shutdown_finishes_the_short_and_gives_back_the_long(world) {
        let handler = Obedient::new(&world.db);
        world.enqueue(&[ordered(&world, "hang"), ordered(&world, "nap")]).await;
        let mut crew = Crew::new();
        crew.add(&world, &handler, WorkerSettings { drain: Duration::from_secs(3), ..settings("one") });
        until("both run", async || handler.started.load(Ordering::SeqCst) == 2).await;
        crew.stop().await;
        assert_eq!((world.count("completed").await, world.count("waiting").await), (1, 1));
        assert_eq!(world.claim(1).await[0].job().attempt, 1, "giving back costs no attempt");
    }

    async fn long_work_keeps_its_lease(world) {
        let handler = Obedient::new(&world.db);
        world.enqueue(&[ordered(&world, "nap")]).await;
        let mut crew = Crew::new();
        crew.add(&world, &handler, WorkerSettings { lease: Duration::from_millis(600), ..settings("one") });
        until("it is done", async || world.count("completed").await == 1).await;
        crew.stop().await;
        assert_eq!(handler.started.load(Ordering::SeqCst), 1);
    }

    async fn work_without_a_lease_is_stopped_and_done_by_another(world) {
        let handler = Obedient::new(&world.db);
        world.enqueue(&[ordered(&world, "nap")]).await;
        let mut crew = Crew::new();
        crew.add(&world, &handler, WorkerSettings { lease: Duration::from_secs(1), ..settings("one") });
        until("it runs", async || handler.started.load(Ordering::SeqCst) == 1).await;
        let past = world.db.dialect().pick("0", "'epoch'");
        world.sql(&format!("UPDATE jobs SET lease_until = {past} WHERE state = 'running'")).await;
        until("it is done", async || world.count("completed").await == 1).await;
        crew.stop().await;
        assert_eq!((handler.started.load(Ordering::SeqCst), handler.ended.load(Ordering::SeqCst)), (2, 1));
    }

    async fn a_busy_kind_does_not_starve_another(world) {
        let handler = Obedient::new(&world.db);
        world.enqueue(&vec![NewJob { run_at: world.now.minus(Duration::from_secs(60)), ..job(world.now) }; 600]).await;
        world.enqueue(&[NewJob { kind: "b".into(), ..job(world.now) }]).await;
        let mut crew = Crew::new();
        crew.add(&world, &handler, WorkerSettings { kinds: vec!["a".into(), "b".into()], concurrency: 4, ..settings("one") });
        let sql = "SELECT COUNT(*) AS count FROM jobs_done WHERE kind = 'b'";
        until("b is done", async || {
            let mut tx = world.db.read().await.unwrap();
            tx.one(sql, vec![]).await.unwrap().i64("count").unwrap() == 1
        }).await;
        let left = world.count("waiting").await;
        crew.stop().await;
        assert!(left > 0, "b was done before all of a: {left} left");
    }
}

#[tokio::test]
async fn a_table_that_is_gone_ends_the_loop_with_its_reason() {
    world::on_sqlite(|world| async move {
        world.sql("DROP TABLE jobs").await;
        let table = Arc::clone(&world.jobs) as Arc<dyn JobTable>;
        let handler = Obedient::new(&world.db);
        let clock = Arc::new(SystemClock);
        let ended = run(table, handler, settings("one"), clock, Arc::new(OsChance), CancellationToken::new()).await;
        assert!(matches!(ended, Err(QueueError::Table { retry: Retry::Permanent, .. })));
    })
    .await;
}
