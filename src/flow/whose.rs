//! Whose address is this? One answer for the daemon, and for all that say what it would do.
//!
//! An address may be on file more than once: in several accounts, or as several people of one. As which of them a letter
//! asks nobody can tell, so no rank decides: a person looks, and says it by account and scope.

use crate::domain::{Role, Scope};
use crate::verify::{Directory, DirectoryError, Membership};

/// What the directory has of an address.
#[derive(Clone, Debug)]
pub struct OnFile {
    /// The address that it was known by.
    pub address: String,
    /// What it is; where it is several, the greatest of them.
    pub first: Membership,
    /// What else it is.
    pub others: Vec<Membership>,
}

impl OnFile {
    /// Whether all of it is one row of one account.
    #[must_use]
    pub fn is_one(&self) -> bool {
        let same = |other: &Membership| {
            let Membership { account, role, person_key, .. } = &self.first;
            (account, role, person_key) == (&other.account, &other.role, &other.person_key)
        };
        self.others.iter().all(same)
    }

    /// What it is a row of, each once.
    fn rows(&self) -> std::collections::BTreeSet<(&str, Role, &str)> {
        self.all().map(|one| (one.account.as_str(), one.role, one.person_key.as_str())).collect()
    }

    /// In how many accounts it is.
    #[must_use]
    pub fn accounts(&self) -> usize {
        let accounts: std::collections::BTreeSet<_> = self.all().map(|membership| &membership.account).collect();
        accounts.len()
    }

    /// All that it is, the greatest first.
    pub fn all(&self) -> impl Iterator<Item = &Membership> {
        std::iter::once(&self.first).chain(&self.others)
    }
}

/// What a person said who looked.
#[derive(Clone, Copy, Debug, Default)]
pub struct Said<'a> {
    /// The account that is meant.
    pub account: Option<&'a str>,
    /// How much of it; beside an account it tells as which of several people an address asks.
    pub scope: Option<Scope>,
}

/// The first of these addresses that the directory has, in the account that was said, if any.
///
/// # Errors
/// [`DirectoryError`] where the directory cannot be asked, or gives rows that nobody can read.
pub async fn address(
    directory: &dyn Directory,
    claimed: &[&str],
    said: Said<'_>,
) -> Result<Option<OnFile>, DirectoryError> {
    for address in claimed {
        if let Some(known) = one(directory, address, said).await? {
            return Ok(Some(known));
        }
    }
    Ok(None)
}

/// Those of these addresses that the directory has, in their order; of several that are the same rows, the first.
///
/// # Errors
/// As [`address`].
pub async fn each(directory: &dyn Directory, claimed: &[&str]) -> Result<Vec<OnFile>, DirectoryError> {
    let mut known: Vec<OnFile> = Vec::new();
    for address in claimed {
        let Some(found) = one(directory, address, Said::default()).await? else { continue };
        if !known.iter().any(|other| other.rows() == found.rows()) {
            known.push(found);
        }
    }
    Ok(known)
}

async fn one(directory: &dyn Directory, address: &str, said: Said<'_>) -> Result<Option<OnFile>, DirectoryError> {
    let mut memberships = directory.find(address).await?;
    if let Some(account) = said.account {
        memberships.retain(|membership| membership.account == account);
        of_the_scope(&mut memberships, said.scope);
    }
    memberships.sort_by_key(|membership| membership.role);
    let mut memberships = memberships.into_iter();
    let first = memberships.next();
    Ok(first.map(|first| OnFile { address: address.to_owned(), first, others: memberships.collect() }))
}

/// Of several roles in the account that was said, the one that the scope says which was said with it.
fn of_the_scope(memberships: &mut Vec<Membership>, scope: Option<Scope>) {
    let role = match scope {
        Some(Scope::Account) => Role::Owner,
        Some(Scope::User) => Role::User,
        Some(Scope::EndUser) => Role::EndUser,
        Some(Scope::Data) | None => return,
    };
    if memberships.iter().any(|membership| membership.role == role) {
        memberships.retain(|membership| membership.role == role);
    }
}
