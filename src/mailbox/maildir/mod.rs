//! A Maildir on this machine as the support mailbox.
//!
//! Reads `new` and `cur` without moving or flagging anything: an unread letter stays in `new`. Numbers and marks live
//! in our own file ([`index`]). Never keeps anything in memory that a restart would lose.

mod files;
mod index;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tokio::time::Instant;

use self::files::{Base, Into, Look, failed};
use self::index::{Index, with_index};
use super::settings::MaildirSettings;
use super::{Fetched, FolderState, IsSame, Listed, Mailbox, MailboxError, message_id};
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

/// A Maildir. Every call looks at the disk anew.
pub struct Maildir {
    settings: MaildirSettings,
    clock: Arc<dyn Clock>,
    chance: Arc<dyn Chance>,
    last_look: Option<Look>,
    /// The UID validity that the caller knows.
    known_validity: Option<u32>,
}

/// The numbers of the letters and where each lies.
struct Numbered {
    index: Index,
    paths: BTreeMap<Base, PathBuf>,
}

impl Numbered {
    fn path(&self, uid: u32) -> Option<&Path> {
        let entry = self.index.letters.get(&uid)?;
        self.paths.get(&entry.base).map(PathBuf::as_path)
    }
}

impl Maildir {
    /// A Maildir that is looked at when it is first asked for something. `clock` and `chance` name the letters that
    /// are appended; `chance` also draws the UID validity of a new index.
    #[must_use]
    pub fn new(settings: MaildirSettings, clock: Arc<dyn Clock>, chance: Arc<dyn Chance>) -> Self {
        Self { settings, clock, chance, last_look: None, known_validity: None }
    }

    /// Lists the letters, numbers the new ones, lets `change` work on them, and saves what it changed.
    async fn numbered<T: Send + 'static>(
        &mut self,
        change: impl FnOnce(&mut Numbered) -> Result<T, MailboxError> + Send + 'static,
    ) -> Result<T, MailboxError> {
        let (path, chance, known) = (self.settings.path.clone(), Arc::clone(&self.chance), self.known_validity);
        let work = move || {
            // Before the folders are read: what comes later is news.
            let look = Look::take(&path)?;
            let (validity, answer) = with_index(&path, &*chance, |index| {
                let paths = files::scan(&path)?;
                index.adopt(&paths)?;
                if let Some(known) = known.filter(|known| *known != index.uid_validity) {
                    return Err(MailboxError::UidValidityChanged { known, found: index.uid_validity });
                }
                let mut numbered = Numbered { index: index.clone(), paths };
                let answer = change(&mut numbered)?;
                *index = numbered.index;
                Ok((index.uid_validity, answer))
            })?;
            Ok((look, validity, answer))
        };
        let (look, validity, answer) = blocking(work).await?;
        self.last_look = Some(look);
        self.known_validity = Some(validity);
        Ok(answer)
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
    for (base, path) in files::scan(folder)? {
        found.extend(listed(0, &base, &path)?.filter(|letter| letter.size_bytes == size_bytes).map(|_| path));
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

fn listed(uid: u32, base: &[u8], path: &Path) -> Result<Option<Listed>, MailboxError> {
    match fs::symlink_metadata(path) {
        Ok(file) => Ok(Some(Listed { uid, size_bytes: file.len(), received_at: files::received_at(base, &file) })),
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

    async fn list(&mut self, after: u32, count_max: u32) -> Result<Vec<Listed>, MailboxError> {
        let Some(first) = after.checked_add(1) else { return Ok(Vec::new()) };
        let count_max = usize::try_from(count_max).unwrap_or(usize::MAX);
        self.numbered(move |numbered| {
            let letters = numbered.index.letters.range(first..);
            let there = letters.filter_map(|(uid, entry)| {
                let path = numbered.paths.get(&entry.base)?;
                listed(*uid, &entry.base, path).transpose()
            });
            there.take(count_max).collect()
        })
        .await
    }

    async fn fetch(&mut self, uids: &[u32]) -> Result<Vec<Fetched>, MailboxError> {
        let uids = uids.to_vec();
        self.numbered(move |numbered| {
            let mut fetched = Vec::with_capacity(uids.len());
            for uid in uids {
                let bytes = numbered.path(uid).map(|path| files::read(path, u64::MAX)).transpose()?.flatten();
                fetched.extend(bytes.map(|bytes| Fetched { uid, bytes }));
            }
            Ok(fetched)
        })
        .await
    }

    async fn fetch_header(&mut self, uid: u32, bytes_max: u64) -> Result<Option<Fetched>, MailboxError> {
        self.numbered(move |numbered| {
            let bytes = numbered.path(uid).map(|path| files::read(path, bytes_max)).transpose()?.flatten();
            Ok(bytes.map(|bytes| Fetched { uid, bytes: header_block(bytes) }))
        })
        .await
    }

    async fn mark(&mut self, uids: &[u32]) -> Result<(), MailboxError> {
        let (uids, keyword) = (uids.to_vec(), self.settings.keyword.clone());
        if keyword.is_empty() || keyword == "-" || !keyword.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(MailboxError::Argument { what: "mailbox.keyword", why: "it is no word of printable ASCII" });
        }
        self.numbered(move |numbered| {
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
        self.numbered(move |numbered| {
            files::create(&target)?;
            for uid in uids {
                if let Some(path) = numbered.path(uid) {
                    files::rename(path, &target)?;
                }
                numbered.index.letters.remove(&uid);
            }
            files::sync_places(&target)?;
            files::sync_places(&source)
        })
        .await
    }

    async fn expunge(&mut self, uids: &[u32]) -> Result<(), MailboxError> {
        let (uids, source) = (uids.to_vec(), self.settings.path.clone());
        self.numbered(move |numbered| {
            for uid in uids {
                if let Some(path) = numbered.path(uid) {
                    files::remove(path)?;
                }
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
