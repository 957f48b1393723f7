//! Exit codes: stable, documented in the README, and the same for every command.

use std::process::ExitCode;

/// Why a command ended. To add one: a variant, a line in the README's table.
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
    /// Something outside does not answer: a database, a store, a mail server. The same command may succeed later.
    Unavailable = 5,
}

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

/// What a command answers.
pub type Outcome = Result<(), Ended>;

impl Ended {
    /// An error with its code.
    pub fn new(exit: Exit, error: impl Into<anyhow::Error>) -> Self {
        Self { exit, error: error.into() }
    }
}

impl<E: Into<anyhow::Error>> From<E> for Ended {
    fn from(error: E) -> Self {
        Self { exit: Exit::Failed, error: error.into() }
    }
}
