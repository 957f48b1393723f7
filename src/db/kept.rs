//! The table `kept`: which cases left rows in the stores on a ground, and when these are looked at next. Triggers hold that nothing
//! of it changes but that day, and that a row leaves with the keys of what is kept.

use super::error::DbError;
use super::sql::{Row, Tx, params};
use crate::domain::{AuthorityId, CaseId, RequestId, Timestamp};
use crate::verify::KeptRecord;

/// Writes a record that `verify` made, unless its case has one: what permitted the first end permits a later one. Either way nobody
/// else writes what the case keeps before the transaction ends.
///
/// # Errors
/// When the database does not answer.
pub async fn insert(tx: &mut Tx, record: &KeptRecord, look_at: Timestamp) -> Result<(), DbError> {
    let known = "UPDATE kept SET look_at = $2 WHERE case_id = $1";
    if tx.execute(known, params![record.case, look_at]).await? == 1 {
        return Ok(());
    }
    tx.execute_one(
        "INSERT INTO kept (case_id, request_id, authority_id, account_mac, plan_digest, completed_at, mark, look_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        params![
            record.case,
            record.request,
            record.authority,
            record.account_mac,
            record.plan_digest,
            record.completed_at,
            record.mark,
            look_at
        ],
    )
    .await
}

/// Keeps everybody else from writing what a case keeps before the transaction ends. `false` where it keeps nothing any more.
///
/// # Errors
/// When the database does not answer.
pub async fn lock(tx: &mut Tx, case: CaseId) -> Result<bool, DbError> {
    Ok(tx.execute("UPDATE kept SET look_at = look_at WHERE case_id = $1", params![case]).await? == 1)
}

/// The cases whose day to look has passed, at most `limit`.
///
/// # Errors
/// A bad stored value names its column.
pub async fn due(tx: &mut Tx, now: Timestamp, limit: u32) -> Result<Vec<CaseId>, DbError> {
    let sql = "SELECT case_id FROM kept WHERE look_at <= $1 ORDER BY look_at, case_id LIMIT $2";
    let rows = tx.all(sql, params![now, limit]).await?;
    rows.into_iter().map(|row| Ok(CaseId::from_bytes(row.of("kept").array("case_id")?))).collect()
}

/// What a case keeps, not checked yet: [`KeptRecord::check`] does that.
///
/// # Errors
/// A bad stored value names its column.
pub async fn load(tx: &mut Tx, case: CaseId) -> Result<Option<KeptRecord>, DbError> {
    let sql = "SELECT case_id, request_id, authority_id, account_mac, plan_digest, completed_at, mark FROM kept WHERE case_id = $1";
    tx.optional(sql, params![case]).await?.map(read).transpose()
}

/// All cases that keep anything, those that are looked at first first, at most `limit`.
///
/// # Errors
/// A bad stored value names its column.
pub async fn all(tx: &mut Tx, limit: u32) -> Result<Vec<KeptRecord>, DbError> {
    let sql = "SELECT case_id, request_id, authority_id, account_mac, plan_digest, completed_at, mark
         FROM kept ORDER BY look_at, case_id LIMIT $1";
    tx.all(sql, params![limit]).await?.into_iter().map(read).collect()
}

/// Says when it is looked at next.
///
/// # Errors
/// A wrong row count where the case keeps nothing.
pub async fn set_look(tx: &mut Tx, case: CaseId, look_at: Timestamp) -> Result<(), DbError> {
    tx.execute_one("UPDATE kept SET look_at = $2 WHERE case_id = $1", params![case, look_at]).await
}

/// The request by which a person was told that the stores could not be asked.
///
/// # Errors
/// When the database does not answer.
pub async fn trouble(tx: &mut Tx, case: CaseId) -> Result<Option<RequestId>, DbError> {
    let row = tx.optional("SELECT trouble_id FROM kept WHERE case_id = $1", params![case]).await?;
    Ok(row.map(|row| row.of("kept").opt_uuid("trouble_id")).transpose()?.flatten().map(RequestId::from_uuid))
}

/// Notes the request by which a person was told; `None` when that is over.
///
/// # Errors
/// A wrong row count where the case keeps nothing.
pub async fn set_trouble(tx: &mut Tx, case: CaseId, request: Option<RequestId>) -> Result<(), DbError> {
    tx.execute_one("UPDATE kept SET trouble_id = $2 WHERE case_id = $1", params![case, request.map(|id| id.as_uuid())])
        .await
}

/// A case keeps nothing more.
///
/// # Errors
/// A gate refusal while its `kept` key lives.
pub async fn delete(tx: &mut Tx, case: CaseId) -> Result<(), DbError> {
    tx.execute_one("DELETE FROM kept WHERE case_id = $1", params![case]).await
}

fn read(row: Row) -> Result<KeptRecord, DbError> {
    let row = row.of("kept");
    Ok(KeptRecord {
        case: CaseId::from_bytes(row.array("case_id")?),
        request: RequestId::from_uuid(row.uuid("request_id")?),
        authority: AuthorityId::from_uuid(row.uuid("authority_id")?),
        account_mac: row.array("account_mac")?,
        plan_digest: row.array("plan_digest")?,
        completed_at: row.time("completed_at")?,
        mark: row.array("mark")?,
    })
}
