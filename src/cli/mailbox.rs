//! `expunged mailbox`: how far the mailbox was read, and what became of its letters. Does not open the mailbox.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::config::{Config, MailboxKind};
use crate::db::deliveries::{self, Disposition};
use crate::db::{cursors, polls};

use super::exit::Outcome;
use super::invocation::Invocation;
use crate::output::{self, Format, Tabular, time};

/// What `mailbox` understands.
#[derive(Debug, clap::Subcommand)]
pub(super) enum MailboxCommand {
    /// How far the mailbox was read, and how many letters were taken as what.
    Status,
}

#[derive(Serialize)]
struct Status {
    mailbox: String,
    /// The folder of the mail server, or the path of the Maildir.
    folder: String,
    /// `None` before the first run.
    cursor: Option<CursorLine>,
    polled_at: Option<String>,
    /// UIDs by what became of them; a number that the server gave to no letter counts as vanished.
    letters: BTreeMap<Disposition, u64>,
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
    let status = Status {
        cursor: cursor.map(|cursor| CursorLine {
            uid_validity: cursor.uid_validity,
            numbering: cursor.numbering,
            uid_start: cursor.uid_start,
            uid_last: cursor.uid_last,
        }),
        polled_at: polls::load(&mut tx, &mailbox).await?.and_then(|polls| polls.polled_at).map(time),
        letters: deliveries::count_by_disposition(&mut tx).await?.into_iter().collect(),
        mailbox,
        folder: match &ledger.config.mailbox.kind {
            MailboxKind::Imap(_) => folder,
            MailboxKind::Maildir(maildir) => maildir.path.display().to_string(),
        },
    };
    let text = if invocation.format == Format::Table { for_people(&status) } else { String::new() };
    Ok(output::one(invocation.format, &status, &text)?)
}

/// The folder by the name that the daemon's watch gives it.
fn folder(config: &Config) -> String {
    match &config.mailbox.kind {
        MailboxKind::Imap(imap) => imap.folder.clone(),
        MailboxKind::Maildir(_) => String::new(),
    }
}

fn for_people(status: &Status) -> String {
    let read = match &status.cursor {
        Some(cursor) => {
            format!("uid {} to {} (uidvalidity {})", cursor.uid_start, cursor.uid_last, cursor.uid_validity)
        }
        None => "nothing yet".to_owned(),
    };
    let polled = status.polled_at.as_deref().unwrap_or("never");
    let counts: Vec<Count> = status
        .letters
        .iter()
        .map(|(disposition, letters)| Count { disposition: *disposition, letters: *letters })
        .collect();
    let head = format!("mailbox  {}\nfolder   {}\nread     {read}\npolled   {polled}\n", status.mailbox, status.folder);
    format!("{head}{}", output::section(&counts)).trim_end().to_owned()
}
