//! Whether those who are asked to erase too can be asked, as far as the maps tell, and whether the pages could be served. Nobody is
//! asked, and nobody is answered.

use std::io::ErrorKind;

use crate::config::{Config, PAGES};
use crate::daemon::build::{self, BuildError};
use crate::erase::DataMap;
use crate::erase::map::recipient::Way;
use crate::web::{self, WebError};

use super::super::exit::Exit;
use super::super::invocation::Invocation;
use super::{Finding, Report};

/// A line for each thing that would keep a recipient from being asked, or from being asked for what they hold.
pub(super) fn recipients(report: &mut Report, config: &Config, map: &DataMap) {
    match build::services(map, Invocation::credentials().as_deref()) {
        Ok(services) => {
            if !services.is_empty() {
                report.ok("recipients", format!("{} are asked by signed HTTP", services.len()));
            }
            for (name, service) in &services {
                if let Err(error) = service.check_host() {
                    report.error(format!("recipient {name}"), Exit::Usage, error, "");
                }
            }
        }
        Err(error) => report.error("recipients", Exit::Usage, error, ""),
    }
    let mapped = map.categories();
    for (name, recipient) in map.recipients() {
        if let Way::Mail { address, .. } = &recipient.way
            && is_ours(config, address)
        {
            let words = format!(
                "{address} is the mailbox that we read: what we ask would come back to us, and nobody would answer; \
                 write the recipient's own address in {}",
                recipient.file
            );
            report.failed(format!("recipient {name}"), Exit::Usage, words);
        }
        let unknown: Vec<&str> =
            recipient.categories.iter().map(String::as_str).filter(|category| !mapped.contains(category)).collect();
        if !unknown.is_empty() {
            let words = format!(
                "no column of a map has the category: {}. They are asked for it with a whole person or account, and never \
                 where somebody names such data; see that it is written in {} as in the maps of the stores",
                unknown.join(", "),
                recipient.file
            );
            report.ok(format!("categories of {name}"), words);
        }
    }
}

/// Urls of another kind of store than their maps name. What cannot be read yet is told where it is opened.
pub(super) fn urls(report: &mut Report, map: &DataMap) {
    for (name, store) in map.stores() {
        if let Err(error @ BuildError::OtherKind { .. }) = build::url_of(store, Invocation::credentials().as_deref()) {
            report.error(format!("store {name}"), Exit::Usage, error, "");
        }
    }
}

/// Whether letters to this address come to the mailbox of the service.
fn is_ours(config: &Config, address: &str) -> bool {
    let split =
        |address: &str| address.rsplit_once('@').map(|(local, domain)| (local.to_lowercase(), domain.to_lowercase()));
    let plain = |(local, domain): (String, String)| (local.split('+').next().unwrap_or_default().to_owned(), domain);
    let ours = split(&config.service.address).map(plain);
    ours.is_some() && split(address).map(plain) == ours
}

/// Whether the pages could be served, where there are any, and what the url in our letters must lead to.
pub(super) async fn pages(report: &mut Report, config: &Config) {
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
