//! A folder of an IMAP account (RFC 9051 and 3501) over TLS.
//!
//! Connects on the first call and again on the call after an error: a connection on which anything went wrong, or on
//! which a call was cut short, is dropped and never used again. Never logs in without TLS, never reads with a
//! command that sets `\Seen`, never says EXPUNGE without UIDs, and never waits without an end.

mod changes;
mod command;
mod connect;
mod conversation;
#[cfg(test)]
mod fake;
mod frame;
mod letters;

use std::time::Duration;

use async_imap::imap_proto::{self, Response, ResponseCode};
use async_trait::async_trait;

use self::command::Command;
use self::connect::{Capabilities, Dial, TlsDial};
use self::conversation::{Conversation, Idled};
use super::settings::ImapSettings;
use super::{Fetched, FolderState, IsSame, Listed, Listing, Mailbox, MailboxError};

/// IDLE ends after this time at the latest: a dead connection is found out by the DONE that follows.
const IDLE_MAX: Duration = Duration::from_secs(5 * 60);

/// One folder of one account on one connection.
pub struct ImapMailbox {
    settings: ImapSettings,
    dial: Box<dyn Dial>,
    link: Option<Link>,
    /// The UIDVALIDITY that the caller knows.
    known_validity: Option<u32>,
    /// The server refused IDLE although it advertised it.
    idle_refused: bool,
    /// How our folder is opened.
    access: Access,
}

/// A session on which everything went well so far.
struct Link {
    conversation: Conversation,
    capabilities: Capabilities,
    selected: Option<Selected>,
}

/// The folder that UIDs are of.
#[derive(Clone, Debug)]
struct Selected {
    folder: String,
    access: Access,
    state: FolderState,
    takes_keyword: bool,
}

/// How a folder is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Access {
    Write,
    Read,
}

impl ImapMailbox {
    /// A mailbox that connects when it is first asked for something.
    #[must_use]
    pub fn new(settings: ImapSettings) -> Self {
        Self::dialling(settings, Box::new(TlsDial))
    }

    /// The same, but the folder is opened by EXAMINE, so that the server itself lets nothing be changed.
    #[must_use]
    pub fn read_only(settings: ImapSettings) -> Self {
        Self { access: Access::Read, ..Self::new(settings) }
    }

    fn dialling(settings: ImapSettings, dial: Box<dyn Dial>) -> Self {
        Self { settings, dial, link: None, known_validity: None, idle_refused: false, access: Access::Write }
    }

    /// The connection, taken out: it comes back by [`Self::keep`] when all went well, and is gone after an error or
    /// when the caller's future is dropped half-way.
    async fn take_link(&mut self) -> Result<Link, MailboxError> {
        if let Some(link) = self.link.take() {
            return Ok(link);
        }
        let (conversation, capabilities) = connect::log_in(&*self.dial, &self.settings).await?;
        Ok(Link { conversation, capabilities, selected: None })
    }

    fn keep(&mut self, link: Link) {
        self.link = Some(link);
    }

    /// The connection with our folder selected, in which UIDs mean what the caller thinks.
    async fn take_link_in_folder(&mut self) -> Result<Link, MailboxError> {
        let mut link = self.take_link().await?;
        let is_ours = |selected: &&Selected| selected.folder == self.settings.folder && selected.access == self.access;
        let found = match link.selected.as_ref().filter(is_ours) {
            Some(selected) => selected.state.uid_validity,
            None => link.select(&self.settings.folder, &self.settings.keyword, self.access).await?.uid_validity,
        };
        match self.known_validity {
            Some(known) if known != found => {
                self.keep(link);
                Err(MailboxError::UidValidityChanged { known, found })
            }
            _ => {
                self.known_validity = Some(found);
                Ok(link)
            }
        }
    }

    /// Size and arrival of these letters. Where the server cannot tell them of all at once they are asked for one by one:
    /// a letter that it tells nothing of is listed all the same, for its reader to give up on.
    async fn facts(&mut self, uids: &[u32]) -> Result<Vec<Listed>, MailboxError> {
        if uids.is_empty() {
            return Ok(Vec::new());
        }
        match self.facts_at_once(uids).await {
            Err(error) if error.may_be_one_letter() => {}
            answer => return answer,
        }
        let mut listed = Vec::with_capacity(uids.len());
        for uid in uids {
            match self.facts_at_once(&[*uid]).await {
                Err(error) if error.may_be_one_letter() => {
                    listed.push(Listed { uid: *uid, size_bytes: 0, received_at: None });
                }
                answer => listed.extend(answer?),
            }
        }
        Ok(listed)
    }

    async fn facts_at_once(&mut self, uids: &[u32]) -> Result<Vec<Listed>, MailboxError> {
        let mut link = self.take_link_in_folder().await?;
        let listed = letters::facts(&mut link.conversation, uids).await?;
        self.keep(link);
        Ok(listed)
    }

    /// The connection with another folder selected; `None` when there is no such folder.
    async fn take_link_in_other(&mut self, folder: &str, access: Access) -> Result<Option<Link>, MailboxError> {
        let mut link = self.take_link().await?;
        if !changes::exists(&mut link.conversation, folder).await? {
            self.keep(link);
            return Ok(None);
        }
        link.select(folder, &self.settings.keyword, access).await?;
        Ok(Some(link))
    }
}

impl Link {
    /// SELECT or EXAMINE.
    async fn select(&mut self, folder: &str, keyword: &str, access: Access) -> Result<FolderState, MailboxError> {
        let name = if access == Access::Write { "SELECT" } else { "EXAMINE" };
        let (mut uid_validity, mut uid_next, mut takes_keyword) = (None, None, true);
        let take = |response: &Response<'_>| {
            let Response::Data { status: imap_proto::Status::Ok, outcome } = response else { return };
            match &outcome.code {
                Some(ResponseCode::UidValidity(value)) => uid_validity = Some(*value),
                Some(ResponseCode::UidNext(value)) => uid_next = Some(*value),
                Some(ResponseCode::PermanentFlags(flags)) => {
                    takes_keyword = flags.iter().any(|flag| flag == "\\*" || flag.eq_ignore_ascii_case(keyword));
                }
                _ => {}
            }
        };
        self.selected = None;
        self.conversation.start_folder();
        self.conversation.run(Command::new(name).folder(folder)?, take).await?;
        let (Some(uid_validity), Some(uid_next)) = (uid_validity, uid_next) else {
            return Err(MailboxError::Garbled { command: name, what: "UIDVALIDITY or UIDNEXT is missing" });
        };
        let state = FolderState { uid_validity, uid_next };
        self.selected = Some(Selected { folder: folder.to_owned(), access, state, takes_keyword });
        Ok(state)
    }
}

#[async_trait]
impl Mailbox for ImapMailbox {
    async fn open(&mut self) -> Result<FolderState, MailboxError> {
        let mut link = self.take_link().await?;
        let state = link.select(&self.settings.folder, &self.settings.keyword, self.access).await?;
        self.known_validity = Some(state.uid_validity);
        self.keep(link);
        Ok(state)
    }

    async fn list(&mut self, after: u32, count_max: u32) -> Result<Listing, MailboxError> {
        let count_max = usize::try_from(count_max).unwrap_or(usize::MAX);
        let mut link = self.take_link_in_folder().await?;
        let uids = letters::above(&mut link.conversation, after, count_max).await?;
        // What was there when the folder was opened is in the answer, unless the answer was cut.
        let known = link.selected.as_ref().map_or(0, |selected| selected.state.uid_next.saturating_sub(1));
        self.keep(link);
        let last = uids.last().copied().unwrap_or(after);
        let through = if uids.len() == count_max { last } else { last.max(known) };
        Ok(Listing { letters: self.facts(&uids).await?, through })
    }

    async fn fetch(&mut self, uids: &[u32]) -> Result<Vec<Fetched>, MailboxError> {
        if uids.is_empty() {
            return Ok(Vec::new());
        }
        let mut link = self.take_link_in_folder().await?;
        let fetched = letters::fetch(&mut link.conversation, uids, self.settings.batch_bytes_max).await?;
        self.keep(link);
        Ok(fetched)
    }

    async fn fetch_header(&mut self, uid: u32, bytes_max: u64) -> Result<Option<Fetched>, MailboxError> {
        let mut link = self.take_link_in_folder().await?;
        let header = letters::fetch_header(&mut link.conversation, uid, bytes_max).await?;
        self.keep(link);
        Ok(header)
    }

    async fn mark(&mut self, uids: &[u32]) -> Result<(), MailboxError> {
        if uids.is_empty() {
            return Ok(());
        }
        let mut link = self.take_link_in_folder().await?;
        if link.selected.as_ref().is_some_and(|selected| !selected.takes_keyword) {
            self.keep(link);
            return Err(MailboxError::KeywordNotKept { folder: self.settings.folder.clone() });
        }
        changes::mark(&mut link.conversation, uids, &self.settings.keyword).await?;
        self.keep(link);
        Ok(())
    }

    async fn move_to(&mut self, uids: &[u32], folder: &str) -> Result<(), MailboxError> {
        if uids.is_empty() {
            return Ok(());
        }
        let mut link = self.take_link_in_folder().await?;
        changes::move_to(&mut link.conversation, &link.capabilities, uids, folder).await?;
        self.keep(link);
        Ok(())
    }

    async fn expunge(&mut self, uids: &[u32]) -> Result<(), MailboxError> {
        if uids.is_empty() {
            return Ok(());
        }
        let mut link = self.take_link_in_folder().await?;
        changes::expunge(&mut link.conversation, &link.capabilities, uids).await?;
        self.keep(link);
        Ok(())
    }

    async fn expunge_by_message_id(&mut self, folder: &str, message_id: &str) -> Result<u32, MailboxError> {
        let Some(mut link) = self.take_link_in_other(folder, Access::Write).await? else { return Ok(0) };
        let uids = letters::with_message_id(&mut link.conversation, message_id).await?;
        if !uids.is_empty() {
            changes::expunge(&mut link.conversation, &link.capabilities, &uids).await?;
        }
        self.keep(link);
        Ok(u32::try_from(uids.len()).unwrap_or(u32::MAX))
    }

    async fn expunge_alike(
        &mut self,
        folder: &str,
        size_bytes: u64,
        is_same: &IsSame<'_>,
    ) -> Result<u32, MailboxError> {
        let Some(mut link) = self.take_link_in_other(folder, Access::Write).await? else { return Ok(0) };
        let uids = letters::alike(&mut link.conversation, size_bytes, is_same).await?;
        if !uids.is_empty() {
            changes::expunge(&mut link.conversation, &link.capabilities, &uids).await?;
        }
        self.keep(link);
        Ok(u32::try_from(uids.len()).unwrap_or(u32::MAX))
    }

    async fn count_by_message_id(&mut self, folder: &str, message_id: &str) -> Result<u32, MailboxError> {
        let Some(mut link) = self.take_link_in_other(folder, Access::Read).await? else { return Ok(0) };
        let uids = letters::with_message_id(&mut link.conversation, message_id).await?;
        self.keep(link);
        Ok(u32::try_from(uids.len()).unwrap_or(u32::MAX))
    }

    async fn append(&mut self, folder: &str, bytes: &[u8]) -> Result<(), MailboxError> {
        let mut link = self.take_link().await?;
        changes::append(&mut link.conversation, folder, bytes).await?;
        self.keep(link);
        Ok(())
    }

    async fn wait(&mut self, at_most: Duration) -> Result<(), MailboxError> {
        let at_most = at_most.min(IDLE_MAX);
        let mut link = self.take_link_in_folder().await?;
        if !link.conversation.has_arrivals() {
            if self.idle_refused || !link.capabilities.has("IDLE") {
                tokio::time::sleep(at_most).await;
                link.conversation.run(Command::new("NOOP"), |_| {}).await?;
            } else if link.conversation.idle(at_most).await? == Idled::Refused {
                self.idle_refused = true;
                tokio::time::sleep(at_most).await;
            }
        }
        link.conversation.forget_arrivals();
        self.keep(link);
        Ok(())
    }
}

#[cfg(test)]
mod tests;
