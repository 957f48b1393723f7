//! The table `recipients`: who else was asked to erase for a request, and how far they are.
//!
//! Every change names the state that it was decided on: where somebody else was faster, it is decided anew.

use super::error::DbError;
use super::sql::{Row, Tx, params};
use crate::domain::{RecipientKind, RequestId, Timestamp, stored_enum};

stored_enum! {
    /// How far a recipient is.
    RecipientState, "state of a recipient" {
        /// To be asked; nobody knows yet that they were.
        Pending = "pending",
        /// They were asked.
        InProgress = "in_progress",
        /// They say that it is done.
        Completed = "completed",
        /// They refuse, as far as they were understood; a person must look.
        Refused = "refused",
        /// A person of the team closed it with a reason. Nothing was confirmed.
        Closed = "closed",
    }
}

impl RecipientState {
    /// Whether nothing more is waited for.
    #[must_use]
    pub const fn is_settled(self) -> bool {
        matches!(self, Self::Completed | Self::Closed)
    }
}

stored_enum! {
    /// Why a person must look at a recipient.
    Need, "need of a recipient" {
        /// They refuse.
        Refused = "refused",
        /// Their answer is not understood.
        Unclear = "unclear",
        /// They have not said in time that it is done.
        Silent = "silent",
        /// They cannot be asked: they do not answer, or not as agreed.
        Unreachable = "unreachable",
        /// Our letter did not reach them.
        Undelivered = "undelivered",
        /// No data map has them any more, or none had them, or not with all that they are told, when the person was looked up.
        Unknown = "unknown",
    }
}

/// One recipient of one request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recipient {
    /// The request.
    pub request: RequestId,
    /// The name of their map.
    pub store: String,
    /// How they are asked.
    pub kind: RecipientKind,
    /// How far they are.
    pub state: RecipientState,
    /// Why a person must look.
    pub need: Option<Need>,
    /// How often asking was begun.
    pub attempts: u32,
    /// How often their state was written: what was taken back is not put back.
    pub answers: u32,
    /// Whether they are told less than their map says by now: what they then confirm is not all.
    pub partial: bool,
    /// Hash of the token by which an answer is known.
    pub token_hash: [u8; 32],
    /// When it was decided that they are asked.
    pub created_at: Timestamp,
    /// Since when they have been asked.
    pub asked_at: Option<Timestamp>,
    /// When they are reminded.
    pub remind_at: Timestamp,
    /// When they were reminded.
    pub reminded_at: Option<Timestamp>,
    /// Silence until then goes to the team.
    pub due_at: Timestamp,
    /// Since when nothing more is waited for.
    pub settled_at: Option<Timestamp>,
    /// HMAC over how they were settled, under the gate key: without it they were not.
    pub mark: Option<[u8; 32]>,
}

/// Writes whom a request has asked.
///
/// # Errors
/// When the database does not answer; a recipient who stands there already.
pub async fn insert(tx: &mut Tx, recipient: &Recipient) -> Result<(), DbError> {
    tx.execute_one(
        "INSERT INTO recipients (request_id, store, kind, state, attempts, answers, partial, token_hash, created_at, remind_at, due_at, need)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
        params![
            recipient.request,
            recipient.store.as_str(),
            recipient.kind.as_str(),
            recipient.state.as_str(),
            recipient.attempts,
            recipient.answers,
            recipient.partial,
            recipient.token_hash,
            recipient.created_at,
            recipient.remind_at,
            recipient.due_at,
            recipient.need.map(Need::as_str)
        ],
    )
    .await
}

/// A query of the columns that [`read`] reads.
macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT request_id, store, kind, state, need, attempts, answers, partial, token_hash, created_at, asked_at,
               remind_at, reminded_at, due_at, settled_at, mark FROM recipients ",
            $rest
        )
    };
}

/// The recipient of a request with this name.
///
/// # Errors
/// A bad stored value names its column.
pub async fn load(tx: &mut Tx, request: RequestId, store: &str) -> Result<Option<Recipient>, DbError> {
    let row = tx.optional(select!("WHERE request_id = $1 AND store = $2"), params![request, store]).await?;
    row.map(read).transpose()
}

/// The recipient who was given this token.
///
/// # Errors
/// As [`load`].
pub async fn by_token(tx: &mut Tx, hash: &[u8; 32]) -> Result<Option<Recipient>, DbError> {
    tx.optional(select!("WHERE token_hash = $1"), params![hash]).await?.map(read).transpose()
}

/// All recipients of a request, by name.
///
/// # Errors
/// As [`load`].
pub async fn of_request(tx: &mut Tx, request: RequestId) -> Result<Vec<Recipient>, DbError> {
    let rows = tx.all(select!("WHERE request_id = $1 ORDER BY store"), params![request]).await?;
    rows.into_iter().map(read).collect()
}

/// Notes that asking is about to begin once more.
///
/// # Errors
/// A wrong row count where the recipient is in another state by now.
pub async fn begin(tx: &mut Tx, recipient: &Recipient) -> Result<(), DbError> {
    tx.execute_one(
        "UPDATE recipients SET attempts = attempts + 1 WHERE request_id = $1 AND store = $2 AND state = $3",
        params![recipient.request, recipient.store.as_str(), recipient.state.as_str()],
    )
    .await
}

/// Notes that a reminder is about to be sent.
///
/// # Errors
/// As [`begin`].
pub async fn set_reminded(tx: &mut Tx, recipient: &Recipient, now: Timestamp) -> Result<(), DbError> {
    tx.execute_one(
        "UPDATE recipients SET reminded_at = $4 WHERE request_id = $1 AND store = $2 AND state = $3",
        params![recipient.request, recipient.store.as_str(), recipient.state.as_str(), now],
    )
    .await
}

/// Moves a recipient to this state, with what a person must look at, as their next answer; the first time that they were
/// asked counts. A state that is settled comes with the time of that and its mark.
///
/// # Errors
/// As [`begin`].
pub async fn set_state(
    tx: &mut Tx,
    recipient: &Recipient,
    to: RecipientState,
    need: Option<Need>,
    now: Timestamp,
    mark: Option<[u8; 32]>,
) -> Result<(), DbError> {
    let settled = to.is_settled().then_some(now);
    let asked = (to != RecipientState::Pending && to != RecipientState::Closed).then_some(now);
    tx.execute_one(
        "UPDATE recipients SET state = $4, need = $5, settled_at = $6, asked_at = COALESCE(asked_at, $7), mark = $8,
           answers = answers + 1
         WHERE request_id = $1 AND store = $2 AND state = $3 AND answers = $9",
        params![
            recipient.request,
            recipient.store.as_str(),
            recipient.state.as_str(),
            to.as_str(),
            need.map(Need::as_str),
            settled,
            asked,
            mark.map(Vec::from),
            recipient.answers
        ],
    )
    .await
}

fn read(row: Row) -> Result<Recipient, DbError> {
    let row = row.of("recipients");
    Ok(Recipient {
        request: RequestId::from_uuid(row.uuid("request_id")?),
        store: row.text("store")?,
        kind: row.word("kind")?,
        state: row.word("state")?,
        need: row.opt_word("need")?,
        attempts: row.u32("attempts")?,
        answers: row.u32("answers")?,
        partial: row.bool("partial")?,
        token_hash: row.array("token_hash")?,
        created_at: row.time("created_at")?,
        asked_at: row.opt_time("asked_at")?,
        remind_at: row.time("remind_at")?,
        reminded_at: row.opt_time("reminded_at")?,
        due_at: row.time("due_at")?,
        settled_at: row.opt_time("settled_at")?,
        mark: row.opt_array("mark")?,
    })
}
