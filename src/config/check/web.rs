//! `[web]`: the pages on which a question of ours can be answered. Off without `listen`.

use std::net::SocketAddr;

use serde_spanned::Spanned;
use url::{Host, Url};

use super::super::Web;
use super::super::error::Problem;
use super::super::raw::{Maybe, RawWeb};
use super::Checks;
use super::value::Unit;

impl Checks<'_> {
    pub(super) fn web(&mut self, raw: Maybe<RawWeb>) -> Option<Web> {
        let (section, raw) = Self::open("web", raw);
        let address_requests_per_minute =
            self.number("address_requests_per_minute", raw.address_requests_per_minute, 1..=100_000, 60);
        let token_requests_per_minute =
            self.number("token_requests_per_minute", raw.token_requests_per_minute, 1..=10_000, 30);
        let connections_max = self.number("connections_max", raw.connections_max, 1..=10_000, 64);
        let read = self.duration("read_seconds", raw.read_seconds, Unit::Seconds, 1..=300, 10);
        let client_address_header = raw.client_address_header.and_then(|raw| self.header(raw));
        if raw.listen.is_none() && raw.public_url.is_none() {
            return None;
        }
        if raw.listen.is_none() {
            self.note_missing(&section, "listen", "where plain HTTP is listened for, such as \"127.0.0.1:8443\"");
        }
        if raw.public_url.is_none() {
            let fix = "what browsers reach it by, such as \"https://privacy.example.com\": it stands in our letters";
            self.note_missing(&section, "public_url", fix);
        }
        let listen = raw.listen.and_then(|raw| self.listen(&raw));
        let public_url = raw.public_url.and_then(|raw| self.public_url(&raw));
        Some(Web {
            listen: listen?,
            public_url: public_url?,
            client_address_header,
            address_requests_per_minute,
            token_requests_per_minute,
            connections_max,
            read,
        })
    }

    fn listen(&mut self, raw: &Spanned<String>) -> Option<SocketAddr> {
        match raw.get_ref().parse::<SocketAddr>() {
            Ok(address) if address.port() != 0 => Some(address),
            _ => {
                let problem = Problem::new("`listen` is no address to listen at")
                    .at(raw.span(), "expected an IP address and a port, such as \"127.0.0.1:8443\" or \"[::1]:8443\"");
                self.note(problem);
                None
            }
        }
    }

    /// Scheme, host and port. Without encryption whoever listens on the way would hold what answers a question, so that is only
    /// for this machine.
    fn public_url(&mut self, raw: &Spanned<String>) -> Option<String> {
        let expected = |what: &str| {
            Problem::new("`public_url` cannot be used")
                .at(raw.span(), what)
                .help("for example https://privacy.example.com")
        };
        let problem = match Url::parse(raw.get_ref()) {
            Ok(url) if !is_bare(&url) => expected("expected a scheme, a host and perhaps a port, and nothing else")
                .help("the pages have paths of their own"),
            Ok(url) if url.scheme() == "https" || url.scheme() == "http" && is_loopback(&url) => {
                return Some(url.origin().ascii_serialization());
            }
            Ok(url) if url.scheme() == "http" => expected("expected https://")
                .help("we speak plain HTTP and your TLS proxy stands before us: this is the url of the proxy"),
            _ => expected("expected https:// and a host"),
        };
        self.note(problem);
        None
    }

    /// The name of a header: the letters that RFC 9110 §5.1 has for it, in lower case.
    fn header(&mut self, raw: Spanned<String>) -> Option<String> {
        let (span, name) = (raw.span(), raw.into_inner().to_ascii_lowercase());
        if !name.is_empty() && name.len() <= 64 && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-') {
            return Some(name);
        }
        let problem = Problem::new("`client_address_header` is no name of a header")
            .at(span, "expected the one that your proxy sets, such as \"x-forwarded-for\"");
        self.note(problem);
        None
    }
}

fn is_bare(url: &Url) -> bool {
    matches!(url.path(), "" | "/")
        && url.query().is_none()
        && url.fragment().is_none()
        && url.username().is_empty()
        && url.password().is_none()
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    }
}
