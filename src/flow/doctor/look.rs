//! Waits in the support mailbox for the letters that were sent, without changing anything there.

use std::time::Duration;

use tokio::time::Instant;

use crate::authenticate::Delivered;
use crate::mailbox::{FolderState, Mailbox, MailboxError, has_message_id};

use super::{Probe, Progress, arrived};
use crate::flow::error::FlowError;

/// The longest wait between two looks.
const LOOK_EVERY: Duration = Duration::from_secs(2);
/// Letters that are listed at once.
const LISTED_MAX: u32 = 500;
/// What is read of a header: an MX adds a few fields to ours, which are short.
const HEADER_BYTES_MAX: u64 = 64 << 10;

/// Looks at what arrives until all letters that were taken are there, or the time is up.
pub(super) async fn wait_for(
    mailbox: &mut dyn Mailbox,
    folder: FolderState,
    our_mx: &str,
    wait: Duration,
    probes: &mut [Probe],
    tell: &(dyn Fn(Progress) + Send + Sync),
) -> Result<(), FlowError> {
    let until = Instant::now() + wait;
    let mut after = folder.uid_next.saturating_sub(1);
    loop {
        let before = arrived(probes);
        after = look(mailbox, after, our_mx, probes).await?;
        let now = arrived(probes);
        if now > before {
            tell(Progress::Arrived(now));
        }
        let missing = probes.iter().any(|probe| probe.is_waited_for() && probe.delivered.is_none());
        let left = until.saturating_duration_since(Instant::now());
        if !missing || left.is_zero() {
            return Ok(());
        }
        mailbox.wait(left.min(LOOK_EVERY)).await?;
    }
}

/// Looks at the letters above a UID; answers up to which one it has.
async fn look(mailbox: &mut dyn Mailbox, after: u32, our_mx: &str, probes: &mut [Probe]) -> Result<u32, MailboxError> {
    let listing = mailbox.list(after, LISTED_MAX).await?;
    for listed in &listing.letters {
        let Some(header) = mailbox.fetch_header(listed.uid, HEADER_BYTES_MAX).await? else { continue };
        let is_it = |probe: &&mut Probe| has_message_id(&probe.outgoing.message_id, &header.bytes);
        if let Some(probe) = probes.iter_mut().find(is_it) {
            let delivered = Delivered::read(&header.bytes, our_mx, &probe.marker);
            probe.uids.push(listed.uid);
            probe.delivered = Some(probe.delivered.map_or(delivered, |known| known.worse(delivered)));
        }
    }
    Ok(listing.through.max(after))
}
