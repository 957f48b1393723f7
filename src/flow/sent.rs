//! Looks up whether a letter of ours left us whose delivery was cut off: some mail servers keep a copy of what they take in
//! Sent, and the config says where. A copy there proves that the letter was taken; that there is none proves nothing.
//!
//! Over a connection of its own, because only the holder of the mailbox's lease uses the other one, and the letter may be
//! in the hands of another daemon. It only reads.

use std::time::Duration;

use tracing::warn;

use crate::mailbox::Mailbox;

/// How long one look may take, with the connection.
const LOOK_MAX: Duration = Duration::from_secs(60);

/// The folder in which the mail server keeps what it sent.
pub struct Sent {
    folder: String,
    connect: Box<dyn Fn() -> Box<dyn Mailbox> + Send + Sync>,
}

impl Sent {
    /// The folder of this name, in the mailbox that each look connects to anew.
    #[must_use]
    pub fn new(folder: String, connect: impl Fn() -> Box<dyn Mailbox> + Send + Sync + 'static) -> Self {
        Self { folder, connect: Box::new(connect) }
    }

    /// Whether the letter with this Message-ID lies there. A mailbox that does not answer keeps no letter back: then it is
    /// not known to lie there, and is sent again.
    pub(super) async fn has(&self, message_id: &str) -> bool {
        let mut mailbox = (self.connect)();
        match tokio::time::timeout(LOOK_MAX, mailbox.count_by_message_id(&self.folder, message_id)).await {
            Ok(Ok(count)) => count > 0,
            Ok(Err(error)) => {
                warn!(%error, "a letter whose delivery was cut off cannot be looked up in Sent");
                false
            }
            Err(_) => {
                warn!(limit_seconds = LOOK_MAX.as_secs(), "looking a letter up in Sent took too long");
                false
            }
        }
    }
}
