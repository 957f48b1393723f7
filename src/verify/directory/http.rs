//! A directory that is a service of the house's own, asked by HTTP. Each question is a POST, signed as recipients are asked
//! ([`crate::stores::http`]): `{"query":"find","address":"…"}`, `{"query":"target","account":"…","identifier":"…"}` or
//! `{"query":"owner","account":"…"}`. The answer is `{"rows":[…]}`, each row an object with the columns of a directory in SQL;
//! numbers count as text, and nobody is an empty list.
//!
//! Never takes an error for "nobody": every other answer is one.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use serde::Deserialize;
use serde_json::Value;

use super::sql::{Lookup, QueryError, Refusal, Row};
use crate::chance::{Chance, draw};
use crate::clock::Clock;
use crate::domain::Retry;
use crate::stores::AskError;
use crate::stores::http::{Question, SignedClient};

/// Why the service gave no answer, in words of a directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HttpError {
    /// Nobody answers there now.
    #[error("the directory does not answer: {0}")]
    Away(&'static str),
    /// It answers with a status that no rows come with.
    #[error("the directory answers with HTTP status {0}{hint}", hint = hint(*.0))]
    Status(u16),
    /// It says nothing that is understood.
    #[error("the directory's answer is not as documented: {0}")]
    Unreadable(&'static str),
    /// Its name leads into our own networks.
    #[error(
        "the directory's host stands for {0}, an address of our own networks; list it under allow in [directory.http] if that is meant"
    )]
    Inside(std::net::IpAddr),
    /// Something of [directory.http] cannot be used.
    #[error("[directory.http] cannot be used: {0}")]
    Settings(&'static str),
}

/// What a status asks a person to look at.
const fn hint(status: u16) -> &'static str {
    match status {
        401 | 403 => ": is the secret in [directory.http] the one that it knows?",
        404 | 405 => ": is that the url of its directory?",
        300..=399 => ", which leads elsewhere and is not followed: give the url that it leads to",
        _ => "",
    }
}

impl HttpError {
    /// What a person has to mend before anybody is answered.
    const fn refusal(&self) -> Option<Refusal> {
        match self {
            Self::Away(_) => None,
            Self::Status(401 | 403) => Some(Refusal::Login),
            Self::Status(408 | 425 | 429 | 500..) => None,
            Self::Status(_) | Self::Unreadable(_) | Self::Inside(_) | Self::Settings(_) => Some(Refusal::Question),
        }
    }

    fn of(error: &AskError) -> Self {
        match error {
            AskError::Away(why) => Self::Away(why),
            AskError::Status(status) => Self::Status(*status),
            AskError::Unreadable(why) => Self::Unreadable(why),
            AskError::Settings(why) => Self::Settings(why),
            AskError::Inside(ip) => Self::Inside(*ip),
            AskError::Outbox(_) => Self::Unreadable("it is none"),
        }
    }
}

/// The questions of a directory to such a service.
pub struct HttpLookup {
    client: SignedClient,
    clock: Arc<dyn Clock>,
    chance: Arc<dyn Chance>,
}

#[derive(Deserialize)]
struct Answered {
    rows: Vec<BTreeMap<String, Value>>,
}

impl HttpLookup {
    /// The questions go by this client.
    #[must_use]
    pub const fn new(client: SignedClient, clock: Arc<dyn Clock>, chance: Arc<dyn Chance>) -> Self {
        Self { client, clock, chance }
    }

    async fn ask(&self, query: &str, params: &[(&str, &str)]) -> Result<Vec<Row>, QueryError> {
        // What a service answers to all is mended by a person, and waited for; a letter has no part in it.
        let failed = |error: HttpError| QueryError {
            retry: Retry::Transient,
            refusal: error.refusal(),
            source: Box::new(error),
        };
        let unreadable = |why| failed(HttpError::Unreadable(why));
        let mut asked: BTreeMap<&str, &str> = params.iter().copied().collect();
        asked.insert("query", query);
        let body = serde_json::to_vec(&asked).map_err(|_| unreadable("a question that does not serialise"))?;
        // Each is a message of its own, or a receiver that keeps replays out would refuse the second.
        let id = format!("directory_{}", data_encoding::HEXLOWER.encode(&draw::<16>(&*self.chance)));
        let question = Question::post(self.client.url().clone(), &id, body);
        let answer = self.client.ask(question, self.clock.now()).await;
        let (_, body) = answer.map_err(|error| failed(HttpError::of(&error)))?;
        let Answered { rows } =
            serde_json::from_slice(&body).map_err(|_| unreadable("it is no JSON with a list of rows"))?;
        rows.into_iter()
            .map(|row| texts(row).ok_or_else(|| unreadable("a column is neither text nor number")))
            .collect()
    }
}

/// A row with every value as text.
fn texts(row: BTreeMap<String, Value>) -> Option<Row> {
    let text = |value| match value {
        Value::Null => Some(None),
        Value::String(text) => Some(Some(text)),
        // What is no whole number of 64 bits would be another one as text.
        Value::Number(number) if !number.is_f64() => Some(Some(number.to_string())),
        Value::Number(_) | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    };
    row.into_iter().map(|(column, value)| Some((column, text(value)?))).collect()
}

#[async_trait]
impl Lookup for HttpLookup {
    async fn lookup(&self, query: &str, params: &[(&str, &str)]) -> Result<Vec<Row>, QueryError> {
        self.ask(query, params).await
    }

    /// A service says which columns it has by its rows alone.
    async fn describe(&self, _: &str, _: &[&str]) -> Result<Vec<String>, QueryError> {
        let columns = ["account", "role", "person", "address", "label", "ended_at", "accounts"];
        Ok(columns.map(str::to_owned).to_vec())
    }
}
