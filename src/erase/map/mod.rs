//! The data map: where a person's data lie, and what happens to every column when they are erased (DESIGN §7).
//!
//! A [`DataMap`] that exists is consistent in itself. Whether it is true of the stores is [`check`]'s to say. It
//! never opens a store and never shows a url.

mod apart;
mod cascade;
mod check;
pub mod draw;
mod error;
mod fit;
mod form;
mod head;
pub mod known;
mod lag;
mod links;
mod load;
pub mod look;
mod masks;
pub mod nameable;
mod names;
pub mod open;
mod points;
pub mod propose;
mod raw;
mod reach;
pub mod recipient;
mod recognised;
pub mod register;
pub mod risk;
mod rows;
mod until;
pub mod url;
mod whole;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::{self, Write as _};
use std::path::{Path, PathBuf};

use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};

use crate::domain::{SubjectKind, stored_enum};
use crate::erase::json::Spot;
use crate::stores::{CANARY_EPOCH, CANARY_KEY, Shape, StoreKind, StoreName};

pub use apart::apart;
pub use check::{MapDefect, check};
pub use error::MapError;
pub use recipient::RecipientMap;
pub use until::Until;

/// The category of a column that says nothing about a person.
pub const NO_CATEGORY: &str = "none";
/// The category of amounts: a record that a law keeps is none without them.
pub(in crate::erase::map) const AMOUNTS: &str = "financial";

/// The maps of all stores together.
#[derive(Clone, Debug, Serialize)]
pub struct DataMap {
    stores: BTreeMap<StoreName, StoreMap>,
    recipients: BTreeMap<StoreName, RecipientMap>,
}

/// One store and its tables.
#[derive(Clone, Debug, Serialize)]
pub struct StoreMap {
    /// What kind of store it is.
    pub kind: StoreKind,
    /// How it is reached. Not part of what a plan's digest covers: a password may change.
    #[serde(skip)]
    pub url: StoreUrl,
    /// Where the data lie, for the register of processing (Art. 30 GDPR) and the receipt.
    pub location: Option<String>,
    /// Who holds the data for us, for the same register; nobody else where it is missing.
    pub processor: Option<String>,
    /// What the data are held for, for the same register.
    pub purpose: Option<String>,
    /// How long backups of this store live, in days.
    pub backup_days: u32,
    /// Tables (of a store without tables: patterns of names) that hold nobody's data: nothing is done with them.
    pub ignore: Vec<String>,
    /// The table with the canary: one row that we write, and by which a store shows that it came back from a backup. In a store
    /// without tables, the name under which it lies.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub canary: Option<String>,
    /// How much of the store's time an erasing takes. Changes nothing of what is erased.
    #[serde(skip)]
    pub throttle: Option<Throttle>,
    /// The tables by name.
    pub tables: BTreeMap<String, TableMap>,
    /// The file that it was read from.
    #[serde(skip)]
    pub file: String,
}

/// How much of a store's time an erasing takes.
#[derive(Clone, Debug, PartialEq)]
pub struct Throttle {
    /// After each chunk a rest of this share of the time that it took: 100 leaves the store half of the time.
    pub rest_percent: u32,
    /// A query that answers one number: how far what follows the store is behind.
    pub lag: Option<String>,
    /// While it is above this, no chunk begins.
    pub lag_max: f64,
}

/// Where a store's url is found.
#[derive(Clone, Debug)]
pub enum StoreUrl {
    /// In the map itself.
    Value(SecretString),
    /// In a file that holds nothing else.
    File(PathBuf),
    /// In a systemd credential of this name (a file in `$CREDENTIALS_DIRECTORY`).
    Credential(String),
}

/// What happens to one table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableMap {
    /// A row is a data subject of this kind.
    pub subject: Option<SubjectKind>,
    /// The columns that identify a row.
    pub key: Vec<String>,
    /// By what a person is recognised (`email`, `phone` …) → the column.
    pub identify: BTreeMap<String, String>,
    /// Whose row it is: it is erased with what it belongs to.
    pub belongs_to: Vec<Link>,
    /// What it only points to (a ticket's assignee): it lets go, and stays.
    pub refers_to: Vec<Link>,
    /// Rows elsewhere that hold rows of this table (a membership, of a document): one goes with the last of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub held_by: Vec<Holder>,
    /// Every column → its category of data, or [`NO_CATEGORY`].
    pub categories: BTreeMap<String, String>,
    /// Column → every word that it may hold; another one stops an erasure.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub words: Words,
    /// What happens to the row.
    pub erase: Rule,
    /// What happens to columns of a row that stays.
    pub mask: BTreeMap<String, Mask>,
    /// Why and until when a row stays.
    pub keep: Option<Keep>,
    /// What happens to some of the rows instead, by what they hold; the first that fits.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub answers: Vec<Answer>,
    /// Of a store without tables: how the names are made, and what lies under them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shape: Option<Shape>,
}

/// Columns that hold another table's key.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Link {
    /// The table that they point to, possibly in another store.
    pub to: TableRef,
    /// The columns, in the order of that table's key.
    pub columns: Vec<String>,
    /// It counts only in rows that hold these words, as where one column says which table another one points to.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub when: Words,
    /// The row is shared by all that it points to by such links: it goes with the last of them, and until then lets go
    /// of those that go.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub shared: bool,
    /// A person says that the columns hold the key as it is written, though their type or collation is another one.
    /// Changes nothing of what is found.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub as_written: bool,
}

/// Column → the words of it that are meant.
pub type Words = BTreeMap<String, Vec<String>>;

/// Rows elsewhere that hold a row.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Holder {
    /// Their table.
    pub by: TableRef,
    /// Their columns that hold the key, in its order.
    pub columns: Vec<String>,
}

/// What happens to the rows of a table that hold certain words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// In every one of these columns a row holds one of the words.
    pub when: Words,
    /// What happens to the row.
    pub erase: Rule,
    /// What happens to columns of a row that stays.
    pub mask: BTreeMap<String, Mask>,
    /// Why and until when a row stays.
    pub keep: Option<Keep>,
}

/// A table of a store.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct TableRef {
    /// The store.
    pub store: StoreName,
    /// The table.
    pub table: String,
}

impl fmt::Display for TableRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.", self.store)?;
        // A database lets a name hold a line's end; a line of ours must not end there.
        self.table.chars().try_for_each(|c| match c.is_control() {
            true => write!(f, "{}", c.escape_default()),
            false => f.write_char(c),
        })
    }
}

stored_enum! {
    /// What happens to a row.
    Rule, "rule for erasing" {
        /// It is deleted.
        Delete = "delete",
        /// It stays, and columns of it are masked.
        Mask = "mask",
        /// It stays as it is (it may let go of what it points to).
        Keep = "keep",
    }
}

/// What happens to a column of a row that stays.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mask {
    /// It becomes NULL.
    Null,
    /// It points to a row that goes: it becomes NULL.
    Detach,
    /// It becomes a text that no other row has and that says nothing.
    Tombstone,
    /// It becomes this text.
    Constant(String),
    /// It becomes the key of a placeholder row, which is there for whatever must point to somebody.
    Reown(String),
    /// What the pattern finds in the text becomes this; the rest of it stays.
    Redact {
        /// A regular expression of the crate `regex`, in every store the same.
        pattern: String,
        /// Put in the place of what it finds.
        with: String,
    },
    /// The day becomes the first of its year or month.
    Truncate(Period),
    /// It becomes a code that is the same for the same value in one case; the key to it is destroyed with the case. The
    /// person is still told apart by it, so that such a column needs a ground to stay.
    Pseudonym,
    /// Places of a JSON document, by their paths.
    Json(BTreeMap<String, Spot>),
}

/// What is left of a date.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Period {
    /// Its year.
    Year,
    /// Its year and month.
    Month,
}

/// Why a row stays, and until when (Art. 17(3) GDPR).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Keep {
    /// The ground, as the letter names it.
    pub ground: String,
    /// The end.
    pub until: Until,
}

impl DataMap {
    /// Reads the maps of all stores: `(file name, text)` each.
    ///
    /// # Errors
    /// The first [`MapError`], with file, line and fix.
    pub fn parse(files: &[(&str, &str)]) -> Result<Self, MapError> {
        load::load(files)
    }

    /// The stores by name.
    #[must_use]
    pub const fn stores(&self) -> &BTreeMap<StoreName, StoreMap> {
        &self.stores
    }

    /// Who else holds data and is asked to erase them, by name.
    #[must_use]
    pub const fn recipients(&self) -> &BTreeMap<StoreName, RecipientMap> {
        &self.recipients
    }

    /// Reaches a store by another url (the demo's and the tests' stores have one that nobody knows before).
    pub fn set_url(&mut self, store: &StoreName, url: SecretString) {
        if let Some(store) = self.stores.get_mut(store) {
            store.url = StoreUrl::Value(url);
        }
    }

    /// The map of a table.
    #[must_use]
    pub fn table(&self, at: &TableRef) -> Option<&TableMap> {
        self.stores.get(&at.store)?.tables.get(&at.table)
    }

    /// Every table with its map.
    pub fn tables(&self) -> impl Iterator<Item = (TableRef, &TableMap)> {
        self.stores.iter().flat_map(|(store, map)| {
            let at = |table: &String| TableRef { store: store.clone(), table: table.clone() };
            map.tables.iter().map(move |(name, table)| (at(name), table))
        })
    }

    /// The tables whose rows are subjects of this kind.
    pub fn subjects(&self, kind: &SubjectKind) -> impl Iterator<Item = (TableRef, &TableMap)> {
        self.tables().filter(move |(_, table)| table.subject.as_ref() == Some(kind))
    }

    /// The table of the rows of this kind, and the kind that they are there: where owners have no table of their own, the
    /// owner is a user of their account.
    #[must_use]
    pub fn root(&self, kind: &SubjectKind) -> Option<(SubjectKind, TableRef)> {
        let of = |kind: &SubjectKind| Some((kind.clone(), self.subjects(kind).next()?.0));
        of(kind).or_else(|| if *kind == SubjectKind::Owner { of(&SubjectKind::User) } else { None })
    }

    /// The kinds of data subjects that some table is of.
    #[must_use]
    pub fn kinds(&self) -> BTreeSet<&SubjectKind> {
        self.stores
            .values()
            .flat_map(|store| store.tables.values())
            .filter_map(|table| table.subject.as_ref())
            .collect()
    }

    /// Every category that some column has.
    #[must_use]
    pub fn categories(&self) -> Vec<&str> {
        let mut known: Vec<_> = self.tables().flat_map(|(_, table)| table.personal()).map(|(_, c)| c).collect();
        known.sort_unstable();
        known.dedup();
        known
    }

    /// The categories that "my data" means while the account lives: all but what the account is known and reached by.
    #[must_use]
    pub fn general_categories(&self) -> Vec<String> {
        let needed = ["identity", "contact"];
        let known = self.categories().into_iter();
        known.filter(|category| !needed.contains(category)).map(ToOwned::to_owned).collect()
    }
}

impl StoreMap {
    /// The url of the store. A relative path, of a file with the url or of SQLite's file, begins at the folder of the
    /// map.
    ///
    /// # Errors
    /// The file cannot be read, or there is no folder of credentials.
    pub fn read_url(&self, credentials: Option<&Path>) -> std::io::Result<SecretString> {
        let folder = Path::new(&self.file).parent().unwrap_or(Path::new(""));
        let url = match &self.url {
            StoreUrl::File(path) => StoreUrl::File(folder.join(path)).read(credentials),
            other => other.read(credentials),
        }?;
        Ok(match self.kind {
            StoreKind::Sqlite => beside(folder, "sqlite:", &url),
            StoreKind::Objects => beside(&std::path::absolute(folder)?, "file:", &url),
            StoreKind::Postgres | StoreKind::Mysql | StoreKind::Redis => url,
        })
    }
}

/// The url of a file, with a relative path placed in this folder.
fn beside(folder: &Path, scheme: &str, url: &SecretString) -> SecretString {
    let rest = url.expose_secret().strip_prefix(scheme).map(|rest| rest.strip_prefix("//").unwrap_or(rest));
    match (rest, folder.to_str()) {
        (Some(path), Some(folder)) if !path.starts_with(['/', ':']) && !path.is_empty() && !folder.is_empty() => {
            let folder = folder.trim_end_matches('/').replace('%', "%25").replace('?', "%3F");
            SecretString::from(format!("{scheme}//{folder}/{path}"))
        }
        _ => url.clone(),
    }
}

impl StoreUrl {
    pub(super) fn read(&self, credentials: Option<&Path>) -> std::io::Result<SecretString> {
        let read = |path: &Path| std::fs::read_to_string(path).map(|text| SecretString::from(text.trim().to_owned()));
        match self {
            Self::Value(url) => Ok(url.clone()),
            Self::File(path) => read(path),
            Self::Credential(name) => match credentials {
                Some(folder) => read(&folder.join(name)),
                None => Err(std::io::Error::new(std::io::ErrorKind::NotFound, "no folder of credentials is given")),
            },
        }
    }
}

impl Link {
    /// A link by these columns alone.
    #[must_use]
    pub const fn plain(to: TableRef, columns: Vec<String>) -> Self {
        Self { to, columns, when: Words::new(), shared: false, as_written: false }
    }
}

impl TableMap {
    /// The columns with a category, in order, as `(column, category)`.
    pub fn personal(&self) -> impl Iterator<Item = (&str, &str)> {
        self.categories.iter().filter(|(_, c)| *c != NO_CATEGORY).map(|(column, c)| (column.as_str(), c.as_str()))
    }

    /// Whether it holds nobody's data: it is listed only so that it is not unmapped.
    #[must_use]
    pub fn is_nobodys(&self) -> bool {
        self.erase == Rule::Keep
            && self.answers.is_empty()
            && self.subject.is_none()
            && self.held_by.is_empty()
            && self.belongs_to.is_empty()
            && self.refers_to.is_empty()
            && self.personal().next().is_none()
    }

    /// Whether a link is let go of or masked, so that a row that stays does not keep the key of one that goes.
    #[must_use]
    pub fn forgets(&self, link: &Link) -> bool {
        link.columns.iter().any(|column| self.mask.contains_key(column))
    }

    /// Whether a link is let go of: at least one of its columns becomes NULL (a foreign key with a NULL in it points
    /// to nothing), or a placeholder.
    #[must_use]
    pub fn lets_go(&self, link: &Link) -> bool {
        link.columns.iter().any(|column| self.mask.get(column).is_some_and(Mask::lets_go))
    }
}
