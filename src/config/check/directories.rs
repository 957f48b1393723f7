//! `[directory.http]` and `[directory.ldap]`: directories that are asked over the network.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use serde_spanned::Spanned;
use url::Url;

use super::super::Directory;
use super::super::error::Problem;
use super::super::raw::{Maybe, RawHttpDirectory, RawLdapDirectory};
use super::secret::RawSecret;
use super::value::Unit;
use super::{Checks, Section};
use crate::domain::Role;
use crate::stores::AskError;
use crate::stores::http::{HttpLimits, SignedClient};
use crate::verify::{LdapSettings, is_filter};

/// The columns that entries must have an attribute for, and those that they may.
const NEEDED: [&str; 5] = ["account", "role", "person", "address", "label"];
const KNOWN: [&str; 2] = ["locale", "changed_at"];

impl Checks<'_> {
    pub(super) fn http_directory(&mut self, raw: Spanned<RawHttpDirectory>) -> Option<Directory> {
        let (section, raw) = Self::open("directory.http", Some(raw));
        let span = raw.url.as_ref().map(Spanned::span);
        let url = self.line_required(&section, "url", raw.url, "where the service is asked; https");
        let given = [&raw.secret, &raw.secret_file, &raw.secret_credential];
        let secret_span = given.into_iter().flatten().map(Spanned::span).next();
        let secret = RawSecret { value: raw.secret, file: raw.secret_file, credential: raw.secret_credential };
        let secret = self.secret(&section, "secret", secret);
        let allow = raw.allow.map_or_else(Vec::new, Spanned::into_inner);
        let allow: Option<Vec<IpAddr>> = allow.iter().map(|raw| self.ip(raw)).collect();
        let timeout = self.duration("timeout_seconds", raw.timeout_seconds, Unit::Seconds, 1..=120, 20);
        let (url, secret, allow) = (url?, secret?, allow?);
        // A secret that nobody uses was not read.
        if !secret.expose_secret().is_empty() {
            let made = SignedClient::new(&url, secret.expose_secret(), allow.clone(), HttpLimits::default());
            if let Err(error) = made.and_then(|client| client.check_host()) {
                let problem = Problem::new("the directory cannot be asked at this url with this secret");
                let said = match error {
                    AskError::Settings(why) => why.to_owned(),
                    other => other.to_string().replace("the recipient's", "its"),
                };
                let span = if said.contains("secret must") { secret_span } else { span };
                self.note(match span {
                    Some(span) => problem.at(span, said),
                    None => problem,
                });
                return None;
            }
        }
        Some(Directory::Http { url, secret, allow, timeout })
    }

    fn ip(&mut self, raw: &Spanned<String>) -> Option<IpAddr> {
        if let Ok(ip) = raw.get_ref().parse() {
            return Some(ip);
        }
        self.note(Problem::new("`allow` lists what is no address").at(raw.span(), "expected an IP address"));
        None
    }

    pub(super) fn ldap_directory(&mut self, raw: Spanned<RawLdapDirectory>) -> Option<Directory> {
        let (section, raw) = Self::open("directory.ldap", Some(raw));
        let url = self.ldap_url(&section, raw.url);
        let ca_file = match raw.ca_file {
            Some(raw) => self.file("ca_file", raw).map(Some),
            None => Some(None),
        };
        let password = RawSecret { value: raw.password, file: raw.password_file, credential: raw.password_credential };
        let bind = self.bind(&section, raw.bind_dn, password);
        let base = self.line_required(&section, "base", raw.base, "the entry below which people are");
        let find = self.filter(&section, "find", raw.find, &["address"]);
        let target = self.filter(&section, "target", raw.target, &["account", "identifier"]);
        let owner = self.filter(&section, "owner", raw.owner, &["account"]);
        let columns = self.columns(&section, raw.columns);
        let roles = self.roles(raw.roles);
        let timeout: Duration = self.duration("timeout_seconds", raw.timeout_seconds, Unit::Seconds, 1..=120, 10);
        let settings = LdapSettings {
            url: url?,
            ca_file: ca_file?,
            bind: bind?,
            base: base?,
            columns: columns?,
            roles: roles?,
            timeout,
        };
        Some(Directory::Ldap { settings, find: find?, target: target?, owner: owner? })
    }

    /// A filter that uses exactly these parameters.
    fn filter(&mut self, section: &Section, key: &str, raw: Maybe<String>, parameters: &[&str]) -> Option<String> {
        let span = raw.as_ref().map(Spanned::span);
        let filter = self.query(section, key, raw, parameters)?;
        if is_filter(&filter) {
            return Some(filter);
        }
        let problem = Problem::new(format!("`{key}` of [directory.ldap] is no filter"));
        self.note(match span {
            Some(span) => {
                problem.at(span, "expected one of LDAP (RFC 4515), such as (mail=:address), with each bracket closed")
            }
            None => problem,
        });
        None
    }

    fn ldap_url(&mut self, section: &Section, raw: Maybe<String>) -> Option<Url> {
        let span = raw.as_ref().map(Spanned::span);
        let text = self.line_required(section, "url", raw, "the server, such as ldaps://ldap.example.com")?;
        if let Ok(url) = Url::parse(&text)
            && LdapSettings::is_place(&url)
        {
            return Some(url);
        }
        let problem = Problem::new("`url` is no place of an LDAP server")
            .help("base, bind_dn and password have keys of their own");
        self.note(match span {
            Some(span) => problem.at(span, "expected ldaps://HOST or ldap://HOST, perhaps with a port"),
            None => problem,
        });
        None
    }

    /// A name with a password, or nobody: a name without one would be taken for nobody by the server (RFC 4513 §5.1.2).
    #[expect(clippy::option_option, reason = "left out and wrong are different answers")]
    fn bind(
        &mut self,
        section: &Section,
        name: Maybe<String>,
        password: RawSecret,
    ) -> Option<Option<(String, SecretString)>> {
        if name.is_none() && !password.is_given() {
            return Some(None);
        }
        let name = self.line_required(section, "bind_dn", name, "a password needs a name; without both nobody logs in");
        let password = self.secret(section, "password", password);
        name.zip(password).map(Some)
    }

    fn columns(&mut self, section: &Section, raw: Maybe<BTreeMap<String, String>>) -> Option<BTreeMap<String, String>> {
        let Some(raw) = raw else {
            self.note_missing(section, "columns", "which attribute stands for which column");
            return None;
        };
        let (span, columns) = (raw.span(), raw.into_inner());
        let plain =
            |name: &String| !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || "-.;_".contains(c));
        let missing: Vec<&str> = NEEDED.into_iter().filter(|column| !columns.contains_key(*column)).collect();
        let unknown: Vec<&String> =
            columns.keys().filter(|column| !NEEDED.iter().chain(&KNOWN).any(|known| known == column)).collect();
        let expected = if !missing.is_empty() {
            format!("expected an attribute for {}", missing.join(", "))
        } else if !unknown.is_empty() {
            format!("expected none but {}, {}", NEEDED.join(", "), KNOWN.join(", "))
        } else if !columns.values().all(plain) {
            "expected names of attributes, such as mail".to_owned()
        } else {
            return Some(columns);
        };
        self.note(Problem::new("`columns` of [directory.ldap] cannot be used").at(span, expected));
        None
    }

    fn roles(&mut self, raw: Maybe<BTreeMap<String, String>>) -> Option<BTreeMap<String, Role>> {
        let Some(raw) = raw else { return Some(BTreeMap::new()) };
        let (span, words) = (raw.span(), raw.into_inner());
        let roles: Option<BTreeMap<String, Role>> =
            words.into_iter().map(|(word, role)| Some((word, role.parse().ok()?))).collect();
        if roles.is_none() {
            let problem = Problem::new("`roles` of [directory.ldap] cannot be used");
            self.note(problem.at(span, "expected values of the attribute, each with one of owner, user, end_user"));
        }
        roles
    }
}
