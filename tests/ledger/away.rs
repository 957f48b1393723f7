//! A PostgreSQL that ends the connections of the ledger, again and again: all ends as if it had not.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use expunged::params;
use sqlx::{Connection as _, PgConnection};
use tokio::time::{Instant, sleep};

use crate::support::postgres::postgres_url;
use crate::support::world::{Ground, World, plain};

/// How long the connections are ended, and how often.
const TROUBLE: Duration = Duration::from_secs(12);
const OWNERS: [&str; 4] = ["owner1@team.example", "owner2@team.example", "owner3@team.example", "owner4@team.example"];
/// Letters that ask for nothing, beside those that do.
const ORDINARY: usize = 8;

/// Ends every connection to the ledger every so often, and says how many those were.
async fn end_connections(ledger: &str, every: Duration, on: &AtomicBool) -> i64 {
    let name = ledger.rsplit('/').next().unwrap().to_owned();
    let mut server = PgConnection::connect(&postgres_url().await).await.unwrap();
    let mut ended = 0;
    while on.load(Ordering::SeqCst) {
        let sql = "SELECT COUNT(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = $1";
        let now: i64 = sqlx::query_scalar(sql).bind(&name).fetch_one(&mut server).await.unwrap();
        ended += now;
        sleep(every).await;
    }
    ended
}

/// A number, asked for until the database answers: this test's own connections are ended too.
async fn number(world: &World, sql: &str) -> Option<i64> {
    let mut tx = world.house.db.read().await.ok()?;
    tx.one(sql, params![]).await.ok()?.i64("number").ok()
}

async fn all_good_letters_are_judged(every: Duration) {
    let world = Arc::new(Ground::postgres().await.build().await);
    for owner in OWNERS {
        world.deliver(&world.closing(owner));
    }
    for number in 0..ORDINARY {
        let text = format!("Hello,\r\n\r\nwhere is my order number {number}?");
        world.deliver(&plain(&format!("visitor{number}@elsewhere.example"), "My order", &text));
    }
    let on = AtomicBool::new(true);
    let ledger = world.ground.ledger_url().to_owned();
    let ended = world
        .live(async {
            let stored = async || number(&world, "SELECT COUNT(*) AS number FROM deliveries").await == Some(12);
            while !stored().await {
                sleep(Duration::from_millis(10)).await;
            }
            let trouble = async {
                let began = Instant::now();
                while began.elapsed() < TROUBLE {
                    world.clock.advance(Duration::from_millis(250));
                    sleep(Duration::from_millis(250)).await;
                }
                on.store(false, Ordering::SeqCst);
            };
            let (ended, ()) = tokio::join!(end_connections(&ledger, every, &on), trouble);
            // What waits for a little is done by and by: the clock is moved by hand.
            let began = Instant::now();
            let done = "SELECT COUNT(*) AS number FROM letters WHERE kind = 'challenge' AND state = 'sent'";
            while began.elapsed() < Duration::from_secs(90) && number(&world, done).await != Some(4) {
                world.clock.advance(Duration::from_secs(2));
                sleep(Duration::from_millis(100)).await;
            }
            world.settle().await;
            ended
        })
        .await;
    assert!(ended > 10, "connections were ended: {ended}");
    let count = async |sql: &str| world.number(sql, params![]).await;
    assert_eq!(count("SELECT COUNT(*) AS number FROM deliveries WHERE disposition = 'quarantined'").await, 0);
    assert_eq!(count("SELECT COUNT(*) AS number FROM deliveries WHERE disposition = 'opened'").await, 4);
    assert_eq!(count("SELECT COUNT(*) AS number FROM deliveries").await, 4 + i64::try_from(ORDINARY).unwrap());
    assert_eq!(count("SELECT COUNT(*) AS number FROM requests WHERE state = 'awaiting_confirmation'").await, 4);
    assert_eq!(count("SELECT COUNT(*) AS number FROM requests").await, 4);
    assert_eq!(count("SELECT COUNT(*) AS number FROM jobs WHERE state = 'dead'").await, 0);
    assert_eq!(count("SELECT COUNT(*) AS number FROM ledger_doubts").await, 0, "it is where it was");
    for owner in OWNERS {
        assert_eq!(world.fresh(owner).len(), 1, "{owner} is asked once");
    }
}

/// A database that was closed for a restore, or a password that was changed: the daemon waits, and is not ended by it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_running_daemon_waits_for_a_ledger_that_lets_nobody_in() {
    let world = Ground::postgres().await.build().await;
    let name = world.ground.ledger_url().rsplit('/').next().unwrap().to_owned();
    let mut server = PgConnection::connect(&postgres_url().await).await.unwrap();
    let mut says = async |sql: &str| {
        let sql = sqlx::AssertSqlSafe(sql.replace("{name}", &name));
        sqlx::raw_sql(sql).execute(&mut server).await.unwrap();
    };
    world
        .live(async {
            world.receive(&world.closing(OWNERS[0])).await;
            says("ALTER DATABASE {name} ALLOW_CONNECTIONS false").await;
            says("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'").await;
            sleep(Duration::from_secs(4)).await;
            assert_eq!(number(&world, "SELECT COUNT(*) AS number FROM requests").await, None, "it lets nobody in");
            says("ALTER DATABASE {name} ALLOW_CONNECTIONS true").await;
            world.deliver(&world.closing(OWNERS[1]));
            let began = Instant::now();
            let asked = "SELECT COUNT(*) AS number FROM letters WHERE kind = 'challenge' AND state = 'sent'";
            while began.elapsed() < Duration::from_secs(60) && number(&world, asked).await != Some(2) {
                world.clock.advance(Duration::from_secs(2));
                sleep(Duration::from_millis(100)).await;
            }
            assert_eq!(number(&world, asked).await, Some(2), "it goes on where it was");
        })
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_that_are_ended_many_times_a_second_make_no_letter_poison() {
    all_good_letters_are_judged(Duration::from_millis(50)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_that_are_ended_every_second_make_no_letter_poison() {
    all_good_letters_are_judged(Duration::from_secs(1)).await;
}
