//! Asks a directory about nobody, so that a query which the store refuses, or which knows everybody, is found before a
//! letter comes. That a query is understood is not enough: a missing permission is found when it runs.

use super::{Directory, DirectoryError};

/// An address that cannot exist (RFC 2606 §2).
const NOBODY: &str = "nobody@expunged.invalid";
/// Accounts that do not exist, in the forms that keys have.
const NO_ACCOUNT: [&str; 2] = ["0", "00000000-0000-0000-0000-000000000000"];

/// What a query answered.
#[derive(Debug)]
pub struct Trial {
    /// The query's name in the configuration.
    pub query: &'static str,
    /// How many were found; there is nobody to find.
    pub found: Result<usize, DirectoryError>,
}

/// Asks each query once.
pub async fn rehearse(directory: &dyn Directory) -> [Trial; 3] {
    let find = directory.find(NOBODY).await.map(|found| found.len());
    let target = asked(async |account: &str| directory.target(account, NOBODY).await.map(|found| found.len())).await;
    let owner =
        asked(async |account: &str| directory.owner(account).await.map(|found| usize::from(found.is_some()))).await;
    [("find", find), ("target", target), ("owner", owner)].map(|(query, found)| Trial { query, found })
}

/// Asks with an account of each form; the store may not be able to read one of them.
async fn asked(query: impl AsyncFn(&str) -> Result<usize, DirectoryError>) -> Result<usize, DirectoryError> {
    let [number, uuid] = NO_ACCOUNT;
    match query(number).await {
        Ok(found) => Ok(found),
        Err(error) => query(uuid).await.map_err(|_| error),
    }
}
