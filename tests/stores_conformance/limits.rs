//! What a login does not see, and what runs too long.

use expunged::domain::Retry;
use expunged::erase::{DataMap, check};
use expunged::stores::{self, Select, StoreError, StoreKind, StoreLimits};
use secrecy::SecretString;
use sqlx::Executor as _;

use super::{ints, limits, names};
use crate::support::mariadb::fresh_mariadb;
use crate::support::postgres::fresh_postgres;

#[tokio::test]
async fn a_statement_that_nobody_waits_for_is_ended() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}", folder.path().join("store.db").display());
    let pool = sqlx::SqlitePool::connect(&format!("{url}?mode=rwc")).await.unwrap();
    pool.execute("CREATE TABLE people (id INTEGER PRIMARY KEY)").await.unwrap();
    let short = std::time::Duration::from_millis(300);
    let limits = StoreLimits { connections_max: 1, statement_timeout: short, lock_timeout: short, ..limits() };
    let store = stores::open(StoreKind::Sqlite, &SecretString::from(url), limits).await.unwrap();
    let endless = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT MAX(i) AS most FROM n";
    let late = store.lookup(endless, &[]).await.unwrap_err();
    assert!(matches!(late, StoreError::Timeout { .. }), "{late}");
    store.ping().await.expect("the one connection is free again");
}

#[tokio::test]
async fn rows_that_a_policy_hides_are_an_error_and_not_nothing() {
    let url = fresh_postgres().await;
    let pool = sqlx::PgPool::connect(&url).await.unwrap();
    let login = format!("hidden_from_{}", crate::support::unique_word());
    let script = format!(
        "CREATE TABLE people (id BIGINT PRIMARY KEY); INSERT INTO people VALUES (1);
         ALTER TABLE people ENABLE ROW LEVEL SECURITY; CREATE ROLE {login} LOGIN; GRANT SELECT ON people TO {login}"
    );
    pool.execute(sqlx::AssertSqlSafe(script)).await.unwrap();
    let mut url = url::Url::parse(&url).unwrap();
    url.set_username(&login).unwrap();
    let store = stores::open(StoreKind::Postgres, &SecretString::from(url.to_string()), limits()).await.unwrap();
    assert!(store.schema().await.unwrap().tables["people"].hides_rows);
    let (columns, values) = (names(&["id"]), ints(&[1]));
    let error =
        store.count(Select { table: "people", columns: &columns, values: &values, linked_to: None }).await.unwrap_err();
    let said = std::error::Error::source(&error).unwrap().to_string();
    assert!(said.contains("row-level security") && said.contains("BYPASSRLS"), "{said}");
    assert_eq!(error.retry(), Retry::Permanent);
}

/// What is deleted there is found by FOR SYSTEM_TIME: such a table cannot be erased from.
#[tokio::test]
async fn a_table_that_keeps_its_old_rows_is_a_defect() {
    let url = fresh_mariadb().await;
    let pool = sqlx::MySqlPool::connect(&url).await.unwrap();
    for sql in [
        "CREATE TABLE people (id BIGINT PRIMARY KEY, email VARCHAR(90) NOT NULL) WITH SYSTEM VERSIONING",
        "INSERT INTO people VALUES (1, 'ada@one.example')",
        "DELETE FROM people",
    ] {
        pool.execute(sql).await.unwrap();
    }
    let kept: i64 =
        sqlx::query_scalar("SELECT COUNT(*) FROM people FOR SYSTEM_TIME ALL").fetch_one(&pool).await.unwrap();
    assert_eq!(kept, 1, "MariaDB keeps what was deleted");
    let store = stores::open(StoreKind::Mysql, &SecretString::from(url), limits()).await.unwrap();
    let schema = store.schema().await.unwrap();
    assert!(schema.tables["people"].keeps_old_rows);
    let map = r#"[store]
name = "shop"
kind = "mysql"
url = "mysql://localhost/shop"
backup_days = 0

[tables.people]
subject = "account"
key = ["id"]
erase = "delete"
categories = { id = "none", email = "contact" }
"#;
    let map = DataMap::parse(&[("shop.toml", map)]).unwrap();
    let defects =
        check(&map, &std::collections::BTreeMap::from([(map.stores().keys().next().unwrap().clone(), schema)]));
    let said = defects.iter().map(|defect| defect.problem.clone()).collect::<Vec<_>>();
    assert!(said.contains(&"the store keeps each row that is changed or erased".to_owned()), "{said:?}");
}

#[tokio::test]
async fn a_login_that_sees_only_some_tables_is_refused() {
    let root = fresh_mariadb().await;
    let pool = sqlx::MySqlPool::connect(&root).await.unwrap();
    let mut url = url::Url::parse(&root).unwrap();
    let (database, login) = (url.path().trim_start_matches('/').to_owned(), crate::support::unique_word());
    let login = format!("u{}", &login[..login.len().min(24)]);
    for sql in [
        "CREATE TABLE users (id BIGINT PRIMARY KEY)".to_owned(),
        "CREATE TABLE badges (id BIGINT PRIMARY KEY, user_id BIGINT, FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE)".to_owned(),
        format!("CREATE USER {login}"),
        format!("GRANT SELECT, UPDATE, DELETE ON {database}.users TO {login}"),
    ] {
        pool.execute(sqlx::AssertSqlSafe(sql)).await.unwrap();
    }
    url.set_username(&login).unwrap();
    let url = SecretString::from(url.to_string());
    let error = stores::open(StoreKind::Mysql, &url, limits()).await.err().expect("badges would go uncounted");
    let StoreError::HiddenTables { grant } = &error else { panic!("{error}") };
    pool.execute(sqlx::AssertSqlSafe(grant.clone())).await.unwrap();
    let schema = stores::open(StoreKind::Mysql, &url, limits()).await.unwrap().schema().await.unwrap();
    assert_eq!(schema.tables["badges"].foreign_keys[0].table, "users");
}

#[tokio::test]
async fn a_link_from_another_database_is_seen() {
    let (here, there) = (fresh_mariadb().await, fresh_mariadb().await);
    let name = |url: &str| url::Url::parse(url).unwrap().path().trim_start_matches('/').to_owned();
    let pool = sqlx::MySqlPool::connect(&here).await.unwrap();
    let child = format!(
        "CREATE TABLE {0}.badges (id BIGINT PRIMARY KEY, user_id BIGINT, FOREIGN KEY (user_id) REFERENCES {1}.users (id))",
        name(&there),
        name(&here)
    );
    pool.execute("CREATE TABLE users (id BIGINT PRIMARY KEY)").await.unwrap();
    pool.execute(sqlx::AssertSqlSafe(child)).await.unwrap();
    let store = stores::open(StoreKind::Mysql, &SecretString::from(here), limits()).await.unwrap();
    let schema = store.schema().await.unwrap();
    let badges = &schema.tables[&format!("{}.badges", name(&there))];
    assert_eq!((badges.columns.len(), badges.foreign_keys[0].table.as_str()), (2, "users"));
}
