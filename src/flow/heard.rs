//! Whether all that was written to us by a time was read and judged: nothing that a letter could have stopped, or answered
//! in time, happens before.
//!
//! A mailbox that cannot be read is waited for however long; that it is silent the team is told by the watch on it.

use std::time::Duration;

use crate::db::{Tx, deliveries, jobs, polls};
use crate::domain::Timestamp;
use crate::queue::Lease;

use super::error::FlowError;
use super::house::House;
use super::kinds;

/// Why such a job waits, for people who look at it.
const REASON: &str = jobs::MAILBOX_NOT_READ;

/// How long a job waits where nothing wakes it before: the next poll does, and the judging of a letter.
const WAIT: Duration = Duration::from_secs(600);

/// Whether the mailbox was read to its end since then, and each letter that had come by then was judged. A poll that lies ahead of
/// our clock was noted by one that went wrong, and says nothing of when the mailbox was read.
pub(super) async fn all_by(house: &House, tx: &mut Tx, by: Timestamp) -> Result<bool, FlowError> {
    let mailbox = house.mailbox_name();
    let polled_at = polls::load(tx, mailbox).await?.and_then(|polls| polls.polled_at);
    let read = polled_at.is_some_and(|at| at >= by && at <= house.clock.now());
    Ok(read && !deliveries::has_unjudged(tx, mailbox, by).await?)
}

/// Lets the job wait until the mailbox was read; the attempt does not count.
pub(super) async fn wait(house: &House, tx: &mut Tx, lease: &Lease, by: Timestamp) -> Result<(), FlowError> {
    let now = house.clock.now();
    // It may have been read since the caller looked.
    let until = if all_by(house, tx, by).await? { now } else { now.plus(WAIT) };
    jobs::note_reason(tx, lease.held(), REASON).await?;
    Ok(jobs::snooze_in(tx, lease, until).await?)
}

/// Has the jobs look again that wait for the mailbox, because it was read, or a letter judged.
pub(super) async fn go_on(house: &House, tx: &mut Tx) -> Result<(), FlowError> {
    let now = house.clock.now();
    jobs::hasten(tx, &[kinds::BEGIN, kinds::WAKE], REASON, now, now.plus(WAIT)).await?;
    Ok(())
}
