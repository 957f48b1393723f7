//! A store goes away between the proof and the erasing: the work is tried again, nothing is called completed, and when
//! the store is back the request completes.

use std::net::{Ipv4Addr, SocketAddr};

use expunged::db::jobs::{self, JobRow, JobState};
use expunged::domain::{RequestId, State};
use expunged::flow::operate::Operator;
use expunged::flow::retry::{self, Retried};
use expunged::params;
use sqlx::Connection as _;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::support::free_port;
use crate::support::world::{Ground, Letter, TEAM, World};

const OWNER: &str = "owner1@team.example";
const OTHER: &str = "owner2@team.example";
const COMPLETED: &str = "SELECT COUNT(*) AS number FROM letters WHERE request_id = $1 AND kind = 'completed'";

/// The way to the shop, which can be cut.
pub struct Way {
    port: u16,
    to: SocketAddr,
}

impl Way {
    /// The way to a shop on PostgreSQL, and the ground of a world that knows no other.
    pub async fn to_a_shop() -> (Self, Ground) {
        let mut way = Way { port: free_port(), to: (Ipv4Addr::LOCALHOST, 0).into() };
        let ground = Ground::with_shop_on_postgres(|url| {
            let mut seen = url::Url::parse(url).unwrap();
            way.to = (Ipv4Addr::LOCALHOST, seen.port().unwrap()).into();
            seen.set_port(Some(way.port)).unwrap();
            seen.into()
        })
        .await;
        (way, ground)
    }

    /// Carries connections until it is cut; every one of them dies then, and new ones are refused.
    pub async fn carry(&self, cut: CancellationToken) {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, self.port)).await.expect("the way's port is free");
        let mut connections = JoinSet::new();
        loop {
            tokio::select! {
                () = cut.cancelled() => return,
                accepted = listener.accept() => {
                    let (mut near, _) = accepted.unwrap();
                    let to = self.to;
                    connections.spawn(async move {
                        let mut far = TcpStream::connect(to).await.unwrap();
                        // A side that hangs up is no failure of the way.
                        let _ = tokio::io::copy_bidirectional(&mut near, &mut far).await;
                    });
                }
            }
        }
    }
}

/// The grace period ends while the store is away, and the work is tried for longer than the attempts of a job would last. What
/// the team is told, which is told once.
async fn its_day_comes(world: &World) -> Letter {
    world.days_pass(8).await;
    world.hours_pass(11).await;
    let mut told = world.fresh(TEAM);
    assert_eq!(told.len(), 1, "the team is told once");
    told.remove(0)
}

/// The hours after it came back, until a request is completed.
async fn completes(world: &World, request: RequestId) {
    for _ in 0..20 {
        if world.state(request).await == State::Completed {
            return;
        }
        world.hours_pass(1).await;
    }
    panic!("it is {} still", world.state(request).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_work_waits_for_it() {
    let (way, ground) = Way::to_a_shop().await;
    let cut = CancellationToken::new();
    let story = async {
        let world = ground.build().await;
        let request = world.live(world.ask_and_confirm(OWNER)).await;
        cut.cancel();
        (world, request)
    };
    let ((), (world, request)) = tokio::join!(way.carry(cut.clone()), story);

    // Away: the request was to begin a minute ago.
    let tried = "SELECT COUNT(*) AS number FROM jobs WHERE request_id = $1 AND attempts > 0 AND state = 'waiting'";
    world
        .live(async {
            let text = its_day_comes(&world).await.text;
            assert_eq!(world.state(request).await, State::Scheduled);
            assert_eq!(world.number(tried, params![request]).await, 1, "the job waits for its next attempt");
            assert!(
                text.contains("Store: shop") && text.contains("Table: the query `find`"),
                "which place is away: {text}"
            );
            // A letter that comes meanwhile is taken in, and handled when the store is back.
            world.receive(&world.closing(OTHER)).await;
            assert_eq!(world.number(COMPLETED, params![request]).await, 0, "nothing is called done");
            assert_eq!(world.number("SELECT COUNT(*) AS number FROM jobs WHERE state = 'dead'", params![]).await, 0);
        })
        .await;
    assert_eq!(world.ground.shop.count("SELECT COUNT(*) FROM users WHERE account_id = 'a1'").await, 2);

    // Back.
    let cut = CancellationToken::new();
    let story = world.live(async {
        completes(&world, request).await;
        assert_eq!(world.fresh(OTHER).len(), 1, "the letter that came meanwhile is answered");
        cut.cancel();
    });
    tokio::join!(way.carry(cut.clone()), story);
    assert_eq!(world.ground.shop.count("SELECT COUNT(*) FROM users WHERE account_id = 'a1'").await, 0);
    assert_eq!(world.fresh(TEAM).len(), 0, "nobody had to do anything");
}

/// The daemon is started while the store is away, as by a crash or a deployment: letters are taken in, and what needs the store waits.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_daemon_that_starts_without_it_waits_for_it() {
    let (way, ground) = Way::to_a_shop().await;
    let world = ground.build().await;
    let received = "SELECT COUNT(*) AS number FROM requests WHERE state = 'received'";
    world
        .live(async {
            world.receive(&world.closing(OWNER)).await;
            assert_eq!(world.number(received, params![]).await, 1, "it is read, and waits for the directory");
            assert_eq!(world.number("SELECT COUNT(*) AS number FROM jobs WHERE state = 'dead'", params![]).await, 0);
        })
        .await;
    let cut = CancellationToken::new();
    let story = world.live(async {
        world.hours_pass(2).await;
        assert_eq!(world.fresh(OWNER).len(), 1, "the letter is answered when the store is there");
        let request = world.ask_and_confirm(OTHER).await;
        world.days_pass(8).await;
        completes(&world, request).await;
        cut.cancel();
    });
    tokio::join!(way.carry(cut.clone()), story);
}

/// A login that is refused is for a person to mend, and they look at the start.
#[tokio::test]
async fn a_start_with_a_refused_login_is_refused() {
    let ground = Ground::with_shop_on_postgres(|url| {
        let mut seen = url::Url::parse(url).unwrap();
        seen.set_username("nobody_of_this_name").unwrap();
        seen.set_password(Some("wrong")).unwrap();
        seen.into()
    })
    .await;
    let said = ground.refused().await;
    assert!(said.contains("the store shop cannot be opened"), "{said}");
}

/// The database of the shop, which can be renamed away.
struct Database {
    server: url::Url,
    name: String,
}

/// A world whose shop is such a database.
async fn with_its_shop() -> (World, Database) {
    let mut shop = String::new();
    let ground = Ground::with_shop_on_postgres(|url| {
        shop = url.to_owned();
        shop.clone()
    })
    .await;
    let mut server = url::Url::parse(&shop).unwrap();
    let name = server.path().trim_start_matches('/').to_owned();
    server.set_path("postgres");
    (ground.build().await, Database { server, name })
}

impl Database {
    async fn goes(&self) {
        let name = &self.name;
        self.run(format!("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'")).await;
        self.run(format!("ALTER DATABASE {name} RENAME TO {name}_away")).await;
    }

    async fn comes_back(&self) {
        self.run(format!("ALTER DATABASE {0}_away RENAME TO {0}", self.name)).await;
    }

    /// Runs one statement on the server itself, outside this database.
    async fn run(&self, sql: String) {
        let mut admin = sqlx::PgConnection::connect(self.server.as_str()).await.unwrap();
        sqlx::raw_sql(sqlx::AssertSqlSafe(sql)).execute(&mut admin).await.unwrap();
        admin.close().await.unwrap();
    }
}

/// A password that was changed, a database that was renamed: a person mends it, and nobody has to prove anything anew.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_work_waits_for_a_store_that_does_not_let_us_in() {
    let (world, shop) = with_its_shop().await;
    let request = world.live(world.ask_and_confirm(OWNER)).await;
    shop.goes().await;
    world.live(its_day_comes(&world)).await;
    assert_eq!(world.state(request).await, State::Scheduled);
    shop.comes_back().await;
    world
        .live(async {
            completes(&world, request).await;
            world.hours_pass(4).await;
        })
        .await;
    assert_eq!(world.number(COMPLETED, params![request]).await, 1, "and written once");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_sweep_that_waits_for_it_can_be_had_now() {
    let (world, shop) = with_its_shop().await;
    let sweep = async || {
        let mut tx = world.house.db.read().await.unwrap();
        let mut waiting = jobs::list(&mut tx, &[JobState::Waiting], None, 100).await.unwrap();
        waiting.retain(|job| job.kind == "sweep");
        waiting.pop()
    };
    let retried = async |job: JobRow| retry::job(&world.house, job.id, &Operator::named(&world.house, "ops")).await;
    let request = world
        .live(async {
            let request = world.ask_and_confirm(OWNER).await;
            world.days_pass(8).await;
            assert_eq!(world.state(request).await, State::Completed);
            request
        })
        .await;
    let planned = retried(sweep().await.expect("it waits for its day")).await.unwrap();
    assert!(matches!(planned, Retried::Instead(why) if why.contains("was promised")), "{planned:?}");
    shop.goes().await;
    world.live(its_day_comes(&world)).await;
    shop.comes_back().await;
    let waits = sweep().await.expect("it waits for the store");
    assert!(waits.reason.is_some(), "{waits:?}");
    assert_eq!(retried(waits).await.unwrap(), Retried::Sooner);
    world.live(world.settle()).await;
    assert_eq!((sweep().await, world.state(request).await), (None, State::Completed), "the stores were searched");
}

/// Rows that were kept are looked at for years: a store that is away for an hour is no news, one that stays away is.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_is_kept_there_is_looked_at_when_it_is_back() {
    let (world, database) = with_its_shop().await;
    let of_kept = async |state: &str| {
        let sql = format!("SELECT COUNT(*) AS number FROM requests WHERE origin = 'retention' AND state = '{state}'");
        world.number(&sql, params![]).await
    };
    world
        .live(async {
            let request = world.ask_and_confirm(OWNER).await;
            world.days_pass(7).await;
            assert_eq!(world.state(request).await, State::Completed);
            database.goes().await;
            world.days_pass(1).await;
            assert_eq!(of_kept("needs_review").await, 0, "it is away for a moment");
            world.days_pass(2).await;
            assert_eq!(of_kept("needs_review").await, 1, "a person is told");
            database.comes_back().await;
            world.days_pass(1).await;
            assert_eq!((of_kept("needs_review").await, of_kept("withdrawn").await), (0, 1), "it is over by itself");
        })
        .await;
}
