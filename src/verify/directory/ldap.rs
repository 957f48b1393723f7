//! A directory that is an LDAP server (RFC 4511): each query is a filter (RFC 4515) below one base, and attributes stand for columns.
//!
//! What is looked up is escaped into the filter and never pasted. Never binds or asks before TLS stands, but on this machine;
//! never follows a referral, and never asks longer or for more entries than its limits.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use ldap3::{Ldap, LdapConnAsync, LdapConnSettings, LdapError, Scope, SearchEntry, SearchOptions, ldap_escape};
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;
use secrecy::{ExposeSecret, SecretString};
use tracing::instrument::WithSubscriber as _;
use tracing::subscriber::NoSubscriber;
use url::{Host, Url};

use super::sql::{Lookup, QueryError, Refusal, Row};
use crate::domain::{Retry, Role};

/// `sizeLimitExceeded` (RFC 4511 §4.1.9): there are more entries than were asked for.
const SIZE_LIMIT_EXCEEDED: u32 = 4;
/// `busy`, `unavailable`, and what a server says that is at its limits: later it may answer.
const NOT_NOW: [u32; 5] = [3, 11, 51, 52, 80];

/// Where the server is, and what its entries mean.
#[derive(Clone)]
pub struct LdapSettings {
    /// `ldaps://HOST[:PORT]`, or `ldap://…`, which is encrypted by STARTTLS but on this machine.
    pub url: Url,
    /// A PEM file with the certificate authority to trust instead of the system's.
    pub ca_file: Option<PathBuf>,
    /// Who we are there; nobody without it.
    pub bind: Option<(String, SecretString)>,
    /// Below which entry is looked.
    pub base: String,
    /// Column to attribute.
    pub columns: BTreeMap<String, String>,
    /// What the values of the role's attribute mean; a value that is not among them must be one of our words.
    pub roles: BTreeMap<String, Role>,
    /// One question must be answered within this time.
    pub timeout: Duration,
}

impl std::fmt::Debug for LdapSettings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "LdapSettings({})", self.url.host_str().unwrap_or("-"))
    }
}

impl LdapSettings {
    /// Whether this is the place of an LDAP server.
    #[must_use]
    pub fn is_place(url: &Url) -> bool {
        matches!(url.scheme(), "ldap" | "ldaps")
            && url.has_host()
            && url.username().is_empty()
            && url.password().is_none()
            && matches!(url.path(), "" | "/")
            && url.query().is_none()
            && url.fragment().is_none()
    }

    /// Whether it is on this machine.
    fn is_here(&self) -> bool {
        match self.url.host() {
            // A scheme that the library does not know has its host as it is written.
            Some(Host::Domain(name)) => {
                name == "localhost" || name.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
            }
            Some(Host::Ipv4(ip)) => ip.is_loopback(),
            Some(Host::Ipv6(ip)) => ip.is_loopback(),
            None => false,
        }
    }
}

/// Why the server gave no answer. It holds nothing of what was asked or said.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DirectoryServerError {
    /// No connection, or it broke.
    #[error("the LDAP server is not reached, or its certificate is not trusted (url and ca_file in [directory.ldap])")]
    Away,
    /// No answer in time.
    #[error("the LDAP server does not answer in time")]
    Late,
    /// It said no.
    #[error("the LDAP server answers with result code {0} (RFC 4511 §4.1.9): {hint}", hint = hint(*.0))]
    Refused(u32),
    /// What is asked is no filter.
    #[error("a filter in [directory.ldap] is none (RFC 4515)")]
    NoFilter,
    /// An attribute that stands for one value has several.
    #[error("an entry has several values for `{0}`, which stands for one")]
    SeveralValues(String),
    /// The file with the certificate authority cannot be used.
    #[error("no certificate can be read from {}; check ca_file in [directory.ldap]", .0.display())]
    CaFile(PathBuf),
}

/// What a result code asks a person to look at.
fn hint(code: u32) -> &'static str {
    match code {
        _ if NOT_NOW.contains(&code) => "not now",
        // inappropriateAuthentication, invalidCredentials; strongerAuthRequired, confidentialityRequired, insufficientAccessRights
        48 | 49 => "it refuses bind_dn or its password",
        8 | 13 => "it lets nobody in without TLS or a stronger login",
        50 => "bind_dn may not read there",
        SIZE_LIMIT_EXCEEDED => {
            "its own limit for bind_dn cuts the list short; give it one of more than directory_rows_max under [limits]"
        }
        // noSuchObject, invalidDNSyntax
        32 | 34 => "base is not there, or bind_dn may not see it",
        _ => "check bind_dn, base and the filters in [directory.ldap]",
    }
}

impl DirectoryServerError {
    /// What a server answers to all is mended by a person, and waited for; only an entry's own fault ends a letter's way.
    const fn retry(&self) -> Retry {
        match self {
            Self::Away | Self::Late | Self::Refused(_) | Self::NoFilter | Self::CaFile(_) => Retry::Transient,
            Self::SeveralValues(_) => Retry::Permanent,
        }
    }

    /// What a person has to mend before anybody is answered.
    fn refusal(&self) -> Option<Refusal> {
        match self {
            Self::Away | Self::Late | Self::SeveralValues(_) => None,
            Self::Refused(code) if NOT_NOW.contains(code) => None,
            Self::Refused(8 | 13 | 48 | 49 | 50) => Some(Refusal::Login),
            Self::Refused(_) | Self::NoFilter | Self::CaFile(_) => Some(Refusal::Question),
        }
    }
}

/// Whether a text is a filter (RFC 4515), whatever is looked up by it.
#[must_use]
pub fn is_filter(text: &str) -> bool {
    let params = ["address", "account", "identifier"].map(|name| (name, "x"));
    ldap3::parse_filter(filled(text, &params)).is_ok()
}

impl From<DirectoryServerError> for QueryError {
    fn from(error: DirectoryServerError) -> Self {
        Self { retry: error.retry(), refusal: error.refusal(), source: Box::new(error) }
    }
}

/// The questions of a directory to an LDAP server; each has a connection of its own.
pub struct LdapLookup {
    settings: LdapSettings,
    /// Entries of one answer at most.
    entries_max: usize,
}

impl LdapLookup {
    /// Questions by these settings; nothing is connected yet.
    #[must_use]
    pub const fn new(settings: LdapSettings, entries_max: usize) -> Self {
        Self { settings, entries_max }
    }

    async fn ask(&self, filter: &str) -> Result<Vec<SearchEntry>, DirectoryServerError> {
        let LdapSettings { url, timeout, ca_file, .. } = &self.settings;
        // One TLS provider for everything; where it is installed already, it stays.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let starttls = url.scheme() == "ldap" && !self.settings.is_here();
        let mut connection = LdapConnSettings::new().set_conn_timeout(*timeout).set_starttls(starttls);
        if let Some(path) = ca_file {
            connection = connection.set_config(trusting(path)?);
        }
        let opened = LdapConnAsync::with_settings(connection, url.as_str()).await;
        let (driver, mut ldap) = opened.map_err(|_| DirectoryServerError::Away)?;
        let mut driver = pin!(driver.drive());
        let answer = tokio::select! {
            answer = self.search(&mut ldap, filter) => answer,
            _ = &mut driver => return Err(DirectoryServerError::Away),
        };
        // The server may close the connection before the farewell is through; the answer is here already.
        tokio::select! {
            _ = ldap.unbind() => {}
            _ = &mut driver => {}
        }
        answer
    }

    async fn search(&self, ldap: &mut Ldap, filter: &str) -> Result<Vec<SearchEntry>, DirectoryServerError> {
        if let Some((dn, password)) = &self.settings.bind {
            let bound = ldap.simple_bind(dn, password.expose_secret()).await.map_err(|error| away(&error))?;
            if bound.rc != 0 {
                return Err(DirectoryServerError::Refused(bound.rc));
            }
        }
        // One more than may be, so that too many are seen to be too many.
        let most = i32::try_from(self.entries_max.saturating_add(1)).unwrap_or(i32::MAX);
        ldap.with_search_options(SearchOptions::new().sizelimit(most));
        let attributes: Vec<&str> = self.settings.columns.values().map(String::as_str).collect();
        let found = ldap.search(&self.settings.base, Scope::Subtree, filter, attributes).await;
        let ldap3::SearchResult(entries, result) = found.map_err(|error| away(&error))?;
        // A list that the server cut at a limit of its own is not the whole: who is not in it may be meant.
        let is_too_many = result.rc == SIZE_LIMIT_EXCEEDED && entries.len() > self.entries_max;
        if result.rc != 0 && !is_too_many {
            return Err(DirectoryServerError::Refused(result.rc));
        }
        Ok(entries.into_iter().filter(|entry| !entry.is_ref()).map(SearchEntry::construct).collect())
    }

    /// The columns of an entry. Of several addresses the one that was asked for counts, or else the first that the server lists.
    fn row(&self, entry: &SearchEntry, params: &[(&str, &str)]) -> Result<Row, DirectoryServerError> {
        let mut row = Row::new();
        for (column, attribute) in &self.settings.columns {
            let values = values(&entry.attrs, attribute);
            let asked = |value: &&String| params.iter().any(|(_, asked)| value.to_lowercase() == asked.to_lowercase());
            let value = match (values, column.as_str()) {
                ([], _) => None,
                ([only], _) => Some(only),
                (several, "address") => several.iter().find(asked).or(several.first()),
                _ => return Err(DirectoryServerError::SeveralValues(attribute.clone())),
            };
            let value = value.map(|value| match column.as_str() {
                "role" => self.settings.roles.get(value).map_or_else(|| value.clone(), ToString::to_string),
                "changed_at" => time(value).unwrap_or_else(|| value.clone()),
                _ => value.clone(),
            });
            row.insert(column.clone(), value);
        }
        Ok(row)
    }
}

fn away(error: &LdapError) -> DirectoryServerError {
    match error {
        LdapError::Timeout { .. } => DirectoryServerError::Late,
        LdapError::LdapResult { result } => DirectoryServerError::Refused(result.rc),
        LdapError::FilterParsing => DirectoryServerError::NoFilter,
        _ => DirectoryServerError::Away,
    }
}

/// The names of attributes have no case (RFC 4512 §2.5).
fn values<'a>(attributes: &'a HashMap<String, Vec<String>>, name: &str) -> &'a [String] {
    attributes.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map_or(&[], |(_, values)| values)
}

/// GeneralizedTime in UTC (`20260305100000Z`, RFC 4517 §3.3.13, with or without a fraction) as RFC 3339.
fn time(text: &str) -> Option<String> {
    let digits = text.strip_suffix('Z')?.split(['.', ',']).next()?;
    let time = jiff::civil::DateTime::strptime("%Y%m%d%H%M%S", digits).ok()?;
    Some(format!("{time}Z"))
}

/// The filter with what is looked up escaped into it (RFC 4515 §3).
fn filled(filter: &str, params: &[(&str, &str)]) -> String {
    let mut filled = String::with_capacity(filter.len() + 64);
    let mut rest = filter;
    while let Some((before, after)) = rest.split_once(':') {
        filled.push_str(before);
        let end = after.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(after.len());
        let (name, behind) = after.split_at(end);
        match params.iter().find(|(known, _)| *known == name) {
            Some((_, value)) => filled.push_str(&ldap_escape(*value)),
            None => {
                filled.push(':');
                filled.push_str(name);
            }
        }
        rest = behind;
    }
    filled + rest
}

/// Trusts this authority alone.
fn trusting(path: &Path) -> Result<Arc<ClientConfig>, DirectoryServerError> {
    let unusable = || DirectoryServerError::CaFile(path.to_owned());
    let certificates: Vec<CertificateDer<'static>> =
        CertificateDer::pem_file_iter(path).and_then(Iterator::collect).map_err(|_| unusable())?;
    let mut roots = RootCertStore::empty();
    for certificate in certificates {
        roots.add(certificate).map_err(|_| unusable())?;
    }
    if roots.is_empty() {
        return Err(unusable());
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    Ok(Arc::new(config.map_err(|_| unusable())?.with_root_certificates(roots).with_no_client_auth()))
}

#[async_trait]
impl Lookup for LdapLookup {
    async fn lookup(&self, filter: &str, params: &[(&str, &str)]) -> Result<Vec<Row>, QueryError> {
        let filter = filled(filter, params);
        // The library's own records may hold what is looked up.
        let asked = self.ask(&filter).with_subscriber(NoSubscriber::default());
        let answer = tokio::time::timeout(self.settings.timeout, asked).await;
        let entries = answer.map_err(|_| DirectoryServerError::Late)??;
        Ok(entries.iter().map(|entry| self.row(entry, params)).collect::<Result<Vec<_>, _>>()?)
    }

    async fn describe(&self, _: &str, _: &[&str]) -> Result<Vec<String>, QueryError> {
        Ok(self.settings.columns.keys().cloned().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_looked_up_is_escaped_into_the_filter() {
        let params = [("account", "A1"), ("identifier", "*)(uid=*")];
        let filter = "(&(o=:account)(|(mail=:identifier)(uid=:identifier))(x:caseExactMatch:=y))";
        let filled = filled(filter, &params);
        assert_eq!(filled, "(&(o=A1)(|(mail=\\2a\\29\\28uid=\\2a)(uid=\\2a\\29\\28uid=\\2a))(x:caseExactMatch:=y))");
        assert_eq!(super::filled("(mail=:address)", &[("address", ":address")]), "(mail=:address)");
    }

    #[test]
    fn a_generalized_time_is_read_in_utc_alone() {
        assert_eq!(time("20260305100000Z").as_deref(), Some("2026-03-05T10:00:00Z"));
        assert_eq!(time("20260305100000.0Z").as_deref(), Some("2026-03-05T10:00:00Z"));
        assert!(["20260305100000", "20260305100000+0100", "soon", ""].iter().all(|text| time(text).is_none()));
    }
}
