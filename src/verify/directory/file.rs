//! A directory that is a TOML file: for small houses, and for trying things out.
//!
//! ```toml
//! [[person]]
//! account = "A1"
//! role = "owner"
//! key = "7"
//! address = "ann@example.org"
//! label = "Ann"
//! locale = "de-AT"
//! identifiers = ["+43 1 234"]
//! ```

use std::collections::BTreeSet;
use std::path::Path;

use async_trait::async_trait;
use serde::Deserialize;

use crate::domain::{Role, Timestamp};

use super::{Directory, DirectoryError, Ended, Membership, Person, asked};

/// The longest file: 16 MiB.
const FILE_BYTES_MAX: u64 = 16 * 1024 * 1024;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    person: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    account: String,
    role: Role,
    key: String,
    address: Option<String>,
    label: Option<String>,
    locale: Option<String>,
    #[serde(default)]
    identifiers: Vec<String>,
    changed_at: Option<jiff::Timestamp>,
    /// Of an owner: when the service of their account ended.
    ended_at: Option<jiff::Timestamp>,
}

/// The directory of one file, read once.
pub struct FileDirectory(Vec<Entry>);

impl std::fmt::Debug for FileDirectory {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "FileDirectory({} people)", self.0.len())
    }
}

impl FileDirectory {
    /// Reads the file.
    ///
    /// # Errors
    /// [`DirectoryError::File`] where it cannot be read, is too long, or says something unknown.
    pub fn open(path: &Path) -> Result<Self, DirectoryError> {
        let length = std::fs::metadata(path).map_err(|e| DirectoryError::File(e.into()))?.len();
        if length > FILE_BYTES_MAX {
            return Err(DirectoryError::File(format!("it has {length} bytes, more than {FILE_BYTES_MAX}").into()));
        }
        let text = std::fs::read_to_string(path).map_err(|e| DirectoryError::File(e.into()))?;
        Self::parse(&text)
    }

    /// Reads the text of such a file.
    ///
    /// # Errors
    /// [`DirectoryError::File`] where it says something unknown.
    pub fn parse(text: &str) -> Result<Self, DirectoryError> {
        let file: File = toml::from_str(text).map_err(|error| {
            // The parser's own text quotes the line, and lines carry names.
            let line = error.span().map_or(0, |span| text[..span.start.min(text.len())].lines().count().max(1));
            DirectoryError::File(format!("line {line} is not as the documentation shows it").into())
        })?;
        Ok(Self(file.person))
    }
}

impl Entry {
    fn person(&self) -> Person {
        Person {
            account: self.account.clone(),
            role: self.role,
            key: self.key.clone(),
            address_on_file: self.address.clone(),
            label: self.label.clone().unwrap_or_else(|| self.key.clone()),
            locale: self.locale.clone(),
        }
    }

    fn is_named(&self, identifier: &str) -> bool {
        let known = [Some(&self.key), self.address.as_ref(), self.label.as_ref()];
        known.into_iter().flatten().chain(&self.identifiers).any(|own| same(own, identifier))
    }
}

/// Case and outer spaces do not count, dots and subaddresses do.
fn same(one: &str, other: &str) -> bool {
    one.trim().to_lowercase() == other.trim().to_lowercase()
}

#[async_trait]
impl Directory for FileDirectory {
    async fn find(&self, address: &str) -> Result<Vec<Membership>, DirectoryError> {
        let Some(address) = asked(address) else { return Ok(Vec::new()) };
        let memberships = self.0.iter().filter_map(|entry| {
            let on_file = entry.address.as_ref().filter(|own| same(own, address))?;
            Some(Membership {
                account: entry.account.clone(),
                role: entry.role,
                person_key: entry.key.clone(),
                address_on_file: on_file.clone(),
                locale: entry.locale.clone(),
                changed_at: entry.changed_at.map(Timestamp::from_jiff),
            })
        });
        Ok(memberships.collect())
    }

    async fn target(&self, account: &str, identifier: &str) -> Result<Vec<Person>, DirectoryError> {
        let Some(identifier) = asked(identifier) else { return Ok(Vec::new()) };
        let of_account = self.0.iter().filter(|entry| entry.account == account);
        Ok(of_account.filter(|entry| entry.is_named(identifier)).map(Entry::person).collect())
    }

    async fn ended(&self, from: &str) -> Result<Vec<Ended>, DirectoryError> {
        let ended = |entry: &Entry| {
            let at = entry.ended_at.filter(|_| entry.role == Role::Owner && entry.account.as_str() >= from)?;
            Some(Ended::new(entry.account.clone(), Some(Timestamp::from_jiff(at))))
        };
        let mut ended: Vec<Ended> = self.0.iter().filter_map(ended).collect();
        ended.sort_by(|one, other| one.account().cmp(other.account()));
        Ok(ended)
    }

    async fn accounts(&self) -> Result<u64, DirectoryError> {
        Ok(self.0.iter().map(|entry| &entry.account).collect::<BTreeSet<_>>().len() as u64)
    }

    async fn owner(&self, account: &str) -> Result<Option<Person>, DirectoryError> {
        let mut owners = self.0.iter().filter(|entry| entry.account == account && entry.role == Role::Owner);
        match (owners.next(), owners.next()) {
            (Some(_), Some(_)) => Err(DirectoryError::NotOneOwner { query: "owner" }),
            (owner, _) => Ok(owner.map(Entry::person)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = r#"
        [[person]]
        account = "A1"
        role = "owner"
        key = "7"
        address = "ann@example.org"
        label = "Ann"

        [[person]]
        account = "A1"
        role = "user"
        key = "8"
        address = "bo@example.org"
        label = "Bo"
        identifiers = ["+43 1 234"]

        [[person]]
        account = "A2"
        role = "user"
        key = "9"
        address = "bo@example.org"
    "#;

    #[tokio::test]
    async fn it_finds_all_accounts_of_an_address_and_only_the_accounts_people() {
        let directory = FileDirectory::parse(TEXT).unwrap();
        assert_eq!(directory.find("BO@example.org").await.unwrap().len(), 2);
        assert!(directory.find("b.o@example.org").await.unwrap().is_empty());
        for identifier in ["bo", "8", "bo@example.org", "+43 1 234"] {
            let found = directory.target("A1", identifier).await.unwrap();
            assert_eq!(found.iter().map(|p| p.key.as_str()).collect::<Vec<_>>(), ["8"]);
        }
        assert!(directory.target("A2", "Bo").await.unwrap().is_empty());
        assert_eq!(directory.owner("A1").await.unwrap().unwrap().key, "7");
        assert!(directory.owner("A2").await.unwrap().is_none());
    }

    #[test]
    fn an_error_names_the_line_and_nothing_of_it() {
        let text = TEXT.replace("role = \"user\"", "role = \"secretname\"");
        let error = FileDirectory::parse(&text).unwrap_err();
        let source = std::error::Error::source(&error).unwrap().to_string();
        assert!(source.contains("line 11"), "{source}");
        assert!(!source.contains("secretname"));
    }
}
