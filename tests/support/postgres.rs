//! PostgreSQL for tests: the server of `tests/run`, or one of this process's own; a fresh database for each test.

use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};
use tokio::sync::OnceCell;

use super::recipe::{Kind, Server};
use super::unique_word;

const KIND: Kind = Kind { name: "postgres", variable: "EXPUNGED_TEST_POSTGRES_URL", signal: "INT" };

/// The superuser's URL of a server: that of `EXPUNGED_TEST_POSTGRES_URL`, or of a private one for this process.
pub async fn postgres_url() -> String {
    server().await.url.clone()
}

/// The URL of a new, empty database.
pub async fn fresh_postgres() -> String {
    let server = server().await;
    let name = format!("expunged_{}", unique_word());
    let mut connection = PgConnection::connect(&server.url).await.expect("the test server answers");
    // The server of tests/run outlives test processes, and their ids come round again.
    connection.execute(AssertSqlSafe(format!("DROP DATABASE IF EXISTS {name}"))).await.expect("the name is ours");
    connection.execute(AssertSqlSafe(format!("CREATE DATABASE {name}"))).await.expect("a superuser may create");
    connection.close().await.expect("a connection closes");
    server.url_of(&name)
}

async fn server() -> &'static Server {
    static SERVER: OnceCell<Server> = OnceCell::const_new();
    let url_at = |port| format!("postgres://postgres@127.0.0.1:{port}/postgres");
    SERVER
        .get_or_init(|| Server::find_or_start(KIND, url_at, async |url| PgConnection::connect(url).await.is_ok()))
        .await
}
