//! `expunged config`: the commented example that is built into the program.

use super::exit::Outcome;
use crate::config::EXAMPLE;
use crate::output::write_out;

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
