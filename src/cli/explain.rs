//! `expunged explain`: why a letter is taken for what it is, who sent it, and, beside a config, whose account it means and
//! what would be written to whom.
//!
//! The judgement is the daemon's own: `intake` reads, `authenticate` says who sent it, and where there is a config
//! `flow::observe` says what would become of it. Nothing is written, marked or answered. Whoever names files here has them,
//! so their words are shown; whose address they came from, and what comes out of the directory, is not, unless `--reveal`
//! asks for it, which the trail records.

mod shown;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tempfile::TempDir;

use crate::authenticate::{Arrived, Authentication, Authenticator, Dns, FileDns, OurMx, SystemDns};
use crate::clock::{Clock, FixedClock, SystemClock};
use crate::daemon::build::{self, Choices};
use crate::domain::{Retry, Timestamp};
use crate::flow::observe::{self, Lookout, Observed};
use crate::flow::sighted::Sight;
use crate::flow::{FlowError, House};
use crate::intake::{self, Lexicon, Limits, Parts};
use crate::output::{self, Format, progress, say};

use super::CONFIG_FILE;
use super::classify::letters;
use super::exit::{Ended, Exit, Outcome};
use super::invocation::Invocation;
use shown::Explained;

/// How long DNS may take for one answer, and for all of one letter.
const DNS_TIMEOUT: Duration = Duration::from_secs(5);
const DNS_LIMIT: Duration = Duration::from_secs(60);

/// What `explain` understands.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Without a config it says what the letter itself tells. Ends with 3 where a PATH does not exist or is a folder \
                  without letters, and with 1 where a file could not be read or is no text; the others are explained."
)]
pub(super) struct ExplainArgs {
    /// Letters: files, folders with all that is in them, mbox files. Default, and `-`: the standard input.
    #[arg(value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// A TOML file of [[txt]] tables (name, value) that stands for DNS: what is not in it does not exist.
    #[arg(long, value_name = "FILE")]
    dns_file: Option<PathBuf>,
    /// When the letters arrived (RFC 3339, or a date): signatures are judged as of then. Default: now.
    #[arg(long, value_name = "TIME", value_parser = time)]
    now: Option<Timestamp>,
    /// The mail server whose Authentication-Results count. Without a config they are trusted on your word; beside one, this stands in
    /// the place of its trusted_mx, and counts where 'expunged doctor mail' has proven it.
    #[arg(long, value_name = "NAME")]
    trusted_mx: Option<String>,
    /// Beside a config: also show the sender's address, and what the directory has of whom a letter means. The trail records
    /// who did.
    #[arg(long)]
    reveal: bool,
}

/// An instant, or the first of a day in UTC.
fn time(text: &str) -> Result<Timestamp, String> {
    if let Ok(instant) = text.parse::<jiff::Timestamp>() {
        return Ok(Timestamp::from_jiff(instant));
    }
    let day =
        text.parse::<jiff::civil::Date>().ok().and_then(|day| day.to_zoned_datetime(jiff::tz::TimeZone::UTC).ok());
    let instant = day.ok_or("expected a time such as 2026-03-01T10:00:00Z, or a date such as 2026-03-01")?;
    Ok(Timestamp::from_jiff(instant.timestamp()))
}

/// What letters are explained by.
struct Explainer {
    lexicon: Arc<Lexicon>,
    limits: Limits,
    authenticator: Authenticator,
    clock: Arc<dyn Clock>,
    /// Where there is no config: the reader's own word.
    trusted_mx: Option<String>,
    reveal: bool,
}

/// Explains letters, one after the other.
pub(super) async fn run(invocation: &Invocation, args: &ExplainArgs) -> Outcome {
    let clock: Arc<dyn Clock> = match args.now {
        Some(now) => Arc::new(FixedClock::at(now)),
        None => Arc::new(SystemClock),
    };
    let dns: Arc<dyn Dns> = match &args.dns_file {
        Some(file) => Arc::new(dns_file(file)?),
        None => Arc::new(SystemDns::new(DNS_TIMEOUT)),
    };
    let authenticator = Authenticator::new(dns, DNS_LIMIT)?;
    let (house, folder) = house(invocation, args, &clock, &authenticator).await?.unzip();
    if args.reveal && house.is_none() {
        let words = "--reveal shows what the directory has of people, and there is no config that says where it is";
        return Err(Ended::saying(Exit::Usage, words));
    }
    if args.reveal {
        invocation.record(Sight::Letters).await?;
    }
    let explainer = Explainer {
        lexicon: match &house {
            Some(house) => Arc::clone(&house.lexicon),
            None => Arc::new(Lexicon::embedded()),
        },
        limits: house.as_ref().map_or_else(Limits::default, |house| house.intake_limits),
        authenticator,
        clock,
        trusted_mx: args.trusted_mx.clone(),
        reveal: args.reveal,
    };
    let ended = explainer.all(invocation.format, &args.paths, house.as_ref()).await;
    if let Some(house) = house {
        house.db.close().await;
    }
    drop(folder);
    ended
}

fn dns_file(file: &Path) -> Result<FileDns, Ended> {
    let text = std::fs::read_to_string(file).map_err(|error| Ended::unread(file, error))?;
    FileDns::parse(&text)
        .map_err(|error| Ended::new(Exit::Usage, anyhow::Error::new(error).context(file.display().to_string())))
}

/// The house as one sees it who only looks, with the folder of its ledger where the daemon has made none; `None` where no
/// config was named and none lies in its usual place.
async fn house(
    invocation: &Invocation,
    args: &ExplainArgs,
    clock: &Arc<dyn Clock>,
    authenticator: &Authenticator,
) -> Result<Option<(House, Option<TempDir>)>, Ended> {
    let file = &invocation.config_file;
    if file == Path::new(CONFIG_FILE) && !file.exists() {
        return Ok(None);
    }
    let choices = Choices { clock: Arc::clone(clock), ..Invocation::choices() };
    let (mut house, folder) = build::house_to_look(invocation.config_beside()?, choices).await?;
    if folder.is_some() {
        say("the daemon has not run on this config yet: letters are judged as its first ones");
    }
    house.authenticator = authenticator.clone();
    if let Some(named) = &args.trusted_mx {
        house.config.authentication.trusted_mx = Some(named.to_ascii_lowercase());
    }
    Ok(Some((house, folder)))
}

impl Explainer {
    async fn all(&self, format: Format, paths: &[PathBuf], house: Option<&House>) -> Outcome {
        let found = letters::find(paths)?;
        let mut unread = found.unread;
        let bar = progress("explaining letters");
        let mut lookout = house.map(Lookout::new);
        let mut all = Vec::new();
        for source in &found.sources {
            bar.inc(1);
            let bytes = match source.read(self.limits.body_bytes_max + 1) {
                Ok(bytes) => bytes,
                Err(error) => {
                    unread += 1;
                    say(&format!("cannot read {}: {error:#}", source.name()));
                    continue;
                }
            };
            let explained = match self.one(source.name(), bytes, house.zip(lookout.as_mut())).await {
                Ok(explained) => explained,
                // What the daemon could not judge either goes to a person; the next letter may be readable.
                Err(error) if error.retry() == Retry::Permanent && !matches!(error, FlowError::Db(_)) => {
                    unread += 1;
                    say(&format!("cannot judge {}: {}", source.name(), error.chain()));
                    continue;
                }
                Err(error) => return Err(error.into()),
            };
            match format {
                Format::Json => all.push(explained),
                _ => output::one(format, &explained, &explained.text())?,
            }
        }
        bar.finish_and_clear();
        if format == Format::Json {
            output::write_out(&serde_json::to_string_pretty(&all)?)?;
        }
        letters::say_passed_over(&found.passed_over);
        found.ended(unread)
    }

    async fn one(
        &self,
        file: String,
        bytes: Vec<u8>,
        beside: Option<(&House, &mut Lookout<'_>)>,
    ) -> Result<Explained, FlowError> {
        let now = self.clock.now();
        let parts = match self.limits.takes(bytes.len() as u64) {
            true => intake::parts(&bytes, &self.lexicon, &self.limits),
            false => Parts::default(),
        };
        let Some((house, lookout)) = beside else {
            let letter = intake::take_in(&bytes, &self.lexicon, &self.limits);
            let sender = self.sender(&bytes, now).await;
            return Ok(Explained::of(file, &letter, parts, &sender).masked());
        };
        let Observed { letter, disposition, sender, prospect } = lookout.look(bytes.clone(), now).await?;
        // The daemon asks who sent it only where a request has to do with it.
        let sender = match sender {
            Some(sender) => sender,
            None => observe::authenticate(house, &bytes, now).await?,
        };
        let explained = Explained::of(file, &letter, parts, &sender);
        let explained = explained.beside_a_config(disposition, prospect, self.reveal);
        Ok(if self.reveal { explained } else { explained.masked() })
    }

    /// Who sent a letter, where there is no config.
    async fn sender(&self, bytes: &[u8], now: Timestamp) -> Authentication {
        let our_mx = OurMx::by_word_of(self.trusted_mx.as_deref());
        self.authenticator.authenticate(&Arrived { bytes, at: now, our_domain: None, our_mx }).await
    }
}
