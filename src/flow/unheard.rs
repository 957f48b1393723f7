//! What becomes of a request when a letter that seems to be about it cannot be read: it may be a stop, so it is heard as one.
//!
//! To pause costs nobody anything, and who wrote is told how the request goes on. The letter itself is before a person, as a
//! request of its own.

use crate::db::requests::{self, Stored};
use crate::db::{Tx, shared_letters};
use crate::domain::request::Event;
use crate::domain::{Reference, RequestId};
use crate::intake::{Intake, Traces};
use crate::trail::{self, Actor, Fact, Facts, PrivateFacts};

use super::error::FlowError;
use super::house::House;
use super::ours::{Names, Ours};
use super::{advance, note, weigh};

/// The open requests that a letter with these traces may be about: those of the letters of ours that it names, and those of its
/// sender.
pub(super) async fn about(house: &House, tx: &mut Tx, traces: &Traces) -> Result<Vec<Stored>, FlowError> {
    let mut found = of_names(tx, Names::of(&traces.tokens, &traces.message_ids)).await?;
    if let Some(sender) = &traces.sender {
        found.extend(requests::open_of_address(tx, &house.keys.lookup_mac(sender.as_str())).await?);
    }
    Ok(open_ones(found))
}

/// The open requests that a letter may mean beside the one that it answers: those that it names by another letter of ours, those of
/// its sender that it names by what people call them, and those that the answered one's letter opened as well.
pub(super) async fn named_beside(
    house: &House,
    tx: &mut Tx,
    letter: &Intake,
    answered: RequestId,
) -> Result<Vec<Stored>, FlowError> {
    let message_ids = letter.in_reply_to.iter().chain(&letter.references);
    let mut found = of_names(tx, Names::of(&letter.answer.tokens, message_ids)).await?;
    if let Some(sender) = weigh::sender(letter) {
        let text = letter.new_text.to_uppercase();
        let mut theirs = requests::open_of_address(tx, &house.keys.lookup_mac(sender)).await?;
        theirs.retain(|stored| text.contains(stored.request.reference.as_str()));
        found.extend(theirs);
    }
    // Who asked for several accounts in one letter and says stop may mean all of them.
    for reference in shared_letters::beside(tx, answered).await? {
        found.extend(requests::by_reference(tx, &reference).await?);
    }
    found.retain(|stored| stored.request.id != answered);
    Ok(open_ones(found))
}

async fn of_names(tx: &mut Tx, mut names: Names<'_>) -> Result<Vec<Stored>, FlowError> {
    let mut found = Vec::new();
    while let Some(ours) = names.next(tx).await? {
        let request = match ours {
            Ours::Question(asked) => asked.challenge.request,
            Ours::Letter(request, _) => request,
        };
        found.extend(requests::load(tx, request).await?);
    }
    Ok(found)
}

/// Each once, and none that has ended.
fn open_ones(mut found: Vec<Stored>) -> Vec<Stored> {
    found.retain(|stored| !stored.request.state.is_ended());
    found.sort_by_key(|stored| stored.request.id);
    found.dedup_by_key(|stored| stored.request.id);
    found
}

/// Pauses what a letter may be about that nobody can read; `before` is the request by which a person sees that letter.
pub(super) async fn pause_about(
    house: &House,
    tx: &mut Tx,
    traces: &Traces,
    before: &Reference,
) -> Result<(), FlowError> {
    for stored in about(house, tx, traces).await? {
        let words = format!("a letter that could not be read may be about this request; see {before}");
        let (event, private) = (trail::Event::Noted, PrivateFacts::new().with("note", words));
        let facts = Facts::new().with(note::SEE, Fact::Word(before.to_string().to_lowercase()))?;
        note::append_private(house, tx, stored.request.case, event, Actor::PROGRAM, facts, private).await?;
        pause(house, tx, &stored).await?;
    }
    Ok(())
}

/// Pauses a request as an unproven stop does.
pub(super) async fn pause(house: &House, tx: &mut Tx, stored: &Stored) -> Result<(), FlowError> {
    if stored.request.hears_stop() {
        let bindings = stored.bindings.clone();
        advance::advance(house, tx, stored, &Event::StopAsked, bindings, Actor::PROGRAM).await?;
    }
    Ok(())
}
