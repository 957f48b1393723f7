//! Signed questions to one address: what a recipient's service and a directory by HTTP have in common.
//!
//! Every request is signed by Standard Webhooks (`webhook-id`, `webhook-timestamp`, `webhook-signature: v1,…`: HMAC-SHA256 over
//! `id.timestamp.body`). Never follows a redirect, never uses a proxy, never connects to an address that was not checked first
//! ([`pin`]), and reads neither longer nor more than its limits.

use std::net::IpAddr;
use std::time::Duration;

use reqwest::{Client, Method, StatusCode, Url};
use url::Host;

use super::super::request::AskError;
use super::pin;
use super::sign::Secret;
use crate::domain::Timestamp;
use crate::outbound::{self, Cut};

/// What one question may take at most.
#[derive(Clone, Copy, Debug)]
pub struct HttpLimits {
    /// From the look-up of the name to the last byte of the answer.
    pub timeout: Duration,
    /// Bytes of an answer.
    pub body_bytes_max: usize,
}

impl Default for HttpLimits {
    fn default() -> Self {
        Self { timeout: Duration::from_secs(20), body_bytes_max: 64 * 1024 }
    }
}

/// One question.
pub struct Question<'a> {
    /// How it is asked.
    pub method: Method,
    /// Where: the address of the client, or one below it.
    pub url: Url,
    /// What tells it from every other one (`webhook-id`).
    pub id: &'a str,
    /// What stays the same when it is asked again (`idempotency-key`), where that counts.
    pub key: Option<&'a str>,
    /// What is sent.
    pub body: Vec<u8>,
}

impl<'a> Question<'a> {
    /// Something that is sent there.
    #[must_use]
    pub const fn post(url: Url, id: &'a str, body: Vec<u8>) -> Self {
        Self { method: Method::POST, url, id, key: None, body }
    }
}

/// Who asks.
pub struct SignedClient {
    url: Url,
    secret: Secret,
    allow: Vec<IpAddr>,
    limits: HttpLimits,
}

impl SignedClient {
    /// A client for this url. `allow` are the addresses of our own networks that it may have.
    ///
    /// # Errors
    /// [`AskError::Settings`] for a url or a secret that cannot be used: plain `http` is only for an address under `allow`.
    pub fn new(url: &str, secret: &str, allow: Vec<IpAddr>, limits: HttpLimits) -> Result<Self, AskError> {
        let url = Url::parse(url).map_err(|_| AskError::Settings("its url is no url"))?;
        let plain_inside = url.scheme() == "http" && !allow.is_empty();
        if url.scheme() != "https" && !plain_inside {
            return Err(AskError::Settings(
                "its url must begin with https://, unless it leads to an address that is listed under allow",
            ));
        }
        if !url.username().is_empty() || url.password().is_some() || url.query().is_some() || url.fragment().is_some() {
            return Err(AskError::Settings(
                "its url may have no login, question mark or #: what is secret is signed with",
            ));
        }
        Ok(Self { url, secret: Secret::parse(secret)?, allow, limits })
    }

    /// Where it asks.
    #[must_use]
    pub const fn url(&self) -> &Url {
        &self.url
    }

    /// Whether its host, as it is written, is one that may be asked: nothing is looked up.
    ///
    /// # Errors
    /// [`AskError::Inside`] for an address of our own networks that is not listed.
    pub fn check_host(&self) -> Result<(), AskError> {
        let inside = match self.url.host() {
            Some(Host::Ipv4(ip)) => IpAddr::from(ip),
            Some(Host::Ipv6(ip)) => IpAddr::from(ip),
            Some(Host::Domain(name)) if name == "localhost" || name.ends_with(".localhost") => {
                if self.allow.iter().any(IpAddr::is_loopback) {
                    return Ok(());
                }
                IpAddr::from([127, 0, 0, 1])
            }
            _ => return Ok(()),
        };
        if pin::is_open(inside) || self.allow.contains(&inside) { Ok(()) } else { Err(AskError::Inside(inside)) }
    }

    /// Asks once: the status of a success, and the body.
    ///
    /// # Errors
    /// [`AskError`] where nobody answers in time, or with a status that is none of success.
    pub async fn ask(&self, question: Question<'_>, now: Timestamp) -> Result<(StatusCode, Vec<u8>), AskError> {
        let asked = self.send(question, now);
        tokio::time::timeout(self.limits.timeout, asked).await.map_err(|_| AskError::Away("no answer in time"))?
    }

    async fn send(&self, question: Question<'_>, now: Timestamp) -> Result<(StatusCode, Vec<u8>), AskError> {
        let Question { method, url, id, key, body } = question;
        // Plain http goes to a listed address and to none of the open net.
        let pinned = pin::resolve(&url, &self.allow).await?;
        let inside = pinned.addresses.iter().all(|address| self.allow.contains(&address.ip()));
        if url.scheme() == "http" && !inside {
            return Err(AskError::Settings("plain http is only for an address that is listed under allow"));
        }
        let signed = self.secret.sign(id, now, &body);
        let mut request = client(&pinned)?
            .request(method, url)
            .header("content-type", "application/json")
            .header("accept", "application/json")
            .header("webhook-id", id)
            .header("webhook-timestamp", signed.timestamp.to_string())
            .header("webhook-signature", signed.signature)
            .body(body);
        if let Some(key) = key {
            request = request.header("idempotency-key", key);
        }
        let response = request.send().await.map_err(|error| AskError::Away(outbound::why(&error)))?;
        let status = response.status();
        if !status.is_success() {
            return Err(AskError::Status(status.as_u16()));
        }
        let body = outbound::body(response, self.limits.body_bytes_max).await.map_err(|cut| match cut {
            Cut::Broken(why) => AskError::Away(why),
            Cut::TooLong => AskError::Unreadable("it is longer than an answer may be"),
        })?;
        Ok((status, body))
    }
}

/// A client that connects to these addresses and to no other.
fn client(pinned: &pin::Pinned) -> Result<Client, AskError> {
    let client = outbound::client();
    let client = match &pinned.name {
        Some(name) => client.resolve_to_addrs(name, &pinned.addresses),
        None => client,
    };
    client
        .build()
        .map_err(|_| AskError::Settings("no client can be made: is there a store of certificates on this machine?"))
}
