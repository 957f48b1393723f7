//! Whether those who are asked to erase too can be asked, as far as the maps tell. Nobody is asked.

use crate::config::Config;
use crate::daemon::build::{self, BuildError};
use crate::erase::DataMap;
use crate::erase::map::StoreUrl;
use crate::erase::map::recipient::Way;

use super::super::exit::Exit;
use super::super::invocation::Invocation;
use super::Report;

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

/// Files of urls that are not there or cannot be read, and urls of another kind of store than their maps name. A credential is there for
/// the unit of systemd only.
pub(super) fn urls(report: &mut Report, map: &DataMap) {
    for (name, store) in map.stores() {
        match build::url_of(store, Invocation::credentials().as_deref()) {
            Err(BuildError::Url { .. }) if matches!(store.url, StoreUrl::Credential(_)) => {}
            Err(error) => report.error(format!("store {name}"), Exit::Usage, error, ""),
            Ok(_) => {}
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
