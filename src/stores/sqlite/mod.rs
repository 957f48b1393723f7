//! A SQLite file as a store. It never makes a file that is missing.
//!
//! `secure_delete` is on: what is deleted is overwritten in the file. Foreign keys are enforced. A statement that runs
//! longer than anybody waits for it is interrupted, and its transaction undone. A file that is replaced is opened anew.

mod place;
mod schema;
mod statements;
mod survey;

use std::str::FromStr as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use secrecy::{ExposeSecret as _, SecretString};
use sqlx::SqlitePool;
use sqlx::sqlite::{SqliteConnectOptions, SqlitePoolOptions};

use self::place::Place;
use super::sql::{SqlStore, Watch, impl_connection};
use super::{StoreError, StoreLimits};

pub use statements::SqliteDialect;

/// The connections to one file.
pub struct SqliteConnection {
    pool: SqlitePool,
}

impl super::sql::Pooled for SqliteConnection {
    type Db = sqlx::Sqlite;

    async fn watch(connection: &mut sqlx::SqliteConnection) -> Result<Watch, sqlx::Error> {
        let stop = Arc::new(AtomicBool::new(false));
        let flag = Arc::clone(&stop);
        connection
            .lock_handle()
            .await?
            .set_progress_handler(STEPS_BETWEEN_LOOKS, move || !flag.load(Ordering::Relaxed));
        Ok(Watch::of_flag(stop))
    }
}

/// Steps of SQLite's machine between two looks at whether anybody still waits; a ROLLBACK takes fewer.
const STEPS_BETWEEN_LOOKS: i32 = 10_000;

// BEGIN DEFERRED guards nothing that a statement alone would not have.
impl_connection!(
    SqliteConnection,
    read: "BEGIN DEFERRED",
    alone: true,
    write: "BEGIN IMMEDIATE",
    explain: "BEGIN DEFERRED"
);

/// Opens a file: `sqlite://relative/path` or `sqlite:///absolute/path`.
///
/// # Errors
/// A url that is none, a file that is missing or no database.
pub async fn open(
    url: &SecretString,
    limits: StoreLimits,
) -> Result<SqlStore<SqliteDialect, SqliteConnection>, StoreError> {
    let bad = StoreError::BadUrl { expected: "sqlite://path/to/file" };
    let Ok(options) = SqliteConnectOptions::from_str(url.expose_secret()) else { return Err(bad) };
    let options = options
        .create_if_missing(false)
        .foreign_keys(true)
        .busy_timeout(limits.lock_timeout)
        .pragma("secure_delete", "ON");
    let place = Arc::new(Place::of(options.get_filename()));
    let path = options.get_filename().to_owned();
    let pool = SqlitePoolOptions::new()
        .before_acquire(move |_, made| {
            let here = place.is_of(made.age);
            Box::pin(async move { Ok(here) })
        })
        .max_connections(limits.connections_max)
        .acquire_timeout(limits.statement_timeout)
        .connect_with(options)
        .await
        .map_err(|error| StoreError::from(error).of_file(&path))?;
    SqlStore::ready(SqliteConnection { pool }, limits).await.map_err(|error| error.of_file(&path))
}
