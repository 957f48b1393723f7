//! Exit codes: stable, documented in the README, and the same for every command.
//!
//! | code | meaning |
//! |---|---|
//! | 0 | It did what was asked. |
//! | 1 | It failed; stderr says what, where, and what to do. |
//! | 2 | The command line, the config or a data map is wrong. |
//! | 3 | What was named does not exist. |
//! | 4 | It is not allowed in this state, or to this actor; or it was asked whether something is so that must not be, and it is. |
//! | 5 | Something outside does not answer, or does not let us in: a database, a store, a mail server. The same command may succeed later. |
//! | 6 | With `--detailed-exitcode` only: it did what was asked, and there is something. |
//!
//! The rule for 2 and 5: 2 is wrong by itself, whatever stands at the other end (a blank reason, a folder that is not there for
//! what we make ourselves, a query that its store does not take); 5 is what the other end says or does not say, a refused
//! login, an untrusted certificate, an unknown database, a file that is no database and a Maildir that is not there included, in
//! every command alike.
//!
//! Nothing here invents a message: an error is shown once, with its sources, as its room wrote it.

use std::error::Error as StdError;
use std::io::ErrorKind;
use std::process::ExitCode;

use crate::config::ConfigError;
use crate::daemon::build::BuildError;
use crate::daemon::{DaemonError, LockError};
use crate::db::DbError;
use crate::domain::Retry;
use crate::erase::{EraseError, LagError, MapError, PlanError};
use crate::flow::FlowError;
use crate::mailbox::MailboxError;
use crate::stores::StoreError;
use crate::verify::{DirectoryError, Refusal};
use crate::web::WebError;

use crate::output::{colour_on_stderr, say};

/// Why a command ended. To add one: a variant, a line above and in the README's table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// It did what was asked.
    Done = 0,
    /// It failed; the message on stderr says what, where, and what to do.
    Failed = 1,
    /// The command line, the config or a data map is wrong.
    Usage = 2,
    /// What was named does not exist.
    NotFound = 3,
    /// It is not allowed in this state, or to this actor.
    Refused = 4,
    /// Something outside does not answer, or does not let us in: a database, a store, a mail server. The same command may
    /// succeed later.
    Unavailable = 5,
    /// With `--detailed-exitcode` only: it did what was asked, and there is something.
    Something = 6,
}

/// Every code with what it means, as the README says it.
pub const CODES: [(Exit, &str); 7] = [
    (Exit::Done, "done as asked"),
    (Exit::Failed, "failed; the message on stderr says what, where, and what to do"),
    (Exit::Usage, "the command line, the configuration or a data map is wrong"),
    (Exit::NotFound, "what was named does not exist"),
    (
        Exit::Refused,
        "not allowed in this state, or to this actor; or what was asked for is there and must not be (`suppress check`, \
         `map diff --exit-code`, `doctor mail`)",
    ),
    (
        Exit::Unavailable,
        "something outside does not answer or does not let us in (a database, a store, a mail server); the same command may \
         succeed later",
    ),
    (Exit::Something, "with `--detailed-exitcode` only: it did what was asked, and there is something"),
];

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// An error that knows its exit code.
#[derive(Debug)]
pub struct Ended {
    /// The code.
    pub exit: Exit,
    /// What happened.
    pub error: anyhow::Error,
}

/// Nothing went wrong.
#[derive(Debug, thiserror::Error)]
#[error("nothing went wrong")]
struct Quiet;

/// What a command answers.
pub type Outcome = Result<(), Ended>;

impl Ended {
    /// An error with its code.
    pub fn new(exit: Exit, error: impl Into<anyhow::Error>) -> Self {
        Self { exit, error: error.into() }
    }

    /// An error in a few words, with its code.
    #[must_use]
    pub fn saying(exit: Exit, words: impl std::fmt::Display) -> Self {
        Self { exit, error: anyhow::anyhow!("{words}") }
    }

    /// Only a code: what was asked is done, and stdout has it.
    #[must_use]
    pub fn quietly(exit: Exit) -> Self {
        Self { exit, error: anyhow::Error::new(Quiet) }
    }

    /// A file that was named on the command line and cannot be read.
    pub fn unread(path: &std::path::Path, error: std::io::Error) -> Self {
        let exit = if error.kind() == ErrorKind::NotFound { Exit::NotFound } else { Exit::Failed };
        Self::new(exit, anyhow::Error::new(error).context(format!("cannot read {}", path.display())))
    }

    /// Says once on stderr what happened and why, and answers the code of the process.
    #[must_use]
    pub fn report(&self) -> Exit {
        // Whoever reads our output has read enough (`… | head`): that is no failure.
        if self.error.chain().any(is_broken_pipe) {
            return Exit::Done;
        }
        if self.error.is::<Quiet>() {
            return self.exit;
        }
        if let Some(config) = self.error.downcast_ref::<ConfigError>() {
            say(&config.render(colour_on_stderr()));
            return self.exit;
        }
        let mut causes = self.error.chain();
        if let Some(first) = causes.next() {
            say(&format!("error: {first}"));
        }
        for cause in causes {
            say(&format!("  because: {cause}"));
        }
        self.exit
    }
}

fn is_broken_pipe(cause: &(dyn StdError + 'static)) -> bool {
    cause.downcast_ref::<std::io::Error>().is_some_and(|error| error.kind() == ErrorKind::BrokenPipe)
}

impl<E: Into<anyhow::Error>> From<E> for Ended {
    fn from(error: E) -> Self {
        let error = error.into();
        let exit = error.chain().find_map(exit_of).unwrap_or(Exit::Failed);
        Self { exit, error }
    }
}

/// The code of an error that says by its type what kind it is; its source may say more.
fn exit_of(error: &(dyn StdError + 'static)) -> Option<Exit> {
    if let Some(PlanError::UnknownCategory { .. }) = error.downcast_ref() {
        return Some(Exit::NotFound);
    }
    if error.is::<ConfigError>() || error.is::<MapError>() || error.is::<PlanError>() {
        return Some(Exit::Usage);
    }
    if let Some(EraseError::Defects { .. }) = error.downcast_ref() {
        return Some(Exit::Usage);
    }
    if let Some(error) = error.downcast_ref::<BuildError>() {
        return of_build(error);
    }
    if let Some(error) = error.downcast_ref::<FlowError>() {
        return of_flow(error);
    }
    if let Some(error) = error.downcast_ref::<StoreError>() {
        return Some(match error {
            StoreError::BadUrl { .. } => Exit::Usage,
            StoreError::HiddenTables { .. } => Exit::Unavailable,
            other if other.retry() == Retry::Transient || other.is_shut_out() => Exit::Unavailable,
            _ => Exit::Failed,
        });
    }
    if let Some(error) = error.downcast_ref::<LagError>() {
        return Some(match error {
            LagError::Store(source) if source.retry() == Retry::Transient || source.is_shut_out() => Exit::Unavailable,
            _ => Exit::Usage,
        });
    }
    if let Some(error) = error.downcast_ref::<DbError>() {
        return match error {
            DbError::UnknownUrl | DbError::BadUrl(_) | DbError::File { .. } | DbError::NoFolder(_) => Some(Exit::Usage),
            DbError::NotThere => Some(Exit::NotFound),
            other => other.is_away().then_some(Exit::Unavailable),
        };
    }
    if let Some(error) = error.downcast_ref::<MailboxError>() {
        return of_mailbox(error);
    }
    if let Some(error) = error.downcast_ref::<DaemonError>() {
        return match error {
            DaemonError::Lock(LockError::Taken(_)) => Some(Exit::Refused),
            DaemonError::Lock(LockError::File { .. }) => Some(Exit::Usage),
            DaemonError::Web(WebError::Listen { source, .. }) => {
                Some(if source.kind() == ErrorKind::AddrInUse { Exit::Refused } else { Exit::Usage })
            }
            _ => None,
        };
    }
    let error = error.downcast_ref::<DirectoryError>()?;
    match error.refusal() {
        Some(Refusal::Question) => Some(Exit::Usage),
        Some(Refusal::Login) => Some(Exit::Unavailable),
        None => unavailable(error.retry()),
    }
}

fn of_mailbox(error: &MailboxError) -> Option<Exit> {
    match error {
        MailboxError::HostName { .. } | MailboxError::CaFile { .. } => Some(Exit::Usage),
        MailboxError::Tls { .. }
        | MailboxError::LoginRefused { .. }
        | MailboxError::Token(_)
        | MailboxError::TokenRefused { .. }
        | MailboxError::NotOffered { .. }
        | MailboxError::Maildir { .. } => Some(Exit::Unavailable),
        other => unavailable(other.retry()),
    }
}

fn unavailable(retry: Retry) -> Option<Exit> {
    (retry == Retry::Transient).then_some(Exit::Unavailable)
}

fn of_build(error: &BuildError) -> Option<Exit> {
    match error {
        // Their sources tell whether something is wrong or only far away.
        BuildError::Db(_) | BuildError::Store { .. } | BuildError::Directory(_) => None,
        BuildError::Templates(_) | BuildError::Verifier(_) => Some(Exit::Failed),
        BuildError::NoMailbox(_) => Some(Exit::Unavailable),
        _ => Some(Exit::Usage),
    }
}

fn of_flow(error: &FlowError) -> Option<Exit> {
    match error {
        FlowError::Illegal(_)
        | FlowError::Evidence(_)
        | FlowError::Extension(_)
        | FlowError::KeyDestroyed(_)
        | FlowError::OpenedAnew(_) => Some(Exit::Refused),
        FlowError::NotFound(_) | FlowError::NoSuchCategory { .. } => Some(Exit::NotFound),
        FlowError::Blank(_) | FlowError::Unusable(_) | FlowError::NoSuchArticle { .. } => Some(Exit::Usage),
        FlowError::Moved => Some(Exit::Unavailable),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use anyhow::Context as _;

    use super::*;
    use crate::domain::State;
    use crate::domain::request::IllegalTransition;
    use crate::erase::map::TableRef;
    use crate::stores::StoreName;

    fn unopened(source: StoreError) -> BuildError {
        let Some(name) = StoreName::new("shop") else { panic!("a store may be called shop") };
        BuildError::Store { name, file: "shop.toml".into(), source }
    }

    #[test]
    fn an_error_knows_its_code_by_its_type_below_any_context() {
        let illegal = IllegalTransition { state: State::Erasing, event: "held", why: "no way back" };
        let illegal = anyhow::Error::new(FlowError::Illegal(illegal)).context("EXP-7K3Q-M2");
        let at = TableRef { store: StoreName::new("shop").unwrap(), table: "users".to_owned() };
        let store = FlowError::Erase(EraseError::Store { at, source: StoreError::Timeout { seconds: 30 } });
        for (error, exit) in [
            (illegal, Exit::Refused),
            (BuildError::OtherKey.into(), Exit::Usage),
            (unopened(StoreError::Timeout { seconds: 1 }).into(), Exit::Unavailable),
            (unopened(StoreError::BadUrl { expected: "sqlite://" }).into(), Exit::Usage),
            (BuildError::Db(DbError::UnknownUrl).into(), Exit::Usage),
            (anyhow::Error::new(FlowError::Moved), Exit::Unavailable),
            (store.into(), Exit::Unavailable),
            (anyhow::anyhow!("anything else"), Exit::Failed),
        ] {
            assert_eq!(Ended::from(error).exit, exit);
        }
    }

    #[test]
    fn a_reader_that_has_read_enough_is_no_failure() {
        let closed = std::io::Error::from(ErrorKind::BrokenPipe);
        let ended = Ended::from(Err::<(), _>(closed).context("cannot write to stdout").unwrap_err());
        assert_eq!(ended.report(), Exit::Done);
    }
}
