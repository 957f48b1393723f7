//! Whether the results of our own MX count: what was proven of it, as our own database has it.

use std::time::Duration;

use crate::clock::{Clock as _, SystemClock};
use crate::config::Config;
use crate::db::Db;
use crate::db::mx_runs::Verdict;
use crate::domain::Timestamp;
use crate::flow::FlowError;
use crate::flow::our_mx::{self, Standing};
use crate::output::time;
use crate::vault::KeyEncryptionKey;

use super::super::exit::Exit;
use super::{Finding, Report};

const CHECK: &str = "trusted_mx";
/// What to do.
const TRY_IT: &str = "'expunged doctor mail --mx HOST' tries it";
/// So long before a proof ends it is said.
const SOON: Duration = Duration::from_secs(14 * 86_400);

/// Says that it was not looked up, where an MX is named.
pub(super) fn not_looked_up(report: &mut Report, config: &Config) {
    if config.authentication.trusted_mx.is_some() {
        let words = format!(
            "its results count only while it is proven that they cannot be forged; --connect looks, and {TRY_IT}"
        );
        report.note(CHECK, Finding::NotTried, words);
    }
}

/// Looks up what was proven.
pub(super) async fn look_up(report: &mut Report, config: &Config, (db, kek): (&Db, &KeyEncryptionKey)) {
    let now = SystemClock.now();
    match standing(config, (db, kek), now).await {
        Ok(None) => {}
        Ok(Some(standing)) => {
            let (finding, words) = said(&standing, now);
            report.note(CHECK, finding, words);
        }
        Err(error) => report.error(CHECK, Exit::Failed, error, ""),
    }
}

async fn standing(
    config: &Config,
    (db, kek): (&Db, &KeyEncryptionKey),
    now: Timestamp,
) -> Result<Option<Standing>, FlowError> {
    let keys = kek.installation_keys();
    our_mx::standing(&mut db.read().await?, keys.gate(), &config.authentication, now).await
}

/// A person's words for it; whatever leaves the results out is a warning.
fn said(standing: &Standing, now: Timestamp) -> (Finding, String) {
    let words = match standing {
        Standing::Proven { until, .. } if now.plus(SOON) < *until => {
            return (Finding::Ok, format!("proven; its results count until {}", time(*until)));
        }
        Standing::Proven { until, .. } => {
            format!("its results count until {} and no longer: try it again", time(*until))
        }
        Standing::Never => "its results do not count: nobody has proven that they cannot be forged".to_owned(),
        Standing::Outdated { at } => {
            format!("its results do not count any more: that they cannot be forged was proven on {}", time(*at))
        }
        Standing::Failed { at, verdict } => format!("its results do not count: on {} {}", time(*at), found(*verdict)),
    };
    (Finding::Warning, format!("{words}. {TRY_IT}"))
}

const fn found(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Forgeable => "it let forged ones through",
        Verdict::Unsigned => "letters arrived without any",
        Verdict::Proven | Verdict::Untold | Verdict::Unreached => "nothing was proven",
    }
}
