//! `expunged demo`: the whole way in a temporary world.

use super::exit::{Ended, Exit, Outcome};
use super::invocation::Invocation;

/// What `demo` understands.
#[derive(Debug, clap::Args)]
pub(super) struct DemoArgs {
    /// Leave the demo's world on disk and say how to look at it.
    #[arg(long)]
    keep: bool,
}

/// Plays the demo; it is done only if every outcome was the expected one.
pub(super) async fn run(invocation: &Invocation, args: &DemoArgs) -> Outcome {
    if crate::demo::run(args.keep, invocation.format).await? {
        Ok(())
    } else {
        Err(Ended::saying(Exit::Failed, "at least one outcome is not the expected one; the table above says which"))
    }
}
