//! What the job table may not know, or a worker not know of it, because the table did not answer.
//!
//! An attempt counts when it is claimed, so that a job that kills its worker ends. A worker that lives through an outage
//! keeps here what was no such death, and says so when the table answers again.

use crate::domain::Retry;
use crate::queue::{AfterFailure, Held, QueueError};

/// A failed attempt that the table has not recorded.
pub(super) struct Failure {
    pub(super) held: Held,
    pub(super) kind: String,
    pub(super) reason: &'static str,
    pub(super) next: AfterFailure,
}

/// What is to be put right.
#[derive(Default)]
pub(super) struct Doubt {
    /// Whether a call went without an answer: a claim may have been made all the same.
    pub(super) noted: bool,
    /// Leases that were lost, or could not be given back, while this worker lived.
    pub(super) lost: Vec<Held>,
    /// Failures that could not be recorded.
    pub(super) failures: Vec<Failure>,
}

impl Doubt {
    pub(super) const fn is_any(&self) -> bool {
        self.noted || !self.lost.is_empty() || !self.failures.is_empty()
    }

    /// What the table answered; `None`, and a line in the log, where it did not and the loop goes on.
    pub(super) fn answered<T>(&mut self, answer: Result<T, QueueError>) -> Result<Option<T>, QueueError> {
        match answer {
            Ok(value) => Ok(Some(value)),
            Err(error @ QueueError::Table { retry: Retry::Permanent, .. }) => Err(error),
            Err(error) => {
                tracing::warn!(error = &error as &dyn std::error::Error, "the job table was not changed");
                self.noted |= matches!(error, QueueError::Table { .. });
                Ok(None)
            }
        }
    }
}
