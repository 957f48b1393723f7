//! Changing letters: mark, move, delete, append. Touches exactly the UIDs that it is given, and looks afterwards
//! whether they are gone.
//!
//! Never says EXPUNGE without UIDs, which would delete what colleagues only marked.

use async_imap::imap_proto::{MailboxDatum, NameAttribute, Response};

use super::command::{Command, batches, keyword, uid_set};
use super::connect::Capabilities;
use super::conversation::Conversation;
use super::letters::present;
use crate::breakpoint;
use crate::mailbox::{MailboxError, Refusal, Status};

/// Adds a keyword to these letters.
pub(super) async fn mark(conversation: &mut Conversation, uids: &[u32], word: &str) -> Result<(), MailboxError> {
    add_flag(conversation, uids, keyword(word)?).await?;
    breakpoint!("imap.marked");
    Ok(())
}

async fn add_flag(conversation: &mut Conversation, uids: &[u32], flag: &str) -> Result<(), MailboxError> {
    for batch in batches(uids) {
        let store =
            || Command::new("UID STORE").word(&uid_set(&batch)).word("+FLAGS.SILENT").word(&format!("({flag})"));
        match conversation.run(store(), |_| {}).await {
            // Some are gone; once the server has told of them, the rest can be marked.
            Err(MailboxError::Refused { code: Some(Refusal::ExpungeIssued), .. }) => {
                conversation.run(Command::new("NOOP"), |_| {}).await?;
                conversation.run(store(), |_| {}).await?;
            }
            answer => answer?,
        }
    }
    Ok(())
}

/// Deletes these letters for good.
pub(super) async fn expunge(
    conversation: &mut Conversation,
    capabilities: &Capabilities,
    uids: &[u32],
) -> Result<(), MailboxError> {
    const EXPUNGE: &str = "UID EXPUNGE";
    if !capabilities.has("UIDPLUS") {
        return Err(MailboxError::CapabilityMissing { capability: "UIDPLUS", needed_for: "deleting" });
    }
    add_flag(conversation, uids, "\\Deleted").await?;
    breakpoint!("imap.deleted");
    for batch in batches(uids) {
        conversation.run(Command::new(EXPUNGE).word(&uid_set(&batch)), |_| {}).await?;
    }
    breakpoint!("imap.expunged");
    check_gone(conversation, EXPUNGE, uids).await
}

/// Moves these letters into another folder, which is created when it is missing.
pub(super) async fn move_to(
    conversation: &mut Conversation,
    capabilities: &Capabilities,
    uids: &[u32],
    folder: &str,
) -> Result<(), MailboxError> {
    const MOVE: &str = "UID MOVE";
    if capabilities.has("MOVE") {
        for batch in batches(uids) {
            into_folder(conversation, folder, || Command::new(MOVE).word(&uid_set(&batch)).folder(folder)).await?;
        }
        breakpoint!("imap.moved");
        return check_gone(conversation, MOVE, uids).await;
    }
    if !capabilities.has("UIDPLUS") {
        return Err(MailboxError::CapabilityMissing { capability: "MOVE or UIDPLUS", needed_for: "moving" });
    }
    for batch in batches(uids) {
        into_folder(conversation, folder, || Command::new("UID COPY").word(&uid_set(&batch)).folder(folder)).await?;
    }
    breakpoint!("imap.copied");
    expunge(conversation, capabilities, uids).await
}

/// Puts a letter into a folder, which is created when it is missing; it counts as read.
pub(super) async fn append(conversation: &mut Conversation, folder: &str, bytes: &[u8]) -> Result<(), MailboxError> {
    if bytes.contains(&0) {
        return Err(MailboxError::Argument { what: "a letter", why: "it has a NUL, which a literal cannot carry" });
    }
    let command = || Ok(Command::new("APPEND").folder(folder)?.word("(\\Seen)").literal(bytes));
    into_folder(conversation, folder, command).await
}

/// Says a command that puts something into a folder. A NO because the folder is missing creates it, once.
async fn into_folder(
    conversation: &mut Conversation,
    folder: &str,
    command: impl Fn() -> Result<Command, MailboxError> + Send,
) -> Result<(), MailboxError> {
    let refusal = match conversation.run(command()?, |_| {}).await {
        Err(error @ MailboxError::Refused { status: Status::No, .. }) => error,
        answer => return answer,
    };
    if exists(conversation, folder).await? {
        return Err(refusal);
    }
    conversation.run(Command::new("CREATE").folder(folder)?, |_| {}).await?;
    breakpoint!("imap.folder_created");
    conversation.run(command()?, |_| {}).await
}

/// Whether there is such a folder that can be selected.
pub(super) async fn exists(conversation: &mut Conversation, folder: &str) -> Result<bool, MailboxError> {
    let mut found = false;
    let take = |response: &Response<'_>| {
        let Response::MailboxData(MailboxDatum::List(listed)) = response else { return };
        let is_shadow = |attribute: &NameAttribute<'_>| match attribute {
            NameAttribute::NoSelect => true,
            NameAttribute::Extension(name) => name.eq_ignore_ascii_case("\\NonExistent"),
            _ => false,
        };
        found |= !listed.name_attributes.iter().any(is_shadow);
    };
    conversation.run(Command::new("LIST").string("a reference", b"")?.folder(folder)?, take).await?;
    Ok(found)
}

async fn check_gone(conversation: &mut Conversation, command: &'static str, uids: &[u32]) -> Result<(), MailboxError> {
    match present(conversation, uids).await?.len() {
        0 => Ok(()),
        remaining => Err(MailboxError::StillThere { command, asked: uids.len(), remaining }),
    }
}
