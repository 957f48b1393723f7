//! What can go wrong with our own database. Never says a value that somebody wrote.

use std::error::Error as StdError;
use std::fmt;
use std::path::{Path, PathBuf};

use sqlx::error::ErrorKind;

use crate::domain::Retry;

/// A failure of our own database.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DbError {
    /// The database refused a statement or could not be reached.
    #[error("the database did not do what it was asked to")]
    Sql(#[source] SqlFailure),
    /// There is no room for what was to be written.
    #[error(
        "the disk that holds our own database is full: make room there, then start expunged again. Nothing was acknowledged that is not \
         stored, and what was under way is taken up again"
    )]
    Full(#[source] SqlFailure),
    /// The disk did not take or give what was asked of it.
    #[error(
        "the disk that holds our own database fails to read or to write: see the log of the system and mend the disk, then start expunged \
         again. Nothing was acknowledged that is not stored"
    )]
    Disk(#[source] SqlFailure),
    /// The login may not make or use what is needed.
    #[error("the login {login} of our own database lacks a right; as its owner or a superuser: {grant}")]
    NotPermitted {
        /// Who we are there.
        login: String,
        /// What gives it the right.
        grant: String,
        /// What the database said.
        source: SqlFailure,
    },
    /// A PostgreSQL that nobody has tried this on.
    #[error("PostgreSQL {found} is too old: {wanted} or later is needed")]
    OldPostgres {
        /// The version that was found.
        found: String,
        /// The first version that is taken.
        wanted: u32,
    },
    /// A parameter could not be sent.
    #[error("a parameter does not fit the database")]
    Encode(#[source] Box<dyn StdError + Send + Sync>),
    /// A stored value is not what the program wrote there.
    #[error("{table}, row {row}: the stored value of {column} is not readable")]
    Stored {
        /// The table, as far as the query told.
        table: &'static str,
        /// The column.
        column: String,
        /// The row's id, or `?`.
        row: String,
        /// What is wrong with it.
        source: Box<dyn StdError + Send + Sync>,
    },
    /// A statement changed or found another number of rows than it must.
    #[error("{found} rows where {expected} was expected")]
    RowCount {
        /// How many there must be.
        expected: u64,
        /// How many there were.
        found: u64,
    },
    /// The lease had passed on before the work was settled: nothing of this transaction may be committed.
    #[error("the lease on the job was lost before the work was settled; somebody else does it now")]
    LostLease,
    /// The address of the database is none that we know.
    #[error("the database url must begin with sqlite:// or postgres://")]
    UnknownUrl,
    /// The address of the database could not be read.
    #[error("the database url cannot be read")]
    BadUrl(#[source] Box<dyn StdError + Send + Sync>),
    /// The database file could not be made.
    #[error("the database file {} cannot be created; is its folder there, and may we write to it?", .path.display())]
    File {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A file that is no database that we can open.
    #[error("the file {} cannot be opened as an SQLite database; is it the right one, and may we read and write it and its folder?", .path.display())]
    Unopened {
        /// Which file.
        path: PathBuf,
        /// What SQLite said.
        source: Box<SqlFailure>,
    },
    /// The folder that the database file would be in is not there: a slip in the url, or a disk that is not mounted.
    #[error("the folder {} of our own database is not there, and the first start makes no folders; make it, or mend url under [database]", .0.display())]
    NoFolder(PathBuf),
    /// There is no database file yet.
    #[error("there is no database yet: `expunged run` makes it at its first start; is the url under [database] right?")]
    NotThere,
    /// SQLite before 3.51.3 can corrupt a write-ahead log.
    #[error("SQLite {found} is too old: {wanted} or later is needed (older ones can corrupt a write-ahead log)")]
    OldSqlite {
        /// The version that was found.
        found: String,
        /// The first version that is taken.
        wanted: &'static str,
    },
    /// The schema was made by a newer program.
    #[error("the database has schema {found}, this program knows {known}: run the newer expunged")]
    NewerSchema {
        /// The schema's number.
        found: i64,
        /// The last number that this program knows.
        known: i64,
    },
    /// The schema was made by an older program.
    #[error(
        "the database has schema {found}, this program needs {known}: `expunged run` brings it up to date when it starts"
    )]
    OlderSchema {
        /// The schema's number.
        found: i64,
        /// The number that this program needs.
        known: i64,
    },
    /// A migration that ran here has another name than the one this program carries.
    #[error("migration {number} ran here as {found:?}, this program calls it {known:?}")]
    ForeignSchema {
        /// The migration's number.
        number: i64,
        /// Its name in the database.
        found: String,
        /// Its name in the program.
        known: &'static str,
    },
    /// A migration that ran here had another text than the one this program carries.
    #[error(
        "migration {number} ({name}) ran here with another text than this program carries: start the program that made this \
         database, or one that was released after it"
    )]
    ChangedMigration {
        /// The migration's number.
        number: i64,
        /// Its name.
        name: String,
    },
}

impl From<sqlx::Error> for DbError {
    fn from(error: sqlx::Error) -> Self {
        let failure = SqlFailure(error);
        let trouble = failure.code().and_then(|code| disk_trouble(&code));
        match trouble {
            Some(Trouble::Full) => Self::Full(failure),
            Some(Trouble::Fails) => Self::Disk(failure),
            None => Self::Sql(failure),
        }
    }
}

/// What ails a disk.
enum Trouble {
    Full,
    Fails,
}

/// SQLite: FULL (13), and IOERR (10) with its extended codes. PostgreSQL: 53100 disk full, 58030 input or output.
fn disk_trouble(code: &str) -> Option<Trouble> {
    match code {
        "53100" => return Some(Trouble::Full),
        "58030" => return Some(Trouble::Fails),
        _ => {}
    }
    match code.parse::<u32>().ok().filter(|_| code.len() < 5)? & 0xff {
        13 => Some(Trouble::Full),
        10 => Some(Trouble::Fails),
        _ => None,
    }
}

impl DbError {
    /// Whether the same transaction, begun again, may go through: whoever does not let us in may do so later, once a person has mended
    /// it, and a daemon that runs waits for that as for any outage.
    #[must_use]
    pub fn retry(&self) -> Retry {
        match self {
            Self::Sql(failure) | Self::Full(failure) if failure.is_transient() => Retry::Transient,
            Self::Sql(failure) if failure.is_shut_out() => Retry::Transient,
            _ => Retry::Permanent,
        }
    }

    /// Whether the work is none the worse for it: the database was away, was busy with others, or the lease passed on
    /// meanwhile. A statement that took too long may be the work's own fault.
    #[must_use]
    pub fn is_passing(&self) -> bool {
        match self {
            // A disk is no fault of the work either.
            Self::LostLease | Self::Full(_) | Self::Disk(_) => true,
            Self::Sql(failure) => {
                failure.is_shut_out() || failure.is_transient() && failure.code().as_deref() != Some("57014")
            }
            _ => false,
        }
    }

    /// Whether the database is not there for us: it does not answer, or does not let us in.
    #[must_use]
    pub fn is_away(&self) -> bool {
        self.retry() == Retry::Transient || matches!(self, Self::Unopened { .. } | Self::NotPermitted { .. })
    }

    /// Whether SQLite ended a transaction by itself, so that the connection does not know any more whether it is in one.
    pub(super) const fn is_out_of_step(&self) -> bool {
        matches!(self, Self::Sql(SqlFailure(sqlx::Error::InvalidSavePointStatement | sqlx::Error::BeginFailed)))
    }

    /// The same error, naming the file where that is what cannot be opened.
    pub(super) fn of_file(self, path: &Path) -> Self {
        match self {
            Self::Sql(failure) if failure.is_of_file() => {
                Self::Unopened { path: path.to_owned(), source: Box::new(failure) }
            }
            other => other,
        }
    }

    /// The same error, saying which right is lacking where that is what it is about (42501).
    pub(super) fn of_login(self, login: &str, is_to_look: bool) -> Self {
        match self {
            Self::Sql(failure) if failure.code().as_deref() == Some("42501") => {
                let grant = if is_to_look {
                    let quoted = quoted(login);
                    format!(
                        "GRANT USAGE ON SCHEMA public TO {quoted}; GRANT SELECT ON ALL TABLES IN SCHEMA public TO {quoted}"
                    )
                } else {
                    grant_to_make(login)
                };
                Self::NotPermitted { login: login.to_owned(), grant, source: failure }
            }
            other => other,
        }
    }

    /// Whether a unique index or a primary key refused the row.
    #[must_use]
    pub fn is_unique_violation(&self) -> bool {
        matches!(self, Self::Sql(failure) if failure.kind() == Some(ErrorKind::UniqueViolation))
    }

    /// Whether a foreign key refused the row.
    #[must_use]
    pub fn is_foreign_key_violation(&self) -> bool {
        matches!(self, Self::Sql(failure) if failure.kind() == Some(ErrorKind::ForeignKeyViolation))
    }

    /// What a gate in the database said when it refused the change (the text of the trigger after `gate:`).
    #[must_use]
    pub fn refused_by_gate(&self) -> Option<&str> {
        let Self::Sql(SqlFailure(sqlx::Error::Database(error))) = self else { return None };
        error.message().strip_prefix("gate:").map(str::trim)
    }
}

/// What lets a login of PostgreSQL make and change our tables.
pub(super) fn grant_to_make(login: &str) -> String {
    let quoted = quoted(login);
    format!(
        "GRANT USAGE, CREATE ON SCHEMA public TO {quoted}, in the database of [database] url; tables that another login made there must be \
         its own (ALTER TABLE … OWNER TO {quoted})"
    )
}

fn quoted(login: &str) -> String {
    format!("\"{}\"", login.replace('"', "\"\""))
}

/// What the driver said. Shows the database's code, table and constraint, and its text only where that cannot
/// quote a value.
pub struct SqlFailure(sqlx::Error);

impl SqlFailure {
    fn kind(&self) -> Option<ErrorKind> {
        self.0.as_database_error().map(sqlx::error::DatabaseError::kind)
    }

    fn code(&self) -> Option<std::borrow::Cow<'_, str>> {
        self.0.as_database_error().and_then(sqlx::error::DatabaseError::code)
    }

    fn is_transient(&self) -> bool {
        match &self.0 {
            sqlx::Error::Io(_) | sqlx::Error::PoolTimedOut | sqlx::Error::BeginFailed | sqlx::Error::WorkerCrashed => {
                true
            }
            sqlx::Error::Database(error) => error.code().is_some_and(|code| is_transient_code(&code)),
            _ => false,
        }
    }
}

impl SqlFailure {
    /// SQLite's 8 (it may only read, where its log has to be written even to look), 14 (it cannot open the file) and 26 (the file
    /// is no database).
    fn is_of_file(&self) -> bool {
        let sqlx::Error::Database(error) = &self.0 else { return false };
        let code = error.code().filter(|code| code.len() < 5).and_then(|code| code.parse::<u32>().ok());
        code.is_some_and(|code| matches!(code & 0xff, 8 | 14 | 26))
    }

    fn is_shut_out(&self) -> bool {
        match &self.0 {
            sqlx::Error::Tls(_) => true,
            sqlx::Error::Database(error) => error.code().is_some_and(|code| is_shut_out_code(&code)),
            _ => false,
        }
    }
}

/// PostgreSQL: 28 invalid authorisation, 3D000 no such database, 55000 one that takes no connections (ALLOW_CONNECTIONS false).
fn is_shut_out_code(code: &str) -> bool {
    code.len() == 5 && (code.starts_with("28") || matches!(code, "3D000" | "55000"))
}

/// PostgreSQL: 08 connection, 40 rollback (serialisation, deadlock), 53 resources, 55P03 lock not available, 57P0x
/// shutdown, 57014 statement timeout, 25006 a server that only reads since another took its place. SQLite: BUSY (5), LOCKED (6) and their extended codes in the low byte.
fn is_transient_code(code: &str) -> bool {
    const CLASSES: [&str; 3] = ["08", "40", "53"];
    const CODES: [&str; 6] = ["25006", "55P03", "57P01", "57P02", "57P03", "57014"];
    if code.len() == 5 && (CLASSES.iter().any(|class| code.starts_with(class)) || CODES.contains(&code)) {
        return true;
    }
    code.len() < 5 && code.parse::<u32>().is_ok_and(|code| matches!(code & 0xff, 5 | 6))
}

impl fmt::Display for SqlFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sqlx::Error::Database(error) = &self.0 else { return self.0.fmt(f) };
        let code = error.code().unwrap_or_default();
        write!(f, "code {code}")?;
        if let Some(table) = error.table() {
            write!(f, ", table {table}")?;
        }
        if let Some(constraint) = error.constraint() {
            write!(f, ", constraint {constraint}")?;
        }
        // PostgreSQL's class 22 ("invalid input syntax … \"value\"") quotes what it was given.
        if !(code.len() == 5 && code.starts_with("22")) {
            write!(f, ": {}", error.message())?;
        }
        Ok(())
    }
}

/// The same as Display: the driver's own Debug prints the detail line, which quotes whole rows.
impl fmt::Debug for SqlFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl StdError for SqlFailure {}

#[cfg(test)]
mod tests {
    use super::{Trouble, disk_trouble, is_shut_out_code, is_transient_code};

    #[test]
    fn a_refused_login_is_no_fault_of_a_statement() {
        for code in ["28P01", "28000", "3D000", "55000"] {
            assert!(is_shut_out_code(code) && !is_transient_code(code), "{code}");
        }
        for code in ["23505", "42501", "28", "14"] {
            assert!(!is_shut_out_code(code), "{code}");
        }
    }

    #[test]
    fn busy_deadlock_and_lost_connections_are_transient() {
        for code in ["40001", "40P01", "08006", "57P01", "53300", "5", "517", "6", "262"] {
            assert!(is_transient_code(code), "{code}");
        }
        for code in ["23505", "22P02", "42601", "1555", "2067", "1811", "19", "13"] {
            assert!(!is_transient_code(code), "{code}");
        }
    }

    #[test]
    fn a_disk_that_is_full_or_fails_is_told_from_anything_else() {
        for (code, full) in [("13", true), ("53100", true), ("10", false), ("1034", false), ("58030", false)] {
            let trouble = disk_trouble(code);
            assert_eq!(matches!(trouble, Some(Trouble::Full)), full, "{code}");
            assert!(trouble.is_some(), "{code}");
        }
        for code in ["5", "19", "1555", "23505", "53300", "57P01"] {
            assert!(disk_trouble(code).is_none(), "{code}");
        }
    }
}
