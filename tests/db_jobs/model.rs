//! Random lives of the table, step by step beside a model of a few lines: same states, same attempts, same refusals.

use std::collections::BTreeMap;
use std::time::Duration;

use expunged::db::jobs;
use expunged::domain::{JobId, RequestId, Timestamp};
use expunged::params;
use expunged::queue::{AfterFailure, Claim, JobTable as _, Lease, NewJob, Priority, QueueError};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use super::world::{World, job, on_both, request};
use crate::support::long_run;

/// One step. Numbers pick among what there is.
#[derive(Clone, Debug)]
enum Step {
    Enqueue { priority: usize, delay_seconds: u64, key: Option<u8>, request: usize, attempts_max: u32 },
    Claim(u32),
    Complete(usize),
    TurnOver(usize, u32),
    Fail(usize, u64),
    FailForGood(usize),
    Snooze(usize, u64),
    Release(usize),
    Extend(usize),
    Oversleep(usize),
    Rescue,
    Cancel(usize),
    RetryDead(usize),
    Pass(u64),
}

fn step() -> impl Strategy<Value = Step> {
    let enqueue = (0..3_usize, 0..4_u64, proptest::option::of(0..3_u8), 0..2_usize, 1..4_u32).prop_map(
        |(priority, delay_seconds, key, request, attempts_max)| Step::Enqueue {
            priority,
            delay_seconds,
            key,
            request,
            attempts_max,
        },
    );
    prop_oneof![
        6 => enqueue,
        5 => (0..4_u32).prop_map(Step::Claim),
        2 => (0..9_usize).prop_map(Step::Complete),
        3 => (0..9_usize, 0..4_u32).prop_map(|(which, count_max)| Step::TurnOver(which, count_max)),
        2 => (0..9_usize, 0..4_u64).prop_map(|(which, seconds)| Step::Fail(which, seconds)),
        1 => (0..9_usize).prop_map(Step::FailForGood),
        1 => (0..9_usize, 0..4_u64).prop_map(|(which, seconds)| Step::Snooze(which, seconds)),
        1 => (0..9_usize).prop_map(Step::Release),
        1 => (0..9_usize).prop_map(Step::Extend),
        2 => (0..9_usize).prop_map(Step::Oversleep),
        2 => Just(Step::Rescue),
        1 => (0..2_usize).prop_map(Step::Cancel),
        1 => (0..9_usize).prop_map(Step::RetryDead),
        2 => (1..4_u64).prop_map(Step::Pass),
    ]
}

#[derive(Clone, Debug)]
struct Expected {
    state: &'static str,
    attempts: u32,
    attempts_max: u32,
    run_at: Timestamp,
    key: Option<u8>,
    request: usize,
    /// Whether the lease of a running job has run out.
    overslept: bool,
}

impl Expected {
    fn is_live(&self) -> bool {
        matches!(self.state, "waiting" | "running")
    }
}

struct Life<'a> {
    world: &'a World,
    now: Timestamp,
    requests: [RequestId; 2],
    jobs: BTreeMap<JobId, Expected>,
    leases: Vec<Lease>,
}

impl Life<'_> {
    async fn take(&mut self, step: Step) {
        let table = &self.world.jobs;
        match step {
            Step::Enqueue { priority, delay_seconds, key, request, attempts_max } => {
                self.enqueue(priority, delay_seconds, key, request, attempts_max).await;
            }
            Step::Claim(count_max) => self.claim(count_max).await,
            Step::Complete(which) => {
                let Some((lease, held)) = self.lease(which) else { return };
                let id = lease.job().id;
                assert_eq!(table.complete(vec![lease]).await.unwrap().is_empty(), held);
                self.settle(id, held, |job| job.state = "completed");
            }
            Step::TurnOver(which, count_max) => self.turn_over(which, count_max).await,
            Step::Fail(which, seconds) => {
                let Some((lease, held)) = self.lease(which) else { return };
                let (id, at) = (lease.job().id, self.now.plus(Duration::from_secs(seconds)));
                agrees(table.fail(lease, "model", AfterFailure::At(at)).await, held);
                self.settle(id, held, |job| {
                    job.run_at = at;
                    job.state = "waiting";
                });
            }
            Step::FailForGood(which) => {
                let Some((lease, held)) = self.lease(which) else { return };
                let id = lease.job().id;
                agrees(table.fail(lease, "model", AfterFailure::Never).await, held);
                self.settle(id, held, |job| job.state = "dead");
            }
            Step::Snooze(which, seconds) => {
                let Some((lease, held)) = self.lease(which) else { return };
                let (id, at) = (lease.job().id, self.now.plus(Duration::from_secs(seconds)));
                agrees(table.snooze(lease, at).await, held);
                self.settle(id, held, |job| (job.state, job.run_at, job.attempts) = ("waiting", at, job.attempts - 1));
            }
            Step::Release(which) => {
                let Some((lease, held)) = self.lease(which) else { return };
                let id = lease.job().id;
                table.release(vec![lease]).await.unwrap();
                self.settle(id, held, |job| (job.state, job.attempts) = ("waiting", job.attempts - 1));
            }
            Step::Extend(which) => {
                let Some((lease, held)) = self.lease(which) else { return };
                let lost = table.extend(&[lease.held()], Duration::from_secs(60)).await.unwrap();
                assert_eq!(lost.is_empty(), held);
                self.leases.push(lease);
            }
            Step::Oversleep(which) => self.oversleep(which).await,
            Step::Rescue => {
                let rescued = table.rescue(self.now).await.unwrap();
                let mut expected = 0;
                for job in self.jobs.values_mut().filter(|job| job.state == "running" && job.overslept) {
                    job.state = "waiting";
                    job.run_at = job.run_at.max(self.now);
                    expected += 1;
                }
                assert_eq!(rescued, expected);
            }
            Step::Cancel(request) => self.cancel(request).await,
            Step::RetryDead(which) => self.retry_dead(which).await,
            Step::Pass(seconds) => self.now = self.now.plus(Duration::from_secs(seconds)),
        }
    }

    /// Takes a lease out of the hand, with what the model says of it: whether it is still held.
    fn lease(&mut self, which: usize) -> Option<(Lease, bool)> {
        if self.leases.is_empty() {
            return None;
        }
        let lease = self.leases.swap_remove(which % self.leases.len());
        let job = &self.jobs[&lease.job().id];
        let newer =
            self.leases.iter().any(|other| other.job().id == lease.job().id && other.held().token > lease.held().token);
        Some((lease, job.state == "running" && !job.overslept && !newer))
    }

    fn settle(&mut self, id: JobId, held: bool, change: impl FnOnce(&mut Expected)) {
        if held {
            change(self.jobs.get_mut(&id).unwrap());
            // Older leases on the same job stay in the hand, and stay lost.
            self.leases.retain(|lease| lease.job().id != id);
        }
    }

    async fn enqueue(
        &mut self,
        priority: usize,
        delay_seconds: u64,
        key: Option<u8>,
        request: usize,
        attempts_max: u32,
    ) {
        let run_at = self.now.plus(Duration::from_secs(delay_seconds));
        let new = NewJob {
            priority: Priority::ALL[priority],
            run_at,
            unique_key: key.map(|key| format!("key {key}")),
            request: Some(self.requests[request]),
            attempts_max,
            ..job(self.now)
        };
        let ids = self.world.enqueue(&[new]).await;
        let taken = key.is_some() && self.jobs.values().any(|job| job.is_live() && job.key == key);
        assert_eq!(ids.is_empty(), taken);
        for id in ids {
            let job = Expected { state: "waiting", attempts: 0, attempts_max, run_at, key, request, overslept: false };
            self.jobs.insert(id, job);
        }
    }

    async fn turn_over(&mut self, which: usize, count_max: u32) {
        let Some((lease, held)) = self.lease(which) else { return };
        let (id, due) = (lease.job().id, self.due());
        let claim = Claim { worker: "model", kinds: &["a"], count_max, lease: Duration::from_secs(600) };
        let turned = self.world.jobs.turn_over(vec![lease], claim, self.now).await.unwrap();
        assert_eq!(turned.lost.is_empty(), held);
        self.settle(id, held, |job| job.state = "completed");
        self.learn(turned.claimed, due, count_max);
    }

    async fn claim(&mut self, count_max: u32) {
        let due = self.due();
        let claimed = self.world.claim_at(self.now, &["a"], count_max, Duration::from_secs(600)).await;
        self.learn(claimed, due, count_max);
    }

    fn due(&self) -> usize {
        self.jobs.values().filter(|job| job.state == "waiting" && job.run_at <= self.now).count()
    }

    fn learn(&mut self, claimed: Vec<Lease>, due: usize, count_max: u32) {
        assert_eq!(claimed.len(), due.min(count_max as usize));
        for lease in claimed {
            let job = self.jobs.get_mut(&lease.job().id).unwrap();
            assert!(job.state == "waiting" && job.run_at <= self.now);
            (job.state, job.attempts, job.overslept) = ("running", job.attempts + 1, false);
            assert_eq!(lease.job().attempt, job.attempts);
            assert_eq!(lease.job().is_exhausted(), job.attempts > job.attempts_max);
            self.leases.push(lease);
        }
    }

    async fn oversleep(&mut self, which: usize) {
        let Some((lease, held)) = self.lease(which) else { return };
        if held {
            let past = self.world.db.dialect().pick("1", "TIMESTAMPTZ 'epoch'");
            let mut tx = self.world.db.write().await.unwrap();
            let sql = format!("UPDATE jobs SET lease_until = {past} WHERE id = $1");
            tx.execute_one(&sql, params![lease.job().id]).await.unwrap();
            tx.commit().await.unwrap();
            self.jobs.get_mut(&lease.job().id).unwrap().overslept = true;
        }
        self.leases.push(lease);
    }

    async fn cancel(&mut self, request: usize) {
        let mut tx = self.world.db.write().await.unwrap();
        let cancelled = jobs::cancel(&mut tx, self.requests[request], &["a"]).await.unwrap();
        tx.commit().await.unwrap();
        let mut expected = 0;
        for job in self.jobs.values_mut() {
            if job.request == request && matches!(job.state, "waiting" | "dead") {
                job.state = "cancelled";
                expected += 1;
            }
        }
        assert_eq!(cancelled, expected);
    }

    async fn retry_dead(&mut self, which: usize) {
        let dead: Vec<JobId> = self.jobs.iter().filter(|(_, job)| job.state == "dead").map(|(id, _)| *id).collect();
        if dead.is_empty() {
            return;
        }
        let id = dead[which % dead.len()];
        let key = self.jobs[&id].key;
        let twin = key.is_some() && self.jobs.values().any(|job| job.is_live() && job.key == key);
        let mut tx = self.world.db.write().await.unwrap();
        match jobs::retry(&mut tx, id, self.now).await {
            Ok(put_back) => {
                assert!(put_back && !twin);
                tx.commit().await.unwrap();
                let job = self.jobs.get_mut(&id).unwrap();
                (job.state, job.attempts, job.run_at) = ("waiting", 0, self.now);
            }
            Err(error) => assert!(error.is_unique_violation() && twin),
        }
    }

    /// The whole table, as the model has it.
    async fn compare(&self) {
        let mut tx = self.world.db.read().await.unwrap();
        let rows = jobs::list(&mut tx, jobs::JobState::ALL, None, 10_000).await.unwrap();
        let found: BTreeMap<_, _> =
            rows.iter().map(|row| (row.id, (row.state.as_str(), row.attempts, row.run_at))).collect();
        let expected: BTreeMap<_, _> =
            self.jobs.iter().map(|(id, job)| (*id, (job.state, job.attempts, job.run_at))).collect();
        assert_eq!(found, expected);
    }
}

fn agrees(outcome: Result<(), QueueError>, held: bool) {
    match outcome {
        Ok(()) => assert!(held, "a lost lease settled something"),
        Err(QueueError::LostLease(_)) => assert!(!held, "a lease that is held was refused"),
        Err(error) => panic!("{error:?}"),
    }
}

async fn live(world: &World, steps: Vec<Step>) {
    world.sql("DELETE FROM jobs").await;
    world.sql("DELETE FROM jobs_done").await;
    let requests = [request(world.now), request(world.now)];
    let mut life = Life { world, now: world.now, requests, jobs: BTreeMap::new(), leases: Vec::new() };
    for step in steps {
        life.take(step).await;
        life.compare().await;
    }
}

on_both! {
    async fn the_table_lives_as_its_model(world) {
        let config = Config { cases: if long_run() { 1_000 } else { 30 }, failure_persistence: None, max_shrink_iters: 200, ..Config::default() };
        tokio::task::block_in_place(|| {
            let runtime = tokio::runtime::Handle::current();
            let lives = proptest::collection::vec(step(), 1..60);
            TestRunner::new(config).run(&lives, |steps| {
                runtime.block_on(live(&world, steps));
                Ok(())
            })
        })
        .unwrap();
    }
}
