//! The ways to hand a message over: SMTP, a folder of Maildirs, memory.
//!
//! A mailer never retries and never decides: it says what happened, and the queue does the rest. A failure carries
//! the reply code and the point that was reached, never an address and never the server's words, which may echo one.

mod file;
mod memory;
mod smtp;

use std::fmt;
use std::io;

use async_trait::async_trait;

use super::compose::Outgoing;
use crate::domain::Retry;

pub use file::FileMailer;
pub use memory::MemoryMailer;
pub use smtp::{SetupError, Shut, SmtpMailer};

/// Hands messages over.
///
/// MUST: answer `Ok` only when the other side took charge of the message; answer [`SendError::Ambiguous`] when it may
/// have; hand over exactly the bytes that it got. SHOULD: give up within a time of its own.
#[async_trait]
pub trait Mailer: Send + Sync {
    /// Hands one message over.
    async fn send(&self, outgoing: &Outgoing) -> Result<Accepted, SendError>;
}

/// The other side took charge of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Accepted {
    /// The reply code of a server, 250 as a rule.
    pub code: Option<u16>,
}

/// How far a hand-over had come when it failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reached {
    /// Nothing was said to the other side about the letter: connection, encryption, login.
    Server,
    /// The sender of the envelope was named.
    Sender,
    /// The recipient was named.
    Recipient,
    /// The message itself was on its way.
    Message,
}

impl Reached {
    const fn word(self) -> &'static str {
        match self {
            Self::Server => "before_letter",
            Self::Sender => "at_sender",
            Self::Recipient => "at_recipient",
            Self::Message => "at_message",
        }
    }
}

impl fmt::Display for Reached {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Server => "before any letter",
            Self::Sender => "at the sender",
            Self::Recipient => "at the recipient",
            Self::Message => "at the message",
        })
    }
}

/// What stood in the way of a message that was not handed over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Obstacle {
    /// The other side said no with this code.
    Reply(u16),
    /// The connection could not be made or broke.
    Connection,
    /// Encryption failed: a certificate that is not trusted, or a server without STARTTLS.
    Encryption,
    /// The time was up.
    Timeout,
    /// The other side said something that is no answer, or lacks what the letter needs.
    Protocol,
    /// An address of the message is none, or none that this server can take.
    Address,
    /// No access token was given to log in with.
    Token,
    /// The disk failed.
    Disk(io::ErrorKind),
}

impl Obstacle {
    fn word(self) -> String {
        match self {
            Self::Reply(code) => format!("reply_{code}"),
            Self::Connection => "connection".to_owned(),
            Self::Encryption => "encryption".to_owned(),
            Self::Timeout => "timeout".to_owned(),
            Self::Protocol => "protocol".to_owned(),
            Self::Address => "address".to_owned(),
            Self::Token => "token".to_owned(),
            Self::Disk(_) => "disk".to_owned(),
        }
    }
}

impl fmt::Display for Obstacle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Reply(code) => write!(f, "the server answered {code}"),
            Self::Connection => f.write_str("the connection failed"),
            Self::Encryption => f.write_str("encryption failed"),
            Self::Timeout => f.write_str("the time was up"),
            Self::Protocol => f.write_str("the server did not speak as expected"),
            Self::Address => f.write_str("an address cannot be used"),
            Self::Token => f.write_str("there is no access token to log in with"),
            Self::Disk(kind) => write!(f, "the disk failed ({kind})"),
        }
    }
}

/// Why a message was not handed over, or may have been.
///
/// The library's error is not kept as a source: its text holds the server's words, and those may hold an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SendError {
    /// Not handed over; later it may go through. A refused login or sender counts here too: it says nothing about the
    /// letter, and the letter must go once somebody has put that right.
    #[error("not sent, {reached}: {obstacle}")]
    Transient {
        /// How far it came.
        reached: Reached,
        /// What stood in the way.
        obstacle: Obstacle,
    },
    /// Not handed over, and the same message never will be: a person must look.
    #[error("refused, {reached}: {obstacle}")]
    Permanent {
        /// How far it came.
        reached: Reached,
        /// What stood in the way.
        obstacle: Obstacle,
    },
    /// The message left us and the answer did not arrive: it may or may not be on its way.
    #[error("nobody knows whether it was sent: {obstacle} after the message had left")]
    Ambiguous {
        /// What stood in the way of the answer.
        obstacle: Obstacle,
    },
}

impl SendError {
    /// Whether the same call may be made again. An ambiguous one may, once and with the same Message-ID; the caller counts.
    #[must_use]
    pub const fn retry(&self) -> Retry {
        match self {
            Self::Transient { .. } | Self::Ambiguous { .. } => Retry::Transient,
            Self::Permanent { .. } => Retry::Permanent,
        }
    }

    /// What stood in the way and how far it came, as one word for the outbox and the trail: `reply_535_before_letter` is a
    /// refused login, `encryption_before_letter` a certificate that is not trusted, `reply_550_at_recipient` a mailbox
    /// that does not exist.
    #[must_use]
    pub fn word(&self) -> String {
        match self {
            Self::Transient { reached, obstacle } | Self::Permanent { reached, obstacle } => {
                format!("{}_{}", obstacle.word(), reached.word())
            }
            Self::Ambiguous { obstacle } => format!("{}_after_message", obstacle.word()),
        }
    }

    /// How far it came, where the message had not left yet.
    #[must_use]
    pub const fn reached(&self) -> Option<Reached> {
        match self {
            Self::Transient { reached, .. } | Self::Permanent { reached, .. } => Some(*reached),
            Self::Ambiguous { .. } => None,
        }
    }

    /// The reply code, where a server gave one.
    #[must_use]
    pub const fn code(&self) -> Option<u16> {
        match self {
            Self::Transient { obstacle: Obstacle::Reply(code), .. }
            | Self::Permanent { obstacle: Obstacle::Reply(code), .. } => Some(*code),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trail::{Fact, Facts};

    #[test]
    fn causes_are_told_apart_by_words_that_a_leaf_may_hold() {
        let (reached, obstacle) = (Reached::Server, Obstacle::Reply(535));
        let login = SendError::Transient { reached, obstacle };
        let certificate = SendError::Transient { reached, obstacle: Obstacle::Encryption };
        let nobody = SendError::Permanent { reached: Reached::Recipient, obstacle: Obstacle::Reply(550) };
        let cut_off = SendError::Ambiguous { obstacle: Obstacle::Timeout };
        let disk =
            SendError::Transient { reached: Reached::Message, obstacle: Obstacle::Disk(io::ErrorKind::NotFound) };
        let words = [login, certificate, nobody, cut_off, disk].map(|error| error.word());
        assert_eq!(
            words,
            [
                "reply_535_before_letter",
                "encryption_before_letter",
                "reply_550_at_recipient",
                "timeout_after_message",
                "disk_at_message"
            ]
        );
        for word in words {
            Facts::new().with("obstacle", Fact::Word(word)).unwrap();
        }
    }
}
