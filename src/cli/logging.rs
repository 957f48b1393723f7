//! Where the log goes: stderr, in the form and with the filter of the config. No address, name or letter is logged.

use anyhow::Context as _;
use tracing_subscriber::EnvFilter;

use crate::config::{Log, LogFormat};

use super::exit::Ended;
use crate::output::colour_on_stderr;

/// For the daemon: as `[log]` says; each `-v` says more of our own rooms.
pub(super) fn of_daemon(log: &Log, verbose: u8) -> Result<(), Ended> {
    let filter = match verbose {
        0 => log.filter.clone(),
        1 => format!("{},expunged=debug", log.filter),
        _ => format!("{},expunged=trace", log.filter),
    };
    start(&filter, log.format)
}

/// For commands of people: what goes wrong; each `-v` says as much more as it does for the daemon.
pub(super) fn for_people(verbose: u8) -> Result<(), Ended> {
    let filter = match verbose {
        0 => "error",
        1 => "info,expunged=debug",
        _ => "info,expunged=trace",
    };
    start(filter, LogFormat::Text)
}

fn start(filter: &str, format: LogFormat) -> Result<(), Ended> {
    let filter = EnvFilter::try_new(filter).context("[log] filter is no filter of levels, such as \"info\"")?;
    // A line that cannot be written (a full disk, a reader that has gone) is lost; said on stderr, that would end the program.
    let lines =
        tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).log_internal_errors(false);
    let started = match format {
        LogFormat::Text => lines.with_ansi(colour_on_stderr()).try_init(),
        LogFormat::Json => lines.json().flatten_event(true).try_init(),
    };
    started.map_err(|error| Ended::from(anyhow::anyhow!("the log cannot be started: {error}")))
}
