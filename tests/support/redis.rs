//! Redis for tests: the server of `tests/run`, or one of this process's own; a fresh logical database for each test.

use redis::aio::MultiplexedConnection;
use tokio::sync::OnceCell;

use super::recipe::{Kind, Server};

const KIND: Kind = Kind { name: "redis", variable: "EXPUNGED_TEST_REDIS_URL", signal: "TERM" };

/// The URL of an empty logical database. The server numbers them itself, so that test processes do not meet.
pub async fn fresh_redis() -> String {
    let server = server().await;
    let mut counter = connect(&server.url).await.expect("the test server answers");
    let number: u32 = redis::cmd("INCR").arg("databases").query_async(&mut counter).await.expect("database 0 counts");
    let url = server.url_of(&number.to_string());
    let mut fresh = connect(&url).await.expect("the server has as many databases");
    redis::cmd("FLUSHDB").query_async::<()>(&mut fresh).await.expect("a test's own database may be emptied");
    url
}

/// A connection to a database.
pub async fn connect(url: &str) -> redis::RedisResult<MultiplexedConnection> {
    redis::Client::open(url)?.get_multiplexed_async_connection().await
}

/// Runs commands, each in words.
pub async fn run(connection: &mut MultiplexedConnection, commands: &[&str]) {
    for command in commands {
        let mut words = command.split_whitespace();
        let mut asked = redis::cmd(words.next().expect("a command has a name"));
        words.for_each(|word| {
            asked.arg(word);
        });
        asked.query_async::<redis::Value>(connection).await.unwrap_or_else(|error| panic!("{command}: {error}"));
    }
}

/// Every name of a database, sorted.
pub async fn names(connection: &mut MultiplexedConnection) -> Vec<String> {
    let mut names: Vec<String> = redis::cmd("KEYS").arg("*").query_async(connection).await.expect("it is a test's own");
    names.sort();
    names
}

async fn server() -> &'static Server {
    static SERVER: OnceCell<Server> = OnceCell::const_new();
    let url_at = |port| format!("redis://127.0.0.1:{port}/0");
    let answers = async |url: &str| match connect(url).await {
        Ok(mut connection) => redis::cmd("PING").query_async::<String>(&mut connection).await.is_ok(),
        Err(_) => false,
    };
    SERVER.get_or_init(|| Server::find_or_start(KIND, url_at, answers)).await
}
