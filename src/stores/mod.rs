//! Places that we erase from: databases that belong to somebody else.
//!
//! A store finds keys, deletes, masks and counts; it never decides what is erased, never gives out values but those of
//! keys, of words by which rows are told apart, of dates that a keeping counts from and of columns whose mask is made of
//! them, and never knows the data map or our own database.
//!
//! Two kinds keep the one contract of [`RowStore`]. A database *has* tables: its catalogue says which, and rows have
//! columns that can be compared and masked. Redis and a place of objects have none: the map *declares* them
//! ([`keyed::Shape`]), a row is a name (or a member or a version under one) and goes as a whole.
//!
//! A place that somebody else erases from, because we asked them to, keeps another contract: [`request`].
//!
//! # How to add a store
//! 1. A folder with the same files as `sqlite/`: `mod.rs` (open), `schema.rs` (read the catalogue, or look whether the
//!    store is what the map says), `statements.rs` (what this store says differently), `survey.rs` (sizes and rights). An SQL
//!    database implements [`sql::Dialect`] and gets [`RowStore`], [`Lookup`] and [`Survey`] from [`sql::SqlStore`]; a store of names implements
//!    [`keyed::Backend`] and gets [`RowStore`] from [`keyed::KeyStore`]; any other kind implements the trait itself.
//! 2. A word in [`StoreKind`], and an arm in [`open`] or [`open_keys`] (in `opened.rs`).
//! 3. A caller of the suite in `tests/stores_conformance.rs`, with the real server.
//!
//! How to add somebody who is asked stands in [`request`].

pub mod error;
pub mod http;
pub mod key;
pub mod keyed;
mod later;
pub mod mail;
pub mod mysql;
pub mod object;
mod opened;
pub mod postgres;
pub mod redis;
pub mod request;
pub mod schema;
pub mod shape;
pub mod sql;
pub mod sqlite;
pub mod survey;

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::domain::stored_enum;

pub use error::StoreError;
pub use key::{Key, KeyValue};
pub use keyed::{Shape, Shapes};
pub use opened::{Opened, Stores, open, open_keys};
pub use request::{AskError, Identity, Order, Part, Progress, RecipientKind, RequestStore};
pub use schema::{Collation, Column, ColumnKind, ForeignKey, OnDelete, RowsOf, Schema, Table};
pub use shape::ValueShapes;
pub use survey::{Attempt, Right, Survey};

/// What a store is called in the data map.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct StoreName(String);

impl StoreName {
    /// A name of 1 to 40 lower-case letters, digits, `_` and `-`; anything else is `None`. It stands in letters,
    /// logs and the trail, so it must not be able to carry anything.
    #[must_use]
    pub fn new(name: &str) -> Option<Self> {
        let fits = !name.is_empty()
            && name.len() <= 40
            && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_' || b == b'-');
        fits.then(|| Self(name.to_owned()))
    }

    /// The name as it is written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for StoreName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

stored_enum! {
    /// The kinds of store that rows can be erased from.
    StoreKind, "store kind" {
        /// A SQLite file.
        Sqlite = "sqlite",
        /// PostgreSQL 13 or later.
        Postgres = "postgres",
        /// MariaDB 10.6 or later, MySQL 8 or later.
        Mysql = "mysql",
        /// Redis 6.2 or later: one logical database of one server.
        Redis = "redis",
        /// A bucket of S3, or a local folder.
        Objects = "objects",
    }
}

impl StoreKind {
    /// Whether the map declares its tables, because it has none of its own.
    #[must_use]
    pub const fn is_keyed(self) -> bool {
        matches!(self, Self::Redis | Self::Objects)
    }
}

/// What a store may take at most.
#[derive(Clone, Copy, Debug)]
pub struct StoreLimits {
    /// Connections held at most.
    pub connections_max: u32,
    /// How long one statement may run.
    pub statement_timeout: Duration,
    /// How long a statement may wait for a lock.
    pub lock_timeout: Duration,
    /// How often a statement is tried when the store answers deadlock, serialisation failure or busy.
    pub attempts_max: u32,
    /// Rows that one directory query may answer.
    pub lookup_rows_max: u32,
}

impl Default for StoreLimits {
    fn default() -> Self {
        Self {
            connections_max: 4,
            statement_timeout: Duration::from_secs(30),
            lock_timeout: Duration::from_secs(5),
            attempts_max: 5,
            lookup_rows_max: 100,
        }
    }
}

/// The rows of one table whose columns hold one of these values.
#[derive(Clone, Copy)]
pub struct Select<'a> {
    /// The table, by the name that [`Schema::tables`] has it under.
    pub table: &'a str,
    /// The columns that are compared, in the order of each value.
    pub columns: &'a [String],
    /// The values; a row matches when it equals one of them in every column.
    pub values: &'a [Key],
    /// The table of the same store, and its columns, that the values were read from, where one points to the other. What both ends
    /// take for the same then matches, as along a foreign key. `None` where values came from elsewhere: they match to the byte.
    pub linked_to: Option<(&'a str, &'a [String])>,
}

/// What a masked column becomes.
#[derive(Clone)]
pub enum NewValue {
    /// NULL.
    Null,
    /// The same text in every row; never personal data.
    Constant(String),
    /// A text for each key, in the order of the keys.
    PerKey {
        /// The texts.
        texts: Vec<String>,
        /// So many characters at their start are the same in every text of this form. What begins with them and is as
        /// long counts as masked, whoever wrote it.
        alike: usize,
    },
    /// The same, where some become NULL.
    Each(Vec<Option<String>>),
}

/// One column of a mask.
#[derive(Clone)]
pub struct Assignment {
    /// The column.
    pub column: String,
    /// What it becomes.
    pub value: NewValue,
}

/// The key column of a canary's table, the key of its one row, and the column that we write.
pub const CANARY_KEY: &str = "id";
/// See [`CANARY_KEY`].
pub const CANARY_ROW: &str = "expunged";
/// See [`CANARY_KEY`].
pub const CANARY_EPOCH: &str = "epoch";

/// How many rows there are, and how many of them hold something.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// The rows.
    pub rows: u64,
    /// Per group of columns: those rows of them in which at least one of its columns is not NULL.
    pub holding: Vec<u64>,
}

/// A store whose rows can be found, deleted and masked by key.
///
/// MUST: bind every value; take identifiers only from its own catalogue and quote them; change nothing but the rows
/// whose key was handed in; undo a statement that changed more rows than keys were handed in; be idempotent (the
/// same call twice leaves the same rows); answer within the limits; compare keys to the byte, never cut or rounded;
/// answer `Err` for a key that the column's type cannot hold, because a key that is silently passed over would be a
/// row that is silently kept; answer `Err` for a row that it was to change and could not, never a smaller number alone; say
/// in the schema what nobody mapped. SHOULD: use one statement per call, and an index where there is one; try again after
/// deadlock, serialisation failure and busy, a bounded number of times.
///
/// Callers hand in at most a chunk of keys (1,000 by default) per call, without duplicates.
#[async_trait]
pub trait RowStore: Send + Sync {
    /// Answers when the store can be reached and read.
    async fn ping(&self) -> Result<(), StoreError>;

    /// Reads the catalogue: tables, columns, keys and foreign keys as they are now.
    async fn schema(&self) -> Result<Schema, StoreError>;

    /// The keys (`key` columns) of the selected rows above `after`, ascending by key, at most `limit`: a page. (A store
    /// that walks through everything for any page answers all rows in one.) A value
    /// beyond the range of the compared column matches nothing; one of another kind is an error. Values are compared
    /// to the byte, except in the columns of a foreign key, where the store itself says what is linked.
    async fn keys(
        &self,
        select: Select<'_>,
        key: &[String],
        after: Option<&Key>,
        limit: u32,
    ) -> Result<Vec<Key>, StoreError>;

    /// The keys (`key` columns) of the rows that are in both selections of one table; in no order. Values compare as in
    /// [`keys`](Self::keys).
    async fn keys_of_both(&self, one: Select<'_>, other: Select<'_>, key: &[String]) -> Result<Vec<Key>, StoreError>;

    /// A key as this table has it, from the text that a person or a directory gives (a UUID in capitals, bytes as
    /// hex). A text that is no value of the column's kind is an error.
    fn canonical(&self, table: &str, columns: &[String], key: &Key) -> Result<Key, StoreError>;

    /// How many rows are selected; with assignments, how many of them do not hold the new values. Of these, how many hold
    /// something in one of the columns of a group: one that is not NULL, and not its new value already. All that lies under a
    /// name of a store without tables counts as held.
    async fn tally(
        &self,
        select: Select<'_>,
        assignments: &[Assignment],
        groups: &[Vec<String>],
    ) -> Result<Tally, StoreError>;

    /// How many rows are selected.
    async fn count(&self, select: Select<'_>) -> Result<u64, StoreError>;

    /// Deletes the selected rows; answers how many there were.
    async fn delete(&self, select: Select<'_>) -> Result<u64, StoreError>;

    /// Gives columns of the selected rows new values; answers how many rows there were.
    async fn mask(&self, select: Select<'_>, assignments: &[Assignment]) -> Result<u64, StoreError>;

    /// How many of the selected rows do not hold the new values: what a mask left behind.
    async fn residue(&self, select: Select<'_>, assignments: &[Assignment]) -> Result<u64, StoreError>;

    /// The values of these columns in the selected rows, NULL as `None`; as many rows as are selected, so callers select
    /// by a key.
    async fn values(&self, select: Select<'_>, columns: &[String]) -> Result<Vec<Vec<Option<KeyValue>>>, StoreError>;

    /// What stands in our canary: in the one row of this table, or, in a store of names, under this name. `None` where nobody
    /// made it.
    async fn canary(&self, at: &str) -> Result<Option<String>, StoreError> {
        let (columns, values) = ([CANARY_KEY.to_owned()], [Key(vec![KeyValue::Text(CANARY_ROW.to_owned())])]);
        let select = Select { table: at, columns: &columns, values: &values, linked_to: None };
        let found = self.keys(select, &[CANARY_EPOCH.to_owned()], None, 2).await?;
        Ok(found.first().and_then(|Key(values)| values.first()).map(KeyValue::to_text))
    }

    /// Writes our canary anew, where somebody made it: nothing is made here.
    async fn set_canary(&self, at: &str, epoch: &str) -> Result<(), StoreError> {
        let (columns, values) = ([CANARY_KEY.to_owned()], [Key(vec![KeyValue::Text(CANARY_ROW.to_owned())])]);
        let select = Select { table: at, columns: &columns, values: &values, linked_to: None };
        let value = NewValue::Constant(epoch.to_owned());
        self.mask(select, &[Assignment { column: CANARY_EPOCH.to_owned(), value }]).await.map(drop)
    }
}

/// One row of a directory query: column → text, `None` for NULL. Personal data: never printed.
pub type LookupRow = BTreeMap<String, Option<String>>;

/// A store that answers configured queries for the directory.
///
/// MUST: run in a read-only transaction, bind every parameter, refuse more rows than the limit. The query names its
/// parameters `:name`; each is bound as text (write `CAST(:account AS bigint)` where the type matters).
#[async_trait]
pub trait Lookup: Send + Sync {
    /// Runs a configured query; every column comes back as text.
    async fn lookup(&self, sql: &str, params: &[(&str, &str)]) -> Result<Vec<LookupRow>, StoreError>;

    /// The names of the columns that a configured query with these parameters answers; runs nothing.
    async fn describe(&self, sql: &str, params: &[&str]) -> Result<Vec<String>, StoreError>;
}

/// A store that both erases rows and answers directory queries.
pub trait SqlRows: RowStore + Lookup {}
impl<T: RowStore + Lookup> SqlRows for T {}
