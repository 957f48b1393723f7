//! Whether the pages could be served. Nobody is answered.

use std::io::ErrorKind;

use crate::config::{Config, PAGES};
use crate::web::{self, WebError};

use super::super::exit::Exit;
use super::{Finding, Report};

/// Whether the pages could be served, where there are any, and what the url in our letters must lead to.
pub(super) async fn served(report: &mut Report, config: &Config) {
    let Some(settings) = &config.web else { return };
    let leads = format!(
        "{}{PAGES}… and {0}/assets/… must lead to {} by your TLS proxy, which keeps the paths of the pages out of its log",
        settings.public_url, settings.listen
    );
    match web::try_listen(settings.listen).await {
        Ok(()) => report.ok("pages", leads),
        Err(WebError::Listen { source, .. }) if source.kind() == ErrorKind::AddrInUse => {
            let words = format!("{} is listened at already: right, where the daemon runs. {leads}", settings.listen);
            report.note("pages", Finding::NotTried, words);
        }
        Err(error) => report.error("pages", Exit::Usage, error, "'expunged run' refuses to start"),
    }
    let is_near = settings.listen.ip().is_loopback();
    match &settings.client_address_header {
        None if is_near => report.note(
            "limit of the pages",
            Finding::Warning,
            "without client_address_header all who come by a proxy on this machine count as nobody: only the limit per page holds",
        ),
        Some(name) if !is_near => report.note(
            "limit of the pages",
            Finding::Warning,
            format!("whoever reaches {} without your proxy writes into {name} what they like", settings.listen),
        ),
        _ => {}
    }
}
