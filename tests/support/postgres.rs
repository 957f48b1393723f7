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

/// A server of this test's own.
pub async fn own_postgres() -> Server {
    Server::start(KIND, url_at, answers).await
}

/// A server of this test's own that asks the role `locked` for its password, `right`; and the URL with which it is let in.
pub async fn locked_postgres() -> (Server, String) {
    let server = own_postgres().await;
    let mut connection = PgConnection::connect(&server.url).await.expect("our own server answers");
    let hba: String = sqlx::query_scalar("SHOW hba_file").fetch_one(&mut connection).await.expect("it says where");
    let rules = std::fs::read_to_string(&hba).expect("the folder is ours");
    std::fs::write(&hba, format!("host all locked 127.0.0.1/32 scram-sha-256\n{rules}")).expect("the folder is ours");
    let statements = "CREATE ROLE locked LOGIN SUPERUSER PASSWORD 'right'; SELECT pg_reload_conf()";
    connection.execute(statements).await.expect("a superuser may");
    connection.close().await.expect("a connection closes");
    let url = server.url.replace("postgres@", "locked:right@");
    // The server reads its rules anew a moment later.
    let wrong = url.replace("right", "wrong");
    while PgConnection::connect(&wrong).await.is_ok() {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    (server, url)
}

fn url_at(port: u16) -> String {
    format!("postgres://postgres@127.0.0.1:{port}/postgres")
}

async fn answers(url: &str) -> bool {
    PgConnection::connect(url).await.is_ok()
}

async fn server() -> &'static Server {
    static SERVER: OnceCell<Server> = OnceCell::const_new();
    SERVER.get_or_init(|| Server::find_or_start(KIND, url_at, answers)).await
}
