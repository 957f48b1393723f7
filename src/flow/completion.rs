//! What stands behind a "completed": a row with our mark, written in the transaction of the move, and looked for before the person
//! is told.

mod form;

use crate::db::requests::Stored;
use crate::db::{Tx, completions};
use crate::domain::{LetterKind, State};
use crate::verify::{CompletionRecord, Covers, ForgedCompletion};

use super::error::FlowError;
use super::house::House;
use super::safe;
use form::told;

/// Writes that a request was completed under its authority, as far as `covers` says; before the move, by whoever read it back.
pub(super) async fn write(
    house: &House,
    tx: &mut Tx,
    stored: &Stored,
    covers: Covers,
    held_anything: bool,
) -> Result<(), FlowError> {
    let closing = safe::closing(house, tx, &stored.request).await?;
    let missing = || FlowError::Missing("what permitted the erasing");
    let record = CompletionRecord {
        authority: stored.request.warrant.ok_or_else(missing)?.authority,
        covers,
        request: stored.request.id,
        account_mac: stored.bindings.account_mac.ok_or_else(missing)?,
        plan_digest: stored.bindings.plan_digest.ok_or_else(missing)?,
        held_anything,
        completed_at: house.clock.now(),
        mark: [0; 32],
    };
    Ok(completions::insert(tx, &record.marked(&told(&closing), house.keys.gate())).await?)
}

/// Checks that a request in a state after its erasing was brought there by this program. Any other state is none of its business.
///
/// # Errors
/// [`FlowError::ForgedCompletion`].
pub(super) async fn check(house: &House, tx: &mut Tx, stored: &Stored) -> Result<(), FlowError> {
    match stored.request.state {
        State::Completed => find(house, tx, stored, |it| it.covers == Covers::All).await,
        State::WaitingOnRecipients | State::Reopened => find(house, tx, stored, |_| true).await,
        _ => Ok(()),
    }
}

/// Checks that what a letter tells of the end of its request is what this program completed. Any other letter is none of its
/// business.
///
/// # Errors
/// [`FlowError::ForgedCompletion`].
pub(super) async fn check_letter(
    house: &House,
    tx: &mut Tx,
    stored: &Stored,
    kind: LetterKind,
) -> Result<(), FlowError> {
    let held_anything = match kind {
        LetterKind::Completed | LetterKind::KeptErased => true,
        LetterKind::NothingHeld => false,
        _ => return Ok(()),
    };
    find(house, tx, stored, |it| it.covers == Covers::All && it.held_anything == held_anything).await
}

async fn find(
    house: &House,
    tx: &mut Tx,
    stored: &Stored,
    wanted: impl Fn(&CompletionRecord) -> bool,
) -> Result<(), FlowError> {
    let told = told(&safe::closing(house, tx, &stored.request).await?);
    let is_found = completions::of_request(tx, stored.request.id).await?.iter().any(|record| {
        wanted(record)
            && record.request == stored.request.id
            && Some(record.plan_digest) == stored.bindings.plan_digest
            && record.is_ours(&told, house.keys.gate())
    });
    if is_found { Ok(()) } else { Err(ForgedCompletion(stored.request.id).into()) }
}
