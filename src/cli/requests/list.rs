//! `expunged requests list`, and the row that a request is in lists.

use std::collections::BTreeMap;

use jiff::civil::Date;
use serde::Serialize;

use crate::cli::exit::Outcome;
use crate::cli::invocation::Invocation;
use crate::cli::words;
use crate::config::Config;
use crate::db::requests::{self, Stored};
use crate::db::{DbError, Tx, deliveries, jobs, terminations};
use crate::domain::request::{Hold, Origin, ReviewReason, Wake};
use crate::domain::{Calendar, Language, Reference, RequestId, Role, Scope, State, Timestamp};
use crate::output::{self, Tabular, time};

/// What `list` understands.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct ListArgs {
    /// Only requests in this state; once or several times.
    #[arg(long, value_parser = words::state())]
    state: Vec<State>,
    /// Also those that have ended.
    #[arg(long)]
    all: bool,
    /// At most so many [default: 100 in a table, all as JSON].
    #[arg(long, value_name = "COUNT", value_parser = words::limit(), allow_negative_numbers = true)]
    limit: Option<u32>,
}

/// The facts of a request. None of them is personal.
#[derive(Debug, Serialize)]
pub(super) struct RequestRow {
    reference: Reference,
    state: State,
    #[serde(skip_serializing_if = "Option::is_none")]
    held_from: Option<State>,
    #[serde(skip_serializing_if = "Option::is_none")]
    held_by: Option<Hold>,
    review_reason: Option<ReviewReason>,
    /// The kind of a job of it that failed for good, which `jobs list` has.
    #[serde(skip_serializing_if = "Option::is_none")]
    failed_job: Option<String>,
    origin: Origin,
    /// When the service ended that opened it.
    #[serde(skip_serializing_if = "Option::is_none")]
    service_ended_at: Option<String>,
    role: Option<Role>,
    scope: Option<Scope>,
    offered: Vec<Scope>,
    approval: bool,
    language: Language,
    received_at: String,
    acknowledge_due: Option<String>,
    base_due: String,
    legal_due: String,
    extended: bool,
    erase_at: Option<String>,
    /// The day on which somebody of the team is reminded to look at a refusal again, as its letter promised.
    look_again_on: Option<String>,
    /// The size of a letter that was too large to be read, and the size up to which letters are.
    #[serde(skip_serializing_if = "Option::is_none")]
    letter_bytes: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    letter_bytes_max: Option<u64>,
    updated_at: String,
    ended_at: Option<String>,
}

/// What stands beside the requests of a list, read for all of them at once.
struct Beside {
    /// What failed for good.
    dead: BTreeMap<RequestId, String>,
    /// The days on which refusals are looked at again.
    promised: BTreeMap<RequestId, Date>,
    /// The sizes of letters that were too large to be read.
    large: BTreeMap<RequestId, u64>,
    /// The size up to which letters are read.
    bytes_max: u64,
    /// The days on which the services ended of accounts that nobody asked for.
    ends: BTreeMap<RequestId, Timestamp>,
}

impl Beside {
    async fn read(tx: &mut Tx, config: &Config, found: &[Stored]) -> Result<Self, DbError> {
        let large = found.iter().filter(|stored| stored.request.review == Some(ReviewReason::TooLarge));
        let large: Vec<RequestId> = large.map(|stored| stored.request.id).collect();
        let all: Vec<RequestId> = found.iter().map(|stored| stored.request.id).collect();
        Ok(Self {
            dead: jobs::dead_of(tx, &all).await?,
            promised: promised(tx, &config.calendar, found).await?,
            large: deliveries::sizes_of_large(tx, &large).await?,
            bytes_max: config.limits.body_bytes_max,
            ends: ends(tx, found).await?,
        })
    }
}

impl RequestRow {
    /// The row of one request.
    pub(super) async fn read(tx: &mut Tx, config: &Config, stored: &Stored) -> Result<Self, DbError> {
        let beside = Beside::read(tx, config, std::slice::from_ref(stored)).await?;
        Ok(Self::of(stored, &beside))
    }

    fn of(stored: &Stored, beside: &Beside) -> Self {
        let request = &stored.request;
        let ask = request.ask.as_ref();
        let deadlines = &request.deadlines;
        Self {
            reference: request.reference.clone(),
            state: request.state,
            held_from: request.held.map(|(state, _)| state),
            held_by: request.held.map(|(_, by)| by),
            review_reason: request.review,
            failed_job: beside.dead.get(&request.id).cloned(),
            origin: request.origin,
            service_ended_at: beside.ends.get(&request.id).copied().map(time),
            role: ask.map(|ask| ask.role),
            scope: ask.and_then(|ask| ask.scope),
            offered: ask.map(|ask| ask.offered.clone()).unwrap_or_default(),
            approval: ask.is_some_and(|ask| ask.approval),
            language: request.language,
            received_at: time(deadlines.received_at),
            acknowledge_due: deadlines.acknowledge_due.map(|day| day.to_string()),
            base_due: deadlines.base_due.to_string(),
            legal_due: deadlines.legal_due.to_string(),
            extended: deadlines.extended,
            erase_at: request.erase_at.map(time),
            look_again_on: beside.promised.get(&request.id).map(ToString::to_string),
            letter_bytes: beside.large.get(&request.id).copied(),
            letter_bytes_max: beside.large.contains_key(&request.id).then_some(beside.bytes_max),
            updated_at: time(stored.updated_at),
            ended_at: stored.ended_at.map(time),
        }
    }
}

impl RequestRow {
    /// Whether a person must look.
    pub(super) fn is_in_review(&self) -> bool {
        self.state == State::NeedsReview
    }

    /// What is asked for: the confirmed scope, or what the challenge offers.
    fn scopes(&self) -> String {
        match self.scope {
            Some(scope) => scope.to_string(),
            None if self.offered.is_empty() => "-".to_owned(),
            None => format!("{}?", self.offered.iter().map(Scope::to_string).collect::<Vec<_>>().join("|")),
        }
    }

    /// The same where there is room to say what a `?` stands for in a list.
    fn scope_in_words(&self) -> String {
        let scopes = self.scopes();
        match scopes.strip_suffix('?') {
            Some(offered) => format!("{offered} (offered in our letter, and not confirmed yet)"),
            None => scopes,
        }
    }

    /// Why a person must look, that work on it failed for good, or on which day they look again at what was refused.
    fn review(&self) -> String {
        let again = self.look_again_on.as_ref().map(|day| format!("again on {day}"));
        let reason = self.review_reason.map(|reason| match self.letter_bytes.zip(self.letter_bytes_max) {
            Some((bytes, bytes_max)) => format!("{reason} ({bytes} bytes of at most {bytes_max})"),
            None => reason.to_string(),
        });
        again.or(reason).or_else(|| self.failed()).unwrap_or_default()
    }

    /// What failed for good while no person is waited for.
    fn failed(&self) -> Option<String> {
        self.failed_job.as_ref().map(|kind| format!("its job {kind} failed for good"))
    }

    /// What opened it, where that was no letter.
    fn origin(&self) -> String {
        let day = self.service_ended_at.as_ref().and_then(|at| at.get(..10));
        match (self.origin, day) {
            (Origin::Letter, _) => String::new(),
            (origin, Some(day)) => format!("{origin} {day}"),
            (origin, None) => origin.to_string(),
        }
    }

    /// Every fact with its name, for a table of one request.
    pub(super) fn facts(&self) -> Vec<(&'static str, String)> {
        let word = |word: Option<String>| word.unwrap_or_else(|| "-".to_owned());
        let mut facts = vec![
            ("reference", self.reference.to_string()),
            ("state", self.state.to_string()),
            ("review", word(self.review_reason.map(|reason| reason.to_string()).or_else(|| self.failed()))),
            ("asked by", word(self.role.map(|role| role.to_string()))),
            ("scope", self.scope_in_words()),
            ("owner approves", if self.approval { "yes" } else { "no" }.to_owned()),
            ("language", self.language.to_string()),
            ("origin", self.origin.to_string()),
            ("received", self.received_at.clone()),
            ("acknowledge until", word(self.acknowledge_due.clone())),
            ("due", self.base_due.clone()),
            ("due by law", format!("{}{}", self.legal_due, if self.extended { " (extended)" } else { "" })),
            ("planned for", word(self.erase_at.clone())),
            ("ended", word(self.ended_at.clone())),
        ];
        if let Some(ended) = &self.service_ended_at {
            let at = facts.iter().position(|(name, _)| *name == "origin").map_or(facts.len(), |at| at + 1);
            facts.insert(at, ("service ended", ended.clone()));
        }
        facts.extend(self.look_again_on.clone().map(|day| ("looked at again on", day)));
        if let (Some(from), Some(by)) = (self.held_from, self.held_by) {
            facts.insert(2, ("held", format!("from {from} by {by}")));
        }
        facts
    }
}

impl Tabular for RequestRow {
    const HEADS: &'static [&'static str] =
        &["reference", "state", "review", "origin", "role", "scope", "received", "due", "due by law"];

    fn cells(&self) -> Vec<String> {
        vec![
            self.reference.to_string(),
            self.state.to_string(),
            self.review(),
            self.origin(),
            self.role.map(|role| role.to_string()).unwrap_or_default(),
            self.scopes(),
            self.received_at.get(..10).unwrap_or_default().to_owned(),
            self.base_due.clone(),
            self.legal_due.clone(),
        ]
    }
}

/// Lists.
pub(super) async fn run(invocation: &Invocation, args: &ListArgs) -> Outcome {
    let ledger = invocation.ledger().await?;
    let mut tx = ledger.db.read().await?;
    let limit = output::limit(invocation.format, args.limit);
    let found = requests::list(&mut tx, &args.state, args.all, limit).await?;
    let cut = found.len() as u64 >= u64::from(limit);
    let total = if cut { requests::count(&mut tx, &args.state, args.all).await? } else { 0 };
    let beside = Beside::read(&mut tx, &ledger.config, &found).await?;
    let rows: Vec<RequestRow> = found.iter().map(|stored| RequestRow::of(stored, &beside)).collect();
    output::rows(invocation.format, &rows)?;
    output::say_cut(rows.len(), total);
    if args.state.is_empty() && !args.all {
        say_unfound(requests::count(&mut tx, &[State::NotFound], false).await?);
    }
    Ok(())
}

/// An alarm told of each of them, and none of them is open: who looks for one finds it.
fn say_unfound(count: u64) {
    if count > 0 {
        let ended = output::counted(count, "request has", "requests have");
        output::say(&format!(
            "{ended} ended because no account has the address (not_found), of which an alarm told: 'expunged requests list --state \
             not_found' shows them, and 'expunged requests show REF' says what can be done"
        ));
    }
}

/// When the services ended that opened requests.
async fn ends(tx: &mut Tx, found: &[Stored]) -> Result<BTreeMap<RequestId, Timestamp>, DbError> {
    let opened = found.iter().filter(|stored| stored.request.origin == Origin::Termination);
    let opened: Vec<RequestId> = opened.map(|stored| stored.request.id).collect();
    if opened.is_empty() {
        return Ok(BTreeMap::new());
    }
    Ok(terminations::ends(tx, &opened).await?.into_iter().collect())
}

/// The days on which refusals are looked at again.
async fn promised(tx: &mut Tx, calendar: &Calendar, found: &[Stored]) -> Result<BTreeMap<RequestId, Date>, DbError> {
    let refused = found.iter().filter(|stored| stored.request.state == State::Refused);
    let refused: Vec<RequestId> = refused.map(|stored| stored.request.id).collect();
    if refused.is_empty() {
        return Ok(BTreeMap::new());
    }
    let waking = jobs::waking(tx, &refused, Wake::ReviewDue).await?;
    Ok(waking.into_iter().map(|(id, at)| (id, calendar.day(at))).collect())
}
