//! Takes the letters of ended requests out of the mailbox and out of Sent, exactly those, once their term is over.
//!
//! A letter counts as expunged when it is gone from where it was last known to lie. One that cannot be expunged waits for
//! another time and holds up no other request; only a mailbox that does not answer ends the round.

use std::time::Duration;

use tracing::{info, warn};

use crate::breakpoint;
use crate::config::MailboxKind;
use crate::db::cursors::Cursor;
use crate::db::deliveries::{self, Delivery};
use crate::db::letters::{self, LetterRow};
use crate::db::mailbox_leases::{self, MailboxLease};
use crate::db::requests::{self, Stored};
use crate::domain::{DeliveryId, RequestId};
use crate::mailbox::Mailbox;
use crate::trail::{Actor, Event, Fact, Facts};

use super::arrive::Place;
use super::error::FlowError;
use super::house::House;
use super::{admit, note};

/// Requests whose letters are expunged in one round.
const REQUESTS_MAX: u32 = 20;
/// The first wait after letters could not be expunged; it doubles with each failure.
const BACKOFF: Duration = Duration::from_secs(5 * 60);
/// The longest wait, reached after nine failures.
const DOUBLINGS_MAX: u32 = 8;

/// What one round did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Round {
    /// Requests whose letters are gone.
    pub(super) expunged: u32,
    /// Requests whose letters wait for another time.
    pub(super) postponed: u32,
}

/// What is to go for one request.
struct Due {
    stored: Stored,
    theirs: Vec<Delivery>,
    ours: Vec<LetterRow>,
}

/// Expunges what is due, each request by itself.
pub(super) async fn expunge(
    house: &House,
    mailbox: &mut dyn Mailbox,
    place: &Place,
    cursor: Cursor,
    lease: &MailboxLease,
) -> Result<Round, FlowError> {
    let mut tx = house.db.read().await?;
    let due = requests::letters_due(&mut tx, house.clock.now(), REQUESTS_MAX).await?;
    drop(tx);
    let mut round = Round::default();
    for (request, failures) in due {
        match one(house, mailbox, (place, cursor), (request, failures), lease).await {
            Ok(()) => round.expunged += 1,
            Err(error @ FlowError::Db(_)) => return Err(error),
            Err(error) => {
                // A mailbox that does not answer now is to blame, not these letters.
                mailbox.open().await?;
                postpone(house, request, failures, &error, lease).await?;
                round.postponed += 1;
            }
        }
    }
    Ok(round)
}

/// Expunges what is due for one request, between its intent and the leaf that says that it is done.
async fn one(
    house: &House,
    mailbox: &mut dyn Mailbox,
    (place, cursor): (&Place, Cursor),
    (request, failures): (RequestId, u32),
    lease: &MailboxLease,
) -> Result<(), FlowError> {
    let Some(due) = intend(house, place, request, failures, lease).await? else { return Ok(()) };
    if mailbox.open().await?.uid_validity != cursor.uid_validity {
        return Err(FlowError::Broken("the folder was numbered anew meanwhile: the next poll reads it again"));
    }
    take_out(house, mailbox, place, cursor, &due).await?;
    breakpoint!("expunge.expunged");
    settle(house, place, &due, lease).await
}

/// Reads what is due, and writes its intent before the first try. `None` where the request is gone, or nothing of it lies there.
async fn intend(
    house: &House,
    place: &Place,
    request: RequestId,
    failures: u32,
    lease: &MailboxLease,
) -> Result<Option<Due>, FlowError> {
    let mut tx = house.db.write().await?;
    mailbox_leases::confirm_in(&mut tx, lease).await?;
    let Some(stored) = requests::load(&mut tx, request).await? else { return Ok(None) };
    let theirs = deliveries::to_expunge(&mut tx, &place.mailbox, request).await?;
    let ours = letters::of_request(&mut tx, request).await?;
    let due = Due { stored, theirs, ours };
    if due.is_nothing(house) {
        // What leaves nowhere is not said to have left.
        requests::set_letters_gone(&mut tx, request, &place.mailbox).await?;
        tx.commit().await?;
        return Ok(None);
    }
    if failures == 0 {
        let facts = facts(house, &due)?;
        note::append(house, &mut tx, due.stored.request.case, Event::LettersExpunging, Actor::PROGRAM, facts).await?;
    }
    tx.commit().await?;
    breakpoint!("expunge.intended");
    Ok(Some(due))
}

impl Due {
    /// Letters of ours that may lie in Sent.
    fn sent(&self, house: &House) -> usize {
        if house.config.mailbox.sent_folder.is_some() { self.ours.len() } else { 0 }
    }

    fn is_nothing(&self, house: &House) -> bool {
        self.theirs.is_empty() && self.sent(house) == 0
    }
}

fn facts(house: &House, due: &Due) -> Result<Facts, FlowError> {
    let (theirs, sent) = (due.theirs.len() as u64, due.sent(house) as u64);
    Ok(Facts::new().with("letters", Fact::Count(theirs))?.with("sent", Fact::Count(sent))?)
}

/// Expunges each letter from where it lies.
async fn take_out(
    house: &House,
    mailbox: &mut dyn Mailbox,
    place: &Place,
    cursor: Cursor,
    due: &Due,
) -> Result<(), FlowError> {
    let mut here = Vec::new();
    let is_maildir = matches!(house.config.mailbox.kind, MailboxKind::Maildir(_));
    for letter in &due.theirs {
        let folder = letter.moved_to.as_deref().unwrap_or(&letter.folder);
        if letter.moved_to.is_none() && is_maildir && folder != place.folder {
            return Err(FlowError::Broken(
                "a letter lies in a Maildir that is not read any more: delete it there by hand, or read that Maildir again",
            ));
        }
        if folder != place.folder {
            elsewhere(house, mailbox, folder, letter).await?;
        } else if letter.numbering == cursor.numbering {
            here.push(letter.clone());
        }
        // Numbers of another numbering name nothing: the letter was read again and has a row of its own by its new one.
    }
    let here = admit::unchanged(house, mailbox, &here).await?;
    if !here.is_empty() {
        mailbox.expunge(&here).await?;
    }
    if let Some(sent) = &house.config.mailbox.sent_folder {
        for letter in &due.ours {
            mailbox.expunge_by_message_id(sent, &letter.message_id).await?;
        }
    }
    Ok(())
}

/// Expunges a letter from a folder in which it has another number, or none: it is known by its size and its digest.
async fn elsewhere(house: &House, mailbox: &mut dyn Mailbox, folder: &str, letter: &Delivery) -> Result<(), FlowError> {
    let mac = letter.content_mac.ok_or(FlowError::Broken(
        "a letter that was never read lies in another folder, where it cannot be told from others: delete it by hand",
    ))?;
    let same = |bytes: &[u8]| house.keys.digest(&crate::intake::without_trace_headers(bytes)) == mac;
    mailbox.expunge_alike(folder, letter.size_bytes, &same).await?;
    Ok(())
}

/// Records that the letters are gone.
async fn settle(house: &House, place: &Place, due: &Due, lease: &MailboxLease) -> Result<(), FlowError> {
    let ids: Vec<DeliveryId> = due.theirs.iter().map(|letter| letter.id).collect();
    let request = &due.stored.request;
    let mut tx = house.db.write().await?;
    mailbox_leases::confirm_in(&mut tx, lease).await?;
    deliveries::set_expunged(&mut tx, &ids, house.clock.now()).await?;
    requests::set_letters_gone(&mut tx, request.id, &place.mailbox).await?;
    note::append(house, &mut tx, request.case, Event::LettersExpunged, Actor::PROGRAM, facts(house, due)?).await?;
    tx.commit().await?;
    info!(request = %request.reference, letters = ids.len(), "letters expunged");
    breakpoint!("expunge.committed");
    Ok(())
}

/// Puts the letters of one request off, longer after each failure.
async fn postpone(
    house: &House,
    request: RequestId,
    failures: u32,
    error: &FlowError,
    lease: &MailboxLease,
) -> Result<(), FlowError> {
    let at = house.clock.now().plus(BACKOFF * 2_u32.pow(failures.min(DOUBLINGS_MAX)));
    let mut tx = house.db.write().await?;
    mailbox_leases::confirm_in(&mut tx, lease).await?;
    requests::postpone_letters(&mut tx, request, at).await?;
    tx.commit().await?;
    let cause = std::error::Error::source(error).map(ToString::to_string).unwrap_or_default();
    warn!(request = %request, failures = failures + 1, code = error.code(), %error, cause, "letters not expunged");
    Ok(())
}
