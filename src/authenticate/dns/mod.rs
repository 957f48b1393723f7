//! DNS as far as letters are authenticated by it: texts under names.
//!
//! # How to add a way
//! A file here that implements [`Dns`]: what does not exist is an empty answer, and only an answer that did not come is
//! [`NoAnswer`].

mod file;
mod system;

use async_trait::async_trait;

pub use file::{FileDns, NotADnsFile};
pub use system::SystemDns;

/// DNS did not answer; it may later.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("DNS did not answer")]
pub struct NoAnswer;

/// Answers what texts stand under a name.
#[async_trait]
pub trait Dns: Send + Sync {
    /// The TXT records of an absolute name, which is in lower case and without the dot at its end. None where the name does
    /// not exist.
    ///
    /// # Errors
    /// [`NoAnswer`] where nobody could be asked.
    async fn txt(&self, name: &str) -> Result<Vec<Vec<u8>>, NoAnswer>;
}
