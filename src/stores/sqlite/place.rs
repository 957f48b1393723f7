//! The file that a store is may be replaced while it is open: a backup that is moved in its place, a copy of last night. A
//! connection goes on with the file that it opened, which nobody sees any more, and everything that is read there is
//! true of nothing. So none is used again after another file, or none, stands at the path.

use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Device and number of a file.
type FileId = (u64, u64);

/// What stands at a path.
pub(super) struct Place {
    path: PathBuf,
    seen: Mutex<Seen>,
}

/// The file that was seen last, and when it was seen first.
struct Seen {
    file: Option<FileId>,
    since: Instant,
}

impl Place {
    /// Looks at a path, before the first connection is made.
    pub(super) fn of(path: &Path) -> Self {
        Self { path: path.to_owned(), seen: Mutex::new(Seen { file: file_at(path), since: Instant::now() }) }
    }

    /// Whether a connection that was made so long ago is to the file that stands here now. One that was made before a
    /// change was noticed counts as to the other file.
    pub(super) fn is_of(&self, age: Duration) -> bool {
        let file = file_at(&self.path);
        let now = Instant::now();
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.file != file {
            *seen = Seen { file, since: now };
        }
        file.is_some() && now.checked_sub(age).is_some_and(|made| made > seen.since)
    }
}

fn file_at(path: &Path) -> Option<FileId> {
    std::fs::metadata(path).ok().map(|found| (found.dev(), found.ino()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_is_of_the_file_that_stood_there_when_it_was_made() {
        let folder = tempfile::tempdir().unwrap();
        let (path, other) = (folder.path().join("store.db"), folder.path().join("backup.db"));
        std::fs::write(&path, "a").unwrap();
        std::fs::write(&other, "b").unwrap();
        let place = Place::of(&path);
        let age = |made: Instant| made.elapsed();
        let first = Instant::now();
        std::thread::sleep(Duration::from_millis(2));
        assert!(place.is_of(age(first)));
        std::fs::write(&path, "more in the same file").unwrap();
        assert!(place.is_of(age(first)));
        std::fs::rename(&other, &path).unwrap();
        assert!(!place.is_of(age(first)), "another file");
        std::thread::sleep(Duration::from_millis(2));
        let second = Instant::now();
        std::thread::sleep(Duration::from_millis(2));
        assert!(place.is_of(age(second)) && !place.is_of(age(first)));
        std::fs::remove_file(&path).unwrap();
        assert!(!place.is_of(age(second)), "no file");
    }
}
