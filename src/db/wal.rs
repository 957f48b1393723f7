//! Takes what was destroyed out of SQLite's write-ahead log, which keeps every page as it was until it is emptied.
//!
//! A transaction that destroyed a key or deleted what was sealed owes an emptied log. It is paid after the commit, once a
//! second at most, and again with the next write while a reader still holds an old page: the daemon writes with every
//! poll of the mailbox. A log that a crash left is emptied after the first write.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use sqlx::{Row as _, SqlitePool};
use tokio::time::Instant;

/// Emptying writes the whole log into the database and waits for the disk, so many destructions share one.
const EVERY: Duration = Duration::from_secs(1);

/// The write-ahead log of one database.
pub(super) struct Wal {
    writer: SqlitePool,
    owed: AtomicBool,
    last_try: Mutex<Option<Instant>>,
}

impl Wal {
    /// The log that this connection writes.
    pub(super) fn of(writer: SqlitePool) -> Self {
        Self { writer, owed: AtomicBool::new(true), last_try: Mutex::default() }
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

    async fn empty(&self) {
        // What is destroyed from here on is owed anew.
        self.owed.store(false, Ordering::SeqCst);
        match self.checkpoint().await {
            Ok(true) => {}
            Ok(false) => self.owe(),
            Err(error) => {
                self.owe();
                tracing::warn!(%error, "the write-ahead log was not emptied; it is tried again with the next write");
            }
        }
    }

    /// `false` where a reader still needs the log.
    async fn checkpoint(&self) -> Result<bool, sqlx::Error> {
        let mut connection = self.writer.acquire().await?;
        // Writers queue behind this: a reader is waited for only shortly, and the rest of the time by trying again.
        sqlx::query("PRAGMA busy_timeout = 50").execute(&mut *connection).await?;
        let done = sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)").fetch_one(&mut *connection).await;
        sqlx::query(BUSY_TIMEOUT_AGAIN).execute(&mut *connection).await?;
        Ok(done?.try_get::<i64, _>(0)? == 0)
    }
}

/// As `open` sets it.
const BUSY_TIMEOUT_AGAIN: &str = "PRAGMA busy_timeout = 5000";
