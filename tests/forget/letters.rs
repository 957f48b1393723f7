//! Letters leave the mailbox from wherever they lie, and one that cannot leave holds up nobody.

use expunged::chance::OsChance;
use expunged::clock::Clock;
use expunged::db::deliveries::Disposition;
use expunged::mailbox::maildir;
use expunged::params;

use super::{OTHER, OWNER, closed, letters_of, until};
use crate::support::dovecot::{Dovecot, PASSWORD};
use crate::support::world::{Ground, SUPPORT, World, plain};

const FOLDERS: &str = "[mailbox]\nmove_to = \"Done\"\nsent_folder = \"Sent\"\n";

/// The letters of ours about a request, as a mail server keeps a copy of each in Sent.
async fn copies(world: &World) -> Vec<Vec<u8>> {
    let mut tx = world.house.db.read().await.unwrap();
    let rows = tx.all("SELECT message_id FROM letters WHERE request_id IS NOT NULL", params![]).await.unwrap();
    let copy = |id: String| format!("From: <{SUPPORT}>\r\nMessage-ID: <{id}>\r\nSubject: ours\r\n\r\nHello.\r\n");
    rows.iter().map(|row| copy(row.text("message_id").unwrap()).into_bytes()).collect()
}

async fn letters_due(world: &World) -> i64 {
    world.number("SELECT COUNT(*) AS number FROM requests WHERE letters_due_at IS NOT NULL", params![]).await
}

/// Letters of this request that count as expunged, and all of them.
async fn expunged(world: &World) -> (i64, i64) {
    let of = "SELECT COUNT(*) AS number FROM deliveries WHERE request_id IS NOT NULL";
    (world.number(&format!("{of} AND expunged_at IS NOT NULL"), params![]).await, world.number(of, params![]).await)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn letters_leave_a_maildir_from_where_they_were_moved_to_and_from_sent() {
    let ground = Ground::sqlite().await.with_config(|config| config.replace("[mailbox]\n", FOLDERS));
    let world = ground.build().await;
    let support = world.ground.path("support");
    let (done, sent) = (support.join(".Done"), support.join(".Sent"));
    world
        .live(async {
            world.receive(&plain(OTHER, "Invoice", "Could you send me the invoice for March once more?")).await;
            closed(&world, OWNER).await;
            until("two moved letters", async || letters_of(&done).len() == 2).await;
            let colleague = plain("a@colleague.example", "Not ours", "Hello.");
            for copy in copies(&world).await.iter().chain([&colleague]) {
                maildir::deliver(&sent, copy, &OsChance, world.clock.now()).unwrap();
            }
            maildir::deliver(&done, &colleague, &OsChance, world.clock.now()).unwrap();
            assert!(letters_of(&sent).len() >= 4, "there are copies of challenge, schedule and confirmation");
            world.days_pass(31).await;
            until("no letters are due", async || letters_due(&world).await == 0).await;
        })
        .await;
    assert_eq!(letters_of(&done).len(), 1, "the colleague's letter stays in Done");
    assert_eq!(letters_of(&sent).len(), 1, "the colleague's letter stays in Sent");
    assert_eq!(letters_of(&support).len(), 1, "the invoice stays where it was");
    assert_eq!(expunged(&world).await, (2, 2));
}

/// The same on a server, where a move gives a letter another number.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn letters_leave_an_imap_server_from_where_they_were_moved_to_and_from_sent() {
    let dovecot = Dovecot::start().await;
    let imap = format!(
        "[mailbox.imap]\nhost = \"localhost\"\nport = {}\nca_file = \"{}\"\nuser = \"{SUPPORT}\"\npassword = '{PASSWORD}'\n",
        dovecot.imaps_port,
        dovecot.ca_file.display()
    );
    let ground = Ground::sqlite().await.with_config(|config| {
        config.replace("[mailbox]\n", FOLDERS).replace("[mailbox.maildir]\npath = \"support\"\n", &imap)
    });
    let world = ground.build().await.with_mailbox_on(dovecot);
    let folder = |name: &str| world.dovecot().maildir(SUPPORT).join(name);
    world
        .live(async {
            world.receive(&plain(OTHER, "Invoice", "Could you send me the invoice for March once more?")).await;
            closed(&world, OWNER).await;
            until("two moved letters", async || letters_of(&folder(".Done")).len() == 2).await;
            let (_, mut mailbox) = world.mailbox();
            let colleague = plain("a@colleague.example", "Not ours", "Hello.");
            for copy in copies(&world).await.iter().chain([&colleague]) {
                mailbox.append("Sent", copy).await.unwrap();
            }
            mailbox.append("Done", &colleague).await.unwrap();
            world.days_pass(31).await;
            until("no letters are due", async || letters_due(&world).await == 0).await;
        })
        .await;
    for (name, why) in [(".Done", "the colleague's"), (".Sent", "the colleague's"), ("", "the invoice")] {
        assert_eq!(letters_of(&folder(name)).len(), 1, "{why} stays in {name:?}");
    }
    assert_eq!(expunged(&world).await, (2, 2));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn late_thanks_leave_too() {
    let world = World::sqlite().await;
    let support = world.ground.path("support");
    world
        .live(async {
            closed(&world, OWNER).await;
            let last = world.fresh(OWNER).pop().expect("the owner is told");
            world.days_pass(31).await;
            until("the letters are gone", async || letters_of(&support).is_empty()).await;
            let (disposition, request) = world.receive(&last.answer(OWNER, "Thank you!")).await;
            assert_eq!((disposition, request.is_some()), (Disposition::Answer, true));
            until("the thanks are gone", async || letters_of(&support).is_empty()).await;
            until("no letters are due", async || letters_due(&world).await == 0).await;
        })
        .await;
    assert_eq!(expunged(&world).await, (3, 3));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn letters_that_cannot_leave_hold_up_nobody_else() {
    let world = World::sqlite().await;
    let support = world.ground.path("support");
    world
        .live(async {
            let stuck = closed(&world, OWNER).await;
            closed(&world, OTHER).await;
            // Half a Maildir: it cannot be listed.
            std::fs::create_dir_all(support.join(".Broken/cur")).unwrap();
            let sql = "UPDATE deliveries SET moved_to = 'Broken' WHERE request_id = $1";
            assert_eq!(world.try_sql(sql, params![stuck]).await.unwrap(), 2);
            world.days_pass(40).await;
            until("the other's letters are gone", async || letters_of(&support).len() == 2).await;
            let failed = "SELECT letters_failures AS number FROM requests WHERE id = $1";
            until("a failure is counted", async || world.number(failed, params![stuck]).await == 1).await;
            until("the other's letters are recorded as gone", async || expunged(&world).await.0 > 0).await;
            assert_eq!(expunged(&world).await, (2, 4), "what did not leave is not called gone");
            let polled = "SELECT COUNT(*) AS number FROM polls WHERE polled_at = $1";
            let now = world.clock.now();
            until("the mailbox is polled on", async || world.number(polled, params![now]).await == 1).await;
            // Its turn comes again, and not at once.
            std::fs::create_dir_all(support.join(".Broken/new")).unwrap();
            world.receive(&plain(OTHER, "Invoice", "Could you send me the invoice for March once more?")).await;
            assert_eq!(letters_due(&world).await, 1);
            world.days_pass(1).await;
            until("no letters are due", async || letters_due(&world).await == 0).await;
        })
        .await;
    assert_eq!(expunged(&world).await, (4, 4));
}

/// A letter that nobody was found for stays where it is, and its case is forgotten all the same, with no leaf that says more.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_case_that_nobody_was_found_for_is_forgotten_in_silence() {
    let world = World::sqlite().await;
    world
        .live(async {
            let request = world.receive(&world.closing("nobody@nowhere.example")).await.1.expect("a request");
            assert_eq!(world.state(request).await, expunged::domain::State::NotFound);
            world.days_pass(31).await;
            until("no letters are due", async || letters_due(&world).await == 0).await;
            let said = "SELECT COUNT(*) AS number FROM trail WHERE event IN ('letters_expunging', 'letters_expunged')";
            assert_eq!(world.number(said, params![]).await, 0, "nothing was expunged");
            world.days_pass(u64::from(world.house.config.retention.record_days)).await;
            assert_eq!(world.number("SELECT COUNT(*) AS number FROM requests", params![]).await, 0);
        })
        .await;
    assert_eq!(letters_of(&world.ground.path("support")).len(), 1, "it is not ours to delete");
}
