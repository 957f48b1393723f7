//! Kills at moments that nobody named: an erasure across files, PostgreSQL and MariaDB is ended from outside again and again, at any
//! moment, until it is through. It ends where one ends that nobody killed, and never says so before.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use futures::StreamExt as _;

use super::state::{self, State};
use super::world::{Phase, Side, Since, World};
use crate::support::dice::Dice;
use crate::support::long_run;

/// Kills on each side of the ledger.
const KILLS: usize = 150;
const KILLS_LONG: usize = 2_000;
/// Lives at the same time. Most of a life is waiting for leases.
const LIVES_AT_ONCE: usize = 8;
/// Kills of one erasure. A job that has ended its worker ten times goes to a person.
const KILLS_OF_ONE: usize = 7;
/// For how long a child leases its work, in milliseconds: whoever is killed is followed soon.
const LEASE_MILLIS: u64 = 1_500;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_erasure_is_taken_up_at_any_moment_on_sqlite() {
    kill_at_random(Side::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_erasure_is_taken_up_at_any_moment_on_postgres() {
    kill_at_random(Side::Postgres).await;
}

/// What happened to one that nobody killed.
struct Undisturbed {
    /// The world before the erasure.
    before: World,
    state: State,
    rows: Vec<(String, Vec<String>)>,
    /// How long it took from the order, and from the first point of the erasing.
    took: [Duration; 2],
}

async fn undisturbed(side: Side) -> Undisturbed {
    let before = World::across(side).await;
    let mut daemon = before.start(None);
    for phase in [Phase::Opened, Phase::Challenged, Phase::Confirmed] {
        before.prepare(phase).await;
        daemon.work(phase).await.unwrap_or_else(|why| panic!("{why}"));
    }
    daemon.end().await.unwrap_or_else(|why| panic!("{why}"));
    let world = before.copy().await;
    let points = world.folder().join("points");
    let ordered = Instant::now();
    let mut daemon = world.start_with(Some(&points), LEASE_MILLIS);
    let (worked, erasing) = tokio::join!(daemon.work(Phase::Erased), async {
        super::world::until_erasing(&points).await;
        Instant::now()
    });
    worked.unwrap_or_else(|why| panic!("{why}"));
    let took = [ordered.elapsed(), erasing.elapsed()];
    daemon.end().await.unwrap_or_else(|why| panic!("{why}"));
    let state = State::of(&world).await.unwrap_or_else(|why| panic!("{why}"));
    let rows = world.rows().await;
    world.leave().await;
    check(&rows);
    Undisturbed { before, state, rows, took }
}

/// What is to be gone is gone, and nothing else: counted here, so that all others are compared with something true.
fn check(rows: &[(String, Vec<String>)]) {
    let of = |table: &str| &rows.iter().find(|(name, _)| name == table).unwrap().1;
    let erased = |line: &&String| line.contains(" - -");
    assert_eq!(of("shop.accounts").len(), 2);
    assert_eq!((of("shop.users").len(), of("sales.sessions").len()), (4, 12));
    assert_eq!((of("desk.contacts").len(), of("desk.tickets").len()), (8, 24));
    let visits = of("visits.visits");
    assert_eq!((visits.len(), visits.iter().filter(erased).count()), (30, 10));
    assert!(visits.iter().filter(|line| !erased(line)).all(|line| !line.contains(" 1 /") && !line.contains(" 2 /")));
}

async fn kill_at_random(side: Side) {
    let undisturbed = undisturbed(side).await;
    let wanted = if long_run() { KILLS_LONG } else { KILLS };
    let killed = AtomicUsize::new(0);
    let lives = (0..).take_while(|_| killed.load(Ordering::Relaxed) < wanted);
    let lived = lives.map(async |seed| live(&undisturbed, seed, &killed).await.map_err(|why| format!("{seed}: {why}")));
    let lived: Vec<Result<(), String>> = futures::stream::iter(lived).buffer_unordered(LIVES_AT_ONCE).collect().await;
    let count = lived.len();
    let failed: Vec<String> = lived.into_iter().filter_map(Result::err).collect();
    undisturbed.before.leave().await;
    assert!(failed.is_empty(), "{} of {count} lives:\n{}", failed.len(), failed.join("\n\n"));
    assert!(killed.load(Ordering::Relaxed) >= wanted);
}

/// One erasure, killed until it is through.
async fn live(undisturbed: &Undisturbed, seed: u64, killed: &AtomicUsize) -> Result<(), String> {
    let mut dice = Dice::new(seed);
    let world = undisturbed.before.copy().await;
    let mut sends = undisturbed.state.sends;
    for nth in 0..KILLS_OF_ONE {
        let points = world.folder().join(format!("points {nth}"));
        let (since, took) = if dice.percent(25) {
            (Since::Order, undisturbed.took[0])
        } else {
            (Since::Erasing(&points), undisturbed.took[1])
        };
        let wait = Duration::from_micros(dice.below(took.as_micros() as usize) as u64);
        let daemon = world.start_with(Some(&points), LEASE_MILLIS);
        let in_time = daemon.die_soon(Phase::Erased, since, wait).await?;
        sends += state::uncertain(&world).await;
        let said = state::says_completed(&world).await;
        if said && world.rows().await != undisturbed.rows {
            return Err(format!("it was said to be completed while rows were left\n{}", world.log()));
        }
        if !in_time {
            break;
        }
        killed.fetch_add(1, Ordering::Relaxed);
        if said {
            break;
        }
    }
    let mut daemon = world.start_with(None, LEASE_MILLIS);
    daemon.work(Phase::Erased).await?;
    daemon.end().await?;
    let state = State::of(&world).await.map_err(|why| format!("{why}\n{}", world.log()))?;
    let mut wrong = state.differences(&undisturbed.state);
    if state.sends != sends {
        wrong.push(format!("letters were begun {} times instead of {sends}", state.sends));
    }
    let log = world.log();
    world.leave().await;
    if wrong.is_empty() { Ok(()) } else { Err(format!("{}\n{log}", wrong.join("\n"))) }
}
