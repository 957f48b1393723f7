//! The tables `deliveries` and `cursors`: every letter of the mailbox with its one disposition.

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
        /// A right other than erasure; handed on.
        HandedOn = "handed_on",
        /// It asks for erasure, but no account has the address.
        Stranger = "stranger",
        /// Larger than the limit; only its size was looked at.
        TooLarge = "too_large",
        /// Gone from the mailbox before it was read.
        Vanished = "vanished",
        /// The same bytes as an earlier letter.
        Duplicate = "duplicate",
        /// It could not be judged in three tries; a person must look.
        Quarantined = "quarantined",
    }
}

/// How far a folder was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cursor {
    /// UIDVALIDITY of the UIDs below.
    pub uid_validity: u32,
    /// Letters below it were there before the first run.
    pub uid_start: u32,
    /// The highest UID with a row.
    pub uid_last: u32,
}

/// A letter as it is stored before it is judged.
#[derive(Clone, Debug)]
pub struct NewDelivery {
    /// Its id.
    pub id: DeliveryId,
    /// Its UID.
    pub uid: u32,
    /// INTERNALDATE.
    pub received_at: Timestamp,
    /// RFC822.SIZE.
    pub size_bytes: u64,
    /// HMAC of the letter without its trace headers.
    pub content_mac: Option<[u8; 32]>,
    /// The key that seals its bytes until it is judged.
    pub key_id: Option<uuid::Uuid>,
    /// `stored`, or what is already certain (`too_large`, `vanished`).
    pub disposition: Disposition,
    /// The request that a person looks at it with, where it could not be read.
    pub request: Option<RequestId>,
}

/// A letter as it is read back.
#[derive(Clone, Debug)]
pub struct Delivery {
    /// Its id.
    pub id: DeliveryId,
    /// The folder it lies in.
    pub folder: String,
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
}

/// The cursor of a folder; `None` before the first run.
///
/// # Errors
/// A bad stored value names its column.
pub async fn cursor(tx: &mut Tx, mailbox: &str, folder: &str) -> Result<Option<Cursor>, DbError> {
    let row = tx
        .optional(
            "SELECT uid_validity, uid_start, uid_last FROM cursors WHERE mailbox = $1 AND folder = $2",
            params![mailbox, folder],
        )
        .await?;
    row.map(|row| {
        Ok(Cursor {
            uid_validity: row.u32("uid_validity")?,
            uid_start: row.u32("uid_start")?,
            uid_last: row.u32("uid_last")?,
        })
    })
    .transpose()
}

/// Moves the cursor of a folder and notes that it was polled.
///
/// # Errors
/// When the database does not answer.
pub async fn set_cursor(
    tx: &mut Tx,
    mailbox: &str,
    folder: &str,
    cursor: Cursor,
    now: Timestamp,
) -> Result<(), DbError> {
    tx.execute_one(
        "INSERT INTO cursors (mailbox, folder, uid_validity, uid_start, uid_last, polled_at) VALUES ($1, $2, $3, $4, $5, $6)
         ON CONFLICT (mailbox, folder) DO UPDATE SET uid_validity = excluded.uid_validity,
           uid_start = excluded.uid_start, uid_last = excluded.uid_last, polled_at = excluded.polled_at",
        params![
            mailbox,
            folder,
            i64::from(cursor.uid_validity),
            i64::from(cursor.uid_start),
            i64::from(cursor.uid_last),
            now
        ],
    )
    .await
}

/// When a folder was last polled with success.
///
/// # Errors
/// When the database does not answer.
pub async fn polled_at(tx: &mut Tx, mailbox: &str) -> Result<Option<Timestamp>, DbError> {
    let row = tx.one("SELECT MAX(polled_at) AS polled_at FROM cursors WHERE mailbox = $1", params![mailbox]).await?;
    row.opt_time("polled_at")
}

/// Stores a batch of letters; one that has its row already is left as it is.
///
/// # Errors
/// When the database does not answer.
pub async fn insert(
    tx: &mut Tx,
    mailbox: &str,
    folder: &str,
    uid_validity: u32,
    batch: &[NewDelivery],
    now: Timestamp,
) -> Result<(), DbError> {
    // At most one batch of a FETCH: the rows carry bytes, which no JSON parameter holds well in both dialects.
    for letter in batch {
        tx.execute(
            "INSERT INTO deliveries (id, mailbox, folder, uid_validity, uid, received_at, stored_at, size_bytes, content_mac,
               key_id, disposition, judged_at, request_id)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
             ON CONFLICT (mailbox, folder, uid_validity, uid) DO NOTHING",
            params![
                letter.id.as_uuid(),
                mailbox,
                folder,
                i64::from(uid_validity),
                i64::from(letter.uid),
                letter.received_at,
                now,
                i64::try_from(letter.size_bytes).unwrap_or(i64::MAX),
                letter.content_mac.map(Vec::from),
                letter.key_id,
                letter.disposition.as_str(),
                (letter.disposition != Disposition::Stored).then_some(now),
                letter.request.map(RequestId::as_uuid)
            ],
        )
        .await?;
    }
    Ok(())
}

/// A query of the columns that [`read`] reads.
macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT id, folder, uid_validity, uid, received_at, size_bytes, content_mac, key_id, disposition, request_id, moved_to ",
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

/// An earlier letter with the same bytes that was judged, for a mailbox whose UIDs were renumbered.
///
/// # Errors
/// As [`load`].
pub async fn twin(tx: &mut Tx, letter: &Delivery) -> Result<Option<Delivery>, DbError> {
    let Some(mac) = letter.content_mac else { return Ok(None) };
    tx.optional(
        select!(
            "FROM deliveries WHERE content_mac = $1 AND id <> $2 AND disposition NOT IN ('stored', 'duplicate')
         ORDER BY stored_at, id LIMIT 1"
        ),
        params![mac.to_vec(), letter.id.as_uuid()],
    )
    .await?
    .as_ref()
    .map(read)
    .transpose()
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

/// The letters that are ours and not marked on the server yet.
///
/// # Errors
/// As [`load`].
pub async fn unmarked(
    tx: &mut Tx,
    mailbox: &str,
    folder: &str,
    uid_validity: u32,
    count_max: u32,
) -> Result<Vec<Delivery>, DbError> {
    let rows = tx
        .all(
            select!(
                "FROM deliveries WHERE mailbox = $1 AND folder = $2 AND uid_validity = $3 AND request_id IS NOT NULL
           AND marked_at IS NULL AND judged_at IS NOT NULL ORDER BY uid LIMIT $4"
            ),
            params![mailbox, folder, i64::from(uid_validity), i64::from(count_max)],
        )
        .await?;
    rows.iter().map(read).collect()
}

/// Notes that these letters were marked on the server, and moved to a folder where one is given.
///
/// # Errors
/// When the database does not answer.
pub async fn set_marked(
    tx: &mut Tx,
    ids: &[DeliveryId],
    moved_to: Option<&str>,
    now: Timestamp,
) -> Result<(), DbError> {
    for id in ids {
        let sql = "UPDATE deliveries SET marked_at = $2, moved_to = $3 WHERE id = $1";
        tx.execute(sql, params![id.as_uuid(), now, moved_to.map(ToOwned::to_owned)]).await?;
    }
    Ok(())
}

/// The letters of a request that still lie in the mailbox.
///
/// # Errors
/// As [`load`].
pub async fn of_request(tx: &mut Tx, request: RequestId) -> Result<Vec<Delivery>, DbError> {
    tx.all(
        select!("FROM deliveries WHERE request_id = $1 AND expunged_at IS NULL ORDER BY uid"),
        params![request.as_uuid()],
    )
    .await?
    .iter()
    .map(read)
    .collect()
}

/// Notes that our own forgetting took these letters out of the mailbox.
///
/// # Errors
/// When the database does not answer.
pub async fn set_expunged(tx: &mut Tx, ids: &[DeliveryId], now: Timestamp) -> Result<(), DbError> {
    for id in ids {
        let sql = "UPDATE deliveries SET expunged_at = $2 WHERE id = $1 AND expunged_at IS NULL";
        tx.execute(sql, params![id.as_uuid(), now]).await?;
    }
    Ok(())
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

/// How many letters have each disposition.
///
/// # Errors
/// As [`load`].
pub async fn count_by_disposition(tx: &mut Tx) -> Result<Vec<(Disposition, u64)>, DbError> {
    let sql = "SELECT disposition, COUNT(*) AS count FROM deliveries GROUP BY disposition ORDER BY disposition";
    let rows = tx.all(sql, params![]).await?;
    rows.iter().map(|row| Ok((row.word("disposition")?, u64::try_from(row.i64("count")?).unwrap_or(0)))).collect()
}

fn read(row: &Row) -> Result<Delivery, DbError> {
    Ok(Delivery {
        id: DeliveryId::from_uuid(row.uuid("id")?),
        folder: row.text("folder")?,
        uid_validity: row.u32("uid_validity")?,
        uid: row.u32("uid")?,
        received_at: row.time("received_at")?,
        size_bytes: u64::try_from(row.i64("size_bytes")?).unwrap_or(0),
        content_mac: row.opt_array("content_mac")?,
        key_id: row.opt_uuid("key_id")?,
        disposition: row.word("disposition")?,
        request: row.opt_uuid("request_id")?.map(RequestId::from_uuid),
        moved_to: row.opt_text("moved_to")?,
    })
}

/// The letter that was stored last.
///
/// # Errors
/// As [`load`].
pub async fn latest(tx: &mut Tx) -> Result<Option<Delivery>, DbError> {
    let row = tx.optional(select!("FROM deliveries ORDER BY uid_validity DESC, uid DESC LIMIT 1"), params![]).await?;
    row.as_ref().map(read).transpose()
}
