//! Brings letters from the mailbox into the house: stored sealed first, judged later, marked on the server after.
//!
//! Letters, jobs and the cursor are written in one transaction under the mailbox's lease, so that a crash between two
//! batches loses nothing and doubles nothing, and a daemon that was paused cannot write over the one that took over.

use serde_json::json;

use crate::breakpoint;
use crate::db::deliveries::{self, Cursor, Delivery, Disposition, NewDelivery};
use crate::db::mailbox_leases::{self, MailboxLease};
use crate::db::{Tx, jobs};
use crate::domain::DeliveryId;
use crate::domain::request::ReviewReason;
use crate::mailbox::{FolderState, Listed, Mailbox};
use crate::queue::{NewJob, Priority};
use crate::vault::KeyId;

use super::error::FlowError;
use super::expunge::expunge;
use super::house::House;
use super::{kinds, open, safe};

/// Letters listed and fetched at once.
const BATCH_MAX: u32 = 100;
/// Bytes of letters held at once, by RFC822.SIZE.
const BATCH_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// What one poll did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Polled {
    /// Letters that were stored.
    pub stored: u32,
    /// Letters of ours that were marked or moved.
    pub marked: u32,
    /// Requests whose letters were expunged.
    pub expunged: u32,
    /// Requests whose letters could not be expunged and wait for another time.
    pub postponed: u32,
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
/// The first thing that failed; what was stored before stays, and the next poll goes on from there.
pub async fn poll(
    house: &House,
    mailbox: &mut dyn Mailbox,
    place: &Place,
    lease: &MailboxLease,
) -> Result<Polled, FlowError> {
    let state = mailbox.open().await?;
    let mut cursor = cursor(house, place, state, lease).await?;
    let mut polled = Polled::default();
    loop {
        let listed = within_bytes(mailbox.list(cursor.uid_last, BATCH_MAX).await?);
        let Some(last) = listed.last().map(|letter| letter.uid) else { break };
        let batch = fetch(house, mailbox, &listed).await?;
        breakpoint!("arrive.fetched");
        cursor.uid_last = last;
        polled.stored += store(house, place, cursor, &batch, lease).await?;
        breakpoint!("arrive.stored");
    }
    polled.marked = mark(house, mailbox, place, cursor.uid_validity, lease).await?;
    let round = expunge(house, mailbox, place, lease).await?;
    (polled.expunged, polled.postponed) = (round.expunged, round.postponed);
    Ok(polled)
}

/// The first letters of a list that fit into memory together; always at least one.
fn within_bytes(mut listed: Vec<Listed>) -> Vec<Listed> {
    let mut bytes = 0;
    let fitting = listed.iter().take_while(|letter| {
        bytes += letter.size_bytes;
        bytes <= BATCH_BYTES_MAX
    });
    let count = fitting.count().max(1);
    listed.truncate(count);
    listed
}

/// The cursor, made at UIDNEXT on the first run; UIDs of another UIDVALIDITY are read anew from the first.
async fn cursor(house: &House, place: &Place, state: FolderState, lease: &MailboxLease) -> Result<Cursor, FlowError> {
    let mut tx = house.db.write().await?;
    mailbox_leases::confirm_in(&mut tx, lease).await?;
    let known = deliveries::cursor(&mut tx, &place.mailbox, &place.folder).await?;
    let cursor = match known {
        Some(cursor) if cursor.uid_validity == state.uid_validity => cursor,
        Some(_) => Cursor { uid_validity: state.uid_validity, uid_start: 1, uid_last: 0 },
        None if house.backfill => Cursor { uid_validity: state.uid_validity, uid_start: 1, uid_last: 0 },
        None => Cursor {
            uid_validity: state.uid_validity,
            uid_start: state.uid_next,
            uid_last: state.uid_next.saturating_sub(1),
        },
    };
    deliveries::set_cursor(&mut tx, &place.mailbox, &place.folder, cursor, house.clock.now()).await?;
    tx.commit().await?;
    Ok(cursor)
}

/// A listed letter with its bytes, if they were fetched.
struct Arrived {
    listed: Listed,
    bytes: Option<Vec<u8>>,
}

async fn fetch(house: &House, mailbox: &mut dyn Mailbox, listed: &[Listed]) -> Result<Vec<Arrived>, FlowError> {
    let fits = |letter: &Listed| letter.size_bytes <= house.intake_limits.body_bytes_max;
    let uids: Vec<u32> = listed.iter().filter(|letter| fits(letter)).map(|letter| letter.uid).collect();
    let mut fetched = if uids.is_empty() { Vec::new() } else { mailbox.fetch(&uids).await? };
    Ok(listed
        .iter()
        .map(|letter| {
            let found = fetched.iter().position(|fetched| fetched.uid == letter.uid);
            Arrived { listed: *letter, bytes: found.map(|place| fetched.swap_remove(place).bytes) }
        })
        .collect())
}

/// Writes a batch with its jobs and the cursor.
async fn store(
    house: &House,
    place: &Place,
    cursor: Cursor,
    batch: &[Arrived],
    lease: &MailboxLease,
) -> Result<u32, FlowError> {
    let now = house.clock.now();
    let mut tx = house.db.write().await?;
    mailbox_leases::confirm_in(&mut tx, lease).await?;
    let mut rows = Vec::with_capacity(batch.len());
    let mut work = Vec::with_capacity(batch.len());
    for letter in batch {
        let (row, job) = admit(house, &mut tx, letter).await?;
        rows.push(row);
        work.extend(job);
    }
    deliveries::insert(&mut tx, &place.mailbox, &place.folder, cursor.uid_validity, &rows, now).await?;
    jobs::enqueue(&mut tx, &work, now, &*house.chance).await?;
    deliveries::set_cursor(&mut tx, &place.mailbox, &place.folder, cursor, now).await?;
    breakpoint!("arrive.before_commit");
    tx.commit().await?;
    Ok(u32::try_from(batch.len()).unwrap_or(u32::MAX))
}

/// Seals one letter and makes its row, and the job that judges it.
async fn admit(house: &House, tx: &mut Tx, letter: &Arrived) -> Result<(NewDelivery, Option<NewJob>), FlowError> {
    let now = house.clock.now();
    let id = DeliveryId::new(now, &*house.chance);
    let too_large = letter.listed.size_bytes > house.intake_limits.body_bytes_max;
    let (disposition, key, mac): (_, Option<KeyId>, _) = match &letter.bytes {
        Some(bytes) => {
            let key = safe::put_delivery(house, tx, id, bytes).await?;
            let mac = house.keys.digest(&crate::intake::without_trace_headers(bytes));
            (Disposition::Stored, Some(key), Some(mac))
        }
        None if too_large => (Disposition::TooLarge, None, None),
        None => (Disposition::Vanished, None, None),
    };
    let job = (disposition == Disposition::Stored).then(|| {
        let mut job = NewJob::new(kinds::JUDGE, json!({ "delivery": id }), now);
        job.unique_key = Some(format!("judge:{id}"));
        job.attempts_max = 3;
        job.priority = Priority::Urgent;
        job
    });
    // Nobody has read what it asks for, so a person looks.
    let request = match disposition {
        Disposition::TooLarge => {
            let received = letter.listed.received_at;
            Some(open::for_review(house, tx, received, ReviewReason::TooLarge).await?.id)
        }
        _ => None,
    };
    let row = NewDelivery {
        id,
        uid: letter.listed.uid,
        received_at: letter.listed.received_at,
        size_bytes: letter.listed.size_bytes,
        content_mac: mac,
        key_id: key.map(KeyId::as_uuid),
        disposition,
        request,
    };
    Ok((row, job))
}

/// Marks, and where configured moves, the letters that became ours. After the commit: the server is never the truth.
async fn mark(
    house: &House,
    mailbox: &mut dyn Mailbox,
    place: &Place,
    uid_validity: u32,
    lease: &MailboxLease,
) -> Result<u32, FlowError> {
    let mut tx = house.db.read().await?;
    let ours = deliveries::unmarked(&mut tx, &place.mailbox, &place.folder, uid_validity, BATCH_MAX).await?;
    drop(tx);
    if ours.is_empty() {
        return Ok(0);
    }
    let uids: Vec<u32> = ours.iter().map(|letter| letter.uid).collect();
    mailbox.mark(&uids).await?;
    breakpoint!("mark.marked");
    let move_to = house.config.mailbox.move_to.as_deref();
    // One that was not read has no digest, and would not be known again in another folder.
    let (known, unread): (Vec<_>, Vec<_>) = ours.iter().partition(|letter| letter.content_mac.is_some());
    let ids = |letters: &[&Delivery]| letters.iter().map(|letter| letter.id).collect::<Vec<DeliveryId>>();
    if let Some(folder) = move_to
        && !known.is_empty()
    {
        let uids: Vec<u32> = known.iter().map(|letter| letter.uid).collect();
        mailbox.move_to(&uids, folder).await?;
    }
    breakpoint!("mark.moved");
    let now = house.clock.now();
    let mut tx = house.db.write().await?;
    mailbox_leases::confirm_in(&mut tx, lease).await?;
    deliveries::set_marked(&mut tx, &ids(&known), move_to, now).await?;
    deliveries::set_marked(&mut tx, &ids(&unread), None, now).await?;
    tx.commit().await?;
    breakpoint!("mark.committed");
    Ok(u32::try_from(uids.len()).unwrap_or(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Timestamp;

    #[test]
    fn a_batch_is_bounded_in_bytes_and_never_empty() {
        let letter = |uid, size_bytes| Listed { uid, size_bytes, received_at: Timestamp::from_micros(0) };
        let uids = |listed: Vec<Listed>| within_bytes(listed).iter().map(|letter| letter.uid).collect::<Vec<_>>();
        assert_eq!(uids(vec![letter(1, 10), letter(2, 10)]), [1, 2]);
        assert_eq!(uids(vec![letter(1, BATCH_BYTES_MAX), letter(2, 1)]), [1]);
        assert_eq!(uids(vec![letter(1, BATCH_BYTES_MAX * 2), letter(2, 1)]), [1]);
    }
}
