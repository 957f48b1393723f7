//! Puts messages into a Maildir per recipient, for the demo: their folder is their mailbox.

use std::io;
use std::path::{Path, PathBuf};

use async_trait::async_trait;
use tokio::fs;
use tokio::io::AsyncWriteExt;

use super::{Accepted, Mailer, Obstacle, Reached, SendError};
use crate::reply::compose::Outgoing;

/// The longest name of a folder or file, in bytes; file systems take 255.
const NAME_BYTES_MAX: usize = 200;

/// Writes to `<root>/<recipient's address>/{tmp,new,cur}`.
///
/// The file's name follows from the Message-ID alone, so that a resend of the same letter does not lie there twice,
/// read or unread.
pub struct FileMailer {
    root: PathBuf,
}

impl FileMailer {
    /// A mailer below this folder, which is made when it is needed.
    #[must_use]
    pub const fn new(root: PathBuf) -> Self {
        Self { root }
    }

    /// The Maildir of an address; `None` for an address that gives no name of a folder.
    #[must_use]
    pub fn maildir(&self, address: &str) -> Option<PathBuf> {
        file_name(&address.to_lowercase()).map(|name| self.root.join(name))
    }
}

#[async_trait]
impl Mailer for FileMailer {
    async fn send(&self, outgoing: &Outgoing) -> Result<Accepted, SendError> {
        let unusable = SendError::Permanent { reached: Reached::Recipient, obstacle: Obstacle::Address };
        let maildir = self.maildir(&outgoing.to).ok_or(unusable)?;
        let name = file_name(&outgoing.message_id).ok_or(unusable)?;
        let disk = |error: io::Error| SendError::Transient {
            reached: Reached::Message,
            obstacle: Obstacle::Disk(error.kind()),
        };
        deliver(&maildir, &name, &outgoing.bytes).await.map_err(disk)?;
        Ok(Accepted { code: None })
    }
}

/// Writes to `tmp`, then renames into `new`: a reader never sees half a message.
async fn deliver(maildir: &Path, name: &str, bytes: &[u8]) -> io::Result<()> {
    for folder in ["tmp", "new", "cur"] {
        fs::create_dir_all(maildir.join(folder)).await?;
    }
    if is_there(maildir, name).await? {
        return Ok(());
    }
    let tmp = maildir.join("tmp").join(name);
    let mut file = fs::File::create(&tmp).await?;
    file.write_all(bytes).await?;
    file.sync_all().await?;
    let new = maildir.join("new");
    fs::rename(&tmp, new.join(name)).await?;
    fs::File::open(&new).await?.sync_all().await
}

/// Whether the message lies there already: in `new`, or in `cur` with whatever flags its reader gave it.
async fn is_there(maildir: &Path, name: &str) -> io::Result<bool> {
    if fs::try_exists(maildir.join("new").join(name)).await? {
        return Ok(true);
    }
    let mut read = fs::read_dir(maildir.join("cur")).await?;
    while let Some(entry) = read.next_entry().await? {
        let found = entry.file_name();
        let found = found.to_string_lossy();
        if found.split(':').next() == Some(name) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// A text as the name of a file: what is not plain is written as `%` and two hexadecimal digits a byte, so that two
/// texts never share a name. `None` for an empty or a very long one.
fn file_name(text: &str) -> Option<String> {
    let mut name = String::with_capacity(text.len());
    for (index, byte) in text.bytes().enumerate() {
        let plain = byte.is_ascii_alphanumeric() || matches!(byte, b'@' | b'-' | b'_' | b'+' | b'=');
        if plain || (byte == b'.' && index > 0) {
            name.push(char::from(byte));
        } else {
            name.push('%');
            name.push_str(&data_encoding::HEXLOWER.encode(&[byte]));
        }
    }
    (!name.is_empty() && name.len() <= NAME_BYTES_MAX).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn letter(to: &str) -> Outgoing {
        Outgoing {
            message_id: "abc@shop.example".to_owned(),
            envelope_from: "bounces@shop.example".to_owned(),
            to: to.to_owned(),
            bytes: b"Subject: x\r\n\r\nx\r\n".to_vec(),
        }
    }

    async fn names(folder: PathBuf) -> Vec<String> {
        let mut read = fs::read_dir(folder).await.unwrap();
        let mut names = Vec::new();
        while let Some(entry) = read.next_entry().await.unwrap() {
            names.push(entry.file_name().into_string().unwrap());
        }
        names
    }

    #[tokio::test]
    async fn a_resend_lies_there_once_read_or_unread() {
        let root = tempfile::tempdir().unwrap();
        let mailer = FileMailer::new(root.path().to_owned());
        let maildir = mailer.maildir("Erika@Home.example").unwrap();
        mailer.send(&letter("erika@home.example")).await.unwrap();
        mailer.send(&letter("ERIKA@home.example")).await.unwrap();
        let new = names(maildir.join("new")).await;
        assert_eq!(new, ["abc@shop.example"]);
        let read = maildir.join("cur").join("abc@shop.example:2,S");
        fs::rename(maildir.join("new").join(&new[0]), &read).await.unwrap();
        mailer.send(&letter("erika@home.example")).await.unwrap();
        assert!(names(maildir.join("new")).await.is_empty() && names(maildir.join("tmp")).await.is_empty());
        assert_eq!(fs::read(read).await.unwrap(), letter("").bytes);
    }

    #[tokio::test]
    async fn an_address_cannot_leave_the_root() {
        let root = tempfile::tempdir().unwrap();
        let mailer = FileMailer::new(root.path().join("inner"));
        mailer.send(&letter("../../evil/x@home.example")).await.unwrap();
        assert_eq!(names(root.path().to_owned()).await, ["inner"]);
        assert_eq!(names(root.path().join("inner")).await, ["%2e.%2f..%2fevil%2fx@home.example"]);
        let refused = mailer.send(&letter("")).await.unwrap_err();
        assert_eq!(refused.retry(), crate::domain::Retry::Permanent);
    }

    #[tokio::test]
    async fn a_disk_that_fails_is_worth_another_try() {
        let root = tempfile::tempdir().unwrap();
        let file = root.path().join("file");
        fs::write(&file, b"").await.unwrap();
        let failed = FileMailer::new(file).send(&letter("erika@home.example")).await.unwrap_err();
        assert_eq!(failed.retry(), crate::domain::Retry::Transient);
        assert!(!failed.to_string().contains("erika"), "{failed}");
    }
}
