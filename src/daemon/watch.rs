//! The watch on the mailbox: holds its lease, polls, waits for IDLE or the next poll, and says when it cannot.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

use crate::chance::draw;
use crate::config::MailboxKind;
use crate::db::mailbox_leases::{self, MailboxLease};
use crate::db::{DbError, polls};
use crate::flow::arrive::{self, Place};
use crate::flow::{FlowError, House};
use crate::mailbox::{Mailbox, MailboxError, maildir};

use super::silence;

/// How the mailbox is watched.
#[derive(Clone, Debug)]
pub struct WatchSettings {
    /// Who holds the lease; shown to people.
    pub holder: String,
    /// The longest time between two polls.
    pub poll: Duration,
    /// Tell the team when no poll succeeded for this long.
    pub silence_alarm: Duration,
    /// How often every daemon looks whether the mailbox is silent, also one that does not read it.
    pub look: Duration,
    /// How long the lease on the mailbox runs without being extended.
    pub lease: Duration,
    /// The first wait after a failure; it doubles up to thirty-two times that.
    pub backoff: Duration,
}

impl Default for WatchSettings {
    fn default() -> Self {
        Self {
            holder: "expunged".to_owned(),
            poll: Duration::from_secs(60),
            silence_alarm: Duration::from_secs(900),
            look: Duration::from_secs(30),
            lease: Duration::from_secs(60),
            backoff: Duration::from_secs(5),
        }
    }
}

/// How often the wait after a failure doubles.
const DOUBLINGS_MAX: u32 = 5;

/// Giving the lease back may take this long; a shutdown does not wait for a database that is gone.
const RELEASE_MAX: Duration = Duration::from_secs(5);

/// Watches until the shutdown. Nothing that the mailbox does ends it; a disk on which nothing can be acknowledged any more ends
/// the daemon.
///
/// # Errors
/// Where our own database cannot be written, and waiting does not help.
pub(super) async fn watch(
    house: Arc<House>,
    mut mailbox: Box<dyn Mailbox>,
    settings: WatchSettings,
    shutdown: CancellationToken,
) -> Result<(), FlowError> {
    let place = place(&house);
    if matches!(arrive::is_backfilled(&house, &place).await, Ok(true)) {
        info!("--backfill has no effect: the letters from before the first run were read already");
    }
    let mut watch = Watch { house, settings, place, failures: 0, trouble: None, reader: None, kept: None };
    while !shutdown.is_cancelled() {
        if let Err(error) = watch.turn(&mut *mailbox, &shutdown).await {
            error!(error = %error.chain(), "mailbox read no more, and the daemon stops");
            shutdown.cancel();
            return Err(error);
        }
    }
    Ok(())
}

/// What this house reads.
#[must_use]
pub fn place(house: &House) -> Place {
    let folder = match &house.config.mailbox.kind {
        MailboxKind::Imap(imap) => imap.folder.clone(),
        MailboxKind::Maildir(maildir) => maildir::folder_of(&maildir.path),
    };
    Place { mailbox: house.mailbox_name().to_owned(), folder }
}

struct Watch {
    house: Arc<House>,
    settings: WatchSettings,
    place: Place,
    failures: u32,
    /// What kept letters from being marked, moved or expunged at the last poll; said once while it lasts.
    trouble: Option<String>,
    /// Which other daemon reads the mailbox; said once of each.
    reader: Option<String>,
    /// A lease that could not be given back, because the database did not answer; it may still run.
    kept: Option<MailboxLease>,
}

impl Watch {
    /// One turn: take the lease and poll under it, or wait for whoever holds it. A shutdown ends it at any point, but
    /// the lease is given back, so that the next daemon need not wait until it runs out.
    async fn turn(&mut self, mailbox: &mut dyn Mailbox, shutdown: &CancellationToken) -> Result<(), FlowError> {
        match self.lease().await {
            Ok(Some(lease)) => {
                self.reader = None;
                let held = shutdown.run_until_cancelled(self.hold(mailbox, &lease)).await;
                let released = timeout(RELEASE_MAX, mailbox_leases::release(&self.house.db, &lease)).await;
                self.kept = (!matches!(released, Ok(Ok(())))).then_some(lease);
                if let Some(Err(error)) = held {
                    self.fails(error, shutdown).await?;
                }
            }
            Ok(None) => {
                self.say_reader().await;
                shutdown.run_until_cancelled(sleep(self.settings.lease / 4)).await;
            }
            Err(error) => self.fails(error.into(), shutdown).await?,
        }
        Ok(())
    }

    /// The right to read, from now on: the lease that is still ours, or a new one; `None` while somebody else reads. Without the
    /// first a daemon whose database was away would wait for itself until its own lease had run out.
    async fn lease(&mut self) -> Result<Option<MailboxLease>, DbError> {
        let WatchSettings { holder, lease: length, .. } = &self.settings;
        if let Some(kept) = &self.kept {
            match mailbox_leases::extend(&self.house.db, kept, *length).await {
                Ok(()) => return Ok(self.kept.take()),
                // It ran out, or was given back after all.
                Err(DbError::LostLease) => self.kept = None,
                Err(error) => return Err(error),
            }
        }
        mailbox_leases::acquire(&self.house.db, &self.place.mailbox, holder, *length).await
    }

    /// Says once whom it waits for: after a daemon that was killed nothing is read until its lease has run out.
    async fn say_reader(&mut self) {
        let read = async {
            let mut tx = self.house.db.read().await?;
            mailbox_leases::reader(&mut tx, &self.place.mailbox).await
        };
        // Where the database does not answer, the next look for the lease says so.
        let Ok(Some(reader)) = read.await else { return };
        if self.reader.as_ref() != Some(&reader.holder) {
            info!(mailbox.reader = reader.holder, mailbox.until = %reader.until, "the mailbox is read by another daemon until its lease runs out");
            self.reader = Some(reader.holder);
        }
    }

    /// Waits after a failure, unless it is one that only a person ends, on the disk.
    async fn fails(&mut self, error: FlowError, shutdown: &CancellationToken) -> Result<(), FlowError> {
        if error.is_of_disk() {
            return Err(error);
        }
        shutdown.run_until_cancelled(self.failed(&error)).await;
        Ok(())
    }

    /// Polls as long as the lease can be extended and nothing fails.
    async fn hold(&mut self, mailbox: &mut dyn Mailbox, lease: &MailboxLease) -> Result<(), FlowError> {
        let mut tx = self.house.db.write().await?;
        polls::set_watched(&mut tx, &self.place.mailbox, self.house.clock.now()).await?;
        tx.commit().await?;
        loop {
            mailbox_leases::extend(&self.house.db, lease, self.settings.lease).await?;
            let poll = Box::pin(arrive::poll(&self.house, mailbox, &self.place, lease));
            let polled = self.while_held(lease, poll).await?;
            self.succeeded(polled.trouble.as_ref());
            if polled.stored > 0 || polled.marked > 0 {
                info!(mailbox.stored = polled.stored, mailbox.marked = polled.marked, "mailbox polled");
            }
            let quiet = async { Ok(mailbox.wait(self.settings.poll).await?) };
            self.while_held(lease, quiet).await?;
        }
    }

    /// Works under the lease and lets it run on meanwhile: a first poll of a large mailbox takes longer than a lease. The
    /// work is dropped where the lease is lost.
    async fn while_held<T>(
        &self,
        lease: &MailboxLease,
        work: impl Future<Output = Result<T, FlowError>>,
    ) -> Result<T, FlowError> {
        let extended = async {
            loop {
                sleep(self.settings.lease / 3).await;
                mailbox_leases::extend(&self.house.db, lease, self.settings.lease).await?;
            }
        };
        tokio::select! {
            done = work => done,
            lost = extended => lost,
        }
    }

    fn succeeded(&mut self, trouble: Option<&MailboxError>) {
        if self.failures > 0 {
            info!(mailbox.failures = self.failures, "mailbox answers again");
        }
        self.failures = 0;
        let trouble = trouble.map(ToString::to_string);
        if self.trouble != trouble {
            match &trouble {
                Some(error) => warn!(%error, "letters were read, but not all of ours marked, moved or expunged"),
                None => info!("letters are marked, moved and expunged again"),
            }
            self.trouble = trouble;
        }
    }

    /// Waits longer after each failure, with jitter, and tells the team when the silence is long, or at once when only
    /// a person can end it.
    async fn failed(&mut self, error: &FlowError) {
        self.failures += 1;
        let needs_a_person = matches!(error, FlowError::Mailbox(error) if error.needs_a_person());
        warn!(mailbox.failures = self.failures, code = error.code(), error = %error.chain(), "mailbox not polled");
        // One failure may be the connection that died while the machine slept.
        if (self.failures > 1 || needs_a_person)
            && let Err(error) = silence::tell(&self.house, self.settings.silence_alarm, needs_a_person).await
        {
            warn!(code = error.code(), error = %error.chain(), "the team could not be told of the silent mailbox");
        }
        // A login that is refused again and again locks the account.
        let doublings = if needs_a_person { DOUBLINGS_MAX } else { (self.failures - 1).min(DOUBLINGS_MAX) };
        let doubled = self.settings.backoff * 2_u32.pow(doublings);
        let [jitter] = draw::<1>(&*self.house.chance);
        sleep(doubled.mul_f64(0.5 + f64::from(jitter) / 255.0)).await;
    }
}
