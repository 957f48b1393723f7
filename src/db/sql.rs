//! A transaction on either database: statements written once, parameters in, rows out.
//!
//! A statement is made of our own literals only; whatever came from outside is a parameter. A `Tx` that is dropped
//! is rolled back, and nothing is sent outside a transaction.

use std::sync::Arc;
use std::time::Duration;

use futures::TryStreamExt as _;
use sqlx::{Postgres, Sqlite, Transaction};
use tokio::sync::watch;

use super::dialect::{self, Dialect};
pub use super::error::DbError;
use super::wal::Wal;
use crate::chance::{Chance, draw};
use crate::domain::{Retry, Timestamp};

pub use super::params::{Param, Params};
pub use super::row::Row;
pub use crate::params;

/// An open transaction. Dropping it rolls back.
pub struct Tx {
    open: Open,
    /// Rung after the commit when this transaction made work; PostgreSQL has NOTIFY for that.
    bell: Option<Arc<watch::Sender<()>>>,
    made_work: bool,
    /// The write-ahead log of SQLite, for a transaction that may write.
    wal: Option<Arc<Wal>>,
    destroyed: bool,
}

enum Open {
    Sqlite(Transaction<'static, Sqlite>),
    Postgres(Transaction<'static, Postgres>),
}

impl Tx {
    pub(super) const fn sqlite_reading(tx: Transaction<'static, Sqlite>) -> Self {
        Self { open: Open::Sqlite(tx), bell: None, made_work: false, wal: None, destroyed: false }
    }

    pub(super) const fn sqlite_writing(
        tx: Transaction<'static, Sqlite>,
        bell: Arc<watch::Sender<()>>,
        wal: Arc<Wal>,
    ) -> Self {
        Self { open: Open::Sqlite(tx), bell: Some(bell), made_work: false, wal: Some(wal), destroyed: false }
    }

    pub(super) const fn postgres(tx: Transaction<'static, Postgres>) -> Self {
        Self { open: Open::Postgres(tx), bell: None, made_work: false, wal: None, destroyed: false }
    }

    /// Says that a worker in this process should look for work once this is committed.
    pub(super) const fn made_work(&mut self) {
        self.made_work = true;
    }

    /// Says that bytes were destroyed that must not stay in a log of our own database once this is committed.
    pub(super) const fn destroyed(&mut self) {
        self.destroyed = true;
    }

    /// Which database this is.
    #[must_use]
    pub const fn dialect(&self) -> Dialect {
        match self.open {
            Open::Sqlite(_) => Dialect::Sqlite,
            Open::Postgres(_) => Dialect::Postgres,
        }
    }

    /// Runs a statement and tells how many rows it changed.
    pub async fn execute(&mut self, sql: &str, params: Params) -> Result<u64, DbError> {
        let sql = dialect::spell(self.dialect(), sql, &params);
        match &mut self.open {
            Open::Sqlite(tx) => {
                let done = sqlx::query_with(sql, dialect::sqlite_arguments(params)?).execute(&mut **tx).await;
                Ok(done.map_err(DbError::from)?.rows_affected())
            }
            Open::Postgres(tx) => {
                let done = sqlx::query_with(sql, dialect::postgres_arguments(params)?).execute(&mut **tx).await;
                Ok(done.map_err(DbError::from)?.rows_affected())
            }
        }
    }

    /// Runs a statement that must change exactly one row; any other count is [`DbError::RowCount`].
    pub async fn execute_one(&mut self, sql: &str, params: Params) -> Result<(), DbError> {
        match self.execute(sql, params).await? {
            1 => Ok(()),
            changed => Err(DbError::RowCount { expected: 1, found: changed }),
        }
    }

    /// All rows of a query.
    pub async fn all(&mut self, sql: &str, params: Params) -> Result<Vec<Row>, DbError> {
        let sql = dialect::spell(self.dialect(), sql, &params);
        match &mut self.open {
            Open::Sqlite(tx) => {
                let rows = sqlx::query_with(sql, dialect::sqlite_arguments(params)?).fetch(&mut **tx);
                Ok(rows.map_ok(Row::from).try_collect().await?)
            }
            Open::Postgres(tx) => {
                let rows = sqlx::query_with(sql, dialect::postgres_arguments(params)?).fetch(&mut **tx);
                Ok(rows.map_ok(Row::from).try_collect().await?)
            }
        }
    }

    /// The row of a query that has at most one; several are [`DbError::RowCount`].
    pub async fn optional(&mut self, sql: &str, params: Params) -> Result<Option<Row>, DbError> {
        let mut rows = self.all(sql, params).await?;
        match rows.len() {
            0 | 1 => Ok(rows.pop()),
            many => Err(DbError::RowCount { expected: 1, found: many as u64 }),
        }
    }

    /// The row of a query that has exactly one; none or several are [`DbError::RowCount`].
    pub async fn one(&mut self, sql: &str, params: Params) -> Result<Row, DbError> {
        self.optional(sql, params).await?.ok_or(DbError::RowCount { expected: 1, found: 0 })
    }

    /// The database's own time. On SQLite it is that of this machine.
    pub async fn now(&mut self) -> Result<Timestamp, DbError> {
        let sql = format!("SELECT {} AS now", self.dialect().now());
        self.one(&sql, params![]).await?.time("now")
    }

    /// Runs several statements without parameters, as they stand in a migration.
    pub(super) async fn script(&mut self, sql: &'static str) -> Result<(), DbError> {
        match &mut self.open {
            Open::Sqlite(tx) => sqlx::raw_sql(sql).execute(&mut **tx).await.map(drop)?,
            Open::Postgres(tx) => sqlx::raw_sql(sql).execute(&mut **tx).await.map(drop)?,
        }
        Ok(())
    }

    /// Makes the changes durable. When this fails with a lost connection the outcome is unknown: read again by key.
    pub async fn commit(self) -> Result<(), DbError> {
        // Before, because nobody may be here any more when the database has done it.
        if let Some(wal) = self.wal.as_ref().filter(|_| self.destroyed) {
            wal.owe();
        }
        match self.open {
            Open::Sqlite(tx) => tx.commit().await?,
            Open::Postgres(tx) => tx.commit().await?,
        }
        if let Some(bell) = self.bell.filter(|_| self.made_work) {
            bell.send_replace(());
        }
        if let Some(wal) = self.wal {
            wal.settle().await;
        }
        Ok(())
    }

    /// Undoes everything now, instead of when the connection is next used.
    pub async fn rollback(self) -> Result<(), DbError> {
        match self.open {
            Open::Sqlite(tx) => tx.rollback().await?,
            Open::Postgres(tx) => tx.rollback().await?,
        }
        Ok(())
    }
}

/// How often a whole transaction is tried when the database asks for it (busy, deadlock, serialisation).
///
/// ```ignore
/// let mut retries = Retries::default();
/// loop {
///     match self.attempt().await {
///         Err(error) if retries.again(&error, chance).await => {}
///         outcome => return outcome,
///     }
/// }
/// ```
#[derive(Debug)]
pub struct Retries {
    left: u32,
    wait: Duration,
}

impl Default for Retries {
    fn default() -> Self {
        Self { left: 5, wait: Duration::from_millis(10) }
    }
}

impl Retries {
    /// Waits a little (10 ms doubling, with jitter) and says whether to try once more: only after a transient
    /// failure, and five times at most.
    pub async fn again(&mut self, error: &DbError, chance: &dyn Chance) -> bool {
        if error.retry() == Retry::Permanent || self.left == 0 {
            return false;
        }
        self.left -= 1;
        let [jitter] = draw::<1>(chance);
        tokio::time::sleep(self.wait.mul_f64(0.5 + f64::from(jitter) / 256.0)).await;
        self.wait *= 2;
        true
    }
}
