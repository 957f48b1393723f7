//! `expunged jobs`: the work that waits, is done now, or failed for good.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::db::jobs::{self, JobRow, JobState};
use crate::db::{Tx, requests};
use crate::domain::{JobId, Reference, RequestId};
use crate::flow::retry::{self, Retried};
use crate::flow::stopped::{self, Cause};
use crate::flow::{FlowError, kinds};

use super::exit::{Ended, Exit, Outcome};
use super::holds::{self, HoldLine};
use super::invocation::{self, Invocation};
use super::{meaning, words};
use crate::output::{self, Format, Tabular, say, time};
use crate::reply::templates::Templates;
use crate::vault::KeyEncryptionKey;

/// What `jobs` understands.
#[derive(Debug, clap::Subcommand)]
pub(super) enum JobsCommand {
    /// Jobs: what failed for good, what is being done, what is due next. Default: those that are not finished.
    List {
        /// Only jobs in this state; once or several times.
        #[arg(long, value_parser = words::job_state())]
        state: Vec<JobState>,
        /// Only jobs of this request.
        #[arg(long, value_name = "REF")]
        request: Option<Reference>,
        /// At most so many [default: 100 in a table, all as JSON].
        #[arg(long, value_name = "COUNT", value_parser = words::limit(), allow_negative_numbers = true)]
        limit: Option<u32>,
    },
    /// Has a job that failed for good tried again, with all its attempts; one that waits for a store or a mail server is due
    /// now. What keeps to a limit goes on by itself. The trail records who did.
    Retry {
        /// The job's id, as `jobs list` shows it.
        #[arg(value_parser = id)]
        id: JobId,
    },
}

fn id(text: &str) -> Result<JobId, String> {
    text.parse().map_err(|_| "this is no id of a job; 'expunged jobs list' shows them".to_owned())
}

/// A job as people look at it.
#[derive(Debug, Serialize)]
pub(super) struct JobLine {
    pub(super) id: JobId,
    pub(super) kind: String,
    pub(super) state: JobState,
    request: Option<Reference>,
    /// The reason in a sentence: since when, and what helps.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) means: Option<String>,
    attempts: u32,
    attempts_max: u32,
    run_at: String,
    pub(super) reason: Option<String>,
    /// The store and the table in which it failed or that it waits for.
    #[serde(skip_serializing_if = "Option::is_none")]
    at: Option<String>,
    /// Since when that is the reason.
    #[serde(skip_serializing_if = "Option::is_none")]
    since: Option<String>,
    holder: Option<String>,
    finished_at: Option<String>,
}

impl Tabular for JobLine {
    const HEADS: &'static [&'static str] = &["id", "kind", "state", "request", "attempts", "not before", "reason"];

    fn cells(&self) -> Vec<String> {
        let attempts = match self.attempts_max {
            0 => self.attempts.to_string(),
            most => format!("{}/{most}", self.attempts),
        };
        vec![
            self.id.to_string(),
            self.kind.clone(),
            self.state.to_string(),
            self.request.as_ref().map(Reference::to_string).unwrap_or_default(),
            attempts,
            self.run_at.clone(),
            match (&self.reason, &self.at) {
                (Some(reason), Some(at)) => format!("{reason} at {at}"),
                (reason, _) => reason.clone().unwrap_or_default(),
            },
        ]
    }
}

/// Lists or retries.
pub(super) async fn run(invocation: &Invocation, command: JobsCommand) -> Outcome {
    match command {
        JobsCommand::List { state, request, limit } => list(invocation, &state, request, limit).await,
        JobsCommand::Retry { id } => retry(invocation, id).await,
    }
}

async fn list(invocation: &Invocation, states: &[JobState], of: Option<Reference>, limit: Option<u32>) -> Outcome {
    let ledger = invocation.ledger().await?;
    let mut tx = ledger.db.read().await?;
    let of = match of {
        Some(reference) => Some(invocation::request(&mut tx, &reference).await?.request.id),
        None => None,
    };
    let states = if states.is_empty() { &[JobState::Waiting, JobState::Running, JobState::Dead] } else { states };
    let limit = output::limit(invocation.format, limit);
    let found = jobs::list(&mut tx, states, of, limit).await?;
    let cut = found.len() as u64 >= u64::from(limit);
    let total = if cut { jobs::count(&mut tx, states, of).await? } else { 0 };
    let references = references(&mut tx, &found).await?;
    let templates = Templates::embedded()?;
    let mut lines = Vec::with_capacity(found.len());
    for row in found {
        let holds = holds_of(&ledger.kek, &mut tx, &row).await?;
        let cause = cause_of(&ledger.kek, &mut tx, &row).await?;
        let mut line = line(row, &references, &templates, &holds);
        line.place(cause.as_ref());
        lines.push(line);
    }
    output::rows(invocation.format, &lines)?;
    output::say_cut(lines.len(), total);
    if invocation.format == Format::Table {
        explain(&lines);
    }
    Ok(())
}

impl JobLine {
    /// Whether it goes on with the steps of an erasure.
    pub(super) fn is_of_erasing(&self) -> bool {
        self.kind == kinds::ERASE
    }

    /// Whether it waits, or failed, for this cause. One that failed for good is told of by what a person must look at.
    pub(super) fn is_about(&self, cause: &Cause) -> bool {
        self.state == JobState::Dead || self.reason.as_deref() == Some(cause.reason.as_str())
    }

    /// Says where it failed, if that is the cause which stands in the way of its request.
    pub(super) fn place(&mut self, cause: Option<&Cause>) {
        let erases = matches!(self.kind.as_str(), kinds::BEGIN | kinds::ERASE);
        let cause = cause.filter(|cause| erases && self.reason.is_some() && self.is_about(cause));
        self.at = cause.and_then(Cause::place);
    }

    /// Whether it waits for a legal hold to be lifted.
    pub(super) fn waits_for_hold(&self) -> bool {
        self.state != JobState::Running && self.reason.as_deref() == Some(FlowError::HELD)
    }
}

/// What each reason in a table means, once: for the first job that shows it. Of legal holds each is told.
fn explain(lines: &[JobLine]) {
    let mut said = BTreeSet::new();
    for line in lines {
        let JobLine { kind, state, reason, means, .. } = line;
        let hold = means.as_deref().filter(|_| line.waits_for_hold());
        if let (Some(reason), Some(means)) = (reason, means)
            && said.insert((reason, state.as_str(), hold))
        {
            say(&format!("{reason} ({kind}, {state}): {means}"));
        }
    }
}

/// What people call the requests of these jobs.
async fn references(tx: &mut Tx, found: &[JobRow]) -> Result<BTreeMap<RequestId, Reference>, Ended> {
    let mut references = BTreeMap::new();
    for id in found.iter().filter_map(|row| row.request) {
        if !references.contains_key(&id)
            && let Some(stored) = requests::load(tx, id).await?
        {
            references.insert(id, stored.request.reference);
        }
    }
    Ok(references)
}

/// The legal holds that a job waits for, where it waits for some.
async fn holds_of(kek: &KeyEncryptionKey, tx: &mut Tx, row: &JobRow) -> Result<Vec<HoldLine>, Ended> {
    let Some(id) = row.request.filter(|_| row.reason.as_deref() == Some(FlowError::HELD)) else {
        return Ok(Vec::new());
    };
    match requests::load(tx, id).await? {
        Some(stored) => holds::waited_for(kek, tx, &stored.request).await,
        None => Ok(Vec::new()),
    }
}

/// What stands in the way of a job that erases, where something does.
async fn cause_of(kek: &KeyEncryptionKey, tx: &mut Tx, row: &JobRow) -> Result<Option<Cause>, Ended> {
    let erases = matches!(row.kind.as_str(), kinds::BEGIN | kinds::ERASE) && row.reason.is_some();
    let Some(id) = row.request.filter(|_| erases) else { return Ok(None) };
    match requests::load(tx, id).await? {
        Some(stored) => Ok(stopped::cause(kek, tx, &stored.request).await?),
        None => Ok(None),
    }
}

pub(super) fn line(
    row: JobRow,
    references: &BTreeMap<RequestId, Reference>,
    templates: &Templates,
    holds: &[HoldLine],
) -> JobLine {
    // What it waited for before is no reason any more once somebody works on it.
    let row = if row.state == JobState::Running { JobRow { reason: None, since: None, ..row } } else { row };
    JobLine {
        means: meaning::of_job(templates, &row, holds),
        since: row.since.filter(|_| row.reason.is_some()).map(time),
        id: row.id,
        kind: row.kind,
        state: row.state,
        request: row.request.and_then(|id| references.get(&id).cloned()),
        attempts: row.attempts,
        attempts_max: row.attempts_max,
        run_at: time(row.run_at),
        reason: row.reason,
        at: None,
        holder: row.holder,
        finished_at: row.finished_at.map(time),
    }
}

async fn retry(invocation: &Invocation, id: JobId) -> Outcome {
    let (house, operator) = invocation.desk().await?;
    match retry::job(&house, id, &operator).await? {
        Retried::Again => {
            say(&format!("job {id} is tried again"));
            Ok(())
        }
        Retried::Sooner => {
            say(&format!("job {id} is due now; where a limit under [limits] still keeps its letter, it waits on"));
            Ok(())
        }
        Retried::NotIdle => {
            let words = format!(
                "no job {id} has failed for good or waits: there is none, or it is done or being worked on; 'expunged jobs list' \
                 shows what can be tried again"
            );
            Err(Ended::saying(Exit::NotFound, words))
        }
        Retried::Instead(why) => Err(Ended::saying(Exit::Refused, format_args!("job {id} is not tried again: {why}"))),
    }
}
