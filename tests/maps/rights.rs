//! What the login may do is tried, and nothing is changed by trying.

use expunged::stores::{self, Attempt, Right, StoreKind, StoreLimits, Survey};
use secrecy::SecretString;
use sqlx::{AssertSqlSafe, Connection as _, Executor as _};

use super::world::{made, run};
use crate::support::unique_word;

const SCRIPT: &str = "
    CREATE TABLE users (id INTEGER NOT NULL PRIMARY KEY, email VARCHAR(120), name VARCHAR(80));
    CREATE TABLE orders (id INTEGER NOT NULL PRIMARY KEY, user_id INTEGER, ship_name VARCHAR(80));
    CREATE TABLE plans (code VARCHAR(20) NOT NULL PRIMARY KEY);
    INSERT INTO users VALUES (0, 'zero@example.org', 'Zero'), (1, 'a@example.org', 'Anna');
    INSERT INTO orders VALUES (0, 0, 'Zero');
    INSERT INTO plans VALUES ('0');";

/// Whether the login may do it.
async fn may(store: &dyn Survey, right: Right, table: &str, key: &str, columns: &[&str]) -> bool {
    let (key, columns) = ([key.to_owned()], columns.iter().map(|column| (*column).to_owned()).collect::<Vec<_>>());
    store.attempt(Attempt { right, table, key: &key, columns: &columns }).await.unwrap().is_none()
}

async fn are_as_granted(store: &dyn Survey) {
    for (right, table, key, columns, expected) in [
        (Right::Select, "users", "id", &["id"][..], true),
        (Right::Delete, "users", "id", &[], true),
        (Right::Update, "users", "id", &["email"], true),
        (Right::Update, "users", "id", &["email", "name"], false),
        (Right::Insert, "users", "id", &[], false),
        (Right::Delete, "orders", "id", &[], false),
        (Right::Select, "orders", "id", &["user_id"], true),
        (Right::Insert, "plans", "code", &[], true),
        (Right::Delete, "plans", "code", &[], false),
    ] {
        assert_eq!(may(store, right, table, key, columns).await, expected, "{right:?} on {table} ({columns:?})");
    }
}

#[tokio::test]
async fn postgres_rights_are_tried() {
    let store = made(StoreKind::Postgres, SCRIPT).await;
    let login = format!("eraser_{}", unique_word());
    // A trigger that would tell if a statement ran, even over no row.
    let grants = format!(
        "CREATE TABLE heard (what TEXT);
        CREATE FUNCTION hear() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS
          $$ BEGIN INSERT INTO heard VALUES (TG_OP); RETURN NULL; END $$;
        CREATE TRIGGER t AFTER DELETE OR UPDATE OR INSERT ON users FOR EACH STATEMENT EXECUTE FUNCTION hear();
        DROP ROLE IF EXISTS {login}; CREATE ROLE {login} LOGIN PASSWORD 'x';
        REVOKE CREATE ON SCHEMA public FROM PUBLIC;
        GRANT SELECT, DELETE, UPDATE (email) ON users TO {login}; GRANT SELECT ON orders TO {login};
        GRANT SELECT, INSERT, TRUNCATE ON plans TO {login}"
    );
    run(StoreKind::Postgres, &store.url, &grants).await;
    let mut url: url::Url = store.url.parse().unwrap();
    url.set_username(&login).unwrap();
    let secret = SecretString::from(url.to_string());
    let limited = stores::survey::open(StoreKind::Postgres, &secret, StoreLimits::default()).await.unwrap();
    are_as_granted(limited.as_ref()).await;
    assert_eq!(limited.beyond().await.unwrap(), ["TRUNCATE ON plans"]);
    assert_eq!(store.survey.beyond().await.unwrap(), ["SUPERUSER"]);
    let mut connection = sqlx::PgConnection::connect(&store.url).await.unwrap();
    let count =
        "SELECT (SELECT count(*) FROM users) * 100 + (SELECT count(*) FROM plans) * 10 + (SELECT count(*) FROM heard)";
    let rows: i64 = sqlx::query_scalar(count).fetch_one(&mut connection).await.unwrap();
    assert_eq!(rows, 210, "nothing was changed, and no trigger heard of it");
    drop(limited);
    connection.execute(AssertSqlSafe(format!("DROP OWNED BY {login}; DROP ROLE {login}"))).await.unwrap();
}

#[tokio::test]
async fn mariadb_rights_are_tried() {
    let store = made(StoreKind::Mysql, SCRIPT).await;
    let login = format!("e{}", unique_word());
    let mut url: url::Url = store.url.parse().unwrap();
    let database = url.path().trim_start_matches('/').to_owned();
    let grants = format!(
        "DROP USER IF EXISTS '{login}'@'%'; CREATE USER '{login}'@'%' IDENTIFIED BY 'pw';
        GRANT REFERENCES ON {database}.* TO '{login}'@'%';
        GRANT SELECT, DELETE, UPDATE (email) ON {database}.users TO '{login}'@'%';
        GRANT SELECT ON {database}.orders TO '{login}'@'%'; GRANT SELECT, INSERT ON {database}.plans TO '{login}'@'%'"
    );
    run(StoreKind::Mysql, &store.url, &grants).await;
    url.set_username(&login).unwrap();
    url.set_password(Some("pw")).unwrap();
    let secret = SecretString::from(url.to_string());
    let limited = stores::survey::open(StoreKind::Mysql, &secret, StoreLimits::default()).await.unwrap();
    are_as_granted(limited.as_ref()).await;
    assert_eq!(limited.beyond().await.unwrap(), [format!("INSERT ON {database}.plans")]);
    // MySQL lists them one by one.
    let all = store.survey.beyond().await.unwrap();
    assert!(["ALL PRIVILEGES", "INSERT, CREATE, DROP"].iter().any(|all_of| all[0].starts_with(all_of)), "{all:?}");
    let pool = sqlx::MySqlPool::connect(&store.url).await.unwrap();
    let count = "SELECT (SELECT count(*) FROM users) * 10 + (SELECT count(*) FROM plans)";
    let rows: i64 = sqlx::query_scalar(count).fetch_one(&pool).await.unwrap();
    assert_eq!(rows, 21, "nothing was changed");
    drop(limited);
    pool.execute(AssertSqlSafe(format!("DROP USER '{login}'@'%'"))).await.unwrap();
}

#[tokio::test]
async fn a_sqlite_file_has_no_logins_and_is_not_changed() {
    let store = made(StoreKind::Sqlite, SCRIPT).await;
    let file = store.url.trim_start_matches("sqlite://").to_owned();
    let before = std::fs::read(&file).unwrap();
    for right in [Right::Select, Right::Update, Right::Delete, Right::Insert] {
        assert!(may(store.survey.as_ref(), right, "users", "id", &["id"]).await, "{right:?}");
    }
    assert!(!store.survey.has_logins() && store.survey.beyond().await.unwrap().is_empty());
    assert_eq!(std::fs::read(&file).unwrap(), before);
}
