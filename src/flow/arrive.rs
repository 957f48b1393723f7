//! Brings letters from the mailbox into the house: stored sealed first, judged later, marked on the server after.
//!
//! Letters, jobs and the cursor are written in one transaction under the mailbox's lease, so that a crash between two
//! batches loses nothing and doubles nothing, and a daemon that was paused cannot write over the one that took over.

use std::collections::BTreeMap;

use tracing::{info, warn};

use crate::breakpoint;
use crate::db::cursors::{self, Cursor, UidRange};
use crate::db::deliveries::{self, Delivery, Disposition};
use crate::db::mailbox_leases::{self, MailboxLease};
use crate::db::polls;
use crate::domain::{DeliveryId, RequestId, Timestamp};
use crate::mailbox::{FolderState, Mailbox, MailboxError};

use super::error::FlowError;
use super::expunge::expunge;
use super::house::House;
use super::{admit, heard};

/// Letters listed and fetched at once.
const BATCH_MAX: u32 = 100;
/// Bytes of letters held at once, by RFC822.SIZE.
const BATCH_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// What one poll did.
#[derive(Debug, Default)]
pub struct Polled {
    /// Letters that were stored.
    pub stored: u32,
    /// Letters of ours that were marked or moved.
    pub marked: u32,
    /// Requests whose letters were expunged.
    pub expunged: u32,
    /// Requests whose letters could not be expunged and wait for another time.
    pub postponed: u32,
    /// Why not all of ours could be marked, moved or expunged. All letters were read nevertheless; the next poll tries
    /// again.
    pub trouble: Option<MailboxError>,
}

/// Where letters of the mailbox are read from, by the names that the ledger knows.
#[derive(Clone, Debug)]
pub struct Place {
    /// The mailbox's name.
    pub mailbox: String,
    /// The folder.
    pub folder: String,
}

/// Reads all that is new, then marks what was judged and expunges what is to be forgotten.
///
/// # Errors
/// The first thing that kept letters from being read or recorded; what was stored before stays, and the next poll goes
/// on from there. What could only not be marked, moved or expunged is told in [`Polled::trouble`].
pub async fn poll(
    house: &House,
    mailbox: &mut dyn Mailbox,
    place: &Place,
    lease: &MailboxLease,
) -> Result<Polled, FlowError> {
    // What comes while it is read may be missed by this poll.
    let looked_at = house.clock.now();
    let state = mailbox.open().await?;
    let mut cursor = begin(house, place, state, lease).await?;
    let mut polled = Polled::default();
    loop {
        let listing = admit::within_bytes(mailbox.list(cursor.uid_last, BATCH_MAX).await?, BATCH_BYTES_MAX);
        if listing.through <= cursor.uid_last {
            break;
        }
        let batch = admit::fetch(house, mailbox, cursor, &listing.letters).await?;
        breakpoint!("arrive.fetched");
        polled.stored += admit::store(house, place, cursor, listing.through, &batch, lease).await?;
        cursor.uid_last = listing.through;
        breakpoint!("arrive.stored");
    }
    set_polled(house, place, lease, looked_at).await?;
    for touch in [Some(Touch::Mark), house.config.mailbox.move_to.as_deref().map(Touch::Move)].into_iter().flatten() {
        let (count, trouble) = touch_due(house, mailbox, place, cursor, touch, lease).await?;
        polled.marked += count;
        polled.trouble = polled.trouble.or(trouble);
    }
    match Box::pin(expunge(house, mailbox, place, cursor, lease)).await {
        Err(FlowError::Mailbox(error)) => polled.trouble = polled.trouble.or(Some(error)),
        done => {
            let round = done?;
            (polled.expunged, polled.postponed) = (round.expunged, round.postponed);
        }
    }
    Ok(polled)
}

/// Whether the wish to read old letters comes when all are read already.
///
/// # Errors
/// When our database does not answer.
pub async fn is_backfilled(house: &House, place: &Place) -> Result<bool, FlowError> {
    let mut tx = house.db.read().await?;
    let known = cursors::load(&mut tx, &place.mailbox, &place.folder).await?;
    Ok(house.backfill && known.is_some_and(|cursor| cursor.started_at.is_none()))
}

/// Another mailbox, or another folder of this one, that the ledger has read, where it has never read this one. A Maildir that was
/// read before its path was noted is no other one: its UIDVALIDITY tells whether it is this one.
///
/// # Errors
/// When our database does not answer.
pub async fn known_instead(house: &House, place: &Place) -> Result<Option<Place>, FlowError> {
    let mut tx = house.db.read().await?;
    let others = cursors::only_others(&mut tx, &place.mailbox, &place.folder).await?;
    let mut others = others.into_iter().filter(|(mailbox, folder)| !(folder.is_empty() && *mailbox == place.mailbox));
    Ok(others.next_back().map(|(mailbox, folder)| Place { mailbox, folder }))
}

/// The cursor to go on from. The first run starts at UIDNEXT; a folder whose UIDs began to mean other letters is read
/// from its first.
async fn begin(house: &House, place: &Place, state: FolderState, lease: &MailboxLease) -> Result<Cursor, FlowError> {
    let (mailbox, folder, now) = (&place.mailbox, &place.folder, house.clock.now());
    let known = match cursors::load(&mut house.db.read().await?, mailbox, folder).await? {
        // A Maildir, by its path: it may have been read before that was noted, or at another place.
        None if folder.starts_with('/') => named_now(house, place, state, lease).await?,
        known => known,
    };
    let cursor = match known {
        Some(known) => again(known, state, house.backfill),
        None if house.backfill => Cursor { started_at: None, uid_last: 0, ..renumbered(0, state) },
        None => {
            let before = state.uid_next.saturating_sub(1);
            info!("the first run starts at the next letter that comes; --backfill reads those that are there too");
            Cursor { uid_start: state.uid_next, uid_last: before, started_at: Some(now), ..renumbered(0, state) }
        }
    };
    if known == Some(cursor) {
        return Ok(cursor);
    }
    let mut tx = house.db.write().await?;
    mailbox_leases::confirm_in(&mut tx, lease).await?;
    if cursor.started_at.is_none() {
        cursors::read_from_the_start(&mut tx, mailbox, folder).await?;
    }
    if cursor.uid_start > 1 {
        let old = UidRange { first: 1, last: cursor.uid_start - 1, disposition: Disposition::BeforeStart };
        cursors::insert_ranges(&mut tx, mailbox, folder, cursor, &[old], now).await?;
    }
    cursors::set(&mut tx, mailbox, folder, cursor).await?;
    tx.commit().await?;
    Ok(cursor)
}

/// The cursor of a Maildir that was read before its path was noted, or at another path, if this is the one.
async fn named_now(
    house: &House,
    place: &Place,
    state: FolderState,
    lease: &MailboxLease,
) -> Result<Option<Cursor>, FlowError> {
    let mut tx = house.db.write().await?;
    mailbox_leases::confirm_in(&mut tx, lease).await?;
    cursors::name_folder(&mut tx, &place.mailbox, &place.folder, state.uid_validity).await?;
    let known = cursors::load(&mut tx, &place.mailbox, &place.folder).await?;
    tx.commit().await?;
    Ok(known)
}

/// The cursor of a folder that was read before.
fn again(known: Cursor, state: FolderState, backfill: bool) -> Cursor {
    let anew = Cursor { started_at: known.started_at, ..renumbered(known.numbering, state) };
    if backfill && known.started_at.is_some() {
        info!("reading the letters from before the first run too (--backfill)");
        return Cursor { started_at: None, ..anew };
    }
    if known.uid_validity != state.uid_validity {
        let (known, found) = (known.uid_validity, state.uid_validity);
        warn!(
            mailbox.known = known,
            mailbox.found = found,
            "UIDVALIDITY changed: the folder is read from its first letter"
        );
        return anew;
    }
    // UIDNEXT never falls (RFC 9051 §2.3.1.1), unless the server lost letters and gives their numbers to others.
    if state.uid_next <= known.uid_last {
        let (known, found) = (known.uid_last, state.uid_next);
        warn!(
            mailbox.known = known,
            mailbox.found = found,
            "UIDNEXT fell below what was read: the server was restored from a backup, or breaks its numbers; the folder \
             is read from its first letter"
        );
        return anew;
    }
    known
}

/// The cursor of a folder whose numbers were never seen before. Letters that were judged under other numbers are known
/// again by their content.
const fn renumbered(numbering: u32, state: FolderState) -> Cursor {
    Cursor {
        numbering: numbering + 1,
        uid_validity: state.uid_validity,
        uid_start: 1,
        uid_last: 0,
        old_last: state.uid_next.saturating_sub(1),
        started_at: None,
    }
}

/// Notes that all letters were read that had come by then. What waited for that goes on.
async fn set_polled(house: &House, place: &Place, lease: &MailboxLease, at: Timestamp) -> Result<(), FlowError> {
    let mut tx = house.db.write().await?;
    mailbox_leases::confirm_in(&mut tx, lease).await?;
    polls::set_polled(&mut tx, &place.mailbox, at).await?;
    heard::go_on(house, &mut tx, house.mailbox_name()).await?;
    Ok(tx.commit().await?)
}

/// What is done on the server to letters that became ours. After the commit: the server is never the truth.
#[derive(Clone, Copy)]
enum Touch<'a> {
    Mark,
    Move(&'a str),
}

impl Touch<'_> {
    async fn apply(self, mailbox: &mut dyn Mailbox, letters: &[Delivery]) -> Result<(), MailboxError> {
        let uids: Vec<u32> = letters.iter().map(|letter| letter.uid).collect();
        match self {
            Self::Mark => mailbox.mark(&uids).await,
            Self::Move(folder) => mailbox.move_to(&uids, folder).await,
        }
    }
}

/// Marks or moves what is due, and records what was done; with the first thing that failed.
async fn touch_due(
    house: &House,
    mailbox: &mut dyn Mailbox,
    place: &Place,
    cursor: Cursor,
    touch: Touch<'_>,
    lease: &MailboxLease,
) -> Result<(u32, Option<MailboxError>), FlowError> {
    let (name, from, numbering) = (&place.mailbox, &place.folder, cursor.numbering);
    let mut tx = house.db.read().await?;
    let due = match touch {
        Touch::Mark => deliveries::unmarked(&mut tx, name, from, numbering, BATCH_MAX).await?,
        Touch::Move(_) => deliveries::unmoved(&mut tx, name, from, numbering, BATCH_MAX).await?,
    };
    drop(tx);
    if due.is_empty() {
        return Ok((0, None));
    }
    let (done, trouble) = touched(mailbox, touch, due).await;
    breakpoint!("mark.marked");
    let mut tx = house.db.write().await?;
    mailbox_leases::confirm_in(&mut tx, lease).await?;
    match touch {
        Touch::Mark => deliveries::set_marked(&mut tx, &done, house.clock.now()).await?,
        Touch::Move(folder) => deliveries::set_moved(&mut tx, &done, folder).await?,
    }
    tx.commit().await?;
    breakpoint!("mark.committed");
    Ok((u32::try_from(done.len()).unwrap_or(u32::MAX), trouble))
}

/// All at once, or where that fails the letters of each request by themselves, so that one that the server refuses does
/// not keep the others.
async fn touched(
    mailbox: &mut dyn Mailbox,
    touch: Touch<'_>,
    due: Vec<Delivery>,
) -> (Vec<DeliveryId>, Option<MailboxError>) {
    let ids = |letters: &[Delivery]| letters.iter().map(|letter| letter.id).collect::<Vec<_>>();
    let mut trouble = match touch.apply(mailbox, &due).await {
        Ok(()) => return (ids(&due), None),
        Err(error) => error,
    };
    let mut by_request: BTreeMap<Option<RequestId>, Vec<Delivery>> = BTreeMap::new();
    for letter in due {
        by_request.entry(letter.request).or_default().push(letter);
    }
    let mut done = Vec::new();
    for letters in by_request.into_values() {
        // What is not about letters would fail for each of them.
        if !trouble.may_be_one_letter() && !matches!(trouble, MailboxError::StillThere { .. }) {
            break;
        }
        match touch.apply(mailbox, &letters).await {
            Ok(()) => done.extend(ids(&letters)),
            Err(error) => trouble = error,
        }
    }
    (done, Some(trouble))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_that_mean_other_letters_are_read_anew_and_old_letters_stay_old() {
        let started_at = Some(Timestamp::from_micros(5));
        let known = Cursor { numbering: 2, uid_validity: 7, uid_start: 4, uid_last: 9, old_last: 3, started_at };
        let state = |uid_validity, uid_next| FolderState { uid_validity, uid_next };
        assert_eq!(again(known, state(7, 10), false), known);
        let anew = Cursor { numbering: 3, uid_validity: 8, uid_start: 1, uid_last: 0, old_last: 19, started_at };
        assert_eq!(again(known, state(8, 20), false), anew);
        let restored = again(known, state(7, 9), false);
        assert_eq!((restored.numbering, restored.uid_last, restored.old_last), (3, 0, 8));
        let backfilled = again(known, state(7, 10), true);
        assert_eq!((backfilled.numbering, backfilled.uid_last, backfilled.started_at), (3, 0, None));
        assert_eq!(
            again(Cursor { started_at: None, ..known }, state(7, 10), true),
            Cursor { started_at: None, ..known }
        );
    }
}
