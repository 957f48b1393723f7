//! `expunged config`: the commented example that is built into the program.

use super::exit::Outcome;
use super::output::write_out;
use crate::config::EXAMPLE;

/// What `config` understands.
#[derive(Debug, clap::Subcommand)]
pub(super) enum ConfigCommand {
    /// Prints the commented example with every setting and its default.
    Example,
}

/// Prints the example.
pub(super) fn run(command: &ConfigCommand) -> Outcome {
    match command {
        ConfigCommand::Example => Ok(write_out(EXAMPLE.trim_end())?),
    }
}
