//! `expunged retention`: what stays in the stores after erasures, on which ground and until when.

use super::exit::Outcome;
use super::invocation::Invocation;
use crate::flow::retention::{self, KeptLine};
use crate::output::{self, Tabular};

/// What `retention` understands.
#[derive(Debug, clap::Subcommand)]
pub(super) enum RetentionCommand {
    /// Rows that stay on a ground, what ends first first; counts only.
    List,
}

impl Tabular for KeptLine {
    const HEADS: &'static [&'static str] =
        &["until at the latest", "store", "table", "rows", "requests", "ground", "over"];

    fn cells(&self) -> Vec<String> {
        vec![
            self.until.map(|until| until.to_string()).unwrap_or_default(),
            self.store.clone(),
            self.table.clone(),
            self.rows.to_string(),
            self.requests.to_string(),
            self.ground.clone(),
            if self.over { "over".to_owned() } else { String::new() },
        ]
    }
}

/// Lists.
pub(super) async fn run(invocation: &Invocation, command: RetentionCommand) -> Outcome {
    let RetentionCommand::List = command;
    let (house, _) = invocation.desk().await?;
    Ok(output::rows(invocation.format, &retention::list(&house).await?)?)
}
