//! `expunged check --connect`: asks the spam filter about a letter that nobody sent.

use crate::cli::exit::Exit;
use crate::config::Config;
use crate::filter::Filters;

use super::Report;

/// A letter that says nothing.
const LETTER: &[u8] = b"From: check@localhost\r\nTo: check@localhost\r\nSubject: check\r\nMessage-ID: <check@localhost>\r\n\r\nIs anybody there?\r\n";

/// Asks it, where there is one.
pub(super) async fn ask(report: &mut Report, config: &Config) {
    const CHECK: &str = "spam filter";
    let Some(settings) = config.spam.clone() else { return };
    let Some(name) = settings.program.as_ref().map(crate::filter::Program::name) else { return };
    match Filters::new(settings).ask(LETTER).await {
        None => {}
        Some(Ok(_)) => report.ok(CHECK, format!("{name} answers")),
        Some(Err(error)) => {
            report.error(CHECK, Exit::Unavailable, error, "See [spam]; until it answers, letters are judged without it")
        }
    }
}
