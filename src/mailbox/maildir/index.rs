//! The numbers of the letters: a file of our own beside them, because a Maildir has none.
//!
//! `.expunged-uids` is text: a line each for format, validity and next UID, then one for each letter, ascending. It
//! is written whole to a second file, synced and renamed, so that a crash leaves the old one or the new one. Without
//! it all letters are numbered anew under another validity; a damaged one is an error and never guessed at.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use super::files::{self, Base, failed};
use crate::chance::{Chance, draw};
use crate::mailbox::MailboxError;

const NAME: &str = ".expunged-uids";
const FIRST_LINE: &str = "expunged-uids 1";
/// An index of about two million letters.
const INDEX_BYTES_MAX: u64 = 256 << 20;
/// Another process holds the lock for as long as it takes to list a folder; longer than this it is stuck.
const LOCK_TRIES_MAX: u32 = 200;
const LOCK_PAUSE: Duration = Duration::from_millis(25);

/// What we know of one letter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    /// Its file name without flags.
    pub(super) base: Base,
    /// The keyword that we marked it with.
    pub(super) keyword: Option<String>,
    /// It was not there at the last look. It keeps its number until it is missing twice: a file that is renamed while
    /// a folder is read may not be seen.
    pub(super) missed: bool,
}

/// All numbers of a Maildir.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Index {
    /// Another value means that the numbers are of other letters. Never 0.
    pub(super) uid_validity: u32,
    /// The number that the next letter gets.
    pub(super) uid_next: u32,
    /// The letters by their numbers.
    pub(super) letters: BTreeMap<u32, Entry>,
}

impl Index {
    fn new(chance: &dyn Chance) -> Self {
        let uid_validity = u32::from_be_bytes(draw(chance)).max(1);
        Self { uid_validity, uid_next: 1, letters: BTreeMap::new() }
    }

    /// Numbers what is new, in the order of names (which start with the time of delivery), and forgets what is gone.
    pub(super) fn adopt(&mut self, found: &BTreeMap<Base, PathBuf>) -> Result<(), MailboxError> {
        self.letters.retain(|_, entry| found.contains_key(&entry.base) || !entry.missed);
        for entry in self.letters.values_mut() {
            entry.missed = !found.contains_key(&entry.base);
        }
        let known: BTreeSet<&Base> = self.letters.values().map(|entry| &entry.base).collect();
        let mut fresh: Vec<Base> = found.keys().filter(|base| !known.contains(base)).cloned().collect();
        fresh.sort_by_cached_key(|base| (leading_seconds(base), base.clone()));
        for base in fresh {
            let exhausted = || failed("it has no more numbers; delete .expunged-uids to number all letters anew");
            let next = self.uid_next.checked_add(1).ok_or_else(|| exhausted()(io::ErrorKind::StorageFull.into()))?;
            self.letters.insert(self.uid_next, Entry { base, keyword: None, missed: false });
            self.uid_next = next;
        }
        Ok(())
    }

    fn text(&self) -> String {
        let mut text = format!("{FIRST_LINE}\nvalidity {}\nnext {}\n", self.uid_validity, self.uid_next);
        for (uid, entry) in &self.letters {
            let seen = if entry.missed { "missed" } else { "there" };
            let keyword = entry.keyword.as_deref().unwrap_or("-");
            let written = writeln!(text, "{uid} {seen} {keyword} {}", files::escape(&entry.base));
            debug_assert!(written.is_ok(), "a String takes everything");
        }
        text
    }

    fn parse(text: &str) -> Result<Self, MailboxError> {
        let mut lines = (1..).zip(text.lines());
        let mut head = |prefix: &'static str, why: &'static str| match lines.next() {
            Some((line, text)) => text.strip_prefix(prefix).ok_or(MailboxError::Index { line, why }),
            None => Err(MailboxError::Index { line: 1, why }),
        };
        let number = |text: &str, line, why| text.parse::<u32>().map_err(|_| MailboxError::Index { line, why });
        if !head(FIRST_LINE, "it is no index of ours, or of a later version")?.is_empty() {
            return Err(MailboxError::Index { line: 1, why: "it is of a later version" });
        }
        let uid_validity = number(head("validity ", "the validity is missing")?, 2, "the validity is no number")?;
        let uid_next = number(head("next ", "the next number is missing")?, 3, "the next number is no number")?;
        let mut letters = BTreeMap::new();
        for (line, text) in lines {
            let (uid, entry) = entry(text).ok_or(MailboxError::Index { line, why: "it is no letter" })?;
            if uid == 0 || uid >= uid_next || letters.last_key_value().is_some_and(|(last, _)| *last >= uid) {
                return Err(MailboxError::Index { line, why: "its number is out of order" });
            }
            letters.insert(uid, entry);
        }
        Ok(Self { uid_validity, uid_next, letters })
    }
}

fn entry(line: &str) -> Option<(u32, Entry)> {
    let mut words = line.split(' ');
    let uid = words.next()?.parse().ok()?;
    let missed = match words.next()? {
        "there" => false,
        "missed" => true,
        _ => return None,
    };
    let keyword = Some(words.next()?).filter(|word| *word != "-").map(str::to_owned);
    let base = files::unescape(words.next()?)?;
    words.next().is_none().then_some((uid, Entry { base, keyword, missed }))
}

/// Names of one second sort by their text, and those of other shapes come last.
fn leading_seconds(base: &[u8]) -> u64 {
    let digits: Vec<u8> = base.iter().copied().take_while(u8::is_ascii_digit).collect();
    std::str::from_utf8(&digits).ok().and_then(|digits| digits.parse().ok()).unwrap_or(u64::MAX)
}

/// Reads the index under a lock, lets it be changed, and writes it back if it was.
pub(super) fn with_index<T>(
    maildir: &Path,
    chance: &dyn Chance,
    change: impl FnOnce(&mut Index) -> Result<T, MailboxError>,
) -> Result<T, MailboxError> {
    let _lock = lock(maildir)?;
    let before = load(maildir)?;
    let mut index = before.clone().unwrap_or_else(|| Index::new(chance));
    let answer = change(&mut index)?;
    if before.as_ref() != Some(&index) {
        store(maildir, &index)?;
    }
    Ok(answer)
}

/// The lock of the index: `.expunged-uids.lock`, let go when the file is closed.
fn lock(maildir: &Path) -> Result<File, MailboxError> {
    let cannot = failed("its index cannot be locked (.expunged-uids.lock)");
    let file = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(maildir.join(format!("{NAME}.lock")))
        .map_err(&cannot)?;
    for _ in 0..LOCK_TRIES_MAX {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(fs::TryLockError::WouldBlock) => thread::sleep(LOCK_PAUSE),
            Err(fs::TryLockError::Error(error)) => return Err(cannot(error)),
        }
    }
    Err(cannot(io::ErrorKind::TimedOut.into()))
}

/// The index as it stands, or a new one; nothing is locked and nothing written.
pub(super) fn peek(maildir: &Path, chance: &dyn Chance) -> Result<Index, MailboxError> {
    Ok(load(maildir)?.unwrap_or_else(|| Index::new(chance)))
}

fn load(maildir: &Path) -> Result<Option<Index>, MailboxError> {
    let bytes = files::read(&maildir.join(NAME), INDEX_BYTES_MAX)?;
    let Some(bytes) = bytes else { return Ok(None) };
    let text = String::from_utf8(bytes).map_err(|_| MailboxError::Index { line: 1, why: "it is not text" })?;
    Index::parse(&text).map(Some)
}

fn store(maildir: &Path, index: &Index) -> Result<(), MailboxError> {
    let cannot = failed("its index cannot be written (.expunged-uids)");
    let temporary = maildir.join(format!("{NAME}.tmp"));
    // One that was left by a crash was never renamed, so nobody knows it.
    match fs::remove_file(&temporary) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(cannot(error)),
        _ => {}
    }
    files::write_new(&temporary, index.text().as_bytes()).map_err(&cannot)?;
    fs::rename(&temporary, maildir.join(NAME)).map_err(&cannot)?;
    files::sync_folder(maildir)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chance::SeededChance;

    #[test]
    fn an_index_is_read_as_it_was_written() {
        let mut index = Index::new(&SeededChance::new(1));
        let found = [b"5.b".to_vec(), b"10.a".to_vec(), b"odd \xff name".to_vec()];
        index.adopt(&found.into_iter().map(|base| (base, PathBuf::new())).collect()).unwrap();
        index.letters.get_mut(&2).unwrap().keyword = Some("$Expunged".into());
        assert_eq!(index.letters[&1].base, b"5.b", "numbers follow the time of delivery, not the text of the name");
        assert_eq!(Index::parse(&index.text()).unwrap(), index);
    }

    #[test]
    fn a_damaged_index_says_where() {
        let line = |text: &str| match Index::parse(text) {
            Err(MailboxError::Index { line, .. }) => line,
            other => panic!("{other:?}"),
        };
        assert_eq!(line(""), 1);
        assert_eq!(line("expunged-uids 2\n"), 1);
        assert_eq!(line("expunged-uids 1\nvalidity x\n"), 2);
        assert_eq!(line("expunged-uids 1\nvalidity 7\nnext 3\n1 there - a\n1 there - b\n"), 5);
        assert_eq!(line("expunged-uids 1\nvalidity 7\nnext 3\n3 there - a\n"), 4);
        assert_eq!(line("expunged-uids 1\nvalidity 7\nnext 3\n1 there -\n"), 4);
    }
}
