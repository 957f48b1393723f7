//! A recipient whose service is asked at an endpoint: `POST URL` hands an order over, `GET URL/KEY` asks how far it is.
//!
//! Every request is signed by Standard Webhooks (`webhook-id`, `webhook-timestamp`, `webhook-signature: v1,…`: HMAC-SHA256 over
//! `id.timestamp.body`), and the order's key stands in it as `idempotency-key`. The answer is JSON with a `status` of
//! [`Progress`]; one without a body means that they have it.
//!
//! Never follows a redirect, never uses a proxy, never connects to an address that was not checked first ([`pin`]), and reads
//! neither longer nor more than its limits.

pub mod pin;
pub mod sign;

use std::fmt;
use std::net::IpAddr;
use std::time::Duration;

use async_trait::async_trait;
use reqwest::{Client, Method, Response, StatusCode, Url};
use serde::{Deserialize, Serialize};
use url::Host;

use self::sign::Secret;
use super::request::{AskError, Identity, Order, Part, Progress, RequestStore};
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

/// A recipient by HTTP.
pub struct HttpStore {
    url: Url,
    secret: Secret,
    allow: Vec<IpAddr>,
    limits: HttpLimits,
}

impl fmt::Debug for HttpStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "HttpStore({})", self.url.host_str().unwrap_or("-"))
    }
}

/// What is sent.
#[derive(Serialize)]
struct Asked<'a> {
    id: &'a str,
    request_type: &'static str,
    reference: &'a str,
    received_at: String,
    due_on: String,
    scope: crate::domain::Scope,
    categories: &'a [String],
    identities: &'a [Identity],
    #[serde(skip_serializing_if = "Option::is_none")]
    part: Option<Part>,
}

/// What is read of an answer; OpenDSR calls it `request_status`.
#[derive(Deserialize)]
struct Answered {
    #[serde(alias = "request_status")]
    status: String,
}

impl HttpStore {
    /// The service at this url. `allow` are the addresses of our own networks that it may have.
    ///
    /// # Errors
    /// [`AskError::Settings`] for a url or a secret that cannot be used: plain `http` is only for an address under `allow`.
    pub fn new(url: &str, secret: &str, allow: Vec<IpAddr>, limits: HttpLimits) -> Result<Self, AskError> {
        let url = Url::parse(url).map_err(|_| AskError::Settings("its url is no url"))?;
        let plain_inside = url.scheme() == "http" && !allow.is_empty();
        if url.scheme() != "https" && !plain_inside {
            return Err(AskError::Settings("its url must begin with https://"));
        }
        if !url.username().is_empty() || url.password().is_some() || url.query().is_some() || url.fragment().is_some() {
            return Err(AskError::Settings(
                "its url may have no login, question mark or #: what is secret is signed with",
            ));
        }
        Ok(Self { url, secret: Secret::parse(secret)?, allow, limits })
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

    async fn exchange(
        &self,
        method: Method,
        url: Url,
        id: &str,
        body: Vec<u8>,
        order: &Order,
        now: Timestamp,
    ) -> Result<Progress, AskError> {
        let asked = self.send(method, url, id, body, order, now);
        tokio::time::timeout(self.limits.timeout, asked).await.map_err(|_| AskError::Away("no answer in time"))?
    }

    async fn send(
        &self,
        method: Method,
        url: Url,
        id: &str,
        body: Vec<u8>,
        order: &Order,
        now: Timestamp,
    ) -> Result<Progress, AskError> {
        // Plain http goes to a listed address and to none of the open net.
        let pinned = pin::resolve(&url, &self.allow).await?;
        let inside = pinned.addresses.iter().all(|address| self.allow.contains(&address.ip()));
        if url.scheme() == "http" && !inside {
            return Err(AskError::Settings("plain http is only for an address that is listed under allow"));
        }
        let signed = self.secret.sign(id, now, &body);
        let request = client(&pinned)?
            .request(method, url)
            .header("content-type", "application/json")
            .header("accept", "application/json")
            .header("idempotency-key", &order.key)
            .header("webhook-id", id)
            .header("webhook-timestamp", signed.timestamp.to_string())
            .header("webhook-signature", signed.signature)
            .body(body);
        let response = request.send().await.map_err(|error| AskError::Away(outbound::why(&error)))?;
        self.read(response).await
    }

    /// Reads an answer, as far as it may go.
    async fn read(&self, response: Response) -> Result<Progress, AskError> {
        let status = response.status();
        if !status.is_success() {
            return Err(AskError::Status(status.as_u16()));
        }
        let body = outbound::body(response, self.limits.body_bytes_max).await.map_err(|cut| match cut {
            Cut::Broken(why) => AskError::Away(why),
            Cut::TooLong => AskError::Unreadable("it is longer than an answer may be"),
        })?;
        if body.is_empty() && matches!(status, StatusCode::ACCEPTED | StatusCode::NO_CONTENT | StatusCode::CREATED) {
            return Ok(Progress::Pending);
        }
        let answered: Answered =
            serde_json::from_slice(&body).map_err(|_| AskError::Unreadable("it is no JSON with a status"))?;
        match answered.status.as_str() {
            // OpenDSR's word for a request that will not be done.
            "cancelled" => Ok(Progress::Refused),
            word => word.parse().map_err(|_| AskError::Unreadable("its status is no word that we know")),
        }
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

#[async_trait]
impl RequestStore for HttpStore {
    async fn ask(&self, order: &Order, now: Timestamp) -> Result<Progress, AskError> {
        let asked = Asked {
            id: &order.key,
            request_type: "erasure",
            reference: order.reference.as_str(),
            received_at: order.received_at.to_jiff().to_string(),
            due_on: order.due_on.to_string(),
            scope: order.scope,
            categories: &order.categories,
            identities: &order.identities,
            part: order.part,
        };
        let body = serde_json::to_vec(&asked).map_err(|_| AskError::Settings("an order that does not serialise"))?;
        self.exchange(Method::POST, self.url.clone(), &order.key, body, order, now).await
    }

    async fn look(&self, order: &Order, now: Timestamp) -> Result<Progress, AskError> {
        let mut url = self.url.clone();
        let path = url.path_segments_mut().map(|mut path| {
            path.pop_if_empty().push(&order.key);
        });
        path.map_err(|()| AskError::Settings("its url cannot have a path"))?;
        // Each look is a message of its own, or a receiver that keeps replays out would take the second for one.
        let id = format!("{}.{}", order.key, now.as_micros());
        self.exchange(Method::GET, url, &id, Vec::new(), order, now).await
    }

    async fn remind(&self, _order: &Order, _now: Timestamp) -> Result<(), AskError> {
        Ok(())
    }
}
