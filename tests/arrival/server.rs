//! A real server numbers its folder anew, and has a letter of 50 MB: what was handled is known again, what is too large goes to a
//! person, and what comes is handled.

use std::time::Duration;

use expunged::domain::State;
use expunged::params;

use super::{OWNER, ordinary};
use crate::support::dovecot::{Dovecot, PASSWORD};
use crate::support::world::{Ground, SUPPORT, World};

const OTHER: &str = "owner2@team.example";

async fn world() -> World {
    let dovecot = Dovecot::start().await;
    let imap = format!(
        "[mailbox.imap]\nhost = \"localhost\"\nport = {}\nca_file = \"{}\"\nuser = \"{SUPPORT}\"\npassword = '{PASSWORD}'\n",
        dovecot.imaps_port,
        dovecot.ca_file.display()
    );
    let ground =
        Ground::sqlite().await.with_config(|config| config.replace("[mailbox.maildir]\npath = \"support\"\n", &imap));
    ground.build().await.with_mailbox_on(dovecot)
}

async fn until(world: &World, what: &str, sql: &str) {
    for _ in 0..300 {
        if world.number(&format!("SELECT COUNT(*) AS number FROM {sql}"), params![]).await > 0 {
            return;
        }
        // What others moved meanwhile is tried again a little later.
        world.clock.advance(Duration::from_secs(1));
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("waited in vain for {what}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_server_that_numbers_anew_loses_nothing_and_doubles_nothing() {
    let world = world().await;
    let maildir = world.dovecot().maildir(SUPPORT);
    world
        .live(async {
            world.receive(&ordinary(1)).await;
            world.receive(&world.closing(OWNER)).await;
        })
        .await;
    let numbering = "cursors WHERE numbering > 1";
    assert_eq!(world.number(&format!("SELECT COUNT(*) AS number FROM {numbering}"), params![]).await, 0);
    // The server loses its list of numbers; a new one has a new validity, which is the time in seconds.
    for entry in std::fs::read_dir(&maildir).unwrap() {
        let path = entry.unwrap().path();
        if path.file_name().unwrap().to_string_lossy().starts_with("dovecot") {
            std::fs::remove_file(path).unwrap();
        }
    }
    tokio::time::sleep(Duration::from_millis(1_100)).await;
    let mut large = world.closing("owner3@team.example");
    large.resize(50 * 1024 * 1024, b'x');
    world.deliver(&large);
    world.deliver(&world.closing(OTHER));
    world
        .live(async {
            until(&world, "a new numbering", numbering).await;
            until(&world, "the large letter", "deliveries WHERE disposition = 'too_large'").await;
            until(
                &world,
                "the letter behind it",
                "(SELECT COUNT(*) FROM letters WHERE kind = 'challenge' AND state = 'sent' HAVING COUNT(*) = 2) AS both",
            )
            .await;
        })
        .await;
    let of = async |what: &str| world.number(&format!("SELECT COUNT(*) AS number FROM {what}"), params![]).await;
    assert_eq!(of("deliveries WHERE disposition = 'duplicate'").await, 2, "what was handled is known again");
    assert_eq!(of("deliveries WHERE disposition = 'opened'").await, 2);
    let asked = "requests WHERE state = $1";
    let sql = format!("SELECT COUNT(*) AS number FROM {asked}");
    assert_eq!(world.number(&sql, params![State::AwaitingConfirmation.as_str()]).await, 2);
    assert_eq!(world.fresh(OWNER).len(), 1, "who was asked is not asked again");
}
