//! `expunged doctor`: tries whether what the config trusts can be trusted. Sends letters to the support mailbox, and only when it
//! is told to.

use std::io::IsTerminal as _;
use std::time::Duration;

use serde::Serialize;

use crate::daemon::build;
use crate::db::mx_runs::Verdict;
use crate::flow::doctor::{self, Fate, Found, Mailboxes, Progress, Trial, Tried};
use crate::output::{self, Format, Tabular, counted, say, time};
use crate::reply::mailer::SmtpMailer;

use super::exit::{Ended, Exit, Outcome};
use super::invocation::Invocation;

/// How long the MX may take for one letter.
const SEND_TIMEOUT: Duration = Duration::from_secs(60);
/// The port of an MX.
const PORT: u16 = 25;

/// What `doctor` understands.
#[derive(Debug, clap::Subcommand)]
pub(super) enum DoctorCommand {
    /// Sends letters with forged Authentication-Results through your MX to your support mailbox, looks what arrives of them, and
    /// takes them out again. Only where your MX takes out what is forged does [authentication] trusted_mx count.
    Mail(MailArgs),
}

/// What `doctor mail` understands.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Run it where the MX takes you for a stranger: not from its own machine or a network that it trusts. With several MX \
                  run it for each; one that fails revokes what was proven before.\n\nEnds with 0 where it is proven, with 4 where what \
                  is forged is let through or no results of trusted_mx are there, with 5 where letters were not taken or did not \
                  arrive, so that nothing is proven, and with 2 where --yes is missing; then nothing was sent."
)]
pub(super) struct MailArgs {
    /// The MX, as strangers reach it: by SMTP without a login, with STARTTLS where it is offered.
    #[arg(long, value_name = "HOST[:PORT]", value_parser = server)]
    mx: Server,
    /// Where the letters go; what is sent there must come to the support mailbox. Default: [service] address.
    #[arg(long, value_name = "ADDRESS", value_parser = address)]
    to: Option<String>,
    /// Whom the letters are from. Where your MX takes none from your own domain, use an address of another one whose policy (SPF,
    /// DMARC) forbids nobody to send. Default: [service] address.
    #[arg(long, value_name = "ADDRESS", value_parser = address)]
    from: Option<String>,
    /// How long to wait for the letters.
    #[arg(long, value_name = "SECONDS", default_value_t = 120, value_parser = clap::value_parser!(u64).range(1..=3_600))]
    wait: u64,
    /// Leaves the letters in the mailbox, to be looked at.
    #[arg(long)]
    keep: bool,
    /// Sends them. Without it the command says what it would send, and asks on a terminal.
    #[arg(long)]
    yes: bool,
}

/// An MX, as it is named on the command line.
#[derive(Clone, Debug)]
struct Server {
    host: String,
    port: u16,
}

/// `host`, `host:port`, `[address]:port`.
fn server(text: &str) -> Result<Server, String> {
    let expected = "expected a name or an address, with or without a port, such as mx.example.com or [2001:db8::1]:25";
    let (host, port) = match text.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((host, "")) => (host, None),
        // What follows without a colon is no port, as nothing is.
        Some((host, rest)) => (host, Some(rest.strip_prefix(':').unwrap_or_default())),
        None => match text.split_once(':') {
            // An address of IPv6 without brackets.
            Some((_, port)) if port.contains(':') => (text, None),
            Some((host, port)) => (host, Some(port)),
            None => (text, None),
        },
    };
    let port = port.map_or(Ok(PORT), str::parse).map_err(|_| expected)?;
    let fits = !host.is_empty() && host.chars().all(|c| c.is_ascii_alphanumeric() || "-._:".contains(c));
    if fits && port > 0 { Ok(Server { host: host.to_owned(), port }) } else { Err(expected.to_owned()) }
}

/// An address that stands in a header as it is.
fn address(text: &str) -> Result<String, String> {
    let fits = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_`{|}~.@".contains(c);
    match text.split_once('@') {
        Some((local, domain)) if !local.is_empty() && !domain.is_empty() && !domain.contains('@') => {
            if text.chars().all(fits) {
                Ok(text.to_owned())
            } else {
                Err("expected an address of plain ASCII".to_owned())
            }
        }
        _ => Err("expected an address such as privacy@example.com".to_owned()),
    }
}

/// Runs the command.
pub(super) async fn run(invocation: &Invocation, command: DoctorCommand) -> Outcome {
    let DoctorCommand::Mail(args) = command;
    let config = invocation.config_to_look()?;
    let Some(name) = &config.authentication.trusted_mx else {
        let words = "no MX is trusted that could be tried: set trusted_mx under [authentication] to the name with which the \
                     Authentication-Results of your MX begin";
        return Err(Ended::saying(Exit::Usage, words));
    };
    let ours = &config.service.address;
    let trial = Trial {
        server: format!("{}:{}", args.mx.host, args.mx.port),
        from: args.from.clone().unwrap_or_else(|| ours.clone()),
        to: args.to.clone().unwrap_or_else(|| ours.clone()),
        wait: Duration::from_secs(args.wait),
        keep: args.keep,
    };
    agreed(&args, name, &trial)?;
    let mailer = SmtpMailer::as_stranger(&args.mx.host, args.mx.port, SEND_TIMEOUT)?;
    let (house, operator) = invocation.desk_with_mailbox().await?;
    build::mailbox_is_there(&house.config)?;
    let mailboxes = Mailboxes {
        look: build::mailbox_to_read(&house.config, &house.clock, &house.chance),
        change: build::mailbox(&house.config, &house.clock, &house.chance),
    };
    let found = doctor::mail(&house, &operator, (mailboxes, &mailer), &trial, &|progress| tell(progress, &trial)).await;
    house.db.close().await;
    told(invocation.format, &found?, &trial)
}

/// Whether the letters may be sent: nobody's MX gets any by mistake.
fn agreed(args: &MailArgs, name: &str, trial: &Trial) -> Outcome {
    let Trial { server, from, to, .. } = trial;
    let letters = counted(doctor::letters(name) as u64, "letter", "letters");
    let would = format!(
        "{letters} from {from} to {to} through {server}, with Authentication-Results forged in the name of {name}"
    );
    if args.yes {
        say(&format!("sending {would}"));
        return Ok(());
    }
    say(&format!("this would send {would}"));
    if std::io::stdin().is_terminal() && std::io::stderr().is_terminal() {
        say("send them? Say yes, or anything else for no:");
        let mut answer = String::new();
        std::io::stdin().read_line(&mut answer)?;
        if matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes") {
            return Ok(());
        }
    }
    Err(Ended::saying(Exit::Usage, "nothing was sent; say --yes to have it done"))
}

fn tell(progress: Progress, trial: &Trial) {
    match progress {
        Progress::Sent(0) => {}
        Progress::Sent(letters) => say(&format!(
            "{} taken by the MX; waiting for them in the mailbox, {} s at most",
            counted(letters as u64, "letter was", "letters were"),
            trial.wait.as_secs()
        )),
        Progress::Arrived(letters) => {
            say(&format!("{} arrived", counted(letters as u64, "letter has", "letters have")));
        }
    }
}

impl Tabular for Tried {
    const HEADS: &'static [&'static str] = &["letter", "became", "own results", "obstacle"];

    fn cells(&self) -> Vec<String> {
        let own = match self.own_results {
            Some(true) => "yes",
            Some(false) => "NO",
            None => "",
        };
        let became = match self.fate {
            Fate::Arrived => "arrived",
            Fate::Stripped => "stripped",
            Fate::Renamed => "renamed",
            Fate::LeftInPlace => "LEFT IN PLACE",
            Fate::Refused => "refused",
            Fate::NotTaken => "not taken",
            Fate::Missing => "missing",
        };
        let obstacle = self.obstacle.clone().unwrap_or_default();
        vec![self.letter.to_owned(), became.to_owned(), own.to_owned(), obstacle]
    }
}

/// What was found, as programs read it.
#[derive(Serialize)]
struct Report<'a> {
    #[serde(flatten)]
    found: &'a Found,
    trusted_until: Option<String>,
    means: String,
}

/// Writes what was found; the exit code says what it comes to.
fn told(format: Format, found: &Found, trial: &Trial) -> Outcome {
    let until = found.until.map(time);
    let report = Report { found, trusted_until: until, means: meaning(found, trial) };
    output::one(format, &report, &output::table(&found.letters))?;
    if let Some(why) = &found.stay_because {
        let letters = counted(found.stay as u64, "letter stays", "letters stay");
        say(&format!("{letters} in the mailbox, where nobody answers them, and can be deleted by hand: {why}"));
    }
    let exit = match found.verdict {
        Verdict::Proven => {
            say(&report.means);
            return Ok(());
        }
        Verdict::Forgeable | Verdict::Unsigned => Exit::Refused,
        Verdict::Untold | Verdict::Unreached => Exit::Unavailable,
    };
    Err(Ended::saying(exit, report.means))
}

/// What it comes to, and what to do.
fn meaning(found: &Found, trial: &Trial) -> String {
    let Found { authserv_id: name, server, .. } = found;
    let of = |fate: Fate| found.letters.iter().filter(|letter| letter.fate == fate).count() as u64;
    match found.verdict {
        Verdict::Proven => format!(
            "proven: {server} takes out or refuses what others forge in the name of {name}, and puts its own results on each letter; they \
             are trusted until {}",
            found.until.map(time).unwrap_or_default()
        ),
        Verdict::Forgeable => format!(
            "your MX lets anyone write what {name} says of a letter: {} arrived with what was forged in place. Its results are not \
             trusted; have the MX take out every Authentication-Results of that name from letters that come from outside",
            counted(of(Fate::LeftInPlace), "letter", "letters")
        ),
        Verdict::Unsigned => format!(
            "letters arrive without results of {name} on top, so that trusted_mx names nobody whose word there is: set it to the name \
             with which the Authentication-Results of your MX begin, or have the MX write them. None are trusted"
        ),
        Verdict::Untold => format!(
            "nothing is proven, and no results of {name} are trusted: of {} were {} missing after {} s, {} not taken. A longer --wait \
             may help, or --from with an address that the MX takes letters from",
            counted(found.letters.len() as u64, "letter", "letters"),
            of(Fate::Missing),
            trial.wait.as_secs(),
            of(Fate::NotTaken)
        ),
        Verdict::Unreached => format!(
            "{server} did not take the first letter, of which nothing is forged ({}), so that nothing was tried and what was known of it \
             stands. Where it takes none from {}, name another address with --from",
            found.letters.first().and_then(|letter| letter.obstacle.as_deref()).unwrap_or("no answer"),
            trial.from
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_mx_is_named_with_or_without_a_port() {
        for (text, host, port) in [
            ("mx.example.com", "mx.example.com", 25),
            ("mx.example.com:2525", "mx.example.com", 2525),
            ("192.0.2.1:26", "192.0.2.1", 26),
            ("[2001:db8::1]:26", "2001:db8::1", 26),
            ("[2001:db8::1]", "2001:db8::1", 25),
            ("2001:db8::1", "2001:db8::1", 25),
        ] {
            let Server { host: found, port: at } = server(text).unwrap();
            assert_eq!((found.as_str(), at), (host, port), "{text}");
        }
        for text in ["", ":25", "mx:", "mx:0", "mx:70000", "[::1]25", "mx example", "mx\r\nRCPT"] {
            assert!(server(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn an_address_brings_no_field_of_its_own() {
        assert!(address("privacy+a@example.com").is_ok());
        for text in ["", "a", "@b", "a@", "a@b@c", "a b@c", "a@b\r\nX: y", "<a@b>", "a,b@c", "\u{e4}@b"] {
            assert!(address(text).is_err(), "{text:?}");
        }
    }
}
