//! What a spam filter of the house says of a letter: rspamd, SpamAssassin, or a header that our own MX wrote.
//!
//! Its opinion only ever adds suspicion: that a letter is none of spam says nothing. A filter that is away, or that says what
//! nobody understands, has no opinion, and is left alone for a while, so that letters never wait for it longer than once.
//!
//! Never changes or keeps a letter, and has none learned from.
//!
//! # How to add a filter
//! A file here with one function from bytes to [`Opinion`], a variant of [`Program`], and its section in `config/check/filter.rs`.

mod header;
mod rspamd;
mod spamd;

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use secrecy::SecretString;
use tokio::time::{Instant, timeout};
use tracing::{info, warn};
use url::Url;

/// A filter that failed is left alone for so long.
const REST: Duration = Duration::from_secs(60);

/// The program that is asked.
#[derive(Clone, Debug)]
pub enum Program {
    /// rspamd, at the url of its worker for scans.
    Rspamd {
        /// Such as `http://127.0.0.1:11333`.
        url: Url,
        /// Where the worker asks for one.
        password: Option<SecretString>,
    },
    /// SpamAssassin's spamd.
    Spamd {
        /// Its host.
        host: String,
        /// Its port.
        port: u16,
    },
}

impl Program {
    /// Its name, for logs and reasons.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Rspamd { .. } => "rspamd",
            Self::Spamd { .. } => "spamassassin",
        }
    }
}

/// Which filters there are.
#[derive(Clone, Debug)]
pub struct FilterSettings {
    /// The program that is asked, if any.
    pub program: Option<Program>,
    /// The header in which our own MX says yes, if any.
    pub header: Option<String>,
    /// A letter must be judged within this time.
    pub timeout: Duration,
    /// A larger letter is not shown to the program, in bytes.
    pub bytes_max: usize,
}

/// What a program said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Opinion {
    /// It is spam.
    Spam,
    /// Nothing is held against it.
    Clear,
}

/// Why a program has no opinion. It quotes nothing of what was said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FilterError {
    /// It is not there, or its connection broke.
    #[error("it is not reached")]
    Away,
    /// It did not answer in time.
    #[error("it did not answer in time")]
    Late,
    /// It refused to look.
    #[error("it answered {0}")]
    Refused(u16),
    /// It said what nobody understands.
    #[error("its answer is not understood")]
    Unreadable,
}

/// The filters of the house.
#[derive(Debug)]
pub struct Filters {
    settings: FilterSettings,
    /// The program is not asked before.
    rests_until: Mutex<Option<Instant>>,
}

impl Filters {
    /// Filters by these settings; nothing is asked yet.
    #[must_use]
    pub const fn new(settings: FilterSettings) -> Self {
        Self { settings, rests_until: Mutex::new(None) }
    }

    /// Which of them takes this letter for spam, by a word; `None` where none does, or has no opinion.
    pub async fn suspicion(&self, bytes: &[u8]) -> Option<&'static str> {
        let FilterSettings { program, header, bytes_max, .. } = &self.settings;
        if header.as_ref().is_some_and(|name| header::says_yes(bytes, name)) {
            return Some("header");
        }
        let program = program.as_ref()?;
        if bytes.len() > *bytes_max || self.rests() {
            return None;
        }
        match self.ask(bytes).await? {
            Ok(opinion) => {
                if self.set_rest(None) {
                    info!(filter = program.name(), "the spam filter answers again");
                }
                (opinion == Opinion::Spam).then(|| program.name())
            }
            Err(error) => {
                self.set_rest(Some(Instant::now() + REST));
                warn!(filter = program.name(), %error, rest_seconds = REST.as_secs(), "letters are judged without the spam filter");
                None
            }
        }
    }

    /// What the program says of this letter; `None` where there is no program.
    pub async fn ask(&self, bytes: &[u8]) -> Option<Result<Opinion, FilterError>> {
        let asked = async {
            match self.settings.program.as_ref()? {
                Program::Rspamd { url, password } => Some(rspamd::ask(url, password.as_ref(), bytes).await),
                Program::Spamd { host, port } => Some(spamd::ask(host, *port, bytes).await),
            }
        };
        timeout(self.settings.timeout, asked).await.unwrap_or(Some(Err(FilterError::Late)))
    }

    /// Which there are.
    #[must_use]
    pub const fn settings(&self) -> &FilterSettings {
        &self.settings
    }

    fn rests(&self) -> bool {
        let until = self.rests_until.lock().unwrap_or_else(PoisonError::into_inner);
        until.is_some_and(|until| Instant::now() < until)
    }

    /// Whether it had failed before.
    fn set_rest(&self, until: Option<Instant>) -> bool {
        let mut rests_until = self.rests_until.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::replace(&mut *rests_until, until).is_some()
    }
}
