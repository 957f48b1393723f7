//! A recipient whose service is asked at an endpoint: `POST URL` hands an order over, `GET URL/KEY` asks how far it is.
//!
//! Every request is signed by Standard Webhooks (`webhook-id`, `webhook-timestamp`, `webhook-signature: v1,…`: HMAC-SHA256 over
//! `id.timestamp.body`), and the order's key stands in it as `idempotency-key`. The answer is JSON with a `status` of
//! [`Progress`]; one without a body means that they have it.
//!
//! How a question goes there, and where it never goes: [`SignedClient`].

mod client;
pub mod pin;
pub mod sign;

use std::fmt;
use std::net::IpAddr;

use async_trait::async_trait;
use reqwest::{Method, StatusCode, Url};
use serde::{Deserialize, Serialize};

pub use self::client::{HttpLimits, Question, SignedClient};
use super::request::{AskError, Identity, Order, Part, Progress, RequestStore};
use crate::domain::Timestamp;

/// A recipient by HTTP.
pub struct HttpStore(SignedClient);

impl fmt::Debug for HttpStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "HttpStore({})", self.0.url().host_str().unwrap_or("-"))
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
        SignedClient::new(url, secret, allow, limits).map(Self)
    }

    /// Whether its host, as it is written, is one that may be asked: nothing is looked up.
    ///
    /// # Errors
    /// [`AskError::Inside`] for an address of our own networks that is not listed.
    pub fn check_host(&self) -> Result<(), AskError> {
        self.0.check_host()
    }

    async fn exchange(&self, question: Question<'_>, now: Timestamp) -> Result<Progress, AskError> {
        let (status, body) = self.0.ask(question, now).await?;
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
        let url = self.0.url().clone();
        let question = Question { method: Method::POST, url, id: &order.key, key: Some(&order.key), body };
        self.exchange(question, now).await
    }

    async fn look(&self, order: &Order, now: Timestamp) -> Result<Progress, AskError> {
        let mut url: Url = self.0.url().clone();
        let path = url.path_segments_mut().map(|mut path| {
            path.pop_if_empty().push(&order.key);
        });
        path.map_err(|()| AskError::Settings("its url cannot have a path"))?;
        // Each look is a message of its own, or a receiver that keeps replays out would take the second for one.
        let id = format!("{}.{}", order.key, now.as_micros());
        let question = Question { method: Method::GET, url, id: &id, key: Some(&order.key), body: Vec::new() };
        self.exchange(question, now).await
    }

    async fn remind(&self, _order: &Order, _now: Timestamp) -> Result<(), AskError> {
        Ok(())
    }
}
