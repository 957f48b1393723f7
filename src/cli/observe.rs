//! `expunged run --observe`: reads the mailbox and says what the daemon would do.
//!
//! The judgement is the daemon's own (`flow::observe`). Our own database is only read, so that an answer to one of our
//! letters, a stop and a repeat are known; nobody is answered, nothing is marked, nothing is erased, and nothing is kept of
//! what was read.

use std::convert::Infallible;
use std::time::Duration;

use serde::Serialize;

use crate::authenticate::Outcome as Vouched;
use crate::config::Config;
use crate::daemon::build;
use crate::db::deliveries::Disposition;
use crate::domain::request::ReviewReason;
use crate::domain::{Reference, Retry, Scope, State};
use crate::flow::observe::{self as flow, Lookout, Observed as Seen, Prospect};
use crate::flow::sighted::Sight;
use crate::flow::whose::{self, OnFile};
use crate::flow::{FlowError, House, termination};
use crate::intake::{Intake, Intent, Tongue};
use crate::mailbox::{FolderState, Listed, Mailbox};

use super::exit::{Ended, Exit, Outcome};
use super::invocation::Invocation;
use crate::output::{self, Format, Tabular, counted, progress, say};

/// UIDs that are asked for at once.
const LISTED_MAX: u32 = 1_000;
/// Letters that are fetched at once.
const FETCHED_MAX: usize = 20;

/// What `--observe` understands.
#[derive(Debug, clap::Args)]
pub(super) struct ObserveArgs {
    /// Only look: read the mailbox, say what would be done, and end. Answers nobody and writes nothing.
    #[arg(long)]
    pub(super) observe: bool,
    /// With --observe: go on with letters that arrive.
    #[arg(long, requires = "observe")]
    follow: bool,
    /// With --observe: only the newest letters, at most so many.
    #[arg(long, requires = "observe", value_name = "COUNT", default_value_t = 100)]
    limit: u32,
    /// With --observe: show the senders' addresses. The trail records who did, so the daemon must have run before.
    #[arg(long, requires = "observe")]
    reveal: bool,
}

/// One letter and what the daemon would do with it.
#[derive(Debug, Serialize)]
struct Observed {
    uid: u32,
    received_at: String,
    /// `None` for a letter that is too large to be read.
    intent: Option<Intent>,
    confidence: Option<f64>,
    language: Option<Tongue>,
    /// `owner`, `user`, `end_user`, `several`, `unknown`, or `machine`.
    sender: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    address: Option<String>,
    disposition: Disposition,
    /// Whether the domain of its address vouches for it; `None` where no request has to do with it.
    authentication: Option<Vouched>,
    /// The request that it belongs to already.
    request: Option<Reference>,
    /// Where its request would stand after it.
    becomes: Option<State>,
    review: Option<ReviewReason>,
    offered: Vec<Scope>,
    /// What would become of its further requests, by other addresses that it names as its writer's.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    others: Vec<Other>,
    would: String,
}

/// A further request of a letter.
#[derive(Debug, Serialize)]
struct Other {
    request: Option<Reference>,
    becomes: Option<State>,
    review: Option<ReviewReason>,
    offered: Vec<Scope>,
}

impl From<Prospect> for Other {
    fn from(prospect: Prospect) -> Self {
        let Prospect { request, becomes, review, offered, .. } = prospect;
        Self { request, becomes, review, offered }
    }
}

impl Tabular for Observed {
    const HEADS: &'static [&'static str] =
        &["uid", "received", "intent", "confidence", "language", "sender", "address", "would"];

    fn cells(&self) -> Vec<String> {
        vec![
            self.uid.to_string(),
            self.received_at.clone(),
            self.intent.map_or_else(|| "-".to_owned(), |intent| intent.to_string()),
            self.confidence.map_or_else(|| "-".to_owned(), |confidence| format!("{confidence:.2}")),
            self.language.map_or_else(|| "-".to_owned(), |language| language.to_string()),
            self.sender.to_owned(),
            self.address.clone().unwrap_or_default(),
            self.would.clone(),
        ]
    }
}

struct Observer<'a> {
    mailbox: Box<dyn Mailbox>,
    house: &'a House,
    lookout: Lookout<'a>,
    reveal: bool,
}

/// Looks once, or goes on until a signal.
pub(super) async fn run(invocation: &Invocation, config: Config, args: &ObserveArgs) -> Outcome {
    build::mailbox_is_there(&config)?;
    if args.reveal {
        invocation.record(Sight::Mailbox).await?;
    }
    let choices = Invocation::choices();
    let mailbox = build::mailbox_to_read(&config, &choices.clock, &choices.chance);
    let (house, folder) = build::house_to_look(config, choices).await?;
    if folder.is_some() {
        say("the daemon has not run on this config yet: letters are judged as its first ones");
    }
    let mut observer = Observer { mailbox, house: &house, lookout: Lookout::new(&house), reveal: args.reveal };
    let ended = observer.run(invocation.format, args).await;
    house.db.close().await;
    ended
}

/// How far a mailbox was observed.
struct Place {
    uid_validity: u32,
    last: u32,
    /// Before the first look: how many of the newest letters are wanted.
    newest: Option<usize>,
}

impl Observer<'_> {
    async fn run(&mut self, format: Format, args: &ObserveArgs) -> Outcome {
        // A list without an end cannot be one JSON document.
        let format = if args.follow && format == Format::Json { Format::Jsonl } else { format };
        let newest = Some(usize::try_from(args.limit).unwrap_or(usize::MAX));
        let poll = self.house.config.mailbox.poll;
        let state = self.mailbox.open().await?;
        let mut seen = Place { uid_validity: state.uid_validity, last: 0, newest };
        if !args.follow {
            let observed = self.next(&mut seen).await?;
            output::rows(format, &observed)?;
            say_ended(self.house).await?;
            let letters = counted(observed.len() as u64, "letter", "letters");
            say(&format!("{letters} read; nothing was written, marked or answered"));
            return Ok(());
        }
        loop {
            let Err(ended) = self.follow(&mut seen, format, poll).await;
            // Whoever follows a mailbox for days outlives many connections.
            if ended.exit != Exit::Unavailable {
                return Err(ended);
            }
            say(&format!("{}; trying again", ended.error));
            tokio::time::sleep(poll).await;
            let is_new = |state: &FolderState| state.uid_validity != seen.uid_validity;
            if let Some(state) = self.mailbox.open().await.ok().filter(is_new) {
                seen = Place { uid_validity: state.uid_validity, last: 0, newest };
            }
        }
    }

    /// Shows what arrives, until something fails.
    async fn follow(&mut self, seen: &mut Place, format: Format, poll: Duration) -> Result<Infallible, Ended> {
        loop {
            let observed = self.next(seen).await?;
            if !observed.is_empty() {
                output::rows(format, &observed)?;
            }
            self.mailbox.wait(poll).await?;
        }
    }

    /// The letters that were not seen yet.
    async fn next(&mut self, seen: &mut Place) -> Result<Vec<Observed>, Ended> {
        let mut letters = self.list(seen.last).await?;
        let last = letters.last().map_or(seen.last, |letter| letter.uid);
        if let Some(count) = seen.newest {
            letters.drain(..letters.len().saturating_sub(count));
        }
        let observed = self.observe(&letters).await?;
        (seen.last, seen.newest) = (last, None);
        Ok(observed)
    }

    /// All letters above a UID.
    async fn list(&mut self, mut after: u32) -> Result<Vec<Listed>, Ended> {
        let mut all = Vec::new();
        loop {
            let page = self.mailbox.list(after, LISTED_MAX).await?;
            if page.through <= after {
                return Ok(all);
            }
            after = page.through;
            all.extend(page.letters);
        }
    }

    async fn observe(&mut self, letters: &[Listed]) -> Result<Vec<Observed>, Ended> {
        let bar = progress("reading letters");
        let mut observed = Vec::with_capacity(letters.len());
        for batch in letters.chunks(FETCHED_MAX) {
            let fits = |letter: &&Listed| self.house.intake_limits.takes(letter.size_bytes);
            let uids: Vec<u32> = batch.iter().filter(fits).map(|letter| letter.uid).collect();
            let mut fetched = if uids.is_empty() { Vec::new() } else { self.mailbox.fetch(&uids).await? };
            for listed in batch {
                let bytes = fetched.iter().position(|fetched| fetched.uid == listed.uid);
                let bytes = bytes.map(|place| fetched.swap_remove(place).bytes);
                match bytes {
                    Some(bytes) => observed.push(self.letter(listed, bytes).await?),
                    None if uids.contains(&listed.uid) => {} // it vanished meanwhile
                    None => observed.push(self.large(listed).await?),
                }
                bar.inc(1);
            }
        }
        bar.finish_and_clear();
        Ok(observed)
    }

    /// One that is too large to be read whole: its header is, as the daemon reads it.
    async fn large(&mut self, listed: &Listed) -> Result<Observed, Ended> {
        let header = flow::header(&mut *self.mailbox, listed.uid).await?;
        let seen = self.lookout.look_at_large(header.as_deref(), listed.size_bytes).await?;
        self.shown(listed, seen).await
    }

    async fn letter(&mut self, listed: &Listed, bytes: Vec<u8>) -> Result<Observed, Ended> {
        let received_at = listed.received_at.unwrap_or_else(|| self.house.clock.now());
        let seen = match self.lookout.look(bytes, received_at).await {
            Ok(seen) => seen,
            // What the daemon could not judge either goes to a person; what is only away is asked again.
            Err(error) if error.retry() == Retry::Permanent && !matches!(error, FlowError::Db(_)) => {
                say(&format!("letter {} cannot be judged: {}", listed.uid, error.chain()));
                return Ok(unread(listed, Disposition::Quarantined, "have a person look: it cannot be judged"));
            }
            Err(error) => return Err(error.into()),
        };
        self.shown(listed, seen).await
    }

    /// What was seen of a letter, beside who sent it as the directory has them.
    async fn shown(&self, listed: &Listed, seen: Seen) -> Result<Observed, Ended> {
        let letter = &seen.letter;
        let address = match letter.from.as_slice() {
            [only] => Some(only.as_str().to_owned()),
            _ => None,
        };
        let directory = &*self.house.directory;
        let known = match address.as_deref().filter(|_| letter.machine.is_none()) {
            Some(address) => whose::address(directory, &[address], whose::Said::default()).await?,
            None => None,
        };
        // What the words of a letter ask for nobody knows of whose header alone was read.
        let is_read = seen.disposition != Disposition::TooLarge;
        Ok(Observed {
            intent: Some(letter.verdict.intent).filter(|_| is_read),
            confidence: Some(letter.verdict.confidence).filter(|_| is_read),
            language: letter.language,
            sender: if letter.machine.is_some() { "machine" } else { known.as_ref().map_or("unknown", sender) },
            address: address.filter(|_| self.reveal),
            authentication: seen.sender.as_ref().map(|sender| sender.outcome),
            would: would(&seen, letter),
            ..unread(listed, seen.disposition, "").of(seen.prospect)
        })
    }
}

/// Says for how many accounts whose service has ended a request would be opened. None is named.
async fn say_ended(house: &House) -> Outcome {
    let Some(found) = termination::look(house).await? else { return Ok(()) };
    let accounts = counted(found.due, "account", "accounts");
    let ended = format!("{} of {} accounts are listed as ended", found.listed, found.accounts);
    match found.stopped {
        None if found.due == 0 => say(&format!("{ended}; no request would be opened by itself")),
        None => say(&format!("{ended}; for {accounts} a request would be opened by itself")),
        Some(stop) => say(&format!("{ended}; {accounts} would be due, and none would be touched: {stop}")),
    }
    if found.undated + found.doubled > 0 {
        say(&format!("left out: {} without a date that can be read, {} with several", found.undated, found.doubled));
    }
    Ok(())
}

/// What would be done, in a few words for people.
fn would(seen: &Seen, letter: &Intake) -> String {
    let prospect = &seen.prospect;
    let request = prospect.request.as_ref().map_or_else(|| "a request".to_owned(), ToString::to_string);
    match seen.disposition {
        Disposition::Opened if prospect.pauses > 0 => {
            format!("pause what is open of the sender, and {}", opens_all(prospect))
        }
        Disposition::Opened => beside(prospect) + &opens_all(prospect),
        Disposition::Joined if prospect.request.is_some() => {
            beside(prospect) + &format!("join {request}: the same wish is open")
        }
        Disposition::Joined => beside(prospect) + "join the request of an earlier letter: the same wish",
        Disposition::Duplicate if prospect.request.is_some() => format!("nothing: it was judged before, for {request}"),
        Disposition::Duplicate => "nothing: the same letter was judged before".to_owned(),
        Disposition::Answer if prospect.pauses > 1 => {
            format!("pause the {} open requests of the sender", prospect.pauses)
        }
        Disposition::Answer => format!("take it as an answer to {request}{}", becomes(prospect)),
        Disposition::Bounce => format!("note that a letter of {request} came back"),
        Disposition::TooLarge => {
            let pauses = match prospect.pauses {
                0 => String::new(),
                some => format!(
                    "pause {} that it may be about, and ",
                    counted(some as u64, "open request", "open requests")
                ),
            };
            format!("{pauses}have a person look: too large, only its header is read")
        }
        Disposition::HandedOn => "leave it as it is: another right than erasure".to_owned(),
        Disposition::Probe => "leave it as it is: 'expunged doctor mail' sent it".to_owned(),
        _ if letter.machine.is_some() => "leave it as it is: a machine wrote it".to_owned(),
        _ => "leave it as it is".to_owned(),
    }
}

/// What it would move as an answer, before what it opens or joins.
fn beside(prospect: &Prospect) -> String {
    let moved = prospect.beside.as_ref();
    moved.map_or_else(String::new, |(request, state)| format!("take it as an answer to {request}: {state}, and "))
}

fn becomes(prospect: &Prospect) -> String {
    match (prospect.becomes, prospect.review) {
        (Some(state), Some(reason)) => format!(": {state} ({reason})"),
        (Some(state), None) => format!(": {state}"),
        (None, _) => ", which changes nothing".to_owned(),
    }
}

/// What would become of all its requests.
fn opens_all(prospect: &Prospect) -> String {
    let others = prospect.others.iter().map(|other| format!("; by another address that it names: {}", opens(other)));
    opens(prospect) + &others.collect::<String>()
}

/// What would become of a new request.
fn opens(prospect: &Prospect) -> String {
    if prospect.waits_until.is_some() {
        return "open a request that waits, because the address had a letter of its kind lately".to_owned();
    }
    match prospect.becomes {
        Some(State::AwaitingConfirmation) => {
            let scopes: Vec<&str> = prospect.offered.iter().map(|scope| scope.as_str()).collect();
            let codes = if scopes.len() > 1 { " with two codes" } else { "" };
            let owner = if prospect.approval { ", then ask the owner" } else { "" };
            format!("challenge the address on file{codes} ({}){owner}", scopes.join(", "))
        }
        Some(State::Forwarded) => "forward it to the owner".to_owned(),
        Some(State::NotFound) => "open a request that ends as not found; no answer".to_owned(),
        _ => {
            let reason = prospect.review.map_or("", |reason| reason.as_str());
            let told = if prospect.letters.is_empty() { "; no answer" } else { "" };
            format!("open a request for a person to look at: {reason}{told}")
        }
    }
}

impl Observed {
    fn of(self, prospect: Prospect) -> Self {
        let Prospect { request, becomes, review, offered, others, .. } = prospect;
        let others = others.into_iter().map(Other::from).collect();
        Self { request, becomes, review, offered, others, ..self }
    }
}

fn sender(known: &OnFile) -> &'static str {
    if known.is_one() { known.first.role.as_str() } else { "several" }
}

/// A letter of which nothing was understood.
fn unread(listed: &Listed, disposition: Disposition, would: &str) -> Observed {
    Observed {
        uid: listed.uid,
        received_at: listed.received_at.map_or_else(|| "-".to_owned(), output::time),
        intent: None,
        confidence: None,
        language: None,
        sender: "unknown",
        address: None,
        disposition,
        authentication: None,
        request: None,
        becomes: None,
        review: None,
        offered: Vec::new(),
        others: Vec::new(),
        would: would.to_owned(),
    }
}
