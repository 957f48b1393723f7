//! The table `mailbox_leases`: which daemon reads which mailbox. Another one takes over when the lease runs out.
//!
//! Leases run on the database's clock. A daemon that slept past its lease finds out in [`confirm_in`], inside the
//! transaction that would move the cursor, and must roll back.

use std::time::Duration;

use super::error::DbError;
use super::open::Db;
use super::sql::Tx;
use crate::domain::Timestamp;
use crate::params;

/// The right to read one mailbox, until it runs out.
#[derive(Debug)]
#[must_use = "a lease that is dropped keeps the mailbox from everybody until it runs out"]
pub struct MailboxLease {
    mailbox: String,
    token: i64,
}

impl MailboxLease {
    /// The name of the mailbox.
    #[must_use]
    pub fn mailbox(&self) -> &str {
        &self.mailbox
    }
}

/// Takes the lease on a mailbox; `None` while another holder's runs.
///
/// # Errors
/// When the database does not answer.
pub async fn acquire(db: &Db, mailbox: &str, holder: &str, lease: Duration) -> Result<Option<MailboxLease>, DbError> {
    let mut tx = db.write().await?;
    let sql = format!(
        "INSERT INTO mailbox_leases (mailbox, holder, token, lease_until) VALUES ($1, $2, 1, {now} + $3 * {microsecond})
         ON CONFLICT (mailbox) DO UPDATE
            SET holder = excluded.holder, token = mailbox_leases.token + 1, lease_until = excluded.lease_until
            WHERE mailbox_leases.lease_until <= {now}
         RETURNING token",
        now = tx.dialect().now(),
        microsecond = tx.dialect().microsecond(),
    );
    let row = tx.optional(&sql, params![mailbox, holder, micros(lease)]).await?;
    tx.commit().await?;
    let Some(row) = row else { return Ok(None) };
    Ok(Some(MailboxLease { mailbox: mailbox.to_owned(), token: row.i64("token")? }))
}

/// Lets the lease run for `lease` from now on.
///
/// # Errors
/// [`DbError::LostLease`]: stop reading the mailbox.
pub async fn extend(db: &Db, held: &MailboxLease, lease: Duration) -> Result<(), DbError> {
    let mut tx = db.write().await?;
    let sql = format!(
        "UPDATE mailbox_leases SET lease_until = {now} + $3 * {}
         WHERE mailbox = $1 AND token = $2 AND lease_until > {now}",
        tx.dialect().microsecond(),
        now = tx.dialect().now(),
    );
    let changed = tx.execute(&sql, params![held.mailbox(), held.token, micros(lease)]).await?;
    tx.commit().await?;
    still_ours(changed)
}

/// Refuses to go on in this transaction when the lease was lost, and keeps everybody from taking it until the end
/// of the transaction. Call it where letters and cursor are written.
///
/// # Errors
/// [`DbError::LostLease`]: roll back.
pub async fn confirm_in(tx: &mut Tx, held: &MailboxLease) -> Result<(), DbError> {
    let sql = format!(
        "UPDATE mailbox_leases SET lease_until = lease_until WHERE mailbox = $1 AND token = $2 AND lease_until > {}",
        tx.dialect().now()
    );
    still_ours(tx.execute(&sql, params![held.mailbox(), held.token]).await?)
}

/// Gives the mailbox to whoever comes next. A lease that was lost already is nobody's business.
///
/// # Errors
/// When the database does not answer; the lease then runs out by itself.
pub async fn release(db: &Db, held: &MailboxLease) -> Result<(), DbError> {
    let mut tx = db.write().await?;
    let sql =
        format!("UPDATE mailbox_leases SET lease_until = {} WHERE mailbox = $1 AND token = $2", tx.dialect().now());
    tx.execute(&sql, params![held.mailbox.as_str(), held.token]).await?;
    tx.commit().await
}

/// Gives the mailbox of a daemon that has ended to whoever comes next. Only for one who knows that no other daemon lives.
///
/// # Errors
/// When the database does not answer.
pub async fn free(db: &Db, mailbox: &str) -> Result<(), DbError> {
    let mut tx = db.write().await?;
    let sql = format!(
        "UPDATE mailbox_leases SET lease_until = {now} WHERE mailbox = $1 AND lease_until > {now}",
        now = tx.dialect().now()
    );
    tx.execute(&sql, params![mailbox]).await?;
    tx.commit().await
}

/// Who reads a mailbox.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reader {
    /// The daemon, as it calls itself: `host:pid:random`.
    pub holder: String,
    /// When its lease runs out, unless it is extended; by the database's clock.
    pub until: Timestamp,
}

/// Who reads a mailbox by now; `None` where nobody does.
///
/// # Errors
/// A bad stored value names its column.
pub async fn reader(tx: &mut Tx, mailbox: &str) -> Result<Option<Reader>, DbError> {
    let sql = format!(
        "SELECT holder, lease_until FROM mailbox_leases WHERE mailbox = $1 AND lease_until > {}",
        tx.dialect().now()
    );
    let Some(row) = tx.optional(&sql, params![mailbox]).await? else { return Ok(None) };
    let row = row.of("mailbox_leases");
    Ok(Some(Reader { holder: row.text("holder")?, until: row.time("lease_until")? }))
}

const fn still_ours(changed: u64) -> Result<(), DbError> {
    if changed == 1 { Ok(()) } else { Err(DbError::LostLease) }
}

fn micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}
