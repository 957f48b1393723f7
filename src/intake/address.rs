//! Mail addresses: a strict addr-spec or nothing. Never repairs one, never prints one.

use std::fmt;
use std::str::FromStr;

const LOCAL_BYTES_MAX: usize = 64;
const DOMAIN_BYTES_MAX: usize = 253;
const LABEL_BYTES_MAX: usize = 63;

/// A mail address: a dot-atom, `@`, and a domain name (RFC 5321 §4.1.2 without quoted strings and address literals).
///
/// The domain is in lower case and in its ASCII form (IDNA); the local part is as it was written, since only its own
/// domain may fold it (RFC 5321 §2.4). Non-ASCII local parts are refused: a person has to look at them.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Address {
    /// Left of the `@`, as written.
    pub local: String,
    /// Right of the `@`, lower case, ASCII.
    pub domain: String,
    text: String,
}

/// A text that is no strict address. Does not repeat the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a mail address of the form local@domain")]
pub struct NotAnAddress;

impl Address {
    /// The whole address.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// What stands behind the first `+` of the local part (RFC 5233), if anything does.
    #[must_use]
    pub fn subaddress(&self) -> Option<&str> {
        self.local.split_once('+').map(|(_, detail)| detail).filter(|detail| !detail.is_empty())
    }

    /// Whether two addresses differ in nothing but the case of their local parts.
    #[must_use]
    pub fn same_mailbox(&self, other: &Self) -> bool {
        self.text.eq_ignore_ascii_case(&other.text)
    }
}

impl FromStr for Address {
    type Err = NotAnAddress;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (local, domain) = text.trim().rsplit_once('@').ok_or(NotAnAddress)?;
        if !is_dot_atom(local) {
            return Err(NotAnAddress);
        }
        let domain = ascii_domain(domain).ok_or(NotAnAddress)?;
        Ok(Self { local: local.to_owned(), text: format!("{local}@{domain}"), domain })
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Address(…)")
    }
}

/// RFC 5322 §3.2.3, ASCII only.
fn is_dot_atom(local: &str) -> bool {
    let atext = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~".contains(&b);
    local.len() <= LOCAL_BYTES_MAX && local.split('.').all(|atom| !atom.is_empty() && atom.bytes().all(atext))
}

fn ascii_domain(domain: &str) -> Option<String> {
    let domain = if domain.is_ascii() { domain.to_ascii_lowercase() } else { idna(domain)? };
    let label_ok = |label: &str| {
        !label.is_empty()
            && label.len() <= LABEL_BYTES_MAX
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
    };
    (domain.len() <= DOMAIN_BYTES_MAX && domain.split('.').all(label_ok)).then_some(domain)
}

fn idna(domain: &str) -> Option<String> {
    if domain.len() > DOMAIN_BYTES_MAX {
        return None;
    }
    match url::Host::parse(domain).ok()? {
        url::Host::Domain(ascii) => Some(ascii),
        url::Host::Ipv4(_) | url::Host::Ipv6(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_strict_addresses() {
        let address: Address = "Anna+Tok3n@Example.ORG".parse().unwrap();
        assert_eq!(address.as_str(), "Anna+Tok3n@example.org");
        assert_eq!(address.subaddress(), Some("Tok3n"));
        assert_eq!("a@bücher.example".parse::<Address>().unwrap().domain, "xn--bcher-kva.example");
    }

    #[test]
    fn refuses_what_is_no_address() {
        let long = format!("{}@example.org", "a".repeat(65));
        let cases =
            ["", "a", "@", "a@", "@b.example", "a b@c.example", "a@b@c.example", "a..b@c.example", "a@-b.example"];
        for bad in cases.into_iter().chain(["a@b..example", "a\r\nb@c.example", "ä@c.example", "a@[192.0.2.1]", &long])
        {
            assert!(bad.parse::<Address>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn debug_tells_nothing() {
        let address: Address = "secret@example.org".parse().unwrap();
        assert_eq!(format!("{address:?}"), "Address(…)");
    }
}
