//! A mailbox that cannot be read: the team is told once, the other work goes on, and what came is handled after.

use std::time::Duration;

use expunged::db::{mailbox_leases, polls};
use expunged::domain::State;
use expunged::params;

use super::shelf::{Fault, Shelf, live, live_and_look};
use super::{OWNER, poll, work};
use crate::support::world::{Ground, TEAM, World};

async fn alarms(world: &World) -> i64 {
    world.number("SELECT COUNT(*) AS number FROM letters WHERE kind = 'alarm_mailbox'", params![]).await
}

/// Lets the daemon fail until so many alarms are written, and a while longer, and says how many there are then.
async fn fail(world: &World, shelf: &Shelf, expected: i64) -> i64 {
    let failing = async {
        // A busy machine may take long to the first; one too many would come with the next failures.
        let told = async {
            while alarms(world).await < expected {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        let _ = tokio::time::timeout(Duration::from_secs(30), told).await;
        tokio::time::sleep(Duration::from_millis(600)).await;
    };
    live(world, shelf, failing).await;
    alarms(world).await
}

#[tokio::test]
async fn a_refused_login_is_told_at_once_and_work_goes_on() {
    let world = super::world(Ground::sqlite().await).await;
    let shelf = Shelf::default();
    poll(&world, &shelf).await;
    shelf.put(&world.closing(OWNER));
    poll(&world, &shelf).await;
    shelf.put(&world.closing("owner2@team.example"));
    shelf.fault(Some(Fault::Login));
    // The letter that lies in the ledger is judged and answered all the same.
    let challenge = live(&world, &shelf, async {
        loop {
            tokio::time::sleep(Duration::from_millis(50)).await;
            if let Some(challenge) = world.fresh(OWNER).pop() {
                break challenge;
            }
        }
    })
    .await;
    assert_eq!(challenge.code().len(), 6);
    assert_eq!(fail(&world, &shelf, 1).await, 1, "once, also by a daemon that was started again");
    assert!(world.fresh(TEAM).iter().any(|letter| letter.text.contains(world.house.mailbox_name())));
    shelf.fault(None);
    work(&world, &shelf).await;
    // The letter may be answered before the poll that brought it has come to its end.
    poll(&world, &shelf).await;
    let state = "SELECT COUNT(*) AS number FROM requests WHERE state = $1";
    assert_eq!(world.number(state, params![State::AwaitingConfirmation.as_str()]).await, 2);
    // The next silence is another one.
    shelf.fault(Some(Fault::Login));
    assert_eq!(fail(&world, &shelf, 2).await, 2);
}

#[tokio::test]
async fn silence_counts_from_when_the_mailbox_was_last_read_to_its_end_not_from_when_it_opened() {
    let world = super::world(Ground::sqlite().await).await;
    let shelf = Shelf::default();
    poll(&world, &shelf).await;
    let polled_at = world.house.clock.now();
    shelf.put(&super::ordinary(1));
    shelf.fault(Some(Fault::List));
    assert_eq!(fail(&world, &shelf, 0).await, 0, "the silence is not long yet");
    world.clock.advance(Duration::from_secs(3_600));
    assert_eq!(fail(&world, &shelf, 1).await, 1);
    let mut tx = world.house.db.read().await.unwrap();
    let polls = polls::load(&mut tx, world.house.mailbox_name()).await.unwrap().unwrap();
    assert_eq!(polls.silent_since(), polled_at);
}

/// A daemon looks until so many alarms are written, and a while longer; how many there are then.
async fn look(world: &World, shelf: &Shelf, expected: i64) -> i64 {
    let looking = async {
        let told = async {
            while alarms(world).await < expected {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        let _ = tokio::time::timeout(Duration::from_secs(30), told).await;
        tokio::time::sleep(Duration::from_millis(600)).await;
    };
    live_and_look(world, shelf, Duration::from_millis(50), looking).await;
    alarms(world).await
}

#[tokio::test]
async fn a_daemon_that_holds_the_mailbox_and_reads_nothing_is_noticed_by_the_others() {
    let world = super::world(Ground::postgres().await).await;
    let shelf = Shelf::default();
    poll(&world, &shelf).await;
    let (mailbox, long) = (world.house.mailbox_name(), Duration::from_secs(3_600));
    let stuck = mailbox_leases::acquire(&world.house.db, mailbox, "stuck", long).await.unwrap().expect("it is free");
    assert_eq!(look(&world, &shelf, 0).await, 0, "the silence is not long yet");
    world.clock.advance(long);
    assert_eq!(look(&world, &shelf, 1).await, 1);
    assert_eq!(look(&world, &shelf, 1).await, 1, "whoever else looks: once");
    mailbox_leases::release(&world.house.db, &stuck).await.unwrap();
}

/// It was killed: nobody else can live beside the lock of a SQLite ledger.
#[tokio::test]
async fn on_sqlite_the_mailbox_of_a_dead_daemon_is_read_at_once() {
    let world = World::sqlite().await;
    let (mailbox, long) = (world.house.mailbox_name(), Duration::from_secs(3_600));
    let dead = mailbox_leases::acquire(&world.house.db, mailbox, "killed", long).await.unwrap().expect("it is free");
    let reader = mailbox_leases::reader(&mut world.house.db.read().await.unwrap(), mailbox).await.unwrap();
    assert_eq!(reader.map(|reader| reader.holder).as_deref(), Some("killed"));
    world.deliver(&world.closing(OWNER));
    let read = async {
        while world.number("SELECT COUNT(*) AS number FROM requests", params![]).await == 0 {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    let in_time = world.live(tokio::time::timeout(Duration::from_secs(30), read)).await;
    assert!(in_time.is_ok(), "the lease of nobody kept the mailbox");
    assert!(mailbox_leases::extend(&world.house.db, &dead, long).await.is_err(), "and is lost");
}

#[tokio::test]
async fn so_is_a_poll_that_never_ends() {
    let world = super::world(Ground::sqlite().await).await;
    let shelf = Shelf::default();
    poll(&world, &shelf).await;
    shelf.fault(Some(Fault::Silence));
    world.clock.advance(Duration::from_secs(3_600));
    assert_eq!(look(&world, &shelf, 1).await, 1);
    shelf.fault(None);
    assert_eq!(look(&world, &shelf, 1).await, 1);
    // The time goes on while it is read: that is no silence.
    let moving = async {
        for _ in 0..5 {
            world.clock.advance(Duration::from_secs(3_600));
            tokio::time::sleep(Duration::from_millis(1_600)).await;
        }
    };
    live_and_look(&world, &shelf, Duration::from_millis(1_400), moving).await;
    assert_eq!(alarms(&world).await, 1);
}
