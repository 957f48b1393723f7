//! What kills its worker, or cannot be sent, still reaches a person.

use std::time::Duration;

use expunged::db::mailbox_leases;
use expunged::domain::State;
use expunged::domain::request::ReviewReason;
use expunged::flow::arrive;
use expunged::flow::operate::{self, Operator};
use expunged::params;
use expunged::vault::{KeyOwner, KeyPurpose};

use super::{OWNER, count};
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
    mailbox_leases::release(db, lease).await.unwrap();
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

/// The last letter of a request that has ended cannot be sent: the team is told, and the address is forgotten.
#[tokio::test]
async fn a_letter_that_cannot_be_sent_is_told_and_forgotten() {
    let world = World::sqlite().await;
    let (request, _) = world.live(world.ask(OWNER)).await;
    let stored = world.stored(request).await.request;
    let operator = Operator::named(&world.house, "operator");
    operate::withdraw(&world.house, &stored.reference, &operator).await.unwrap();
    killed(&world, "send").await;
    world.live(world.settle()).await;
    let failed = "SELECT COUNT(*) AS number FROM letters WHERE kind = 'withdrawn' AND state = 'failed'";
    assert_eq!(world.number(failed, params![]).await, 1);
    assert!(world.fresh(TEAM).iter().any(|alarm| alarm.text.contains(stored.reference.as_str())), "the team is told");
    let mut tx = world.house.db.write().await.unwrap();
    let owner = KeyOwner::Case(stored.case);
    let contact = expunged::db::keys::load(&mut tx, &world.house.kek, owner, KeyPurpose::Contact).await.unwrap();
    assert!(contact.is_none(), "the address is forgotten");
}
