//! `expunged suppress`: whether a file that is to be imported names somebody who was erased.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use serde::Serialize;

use crate::clock::{Clock as _, SystemClock};
use crate::daemon::build;
use crate::db::suppressions;
use crate::vault::InstallationKeys;

use super::exit::{Ended, Exit, Outcome};
use super::invocation::{Invocation, Ledger};
use crate::output::{self, Tabular, say};

/// What `suppress` understands.
#[derive(Debug, clap::Subcommand)]
pub(super) enum SuppressCommand {
    /// Says which lines of a file hold an identity (an address, a number) of somebody who was erased: the whole line, a
    /// field of it between commas, semicolons, tabs or bars, or a word of a field, such as in `Name <address>`. Shows line
    /// numbers and no values; ends with 4 where there is one.
    Check {
        /// Lines of text, or CSV, in UTF-8.
        file: PathBuf,
    },
}

#[derive(Debug, Serialize)]
struct Match {
    line: u64,
}

impl Tabular for Match {
    const HEADS: &'static [&'static str] = &["line"];

    fn cells(&self) -> Vec<String> {
        vec![self.line.to_string()]
    }
}

/// Lines that are looked up in one question.
const LINES_AT_ONCE: usize = 500;

/// Checks a file.
pub(super) async fn run(invocation: &Invocation, command: SuppressCommand) -> Outcome {
    let SuppressCommand::Check { file } = command;
    let config = invocation.config_beside()?;
    let (db, kek) = build::ledger(&config, &Invocation::choices()).await?;
    let (keys, ledger) = (kek.installation_keys(), Ledger { config, db, kek });
    let open = File::open(&file).map_err(|error| Ended::unread(&file, error))?;
    let mut lines = BufReader::new(open).split(b'\n').enumerate();
    let (mut matches, mut total) = (Vec::new(), 0_u64);
    loop {
        let mut batch = Vec::new();
        for (index, line) in lines.by_ref().take(LINES_AT_ONCE) {
            let line = line.with_context(|| format!("cannot read {}", file.display()));
            let line = line.map_err(|error| Ended::new(Exit::Failed, error))?;
            let text = text(&line).ok_or_else(|| unreadable(&file, index + 1))?;
            batch.push((index as u64 + 1, macs(&keys, text)));
        }
        if batch.is_empty() {
            break;
        }
        total += batch.len() as u64;
        matches.extend(known(&ledger, &batch).await?.into_iter().map(|line| Match { line }));
    }
    output::rows(invocation.format, &matches)?;
    if matches.is_empty() {
        say(&format!("none of {total} lines names somebody who was erased"));
        return Ok(());
    }
    let words = format!("{} of {total} lines name somebody who was erased: do not import them", matches.len());
    Err(Ended::saying(Exit::Refused, words))
}

/// The text of a line, without the mark that some programs begin a file with. What is no text could name anybody.
fn text(line: &[u8]) -> Option<&str> {
    let text = std::str::from_utf8(line).ok().filter(|text| !text.contains('\0'))?;
    Some(text.strip_prefix('\u{feff}').unwrap_or(text))
}

fn unreadable(file: &Path, line: usize) -> Ended {
    let what = "is no text in UTF-8, so that nobody can say whom it names; save the file as UTF-8 and check it again";
    Ended::saying(Exit::Usage, format_args!("line {line} of {} {what}", file.display()))
}

/// What a line is looked up by: as a whole, by its fields, and by their words.
fn macs(keys: &InstallationKeys, line: &str) -> BTreeSet<String> {
    const BETWEEN_FIELDS: [char; 4] = [',', ';', '\t', '|'];
    let words =
        |c: char| c.is_whitespace() || BETWEEN_FIELDS.contains(&c) || matches!(c, '<' | '>' | '(' | ')' | '[' | ']');
    let fields = line.split(BETWEEN_FIELDS).chain(line.split(words)).chain([line]);
    let bare = fields.map(|field| field.trim().trim_matches(['"', '\'']).trim());
    let bare = bare.map(|field| field.strip_prefix("mailto:").unwrap_or(field)).filter(|field| !field.is_empty());
    bare.map(|field| keys.suppression_mac(field)).collect()
}

/// The numbers of the lines that are on the list.
async fn known(ledger: &Ledger, batch: &[(u64, BTreeSet<String>)]) -> Result<Vec<u64>, Ended> {
    let wanted: Vec<&str> = batch.iter().flat_map(|(_, macs)| macs.iter().map(String::as_str)).collect();
    let mut tx = ledger.db.read().await?;
    let found: BTreeSet<String> = suppressions::known(&mut tx, &wanted, SystemClock.now()).await?.into_iter().collect();
    let hit = batch.iter().filter(|(_, macs)| macs.iter().any(|mac| found.contains(mac)));
    Ok(hit.map(|(line, _)| *line).collect())
}
