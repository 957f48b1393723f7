//! `expunged replay`: after a store came back from a backup, erases again what had been erased since.

use jiff::civil::Date;

use crate::cli::exit::{Ended, Exit, Outcome};
use crate::cli::invocation::Invocation;
use crate::domain::Timestamp;
use crate::flow::canary::{self, Replayed};
use crate::flow::legal;
use crate::output::{Format, counted, one, say};
use crate::stores::StoreName;

/// What `replay` understands.
#[derive(Debug, clap::Args)]
pub(super) struct ReplayArgs {
    /// The time of the backup, such as 2026-05-01T03:00:00Z, or a day. What was erased later is searched for again.
    #[arg(long, value_name = "TIME", value_parser = instant)]
    since: Timestamp,
    /// Only what was erased from this store.
    #[arg(long, value_name = "STORE")]
    store: Option<String>,
    /// Says how many requests it is about, and begins nothing.
    #[arg(long)]
    dry_run: bool,
}

/// An instant, or the first of a day in UTC.
fn instant(text: &str) -> Result<Timestamp, String> {
    if let Ok(instant) = text.parse::<jiff::Timestamp>() {
        return Ok(Timestamp::from_jiff(instant));
    }
    let day: Date = text.parse().map_err(|_| "expected 2026-05-01T03:00:00Z or 2026-05-01".to_owned())?;
    let start = jiff::tz::TimeZone::UTC.to_timestamp(day.to_datetime(jiff::civil::Time::midnight()));
    start.map(Timestamp::from_jiff).map_err(|error| error.to_string())
}

#[derive(serde::Serialize)]
struct Shown {
    requests: usize,
    forgotten: u64,
    begun: bool,
}

/// Orders the replay; the daemon does it.
pub(super) async fn run(invocation: &Invocation, args: &ReplayArgs) -> Outcome {
    let store = match &args.store {
        None => None,
        Some(name) => Some(StoreName::new(name).ok_or_else(|| {
            Ended::saying(Exit::NotFound, format_args!("there is no store {name:?} in the data maps"))
        })?),
    };
    let (house, operator) = invocation.desk().await?;
    if args.since > house.clock.now() {
        return Err(Ended::saying(
            Exit::Usage,
            "no backup is of a time to come; --since names when it was made, in UTC",
        ));
    }
    let Replayed { requests, forgotten } =
        canary::replay(&house, args.since, store.as_ref(), &operator, args.dry_run).await?;
    let shown = Shown { requests: requests.len(), forgotten, begun: !args.dry_run && !requests.is_empty() };
    if invocation.format != Format::Table {
        one(invocation.format, &shown, "")?;
    }
    let verb = if args.dry_run { "would be searched for again" } else { "are searched for again by the daemon" };
    say(&format!("{} {verb}", counted(shown.requests as u64, "request", "requests")));
    let holds = legal::count_standing(&house).await?;
    if holds > 0 {
        let holds = counted(holds as u64, "legal hold stands", "legal holds stand");
        say(&format!(
            "{holds}: what came back of the held is not erased before they are lifted; see 'expunged holds list'"
        ));
    }
    if forgotten > 0 {
        say(&format!("{forgotten} more were erased since then, and their saved keys were destroyed by their term"));
    }
    Ok(())
}
