//! What an engineer asks of a store before its map is believed: sizes, rights, indexes, shapes of values. It changes
//! nothing, and no value of a person leaves the store.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use secrecy::SecretString;

use super::keyed::{Holds, Shapes};
use super::shape::ValueShapes;
use super::{Schema, StoreError, StoreKind, StoreLimits, mysql, object, postgres, redis, sqlite};

/// What may be done with the rows of a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Right {
    /// To read columns.
    Select,
    /// To give columns new values.
    Update,
    /// To delete rows.
    Delete,
    /// To add rows, which erasing never does.
    Insert,
}

impl Right {
    /// The word of every SQL database.
    #[must_use]
    pub const fn as_sql(self) -> &'static str {
        match self {
            Self::Select => "SELECT",
            Self::Update => "UPDATE",
            Self::Delete => "DELETE",
            Self::Insert => "INSERT",
        }
    }
}

/// One thing to be tried: a right on columns of a table, by the statement that the erasing would send.
#[derive(Clone, Copy, Debug)]
pub struct Attempt<'a> {
    /// The right.
    pub right: Right,
    /// The table.
    pub table: &'a str,
    /// Its key, by which its rows are found.
    pub key: &'a [String],
    /// The columns that are read or written; empty for whole rows.
    pub columns: &'a [String],
}

/// A store that can be looked over.
///
/// MUST: change nothing, not even in a transaction that is undone (a statement is explained, never run); give out
/// counts and names only. SHOULD: answer from statistics where counting would read a whole table.
#[async_trait]
pub trait Survey: Send + Sync {
    /// The catalogue as it is now.
    async fn look(&self) -> Result<Schema, StoreError>;

    /// About how many rows each table has, by the store's own statistics. A table that it has none of is missing.
    async fn sizes(&self) -> Result<BTreeMap<String, u64>, StoreError>;

    /// Whether the login may do this: `None`, or what the store answered to it.
    ///
    /// # Errors
    /// The store does not answer.
    async fn attempt(&self, attempt: Attempt<'_>) -> Result<Option<StoreError>, StoreError>;

    /// What the login may do besides reading, masking and deleting rows, in the store's own words. Empty where the
    /// store has no logins.
    async fn beyond(&self) -> Result<Vec<String>, StoreError>;

    /// Whether the store has logins with rights of their own.
    fn has_logins(&self) -> bool;

    /// How many rows of a table hold none of these words in a column, compared to the byte, an empty column included. Of a column with
    /// more than `words_max` different words only so many are looked at.
    ///
    /// # Errors
    /// The table cannot be read through in the time of a statement, or is not there; the store does not answer.
    async fn unknown_words(&self, table: &str, column: &str, known: &[&str], words_max: u32)
    -> Result<u64, StoreError>;

    /// The shapes of the values in the first rows of a table, by column: how many look like an address, and so on.
    async fn shapes(&self, table: &str, rows_max: u32) -> Result<BTreeMap<String, ValueShapes>, StoreError>;
}

/// A name of a store without a schema. It may be somebody's address: nothing of it is printed.
#[derive(Clone)]
pub struct Sampled {
    /// The name.
    pub name: Vec<u8>,
    /// What lies under it.
    pub holds: Holds,
}

/// Some names of a store without a schema, at most so many: of Redis in the order of its hash table, of objects some of each
/// folder.
///
/// # Errors
/// An unreadable url, an unreachable server, a refused login; a kind that has a catalogue ([`open`]).
pub async fn names(
    kind: StoreKind,
    url: &SecretString,
    limits: StoreLimits,
    names_max: usize,
) -> Result<Vec<Sampled>, StoreError> {
    match kind {
        StoreKind::Redis => redis::open(url, limits, Shapes::default()).await?.sample(names_max).await,
        StoreKind::Objects => object::open(url, limits, Shapes::default()).await?.sample(names_max).await,
        StoreKind::Sqlite | StoreKind::Postgres | StoreKind::Mysql => Err(StoreError::NoCatalogue { kind }),
    }
}

/// Opens a store to look it over.
///
/// # Errors
/// An unreadable url, an unreachable server, a refused login; a kind that has no catalogue.
pub async fn open(kind: StoreKind, url: &SecretString, limits: StoreLimits) -> Result<Arc<dyn Survey>, StoreError> {
    Ok(match kind {
        StoreKind::Sqlite => Arc::new(sqlite::open(url, limits).await?),
        StoreKind::Postgres => Arc::new(postgres::open(url, limits).await?),
        StoreKind::Mysql => Arc::new(mysql::open(url, limits).await?),
        StoreKind::Redis | StoreKind::Objects => return Err(StoreError::NoCatalogue { kind }),
    })
}
