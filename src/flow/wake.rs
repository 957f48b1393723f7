//! A time came that a request waited for.

use crate::breakpoint;
use crate::db::{jobs, requests};
use crate::domain::request::{Event, Wake};
use crate::queue::Lease;
use crate::trail::Actor;

use super::advance::advance;
use super::error::FlowError;
use super::house::House;
use super::undelivered;

#[derive(serde::Deserialize)]
struct Payload {
    wake: Wake,
    round: u32,
}

/// Wakes a request; a wake that came too late to matter changes nothing.
pub(super) async fn wake(house: &House, lease: &Lease) -> Result<(), FlowError> {
    let Payload { wake, round } = super::payload(lease)?;
    let id = super::request_of(lease)?;
    let mut tx = house.db.write().await?;
    if let Some(stored) = requests::load(&mut tx, id).await? {
        let bindings = stored.bindings.clone();
        let event = match undelivered::unread(house, &mut tx, &stored, wake, round).await? {
            true => Event::ChallengeBounced,
            false => Event::Woken { wake, round },
        };
        advance(house, &mut tx, &stored, &event, bindings, Actor::PROGRAM).await?;
    }
    jobs::complete_in(&mut tx, lease).await?;
    tx.commit().await?;
    breakpoint!("wake.committed");
    Ok(())
}
