//! What kills its worker, or cannot be sent, still reaches a person.

use std::time::Duration;

use expunged::db::mailbox_leases;
use expunged::domain::request::ReviewReason;
use expunged::domain::{CaseId, Scope, State};
use expunged::flow::arrive;
use expunged::flow::operate::{self, Correction};
use expunged::params;
use expunged::vault::{KeyOwner, KeyPurpose};

use super::{ACCOUNT, OWNER, PHONE, count, opens};
use crate::support::world::{TEAM, World};

/// All attempts of these jobs ended with their workers, and the lease of the last was taken back.
async fn killed(world: &World, kind: &str) {
    let sql = "UPDATE jobs SET attempts = attempts_max WHERE kind = $1 AND state = 'waiting'";
    assert_eq!(world.try_sql(sql, params![kind]).await.unwrap(), 1);
}

#[tokio::test]
async fn a_letter_that_kills_its_worker_comes_before_a_person() {
    let world = World::sqlite().await;
    world.deliver(&world.closing(OWNER));
    let (place, mut mailbox) = world.mailbox();
    let db = &world.house.db;
    let lease = mailbox_leases::acquire(db, &place.mailbox, "test", Duration::from_secs(60)).await.unwrap().unwrap();
    arrive::poll(&world.house, &mut *mailbox, &place, &lease).await.unwrap();
    mailbox_leases::release(db, &lease).await.unwrap();
    drop(mailbox);
    killed(&world, "judge").await;
    world.live(world.settle()).await;
    assert_eq!(count(&world, "quarantined").await, 1);
    let mut tx = db.read().await.unwrap();
    let row = tx.one("SELECT state, review_reason FROM requests", params![]).await.unwrap();
    let found = (row.text("state").unwrap(), row.text("review_reason").unwrap());
    assert_eq!(found, (State::NeedsReview.to_string(), ReviewReason::Poison.to_string()));
    drop(tx);
    assert_eq!(world.fresh(TEAM).len(), 1, "the team is told");
    let dead = "SELECT COUNT(*) AS number FROM jobs WHERE state = 'dead' AND kind = 'judge'";
    assert_eq!(world.number(dead, params![]).await, 1);
}

/// The last letter of a request that has ended cannot be sent: the team is told, and may have it sent again until the address
/// is forgotten with the letters.
#[tokio::test]
async fn a_letter_that_cannot_be_sent_is_told_and_forgotten() {
    let world = World::sqlite().await;
    let (request, _) = world.live(world.ask(OWNER)).await;
    let stored = world.stored(request).await.request;
    let operator = world.operator("operator");
    operate::act(&world.house, &stored.reference, &operator, operate::Act::Withdraw, None).await.unwrap();
    killed(&world, "send").await;
    world.live(world.settle()).await;
    let failed = "SELECT COUNT(*) AS number FROM letters WHERE kind = 'withdrawn' AND state = 'failed'";
    assert_eq!(world.number(failed, params![]).await, 1);
    assert!(world.fresh(TEAM).iter().any(|alarm| alarm.text.contains(stored.reference.as_str())), "the team is told");
    assert!(has_address(&world, stored.case).await, "it can be sent again");
    world.live(world.days_pass(31)).await;
    assert!(!has_address(&world, stored.case).await, "the address is forgotten");
}

async fn has_address(world: &World, case: CaseId) -> bool {
    let mut tx = world.house.db.write().await.unwrap();
    let owner = KeyOwner::Case(case);
    expunged::db::keys::load(&mut tx, &world.house.kek, owner, KeyPurpose::Contact).await.unwrap().is_some()
}

/// What waits for its turn is paused and let go on: it is asked about once, and the question lives.
#[tokio::test]
async fn a_pause_before_the_question_leaves_one_job_that_asks() {
    let world = World::sqlite().await;
    world
        .live(async {
            opens(&world, OWNER, PHONE).await;
            let waits = opens(&world, OWNER, ACCOUNT).await;
            assert_eq!(world.state(waits).await, State::Received);
            let reference = world.reference(waits).await;
            let operator = world.operator("operator");
            let jobs = "SELECT COUNT(*) AS number FROM jobs WHERE kind = 'identify' AND request_id = $1";
            operate::act(&world.house, &reference, &operator, operate::Act::Hold, None).await.unwrap();
            assert_eq!(world.number(jobs, params![waits]).await, 0, "who is paused is not looked up");
            operate::act(&world.house, &reference, &operator, operate::Act::Release, None).await.unwrap();
            assert_eq!(world.number(jobs, params![waits]).await, 1);
            world.days_pass(1).await;
            assert_eq!(world.state(waits).await, State::AwaitingConfirmation);
            assert_eq!(world.number("SELECT COUNT(*) AS number FROM jobs WHERE state = 'dead'", params![]).await, 0);
        })
        .await;
}

/// Put right and in review again within a day: the asker was told that a person looks, and is not told twice.
#[tokio::test]
async fn who_was_told_that_a_person_looks_is_not_told_again_the_same_day() {
    let world = World::sqlite().await;
    let told = "SELECT COUNT(*) AS number FROM letters WHERE kind = 'in_review'";
    world
        .live(async {
            let text = "Please delete the user profile of our colleague Nobody Known.";
            let case = opens(&world, OWNER, ("Hello", text)).await;
            assert_eq!((world.state(case).await, world.number(told, params![]).await), (State::NeedsReview, 1));
            let reference = world.reference(case).await;
            let operator = world.operator("operator");
            for (days, expected) in [(0, 1), (2, 2)] {
                world.days_pass(days).await;
                let user = Correction { scope: Some(Scope::User), ..Correction::default() };
                operate::correct(&world.house, &reference, &operator, user).await.unwrap();
                world.settle().await;
                assert_eq!(world.state(case).await, State::NeedsReview);
                assert_eq!(world.number(told, params![]).await, expected);
            }
        })
        .await;
}
