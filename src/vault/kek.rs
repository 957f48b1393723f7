//! The key-encryption key: 32 random bytes in a file with mode 0600, outside the database and its backups.
//!
//! The file appears complete or not at all: it is written beside its place, synced, and linked there. A link that
//! finds the name taken fails, so that two first starts never make two keys. A file that others may read is
//! refused, not repaired: who could read it before still has it.

use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::{fmt, io};

use zeroize::Zeroize;

use crate::chance::{Chance, draw};
use crate::domain::Retry;

use super::installation::InstallationKeys;
use super::secret::Secret;

/// The length of the file.
const KEY_BYTES: usize = 32;

/// What is wrong with the key file. The texts name the file and the fix, never a byte of it.
#[derive(Debug, thiserror::Error)]
pub enum KeyFileError {
    /// There is none, and the database already has keys that were wrapped under one.
    #[error("the key file {} is missing, and the database holds data sealed under it; restore it from its own backup", .0.display())]
    Missing(PathBuf),
    /// Somebody else may read it.
    #[error("the key file {} has mode {mode:04o}; others may read it. If nobody did: chmod 600", .path.display())]
    TooOpen {
        /// Where it lies.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// It belongs to another user.
    #[error("the key file {} belongs to user {uid}, not to the one that runs this program", .path.display())]
    ForeignOwner {
        /// Where it lies.
        path: PathBuf,
        /// Its owner.
        uid: u32,
    },
    /// Not a file, or not of the one right length.
    #[error("the key file {} has {bytes} bytes; a key has exactly 32", .path.display())]
    WrongLength {
        /// Where it lies.
        path: PathBuf,
        /// Its length.
        bytes: u64,
    },
    /// A directory, a device, a socket.
    #[error("the key file {} is not a regular file", .0.display())]
    NotAFile(PathBuf),
    /// The operating system refused.
    #[error("the key file {} cannot be {doing}", .path.display())]
    Io {
        /// Where it lies.
        path: PathBuf,
        /// What was tried.
        doing: &'static str,
        /// What the system said.
        source: io::Error,
    },
}

impl KeyFileError {
    /// Whether to try again: never, a person has to look.
    #[must_use]
    pub const fn retry(&self) -> Retry {
        Retry::Permanent
    }
}

/// The key that wraps all others. It wipes itself and never prints.
pub struct KeyEncryptionKey(Secret);

impl KeyEncryptionKey {
    /// Reads the key, which must be there.
    ///
    /// # Errors
    /// [`KeyFileError`] where it is missing, too open, somebody else's, or not 32 bytes.
    pub fn open(path: &Path) -> Result<Self, KeyFileError> {
        let mut file = File::open(path).map_err(|source| match source.kind() {
            io::ErrorKind::NotFound => KeyFileError::Missing(path.to_owned()),
            _ => failed(path, "opened", source),
        })?;
        check(path, &file)?;
        let mut bytes = [0_u8; KEY_BYTES];
        file.read_exact(&mut bytes).map_err(|source| failed(path, "read", source))?;
        let key = Self(Secret::from_bytes(bytes));
        bytes.zeroize();
        Ok(key)
    }

    /// Reads the key; makes it where there is none. Only for a database that was never bound to a key.
    ///
    /// # Errors
    /// As [`Self::open`], and where the file cannot be written.
    pub fn open_or_create(path: &Path, chance: &dyn Chance) -> Result<Self, KeyFileError> {
        match Self::open(path) {
            Err(KeyFileError::Missing(_)) => {
                create(path, chance)?;
                Self::open(path)
            }
            other => other,
        }
    }

    /// Sixteen bytes that say which key this is and nothing about it. The database keeps them, so that a
    /// start-up with another key stops before it writes anything.
    #[must_use]
    pub fn check_word(&self) -> [u8; 16] {
        let mut word = [0; 16];
        word.copy_from_slice(&self.0.mac("expunged/1/check-word", &[])[..16]);
        word
    }

    /// The keys of this installation.
    #[must_use]
    pub fn installation_keys(&self) -> InstallationKeys {
        InstallationKeys::derive(&self.0)
    }

    /// The key that wraps; the file's own bytes are used for derivation only.
    pub(super) fn wrapping(&self) -> Secret {
        self.0.derive("expunged/1/wrap")
    }
}

impl fmt::Debug for KeyEncryptionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyEncryptionKey(…)")
    }
}

/// The checks go to the open file, not to the name: what is checked is what is read.
fn check(path: &Path, file: &File) -> Result<(), KeyFileError> {
    let metadata = file.metadata().map_err(|source| failed(path, "examined", source))?;
    if !metadata.is_file() {
        return Err(KeyFileError::NotAFile(path.to_owned()));
    }
    let mode = metadata.mode() & 0o7777;
    if mode & 0o077 != 0 {
        return Err(KeyFileError::TooOpen { path: path.to_owned(), mode });
    }
    // Root's file is fine: service managers hand credentials over that way.
    let uid = metadata.uid();
    if uid != 0 && uid != rustix::process::geteuid().as_raw() {
        return Err(KeyFileError::ForeignOwner { path: path.to_owned(), uid });
    }
    if metadata.len() != KEY_BYTES as u64 {
        return Err(KeyFileError::WrongLength { path: path.to_owned(), bytes: metadata.len() });
    }
    Ok(())
}

fn create(path: &Path, chance: &dyn Chance) -> Result<(), KeyFileError> {
    let beside = beside(path, chance);
    let written = write_new(&beside, chance).map_err(|source| failed(path, "created", source));
    let linked = written.and_then(|()| match std::fs::hard_link(&beside, path) {
        // Another process was first; its key is the key.
        Err(taken) if taken.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        other => other.map_err(|source| failed(path, "created", source)),
    });
    let removed = std::fs::remove_file(&beside);
    linked?;
    removed.map_err(|source| failed(&beside, "removed", source))?;
    sync_folder(path).map_err(|source| failed(path, "synced", source))
}

fn write_new(path: &Path, chance: &dyn Chance) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    let mut bytes = draw::<KEY_BYTES>(chance);
    let written = file.write_all(&bytes).and_then(|()| file.sync_all());
    bytes.zeroize();
    written
}

/// A name in the same folder, so that the link stays within one file system.
fn beside(path: &Path, chance: &dyn Chance) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".new-{}", data_encoding::HEXLOWER.encode(&draw::<8>(chance))));
    path.with_file_name(name)
}

/// The name is durable only when its folder is.
fn sync_folder(path: &Path) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(folder)?.sync_all()
}

fn failed(path: &Path, doing: &'static str, source: io::Error) -> KeyFileError {
    KeyFileError::Io { path: path.to_owned(), doing, source }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::chance::SeededChance;

    fn set_mode(path: &Path, mode: u32) {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    }

    #[test]
    fn it_is_made_once_with_mode_0600_and_read_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("kek");
        let first = KeyEncryptionKey::open_or_create(&path, &SeededChance::new(1)).unwrap();
        let again = KeyEncryptionKey::open_or_create(&path, &SeededChance::new(2)).unwrap();
        assert_eq!(first.check_word(), again.check_word());
        assert_eq!(std::fs::metadata(&path).unwrap().mode() & 0o7777, 0o600);
        let names: Vec<_> = std::fs::read_dir(folder.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
        assert_eq!(names, ["kek"], "nothing is left beside it");
    }

    #[test]
    fn it_is_not_made_where_it_must_be_there() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("kek");
        assert!(matches!(KeyEncryptionKey::open(&path), Err(KeyFileError::Missing(_))));
        assert!(!path.exists());
    }

    #[test]
    fn wider_modes_are_refused_and_left_as_they_are() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("kek");
        KeyEncryptionKey::open_or_create(&path, &SeededChance::new(1)).unwrap();
        for mode in [0o640, 0o604, 0o644, 0o660, 0o610, 0o601, 0o620, 0o602, 0o777] {
            set_mode(&path, mode);
            let error = KeyEncryptionKey::open_or_create(&path, &SeededChance::new(1)).unwrap_err();
            assert!(matches!(error, KeyFileError::TooOpen { mode: found, .. } if found == mode), "{error}");
            assert_eq!(std::fs::metadata(&path).unwrap().mode() & 0o7777, mode);
        }
        for mode in [0o600, 0o400] {
            set_mode(&path, mode);
            KeyEncryptionKey::open(&path).unwrap();
        }
    }

    #[test]
    fn other_lengths_and_other_things_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        for length in [0_usize, 31, 33, 64] {
            let path = folder.path().join(format!("kek{length}"));
            std::fs::write(&path, vec![1; length]).unwrap();
            set_mode(&path, 0o600);
            let error = KeyEncryptionKey::open_or_create(&path, &SeededChance::new(1)).unwrap_err();
            assert!(matches!(error, KeyFileError::WrongLength { bytes, .. } if bytes == length as u64), "{error}");
        }
        assert!(matches!(KeyEncryptionKey::open(folder.path()), Err(KeyFileError::NotAFile(_))));
    }

    #[test]
    fn sixteen_first_starts_make_one_key() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("kek");
        let words: std::collections::BTreeSet<[u8; 16]> = std::thread::scope(|scope| {
            let starts: Vec<_> = (0..16)
                .map(|seed| {
                    let path = path.clone();
                    scope.spawn(move || {
                        KeyEncryptionKey::open_or_create(&path, &SeededChance::new(seed)).unwrap().check_word()
                    })
                })
                .collect();
            starts.into_iter().map(|start| start.join().unwrap()).collect()
        });
        assert_eq!(words.len(), 1);
    }
}
