//! `[limits]`, `[log]`, `[workers]`: numbers and what they may be.

use tracing_subscriber::EnvFilter;

use super::super::error::Problem;
use super::super::raw::{Maybe, RawLimits, RawLog, RawWorkers};
use super::super::{Limits, Log, LogFormat, Workers};
use super::Checks;
use super::value::Unit;

impl Checks<'_> {
    pub(super) fn limits(&mut self, raw: Maybe<RawLimits>) -> Limits {
        let (_, raw) = Self::open("limits", raw);
        Limits {
            body_bytes_max: self.number("body_bytes_max", raw.body_bytes_max, 65_536..=268_435_456, 25 * 1024 * 1024),
            mime_depth_max: self.number("mime_depth_max", raw.mime_depth_max, 2..=100, 20),
            parts_max: self.number("parts_max", raw.parts_max, 1..=10_000, 200),
            text_chars_max: self.number("text_chars_max", raw.text_chars_max, 1_000..=10_000_000, 100_000),
            html_bytes_max: self.number("html_bytes_max", raw.html_bytes_max, 1_000..=10_000_000, 256 * 1024),
            rows_per_chunk: self.number("rows_per_chunk", raw.rows_per_chunk, 1..=100_000, 1_000),
            rows_per_subject_max: self.number(
                "rows_per_subject_max",
                raw.rows_per_subject_max,
                1..=1_000_000_000,
                1_000_000,
            ),
            drift_percent: self.number("drift_percent", raw.drift_percent, 0..=100, 10),
            drift_rows: self.number("drift_rows", raw.drift_rows, 0..=1_000_000, 100),
            directory_rows_max: self.number("directory_rows_max", raw.directory_rows_max, 1..=10_000, 50),
            statement: self.duration("statement_seconds", raw.statement_seconds, Unit::Seconds, 1..=3_600, 60),
            address_letters_per_hour: self.number(
                "address_letters_per_hour",
                raw.address_letters_per_hour,
                1..=1_000_000,
                20,
            ),
            domain_letters_per_hour: self.number(
                "domain_letters_per_hour",
                raw.domain_letters_per_hour,
                1..=1_000_000,
                500,
            ),
            letters_per_hour: self.number("letters_per_hour", raw.letters_per_hour, 1..=1_000_000, 2_000),
            alarms_gathered: self.duration(
                "alarms_gathered_minutes",
                raw.alarms_gathered_minutes,
                Unit::Minutes,
                0..=1_440,
                60,
            ),
        }
    }

    pub(super) fn log(&mut self, raw: Maybe<RawLog>) -> Log {
        let (_, raw) = Self::open("log", raw);
        let format = raw.format.and_then(|raw| self.word("format", &raw)).unwrap_or(LogFormat::Text);
        let Some(filter) = raw.filter else { return Log { format, filter: "info".to_owned() } };
        if let Err(error) = EnvFilter::try_new(filter.get_ref()) {
            let problem = Problem::new("`filter` is no filter of log lines")
                .at(filter.span(), "expected levels such as \"info\" or \"info,expunged::mailbox=debug\"")
                .help(format!("reason: {error}"));
            self.note(problem);
        }
        Log { format, filter: filter.into_inner() }
    }

    pub(super) fn workers(&mut self, raw: Maybe<RawWorkers>) -> Workers {
        let (_, raw) = Self::open("workers", raw);
        Workers {
            count: self.number("count", raw.count, 1..=256, 4),
            erasures: self.number("erasures", raw.erasures, 1..=64, 2),
            // With a rescue every 15 s, what a dead worker held is taken over within 60 s.
            lease: self.duration("lease_seconds", raw.lease_seconds, Unit::Seconds, 5..=45, 30),
            drain: self.duration("drain_seconds", raw.drain_seconds, Unit::Seconds, 1..=600, 30),
        }
    }
}
