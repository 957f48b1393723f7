//! Who took their request back is not erased because our own database came back from a backup that does not know of it.

use std::time::Duration;

use expunged::daemon::quiet;
use expunged::domain::request::Hold;
use expunged::domain::{RequestId, State, Timestamp};
use expunged::flow::operate::{self, Act};
use expunged::flow::{FlowError, behind};
use expunged::params;
use serde_json::{Value, json};
use uuid::Uuid;

use super::restored::copy;
use crate::support::expunged;
use crate::support::world::{Ground, START, World};
use crate::terminated::{asked, ending, opened, request};

const OWNER: &str = "owner1@team.example";
const PEOPLE: &str = "SELECT COUNT(*) FROM users WHERE account_id = 'a1'";

/// Of a world whose ledger was saved in the grace period of a request, and put back after its owner had stopped it. The letters that
/// were heard have left the mailbox.
async fn stopped_and_put_back() -> (World, RequestId) {
    let world = Ground::sqlite().await.build().await;
    let backup = world.ground.path("backup");
    std::fs::create_dir(&backup).unwrap();
    let id = world.live(world.ask_and_confirm(OWNER)).await;
    let told = world.fresh(OWNER).pop().expect("the owner is told of the date");
    world.house.db.close().await;
    copy(&world.ground.path("."), &backup);
    let World { ground, .. } = world;
    let world = ground.build().await;
    world
        .live(async {
            world.deliver(&told.answer(OWNER, "stop"));
            quiet::until_idle(&world.house, &world.clock, 3).await.unwrap();
            assert_eq!(world.state(id).await, State::Withdrawn);
        })
        .await;
    world.house.db.close().await;
    for folder in ["support/new", "support/cur"] {
        for letter in std::fs::read_dir(world.ground.path(folder)).unwrap() {
            std::fs::remove_file(letter.unwrap().path()).unwrap();
        }
    }
    copy(&backup, &world.ground.path("."));
    let World { ground, .. } = world;
    let world = ground.build().await;
    drop(world.fresh(OWNER));
    (world, id)
}

/// Time passes in it: three letters were there, of which the last has left before it was read.
async fn days_pass(world: &World, days: u64) {
    world.clock.advance(Duration::from_secs(days * 86_400 + 60));
    quiet::until_idle(&world.house, &world.clock, 3).await.unwrap();
}

/// What `ledger accept` writes for a program.
fn accept(world: &World) -> Value {
    let mut command = expunged();
    let command = command.arg("--config").arg(world.ground.path("expunged.toml"));
    let said = command.args(["--output", "json", "ledger", "accept"]).output().unwrap();
    assert_eq!(said.status.code(), Some(0), "{}", String::from_utf8_lossy(&said.stderr));
    assert!(String::from_utf8_lossy(&said.stderr).contains("requests withdraw"), "what else may be done is said");
    serde_json::from_slice(&said.stdout).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_withdrew_is_not_erased_because_an_older_ledger_was_accepted() {
    let (world, id) = stopped_and_put_back().await;
    let reference = world.reference(id).await;
    assert_eq!(world.state(id).await, State::Scheduled, "the backup does not know of the stop");
    assert!(matches!(behind::check(&world.house).await, Err(FlowError::Behind)));
    let accepted = accept(&world);
    assert_eq!(accepted["doubts"].as_array().map(Vec::len), Some(1), "{accepted}");
    let goes_on = format!("expunged requests release {reference}");
    assert_eq!(accepted["waiting"], json!([{ "reference": reference, "was": "scheduled", "goes_on": goes_on }]));
    world
        .live(async {
            days_pass(&world, 8).await;
            days_pass(&world, 3).await;
            let request = world.stored(id).await.request;
            assert_eq!((request.state, request.held), (State::OnHold, Some((State::Scheduled, Hold::Ledger))));
            assert_eq!(world.ground.shop.count(PEOPLE).await, 2, "nobody is erased");
            assert_eq!(world.fresh(OWNER).len(), 0, "nor told what is not known to be so");
            // Where a person found that nobody withdrew it, it goes on, and can be stopped again for as long.
            let ops = world.operator("ops");
            operate::act(&world.house, &reference, &ops, Act::Release, None).await.unwrap();
            days_pass(&world, 0).await;
            assert_eq!(world.state(id).await, State::Scheduled);
            let told = world.fresh(OWNER);
            assert!(told.len() == 1 && told[0].text.contains("reply to this e-mail with “stop”"), "{}", told.len());
            days_pass(&world, 6).await;
            assert_eq!(world.ground.shop.count(PEOPLE).await, 2);
            days_pass(&world, 1).await;
            assert_eq!((world.state(id).await, world.ground.shop.count(PEOPLE).await), (State::Completed, 0));
        })
        .await;
}

/// A doubt, noted and accepted by plain SQL.
async fn doubt(world: &World, accepted_at: Option<Timestamp>) {
    let sql = "INSERT INTO ledger_doubts (id, cause, noticed_at, accepted_at) VALUES ($1, 'watermark', $2, $3)";
    world.try_sql(sql, params![Uuid::from_bytes([7; 16]), START, accepted_at]).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_somebody_s_word_permitted_waits_and_who_was_not_asked_yet_is_asked() {
    let world = World::sqlite().await;
    world
        .live(async {
            let scheduled = world.ask_and_confirm("owner2@team.example").await;
            let paused = world.ask_and_confirm(OWNER).await;
            let told = world.fresh(OWNER).pop().unwrap();
            world.receive(&told.answer(OWNER, "Yes, but please wait until March.")).await;
            let held = world.stored(paused).await.request.held;
            assert_eq!(held, Some((State::Scheduled, Hold::Unproven)));
            let paused_letter = world.fresh(OWNER).pop().expect("who is paused is asked");
            let (asked, challenge) = world.ask("owner3@team.example").await;
            doubt(&world, None).await;
            let (_, unasked) = world.receive(&world.closing("owner4@team.example")).await;
            let unasked = unasked.expect("it is judged");
            assert_eq!(world.state(unasked).await, State::AwaitingConfirmation);

            let accepted = behind::accept(&world.house, &world.operator("ops")).await.unwrap();
            let mut waiting: Vec<_> = accepted.waiting.iter().map(|one| (one.reference.clone(), one.was)).collect();
            waiting.sort();
            let mut wanted = Vec::new();
            for (id, was) in
                [(scheduled, State::Scheduled), (paused, State::OnHold), (asked, State::AwaitingConfirmation)]
            {
                wanted.push((world.reference(id).await, was));
            }
            wanted.sort();
            assert_eq!(waiting, wanted);
            // Neither a yes to the pause nor the code ends what an operator must end.
            world.days_pass(1).await;
            world.receive(&paused_letter.answer(OWNER, "Yes")).await;
            let code = challenge.code();
            world.receive(&challenge.answer("owner3@team.example", &code)).await;
            world.days_pass(8).await;
            for (id, back) in
                [(scheduled, State::Scheduled), (paused, State::Scheduled), (asked, State::AwaitingConfirmation)]
            {
                assert_eq!(world.stored(id).await.request.held, Some((back, Hold::Ledger)));
            }
            let asked = world.fresh("owner4@team.example");
            assert!(asked[0].subject.contains("confirm"), "who was not asked yet is: {}", asked[0].subject);
            assert_eq!(world.ground.shop.count("SELECT COUNT(*) FROM users").await, 5);
        })
        .await;
}

/// What an ended service had opened, and its owner stopped, is lacking as well: the daily look opens it anew.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_ended_service_is_not_opened_anew_past_a_stop_that_is_lacking() {
    let contracts = "('a1', '2026-10-10T00:00:00Z'), ('a2', '2026-11-10T00:00:00Z')";
    let world = ending(Ground::sqlite().await, contracts, "").await;
    let ten_days_later = START.plus(Duration::from_secs(10 * 86_400));
    doubt(&world, Some(ten_days_later)).await;
    world
        .live(async {
            asked(&world).await;
            world.days_pass(12).await;
            asked(&world).await;
            assert_eq!(opened(&world).await, ["on_hold"]);
            let id = request(&world).await;
            world.days_pass(10).await;
            assert_eq!(world.stored(id).await.request.held, Some((State::Received, Hold::Ledger)));
            assert_eq!(world.fresh(OWNER).len(), 0);
            let (reference, ops) = (world.reference(id).await, world.operator("ops"));
            operate::act(&world.house, &reference, &ops, Act::Release, None).await.unwrap();
            world.settle().await;
            assert_eq!((world.state(id).await, world.fresh(OWNER).len()), (State::Scheduled, 1));
            world.days_pass(8).await;
            assert_eq!(world.state(id).await, State::Completed);
            world.days_pass(8).await;
            assert_eq!(opened(&world).await.len(), 2, "whose time was over after that is opened");
            assert_eq!(world.state(request(&world).await).await, State::Scheduled, "and goes on by itself");
        })
        .await;
}
