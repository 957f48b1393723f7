//! Opens our own database: pools, pragmas, the version gates, the migrations.

use std::fs::OpenOptions;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::str::FromStr as _;
use std::sync::Arc;
use std::time::Duration;

use futures::TryStreamExt as _;
use secrecy::{ExposeSecret as _, SecretString};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{ConnectOptions as _, Connection as _, PgPool, SqlitePool};
use tokio::sync::watch;

use super::dialect::{self, Dialect};
use super::error::DbError;
use super::migrate;
use super::sql::{Params, Row, Tx};
use super::wal::Wal;
use crate::finish::finish;

/// Where our own database is.
#[derive(Clone, Debug)]
pub struct DatabaseSettings {
    /// `sqlite://path` (absolute with three slashes) or `postgres://user:password@host/name`.
    pub url: SecretString,
    /// Connections held at most: to PostgreSQL in all, to SQLite for reading (one more writes).
    pub connections_max: u32,
}

/// Our own database. A clone is the same database.
#[derive(Clone)]
pub struct Db(Pools);

#[derive(Clone)]
enum Pools {
    /// One connection writes, so that writers queue here and not on a lock in the file.
    Sqlite {
        writer: SqlitePool,
        readers: SqlitePool,
        /// Rung when a transaction made work for the workers of this process.
        bell: Arc<watch::Sender<()>>,
        wal: Arc<Wal>,
    },
    Postgres(PgPool),
}

/// What the connections may do.
#[derive(Clone, Copy)]
enum Access {
    Write,
    Look,
}

/// How a worker hears of new work: from its own process, or from the server by LISTEN.
pub(super) enum Bell<'a> {
    Local(&'a watch::Sender<()>),
    Channel(&'a PgPool),
}

/// Before this a reset of the write-ahead log can corrupt it.
const SQLITE_WANTED: &str = "3.51.3";
/// The oldest that the tests run on; what an older one would make of our statements nobody has seen.
const POSTGRES_WANTED: u32 = 15;
/// How long a statement waits for another process that writes.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a transaction waits for a free connection.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(30);
/// One listens, one extends leases, one works.
const CONNECTIONS_MIN: u32 = 3;
/// Rows that SQLite reads before anybody takes them. With fewer than a claim has, the two threads wait for each other.
const ROWS_AHEAD: usize = 500;
/// How often BEGIN is tried on a database that another process keeps busy.
const BEGIN_ATTEMPTS_MAX: u32 = 3;

impl Db {
    /// Opens the database, makes it if it is a file that is missing, and brings its schema up to date.
    ///
    /// # Errors
    /// An unreadable url, an old SQLite, a schema of a newer program, a migration that fails (nothing of it stays).
    pub async fn open(settings: &DatabaseSettings) -> Result<Self, DbError> {
        if let Some(path) = settings.url.expose_secret().strip_prefix("sqlite://") {
            create_private(Path::new(path))?;
        }
        let opened = async {
            let db = Self::connect(settings, Access::Write).await?;
            migrate::migrate(&db).await?;
            Ok(db)
        };
        opened.await.map_err(|error| named(error, settings, Access::Write))
    }

    /// Opens a database that is there and has the schema of this program. Makes nothing and migrates nothing: a look
    /// at a mistyped path must not leave a ledger there, nor a newer program change one under a daemon that runs.
    ///
    /// # Errors
    /// As [`Self::open`], and [`DbError::NotThere`] and [`DbError::OlderSchema`].
    pub async fn open_existing(settings: &DatabaseSettings) -> Result<Self, DbError> {
        let file = settings.url.expose_secret().strip_prefix("sqlite://");
        if let Some(path) = file
            && !is_there(Path::new(path))?
        {
            return Err(DbError::NotThere);
        }
        Self::current(settings, Access::Write).await
    }

    /// The same, and the connections themselves refuse to write.
    ///
    /// # Errors
    /// As [`Self::open_existing`].
    pub async fn open_to_look(settings: &DatabaseSettings) -> Result<Self, DbError> {
        match settings.url.expose_secret().strip_prefix("sqlite://") {
            Some(path) if !is_there(Path::new(path))? => Err(DbError::NotThere),
            _ => Self::current(settings, Access::Look).await,
        }
    }

    async fn current(settings: &DatabaseSettings, access: Access) -> Result<Self, DbError> {
        let opened = async {
            let db = Self::connect(settings, access).await?;
            migrate::is_current(&db).await?;
            Ok(db)
        };
        opened.await.map_err(|error| named(error, settings, access))
    }

    async fn connect(settings: &DatabaseSettings, access: Access) -> Result<Self, DbError> {
        let url = settings.url.expose_secret();
        if let Some(path) = url.strip_prefix("sqlite://") {
            open_sqlite(Path::new(path), settings.connections_max, access).await
        } else if url.starts_with("postgres://") || url.starts_with("postgresql://") {
            open_postgres(url, settings.connections_max, access).await
        } else {
            Err(DbError::UnknownUrl)
        }
    }

    /// Begins a transaction that only reads, and sees one state of the database throughout.
    pub async fn read(&self) -> Result<Tx, DbError> {
        match &self.0 {
            Pools::Sqlite { readers, .. } => Ok(Tx::sqlite_reading(readers.begin().await?)),
            Pools::Postgres(pool) => begin(pool, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await,
        }
    }

    /// Begins a transaction that may write. On SQLite it holds the write lock from here on, so that it cannot
    /// fail half way for want of it.
    pub async fn write(&self) -> Result<Tx, DbError> {
        match &self.0 {
            Pools::Sqlite { writer, bell, wal, .. } => begin_immediate(writer, bell, wal).await,
            Pools::Postgres(pool) => begin(pool, "BEGIN").await,
        }
    }

    /// Which database this is.
    #[must_use]
    pub const fn dialect(&self) -> Dialect {
        match self.0 {
            Pools::Sqlite { .. } => Dialect::Sqlite,
            Pools::Postgres(_) => Dialect::Postgres,
        }
    }

    /// Runs one statement that is a whole transaction by itself, without the cost of BEGIN and COMMIT.
    pub(super) async fn alone(&self, sql: &str, params: Params) -> Result<Vec<Row>, DbError> {
        let sql = dialect::spell(self.dialect(), sql, &params);
        match &self.0 {
            Pools::Sqlite { writer, wal, .. } => {
                let rows = sqlx::query_with(sql, dialect::sqlite_arguments(params)?).fetch(writer);
                let rows = rows.map_ok(Row::from).try_collect().await?;
                wal.settle().await;
                Ok(rows)
            }
            Pools::Postgres(pool) => {
                let rows = sqlx::query_with(sql, dialect::postgres_arguments(params)?).fetch(pool);
                Ok(rows.map_ok(Row::from).try_collect().await?)
            }
        }
    }

    /// How a worker hears of new work.
    pub(super) fn bell(&self) -> Bell<'_> {
        match &self.0 {
            Pools::Postgres(pool) => Bell::Channel(pool),
            Pools::Sqlite { bell, .. } => Bell::Local(bell),
        }
    }

    /// Waits for transactions under way and closes every connection.
    pub async fn close(&self) {
        match &self.0 {
            Pools::Sqlite { writer, readers, wal, .. } => {
                readers.close().await;
                wal.settle_now().await;
                writer.close().await;
            }
            Pools::Postgres(pool) => pool.close().await,
        }
    }
}

/// Begins on PostgreSQL, to the end even if the caller is dropped meanwhile (see [`crate::finish`]; SQLite's worker
/// rolls back by itself what nobody waits for).
async fn begin(pool: &PgPool, how: &'static str) -> Result<Tx, DbError> {
    let pool = pool.clone();
    Ok(Tx::postgres(finish(async move { pool.begin_with(how).await }).await?))
}

async fn begin_immediate(writer: &SqlitePool, bell: &Arc<watch::Sender<()>>, wal: &Arc<Wal>) -> Result<Tx, DbError> {
    let mut attempts = 1;
    loop {
        match writer.begin_with("BEGIN IMMEDIATE").await.map_err(DbError::from) {
            Ok(tx) => return Ok(Tx::sqlite_writing(tx, Arc::clone(bell), Arc::clone(wal))),
            // SQLite ended the last transaction by itself (a full disk): a fresh connection says why, where it still is so.
            Err(error) if error.is_out_of_step() && attempts < BEGIN_ATTEMPTS_MAX => {
                attempts += 1;
                writer.acquire().await?.close_on_drop();
            }
            // The busy timeout has passed each time, so there is no need to wait here as well.
            Err(error) if error.retry() == crate::domain::Retry::Transient && attempts < BEGIN_ATTEMPTS_MAX => {
                attempts += 1;
            }
            Err(error) => return Err(error),
        }
    }
}

async fn open_sqlite(path: &Path, readers_max: u32, access: Access) -> Result<Db, DbError> {
    let options = SqliteConnectOptions::new()
        .filename(path)
        .foreign_keys(true)
        .busy_timeout(BUSY_TIMEOUT)
        .row_buffer_size(ROWS_AHEAD);
    // What is deleted is overwritten with zeros: a destroyed key must not stay on a free page.
    let erasing = options.clone().pragma("secure_delete", "ON");
    let writing = match access {
        Access::Write => erasing.journal_mode(SqliteJournalMode::Wal).synchronous(SqliteSynchronous::Full),
        Access::Look => options.clone().pragma("query_only", "ON"),
    };
    let writer = SqlitePoolOptions::new()
        .max_connections(1)
        .idle_timeout(None)
        .max_lifetime(None)
        .acquire_timeout(ACQUIRE_TIMEOUT)
        // A file in this process does not go away between two statements, and asking it costs as much as one.
        .test_before_acquire(false)
        .connect_with(writing)
        .await?;
    refuse_old_sqlite(&writer).await?;
    let readers = SqlitePoolOptions::new()
        .max_connections(readers_max.max(1))
        .acquire_timeout(ACQUIRE_TIMEOUT)
        .test_before_acquire(false)
        .connect_lazy_with(options.pragma("query_only", "ON"));
    let wal = Arc::new(Wal::of(writer.clone()));
    Ok(Db(Pools::Sqlite { writer, readers, bell: Arc::default(), wal }))
}

/// An error about the file names it, and one about a right of the login says which.
fn named(error: DbError, settings: &DatabaseSettings, access: Access) -> DbError {
    let url = settings.url.expose_secret();
    match (url.strip_prefix("sqlite://"), PgConnectOptions::from_str(url)) {
        (Some(path), _) => error.of_file(Path::new(path)),
        (None, Ok(options)) => error.of_login(options.get_username(), matches!(access, Access::Look)),
        (None, Err(_)) => error,
    }
}

/// Whether there is a file; one that the first start could not make is an error to everybody alike.
pub(super) fn is_there(path: &Path) -> Result<bool, DbError> {
    if path.exists() {
        return Ok(true);
    }
    let folder = path.parent().filter(|folder| *folder != Path::new("")).unwrap_or(Path::new("."));
    if folder.is_dir() { Ok(false) } else { Err(DbError::NoFolder(folder.to_owned())) }
}

/// Makes the file readable by its owner only; the write-ahead log inherits that.
fn create_private(path: &Path) -> Result<(), DbError> {
    is_there(path)?;
    match OpenOptions::new().write(true).create_new(true).mode(0o600).open(path) {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Ok(()),
        Err(source) => Err(DbError::File { path: path.to_owned(), source }),
    }
}

async fn refuse_old_sqlite(pool: &SqlitePool) -> Result<(), DbError> {
    let found: String = sqlx::query_scalar("SELECT sqlite_version()").fetch_one(pool).await?;
    if version(&found) < version(SQLITE_WANTED) {
        return Err(DbError::OldSqlite { found, wanted: SQLITE_WANTED });
    }
    Ok(())
}

/// `15.4 (Debian 15.4-1)` and `16beta1` are versions of PostgreSQL.
fn refuse_old_postgres(found: String) -> Result<(), DbError> {
    let digits = found.find(|c: char| !c.is_ascii_digit()).unwrap_or(found.len());
    match found[..digits].parse::<u32>() {
        Ok(major) if major >= POSTGRES_WANTED => Ok(()),
        _ => Err(DbError::OldPostgres { found, wanted: POSTGRES_WANTED }),
    }
}

/// A version as numbers that compare; what is no number counts as 0.
fn version(text: &str) -> [u32; 3] {
    let mut parts = text.split('.').map(|part| part.parse().unwrap_or(0));
    [parts.next().unwrap_or(0), parts.next().unwrap_or(0), parts.next().unwrap_or(0)]
}

async fn open_postgres(url: &str, connections_max: u32, access: Access) -> Result<Db, DbError> {
    let options = PgConnectOptions::from_str(url)
        .map_err(|error| DbError::BadUrl(Box::new(error)))?
        .application_name("expunged")
        .statement_cache_capacity(256);
    let options = match access {
        Access::Write => options,
        Access::Look => options.options([("default_transaction_read_only", "on")]),
    };
    // The pool takes a refused connection for a server that starts: it would wait, and then not say why.
    let first = tokio::time::timeout(ACQUIRE_TIMEOUT, options.connect()).await;
    let mut first = first.map_err(|_| sqlx::Error::PoolTimedOut)??;
    let found: String = sqlx::query_scalar("SHOW server_version").fetch_one(&mut first).await?;
    first.close().await?;
    refuse_old_postgres(found)?;
    let pool = PgPoolOptions::new()
        .max_connections(connections_max.max(CONNECTIONS_MIN))
        .acquire_timeout(ACQUIRE_TIMEOUT)
        .connect_with(options)
        .await?;
    Ok(Db(Pools::Postgres(pool)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_postgresql_before_15_is_refused_by_its_version() {
        for taken in ["15.4 (Debian 15.4-1.pgdg120+1)", "15", "16beta1", "18.0"] {
            assert!(refuse_old_postgres(taken.to_owned()).is_ok(), "{taken}");
        }
        for old in ["14.11", "9.6.24", "10.23", "unknown"] {
            let refused = refuse_old_postgres(old.to_owned()).unwrap_err().to_string();
            assert_eq!(refused, format!("PostgreSQL {old} is too old: 15 or later is needed"));
        }
    }

    #[test]
    fn versions_compare_as_numbers() {
        assert!(version("3.51.2") < version(SQLITE_WANTED));
        assert!(version("3.52.0") > version(SQLITE_WANTED));
        assert!(version("3.9.0") < version("3.10.0"));
    }
}
