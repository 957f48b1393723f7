//! The table `authorities`: what permits a plan. Rows are written once and never changed; a trigger holds that.

use super::error::DbError;
use super::sql::{Tx, params};
use crate::domain::{AuthorityId, RequestId};
use crate::verify::AuthorityRecord;

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

/// The authority with this id, not checked yet: `Authority::from_record` does that.
///
/// # Errors
/// A bad stored value names its column.
pub async fn load(tx: &mut Tx, id: AuthorityId) -> Result<Option<AuthorityRecord>, DbError> {
    let row = tx
        .optional(
            "SELECT id, request_id, kind, method, account_mac, plan_digest, issued_at, expires_at, hmac
             FROM authorities WHERE id = $1",
            params![id],
        )
        .await?;
    row.map(|row| {
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
    })
    .transpose()
}
