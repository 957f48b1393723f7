//! What can go wrong with a store. Never says a value of a row: drivers quote rows in their messages, so their text
//! is shown only where it cannot ("no such column").

use std::error::Error as StdError;
use std::fmt;
use std::path::{Path, PathBuf};

use crate::domain::Retry;

use super::object::ObjectFailure;
use super::redis::RedisFailure;
use super::{StoreKind, StoreName};

/// A failure of a store.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The url cannot be read. Its text is a secret.
    #[error("the store's url cannot be read; expected {expected}")]
    BadUrl {
        /// What it should look like.
        expected: &'static str,
    },
    /// The store could not be reached or refused a statement.
    #[error("the store did not do what it was asked to")]
    Sql(#[source] SqlFailure),
    /// A file that is no SQLite database that we can open.
    #[error("the file {} cannot be opened as an SQLite database", .path.display())]
    Unopened {
        /// Which file.
        path: PathBuf,
        /// What SQLite said.
        source: Box<SqlFailure>,
    },
    /// A statement did not end in time.
    #[error("the store did not answer within {seconds} s")]
    Timeout {
        /// The limit.
        seconds: u64,
    },
    /// It was away when the daemon started, and was not reached since.
    #[error("the store was away when the daemon started, and was not reached since")]
    NotReached,
    /// The catalogue answered a row that is not understood.
    #[error("the store's catalogue cannot be read")]
    Catalogue,
    /// The login does not see every table, and what it does not see may go uncounted by a cascade.
    #[error("the login does not see every table of the database; let it see their names: {grant}")]
    HiddenTables {
        /// What to run.
        grant: String,
    },
    /// The catalogue has no such table.
    #[error("the store has no table {table:?}")]
    UnknownTable {
        /// The table.
        table: String,
    },
    /// The catalogue has no such column.
    #[error("table {table:?} has no column {column:?}")]
    UnknownColumn {
        /// The table.
        table: String,
        /// The column.
        column: String,
    },
    /// More rows changed than keys were handed in: undone.
    #[error("table {table:?}: {found} rows changed where at most {max} were expected; the change was undone")]
    RowCount {
        /// The table.
        table: String,
        /// Keys that were handed in.
        max: u64,
        /// Rows that changed.
        found: u64,
    },
    /// A key that the column's type cannot hold, or another number of values than columns.
    #[error("table {table:?}: a key does not fit its columns")]
    KeyShape {
        /// The table.
        table: String,
    },
    /// A key column holds NULL, so that rows cannot be told apart.
    #[error("table {table:?}: a key is NULL")]
    NullKey {
        /// The table.
        table: String,
    },
    /// A directory query answered more rows than allowed.
    #[error("the query answers more than {max} rows")]
    TooManyRows {
        /// The limit.
        max: u32,
    },
    /// A directory query names a parameter that nobody gives.
    #[error("the query names the parameter :{name}, which is not given here")]
    UnknownParameter {
        /// The name in the query.
        name: String,
    },
    /// Redis could not be reached or refused a command.
    #[error("the store did not do what it was asked to")]
    Redis(#[source] RedisFailure),
    /// A bucket or a folder could not be reached or refused a call.
    #[error("the store did not do what it was asked to")]
    Objects(#[source] ObjectFailure),
    /// A folder that is not there: perhaps its disk is not mounted.
    #[error("the folder of the store is not there; is its disk mounted?")]
    NoFolder,
    /// Something lies in a folder that is neither a file nor a folder.
    #[error("the folder of the store holds a link or a device; put the files themselves there")]
    NoFile,
    /// An object's name that cannot be handed on as it is.
    #[error(
        "table {table:?}: an object's name has empty parts, blanks at an end, or is no text, and cannot be asked for; rename it"
    )]
    UnsafeName {
        /// The table.
        table: String,
    },
    /// Rows that were to be removed and are still there.
    #[error("table {table:?}: {left} rows were not removed; a lock, a legal hold or a missing permission keeps them")]
    NotRemoved {
        /// The table.
        table: String,
        /// How many are left.
        left: u64,
    },
    /// A server that shows only a part of the data.
    #[error("{problem}: {help}")]
    NotWhole {
        /// What it is.
        problem: &'static str,
        /// What to do.
        help: &'static str,
    },
    /// The login may not do what the map asks for. Tried, and nothing changed.
    #[error("table {table:?}: the login may not do what erasing needs; grant it {grant} on the names of the table")]
    NoGrant {
        /// The table.
        table: String,
        /// What is missing.
        grant: String,
    },
    /// A name holds another kind of value than the map says.
    #[error("table {table:?}: a name holds {found}, where the map says {expected}; correct its type in the map")]
    WrongType {
        /// The table.
        table: String,
        /// What the map says.
        expected: &'static str,
        /// What it is.
        found: String,
    },
    /// Something lies under a name of the map that no member of the map describes.
    #[error("table {table:?}: there are members that the map does not describe; map them, or ignore them")]
    UnknownMember {
        /// The table.
        table: String,
    },
    /// Rows of this table go as a whole: they have no columns that could be written.
    #[error("table {table:?}: rows of this kind of store go as a whole and cannot be masked")]
    NoColumns {
        /// The table.
        table: String,
    },
    /// The store answers no queries, so that it can be no directory.
    #[error("the store {store} answers no queries; name an SQL store as the directory")]
    NoQueries {
        /// Its name.
        store: StoreName,
    },
    /// This kind of store is opened with what the map says of its names.
    #[error("a store of the kind {kind} has no catalogue of its own; open it with what the map says of its names")]
    NoCatalogue {
        /// The kind.
        kind: StoreKind,
    },
    /// A store that the data map names was not opened.
    #[error("the store {store} is not open")]
    NotOpen {
        /// Its name.
        store: StoreName,
    },
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        Self::Sql(SqlFailure(error))
    }
}

impl StoreError {
    /// Whether the same call may go through later. A store that does not let us in (a password that was changed) is mended
    /// by a person, and what was proven until then stays proven.
    #[must_use]
    pub fn retry(&self) -> Retry {
        match self {
            Self::Timeout { .. } | Self::NotReached => Retry::Transient,
            _ if self.is_shut_out() => Retry::Transient,
            Self::Sql(failure) if failure.is_transient() => Retry::Transient,
            Self::NoFolder => Retry::Transient,
            Self::Objects(failure) if failure.is_transient() => Retry::Transient,
            Self::Redis(failure) if failure.is_transient() => Retry::Transient,
            _ => Retry::Permanent,
        }
    }

    /// Whether the store is not there for us: it does not answer, or does not let us in.
    #[must_use]
    pub fn is_shut_out(&self) -> bool {
        match self {
            Self::Sql(SqlFailure(sqlx::Error::Tls(_))) | Self::Unopened { .. } => true,
            Self::Sql(SqlFailure(sqlx::Error::Database(error))) => {
                error.code().is_some_and(|code| is_shut_out(&code, server_number(error.as_ref())))
            }
            _ => false,
        }
    }

    /// Whether the store does not take the statement as it is written: a name that it does not have, a slip in the SQL, a
    /// permission that the login lacks.
    #[must_use]
    pub fn is_refused(&self) -> bool {
        match self {
            Self::UnknownParameter { .. } | Self::NoQueries { .. } => true,
            Self::Sql(SqlFailure(sqlx::Error::Database(error))) => {
                error.code().is_some_and(|code| is_refused(&code, server_number(error.as_ref())))
            }
            _ => false,
        }
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

    /// Whether the store refused to delete a row because another row still points to it. PostgreSQL has a code of its
    /// own for links that say RESTRICT.
    #[must_use]
    pub fn is_foreign_key_violation(&self) -> bool {
        matches!(self, Self::Sql(SqlFailure(sqlx::Error::Database(error)))
            if error.is_foreign_key_violation() || error.code().as_deref() == Some("23001"))
    }

    /// Whether the same statement should be sent again at once: the store undid it to let another go first.
    pub(super) fn is_contention(&self) -> bool {
        matches!(self, Self::Sql(SqlFailure(sqlx::Error::Database(error)))
            if error.code().is_some_and(|code| is_contention(&code, server_number(error.as_ref()))))
    }
}

/// What the driver said, without what it quoted.
pub struct SqlFailure(sqlx::Error);

impl SqlFailure {
    fn is_transient(&self) -> bool {
        match &self.0 {
            sqlx::Error::Io(_)
            | sqlx::Error::PoolTimedOut
            | sqlx::Error::PoolClosed
            | sqlx::Error::BeginFailed
            | sqlx::Error::WorkerCrashed => true,
            sqlx::Error::Database(error) => {
                let number = server_number(error.as_ref());
                error.code().is_some_and(|code| is_contention(&code, number) || is_passing(&code, number))
            }
            _ => false,
        }
    }
}

impl SqlFailure {
    /// Whether SQLite cannot open the file, or finds that it is no database.
    fn is_of_file(&self) -> bool {
        let sqlx::Error::Database(error) = &self.0 else { return false };
        server_number(error.as_ref()).is_none()
            && error.code().is_some_and(|code| cannot_open(&code) || is_no_database(&code))
    }
}

/// PostgreSQL's class 42, MySQL's unknown names and denied commands, SQLite's generic error.
fn is_refused(code: &str, mysql: Option<u16>) -> bool {
    match mysql {
        Some(number) => matches!(number, 1054 | 1064 | 1142 | 1143 | 1146 | 1305 | 1370),
        None => code.len() == 5 && code.starts_with("42") || code == "1",
    }
}

/// MySQL's own number, which says more than its SQLSTATE.
fn server_number(error: &dyn sqlx::error::DatabaseError) -> Option<u16> {
    error.try_downcast_ref::<sqlx::mysql::MySqlDatabaseError>().map(sqlx::mysql::MySqlDatabaseError::number)
}

/// Deadlock, serialisation failure, lock not available, busy: PostgreSQL class 40 and 55P03, MySQL 1213 and 1205,
/// SQLite 5 and 6 (busy, locked) in the low byte.
fn is_contention(code: &str, mysql: Option<u16>) -> bool {
    match mysql {
        Some(number) => matches!(number, 1205 | 1213 | 1020),
        None if code.len() == 5 => code.starts_with("40") || code == "55P03",
        None => code.parse::<u32>().is_ok_and(|code| matches!(code & 0xff, 5 | 6)),
    }
}

/// Down, shutting down, failing over to a copy that only reads, closed to connections for a while, out of resources or
/// disk, statement ended or timed out; SQLite's 8 (only reads, or its file was moved away while it was open), 9
/// (interrupted), 10 (input or output) and 13 (full).
fn is_passing(code: &str, mysql: Option<u16>) -> bool {
    match mysql {
        Some(number) => {
            matches!(number, 1021 | 1040 | 1053 | 1077 | 1114 | 1203 | 1290 | 1317 | 1927 | 1969 | 3024)
        }
        None if code.len() == 5 => {
            code.starts_with("08")
                || code.starts_with("53")
                || matches!(code, "25006" | "25P03" | "55000" | "57P01" | "57P02" | "57P03" | "57014")
        }
        None => code.parse::<u32>().is_ok_and(|code| matches!(code & 0xff, 8 | 9 | 10 | 13)),
    }
}

/// A refused login, host or database: PostgreSQL class 28 and 3D000, MySQL's access denied, unknown database, host not
/// allowed or blocked, account locked; SQLite's 14 (cannot open the file).
fn is_shut_out(code: &str, mysql: Option<u16>) -> bool {
    match mysql {
        Some(number) => matches!(number, 1044 | 1045 | 1049 | 1129 | 1130 | 1698 | 3118 | 4151),
        None if code.len() == 5 => code.starts_with("28") || code == "3D000",
        None => cannot_open(code) || is_no_database(code),
    }
}

/// Whether the message speaks of names only: PostgreSQL class 42, SQLite's generic error, MySQL's unknown table,
/// unknown column, denied command, syntax.
fn speaks_of_names(code: &str, mysql: Option<u16>) -> bool {
    match mysql {
        Some(number) => matches!(number, 1044 | 1045 | 1049 | 1054 | 1064 | 1142 | 1143 | 1146 | 1305 | 1370),
        None => code.starts_with("42") && code.len() == 5 || code.starts_with("28") || code == "3D000" || code == "1",
    }
}

/// Whether code in the store raised it, with words of its own that may hold anything: RAISE in PostgreSQL's languages, which may
/// borrow any code, SIGNAL in MySQL and MariaDB (1644, or a class of nobody's own), RAISE() in SQLite (1811).
fn is_raised(error: &dyn sqlx::error::DatabaseError, code: &str, mysql: Option<u16>) -> bool {
    let file =
        error.try_downcast_ref::<sqlx::postgres::PgDatabaseError>().and_then(sqlx::postgres::PgDatabaseError::file);
    let by_language = |file: &str| ["pl_exec", "plpy", "plperl", "pltcl"].iter().any(|name| file.contains(name));
    match mysql {
        Some(number) => number == 1644 || code.starts_with("45"),
        None if code.len() == 5 => code == "P0001" || file.is_some_and(by_language),
        None => code == "1811",
    }
}

/// Words for what happened, and its codes in PostgreSQL, in MySQL and MariaDB, and in SQLite.
type Meaning = (&'static str, &'static [&'static str], &'static [u16], &'static [u32]);

/// What a code means that says nothing to a reader, where no message can be shown.
fn meaning(code: &str, mysql: Option<u16>) -> Option<&'static str> {
    const MEANINGS: [Meaning; 9] = [
        ("somebody else has locked rows of it", &["55P03"], &[1205], &[5, 6]),
        ("it took longer than a statement may", &["57014", "25P03"], &[1969, 3024], &[9]),
        ("its disk is full", &["53100"], &[1021, 1114], &[13]),
        ("it only reads for now", &["25006"], &[1290], &[8]),
        ("it is closed for now, or in no state for this", &["55000"], &[], &[]),
        ("a CHECK refuses the new value", &["23514"], &[3819, 4025], &[275]),
        ("a column must not be NULL", &["23502"], &[1048], &[1299]),
        ("a value that must be unique is there already", &["23505"], &[1062], &[1555, 2067]),
        ("another row still points to the row", &["23503", "23001"], &[1217, 1451], &[787]),
    ];
    let sqlite = code.parse::<u32>().ok().filter(|_| code.len() != 5);
    // An extended code that has no line of its own means what its low byte does.
    let is_sqlite = |known: &[u32]| sqlite.is_some_and(|code| known.contains(&code) || known.contains(&(code & 0xff)));
    let means = |(_, postgres, numbers, known): &&Meaning| match mysql {
        Some(number) => numbers.contains(&number),
        None => postgres.contains(&code) || is_sqlite(known),
    };
    MEANINGS.iter().find(means).map(|(words, ..)| *words)
}

/// SQLite's 14 and what it extends to: there is no such file, or it is not ours to open.
fn cannot_open(code: &str) -> bool {
    code.parse::<u32>().is_ok_and(|code| code & 0xff == 14)
}

/// SQLite's 26: the file is no database, or is encrypted.
fn is_no_database(code: &str) -> bool {
    code.parse::<u32>().is_ok_and(|code| code & 0xff == 26) && code.len() < 5
}

/// PostgreSQL's "insufficient privilege", which a policy answers with `row_security = off`.
const ROW_SECURITY: &str = "42501";

impl fmt::Display for SqlFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sqlx::Error::Database(error) = &self.0 else {
            return match &self.0 {
                // A decoding failure quotes what it could not decode.
                sqlx::Error::ColumnDecode { index, .. } => write!(f, "column {index} cannot be read"),
                sqlx::Error::Decode(_) => f.write_str("a value cannot be read"),
                other => other.fmt(f),
            };
        };
        let code = error.code().unwrap_or_default();
        let number = server_number(error.as_ref());
        write!(f, "code {code}")?;
        if let Some(number) = number {
            write!(f, " ({number})")?;
        }
        if is_raised(error.as_ref(), &code, number) {
            // Even its names are whatever the writer of the trigger put there.
            return f.write_str(": a trigger of the table, or a function that it calls, refuses it");
        }
        if let Some(table) = error.table() {
            write!(f, ", table {table}")?;
        }
        if let Some(constraint) = error.constraint() {
            write!(f, ", constraint {constraint}")?;
        }
        if speaks_of_names(&code, number) {
            write!(f, ": {}", error.message())?;
        } else if let Some(words) = meaning(&code, number) {
            write!(f, ": {words}")?;
        }
        if number.is_none() && cannot_open(&code) {
            f.write_str(": its file cannot be opened; is it there, and may we read and write it and its folder?")?;
        }
        if number.is_none() && is_no_database(&code) {
            f.write_str(": it is no SQLite database; is it the right file?")?;
        }
        if code == ROW_SECURITY && number.is_none() && error.message().contains("row-level security") {
            f.write_str("; rows that are hidden from us would count as erased: give the login BYPASSRLS")?;
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
    use super::*;

    #[test]
    fn what_passes_by_itself_is_tried_again() {
        for code in ["25006", "25P03", "55000", "57014", "53100", "08006", "13", "10", "778", "9"] {
            assert!(is_passing(code, None), "{code}");
        }
        for number in [1021, 1114, 1290, 1317, 1927, 1969] {
            assert!(is_passing("HY000", Some(number)), "{number}");
        }
        for code in ["42501", "23503", "22001", "1", "19", "787", "2067"] {
            assert!(!is_passing(code, None) && !is_contention(code, None), "{code}");
        }
        assert!(!is_passing("23000", Some(1451)));
    }

    #[test]
    fn a_code_is_told_in_words() {
        for (code, mysql, words) in [
            ("53100", None, "disk is full"),
            ("HY000", Some(1021), "disk is full"),
            ("13", None, "disk is full"),
            ("55P03", None, "locked"),
            ("517", None, "locked"),
            ("23514", None, "CHECK"),
            ("275", None, "CHECK"),
            ("787", None, "points to"),
            ("23000", Some(1451), "points to"),
        ] {
            assert!(meaning(code, mysql).is_some_and(|said| said.contains(words)), "{code} {mysql:?}");
        }
        assert_eq!((meaning("22001", None), meaning("1", None), meaning("23000", Some(1216))), (None, None, None));
    }

    #[test]
    fn a_query_that_no_answer_will_ever_come_to_is_refused() {
        for (code, mysql) in
            [("42P01", None), ("42703", None), ("42601", None), ("42501", None), ("1", None), ("42S02", Some(1146))]
        {
            assert!(is_refused(code, mysql), "{code} {mysql:?}");
        }
        // What one account's number does, another's may not; and a store that is away comes back.
        for (code, mysql) in [("22P02", None), ("08006", None), ("5", None), ("26", None), ("HY000", Some(1205))] {
            assert!(!is_refused(code, mysql), "{code} {mysql:?}");
        }
    }

    #[test]
    fn a_refused_login_is_no_fault_of_a_statement() {
        for (code, mysql) in
            [("28P01", None), ("3D000", None), ("28000", Some(1045)), ("42000", Some(1049)), ("14", None), ("26", None)]
        {
            assert!(is_shut_out(code, mysql), "{code} {mysql:?}");
        }
        for (code, mysql) in [("42501", None), ("42S02", Some(1146)), ("1", None), ("5", None)] {
            assert!(!is_shut_out(code, mysql), "{code} {mysql:?}");
        }
    }
}
