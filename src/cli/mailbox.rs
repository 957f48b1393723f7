//! `expunged mailbox`: how far the mailbox was read, and what became of its letters. Does not open the mailbox.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::clock::{Clock as _, SystemClock};
use crate::config::{Config, MailboxKind};
use crate::db::deliveries::{self, Disposition};
use crate::db::jobs::{self, JobState};
use crate::db::{Tx, cursors, mailbox_leases, polls};
use crate::domain::Timestamp;
use crate::flow::{behind, kinds};
use crate::mailbox::maildir;
use crate::reply::templates::Templates;
use crate::vault::WatermarkFile;

use super::exit::{Ended, Outcome};
use super::invocation::Invocation;
use super::ledger::{DoubtLine, WHAT_TO_DO};
use super::meaning;
use crate::output::{self, Format, Tabular, counted, time};

/// What `mailbox` understands.
#[derive(Debug, clap::Subcommand)]
pub(super) enum MailboxCommand {
    /// When the mailbox was last read to its end, how far, what waits to be judged and why, and how many letters were taken as
    /// what.
    Status,
}

#[derive(Serialize)]
struct Status {
    mailbox: String,
    /// The folder of the mail server, or the path of the Maildir.
    folder: String,
    /// `None` before the first run.
    cursor: Option<CursorLine>,
    /// By when all that had come was last read to the end; `None` before the first time.
    polled_at: Option<String>,
    /// How long ago that is, in seconds; below 0 where it is ahead of this clock.
    polled_seconds_ago: Option<i64>,
    /// Since when a daemon watches it; `None` where none ever did.
    watched_since: Option<String>,
    /// Which daemon reads it now; `None` where none does.
    reader: Option<ReaderLine>,
    /// Letters that are stored and not judged yet.
    waiting: Waiting,
    /// Whether a letter that could not be read, or not be judged, holds up all erasing until a person has looked at it.
    held_up_by_unreadable: bool,
    /// Why nothing is erased or sent: our own database came back from a backup.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    doubted: Vec<DoubtLine>,
    /// Folders that were read before under another name, and are not any more.
    before: Vec<FolderLine>,
    /// UIDs by what became of them; a number that the server gave to no letter counts as vanished.
    letters: BTreeMap<Disposition, u64>,
}

/// The daemon that reads the mailbox.
#[derive(Serialize)]
struct ReaderLine {
    holder: String,
    /// When its lease runs out, which it extends as long as it lives.
    until: String,
}

#[derive(Serialize)]
struct Waiting {
    letters: u64,
    /// When the first of them reached the mailbox.
    since: Option<String>,
    /// What their judging waits for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    held_up_by: Vec<HeldUp>,
}

/// What keeps letters from being judged.
#[derive(Serialize)]
struct HeldUp {
    state: JobState,
    /// `None` where only a worker is waited for.
    reason: Option<String>,
    means: String,
    letters: u64,
}

#[derive(Serialize)]
struct FolderLine {
    mailbox: String,
    folder: String,
    uid_validity: u32,
    uid_last: u32,
}

#[derive(Serialize)]
struct CursorLine {
    uid_validity: u32,
    /// How often the folder's UIDs began anew, and the first time.
    numbering: u32,
    /// UIDs below were there before the first run, and are not looked at.
    uid_start: u32,
    uid_last: u32,
}

#[derive(Serialize)]
struct Count {
    disposition: Disposition,
    letters: u64,
}

impl Tabular for Count {
    const HEADS: &'static [&'static str] = &["taken as", "letters"];

    fn cells(&self) -> Vec<String> {
        vec![self.disposition.to_string(), self.letters.to_string()]
    }
}

/// Shows the status.
pub(super) async fn run(invocation: &Invocation, command: MailboxCommand) -> Outcome {
    let MailboxCommand::Status = command;
    let ledger = invocation.ledger().await?;
    let mut tx = ledger.db.read().await?;
    let (mailbox, folder) = (ledger.config.mailbox_name().to_owned(), folder(&ledger.config));
    let cursor = cursors::load(&mut tx, &mailbox, &folder).await?;
    let polls = polls::load(&mut tx, &mailbox).await?;
    let polled_at = polls.and_then(|polls| polls.polled_at);
    let status = Status {
        cursor: cursor.map(|cursor| CursorLine {
            uid_validity: cursor.uid_validity,
            numbering: cursor.numbering,
            uid_start: cursor.uid_start,
            uid_last: cursor.uid_last,
        }),
        polled_at: polled_at.map(time),
        polled_seconds_ago: polled_at.map(seconds_since),
        watched_since: polls.map(|polls| time(polls.watched_at)),
        reader: mailbox_leases::reader(&mut tx, &mailbox)
            .await?
            .map(|reader| ReaderLine { holder: reader.holder, until: time(reader.until) }),
        waiting: waiting(&mut tx, &mailbox).await?,
        held_up_by_unreadable: deliveries::has_unreadable(&mut tx).await?,
        doubted: {
            let file = WatermarkFile::at(ledger.config.keys.watermark_file.clone());
            behind::doubted(&ledger.db, &file).await?.iter().map(DoubtLine::from).collect()
        },
        before: before(&mut tx, &mailbox, &folder).await?,
        letters: deliveries::count_by_disposition(&mut tx).await?.into_iter().collect(),
        mailbox,
        folder,
    };
    let text = if invocation.format == Format::Table { for_people(&status) } else { String::new() };
    Ok(output::one(invocation.format, &status, &text)?)
}

/// The folder by the name that the daemon's watch gives it.
fn folder(config: &Config) -> String {
    match &config.mailbox.kind {
        MailboxKind::Imap(imap) => imap.folder.clone(),
        MailboxKind::Maildir(maildir) => maildir::folder_of(&maildir.path),
    }
}

/// What was read and not judged yet, and why.
async fn waiting(tx: &mut Tx, mailbox: &str) -> Result<Waiting, Ended> {
    let (letters, since) = deliveries::unjudged(tx, mailbox).await?;
    let templates = Templates::embedded()?;
    let held_up_by = jobs::reasons_of(tx, kinds::JUDGE).await?.into_iter().map(|(state, reason, letters)| HeldUp {
        means: reason.as_deref().map_or_else(
            || "its turn comes as soon as a worker of the daemon is free".to_owned(),
            |code| meaning::of_code(&templates, code, state),
        ),
        state,
        reason,
        letters,
    });
    Ok(Waiting { letters, since: since.map(time), held_up_by: held_up_by.collect() })
}

/// The folders that the ledger has read besides this one.
async fn before(tx: &mut Tx, mailbox: &str, folder: &str) -> Result<Vec<FolderLine>, Ended> {
    let all = cursors::all(tx).await?.into_iter();
    let others = all.filter(|(name, of, _)| (name.as_str(), of.as_str()) != (mailbox, folder));
    let lines = others.map(|(mailbox, folder, cursor)| FolderLine {
        mailbox,
        folder,
        uid_validity: cursor.uid_validity,
        uid_last: cursor.uid_last,
    });
    Ok(lines.collect())
}

fn for_people(status: &Status) -> String {
    let read = match &status.cursor {
        Some(CursorLine { uid_start, uid_last, uid_validity, .. }) if uid_last < uid_start => {
            format!("no letter yet; the first has uid {uid_start} or a later one (uidvalidity {uid_validity})")
        }
        Some(cursor) => {
            format!("uid {} to {} (uidvalidity {})", cursor.uid_start, cursor.uid_last, cursor.uid_validity)
        }
        None => "nothing yet".to_owned(),
    };
    let polled = match (&status.polled_at, status.polled_seconds_ago, &status.watched_since) {
        (Some(at), Some(seconds), _) => format!("{at} ({})", ago(seconds)),
        (_, _, Some(since)) => {
            format!("never to its end, though a daemon tries since {since}: 'expunged check --connect' says why")
        }
        _ => "never: no daemon has run on it ('expunged run')".to_owned(),
    };
    let Waiting { letters, since, held_up_by } = &status.waiting;
    let waiting = match since {
        Some(since) => format!("{} not judged yet, the first from {since}", counted(*letters, "letter", "letters")),
        None => "no letter waits to be judged".to_owned(),
    };
    let reader = match &status.reader {
        Some(ReaderLine { holder, until }) => format!("{holder} (its lease runs until {until} if it is not extended)"),
        None => "no daemon at this moment".to_owned(),
    };
    let mut head = format!(
        "mailbox  {}\nfolder   {}\nread     {read}\npolled   {polled}\nread by  {reader}\nwaiting  {waiting}\n",
        status.mailbox, status.folder
    );
    for HeldUp { letters, means, .. } in held_up_by {
        head.push_str(&format!("held up  {}: {means}\n", counted(*letters, "letter", "letters")));
    }
    if status.held_up_by_unreadable {
        head.push_str(
            "held up  all erasing: a letter could not be read or judged, and may be a stop; 'expunged requests list --state \
             needs_review' has the requests by which a person looks at it\n",
        );
    }
    for line in &status.doubted {
        head.push_str(&format!("paused   erasing and sending: {}; {WHAT_TO_DO}\n", line.text()));
    }
    for FolderLine { mailbox, folder, uid_validity, uid_last } in &status.before {
        head.push_str(&format!("before   {mailbox} {folder} up to uid {uid_last} (uidvalidity {uid_validity})\n"));
    }
    let counts: Vec<Count> = status
        .letters
        .iter()
        .map(|(disposition, letters)| Count { disposition: *disposition, letters: *letters })
        .collect();
    format!("{head}{}", output::section(&counts)).trim_end().to_owned()
}

fn seconds_since(at: Timestamp) -> i64 {
    (SystemClock.now().as_micros() - at.as_micros()) / 1_000_000
}

/// `3 h ago`; a time to come is no time ago, and one of the two clocks is wrong.
fn ago(seconds: i64) -> String {
    match u64::try_from(seconds) {
        Ok(seconds) => format!("{} ago", age(seconds)),
        Err(_) => format!("{} ahead of this clock", age(seconds.unsigned_abs())),
    }
}

/// `3 h`, in the largest unit of which there are two, so that nothing is said that is not known.
fn age(seconds: u64) -> String {
    match seconds {
        ..120 => format!("{seconds} s"),
        120..7_200 => format!("{} min", seconds / 60),
        7_200..172_800 => format!("{} h", seconds / 3_600),
        _ => format!("{} days", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_to_come_is_not_ago() {
        assert_eq!((ago(0), ago(7_200)), ("0 s ago".to_owned(), "2 h ago".to_owned()));
        assert_eq!(ago(-1_500_000), "17 days ahead of this clock");
    }
}
