//! The tables `terminations`, the ends of service that opened requests, and `termination_runs`, how the directory was last asked.
//! Triggers hold that an end stays what it is, and that it leaves with the record of its case.

use std::collections::BTreeSet;

use super::error::DbError;
use super::sql::{Row, Tx, params};
use crate::domain::{RequestId, Timestamp, stored_enum};
use crate::verify::EndedRecord;

stored_enum! {
    /// Why no request was opened though accounts are due.
    Stop, "reason to open none" {
        /// More than may be opened at once.
        TooMany = "too_many",
        /// Too large a part of all accounts.
        Share = "share",
        /// The directory's query cannot be asked, or does not answer what it must.
        Query = "query",
    }
}

stored_enum! {
    /// What the directory, or the policy, says in place of what opened a request.
    Resumed, "reason why an end of service is taken back" {
        /// The account is not listed as ended any more.
        Lives = "lives",
        /// It is not listed, and has no owner: somebody deleted it meanwhile.
        Deleted = "deleted",
        /// Its service ended on another day.
        Redated = "redated",
        /// It ended on that day, and accounts are kept for longer than when the request was opened.
        Longer = "longer",
        /// Another request goes on from it, because this one can come to no end.
        Replaced = "replaced",
    }
}

/// What came of asking the directory once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TerminationRun {
    /// When it was asked.
    pub ran_at: Timestamp,
    /// How many accounts it gave.
    pub listed: u64,
    /// How many there are in all.
    pub accounts: u64,
    /// Those whose time is over and that had no request yet.
    pub due: u64,
    /// Requests that were opened.
    pub opened: u64,
    /// Accounts without a date that can be read.
    pub undated: u64,
    /// Accounts with several dates.
    pub doubled: u64,
    /// Why none was opened.
    pub stopped: Option<Stop>,
    /// When the team was told last of something that is still so.
    pub told_at: Option<Timestamp>,
}

/// Writes the end that opened a request; `false` where the same end of the same account opened one already, whoever wrote it
/// first and however close behind: the database decides.
///
/// # Errors
/// A gate refusal for a request that nothing of the kind opened.
pub async fn insert(tx: &mut Tx, record: &EndedRecord) -> Result<bool, DbError> {
    let sql = "INSERT INTO terminations (request_id, account_mac, ended_at, round, mark) VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (account_mac, ended_at) WHERE resumed_at IS NULL DO NOTHING";
    let rows = tx.execute(sql, params![record.request, record.account_mac, record.ended_at, record.round, record.mark]);
    Ok(rows.await? == 1)
}

/// What opened a request, not checked yet: [`EndedRecord::check`] does that.
///
/// # Errors
/// A bad stored value names its column.
pub async fn load(tx: &mut Tx, request: RequestId) -> Result<Option<EndedRecord>, DbError> {
    let sql = "SELECT request_id, account_mac, ended_at, round, mark FROM terminations WHERE request_id = $1";
    tx.optional(sql, params![request]).await?.map(read).transpose()
}

/// When the service ended, of those of these requests that an ended service opened.
///
/// # Errors
/// A bad stored value names its column.
pub async fn ends(tx: &mut Tx, requests: &[RequestId]) -> Result<Vec<(RequestId, Timestamp)>, DbError> {
    let ids: Vec<uuid::Uuid> = requests.iter().map(|id| id.as_uuid()).collect();
    let rows = tx.all("SELECT request_id, ended_at FROM terminations WHERE request_id = ANY($1)", params![ids]).await?;
    rows.into_iter()
        .map(|row| {
            let row = row.of("terminations");
            Ok((RequestId::from_uuid(row.uuid("request_id")?), row.time("ended_at")?))
        })
        .collect()
}

/// Notes that a person let it go on after they had looked.
///
/// # Errors
/// A wrong row count where there is none.
pub async fn set_taken_up(tx: &mut Tx, record: &EndedRecord) -> Result<(), DbError> {
    let sql = "UPDATE terminations SET round = $2, mark = $3 WHERE request_id = $1";
    tx.execute_one(sql, params![record.request, record.round, record.mark]).await
}

/// Notes that the directory says so no more, and what it says instead.
///
/// # Errors
/// A wrong row count where there is none.
pub async fn set_resumed(tx: &mut Tx, request: RequestId, why: Resumed, now: Timestamp) -> Result<(), DbError> {
    let sql = "UPDATE terminations SET resumed_at = $2, resumed_why = $3 WHERE request_id = $1";
    tx.execute_one(sql, params![request, now, why.as_str()]).await
}

/// What the directory says instead; `None` as long as it says the same.
///
/// # Errors
/// A bad stored value names its column.
pub async fn resumed(tx: &mut Tx, request: RequestId) -> Result<Option<Resumed>, DbError> {
    let row = tx.optional("SELECT resumed_why FROM terminations WHERE request_id = $1", params![request]).await?;
    Ok(row.map(|row| row.of("terminations").opt_word("resumed_why")).transpose()?.flatten())
}

/// Which of these accounts the directory took back at least twice since then.
///
/// # Errors
/// A bad stored value names its column.
pub async fn unsteady(tx: &mut Tx, accounts: Vec<[u8; 32]>, since: Timestamp) -> Result<BTreeSet<[u8; 32]>, DbError> {
    let sql = "SELECT account_mac FROM terminations WHERE account_mac = ANY($1) AND resumed_at >= $2 AND resumed_why <> 'replaced'
         GROUP BY account_mac HAVING COUNT(*) >= 2";
    let rows = tx.all(sql, params![accounts, since]).await?;
    rows.into_iter().map(|row| row.of("terminations").array("account_mac")).collect()
}

/// Which of these ends of these accounts opened a request already.
///
/// # Errors
/// A bad stored value names its column.
pub async fn known(tx: &mut Tx, accounts: Vec<[u8; 32]>) -> Result<BTreeSet<([u8; 32], Timestamp)>, DbError> {
    let sql = "SELECT account_mac, ended_at FROM terminations WHERE resumed_at IS NULL AND account_mac = ANY($1)";
    let rows = tx.all(sql, params![accounts]).await?;
    rows.into_iter()
        .map(|row| {
            let row = row.of("terminations");
            Ok((row.array("account_mac")?, row.time("ended_at")?))
        })
        .collect()
}

/// Which of these accounts have an open request for the whole of them, or one of which nobody knows yet for what.
///
/// # Errors
/// A bad stored value names its column.
pub async fn asked_for(tx: &mut Tx, accounts: Vec<[u8; 32]>) -> Result<BTreeSet<[u8; 32]>, DbError> {
    let sql = "SELECT DISTINCT account_mac FROM requests
         WHERE ended_at IS NULL AND account_mac = ANY($1) AND (scope IS NULL OR scope = 'account')";
    let rows = tx.all(sql, params![accounts]).await?;
    rows.into_iter().map(|row| row.of("requests").array("account_mac")).collect()
}

/// Writes what came of asking, in the place of what came of it before.
///
/// # Errors
/// When the database does not answer.
pub async fn set_run(tx: &mut Tx, run: &TerminationRun) -> Result<(), DbError> {
    let number = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
    tx.execute_one(
        "INSERT INTO termination_runs (one, ran_at, listed, accounts, due, opened, undated, doubled, stopped, told_at)
         VALUES (1, $1, $2, $3, $4, $5, $6, $7, $8, $9)
         ON CONFLICT (one) DO UPDATE SET ran_at = $1, listed = $2, accounts = $3, due = $4, opened = $5, undated = $6,
           doubled = $7, stopped = $8, told_at = $9",
        params![
            run.ran_at,
            number(run.listed),
            number(run.accounts),
            number(run.due),
            number(run.opened),
            number(run.undated),
            number(run.doubled),
            run.stopped.map(|stop| stop.as_str().to_owned()),
            run.told_at
        ],
    )
    .await
}

/// What came of asking last; `None` before the first time.
///
/// # Errors
/// A bad stored value names its column.
pub async fn last_run(tx: &mut Tx) -> Result<Option<TerminationRun>, DbError> {
    let sql = "SELECT ran_at, listed, accounts, due, opened, undated, doubled, stopped, told_at FROM termination_runs";
    let Some(row) = tx.optional(sql, params![]).await? else { return Ok(None) };
    let row = row.of("termination_runs");
    let number = |name| row.i64(name).map(|count| u64::try_from(count).unwrap_or_default());
    Ok(Some(TerminationRun {
        ran_at: row.time("ran_at")?,
        listed: number("listed")?,
        accounts: number("accounts")?,
        due: number("due")?,
        opened: number("opened")?,
        undated: number("undated")?,
        doubled: number("doubled")?,
        stopped: row.opt_word("stopped")?,
        told_at: row.opt_time("told_at")?,
    }))
}

fn read(row: Row) -> Result<EndedRecord, DbError> {
    let row = row.of("terminations");
    Ok(EndedRecord {
        request: RequestId::from_uuid(row.uuid("request_id")?),
        account_mac: row.array("account_mac")?,
        ended_at: row.time("ended_at")?,
        round: row.u32("round")?,
        mark: row.array("mark")?,
    })
}
