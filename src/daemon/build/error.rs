//! Why the daemon cannot start, and what to do.

use std::path::PathBuf;

use crate::db::DbError;
use crate::domain::Retry;
use crate::erase::{MapDefect, MapError};
use crate::reply::ReplyError;
use crate::reply::mailer::SetupError;
use crate::stores::{StoreError, StoreName};
use crate::vault::KeyFileError;
use crate::verify::MissingColumn;

/// What to look at, where the error itself does not say what to do.
const fn to_check(error: &DbError) -> &'static str {
    match error {
        DbError::NotPermitted { .. } => "",
        _ => "; check url under [database] in the config, and that the database answers there",
    }
}

/// Why the daemon cannot start. Each says what to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// Our own database.
    #[error("our own database cannot be opened{}", to_check(.0))]
    Db(#[from] DbError),
    /// The file of the key-encryption key.
    #[error("the key file ([keys] in the config) cannot be used")]
    KeyFile(#[from] KeyFileError),
    /// The ledger was made under another key-encryption key.
    #[error("the database belongs to another key file: [keys] kek_file must name the one that it was made with")]
    OtherKey,
    /// A data map.
    #[error(transparent)]
    Map(#[from] MapError),
    /// A data map that does not fit its store. Nothing is erased by a map that may miss something.
    #[error("the data maps do not fit the stores:\n{}", .0.iter().map(|defect| format!("  - {defect}")).collect::<Vec<_>>().join("\n"))]
    MapDefects(Vec<MapDefect>),
    /// A store.
    #[error("the store {name} cannot be opened; check the url in its map {file}, and that the store answers there")]
    Store {
        /// Its name.
        name: StoreName,
        /// The file of its map.
        file: String,
        /// Why.
        source: StoreError,
    },
    /// A recipient that is asked by HTTP.
    #[error("the recipient {name} cannot be asked; check url, secret and allow in its map {file}")]
    Recipient {
        /// Its name.
        name: StoreName,
        /// The file of its map.
        file: String,
        /// Why.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The Maildir of the mailbox is not there: nothing would be read, and people would wait.
    #[error(
        "the mailbox folder {} is not there (a Maildir has `new` and `cur`); make it, mount it, or mend path under \
         [mailbox.maildir]", .0.display()
    )]
    NoMailbox(PathBuf),
    /// The templates.
    #[error("the templates")]
    Templates(#[from] ReplyError),
    /// The way out for letters.
    #[error("[mailer.smtp] cannot be used")]
    Mailer(#[from] SetupError),
    /// The url of a store cannot be read.
    #[error(
        "cannot read {place}, where {map} says that the url of its store is (a relative path begins at the map's folder)"
    )]
    Url {
        /// The data map.
        map: String,
        /// The file or credential.
        place: String,
        /// Why.
        source: std::io::Error,
    },
    /// The url of a store is that of another kind of store.
    #[error("{map}: the url in {place}: {message}; {help}")]
    OtherKind {
        /// The data map.
        map: String,
        /// The file or credential.
        place: String,
        /// What is wrong.
        message: String,
        /// What to write instead.
        help: String,
    },
    /// A data map cannot be read.
    #[error("cannot read {path}")]
    Read {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The directory.
    #[error("the directory ([directory] in the config)")]
    Directory(#[from] crate::verify::DirectoryError),
    /// Queries of the directory that lack a column: nobody could be told by their rows.
    #[error("the directory's queries lack columns:\n{}", .0.iter().map(|missing| format!("  - {missing}")).collect::<Vec<_>>().join("\n"))]
    DirectoryColumns(Vec<MissingColumn>),
    /// A query of the directory that knows an address which nobody has: every stranger would be somebody's owner.
    #[error("the query `find` of [directory] knows an address that cannot exist; has it a WHERE with :address?")]
    DirectoryOfAnybody,
    /// The directory names a store that no map describes.
    #[error("[directory.sql] store = {0:?} is no SQL store of the data maps; add its map to [stores] maps")]
    NoSuchStore(String),
    /// No folder for the empty ledger that stands in for one that the daemon has not made yet.
    #[error("no temporary folder can be made for an empty database; check TMPDIR")]
    Folder(#[source] std::io::Error),
    /// What the trail says of the configuration cannot be made.
    #[error("the data maps have no canonical form")]
    Stamp(#[source] serde_json::Error),
    /// What the trail says of the program cannot be read.
    #[error("the running program's own file cannot be read; the trail names it by its SHA-256")]
    Program(#[source] std::io::Error),
    /// Signatures cannot be verified.
    #[error(transparent)]
    Verifier(#[from] crate::authenticate::NoVerifier),
    /// Two rows of the authority table speak of one case.
    #[error(transparent)]
    Authority(#[from] crate::verify::DoubleRow),
}

impl BuildError {
    /// Whether it is a store that does not answer for now. One that does not let us in waits for a person.
    #[must_use]
    pub fn is_away(&self) -> bool {
        matches!(self, Self::Store { source, .. } if source.retry() == Retry::Transient && !source.is_shut_out())
    }
}
