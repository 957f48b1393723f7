//! `expunged requests`: the queue of the support team.

mod close;
mod list;
mod show;
mod verbs;

pub(super) use verbs::now;

use super::exit::Outcome;
use super::invocation::Invocation;

/// What `requests` understands.
#[derive(Debug, clap::Subcommand)]
pub(super) enum RequestsCommand {
    /// The open requests, what is due first first. A scope with a ? is offered in our letter, and not confirmed yet.
    List(list::ListArgs),
    /// One request: facts, due dates, letters, steps, what arrived for it.
    Show(show::ShowArgs),
    #[command(flatten)]
    Verb(verbs::Verb),
}

/// Looks or acts.
pub(super) async fn run(invocation: &Invocation, command: RequestsCommand) -> Outcome {
    match command {
        RequestsCommand::List(args) => list::run(invocation, &args).await,
        RequestsCommand::Show(args) => show::run(invocation, &args).await,
        RequestsCommand::Verb(verb) => verbs::run(invocation, verb).await,
    }
}
