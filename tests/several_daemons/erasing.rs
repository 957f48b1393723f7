//! Two daemons, each a process of its own, erase at the same time, and one of them is killed in the middle of it: the other ends what that
//! one began. Every row goes once, and everybody hears of it once.

use std::fs;
use std::process::Stdio;

use expunged::chance::OsChance;
use expunged::clock::Clock;
use expunged::daemon::{self, build};
use expunged::domain::Timestamp;
use expunged::mailbox::maildir;
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use tokio::process::{Child, Command};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::{Daemon, MAP, World, address, running};
use crate::support::post::until;
use crate::support::postgres::fresh_postgres;
use crate::support::world::{Letter, house_here};

/// The variable that makes this test a child: its name, and what time it is in microseconds since 1970.
const CHILD: &str = "EXPUNGED_DAEMON_OF_SEVERAL";
/// The name by which the parent runs this one test.
const TEST: &str = "several_daemons::erasing::works_until_it_is_killed";
/// Customers whose accounts are erased.
const ERASED: u32 = 40;

/// The shop's rows, each of which takes a while to go, and what went.
const SHOP: &str = "
CREATE TABLE users (id TEXT PRIMARY KEY, email TEXT NOT NULL UNIQUE, full_name TEXT NOT NULL);
CREATE SCHEMA witness;
CREATE TABLE witness.gone (id TEXT NOT NULL);
CREATE FUNCTION goes() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM pg_sleep(0.3);
  INSERT INTO witness.gone VALUES (OLD.id);
  RETURN NULL;
END $$;
CREATE TRIGGER goes AFTER DELETE ON users FOR EACH ROW EXECUTE FUNCTION goes();
";

/// Passes at once unless a parent started it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn works_until_it_is_killed() {
    let Ok(told) = std::env::var(CHILD) else { return };
    let (name, now) = told.split_once(' ').expect("a name and a time");
    let (house, _) = house_here(Timestamp::from_micros(now.parse().expect("a time"))).await;
    let mailbox = build::mailbox(&house.config, &house.clock, &house.chance);
    let running = running(&house, name);
    daemon::run(house, mailbox, running, CancellationToken::new()).await.unwrap();
}

/// A world whose shop is on PostgreSQL; the url of the shop.
async fn world() -> (World, String) {
    let (world, shop) = (World::create().await, fresh_postgres().await);
    fs::write(world.path().join("shop.url"), &shop).unwrap();
    let store = "kind = \"postgres\"\nignore = [\"witness.gone\"]";
    let map = MAP.replace("kind = \"sqlite\"", store);
    let file = world.path().join("shop.url").display().to_string();
    fs::write(world.path().join("shop.toml"), map.replace("FILE", &file)).unwrap();
    let mut connection = PgConnection::connect(&shop).await.unwrap();
    sqlx::raw_sql(SHOP).execute(&mut connection).await.unwrap();
    let rows = (1..=ERASED).map(|customer| format!("('{customer}', '{}', 'Customer {customer}')", address(customer)));
    let rows = format!("INSERT INTO users VALUES {}", rows.collect::<Vec<_>>().join(", "));
    sqlx::raw_sql(AssertSqlSafe(rows)).execute(&mut connection).await.unwrap();
    (world, shop)
}

/// A number out of the shop.
async fn in_shop(shop: &str, sql: &'static str) -> i64 {
    let mut connection = PgConnection::connect(shop).await.unwrap();
    sqlx::query_scalar(sql).fetch_one(&mut connection).await.unwrap()
}

/// All customers ask and confirm; one daemon in this process takes it in. All that is left is to wait.
async fn scheduled(world: &World) {
    let (mut tasks, shutdown) = (JoinSet::new(), CancellationToken::new());
    Daemon::start(world, "clerk", &mut tasks, shutdown.clone()).await;
    (1..=ERASED).for_each(|customer| world.write(customer));
    world.answered(ERASED).await;
    for customer in 1..=ERASED {
        let folder = world.path().join("customers").join(address(customer)).join("new");
        let letter = Letter::read(&fs::read_dir(folder).unwrap().next().unwrap().unwrap().path());
        let answer = letter.answer(&address(customer), &letter.code());
        maildir::deliver(&world.path().join("support"), &answer, &OsChance, world.clock.now()).unwrap();
    }
    let told = "SELECT COUNT(*) FROM letters WHERE kind = 'scheduled' AND state = 'sent'";
    let all = async || (world.number(told).await == i64::from(ERASED)).then_some(());
    until("everybody to be told when their data go", all, String::new).await;
    shutdown.cancel();
    while let Some(ended) = tasks.join_next().await {
        ended.unwrap().unwrap();
    }
}

fn start(world: &World, name: &str) -> Child {
    let now = world.clock.now().plus_days(8).as_micros();
    let mut child = Command::new(std::env::current_exe().unwrap());
    child.args(["--exact", TEST, "--nocapture", "--test-threads=1"]).current_dir(world.path());
    child.env(CHILD, format!("{name} {now}")).stdin(Stdio::null()).kill_on_drop(true);
    for stream in ["out", "err"] {
        let file = fs::File::create(world.path().join(format!("{name}.{stream}"))).unwrap();
        if stream == "out" {
            child.stdout(file)
        } else {
            child.stderr(file)
        };
    }
    child.spawn().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_processes_erase_and_one_is_killed_in_the_middle_of_it() {
    let (world, shop) = world().await;
    scheduled(&world).await;
    let [mut killed, mut other] = [start(&world, "killed"), start(&world, "other")];
    let both =
        "SELECT COUNT(DISTINCT split_part(lease_holder, '/', 1)) FROM jobs WHERE kind = 'erase' AND state = 'running'";
    let errors = || fs::read_to_string(world.path().join("killed.err")).unwrap_or_default();
    let erasing = async || {
        let begun = in_shop(&shop, "SELECT COUNT(*) FROM witness.gone").await > 0;
        (begun && world.number(both).await == 2).then_some(())
    };
    until("both to erase", erasing, errors).await;
    killed.kill().await.unwrap();
    let held = "SELECT COUNT(*) FROM jobs WHERE kind = 'erase' AND state = 'running' AND lease_holder LIKE 'killed%'";
    assert!(world.number(held).await > 0, "it was killed in the middle of its work");
    assert!(in_shop(&shop, "SELECT COUNT(*) FROM users").await > 0, "and before all was erased");

    let told = "SELECT COUNT(*) FROM letters WHERE kind = 'completed' AND state = 'sent'";
    let all = i64::from(ERASED);
    let done = async || (world.number(told).await == all).then_some(());
    let errors = || fs::read_to_string(world.path().join("other.err")).unwrap_or_default();
    until("everybody to be told that their data are gone", done, errors).await;
    assert!(other.try_wait().unwrap().is_none(), "the other one lives");
    other.kill().await.unwrap();

    for (what, sql, expected) in [
        ("rows that are left", "SELECT COUNT(*) FROM users", 0),
        ("rows that went", "SELECT COUNT(*) FROM witness.gone", all),
        ("different rows that went", "SELECT COUNT(DISTINCT id) FROM witness.gone", all),
    ] {
        assert_eq!(in_shop(&shop, sql).await, expected, "{what}");
    }
    for (what, sql) in [
        ("completed requests", "SELECT COUNT(*) FROM requests WHERE state = 'completed'"),
        ("beginnings", "SELECT COUNT(*) FROM beginnings"),
        ("steps that were read back", "SELECT COUNT(*) FROM steps WHERE state = 'read_back'"),
        ("rows that the steps count", "SELECT SUM((counts->>'erased')::bigint)::bigint FROM steps"),
        ("completions", "SELECT COUNT(*) FROM completions"),
        ("last letters", "SELECT COUNT(*) FROM letters WHERE kind = 'completed'"),
    ] {
        assert_eq!(world.number(sql).await, all, "{what}");
    }
    for customer in 1..=ERASED {
        assert_eq!(world.letters_of(customer), 3, "customer {customer}: the question, the day and the end, once each");
    }
}
