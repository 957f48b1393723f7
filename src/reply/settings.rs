//! What sending needs to know, already checked.

use std::path::PathBuf;
use std::time::Duration;

use crate::mailbox::settings::{Login, Security};

/// Submission to a mail server (RFC 6409).
#[derive(Clone, Debug)]
pub struct SmtpSettings {
    /// Host name, also checked against the certificate.
    pub host: String,
    /// Port.
    pub port: u16,
    /// Encryption.
    pub security: Security,
    /// A PEM file with the certificate authority to trust instead of the system's.
    pub ca_file: Option<PathBuf>,
    /// Login, where the server asks for one.
    pub login: Option<(String, Login)>,
    /// One letter must be handed over within this time.
    pub send_timeout: Duration,
}

/// Which way letters leave. The last two are for the demo, tests and `--observe`; production refuses them.
#[derive(Clone, Debug)]
pub enum MailerSettings {
    /// A mail server.
    Smtp(SmtpSettings),
    /// A Maildir per recipient below this folder.
    File(PathBuf),
    /// Kept in memory.
    Memory,
}
