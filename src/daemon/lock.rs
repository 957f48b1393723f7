//! One daemon per SQLite ledger: a lock beside the file, held by the kernel for as long as the process lives.
//!
//! Two daemons on one PostgreSQL share the work; on SQLite they would only wait for each other, and their leases rest
//! on one writer. The command line does not take the lock: it may look and act beside the daemon.

use std::fs::File;
use std::path::PathBuf;

use rustix::fs::{FlockOperation, flock};
use secrecy::{ExposeSecret, SecretString};

/// Why the lock was not taken.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Another daemon holds it.
    #[error("another daemon works on {0}; stop it, or use PostgreSQL for several")]
    Taken(PathBuf),
    /// The lock file cannot be made.
    #[error("cannot lock {path}")]
    File {
        /// The lock file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
}

/// Takes the lock of a SQLite ledger; `None` for any other. It ends with the value.
///
/// # Errors
/// [`LockError`] where another daemon holds it or the file cannot be made.
pub fn one_daemon(url: &SecretString) -> Result<Option<File>, LockError> {
    let Some(path) = url.expose_secret().strip_prefix("sqlite:") else { return Ok(None) };
    let path = path.trim_start_matches("//");
    let path = PathBuf::from(path.split('?').next().unwrap_or(path));
    // Two spellings of one file, a symbolic link among them, are one ledger. A file that is not there yet has one name.
    let mut path = path.canonicalize().unwrap_or(path).into_os_string();
    path.push(".lock");
    let path = PathBuf::from(path);
    let failed = |source| LockError::File { path: path.clone(), source };
    let file = File::options().create(true).truncate(false).write(true).open(&path).map_err(failed)?;
    match flock(&file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(Some(file)),
        Err(rustix::io::Errno::WOULDBLOCK) => Err(LockError::Taken(path)),
        Err(error) => Err(failed(error.into())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_daemon_is_refused_until_the_first_ends() {
        let folder = tempfile::tempdir().unwrap();
        let url = SecretString::from(format!("sqlite://{}", folder.path().join("ledger.db").display()));
        let first = one_daemon(&url).unwrap();
        assert!(matches!(one_daemon(&url), Err(LockError::Taken(_))));
        drop(first);
        assert!(one_daemon(&url).unwrap().is_some());
    }

    #[test]
    fn another_spelling_is_the_same_ledger() {
        let folder = tempfile::tempdir().unwrap();
        let (ledger, link) = (folder.path().join("ledger.db"), folder.path().join("link.db"));
        std::fs::write(&ledger, "").unwrap();
        std::os::unix::fs::symlink(&ledger, &link).unwrap();
        let _first = one_daemon(&SecretString::from(format!("sqlite://{}", ledger.display()))).unwrap();
        assert!(matches!(
            one_daemon(&SecretString::from(format!("sqlite:{}", link.display()))),
            Err(LockError::Taken(_))
        ));
    }

    #[test]
    fn postgresql_needs_none() {
        assert!(one_daemon(&SecretString::from("postgres://localhost/ledger")).unwrap().is_none());
    }
}
