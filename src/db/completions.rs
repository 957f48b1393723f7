//! The table `completions`: that an erasure was read back, and that nobody else is waited for. Rows are written once; triggers
//! hold that nothing of them changes, and that they leave with the record of their case.

use super::error::DbError;
use super::sql::{Row, Tx, params};
use crate::domain::{AuthorityId, RequestId};
use crate::verify::CompletionRecord;

/// Writes a completion that `verify` made.
///
/// # Errors
/// A gate refusal where its request is not being erased under its authority.
pub async fn insert(tx: &mut Tx, record: &CompletionRecord) -> Result<(), DbError> {
    tx.execute_one(
        "INSERT INTO completions (authority_id, covers, request_id, account_mac, plan_digest, held_anything, completed_at, mark)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        params![
            record.authority,
            record.covers.as_str(),
            record.request,
            record.account_mac,
            record.plan_digest,
            record.held_anything,
            record.completed_at,
            record.mark
        ],
    )
    .await
}

/// What a request was completed by, not checked yet: `CompletionRecord::is_ours` does that.
///
/// # Errors
/// A bad stored value names its column.
pub async fn of_request(tx: &mut Tx, request: RequestId) -> Result<Vec<CompletionRecord>, DbError> {
    let sql = "SELECT authority_id, covers, request_id, account_mac, plan_digest, held_anything, completed_at, mark
         FROM completions WHERE request_id = $1 ORDER BY completed_at";
    tx.all(sql, params![request]).await?.into_iter().map(read).collect()
}

fn read(row: Row) -> Result<CompletionRecord, DbError> {
    let row = row.of("completions");
    Ok(CompletionRecord {
        authority: AuthorityId::from_uuid(row.uuid("authority_id")?),
        covers: row.word("covers")?,
        request: RequestId::from_uuid(row.uuid("request_id")?),
        account_mac: row.array("account_mac")?,
        plan_digest: row.array("plan_digest")?,
        held_anything: row.bool("held_anything")?,
        completed_at: row.time("completed_at")?,
        mark: row.array("mark")?,
    })
}
