//! Reading the selected folder: which letters there are, and their bytes. Never sets a flag (BODY.PEEK).
//!
//! What the server returns is compared with what was asked: a letter that is missing has vanished, which is looked up
//! and left out, or the answer is incomplete, which is an error.

use std::collections::{BTreeMap, BTreeSet};

use async_imap::imap_proto::{AttributeValue, MailboxDatum, MessageSection, Response, SectionPath};

use super::command::{Command, batches, uid_set};
use super::conversation::Conversation;
use crate::domain::Timestamp;
use crate::mailbox::{Fetched, IsSame, Listed, MailboxError, message_id};

const FETCH: &str = "UID FETCH";
/// A header field that we ask for by name is at most this long.
const FIELD_BYTES_MAX: u64 = 16 << 10;
/// RFC822.SIZE is an estimate on some servers: a letter may be twice that and so much more.
const SIZE_SLACK_BYTES: u64 = 64 << 10;

/// The UIDs that match a criterion, ascending.
pub(super) async fn search(conversation: &mut Conversation, criterion: Command) -> Result<BTreeSet<u32>, MailboxError> {
    let mut found = BTreeSet::new();
    let take = |response: &Response<'_>| {
        if let Response::MailboxData(MailboxDatum::Search(uids)) = response {
            found.extend(uids.iter().copied());
        }
    };
    conversation.run(criterion, take).await?;
    Ok(found)
}

/// Which of these letters are in the folder now.
pub(super) async fn present(conversation: &mut Conversation, uids: &[u32]) -> Result<BTreeSet<u32>, MailboxError> {
    // A server may hold back what it knows of expunged letters until a command that has no sequence numbers.
    conversation.run(Command::new("NOOP"), |_| {}).await?;
    let mut there = BTreeSet::new();
    for batch in batches(uids) {
        let criterion = Command::new("UID SEARCH").word("UID").word(&uid_set(&batch));
        there.extend(search(conversation, criterion).await?.into_iter().filter(|uid| batch.contains(uid)));
    }
    Ok(there)
}

/// The UIDs above `after`, ascending, at most `count_max`.
pub(super) async fn above(
    conversation: &mut Conversation,
    after: u32,
    count_max: usize,
) -> Result<Vec<u32>, MailboxError> {
    let Some(first) = after.checked_add(1) else { return Ok(Vec::new()) };
    conversation.forget_arrivals();
    let criterion = Command::new("UID SEARCH").word("UID").word(&format!("{first}:*"));
    // `n:*` always names the last letter, also when its UID is below n (RFC 9051 §9, seq-range).
    let found = search(conversation, criterion).await?;
    Ok(found.into_iter().filter(|uid| *uid > after).take(count_max).collect())
}

/// Size and arrival of these letters; those that vanished are left out.
pub(super) async fn facts(conversation: &mut Conversation, uids: &[u32]) -> Result<Vec<Listed>, MailboxError> {
    let mut listed = BTreeMap::new();
    for batch in batches(uids) {
        let take = |response: &Response<'_>| {
            let Response::Fetch(_, attributes) = response else { return };
            let letter = listed_letter(attributes).filter(|letter| batch.binary_search(&letter.uid).is_ok());
            if let Some(letter) = letter {
                listed.insert(letter.uid, letter);
            }
        };
        let ask = Command::new(FETCH).word(&uid_set(&batch)).word("(UID RFC822.SIZE INTERNALDATE)");
        conversation.run(ask, take).await?;
    }
    check_missing(conversation, uids, |uid| listed.contains_key(&uid)).await?;
    Ok(listed.into_values().collect())
}

/// Reads one FETCH response; `None` for one that is about something else (a flag that a colleague set).
fn listed_letter(attributes: &[AttributeValue<'_>]) -> Option<Listed> {
    let mut size = None;
    let mut date = None;
    for attribute in attributes {
        match attribute {
            AttributeValue::Rfc822Size(bytes) => size = Some(u64::from(*bytes)),
            AttributeValue::InternalDate(text) => date = Some(text.as_ref()),
            _ => {}
        }
    }
    // A date that is none is no reason to leave the letter unread.
    Some(Listed { uid: uid_of(attributes)?, size_bytes: size?, received_at: internal_date(date?) })
}

fn uid_of(attributes: &[AttributeValue<'_>]) -> Option<u32> {
    attributes.iter().find_map(|attribute| match attribute {
        AttributeValue::Uid(uid) => Some(*uid),
        _ => None,
    })
}

/// A date-time of RFC 9051 §9, such as ` 5-Mar-2026 10:11:12 +0100`.
fn internal_date(text: &str) -> Option<Timestamp> {
    let parsed = jiff::fmt::strtime::parse("%d-%b-%Y %H:%M:%S %z", text.trim_start()).ok()?;
    parsed.to_timestamp().ok().map(Timestamp::from_jiff)
}

/// The bytes of these letters, in the order of their UIDs, asked for in batches of at most `batch_bytes_max` (a larger
/// letter alone).
pub(super) async fn fetch(
    conversation: &mut Conversation,
    uids: &[u32],
    batch_bytes_max: u64,
) -> Result<Vec<Fetched>, MailboxError> {
    let listed = facts(conversation, uids).await?;
    let mut fetched = Vec::with_capacity(listed.len());
    for batch in by_bytes(&listed, batch_bytes_max) {
        let all: u64 = batch.iter().map(|letter| letter.size_bytes).sum();
        let largest = batch.iter().map(|letter| letter.size_bytes).max().unwrap_or(0);
        let uids: Vec<u32> = batch.iter().map(|letter| letter.uid).collect();
        let limits = Limits { letter: largest.saturating_mul(2).saturating_add(SIZE_SLACK_BYTES), all };
        fetched.extend(fetch_section(conversation, &uids, "BODY.PEEK[]", limits, is_whole).await?);
    }
    Ok(fetched)
}

/// Neighbours whose sizes fit into one batch, and never more UIDs than fit into one command.
fn by_bytes(listed: &[Listed], batch_bytes_max: u64) -> Vec<&[Listed]> {
    const LETTERS_PER_BATCH_MAX: usize = 500;
    let mut batches = Vec::new();
    let mut rest = listed;
    while !rest.is_empty() {
        let mut bytes = 0_u64;
        let fits = |letter: &Listed| {
            bytes = bytes.saturating_add(letter.size_bytes);
            bytes <= batch_bytes_max
        };
        let count = rest.iter().map(fits).take_while(|fits| *fits).count().clamp(1, LETTERS_PER_BATCH_MAX);
        let (batch, after) = rest.split_at(count.min(rest.len()));
        batches.push(batch);
        rest = after;
    }
    batches
}

/// The header block of one letter, cut at `bytes_max`; `None` when the letter vanished.
pub(super) async fn fetch_header(
    conversation: &mut Conversation,
    uid: u32,
    bytes_max: u64,
) -> Result<Option<Fetched>, MailboxError> {
    let bytes_max = bytes_max.clamp(1, u64::from(u32::MAX));
    let section = format!("BODY.PEEK[HEADER]<0.{bytes_max}>");
    let limits = Limits { letter: bytes_max, all: bytes_max };
    let mut fetched = fetch_section(conversation, &[uid], &section, limits, is_header).await?;
    Ok(fetched.pop())
}

/// The letters of the selected folder whose Message-ID is exactly this one.
pub(super) async fn with_message_id(
    conversation: &mut Conversation,
    message_id: &str,
) -> Result<Vec<u32>, MailboxError> {
    const WHAT: &str = "a Message-ID";
    if message_id.trim().is_empty() || !message_id.is_ascii() {
        return Err(MailboxError::Argument { what: WHAT, why: "it is empty or not ASCII" });
    }
    let bare = message_id::bare(message_id.as_bytes());
    let criterion = Command::new("UID SEARCH").word("HEADER").word("Message-ID").string(WHAT, bare)?;
    let candidates: Vec<u32> = search(conversation, criterion).await?.into_iter().collect();
    let mut exact = Vec::new();
    for batch in batches(&candidates) {
        let limits = Limits { letter: FIELD_BYTES_MAX, all: FIELD_BYTES_MAX * batch.len() as u64 };
        let field = "BODY.PEEK[HEADER.FIELDS (MESSAGE-ID)]";
        let headers = fetch_section(conversation, &batch, field, limits, is_header).await?;
        let same = |header: &Fetched| message_id::is_of(message_id, &header.bytes);
        exact.extend(headers.iter().filter(|header| same(header)).map(|header| header.uid));
    }
    Ok(exact)
}

/// The letters of the selected folder that have this size and are the same by `is_same`, fetched one at a time.
pub(super) async fn alike(
    conversation: &mut Conversation,
    size_bytes: u64,
    is_same: &IsSame<'_>,
) -> Result<Vec<u32>, MailboxError> {
    let (less, more) = (size_bytes.saturating_sub(1), size_bytes.saturating_add(1));
    let criterion =
        Command::new("UID SEARCH").word("LARGER").word(&less.to_string()).word("SMALLER").word(&more.to_string());
    let mut found = Vec::new();
    for uid in search(conversation, criterion).await? {
        let letters = fetch(conversation, &[uid], size_bytes).await?;
        found.extend(letters.iter().filter(|letter| is_same(&letter.bytes)).map(|letter| letter.uid));
    }
    Ok(found)
}

fn is_whole(section: Option<&SectionPath>) -> bool {
    section.is_none()
}

fn is_header(section: Option<&SectionPath>) -> bool {
    matches!(section, Some(SectionPath::Full(MessageSection::Header)))
}

/// How many bytes an answer may have: each of its literals, and all that is expected.
#[derive(Clone, Copy)]
struct Limits {
    letter: u64,
    all: u64,
}

/// One FETCH of one section of these letters (as many as fit into one command).
async fn fetch_section(
    conversation: &mut Conversation,
    uids: &[u32],
    section: &str,
    limits: Limits,
    is_asked: fn(Option<&SectionPath>) -> bool,
) -> Result<Vec<Fetched>, MailboxError> {
    let mut bodies: BTreeMap<u32, Vec<u8>> = BTreeMap::new();
    let mut unasked = false;
    let take = |response: &Response<'_>| {
        let Response::Fetch(_, attributes) = response else { return };
        let body = attributes.iter().find_map(|attribute| match attribute {
            AttributeValue::BodySection { section, data: Some(data), .. } if is_asked(section.as_ref()) => Some(data),
            _ => None,
        });
        let Some(body) = body else { return };
        match uid_of(attributes).filter(|uid| uids.contains(uid)) {
            Some(uid) => drop(bodies.insert(uid, body.to_vec())),
            None => unasked = true,
        }
    };
    let ask = Command::new(FETCH).word(&uid_set(uids)).word(&format!("(UID {section})"));
    conversation.run(ask.expecting(limits.letter, limits.all), take).await?;
    if unasked {
        return Err(MailboxError::Garbled { command: FETCH, what: "a letter that was not asked for" });
    }
    check_missing(conversation, uids, |uid| bodies.contains_key(&uid)).await?;
    Ok(bodies.into_iter().map(|(uid, bytes)| Fetched { uid, bytes }).collect())
}

/// `Ok` when every letter that is missing from an answer is gone from the folder too.
async fn check_missing(
    conversation: &mut Conversation,
    asked: &[u32],
    is_answered: impl Fn(u32) -> bool + Send,
) -> Result<(), MailboxError> {
    let missing: Vec<u32> = asked.iter().copied().filter(|uid| !is_answered(*uid)).collect();
    if missing.is_empty() {
        return Ok(());
    }
    match present(conversation, &missing).await?.len() {
        0 => Ok(()),
        missing => Err(MailboxError::Incomplete { command: FETCH, asked: asked.len(), missing }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_internal_date_is_an_instant() {
        let expected = "2026-03-05T09:11:12Z".parse::<jiff::Timestamp>().unwrap();
        assert_eq!(internal_date(" 5-Mar-2026 10:11:12 +0100"), Some(Timestamp::from_jiff(expected)));
        assert_eq!(internal_date("05-Mar-2026 10:11:12 +0100"), Some(Timestamp::from_jiff(expected)));
        assert_eq!(internal_date("yesterday"), None);
    }

    #[test]
    fn batches_hold_what_fits_and_a_giant_travels_alone() {
        let received_at = Some(Timestamp::from_micros(0));
        let sizes = [40, 40, 40, 500, 10];
        let listed: Vec<Listed> =
            (1..).zip(sizes).map(|(uid, size_bytes)| Listed { uid, size_bytes, received_at }).collect();
        let cut: Vec<Vec<u32>> =
            by_bytes(&listed, 100).iter().map(|batch| batch.iter().map(|letter| letter.uid).collect()).collect();
        assert_eq!(cut, [vec![1, 2], vec![3], vec![4], vec![5]]);
    }
}
