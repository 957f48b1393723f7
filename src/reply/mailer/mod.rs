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
pub use smtp::{SetupError, SmtpMailer};

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
    /// The disk failed.
    Disk(io::ErrorKind),
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
            Self::Disk(kind) => write!(f, "the disk failed ({kind})"),
        }
    }
}

/// Why a message was not handed over, or may have been.
///
/// The library's error is not kept as a source: its text holds the server's words, and those may hold an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SendError {
    /// Not handed over; later it may go through. A refused login counts here too: it says nothing about the letter,
    /// and the letter must go once somebody has put the password right.
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
