//! `expunged requests show`: all that our own database knows of one request, without its personal data.

use std::collections::BTreeMap;

use serde::Serialize;

use super::list::RequestRow;
use crate::authenticate::Unproven;
use crate::cli::exit::{Ended, Outcome};
use crate::cli::holds::{self, HoldLine};
use crate::cli::invocation::{self, Invocation, Ledger};
use crate::cli::jobs::{JobLine, line};
use crate::cli::meaning;
use crate::clock::{Clock as _, SystemClock};
use crate::config::Config;
use crate::daemon::build;
use crate::db::deliveries::{self, Delivery, Disposition};
use crate::db::erasures::{self, SoFar, StepRow};
use crate::db::jobs::{self, JobState};
use crate::db::letters::{self, LetterRow, LetterState};
use crate::db::recipients::{self, Need, Recipient, RecipientState};
use crate::db::requests::Stored;
use crate::db::{Tx, evidence, shared_letters};
use crate::domain::request::Audience;
use crate::domain::{LetterKind, Reference, State};
use crate::flow::FlowError;
use crate::flow::again;
use crate::flow::gone;
use crate::flow::named::{self, NamedData};
use crate::flow::operate::ExtensionGround;
use crate::flow::our_mx;
use crate::flow::paused::{self, PausedBy};
use crate::flow::reveal::{self, Revealed};
use crate::flow::stopped::{self, Cause};
use crate::flow::successor;
use crate::flow::verbs::{self, Terms};
use crate::output::{self, Format, Tabular, printable, time};
use crate::reply::templates::Templates;
use crate::stores::RecipientKind;
use crate::vault::KeyEncryptionKey;

/// Jobs of one request that are shown, of each state.
const JOBS_MAX: u32 = 100;

/// What `show` understands.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct ShowArgs {
    /// Such as EXP-7K3Q-M2.
    #[arg(value_name = "REF")]
    reference: Reference,
    /// Also show addresses, account and name. The trail records who did.
    #[arg(long)]
    reveal: bool,
}

#[derive(Serialize)]
struct Shown {
    #[serde(flatten)]
    request: RequestRow,
    /// Of which data, where not of all.
    #[serde(flatten)]
    named: NamedData,
    /// Why a person must look in a sentence, with what helps.
    #[serde(skip_serializing_if = "Option::is_none")]
    review_means: Option<String>,
    /// Whether evidence waits for a second operator.
    evidence_waits: bool,
    /// The request that was opened anew from the letter of this one.
    #[serde(skip_serializing_if = "Option::is_none")]
    opened_anew_as: Option<Reference>,
    /// What stopped the work, or makes it wait, as the team was told.
    #[serde(skip_serializing_if = "Option::is_none")]
    cause: Option<Cause>,
    /// The letter that paused it, where nobody of the team did.
    #[serde(skip_serializing_if = "Option::is_none")]
    paused_by: Option<PausedLine>,
    /// What kind of reason its period was extended for.
    #[serde(skip_serializing_if = "Option::is_none")]
    extended_for: Option<ExtensionGround>,
    /// What can be done with it now, as it is typed.
    can_be_done: Vec<String>,
    /// The legal holds that it waits for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    holds: Vec<HoldLine>,
    letters: Vec<LetterLine>,
    /// What failed for good, is worked on, or waits; `jobs retry` takes the id.
    jobs: Vec<JobLine>,
    steps: Vec<StepLine>,
    /// Who else was asked to erase.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    recipients: Vec<RecipientLine>,
    deliveries: Vec<DeliveryLine>,
    /// Why the results of our own MX did not count for a letter of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    our_mx_unproven: Option<Unproven>,
    /// Other requests that its letters belong to, such as those by other addresses that they name as their writer's.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    beside: Vec<Reference>,
    #[serde(skip_serializing_if = "Option::is_none")]
    revealed: Option<Revealed>,
}

/// The letter that paused a request.
#[derive(Serialize)]
struct PausedLine {
    #[serde(flatten)]
    by: PausedBy,
    received_at: Option<String>,
}

impl PausedLine {
    fn in_words(&self) -> String {
        let PausedBy { says, possession, heard_by, see, .. } = &self.by;
        if let Some(see) = see {
            return format!("a letter that could not be read and may be about it: 'expunged requests show {see}'");
        }
        let when = self.received_at.as_ref().map_or_else(String::new, |at| format!(" of {at}"));
        let says = says.as_deref().unwrap_or("nothing known");
        let whose = match (possession.as_deref(), heard_by) {
            (None | Some("none"), Some(heard_by)) => {
                let requests = output::counted(*heard_by, "open request", "open requests");
                format!("without one of our letters, heard by all that its sender has ({requests})")
            }
            (None | Some("none"), None) => "without one of our letters".to_owned(),
            (Some(possession), _) => format!("in answer to a letter of this request ({possession})"),
        };
        format!("a letter{when} that says {says}, {whose}")
    }
}

#[derive(Serialize)]
struct LetterLine {
    kind: LetterKind,
    audience: Audience,
    state: LetterState,
    sends: u32,
    /// What stands in its way.
    obstacle: Option<String>,
    created_at: String,
}

#[derive(Serialize)]
struct RecipientLine {
    recipient: String,
    kind: RecipientKind,
    state: RecipientState,
    /// Why a person must look.
    need: Option<Need>,
    attempts: u32,
    asked_at: Option<String>,
    reminded_at: Option<String>,
    /// When their silence goes to the team.
    due_at: String,
    settled_at: Option<String>,
}

impl Tabular for RecipientLine {
    const HEADS: &'static [&'static str] =
        &["recipient", "kind", "state", "need", "asked", "reminded", "silent from", "settled"];

    fn cells(&self) -> Vec<String> {
        vec![
            self.recipient.clone(),
            self.kind.to_string(),
            self.state.to_string(),
            self.need.map(|need| need.to_string()).unwrap_or_default(),
            self.asked_at.clone().unwrap_or_default(),
            self.reminded_at.clone().unwrap_or_default(),
            self.due_at.clone(),
            self.settled_at.clone().unwrap_or_default(),
        ]
    }
}

#[derive(Serialize)]
struct DeliveryLine {
    disposition: Disposition,
    received_at: String,
    size_bytes: u64,
}

impl Tabular for LetterLine {
    const HEADS: &'static [&'static str] = &["letter", "to", "state", "sends", "obstacle", "written"];

    fn cells(&self) -> Vec<String> {
        vec![
            self.kind.to_string(),
            self.audience.to_string(),
            self.state.to_string(),
            self.sends.to_string(),
            self.obstacle.clone().unwrap_or_default(),
            self.created_at.clone(),
        ]
    }
}

/// A step, and how the job stands that would go on with it.
#[derive(Serialize)]
struct StepLine {
    #[serde(flatten)]
    step: StepRow,
    /// The state of the job that does it; `None` where it is read back, or no job is there.
    #[serde(skip_serializing_if = "Option::is_none")]
    job: Option<JobState>,
    /// Whether it is the one at which the job stopped.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    stopped_here: bool,
    /// Whether the job stopped at another one, so that its end says nothing of this.
    #[serde(skip)]
    stopped_elsewhere: bool,
}

impl StepLine {
    /// The steps of a request beside its jobs, what failed first.
    fn all(steps: Vec<StepRow>, jobs: &[JobLine], cause: Option<&Cause>) -> Vec<Self> {
        let job = jobs.iter().find(|job| job.is_of_erasing());
        let cause = cause.filter(|cause| job.is_some_and(|job| job.state != JobState::Running && job.is_about(cause)));
        Self::of(steps, job.map(|job| job.state), cause)
    }

    fn of(steps: Vec<StepRow>, job: Option<JobState>, cause: Option<&Cause>) -> Vec<Self> {
        let open = |step: &StepRow| step.state != "read_back";
        let at = cause.and_then(|cause| cause.store.as_deref().zip(cause.table.as_deref()));
        let here = |step: &StepRow| open(step) && at == Some((step.store.as_str(), step.table.as_str()));
        let stopped = steps.iter().position(here);
        let line = |(place, step)| Self {
            job: job.filter(|_| open(&step)),
            stopped_here: stopped == Some(place),
            stopped_elsewhere: stopped.is_some_and(|stopped| stopped != place),
            step,
        };
        steps.into_iter().enumerate().map(line).collect()
    }

    fn state(&self) -> String {
        match self.job.filter(|_| !self.stopped_elsewhere) {
            Some(JobState::Dead) if self.stopped_here => {
                format!("{}, and its job failed for good here", self.step.state)
            }
            Some(job) if self.stopped_here => format!("{}, and its job stopped here and is {job}", self.step.state),
            Some(JobState::Dead) => format!("{}, its job failed for good", self.step.state),
            Some(job) => format!("{}, its job is {job}", self.step.state),
            None => self.step.state.clone(),
        }
    }
}

impl Tabular for StepLine {
    const HEADS: &'static [&'static str] = &["pass", "step", "store", "table", "act", "state", "counts"];

    fn cells(&self) -> Vec<String> {
        vec![
            (self.step.pass + 1).to_string(),
            self.step.sequence.to_string(),
            self.step.store.clone(),
            self.step.table.clone(),
            self.step.action.clone(),
            self.state(),
            match (&self.step.counts, self.step.so_far) {
                (Some(counts), _) => counted(counts),
                (None, Some(SoFar { chunks, rows })) => format!("so far {rows} rows in {chunks} chunks"),
                (None, None) => String::new(),
            },
        ]
    }
}

/// `deleted 3, residue 0; gone: phone 1`: rows, and of how many that held something, as the letter counts them.
fn counted(counts: &serde_json::Value) -> String {
    let Some(counts) = counts.as_object() else { return counts.to_string() };
    let numbers = |of: &serde_json::Map<String, serde_json::Value>| {
        let numbers = of.iter().filter(|(_, count)| count.is_number());
        numbers.map(|(name, count)| format!("{name} {count}")).collect::<Vec<_>>().join(", ")
    };
    let mut text = numbers(counts);
    for (what, of) in counts.get("holding").and_then(serde_json::Value::as_object).into_iter().flatten() {
        text.push_str(&format!("; {what}: {}", of.as_object().map(numbers).unwrap_or_default()));
    }
    text
}

impl Tabular for DeliveryLine {
    const HEADS: &'static [&'static str] = &["arrived", "taken as", "bytes"];

    fn cells(&self) -> Vec<String> {
        vec![self.received_at.clone(), self.disposition.to_string(), self.size_bytes.to_string()]
    }
}

/// Shows one request.
pub(super) async fn run(invocation: &Invocation, args: &ShowArgs) -> Outcome {
    let shown = if args.reveal {
        let (house, operator) = invocation.desk().await?;
        let mut tx = house.db.read().await?;
        let mut shown = read(&mut tx, &house.kek, (&house.config, Terms::of(&house)), &args.reference).await?;
        drop(tx);
        shown.revealed = Some(reveal::reveal(&house, &args.reference, &operator).await?);
        shown
    } else {
        let Ledger { config, db, kek } = invocation.ledger().await?;
        let (policy, now) = (build::policy(&config), SystemClock.now());
        let terms = Terms { policy: &policy, law: &config.law.pack, calendar: &config.calendar, now };
        read(&mut db.read().await?, &kek, (&config, terms), &args.reference).await?
    };
    let text = if invocation.format == Format::Table { for_people(&shown) } else { String::new() };
    Ok(output::one(invocation.format, &shown, &text)?)
}

async fn read(
    tx: &mut Tx,
    kek: &KeyEncryptionKey,
    (config, terms): (&Config, Terms<'_>),
    reference: &Reference,
) -> Result<Shown, Ended> {
    let stored = invocation::request(tx, reference).await?;
    let (id, templates) = (stored.request.id, Templates::embedded()?);
    let review = stored.request.review.filter(|_| stored.request.state == State::NeedsReview);
    let mut holds = holds::waited_for(kek, tx, &stored.request).await?;
    let cause = stopped::cause(kek, tx, &stored.request).await?;
    let jobs = work(tx, &stored, &templates, &holds, cause.as_ref()).await?;
    if !jobs.iter().any(|job| job.waits_for_hold()) {
        holds.clear();
    }
    // What a job waited for that has gone on since is told no more, nor a hold that was lifted.
    let cause = cause.filter(|cause| {
        let is_lifted = cause.reason == FlowError::HELD && holds.is_empty();
        let is_reviewed = review.is_some_and(|review| review.as_str() == cause.reason);
        !is_lifted && (is_reviewed || jobs.iter().any(|job| job.state != JobState::Running && job.is_about(cause)))
    });
    Ok(Shown {
        steps: StepLine::all(erasures::steps(tx, id).await?, &jobs, cause.as_ref()),
        cause,
        holds,
        review_means: means(tx, &stored, &templates).await?,
        opened_anew_as: successor::of(tx, &stored.request).await?.and_then(|anew| anew.reference),
        paused_by: paused::by(tx, &stored.request)
            .await?
            .map(|by| PausedLine { received_at: by.received_at.map(time), by }),
        extended_for: stopped::extended_for(kek, tx, &stored.request).await?,
        can_be_done: {
            let anew = successor::is_open(kek, tx, &stored.request).await?;
            let stopped = again::has_stopped(tx, &stored.request).await?;
            let verbs = verbs::verbs(terms, &stored.request, anew, stopped);
            let calls = verbs.iter().map(|verb| verbs::call(verb, &stored.request));
            verbs::beside(&stored.request).into_iter().chain(calls).collect()
        },
        request: RequestRow::read(tx, config, &stored).await?,
        named: named::data(kek, tx, &stored.request).await?,
        evidence_waits: evidence::load(tx, id).await?.is_some(),
        letters: letters::of_request(tx, id).await?.iter().map(letter).collect(),
        recipients: recipients::of_request(tx, id).await?.iter().map(recipient).collect(),
        deliveries: deliveries::of_request(tx, id).await?.iter().map(delivery).collect(),
        our_mx_unproven: our_mx::passed_over(tx, stored.request.case).await?,
        beside: shared_letters::beside(tx, id).await?,
        jobs,
        revealed: None,
    })
}

/// Why a person must look, or why nobody was found, with what helps; `None` where neither is so.
async fn means(tx: &mut Tx, stored: &Stored, templates: &Templates) -> Result<Option<String>, Ended> {
    let request = &stored.request;
    if let Some(gone) = gone::by(tx, stored).await? {
        return Ok(Some(meaning::of_gone(request, &gone)));
    }
    let review = request.review.filter(|_| request.state == State::NeedsReview);
    Ok(review.map(|reason| meaning::of_review(templates, reason)))
}

/// `shop, users.email: the store: …`: where, and what was said.
fn of_cause(cause: &Cause) -> String {
    let table = cause.table.iter().chain(&cause.column).map(String::as_str).collect::<Vec<_>>().join(".");
    let place: Vec<&str> = cause.store.iter().map(String::as_str).chain([table.as_str()]).collect();
    let place: Vec<&str> = place.into_iter().filter(|part| !part.is_empty()).collect();
    match place.as_slice() {
        [] => printable(&cause.text),
        place => printable(&format!("{}: {}", place.join(", "), cause.text)),
    }
}

/// The work that is not finished, what failed first.
async fn work(
    tx: &mut Tx,
    stored: &Stored,
    templates: &Templates,
    holds: &[HoldLine],
    cause: Option<&Cause>,
) -> Result<Vec<JobLine>, Ended> {
    let request = &stored.request;
    let named = BTreeMap::from([(request.id, request.reference.clone())]);
    let mut found = Vec::new();
    for state in [JobState::Dead, JobState::Running, JobState::Waiting] {
        found.extend(jobs::list(tx, &[state], Some(request.id), JOBS_MAX).await?);
    }
    let lines = found.into_iter().map(|row| {
        let mut line = line(row, &named, templates, holds);
        line.place(cause);
        line
    });
    Ok(lines.collect())
}

fn letter(row: &LetterRow) -> LetterLine {
    LetterLine {
        kind: row.kind,
        audience: row.audience,
        state: row.state,
        sends: row.sends,
        obstacle: row.obstacle.clone().filter(|_| row.state != LetterState::Sent),
        created_at: time(row.created_at),
    }
}

fn recipient(row: &Recipient) -> RecipientLine {
    RecipientLine {
        recipient: row.store.clone(),
        kind: row.kind,
        state: row.state,
        need: row.need,
        attempts: row.attempts,
        asked_at: row.asked_at.map(time),
        reminded_at: row.reminded_at.map(time),
        due_at: time(row.due_at),
        settled_at: row.settled_at.map(time),
    }
}

fn delivery(row: &Delivery) -> DeliveryLine {
    DeliveryLine { disposition: row.disposition, received_at: time(row.received_at), size_bytes: row.size_bytes }
}

fn for_people(shown: &Shown) -> String {
    let mut facts = shown.request.facts();
    if let Some(means) = &shown.review_means {
        let about = if shown.request.is_in_review() { "review" } else { "state" };
        let at = facts.iter().position(|(name, _)| *name == about).map_or(facts.len(), |at| at + 1);
        facts.insert(at, ("that is", means.clone()));
    }
    if let Some(paused) = &shown.paused_by {
        let at = facts.iter().position(|(name, _)| *name == "held").map_or(facts.len(), |at| at + 1);
        facts.insert(at, ("paused by", paused.in_words()));
    }
    if let Some(cause) = &shown.cause {
        let words = ["that is", "review", "state"];
        let at = words.iter().find_map(|word| facts.iter().position(|(name, _)| name == word));
        let at = at.map_or(facts.len(), |at| at + 1);
        facts.insert(at, ("cause", of_cause(cause)));
        facts.splice(at + 1..at + 1, shown.holds.iter().map(|hold| ("waits for", hold.in_words())));
    }
    if !shown.named.categories.is_empty() {
        let by = match &shown.named {
            named if named.categories_set => "set by the team",
            named if named.categories_general => "the letter names none; what the data maps understand by that",
            _ => "as the letter says",
        };
        let at = facts.iter().position(|(name, _)| *name == "scope").map_or(facts.len(), |at| at + 1);
        facts.insert(at, ("data", format!("{} ({by})", shown.named.categories.join(", "))));
    }
    if let Some(why) = shown.our_mx_unproven {
        facts.push(("results of our MX", why.says().to_owned()));
    }
    if !shown.beside.is_empty() {
        let beside: Vec<String> = shown.beside.iter().map(ToString::to_string).collect();
        facts.push(("of the same letter", beside.join(", ")));
    }
    if let Some(anew) = &shown.opened_anew_as {
        facts.push(("opened anew as", anew.to_string()));
    }
    if shown.evidence_waits {
        facts.push(("evidence", "recorded; a second operator must approve it".to_owned()));
    }
    if let Some(ground) = shown.extended_for {
        facts.push(("extended for", ground.to_string()));
    }
    if let Some(revealed) = &shown.revealed {
        let word =
            |word: &Option<String>| word.as_deref().map_or_else(|| "- (not known, or forgotten)".to_owned(), printable);
        facts.push(("letter's sender", word(&revealed.sender)));
        facts.push(("asker", word(&revealed.asker)));
        facts.push(("asker's name", word(&revealed.asker_label)));
        facts.push(("account", word(&revealed.account)));
        facts.push(("owner", word(&revealed.owner)));
        facts.extend(said_by_operators(revealed));
    }
    let width = facts.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
    let mut text: String = facts.iter().map(|(name, fact)| format!("{name:width$}  {fact}\n")).collect();
    for part in [
        output::section(&shown.letters),
        output::section(&shown.jobs),
        in_words(&shown.jobs),
        output::section(&shown.steps),
        output::section(&shown.recipients),
        output::section(&shown.deliveries),
    ] {
        text.push_str(&part);
    }
    text.push_str("\nwhat can be done with it now:\n");
    text.extend(shown.can_be_done.iter().map(|call| format!("  {call}\n")));
    for letter in shown.revealed.iter().flat_map(|revealed| &revealed.letters) {
        text.push_str(&format!("\n--- a letter\n{}\n", printable_lines(letter)));
    }
    text.trim_end().to_owned()
}

/// Why jobs wait or failed, a sentence each.
fn in_words(jobs: &[JobLine]) -> String {
    let said = jobs.iter().filter_map(|job| {
        let means = job.means.as_ref()?;
        Some(format!("{} ({}): {means}\n", job.kind, job.state))
    });
    said.collect()
}

/// What operators said of the request: why it is refused, why it takes longer.
fn said_by_operators(revealed: &Revealed) -> Vec<(&'static str, String)> {
    let mut facts = Vec::new();
    if let Some(refusal) = &revealed.refusal {
        facts.push(("refused because", printable(&refusal.ground)));
        facts.push(("refused by", printable(&refusal.article)));
        let data = if refusal.data.is_empty() { "all that was asked for".to_owned() } else { refusal.data.join(", ") };
        facts.push(("data that stay", printable(&data)));
        facts.extend(refusal.review_on.map(|day| ("promised for", day.to_string())));
    }
    facts.extend(revealed.extension_reason.as_deref().map(|reason| ("extended because", printable(reason))));
    facts
}

/// A text of several lines, each without what a terminal would obey.
fn printable_lines(text: &str) -> String {
    text.lines().map(printable).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of_table(table: &str, state: &str) -> StepRow {
        let (store, table, action) = ("shop".to_owned(), table.to_owned(), "delete".to_owned());
        StepRow { pass: 0, sequence: 1, store, table, action, state: state.to_owned(), counts: None, so_far: None }
    }

    #[test]
    fn a_step_says_how_the_job_stands_that_would_go_on_with_it() {
        let step = |state| of_table("users", state);
        let alone = |step, job| StepLine::of(vec![step], job, None).remove(0);
        let begun = StepRow { so_far: Some(SoFar { chunks: 40, rows: 20_000 }), ..step("intended") };
        assert_eq!(alone(begun, None).cells()[6], "so far 20000 rows in 40 chunks");
        let shown = |job| alone(step("intended"), job).cells()[5].clone();
        assert_eq!(shown(Some(JobState::Dead)), "intended, its job failed for good");
        assert_eq!(shown(Some(JobState::Waiting)), "intended, its job is waiting");
        assert_eq!(shown(None), "intended");
        let all = StepLine::of(vec![step("read_back"), step("intended")], Some(JobState::Dead), None);
        assert_eq!(all.iter().map(|line| line.job).collect::<Vec<_>>(), [None, Some(JobState::Dead)]);
    }

    #[test]
    fn a_job_that_stopped_at_one_step_is_told_of_that_one() {
        let cause = Cause {
            reason: "erase".to_owned(),
            store: Some("shop".to_owned()),
            table: Some("orders".to_owned()),
            column: None,
            text: "the erasing".to_owned(),
        };
        let steps = [("orders", "read_back"), ("orders", "intended"), ("users", "intended")];
        let steps: Vec<_> = steps.map(|(table, state)| of_table(table, state)).into();
        let all = StepLine::of(steps.clone(), Some(JobState::Dead), Some(&cause));
        let states: Vec<_> = all.iter().map(StepLine::state).collect();
        assert_eq!(states, ["read_back", "intended, and its job failed for good here", "intended"]);
        let all = StepLine::of(steps, Some(JobState::Waiting), Some(&cause));
        assert_eq!(all[1].state(), "intended, and its job stopped here and is waiting");
    }
}
