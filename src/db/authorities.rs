//! The tables `authorities` and `beginnings`: what permits a plan, and that it was begun. Rows are written once; triggers
//! hold that nothing of them changes but that an authority ends, and that they leave with the record of their case.

use super::error::DbError;
use super::sql::{Row, Tx, params};
use crate::domain::{AuthorityId, RequestId, Timestamp};
use crate::verify::{AuthorityRecord, BeginningRecord};

/// Writes an authority that `verify` made.
///
/// # Errors
/// When the database does not answer.
pub async fn insert(tx: &mut Tx, record: &AuthorityRecord) -> Result<(), DbError> {
    tx.execute_one(
        "INSERT INTO authorities (id, request_id, kind, method, account_mac, plan_digest, issued_at, expires_at, hmac)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        params![
            record.id,
            record.request,
            record.kind.as_str(),
            record.method.as_str(),
            record.account_mac,
            record.plan_digest,
            record.issued_at,
            record.expires_at,
            record.hmac
        ],
    )
    .await
}

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT id, request_id, kind, method, account_mac, plan_digest, issued_at, expires_at, hmac
             FROM authorities ",
            $rest
        )
    };
}

/// The authority with this id that has not ended, not checked yet: `Authority::from_record` does that.
///
/// # Errors
/// A bad stored value names its column.
pub async fn load(tx: &mut Tx, id: AuthorityId) -> Result<Option<AuthorityRecord>, DbError> {
    let row = tx.optional(select!("WHERE id = $1 AND ended_at IS NULL"), params![id]).await?;
    row.map(read).transpose()
}

/// The authority with this id, ended or not: what a continuation rests on.
///
/// # Errors
/// As [`load`].
pub async fn load_ended(tx: &mut Tx, id: AuthorityId) -> Result<Option<AuthorityRecord>, DbError> {
    tx.optional(select!("WHERE id = $1"), params![id]).await?.map(read).transpose()
}

/// How many authorities a request ever had.
///
/// # Errors
/// When the database does not answer.
pub async fn issued(tx: &mut Tx, request: RequestId) -> Result<u32, DbError> {
    let sql = "SELECT COUNT(*) AS number FROM authorities WHERE request_id = $1";
    tx.one(sql, params![request]).await?.u32("number")
}

/// How often a request went on after it was completed; the last time may still run.
///
/// # Errors
/// When the database does not answer.
pub async fn continuations(tx: &mut Tx, request: RequestId) -> Result<u32, DbError> {
    let sql = "SELECT COUNT(*) AS number FROM authorities WHERE request_id = $1 AND method = 'completed_plan'";
    tx.one(sql, params![request]).await?.u32("number")
}

fn read(row: Row) -> Result<AuthorityRecord, DbError> {
    let row = row.of("authorities");
    Ok(AuthorityRecord {
        id: AuthorityId::from_uuid(row.uuid("id")?),
        request: RequestId::from_uuid(row.uuid("request_id")?),
        kind: row.word("kind")?,
        method: row.word("method")?,
        account_mac: row.array("account_mac")?,
        plan_digest: row.array("plan_digest")?,
        issued_at: row.time("issued_at")?,
        expires_at: row.time("expires_at")?,
        hmac: row.array("hmac")?,
    })
}

/// Ends an authority: nothing begins or goes on under it any more. One that has ended stays as it is.
///
/// # Errors
/// When the database does not answer.
pub async fn end(tx: &mut Tx, id: AuthorityId, now: Timestamp) -> Result<(), DbError> {
    tx.execute("UPDATE authorities SET ended_at = $2 WHERE id = $1 AND ended_at IS NULL", params![id, now]).await?;
    Ok(())
}

/// Writes that an authority was begun under.
///
/// # Errors
/// When the database does not answer.
pub async fn begin(tx: &mut Tx, record: &BeginningRecord) -> Result<(), DbError> {
    tx.execute_one(
        "INSERT INTO beginnings (authority_id, request_id, account_mac, plan_digest, begun_at, hmac)
         VALUES ($1, $2, $3, $4, $5, $6)",
        params![record.authority, record.request, record.account_mac, record.plan_digest, record.begun_at, record.hmac],
    )
    .await
}

/// The beginning under an authority, not checked yet: `Beginning::from_record` does that.
///
/// # Errors
/// A bad stored value names its column.
pub async fn beginning(tx: &mut Tx, authority: AuthorityId) -> Result<Option<BeginningRecord>, DbError> {
    let row = tx
        .optional(
            "SELECT authority_id, request_id, account_mac, plan_digest, begun_at, hmac FROM beginnings
             WHERE authority_id = $1",
            params![authority],
        )
        .await?;
    row.map(|row| {
        let row = row.of("beginnings");
        Ok(BeginningRecord {
            authority: AuthorityId::from_uuid(row.uuid("authority_id")?),
            request: RequestId::from_uuid(row.uuid("request_id")?),
            account_mac: row.array("account_mac")?,
            plan_digest: row.array("plan_digest")?,
            begun_at: row.time("begun_at")?,
            hmac: row.array("hmac")?,
        })
    })
    .transpose()
}
