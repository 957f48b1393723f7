//! Where a name leads, looked up once and checked: what is connected to are these addresses and none that a second look-up
//! would give.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use reqwest::Url;
use url::Host;

use super::super::request::AskError;

/// A checked place.
#[derive(Debug)]
pub struct Pinned {
    /// The name that leads there; `None` where the url has the address itself.
    pub name: Option<String>,
    /// All addresses that it may be connected to.
    pub addresses: Vec<SocketAddr>,
}

/// Looks the host of a url up and checks all that it stands for.
///
/// # Errors
/// [`AskError::Inside`] as soon as one of its addresses is of our own networks and not listed; [`AskError::Away`] where the name
/// leads nowhere now.
pub async fn resolve(url: &Url, allow: &[IpAddr]) -> Result<Pinned, AskError> {
    let port = url.port_or_known_default().ok_or(AskError::Settings("its url has no port"))?;
    let (name, addresses) = match url.host() {
        Some(Host::Ipv4(address)) => (None, vec![SocketAddr::new(address.into(), port)]),
        Some(Host::Ipv6(address)) => (None, vec![SocketAddr::new(address.into(), port)]),
        Some(Host::Domain(name)) => {
            let found = tokio::net::lookup_host((name, port)).await;
            let found = found.map_err(|_| AskError::Away("its name leads nowhere"))?;
            (Some(name.to_owned()), found.collect::<Vec<_>>())
        }
        None => return Err(AskError::Settings("its url has no host")),
    };
    if addresses.is_empty() {
        return Err(AskError::Away("its name leads nowhere"));
    }
    match addresses.iter().map(SocketAddr::ip).find(|ip| !is_open(*ip) && !allow.contains(ip)) {
        Some(inside) => Err(AskError::Inside(inside)),
        None => Ok(Pinned { name, addresses }),
    }
}

/// Whether an address is one of the open net, by the registries of special addresses (RFC 6890).
#[must_use]
pub fn is_open(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => is_open_v4(ip),
        IpAddr::V6(ip) => is_open_v6(ip),
    }
}

fn is_open_v4(ip: Ipv4Addr) -> bool {
    let [a, b, c, _] = ip.octets();
    let shared = a == 100 && (64..128).contains(&b);
    let of_protocols = a == 192 && b == 0 && c == 0;
    let of_relays = a == 192 && b == 88 && c == 99;
    let of_benchmarks = a == 198 && (18..20).contains(&b);
    !(a == 0
        || a >= 224
        || ip.is_loopback()
        || ip.is_private()
        || ip.is_link_local()
        || ip.is_documentation()
        || shared
        || of_protocols
        || of_relays
        || of_benchmarks)
}

/// Of the open net is 2000::/3 alone, but for what stands for an IPv4 address or for nothing (RFC 4380, RFC 3056, RFC 3849).
fn is_open_v6(ip: Ipv6Addr) -> bool {
    if let Some(mapped) = ip.to_ipv4_mapped() {
        return is_open_v4(mapped);
    }
    let [first, second, ..] = ip.segments();
    let global = first & 0xe000 == 0x2000;
    let special = first == 0x2002 || (first == 0x2001 && (second < 0x0200 || second == 0x0db8));
    global && !special
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_lies_inside_is_told_from_the_open_net() {
        for inside in [
            "127.0.0.1",
            "10.0.0.1",
            "172.16.3.4",
            "192.168.1.1",
            "169.254.169.254",
            "100.64.0.1",
            "0.0.0.0",
            "198.18.0.1",
            "224.0.0.1",
            "255.255.255.255",
            "192.0.2.1",
            "::1",
            "::",
            "fe80::1",
            "fd00::1",
            "::ffff:10.0.0.1",
            "::ffff:127.0.0.1",
            "ff02::1",
            "2001:db8::1",
            "2002:7f00:1::",
            "64:ff9b::7f00:1",
            "2001::1",
        ] {
            assert!(!is_open(inside.parse().unwrap()), "{inside}");
        }
        for open in ["93.184.216.34", "1.1.1.1", "172.32.0.1", "100.128.0.1", "2606:4700:4700::1111", "2a00:1450::1"] {
            assert!(is_open(open.parse().unwrap()), "{open}");
        }
    }

    #[tokio::test]
    async fn a_name_that_leads_inside_is_refused_and_a_listed_one_is_pinned() {
        let url = Url::parse("https://localhost:8443/erasures").unwrap();
        assert!(matches!(resolve(&url, &[]).await, Err(AskError::Inside(_))));
        let allow = ["127.0.0.1".parse().unwrap(), "::1".parse().unwrap()];
        let pinned = resolve(&url, &allow).await.unwrap();
        assert_eq!(pinned.name.as_deref(), Some("localhost"));
        assert!(pinned.addresses.iter().all(|address| address.port() == 8443));
        let literal = Url::parse("https://169.254.169.254/latest").unwrap();
        assert!(matches!(resolve(&literal, &allow).await, Err(AskError::Inside(_))));
    }
}
