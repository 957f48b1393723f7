//! PostgreSQL (13 or later) as a store.
//!
//! Statement and lock timeouts are set for every connection, and times are written in UTC. A policy of row-level
//! security that would hide rows from us makes the statement fail: hidden rows would count as erased.

mod schema;
mod statements;
mod survey;

use std::str::FromStr as _;

use secrecy::{ExposeSecret as _, SecretString};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{ConnectOptions as _, PgPool};

use super::sql::{SqlStore, Watch, impl_connection, reach};
use super::{StoreError, StoreLimits};

pub use statements::PostgresDialect;

/// The connections to one database.
pub struct PostgresConnection {
    pool: PgPool,
}

impl super::sql::Pooled for PostgresConnection {
    type Db = sqlx::Postgres;

    async fn watch(_: &mut sqlx::postgres::PgConnection) -> Result<Watch, sqlx::Error> {
        Ok(Watch::of_server())
    }
}

// What is not begun to write only reads: see `open`.
impl_connection!(
    PostgresConnection,
    read: "BEGIN READ ONLY",
    alone: true,
    write: "BEGIN READ WRITE",
    explain: "BEGIN READ ONLY"
);

/// Opens a database: `postgres://user:password@host/name`.
///
/// # Errors
/// A url that is none, an unreachable server, a refused login.
pub async fn open(
    url: &SecretString,
    limits: StoreLimits,
) -> Result<SqlStore<PostgresDialect, PostgresConnection>, StoreError> {
    let bad = StoreError::BadUrl { expected: "postgres://user:password@host/name" };
    let Ok(options) = PgConnectOptions::from_str(url.expose_secret()) else { return Err(bad) };
    let options = options.application_name("expunged").options([
        ("statement_timeout", limits.statement_timeout.as_millis().to_string()),
        ("lock_timeout", limits.lock_timeout.as_millis().to_string()),
        ("idle_in_transaction_session_timeout", limits.statement_timeout.as_millis().to_string()),
        ("timezone", "UTC".to_owned()),
        ("datestyle", "ISO".to_owned()),
        ("row_security", "off".to_owned()),
        ("default_transaction_read_only", "on".to_owned()),
    ]);
    reach(options.connect(), limits).await?;
    let pool = PgPoolOptions::new()
        .max_connections(limits.connections_max)
        .acquire_timeout(limits.statement_timeout)
        .connect_with(options)
        .await?;
    SqlStore::ready(PostgresConnection { pool }, limits).await
}
