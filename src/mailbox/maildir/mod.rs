//! A Maildir on this machine as the support mailbox.
//!
//! Reads `new` and `cur` without moving or flagging anything: an unread letter stays in `new`. Numbers and marks live
//! in our own file ([`index`]). Never keeps anything in memory that a restart would lose.
//!
//! # Why no mail program sees our mark
//! A Maildir has flags in the names of its files and no keywords. The letters `a` to `z` that Dovecot puts there mean what its own
//! `dovecot-keywords` says, a file that is under its lock and in its cache: a letter that we chose could be another keyword of
//! somebody's, and a file that we wrote could undo theirs. A flag also takes the letter from `new` to `cur`, so that it counts as
//! seen to be new, and a name that changes while a mail program holds it is a letter that it has lost. So the mark stands in our
//! index, where it says to us what was taken, and `move_to` shows it to people; where keywords are wanted, the same Maildir is read
//! through its IMAP server.

mod files;
mod index;
mod receipt;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tokio::time::Instant;

use self::files::{Base, Into, Look, failed};
use self::index::{Index, peek, with_index};
use super::settings::MaildirSettings;
use super::{Fetched, FolderState, IsSame, Listed, Listing, Mailbox, MailboxError, message_id};
use crate::chance::Chance;
use crate::clock::Clock;
use crate::domain::Timestamp;

/// How often [`Mailbox::wait`] looks.
const LOOK_EVERY: Duration = Duration::from_millis(200);
/// A header block longer than this has no Message-ID that we would find.
const HEADER_BYTES_MAX: u64 = 256 << 10;

/// Delivers a letter into a Maildir (its `new`), which is created when it is missing. Blocks until it is on the disk.
///
/// # Errors
/// [`MailboxError::Maildir`] when the file system refuses; then there is no letter, also not half of one.
pub fn deliver(maildir: &Path, bytes: &[u8], chance: &dyn Chance, now: Timestamp) -> Result<(), MailboxError> {
    files::deliver(maildir, bytes, Into::New, chance, now)
}

/// Whether this is a Maildir that letters can be read from: what looks like an empty one may be a disk that is not mounted.
#[must_use]
pub fn is_there(maildir: &Path) -> bool {
    files::PLACES.iter().all(|place| maildir.join(place).is_dir())
}

/// By what the ledger knows a Maildir: its path from the root on, without links and dots, so that another way to write it names the
/// same one, and another path another one.
#[must_use]
pub fn folder_of(maildir: &Path) -> String {
    let canonical = fs::canonicalize(maildir).or_else(|_| std::path::absolute(maildir));
    canonical.as_deref().unwrap_or(maildir).to_string_lossy().into_owned()
}

/// A Maildir. Every call looks at the disk anew.
pub struct Maildir {
    settings: MaildirSettings,
    clock: Arc<dyn Clock>,
    chance: Arc<dyn Chance>,
    last_look: Option<Look>,
    /// The UID validity that the caller knows.
    known_validity: Option<u32>,
    access: Access,
}

/// Whether our index may be written.
enum Access {
    Write,
    /// Nothing is written; the numbers live here as long as the value does.
    Read(Option<Index>),
}

/// The numbers of the letters and where each lies.
struct Numbered {
    maildir: PathBuf,
    index: Index,
    paths: BTreeMap<Base, PathBuf>,
}

/// A letter that is renamed between every look and every try to open it is beyond us after so many.
const TRIES_MAX: u32 = 16;

impl Numbered {
    /// Looks at the letters and numbers the new ones.
    fn look(maildir: &Path, mut index: Index) -> Result<Self, MailboxError> {
        let paths = files::find(maildir, index.letters.values().map(|entry| &entry.base))?;
        index.adopt(&paths)?;
        Ok(Self { maildir: maildir.to_owned(), index, paths })
    }

    /// Does something with the file of a letter. A file that is not where it was seen was renamed, most often by a mail
    /// program that set a flag, so it is looked for again; `None` only when it is nowhere to be seen.
    fn at<T>(
        &mut self,
        uid: u32,
        act: impl Fn(&Path) -> Result<Option<T>, MailboxError>,
    ) -> Result<Option<T>, MailboxError> {
        let Some(base) = self.index.letters.get(&uid).map(|entry| entry.base.clone()) else { return Ok(None) };
        for _ in 0..TRIES_MAX {
            let Some(path) = self.paths.get(&base) else { return Ok(None) };
            if let Some(done) = act(path)? {
                return Ok(Some(done));
            }
            self.paths = files::find(&self.maildir, std::iter::once(&base))?;
        }
        Err(failed("a letter is renamed faster than it can be opened")(std::io::ErrorKind::WouldBlock.into()))
    }

    fn read(&mut self, uid: u32, bytes_max: u64) -> Result<Option<Vec<u8>>, MailboxError> {
        self.at(uid, |path| files::read(path, bytes_max))
    }

    /// The letters above a UID. Ends before one that was not seen: it may be on its way to another name, and whoever
    /// goes on behind it would never read it. The next look sees it again or takes its number away.
    fn list(&mut self, first: u32, count_max: usize, now: Timestamp) -> Result<Listing, MailboxError> {
        let above: Vec<(u32, Base, bool)> =
            self.index.letters.range(first..).map(|(uid, entry)| (*uid, entry.base.clone(), entry.missed)).collect();
        let mut listing = Listing { letters: Vec::new(), through: self.index.uid_next.saturating_sub(1) };
        for (uid, base, missed) in above {
            if missed || listing.letters.len() == count_max {
                listing.through = uid - 1;
                break;
            }
            listing.letters.extend(self.at(uid, |path| listed(uid, &base, path, now))?);
        }
        Ok(listing)
    }
}

impl Maildir {
    /// A Maildir that is looked at when it is first asked for something. `clock` and `chance` name the letters that
    /// are appended; `chance` also draws the UID validity of a new index.
    #[must_use]
    pub fn new(settings: MaildirSettings, clock: Arc<dyn Clock>, chance: Arc<dyn Chance>) -> Self {
        Self { settings, clock, chance, last_look: None, known_validity: None, access: Access::Write }
    }

    /// The same, but nothing is written, also not our own index: letters that it does not number have numbers of this
    /// value alone.
    #[must_use]
    pub fn read_only(settings: MaildirSettings, clock: Arc<dyn Clock>, chance: Arc<dyn Chance>) -> Self {
        Self { access: Access::Read(None), ..Self::new(settings, clock, chance) }
    }

    /// Lists the letters, numbers the new ones, lets `change` work on them, and saves what it changed.
    async fn numbered<T: Send + 'static>(
        &mut self,
        change: impl FnOnce(&mut Numbered) -> Result<T, MailboxError> + Send + 'static,
    ) -> Result<T, MailboxError> {
        let (path, chance, known) = (self.settings.path.clone(), Arc::clone(&self.chance), self.known_validity);
        let read_only = match &self.access {
            Access::Write => None,
            Access::Read(index) => Some(index.clone()),
        };
        let work = move || {
            // Before the folders are read: what comes later is news.
            let look = Look::take(&path)?;
            let work = |index: &mut Index| {
                let mut numbered = Numbered::look(&path, index.clone())?;
                let found = numbered.index.uid_validity;
                if let Some(known) = known.filter(|known| *known != found) {
                    return Err(MailboxError::UidValidityChanged { known, found });
                }
                let answer = change(&mut numbered)?;
                *index = numbered.index;
                Ok((index.clone(), answer))
            };
            let (index, answer) = match read_only {
                None => with_index(&path, &*chance, work)?,
                Some(known) => work(&mut known.map_or_else(|| peek(&path, &*chance), Ok)?)?,
            };
            Ok((look, index, answer))
        };
        let (look, index, answer) = blocking(work).await?;
        // What was not seen is looked for again at once, not when something changes.
        self.last_look = Some(look).filter(|_| !index.letters.values().any(|entry| entry.missed));
        self.known_validity = Some(index.uid_validity);
        if let Access::Read(known) = &mut self.access {
            *known = Some(index);
        }
        Ok(answer)
    }

    /// As [`Self::numbered`], for what changes the letters themselves.
    async fn changed<T: Send + 'static>(
        &mut self,
        change: impl FnOnce(&mut Numbered) -> Result<T, MailboxError> + Send + 'static,
    ) -> Result<T, MailboxError> {
        if matches!(self.access, Access::Read(_)) {
            return Err(MailboxError::Argument { what: "this mailbox", why: "it was opened only to be read" });
        }
        self.numbered(change).await
    }

    fn subfolder(&self, name: &str) -> Result<PathBuf, MailboxError> {
        files::subfolder(&self.settings.path, name)
    }
}

/// Runs file work where it may block.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, MailboxError> + Send + 'static,
) -> Result<T, MailboxError> {
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or_else(|error| Err(failed("its work was cut short")(std::io::Error::other(error))))
}

/// The letters of a folder with exactly this Message-ID; none when there is no such folder.
fn with_message_id(folder: &Path, message_id: &str) -> Result<Vec<PathBuf>, MailboxError> {
    if !folder.join("cur").is_dir() {
        return Ok(Vec::new());
    }
    let mut found = Vec::new();
    for path in files::scan(folder)?.into_values() {
        let header = files::read(&path, HEADER_BYTES_MAX)?;
        if header.is_some_and(|header| message_id::is_of(message_id, &header)) {
            found.push(path);
        }
    }
    Ok(found)
}

/// The letters of a folder that have this size; none when there is no such folder.
fn of_size(folder: &Path, size_bytes: u64) -> Result<Vec<PathBuf>, MailboxError> {
    if !folder.join("cur").is_dir() {
        return Ok(Vec::new());
    }
    let mut found = Vec::new();
    for path in files::scan(folder)?.into_values() {
        found.extend(metadata(&path)?.filter(|file| file.len() == size_bytes).map(|_| path));
    }
    Ok(found)
}

/// Cuts a letter behind its header block.
fn header_block(mut bytes: Vec<u8>) -> Vec<u8> {
    let mut end = 0;
    for line in bytes.split_inclusive(|byte| *byte == b'\n') {
        end += line.len();
        if matches!(line, b"\n" | b"\r\n") {
            break;
        }
    }
    bytes.truncate(end);
    bytes
}

fn listed(uid: u32, base: &[u8], path: &Path, now: Timestamp) -> Result<Option<Listed>, MailboxError> {
    let Some(file) = metadata(path)? else { return Ok(None) };
    let received_at = Some(receipt::received_at(base, path, &file, now)?);
    Ok(Some(Listed { uid, size_bytes: file.len(), received_at }))
}

/// What the file system says of a letter; `None` when it is gone from this place.
fn metadata(path: &Path) -> Result<Option<fs::Metadata>, MailboxError> {
    match fs::symlink_metadata(path) {
        Ok(file) => Ok(Some(file)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(failed("a letter's size cannot be read")(error)),
    }
}

#[async_trait]
impl Mailbox for Maildir {
    async fn open(&mut self) -> Result<FolderState, MailboxError> {
        self.known_validity = None;
        self.numbered(|numbered| {
            let index = &numbered.index;
            Ok(FolderState { uid_validity: index.uid_validity, uid_next: index.uid_next })
        })
        .await
    }

    async fn list(&mut self, after: u32, count_max: u32) -> Result<Listing, MailboxError> {
        let Some(first) = after.checked_add(1) else { return Ok(Listing { letters: Vec::new(), through: after }) };
        let count_max = usize::try_from(count_max).unwrap_or(usize::MAX);
        let now = self.clock.now();
        self.numbered(move |numbered| numbered.list(first, count_max, now)).await
    }

    async fn fetch(&mut self, uids: &[u32]) -> Result<Vec<Fetched>, MailboxError> {
        let uids = uids.to_vec();
        self.numbered(move |numbered| {
            let mut fetched = Vec::with_capacity(uids.len());
            for uid in uids {
                fetched.extend(numbered.read(uid, u64::MAX)?.map(|bytes| Fetched { uid, bytes }));
            }
            Ok(fetched)
        })
        .await
    }

    async fn fetch_header(&mut self, uid: u32, bytes_max: u64) -> Result<Option<Fetched>, MailboxError> {
        self.numbered(move |numbered| {
            Ok(numbered.read(uid, bytes_max)?.map(|bytes| Fetched { uid, bytes: header_block(bytes) }))
        })
        .await
    }

    async fn mark(&mut self, uids: &[u32]) -> Result<(), MailboxError> {
        let (uids, keyword) = (uids.to_vec(), self.settings.keyword.clone());
        if keyword.is_empty() || keyword == "-" || !keyword.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(MailboxError::Argument { what: "mailbox.keyword", why: "it is no word of printable ASCII" });
        }
        self.changed(move |numbered| {
            for uid in uids {
                if let Some(entry) = numbered.index.letters.get_mut(&uid) {
                    entry.keyword = Some(keyword.clone());
                }
            }
            Ok(())
        })
        .await
    }

    async fn move_to(&mut self, uids: &[u32], folder: &str) -> Result<(), MailboxError> {
        let (uids, source, target) = (uids.to_vec(), self.settings.path.clone(), self.subfolder(folder)?);
        if source == target {
            return Err(MailboxError::Argument { what: "a folder name", why: "letters lie there already" });
        }
        self.changed(move |numbered| {
            files::create(&target)?;
            for uid in uids {
                numbered.at(uid, |path| Ok(files::rename(path, &target)?.then_some(())))?;
                numbered.index.letters.remove(&uid);
            }
            files::sync_places(&target)?;
            files::sync_places(&source)
        })
        .await
    }

    async fn expunge(&mut self, uids: &[u32]) -> Result<(), MailboxError> {
        let (uids, source) = (uids.to_vec(), self.settings.path.clone());
        self.changed(move |numbered| {
            for uid in uids {
                numbered.at(uid, |path| Ok(files::remove(path)?.then_some(())))?;
                numbered.index.letters.remove(&uid);
            }
            files::sync_places(&source)
        })
        .await
    }

    async fn expunge_by_message_id(&mut self, folder: &str, message_id: &str) -> Result<u32, MailboxError> {
        let (folder, message_id) = (self.subfolder(folder)?, message_id.to_owned());
        blocking(move || {
            let mut removed = 0;
            for path in with_message_id(&folder, &message_id)? {
                removed += u32::from(files::remove(&path)?);
            }
            if removed > 0 {
                files::sync_places(&folder)?;
            }
            Ok(removed)
        })
        .await
    }

    async fn expunge_alike(
        &mut self,
        folder: &str,
        size_bytes: u64,
        is_same: &IsSame<'_>,
    ) -> Result<u32, MailboxError> {
        let folder = self.subfolder(folder)?;
        let place = folder.clone();
        let mut removed = 0;
        for path in blocking(move || of_size(&place, size_bytes)).await? {
            let of_letter = path.clone();
            let bytes = blocking(move || files::read(&of_letter, u64::MAX)).await?;
            if bytes.is_some_and(|bytes| is_same(&bytes)) {
                removed += u32::from(blocking(move || files::remove(&path)).await?);
            }
        }
        if removed > 0 {
            blocking(move || files::sync_places(&folder)).await?;
        }
        Ok(removed)
    }

    async fn count_by_message_id(&mut self, folder: &str, message_id: &str) -> Result<u32, MailboxError> {
        let (folder, message_id) = (self.subfolder(folder)?, message_id.to_owned());
        let found = blocking(move || with_message_id(&folder, &message_id)).await?;
        Ok(u32::try_from(found.len()).unwrap_or(u32::MAX))
    }

    async fn append(&mut self, folder: &str, bytes: &[u8]) -> Result<(), MailboxError> {
        let (folder, bytes, now) = (self.subfolder(folder)?, bytes.to_vec(), self.clock.now());
        let chance = Arc::clone(&self.chance);
        blocking(move || files::deliver(&folder, &bytes, Into::CurSeen, &*chance, now)).await
    }

    async fn wait(&mut self, at_most: Duration) -> Result<(), MailboxError> {
        let until = Instant::now() + at_most;
        // Nobody has looked yet: there may be something.
        let Some(last) = self.last_look else { return Ok(()) };
        // The whole look twice, then by time alone: by then the clock has ticked since the last one.
        let mut whole_looks = 2;
        loop {
            let path = self.settings.path.clone();
            let whole = whole_looks > 0;
            let changed = blocking(move || {
                let changed = if whole { Look::take(&path)? != last } else { last.is_older_than(Look::times(&path)?) };
                Ok(changed)
            });
            if changed.await? || Instant::now() >= until {
                return Ok(());
            }
            whole_looks = i32::max(whole_looks - 1, 0);
            tokio::time::sleep_until(until.min(Instant::now() + LOOK_EVERY)).await;
        }
    }
}

#[cfg(test)]
mod tests;
