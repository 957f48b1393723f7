//! Marks that a request is held, and that its hold was lifted, beside the state that says so.

use crate::db::{Tx, holds};
use crate::domain::State;
use crate::domain::request::{Hold, Request};
use crate::verify::{ForgedRelease, HoldRecord};

use super::error::FlowError;
use super::house::House;

/// Before a move: lifts what held the request, where the move leads on from there. All its holds, so that an operator who
/// holds and releases it puts right what somebody wrote over one.
///
/// # Errors
/// [`ForgedRelease`] where the row says that nobody of the team paused what an operator did, so that anybody's word would
/// end it.
pub(super) async fn lift(house: &House, tx: &mut Tx, before: &Request, after: &Request) -> Result<(), FlowError> {
    if before.state != State::OnHold || after.state == State::OnHold {
        return Ok(());
    }
    let gate = house.keys.gate();
    let known = holds::of_request(tx, before.id).await?;
    let placed_by = known.last().map(|hold| hold.by);
    let says = before.held.map(|(_, by)| by);
    if placed_by.is_some_and(Hold::is_ours) && says != placed_by && !after.state.is_ended() {
        return Err(ForgedRelease(before.id).into());
    }
    for hold in known.iter().filter(|hold| hold.lifted_at(gate).is_none()) {
        holds::set_release(tx, &hold.lifted(house.clock.now(), gate)).await?;
    }
    Ok(())
}

/// After a move: writes the hold of a request that is held from now on, or by somebody else than before.
///
/// # Errors
/// When our database does not answer.
pub(super) async fn place(house: &House, tx: &mut Tx, before: &Request, after: &Request) -> Result<(), FlowError> {
    let Some((_, by)) = after.held.filter(|(_, by)| before.held.is_none_or(|(_, earlier)| earlier != *by)) else {
        return Ok(());
    };
    let known = holds::of_request(tx, after.id).await?;
    let hold = HoldRecord::place(after.id, &known, by, house.clock.now(), house.keys.gate());
    Ok(holds::insert(tx, &hold).await?)
}
