//! The tables `cursors` and `uid_ranges`: how far each folder was read, and the UIDs that have no letter of their own.

use serde_json::{Value, json};

use super::deliveries::Disposition;
use super::error::DbError;
use super::sql::{Tx, params};
use crate::domain::Timestamp;

/// How far a folder was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cursor {
    /// Which numbering of the folder the UIDs below are of: 1, and one more whenever they began to mean other letters.
    pub numbering: u32,
    /// UIDVALIDITY of the UIDs below.
    pub uid_validity: u32,
    /// The first UID that is read.
    pub uid_start: u32,
    /// Every UID up to this one has its disposition.
    pub uid_last: u32,
    /// UIDs up to this one were in the folder when this numbering was first seen, so that their letters may be old.
    pub old_last: u32,
    /// The first run: old letters that came earlier are not judged. `None` where all are.
    pub started_at: Option<Timestamp>,
}

/// UIDs that have no letter of their own in `deliveries`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UidRange {
    /// The first of them.
    pub first: u32,
    /// The last of them.
    pub last: u32,
    /// `before_start` or `vanished`.
    pub disposition: Disposition,
}

/// The cursor of a folder; `None` before the first run.
///
/// # Errors
/// A bad stored value names its column.
pub async fn load(tx: &mut Tx, mailbox: &str, folder: &str) -> Result<Option<Cursor>, DbError> {
    let row = tx
        .optional(
            "SELECT numbering, uid_validity, uid_start, uid_last, old_last, started_at
             FROM cursors WHERE mailbox = $1 AND folder = $2",
            params![mailbox, folder],
        )
        .await?
        .map(|row| row.of("cursors"));
    row.map(|row| {
        Ok(Cursor {
            numbering: row.u32("numbering")?,
            uid_validity: row.u32("uid_validity")?,
            uid_start: row.u32("uid_start")?,
            uid_last: row.u32("uid_last")?,
            old_last: row.u32("old_last")?,
            started_at: row.opt_time("started_at")?,
        })
    })
    .transpose()
}

/// The folders that were read, with their mailboxes, if none of them is this one; none before the first run.
///
/// # Errors
/// When the database does not answer.
pub async fn only_others(tx: &mut Tx, mailbox: &str, folder: &str) -> Result<Vec<(String, String)>, DbError> {
    let sql = "SELECT mailbox, folder FROM cursors
               WHERE NOT EXISTS (SELECT 1 FROM cursors c WHERE c.mailbox = $1 AND c.folder = $2) ORDER BY mailbox, folder";
    let rows = tx.all(sql, params![mailbox, folder]).await?;
    rows.iter().map(|row| Ok((row.text("mailbox")?, row.text("folder")?))).collect()
}

/// All folders that were read, with their mailboxes.
///
/// # Errors
/// A bad stored value names its column.
pub async fn all(tx: &mut Tx) -> Result<Vec<(String, String, Cursor)>, DbError> {
    let sql = "SELECT mailbox, folder FROM cursors ORDER BY mailbox, folder";
    let mut all = Vec::new();
    for row in tx.all(sql, params![]).await? {
        let (mailbox, folder) = (row.text("mailbox")?, row.text("folder")?);
        if let Some(cursor) = load(tx, &mailbox, &folder).await? {
            all.push((mailbox, folder, cursor));
        }
    }
    Ok(all)
}

/// Gives its path to a Maildir that was read without one, or at another: that of this mailbox with this UIDVALIDITY, which is drawn
/// by chance and moves with the Maildir. Changes nothing where there is none.
///
/// # Errors
/// When the database does not answer.
pub async fn name_folder(tx: &mut Tx, mailbox: &str, folder: &str, uid_validity: u32) -> Result<(), DbError> {
    let sql =
        "SELECT folder FROM cursors WHERE mailbox = $1 AND uid_validity = $2 AND (folder = '' OR folder LIKE '/%')
               ORDER BY uid_last DESC LIMIT 1";
    let rows = tx.all(sql, params![mailbox, uid_validity]).await?;
    let Some(row) = rows.first() else { return Ok(()) };
    let before = row.text("folder")?;
    for table in ["cursors", "uid_ranges", "deliveries"] {
        let sql = format!("UPDATE {table} SET folder = $2 WHERE mailbox = $1 AND folder = $3");
        tx.execute(&sql, params![mailbox, folder, before.as_str()]).await?;
    }
    Ok(())
}

/// Moves the cursor of a folder.
///
/// # Errors
/// When the database does not answer.
pub async fn set(tx: &mut Tx, mailbox: &str, folder: &str, cursor: Cursor) -> Result<(), DbError> {
    tx.execute_one(
        "INSERT INTO cursors (mailbox, folder, numbering, uid_validity, uid_start, uid_last, old_last, started_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
         ON CONFLICT (mailbox, folder) DO UPDATE SET numbering = excluded.numbering,
           uid_validity = excluded.uid_validity, uid_start = excluded.uid_start, uid_last = excluded.uid_last,
           old_last = excluded.old_last, started_at = excluded.started_at",
        params![
            mailbox,
            folder,
            cursor.numbering,
            cursor.uid_validity,
            cursor.uid_start,
            cursor.uid_last,
            cursor.old_last,
            cursor.started_at
        ],
    )
    .await
}

/// Notes what became of UIDs that have no letter of their own.
///
/// # Errors
/// When the database does not answer.
pub async fn insert_ranges(
    tx: &mut Tx,
    mailbox: &str,
    folder: &str,
    cursor: Cursor,
    ranges: &[UidRange],
    now: Timestamp,
) -> Result<(), DbError> {
    if ranges.is_empty() {
        return Ok(());
    }
    let new = tx.dialect().pick(
        "SELECT $2, $3, $4, value ->> 'from_uid', value ->> 'to_uid', value ->> 'disposition', $5
         FROM json_each($1) WHERE true",
        "SELECT $2, $3, $4, from_uid, to_uid, disposition, $5
         FROM jsonb_to_recordset($1) AS new(from_uid bigint, to_uid bigint, disposition text)",
    );
    let sql = format!(
        "INSERT INTO uid_ranges (mailbox, folder, numbering, uid_first, uid_last, disposition, noted_at) {new}"
    );
    let row =
        |range: &UidRange| json!({ "from_uid": range.first, "to_uid": range.last, "disposition": range.disposition });
    let rows: Vec<Value> = ranges.iter().map(row).collect();
    tx.execute(&sql, params![Value::Array(rows), mailbox, folder, cursor.numbering, now]).await.map(drop)
}

/// Forgets that letters were there before the first run, because they are read after all.
///
/// # Errors
/// When the database does not answer.
pub async fn read_from_the_start(tx: &mut Tx, mailbox: &str, folder: &str) -> Result<(), DbError> {
    let sql = "DELETE FROM uid_ranges WHERE mailbox = $1 AND folder = $2 AND disposition = 'before_start'";
    tx.execute(sql, params![mailbox, folder]).await.map(drop)
}
