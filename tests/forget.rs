//! Promise: the program forgets too. The letters of a request leave the mailbox and Sent, and nobody else's do; its rows
//! leave with its record; what belongs to no request loses what it could be known again by.

mod letters;
mod rows;

use std::path::{Path, PathBuf};
use std::time::Duration;

use expunged::domain::{RequestId, State};

use crate::support::world::World;

const OWNER: &str = "owner1@team.example";
const OTHER: &str = "owner2@team.example";

/// An owner closes their account, and the grace period ends.
async fn closed(world: &World, address: &str) -> RequestId {
    let request = world.ask_and_confirm(address).await;
    world.days_pass(8).await;
    assert_eq!(world.state(request).await, State::Completed);
    request
}

/// Waits until something is so; the mailbox is polled all the time.
async fn until(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    for _ in 0..500 {
        if is_so().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("{what}: not within ten seconds");
}

/// The letters of a Maildir.
fn letters_of(maildir: &Path) -> Vec<PathBuf> {
    let places = ["cur", "new"].map(|name| maildir.join(name));
    let files = places.iter().filter_map(|place| std::fs::read_dir(place).ok()).flatten();
    files.map(|file| file.unwrap().path()).collect()
}
