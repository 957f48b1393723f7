//! The watermark: how far the trail of our own database had come, in a file outside of it.
//!
//! A database that comes back from a backup does not know what it knew. The file does: it names a leaf that stood in the
//! trail, by its place and its hash. It is written beside its place, synced, and moved there, so that it is whole or the
//! one before. It holds nothing secret; who could write it could only stop us.

use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use crate::chance::{Chance, draw};
use crate::domain::Timestamp;

/// What the first word of the file says.
const FORM: &str = "expunged-watermark-1";
/// More than a file of ours has.
const BYTES_MAX: u64 = 256;

/// A leaf that stood in the trail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Watermark {
    /// Its place in the order of writing; 0 where there was none.
    pub position: i64,
    /// Its RFC 6962 leaf hash; zeros where there was none.
    pub hash: [u8; 32],
    /// The database's own time when it was seen there.
    pub seen_at: Timestamp,
}

/// Why the file is of no use.
#[derive(Debug, thiserror::Error)]
pub enum WatermarkError {
    /// The operating system refused.
    #[error(
        "the watermark {} cannot be {doing}; it says how far our own database had come: its folder must be there and ours to write \
         (watermark_file under [keys])", .path.display()
    )]
    Io {
        /// Where it lies.
        path: PathBuf,
        /// What was tried.
        doing: &'static str,
        /// What the system said.
        source: io::Error,
    },
    /// It is not what we wrote.
    #[error(
        "the watermark {} is not readable as one; move it away, and what it said of our own database is not known any more", .0.display()
    )]
    Garbled(PathBuf),
}

/// The file, and what was last read from it or written to it.
#[derive(Debug)]
pub struct WatermarkFile {
    path: PathBuf,
    known: Mutex<Option<Watermark>>,
}

impl WatermarkFile {
    /// The file of this name, which need not be there.
    #[must_use]
    pub const fn at(path: PathBuf) -> Self {
        Self { path, known: Mutex::new(None) }
    }

    /// What it says; `None` where there is no file.
    ///
    /// # Errors
    /// [`WatermarkError`] for a file that cannot be read, or is none of ours.
    pub fn read(&self) -> Result<Option<Watermark>, WatermarkError> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.is_none() {
            *known = read(&self.path)?;
        }
        Ok(*known)
    }

    /// Writes it, unless it says so already.
    ///
    /// # Errors
    /// [`WatermarkError`] where the file cannot be written; the one before is still there.
    pub fn write(&self, mark: Watermark, chance: &dyn Chance) -> Result<(), WatermarkError> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.is_some_and(|known| (known.position, known.hash) == (mark.position, mark.hash)) {
            return Ok(());
        }
        let failed = |doing| move |source| WatermarkError::Io { path: self.path.clone(), doing, source };
        write(&self.path, mark, chance).map_err(failed("written"))?;
        *known = Some(mark);
        Ok(())
    }
}

fn read(path: &Path) -> Result<Option<Watermark>, WatermarkError> {
    let failed = |source| WatermarkError::Io { path: path.to_owned(), doing: "read", source };
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed(error)),
    };
    let mut bytes = Vec::new();
    file.take(BYTES_MAX).read_to_end(&mut bytes).map_err(failed)?;
    let mark = std::str::from_utf8(&bytes).ok().and_then(parse);
    mark.map(Some).ok_or_else(|| WatermarkError::Garbled(path.to_owned()))
}

fn parse(text: &str) -> Option<Watermark> {
    let mut words = text.split_ascii_whitespace();
    if words.next() != Some(FORM) {
        return None;
    }
    let position = words.next()?.parse().ok()?;
    let hash = data_encoding::HEXLOWER.decode(words.next()?.as_bytes()).ok()?.try_into().ok()?;
    let seen_at = Timestamp::from_micros(words.next()?.parse().ok()?);
    words.next().is_none().then_some(Watermark { position, hash, seen_at })
}

/// Whole or not at all: a file of its own name first, its bytes on the disk, then the name, and that on the disk too.
fn write(path: &Path, mark: Watermark, chance: &dyn Chance) -> io::Result<()> {
    let folder = path.parent().filter(|folder| *folder != Path::new("")).unwrap_or(Path::new("."));
    let mut beside = path.as_os_str().to_owned();
    beside.push(format!(".{}", data_encoding::HEXLOWER.encode(&draw::<8>(chance))));
    let beside = PathBuf::from(beside);
    let hash = data_encoding::HEXLOWER.encode(&mark.hash);
    let text = format!("{FORM} {} {hash} {}\n", mark.position, mark.seen_at.as_micros());
    let written = File::options().write(true).create_new(true).mode(0o600).open(&beside).and_then(|mut file| {
        file.write_all(text.as_bytes())?;
        file.sync_all()
    });
    let moved = written.and_then(|()| std::fs::rename(&beside, path));
    if moved.is_err() {
        // What it was for has failed and is told; a leftover is swept here or nowhere.
        drop(std::fs::remove_file(&beside));
    }
    moved?;
    File::open(folder)?.sync_all()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::MetadataExt as _;

    use super::*;
    use crate::chance::SeededChance;

    fn mark(position: i64) -> Watermark {
        Watermark { position, hash: [7; 32], seen_at: Timestamp::from_micros(1_799_000_000_000_001) }
    }

    #[test]
    fn what_was_written_is_read_by_the_next_process_and_nothing_is_left_beside_it() {
        let folder = tempfile::tempdir().unwrap();
        let (path, chance) = (folder.path().join("kek.watermark"), SeededChance::new(1));
        let file = WatermarkFile::at(path.clone());
        assert_eq!(file.read().unwrap(), None);
        file.write(mark(3), &chance).unwrap();
        file.write(mark(4), &chance).unwrap();
        assert_eq!(WatermarkFile::at(path.clone()).read().unwrap(), Some(mark(4)));
        assert_eq!(std::fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn what_is_none_of_ours_is_said() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("kek.watermark");
        for text in ["", "expunged-watermark-1 3", "expunged-watermark-1 3 00 1", "something else"] {
            std::fs::write(&path, text).unwrap();
            let read = WatermarkFile::at(path.clone()).read();
            assert!(matches!(read, Err(WatermarkError::Garbled(_))), "{text:?}");
        }
        let nowhere = WatermarkFile::at(folder.path().join("none/kek.watermark"));
        assert!(matches!(nowhere.write(mark(1), &SeededChance::new(1)), Err(WatermarkError::Io { .. })));
    }
}
