//! Letters that no mail program should write, and the good one after each of them.

use std::fmt::Write as _;

use expunged::db::deliveries::{Disposition, of_request};
use expunged::db::keys;
use expunged::domain::State;
use expunged::domain::request::ReviewReason;
use expunged::params;
use expunged::vault::{KeyOwner, KeyPurpose};

use crate::support::world::{SUPPORT, TEAM, World};

const GOOD: &str = "owner4@team.example";

/// Takes a bad letter, then a good one that must be handled as ever; what became of the bad one.
async fn taken(bad: Vec<u8>) -> (Disposition, World) {
    let world = World::sqlite().await;
    let disposition = world
        .live(async {
            let (disposition, _) = world.receive(&bad).await;
            let (good, challenge) = world.ask(GOOD).await;
            assert_eq!(challenge.code().len(), 6);
            assert_eq!(world.state(good).await, State::AwaitingConfirmation);
            disposition
        })
        .await;
    assert_eq!(world.number("SELECT COUNT(*) AS number FROM deliveries", params![]).await, 2, "one row per letter");
    let undecided = "SELECT COUNT(*) AS number FROM deliveries WHERE disposition = 'stored' OR judged_at IS NULL";
    assert_eq!(world.number(undecided, params![]).await, 0);
    let in_place =
        ["cur", "new"].map(|name| std::fs::read_dir(world.ground.path("support").join(name)).unwrap().count());
    assert_eq!(in_place.iter().sum::<usize>(), 2, "both letters are still in the mailbox");
    (disposition, world)
}

/// As [`taken`], and what became of it.
async fn settled(bad: &[u8], expected: Disposition) {
    let (disposition, world) = taken(bad.to_vec()).await;
    assert_eq!(disposition, expected);
    assert_eq!(world.number("SELECT COUNT(*) AS number FROM jobs WHERE state = 'dead'", params![]).await, 0);
}

fn head(more: &str) -> String {
    format!("From: <owner1@team.example>\r\nTo: <{SUPPORT}>\r\nSubject: Please close my account\r\n{more}")
}

const WISH: &str = "Hello,\r\n\r\nplease delete my account and all data that belongs to it.\r\n";

#[tokio::test]
async fn broken_mime() {
    let broken = head(
        "MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=\"never\r\nContent-Transfer-Encoding: base64\r\n\
         \r\n--nev\r\nContent-Type: text/plain; charset\r\n\r\n=ZZ=\u{1}%%%\r\n--never-\r\nContent-",
    );
    settled(broken.as_bytes(), Disposition::Opened).await;
}

#[tokio::test]
async fn an_empty_letter() {
    settled(b"", Disposition::Ordinary).await;
    let (disposition, world) = taken(b"\r\n\r\n".to_vec()).await;
    assert_eq!(disposition, Disposition::Ordinary);
    let alarms = world.number("SELECT COUNT(*) AS number FROM requests WHERE state = 'needs_review'", params![]).await;
    assert_eq!((alarms, world.fresh(TEAM).len()), (0, 0), "nobody is bothered with it");
}

#[tokio::test]
async fn an_unknown_charset() {
    let letter = head("Content-Type: text/plain; charset=x-klingon-8\r\n\r\n") + WISH;
    settled(letter.as_bytes(), Disposition::Opened).await;
}

#[tokio::test]
async fn bytes_of_no_charset() {
    let mut letter = head("Content-Type: text/plain; charset=utf-8\r\n\r\n").into_bytes();
    letter.extend_from_slice(&[0xFF, 0xFE, 0x80, 0xC0, 0xF5]);
    letter.extend_from_slice(WISH.as_bytes());
    settled(&letter, Disposition::Opened).await;
}

#[tokio::test]
async fn a_thousand_parts_deep() {
    let mut letter = head("MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b0\r\n\r\n");
    for depth in 0..1_000 {
        write!(letter, "--b{depth}\r\nContent-Type: multipart/mixed; boundary=b{}\r\n\r\n", depth + 1).unwrap();
    }
    write!(letter, "--b1000\r\nContent-Type: text/plain\r\n\r\n{WISH}").unwrap();
    settled(letter.as_bytes(), Disposition::Opened).await;
}

#[tokio::test]
async fn headers_only() {
    settled(head("").as_bytes(), Disposition::Opened).await;
}

#[tokio::test]
async fn nul_bytes() {
    let letter = head("X-Nul: a\0b\r\n\r\n") + &WISH.replace("account", "acc\0ount\0") + "\0\0\0";
    settled(letter.as_bytes(), Disposition::Opened).await;
    settled(&[0; 4096], Disposition::Opened).await;
}

/// Too large to read: a person looks at it, the letter stays where it is, and no more than its header was fetched.
#[tokio::test]
async fn fifty_megabytes() {
    let mut letter = (head("\r\n") + WISH).into_bytes();
    letter.resize(50 * 1024 * 1024, b'x');
    let (disposition, world) = taken(letter).await;
    assert_eq!(disposition, Disposition::TooLarge);
    in_the_queue(&world, ReviewReason::TooLarge, "too_large").await;
    assert_eq!(world.number("SELECT COUNT(*) AS number FROM jobs WHERE state = 'dead'", params![]).await, 0);
    // Its header was read, of which 64 KiB at most, and nothing of its text.
    let larger = "SELECT COUNT(*) AS number FROM sealed WHERE length(bytes) > 70000";
    assert_eq!(world.number(larger, params![]).await, 0);
}

/// The largest letter that is read is handled like any other.
#[tokio::test]
async fn as_large_as_may_be() {
    let mut letter = (head("\r\n") + WISH).into_bytes();
    letter.resize(26_214_400, b'\n');
    settled(&letter, Disposition::Opened).await;
}

/// The bytes of a letter were altered in the ledger: it cannot be judged, a person is told, and what comes is handled.
#[tokio::test]
async fn poison() {
    let world = World::sqlite().await;
    poisoned(&world).await;
    world
        .live(async {
            world.settle().await;
            in_the_queue(&world, ReviewReason::Poison, "quarantined").await;
            let (good, _) = world.ask(GOOD).await;
            assert_eq!(world.state(good).await, State::AwaitingConfirmation);
        })
        .await;
    let dead = "SELECT COUNT(*) AS number FROM jobs WHERE state = 'dead' AND kind = 'judge'";
    assert_eq!(world.number(dead, params![]).await, 1);
}

/// Nobody works yet: a letter is stored, and altered before it is judged.
pub async fn poisoned(world: &World) {
    world.deliver(&world.closing("owner1@team.example"));
    let (place, mut mailbox) = world.mailbox();
    let db = &world.house.db;
    let lease = std::time::Duration::from_secs(60);
    let lease = expunged::db::mailbox_leases::acquire(db, &place.mailbox, "test", lease).await.unwrap().unwrap();
    expunged::flow::arrive::poll(&world.house, &mut *mailbox, &place, &lease).await.unwrap();
    expunged::db::mailbox_leases::release(db, &lease).await.unwrap();
    drop(mailbox);
    let altered = "UPDATE sealed SET bytes = $1
                   WHERE key_id IN (SELECT id FROM vault_keys WHERE purpose = 'delivery' AND wrapped IS NOT NULL)";
    assert_eq!(world.try_sql(altered, params![vec![0_u8; 300]]).await.unwrap(), 1);
}

/// The letter has a request that waits for a person, the team is told once and about the right thing, and the case ends
/// like any other.
async fn in_the_queue(world: &World, reason: ReviewReason, disposition: &str) {
    let mut tx = world.house.db.read().await.unwrap();
    let sql = "SELECT request_id FROM deliveries WHERE disposition = $1";
    let request = tx.one(sql, params![disposition]).await.unwrap().uuid("request_id").unwrap();
    let request = expunged::domain::RequestId::from_uuid(request);
    assert_eq!(of_request(&mut tx, request).await.unwrap().len(), 1);
    drop(tx);
    // Only what cannot be judged leaves a dead job behind, and that one only.
    let dead = "SELECT COUNT(*) AS number FROM jobs WHERE state = 'dead'";
    assert_eq!(world.number(dead, params![]).await, i64::from(reason == ReviewReason::Poison));
    let stored = world.stored(request).await.request;
    assert_eq!((stored.state, stored.review), (State::NeedsReview, Some(reason)));
    let mut tx = world.house.db.write().await.unwrap();
    let owner = KeyOwner::Case(stored.case);
    assert!(keys::load(&mut tx, &world.house.kek, owner, KeyPurpose::Letter).await.unwrap().is_some());
    drop(tx);
    let letters = "SELECT COUNT(*) AS number FROM letters WHERE kind = $1";
    assert_eq!(world.number(letters, params!["alarm_review"]).await, 1);
    assert_eq!(world.number(letters, params!["alarm_mailbox"]).await, 0);
    let alarms = world.fresh(TEAM);
    assert_eq!(alarms.len(), 1);
    assert!(alarms[0].text.contains(stored.reference.as_str()), "the alarm names the request");
}
