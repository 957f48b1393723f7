//! The loop that works on jobs: claims batches, runs several at once, keeps their leases, settles, gives back.
//!
//! It never looks into a job. What is done and what it means is the [`Handler`]'s business; a handler that records its
//! effect completes its job in the same transaction and answers [`Settled::Done`].

mod doubt;
mod running;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at, sleep};
use tokio_util::sync::CancellationToken;

use super::{AfterFailure, Backoff, Claim, Held, JobTable, Lease, QueueError, TurnOver};
use crate::chance::Chance;
use crate::clock::Clock;
use crate::domain::{JobId, Retry, Timestamp};
use doubt::{Doubt, Failure};
use running::{Ended, Running};

/// Does the work of a job.
#[async_trait]
pub trait Handler: Send + Sync + 'static {
    /// Works on the job, under its lease. It may be dropped at any `.await` when the lease is lost or the daemon
    /// stops, and it may be called again for the same job: every effect must be safe to repeat.
    async fn handle(&self, lease: Lease) -> Settled;

    /// Ends a job whose last attempt ended without a word: it killed its worker, or panicked. Called instead of
    /// [`handle`](Self::handle), so that a job that kills never dies unseen.
    async fn exhausted(&self, lease: Lease) -> Settled {
        Settled::Failed { lease, reason: "attempts_used_up", retry: Retry::Permanent }
    }
}

/// How a handler leaves a job.
#[derive(Debug)]
#[must_use]
pub enum Settled {
    /// The handler settled the job in a transaction of its own.
    Done,
    /// The work is done and the loop may complete the job, together with others.
    Finished(Lease),
    /// The attempt failed.
    Failed {
        /// The job's lease.
        lease: Lease,
        /// Why: a code that is fixed in the program.
        reason: &'static str,
        /// Whether another attempt may help.
        retry: Retry,
    },
    /// Not now; the attempt does not count.
    Snooze {
        /// The job's lease.
        lease: Lease,
        /// When to look again.
        until: Timestamp,
    },
}

/// How a worker works.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkerSettings {
    /// Who claims; unique per process, shown to people.
    pub name: String,
    /// The kinds that it works on.
    pub kinds: Vec<String>,
    /// Jobs at once.
    pub concurrency: usize,
    /// How long a lease runs; it is extended after a third of this.
    pub lease: Duration,
    /// The longest time between two looks for work.
    pub poll: Duration,
    /// How often expired leases are taken back. With the lease it makes the time that a dead worker's jobs wait.
    pub rescue_every: Duration,
    /// How long a shutdown waits for running jobs before it gives them back.
    pub drain: Duration,
    /// The wait after a failed attempt.
    pub backoff: Backoff,
}

impl WorkerSettings {
    /// Eight jobs at once, leases of 30 s and a rescue every 15 s (so that a dead worker's jobs are taken over within
    /// 60 s), a look every second, 10 s for a drain.
    #[must_use]
    pub fn new(name: impl Into<String>, kinds: &[&str]) -> Self {
        Self {
            name: name.into(),
            kinds: kinds.iter().map(|kind| (*kind).to_owned()).collect(),
            concurrency: 8,
            lease: Duration::from_secs(30),
            poll: Duration::from_secs(1),
            rescue_every: Duration::from_secs(15),
            drain: Duration::from_secs(10),
            backoff: Backoff::default(),
        }
    }
}

/// Works until the shutdown, then finishes or gives back what it holds.
///
/// # Errors
/// Only when the table fails for good (a missing table, a wrong password). While it does not answer, the loop waits
/// and tries again.
pub async fn run(
    table: Arc<dyn JobTable>,
    handler: Arc<dyn Handler>,
    settings: WorkerSettings,
    clock: Arc<dyn Clock>,
    chance: Arc<dyn Chance>,
    shutdown: CancellationToken,
) -> Result<(), QueueError> {
    let (running, finished, doubt) = (Running::default(), Vec::new(), Doubt::default());
    let mut worker = Worker { table, handler, settings, clock, chance, running, finished, doubt, turn: 0 };
    let worked = worker.work(&shutdown).await;
    worker.drain().await;
    worked
}

struct Worker {
    table: Arc<dyn JobTable>,
    handler: Arc<dyn Handler>,
    settings: WorkerSettings,
    clock: Arc<dyn Clock>,
    chance: Arc<dyn Chance>,
    running: Running,
    /// Jobs whose work is done, to be completed with the next claim or at once where none follows.
    finished: Vec<Lease>,
    /// What the table may not know, because it did not answer.
    doubt: Doubt,
    /// Which kind comes first in the next claim, so that a busy kind does not starve the others.
    turn: usize,
}

impl Worker {
    async fn work(&mut self, shutdown: &CancellationToken) -> Result<(), QueueError> {
        let mut extend = ticks(self.settings.lease / 3);
        let mut rescue = ticks(self.settings.rescue_every);
        let mut hungry = true;
        while !shutdown.is_cancelled() {
            // Before anything is claimed or taken back: until then nobody of us has counted what was none.
            self.put_right().await?;
            hungry &= !self.doubt.is_any();
            // Claims come in batches: one that fills a single free place would cost a transaction per job.
            let free = self.settings.concurrency.saturating_sub(self.running.len());
            let room = free > 0 && free * 2 >= self.settings.concurrency;
            if hungry && room {
                hungry = self.claim(free).await? == free;
            }
            self.complete().await?;
            let table = Arc::clone(&self.table);
            tokio::select! {
                biased;
                () = shutdown.cancelled() => break,
                _ = extend.tick() => self.extend().await?,
                _ = rescue.tick() => hungry |= self.rescue().await?,
                ended = self.running.next() => self.settle(ended).await?,
                () = table.wait_for_work(self.settings.poll), if !hungry => hungry = true,
            }
        }
        Ok(())
    }

    /// Completes what is finished, claims up to `free` jobs and starts them; answers how many.
    async fn claim(&mut self, free: usize) -> Result<usize, QueueError> {
        let mut kinds: Vec<&str> = self.settings.kinds.iter().map(String::as_str).collect();
        let turn = self.turn % kinds.len().max(1);
        kinds.rotate_left(turn);
        let claim = Claim {
            worker: &self.settings.name,
            kinds: &kinds,
            count_max: u32::try_from(free).unwrap_or(u32::MAX),
            lease: self.settings.lease,
        };
        let finished = std::mem::take(&mut self.finished);
        let turned = self.table.turn_over(finished, claim, self.clock.now()).await;
        self.turn = self.turn.wrapping_add(1);
        let Some(TurnOver { lost, claimed, in_doubt }) = self.doubt.answered(turned)? else { return Ok(0) };
        self.doubt.noted |= in_doubt;
        warn_of(&lost);
        let count = claimed.len();
        for lease in claimed {
            let handler = Arc::clone(&self.handler);
            self.running.start(lease, handler);
        }
        Ok(count)
    }

    async fn extend(&mut self) -> Result<(), QueueError> {
        let held = self.running.held();
        let extended = self.table.extend(&held, self.settings.lease).await;
        // What its handler settled in a transaction of its own is not among them: its task ends by itself.
        for lost in self.doubt.answered(extended)?.unwrap_or_default() {
            self.running.stop(lost);
        }
        Ok(())
    }

    /// Whether there is work again.
    async fn rescue(&mut self) -> Result<bool, QueueError> {
        if self.doubt.is_any() {
            return Ok(false);
        }
        let rescued = self.table.rescue(self.clock.now()).await;
        let rescued = self.doubt.answered(rescued)?.unwrap_or_default();
        if rescued > 0 {
            tracing::warn!(jobs = rescued, "expired leases were taken back");
        }
        Ok(rescued > 0)
    }

    /// Completes what is finished and was not completed together with a claim.
    async fn complete(&mut self) -> Result<(), QueueError> {
        let completed = self.table.complete(std::mem::take(&mut self.finished)).await;
        warn_of(&self.doubt.answered(completed)?.unwrap_or_default());
        Ok(())
    }

    /// Tells the table what it cannot know, once it answers again.
    async fn put_right(&mut self) -> Result<(), QueueError> {
        if !self.doubt.is_any() {
            return Ok(());
        }
        let doubt = std::mem::take(&mut self.doubt);
        for failure in doubt.failures {
            self.record(failure).await?;
        }
        let mut known = self.running.held();
        known.extend(self.finished.iter().map(Lease::held));
        known.extend(self.doubt.failures.iter().map(|failure| failure.held));
        let kinds: Vec<&str> = self.settings.kinds.iter().map(String::as_str).collect();
        let changed = self.table.put_right(&self.settings.name, &kinds, &known, &doubt.lost).await;
        match self.doubt.answered(changed)? {
            Some(0) => {}
            Some(jobs) => tracing::warn!(jobs, "the job table answers again; attempts that were none do not count"),
            None => self.doubt.lost.extend(doubt.lost),
        }
        Ok(())
    }

    /// Settles what has ended; the plain completions wait for the next claim, or for [`complete`](Self::complete).
    async fn settle(&mut self, ended: Vec<Ended>) -> Result<(), QueueError> {
        for ended in ended {
            match ended {
                Ended::Settled(Settled::Done) => {}
                // It had lost its lease: there is nothing to settle.
                Ended::Stopped(lease) => {
                    tracing::warn!(job.id = %lease.job().id, "the lease was lost; the work was stopped");
                    self.doubt.lost.push(lease.held());
                }
                Ended::Settled(Settled::Finished(lease)) => self.finished.push(lease),
                Ended::Settled(Settled::Failed { lease, reason, retry }) => self.fail(lease, reason, retry).await?,
                Ended::Settled(Settled::Snooze { lease, until }) => {
                    let held = lease.held();
                    let snoozed = self.table.snooze(lease, until).await;
                    if self.doubt.answered(snoozed)?.is_none() {
                        self.doubt.lost.push(held);
                    }
                }
                Ended::Panicked(lease) => {
                    tracing::error!(job.id = %lease.job().id, job.kind = lease.job().kind, "the handler panicked");
                    self.fail(lease, "panicked", Retry::Transient).await?;
                }
            }
        }
        Ok(())
    }

    async fn fail(&mut self, lease: Lease, reason: &'static str, retry: Retry) -> Result<(), QueueError> {
        let Held { job, attempt, .. } = lease.held();
        tracing::warn!(job.id = %job, job.kind = lease.job().kind, job.attempt = attempt, reason, "an attempt failed");
        let next = match retry {
            Retry::Transient => {
                let wait = self.settings.backoff.after(attempt, self.chance.as_ref());
                AfterFailure::At(self.clock.now().plus(wait))
            }
            Retry::Permanent => AfterFailure::Never,
        };
        self.record(Failure { held: lease.held(), kind: lease.job().kind.clone(), reason, next }).await
    }

    /// Records a failed attempt, or keeps it until the table answers: it counts, as one and not as none.
    async fn record(&mut self, failure: Failure) -> Result<(), QueueError> {
        let lease = Lease::of_the_fallen(failure.held, failure.kind.clone());
        let answer = self.table.fail(lease, failure.reason, failure.next).await;
        let is_away = matches!(&answer, Err(QueueError::Table { .. }));
        self.doubt.answered(answer)?;
        self.doubt.failures.extend(is_away.then_some(failure));
        Ok(())
    }

    /// Waits for what runs, up to the drain time, then stops the rest and gives it back.
    async fn drain(&mut self) {
        let deadline = sleep(self.settings.drain);
        tokio::pin!(deadline);
        let mut extend = ticks(self.settings.lease / 3);
        while !self.running.is_empty() {
            let outcome = tokio::select! {
                () = &mut deadline => break,
                _ = extend.tick() => self.extend().await,
                ended = self.running.next() => match self.settle(ended).await {
                    Ok(()) => self.complete().await,
                    failed => failed,
                },
            };
            if let Err(error) = outcome {
                tracing::error!(error = &error as &dyn std::error::Error, "cannot settle while stopping");
                break;
            }
        }
        self.give_back().await;
    }

    async fn give_back(&mut self) {
        self.running.stop_all();
        let (mut stopped, mut settled) = (Vec::new(), Vec::new());
        while !self.running.is_empty() {
            for ended in self.running.next().await {
                match ended {
                    Ended::Stopped(lease) => stopped.push(lease),
                    other => settled.push(other),
                }
            }
        }
        let outcome = async {
            self.settle(settled).await?;
            self.complete().await?;
            self.table.release(stopped).await?;
            self.put_right().await
        };
        if let Err(error) = outcome.await {
            tracing::error!(error = &error as &dyn std::error::Error, "jobs wait for their leases to run out");
        }
    }
}

fn warn_of(lost: &[JobId]) {
    for job in lost {
        tracing::warn!(job.id = %job, "the lease was lost before the job was completed; it is done again");
    }
}

fn ticks(every: Duration) -> Interval {
    let every = every.max(Duration::from_millis(1));
    let mut ticks = interval_at(Instant::now() + every, every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks
}
