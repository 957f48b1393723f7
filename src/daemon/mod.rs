//! Builds everything, supervises it, and drains on shutdown.
//!
//! Seven tasks: the workers, the watch on the mailbox, whoever listens whether that is silent, the broom, the watermark, the pages where
//! there are any, and whoever asks them to stop. Any number of daemons share one
//! PostgreSQL: all work on the jobs, one holds the lease on the mailbox, and another takes it over when it dies.

mod broom;
pub mod build;
mod lock;
pub mod quiet;
mod silence;
mod watch;
mod watermark;

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;
use tracing::{error, info};

use crate::db::{Jobs, mailbox_leases};
use crate::flow::arrive::{self, Place};
use crate::flow::desk::Desk;
use crate::flow::{FlowError, House, behind, canary, chain, kinds};
use crate::mailbox::Mailbox;
use crate::queue::QueueError;
use crate::queue::worker::{self, WorkerSettings};
use crate::web::{self, WebError};

pub use lock::LockError;
pub use watch::{WatchSettings, place};

/// Why the daemon ended by itself.
#[derive(Debug, thiserror::Error)]
pub enum DaemonError {
    /// Another daemon works on the same SQLite ledger.
    #[error(transparent)]
    Lock(#[from] lock::LockError),
    /// The look at the canaries could not be planned, or nobody knows how far our own database had come.
    #[error("our own database cannot be begun with")]
    Plan(#[from] FlowError),
    /// Our own database cannot be written any more.
    #[error("the mailbox is read no more, as what comes cannot be acknowledged")]
    Disk(#[source] FlowError),
    /// The pages are configured and cannot be served.
    #[error("the pages cannot be served")]
    Web(#[from] WebError),
    /// The job table failed for good.
    #[error("the workers stopped")]
    Workers(#[from] QueueError),
}

/// How the daemon runs.
pub struct Running {
    /// How the workers work.
    pub workers: WorkerSettings,
    /// Erasures at once. They have a worker loop of their own: a long one must not keep an answer waiting.
    pub erasures: usize,
    /// How the mailbox is watched.
    pub watch: WatchSettings,
}

impl Running {
    /// As the configuration says; `name` is unique per process and shown to people.
    #[must_use]
    pub fn of(house: &House, name: &str) -> Self {
        let config = &house.config;
        let mut workers = WorkerSettings::new(name, kinds::ALL);
        workers.concurrency = usize::try_from(config.workers.count).unwrap_or(8);
        workers.lease = config.workers.lease;
        workers.drain = config.workers.drain;
        let watch = WatchSettings {
            holder: name.to_owned(),
            poll: config.mailbox.poll,
            silence_alarm: config.mailbox.silence_alarm,
            ..WatchSettings::default()
        };
        Self { workers, erasures: usize::try_from(config.workers.erasures).unwrap_or(1), watch }
    }
}

impl Running {
    /// For the demo: the same, but it looks for letters and jobs many times a second.
    #[must_use]
    pub fn of_demo(house: &House) -> Self {
        let mut running = Self::of(house, "demo");
        running.workers.poll = Duration::from_millis(20);
        running.watch.poll = Duration::from_millis(50);
        running
    }
}

/// The mailbox or folder that the ledger has read, where it has never read the one that is configured now: what came to that one
/// meanwhile would be passed over, so that a person says what is meant.
///
/// # Errors
/// When our own database does not answer.
pub async fn known_instead(house: &House) -> Result<Option<Place>, FlowError> {
    arrive::known_instead(house, &watch::place(house)).await
}

/// Runs until `shutdown`, then finishes what is under way or gives it back.
///
/// # Errors
/// When another daemon works on the same SQLite ledger, or our own database fails for good (a refused login).
pub async fn run(
    house: Arc<House>,
    mailbox: Box<dyn Mailbox>,
    running: Running,
    shutdown: CancellationToken,
) -> Result<(), DaemonError> {
    let lock = lock::one_daemon(&house.config.database.url)?;
    // Before anything works: who configured pages has their address in the letters.
    let pages = web::listen(&house).await?;
    info!(worker = running.workers.name, "daemon started");
    match behind::keep(&house).await {
        Ok(()) | Err(FlowError::Behind) => {}
        Err(error) => return Err(DaemonError::Plan(error)),
    }
    canary::plan(&house).await?;
    // Whoever held the lock before and was killed reads the mailbox no more.
    if lock.is_some() {
        mailbox_leases::free(&house.db, house.mailbox_name()).await.map_err(FlowError::from)?;
    }
    let listening = silence::listen(Arc::clone(&house), running.watch.clone(), shutdown.clone());
    let watching = Box::pin(watch::watch(Arc::clone(&house), mailbox, running.watch, shutdown.clone()));
    let (quick, erasing) = loops(running.workers, running.erasures);
    let (quick, erasing) = (Box::pin(work(&house, quick, &shutdown)), Box::pin(work(&house, erasing, &shutdown)));
    let sweeping = broom::sweep(Arc::clone(&house), shutdown.clone());
    let following = watermark::follow(Arc::clone(&house), shutdown.clone());
    let serving = serve(pages, shutdown.clone());
    let (watched, (), (), (), (), quick, erasing) =
        tokio::join!(watching, listening, sweeping, following, serving, quick, erasing);
    info!("daemon stopped");
    watched.map_err(DaemonError::Disk)?;
    Ok(quick.and(erasing)?)
}

/// Serves the pages, where there are any.
async fn serve(pages: Option<web::Listening>, shutdown: CancellationToken) {
    if let Some(pages) = pages {
        pages.serve(shutdown).await;
    }
}

/// The settings of the two loops: for what somebody waits for, and for erasing.
fn loops(workers: WorkerSettings, erasures: usize) -> (WorkerSettings, WorkerSettings) {
    let (long, quick) = workers.kinds.iter().cloned().partition(|kind| kinds::LONG.contains(&kind.as_str()));
    let erasing = WorkerSettings { kinds: long, concurrency: erasures, ..workers.clone() };
    (WorkerSettings { kinds: quick, ..workers }, erasing)
}

/// Works until the shutdown. Each loop has a job table of its own, so that each hears when there is work.
async fn work(house: &Arc<House>, settings: WorkerSettings, shutdown: &CancellationToken) -> Result<(), QueueError> {
    let table = Arc::new(Jobs::new(house.db.clone(), Arc::clone(&house.chance)));
    let desk = Arc::new(Desk(Arc::clone(house)));
    let (clock, chance) = (Arc::clone(&house.clock), Arc::clone(&house.chance));
    let worked = worker::run(table, desk, settings, clock, chance, shutdown.clone()).await;
    // Without workers the daemon would only pile up letters: it stops, and its supervisor starts it again.
    shutdown.cancel();
    if let Err(error) = &worked {
        error!(error = %chain(error), "workers stopped");
    }
    worked
}
