//! How long a request waits after its proof: as long as the settings say, or as its question said where that is longer. Whoever was
//! told that a day is waited gets it, also where the settings were changed before the answer came.

use std::time::Duration;

use crate::db::{Tx, challenges};
use crate::domain::RequestId;
use crate::domain::request::Policy;

use super::error::FlowError;
use super::house::House;

/// A day, in seconds.
const DAY: u64 = 86_400;

/// The grace period of a request. A row that somebody wrote can only make it longer here; what begins an erasing asks
/// [`checked`].
pub(super) async fn grace(house: &House, tx: &mut Tx, request: RequestId) -> Result<Duration, FlowError> {
    let asked = challenges::of_request(tx, request).await?;
    let promised = asked.iter().map(|asked| asked.challenge.grace_days).max();
    Ok(house.policy.grace.max(Duration::from_secs(DAY * u64::from(promised.unwrap_or(0)))))
}

/// The same, from questions that carry our mark.
///
/// # Errors
/// Where one does not, so that nobody shortens it by SQL.
pub(super) async fn checked(house: &House, tx: &mut Tx, request: RequestId) -> Result<Duration, FlowError> {
    for asked in challenges::of_request(tx, request).await? {
        asked.challenge.check(house.keys.gate(), &asked.hmac)?;
    }
    grace(house, tx, request).await
}

/// The periods that steer a request.
pub(super) async fn policy(house: &House, tx: &mut Tx, request: RequestId) -> Result<Policy, FlowError> {
    Ok(Policy { grace: grace(house, tx, request).await?, ..house.policy.clone() })
}

/// A grace period as a letter says it, in whole days.
pub(super) fn days(grace: Duration) -> u32 {
    u32::try_from(grace.as_secs() / DAY).unwrap_or(u32::MAX)
}
