//! `expunged ledger`: our own database itself. Opens no store.

use serde::Serialize;

use crate::cli::exit::Outcome;
use crate::cli::invocation::Invocation;
use crate::db::doubts::{Cause, Doubt};
use crate::flow::behind::{self, Accepted, Waiting};
use crate::output::{self, Format, Tabular, say, time};

/// What `ledger` understands.
#[derive(Debug, clap::Subcommand)]
pub(super) enum LedgerCommand {
    /// Accepts our own database as it is, after it came back from a backup: erasing and sending go on. First look what it does
    /// not know: requests that it has as open may be done or withdrawn, and their askers told; legal holds may be missing. Every
    /// request that may be erased then waits until an operator lets it go on ('requests release').
    Accept,
}

/// Why our own database is doubted.
#[derive(Serialize)]
pub(super) struct DoubtLine {
    cause: Cause,
    #[serde(skip_serializing_if = "Option::is_none")]
    store: Option<String>,
    noticed_at: String,
}

impl From<&Doubt> for DoubtLine {
    fn from(doubt: &Doubt) -> Self {
        Self { cause: doubt.cause, store: doubt.store.clone(), noticed_at: time(doubt.noticed_at) }
    }
}

impl DoubtLine {
    /// What it means, in one line.
    pub(super) fn text(&self) -> String {
        let why = match (&self.cause, &self.store) {
            (Cause::Canary, Some(store)) => {
                format!("the canary in {store} is newer than what it knows to have written")
            }
            _ => "its trail lacks what stood there when the watermark beside the key file was written".to_owned(),
        };
        format!("our own database came back from a backup, or is another one: {why} ({})", self.noticed_at)
    }
}

/// What was accepted, for a program.
#[derive(Serialize)]
struct AcceptedLines {
    doubts: Vec<DoubtLine>,
    waiting: Vec<Waiting>,
}

impl Tabular for Waiting {
    const HEADS: &'static [&'static str] = &["reference", "was", "goes on by"];

    fn cells(&self) -> Vec<String> {
        vec![self.reference.to_string(), self.was.to_string(), self.goes_on.clone()]
    }
}

/// What to do about it.
pub(super) const WHAT_TO_DO: &str = "nothing is erased, and nothing sent but alarms to the team, until an operator has looked what it \
                                     lacks (exports of the trail, Sent copies; 'expunged replay --since TIME' afterwards) and accepts \
                                     it: 'expunged ledger accept'";

/// Runs the command.
pub(super) async fn run(invocation: &Invocation, command: LedgerCommand) -> Outcome {
    let LedgerCommand::Accept = command;
    let (house, operator) = invocation.desk().await?;
    let Accepted { doubts, waiting } = behind::accept(&house, &operator).await?;
    house.db.close().await;
    let lines = AcceptedLines { doubts: doubts.iter().map(DoubtLine::from).collect(), waiting };
    if invocation.format != Format::Table {
        output::one(invocation.format, &lines, "")?;
    } else if !lines.waiting.is_empty() {
        output::rows(invocation.format, &lines.waiting)?;
    }
    if lines.doubts.is_empty() {
        say("there is nothing to accept: our own database is where it was");
        return Ok(());
    }
    lines.doubts.iter().for_each(|line| say(&line.text()));
    say("accepted as it is, and the trail says so; the daemon goes on within minutes");
    if !lines.waiting.is_empty() {
        say(&still_waiting(lines.waiting.len()));
    }
    Ok(())
}

/// What is left to do once it is accepted.
fn still_waiting(requests: usize) -> String {
    let requests = output::counted(requests as u64, "request", "requests");
    format!(
        "{requests} may have been withdrawn or done since the backup, and wait for you: look at each ('requests show REF', Sent copies, the \
         letters in the folder that heard ones are moved to), then let it go on as listed, or end it with 'requests withdraw REF'"
    )
}
