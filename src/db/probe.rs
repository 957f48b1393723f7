//! Whether our own database is there and answers; for `check`. Makes nothing, migrates nothing, writes nothing.

use std::path::Path;
use std::str::FromStr as _;

use secrecy::{ExposeSecret as _, SecretString};
use sqlx::postgres::PgConnectOptions;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions as _, Connection as _};

use super::error::{DbError, grant_to_make};
use super::open::is_there;

/// What was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Probe {
    /// A database that can be read.
    Answers,
    /// A file that the first start will make.
    NotThereYet,
}

/// Connects, asks one question, and leaves.
///
/// # Errors
/// An unreadable url, a server that does not answer or refuses the login, a file that is no database.
pub async fn probe(url: &SecretString) -> Result<Probe, DbError> {
    let url = url.expose_secret();
    if let Some(path) = url.strip_prefix("sqlite://") {
        if !is_there(Path::new(path))? {
            return Ok(Probe::NotThereYet);
        }
        read(Path::new(path)).await.map_err(|error| DbError::from(error).of_file(Path::new(path)))?;
    } else if url.starts_with("postgres://") || url.starts_with("postgresql://") {
        let options = PgConnectOptions::from_str(url).map_err(|error| DbError::BadUrl(Box::new(error)))?;
        let mut server = options.application_name("expunged check").connect().await?;
        server.ping().await?;
        server.close().await?;
    } else {
        return Err(DbError::UnknownUrl);
    }
    Ok(Probe::Answers)
}

/// Whether the start may make our tables, or change them where migrations are due: `None`, or what the login lacks and what gives it
/// that. A file of SQLite is made by who may write its folder.
///
/// # Errors
/// As [`probe`].
pub async fn lacks_right_to_make(url: &SecretString) -> Result<Option<String>, DbError> {
    let Ok(options) = PgConnectOptions::from_str(url.expose_secret()) else { return Ok(None) };
    let mut server = options.application_name("expunged check").connect().await?;
    // Where the login may not use a schema of its search path, there is none to make tables in.
    let sql = "SELECT current_user::text, COALESCE(has_schema_privilege(current_schema(), 'CREATE'), false)
                 AND NOT EXISTS (SELECT 1 FROM pg_class c WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind = 'r'
                   AND c.relname IN ('schema_migrations', 'jobs', 'requests', 'trail') AND NOT pg_has_role(c.relowner, 'USAGE'))";
    let (login, may): (String, bool) = sqlx::query_as(sql).fetch_one(&mut server).await?;
    server.close().await?;
    Ok((!may)
        .then(|| format!("the login {login} lacks a right; as its owner or a superuser: {}", grant_to_make(&login))))
}

async fn read(path: &Path) -> Result<(), sqlx::Error> {
    let mut file = SqliteConnectOptions::new().filename(path).read_only(true).connect().await?;
    // Only a query reads the file's header.
    sqlx::query("SELECT COUNT(*) FROM sqlite_schema").fetch_one(&mut file).await?;
    file.close().await
}
