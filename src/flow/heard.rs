//! Whether all that was written to us by a time was read and judged: nothing that a letter could have stopped, or answered
//! in time, happens before.
//!
//! A mailbox that cannot be read is waited for however long; that it is silent the team is told by the watch on it.

use std::time::Duration;

use crate::db::deliveries::Delivery;
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
    Ok(read && !deliveries::has_unjudged(tx, Some(by)).await? && !deliveries::has_unreadable(tx).await?)
}

/// Whether all is judged that lies in our database, whenever its server says that it came.
pub(super) async fn all_stored(tx: &mut Tx) -> Result<bool, FlowError> {
    Ok(!deliveries::has_unjudged(tx, None).await?)
}

/// Whether all letters that came before this one were judged: what was written first is heard first, or a yes could undo the
/// stop that came after it. Otherwise its job waits, and the attempt does not count.
pub(super) async fn is_turn_of(house: &House, lease: &Lease, letter: &Delivery) -> Result<bool, FlowError> {
    if letter.parked {
        return Ok(true);
    }
    let mut tx = house.db.read().await?;
    if deliveries::first_unjudged(&mut tx, &letter.mailbox).await? == Some(letter.id) {
        return Ok(true);
    }
    drop(tx);
    let mut tx = house.db.write().await?;
    let now = house.clock.now();
    // It may be its turn since.
    let is_first = deliveries::first_unjudged(&mut tx, &letter.mailbox).await? == Some(letter.id);
    jobs::note_reason(&mut tx, lease.held(), REASON).await?;
    jobs::snooze_in(&mut tx, lease, if is_first { now } else { now.plus(WAIT) }).await?;
    tx.commit().await?;
    Ok(false)
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
pub(super) async fn go_on(house: &House, tx: &mut Tx, mailbox: &str) -> Result<(), FlowError> {
    let now = house.clock.now();
    jobs::hasten(tx, &[kinds::BEGIN, kinds::WAKE], REASON, now, now.plus(WAIT)).await?;
    // One after the other: each has the next one look.
    if let Some(next) = deliveries::first_unjudged(tx, mailbox).await? {
        jobs::hasten_one(tx, &kinds::judging(next), REASON, now).await?;
    }
    Ok(())
}
