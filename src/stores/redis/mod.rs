//! Redis (6.2 or later, and what speaks its protocol, such as Valkey) as a store: names and what lies under them.
//!
//! `redis://user:password@host:6379/0`, or `rediss://` for TLS. One logical database is one store; a cluster and a replica
//! are refused, because each shows only a part, or an old one. Names are found by SCAN in steps and removed by UNLINK in
//! bounded batches: never KEYS, never FLUSH, no script.
//!
//! The login needs `+info +ping +scan +type +unlink +multi +discard` and, as far as the map has members,
//! `+hscan +hexists +hdel`, `+sscan +sismember +srem`, `+zscan +zscore +zrem`, `+xrange +xdel`, on the names of the map; with a
//! canary `+getrange +set` on its name.

mod schema;
mod statements;

use std::collections::BTreeSet;
use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Client, Cmd, ErrorKind, FromRedisValue, Pipeline, RedisError, ServerErrorKind};
use secrecy::{ExposeSecret as _, SecretString};
use tokio::sync::Mutex;

use super::keyed::{Backend, KeyStore, Shape, Shapes, Wanted};
use super::survey::Sampled;
use super::{Key, StoreError, StoreLimits};

/// One logical database of a server.
pub struct Redis {
    client: Client,
    limits: StoreLimits,
    /// The connection that all calls share; gone after a failure of it.
    shared: Mutex<Option<MultiplexedConnection>>,
}

/// Opens a database of a server and says hello.
///
/// # Errors
/// A url that is none, a server that cannot be reached, a refused login.
pub async fn open(url: &SecretString, limits: StoreLimits, shapes: Shapes) -> Result<KeyStore<Redis>, StoreError> {
    let bad = StoreError::BadUrl { expected: "redis://user:password@host:6379/0, or rediss:// for TLS" };
    let Ok(client) = Client::open(url.expose_secret()) else { return Err(bad) };
    KeyStore::ready(Redis { client, limits, shared: Mutex::default() }, shapes).await
}

#[async_trait]
impl Backend for Redis {
    async fn ping(&self) -> Result<(), StoreError> {
        self.command::<String>(&redis::cmd("PING")).await.map(drop)
    }

    async fn look(&self, shapes: &Shapes) -> Result<u64, StoreError> {
        schema::look(self, shapes).await
    }

    async fn sample(&self, names_max: usize) -> Result<Vec<Sampled>, StoreError> {
        schema::sample(self, names_max).await
    }

    async fn find(&self, wanted: &Wanted<'_>) -> Result<BTreeSet<Key>, StoreError> {
        statements::find(self, wanted).await
    }

    async fn present(&self, table: &str, shape: &Shape, rows: &[Key]) -> Result<Vec<bool>, StoreError> {
        statements::present(self, table, shape, rows).await
    }

    async fn remove(&self, table: &str, shape: &Shape, rows: &[Key]) -> Result<u64, StoreError> {
        statements::remove(self, table, shape, rows).await
    }

    async fn canary(&self, name: &str) -> Result<Option<String>, StoreError> {
        statements::canary(self, name).await
    }

    async fn set_canary(&self, name: &str, epoch: &str) -> Result<(), StoreError> {
        statements::set_canary(self, name, epoch).await
    }
}

impl Redis {
    /// A connection of one's own.
    async fn connect(&self) -> Result<MultiplexedConnection, StoreError> {
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(self.limits.statement_timeout))
            .set_response_timeout(Some(self.limits.statement_timeout));
        Ok(self.client.get_multiplexed_async_connection_with_config(&config).await?)
    }

    async fn shared(&self) -> Result<MultiplexedConnection, StoreError> {
        let mut shared = self.shared.lock().await;
        if let Some(connection) = &*shared {
            return Ok(connection.clone());
        }
        Ok(shared.insert(self.connect().await?).clone())
    }

    /// One command. Every command here may be sent twice.
    async fn command<T: FromRedisValue>(&self, command: &Cmd) -> Result<T, StoreError> {
        self.ask(Ask::One(command)).await
    }

    /// Several commands in one round trip; the first that fails is the answer.
    async fn commands<T: FromRedisValue>(&self, pipeline: &Pipeline) -> Result<T, StoreError> {
        self.ask(Ask::Many(pipeline)).await
    }

    /// Asks, and again where the connection broke or the server is busy, a bounded number of times.
    async fn ask<T: FromRedisValue>(&self, ask: Ask<'_>) -> Result<T, StoreError> {
        let mut wait = Duration::from_millis(25);
        for _ in 1..self.limits.attempts_max {
            match self.once(ask).await {
                Err(StoreError::Redis(failure)) if failure.is_transient() => tokio::time::sleep(wait).await,
                other => return other,
            }
            wait *= 2;
        }
        self.once(ask).await
    }

    async fn once<T: FromRedisValue>(&self, ask: Ask<'_>) -> Result<T, StoreError> {
        let mut connection = self.shared().await?;
        let answer = match ask {
            Ask::One(command) => command.query_async(&mut connection).await,
            Ask::Many(pipeline) => pipeline.query_async(&mut connection).await,
        };
        let error = match answer {
            Ok(answer) => return Ok(answer),
            Err(error) => error,
        };
        if error.is_io_error() {
            *self.shared.lock().await = None;
        }
        // Whoever waited for the whole time-out once does not wait for it again.
        if error.is_timeout() {
            return Err(StoreError::Timeout { seconds: self.limits.statement_timeout.as_secs() });
        }
        Err(error.into())
    }
}

/// What is asked in one round trip.
#[derive(Clone, Copy)]
enum Ask<'a> {
    One(&'a Cmd),
    Many(&'a Pipeline),
}

impl From<RedisError> for StoreError {
    fn from(error: RedisError) -> Self {
        Self::Redis(RedisFailure(Box::new(error)))
    }
}

/// What the server or the driver said, without what they quoted.
pub struct RedisFailure(Box<RedisError>);

impl RedisFailure {
    /// Down, starting, failing over to a copy that only reads, out of memory or disk, busy with a script.
    pub(super) fn is_transient(&self) -> bool {
        match self.0.kind() {
            ErrorKind::Io => true,
            ErrorKind::Server(kind) => matches!(
                kind,
                ServerErrorKind::BusyLoading
                    | ServerErrorKind::TryAgain
                    | ServerErrorKind::MasterDown
                    | ServerErrorKind::ReadOnly
            ),
            _ => self.codes().iter().any(|code| matches!(code.as_str(), "BUSY" | "MISCONF" | "OOM" | "NOREPLICAS")),
        }
    }

    /// Whether a command met a value of another kind.
    pub(super) fn is_wrong_type(&self) -> bool {
        self.codes().iter().any(|code| code == "WRONGTYPE")
    }

    /// What the server calls the failure; of several commands, what it says of each that failed.
    fn codes(&self) -> Vec<String> {
        let errors = RedisError::clone(&self.0).into_server_errors();
        errors.iter().flat_map(|errors| errors.iter()).map(|(_, error)| error.code().to_owned()).collect()
    }
}

impl fmt::Display for RedisFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.codes().first() {
            // A refusal names the command and never the name that it was sent with.
            Some(code) if code == "NOPERM" => write!(f, "{code} {}", self.0.detail().unwrap_or_default()),
            Some(code) => write!(f, "code {code}"),
            None => f.write_str(self.0.category()),
        }
    }
}

/// The same as Display: the driver's own Debug may quote what was sent.
impl fmt::Debug for RedisFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for RedisFailure {}
