//! The directory: who an address is in which account, whom an owner means, who owns an account, and whose service has ended.
//!
//! It only answers; it proves nothing, keeps nothing and never writes. Nothing that it returns prints itself.
//!
//! # How to add a kind of directory
//! Where it answers questions with rows, a file here with one type that implements [`Lookup`]: [`SqlDirectory`] puts its queries to it
//! and judges the rows, so that all kinds have the same limits and errors ([`http`](self::HttpLookup) and
//! [`ldap`](self::LdapLookup) are made so). Else one that implements [`Directory`]. Then a variant of the config's `Directory`,
//! its section in `config/check/directory.rs`, and an arm in `daemon/build/directory.rs`.

mod closed;
mod ended;
mod file;
mod http;
mod ldap;
mod rehearsal;
mod sql;

use std::fmt;

use async_trait::async_trait;

use crate::domain::{Retry, Role, Timestamp};

pub use closed::ClosedDirectory;
pub use ended::Ended;
pub use file::FileDirectory;
pub use http::HttpLookup;
pub use ldap::{LdapLookup, LdapSettings, is_filter};
pub use rehearsal::{Trial, rehearse};
pub use sql::{Lookup, Queries, QueryError, Refusal, Row, SqlDirectory};

/// The longest address (RFC 5321 §4.5.3.1.3: 256 octets with its brackets) or identifier that is looked up.
pub const IDENTIFIER_BYTES_MAX: usize = 320;

/// What an address is in one account.
#[derive(Clone, PartialEq, Eq)]
pub struct Membership {
    /// The account's id, byte-exact.
    pub account: String,
    /// What the address is there.
    pub role: Role,
    /// The key of the person's row.
    pub person_key: String,
    /// Where a challenge goes: what is on file, not what was written.
    pub address_on_file: String,
    /// Such as `de-AT`.
    pub locale: Option<String>,
    /// When address or password last changed, if the directory knows.
    pub changed_at: Option<Timestamp>,
}

/// Somebody in an account.
#[derive(Clone, PartialEq, Eq)]
pub struct Person {
    /// The account's id, byte-exact.
    pub account: String,
    /// What they are there.
    pub role: Role,
    /// The key of their row.
    pub key: String,
    /// Their address, if one is on file.
    pub address_on_file: Option<String>,
    /// What an owner knows them by; for letters to the owner only.
    pub label: String,
    /// Such as `de-AT`.
    pub locale: Option<String>,
}

impl fmt::Debug for Membership {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Membership({}, …)", self.role)
    }
}

impl fmt::Debug for Person {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Person({}, …)", self.role)
    }
}

/// Why the directory gave no answer. The texts name queries and columns, never what was asked or found.
#[derive(Debug, thiserror::Error)]
pub enum DirectoryError {
    /// What is asked did not answer the query.
    #[error("the query `{query}` of [directory] brings no answer")]
    Query {
        /// The query's name in the configuration.
        query: &'static str,
        /// What the store said.
        source: QueryError,
    },
    /// The query does not return a column that is needed, or NULL in it.
    #[error("the directory query `{query}` gave no value in column `{column}`")]
    Missing {
        /// The query's name in the configuration.
        query: &'static str,
        /// The column.
        column: &'static str,
    },
    /// A role that is none.
    #[error("the directory query `{query}` gave a role that is none of owner, user, end_user")]
    UnknownRole {
        /// The query's name in the configuration.
        query: &'static str,
    },
    /// A time that is none.
    #[error("the directory query `{query}` gave a `{column}` that is no time (RFC 3339, or a date and time in UTC)")]
    BadTime {
        /// The query's name in the configuration.
        query: &'static str,
        /// The column.
        column: &'static str,
    },
    /// A row of another account than the one that was asked about.
    #[error("the directory query `{query}` gave a person of another account")]
    OtherAccount {
        /// The query's name in the configuration.
        query: &'static str,
    },
    /// More rows than one address or name can mean.
    #[error("the directory query `{query}` gave more than {rows_max} rows")]
    TooManyRows {
        /// The query's name in the configuration.
        query: &'static str,
        /// The limit.
        rows_max: usize,
    },
    /// An account with two owners.
    #[error("the directory query `{query}` gave several owners of one account, or somebody who is no owner")]
    NotOneOwner {
        /// The query's name in the configuration.
        query: &'static str,
    },
    /// A number that is none.
    #[error("the directory query `{query}` gave a `{column}` that is no number")]
    BadNumber {
        /// The query's name in the configuration.
        query: &'static str,
        /// The column.
        column: &'static str,
    },
    /// Pages that do not follow one another.
    #[error(
        "the directory query `{query}` gives no pages that follow one another: it needs a WHERE with account >= :from, an \
         ORDER BY account and a LIMIT of 2 or more"
    )]
    NoPages {
        /// The query's name in the configuration.
        query: &'static str,
    },
    /// A query that the configuration does not have.
    #[error("the configuration has no directory query `{query}`")]
    NoQuery {
        /// The query's name in the configuration.
        query: &'static str,
    },
    /// Whoever asks has not opened it.
    #[error("the directory is not open to a command that only needs our own database")]
    Closed,
    /// The file was a directory when it was read first, and is none now: somebody is changing it.
    #[error("the directory file cannot be read any more; it is read again when it is asked next")]
    FileChanged(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The file is no directory.
    #[error("the directory file cannot be read")]
    File(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl DirectoryError {
    /// The query that it is about, by its name in the configuration.
    #[must_use]
    pub const fn query(&self) -> Option<&'static str> {
        match self {
            Self::Query { query, .. }
            | Self::Missing { query, .. }
            | Self::UnknownRole { query }
            | Self::BadTime { query, .. }
            | Self::OtherAccount { query }
            | Self::TooManyRows { query, .. }
            | Self::BadNumber { query, .. }
            | Self::NoPages { query }
            | Self::NoQuery { query }
            | Self::NotOneOwner { query } => Some(query),
            Self::Closed | Self::File(_) | Self::FileChanged(_) => None,
        }
    }

    /// Whether the same question may be answered later.
    #[must_use]
    pub fn retry(&self) -> Retry {
        match self {
            Self::Query { source, .. } => source.retry,
            Self::FileChanged(_) => Retry::Transient,
            _ => Retry::Permanent,
        }
    }

    /// What whoever is asked does not take: a table or column that is not there, a slip in the query, a login. They will not take
    /// it for the next letter either.
    #[must_use]
    pub const fn refusal(&self) -> Option<Refusal> {
        match self {
            Self::Query { source, .. } => source.refusal,
            _ => None,
        }
    }
}

/// A column that a configured query must answer and does not: found before a row comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MissingColumn {
    /// The query's name in the configuration.
    pub query: &'static str,
    /// The column.
    pub column: &'static str,
}

impl fmt::Display for MissingColumn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { query, column } = self;
        write!(f, "the query `{query}` of [directory] answers no column `{column}`; add `… AS {column}` to its SELECT")
    }
}

/// Says who an address is.
#[async_trait]
pub trait Directory: Send + Sync {
    /// What a configured query must answer and does not. A directory without queries lacks nothing.
    ///
    /// # Errors
    /// [`DirectoryError`] where a query cannot be described.
    async fn missing(&self) -> Result<Vec<MissingColumn>, DirectoryError> {
        Ok(Vec::new())
    }

    /// Every account and role of an address; empty for a stranger.
    ///
    /// # Errors
    /// [`DirectoryError`] where there is no answer; never for "nobody".
    async fn find(&self, address: &str) -> Result<Vec<Membership>, DirectoryError>;

    /// The users and end-users of an account whom an identifier names: none, one or many.
    ///
    /// # Errors
    /// [`DirectoryError`] where there is no answer; never for "nobody".
    async fn target(&self, account: &str, identifier: &str) -> Result<Vec<Person>, DirectoryError>;

    /// A page of the accounts whose service has ended, in the order of the store: that with this id, if it is one, and those behind it.
    /// Empty before the first.
    ///
    /// # Errors
    /// [`DirectoryError`] where there is no answer; [`DirectoryError::NoQuery`] where the directory cannot tell.
    async fn ended(&self, from: &str) -> Result<Vec<Ended>, DirectoryError> {
        let _ = from;
        Err(DirectoryError::NoQuery { query: "ended" })
    }

    /// How many accounts there are in all.
    ///
    /// # Errors
    /// As [`ended`](Self::ended).
    async fn accounts(&self) -> Result<u64, DirectoryError> {
        Err(DirectoryError::NoQuery { query: "accounts" })
    }

    /// The one owner of an account, or `None` for no such account.
    ///
    /// # Errors
    /// [`DirectoryError`] where there is no answer, or more than one owner.
    async fn owner(&self, account: &str) -> Result<Option<Person>, DirectoryError>;
}

/// What is looked up, or `None` for what cannot be on file: nothing, too much, or something with control characters.
fn asked(text: &str) -> Option<&str> {
    let text = text.trim();
    (!text.is_empty() && text.len() <= IDENTIFIER_BYTES_MAX && !text.chars().any(char::is_control)).then_some(text)
}
