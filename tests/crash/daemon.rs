//! The child process: the real daemon over the world in its working folder. It is told what time it is, works until
//! nothing is left to do, says so, and waits for the next time. The house is built once, as a long-lived daemon has it:
//! building costs most of what such a process costs.

use std::fs::OpenOptions;
use std::io::{BufRead as _, Write as _};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use expunged::breakpoint;
use expunged::clock::FixedClock;
use expunged::daemon::{self, Running, build};
use expunged::db::jobs;
use expunged::domain::Timestamp;
use expunged::flow::House;
use expunged::params;
use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;

use crate::support::world::house_here;

/// The variable that makes this test a child; it says for how many milliseconds the child leases what it works on.
pub const CHILD: &str = "EXPUNGED_CRASH_CHILD";
/// The same, where nothing is to be shown by a short one.
pub const LEASE_MILLIS: u64 = 5_000;
/// The name by which the parent runs this one test.
pub const TEST: &str = "crash::daemon::works_until_nothing_is_left_to_do";
/// What a child prints when it is done with an order.
pub const DONE: &str = "nothing is left to do";

/// What a child is told, a line of its standard input each.
#[derive(Serialize, Deserialize)]
pub struct Order {
    /// What time it is, in microseconds since 1970.
    pub now: i64,
    /// How many letters were delivered so far.
    pub letters: i64,
    /// The point at which it is killed, and at which passage of it.
    pub kill_at: Option<(String, u32)>,
}

/// Passes at once unless a parent started it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn works_until_nothing_is_left_to_do() {
    if std::env::var_os(CHILD).is_none() {
        return;
    }
    let log = OpenOptions::new().create(true).append(true).open("log").unwrap();
    tracing_subscriber::fmt().with_ansi(false).with_writer(Mutex::new(log)).init();
    let mut orders = std::io::stdin().lock().lines().map(|line| serde_json::from_str::<Order>(&line.unwrap()).unwrap());
    let mut built: Option<(Arc<House>, Arc<FixedClock>)> = None;
    while let Some(order) = tokio::task::block_in_place(|| orders.next()) {
        let now = Timestamp::from_micros(order.now);
        let doomed = order.kill_at.is_some();
        breakpoint::arm(order.kill_at);
        let (house, clock) = match built.take() {
            Some(built) => built,
            None => house_here(now).await,
        };
        clock.set(now);
        work(&house, order.letters, doomed).await;
        built = Some((house, clock));
        println!("{DONE}");
        std::io::stdout().flush().unwrap();
    }
    if let Some((house, _)) = built {
        house.db.close().await;
    }
}

/// How long one that is to be killed lives on when nothing is left to do: the point may stand behind the last commit.
const LAST_POINT: Duration = Duration::from_secs(5);

/// Runs the daemon until nothing is left to do.
async fn work(house: &Arc<House>, letters: i64, doomed: bool) {
    let mailbox = build::mailbox(&house.config, &house.clock, &house.chance);
    let stop = CancellationToken::new();
    let running = daemon::run(Arc::clone(house), mailbox, hasty(house), stop.clone());
    let watching = async {
        idle(house, letters).await;
        if doomed {
            tokio::time::sleep(LAST_POINT).await;
        }
        stop.cancel();
    };
    let (ran, ()) = tokio::join!(running, watching);
    ran.unwrap();
}

/// The daemon of the demo, with leases that run out soon after a kill.
fn hasty(house: &House) -> Running {
    let mut running = Running::of_demo(house);
    let lease = std::env::var(CHILD).unwrap().parse().unwrap();
    running.workers.lease = Duration::from_millis(lease);
    running.workers.rescue_every = Duration::from_millis(200.min(lease / 4));
    running.watch.lease = Duration::from_millis(lease);
    running.watch.backoff = Duration::from_millis(50);
    // Several of them live at once, and each look costs what the work of the others needs.
    running.workers.poll = Duration::from_millis(60);
    running.watch.poll = Duration::from_millis(150);
    running
}

/// Returns when every letter is judged, marked and, where due, expunged, and no job is due.
async fn idle(house: &House, letters: i64) {
    const LEFT: &str = "SELECT
        (SELECT COUNT(*) FROM deliveries) AS letters,
        (SELECT COUNT(*) FROM deliveries WHERE judged_at IS NOT NULL AND request_id IS NOT NULL AND marked_at IS NULL)
        + (SELECT COUNT(*) FROM deliveries WHERE moved_to IS NULL AND expunged_at IS NULL
             AND request_id IN (SELECT id FROM requests WHERE asker_role IS NOT NULL))
        + (SELECT COUNT(*) FROM requests WHERE letters_due_at IS NOT NULL) AS busy";
    loop {
        tokio::time::sleep(Duration::from_millis(40)).await;
        let mut tx = house.db.read().await.unwrap();
        let due = jobs::count_due(&mut tx, house.clock.now()).await.unwrap();
        let left = tx.one(LEFT, params![]).await.unwrap();
        if due == 0 && left.i64("letters").unwrap() == letters && left.i64("busy").unwrap() == 0 {
            return;
        }
    }
}
