//! The files of a Maildir: finding, delivering, moving and deleting them.
//!
//! Never follows a symbolic link, never overwrites a letter, and never renames one that it was not asked to.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::chance::{Chance, draw};
use crate::domain::Timestamp;
use crate::mailbox::{MailboxError, folder_name};

/// The part of a file name that stays the same while flags change and the letter moves from `new` to `cur`.
pub(super) type Base = Vec<u8>;

/// The folders of a Maildir in the order in which they must be read: a letter goes from `new` to `cur`, never back,
/// so that a letter on its way is seen in one of them at least.
pub(super) const PLACES: [&str; 2] = ["new", "cur"];

/// How often the folders are read before a letter that is looked for counts as gone: a file that is renamed while its
/// folder is read may not be seen, and mail programs rename letters whenever they set a flag.
const LOOKS_MAX: u32 = 4;
const LOOK_PAUSE: Duration = Duration::from_millis(5);

/// Names an action in an error; the path is left out, because it may be an address.
pub(super) fn failed(action: &'static str) -> impl Fn(io::Error) -> MailboxError {
    move |source| MailboxError::Maildir { action, source }
}

/// Every letter of a Maildir: its base and where it lies now.
pub(super) fn scan(maildir: &Path) -> Result<BTreeMap<Base, PathBuf>, MailboxError> {
    let unreadable = failed("its letters cannot be listed");
    let mut letters = BTreeMap::new();
    for place in PLACES {
        for entry in fs::read_dir(maildir.join(place)).map_err(&unreadable)? {
            let entry = entry.map_err(&unreadable)?;
            let name = entry.file_name().into_vec();
            let is_file = match entry.file_type() {
                Ok(kind) => kind.is_file(),
                Err(error) if error.kind() == io::ErrorKind::NotFound => false,
                Err(error) => return Err(unreadable(error)),
            };
            if is_file && !name.starts_with(b".") {
                letters.insert(base_of(&name), entry.path());
            }
        }
    }
    Ok(letters)
}

/// Every letter of a Maildir, looked at again while one of those that are wanted is not among them.
pub(super) fn find<'b>(
    maildir: &Path,
    wanted: impl Iterator<Item = &'b Base> + Clone,
) -> Result<BTreeMap<Base, PathBuf>, MailboxError> {
    let mut found = scan(maildir)?;
    for _ in 1..LOOKS_MAX {
        if wanted.clone().all(|base| found.contains_key(base)) {
            break;
        }
        thread::sleep(LOOK_PAUSE);
        found.extend(scan(maildir)?);
    }
    Ok(found)
}

fn base_of(name: &[u8]) -> Base {
    name.split(|byte| *byte == b':').next().unwrap_or_default().to_vec()
}

/// The bytes of a letter, or its first `bytes_max`; `None` when it is gone from this place.
pub(super) fn read(path: &Path, bytes_max: u64) -> Result<Option<Vec<u8>>, MailboxError> {
    let mut bytes = Vec::new();
    match File::open(path).and_then(|file| file.take(bytes_max).read_to_end(&mut bytes)) {
        Ok(_) => Ok(Some(bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(failed("a letter cannot be read")(error)),
    }
}

/// Deletes a letter; whether it was there.
pub(super) fn remove(path: &Path) -> Result<bool, MailboxError> {
    match fs::remove_file(path) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(failed("a letter cannot be deleted")(error)),
    }
}

/// Moves a letter into the same place of another Maildir, under the same name; whether it was there.
pub(super) fn rename(path: &Path, target: &Path) -> Result<bool, MailboxError> {
    let place = path.parent().and_then(Path::file_name).unwrap_or_else(|| "cur".as_ref());
    let Some(name) = path.file_name() else { return Ok(false) };
    match rename_to_free_name(path, &target.join(place).join(name)) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::NotFound && !path.exists() => Ok(false),
        Err(error) => Err(failed("a letter cannot be moved")(error)),
    }
}

fn rename_to_free_name(from: &Path, to: &Path) -> io::Result<()> {
    use rustix::fs::{CWD, RenameFlags, renameat_with};
    use rustix::io::Errno;
    match renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE) {
        // Some file systems cannot promise it in one step; names are unique, so a look before does as well.
        Err(Errno::INVAL | Errno::NOSYS) if !to.exists() => fs::rename(from, to),
        answer => answer.map_err(io::Error::from),
    }
}

/// Makes what was done in these places of a Maildir last through a power cut.
pub(super) fn sync_places(maildir: &Path) -> Result<(), MailboxError> {
    PLACES.iter().try_for_each(|place| sync_folder(&maildir.join(place)))
}

/// Makes the entries of a folder last through a power cut.
pub(super) fn sync_folder(folder: &Path) -> Result<(), MailboxError> {
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(failed("a folder cannot be synced"))
}

/// Where a subfolder lies (Maildir++: `Done/2026` is `.Done.2026`); `""` is the Maildir itself.
pub(super) fn subfolder(maildir: &Path, name: &str) -> Result<PathBuf, MailboxError> {
    if name.is_empty() {
        return Ok(maildir.to_owned());
    }
    let name = folder_name::encode(name)?.replace('/', ".");
    if name.split('.').any(str::is_empty) {
        return Err(MailboxError::Argument { what: "a folder name", why: "a part of it is empty" });
    }
    Ok(maildir.join(format!(".{name}")))
}

/// Creates a Maildir where there is none.
pub(super) fn create(maildir: &Path) -> Result<(), MailboxError> {
    for place in ["tmp", "new", "cur"] {
        fs::create_dir_all(maildir.join(place)).map_err(failed("it cannot be created"))?;
    }
    Ok(())
}

/// Where a delivered letter goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Into {
    /// `new`: nobody saw it yet.
    New,
    /// `cur`, with the flag S: it counts as read.
    CurSeen,
}

/// Writes a letter to `tmp` and, when it is safely on the disk, moves it to its place. Creates what is missing.
pub(super) fn deliver(
    maildir: &Path,
    bytes: &[u8],
    into: Into,
    chance: &dyn Chance,
    now: Timestamp,
) -> Result<(), MailboxError> {
    create(maildir)?;
    let name = unique_name(bytes.len(), chance, now);
    let temporary = maildir.join("tmp").join(&name);
    let (place, target) = match into {
        Into::New => ("new", name),
        Into::CurSeen => ("cur", format!("{name}:2,S")),
    };
    let folder = maildir.join(place);
    let done = write_new(&temporary, bytes)
        .and_then(|()| date(&temporary, now))
        .and_then(|()| fs::rename(&temporary, folder.join(target)))
        .map_err(failed("a letter cannot be delivered"));
    if done.is_err() {
        // What is left in `tmp` is no letter; whether it can be removed changes nothing about the failure.
        drop(fs::remove_file(&temporary));
    }
    done.and_then(|()| sync_folder(&folder))
}

/// Says in the file's time of change when it was delivered, as its name does and as mail servers read it.
fn date(path: &Path, now: Timestamp) -> io::Result<()> {
    let since = u64::try_from(now.as_micros())
        .map_or(SystemTime::UNIX_EPOCH, |micros| UNIX_EPOCH + Duration::from_micros(micros));
    let file = OpenOptions::new().write(true).open(path)?;
    file.set_modified(since)?;
    file.sync_all()
}

/// `seconds.MmicrosRchance.expunged,S=size`: unique by 64 random bits, and it says when it was delivered.
fn unique_name(size: usize, chance: &dyn Chance, now: Timestamp) -> String {
    let (seconds, micros) = (now.as_micros().div_euclid(1_000_000), now.as_micros().rem_euclid(1_000_000));
    let random = data_encoding::HEXLOWER.encode(&draw::<8>(chance));
    format!("{seconds}.M{micros}R{random}.expunged,S={size}")
}

/// Writes a file that must not exist yet, readable by us alone, down to the disk.
pub(super) fn write_new(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

/// What changed since the last look: when the places changed, and how many entries they have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Look {
    times: [std::time::SystemTime; 2],
    entries: usize,
}

impl Look {
    /// When the places changed last.
    pub(super) fn times(maildir: &Path) -> Result<[std::time::SystemTime; 2], MailboxError> {
        let time = |place: &str| fs::metadata(maildir.join(place)).and_then(|folder| folder.modified());
        let both = time(PLACES[0]).and_then(|new| time(PLACES[1]).map(|cur| [new, cur]));
        both.map_err(failed("its folders cannot be read (mailbox.maildir.path must hold cur, new and tmp)"))
    }

    /// A whole look. The count catches what arrives within one tick of the file system's clock.
    pub(super) fn take(maildir: &Path) -> Result<Self, MailboxError> {
        let times = Self::times(maildir)?;
        let count = |place: &str| fs::read_dir(maildir.join(place)).map(Iterator::count);
        let entries = count(PLACES[0]).and_then(|new| count(PLACES[1]).map(|cur| new + cur));
        Ok(Self { times, entries: entries.map_err(failed("its letters cannot be counted"))? })
    }

    /// Whether the places have changed since this look, by their times alone.
    pub(super) fn is_older_than(&self, times: [std::time::SystemTime; 2]) -> bool {
        self.times != times
    }
}

/// The name as it can be written on a line: printable ASCII, the rest as `%XX`.
pub(super) fn escape(base: &[u8]) -> String {
    let mut text = String::with_capacity(base.len());
    for byte in base {
        if byte.is_ascii_graphic() && *byte != b'%' {
            text.push(char::from(*byte));
        } else {
            text.push('%');
            text.push_str(&data_encoding::HEXUPPER.encode(&[*byte]));
        }
    }
    text
}

/// The reverse of [`escape`].
pub(super) fn unescape(text: &str) -> Option<Base> {
    let mut parts = text.split('%');
    let mut base = parts.next()?.as_bytes().to_vec();
    for part in parts {
        let (hex, rest) = part.split_at_checked(2)?;
        base.extend(data_encoding::HEXUPPER.decode(hex.as_bytes()).ok()?);
        base.extend_from_slice(rest.as_bytes());
    }
    Some(base)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_survive_being_written_down() {
        for base in [&b"1.M2R3.host,S=4"[..], b"", b"100%", b"a b\n\xff%41"] {
            let text = escape(base);
            assert!(!text.contains([' ', '\n']));
            assert_eq!(unescape(&text).as_deref(), Some(base));
        }
        assert_eq!(unescape("%4"), None);
        assert_eq!(unescape("%zz"), None);
    }

    #[test]
    fn subfolders_stay_inside() {
        let root = Path::new("m");
        assert_eq!(subfolder(root, "").unwrap(), Path::new("m"));
        assert_eq!(subfolder(root, "Done/2026").unwrap(), Path::new("m/.Done.2026"));
        for evil in ["..", "a/../b", "/etc", "a//b", ".", "a.", "a\0"] {
            assert!(subfolder(root, evil).is_err(), "{evil:?}");
        }
    }
}
