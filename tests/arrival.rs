//! Every number of the mailbox gets one disposition, whatever a server does to numbers, letters and connections; what
//! was handled once is not handled again, and what cannot be read goes to a person.

mod late;
mod server;
mod shelf;
mod silence;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use expunged::daemon;
use expunged::db::mailbox_leases;
use expunged::domain::{RequestId, State};
use expunged::flow::arrive::{self, Polled};
use expunged::params;

use self::shelf::{Fault, Shelf};
use crate::support::world::{Ground, START, World, on_both, plain};

const OWNER: &str = "owner1@team.example";

/// A world that reads from a shelf and, unlike the other tests', does not judge what was there before the first run.
async fn world(ground: Ground) -> World {
    let mut world = ground.build().await;
    Arc::get_mut(&mut world.house).expect("nobody works yet").backfill = false;
    world
}

async fn try_poll(world: &World, shelf: &Shelf) -> Result<Polled, expunged::flow::FlowError> {
    let place = daemon::place(&world.house);
    let held = Duration::from_secs(60);
    let lease = mailbox_leases::acquire(&world.house.db, &place.mailbox, "test", held).await.unwrap().unwrap();
    let mut mailbox = shelf.clone();
    let polled = Box::pin(arrive::poll(&world.house, &mut mailbox, &place, &lease)).await;
    mailbox_leases::release(&world.house.db, &lease).await.unwrap();
    polled
}

async fn poll(world: &World, shelf: &Shelf) -> Polled {
    try_poll(world, shelf).await.unwrap()
}

/// The daemon works until nothing is left to judge, send or mark.
async fn work(world: &World, shelf: &Shelf) {
    shelf::live(world, shelf, async {
        let mut quiet = 0;
        while quiet < 3 {
            tokio::time::sleep(Duration::from_millis(60)).await;
            let waiting = "SELECT (SELECT COUNT(*) FROM deliveries WHERE disposition = 'stored')
                + (SELECT COUNT(*) FROM jobs WHERE state <> 'dead' AND run_at <= $1) AS number";
            let idle = world.number(waiting, params![START.plus(Duration::from_secs(60))]).await == 0;
            quiet = if idle { quiet + 1 } else { 0 };
        }
    })
    .await;
}

/// The dispositions of the numbers of the current numbering, from the first to the last.
async fn dispositions(world: &World) -> Vec<String> {
    let sql = "SELECT d.uid AS first, d.uid AS last, d.disposition FROM deliveries d
               JOIN cursors c ON c.mailbox = d.mailbox AND c.folder = d.folder AND c.numbering = d.numbering
               UNION ALL
               SELECT r.uid_first AS first, r.uid_last AS last, r.disposition FROM uid_ranges r
               JOIN cursors c ON c.mailbox = r.mailbox AND c.folder = r.folder AND c.numbering = r.numbering";
    let mut tx = world.house.db.read().await.unwrap();
    let mut found = BTreeMap::new();
    for row in tx.all(sql, params![]).await.unwrap() {
        for uid in row.i64("first").unwrap()..=row.i64("last").unwrap() {
            let twice = found.insert(uid, row.text("disposition").unwrap());
            assert_eq!(twice, None, "{uid} has two dispositions");
        }
    }
    let last = tx.one("SELECT uid_last AS number FROM cursors", params![]).await.unwrap().i64("number").unwrap();
    assert_eq!(found.keys().copied().collect::<Vec<_>>(), (1..=last).collect::<Vec<_>>(), "every number has one");
    found.into_values().collect()
}

async fn count(world: &World, what: &str) -> i64 {
    world.number(&format!("SELECT COUNT(*) AS number FROM {what}"), params![]).await
}

/// Nothing is left of letters that no request took, and no job gave up.
async fn nothing_is_left_behind(world: &World) {
    let living = "vault_keys WHERE purpose = 'delivery' AND wrapped IS NOT NULL";
    assert_eq!(count(world, living).await, 0, "bytes of judged letters are kept");
    let sealed = "sealed JOIN vault_keys ON vault_keys.id = sealed.key_id WHERE vault_keys.purpose = 'delivery'";
    assert_eq!(count(world, sealed).await, 0, "sealed bytes of judged letters are kept");
    assert_eq!(count(world, "jobs WHERE state = 'dead'").await, 0);
}

fn ordinary(number: u32) -> Vec<u8> {
    plain(&format!("customer{number}@elsewhere.example"), &format!("Opening hours {number}"), "When are you open?")
}

async fn every_number(ground: Ground) {
    let world = world(ground).await;
    let shelf = Shelf::default();
    shelf.put_old(&ordinary(1));
    shelf.put_old(&ordinary(2));
    shelf.remove(1);
    assert_eq!(poll(&world, &shelf).await.stored, 0);
    assert_eq!(dispositions(&world).await, ["before_start", "before_start"]);

    shelf.put(&world.closing(OWNER));
    shelf.put(&ordinary(4));
    shelf.put(&ordinary(5));
    shelf.remove(4);
    assert_eq!(poll(&world, &shelf).await.stored, 2);
    let all = ["before_start", "before_start", "stored", "vanished", "stored"];
    assert_eq!(dispositions(&world).await, all);
    // The last ones too, although no letter comes after them.
    shelf.put(&ordinary(6));
    shelf.put(&ordinary(7));
    shelf.remove(6);
    shelf.remove(7);
    assert_eq!(poll(&world, &shelf).await.stored, 0);
    work(&world, &shelf).await;
    let all = ["before_start", "before_start", "opened", "vanished", "ordinary", "vanished", "vanished"];
    assert_eq!(dispositions(&world).await, all);

    // The folder is numbered anew: what came before the first run stays unread, what was handled is known again, and
    // what came meanwhile is handled.
    shelf.renumber(8);
    shelf.put(&world.closing("owner2@team.example"));
    work(&world, &shelf).await;
    assert_eq!(dispositions(&world).await, ["before_start", "duplicate", "duplicate", "opened"]);
    assert_eq!(count(&world, "requests").await, 2);
    // And again under numbers that were seen before.
    shelf.renumber(7);
    work(&world, &shelf).await;
    assert_eq!(dispositions(&world).await, ["before_start", "duplicate", "duplicate", "duplicate"]);
    assert_eq!(count(&world, "requests").await, 2);
    nothing_is_left_behind(&world).await;

    // Now they are wanted after all.
    let mut world = world;
    Arc::get_mut(&mut world.house).expect("nobody works").backfill = true;
    work(&world, &shelf).await;
    assert_eq!(dispositions(&world).await, ["ordinary", "duplicate", "duplicate", "duplicate"]);
    assert_eq!(count(&world, "uid_ranges WHERE disposition = 'before_start'").await, 0);
    let numbering = world.number("SELECT numbering AS number FROM cursors", params![]).await;
    work(&world, &shelf).await;
    assert_eq!(world.number("SELECT numbering AS number FROM cursors", params![]).await, numbering, "read once");
}

on_both! {
    async fn every_number_has_one_disposition(ground) {
        every_number(ground).await;
    }
}

#[tokio::test]
async fn a_server_that_gives_numbers_away_twice_loses_no_letter() {
    let world = world(Ground::sqlite().await).await;
    let shelf = Shelf::default();
    poll(&world, &shelf).await;
    for number in 1..=4 {
        shelf.put(&ordinary(number));
    }
    work(&world, &shelf).await;
    // Restored from a backup of two letters; then a customer writes.
    shelf.restore(2);
    shelf.put(&world.closing(OWNER));
    work(&world, &shelf).await;
    assert_eq!(dispositions(&world).await, ["duplicate", "duplicate", "opened"]);
    nothing_is_left_behind(&world).await;
}

#[tokio::test]
async fn a_letter_that_is_too_large_is_one_request_and_shows_its_sender() {
    let world = world(Ground::sqlite().await).await;
    let shelf = Shelf::default();
    poll(&world, &shelf).await;
    let mut letter = world.closing(OWNER);
    letter.resize(27_000_000, b'x');
    shelf.put(&letter);
    work(&world, &shelf).await;
    shelf.renumber(8);
    work(&world, &shelf).await;
    assert_eq!(dispositions(&world).await, ["duplicate"]);
    assert_eq!(count(&world, "requests").await, 1);
    let request = request_of(&world, 1).await;
    let reference = world.reference(request).await;
    let operator = world.operator("tester");
    let shown = expunged::flow::reveal::reveal(&world.house, &reference, &operator).await.unwrap();
    assert_eq!(shown.sender.as_deref(), Some(OWNER));
}

/// The day that the law counts from is none that has not come.
#[tokio::test]
async fn a_letter_that_is_dated_ahead_came_when_it_was_seen() {
    let world = world(Ground::sqlite().await).await;
    let shelf = Shelf::default();
    poll(&world, &shelf).await;
    shelf.put_at(world.house.clock.now().plus_days(2_000), &world.closing(OWNER));
    work(&world, &shelf).await;
    let request = world.stored(request_of(&world, 1).await).await.request;
    assert_eq!(request.deadlines.received_at.date(), world.house.clock.now().date());
}

async fn request_of(world: &World, uid: u32) -> RequestId {
    let mut tx = world.house.db.read().await.unwrap();
    let sql = "SELECT request_id FROM deliveries WHERE uid = $1 ORDER BY numbering DESC LIMIT 1";
    RequestId::from_uuid(tx.one(sql, params![uid]).await.unwrap().uuid("request_id").unwrap())
}

#[tokio::test]
async fn a_letter_that_the_server_will_not_give_goes_to_a_person_and_the_others_are_read() {
    let world = world(Ground::sqlite().await).await;
    let shelf = Shelf::default();
    poll(&world, &shelf).await;
    for number in 1..=3 {
        shelf.put(&ordinary(number));
    }
    // When none can be read the server is ill, and nobody is given up.
    shelf.fault(Some(Fault::FetchOf(vec![1, 2, 3])));
    try_poll(&world, &shelf).await.unwrap_err();
    assert_eq!(count(&world, "deliveries").await, 0);
    shelf.fault(Some(Fault::FetchOf(vec![2])));
    assert_eq!(poll(&world, &shelf).await.stored, 3);
    assert_eq!(dispositions(&world).await, ["stored", "unreadable", "stored"]);
    work(&world, &shelf).await;
    assert_eq!(world.state(request_of(&world, 2).await).await, State::NeedsReview);
    assert_eq!(dispositions(&world).await, ["ordinary", "unreadable", "ordinary"]);
}

#[tokio::test]
async fn a_letter_that_cannot_be_marked_keeps_neither_letters_nor_marks_back() {
    let world = world(Ground::sqlite().await).await;
    let shelf = Shelf::default();
    poll(&world, &shelf).await;
    shelf.put(&world.closing(OWNER));
    shelf.put(&world.closing("owner2@team.example"));
    work(&world, &shelf).await;
    assert_eq!(shelf.marked(), [1, 2]);
    shelf.put(&world.closing("owner3@team.example"));
    shelf.put(&world.closing("owner4@team.example"));
    shelf.fault(Some(Fault::MarkOf(3)));
    work(&world, &shelf).await;
    assert_eq!(shelf.marked(), [1, 2, 4]);
    let polled = poll(&world, &shelf).await;
    assert!(polled.trouble.is_some(), "{polled:?}");
    assert_eq!(count(&world, "polls WHERE polled_at IS NOT NULL").await, 1);
    shelf.fault(None);
    let polled = poll(&world, &shelf).await;
    assert!(polled.trouble.is_none() && polled.marked == 1, "{polled:?}");
    assert_eq!(shelf.marked(), [1, 2, 3, 4]);
}

#[tokio::test]
async fn only_letters_of_identified_requests_are_moved() {
    let ground =
        Ground::sqlite().await.with_config(|config| config.replace("[mailbox]\n", "[mailbox]\nmove_to = \"Done\"\n"));
    let world = world(ground).await;
    let shelf = Shelf::default();
    poll(&world, &shelf).await;
    shelf.put(&world.closing(OWNER));
    let mut large = world.closing("owner2@team.example");
    large.resize(27_000_000, b'x');
    shelf.put(&large);
    shelf.put(&ordinary(3));
    work(&world, &shelf).await;
    poll(&world, &shelf).await;
    assert_eq!(shelf.marked(), [1, 2], "ours are known to be ours");
    assert_eq!(shelf.moved(), [1], "what only waits for a person stays");
}

/// A letter with one more header at its top.
fn with_header(header: &str, letter: &[u8]) -> Vec<u8> {
    [header.as_bytes(), b"\r\n", letter].concat()
}

#[tokio::test]
async fn letters_of_programs_and_our_own_are_no_requests_of_people() {
    let world = world(Ground::sqlite().await).await;
    let shelf = Shelf::default();
    poll(&world, &shelf).await;
    shelf.put(&world.closing(OWNER));
    work(&world, &shelf).await;
    let ours = world.fresh(OWNER).pop().expect("the owner is challenged").message_id;

    shelf.put(&with_header("Return-Path: <>", &ordinary(2)));
    shelf.put(&with_header("List-Owner: <mailto:owner@lists.example>", &ordinary(3)));
    shelf.put(&world.closing(world.house.mailbox_name()));
    shelf.put(&world.closing(&world.house.plus_address("sometoken")));
    let closing = String::from_utf8(world.closing("owner2@team.example")).unwrap();
    let line = closing.lines().find(|line| line.starts_with("Message-ID:")).unwrap();
    shelf.put(closing.replace(line, &format!("Message-ID: <{ours}>")).as_bytes());
    // A form that passes on what a person typed has no return path either: a person looks, and nobody is answered.
    shelf.put(&with_header("Return-Path: <>", &world.closing("owner3@team.example")));
    work(&world, &shelf).await;
    // A wish from our own address comes by a form or a colleague: whose it is, a person must see.
    let all = ["opened", "automatic", "newsletter", "opened", "opened", "automatic", "opened"];
    assert_eq!(dispositions(&world).await, all);
    for uid in [4, 5, 7] {
        assert_eq!(world.state(request_of(&world, uid).await).await, State::NeedsReview, "{uid}");
    }
    assert_eq!(world.fresh("owner3@team.example").len(), 0);
}

/// A ledger from before the paths of Maildirs were noted: the one that it has read goes on where it was, and only that one.
#[tokio::test]
async fn a_maildir_that_was_read_without_its_path_goes_on() {
    let world = world(Ground::sqlite().await).await;
    let shelf = Shelf::default();
    poll(&world, &shelf).await;
    shelf.put(&ordinary(1));
    poll(&world, &shelf).await;
    let folder = daemon::place(&world.house).folder;
    assert_eq!(count(&world, "deliveries WHERE uid = 1").await, 1);
    for sql in
        ["UPDATE cursors SET folder = ''", "UPDATE uid_ranges SET folder = ''", "UPDATE deliveries SET folder = ''"]
    {
        world.try_sql(sql, params![]).await.unwrap();
    }
    assert!(daemon::known_instead(&world.house).await.unwrap().is_none(), "it is no other mailbox");
    shelf.put(&ordinary(2));
    assert_eq!(poll(&world, &shelf).await.stored, 1, "only what is new");
    let named = "SELECT COUNT(*) AS number FROM deliveries WHERE folder = $1";
    assert_eq!(world.number(named, params![folder.as_str()]).await, 2);

    world.try_sql("UPDATE cursors SET folder = '', uid_validity = uid_validity + 1", params![]).await.unwrap();
    shelf.put(&ordinary(3));
    assert_eq!(poll(&world, &shelf).await.stored, 0, "another Maildir begins at its next letter");
}
