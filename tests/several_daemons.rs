//! Three daemons share one PostgreSQL and one mailbox: all of them work, one reads the mailbox, and when that one dies
//! without a word another takes over. No letter is lost, none is judged twice, and nobody is asked twice.

#[path = "several_daemons/erasing.rs"]
mod erasing;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use expunged::chance::{Chance, OsChance};
use expunged::clock::{Clock, FixedClock, SystemClock};
use expunged::config::{self, Config, Purpose, Surroundings};
use expunged::daemon::build::{self, Choices};
use expunged::daemon::{self, DaemonError, Running};
use expunged::flow::House;
use expunged::mailbox::maildir;
use expunged::reply::compose::Outgoing;
use expunged::reply::mailer::{Accepted, FileMailer, Mailer, SendError};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, Executor, PgConnection};
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::support::leash::Folder;
use crate::support::post::until;
use crate::support::postgres::fresh_postgres;
use crate::support::world::PROGRAM;

const SUPPORT: &str = "privacy@shop.example";
const NAMES: [&str; 3] = ["one", "two", "three"];
/// How long the lease on the mailbox runs.
const LEASE: Duration = Duration::from_secs(3);
/// Customers of the shop, each with an account of their own.
const CUSTOMERS: u32 = 200;
/// Letters that arrive at a time.
const BATCH: u32 = 10;

const MAP: &str = r#"
[store]
name = "shop"
kind = "sqlite"
url_file = "FILE"
location = "this machine"
backup_days = 0

[tables.users]
subject    = "account"
key        = "id"
categories = { id = "none", email = "contact", full_name = "identity" }
erase      = "delete"
"#;

const CONFIG: &str = r#"
[service]
name = "Example Shop"
address = "privacy@shop.example"
team = ["team@shop.example"]
supervisory_authority = "the data protection authority of Musterland"
court_remedy = "the courts at our seat (Art. 79 GDPR)"

[database]
url_file = "ledger.url"

[keys]
kek_file = "kek"

[mailbox.maildir]
path = "support"

[mailer.file]
path = "customers"

[stores]
maps = ["shop.toml"]

[limits]
domain_letters_per_hour = 100000

[directory.sql]
store = "shop"
find = "SELECT id AS account, 'owner' AS role, id AS person, email AS address, 'en' AS locale FROM users WHERE email = :address"
target = """
SELECT id AS account, 'owner' AS role, id AS person, full_name AS label, email AS address
FROM users WHERE id = :account AND email = :identifier"""
owner = """
SELECT id AS account, 'owner' AS role, id AS person, full_name AS label, email AS address
FROM users WHERE id = :account"""
"#;

/// Puts letters into the customers' folders and counts what its own daemon sent.
struct Counted {
    mailer: FileMailer,
    sent: AtomicU32,
}

#[async_trait]
impl Mailer for Counted {
    async fn send(&self, outgoing: &Outgoing) -> Result<Accepted, SendError> {
        self.sent.fetch_add(1, Ordering::SeqCst);
        self.mailer.send(outgoing).await
    }
}

/// What the daemons share.
struct World {
    folder: Folder,
    ledger: String,
    clock: Arc<FixedClock>,
}

impl World {
    async fn create() -> Self {
        let folder = Folder::create();
        let (path, ledger) = (folder.path(), fresh_postgres().await);
        let file = path.join("shop.db");
        let mut shop = SqliteConnectOptions::new().filename(&file).create_if_missing(true).connect().await.unwrap();
        shop.execute(
            "CREATE TABLE users (id INTEGER PRIMARY KEY, email TEXT NOT NULL UNIQUE, full_name TEXT NOT NULL)",
        )
        .await
        .unwrap();
        for customer in 1..=CUSTOMERS {
            let row = format!("INSERT INTO users VALUES ({customer}, '{}', 'Customer {customer}')", address(customer));
            shop.execute(AssertSqlSafe(row)).await.unwrap();
        }
        shop.close().await.unwrap();
        fs::write(path.join("shop.url"), format!("sqlite://{}", file.display())).unwrap();
        fs::write(path.join("shop.toml"), MAP.replace("FILE", &path.join("shop.url").display().to_string())).unwrap();
        fs::write(path.join("ledger.url"), &ledger).unwrap();
        fs::write(path.join("expunged.toml"), CONFIG).unwrap();
        for name in ["cur", "new", "tmp"] {
            fs::create_dir_all(path.join("support").join(name)).unwrap();
        }
        Self { folder, ledger, clock: Arc::new(FixedClock::at(SystemClock.now())) }
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn config(&self) -> Config {
        config::load(&self.path().join("expunged.toml"), &Surroundings::new(Purpose::Demo, None))
            .unwrap_or_else(|why| panic!("the config: {why}"))
    }

    fn letters_of(&self, customer: u32) -> usize {
        let folder = self.path().join("customers").join(address(customer)).join("new");
        fs::read_dir(folder).map_or(0, Iterator::count)
    }

    /// A customer asks for the end of their account.
    fn write(&self, customer: u32) {
        let letter = format!(
            "From: Customer {customer} <{from}>\r\nTo: <{SUPPORT}>\r\nSubject: Please close my account\r\n\
             Message-ID: <{customer}@customers.example>\r\nMIME-Version: 1.0\r\nContent-Type: text/plain\r\n\r\n\
             Hello,\r\n\r\nplease delete my account and all data that belongs to it.\r\n\r\nCustomer {customer}\r\n",
            from = address(customer),
        );
        maildir::deliver(&self.path().join("support"), letter.as_bytes(), &OsChance, self.clock.now()).unwrap();
    }

    /// A number out of the ledger, by SQL of the test's own.
    async fn number(&self, sql: &'static str) -> i64 {
        let mut ledger = PgConnection::connect(&self.ledger).await.expect("PostgreSQL answers");
        sqlx::query_scalar(sql).fetch_one(&mut ledger).await.expect("a number")
    }

    /// Who holds a lease on the mailbox that runs.
    async fn holder(&self) -> Option<String> {
        let mut ledger = PgConnection::connect(&self.ledger).await.expect("PostgreSQL answers");
        let sql = "SELECT holder FROM mailbox_leases WHERE mailbox = $1 AND lease_until > now()";
        sqlx::query_scalar(sql).bind(SUPPORT).fetch_optional(&mut ledger).await.expect("the table is there")
    }

    /// Waits until so many letters are judged and each of their writers got a letter.
    async fn answered(&self, letters: u32) {
        let look = async || {
            let judged = self.number("SELECT COUNT(*) FROM deliveries WHERE judged_at IS NOT NULL").await;
            let asked = (1..=letters).filter(|customer| self.letters_of(*customer) > 0).count();
            let sent = self.number("SELECT COUNT(*) FROM letters WHERE state = 'sent'").await;
            let all = i64::from(letters);
            (judged == all && sent == all && asked == letters as usize).then_some(())
        };
        until(&format!("{letters} challenges"), look, String::new).await;
    }
}

fn address(customer: u32) -> String {
    format!("customer{customer}@customers.example")
}

/// One of the daemons.
struct Daemon {
    name: &'static str,
    mailer: Arc<Counted>,
    task: AbortHandle,
}

impl Daemon {
    async fn start(
        world: &World,
        name: &'static str,
        tasks: &mut JoinSet<Result<(), DaemonError>>,
        shutdown: CancellationToken,
    ) -> Self {
        let folder: PathBuf = world.path().join("customers");
        let mailer = Arc::new(Counted { mailer: FileMailer::new(folder), sent: AtomicU32::new(0) });
        let choices = Choices {
            clock: Arc::clone(&world.clock) as Arc<dyn Clock>,
            chance: Arc::new(OsChance) as Arc<dyn Chance>,
            mailer: Some(Arc::clone(&mailer) as Arc<dyn Mailer>),
            credentials: None,
            backfill: true,
            may_create: true,
            program: Some(PROGRAM),
        };
        let house = build::house(world.config(), choices).await.unwrap_or_else(|why| panic!("the house: {why:?}"));
        let house = Arc::new(house);
        let mailbox = build::mailbox(&house.config, &house.clock, &house.chance);
        let running = running(&house, name);
        let task = tasks.spawn(daemon::run(house, mailbox, running, shutdown));
        Self { name, mailer, task }
    }

    fn sent(&self) -> u32 {
        self.mailer.sent.load(Ordering::SeqCst)
    }
}

/// As in production, with shorter times: the test waits for them.
fn running(house: &House, name: &str) -> Running {
    let mut running = Running::of(house, name);
    running.workers.poll = Duration::from_millis(50);
    running.workers.lease = LEASE;
    running.workers.rescue_every = Duration::from_millis(500);
    running.watch.poll = Duration::from_millis(100);
    running.watch.lease = LEASE;
    running
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn three_daemons_share_the_work_and_one_takes_over_the_mailbox_of_one_that_died() {
    let world = World::create().await;
    let (mut tasks, shutdown) = (JoinSet::new(), CancellationToken::new());
    let mut daemons = Vec::new();
    for name in NAMES {
        daemons.push(Daemon::start(&world, name, &mut tasks, shutdown.clone()).await);
    }

    // Letters arrive until everybody has sent some: who claims a job first is not ours to say.
    let mut letters = 0;
    while daemons.iter().any(|daemon| daemon.sent() == 0) {
        assert!(letters + 2 * BATCH < CUSTOMERS, "somebody never works: {:?}", sent(&daemons));
        letters = batch(&world, letters);
        world.answered(letters).await;
    }

    // On a slow machine a lease may run out and be taken again.
    let reader = until("somebody who reads the mailbox", async || world.holder().await, String::new).await;
    let place = daemons.iter().position(|daemon| daemon.name == reader).expect("the reader is one of ours");
    // It dies in the middle of its work: letters lie there, some stored and some not, some being judged or answered.
    let before = i64::from(letters);
    letters = batch(&world, letters);
    let stored = async || (world.number("SELECT COUNT(*) FROM deliveries").await > before).then_some(());
    until("new letters in the ledger", stored, String::new).await;
    let dead = daemons.remove(place);
    dead.task.abort();
    let died = Instant::now();
    letters = batch(&world, letters);

    let successor = async || world.holder().await.filter(|holder| *holder != reader);
    let successor = until("another reader of the mailbox", successor, String::new).await;
    let took = died.elapsed();
    // The lease must run out first, and who waits looks every quarter of it; the rest is a slow machine's.
    assert!(took < LEASE * 4, "{successor} took over after {took:?}");
    // What it was doing on another thread when it was stopped is done by now.
    let sent_by_the_dead = dead.sent();
    world.answered(letters).await;
    assert_eq!(dead.sent(), sent_by_the_dead, "the dead one is dead");

    for customer in 1..=letters {
        assert_eq!(world.letters_of(customer), 1, "customer {customer} is asked once");
    }
    let all = i64::from(letters);
    for (what, sql) in [
        ("letters in the ledger", "SELECT COUNT(*) FROM deliveries"),
        ("different letters", "SELECT COUNT(DISTINCT (uid_validity, uid)) FROM deliveries"),
        ("letters that opened a request", "SELECT COUNT(*) FROM deliveries WHERE disposition = 'opened'"),
        ("requests", "SELECT COUNT(*) FROM requests WHERE state = 'awaiting_confirmation'"),
        ("letters with a request of their own", "SELECT COUNT(DISTINCT request_id) FROM deliveries"),
        ("challenges", "SELECT COUNT(*) FROM letters WHERE kind = 'challenge' AND state = 'sent'"),
        ("letters of any kind", "SELECT COUNT(*) FROM letters"),
    ] {
        assert_eq!(world.number(sql).await, all, "{what}");
    }

    shutdown.cancel();
    let mut ended = 0;
    while let Some(task) = tasks.join_next().await {
        match task {
            Ok(outcome) => {
                outcome.expect("a daemon ends when it is told to");
                ended += 1;
            }
            Err(error) => assert!(error.is_cancelled(), "a daemon fell: {error}"),
        }
    }
    assert_eq!(ended, 2, "the two others ended in order");
    assert_eq!(world.holder().await, None, "the mailbox is free again at once");
}

/// Ten more customers write.
fn batch(world: &World, letters: u32) -> u32 {
    (letters + 1..=letters + BATCH).for_each(|customer| world.write(customer));
    letters + BATCH
}

fn sent(daemons: &[Daemon]) -> Vec<u32> {
    daemons.iter().map(Daemon::sent).collect()
}
