//! A daemon that is killed at any point ends, after a restart, where one ends that nobody killed.
//!
//! The points are read from the source, and each is passed, or the test fails: a point that no daemon reaches proves
//! nothing. A kill is SIGKILL to a real process over real files; the restart waits for the leases like any other.

mod customer;
mod daemon;
mod shop;
mod state;
mod world;

use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::process::ExitStatusExt;

use futures::StreamExt;
use regex::Regex;

use self::state::State;
use self::world::{Phase, Side, World};
use crate::support::source::rust_files;

/// Cases at the same time. Most of the time of a case is waiting for leases.
const CASES_AT_ONCE: usize = 6;
/// A kill here leaves a letter of which nobody knows whether it was delivered, so that it is sent once more.
const UNCERTAIN: [&str; 3] = ["send.sending_committed", "send.before_data", "send.after_data"];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_daemon_ends_in_the_same_state_on_sqlite() {
    kill_at_every_point(Side::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_daemon_ends_in_the_same_state_on_postgres() {
    kill_at_every_point(Side::Postgres).await;
}

/// The points in the source.
fn points() -> BTreeSet<String> {
    let pattern = Regex::new(r#"breakpoint!\("([^"]+)"\)"#).expect("a pattern");
    let mut points: BTreeSet<String> = expunged::erase::BREAKPOINTS.iter().map(ToString::to_string).collect();
    for (file, text) in rust_files("src") {
        let code = text.lines().filter(|line| !line.trim_start().starts_with("//"));
        for line in code {
            for found in pattern.captures_iter(line) {
                assert!(points.insert(found[1].to_owned()), "{}: {} is the name of two points", file.display(), &found[1]);
            }
        }
    }
    assert!(points.len() > expunged::erase::BREAKPOINTS.len(), "no point was found in the source");
    points
}

/// One kill.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Kill {
    phase: Phase,
    point: String,
    /// Which passage, from 1.
    passage: u32,
}

/// A life in which nobody was killed: the world before each phase, the points passed in it, and the end.
struct Undisturbed {
    before: Vec<(Phase, World)>,
    passed: Vec<(Phase, BTreeMap<String, u32>)>,
    state: State,
}

async fn undisturbed(side: Side) -> Undisturbed {
    let world = World::create(side).await;
    let (mut before, mut passed) = (Vec::new(), Vec::new());
    for phase in Phase::ALL {
        world.prepare(phase);
        before.push((phase, world.copy().await));
        let list = world.folder().join(format!("points {phase:?}"));
        let status = world.run(phase, None, Some(&list)).await.unwrap_or_else(|why| panic!("{why}"));
        assert!(status.success(), "{phase:?}: {status}\n{}", world.log());
        let mut counts = BTreeMap::new();
        for point in std::fs::read_to_string(&list).unwrap_or_default().lines() {
            *counts.entry(point.to_owned()).or_insert(0) += 1;
        }
        passed.push((phase, counts));
    }
    let state = State::of(&world).await.unwrap_or_else(|why| panic!("{why}"));
    world.leave().await;
    Undisturbed { before, passed, state }
}

/// The undisturbed life is what was asked for: counted here, so that all others are compared with something true.
fn check(state: &State) {
    let lines = |name: &str| state.same.get(name).unwrap_or_else(|| panic!("nothing was read of {name}"));
    assert_eq!(lines("requests"), &["completed account owner moves 5 round 1 ended"]);
    let letters: Vec<&str> = lines("letters").iter().map(|line| line.split(' ').next().unwrap()).collect();
    assert_eq!(letters, ["challenge", "completed", "scheduled"]);
    assert_eq!(lines("deliveries"), &["1 opened judged marked expunged", "2 ordinary judged", "3 answer judged marked expunged"]);
    assert_eq!(lines("support mailbox"), &["new: Invoice for March"]);
    assert_eq!(lines("authorities").len(), 1);
    assert_eq!(lines("shop.accounts"), &["2 Bonnet & Co", "3 Castillo & Co"]);
    assert_eq!(lines("shop.users").len(), 4);
    assert_eq!(lines("sales.sessions").len(), 12);
    assert!(lines("sales.sessions").iter().all(|line| !line.contains(" 1 /") && !line.contains(" 2 /")));
    let detached = lines("sales.orders").iter().filter(|line| line.ends_with("NULL 2024-05-15 NULL")).count();
    assert_eq!((lines("sales.orders").len(), detached), (12, 4));
    assert!(lines("steps").iter().all(|line| line.contains("read_back")), "{:?}", lines("steps"));
    assert_eq!(state.sends, 3);
}

/// On SQLite the first and the last passage in every phase, on PostgreSQL the first in the first and the last phase.
fn kills(side: Side, passed: &[(Phase, BTreeMap<String, u32>)]) -> Vec<Kill> {
    let mut kills = Vec::new();
    for (phase, counts) in passed {
        for (point, count) in counts {
            let earlier = kills.iter().any(|kill: &Kill| kill.point == *point);
            if side == Side::Postgres && earlier {
                continue;
            }
            for passage in BTreeSet::from([1, if side == Side::Sqlite { *count } else { 1 }]) {
                kills.push(Kill { phase: *phase, point: point.clone(), passage });
            }
        }
    }
    kills
}

async fn kill_at_every_point(side: Side) {
    let life = undisturbed(side).await;
    check(&life.state);
    let reached: BTreeSet<String> = life.passed.iter().flat_map(|(_, counts)| counts.keys().cloned()).collect();
    let dead: Vec<String> = points().difference(&reached).cloned().collect();
    assert!(dead.is_empty(), "no daemon passes {dead:?}: a point that nobody reaches tests nothing");
    let kills = kills(side, &life.passed);
    assert_eq!(kills.iter().map(|kill| &kill.point).collect::<BTreeSet<_>>().len(), reached.len());
    let cases = kills.iter().map(|kill| {
        let (life, kill) = (&life, kill.clone());
        async move { case(life, &kill).await.map_err(|why| format!("{kill:?}: {why}")) }
    });
    let done: Vec<Result<(), String>> = futures::stream::iter(cases).buffer_unordered(CASES_AT_ONCE).collect().await;
    let failed: Vec<String> = done.into_iter().filter_map(Result::err).collect();
    for (_, world) in life.before {
        world.leave().await;
    }
    println!("{} points, {} kills on {side:?}", reached.len(), kills.len());
    assert!(failed.is_empty(), "{} of {} cases:\n{}", failed.len(), kills.len(), failed.join("\n\n"));
}

/// Kills once, restarts, lives on to the end, and compares.
async fn case(life: &Undisturbed, kill: &Kill) -> Result<(), String> {
    let (_, template) = life.before.iter().find(|(phase, _)| *phase == kill.phase).expect("every phase was lived");
    let world = template.copy().await;
    let killed = world.run(kill.phase, Some(&format!("{}:{}", kill.point, kill.passage)), None).await?;
    if killed.signal() != Some(9) {
        return Err(format!("was not killed but ended with {killed}\n{}", world.log()));
    }
    let from = Phase::ALL.iter().position(|phase| *phase == kill.phase).expect("a phase");
    for phase in &Phase::ALL[from..] {
        if *phase != kill.phase {
            world.prepare(*phase);
        }
        world.run(*phase, None, None).await?;
    }
    let state = State::of(&world).await.map_err(|why| format!("{why}\n{}", world.log()))?;
    let mut wrong = state.differences(&life.state);
    let sends = life.state.sends + i64::from(UNCERTAIN.contains(&kill.point.as_str()));
    if state.sends != sends {
        wrong.push(format!("letters were begun {} times instead of {sends}", state.sends));
    }
    let log = world.log();
    world.leave().await;
    if wrong.is_empty() { Ok(()) } else { Err(format!("{}\n{log}", wrong.join("\n"))) }
}
