//! A recipient who is asked by a letter. Their answer comes by itself, to the address that only this letter had.
//!
//! Never sends: letters leave by the outbox, which somebody hands in.

use async_trait::async_trait;

use super::request::{AskError, Order, Progress, RequestStore};
use crate::domain::Timestamp;

/// Which of the letters to a recipient.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Notice {
    /// Asks.
    Asked,
    /// Reminds.
    Reminded,
}

/// Where letters to recipients are put.
///
/// MUST: write one letter per order and notice, however often it is called, and be durable when it returns.
#[async_trait]
pub trait Outbox: Send + Sync {
    /// Puts the letter of an order there.
    async fn post(&self, order: &Order, notice: Notice) -> Result<(), AskError>;
}

/// A recipient by mail.
pub struct MailStore<'a> {
    outbox: &'a dyn Outbox,
}

impl<'a> MailStore<'a> {
    /// Whose letters leave by this outbox.
    #[must_use]
    pub const fn new(outbox: &'a dyn Outbox) -> Self {
        Self { outbox }
    }
}

#[async_trait]
impl RequestStore for MailStore<'_> {
    async fn ask(&self, order: &Order, _now: Timestamp) -> Result<Progress, AskError> {
        self.outbox.post(order, Notice::Asked).await?;
        Ok(Progress::InProgress)
    }

    async fn look(&self, _order: &Order, _now: Timestamp) -> Result<Progress, AskError> {
        // An answer is judged when it arrives; as long as none did, they are at work.
        Ok(Progress::InProgress)
    }

    async fn remind(&self, order: &Order, _now: Timestamp) -> Result<(), AskError> {
        self.outbox.post(order, Notice::Reminded).await
    }
}
