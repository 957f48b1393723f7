//! Another transaction and ours wait for each other, and the server ends ours: it is sent again, and nobody hears of it.

use std::sync::Arc;
use std::time::Duration;

use expunged::erase::{EraseError, Outcome};
use expunged::stores::StoreKind;
use sqlx::{Connection as _, Executor as _};
use tokio::task::JoinSet;

use super::memory::MemoryLedger;
use super::one::One;

const MAP: &str = r#"
[tables.people]
subject = "user"
key = "id"
categories = { id = "none", name = "identity" }
erase = "delete"

[tables.visits]
key = "id"
belongs_to = { people = "person_id" }
categories = { id = "none", person_id = "none", page = "behaviour" }
erase = "delete"

[tables.ballast]
key = "id"
categories = { id = "none", n = "none" }
erase = "keep"
"#;

/// Two visits, which our statement locks one after the other; and rows that make the other transaction the weightier one.
const SCRIPT: &str = "
    CREATE TABLE people (id BIGINT NOT NULL PRIMARY KEY, name VARCHAR(80));
    CREATE TABLE visits (id BIGINT NOT NULL PRIMARY KEY, person_id BIGINT, page VARCHAR(80));
    CREATE INDEX by_person ON visits (person_id);
    CREATE TABLE ballast (id BIGINT NOT NULL PRIMARY KEY, n INT);
    INSERT INTO people VALUES (1, 'Ada'), (2, 'Bo');
    INSERT INTO visits VALUES (1, 1, 'a'), (2, 1, 'b'), (3, 2, 'c')";

const LAST: &str = "UPDATE visits SET page = 'theirs' WHERE id = 2";
const FIRST: &str = "UPDATE visits SET page = 'theirs' WHERE id = 1";

async fn stage(kind: StoreKind) -> Arc<One> {
    let ballast: Vec<_> = (1..=200).map(|id| format!("({id}, 0)")).collect();
    let script = format!("{SCRIPT}; INSERT INTO ballast VALUES {}", ballast.join(","));
    Arc::new(One::new(kind, MAP, &script).await)
}

type Ours = JoinSet<Result<Outcome, EraseError>>;

/// Erases Ada meanwhile.
fn erasing(one: &Arc<One>) -> Ours {
    let (one, mut ours) = (Arc::clone(one), JoinSet::new());
    ours.spawn(async move { one.execute(&one.plan(1).await?, &MemoryLedger::default()).await });
    ours
}

/// Until a query answers that somebody waits for a lock.
async fn until(one: &One, waits: &str) {
    for _ in 0..120 {
        if one.count(waits).await > 0 {
            return;
        }
        // MariaDB answers what it answered before as long as it is asked again within a tenth of a second.
        tokio::time::sleep(Duration::from_millis(250)).await;
    }
    panic!("nobody waits for the other transaction");
}

/// Ours was ended, since theirs went through; and all the same it is done.
async fn is_done(one: &One, mut ours: Ours) {
    let outcome = ours.join_next().await.unwrap().unwrap().unwrap_or_else(|error| panic!("{error:?}"));
    assert!(outcome.is_clean(), "{:?}", outcome.steps);
    assert_eq!(outcome.totals().erased, 3);
    assert_eq!(one.count("SELECT COUNT(*) FROM visits").await, 1, "the visit of somebody else");
    assert_eq!(one.count("SELECT COUNT(*) FROM people").await, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deadlock_on_postgres_is_tried_again() {
    let one = stage(StoreKind::Postgres).await;
    let mut theirs = sqlx::PgConnection::connect(&one.url).await.unwrap();
    // Whoever has waited for long enough looks for a circle and ends itself: they never do, so it is ours.
    theirs.execute("SET deadlock_timeout = '1h'; BEGIN").await.unwrap();
    theirs.execute(LAST).await.unwrap();
    let mut ours = erasing(&one);
    until(&one, "SELECT COUNT(*) FROM pg_locks WHERE NOT granted AND pid <> pg_backend_pid()").await;
    tokio::time::timeout(Duration::from_secs(20), theirs.execute(FIRST)).await.expect("ours is ended").unwrap();
    assert!(ours.try_join_next().is_none());
    theirs.execute("COMMIT").await.unwrap();
    is_done(&one, ours).await;
    // The server counts when a session has nothing to do.
    let counted = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()";
    until(&one, counted).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deadlock_on_mariadb_is_tried_again() {
    let one = stage(StoreKind::Mysql).await;
    let deadlocks = "SELECT CAST(COUNT AS SIGNED) FROM information_schema.INNODB_METRICS WHERE NAME = 'lock_deadlocks'";
    let before = one.count(deadlocks).await;
    let mut theirs = sqlx::MySqlConnection::connect(&one.url).await.unwrap();
    theirs.execute("BEGIN").await.unwrap();
    // The server ends the one that has changed less.
    theirs.execute("UPDATE ballast SET n = n + 1").await.unwrap();
    theirs.execute(LAST).await.unwrap();
    let mut ours = erasing(&one);
    until(
        &one,
        "SELECT COUNT(*) FROM information_schema.INNODB_TRX t JOIN information_schema.PROCESSLIST p ON p.ID = t.trx_mysql_thread_id
         WHERE t.trx_state = 'LOCK WAIT' AND p.DB = DATABASE()",
    )
    .await;
    tokio::time::timeout(Duration::from_secs(20), theirs.execute(FIRST)).await.expect("ours is ended").unwrap();
    assert!(ours.try_join_next().is_none());
    assert!(one.count(deadlocks).await > before, "it was a deadlock, and not a lock that took too long");
    theirs.execute("COMMIT").await.unwrap();
    is_done(&one, ours).await;
}
