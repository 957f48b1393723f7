//! Lets the watermark follow our own database, and so notices one that went back while the daemon runs.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use tracing::warn;

use crate::flow::{FlowError, House, behind};

/// What a crash of the machine may leave out of the file is what nobody outside has seen; so that it is little.
const EVERY: Duration = Duration::from_secs(3);

/// Follows until the shutdown.
pub(super) async fn follow(house: Arc<House>, shutdown: CancellationToken) {
    let mut failed = false;
    while !shutdown.is_cancelled() {
        match behind::keep(&house).await {
            // Said where it was noticed, and to the team.
            Ok(()) | Err(FlowError::Behind) => failed = false,
            Err(error) if !failed => {
                failed = true;
                warn!(code = error.code(), error = %error.chain(), "the watermark does not follow our own database; tried again");
            }
            Err(_) => {}
        }
        shutdown.run_until_cancelled(sleep(EVERY)).await;
    }
    // As far as it comes: the workers may still be finishing what they have.
    drop(behind::keep(&house).await);
}
