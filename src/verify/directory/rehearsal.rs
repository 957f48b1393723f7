//! Asks a directory about nobody, so that a query which the store refuses, or which knows everybody, is found before a
//! letter comes. That a query is understood is not enough: a missing permission is found when it runs.

use super::{Directory, DirectoryError};

/// An address that cannot exist (RFC 2606 §2).
const NOBODY: &str = "nobody@expunged.invalid";
/// Accounts that do not exist, in the forms that keys have: two of each, because a house may have one of them all the same. A
/// query that finds somebody in both finds somebody in any.
const NO_ACCOUNT: [[&str; 2]; 2] =
    [["0", "-1"], ["00000000-0000-0000-0000-000000000000", "ffffffff-ffff-ffff-ffff-ffffffffffff"]];

/// What a query answered.
#[derive(Debug)]
pub struct Trial {
    /// The query's name in the configuration.
    pub query: &'static str,
    /// How many were found; there is nobody to find.
    pub found: Result<usize, DirectoryError>,
}

/// Asks each query once. The accounts whose service has ended are somebody's: how many there are says nothing.
pub async fn rehearse(directory: &dyn Directory) -> Vec<Trial> {
    let find = directory.find(NOBODY).await.map(|found| found.len());
    let target = asked(async |account: &str| directory.target(account, NOBODY).await.map(|found| found.len())).await;
    let owner =
        asked(async |account: &str| directory.owner(account).await.map(|found| usize::from(found.is_some()))).await;
    let ended = pages(directory).await;
    let accounts = directory.accounts().await.map(|_| 0);
    let trials = [("find", find), ("target", target), ("owner", owner), ("ended", ended), ("accounts", accounts)];
    let trials = trials.into_iter().map(|(query, found)| Trial { query, found });
    trials.filter(|trial| !matches!(trial.found, Err(DirectoryError::NoQuery { .. }))).collect()
}

/// Whether a page begins with the account that it is asked from: whose end a look found is asked for so once more before anything
/// follows from it.
async fn pages(directory: &dyn Directory) -> Result<usize, DirectoryError> {
    let page = directory.ended("").await?;
    let Some(last) = page.last() else { return Ok(0) };
    let next = directory.ended(last.account()).await?;
    match next.iter().any(|row| row.account() == last.account()) {
        true => Ok(0),
        false => Err(DirectoryError::NoPages { query: "ended" }),
    }
}

/// Asks with accounts of each form; the store may not be able to read one of them.
async fn asked(query: impl AsyncFn(&str) -> Result<usize, DirectoryError>) -> Result<usize, DirectoryError> {
    let [numbers, uuids] = NO_ACCOUNT;
    match in_both(&query, numbers).await {
        Ok(found) => Ok(found),
        Err(error) => in_both(&query, uuids).await.map_err(|_| error),
    }
}

/// How many are found in the one and in the other.
async fn in_both(
    query: &impl AsyncFn(&str) -> Result<usize, DirectoryError>,
    [one, other]: [&str; 2],
) -> Result<usize, DirectoryError> {
    match query(one).await? {
        0 => Ok(0),
        found => Ok(found.min(query(other).await?)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How many a query finds that has somebody in these accounts.
    async fn found(accounts: &'static [&'static str]) -> usize {
        asked(async |account: &str| Ok(usize::from(accounts.contains(&account)))).await.unwrap()
    }

    #[tokio::test]
    async fn one_real_account_among_those_that_are_asked_for_is_no_mistake() {
        for real in [&[][..], &["0"], &["-1"], &["00000000-0000-0000-0000-000000000000"]] {
            assert_eq!(found(real).await, 0, "{real:?}");
        }
        assert_eq!(found(&["0", "-1"]).await, 1, "who is in both is in any");
    }
}
