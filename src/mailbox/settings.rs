//! What a mailbox needs to know, already checked.

use std::path::PathBuf;
use std::time::Duration;

use secrecy::SecretString;

/// How a connection is encrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Security {
    /// TLS from the first byte.
    Tls,
    /// STARTTLS before the login; a server that does not offer it is an error.
    StartTls,
}

/// An IMAP account and the folder in it.
#[derive(Clone, Debug)]
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
    /// Login password.
    pub password: SecretString,
    /// The folder that letters arrive in.
    pub folder: String,
    /// The keyword that our letters get, for example `$Expunged`.
    pub keyword: String,
    /// Every step of the conversation must answer within this time.
    pub step_timeout: Duration,
    /// A batch of letters asked for in one FETCH, in bytes (RFC822.SIZE summed up).
    pub batch_bytes_max: u64,
}

/// A Maildir and the folder in it (`""` is the Maildir itself, another is `.Name` below it).
#[derive(Clone, Debug)]
pub struct MaildirSettings {
    /// The folder that holds `cur`, `new` and `tmp`.
    pub path: PathBuf,
    /// The keyword that our letters get; kept beside the letters in our own index file.
    pub keyword: String,
}
