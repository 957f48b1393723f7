//! Whether the Authentication-Results of our own MX count: while [`doctor`](super::doctor) has proven that it takes out what
//! others forge in its name, and only for letters that came since.
//!
//! A run that failed revokes what was proven before it. Each has our mark: rows that plain SQL wrote prove nothing, and revoke as
//! one that failed.

use serde_json::Value;

use super::error::FlowError;
use super::house::House;
use crate::authenticate::{OurMx, Unproven};
use crate::config;
use crate::db::mx_runs::{self, Run, Verdict};
use crate::db::{Tx, trail};
use crate::domain::{CaseId, Timestamp};
use crate::trail::Event;
use crate::vault::GateKey;

/// The name of the fact by which a leaf says that the results of our MX were passed over.
pub(super) const FACT: &str = "our_mx";
/// What the mark of a run is made for.
const LABEL: &str = "mx-run";

/// How our own MX stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Nobody has tried it.
    Never,
    /// When it was tried last, it was not proven.
    Failed {
        /// When that was.
        at: Timestamp,
        /// What was found.
        verdict: Verdict,
    },
    /// It was proven last at this time, which is too long ago.
    Outdated {
        /// When that was.
        at: Timestamp,
    },
    /// It is proven.
    Proven {
        /// For letters that came since.
        since: Timestamp,
        /// Up to then, unless it is proven anew.
        until: Timestamp,
    },
}

impl Standing {
    /// Why a letter that came at this time is not judged by our MX; `None` where it is.
    #[must_use]
    pub fn unproven(&self, received_at: Timestamp) -> Option<Unproven> {
        match self {
            Self::Never => Some(Unproven::Never),
            Self::Failed { .. } => Some(Unproven::Failed),
            Self::Outdated { .. } => Some(Unproven::Outdated),
            Self::Proven { since, .. } => (received_at < *since).then_some(Unproven::Before),
        }
    }
}

/// How our own MX stands at this time; `None` where the configuration names none.
///
/// # Errors
/// When our database does not answer.
pub async fn standing(
    tx: &mut Tx,
    gate: &GateKey,
    settings: &config::Authentication,
    now: Timestamp,
) -> Result<Option<Standing>, FlowError> {
    let Some(name) = &settings.trusted_mx else { return Ok(None) };
    let mut runs = mx_runs::ended(tx, name).await?;
    runs.iter_mut().filter(|run| !run.is_ours(gate)).for_each(|run| run.verdict = Verdict::Untold);
    let Some(last) = runs.first() else { return Ok(Some(Standing::Never)) };
    if last.verdict != Verdict::Proven {
        return Ok(Some(Standing::Failed { at: last.ended_at, verdict: last.verdict }));
    }
    let until = last.ended_at.plus(settings.proof);
    if until <= now {
        return Ok(Some(Standing::Outdated { at: last.ended_at }));
    }
    let unbroken = runs.iter().take_while(|run| run.verdict == Verdict::Proven);
    let since = unbroken.last().map_or(last.began_at, |run| run.began_at);
    Ok(Some(Standing::Proven { since, until }))
}

/// Our own MX as a letter is judged by it that came at this time.
///
/// # Errors
/// As [`standing`].
pub async fn of(house: &House, received_at: Timestamp) -> Result<OurMx<'_>, FlowError> {
    let settings = &house.config.authentication;
    let Some(name) = &settings.trusted_mx else { return Ok(OurMx::Unnamed) };
    let mut tx = house.db.read().await?;
    let standing = standing(&mut tx, house.keys.gate(), settings, house.clock.now()).await?;
    let unproven = standing.and_then(|standing| standing.unproven(received_at));
    Ok(unproven.map_or(OurMx::Trusted(name), OurMx::Unproven))
}

/// Why the results of our MX were passed over in the last letter of a case in which they were, for who looks at it.
///
/// # Errors
/// When our database does not answer.
pub async fn passed_over(tx: &mut Tx, case: CaseId) -> Result<Option<Unproven>, FlowError> {
    for leaf in trail::show(tx, case).await?.iter().rev().filter(|leaf| leaf.event == Event::LetterJudged) {
        let facts = leaf.leaf.read()?.facts;
        if let Some(why) = facts.get(FACT).and_then(Value::as_str).and_then(|word| word.parse().ok()) {
            return Ok(Some(why));
        }
    }
    Ok(None)
}

impl Run {
    /// The same with our mark.
    pub(super) fn marked(self, gate: &GateKey) -> Self {
        let mark = self.with_parts(|parts| gate.mac(LABEL, parts));
        Self { mark, ..self }
    }

    fn is_ours(&self, gate: &GateKey) -> bool {
        self.with_parts(|parts| gate.verify(LABEL, parts, &self.mark))
    }

    fn with_parts<T>(&self, act: impl FnOnce(&[&[u8]]) -> T) -> T {
        let (began, ended) = (self.began_at.as_micros().to_be_bytes(), self.ended_at.as_micros().to_be_bytes());
        act(&[
            self.id.as_bytes(),
            self.authserv_id.as_bytes(),
            self.server.as_bytes(),
            &began,
            &ended,
            self.verdict.as_str().as_bytes(),
        ])
    }
}
