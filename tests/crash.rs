//! A daemon that is killed at any point ends, after a restart, where one ends that nobody killed.
//!
//! The points are read from the source, and each is passed, or the test fails: a point that no daemon reaches proves
//! nothing. A kill is SIGKILL to a real process over real files; the restart waits for the leases like any other.
//!
//! Most lives have a Maildir and write into folders, which costs little. What a mail server can be left with half done is
//! asked of the real ones: Dovecot as mailbox, once with MOVE and once without, and Postfix as the way out.

mod beside;
mod customer;
mod daemon;
mod effects;
mod mail;
mod random;
mod shop;
mod state;
mod stopped;
mod world;

use std::collections::{BTreeMap, BTreeSet};

use futures::StreamExt;
use regex::Regex;

use self::mail::Mail;
use self::state::State;
use self::world::{Phase, Side, World};
use crate::recipients::by_http;
use crate::recipients::partner::{Reply, Service};
use crate::support::long_run;
use crate::support::source::rust_files;

/// Lives at the same time. Much of the time of a life is waiting for leases.
const LIVES_AT_ONCE: usize = 6;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_daemon_ends_in_the_same_state_on_sqlite() {
    kill_at_every_point(Side::Sqlite, Mail::Folders).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_daemon_ends_in_the_same_state_on_postgres() {
    kill_at_every_point(Side::Postgres, Mail::Folders).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_daemon_leaves_no_mail_server_half_done_on_sqlite() {
    kill_between_servers(Side::Sqlite, true).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_daemon_leaves_no_mail_server_half_done_on_postgres() {
    kill_between_servers(Side::Postgres, false).await;
}

/// The long run has servers with MOVE and servers without it on both sides.
async fn kill_between_servers(side: Side, with_move: bool) {
    for with_move in [with_move, !with_move].into_iter().take(if long_run() { 2 } else { 1 }) {
        kill_at_every_point(side, Mail::servers(with_move).await).await;
    }
}

/// Three kills in a row end the judging of a letter, and those of its neighbours: none may end unseen.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_letter_that_kills_its_worker_each_time_comes_before_a_person() {
    let world = World::create(Side::Sqlite, Mail::Folders).await;
    world.prepare(Phase::Opened).await;
    for _ in 0..3 {
        world.start(None).die(Phase::Opened, "judge.weighed", 1).await.unwrap_or_else(|why| panic!("{why}"));
    }
    let mut daemon = world.start(None);
    daemon.work(Phase::Opened).await.unwrap_or_else(|why| panic!("{why}"));
    daemon.end().await.unwrap_or_else(|why| panic!("{why}"));
    let seen = state::of_killers(&world).await;
    assert_eq!(seen.stored, 0, "a letter was left as it came");
    assert!(seen.quarantined >= 1 && seen.in_review == seen.quarantined, "{seen:?}");
    assert_eq!(seen.alarms, seen.quarantined, "the team is told of each");
    world.leave().await;
}

/// A letter that names two addresses of its writer has a request for each and no more, wherever the daemon is killed that opens them.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_letter_of_two_addresses_has_two_requests_after_a_kill() {
    for side in [Side::Sqlite, Side::Postgres] {
        for (point, passage) in [("identify.found", 1), ("identify.committed", 1)] {
            let world = World::create(side, Mail::Folders).await;
            world.name_two().await;
            world.start(None).die(Phase::Opened, point, passage).await.unwrap_or_else(|why| panic!("{why}"));
            let mut daemon = world.start(None);
            daemon.work(Phase::Opened).await.unwrap_or_else(|why| panic!("{why}"));
            daemon.end().await.unwrap_or_else(|why| panic!("{why}"));
            assert_eq!(state::of_requests(&world).await, ["awaiting_confirmation"; 2], "{point} {passage}");
            world.leave().await;
        }
    }
}

/// Whoever is asked by HTTP is asked with one key, though the daemon is killed while it asks: asking twice is asking once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_service_is_asked_with_one_key_by_a_daemon_that_is_killed() {
    for (point, times) in [("ask.intended", 1), ("ask.asked", 2), ("ask.committed", 1)] {
        let service = Service::saying(Reply::status("completed")).await;
        let world = World::create(Side::Sqlite, Mail::Folders).await;
        std::fs::write(world.folder().join("parcels.toml"), by_http::map(&service.url())).unwrap();
        let mut daemon = world.start(None);
        for phase in [Phase::Opened, Phase::Challenged, Phase::Confirmed] {
            world.prepare(phase).await;
            daemon.work(phase).await.unwrap_or_else(|why| panic!("{why}"));
        }
        daemon.die(Phase::Erased, point, 1).await.unwrap_or_else(|why| panic!("{why}"));
        let mut daemon = world.start(None);
        daemon.work(Phase::Erased).await.unwrap_or_else(|why| panic!("{why}"));
        daemon.end().await.unwrap_or_else(|why| panic!("{why}"));
        let asked = service.requests();
        assert_eq!(asked.len(), times, "{point}: {asked:?}");
        assert!(asked.iter().all(|post| post.method == "POST" && post.body == asked[0].body), "{point}");
        assert!(
            asked.iter().all(|post| post.header("idempotency-key") == asked[0].header("idempotency-key")),
            "{point}"
        );
        assert_eq!(state::of_requests(&world).await, ["completed"], "{point}");
        world.leave().await;
    }
}

/// Account 3 ended long ago, for as long as it is there.
const ENDED: &str = r#"[directory.sql]
ended = """
SELECT CAST(id AS TEXT) AS account, '2020-01-01' AS ended_at FROM accounts
WHERE id = 3 AND CAST(id AS TEXT) >= :from ORDER BY 1 LIMIT 10"""
accounts = "SELECT COUNT(*) AS accounts FROM accounts"
"#;

/// Killed anywhere while it asks whose service has ended, a daemon opens one request for it and tells the owner once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_daemon_that_is_killed_opens_one_request_for_an_ended_service() {
    let points: Vec<String> = all_points().into_iter().filter(|point| point.starts_with(TERMINATION)).collect();
    assert_eq!(points.len(), 5, "{points:?}");
    let lived = points.iter().map(async |point| ended_after_a_kill(point).await);
    futures::stream::iter(lived).buffer_unordered(LIVES_AT_ONCE).collect::<Vec<()>>().await;
}

async fn ended_after_a_kill(point: &str) {
    let world = World::create(Side::Sqlite, Mail::Folders).await;
    let file = world.folder().join("expunged.toml");
    let config = std::fs::read_to_string(&file).unwrap().replace("[directory.sql]\n", ENDED);
    std::fs::write(&file, config + "\n[termination]\nafter_days = 30\n").unwrap();
    world.prepare(Phase::Opened).await;
    world.start(None).die(Phase::Opened, point, 1).await.unwrap_or_else(|why| panic!("{point}: {why}"));
    let mut daemon = world.start(None);
    for phase in [Phase::Opened, Phase::Challenged, Phase::Confirmed, Phase::Erased] {
        if phase != Phase::Opened {
            world.prepare(phase).await;
        }
        daemon.work(phase).await.unwrap_or_else(|why| panic!("{point}: {why}"));
    }
    daemon.end().await.unwrap_or_else(|why| panic!("{point}: {why}"));
    assert_eq!(state::of_ended(&world).await, (1, 1, 1), "{point}: requests, authorities and letters");
    assert_eq!(shop::accounts(world.folder()).await, 1, "{point}: that which asked and that which ended are gone");
    world.leave().await;
}

/// What the points are called of an account whose service has ended; one test lives with it, and the other lives without.
const TERMINATION: &str = "termination.";

/// The points in the source that a daemon with such mail can pass.
fn points(mail: &Mail) -> BTreeSet<String> {
    let all = all_points().into_iter().filter(|point| !point.starts_with(TERMINATION));
    match mail {
        Mail::Folders => all.filter(|point| !point.starts_with("imap.")).collect(),
        Mail::Servers(servers) => {
            let other_way = if servers.has_move { "imap.copied" } else { "imap.moved" };
            // Nobody else is asked in that world.
            let all = all.filter(|point| !point.starts_with("ask."));
            all.filter(|point| point != other_way && point != "send.put_back" && !point.starts_with("again.")).collect()
        }
    }
}

/// The points in the source.
fn all_points() -> BTreeSet<String> {
    let pattern = Regex::new(r#"breakpoint!\("([^"]+)"\)"#).expect("a pattern");
    let mut points: BTreeSet<String> = expunged::erase::BREAKPOINTS.iter().map(ToString::to_string).collect();
    for (file, text) in rust_files("src") {
        let code = text.lines().filter(|line| !line.trim_start().starts_with("//"));
        for line in code {
            for found in pattern.captures_iter(line) {
                assert!(
                    points.insert(found[1].to_owned()),
                    "{}: {} is the name of two points",
                    file.display(),
                    &found[1]
                );
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

/// A life in which nobody was killed: the points passed in each phase, and the end.
struct Undisturbed {
    side: Side,
    mail: Mail,
    /// The world before each phase, where it can be copied.
    before: Vec<(Phase, World)>,
    passed: Vec<(Phase, BTreeMap<String, u32>)>,
    state: State,
}

impl Undisturbed {
    /// A world in which all is as it was before a phase, or before an earlier one; with what is left to happen in it.
    async fn before(&self, phase: Phase) -> (World, &'static [Phase]) {
        let Some((_, world)) = self.before.iter().find(|(known, _)| *known == phase) else {
            return (World::create(self.side, self.mail.clone()).await, self.mail.phases());
        };
        let from = self.mail.phases().iter().position(|known| *known == phase).expect("a phase of this world");
        (world.copy().await, &self.mail.phases()[from..])
    }
}

async fn undisturbed(side: Side, mail: Mail) -> Undisturbed {
    let world = World::create(side, mail.clone()).await;
    let (mut before, mut passed) = (Vec::new(), Vec::new());
    for phase in mail.phases().iter().copied() {
        if matches!(mail, Mail::Folders) {
            before.push((phase, world.copy().await));
        }
        world.prepare(phase).await;
        let list = world.folder().join(format!("points {phase:?}"));
        let mut daemon = world.start(Some(&list));
        daemon.work(phase).await.unwrap_or_else(|why| panic!("{why}"));
        daemon.end().await.unwrap_or_else(|why| panic!("{why}"));
        let mut counts = BTreeMap::new();
        for point in std::fs::read_to_string(&list).unwrap_or_default().lines() {
            *counts.entry(point.to_owned()).or_insert(0) += 1;
        }
        passed.push((phase, counts));
    }
    let state = State::of(&world).await.unwrap_or_else(|why| panic!("{why}"));
    world.leave().await;
    Undisturbed { side, mail, before, passed, state }
}

/// The undisturbed life is what was asked for: counted here, so that all others are compared with something true.
fn check(state: &State, swept: bool) {
    let lines = |name: &str| state.same.get(name).unwrap_or_else(|| panic!("nothing was read of {name}"));
    let moves = if swept { 9 } else { 5 };
    let mut requests = vec![format!("completed letter account owner moves {moves} round 1 ended")];
    if swept {
        requests.push("completed retention - - moves 2 round 0 ended".to_owned());
    }
    assert_eq!(lines("requests"), &requests);
    let letters: Vec<&str> = lines("letters").iter().map(|line| line.split(' ').next().unwrap()).collect();
    let expected = ["alarm_review", "challenge", "completed", "kept_erased", "recipient_asked", "scheduled"];
    let of_this = |letter: &&str| swept || !["alarm_review", "kept_erased", "recipient_asked"].contains(letter);
    assert_eq!(letters, expected.into_iter().filter(of_this).collect::<Vec<_>>());
    let deliveries = [
        "1 opened judged marked expunged",
        "2 ordinary judged",
        "3 answer judged marked expunged",
        "4 answer judged marked expunged",
    ];
    assert_eq!(lines("deliveries"), &deliveries[..if swept { 4 } else { 3 }]);
    assert_eq!(lines("recipients"), &["parcels completed -"][..usize::from(swept)]);
    let unread = ["new: Invoice for March"];
    let on_server = ["INBOX []: Invoice for March"];
    assert!(
        lines("support mailbox") == &unread || lines("support mailbox") == &on_server,
        "{:?}",
        lines("support mailbox")
    );
    let authorities = ["continuation completed_plan", "continuation keeping_ended", "verified code"];
    assert_eq!(lines("authorities"), &authorities[if swept { 0 } else { 2 }..]);
    assert_eq!(lines("shop.accounts"), &["2 Bonnet & Co", "3 Castillo & Co"]);
    assert_eq!(lines("shop.users").len(), 4);
    assert_eq!(lines("sales.sessions").len(), 12);
    assert!(lines("sales.sessions").iter().all(|line| !line.contains(" 1 /") && !line.contains(" 2 /")));
    let count = |what: &str| lines("sales.orders").iter().filter(|line| line.contains(what)).count();
    let emptied = count("NULL 2024-05-15 NULL NULL");
    assert_eq!((lines("sales.orders").len(), count("NULL 2024-05-15 NULL")), (12, 4), "they are nobody's");
    assert_eq!(emptied, if swept { 4 } else { 0 }, "what was kept of them is gone when its time is over");
    assert!(lines("steps").iter().all(|line| line.contains("read_back")), "{:?}", lines("steps"));
    assert_eq!(state.sends, if swept { 6 } else { 3 });
}

/// Each point once on each side, and on SQLite those that letters and chunks pass again and again also at their last passage. The
/// long run has each point in every phase, and does on PostgreSQL what is done on SQLite.
fn kills(undisturbed: &Undisturbed) -> Vec<Vec<Kill>> {
    let Undisturbed { side, passed, mail, .. } = undisturbed;
    if matches!(mail, Mail::Servers(_)) && !long_run() {
        return kills_between_servers(passed);
    }
    let mut known = BTreeSet::new();
    let mut of_phases = Vec::new();
    for (phase, counts) in passed {
        let mut kills = Vec::new();
        for (point, count) in counts {
            if !known.insert(point.clone()) && !long_run() {
                continue;
            }
            let repeated =
                (*side == Side::Sqlite || long_run()) && (point.starts_with("erase:") || point.starts_with("judge."));
            for passage in BTreeSet::from([1, if repeated { *count } else { 1 }]) {
                kills.push(Kill { phase: *phase, point: point.clone(), passage });
            }
        }
        of_phases.push(kills);
    }
    of_phases
}

/// Each point at which a mail server may be left half done, once: in the phase that has the fewest so far, so that few
/// lives are needed.
fn kills_between_servers(passed: &[(Phase, BTreeMap<String, u32>)]) -> Vec<Vec<Kill>> {
    const WITH_SERVERS: [&str; 5] = ["imap.", "arrive.", "mark.", "expunge.", "send."];
    let mut phases_of: BTreeMap<&String, Vec<usize>> = BTreeMap::new();
    for (at, (_, counts)) in passed.iter().enumerate() {
        for point in counts.keys().filter(|point| WITH_SERVERS.iter().any(|prefix| point.starts_with(prefix))) {
            phases_of.entry(point).or_default().push(at);
        }
    }
    let mut points: Vec<_> = phases_of.into_iter().collect();
    points.sort_by_key(|(_, phases)| phases.len());
    let mut kills: Vec<Vec<Kill>> = vec![Vec::new(); passed.len()];
    for (point, phases) in points {
        let at = phases.into_iter().min_by_key(|at| kills[*at].len()).expect("it was passed");
        kills[at].push(Kill { phase: passed[at].0, point: point.clone(), passage: 1 });
    }
    kills
}

/// Lives in which the daemon is killed once in each phase, as long as there are points left in it.
fn lives(kills: &[Vec<Kill>]) -> Vec<Vec<Kill>> {
    let longest = kills.iter().map(Vec::len).max().unwrap_or(0);
    (0..longest).map(|nth| kills.iter().filter_map(|kills| kills.get(nth).cloned()).collect()).collect()
}

async fn kill_at_every_point(side: Side, mail: Mail) {
    let undisturbed = undisturbed(side, mail).await;
    check(&undisturbed.state, undisturbed.mail.phases().contains(&Phase::Swept));
    let reached: BTreeSet<String> = undisturbed.passed.iter().flat_map(|(_, counts)| counts.keys().cloned()).collect();
    let dead: Vec<String> = points(&undisturbed.mail).difference(&reached).cloned().collect();
    assert!(dead.is_empty(), "no daemon passes {dead:?}: a point that nobody reaches tests nothing");
    let kills = kills(&undisturbed);
    let killed_at: BTreeSet<String> = kills.iter().flatten().map(|kill| kill.point.clone()).collect();
    match &undisturbed.mail {
        Mail::Folders => assert_eq!(killed_at, reached),
        Mail::Servers(_) => {
            assert!(reached.iter().filter(|point| point.starts_with("imap.")).all(|point| killed_at.contains(point)))
        }
    }
    let lives = lives(&kills);
    let lived =
        lives.iter().map(async |kills| live(&undisturbed, kills).await.map_err(|why| format!("{kills:?}: {why}")));
    let lived: Vec<Result<(), String>> = futures::stream::iter(lived).buffer_unordered(LIVES_AT_ONCE).collect().await;
    let failed: Vec<String> = lived.into_iter().filter_map(Result::err).collect();
    for (_, world) in undisturbed.before {
        world.leave().await;
    }
    assert!(failed.is_empty(), "{} of {} lives:\n{}", failed.len(), lives.len(), failed.join("\n\n"));
}

/// Lives from the first kill to the end, with a new daemon after each kill, and compares.
async fn live(undisturbed: &Undisturbed, kills: &[Kill]) -> Result<(), String> {
    let first = kills.first().expect("a life has a kill").phase;
    let (world, phases) = undisturbed.before(first).await;
    let mut sends = undisturbed.state.sends;
    let mut daemon = world.start(None);
    for phase in phases {
        world.prepare(*phase).await;
        if let Some(kill) = kills.iter().find(|kill| kill.phase == *phase) {
            daemon.die(*phase, &kill.point, kill.passage).await?;
            // Wherever the kill was aimed, another worker may have been in the middle of handing over a letter.
            sends += state::uncertain(&world).await;
            daemon = world.start(None);
        }
        daemon.work(*phase).await?;
    }
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

/// Commits that no point follows at once, by file and function, and why none is needed there.
const COMMITS_WITHOUT_A_POINT: &[(&str, &[&str], &str)] = &[
    (
        "src/daemon/build.rs",
        &["ledger"],
        "the key file is made before it, and bound to the ledger again at the next start",
    ),
    ("src/daemon/silence.rs", &["tell"], "an alarm in the outbox"),
    ("src/daemon/watch.rs", &["hold"], "a note of the watch; it leads to no effect"),
    (
        "src/db/job_table.rs",
        &["complete_once", "fail_once", "give_back_once", "put_right_once", "rescue_once", "turn_over_once"],
        "a claim or a settlement; what a claim leads to passes points of its own, and its lease runs out",
    ),
    (
        "src/db/mailbox_leases.rs",
        &["acquire", "extend", "free", "release"],
        "the right to read; it runs out, and reading changes nothing",
    ),
    ("src/db/migrate.rs", &["a_changed_migration_is_refused", "migrate"], "before anything works"),
    ("src/db/sql.rs", &["commit", "commit"], "what all the others call"),
    ("src/flow/admit.rs", &["store"], "its caller passes arrive.stored at once"),
    (
        "src/flow/again.rs",
        &["erase_again", "leave_alone", "over", "sweep", "unsearchable"],
        "verbs of the command line, jobs that had nothing to do, and what goes to a person; what follows are jobs",
    ),
    ("src/flow/agree.rs", &["agree", "agree"], "a verb of the command line; what follows from it is a job"),
    (
        "src/flow/arrive.rs",
        &["begin", "named_now", "set_polled"],
        "the cursor and the time of the poll; what follows only reads the mailbox",
    ),
    (
        "src/flow/begin.rs",
        &["wait", "wait_for_mailbox", "wait_for_notice"],
        "what is early, or before the mailbox was read or its letter sent, waits again; nothing follows",
    ),
    (
        "src/flow/behind.rs",
        &["accept", "look", "wait"],
        "a doubt with its alarm in the outbox, what waits for it, and a verb of the command line",
    ),
    (
        "src/flow/canary.rs",
        &["look_at", "plan", "replay"],
        "what is to be done regularly, and a verb of the command line; what follows are jobs",
    ),
    ("src/flow/clocks.rs", &["wait"], "what waits until the clocks agree, and an alarm in the outbox"),
    ("src/flow/desk.rs", &["bury"], "a job is ended; its alarm is a job of the outbox, which has points of its own"),
    (
        "src/flow/doctor.rs",
        &["begin", "end"],
        "a command beside the daemon; a run that was cut off proves nothing, and its letters are known",
    ),
    (
        "src/flow/erase.rs",
        &["is_away", "note_place", "stop", "stop_unfounded"],
        "a request stops or waits before the first write; its letter is a job of the outbox",
    ),
    ("src/flow/expunge.rs", &["intend", "postpone"], "letters are put off, or none lies there; nothing follows"),
    (
        "src/flow/flood.rs",
        &["is_gathered"],
        "an alarm waits, or its turn came, which it keeps; then it is sent like any other letter",
    ),
    ("src/flow/forget.rs", &["forget"], "a request that is gone; nothing follows"),
    ("src/flow/heard.rs", &["is_turn_of"], "a letter waits for its turn; nothing follows"),
    (
        "src/flow/judge.rs",
        &["wait_for_directory"],
        "a letter waits for the directory; its alarm is a job of the outbox",
    ),
    (
        "src/flow/ledger.rs",
        &["intend", "mark", "outcomes", "save_discovery", "save_keys"],
        "the engine passes a point of its own after each of these",
    ),
    ("src/flow/legal.rs", &["place", "release"], "verbs of the command line; what follows from them are jobs"),
    ("src/flow/mod.rs", &["complete"], "a job that had nothing to do; nothing follows"),
    (
        "src/flow/operate.rs",
        &["act", "add_note", "approve", "extend", "put_right", "put_right", "refuse"],
        "verbs of the command line; what follows from them are jobs",
    ),
    (
        "src/flow/outbox.rs",
        &["begin", "not_sent", "take_back", "wait"],
        "a note of why the end of a letter is not known, and of a wait; nothing follows",
    ),
    ("src/flow/page.rs", &["once"], "an answer by page; what follows from it are jobs"),
    (
        "src/flow/recipients.rs",
        &["close", "wait_for_hold"],
        "a verb of the command line, and the wait for a hold; what follows are jobs",
    ),
    (
        "src/flow/retention/look.rs",
        &["look", "look", "look_at"],
        "rows that cannot be looked at now are looked at later; an alarm in the outbox",
    ),
    ("src/flow/retention/notice.rs", &["tell_at_end"], "a verb of the command line; nothing follows"),
    (
        "src/flow/retry.rs",
        &["job", "letters_of"],
        "verbs of the command line; what follows are the jobs that are tried again",
    ),
    ("src/flow/reveal.rs", &["reveal"], "who looked at personal data, written before they see any; nothing follows"),
    (
        "src/flow/several.rs",
        &["others"],
        "requests that a repeated letter lacked; the job looks for them by their wishes, and what follows are jobs",
    ),
    ("src/flow/sighted.rs", &["record"], "who looked at letters, written before they see anything; nothing follows"),
    ("src/flow/termination/run.rs", &["wait"], "a directory that is away is asked later; nothing follows"),
    ("src/flow/tidy.rs", &["tidy"], "old rows of our own; nothing follows"),
    ("src/flow/wake.rs", &["wake"], "a wake before the mailbox was read waits again; nothing follows"),
];

/// A new commit brings its point, or a reason here.
#[test]
fn every_commit_has_a_point_behind_it_or_a_reason() {
    let function = Regex::new(r"\bfn (\w+)").expect("a pattern");
    let mut without: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for folder in ["src/flow", "src/daemon", "src/db", "src/erase", "src/cli"] {
        for (file, text) in rust_files(folder) {
            let lines: Vec<&str> = text.lines().collect();
            let mut within = String::new();
            for (at, line) in lines.iter().enumerate() {
                if let Some(found) = function.captures(line) {
                    within = found[1].to_owned();
                }
                // The point of the next function is none of this one.
                let behind = lines[at..].iter().take(5).enumerate();
                let mut behind = behind.take_while(|(next, line)| *next == 0 || !function.is_match(line));
                if line.contains(".commit()") && !behind.any(|(_, line)| line.contains("breakpoint!(")) {
                    without.entry(file.display().to_string()).or_default().push(within.clone());
                }
            }
        }
    }
    without.values_mut().for_each(|functions| functions.sort_unstable());
    let known = COMMITS_WITHOUT_A_POINT.iter().map(|(file, functions, _)| {
        ((*file).to_owned(), functions.iter().map(ToString::to_string).collect::<Vec<_>>())
    });
    assert_eq!(without, known.collect(), "commits without a point behind them");
}
