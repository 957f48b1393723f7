//! A ledger that came back from a backup: nobody is told or erased again before an operator has accepted it.

use std::path::Path;
use std::time::Duration;

use expunged::daemon::quiet;
use expunged::domain::State;
use expunged::flow::{FlowError, behind};
use expunged::params;

use crate::support::expunged;
use crate::support::world::{Ground, TEAM, World};

const OWNER: &str = "owner1@team.example";

/// What a command of the command line says.
fn say(ground: &Ground, words: &[&str]) -> (Option<i32>, String) {
    let mut command = expunged();
    let said = command.arg("--config").arg(ground.path("expunged.toml")).args(words).output().unwrap();
    let text = [said.stdout, said.stderr].concat();
    (said.status.code(), String::from_utf8(text).unwrap())
}

pub fn copy(from: &Path, to: &Path) {
    for file in ["ledger.db", "ledger.db-wal", "ledger.db-shm"] {
        drop(std::fs::remove_file(to.join(file)));
        if from.join(file).exists() {
            std::fs::copy(from.join(file), to.join(file)).unwrap();
        }
    }
}

/// Of a world whose ledger was saved while the owner was asked, and put back after all was done.
async fn brought_back() -> World {
    let world = Ground::sqlite().await.build().await;
    let backup = world.ground.path("backup");
    std::fs::create_dir(&backup).unwrap();
    let (request, challenge) = world.live(world.ask(OWNER)).await;
    world.house.db.close().await;
    copy(&world.ground.path("."), &backup);
    let World { ground, .. } = world;
    let world = ground.build().await;
    world
        .live(async {
            let tail = challenge.answer(OWNER, &challenge.code());
            world.deliver(&tail);
            quiet::until_idle(&world.house, &world.clock, 2).await.unwrap();
            assert_eq!(world.state(request).await, State::Scheduled);
            world.clock.advance(Duration::from_secs(7 * 86_400 + 60));
            quiet::until_idle(&world.house, &world.clock, 2).await.unwrap();
            assert_eq!(world.state(request).await, State::Completed);
        })
        .await;
    let all = world.fresh(OWNER).len();
    assert!(all >= 3, "asked, told of the date, told of the end: {all}");
    world.house.db.close().await;
    copy(&backup, &world.ground.path("."));
    let World { ground, .. } = world;
    let world = ground.build().await;
    let seen = world.fresh(OWNER).len();
    assert_eq!(seen, all, "what was sent before");
    drop(world.fresh(TEAM));
    world
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_ledger_from_a_backup_sends_and_erases_nothing_until_it_is_accepted() {
    let world = brought_back().await;
    world
        .live(async {
            let doubts = "SELECT COUNT(*) AS number FROM ledger_doubts WHERE accepted_at IS NULL";
            for _ in 0..200 {
                let told = world.ground.path("customers").join(TEAM).join("new").read_dir();
                if world.number(doubts, params![]).await == 1 && told.is_ok_and(|mut letters| letters.next().is_some())
                {
                    break;
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            assert_eq!(world.number(doubts, params![]).await, 1, "it is noticed");
            // The mailbox is read on: another owner's letter is judged, and waits for its challenge.
            world.deliver(&world.closing("owner2@team.example"));
            for _ in 0..16 {
                world.clock.advance(Duration::from_secs(86_400 / 2 + 60));
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            let opened = "SELECT COUNT(*) AS number FROM requests";
            assert_eq!(world.number(opened, params![]).await, 2, "letters are judged");
            let begun =
                "SELECT COUNT(*) AS number FROM requests WHERE state NOT IN ('awaiting_confirmation', 'scheduled')";
            assert_eq!(world.number(begun, params![]).await, 0, "nothing is begun");
            assert_eq!(world.fresh(OWNER).len(), 0, "nobody is told anything");
            assert_eq!(world.fresh("owner2@team.example").len(), 0, "nor asked");
            let alarm = world.fresh(TEAM).into_iter().find(|letter| letter.subject.contains("came back from a backup"));
            let alarm = alarm.expect("the team is told");
            assert!(alarm.text.contains("expunged ledger accept"), "{}", alarm.text);

            let (code, status) = say(&world.ground, &["mailbox", "status"]);
            assert_eq!(code, Some(0), "{status}");
            assert!(status.contains("paused   erasing and sending"), "{status}");
            let (code, check) = say(&world.ground, &["check", "--connect"]);
            assert_eq!(code, Some(4), "{check}");
            assert!(check.contains("database as it was"), "{check}");

            let (code, accepted) = say(&world.ground, &["ledger", "accept"]);
            assert_eq!(code, Some(0), "{accepted}");
            assert!(accepted.contains("accepted as it is"), "{accepted}");
            // The yes lay in the mailbox and was read once more; whether a stop came after it nobody knows.
            assert!(accepted.contains("expunged requests release"), "{accepted}");
            let who = "SELECT COUNT(*) AS number FROM trail WHERE event = 'noted' AND leaf LIKE '%ledger_accepted%'";
            assert_eq!(world.number(who, params![]).await, 1, "the trail says who did");
            for _ in 0..100 {
                world.clock.advance(Duration::from_secs(60));
                if world
                    .number(
                        "SELECT COUNT(*) AS number FROM letters WHERE kind = 'challenge' AND state = 'sent'",
                        params![],
                    )
                    .await
                    == 2
                {
                    break;
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            // The days of the wait make a reminder due as well.
            let asked = world.fresh("owner2@team.example").len();
            assert!((1..=2).contains(&asked), "and it goes on: {asked}");
        })
        .await;
    let (code, again) = say(&world.ground, &["ledger", "accept"]);
    assert_eq!((code, again.contains("nothing to accept")), (Some(0), true), "{again}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_watermark_that_is_missing_is_made_and_one_that_follows_is_no_alarm() {
    let world = Ground::sqlite().await.build().await;
    let file = world.ground.path("kek.watermark");
    world.live(world.ask(OWNER)).await;
    let first = std::fs::read_to_string(&file).unwrap();
    std::fs::remove_file(&file).unwrap();
    world.house.db.close().await;
    let World { ground, .. } = world;
    let world = ground.build().await;
    world
        .live(async {
            for _ in 0..200 {
                if file.exists() {
                    break;
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        })
        .await;
    let second = std::fs::read_to_string(&file).unwrap();
    let leaf = |text: &str| text.split(' ').take(3).map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(leaf(&first), leaf(&second), "the same leaf");
    assert_eq!(world.number("SELECT COUNT(*) AS number FROM ledger_doubts", params![]).await, 0);
}

/// The old database's clock was an hour fast. What was accepted is accepted all the same, and a later backup is noticed as ever.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_doubt_does_not_come_back_after_it_was_accepted() {
    let world = brought_back().await;
    let file = world.ground.path("kek.watermark");
    let text = std::fs::read_to_string(&file).unwrap();
    let mut words: Vec<String> = text.split_ascii_whitespace().map(str::to_owned).collect();
    let seen_at: i64 = words[3].parse().unwrap();
    words[3] = (seen_at + 3_600_000_000).to_string();
    std::fs::write(&file, words.join(" ") + "\n").unwrap();
    world.house.db.close().await;
    let World { ground, .. } = world;
    let world = ground.build().await;
    let is_behind = async || matches!(behind::check(&world.house).await, Err(FlowError::Behind));
    assert!(is_behind().await, "it is noticed");
    let accepted = behind::accept(&world.house, &world.operator("ops")).await.unwrap();
    assert_eq!(accepted.doubts.len(), 1);
    assert!(!is_behind().await, "accepted once is accepted");
    behind::keep(&world.house).await.unwrap();
    assert!(behind::accept(&world.house, &world.operator("ops")).await.unwrap().doubts.is_empty());
    world.house.db.close().await;
    copy(&world.ground.path("backup"), &world.ground.path("."));
    let World { ground, .. } = world;
    let world = ground.build().await;
    assert!(matches!(behind::check(&world.house).await, Err(FlowError::Behind)), "and so is the next one noticed");
}
