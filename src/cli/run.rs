//! `expunged run`: the daemon until SIGTERM or SIGINT; with `--observe` only a look.

use std::sync::Arc;

use anyhow::Context as _;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tracing::info;

use crate::chance::{Chance, OsChance, draw};
use crate::daemon::build::{self, Choices};
use crate::daemon::{self, Running};
use crate::flow::House;

use super::exit::{Ended, Exit, Outcome};
use super::invocation::Invocation;
use super::map::rights;
use super::{logging, observe, open};
use crate::output::say;

/// What `run` understands.
#[derive(Debug, clap::Args)]
pub(super) struct RunArgs {
    /// Also judge the letters that were in the mailbox before the first run.
    #[arg(long)]
    backfill: bool,
    /// Begin with another mailbox or folder than the one that was read so far, at the next letter that comes there.
    #[arg(long)]
    new_mailbox: bool,
    #[command(flatten)]
    observe: observe::ObserveArgs,
}

/// Runs the daemon.
pub(super) async fn run(invocation: &Invocation, args: &RunArgs) -> Outcome {
    if args.observe.observe {
        nothing_for_the_daemon(args)?;
    }
    // Who only observes sends nothing, and needs no mailer that sends.
    let config = if args.observe.observe { invocation.config_to_look()? } else { invocation.config()? };
    logging::of_daemon(&config.log, invocation.verbose)?;
    open::secrets(&invocation.config_file, &config.stores).iter().for_each(|words| say(&format!("warning: {words}")));
    let mut signals = Signals::listen()?;
    if args.observe.observe {
        return tokio::select! {
            observed = observe::run(invocation, config, &args.observe) => observed,
            () = signals.next() => Ok(()),
        };
    }
    let choices = Choices { backfill: args.backfill, may_create: true, ..Invocation::choices() };
    build::mailbox_is_there(&config)?;
    let mailbox = build::mailbox(&config, &choices.clock, &choices.chance);
    let building = build::house(config, choices);
    let house = tokio::select! {
        house = building => Arc::new(house?),
        () = signals.next() => return Ok(()),
    };
    if !args.new_mailbox {
        is_known(&house).await?;
    }
    tokio::select! {
        demanded = rights::demand(&house.config, &house.map) => demanded?,
        () = signals.next() => return Ok(()),
    }
    let running = Running::of(&house, &worker_name(&OsChance));
    let shutdown = CancellationToken::new();
    let daemon = daemon::run(Arc::clone(&house), mailbox, running, shutdown.clone());
    tokio::pin!(daemon);
    let ran = tokio::select! {
        ran = &mut daemon => ran,
        () = signals.next() => {
            info!("asked to stop: what is under way is finished or given back");
            say("asked to stop: what is under way is finished or given back; a second signal ends it at once");
            shutdown.cancel();
            tokio::select! {
                ran = &mut daemon => ran,
                () = signals.next() => {
                    let words = "stopped at once by a second signal; what was under way is taken up again when its lease runs out";
                    return Err(Ended::saying(Exit::Failed, words));
                }
            }
        }
    };
    tokio::select! {
        () = house.db.close() => {}
        () = signals.next() => {}
    }
    Ok(ran?)
}

/// Says what to do in place of what only the daemon does.
fn nothing_for_the_daemon(args: &RunArgs) -> Outcome {
    if args.backfill {
        let words = "--observe looks at what lies in the mailbox already, as if with --backfill: leave that out, and say with --limit COUNT \
                     how many of the newest letters (100 where nothing is said); 'expunged run --backfill' then judges them for good";
        return Err(Ended::saying(Exit::Usage, words));
    }
    if args.new_mailbox {
        let words = "--observe looks at the mailbox that the config names, whether or not it was read before: leave --new-mailbox out";
        return Err(Ended::saying(Exit::Usage, words));
    }
    Ok(())
}

/// Refuses a mailbox that the ledger never read where it has read another one: its letters since the last poll would be passed
/// over, and those that came before belong to the other.
async fn is_known(house: &House) -> Outcome {
    let Some(known) = daemon::known_instead(house).await? else { return Ok(()) };
    let folder = if known.folder.is_empty() { String::new() } else { format!(" (folder {})", known.folder) };
    let words = format!(
        "the ledger has read the mailbox of {}{folder}, and this config names another one: letters that came since would be passed over. \
         Where it is the same mailbox and only [service] address has changed, set known_as under [mailbox] to the old address; \
         where it is another mailbox or folder (of a Maildir the path counts), start once with --new-mailbox",
        known.mailbox
    );
    Err(Ended::saying(Exit::Usage, words))
}

/// The two ways in which an operating system asks for an end.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    fn listen() -> anyhow::Result<Self> {
        let listen = |kind| signal(kind).context("cannot listen for signals");
        Ok(Self { terminate: listen(SignalKind::terminate())?, interrupt: listen(SignalKind::interrupt())? })
    }

    /// Waits for one of them.
    async fn next(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

/// `host:pid:random`: unique, and people find the machine by it.
fn worker_name(chance: &dyn Chance) -> String {
    let host = ["/proc/sys/kernel/hostname", "/etc/hostname"]
        .iter()
        .find_map(|file| std::fs::read_to_string(file).ok())
        .map_or_else(|| "localhost".to_owned(), |name| name.trim().to_owned());
    let random = data_encoding::HEXLOWER.encode(&draw::<4>(chance));
    format!("{host}:{}:{random}", std::process::id())
}
