//! Takes a batch of listed letters in: their bytes are fetched, sealed and written with jobs, ranges and the cursor in
//! one transaction.
//!
//! A letter that the mailbox will not give is asked for alone, and given up when the others can be read without it: it
//! goes to a person, and never keeps the letters behind it waiting.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::json;

use crate::breakpoint;
use crate::db::cursors::{self, Cursor, UidRange};
use crate::db::deliveries::{self, Disposition, NewDelivery};
use crate::db::mailbox_leases::{self, MailboxLease};
use crate::db::{Tx, jobs};
use crate::domain::request::{Request, ReviewReason};
use crate::domain::{DeliveryId, RequestId, Timestamp};
use crate::intake;
use crate::mailbox::{Fetched, Listed, Listing, Mailbox, MailboxError};
use crate::queue::{NewJob, Priority};

use super::arrive::Place;
use super::error::FlowError;
use super::facts::Failure;
use super::house::House;
use super::{kinds, open, safe, unheard};

/// How often a letter is asked for alone before it is given up.
const TRIES_MAX: u32 = 3;
/// Between two tries.
const TRY_PAUSE: Duration = Duration::from_secs(1);
/// What is read of the header of a letter that is too large to be read whole.
const HEADER_BYTES_MAX: u64 = 64 << 10;

/// A listed letter with what the mailbox gave of it.
pub(super) struct Arrived {
    listed: Listed,
    found: Found,
}

enum Found {
    /// Its bytes.
    Whole(Vec<u8>),
    /// It is larger than the limit; its header, where that could be had.
    TooLarge(Option<Vec<u8>>),
    /// It vanished since it was listed.
    Gone,
    /// The mailbox does not give it.
    Unreadable,
    /// It came before the first run and is not looked at.
    Old,
}

/// Whether a letter came before the first run, which only a folder that was numbered anew can bring to light again.
fn is_old(cursor: Cursor, letter: &Listed) -> bool {
    // Mailboxes tell the second: one that came in that of the first run is looked at.
    let came_before = |(started, received): (Timestamp, Timestamp)| received.plus(Duration::from_secs(1)) <= started;
    letter.uid <= cursor.old_last && cursor.started_at.zip(letter.received_at).is_some_and(came_before)
}

/// Fetches what is to be read of these letters.
pub(super) async fn fetch(
    house: &House,
    mailbox: &mut dyn Mailbox,
    cursor: Cursor,
    listed: &[Listed],
) -> Result<Vec<Arrived>, FlowError> {
    let is_large = |letter: &Listed| !house.intake_limits.takes(letter.size_bytes);
    let wanted: Vec<u32> =
        listed.iter().filter(|letter| !is_large(letter) && !is_old(cursor, letter)).map(|letter| letter.uid).collect();
    let mut bodies = bodies(mailbox, &wanted).await?;
    let mut arrived = Vec::with_capacity(listed.len());
    for letter in listed {
        let found = if is_old(cursor, letter) {
            Found::Old
        } else if is_large(letter) {
            Found::TooLarge(header(mailbox, letter.uid).await?)
        } else if bodies.given_up.contains(&letter.uid) {
            Found::Unreadable
        } else {
            let place = bodies.fetched.iter().position(|fetched| fetched.uid == letter.uid);
            place.map_or(Found::Gone, |place| given(letter, bodies.fetched.swap_remove(place).bytes))
        };
        arrived.push(Arrived { listed: *letter, found });
    }
    Ok(arrived)
}

/// What the mailbox gave of a letter: none of the bytes that it has is nothing that could be judged.
fn given(letter: &Listed, bytes: Vec<u8>) -> Found {
    if bytes.is_empty() && letter.size_bytes > 0 { Found::Unreadable } else { Found::Whole(bytes) }
}

#[derive(Default)]
struct Bodies {
    fetched: Vec<Fetched>,
    given_up: Vec<u32>,
}

/// The bytes of these letters: all at once, or one by one where that fails.
async fn bodies(mailbox: &mut dyn Mailbox, uids: &[u32]) -> Result<Bodies, FlowError> {
    if uids.is_empty() {
        return Ok(Bodies::default());
    }
    match mailbox.fetch(uids).await {
        Ok(fetched) => return Ok(Bodies { fetched, given_up: Vec::new() }),
        Err(error) if is_about_letters(&error) => {}
        Err(error) => return Err(error.into()),
    }
    let mut bodies = Bodies::default();
    let mut last_error = None;
    for uid in uids {
        match alone(mailbox, *uid, Ask::Body).await? {
            Ok(fetched) => bodies.fetched.extend(fetched),
            Err(error) => {
                tracing::warn!(mailbox.uid = uid, %error, "a letter cannot be read from the mailbox");
                bodies.given_up.push(*uid);
                last_error = Some(error);
            }
        }
    }
    match last_error {
        // When none of several can be read it is the mailbox that is ill, and the letters are asked for again later.
        Some(error) if bodies.fetched.is_empty() && uids.len() > 1 => Err(error.into()),
        _ => Ok(bodies),
    }
}

/// The header of a letter as [`fetch`] asks the mailbox for it: cut at the limit, nothing where none ends.
pub(super) fn header_of(bytes: &[u8]) -> &[u8] {
    let ends = bytes.windows(2).position(|two| two == b"\n\n").map(|at| at + 2);
    let ends_crlf = bytes.windows(4).position(|four| four == b"\r\n\r\n").map(|at| at + 4);
    let end = ends.into_iter().chain(ends_crlf).min().unwrap_or(bytes.len());
    &bytes[..end.min(usize::try_from(HEADER_BYTES_MAX).unwrap_or(usize::MAX))]
}

/// The header of a letter, as the daemon has it of one that is too large; `None` where the mailbox does not give it.
///
/// # Errors
/// When the mailbox does not answer.
pub async fn header(mailbox: &mut dyn Mailbox, uid: u32) -> Result<Option<Vec<u8>>, FlowError> {
    Ok(alone(mailbox, uid, Ask::Header).await?.ok().flatten().map(|fetched| fetched.bytes))
}

/// What is asked for of one letter.
#[derive(Clone, Copy)]
enum Ask {
    Body,
    Header,
}

/// Asks for one letter until it comes, at most three times; the inner error is that of the last try. That the mailbox
/// answers otherwise is seen from opening it again in between.
async fn alone(
    mailbox: &mut dyn Mailbox,
    uid: u32,
    ask: Ask,
) -> Result<Result<Option<Fetched>, MailboxError>, FlowError> {
    let mut tries = 0;
    loop {
        let answer = match ask {
            Ask::Body => mailbox.fetch(&[uid]).await.map(|mut fetched| fetched.pop()),
            Ask::Header => mailbox.fetch_header(uid, HEADER_BYTES_MAX).await,
        };
        tries += 1;
        match answer {
            Ok(fetched) => return Ok(Ok(fetched)),
            Err(error) if !is_about_letters(&error) => return Err(error.into()),
            Err(error) if tries == TRIES_MAX => return Ok(Err(error)),
            Err(_) => {
                tokio::time::sleep(TRY_PAUSE).await;
                mailbox.open().await?;
            }
        }
    }
}

/// Whether it may be the letters that were asked for, rather than the mailbox as a whole. A server may also break off
/// at a letter that it cannot read; that it answers at all is found out by asking again.
fn is_about_letters(error: &MailboxError) -> bool {
    let broke_off =
        matches!(error, MailboxError::Ended { .. } | MailboxError::Bye { .. } | MailboxError::TimedOut { .. });
    broke_off || error.may_be_one_letter()
}

/// Writes a batch with its jobs, the UIDs between that have no letter, and the cursor; answers how many rows it wrote.
pub(super) async fn store(
    house: &House,
    place: &Place,
    before: Cursor,
    through: u32,
    batch: &[Arrived],
    lease: &MailboxLease,
) -> Result<u32, FlowError> {
    let now = house.clock.now();
    let mut tx = house.db.write().await?;
    mailbox_leases::confirm_in(&mut tx, lease).await?;
    let mut rows = Vec::with_capacity(batch.len());
    let mut work = Vec::with_capacity(batch.len());
    for letter in batch {
        let Some(row) = admit(house, &mut tx, letter).await? else { continue };
        work.extend((row.disposition == Disposition::Stored).then(|| judging(row.id, now)));
        rows.push(row);
    }
    let (mailbox, folder) = (&place.mailbox, &place.folder);
    deliveries::insert(&mut tx, mailbox, folder, before, &rows, now).await?;
    cursors::insert_ranges(&mut tx, mailbox, folder, before, &ranges(before.uid_last, through, batch), now).await?;
    jobs::enqueue(&mut tx, &work, now, &*house.chance).await?;
    cursors::set(&mut tx, mailbox, folder, Cursor { uid_last: through, ..before }).await?;
    breakpoint!("arrive.before_commit");
    tx.commit().await?;
    Ok(u32::try_from(rows.len()).unwrap_or(u32::MAX))
}

/// The UIDs above `after` and up to `through` that get no row of their own, as runs of one disposition.
fn ranges(after: u32, through: u32, batch: &[Arrived]) -> Vec<UidRange> {
    let mut ranges: Vec<UidRange> = Vec::new();
    let mut add = |first: u32, last: u32, disposition| match ranges.last_mut() {
        _ if first > last => {}
        Some(range) if range.disposition == disposition && range.last + 1 == first => range.last = last,
        _ => ranges.push(UidRange { first, last, disposition }),
    };
    let mut next = after.saturating_add(1);
    for letter in batch {
        let uid = letter.listed.uid;
        add(next, uid.saturating_sub(1), Disposition::Vanished);
        if matches!(letter.found, Found::Old) {
            add(uid, uid, Disposition::BeforeStart);
        }
        next = uid.saturating_add(1);
    }
    add(next, through, Disposition::Vanished);
    ranges
}

fn judging(id: DeliveryId, now: Timestamp) -> NewJob {
    let mut job = NewJob::new(kinds::JUDGE, json!({ "delivery": id }), now);
    job.unique_key = Some(kinds::judging(id));
    job.attempts_max = 3;
    job.priority = Priority::Urgent;
    job
}

/// Makes the row of one letter, with its bytes sealed or its request opened; `None` for one that only counts in a range.
async fn admit(house: &House, tx: &mut Tx, letter: &Arrived) -> Result<Option<NewDelivery>, FlowError> {
    let now = house.clock.now();
    let listed = &letter.listed;
    // A server, or the name of a file, that dates a letter days ahead dates its due day too.
    let received_at = listed.received_at.filter(|at| *at <= now.plus_days(1)).unwrap_or(now);
    let mut row = NewDelivery {
        id: DeliveryId::new(now, &*house.chance),
        uid: listed.uid,
        received_at,
        size_bytes: listed.size_bytes,
        content_mac: None,
        key_id: None,
        disposition: Disposition::Vanished,
        request: None,
    };
    match &letter.found {
        Found::Old => return Ok(None),
        Found::Gone => {}
        Found::Whole(bytes) => {
            row.disposition = Disposition::Stored;
            row.key_id = Some(safe::put_delivery(house, tx, row.id, bytes).await?.as_uuid());
            row.content_mac = Some(content_mac(house, bytes));
        }
        Found::TooLarge(header) => {
            row.content_mac = header.as_deref().map(|header| large_content_mac(house, header, listed.size_bytes));
            (row.disposition, row.request) = too_large(house, tx, &row, header.as_deref()).await?;
        }
        Found::Unreadable => {
            let request = open::for_review(house, tx, row.received_at, ReviewReason::Poison).await?;
            (row.disposition, row.request) = (Disposition::Unreadable, Some(request.id));
        }
    }
    Ok(Some(row))
}

/// Nobody has read what it asks for, so a person looks: once, also when the folder is numbered anew.
async fn too_large(
    house: &House,
    tx: &mut Tx,
    row: &NewDelivery,
    header: Option<&[u8]>,
) -> Result<(Disposition, Option<RequestId>), FlowError> {
    let twin = match &row.content_mac {
        Some(mac) => deliveries::of_content(tx, mac).await?,
        None => None,
    };
    if let Some(twin) = twin {
        return Ok((Disposition::Duplicate, twin.request));
    }
    let request = open::for_review(house, tx, row.received_at, ReviewReason::TooLarge).await?;
    note_size(house, tx, &request, row.size_bytes).await?;
    if let Some(header) = header {
        // Bounded, and of a header alone: it takes microseconds.
        let letter = intake::read(header, &house.lexicon, &house.intake_limits);
        open::keep_header(house, tx, &request, &letter, header).await?;
        unheard::pause_about(house, tx, &intake::traces(header), &request.reference).await?;
    }
    Ok((Disposition::TooLarge, Some(request.id)))
}

/// Notes how large a letter is that was too large, and up to which size letters are read, for who looks at its request.
async fn note_size(house: &House, tx: &mut Tx, request: &Request, size_bytes: u64) -> Result<(), FlowError> {
    let mut closing = safe::closing(house, tx, request).await?;
    let bytes_max = house.intake_limits.body_bytes_max;
    closing.failure = Some(Failure {
        reason: ReviewReason::TooLarge.to_string(),
        store: None,
        table: None,
        column: None,
        text: format!("{size_bytes} bytes, and letters are read up to {bytes_max} (body_bytes_max under [limits])"),
        waits: false,
        holds: BTreeSet::new(),
    });
    safe::put_closing(house, tx, request, &closing).await
}

/// By what a letter is known again under another UID.
pub(super) fn content_mac(house: &House, bytes: &[u8]) -> [u8; 32] {
    house.keys.digest(&intake::without_trace_headers(bytes))
}

/// The same of a letter of which only the header was read.
pub(super) fn large_content_mac(house: &House, header: &[u8], size_bytes: u64) -> [u8; 32] {
    let mut content = intake::without_trace_headers(header);
    content.extend_from_slice(&size_bytes.to_be_bytes());
    house.keys.digest(&content)
}

/// Those of these letters that still are what was recorded: before something is deleted for good, its content is looked
/// at, because a server that was restored may have given the number to another letter.
pub(super) async fn unchanged(
    house: &House,
    mailbox: &mut dyn Mailbox,
    letters: &[deliveries::Delivery],
) -> Result<Vec<u32>, FlowError> {
    let mut same = Vec::with_capacity(letters.len());
    for letter in letters {
        let Some(known) = letter.content_mac else { continue };
        let found = if !house.intake_limits.takes(letter.size_bytes) {
            let header = mailbox.fetch_header(letter.uid, HEADER_BYTES_MAX).await?;
            header.map(|header| large_content_mac(house, &header.bytes, letter.size_bytes))
        } else {
            mailbox.fetch(&[letter.uid]).await?.pop().map(|letter| content_mac(house, &letter.bytes))
        };
        same.extend(found.filter(|found| *found == known).map(|_| letter.uid));
    }
    Ok(same)
}

/// The first letters of a list that fit into memory together; always at least one.
pub(super) fn within_bytes(mut listing: Listing, bytes_max: u64) -> Listing {
    let mut bytes = 0_u64;
    let fitting = listing.letters.iter().take_while(|letter| {
        bytes = bytes.saturating_add(letter.size_bytes);
        bytes <= bytes_max
    });
    let count = fitting.count().max(1);
    if count < listing.letters.len() {
        listing.letters.truncate(count);
        listing.through = listing.letters.last().map_or(listing.through, |letter| letter.uid);
    }
    listing
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listed(uid: u32, size_bytes: u64) -> Listed {
        Listed { uid, size_bytes, received_at: Some(Timestamp::from_micros(0)) }
    }

    #[test]
    fn a_batch_is_bounded_in_bytes_and_never_empty() {
        let cut = |letters: Vec<Listed>, bytes_max| {
            let listing = within_bytes(Listing { letters, through: 9 }, bytes_max);
            (listing.letters.iter().map(|letter| letter.uid).collect::<Vec<_>>(), listing.through)
        };
        assert_eq!(cut(vec![listed(1, 10), listed(2, 10)], 20), (vec![1, 2], 9));
        assert_eq!(cut(vec![listed(1, 10), listed(2, 1)], 10), (vec![1], 1));
        assert_eq!(cut(vec![listed(1, 20), listed(2, 1)], 10), (vec![1], 1));
        assert_eq!(cut(Vec::new(), 10), (vec![], 9));
    }

    #[test]
    fn a_letter_without_its_bytes_was_not_read() {
        assert!(matches!(given(&listed(1, 10), Vec::new()), Found::Unreadable));
        assert!(matches!(given(&listed(1, 0), Vec::new()), Found::Whole(_)), "it has none");
        assert!(matches!(given(&listed(1, 10), b"To: x".to_vec()), Found::Whole(_)));
    }

    #[test]
    fn every_uid_without_a_row_is_in_one_range() {
        let arrived = |uid, found| Arrived { listed: listed(uid, 1), found };
        let batch = [
            arrived(3, Found::Old),
            arrived(4, Found::Old),
            arrived(6, Found::Gone),
            arrived(7, Found::Old),
            arrived(10, Found::Unreadable),
        ];
        let ranges: Vec<_> =
            ranges(1, 12, &batch).into_iter().map(|range| (range.first, range.last, range.disposition)).collect();
        let (old, gone) = (Disposition::BeforeStart, Disposition::Vanished);
        assert_eq!(ranges, [(2, 2, gone), (3, 4, old), (5, 5, gone), (7, 7, old), (8, 9, gone), (11, 12, gone)]);
    }
}
