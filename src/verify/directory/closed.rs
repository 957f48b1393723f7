//! The directory of a command that needs none: it stays shut, so that the command does its work while a store is away.

use async_trait::async_trait;

use super::{Directory, DirectoryError, Membership, Person};

/// Answers nothing, and says so: "nobody" would be an answer.
#[derive(Clone, Copy, Debug)]
pub struct ClosedDirectory;

#[async_trait]
impl Directory for ClosedDirectory {
    async fn find(&self, _address: &str) -> Result<Vec<Membership>, DirectoryError> {
        Err(DirectoryError::Closed)
    }

    async fn target(&self, _account: &str, _identifier: &str) -> Result<Vec<Person>, DirectoryError> {
        Err(DirectoryError::Closed)
    }

    async fn owner(&self, _account: &str) -> Result<Option<Person>, DirectoryError> {
        Err(DirectoryError::Closed)
    }
}
