//! Whether our clock shows what our own database's does. A clock that runs ahead would end the time in which a person can still
//! stop their request.

use std::time::Duration;

use crate::db::jobs;
use crate::queue::Lease;

use super::desk::AWAY_WAIT;
use super::erase;
use super::error::FlowError;
use super::house::House;

/// So far may the two differ. Periods have days; a clock that nobody sets drifts by seconds a day.
const APART_MAX: Duration = Duration::from_secs(300);

/// How far our clock and the database's are apart, where that is too far. A clock that is moved by hand is compared with none, and
/// a database in our own process has no other clock than ours.
pub(super) async fn differ(house: &House) -> Result<Option<FlowError>, FlowError> {
    if !house.clock.is_ambient() {
        return Ok(None);
    }
    let theirs = house.db.read().await?.now().await?;
    let apart = Duration::from_micros(theirs.as_micros().abs_diff(house.clock.now().as_micros()));
    Ok((apart > APART_MAX).then_some(FlowError::ClocksDiffer(apart.as_secs())))
}

/// Lets a job wait until the clocks agree, and tells the team, once.
pub(super) async fn wait(house: &House, lease: &Lease, apart: &FlowError) -> Result<(), FlowError> {
    erase::is_away(house, lease, apart).await?;
    let mut tx = house.db.write().await?;
    jobs::note_reason(&mut tx, lease.held(), apart.code()).await?;
    jobs::snooze_in(&mut tx, lease, house.clock.now().plus(AWAY_WAIT)).await?;
    Ok(tx.commit().await?)
}
