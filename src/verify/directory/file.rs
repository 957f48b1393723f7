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
use std::fs::Metadata;
use std::io::Read as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use async_trait::async_trait;
use jiff::tz::TimeZone;
use serde::Deserialize;

use crate::domain::Role;

use super::sql::read_time;
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
    /// RFC 3339, or a bare date.
    changed_at: Option<String>,
    /// Of an owner: when the service of their account ended.
    ended_at: Option<String>,
}

/// The directory of one file, read anew when it is another one.
pub struct FileDirectory {
    /// Where it lies; `None` where it was given as a text.
    path: Option<PathBuf>,
    zone: TimeZone,
    read: Mutex<Read>,
}

/// What was read last.
#[derive(Clone)]
struct Read {
    people: Arc<Vec<Entry>>,
    seen: Option<Seen>,
}

/// By what a file is known to be the one that was read: its time of change, its length, and its place on the disk.
type Seen = (SystemTime, u64, u64);

impl std::fmt::Debug for FileDirectory {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("FileDirectory")
    }
}

impl FileDirectory {
    /// Reads the file. A date without a time in it is a day of this zone.
    ///
    /// # Errors
    /// [`DirectoryError::File`] where it cannot be read, is too long, or says something unknown.
    pub fn open(path: &Path, zone: TimeZone) -> Result<Self, DirectoryError> {
        let read = Mutex::new(read_file(path, &zone)?);
        Ok(Self { path: Some(path.to_owned()), zone, read })
    }

    /// Reads the text of such a file.
    ///
    /// # Errors
    /// [`DirectoryError::File`] where it says something unknown.
    pub fn parse(text: &str) -> Result<Self, DirectoryError> {
        let people = Arc::new(people(text, &TimeZone::UTC)?);
        Ok(Self { path: None, zone: TimeZone::UTC, read: Mutex::new(Read { people, seen: None }) })
    }

    /// The people as the file has them now. One that cannot be read any more answers nothing: what it said before may be wrong.
    fn people(&self) -> Result<Arc<Vec<Entry>>, DirectoryError> {
        let mut read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(path) = &self.path {
            let changed = |error| match error {
                DirectoryError::File(source) => DirectoryError::FileChanged(source),
                other => other,
            };
            let now = std::fs::metadata(path).map_err(|error| DirectoryError::FileChanged(error.into()))?;
            if read.seen != seen(&now) {
                *read = read_file(path, &self.zone).map_err(changed)?;
            }
        }
        Ok(Arc::clone(&read.people))
    }
}

/// A file that is changed while it is read shows another time or length the next time.
fn read_file(path: &Path, zone: &TimeZone) -> Result<Read, DirectoryError> {
    let failed = |error: std::io::Error| DirectoryError::File(error.into());
    let file = std::fs::File::open(path).map_err(failed)?;
    let metadata = file.metadata().map_err(failed)?;
    let length = metadata.len();
    if length > FILE_BYTES_MAX {
        return Err(DirectoryError::File(format!("it has {length} bytes, more than {FILE_BYTES_MAX}").into()));
    }
    let text = std::io::read_to_string(file.take(FILE_BYTES_MAX)).map_err(failed)?;
    Ok(Read { people: Arc::new(people(&text, zone)?), seen: seen(&metadata) })
}

fn seen(metadata: &Metadata) -> Option<Seen> {
    Some((metadata.modified().ok()?, metadata.len(), metadata.ino()))
}

fn people(text: &str, zone: &TimeZone) -> Result<Vec<Entry>, DirectoryError> {
    let file: File = toml::from_str(text).map_err(|error| {
        // The parser's own text quotes the line, and lines carry names.
        let line = error.span().map_or(0, |span| text[..span.start.min(text.len())].lines().count().max(1));
        DirectoryError::File(format!("line {line} is not as the documentation shows it").into())
    })?;
    let is_none = |time: &Option<String>| time.as_ref().is_some_and(|time| read_time(time, zone).is_none());
    if file.person.iter().any(|person| is_none(&person.changed_at) || is_none(&person.ended_at)) {
        return Err(DirectoryError::File("a `changed_at` or `ended_at` is no time".into()));
    }
    Ok(file.person)
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
        let people = self.people()?;
        let memberships = people.iter().filter_map(|entry| {
            let on_file = entry.address.as_ref().filter(|own| same(own, address))?;
            Some(Membership {
                account: entry.account.clone(),
                role: entry.role,
                person_key: entry.key.clone(),
                address_on_file: on_file.clone(),
                locale: entry.locale.clone(),
                changed_at: entry.changed_at.as_ref().and_then(|at| read_time(at, &self.zone)),
            })
        });
        Ok(memberships.collect())
    }

    async fn target(&self, account: &str, identifier: &str) -> Result<Vec<Person>, DirectoryError> {
        let Some(identifier) = asked(identifier) else { return Ok(Vec::new()) };
        let people = self.people()?;
        let of_account = people.iter().filter(|entry| entry.account == account);
        Ok(of_account.filter(|entry| entry.is_named(identifier)).map(Entry::person).collect())
    }

    async fn ended(&self, from: &str) -> Result<Vec<Ended>, DirectoryError> {
        let ended = |entry: &Entry| {
            let listed = entry.role == Role::Owner && entry.account.as_str() >= from;
            let at = read_time(entry.ended_at.as_ref().filter(|_| listed)?, &self.zone);
            Some(Ended::new(entry.account.clone(), at))
        };
        let mut ended: Vec<Ended> = self.people()?.iter().filter_map(ended).collect();
        ended.sort_by(|one, other| one.account().cmp(other.account()));
        Ok(ended)
    }

    async fn accounts(&self) -> Result<u64, DirectoryError> {
        Ok(self.people()?.iter().map(|entry| &entry.account).collect::<BTreeSet<_>>().len() as u64)
    }

    async fn owner(&self, account: &str) -> Result<Option<Person>, DirectoryError> {
        let people = self.people()?;
        let mut owners = people.iter().filter(|entry| entry.account == account && entry.role == Role::Owner);
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

    #[tokio::test]
    async fn a_file_that_was_changed_is_read_anew_and_one_that_is_broken_answers_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("people.toml");
        std::fs::write(&path, TEXT).unwrap();
        let directory = FileDirectory::open(&path, TimeZone::UTC).unwrap();
        assert_eq!(directory.owner("A1").await.unwrap().unwrap().key, "7");
        let changed = TEXT.replace("key = \"7\"", "key = \"17\"\nended_at = \"2026-10-05\"");
        std::fs::write(&path, &changed).unwrap();
        assert_eq!(directory.owner("A1").await.unwrap().unwrap().key, "17");
        let ended = directory.ended("").await.unwrap();
        assert_eq!(ended[0].ended_at().unwrap().to_string(), "2026-10-05T00:00:00Z");
        std::fs::write(&path, changed.replace("2026-10-05", "the autumn")).unwrap();
        assert!(matches!(directory.owner("A1").await, Err(DirectoryError::FileChanged(_))));
        std::fs::remove_file(&path).unwrap();
        assert!(matches!(directory.find("ann@example.org").await, Err(DirectoryError::FileChanged(_))));
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
