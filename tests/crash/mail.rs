//! How letters come and go in a world: folders on the disk, or the servers that a user would have.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use expunged::chance::OsChance;
use expunged::clock::{Clock as _, SystemClock};
use expunged::domain::Timestamp;
use expunged::mailbox::maildir;
use mail_parser::MessageParser;

use super::customer::{self, People};
use super::world::Phase;
use crate::support::dovecot::PASSWORD;
use crate::support::imap;
use crate::support::post::{Post, until};

/// Monday, 2 March 2026, 09:00 UTC.
const MONDAY: Timestamp = Timestamp::from_micros(1_772_442_000_000_000);

/// The folder that our letters are moved to.
const MOVED_TO: &str = "Erasure";

/// How letters come and go.
#[derive(Clone)]
pub enum Mail {
    /// A Maildir as mailbox, and a folder of Maildirs that the program writes into.
    Folders,
    /// Dovecot's IMAP, and Postfix before it. Where this is not root there is no Postfix: customers' letters come by LMTP
    /// then, and ours go into a folder.
    Servers(Arc<Servers>),
}

/// Servers for many worlds.
pub struct Servers {
    /// Whether Dovecot says that it has MOVE. One without it is told to COPY and to delete (RFC 6851 is not everywhere).
    pub has_move: bool,
    post: Post,
}

impl Mail {
    /// Starts servers.
    pub async fn servers(has_move: bool) -> Self {
        let config = if has_move { "" } else { "imap_capability = IMAP4rev1 UIDPLUS IDLE\n" };
        Self::Servers(Arc::new(Servers { has_move, post: Post::start_with(config, "").await }))
    }

    /// People whom no other world on the same servers has.
    pub fn people(&self) -> People {
        static NUMBER: AtomicU32 = AtomicU32::new(1);
        match self {
            Self::Folders => People::alone(),
            Self::Servers(_) => People::numbered(NUMBER.fetch_add(1, Ordering::Relaxed)),
        }
    }

    /// What time it is at the beginning: servers give letters the real one.
    pub fn beginning(&self) -> Timestamp {
        match self {
            Self::Folders => MONDAY,
            Self::Servers(_) => SystemClock.now(),
        }
    }

    /// What happens in such a world. A mail server that takes nothing is the folders' business.
    pub fn phases(&self) -> &'static [Phase] {
        match self {
            Self::Folders => &Phase::ALL,
            Self::Servers(_) => &[Phase::Opened, Phase::Confirmed, Phase::Erased, Phase::Forgotten],
        }
    }

    /// The tables of the configuration.
    pub fn config(&self, people: &People) -> String {
        const TO_FOLDERS: &str = "\n[mailer.file]\npath = \"customers\"\n";
        let Self::Servers(servers) = self else {
            return format!("\n[mailbox.maildir]\npath = \"support\"\n{TO_FOLDERS}");
        };
        let post = &servers.post;
        let table = |name: &str, security: &str, port: u16, authority: &Path| {
            let authority = authority.display();
            format!(
                "\n[{name}]\nhost = \"localhost\"\nsecurity = \"{security}\"\nport = {port}\nca_file = \"{authority}\"\n"
            )
        };
        let imap = table("mailbox.imap", "tls", post.dovecot.imaps_port, &post.dovecot.ca_file);
        let smtp = post.postfix.as_ref().map_or_else(
            || TO_FOLDERS.to_owned(),
            |postfix| table("mailer.smtp", "starttls", postfix.smtp_port, &postfix.ca_file),
        );
        format!("{imap}user = \"{}\"\npassword = '{PASSWORD}'\n{smtp}", people.support)
    }

    /// A customer writes, and the letter lies in the mailbox. `at` orders the letters of a Maildir.
    pub async fn write(&self, folder: &Path, people: &People, to: &str, letter: &str, at: Timestamp) {
        let Self::Servers(servers) = self else {
            maildir::deliver(&folder.join("support"), letter.as_bytes(), &OsChance, at).unwrap();
            return;
        };
        let post = &servers.post;
        let before = post.inbox(&people.support).len();
        post.send(&people.owner, to, letter.as_bytes()).await;
        let arrived = async || (post.inbox(&people.support).len() > before).then_some(());
        until("a letter in the support mailbox", arrived, || post.log()).await;
    }

    /// All letters in the mailbox of the one who asked, as soon as there are so many different ones.
    pub async fn received(&self, folder: &Path, people: &People, different: usize) -> Vec<Vec<u8>> {
        let written = || customer::letters(&folder.join("customers").join(&people.owner));
        let Self::Servers(servers) = self else { return written() };
        let post = &servers.post;
        if post.postfix.is_none() {
            return written();
        }
        let look = async || {
            let letters: Vec<Vec<u8>> = post.inbox(&people.owner).into_iter().map(|found| found.bytes).collect();
            let mut ids = customer::message_ids(&letters);
            ids.dedup();
            (ids.len() >= different).then_some(letters)
        };
        until("the customer's letters", look, || post.log()).await
    }

    /// What lies in the support mailbox: folder, flags and subject.
    pub fn lying(&self, folder: &Path, people: &People) -> Vec<String> {
        let mut found = match self {
            Self::Folders => in_maildir(&folder.join("support")),
            Self::Servers(servers) => {
                ["INBOX", MOVED_TO].into_iter().flat_map(|name| in_folder(&servers.post, people, name)).collect()
            }
        };
        found.sort();
        found
    }
}

fn in_maildir(maildir: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for place in ["new", "cur", "tmp"].into_iter().flat_map(|name| [name.to_owned(), format!(".{MOVED_TO}/{name}")]) {
        let Ok(entries) = std::fs::read_dir(maildir.join(&place)) else { continue };
        for entry in entries {
            found.push(format!("{place}: {}", subject(&std::fs::read(entry.unwrap().path()).unwrap())));
        }
    }
    found
}

fn in_folder(post: &Post, people: &People, name: &str) -> Vec<String> {
    let letters = imap::folder(post.dovecot.imap_port, &people.support, name);
    letters.iter().map(|found| format!("{name} [{}]: {}", found.flags.join(" "), subject(&found.bytes))).collect()
}

fn subject(letter: &[u8]) -> String {
    MessageParser::default().parse(letter).unwrap().subject().unwrap_or_default().to_owned()
}
