//! Takes what was destroyed out of SQLite's write-ahead log, which keeps every page as it was until it is emptied.
//!
//! A transaction that destroyed a key or deleted what was sealed owes an emptied log. It is paid after the commit, once a
//! second at most, and again with the next write while a reader still holds an old page: the daemon writes with every
//! poll of the mailbox. A log that a crash left is emptied after the first write.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use sqlx::{Row as _, SqlitePool};
use tokio::time::Instant;

use crate::finish::finish;

/// Emptying writes the whole log into the database and waits for the disk, so many destructions share one.
const EVERY: Duration = Duration::from_secs(1);

/// The write-ahead log of one database.
pub(super) struct Wal {
    writer: SqlitePool,
    owed: Arc<AtomicBool>,
    last_try: Mutex<Option<Instant>>,
}

impl Wal {
    /// The log that this connection writes.
    pub(super) fn of(writer: SqlitePool) -> Self {
        Self { writer, owed: Arc::new(AtomicBool::new(true)), last_try: Mutex::default() }
    }

    /// Something was destroyed whose bytes are still in the log.
    pub(super) fn owe(&self) {
        self.owed.store(true, Ordering::SeqCst);
    }

    /// Empties the log if that is owed and was not tried just now. A commit does not fail by it: it stays owed.
    pub(super) async fn settle(&self) {
        if self.owed.load(Ordering::SeqCst) && self.is_time() {
            self.empty().await;
        }
    }

    /// Empties the log if that is owed, whenever it was tried last.
    pub(super) async fn settle_now(&self) {
        if self.owed.load(Ordering::SeqCst) {
            self.empty().await;
        }
    }

    fn is_time(&self) -> bool {
        let mut last_try = self.last_try.lock().unwrap_or_else(PoisonError::into_inner);
        let is_time = last_try.is_none_or(|last| last.elapsed() >= EVERY);
        if is_time {
            *last_try = Some(Instant::now());
        }
        is_time
    }

    /// To the end even if nobody waits: what is owed must not be forgotten half way, nor the connection go back with
    /// little patience.
    async fn empty(&self) {
        let (writer, owed) = (self.writer.clone(), Arc::clone(&self.owed));
        finish(async move {
            // What is destroyed from here on is owed anew.
            owed.store(false, Ordering::SeqCst);
            match checkpoint(&writer).await {
                Ok(true) => {}
                Ok(false) => owed.store(true, Ordering::SeqCst),
                Err(error) => {
                    owed.store(true, Ordering::SeqCst);
                    tracing::warn!(%error, "the write-ahead log was not emptied; it is tried again with the next write");
                }
            }
        })
        .await;
    }
}

/// `false` where a reader still needs the log.
async fn checkpoint(writer: &SqlitePool) -> Result<bool, sqlx::Error> {
    let mut connection = writer.acquire().await?;
    // Writers queue behind this: a reader is waited for only shortly, and the rest of the time by trying again.
    sqlx::query("PRAGMA busy_timeout = 50").execute(&mut *connection).await?;
    let done = sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)").fetch_one(&mut *connection).await;
    sqlx::query(BUSY_TIMEOUT_AGAIN).execute(&mut *connection).await?;
    Ok(done?.try_get::<i64, _>(0)? == 0)
}

/// As `open` sets it.
const BUSY_TIMEOUT_AGAIN: &str = "PRAGMA busy_timeout = 5000";

#[cfg(test)]
mod tests {
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};

    use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions};

    use super::*;

    /// A shutdown drops whoever waits, at any point.
    #[tokio::test]
    async fn a_log_is_emptied_though_nobody_waits_for_it() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("ledger.db");
        let options = SqliteConnectOptions::new().filename(&file).create_if_missing(true);
        let options = options.journal_mode(SqliteJournalMode::Wal).busy_timeout(Duration::from_secs(5));
        let writer = SqlitePoolOptions::new().max_connections(1).connect_with(options).await.unwrap();
        sqlx::query("CREATE TABLE t (x)").execute(&writer).await.unwrap();
        let wal = Wal::of(writer.clone());
        let log = || std::fs::metadata(folder.path().join("ledger.db-wal")).unwrap().len();
        assert!(log() > 0);
        {
            let mut emptying = pin!(wal.settle_now());
            // Not ready, and dropped.
            assert_eq!(emptying.as_mut().poll(&mut Context::from_waker(Waker::noop())), Poll::Pending);
        }
        for _ in 0..500 {
            if log() == 0 {
                break;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        assert_eq!(log(), 0, "it is emptied all the same, or still owed");
        let patience: i64 = sqlx::query_scalar("PRAGMA busy_timeout").fetch_one(&writer).await.unwrap();
        assert_eq!(patience, 5_000);
    }
}
