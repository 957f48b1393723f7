//! A daemon that is asked to stop (SIGTERM) while it erases: what ends in time is finished, what does not is given back
//! at once, and the next daemon ends where one ends that nobody stopped.

use std::process::ExitStatus;
use std::time::Duration;

use expunged::clock::{Clock as _, SystemClock};
use expunged::domain::Timestamp;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _, PgConnection, SqliteConnection};
use tokio::process::Child;

use crate::support::expunged;
use crate::support::post::until;
use crate::support::world::{Ground, Shop};

const OWNER: &str = "owner1@team.example";
/// The grace period of the defaults, and a day.
const BEFORE: Duration = Duration::from_secs(8 * 86_400);
const LEFT: &str = "SELECT (SELECT COUNT(*) FROM users WHERE account_id = 'a1') + (SELECT COUNT(*) FROM end_users
    WHERE account_id = 'a1') + (SELECT COUNT(*) FROM accounts WHERE id = 'a1')";
const OTHERS: &str = "SELECT (SELECT COUNT(*) FROM users WHERE account_id <> 'a1') + (SELECT COUNT(*) FROM accounts
    WHERE id <> 'a1')";

/// A shop on PostgreSQL, and a ledger in which the erasing of an account fell due yesterday, by the clock on the wall.
async fn due() -> Ground {
    let ground = Ground::with_shop_on_postgres(str::to_owned).await;
    let start = Timestamp::from_micros(SystemClock.now().as_micros() - i64::try_from(BEFORE.as_micros()).unwrap());
    let world = ground.build_at(start).await;
    world.live(world.ask_and_confirm(OWNER)).await;
    world.house.db.close().await;
    // As in production: a mailer that sends, to a server that is not there.
    let file = "[mailer.file]\npath = \"customers\"";
    world.ground.with_config(|config| {
        let smtp = "[mailer.smtp]\nhost = \"127.0.0.1\"\nport = 9\n\n[workers]\ndrain_seconds = DRAIN";
        config.replace(file, smtp).replace("statement_seconds = 3", "statement_seconds = 60")
    })
}

fn with_drain(ground: Ground, seconds: u32) -> Ground {
    let config = std::fs::read_to_string(ground.path("expunged.toml")).unwrap();
    ground.write("expunged.toml", &config.replace("drain_seconds = DRAIN", &format!("drain_seconds = {seconds}")));
    ground
}

fn start(ground: &Ground) -> Child {
    let mut command = expunged();
    command.arg("--config").arg(ground.path("expunged.toml")).args(["run", "--backfill"]);
    let log = std::fs::OpenOptions::new().create(true).append(true).open(ground.path("log")).unwrap();
    command.stderr(log);
    tokio::process::Command::from(command).kill_on_drop(true).spawn().unwrap()
}

async fn stop(mut daemon: Child) -> ExitStatus {
    let pid = rustix::process::Pid::from_raw(daemon.id().unwrap().try_into().unwrap()).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
    let ended = tokio::time::timeout(Duration::from_secs(60), daemon.wait()).await;
    ended.expect("a daemon that is asked to stop ends").unwrap()
}

async fn ledger(ground: &Ground) -> SqliteConnection {
    let file = SqliteConnectOptions::new().filename(ground.path("ledger.db")).disable_statement_logging();
    file.connect().await.unwrap()
}

/// The state of the request, and of the job that erases it with its attempts, while there is one.
async fn standing(ground: &Ground) -> (String, Option<(String, i64)>) {
    let mut ledger = ledger(ground).await;
    let state = sqlx::query_scalar("SELECT state FROM requests").fetch_one(&mut ledger).await.unwrap();
    let job = sqlx::query_as("SELECT state, attempts FROM jobs WHERE kind = 'erase'");
    (state, job.fetch_optional(&mut ledger).await.unwrap())
}

/// Waits until a statement of the daemon stands in the shop, asleep or before a lock.
async fn until_it_stands(ground: &Ground, event: &str) {
    let Shop::Postgres(url) = &ground.shop else { panic!("the shop is on PostgreSQL") };
    let sql = format!(
        "SELECT COUNT(*) FROM pg_stat_activity WHERE datname = current_database() AND state = 'active'
         AND (wait_event = '{event}' OR wait_event_type = '{event}')"
    );
    let log = || std::fs::read_to_string(ground.path("log")).unwrap_or_default();
    let stands = async || {
        let mut shop = PgConnection::connect(url).await.unwrap();
        let count: i64 = sqlx::query_scalar(AssertSqlSafe(sql.clone())).fetch_one(&mut shop).await.unwrap();
        (count > 0).then_some(())
    };
    until("a statement that stands", stands, log).await;
}

/// The next daemon ends it.
async fn goes_on(ground: &Ground, others: i64) {
    let daemon = start(ground);
    let log = || std::fs::read_to_string(ground.path("log")).unwrap_or_default();
    // `host:pid:random`; a daemon that is only starting ends by the signal itself.
    let pid = format!(":{}:", daemon.id().unwrap());
    let done = async || {
        let holder: Option<String> = sqlx::query_scalar("SELECT holder FROM mailbox_leases")
            .fetch_optional(&mut ledger(ground).await)
            .await
            .unwrap();
        (holder?.contains(&pid) && standing(ground).await.0 == "completed").then_some(())
    };
    until("the request to be completed", done, log).await;
    assert!(stop(daemon).await.success());
    assert_eq!((ground.shop.count(LEFT).await, ground.shop.count(OTHERS).await), (0, others));
    let mut ledger = ledger(ground).await;
    let written: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM letters WHERE kind = 'completed'")
        .fetch_one(&mut ledger)
        .await
        .unwrap();
    assert_eq!(written, 1, "and says so once");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_erasing_that_ends_in_time_is_finished_before_the_daemon_ends() {
    let ground = with_drain(due().await, 50);
    let others = ground.shop.count(OTHERS).await;
    ground
        .shop
        .run(
            "CREATE FUNCTION linger() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(1); RETURN OLD; END $$;
             CREATE TRIGGER linger BEFORE DELETE ON users FOR EACH ROW EXECUTE FUNCTION linger()",
        )
        .await;
    let daemon = start(&ground);
    until_it_stands(&ground, "PgSleep").await;
    assert!(ground.shop.count(LEFT).await > 0, "it is in the middle of it");
    let ended = stop(daemon).await;
    assert!(ended.success(), "{ended}: {}", std::fs::read_to_string(ground.path("log")).unwrap());
    assert_eq!(ground.shop.count(LEFT).await, 0, "the step that ran was finished");
    assert_eq!(standing(&ground).await.1, None, "its job is settled");
    goes_on(&ground, others).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_erasing_that_does_not_end_in_time_is_given_back_and_counts_as_no_attempt() {
    let ground = with_drain(due().await, 1);
    let others = ground.shop.count(OTHERS).await;
    let Shop::Postgres(url) = &ground.shop else { panic!("the shop is on PostgreSQL") };
    let mut somebody = PgConnection::connect(url).await.unwrap();
    sqlx::raw_sql("BEGIN; SELECT FROM users WHERE account_id = 'a1' FOR UPDATE").execute(&mut somebody).await.unwrap();
    let daemon = start(&ground);
    until_it_stands(&ground, "Lock").await;
    let ended = stop(daemon).await;
    assert!(ended.success(), "{ended}: {}", std::fs::read_to_string(ground.path("log")).unwrap());
    assert_eq!(standing(&ground).await, ("erasing".to_owned(), Some(("waiting".to_owned(), 0))));
    assert!(ground.shop.count(LEFT).await > 0, "and it is not done");
    somebody.close().await.unwrap();
    goes_on(&ground, others).await;
}
