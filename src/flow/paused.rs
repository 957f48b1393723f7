//! Which letter paused a request, for who looks at it: what its trail says, and no word of the letter.

use serde::Serialize;
use serde_json::Value;

use super::error::FlowError;
use super::note;
use crate::db::{Tx, deliveries, trail};
use crate::domain::request::{Hold, Request};
use crate::domain::{DeliveryId, Reference, Timestamp};
use crate::trail::Event;

/// The letter by which a request waits that nobody of the team paused.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct PausedBy {
    /// Its id among the deliveries.
    pub letter: Option<DeliveryId>,
    /// When it reached the mailbox; `None` where that was forgotten.
    #[serde(skip)]
    pub received_at: Option<Timestamp>,
    /// What it says: a word of [`crate::intake::AnswerIntent`].
    pub says: Option<String>,
    /// Which letter of ours it shows that its writer holds: `none` where it shows none.
    pub possession: Option<String>,
    /// How many open requests of its sender heard it, where nobody could tell which of them it is about.
    pub heard_by: Option<u64>,
    /// The request by which a person sees it, where it could not be read.
    pub see: Option<Reference>,
}

/// Reads it from the leaf before the one that says that the request was paused; `None` where an operator paused it, or nobody.
///
/// # Errors
/// When our database does not answer.
pub async fn by(tx: &mut Tx, request: &Request) -> Result<Option<PausedBy>, FlowError> {
    if !matches!(request.held, Some((_, Hold::Unproven))) {
        return Ok(None);
    }
    let leaves = trail::show(tx, request.case).await?;
    let Some(paused) = leaves.iter().rposition(|leaf| leaf.event == Event::Held) else { return Ok(None) };
    let why = leaves.get(..paused).and_then(<[_]>::last);
    let Some(fields) = why.filter(|leaf| matches!(leaf.event, Event::AnswerJudged | Event::Noted)) else {
        return Ok(None);
    };
    let facts = fields.leaf.read()?.facts;
    let word = |name: &str| facts.get(name).and_then(Value::as_str).map(str::to_owned);
    let letter = word(note::LETTER).and_then(|id| id.strip_prefix(note::ID)?.parse::<DeliveryId>().ok());
    let received_at = match letter {
        Some(letter) => deliveries::load(tx, letter).await?.map(|delivery| delivery.received_at),
        None => None,
    };
    Ok(Some(PausedBy {
        letter,
        received_at,
        says: word("says"),
        possession: word("possession"),
        heard_by: facts.get("heard_by").and_then(Value::as_u64),
        see: word(note::SEE).and_then(|reference| reference.to_uppercase().parse().ok()),
    }))
}
