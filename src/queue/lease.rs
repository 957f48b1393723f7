//! The right to work on one job, for a while.

use crate::domain::{JobId, RequestId};

/// A job under a lease.
#[derive(Clone, Debug, PartialEq)]
pub struct Job {
    /// Its id.
    pub id: JobId,
    /// What is to be done.
    pub kind: String,
    /// The request that it belongs to.
    pub request: Option<RequestId>,
    /// What the kind needs to know.
    pub payload: serde_json::Value,
    /// Which attempt this is, counted from 1.
    pub attempt: u32,
    /// The last attempt there will be.
    pub attempts_max: u32,
}

impl Job {
    /// Whether all attempts were made, and the last one ended without a word: it is claimed to be ended.
    #[must_use]
    pub const fn is_exhausted(&self) -> bool {
        self.attempt > self.attempts_max
    }
}

/// The right to work on one job until the lease runs out. Only a claim makes one, it cannot be copied, and settling
/// takes it away; the database compares its token, so that a right that was lost settles nothing.
#[derive(Debug)]
#[must_use = "a lease that is dropped keeps its job from everybody until it runs out"]
pub struct Lease {
    job: Job,
    token: i64,
}

impl Lease {
    /// A lease that a claim just wrote. For the implementations of [`JobTable::claim`](super::JobTable::claim) only;
    /// a test searches the source for other callers.
    pub(crate) const fn claimed(job: Job, token: i64) -> Self {
        Self { job, token }
    }

    /// The lease of a handler that took it to its grave (a panic, an abort): for the worker loop, to settle it.
    pub(super) fn of_the_fallen(held: Held, kind: String) -> Self {
        let job = Job {
            id: held.job,
            kind,
            request: None,
            payload: serde_json::Value::Null,
            attempt: held.attempt,
            attempts_max: held.attempt,
        };
        Self { job, token: held.token }
    }

    /// The job.
    #[must_use]
    pub const fn job(&self) -> &Job {
        &self.job
    }

    /// What the database compares.
    #[must_use]
    pub const fn held(&self) -> Held {
        Held { job: self.job.id, token: self.token, attempt: self.job.attempt }
    }
}

/// Which lease is meant: enough to extend it, not a right to settle it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Held {
    /// The job.
    pub job: JobId,
    /// The fencing token that the claim gave.
    pub token: i64,
    /// Which attempt this is, counted from 1.
    pub attempt: u32,
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    fn callers(folder: &Path, needle: &str, found: &mut Vec<String>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                callers(&path, needle, found);
            } else if path.extension().is_some_and(|end| end == "rs")
                && std::fs::read_to_string(&path).unwrap().contains(needle)
            {
                found.push(path.file_name().unwrap().to_str().unwrap().to_owned());
            }
        }
    }

    #[test]
    fn only_the_job_table_makes_leases() {
        let mut found = Vec::new();
        let needle = ["Lease", "::claimed("].concat();
        callers(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &needle, &mut found);
        assert_eq!(found, ["job_table.rs"]);
    }
}
