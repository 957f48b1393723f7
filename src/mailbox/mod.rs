//! The support mailbox: fetches and marks, never judges.
//!
//! Two kinds: [`imap`] for a server, [`maildir`] for a folder on this machine. Neither ever reads a letter's meaning,
//! sets `\Seen`, or touches a letter whose UID was not handed in. To add a kind: a file or folder here with one type
//! that implements [`Mailbox`], its settings in [`settings`], and a variant in the config.

mod error;
mod folder_name;
pub mod imap;
pub mod maildir;
mod message_id;
pub mod settings;
pub mod trouble;

pub use error::{MailboxError, Refusal, Status};
pub use message_id::is_of as has_message_id;

use std::time::Duration;

use async_trait::async_trait;

use crate::domain::Timestamp;

/// What a folder says of itself when it is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FolderState {
    /// UIDVALIDITY (RFC 9051 §2.3.1.1): UIDs of another value are other letters.
    pub uid_validity: u32,
    /// The UID that the next letter will get.
    pub uid_next: u32,
}

/// One letter as the server lists it, before its bytes are fetched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Listed {
    /// Its UID.
    pub uid: u32,
    /// RFC822.SIZE; 0 where the server does not tell.
    pub size_bytes: u64,
    /// INTERNALDATE: when it reached the mailbox. The legal clock starts here (Art. 12(3) GDPR). `None` where the server
    /// tells no date.
    pub received_at: Option<Timestamp>,
}

/// What a folder holds above a UID, as far as it was listed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Listing {
    /// The letters, ascending.
    pub letters: Vec<Listed>,
    /// Every UID up to this one is accounted for: it is among the letters, or no letter of the folder has it.
    pub through: u32,
}

/// One letter with its bytes.
#[derive(Clone, PartialEq, Eq)]
pub struct Fetched {
    /// Its UID.
    pub uid: u32,
    /// The letter as it lies in the mailbox. Personal data: never printed.
    pub bytes: Vec<u8>,
}

impl std::fmt::Debug for Fetched {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Fetched {{ uid: {}, {} bytes }}", self.uid, self.bytes.len())
    }
}

/// Tells a letter from others by its bytes.
pub type IsSame<'a> = dyn Fn(&[u8]) -> bool + Send + Sync + 'a;

/// A mailbox folder that letters are read from. One value is one connection to one folder.
///
/// MUST: never set `\Seen` by reading; never touch a letter whose UID was not handed in; answer `Err` when the
/// server said NO, BAD or BYE, closed the connection, stalled past the deadline, or answered for fewer letters than
/// were asked for without saying why. SHOULD: reconnect by itself on the next call after an error.
#[async_trait]
pub trait Mailbox: Send {
    /// Opens (or reopens) the folder.
    async fn open(&mut self) -> Result<FolderState, MailboxError>;
    /// The letters whose UID is above `after`, ascending, at most `count_max`, and how far that accounts for all UIDs.
    async fn list(&mut self, after: u32, count_max: u32) -> Result<Listing, MailboxError>;
    /// The bytes of these letters. A letter that vanished meanwhile is left out of the answer.
    async fn fetch(&mut self, uids: &[u32]) -> Result<Vec<Fetched>, MailboxError>;
    /// Only the header block of one letter (for one that is too large to fetch).
    async fn fetch_header(&mut self, uid: u32, bytes_max: u64) -> Result<Option<Fetched>, MailboxError>;
    /// Sets the configured keyword on these letters.
    async fn mark(&mut self, uids: &[u32]) -> Result<(), MailboxError>;
    /// Moves these letters to another folder (created when absent) of the same account.
    async fn move_to(&mut self, uids: &[u32], folder: &str) -> Result<(), MailboxError>;
    /// Deletes these letters for good: `\Deleted` and UID EXPUNGE of exactly these, never EXPUNGE (RFC 4315 §2.1).
    async fn expunge(&mut self, uids: &[u32]) -> Result<(), MailboxError>;
    /// Deletes for good the letters of another folder whose Message-ID is this one, with or without its
    /// angle brackets; answers how many.
    async fn expunge_by_message_id(&mut self, folder: &str, message_id: &str) -> Result<u32, MailboxError>;
    /// Deletes for good the letters of another folder that have this size and are the same by `is_same`; answers how
    /// many. What a move does to a letter's number is not known everywhere, its bytes stay what they are.
    async fn expunge_alike(&mut self, folder: &str, size_bytes: u64, is_same: &IsSame<'_>)
    -> Result<u32, MailboxError>;
    /// How many letters of a folder carry this Message-ID (to find out what became of an uncertain delivery).
    async fn count_by_message_id(&mut self, folder: &str, message_id: &str) -> Result<u32, MailboxError>;
    /// Puts one of our letters into a folder (the Sent folder), marked `\Seen`.
    async fn append(&mut self, folder: &str, bytes: &[u8]) -> Result<(), MailboxError>;
    /// Waits until something may have arrived, at most this long (IDLE where the server has it).
    async fn wait(&mut self, at_most: Duration) -> Result<(), MailboxError>;
}
