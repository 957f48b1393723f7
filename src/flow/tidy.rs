//! Forgets what belongs to no case and has had its time: finished jobs, and what ordinary letters were known again by. And sees that
//! what is kept is looked at, and whose service has ended is asked, whatever became of the jobs that do.
//!
//! What belongs to a case leaves with its record at the latest ([`forget`](super::forget)).

use std::time::Duration;

use crate::db::{deliveries, jobs, suppressions};

use super::error::FlowError;
use super::house::House;
use super::{retention, termination};

/// Rows of one statement, so that nobody waits for it long.
const ROWS_MAX: u32 = 5_000;

/// What was forgotten.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tidied {
    /// Finished jobs.
    pub jobs: u64,
    /// Digests of ordinary letters.
    pub digests: u64,
    /// Entries of the suppression list.
    pub suppressions: u64,
}

/// Forgets all that is due.
///
/// # Errors
/// When our database does not answer; what was forgotten before that stays forgotten.
pub async fn tidy(house: &House) -> Result<Tidied, FlowError> {
    let retention = &house.config.retention;
    let ago = |days: u32| house.clock.now().minus(Duration::from_secs(u64::from(days) * 86_400));
    let mut tidied = Tidied::default();
    loop {
        let mut tx = house.db.write().await?;
        let jobs = jobs::forget_done(&mut tx, ago(retention.job_days), ROWS_MAX).await?;
        let digests = deliveries::forget_ordinary(&mut tx, ago(retention.digest_days), ROWS_MAX).await?;
        let suppressions = suppressions::forget(&mut tx, house.clock.now()).await?;
        retention::due(house, &mut tx).await?;
        termination::due(house, &mut tx).await?;
        tx.commit().await?;
        tidied.suppressions += suppressions;
        tidied.jobs += jobs;
        tidied.digests += digests;
        if jobs.max(digests) < u64::from(ROWS_MAX) {
            return Ok(tidied);
        }
    }
}
