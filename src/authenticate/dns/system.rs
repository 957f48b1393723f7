//! The DNS that the system is configured for (`/etc/resolv.conf`), with a cache and a time limit.

use std::sync::OnceLock;
use std::time::Duration;

use async_trait::async_trait;
use mail_auth::hickory_resolver::config::ResolveHosts;
use mail_auth::hickory_resolver::net::runtime::TokioRuntimeProvider;
use mail_auth::hickory_resolver::net::{DnsError, NetError};
use mail_auth::hickory_resolver::proto::op::ResponseCode;
use mail_auth::hickory_resolver::proto::rr::{Name, RData};
use mail_auth::hickory_resolver::{ResolverBuilder, TokioResolver};

use super::{Dns, NoAnswer};

/// Answers that are kept, as long as they say that they may be.
const CACHED_MAX: u64 = 1_000;
/// Records of one name that are looked at.
const RECORDS_MAX: usize = 20;

/// The system's resolver. It is set up with the first question, so that whoever never asks needs none.
pub struct SystemDns {
    resolver: OnceLock<Option<TokioResolver>>,
    timeout: Duration,
}

impl SystemDns {
    /// One that waits so long for each answer.
    #[must_use]
    pub const fn new(timeout: Duration) -> Self {
        Self { resolver: OnceLock::new(), timeout }
    }

    fn resolver(&self) -> Option<&TokioResolver> {
        self.resolver.get_or_init(|| self.build().ok()).as_ref()
    }

    fn build(&self) -> Result<TokioResolver, NetError> {
        self.finish(TokioResolver::builder_tokio()?)
    }

    fn finish(&self, mut builder: ResolverBuilder<TokioRuntimeProvider>) -> Result<TokioResolver, NetError> {
        let options = builder.options_mut();
        options.timeout = self.timeout / 2;
        options.attempts = 1;
        options.cache_size = CACHED_MAX;
        options.use_hosts_file = ResolveHosts::Never;
        builder.build()
    }
}

#[async_trait]
impl Dns for SystemDns {
    async fn txt(&self, name: &str) -> Result<Vec<Vec<u8>>, NoAnswer> {
        let resolver = self.resolver().ok_or(NoAnswer)?;
        let mut name = Name::from_ascii(name).map_err(|_| NoAnswer)?;
        name.set_fqdn(true);
        let asked = tokio::time::timeout(self.timeout, resolver.txt_lookup(name));
        let found = match asked.await.map_err(|_| NoAnswer)? {
            Ok(found) => found,
            Err(error) if is_nothing(&error) => return Ok(Vec::new()),
            Err(_) => return Err(NoAnswer),
        };
        let texts = found.answers().iter().filter_map(|record| match &record.data {
            RData::TXT(text) => Some(text.txt_data.iter().flat_map(|piece| piece.iter().copied()).collect()),
            _ => None,
        });
        Ok(texts.take(RECORDS_MAX).collect())
    }
}

/// Whether DNS has answered that there is nothing.
fn is_nothing(error: &NetError) -> bool {
    match error {
        NetError::Dns(DnsError::NoRecordsFound(nothing)) => {
            matches!(nothing.response_code, ResponseCode::NXDomain | ResponseCode::NoError)
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, SocketAddr};
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use mail_auth::hickory_resolver::config::{ConnectionConfig, NameServerConfig, ResolverConfig};
    use tokio::net::UdpSocket;

    use super::*;

    /// Asks one server alone.
    fn asking(server: SocketAddr) -> SystemDns {
        let dns = SystemDns::new(Duration::from_secs(1));
        let mut connection = ConnectionConfig::udp();
        connection.port = server.port();
        let mut named = NameServerConfig::udp(server.ip());
        named.connections = vec![connection];
        let mut config = ResolverConfig::default();
        config.name_servers.push(named);
        let builder = TokioResolver::builder_with_config(config, TokioRuntimeProvider::default());
        let built = dns.finish(builder).unwrap();
        assert!(dns.resolver.set(Some(built)).is_ok());
        dns
    }

    /// Answers by the first label: `text` has a text in two pieces, `servfail`, `empty` and `silent` are what they are
    /// called, and nothing else exists.
    async fn serve(socket: UdpSocket, asked: Arc<AtomicUsize>) {
        let mut buffer = [0; 1_500];
        loop {
            let (length, from) = socket.recv_from(&mut buffer).await.unwrap();
            asked.fetch_add(1, Ordering::SeqCst);
            let query = &buffer[..length];
            let end = 12 + query[12..].iter().position(|byte| *byte == 0).unwrap() + 5;
            let label = &query[13..13 + usize::from(query[12])];
            let (code, answers) = match label.to_ascii_lowercase().as_slice() {
                b"silent" => continue,
                b"text" => (0, 1),
                b"empty" => (0, 0),
                b"servfail" => (2, 0),
                _ => (3, 0),
            };
            let mut answer = query[..end].to_vec();
            answer[2..12].copy_from_slice(&[0x81, 0x80 | code, 0, 1, 0, answers, 0, 0, 0, 0]);
            if answers == 1 {
                answer.extend([0xc0, 12, 0, 16, 0, 1, 0, 0, 0, 60, 0, 8]);
                answer.extend(b"\x03p=a\x03bcd");
            }
            socket.send_to(&answer, from).await.unwrap();
        }
    }

    #[tokio::test]
    async fn what_does_not_exist_is_told_from_what_was_not_answered() {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let (address, asked) = (socket.local_addr().unwrap(), Arc::new(AtomicUsize::new(0)));
        let dns = asking(address);
        let questions = async {
            assert_eq!(dns.txt("text.b.example").await, Ok(vec![b"p=abcd".to_vec()]));
            let before = asked.load(Ordering::SeqCst);
            assert_eq!(dns.txt("text.b.example").await, Ok(vec![b"p=abcd".to_vec()]));
            assert_eq!(asked.load(Ordering::SeqCst), before, "it was kept");
            assert_eq!(dns.txt("nobody.b.example").await, Ok(Vec::new()));
            assert_eq!(dns.txt("empty.b.example").await, Ok(Vec::new()));
            assert_eq!(dns.txt("servfail.b.example").await, Err(NoAnswer));
            assert_eq!(dns.txt("silent.b.example").await, Err(NoAnswer));
        };
        tokio::select! {
            () = serve(socket, Arc::clone(&asked)) => unreachable!("it serves for ever"),
            () = questions => {}
        }
    }
}
