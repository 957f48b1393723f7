//! The legal holds that a plan meets, and the steps that wait for them. Our own database is only read; where there is none yet
//! nothing is held, and where it cannot be read that is said.

use std::collections::BTreeSet;

use serde::Serialize;

use crate::cli::exit::{Ended, Exit};
use crate::cli::holds::{self, HoldLine};
use crate::config::Config;
use crate::daemon::build;
use crate::erase::{People, Skeleton, waiting};
use crate::flow::legal;
use crate::output::{Tabular, say};

/// A standing hold that the plan meets.
#[derive(Serialize)]
pub(super) struct HeldLine {
    #[serde(flatten)]
    hold: HoldLine,
    /// The steps that wait while it stands.
    steps: BTreeSet<u16>,
}

impl Tabular for HeldLine {
    const HEADS: &'static [&'static str] = &["legal hold", "on", "what", "reference", "placed", "steps that wait"];

    fn cells(&self) -> Vec<String> {
        let steps: Vec<String> = self.steps.iter().map(u16::to_string).collect();
        self.hold.standing().into_iter().chain([steps.join(", ")]).collect()
    }
}

/// The steps that wait for any of them.
pub(super) fn steps(held: &[HeldLine]) -> BTreeSet<u16> {
    held.iter().flat_map(|line| line.steps.iter().copied()).collect()
}

/// The holds that a plan for somebody of this account meets; `None` where they cannot be read.
pub(super) async fn find(
    config: &Config,
    account: &str,
    skeleton: &Skeleton,
    people: &People,
) -> Result<Option<Vec<HeldLine>>, Ended> {
    match met(config, account, skeleton, people).await {
        Ok(held) => Ok(Some(held)),
        // What is wrong by itself stops every command alike; what is away, or shut to us, need not stop who only looks.
        Err(ended) if ended.exit == Exit::Usage => Err(ended),
        Err(ended) => {
            say(&format!("legal holds are not shown: {:#}", ended.error));
            Ok(None)
        }
    }
}

async fn met(config: &Config, account: &str, skeleton: &Skeleton, people: &People) -> Result<Vec<HeldLine>, Ended> {
    let Some((db, kek)) = build::ledger_if_there(config).await? else { return Ok(Vec::new()) };
    let mut tx = db.read().await?;
    let mut lines = Vec::new();
    for (hold, tables) in legal::on_plan(&kek, &mut tx, account, skeleton, people).await? {
        let target = legal::target_of(&kek, &mut tx, &hold).await?;
        lines.push(HeldLine { hold: holds::line(hold, target, false), steps: waiting(skeleton, tables) });
    }
    drop(tx);
    db.close().await;
    Ok(lines)
}
