//! A time came that a request waited for. Silence ends nothing before all is read that was written in time.

use crate::breakpoint;
use crate::db::letters::{self, LetterState};
use crate::db::{Tx, jobs, requests};
use crate::domain::request::{Event, Wake};
use crate::domain::{LetterKind, RequestId, Timestamp};
use crate::queue::Lease;
use crate::trail::Actor;

use super::advance::advance;
use super::error::FlowError;
use super::house::House;
use super::{completion, heard, undelivered};

#[derive(serde::Deserialize)]
struct Payload {
    wake: Wake,
    round: u32,
    /// When it was set for; the job itself may have waited since.
    at: Timestamp,
}

/// Wakes a request; a wake that came too late to matter changes nothing.
pub(super) async fn wake(house: &House, lease: &Lease) -> Result<(), FlowError> {
    let Payload { wake, round, at } = super::payload(lease)?;
    let id = super::request_of(lease)?;
    let mut tx = house.db.write().await?;
    if ends_silence(wake) && !heard::all_by(house, &mut tx, at).await? {
        heard::wait(house, &mut tx, lease, at).await?;
        return Ok(tx.commit().await?);
    }
    if let Some(stored) = requests::load(&mut tx, id).await?
        && !(wake == Wake::NoticeDue && extension_was_told(&mut tx, id).await?)
    {
        // A true end takes the wakes with it: one that is due after an end comes to where only the rows say so.
        completion::check(house, &mut tx, &stored).await?;
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

/// Whether what follows says that nobody answered.
const fn ends_silence(wake: Wake) -> bool {
    matches!(wake, Wake::Expire | Wake::ApprovalLapse | Wake::HoldLapse)
}

/// Whether the notice of an extension left us: only then does the extension count (Art. 12(3) GDPR).
async fn extension_was_told(tx: &mut Tx, id: RequestId) -> Result<bool, FlowError> {
    let letters = letters::of_request(tx, id).await?;
    Ok(letters.iter().any(|letter| letter.kind == LetterKind::Extension && letter.state == LetterState::Sent))
}
