//! The keys of deliveries and cases: wrapped, found by owner and purpose, destroyed by their terms.
//!
//! Destroying overwrites the wrapped bytes, then drops them; the row stays and says when. What was sealed under the
//! key is deleted with it, and would be unreadable without that.
//!
//! In SQLite nothing is left of either: it zeroes what it frees (`secure_delete`), and the write-ahead log, which holds
//! the pages as they were, is emptied after the commit, at the latest with the next write that no reader stands in the way of.
//!
//! In PostgreSQL the bytes outlive the commit, and no statement of ours can change that. The old row versions stay in the
//! table until a vacuum, which these tables ask for after a single row, and then on free space of their page until that is
//! used again. `pg_wal` holds the row as it was written and the pages around it until its segments are recycled, and as
//! long as an archive, a replica or a replication slot keeps them. There, as in every backup, a destroyed key is a *wrapped* key:
//! what makes it worthless is the key file, which must lie neither on the database's disks nor in its backups.

use uuid::Uuid;

use crate::chance::Chance;
use crate::db::{DbError, Dialect, Row, Tx};
use crate::domain::Timestamp;
use crate::params;
use crate::vault::{DataKey, KeyEncryptionKey, KeyId, KeyOwner, KeyPurpose, Sealed, WrappedKey};

/// What the database knows of the key-encryption key that it was shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Binding {
    /// The first one: from now on only this one is taken.
    First,
    /// The one that it knows.
    Same,
    /// Another one: the program must stop, for what it wrote would be sealed under two keys.
    Other,
}

/// Whether a key-encryption key was ever bound: then its file must be there, and is never made anew.
///
/// # Errors
/// [`DbError`] where the database does not answer.
pub async fn is_bound(tx: &mut Tx) -> Result<bool, DbError> {
    Ok(tx.optional("SELECT one FROM vault", params![]).await?.is_some())
}

/// Binds the database to a key-encryption key, or says whether it is the one.
///
/// # Errors
/// [`DbError`] where the database does not answer.
pub async fn bind(tx: &mut Tx, kek: &KeyEncryptionKey, now: Timestamp) -> Result<Binding, DbError> {
    let insert = "INSERT INTO vault (one, check_word, bound_at) VALUES (1, $1, $2) ON CONFLICT DO NOTHING";
    if tx.execute(insert, params![kek.check_word(), now]).await? == 1 {
        return Ok(Binding::First);
    }
    let known: [u8; 16] = tx.one("SELECT check_word FROM vault", params![]).await?.of("vault").array("check_word")?;
    Ok(if known == kek.check_word() { Binding::Same } else { Binding::Other })
}

/// The same of a database that is only looked at: what is bound to no key yet belongs to none.
///
/// # Errors
/// [`DbError`] where the database does not answer.
pub async fn binding(tx: &mut Tx, kek: &KeyEncryptionKey) -> Result<Binding, DbError> {
    let Some(row) = tx.optional("SELECT check_word FROM vault", params![]).await? else { return Ok(Binding::Other) };
    let known: [u8; 16] = row.of("vault").array("check_word")?;
    Ok(if known == kek.check_word() { Binding::Same } else { Binding::Other })
}

/// Makes a key. An owner has one living key of each purpose; a second is refused by the database.
///
/// # Errors
/// [`DbError`], also where the owner has no keys of this purpose by its kind.
pub async fn create(
    tx: &mut Tx,
    kek: &KeyEncryptionKey,
    owner: KeyOwner,
    purpose: KeyPurpose,
    now: Timestamp,
    chance: &dyn Chance,
) -> Result<DataKey, DbError> {
    if !owner.may_have(purpose) {
        return Err(DbError::Encode("a delivery has a delivery key and a case the others".into()));
    }
    let key = DataKey::new(owner, purpose, now, chance);
    let wrapped = kek.wrap(&key, chance).map_err(|error| DbError::Encode(error.into()))?;
    tx.execute_one(
        "INSERT INTO vault_keys (id, owner, purpose, wrapped, created_at) VALUES ($1, $2, $3, $4, $5)",
        params![key.id().as_uuid(), owner.as_bytes(), purpose.as_str(), wrapped.bytes.as_bytes(), now],
    )
    .await?;
    Ok(key)
}

/// The living key of an owner, or `None` where there is none or it was destroyed.
///
/// # Errors
/// [`DbError`]; a row that does not unwrap is [`DbError::Stored`].
pub async fn load(
    tx: &mut Tx,
    kek: &KeyEncryptionKey,
    owner: KeyOwner,
    purpose: KeyPurpose,
) -> Result<Option<DataKey>, DbError> {
    let sql = "SELECT id, owner, purpose, wrapped FROM vault_keys \
               WHERE owner = $1 AND purpose = $2 AND wrapped IS NOT NULL";
    let row = tx.optional(sql, params![owner.as_bytes(), purpose.as_str()]).await?;
    row.map(|row| unwrapped(row, kek)).transpose()
}

fn unwrapped(row: Row, kek: &KeyEncryptionKey) -> Result<DataKey, DbError> {
    let row = row.of("vault_keys");
    let id = row.uuid("id")?;
    let purpose: KeyPurpose = row.word("purpose")?;
    let owner = owner(&row, purpose)?;
    let bytes = Sealed::from_bytes(row.bytes("wrapped")?);
    kek.unwrap_key(&WrappedKey { id: KeyId::from_uuid(id), owner, purpose, bytes }).map_err(|error| DbError::Stored {
        table: "vault_keys",
        column: "wrapped".to_owned(),
        row: id.to_string(),
        source: error.into(),
    })
}

fn owner(row: &Row, purpose: KeyPurpose) -> Result<KeyOwner, DbError> {
    Ok(KeyOwner::from_stored(Uuid::from_bytes(row.array("owner")?), purpose))
}

/// Destroys a key and deletes what was sealed under it. `false` where it was destroyed before.
///
/// A trail entry that records it is appended first, in the same transaction: it may need the very key that goes.
///
/// # Errors
/// [`DbError`] where the database does not answer.
pub async fn destroy(tx: &mut Tx, id: KeyId, now: Timestamp) -> Result<bool, DbError> {
    let id = id.as_uuid();
    let find = tx.dialect().pick(
        "SELECT wrapped FROM vault_keys WHERE id = $1 AND wrapped IS NOT NULL",
        "SELECT wrapped FROM vault_keys WHERE id = $1 AND wrapped IS NOT NULL FOR UPDATE",
    );
    let Some(row) = tx.optional(find, params![id]).await? else { return Ok(false) };
    // Overwritten in its place first: what only drops a value may leave its bytes on the page.
    let zeros = vec![0_u8; row.of("vault_keys").bytes("wrapped")?.len()];
    tx.execute_one("UPDATE vault_keys SET wrapped = $2 WHERE id = $1", params![id, zeros]).await?;
    tx.execute_one("UPDATE vault_keys SET wrapped = NULL, destroyed_at = $2 WHERE id = $1", params![id, now]).await?;
    tx.execute("DELETE FROM sealed WHERE key_id = $1", params![id]).await?;
    tx.destroyed();
    Ok(true)
}

/// Destroys the living key of an owner. `false` where there is none.
///
/// # Errors
/// [`DbError`] where the database does not answer.
pub async fn destroy_of(tx: &mut Tx, owner: KeyOwner, purpose: KeyPurpose, now: Timestamp) -> Result<bool, DbError> {
    let sql = "SELECT id FROM vault_keys WHERE owner = $1 AND purpose = $2 AND wrapped IS NOT NULL";
    match tx.optional(sql, params![owner.as_bytes(), purpose.as_str()]).await? {
        Some(row) => destroy(tx, KeyId::from_uuid(row.of("vault_keys").uuid("id")?), now).await,
        None => Ok(false),
    }
}

/// Keeps a key from being destroyed until this transaction ends; `false` where it was destroyed before.
pub(super) async fn hold(tx: &mut Tx, id: KeyId) -> Result<bool, DbError> {
    // SQLite has one writer, so nobody destroys a key beside us.
    let sql = match tx.dialect() {
        Dialect::Sqlite => "SELECT id FROM vault_keys WHERE id = $1 AND wrapped IS NOT NULL",
        Dialect::Postgres => "SELECT id FROM vault_keys WHERE id = $1 AND wrapped IS NOT NULL FOR UPDATE",
    };
    Ok(tx.optional(sql, params![id.as_uuid()]).await?.is_some())
}
