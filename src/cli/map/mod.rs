//! `expunged map`: the data maps, as an engineer makes and keeps them. Reads stores and writes maps, never a row.

mod check;
mod diff;
mod draw;
mod files;
mod init;
pub(super) mod rights;
pub(super) mod worded;

use super::exit::Outcome;
use super::invocation::Invocation;

/// What `map` understands.
#[derive(Debug, clap::Subcommand)]
pub(super) enum MapCommand {
    /// Holds the maps against their stores: what is unmapped, cannot work, is slow, or is not permitted.
    Check(check::CheckArgs),
    /// Proposes a map from the schema of a store, or adds to a map what it lacks.
    Init(init::InitArgs),
    /// What changed in the schemas of the stores since they were last looked at.
    Diff(diff::DiffArgs),
    /// Draws the maps as a Mermaid flowchart.
    Draw,
}

/// Runs one.
pub(super) async fn run(invocation: &Invocation, command: MapCommand) -> Outcome {
    match command {
        MapCommand::Check(args) => check::run(invocation, &args).await,
        MapCommand::Init(args) => init::run(invocation, &args).await,
        MapCommand::Diff(args) => diff::run(invocation, &args).await,
        MapCommand::Draw => draw::run(invocation),
    }
}
