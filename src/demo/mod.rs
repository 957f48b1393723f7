//! The demo: the whole way from letter to confirmation in a temporary world, with no network, root, server or config.
//!
//! The daemon is the one of production; only mailbox (a Maildir), mailer (Maildirs of the customers) and clock (one
//! that is moved by hand) are chosen differently. The customers are separate code that reads only its own Maildir,
//! and what the demo believes of the stores it counts by SQL of its own.

mod counts;
mod customers;
mod letters;
mod shop;
mod story;
mod world;

use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use crate::daemon::{self, Running};
use crate::output::Format;

/// Plays the demo; `keep` leaves its world on disk, and the table at the end is written in this format. Answers whether
/// every outcome was the expected one.
///
/// # Errors
/// When the world cannot be made, or the daemon fails.
pub async fn run(keep: bool, format: Format) -> anyhow::Result<bool> {
    let world = world::World::create(keep).await?;
    let good = play(&world, format).await;
    // Also one that ended badly: it was kept to be looked at.
    world.leave().await;
    good
}

async fn play(world: &world::World, format: Format) -> anyhow::Result<bool> {
    let shutdown = CancellationToken::new();
    let running = Running::of_demo(&world.house);
    let daemon = daemon::run(Arc::clone(&world.house), world.mailbox(), running, shutdown.clone());
    let told = async {
        let told = story::tell(world, format).await;
        shutdown.cancel();
        told
    };
    let (ran, told) = tokio::join!(daemon, told);
    ran?;
    told
}

#[cfg(test)]
mod tests {
    use sqlx::sqlite::SqliteConnectOptions;
    use sqlx::{ConnectOptions as _, Connection as _};

    use super::*;

    /// A row that is gone although nobody asked for it: the demo must say so, and not that all is well.
    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn a_wrong_count_is_no_good_end() {
        let world = world::World::create(false).await.unwrap();
        assert!(!counts::faults(&world).await.unwrap().is_empty(), "nothing was erased yet");
        let mut store = SqliteConnectOptions::new().filename(world.shop.file("sales")).connect().await.unwrap();
        let theirs = sqlx::query("DELETE FROM sessions WHERE id = (SELECT MAX(id) FROM sessions)");
        assert_eq!(theirs.execute(&mut store).await.unwrap().rows_affected(), 1);
        store.close().await.unwrap();
        assert!(!play(&world, Format::Jsonl).await.unwrap());
        let faults = counts::faults(&world).await.unwrap();
        assert_eq!(faults.len(), 1, "{faults:?}");
        assert!(faults[0].starts_with("sessions (sales"), "{faults:?}");
    }
}
