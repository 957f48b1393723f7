//! Whether anybody reads the mailbox: every daemon looks, whoever holds the lease, and also while a poll of its own is stuck.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use tracing::{error, warn};

use crate::db::polls;
use crate::domain::{LetterKind, Timestamp};
use crate::flow::{FlowError, House, outbox};

use super::watch::WatchSettings;

/// Looks until the shutdown.
pub(super) async fn listen(house: Arc<House>, settings: WatchSettings, shutdown: CancellationToken) {
    let looking = async {
        loop {
            sleep(settings.look).await;
            if let Err(error) = look(&house, &settings).await {
                warn!(code = error.code(), error = %error.chain(), "whether the mailbox is silent could not be seen");
            }
        }
    };
    shutdown.run_until_cancelled(looking).await;
}

/// Tells the team of a silence that lasts. A machine that slept, or whose clock was moved, sees one that its next poll ends: it is
/// given the time for that.
async fn look(house: &House, settings: &WatchSettings) -> Result<(), FlowError> {
    let Some(since) = silent_since(house, settings.silence_alarm).await? else { return Ok(()) };
    sleep(settings.poll * 2).await;
    if silent_since(house, settings.silence_alarm).await? == Some(since) {
        tell(house, settings.silence_alarm, false).await?;
    }
    Ok(())
}

/// Since when nothing is known of what arrives, where that is long and the team does not know it.
async fn silent_since(house: &House, alarm_after: Duration) -> Result<Option<Timestamp>, FlowError> {
    let polls = polls::load(&mut house.db.read().await?, house.mailbox_name()).await?;
    let silent = polls.filter(|polls| polls.alarmed_at.is_none()).map(|polls| polls.silent_since());
    Ok(silent.filter(|since| since.plus(alarm_after) <= house.clock.now()))
}

/// Tells the team once per silence, whichever daemon noticed it and however often it was started again; `at_once` also where it is
/// not long yet.
pub(super) async fn tell(house: &House, alarm_after: Duration, at_once: bool) -> Result<(), FlowError> {
    let (mailbox, now) = (house.mailbox_name(), house.clock.now());
    let mut tx = house.db.write().await?;
    let Some(polls) = polls::load(&mut tx, mailbox).await? else { return Ok(()) };
    let is_due = at_once || polls.silent_since().plus(alarm_after) <= now;
    if is_due && polls::set_alarmed(&mut tx, mailbox, now).await? {
        error!("mailbox not polled; the team is told");
        outbox::alarm(house, &mut tx, LetterKind::AlarmMailbox).await?;
        tx.commit().await?;
    }
    Ok(())
}
