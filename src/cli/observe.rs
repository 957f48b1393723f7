//! `expunged run --observe`: reads the mailbox and says what the daemon would do.
//!
//! Opens neither our own database nor the mailer: nobody is answered, nothing is marked, nothing is erased, and
//! nothing is kept of what was read. Without the database it cannot tell an answer to one of our letters from other
//! mail, nor a repeated request from a new one.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;

use crate::config::Config;
use crate::daemon::build;
use crate::domain::{Role, Scope};
use crate::intake::{self, Intake, Intent, Lexicon, Limits, MachineKind, Tongue};
use crate::mailbox::{FolderState, Listed, Mailbox};
use crate::verify::{AuthoritySettings, AuthorityTable, Directory, Membership, Rule, Target};

use super::exit::{Ended, Exit, Outcome};
use super::invocation::Invocation;
use crate::output::{self, Format, Tabular, progress, say};

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
    /// With --observe: show the senders' addresses. Observing keeps no trail, so this is not recorded.
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
    would: String,
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

struct Observer {
    mailbox: Box<dyn Mailbox>,
    directory: Arc<dyn Directory>,
    authority: AuthorityTable,
    lexicon: Arc<Lexicon>,
    limits: Limits,
    reveal: bool,
}

/// Looks once, or goes on until a signal.
pub(super) async fn run(invocation: &Invocation, config: &Config, args: &ObserveArgs) -> Outcome {
    let choices = Invocation::choices();
    let (_, stores) = build::stores(config, choices.credentials.as_deref()).await?;
    let mut observer = Observer {
        mailbox: build::mailbox_to_read(config, &choices.clock, &choices.chance),
        directory: build::directory(config, &stores)?,
        authority: AuthorityTable::new(&AuthoritySettings { rows: config.authority.clone() })?,
        lexicon: Arc::new(Lexicon::embedded()?),
        limits: build::intake_limits(config),
        reveal: args.reveal,
    };
    // A list without an end cannot be one JSON document.
    let format = if args.follow && invocation.format == Format::Json { Format::Jsonl } else { invocation.format };
    let limit = usize::try_from(args.limit).unwrap_or(usize::MAX);
    let state = observer.mailbox.open().await?;
    let mut seen = Seen { uid_validity: state.uid_validity, last: 0, newest: Some(limit) };
    if !args.follow {
        let observed = observer.next(&mut seen).await?;
        output::rows(format, &observed)?;
        say(&format!("{} letters read; nothing was written, marked or answered", observed.len()));
        return Ok(());
    }
    loop {
        let Err(ended) = observer.follow(&mut seen, format, config.mailbox.poll).await;
        // Whoever follows a mailbox for days outlives many connections.
        if ended.exit != Exit::Unavailable {
            return Err(ended);
        }
        say(&format!("{}; trying again", ended.error));
        tokio::time::sleep(config.mailbox.poll).await;
        let is_new = |state: &FolderState| state.uid_validity != seen.uid_validity;
        if let Some(state) = observer.mailbox.open().await.ok().filter(is_new) {
            seen = Seen { uid_validity: state.uid_validity, last: 0, newest: Some(limit) };
        }
    }
}

/// How far a mailbox was observed.
struct Seen {
    uid_validity: u32,
    last: u32,
    /// Before the first look: how many of the newest letters are wanted.
    newest: Option<usize>,
}

impl Observer {
    /// Shows what arrives, until something fails.
    async fn follow(&mut self, seen: &mut Seen, format: Format, poll: Duration) -> Result<Infallible, Ended> {
        loop {
            let observed = self.next(seen).await?;
            if !observed.is_empty() {
                output::rows(format, &observed)?;
            }
            self.mailbox.wait(poll).await?;
        }
    }

    /// The letters that were not seen yet.
    async fn next(&mut self, seen: &mut Seen) -> Result<Vec<Observed>, Ended> {
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
            let fits = |letter: &&Listed| letter.size_bytes <= self.limits.body_bytes_max;
            let uids: Vec<u32> = batch.iter().filter(fits).map(|letter| letter.uid).collect();
            let mut fetched = if uids.is_empty() { Vec::new() } else { self.mailbox.fetch(&uids).await? };
            for listed in batch {
                let bytes = fetched.iter().position(|fetched| fetched.uid == listed.uid);
                let bytes = bytes.map(|place| fetched.swap_remove(place).bytes);
                match bytes {
                    Some(bytes) => observed.push(self.letter(listed, bytes).await?),
                    None if uids.contains(&listed.uid) => {} // it vanished meanwhile
                    None => observed.push(too_large(listed)),
                }
                bar.inc(1);
            }
        }
        bar.finish_and_clear();
        Ok(observed)
    }

    async fn letter(&self, listed: &Listed, bytes: Vec<u8>) -> Result<Observed, Ended> {
        let (lexicon, limits) = (Arc::clone(&self.lexicon), self.limits);
        let letter = tokio::task::spawn_blocking(move || intake::read(&bytes, &lexicon, &limits)).await?;
        let address = match letter.from.as_slice() {
            [only] => Some(only.as_str().to_owned()),
            _ => None,
        };
        let known = match address.as_deref().filter(|_| letter.machine.is_none()) {
            Some(address) => self.directory.find(address).await?,
            None => Vec::new(),
        };
        Ok(Observed {
            uid: listed.uid,
            received_at: listed.received_at.map_or_else(|| "-".to_owned(), output::time),
            intent: Some(letter.verdict.intent),
            confidence: Some(letter.verdict.confidence),
            language: letter.language,
            sender: if letter.machine.is_some() { "machine" } else { sender(&known) },
            would: self.would(&letter, &known).to_owned(),
            address: address.filter(|_| self.reveal),
        })
    }

    /// What the daemon would do, as far as it can be told without our own database.
    fn would(&self, letter: &Intake, known: &[Membership]) -> &'static str {
        match letter.machine {
            Some(MachineKind::Bounce) => return "note the bounce, if one of our letters came back",
            // What may be a request in a web form or a list goes to a person, and is not answered.
            Some(_) if letter.verdict.is_unclear() => {
                return "open a request for a person to look at; no answer";
            }
            Some(_) => return "leave it as it is",
            None => {}
        }
        if letter.verdict.is_unclear() {
            return "open a request for a person to look at";
        }
        match letter.verdict.intent {
            Intent::Confirm | Intent::Deny => "take it as an answer if it carries a token, otherwise leave it",
            Intent::Withdraw => "pause or withdraw an open request of the sender, otherwise leave it",
            intent if intent.is_erasure() => self.would_with_request(letter, intent, known),
            _ => "leave it as it is",
        }
    }

    fn would_with_request(&self, letter: &Intake, intent: Intent, known: &[Membership]) -> &'static str {
        let Some(first) = known.first() else { return "open a request that ends as not found; no answer" };
        if known.iter().any(|other| other.account != first.account) {
            return "open a request for a person to look at: several accounts";
        }
        let role = known.iter().map(|membership| membership.role).min().unwrap_or(first.role);
        if letter.verdict.also.contains(&Intent::Access) {
            return "open a request for a person to look at: a copy of the data is asked for too";
        }
        if intent == Intent::ErasureSpecificData && letter.claims.categories.is_empty() {
            return "open a request for a person to look at: no category of data is named";
        }
        let names_somebody = !letter.claims.identifiers.is_empty()
            || !letter.claims.addresses.is_empty()
            || !letter.claims.names.is_empty();
        if intent == Intent::ErasureGeneric && role == Role::Owner {
            return "challenge the address on file with two codes: the named data, or the whole account";
        }
        let (scope, target) = asked(intent, role, names_somebody);
        match self.authority.rule(role, scope, target) {
            Rule::Challenge => "challenge the address on file",
            Rule::ChallengeThenOwnerApproval => "challenge the address on file, then ask the owner",
            Rule::ForwardToOwner => "forward it to the owner",
            Rule::Review => "open a request for a person to look at",
        }
    }
}

/// What a letter of this intent asks for, and about whom, from somebody of this role.
const fn asked(intent: Intent, role: Role, names_somebody: bool) -> (Scope, Target) {
    match (intent, role) {
        (Intent::ErasureSpecificData, _) => (Scope::Data, Target::Oneself),
        (Intent::ErasureProfile, _) if names_somebody => (Scope::User, Target::User),
        (Intent::ErasureEndUser, Role::Owner | Role::User) => (Scope::EndUser, Target::EndUser),
        (_, Role::Owner) => (Scope::Account, Target::Account),
        (_, Role::User) => (Scope::User, Target::Oneself),
        (_, Role::EndUser) => (Scope::EndUser, Target::Oneself),
    }
}

fn sender(known: &[Membership]) -> &'static str {
    match known {
        [] => "unknown",
        [only] => only.role.as_str(),
        _ => "several",
    }
}

fn too_large(listed: &Listed) -> Observed {
    Observed {
        uid: listed.uid,
        received_at: listed.received_at.map_or_else(|| "-".to_owned(), output::time),
        intent: None,
        confidence: None,
        language: None,
        sender: "unknown",
        address: None,
        would: "have a person look: too large to read".to_owned(),
    }
}
