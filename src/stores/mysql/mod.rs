//! MariaDB (10.6 or later) and MySQL (8 or later) as a store.
//!
//! Times are written in UTC, and locks are waited for only so long. MariaDB ends every statement that runs too long,
//! MySQL only those that read. A write that we stopped waiting for was never committed: the server undoes it when it
//! ends, and until then its locks make the next attempt wait.

mod grants;
mod schema;
mod statements;
mod survey;

use std::str::FromStr as _;

use secrecy::{ExposeSecret as _, SecretString};
use sqlx::mysql::{MySqlConnectOptions, MySqlPoolOptions};
use sqlx::{ConnectOptions as _, Executor as _, MySqlPool};

use super::sql::{SqlStore, Watch, impl_connection, reach};
use super::{StoreError, StoreLimits};

pub use statements::MysqlDialect;

/// The connections to one database.
pub struct MysqlConnection {
    pool: MySqlPool,
}

impl super::sql::Pooled for MysqlConnection {
    type Db = sqlx::MySql;

    async fn watch(_: &mut sqlx::mysql::MySqlConnection) -> Result<Watch, sqlx::Error> {
        Ok(Watch::of_server())
    }
}

// MariaDB explains no UPDATE in a transaction that only reads.
impl_connection!(
    MysqlConnection,
    read: "START TRANSACTION READ ONLY",
    alone: false,
    write: "START TRANSACTION",
    explain: "START TRANSACTION"
);

/// Opens a database: `mysql://user:password@host/name`.
///
/// # Errors
/// A url that is none, an unreachable server, a refused login.
pub async fn open(
    url: &SecretString,
    limits: StoreLimits,
) -> Result<SqlStore<MysqlDialect, MysqlConnection>, StoreError> {
    let bad = StoreError::BadUrl { expected: "mysql://user:password@host/name" };
    let Ok(options) = MySqlConnectOptions::from_str(url.expose_secret()) else { return Err(bad) };
    reach(options.connect(), limits).await?;
    let pool = MySqlPoolOptions::new()
        .max_connections(limits.connections_max)
        .acquire_timeout(limits.statement_timeout)
        .after_connect(move |connection, _| {
            Box::pin(async move {
                let wait = limits.lock_timeout.as_secs().max(1);
                let settings = format!(
                    "SET SESSION innodb_lock_wait_timeout = {wait}, lock_wait_timeout = {wait}, time_zone = '+00:00'"
                );
                connection.execute(sqlx::AssertSqlSafe(settings)).await?;
                // MariaDB counts seconds under one name, MySQL milliseconds under another.
                let mariadb = format!("SET SESSION max_statement_time = {}", limits.statement_timeout.as_secs());
                if connection.execute(sqlx::AssertSqlSafe(mariadb)).await.is_err() {
                    let mysql = format!("SET SESSION max_execution_time = {}", limits.statement_timeout.as_millis());
                    connection.execute(sqlx::AssertSqlSafe(mysql)).await?;
                }
                Ok(())
            })
        })
        .connect_with(options)
        .await?;
    SqlStore::ready(MysqlConnection { pool }, limits).await
}
