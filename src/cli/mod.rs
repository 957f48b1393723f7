//! The command line: one file per family of commands. Data go to stdout, everything else to stderr.
//!
//! It calls the same verbs as every other way in (`flow::operate`) and has none of its own: no command makes an
//! authority, and none shows personal data unless `--reveal` asks for it, which the trail records (`classify` shows what is in the
//! files that it is given, and knows nothing else). Reading commands
//! open our own database and nothing else.
//!
//! # How to add a command
//! A file here with its `Args` and a `run`, a variant in [`Command`], an arm in [`dispatch`], and its page in
//! `tests/cmd`. Errors end it with the code that [`exit`] gives them.

mod actor;
mod apply;
mod check;
mod classify;
mod completions;
mod demo;
mod doctor;
mod example;
pub mod exit;
mod explain;
mod holds;
mod invocation;
mod jobs;
mod ledger;
mod logging;
mod mailbox;
mod map;
mod meaning;
mod observe;
mod open;
mod plan;
mod register;
mod replay;
mod requests;
mod retention;
mod run;
mod suppress;
mod trail;
mod words;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;
use clap::error::{ContextKind, ContextValue};
use clap::{CommandFactory as _, FromArgMatches as _, Parser, Subcommand};

use crate::output::Format;
use exit::{Exit, Outcome};
use invocation::Invocation;

/// Where the config lies unless the command line or the environment says otherwise.
pub(crate) const CONFIG_FILE: &str = "/etc/expunged/expunged.toml";

/// Reads a support mailbox, proves who asks for erasure, erases across every store, and writes back.
#[derive(Debug, Parser)]
#[command(name = "expunged", version, max_term_width = 100)]
struct CommandLine {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Command,
}

/// What every command understands.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Everywhere")]
struct Global {
    /// The config file. The environment is read by us: the parser would show what stands there as an argument that is needed.
    #[arg(long, global = true, value_name = "FILE")]
    #[arg(help = "The config file [env: EXPUNGED_CONFIG] [default: /etc/expunged/expunged.toml]")]
    config: Option<PathBuf>,
    /// How data are written to stdout.
    #[arg(short, long, global = true, value_enum, default_value_t)]
    #[arg(value_name = "table|json|jsonl", hide_possible_values = true)]
    output: Format,
    /// Colour: auto is on a terminal, unless the environment variable NO_COLOR says no.
    #[arg(long, global = true, value_enum, default_value_t, value_name = "auto|always|never")]
    #[arg(hide_possible_values = true)]
    color: Colour,
    /// The same as --color never.
    #[arg(long, global = true)]
    no_color: bool,
    /// More of the log on stderr; twice for all of it.
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    verbose: u8,
}

/// When there is colour.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
enum Colour {
    /// On a terminal, unless NO_COLOR says no.
    #[default]
    Auto,
    /// Everywhere, in files and pipes as well.
    Always,
    /// Nowhere.
    Never,
}

impl Colour {
    /// What a command line says of it, before it is read: the parser's own help and errors obey it too. The last word counts,
    /// and one that is none is for the parser to refuse.
    fn said(arguments: impl Iterator<Item = std::ffi::OsString>) -> Self {
        let mut said = Self::Auto;
        let mut arguments = arguments.map_while(|argument| match argument.to_str() {
            Some("--") => None,
            text => Some(text.unwrap_or_default().to_owned()),
        });
        while let Some(argument) = arguments.next() {
            let word = match argument.strip_prefix("--color") {
                Some("") => arguments.next(),
                Some(word) => word.strip_prefix('=').map(str::to_owned),
                None if argument == "--no-color" => Some("never".to_owned()),
                None => None,
            };
            said = word.and_then(|word| clap::ValueEnum::from_str(&word, false).ok()).unwrap_or(said);
        }
        said
    }

    const fn of_stream(self) -> anstream::ColorChoice {
        match self {
            Self::Auto => anstream::ColorChoice::Auto,
            Self::Always => anstream::ColorChoice::Always,
            Self::Never => anstream::ColorChoice::Never,
        }
    }

    const fn of_parser(self) -> clap::ColorChoice {
        match self {
            Self::Auto => clap::ColorChoice::Auto,
            Self::Always => clap::ColorChoice::Always,
            Self::Never => clap::ColorChoice::Never,
        }
    }
}

#[derive(Debug, Subcommand)]
enum Command {
    /// The daemon: reads the mailbox and works on requests until it is told to stop.
    Run(run::RunArgs),
    /// The whole way from letter to confirmation in a temporary world; needs no config, network or server.
    Demo(demo::DemoArgs),
    /// Says whether config, data maps, lexicon and templates are right, and what to do where not.
    Check(check::CheckArgs),
    /// Tries whether what the config trusts can be trusted. Sends letters, and only when it is told to.
    #[command(subcommand)]
    Doctor(doctor::DoctorCommand),
    /// The data maps: whether they are true of their stores, proposals, drift, a picture.
    #[command(subcommand)]
    Map(map::MapCommand),
    /// The register of processing (Art. 30 GDPR), as far as the data maps know it.
    Register(register::RegisterArgs),
    /// Shows what would be erased for an address, with counts. Writes nothing.
    Plan(plan::PlanArgs),
    /// Agrees to the rows of a plan for a request, where they are more than one subject may have, or moved. Erases nothing.
    Apply(apply::ApplyArgs),
    /// Says of letters in files what they ask for, as the daemon would judge them. Needs no config.
    Classify(classify::ClassifyArgs),
    /// Says of letters in files why they are taken for what they are, and who sent them.
    Explain(explain::ExplainArgs),
    /// What people asked for: looks, puts right, decides.
    #[command(subcommand)]
    Requests(requests::RequestsCommand),
    /// After a store came back from a backup: has erased again what had been erased since.
    Replay(replay::ReplayArgs),
    /// What stays in the stores after erasures, on which ground and until when.
    #[command(subcommand)]
    Retention(retention::RetentionCommand),
    /// The suppression list: whether a file that is to be imported names somebody who was erased.
    #[command(subcommand)]
    Suppress(suppress::SuppressCommand),
    /// Legal holds: what nothing may be erased from.
    #[command(subcommand)]
    Holds(holds::HoldsCommand),
    /// The work that waits, is done now, or failed for good.
    #[command(subcommand)]
    Jobs(jobs::JobsCommand),
    /// Our own database itself.
    #[command(subcommand)]
    Ledger(ledger::LedgerCommand),
    /// The confirmation trail.
    #[command(subcommand)]
    Trail(trail::TrailCommand),
    /// The support mailbox as our own database knows it.
    #[command(subcommand)]
    Mailbox(mailbox::MailboxCommand),
    /// The config.
    #[command(subcommand)]
    Config(example::ConfigCommand),
    /// Prints the completions for a shell.
    Completions(completions::CompletionsArgs),
}

/// The whole program: the command line of the process in, its exit code out.
#[must_use]
pub fn main() -> ExitCode {
    let colour = Colour::said(std::env::args_os().skip(1));
    colour.of_stream().write_global();
    let read = CommandLine::command().color(colour.of_parser()).try_get_matches();
    let read = read.unwrap_or_else(|error| with_the_forms_of_register(error).exit());
    let line = CommandLine::from_arg_matches(&read).unwrap_or_else(|error| error.exit());
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let ended = match runtime.context("the program cannot start its threads") {
        Ok(runtime) => {
            let ended = runtime.block_on(dispatch(line));
            // What is asked of the operating system and cannot be given up, such as a name, is waited for by nobody.
            runtime.shutdown_background();
            ended
        }
        Err(error) => Err(error.into()),
    };
    match ended {
        Ok(()) => Exit::Done.into(),
        Err(ended) => ended.report().into(),
    }
}

/// The register has forms that no other data have, and an argument of its own for them.
fn with_the_forms_of_register(mut error: clap::Error) -> clap::Error {
    if let Some(ContextValue::String(value)) = error.get(ContextKind::InvalidValue)
        && matches!(value.as_str(), "csv" | "markdown")
    {
        let tip = format!("the register is written so by 'expunged register --as {value}'");
        error.insert(ContextKind::Suggested, ContextValue::StyledStrs(vec![tip.into()]));
    }
    error
}

async fn dispatch(line: CommandLine) -> Outcome {
    let Global { config, output, verbose, .. } = line.global;
    let named = || std::env::var_os("EXPUNGED_CONFIG").filter(|file| !file.is_empty()).map(PathBuf::from);
    let config = config.or_else(named);
    let config_is_named = config.is_some();
    let config_file = config.unwrap_or_else(|| PathBuf::from(CONFIG_FILE));
    let invocation = Invocation { config_file, config_is_named, format: output, verbose };
    // The daemon logs as its config says; a command for people says only what goes wrong.
    if !matches!(line.command, Command::Run(_)) {
        logging::for_people(verbose)?;
    }
    match line.command {
        Command::Run(args) => run::run(&invocation, &args).await,
        Command::Demo(args) => demo::run(&invocation, &args).await,
        Command::Check(args) => check::run(&invocation, &args).await,
        Command::Doctor(command) => doctor::run(&invocation, command).await,
        Command::Map(command) => map::run(&invocation, command).await,
        Command::Register(args) => register::run(&invocation, &args),
        Command::Plan(args) => plan::run(&invocation, &args).await,
        Command::Apply(args) => apply::run(&invocation, &args).await,
        Command::Classify(args) => classify::run(&invocation, args).await,
        Command::Explain(args) => explain::run(&invocation, &args).await,
        Command::Requests(command) => requests::run(&invocation, command).await,
        Command::Replay(args) => replay::run(&invocation, &args).await,
        Command::Retention(command) => retention::run(&invocation, command).await,
        Command::Suppress(command) => suppress::run(&invocation, command).await,
        Command::Holds(command) => holds::run(&invocation, command).await,
        Command::Jobs(command) => jobs::run(&invocation, command).await,
        Command::Ledger(command) => ledger::run(&invocation, command).await,
        Command::Trail(command) => trail::run(&invocation, command).await,
        Command::Mailbox(command) => mailbox::run(&invocation, command).await,
        Command::Config(command) => example::run(&command),
        Command::Completions(args) => completions::run(&args),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_of_the_register_is_told_where_it_is_given() {
        let asked = CommandLine::command().try_get_matches_from(["expunged", "register", "-o", "csv"]).unwrap_err();
        let said = with_the_forms_of_register(asked).to_string();
        assert!(said.contains("expunged register --as csv"), "{said}");
    }

    #[test]
    fn the_last_word_about_colour_counts_wherever_it_stands() {
        for (line, colour) in [
            ("requests list", Colour::Auto),
            ("--no-color requests list", Colour::Never),
            ("requests --color=always list", Colour::Always),
            ("requests list --color never", Colour::Never),
            ("--no-color requests list --color always", Colour::Always),
            ("--color green list", Colour::Auto),
            ("requests note EXP-7K3Q-M2 -- --no-color", Colour::Auto),
        ] {
            assert_eq!(Colour::said(line.split(' ').map(Into::into)), colour, "{line}");
        }
    }
}
