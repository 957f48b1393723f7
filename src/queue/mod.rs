//! Jobs: what is to be done, claimed under a lease, settled exactly once; and the loop that works on them.
//!
//! A job is enqueued in the transaction that makes it necessary, and settled in the transaction that records its
//! effect. This room never talks SQL ([`JobTable`] is implemented by the database) and never decides what a job
//! means ([`worker::Handler`] is implemented by the flow). Payloads hold ids, never personal data.
//!
//! ```text
//!                    enqueue
//!                       │                     fail (run_at = now + backoff)
//!                       ▼                     snooze, release (the attempt does not count)
//!        cancel    ┌─────────┐    claim     ┌─────────┐  rescue (the lease ran out)
//!      ┌───────────│ waiting │─────────────▶│ running │──────────┐
//!      │           └─────────┘              └─────────┘          │
//!      │             ▲     ▲                  │     │            │
//!      │       retry │     └──────────────────│─────│────────────┘
//!      ▼             │         complete       │     │ fail for good, fail or rescue past the last attempt
//!  ┌───────────┐  ┌──────┐  ┌───────────┐     │     │
//!  │ cancelled │◀─│ dead │◀─│───────────│─────│─────┘
//!  └───────────┘  └──────┘  │ completed │◀────┘
//!                           └───────────┘
//!  hot table `jobs`: waiting, running, dead.    evidence `jobs_done`: completed, cancelled.
//! ```
//!
//! What holds:
//! - A claim raises the job's fencing token. Extending, completing, failing, snoozing and releasing compare the token
//!   *and* the lease's end in SQL, on the database's clock: whoever comes late gets [`QueueError::LostLease`].
//! - An attempt is counted when it is claimed, so that a job that kills its worker ends after `attempts_max` too: it is
//!   claimed once more, not to be tried but to be ended before a person's eyes ([`worker::Handler::exhausted`]).
//! - Only a death counts so. A worker that lives through an outage of the table says afterwards which attempts were none
//!   ([`JobTable::put_right`]): those of leases that ran out meanwhile, and of claims that it never heard the answer to.
//! - Two live jobs (waiting or running) never share a unique key; a dead one does not count.
//! - A claim takes the most urgent jobs first; of one priority it takes the kinds in the order they are asked for,
//!   and of one kind the oldest `run_at`.

mod backoff;
mod lease;
pub mod worker;

use std::time::Duration;

use async_trait::async_trait;

use crate::domain::{JobId, RequestId, Retry, Timestamp};

pub use backoff::Backoff;
pub use lease::{Held, Job, Lease};

/// How urgent a job is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub enum Priority {
    /// Somebody waits for it: a challenge, a withdrawal.
    Urgent = 0,
    /// Everything else.
    #[default]
    Normal = 1,
    /// What may wait: sweeps, our own forgetting.
    Bulk = 2,
}

impl Priority {
    /// Every priority, the most urgent first.
    pub const ALL: [Self; 3] = [Self::Urgent, Self::Normal, Self::Bulk];

    /// The number that it is stored as.
    #[must_use]
    pub const fn as_i16(self) -> i16 {
        self as i16
    }

    /// The priority that is stored as this number.
    #[must_use]
    pub fn from_i64(number: i64) -> Option<Self> {
        Self::ALL.into_iter().find(|priority| i64::from(priority.as_i16()) == number)
    }
}

/// A job that is to be enqueued.
#[derive(Clone, Debug, PartialEq)]
pub struct NewJob {
    /// What is to be done; the flow owns the list of kinds.
    pub kind: String,
    /// The request that it belongs to.
    pub request: Option<RequestId>,
    /// What the kind needs to know: ids and numbers, never personal data. 64 KiB at most.
    pub payload: serde_json::Value,
    /// Not before this.
    pub run_at: Timestamp,
    /// Enqueuing is a no-op while another live job has this key.
    pub unique_key: Option<String>,
    /// After this many attempts it is dead.
    pub attempts_max: u32,
    /// How urgent it is.
    pub priority: Priority,
}

impl NewJob {
    /// A job of no request, of normal priority, with ten attempts.
    #[must_use]
    pub fn new(kind: impl Into<String>, payload: serde_json::Value, run_at: Timestamp) -> Self {
        Self {
            kind: kind.into(),
            request: None,
            payload,
            run_at,
            unique_key: None,
            attempts_max: 10,
            priority: Priority::Normal,
        }
    }
}

/// What a claim asks for.
#[derive(Clone, Copy, Debug)]
pub struct Claim<'a> {
    /// Who claims: shown to people, compared by nobody (the token is the fence).
    pub worker: &'a str,
    /// The kinds wanted, the preferred first.
    pub kinds: &'a [&'a str],
    /// Jobs at most.
    pub count_max: u32,
    /// How long the lease runs unless it is extended, on the database's clock.
    pub lease: Duration,
}

/// What comes after a failed attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AfterFailure {
    /// Try again at this time; where this was the last attempt, to be ended by whoever claims it then.
    At(Timestamp),
    /// No attempt will help until a person changes something: dead now.
    Never,
}

/// The table of jobs, as the workers see it.
#[async_trait]
pub trait JobTable: Send + Sync {
    /// Takes the next jobs whose `run_at` has come by `now`. No two claims get the same job while its lease runs.
    async fn claim(&self, claim: Claim<'_>, now: Timestamp) -> Result<Vec<Lease>, QueueError>;

    /// Lets the leases run for `lease` from now on; answers those that were lost. A lease under which its job was settled is
    /// not lost, and not extended either.
    async fn extend(&self, leases: &[Held], lease: Duration) -> Result<Vec<Held>, QueueError>;

    /// Moves the jobs to the evidence; answers those whose lease was lost (and which are not moved).
    async fn complete(&self, leases: Vec<Lease>) -> Result<Vec<JobId>, QueueError>;

    /// Completes as [`complete`](Self::complete) and claims as [`claim`](Self::claim), in one transaction: what a busy
    /// worker does all the time costs one commit instead of two.
    async fn turn_over(&self, done: Vec<Lease>, claim: Claim<'_>, now: Timestamp) -> Result<TurnOver, QueueError>;

    /// Records a failed attempt. `reason` is a code for people and machines, fixed in the program.
    ///
    /// # Errors
    /// [`QueueError::LostLease`].
    async fn fail(&self, lease: Lease, reason: &'static str, next: AfterFailure) -> Result<(), QueueError>;

    /// Lets the job wait until then; the attempt does not count.
    ///
    /// # Errors
    /// [`QueueError::LostLease`].
    async fn snooze(&self, lease: Lease, until: Timestamp) -> Result<(), QueueError>;

    /// Gives jobs back untouched; the attempts do not count. Leases that were lost are passed over.
    async fn release(&self, leases: Vec<Lease>) -> Result<(), QueueError>;

    /// Takes back what workers left behind: jobs whose lease ran out. Answers how many; they wait again.
    async fn rescue(&self, now: Timestamp) -> Result<u64, QueueError>;

    /// Puts right what a worker that lives cannot have meant: gives back what stands under its name without being among
    /// `known` (the answer to a claim was lost with the connection), and takes back the attempts of `lost`, whose leases ran
    /// out although nobody died. Answers how many jobs it changed.
    async fn put_right(&self, worker: &str, kinds: &[&str], known: &[Held], lost: &[Held]) -> Result<u64, QueueError>;

    /// Returns when there may be work, or after `at_most`. Correct without it: it only saves waiting.
    async fn wait_for_work(&self, at_most: Duration);
}

/// What came of completing and claiming at once.
#[derive(Debug)]
#[must_use]
pub struct TurnOver {
    /// Jobs whose lease was lost, and which are not completed.
    pub lost: Vec<JobId>,
    /// What was claimed.
    pub claimed: Vec<Lease>,
    /// Whether more may stand under the worker's name: an answer was lost, and the statement was sent again.
    pub in_doubt: bool,
}

/// What can go wrong with the job table.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum QueueError {
    /// The lease had run out or passed on before the job was settled.
    #[error("the lease on job {0} was lost before it was settled")]
    LostLease(JobId),
    /// The table did not answer.
    #[error("the job table did not answer")]
    Table {
        /// Whether it may answer later.
        retry: Retry,
        /// What it said.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

impl QueueError {
    /// Whether the same call may go through later.
    #[must_use]
    pub const fn retry(&self) -> Retry {
        match self {
            Self::LostLease(_) => Retry::Permanent,
            Self::Table { retry, .. } => *retry,
        }
    }
}
