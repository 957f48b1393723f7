//! The table `deliveries`: every letter of the mailbox with its one disposition.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::cursors::Cursor;
use super::error::DbError;
use super::sql::{Row, Tx, params};
use crate::domain::{DeliveryId, RequestId, Timestamp, stored_enum};

stored_enum! {
    /// What became of a letter (invariant 1).
    Disposition, "disposition" {
        /// Stored, not judged yet.
        Stored = "stored",
        /// It opened a request.
        Opened = "opened",
        /// It repeats an open request.
        Joined = "joined",
        /// It answers one of our letters.
        Answer = "answer",
        /// It says that one of our letters came back.
        Bounce = "bounce",
        /// A machine wrote it.
        Automatic = "automatic",
        /// A newsletter or list.
        Newsletter = "newsletter",
        /// Spam.
        Spam = "spam",
        /// Ordinary support mail; left as it was.
        Ordinary = "ordinary",
        /// One of ours that `expunged doctor mail` sent through the MX; nobody answers it.
        Probe = "probe",
        /// A right other than erasure; handed on.
        HandedOn = "handed_on",
        /// Larger than the limit; only its header was read.
        TooLarge = "too_large",
        /// The mailbox did not give it in three tries; a person must look.
        Unreadable = "unreadable",
        /// There before the first run; never looked at.
        BeforeStart = "before_start",
        /// Gone from the mailbox before it was read.
        Vanished = "vanished",
        /// The same bytes as an earlier letter.
        Duplicate = "duplicate",
        /// It could not be judged in three tries; a person must look.
        Quarantined = "quarantined",
    }
}

/// A letter as it is stored before it is judged.
#[derive(Clone, Debug)]
pub struct NewDelivery {
    /// Its id.
    pub id: DeliveryId,
    /// Its UID.
    pub uid: u32,
    /// INTERNALDATE, or when it was stored where the server told none.
    pub received_at: Timestamp,
    /// RFC822.SIZE.
    pub size_bytes: u64,
    /// HMAC of the letter without its trace headers; of its header and size where it was too large to read.
    pub content_mac: Option<[u8; 32]>,
    /// The key that seals its bytes until it is judged.
    pub key_id: Option<uuid::Uuid>,
    /// `stored`, or what is already certain (`too_large`, `unreadable`, `vanished`, `duplicate`).
    pub disposition: Disposition,
    /// The request that a person looks at it with, where it could not be read.
    pub request: Option<RequestId>,
}

/// A letter as it is read back.
#[derive(Clone, Debug)]
pub struct Delivery {
    /// Its id.
    pub id: DeliveryId,
    /// The mailbox it lies in.
    pub mailbox: String,
    /// The folder it lies in.
    pub folder: String,
    /// The numbering that its UID is of.
    pub numbering: u32,
    /// UIDVALIDITY of its UID.
    pub uid_validity: u32,
    /// Its UID.
    pub uid: u32,
    /// INTERNALDATE.
    pub received_at: Timestamp,
    /// RFC822.SIZE.
    pub size_bytes: u64,
    /// HMAC of the letter without its trace headers.
    pub content_mac: Option<[u8; 32]>,
    /// The key of its sealed bytes.
    pub key_id: Option<uuid::Uuid>,
    /// What became of it.
    pub disposition: Disposition,
    /// The request that it belongs to.
    pub request: Option<RequestId>,
    /// The folder that it was moved to, where it was.
    pub moved_to: Option<String>,
    /// Whether its judging waits for the directory.
    pub parked: bool,
}

/// Stores a batch of letters. Each UID of a numbering is stored once: a second time is an error.
///
/// # Errors
/// When the database does not answer.
pub async fn insert(
    tx: &mut Tx,
    mailbox: &str,
    folder: &str,
    cursor: Cursor,
    batch: &[NewDelivery],
    now: Timestamp,
) -> Result<(), DbError> {
    if batch.is_empty() {
        return Ok(());
    }
    let new = tx.dialect().pick(
        "SELECT unhex(value ->> 'id'), $2, $3, $4, $5, value ->> 'uid', value ->> 'received', $6, value ->> 'bytes',
                unhex(value ->> 'mac'), unhex(value ->> 'key'), value ->> 'disposition',
                CASE WHEN value ->> 'disposition' <> 'stored' THEN $6 END, unhex(value ->> 'request')
         FROM json_each($1) WHERE true",
        "SELECT id, $2, $3, $4, $5, uid, TIMESTAMPTZ 'epoch' + received * INTERVAL '1 microsecond', $6, bytes,
                decode(mac, 'hex'), key, disposition, CASE WHEN disposition <> 'stored' THEN $6 END, request
         FROM jsonb_to_recordset($1) AS new(id uuid, uid bigint, received bigint, bytes bigint, mac text, key uuid,
                disposition text, request uuid)",
    );
    let sql = format!(
        "INSERT INTO deliveries (id, mailbox, folder, numbering, uid_validity, uid, received_at, stored_at, size_bytes,
           content_mac, key_id, disposition, judged_at, request_id) {new}"
    );
    let rows: Vec<Value> = batch.iter().map(row_of).collect();
    let params = params![Value::Array(rows), mailbox, folder, cursor.numbering, cursor.uid_validity, now];
    let stored = tx.execute(&sql, params).await?;
    if stored == batch.len() as u64 {
        return Ok(());
    }
    Err(DbError::RowCount { expected: batch.len() as u64, found: stored })
}

fn row_of(letter: &NewDelivery) -> Value {
    let hex = |id: uuid::Uuid| id.as_simple().to_string();
    json!({
        "id": hex(letter.id.as_uuid()),
        "uid": letter.uid,
        "received": letter.received_at.as_micros(),
        "bytes": i64::try_from(letter.size_bytes).unwrap_or(i64::MAX),
        "mac": letter.content_mac.map(|mac| data_encoding::HEXLOWER.encode(&mac)),
        "key": letter.key_id.map(hex),
        "disposition": letter.disposition.as_str(),
        "request": letter.request.map(|request| hex(request.as_uuid())),
    })
}

/// A query of the columns that [`read`] reads.
macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT id, mailbox, folder, numbering, uid_validity, uid, received_at, size_bytes, content_mac, key_id, disposition, request_id, moved_to, parked_at ",
            $rest
        )
    };
}

/// The letter with this id.
///
/// # Errors
/// A bad stored value names its column.
pub async fn load(tx: &mut Tx, id: DeliveryId) -> Result<Option<Delivery>, DbError> {
    tx.optional(select!("FROM deliveries WHERE id = $1"), params![id.as_uuid()]).await?.as_ref().map(read).transpose()
}

/// The first letter with this content that was judged: the same under another UID, where a mailbox was renumbered.
///
/// # Errors
/// As [`load`].
pub async fn of_content(tx: &mut Tx, mac: &[u8; 32]) -> Result<Option<Delivery>, DbError> {
    let sql = select!(
        "FROM deliveries WHERE content_mac = $1 AND disposition NOT IN ('stored', 'duplicate')
         ORDER BY stored_at, id LIMIT 1"
    );
    tx.optional(sql, params![mac]).await?.as_ref().map(read).transpose()
}

/// Whether a letter that had come by then, or whenever, was stored and is not judged yet; in whatever mailbox, because a ledger may
/// have read another one before.
///
/// # Errors
/// When the database does not answer.
pub async fn has_unjudged(tx: &mut Tx, by: Option<Timestamp>) -> Result<bool, DbError> {
    let sql = "SELECT 1 AS one FROM deliveries WHERE disposition = 'stored' AND received_at <= COALESCE($1, received_at) LIMIT 1";
    Ok(tx.optional(sql, params![by]).await?.is_some())
}

/// The first letter of a mailbox that is stored and not judged, in the order of arrival; within a second, which is all that a
/// server may say of it, in the order of the folder. One whose judging waits for the directory lets the others go first.
///
/// # Errors
/// When the database does not answer.
pub async fn first_unjudged(tx: &mut Tx, mailbox: &str) -> Result<Option<DeliveryId>, DbError> {
    let sql = "SELECT id FROM deliveries WHERE disposition = 'stored' AND parked_at IS NULL AND mailbox = $1
               ORDER BY received_at, numbering, uid LIMIT 1";
    let row = tx.optional(sql, params![mailbox]).await?;
    row.map(|row| Ok(DeliveryId::from_uuid(row.uuid("id")?))).transpose()
}

/// Notes that the judging of a letter waits for the directory.
///
/// # Errors
/// When the database does not answer.
pub async fn park(tx: &mut Tx, id: DeliveryId, now: Timestamp) -> Result<(), DbError> {
    tx.execute("UPDATE deliveries SET parked_at = $2 WHERE id = $1", params![id.as_uuid(), now]).await.map(drop)
}

/// Whether a letter that could not be judged, or of which not even the header could be had, still waits for a person to read it:
/// what it asks for, and of whom, nobody knows.
///
/// # Errors
/// When the database does not answer.
pub async fn has_unreadable(tx: &mut Tx) -> Result<bool, DbError> {
    let sql = "SELECT 1 AS one FROM requests r JOIN deliveries d ON d.request_id = r.id
               WHERE r.state IN ('needs_review','on_hold') AND (d.disposition IN ('unreadable','quarantined')
                 OR (d.disposition = 'too_large' AND d.content_mac IS NULL)) LIMIT 1";
    Ok(tx.optional(sql, params![]).await?.is_some())
}

/// Records what became of a letter.
///
/// # Errors
/// A wrong row count when there is no such letter.
pub async fn judge(
    tx: &mut Tx,
    id: DeliveryId,
    disposition: Disposition,
    reasons: &[String],
    request: Option<RequestId>,
    now: Timestamp,
) -> Result<(), DbError> {
    tx.execute_one(
        "UPDATE deliveries SET disposition = $2, reasons = $3, request_id = $4, judged_at = $5, key_id = NULL WHERE id = $1",
        params![
            id.as_uuid(),
            disposition.as_str(),
            serde_json::json!(reasons),
            request.map(RequestId::as_uuid),
            now
        ],
    )
    .await
}

/// The letters that are ours and have no keyword on the server yet.
///
/// # Errors
/// As [`load`].
pub async fn unmarked(
    tx: &mut Tx,
    mailbox: &str,
    folder: &str,
    numbering: u32,
    count_max: u32,
) -> Result<Vec<Delivery>, DbError> {
    let sql = select!(
        "FROM deliveries WHERE mailbox = $1 AND folder = $2 AND numbering = $3 AND request_id IS NOT NULL
           AND marked_at IS NULL AND judged_at IS NOT NULL AND expunged_at IS NULL
           ORDER BY uid LIMIT $4"
    );
    tx.all(sql, params![mailbox, folder, numbering, count_max]).await?.iter().map(read).collect()
}

/// The letters of identified requests that were not moved yet. What only waits for a person to look stays where it is:
/// most of it turns out to be ordinary mail. One that was not read has no digest to be known by in another folder.
///
/// # Errors
/// As [`load`].
pub async fn unmoved(
    tx: &mut Tx,
    mailbox: &str,
    folder: &str,
    numbering: u32,
    count_max: u32,
) -> Result<Vec<Delivery>, DbError> {
    let sql = select!(
        "FROM deliveries WHERE mailbox = $1 AND folder = $2 AND numbering = $3
           AND moved_to IS NULL AND judged_at IS NOT NULL AND expunged_at IS NULL AND content_mac IS NOT NULL
           AND EXISTS (SELECT 1 FROM requests r WHERE r.asker_role IS NOT NULL AND (r.id = request_id
             OR r.id IN (SELECT s.request_id FROM shared_letters s WHERE s.delivery_id = deliveries.id))) ORDER BY uid LIMIT $4"
    );
    tx.all(sql, params![mailbox, folder, numbering, count_max]).await?.iter().map(read).collect()
}

/// Notes that these letters carry our keyword on the server.
///
/// # Errors
/// When the database does not answer.
pub async fn set_marked(tx: &mut Tx, ids: &[DeliveryId], now: Timestamp) -> Result<(), DbError> {
    tx.execute("UPDATE deliveries SET marked_at = $2 WHERE id = ANY($1)", params![uuids(ids), now]).await.map(drop)
}

/// Notes that these letters were moved to another folder.
///
/// # Errors
/// When the database does not answer.
pub async fn set_moved(tx: &mut Tx, ids: &[DeliveryId], folder: &str) -> Result<(), DbError> {
    tx.execute("UPDATE deliveries SET moved_to = $2 WHERE id = ANY($1)", params![uuids(ids), folder]).await.map(drop)
}

fn uuids(ids: &[DeliveryId]) -> Vec<uuid::Uuid> {
    ids.iter().map(|id| id.as_uuid()).collect()
}

/// Which letters leave mailbox `$1` with request `$2`: those that still lie there, where the request was identified, or another one
/// that the letter belongs to. A letter that nobody found to be a request is not ours to delete, and one that is kept for
/// another request (its letter key lives) leaves with that.
pub(super) const TO_EXPUNGE: &str = "mailbox = $1 AND expunged_at IS NULL
     AND (request_id = $2 OR id IN (SELECT delivery_id FROM shared_letters WHERE request_id = $2))
     AND EXISTS (SELECT 1 FROM requests r WHERE r.asker_role IS NOT NULL AND (r.id = deliveries.request_id
       OR r.id IN (SELECT s.request_id FROM shared_letters s WHERE s.delivery_id = deliveries.id)))
     AND NOT EXISTS (SELECT 1 FROM requests r
       JOIN vault_keys k ON k.owner = r.case_id AND k.purpose = 'letter' AND k.wrapped IS NOT NULL
       WHERE r.id <> $2 AND (r.id = deliveries.request_id
         OR r.id IN (SELECT s.request_id FROM shared_letters s WHERE s.delivery_id = deliveries.id)))";

/// The letters that leave this mailbox with a request.
///
/// # Errors
/// As [`load`].
pub async fn to_expunge(tx: &mut Tx, mailbox: &str, request: RequestId) -> Result<Vec<Delivery>, DbError> {
    let sql = format!("{} WHERE {TO_EXPUNGE} ORDER BY numbering, uid", select!("FROM deliveries"));
    tx.all(&sql, params![mailbox, request]).await?.iter().map(read).collect()
}

/// The letters of a request that still lie in the mailbox.
///
/// # Errors
/// As [`load`].
pub async fn of_request(tx: &mut Tx, request: RequestId) -> Result<Vec<Delivery>, DbError> {
    tx.all(
        select!(
            "FROM deliveries WHERE expunged_at IS NULL
               AND (request_id = $1 OR id IN (SELECT delivery_id FROM shared_letters WHERE request_id = $1)) ORDER BY uid"
        ),
        params![request.as_uuid()],
    )
    .await?
    .iter()
    .map(read)
    .collect()
}

/// The sizes in bytes of the letters that opened these requests and were too large to be read.
///
/// # Errors
/// When the database does not answer.
pub async fn sizes_of_large(tx: &mut Tx, requests: &[RequestId]) -> Result<BTreeMap<RequestId, u64>, DbError> {
    if requests.is_empty() {
        return Ok(BTreeMap::new());
    }
    let ids: Vec<_> = requests.iter().map(|id| id.as_uuid()).collect();
    let sql = "SELECT request_id, MAX(size_bytes) AS size_bytes FROM deliveries
               WHERE request_id = ANY($1) AND disposition = 'too_large' GROUP BY request_id";
    let rows = tx.all(sql, params![ids]).await?.into_iter().map(|row| {
        let bytes = u64::try_from(row.i64("size_bytes")?).unwrap_or_default();
        Ok((RequestId::from_uuid(row.uuid("request_id")?), bytes))
    });
    rows.collect()
}

/// How many letters of a mailbox are stored and not judged yet, and when the first of them came.
///
/// # Errors
/// When the database does not answer.
pub async fn unjudged(tx: &mut Tx, mailbox: &str) -> Result<(u64, Option<Timestamp>), DbError> {
    let sql = "SELECT COUNT(*) AS count, MIN(received_at) AS first FROM deliveries WHERE disposition = 'stored' AND mailbox = $1";
    let row = tx.one(sql, params![mailbox]).await?;
    Ok((u64::try_from(row.i64("count")?).unwrap_or_default(), row.opt_time("first")?))
}

/// Notes that our own forgetting took these letters out of the mailbox.
///
/// # Errors
/// When the database does not answer.
pub async fn set_expunged(tx: &mut Tx, ids: &[DeliveryId], now: Timestamp) -> Result<(), DbError> {
    let sql = "UPDATE deliveries SET expunged_at = $2 WHERE id = ANY($1) AND expunged_at IS NULL";
    tx.execute(sql, params![uuids(ids), now]).await.map(drop)
}

/// Forgets what letters were, of which nothing was kept: the digest and the rules of those that belong to no request and
/// were judged before this time, at most `count_max`. Mailbox, UID and disposition stay: every UID has one.
///
/// # Errors
/// When the database does not answer.
pub async fn forget_ordinary(tx: &mut Tx, before: Timestamp, count_max: u32) -> Result<u64, DbError> {
    tx.execute(
        "UPDATE deliveries SET content_mac = NULL, reasons = NULL WHERE id IN (
           SELECT id FROM deliveries WHERE request_id IS NULL AND content_mac IS NOT NULL AND judged_at < $1
           ORDER BY judged_at LIMIT $2)",
        params![before, count_max],
    )
    .await
}

/// How many UIDs have each disposition.
///
/// # Errors
/// As [`load`].
pub async fn count_by_disposition(tx: &mut Tx) -> Result<Vec<(Disposition, u64)>, DbError> {
    let sql = "SELECT disposition, CAST(SUM(count) AS BIGINT) AS count FROM (
                 SELECT disposition, COUNT(*) AS count FROM deliveries GROUP BY disposition
                 UNION ALL
                 SELECT disposition, SUM(uid_last - uid_first + 1) AS count FROM uid_ranges GROUP BY disposition
               ) AS counted GROUP BY disposition ORDER BY disposition";
    let rows = tx.all(sql, params![]).await?;
    rows.iter().map(|row| Ok((row.word("disposition")?, u64::try_from(row.i64("count")?).unwrap_or(0)))).collect()
}

fn read(row: &Row) -> Result<Delivery, DbError> {
    Ok(Delivery {
        id: DeliveryId::from_uuid(row.uuid("id")?),
        mailbox: row.text("mailbox")?,
        folder: row.text("folder")?,
        numbering: row.u32("numbering")?,
        uid_validity: row.u32("uid_validity")?,
        uid: row.u32("uid")?,
        received_at: row.time("received_at")?,
        size_bytes: u64::try_from(row.i64("size_bytes")?).unwrap_or(0),
        content_mac: row.opt_array("content_mac")?,
        key_id: row.opt_uuid("key_id")?,
        disposition: row.word("disposition")?,
        request: row.opt_uuid("request_id")?.map(RequestId::from_uuid),
        moved_to: row.opt_text("moved_to")?,
        parked: row.opt_time("parked_at")?.is_some(),
    })
}

/// The letter that was stored last.
///
/// # Errors
/// As [`load`].
pub async fn latest(tx: &mut Tx) -> Result<Option<Delivery>, DbError> {
    let row = tx.optional(select!("FROM deliveries ORDER BY numbering DESC, uid DESC LIMIT 1"), params![]).await?;
    row.as_ref().map(read).transpose()
}
