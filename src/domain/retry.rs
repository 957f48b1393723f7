//! Whether a failure is worth trying again.

/// What every error of a boundary answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retry {
    /// The same call may go through later: a lost connection, a deadlock, a 4xx.
    Transient,
    /// The same call will fail again until a person changes something.
    Permanent,
}
