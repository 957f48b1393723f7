//! What the Maildir promises, on a real one in a temporary folder.

use std::fs::File;
use std::os::unix::fs::MetadataExt;

use super::*;
use crate::chance::SeededChance;
use crate::clock::FixedClock;

const NOON: Timestamp = Timestamp::from_micros(1_772_712_000_000_000);
const KEYWORD: &str = "$Expunged";

/// A Maildir in a temporary folder, and the chance that names its letters.
struct World {
    folder: tempfile::TempDir,
    chance: Arc<SeededChance>,
}

impl World {
    fn new() -> Self {
        let world = Self { folder: tempfile::tempdir().unwrap(), chance: Arc::new(SeededChance::new(7)) };
        files::create(&world.path()).unwrap();
        world
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("support")
    }

    /// A fresh value, as after a restart.
    fn mailbox(&self) -> Maildir {
        let settings = MaildirSettings { path: self.path(), keyword: KEYWORD.into() };
        Maildir::new(settings, Arc::new(FixedClock::at(NOON)), Arc::clone(&self.chance) as Arc<dyn Chance>)
    }

    fn deliver(&self, subject: &str, seconds: u64) {
        let letter = format!("Message-ID: <{subject}@example.org>\r\nSubject: {subject}\r\n\r\nHello.\r\n");
        deliver(&self.path(), letter.as_bytes(), &*self.chance, NOON.plus(Duration::from_secs(seconds))).unwrap();
    }

    fn names(&self, place: &str) -> Vec<String> {
        let folder = fs::read_dir(self.path().join(place)).unwrap();
        let mut names: Vec<String> = folder.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }
}

fn uids(listing: &Listing) -> Vec<u32> {
    listing.letters.iter().map(|letter| letter.uid).collect()
}

#[tokio::test]
async fn letters_are_listed_in_the_order_of_their_arrival_and_read_without_a_trace() {
    let world = World::new();
    for (subject, seconds) in [("second", 20), ("first", 10), ("third", 30)] {
        world.deliver(subject, seconds);
    }
    let before = world.names("new");
    let mut mailbox = world.mailbox();
    let state = mailbox.open().await.unwrap();
    assert_eq!(state.uid_next, 4);
    let listing = mailbox.list(0, 10).await.unwrap();
    assert_eq!((uids(&listing), listing.through), (vec![1, 2, 3], 3));
    let listed = listing.letters;
    assert_eq!(listed[0].received_at, Some(NOON.plus(Duration::from_secs(10))));
    let fetched = mailbox.fetch(&[1, 2, 3]).await.unwrap();
    assert!(fetched[0].bytes.windows(5).any(|word| word == b"first"));
    assert_eq!(listed[0].size_bytes, fetched[0].bytes.len() as u64);
    let cut = mailbox.list(1, 1).await.unwrap();
    assert_eq!((uids(&cut), cut.through), (vec![2], 2));
    assert_eq!(uids(&mailbox.list(u32::MAX, 10).await.unwrap()), [0; 0]);
    assert_eq!(world.names("new"), before);
    assert!(world.names("cur").is_empty());
}

#[tokio::test]
async fn numbers_stay_across_restarts_and_moves_to_cur() {
    let world = World::new();
    world.deliver("a", 0);
    let state = world.mailbox().open().await.unwrap();
    world.deliver("b", 1);
    assert_eq!(uids(&world.mailbox().list(0, 10).await.unwrap()), [1, 2]);
    // A colleague reads the first one.
    let name = world.names("new").remove(0);
    fs::rename(world.path().join("new").join(&name), world.path().join("cur").join(format!("{name}:2,S"))).unwrap();
    // And an older one is copied in: it is new to us, whatever its name says.
    world.deliver("older", 0);
    let mut mailbox = world.mailbox();
    assert_eq!(mailbox.open().await.unwrap(), FolderState { uid_next: 4, ..state });
    assert_eq!(uids(&mailbox.list(0, 10).await.unwrap()), [1, 2, 3]);
    let first = mailbox.fetch(&[1]).await.unwrap();
    assert!(first[0].bytes.windows(10).any(|word| word == b"Subject: a"));
}

#[tokio::test]
async fn a_letter_that_vanishes_is_left_out_and_its_number_is_never_given_again() {
    let world = World::new();
    for subject in ["a", "b"] {
        world.deliver(subject, 0);
    }
    let mut mailbox = world.mailbox();
    assert_eq!(uids(&mailbox.list(0, 10).await.unwrap()), [1, 2]);
    let name = world.names("new").remove(1);
    let (there, away) = (world.path().join("new").join(&name), world.folder.path().join("away"));
    fs::rename(&there, &away).unwrap();
    assert_eq!(uids(&mailbox.list(0, 10).await.unwrap()), [1]);
    assert_eq!(mailbox.fetch(&[1, 2]).await.unwrap().len(), 1);
    world.deliver("c", 5);
    assert_eq!(uids(&mailbox.list(0, 10).await.unwrap()), [1, 3]);
    // Gone for longer than one look: if it comes back, it is another delivery.
    fs::rename(&away, &there).unwrap();
    assert_eq!(uids(&mailbox.list(0, 10).await.unwrap()), [1, 3, 4]);
}

#[tokio::test]
async fn a_letter_that_one_look_missed_keeps_its_number() {
    let world = World::new();
    world.deliver("a", 0);
    let mut mailbox = world.mailbox();
    mailbox.list(0, 10).await.unwrap();
    let name = world.names("new").remove(0);
    let (there, away) = (world.path().join("new").join(&name), world.folder.path().join("away"));
    fs::rename(&there, &away).unwrap();
    assert_eq!(mailbox.list(0, 10).await.unwrap(), Listing { letters: Vec::new(), through: 0 });
    fs::rename(&away, &there).unwrap();
    assert_eq!(uids(&mailbox.list(0, 10).await.unwrap()), [1]);
}

#[tokio::test]
async fn a_deleted_index_is_another_validity_and_a_damaged_one_an_error() {
    let world = World::new();
    world.deliver("a", 0);
    let mut mailbox = world.mailbox();
    let old = mailbox.open().await.unwrap();
    let index = world.path().join(".expunged-uids");
    assert_eq!(fs::metadata(&index).unwrap().mode() & 0o777, 0o600);
    fs::remove_file(&index).unwrap();
    let changed = mailbox.list(0, 10).await;
    assert!(matches!(changed, Err(MailboxError::UidValidityChanged { known, .. }) if known == old.uid_validity));
    let new = mailbox.open().await.unwrap();
    assert_ne!(new.uid_validity, old.uid_validity);
    assert_eq!(uids(&mailbox.list(0, 10).await.unwrap()), [1]);
    fs::write(&index, "expunged-uids 1\nvalidity 5\nnext").unwrap();
    assert!(matches!(mailbox.open().await, Err(MailboxError::Index { line: 3, .. })));
}

#[tokio::test]
async fn a_mark_lives_in_the_index_alone() {
    let world = World::new();
    world.deliver("a", 0);
    let before = world.names("new");
    let mut mailbox = world.mailbox();
    mailbox.list(0, 10).await.unwrap();
    mailbox.mark(&[1]).await.unwrap();
    assert_eq!(world.names("new"), before);
    let index = fs::read_to_string(world.path().join(".expunged-uids")).unwrap();
    assert!(index.lines().any(|line| line.starts_with("1 there $Expunged ")), "{index}");
}

#[tokio::test]
async fn moving_and_deleting_touch_their_letters_only() {
    let world = World::new();
    for subject in ["a", "b", "c"] {
        world.deliver(subject, 0);
    }
    let mut mailbox = world.mailbox();
    mailbox.list(0, 10).await.unwrap();
    mailbox.move_to(&[1, 99], "Done/2026").await.unwrap();
    assert_eq!(world.names(".Done.2026/new").len(), 1);
    mailbox.expunge(&[2]).await.unwrap();
    assert_eq!(uids(&mailbox.list(0, 10).await.unwrap()), [3]);
    // Once more: the same outcome.
    mailbox.expunge(&[2]).await.unwrap();
    mailbox.move_to(&[1], "Done/2026").await.unwrap();
    assert_eq!(world.names("new").len(), 1);
    assert!(mailbox.move_to(&[3], "../elsewhere").await.is_err());
}

#[tokio::test]
async fn our_copies_are_appended_as_read_and_found_by_their_message_id() {
    let world = World::new();
    let mut mailbox = world.mailbox();
    assert_eq!(mailbox.count_by_message_id("Sent", "<x@example.org>").await.unwrap(), 0);
    let copy = b"Message-ID: <x@example.org>\r\n\r\nHello.\r\n";
    mailbox.append("Sent", copy).await.unwrap();
    mailbox.append("Sent", b"Message-ID: <xx@example.org>\r\n\r\nHello <x@example.org>.\r\n").await.unwrap();
    assert!(world.names(".Sent/cur").iter().all(|name| name.ends_with(":2,S")));
    assert_eq!(mailbox.count_by_message_id("Sent", "<x@example.org>").await.unwrap(), 1);
    assert_eq!(mailbox.expunge_by_message_id("Sent", "<x@example.org>").await.unwrap(), 1);
    assert_eq!(mailbox.expunge_by_message_id("Sent", "<x@example.org>").await.unwrap(), 0);
    assert_eq!(world.names(".Sent/cur").len(), 1);
}

#[tokio::test]
async fn a_moved_letter_is_known_by_its_bytes() {
    let world = World::new();
    let mut mailbox = world.mailbox();
    for letter in
        [&b"Subject: a\r\n\r\nours\r\n"[..], b"Subject: b\r\n\r\nours\r\n", b"Subject: longer\r\n\r\nours\r\n"]
    {
        mailbox.append("Done", letter).await.unwrap();
    }
    let is_ours = |bytes: &[u8]| bytes.starts_with(b"Subject: b");
    assert_eq!(mailbox.expunge_alike("Done", 20, &is_ours).await.unwrap(), 1);
    assert_eq!(mailbox.expunge_alike("Done", 20, &is_ours).await.unwrap(), 0);
    assert_eq!(mailbox.expunge_alike("Nowhere", 20, &is_ours).await.unwrap(), 0);
    assert_eq!(world.names(".Done/cur").len(), 2);
}

#[tokio::test]
async fn only_the_header_of_a_giant_is_read() {
    let world = World::new();
    let letter = [b"Subject: big\r\n\r\n".to_vec(), vec![b'x'; 100_000]].concat();
    deliver(&world.path(), &letter, &*world.chance, NOON).unwrap();
    let mut mailbox = world.mailbox();
    mailbox.list(0, 10).await.unwrap();
    let header = mailbox.fetch_header(1, 4096).await.unwrap().unwrap();
    assert_eq!(header.bytes, b"Subject: big\r\n\r\n");
    assert_eq!(mailbox.fetch_header(1, 5).await.unwrap().unwrap().bytes, b"Subje");
    assert_eq!(mailbox.fetch_header(9, 5).await.unwrap(), None);
}

#[tokio::test]
async fn a_file_without_a_time_in_its_name_has_that_of_its_change() {
    let world = World::new();
    let path = world.path().join("new/letter-by-hand");
    fs::write(&path, "Subject: x\n\n").unwrap();
    let time = std::time::UNIX_EPOCH + Duration::from_secs(1_700_000_000);
    File::options().write(true).open(&path).unwrap().set_modified(time).unwrap();
    let listed = world.mailbox().list(0, 10).await.unwrap().letters;
    assert_eq!(listed[0].received_at, Some(Timestamp::from_micros(1_700_000_000_000_000)));
}

#[tokio::test]
async fn a_date_that_nothing_bears_out_moves_no_due_day() {
    let world = World::new();
    let came = NOON.minus(Duration::from_secs(3_600));
    let two_years = Duration::from_secs(2 * 365 * 86_400);
    for (name, at) in [("back", NOON.minus(two_years)), ("ahead", NOON.plus(two_years))] {
        let path = world.path().join(format!("new/{}.{name}", at.as_micros() / 1_000_000));
        fs::write(&path, "Received: by mx; Thu, 05 Mar 2026 11:00:00 +0000\n\n").unwrap();
        let time = std::time::UNIX_EPOCH + Duration::from_micros(u64::try_from(came.as_micros()).unwrap());
        File::options().write(true).open(&path).unwrap().set_modified(time).unwrap();
    }
    let listed = world.mailbox().list(0, 10).await.unwrap().letters;
    assert_eq!(listed.iter().map(|letter| letter.received_at).collect::<Vec<_>>(), [Some(came), Some(came)]);
}

#[tokio::test]
async fn what_is_no_letter_is_not_listed() {
    let world = World::new();
    fs::write(world.path().join("new/.hidden"), "x").unwrap();
    fs::create_dir(world.path().join("cur/folder")).unwrap();
    std::os::unix::fs::symlink("/etc/hostname", world.path().join("cur/link")).unwrap();
    assert!(world.mailbox().list(0, 10).await.unwrap().letters.is_empty());
}

#[tokio::test]
async fn a_missing_maildir_is_an_error_that_says_what_to_do() {
    let world = World::new();
    fs::remove_dir(world.path().join("new")).unwrap();
    let error = world.mailbox().open().await.unwrap_err();
    assert!(error.to_string().contains("mailbox.maildir.path"), "{error}");
    assert!(!error.to_string().contains("support"), "{error}");
}

#[tokio::test]
async fn waiting_ends_when_a_letter_arrives_or_the_time_is_over() {
    let world = World::new();
    let mut mailbox = world.mailbox();
    mailbox.list(0, 10).await.unwrap();
    let start = Instant::now();
    mailbox.wait(Duration::from_millis(300)).await.unwrap();
    assert!(start.elapsed() >= Duration::from_millis(300));
    // What came between the last look and the wait counts.
    world.deliver("a", 0);
    let start = Instant::now();
    mailbox.wait(Duration::from_secs(20)).await.unwrap();
    assert!(start.elapsed() < Duration::from_secs(5));
    mailbox.list(0, 10).await.unwrap();
    let later = async {
        tokio::time::sleep(Duration::from_millis(500)).await;
        world.deliver("b", 0);
    };
    let start = Instant::now();
    let (waited, ()) = tokio::join!(mailbox.wait(Duration::from_secs(20)), later);
    waited.unwrap();
    assert!(start.elapsed() < Duration::from_secs(5));
}

/// A mail program that moves what is new to `cur` and flips a flag of each letter, without a pause, until it is told
/// to stop.
fn rename_all(maildir: &Path, stop: &std::sync::atomic::AtomicBool) {
    let (new, cur) = (maildir.join("new"), maildir.join("cur"));
    while !stop.load(std::sync::atomic::Ordering::Relaxed) {
        for (from, unread) in [(&new, true), (&cur, false)] {
            for entry in fs::read_dir(from).unwrap().flatten() {
                let name = entry.file_name().into_string().unwrap();
                let base = name.split(':').next().unwrap();
                let flags = if unread || name.ends_with('S') { "" } else { "S" };
                // It may have been renamed by now; then it is found again.
                let _ = fs::rename(entry.path(), cur.join(format!("{base}:2,{flags}")));
            }
        }
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// Every letter is read once, whatever a mail program does to the names meanwhile, and none counts as gone.
#[tokio::test]
async fn a_letter_that_is_renamed_while_it_is_read_is_neither_lost_nor_called_gone() {
    const LETTERS: usize = 400;
    let world = World::new();
    let stop = Arc::new(std::sync::atomic::AtomicBool::new(false));
    let reader = std::thread::spawn({
        let (maildir, stop) = (world.path(), Arc::clone(&stop));
        move || rename_all(&maildir, &stop)
    });
    let writer = std::thread::spawn({
        let maildir = world.path();
        move || {
            for number in 0..LETTERS {
                let (tmp, name) = (maildir.join("tmp/letter"), format!("1772712000.M{number}.test"));
                fs::write(&tmp, format!("Subject: n{number}\n\n")).unwrap();
                fs::rename(tmp, maildir.join("new").join(name)).unwrap();
                std::thread::sleep(Duration::from_millis(2));
            }
        }
    });
    let mut mailbox = world.mailbox();
    let (mut after, mut read, mut quiet) = (0, Vec::new(), 0);
    while quiet < 3 {
        let done = writer.is_finished();
        let listing = mailbox.list(after, 50).await.unwrap();
        let uids = uids(&listing);
        assert_eq!(u32::try_from(uids.len()).unwrap(), listing.through - after, "a number counts as gone");
        let fetched = mailbox.fetch(&uids).await.unwrap();
        assert_eq!(fetched.iter().map(|letter| letter.uid).collect::<Vec<_>>(), uids, "a letter counts as gone");
        quiet = if done && uids.is_empty() { quiet + 1 } else { 0 };
        after = listing.through;
        read.extend(fetched.into_iter().map(|letter| letter.bytes));
    }
    stop.store(true, std::sync::atomic::Ordering::Relaxed);
    writer.join().unwrap();
    reader.join().unwrap();
    read.sort();
    read.dedup();
    assert_eq!(read.len(), LETTERS);
}

#[tokio::test]
async fn the_list_ends_before_a_letter_that_was_not_seen() {
    let world = World::new();
    for seconds in 0..3 {
        world.deliver("a", seconds);
    }
    let mut mailbox = world.mailbox();
    assert_eq!(uids(&mailbox.list(0, 10).await.unwrap()), [1, 2, 3]);
    let name = world.names("new").remove(1);
    let (there, away) = (world.path().join("new").join(&name), world.folder.path().join("away"));
    fs::rename(&there, &away).unwrap();
    let listing = mailbox.list(0, 10).await.unwrap();
    assert_eq!((uids(&listing), listing.through), (vec![1], 1));
    // Nobody waits for news before it was looked for again.
    let start = Instant::now();
    mailbox.wait(Duration::from_secs(20)).await.unwrap();
    assert!(start.elapsed() < Duration::from_secs(5));
    fs::rename(&away, &there).unwrap();
    let listing = mailbox.list(1, 10).await.unwrap();
    assert_eq!((uids(&listing), listing.through), (vec![2, 3], 3));
}

#[tokio::test]
async fn what_is_opened_to_be_read_is_not_written() {
    let world = World::new();
    world.deliver("a", 0);
    let files = || {
        let mut names: Vec<_> = fs::read_dir(world.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        names
    };
    let before = files();
    let settings = MaildirSettings { path: world.path(), keyword: KEYWORD.into() };
    let clock = Arc::new(FixedClock::at(NOON));
    let mut mailbox = Maildir::read_only(settings, clock, Arc::clone(&world.chance) as Arc<dyn Chance>);
    let state = mailbox.open().await.unwrap();
    world.deliver("b", 1);
    assert_eq!(uids(&mailbox.list(0, 10).await.unwrap()), [1, 2]);
    assert_eq!(mailbox.fetch(&[1, 2]).await.unwrap().len(), 2);
    assert_eq!(mailbox.open().await.unwrap().uid_validity, state.uid_validity);
    for changed in [mailbox.mark(&[1]).await, mailbox.move_to(&[1], "Done").await, mailbox.expunge(&[1]).await] {
        assert!(matches!(changed, Err(MailboxError::Argument { .. })), "{changed:?}");
    }
    assert_eq!(files(), before);
}
