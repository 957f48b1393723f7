//! A daemon that is killed in the middle of its migrations leaves nothing of them, and the next start makes all.

use std::time::Duration;

use expunged::db::{DatabaseSettings, Db};
use sqlx::{Connection as _, Executor as _, PgConnection};

use super::process::{production, start};
use crate::support::post::until;

async fn tables(ledger: &str) -> i64 {
    let mut connection = PgConnection::connect(ledger).await.unwrap();
    let sql = "SELECT COUNT(*) FROM pg_tables WHERE schemaname = 'public'";
    sqlx::query_scalar(sql).fetch_one(&mut connection).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_migration_that_is_killed_half_way_starts_again() {
    let ground = production().await;
    let ledger = ground.ledger_url().to_owned();
    // The second migration makes a table of this name, and waits for whoever makes one.
    let mut other = PgConnection::connect(&ledger).await.unwrap();
    other.execute("BEGIN; CREATE TABLE requests (id INT)").await.unwrap();
    let mut daemon = start(&ground);
    let waits = "SELECT COUNT(*) FROM pg_stat_activity
        WHERE datname = current_database() AND application_name = 'expunged' AND wait_event_type = 'Lock'";
    let stuck = async || {
        let mut looking = PgConnection::connect(&ledger).await.unwrap();
        let waiting: i64 = sqlx::query_scalar(waits).fetch_one(&mut looking).await.unwrap();
        (waiting == 1).then_some(())
    };
    until("a daemon in the middle of its migrations", stuck, String::new).await;
    daemon.start_kill().unwrap();
    daemon.wait().await.unwrap();
    other.execute("ROLLBACK").await.unwrap();
    other.close().await.unwrap();
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(tables(&ledger).await, 0, "nothing of it stays");
    let db = Db::open(&DatabaseSettings { url: ledger.clone().into(), connections_max: 3 }).await.unwrap();
    db.close().await;
    assert!(tables(&ledger).await > 20, "and the next start makes all");
}
