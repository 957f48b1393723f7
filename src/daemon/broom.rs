//! The broom: has forgotten what belongs to no case, once an hour.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::flow::House;
use crate::flow::tidy::{Tidied, tidy};

/// What it forgets has terms of days.
const EVERY: Duration = Duration::from_secs(3_600);

/// Sweeps until the shutdown. Any number of daemons may: what one has forgotten is not there for the next.
pub(super) async fn sweep(house: Arc<House>, shutdown: CancellationToken) {
    while !shutdown.is_cancelled() {
        match shutdown.run_until_cancelled(tidy(&house)).await {
            Some(Ok(tidied)) if tidied != Tidied::default() => {
                info!(
                    jobs = tidied.jobs,
                    digests = tidied.digests,
                    suppressions = tidied.suppressions,
                    "what had its time is forgotten"
                );
            }
            Some(Err(error)) => {
                warn!(code = error.code(), error = %error.chain(), "nothing was forgotten; tried again in an hour")
            }
            _ => {}
        }
        shutdown.run_until_cancelled(sleep(EVERY)).await;
    }
}
