//! The config: one TOML file, read raw, then checked into a [`Config`] that cannot be wrong. Opens no connection and
//! starts nothing; never guesses a value that only the installer can know, and never prints a secret.
//!
//! The way of a file: `parse` (text to `raw`, with every mistake of form) → `check` (raw to checked, with every mistake
//! of meaning) → [`Config`], or a [`ConfigError`] that shows file, line, caret, what was expected and the fix.
//!
//! # How to add a setting
//! 1. `checked.rs`: a field with its meaning and unit. Durations are [`std::time::Duration`] here.
//! 2. `raw.rs`: a `Maybe<…>` of the same name, with the unit last (`poll_seconds`, `body_bytes_max`).
//! 3. `check/`: one line that gives key, range and default.
//! 4. `digest.rs`: the compiler asks for it; a secret is left out there.
//! 5. `config/expunged.toml`: a comment and `#key = default`. A test fails while the example and the code differ.
//!
//! # How to add a law pack
//! See [`law`].

mod check;
mod checked;
mod digest;
mod error;
pub mod law;
mod mask;
mod parse;
mod raw;
mod syntax;
#[cfg(test)]
mod tests;

use std::ffi::OsString;
use std::path::{Path, PathBuf};

pub use checked::{
    Authentication, AuthorityRow, ChallengeSettings, Config, Database, Directory, Keys, Law, Limits, Log, LogFormat,
    Mailbox, MailboxKind, PAGES, PerLanguage, Retention, Rule, Schedule, Service, Target, Termination, Web, Workers,
};
pub use error::ConfigError;

/// The commented example with every setting; `tests` hold it to the code.
pub const EXAMPLE: &str = include_str!("../../config/expunged.toml");

/// What the program is started for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Real letters and real people: a mailer that sends nothing is refused.
    Production,
    /// The demo and tests: letters may go to files or to memory.
    Demo,
    /// Somebody looks, at the mail servers as well: no letter is sent, so that the world of a demo can be looked at too, and a
    /// config without a mailer will do.
    Looking,
    /// Somebody looks or acts beside the daemon, and reaches no mail server: the passwords of mail are not read.
    Beside,
    /// Somebody works on the data maps: the secrets of mail and the url of our own database are not read.
    Maps,
}

impl Purpose {
    /// Whether letters may leave, so that the way out for them must be there.
    const fn sends(self) -> bool {
        matches!(self, Self::Production | Self::Demo)
    }

    /// Whether the secrets of this section are of use. Those that are not are not read, and need not be there.
    fn uses_secrets_of(self, section: &str) -> bool {
        match section {
            "mailbox.imap" | "mailbox.imap.oauth" | "mailer.smtp" | "mailer.smtp.oauth" | "spam.rspamd" => {
                !matches!(self, Self::Beside | Self::Maps)
            }
            "database" | "directory.http" | "directory.ldap" => self != Self::Maps,
            _ => true,
        }
    }
}

/// What a config depends on besides its text.
#[derive(Clone, Debug)]
pub struct Surroundings {
    /// What the program is started for.
    pub purpose: Purpose,
    /// Where systemd has put the credentials of our unit.
    pub credentials_directory: Option<PathBuf>,
}

impl Surroundings {
    /// For this purpose, with `CREDENTIALS_DIRECTORY` of our environment, handed in by the caller.
    #[must_use]
    pub fn new(purpose: Purpose, credentials_directory: Option<OsString>) -> Self {
        let named = credentials_directory.filter(|path| !path.is_empty());
        Self { purpose, credentials_directory: named.map(PathBuf::from) }
    }
}

/// Reads and checks a config file. Relative paths in it begin at its folder.
///
/// # Errors
/// All that is wrong with it, as far as it can be told at once.
pub fn load(path: &Path, surroundings: &Surroundings) -> Result<Config, ConfigError> {
    let source =
        std::fs::read_to_string(path).map_err(|source| ConfigError::unreadable(path.display().to_string(), source))?;
    parse(&source, path, surroundings)
}

/// Checks the text of a config. `path` is what errors call it, and its folder is where relative paths begin.
///
/// # Errors
/// All that is wrong with it, as far as it can be told at once.
pub fn parse(source: &str, path: &Path, surroundings: &Surroundings) -> Result<Config, ConfigError> {
    let folder = path.parent().unwrap_or_else(|| Path::new("")).to_path_buf();
    parse::parse(source)
        .and_then(|parsed| check::check(parsed, folder, surroundings))
        .map_err(|problems| ConfigError::new(path.display().to_string(), source, problems))
}
