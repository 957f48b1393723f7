//! The table `challenges`: what each round asked, as hashes. A row that this program did not write is refused.

use super::dialect::Dialect;
use super::error::DbError;
use super::sql::{Row, Tx, params};
use crate::domain::{RequestId, Scope, Timestamp};
use crate::verify::{Challenge, CodeHash, Offer, TokenHash};

/// A challenge with its mark, to be checked by `verify` before it is used.
#[derive(Clone, Debug)]
pub struct StoredChallenge {
    /// What was asked.
    pub challenge: Challenge,
    /// The mark of this installation.
    pub hmac: [u8; 32],
    /// When it was made.
    pub created_at: Timestamp,
}

/// Writes the challenge of a round. A repeat of the same round changes nothing: its token is the same.
///
/// # Errors
/// When the database does not answer.
pub async fn insert(
    tx: &mut Tx,
    challenge: &Challenge,
    hmac: &[u8; 32],
    address_mac: &[u8; 32],
    now: Timestamp,
) -> Result<(), DbError> {
    let offers: Vec<serde_json::Value> = challenge
        .choices
        .iter()
        .map(|offer| {
            serde_json::json!({
                "scope": offer.scope,
                "plan_digest": data_encoding::HEXLOWER.encode(&offer.plan_digest),
                "code_hash": data_encoding::HEXLOWER.encode(offer.code.as_bytes()),
            })
        })
        .collect();
    tx.execute(
        "INSERT INTO challenges (request_id, round, addressee, account_mac, token_hash, page_hash, offers, code_required, grace_days,
           address_mac, attempts, created_at, expires_at, hmac)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14) ON CONFLICT (request_id, round) DO NOTHING",
        params![
            challenge.request,
            challenge.round,
            challenge.addressee.as_str(),
            challenge.account_mac,
            challenge.token.as_bytes(),
            challenge.page.as_bytes(),
            serde_json::Value::Array(offers),
            challenge.code_required,
            challenge.grace_days,
            address_mac,
            challenge.attempts,
            now,
            challenge.expires_at,
            hmac
        ],
    )
    .await?;
    Ok(())
}

/// A query of the columns that [`read`] reads.
macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT request_id, round, addressee, account_mac, token_hash, page_hash, offers, code_required, grace_days, ",
            "attempts, created_at, expires_at, hmac ",
            $rest
        )
    };
}

/// The challenge of a round.
///
/// # Errors
/// A bad stored value names its column.
pub async fn load(tx: &mut Tx, request: RequestId, round: u32) -> Result<Option<StoredChallenge>, DbError> {
    let row = tx.optional(select!("FROM challenges WHERE request_id = $1 AND round = $2"), params![request, round]);
    row.await?.as_ref().map(read).transpose()
}

/// The challenges of all rounds, the first one first.
///
/// # Errors
/// As [`load`].
pub async fn of_request(tx: &mut Tx, request: RequestId) -> Result<Vec<StoredChallenge>, DbError> {
    let rows = tx.all(select!("FROM challenges WHERE request_id = $1 ORDER BY round"), params![request]);
    rows.await?.iter().map(read).collect()
}

/// The last round up to this one that asked the owner to approve, or the last one that asked the asker.
///
/// # Errors
/// When the database does not answer.
pub async fn latest_of(tx: &mut Tx, request: RequestId, round: u32, owner: bool) -> Result<Option<u32>, DbError> {
    let row = tx
        .optional(
            "SELECT round FROM challenges WHERE request_id = $1 AND round <= $2 AND (addressee = 'approving_owner') = $3
             ORDER BY round DESC LIMIT 1",
            params![request, round, owner],
        )
        .await?;
    row.map(|row| row.u32("round")).transpose()
}

/// The challenge that one of these tokens belongs to.
///
/// # Errors
/// As [`load`].
pub async fn by_token(tx: &mut Tx, token: &TokenHash) -> Result<Option<StoredChallenge>, DbError> {
    let row = tx.optional(select!("FROM challenges WHERE token_hash = $1"), params![token.as_bytes()]);
    row.await?.as_ref().map(read).transpose()
}

/// The challenge that the token of a page belongs to.
///
/// # Errors
/// As [`load`].
pub async fn by_page(tx: &mut Tx, token: &TokenHash) -> Result<Option<StoredChallenge>, DbError> {
    let row = tx.optional(select!("FROM challenges WHERE page_hash = $1"), params![token.as_bytes()]);
    row.await?.as_ref().map(read).transpose()
}

/// Keeps the count of wrong codes.
///
/// # Errors
/// A wrong row count when there is no such round.
pub async fn set_attempts(tx: &mut Tx, request: RequestId, round: u32, attempts: u32) -> Result<(), DbError> {
    tx.execute_one(
        "UPDATE challenges SET attempts = $3 WHERE request_id = $1 AND round = $2",
        params![request, round, attempts],
    )
    .await
}

/// Lets one transaction after the other look whether an address may be challenged, so that two at once do not both
/// find that it may. Write transactions of SQLite are alone anyway.
///
/// # Errors
/// When the database does not answer.
pub async fn take_turn(tx: &mut Tx, address_mac: &[u8; 32]) -> Result<(), DbError> {
    if tx.dialect() == Dialect::Postgres {
        let [a, b, c, d, e, f, g, h, ..] = *address_mac;
        let key = i64::from_be_bytes([a, b, c, d, e, f, g, h]);
        tx.execute("SELECT pg_advisory_xact_lock($1)", params![key]).await?;
    }
    Ok(())
}

/// When this address was last challenged to confirm a wish of its own, other than for this request. That an owner was
/// asked to approve does not count: somebody else wrote there.
///
/// # Errors
/// When the database does not answer.
pub async fn last_of_address(
    tx: &mut Tx,
    address_mac: &[u8; 32],
    other_than: RequestId,
) -> Result<Option<Timestamp>, DbError> {
    let row = tx
        .one(
            "SELECT MAX(created_at) AS last FROM challenges
             WHERE address_mac = $1 AND request_id <> $2 AND addressee <> 'approving_owner'",
            params![address_mac, other_than],
        )
        .await?;
    row.opt_time("last")
}

#[derive(serde::Deserialize)]
struct OfferJson {
    scope: Scope,
    plan_digest: String,
    code_hash: String,
}

fn read(row: &Row) -> Result<StoredChallenge, DbError> {
    let offers: Vec<OfferJson> =
        serde_json::from_value(row.json("offers")?).map_err(|source| row.wrong("offers", source.into()))?;
    let bytes = |text: &str| -> Result<[u8; 32], DbError> {
        let bytes =
            data_encoding::HEXLOWER.decode(text.as_bytes()).map_err(|source| row.wrong("offers", source.into()))?;
        bytes.as_slice().try_into().map_err(|_| row.wrong("offers", "a digest of another length".into()))
    };
    let choices = offers
        .iter()
        .map(|offer| {
            Ok(Offer {
                scope: offer.scope,
                plan_digest: bytes(&offer.plan_digest)?,
                code: CodeHash::from_bytes(bytes(&offer.code_hash)?),
            })
        })
        .collect::<Result<_, DbError>>()?;
    Ok(StoredChallenge {
        challenge: Challenge {
            request: RequestId::from_uuid(row.uuid("request_id")?),
            round: row.u32("round")?,
            addressee: row.word("addressee")?,
            account_mac: row.array("account_mac")?,
            choices,
            token: TokenHash::from_bytes(row.array("token_hash")?),
            page: TokenHash::from_bytes(row.array("page_hash")?),
            expires_at: row.time("expires_at")?,
            code_required: row.bool("code_required")?,
            grace_days: row.u32("grace_days")?,
            attempts: row.u32("attempts")?,
        },
        hmac: row.array("hmac")?,
        created_at: row.time("created_at")?,
    })
}
