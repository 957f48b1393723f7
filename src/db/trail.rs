//! The trail's table: appended to in the transaction of the change, read, and never changed.
//!
//! The table refuses UPDATE, DELETE and TRUNCATE itself; only the place of a leaf in the log can be set, once.

use uuid::Uuid;

use crate::chance::Chance;
use crate::db::{DbError, Row, Tx};
use crate::domain::{CaseId, Timestamp};
use crate::params;
use crate::trail::{Entry, Event, Leaf, LeafError, Link, PrivateFacts, Stamps};
use crate::vault::{DataKey, KeyOwner};

use super::params::{ROWS_MAX, value_rows};
use super::{keys, sealed};

/// The kind of the blobs that hold private facts.
const PRIVATE: &str = "trail_private";

/// A leaf as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredLeaf {
    /// The order of writing over all cases; a cursor for [`export`], not the place in the log.
    pub position: i64,
    /// The case.
    pub case: CaseId,
    /// The number within the case, from 1.
    pub number: u64,
    /// What happened.
    pub event: Event,
    /// The leaf. Its JSON has no line break, so that it is a line of an export as it is.
    pub leaf: Leaf,
    /// Where the private facts lie sealed.
    pub private_blob: Option<Uuid>,
    /// The place in the log, once it has one.
    pub log_index: Option<u64>,
}

/// Appends an entry to the case whose record key this is, and seals its private facts. Returns the new end of the
/// case's chain.
///
/// # Errors
/// [`DbError`]; where the record key was destroyed meanwhile, [`DbError::RowCount`]; a leaf that is too long or a
/// key for another purpose, [`DbError::Encode`].
pub async fn append(
    tx: &mut Tx,
    record: &DataKey,
    entry: &Entry,
    stamps: &Stamps,
    now: Timestamp,
    chance: &dyn Chance,
) -> Result<Link, DbError> {
    append_all(tx, record, std::slice::from_ref(entry), stamps, now, chance).await
}

/// Appends several entries in their order, each a leaf of its own.
///
/// # Errors
/// As [`append`].
pub async fn append_all(
    tx: &mut Tx,
    record: &DataKey,
    entries: &[Entry],
    stamps: &Stamps,
    now: Timestamp,
    chance: &dyn Chance,
) -> Result<Link, DbError> {
    let KeyOwner::Case(case) = record.owner() else { return Err(unfit(LeafError::ForeignKey)) };
    // The lock on the record key makes writers of one case wait for each other, so that numbers never collide.
    if !keys::hold(tx, record.id()).await? {
        return Err(DbError::RowCount { expected: 1, found: 0 });
    }
    let mut after = end(tx, case).await?;
    for entries in entries.chunks(ROWS_MAX) {
        let mut params = params![];
        for entry in entries {
            let leaf = entry.leaf(after, record, stamps, now, chance).map_err(unfit)?;
            let private = seal_private(tx, record, entry.private_facts(), now, chance).await?;
            after = Link { number: after.number + 1, hash: leaf.hash };
            let json = String::from_utf8(leaf.json).map_err(|error| DbError::Encode(error.into()))?;
            let number = whole(after.number)?;
            params.extend(params![case, number, entry.event().as_str(), now, json, leaf.hash, private]);
        }
        let rows = value_rows(entries.len(), 7);
        let sql = format!("INSERT INTO trail (case_id, number, event, time, leaf, hash, private_blob) VALUES {rows}");
        let found = tx.execute(&sql, params).await?;
        if found != entries.len() as u64 {
            return Err(DbError::RowCount { expected: entries.len() as u64, found });
        }
    }
    Ok(after)
}

async fn seal_private(
    tx: &mut Tx,
    record: &DataKey,
    private: &PrivateFacts,
    now: Timestamp,
    chance: &dyn Chance,
) -> Result<Option<Uuid>, DbError> {
    if private.is_empty() {
        return Ok(None);
    }
    let plain = private.to_canonical().map_err(|error| DbError::Encode(error.into()))?;
    sealed::put(tx, record, PRIVATE, &plain, now, chance).await.map(Some)
}

/// The end of a case's chain; [`Link::START`] where it has no leaf.
///
/// # Errors
/// [`DbError`] where the database does not answer.
pub async fn end(tx: &mut Tx, case: CaseId) -> Result<Link, DbError> {
    let sql = "SELECT number, hash FROM trail WHERE case_id = $1 ORDER BY number DESC LIMIT 1";
    let Some(row) = tx.optional(sql, params![case]).await? else { return Ok(Link::START) };
    let row = row.of("trail");
    Ok(Link { number: count(&row, "number")?, hash: row.array32("hash")? })
}

/// All leaves of a case in order.
///
/// # Errors
/// [`DbError`] where the database does not answer.
pub async fn show(tx: &mut Tx, case: CaseId) -> Result<Vec<StoredLeaf>, DbError> {
    let sql = format!("SELECT {COLUMNS} FROM trail WHERE case_id = $1 ORDER BY number");
    tx.all(&sql, params![case]).await?.into_iter().map(stored).collect()
}

/// Whether a leaf of this case commits to an address with this commitment.
///
/// # Errors
/// [`DbError`] where the database does not answer.
pub async fn has_address(tx: &mut Tx, case: CaseId, commitment: &[u8; 32]) -> Result<bool, DbError> {
    // As canonical JSON writes it. No text of a leaf holds a quotation mark, so this is a name and a value.
    let field = format!("%\"address\":\"{}\"%", data_encoding::HEXLOWER.encode(commitment));
    let sql = "SELECT number FROM trail WHERE case_id = $1 AND leaf LIKE $2 LIMIT 1";
    Ok(tx.optional(sql, params![case, field]).await?.is_some())
}

/// Leaves of all cases in the order of writing, from the one after `after` (0: from the first), at most `limit`.
///
/// On PostgreSQL a transaction under way may still take an earlier position: export within one read transaction, and
/// do not follow the end.
///
/// # Errors
/// [`DbError`] where the database does not answer.
pub async fn export(tx: &mut Tx, after: i64, limit: u32) -> Result<Vec<StoredLeaf>, DbError> {
    let sql = format!("SELECT {COLUMNS} FROM trail WHERE position > $1 ORDER BY position LIMIT $2");
    tx.all(&sql, params![after, limit]).await?.into_iter().map(stored).collect()
}

/// The position of the last leaf; 0 where there is none.
///
/// # Errors
/// [`DbError`] where the database does not answer.
pub async fn last_position(tx: &mut Tx) -> Result<i64, DbError> {
    tx.one("SELECT COALESCE(MAX(position), 0) AS position FROM trail", params![]).await?.i64("position")
}

/// The position and the hash of the last leaf; 0 and zeros where there is none.
///
/// # Errors
/// [`DbError`] where the database does not answer.
pub async fn last(tx: &mut Tx) -> Result<(i64, [u8; 32]), DbError> {
    let sql = "SELECT position, hash FROM trail ORDER BY position DESC LIMIT 1";
    let Some(row) = tx.optional(sql, params![]).await? else { return Ok((0, [0; 32])) };
    let row = row.of("trail");
    Ok((row.i64("position")?, row.array32("hash")?))
}

/// The hash of the leaf at this position; `None` where there is none.
///
/// # Errors
/// [`DbError`] where the database does not answer.
pub async fn hash_at(tx: &mut Tx, position: i64) -> Result<Option<[u8; 32]>, DbError> {
    let row = tx.optional("SELECT hash FROM trail WHERE position = $1", params![position]).await?;
    row.map(|row| row.of("trail").array32("hash")).transpose()
}

/// The private facts of a leaf, checked against its commitment; `None` where it has none or the record key is gone.
///
/// # Errors
/// [`DbError`]; facts that are not those committed to are [`DbError::Stored`].
pub async fn reveal(tx: &mut Tx, record: &DataKey, leaf: &StoredLeaf) -> Result<Option<PrivateFacts>, DbError> {
    let Some(blob) = leaf.private_blob else { return Ok(None) };
    let Some(plain) = sealed::get(tx, record, PRIVATE, blob).await? else { return Ok(None) };
    let wrong = |source: Box<dyn std::error::Error + Send + Sync>| DbError::Stored {
        table: "trail",
        column: "private_blob".to_owned(),
        row: format!("{}/{}", leaf.case, leaf.number),
        source,
    };
    let private = PrivateFacts::from_canonical(&plain)
        // serde's messages quote what they found, so they are cut down to the kind of fault.
        .map_err(|error| wrong(format!("JSON of another shape ({:?})", error.classify()).into()))?;
    let fields = leaf.leaf.read().map_err(|error| wrong(error.into()))?;
    match fields.commits_to(&private, record) {
        Ok(true) => Ok(Some(private)),
        Ok(false) => Err(wrong("not what the leaf commits to".into())),
        Err(error) => Err(wrong(error.into())),
    }
}

const COLUMNS: &str = "position, case_id, number, event, leaf, hash, private_blob, log_index";

fn stored(row: Row) -> Result<StoredLeaf, DbError> {
    let row = row.of("trail");
    let leaf = Leaf { json: row.text("leaf")?.into_bytes(), hash: row.array32("hash")? };
    Ok(StoredLeaf {
        position: row.i64("position")?,
        case: CaseId::from_bytes(row.array("case_id")?),
        number: count(&row, "number")?,
        event: row.word("event")?,
        leaf,
        private_blob: row.opt_uuid("private_blob")?,
        log_index: row.opt_i64("log_index")?.map(|index| not_negative(index, "log_index")).transpose()?,
    })
}

fn count(row: &Row, column: &str) -> Result<u64, DbError> {
    not_negative(row.i64(column)?, column)
}

fn not_negative(value: i64, column: &str) -> Result<u64, DbError> {
    u64::try_from(value).map_err(|error| DbError::Stored {
        table: "trail",
        column: column.to_owned(),
        row: "?".to_owned(),
        source: error.into(),
    })
}

fn whole(number: u64) -> Result<i64, DbError> {
    i64::try_from(number).map_err(|error| DbError::Encode(error.into()))
}

fn unfit(error: LeafError) -> DbError {
    DbError::Encode(error.into())
}
