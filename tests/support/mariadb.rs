//! MariaDB for tests, or MySQL: the server of `tests/run`, or one of this process's own; a fresh database for each test.

use sqlx::{AssertSqlSafe, Connection, Executor, MySqlConnection};
use tokio::sync::OnceCell;

use super::recipe::{Kind, Server};
use super::unique_word;

const KIND: Kind = Kind { name: "mariadb", variable: "EXPUNGED_TEST_MARIADB_URL", signal: "TERM" };

/// A URL of a server with the right to create databases: that of `EXPUNGED_TEST_MARIADB_URL`, or of a private one
/// for this process.
pub async fn mariadb_url() -> String {
    server().await.url.clone()
}

/// The URL of a new, empty database.
pub async fn fresh_mariadb() -> String {
    let server = server().await;
    let name = format!("expunged_{}", unique_word());
    let mut connection = MySqlConnection::connect(&server.url).await.expect("the test server answers");
    // MySQL has no CREATE OR REPLACE.
    for sql in [format!("DROP DATABASE IF EXISTS {name}"), format!("CREATE DATABASE {name}")] {
        connection.execute(AssertSqlSafe(sql)).await.expect("root may create");
    }
    connection.close().await.expect("a connection closes");
    server.url_of(&name)
}

async fn server() -> &'static Server {
    static SERVER: OnceCell<Server> = OnceCell::const_new();
    let url_at = |port| format!("mysql://root@127.0.0.1:{port}/mysql");
    let answers = async |url: &str| MySqlConnection::connect(url).await.is_ok();
    SERVER.get_or_init(|| Server::find_or_start(KIND, url_at, answers)).await
}
