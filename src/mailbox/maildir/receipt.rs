//! When a letter of a Maildir was received: from then on Art. 12(3) GDPR counts.
//!
//! Three dates may say so. The name of the file begins with the seconds at which it was delivered. The file's time of change is what
//! Dovecot and Courier show as INTERNALDATE, and it goes along when a colleague moves the letter. The topmost Received header is
//! our own mail server's, put there when the letter came in. Whoever can write into the folder can write the first two, and a sender
//! the last where no server of ours writes one; a copy from a backup may lose one of them.
//!
//! What was decided, for the person first: **the earlier of name and time of change counts**, because a letter that was moved, or
//! renamed with a later date, came no later for it, and its due day may not move away. **But not one that nothing else bears
//! out**: it would have a request overdue at once, or a letter taken for one that lay there before our first look. Borne out is
//! what lies no more than [`SERVER_DAYS`] before the topmost Received header, or, in a letter without one, no more than
//! [`UNKNOWN_DAYS`] before the other date of the file. Where the file bears nothing out, the header counts. A header alone never
//! dates a letter earlier: what is old mail to its sender, and new in this mailbox, was received when it came here.
//!
//! Who writes both dates of the file, in a letter without a Received header, is believed: that is what a restored mailbox looks like,
//! and of the two mistakes it is the one that hurries us, and keeps no person waiting. A date after now is none.

use std::fs;
use std::path::Path;
use std::time::UNIX_EPOCH;

use super::files;
use crate::domain::Timestamp;
use crate::mailbox::MailboxError;

/// A mail server gives up what it cannot deliver after five days (RFC 5321 §4.5.4.1), so that a header of ours may be so much
/// older than the file, and the file hardly older than the header.
const SERVER_DAYS: u32 = 7;

/// Without a header: the file may be believed so far back, and a third of the month is left to answer in.
const UNKNOWN_DAYS: u32 = 21;

/// The topmost header fields of a letter: the first Received is one of the first.
const TOP_BYTES_MAX: u64 = 16 << 10;

/// When a letter was received, by all that its file says.
///
/// # Errors
/// When the file system refuses to have it read.
pub(super) fn received_at(
    base: &[u8],
    path: &Path,
    file: &fs::Metadata,
    now: Timestamp,
) -> Result<Timestamp, MailboxError> {
    let top = files::read(path, TOP_BYTES_MAX)?.unwrap_or_default();
    Ok(decide(named(base), changed_at(file), header(&top), now))
}

fn decide(named: Option<Timestamp>, changed: Timestamp, header: Option<Timestamp>, now: Timestamp) -> Timestamp {
    // Clocks differ; what is later than that was not received yet.
    let has_been = |at: &Timestamp| *at <= now.plus_days(1);
    let (named, header) = (named.filter(has_been), header.filter(has_been));
    let changed = Some(changed).filter(has_been);
    let mut dates: Vec<Timestamp> = named.into_iter().chain(changed).collect();
    dates.sort_unstable();
    let latest = dates.last().copied();
    let borne_out = |date: &Timestamp| match (header, latest) {
        (Some(header), _) => date.plus_days(SERVER_DAYS) >= header,
        (None, Some(latest)) => date.plus_days(UNKNOWN_DAYS) >= latest,
        (None, None) => false,
    };
    dates.iter().copied().find(borne_out).or(header).unwrap_or(now)
}

/// The seconds that a name starts with.
fn named(base: &[u8]) -> Option<Timestamp> {
    // Eleven digits reach the year 5138; a name of more is no time.
    let digits = base.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let followed_by_dot = base.get(digits) == Some(&b'.');
    let seconds = base.get(..digits).filter(|_| followed_by_dot && (1..=11).contains(&digits))?;
    let seconds = std::str::from_utf8(seconds).ok()?.parse::<i64>().ok().filter(|seconds| *seconds > 0)?;
    Some(Timestamp::from_micros(seconds * 1_000_000))
}

fn changed_at(file: &fs::Metadata) -> Timestamp {
    let since = file.modified().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok()).unwrap_or_default();
    Timestamp::from_micros(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
}

/// The date of the topmost Received header: what stands behind its last semicolon (RFC 5322 §3.6.7).
fn header(top: &[u8]) -> Option<Timestamp> {
    let mut value: Option<Vec<u8>> = None;
    for line in top.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii_end) {
        let folded = line.first().is_some_and(|byte| matches!(byte, b' ' | b'\t'));
        match &mut value {
            Some(value) if folded => value.extend_from_slice(line),
            Some(_) => break,
            None if line.is_empty() => break,
            None => {
                value = line
                    .split_at_checked(9)
                    .filter(|(name, _)| name.eq_ignore_ascii_case(b"received:"))
                    .map(|(_, rest)| rest.to_vec())
            }
        }
    }
    let value = String::from_utf8(value?).ok()?;
    let (_, date) = value.rsplit_once(';')?;
    // A comment such as (CET) may follow.
    let date = date.split('(').next().unwrap_or_default().trim();
    jiff::fmt::rfc2822::parse(date).ok().map(|date| Timestamp::from_jiff(date.timestamp()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2026-11-28T00:00:00Z.
    const NOW: Timestamp = Timestamp::from_micros(1_795_824_000_000_000);

    fn ago(days: u64) -> Timestamp {
        NOW.minus(std::time::Duration::from_secs(days * 86_400))
    }

    #[test]
    fn the_earlier_date_counts_where_something_bears_it_out() {
        let ahead = Some(NOW.plus_days(400));
        for (name, changed, header, received, why) in [
            (Some(ago(3)), ago(3), Some(ago(3)), ago(3), "all agree"),
            (None, ago(3), None, ago(3), "by hand, without a time in its name"),
            (Some(ago(3)), ago(40), Some(ago(40)), ago(40), "moved here by a colleague: it had come before"),
            (Some(ago(0)), ago(60), Some(ago(61)), ago(60), "a name of today does not move the due day away"),
            (Some(ago(60)), ago(0), Some(ago(60)), ago(60), "copied from a backup, which lost the time of change"),
            (Some(ago(10)), ago(0), None, ago(10), "the same without a header"),
            (Some(ago(700)), ago(0), Some(ago(0)), ago(0), "a name of two years ago, which nothing bears out"),
            (Some(ago(700)), ago(0), None, ago(0), "the same without a header"),
            (Some(ago(34)), ago(0), Some(ago(0)), ago(0), "nor is it overdue at once"),
            (Some(ago(34)), ago(0), None, ago(0), "nor without a header"),
            (
                Some(ago(700)),
                ago(700),
                Some(ago(1)),
                ago(1),
                "both dates of the file were written: our server's counts",
            ),
            (Some(ago(700)), ago(700), None, ago(700), "a restored mailbox: in doubt we hurry"),
            (Some(ago(0)), ago(0), Some(ago(700)), ago(0), "old mail that came here today"),
            (Some(ago(2)), ago(2), Some(ago(6)), ago(2), "it lay in the queue of a server"),
            (ahead, ago(2), Some(ago(2)), ago(2), "years ahead"),
            (ahead, NOW.plus_days(400), Some(ago(2)), ago(2), "both years ahead"),
            (ahead, NOW.plus_days(400), ahead, NOW, "nothing is a date"),
        ] {
            assert_eq!(decide(name, changed, header, NOW), received, "{why}");
        }
    }

    #[test]
    fn the_topmost_received_is_ours() {
        let letter = "Return-Path: <>\r\nDelivered-To: x@y\r\nRECEIVED: from a (a; b)\r\n\tby mx (Postfix) id 1;\r\n\tFri, 27 Nov 2026 01:00:00 +0100 (CET)\r\n\
             Received: from b; Fri, 27 Nov 2020 00:00:00 +0000\r\n\r\nReceived: c; Thu, 26 Nov 2026 00:00:00 +0000\r\n";
        assert_eq!(header(letter.as_bytes()), Some(ago(1)));
        for none in [
            "",
            "Subject: x\r\n\r\nReceived: c; Thu, 26 Nov 2026 00:00:00 +0000\r\n",
            "Received: by x\r\n",
            "Received: by x; soon\r\n",
            "Received: \u{e4}; \r\n",
        ] {
            assert_eq!(header(none.as_bytes()), None, "{none}");
        }
    }

    #[test]
    fn a_name_tells_seconds() {
        assert_eq!(named(b"1795824000.M1R2.host"), Some(NOW));
        for none in [&b"0.x"[..], b"1795824000", b"179582400012.x", b"x1795824000.x", b""] {
            assert_eq!(named(none), None);
        }
    }
}
