//! What a mailbox needs to know, already checked.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use secrecy::SecretString;

use crate::oauth::AccessTokens;

/// How a connection is encrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Security {
    /// TLS from the first byte.
    Tls,
    /// STARTTLS before the login; a server that does not offer it is an error.
    StartTls,
}

/// What a user logs in with.
#[derive(Clone, Debug)]
pub enum Login {
    /// A password.
    Password(SecretString),
    /// Access tokens (XOAUTH2), in the place of a password.
    Oauth(AccessTokens),
}

/// An IMAP account and the folder in it.
#[derive(Clone)]
pub struct ImapSettings {
    /// Host name, also checked against the certificate.
    pub host: String,
    /// Port.
    pub port: u16,
    /// Encryption.
    pub security: Security,
    /// A PEM file with the certificate authority to trust instead of the system's.
    pub ca_file: Option<PathBuf>,
    /// Login name.
    pub user: String,
    /// What the user logs in with.
    pub login: Login,
    /// The folder that letters arrive in.
    pub folder: String,
    /// The keyword that our letters get, for example `$Expunged`.
    pub keyword: String,
    /// Every step of the conversation must answer within this time.
    pub step_timeout: Duration,
    /// A batch of letters asked for in one FETCH, in bytes (RFC822.SIZE summed up).
    pub batch_bytes_max: u64,
}

/// Without the user, which is an address on most servers, and without what they log in with.
impl fmt::Debug for ImapSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ImapSettings")
            .field("host", &self.host)
            .field("port", &self.port)
            .field("security", &self.security)
            .field("ca_file", &self.ca_file)
            .field("folder", &self.folder)
            .field("keyword", &self.keyword)
            .field("step_timeout", &self.step_timeout)
            .field("batch_bytes_max", &self.batch_bytes_max)
            .finish_non_exhaustive()
    }
}

/// A Maildir on this machine.
#[derive(Clone, Debug)]
pub struct MaildirSettings {
    /// The folder that holds `cur`, `new` and `tmp`.
    pub path: PathBuf,
    /// The keyword that our letters get; kept beside the letters in our own index file.
    pub keyword: String,
}
