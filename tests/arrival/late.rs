//! A letter that came in time counts however late it is read: nothing is erased, and no silence ends anything, before the
//! mailbox was read and what lay in it is judged.

use std::time::Duration;

use expunged::clock::Clock;
use expunged::domain::{RequestId, State};
use expunged::params;

use super::shelf::{Fault, Shelf, live};
use super::{OWNER, poll};
use crate::support::world::{Ground, Letter, World, plain};

const USER: &str = "user1@team.example";
const DAY: Duration = Duration::from_secs(86_400);

/// The daemon works until nothing is due by now and judged, whatever waits for the mailbox.
async fn work(world: &World, shelf: &Shelf) {
    let due = "SELECT COUNT(*) AS number FROM jobs WHERE state <> 'dead' AND run_at <= $1";
    live(world, shelf, async {
        let mut quiet = 0;
        while quiet < 5 {
            tokio::time::sleep(Duration::from_millis(60)).await;
            quiet = if world.number(due, params![world.clock.now()]).await == 0 { quiet + 1 } else { 0 };
        }
    })
    .await;
}

/// The daemon works until the request stands there.
async fn becomes(world: &World, shelf: &Shelf, id: RequestId, state: State) {
    let reached = live(world, shelf, async {
        let reached = async {
            while world.state(id).await != state {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(60), reached).await
    })
    .await;
    assert!(reached.is_ok(), "it is {}, not {state}", world.state(id).await);
}

async fn the_request(world: &World) -> RequestId {
    let mut tx = world.house.db.read().await.unwrap();
    let row = tx.one("SELECT id FROM requests", params![]).await.unwrap();
    RequestId::from_uuid(row.uuid("id").unwrap())
}

/// A letter opens a request, and its writer is challenged.
async fn asked(world: &World, shelf: &Shelf, from: &str, letter: &[u8]) -> (RequestId, Letter) {
    poll(world, shelf).await;
    shelf.put_at(world.clock.now(), letter);
    poll(world, shelf).await;
    work(world, shelf).await;
    (the_request(world).await, world.fresh(from).pop().expect("a challenge"))
}

/// The same, confirmed: with the letter that says when.
async fn scheduled(world: &World, shelf: &Shelf) -> (RequestId, Letter) {
    let (id, challenge) = asked(world, shelf, OWNER, &world.closing(OWNER)).await;
    shelf.put_at(world.clock.now(), &challenge.answer(OWNER, &challenge.code()));
    becomes(world, shelf, id, State::Scheduled).await;
    work(world, shelf).await;
    (id, world.fresh(OWNER).pop().expect("the letter that says when"))
}

/// The mailbox cannot be read from now on; five days later a letter comes, and three more days pass.
async fn unread(world: &World, shelf: &Shelf, days: u32, letter: &[u8]) {
    shelf.fault(Some(Fault::Login));
    world.clock.advance(DAY * days);
    shelf.put_at(world.clock.now(), letter);
    world.clock.advance(DAY * 3);
    work(world, shelf).await;
}

async fn waits_for_mailbox(world: &World, kind: &str) -> bool {
    let sql = "SELECT COUNT(*) AS number FROM jobs WHERE kind = $1 AND reason = 'mailbox_not_read'";
    world.number(sql, params![kind]).await > 0
}

async fn owners(world: &World) -> i64 {
    world.ground.shop.count("SELECT COUNT(*) FROM users WHERE id = 'u1'").await
}

#[tokio::test]
async fn a_stop_in_a_mailbox_that_cannot_be_read_is_heard() {
    let (world, shelf) = (super::world(Ground::sqlite().await).await, Shelf::default());
    let (id, letter) = scheduled(&world, &shelf).await;
    unread(&world, &shelf, 5, &letter.answer(OWNER, "Stop")).await;
    assert_eq!((world.state(id).await, owners(&world).await), (State::Scheduled, 1));
    assert!(waits_for_mailbox(&world, "begin").await, "people see what it waits for");
    shelf.fault(None);
    becomes(&world, &shelf, id, State::Withdrawn).await;
    assert_eq!(owners(&world).await, 1);
}

#[tokio::test]
async fn without_a_stop_it_is_erased_when_the_mailbox_was_read() {
    let (world, shelf) = (super::world(Ground::postgres().await).await, Shelf::default());
    let (id, letter) = scheduled(&world, &shelf).await;
    unread(&world, &shelf, 5, &letter.answer(OWNER, "Thank you!")).await;
    assert_eq!(world.state(id).await, State::Scheduled);
    shelf.fault(None);
    becomes(&world, &shelf, id, State::Completed).await;
    assert_eq!(owners(&world).await, 0);
}

#[tokio::test]
async fn a_stop_that_is_stored_and_not_judged_is_heard() {
    let (world, shelf) = (super::world(Ground::sqlite().await).await, Shelf::default());
    let (id, letter) = scheduled(&world, &shelf).await;
    world.clock.advance(DAY * 5);
    shelf.put_at(world.clock.now(), &letter.answer(OWNER, "Stop"));
    world.clock.advance(DAY * 3);
    is_heard_once_judged(&world, &shelf, id).await;
}

/// Nothing is erased before the stop that lies in the mailbox is judged.
async fn is_heard_once_judged(world: &World, shelf: &Shelf, id: RequestId) {
    poll(world, shelf).await;
    let judged_at = "UPDATE jobs SET run_at = $1 WHERE kind = 'judge'";
    world.try_sql(judged_at, params![world.clock.now().plus_days(1)]).await.unwrap();
    work(world, shelf).await;
    assert_eq!((world.state(id).await, owners(world).await), (State::Scheduled, 1));
    world.try_sql(judged_at, params![world.clock.now()]).await.unwrap();
    becomes(world, shelf, id, State::Withdrawn).await;
}

#[tokio::test]
async fn a_yes_that_came_in_time_is_no_silence() {
    let (world, shelf) = (super::world(Ground::sqlite().await).await, Shelf::default());
    let (id, challenge) = asked(&world, &shelf, OWNER, &world.closing(OWNER)).await;
    unread(&world, &shelf, 13, &challenge.answer(OWNER, &challenge.code())).await;
    assert_eq!(world.state(id).await, State::AwaitingConfirmation);
    assert!(waits_for_mailbox(&world, "wake").await);
    shelf.fault(None);
    becomes(&world, &shelf, id, State::Scheduled).await;
}

#[tokio::test]
async fn silence_ends_a_question_when_the_mailbox_was_read() {
    let (world, shelf) = (super::world(Ground::sqlite().await).await, Shelf::default());
    let (id, challenge) = asked(&world, &shelf, OWNER, &world.closing(OWNER)).await;
    // It came a day too late, and is read two days later.
    unread(&world, &shelf, 15, &challenge.answer(OWNER, &challenge.code())).await;
    assert_eq!(world.state(id).await, State::AwaitingConfirmation);
    shelf.fault(None);
    becomes(&world, &shelf, id, State::Expired).await;
}

#[tokio::test]
async fn an_approval_that_came_in_time_is_no_silence() {
    let (world, shelf) = (super::world(Ground::sqlite().await).await, Shelf::default());
    let letter = plain(USER, "My profile", "Hello,\r\n\r\nplease delete my user profile.\r\n");
    let (id, challenge) = asked(&world, &shelf, USER, &letter).await;
    shelf.put_at(world.clock.now(), &challenge.answer(USER, "Yes, please go ahead."));
    becomes(&world, &shelf, id, State::AwaitingApproval).await;
    work(&world, &shelf).await;
    let approval = world.fresh(OWNER).pop().expect("the owner is asked");
    unread(&world, &shelf, 4, &approval.answer(OWNER, "Yes, please go ahead.")).await;
    assert_eq!(world.state(id).await, State::AwaitingApproval);
    shelf.fault(None);
    becomes(&world, &shelf, id, State::Scheduled).await;
}

#[tokio::test]
async fn a_word_that_came_in_time_ends_a_pause() {
    let (world, shelf) = (super::world(Ground::sqlite().await).await, Shelf::default());
    let (id, letter) = scheduled(&world, &shelf).await;
    shelf.put_at(world.clock.now(), &plain(OWNER, "Hello", "Stop."));
    becomes(&world, &shelf, id, State::OnHold).await;
    unread(&world, &shelf, 4, &letter.answer(OWNER, "Yes")).await;
    assert_eq!(world.state(id).await, State::OnHold);
    shelf.fault(None);
    becomes(&world, &shelf, id, State::Scheduled).await;
}

/// A letter that the server will not give may be a stop, of anybody.
#[tokio::test]
async fn nothing_is_erased_past_a_letter_that_cannot_be_had() {
    let (world, shelf) = (super::world(Ground::sqlite().await).await, Shelf::default());
    let (id, letter) = scheduled(&world, &shelf).await;
    shelf.put_at(world.clock.now(), &letter.answer(OWNER, "Stop"));
    shelf.put_at(world.clock.now(), &super::ordinary(1));
    shelf.fault(Some(Fault::FetchOf(vec![3])));
    poll(&world, &shelf).await;
    work(&world, &shelf).await;
    world.clock.advance(DAY * 8);
    work(&world, &shelf).await;
    assert_eq!((world.state(id).await, owners(&world).await), (State::Scheduled, 1));
    assert!(waits_for_mailbox(&world, "begin").await, "people see what it waits for");
    let of_letter = world.reference(super::request_of(&world, 3).await).await;
    let operator = world.operator("ops");
    expunged::flow::operate::act(&world.house, &of_letter, &operator, expunged::flow::operate::Act::Withdraw, None)
        .await
        .unwrap();
    world.clock.advance(DAY);
    becomes(&world, &shelf, id, State::Completed).await;
}

/// It came after the grace period, while the mailbox could not be read, and nothing was erased yet.
#[tokio::test]
async fn a_late_stop_that_lies_here_is_heard_before_the_erasing() {
    let (world, shelf) = (super::world(Ground::sqlite().await).await, Shelf::default());
    let (id, letter) = scheduled(&world, &shelf).await;
    unread(&world, &shelf, 8, &letter.answer(OWNER, "Stop")).await;
    shelf.fault(None);
    is_heard_once_judged(&world, &shelf, id).await;
}

/// Our clock once ran ahead, and what it noted then of the mailbox is no proof that it was read since.
#[tokio::test]
async fn a_poll_that_lies_ahead_of_our_clock_was_none() {
    let (world, shelf) = (super::world(Ground::sqlite().await).await, Shelf::default());
    let (id, letter) = scheduled(&world, &shelf).await;
    let ahead = "UPDATE polls SET polled_at = $1";
    world.try_sql(ahead, params![world.clock.now().plus_days(30)]).await.unwrap();
    unread(&world, &shelf, 5, &letter.answer(OWNER, "Stop")).await;
    assert_eq!((world.state(id).await, owners(&world).await), (State::Scheduled, 1));
    assert!(waits_for_mailbox(&world, "begin").await);
    shelf.fault(None);
    becomes(&world, &shelf, id, State::Withdrawn).await;
}
