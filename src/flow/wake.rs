//! A time came that a request waited for.

use crate::breakpoint;
use crate::db::{jobs, requests};
use crate::domain::request::{Event, Wake};
use crate::queue::Lease;
use crate::trail::Actor;

use super::advance::advance;
use super::error::FlowError;
use super::house::House;

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
        advance(house, &mut tx, &stored, &Event::Woken { wake, round }, bindings, Actor::PROGRAM).await?;
    }
    jobs::complete_in(&mut tx, lease).await?;
    tx.commit().await?;
    breakpoint!("wake.committed");
    Ok(())
}
