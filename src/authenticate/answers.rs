//! What DNS has answered, in the form in which `mail-auth` looks it up. It never leads on to DNS: what was not asked before
//! is not there.

use std::borrow::Borrow;
use std::collections::HashMap;
use std::hash::Hash;
use std::net::Ipv4Addr;
use std::time::Instant;

use mail_auth::common::parse::TxtRecordParser as _;
use mail_auth::common::verify::DomainKey;
use mail_auth::dmarc::Dmarc;
use mail_auth::hickory_resolver::proto::op::ResponseCode;
use mail_auth::{DnsError, Error, RecordSet, ResolverCache, Txt};

use super::dns::NoAnswer;

/// Records by absolute name.
#[derive(Default)]
pub(super) struct Answers(HashMap<Box<str>, Txt>);

impl Answers {
    /// A key that counts.
    pub fn key(&mut self, name: &str, key: DomainKey) {
        self.0.insert(absolute(name), key.into());
    }

    /// The policy at a name, of all records there. RFC 9989 §4.10: several policies are none.
    pub fn policy(&mut self, name: &str, answer: Result<Vec<Vec<u8>>, NoAnswer>) {
        let found = match answer {
            Err(NoAnswer) => Txt::Error(Error::Dns(DnsError::Resolver(String::new()))),
            Ok(records) => {
                let mut policies = records.iter().filter(|record| is_policy(record));
                match (policies.next(), policies.next()) {
                    (Some(only), None) => Dmarc::parse(only).into(),
                    _ => nothing(),
                }
            }
        };
        self.0.insert(absolute(name), found);
    }

    /// Whether this name was asked for.
    pub fn has(&self, name: &str) -> bool {
        self.0.contains_key(&absolute(name))
    }
}

fn absolute(name: &str) -> Box<str> {
    format!("{name}.").into()
}

fn is_policy(record: &[u8]) -> bool {
    let rest = record.strip_prefix(b"v=DMARC1").map(<[u8]>::trim_ascii_start);
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(b";"))
}

fn nothing() -> Txt {
    Txt::Error(Error::Dns(DnsError::RecordNotFound(ResponseCode::NXDomain)))
}

impl ResolverCache<Box<str>, Txt> for Answers {
    fn get<Q>(&self, name: &Q) -> Option<Txt>
    where
        Box<str>: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        Some(self.0.get(name).cloned().unwrap_or_else(nothing))
    }

    fn remove<Q>(&self, _: &Q) -> Option<Txt>
    where
        Box<str>: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        None
    }

    fn insert(&self, _: Box<str>, _: Txt, _: Instant) {}
}

/// Addresses of hosts, which nobody asks for: that a domain exists makes its policy `sp` rather than `np`.
pub(super) struct NoHosts;

impl ResolverCache<Box<str>, RecordSet<Ipv4Addr>> for NoHosts {
    fn get<Q>(&self, _: &Q) -> Option<RecordSet<Ipv4Addr>>
    where
        Box<str>: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        Some(RecordSet { rrset: [].into(), dnssec_status: mail_auth::DnssecStatus::Indeterminate })
    }

    fn remove<Q>(&self, _: &Q) -> Option<RecordSet<Ipv4Addr>>
    where
        Box<str>: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        None
    }

    fn insert(&self, _: Box<str>, _: RecordSet<Ipv4Addr>, _: Instant) {}
}
