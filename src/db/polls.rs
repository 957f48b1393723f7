//! The table `polls`: when each mailbox was last read to its end, and whether the team was told of its silence.
//!
//! It outlives daemons: one that starts into a long silence knows how long it lasts, and tells nobody twice.

use super::error::DbError;
use super::sql::{Tx, params};
use crate::domain::Timestamp;

/// How a mailbox was polled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Polls {
    /// When a daemon first tried.
    pub watched_at: Timestamp,
    /// By when all that had come was last read; `None` before the first time.
    pub polled_at: Option<Timestamp>,
    /// When the team was told of the silence that lasts.
    pub alarmed_at: Option<Timestamp>,
}

impl Polls {
    /// Since when nothing is known of what arrives.
    #[must_use]
    pub fn silent_since(&self) -> Timestamp {
        self.polled_at.unwrap_or(self.watched_at)
    }
}

/// How a mailbox was polled; `None` before anybody tried.
///
/// # Errors
/// A bad stored value names its column.
pub async fn load(tx: &mut Tx, mailbox: &str) -> Result<Option<Polls>, DbError> {
    let sql = "SELECT watched_at, polled_at, alarmed_at FROM polls WHERE mailbox = $1";
    let row = tx.optional(sql, params![mailbox]).await?.map(|row| row.of("polls"));
    row.map(|row| {
        Ok(Polls {
            watched_at: row.time("watched_at")?,
            polled_at: row.opt_time("polled_at")?,
            alarmed_at: row.opt_time("alarmed_at")?,
        })
    })
    .transpose()
}

/// Notes that a mailbox is watched from now on, if it was not before.
///
/// # Errors
/// When the database does not answer.
pub async fn set_watched(tx: &mut Tx, mailbox: &str, now: Timestamp) -> Result<(), DbError> {
    let sql = "INSERT INTO polls (mailbox, watched_at) VALUES ($1, $2) ON CONFLICT (mailbox) DO NOTHING";
    tx.execute(sql, params![mailbox, now]).await.map(drop)
}

/// Notes that all was read that had come to a mailbox by then, which ends every silence.
///
/// # Errors
/// When the database does not answer.
pub async fn set_polled(tx: &mut Tx, mailbox: &str, now: Timestamp) -> Result<(), DbError> {
    tx.execute_one(
        "INSERT INTO polls (mailbox, watched_at, polled_at) VALUES ($1, $2, $2)
         ON CONFLICT (mailbox) DO UPDATE SET polled_at = excluded.polled_at, alarmed_at = NULL",
        params![mailbox, now],
    )
    .await
}

/// Notes that the team is told of the silence; `false` where it was told already.
///
/// # Errors
/// When the database does not answer.
pub async fn set_alarmed(tx: &mut Tx, mailbox: &str, now: Timestamp) -> Result<bool, DbError> {
    let sql = "UPDATE polls SET alarmed_at = $2 WHERE mailbox = $1 AND alarmed_at IS NULL";
    Ok(tx.execute(sql, params![mailbox, now]).await? == 1)
}
