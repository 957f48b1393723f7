//! `expunged completions`: what a shell needs to complete our command line.

use clap::CommandFactory as _;
use clap_complete::Shell;

use super::CommandLine;
use super::exit::Outcome;
use crate::output::write_out;

/// What `completions` understands.
#[derive(Debug, clap::Args)]
pub(super) struct CompletionsArgs {
    /// The shell.
    #[arg(value_enum)]
    shell: Shell,
}

/// Prints the completions.
pub(super) fn run(args: &CompletionsArgs) -> Outcome {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut CommandLine::command(), "expunged", &mut script);
    Ok(write_out(String::from_utf8_lossy(&script).trim_end())?)
}
