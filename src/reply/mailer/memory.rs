//! Keeps messages in memory, for tests and the observing mode.

use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;

use super::{Accepted, Mailer, SendError};
use crate::reply::compose::Outgoing;

/// Takes every message and keeps it. It does not drop repeats: a test that counts must see them.
#[derive(Default)]
pub struct MemoryMailer(Mutex<Vec<Outgoing>>);

impl MemoryMailer {
    /// What was sent so far, in order.
    #[must_use]
    pub fn sent(&self) -> Vec<Outgoing> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

#[async_trait]
impl Mailer for MemoryMailer {
    async fn send(&self, outgoing: &Outgoing) -> Result<Accepted, SendError> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(outgoing.clone());
        Ok(Accepted { code: None })
    }
}
