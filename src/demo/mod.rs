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

/// Plays the demo; `keep` leaves its world on disk. Answers whether every outcome was the expected one.
///
/// # Errors
/// When the world cannot be made, or the daemon fails.
pub async fn run(keep: bool) -> anyhow::Result<bool> {
    let world = world::World::create(keep).await?;
    let shutdown = CancellationToken::new();
    let running = Running::of_demo(&world.house);
    let daemon = daemon::run(Arc::clone(&world.house), world.mailbox(), running, shutdown.clone());
    let told = async {
        let told = story::tell(&world).await;
        shutdown.cancel();
        told
    };
    let (ran, told) = tokio::join!(daemon, told);
    ran?;
    let good = told?;
    world.leave();
    Ok(good)
}
