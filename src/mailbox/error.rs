//! What can go wrong between us and a mailbox, and whether trying again helps.
//!
//! An error never carries a letter's text, a server's free text (it may quote addresses), a file name or the password:
//! only our own words, counts, and response codes from a closed list.

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

use crate::domain::Retry;
use crate::oauth::OauthError;

/// A mailbox did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum MailboxError {
    /// No TCP connection.
    #[error("cannot reach the mail server {host}:{port} (mailbox.imap.host, mailbox.imap.port)")]
    Unreachable {
        /// The configured host.
        host: String,
        /// The configured port.
        port: u16,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The TLS handshake failed, most often because the certificate is not trusted or names another host.
    #[error("no trusted TLS connection to {host}:{port}; check host, security and ca_file in [mailbox.imap]")]
    Tls {
        /// The configured host.
        host: String,
        /// The configured port.
        port: u16,
        /// Why, in the words of rustls.
        #[source]
        source: io::Error,
    },
    /// The host is neither a DNS name nor an IP address.
    #[error("{host:?} is no host name; check mailbox.imap.host")]
    HostName {
        /// The configured host.
        host: String,
    },
    /// The file with the certificate authority cannot be used.
    #[error("no certificate can be read from {}; check mailbox.imap.ca_file", path.display())]
    CaFile {
        /// The configured file.
        path: PathBuf,
        /// Why.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The system has no certificate authorities, so no server could be trusted.
    #[error("this system has no certificate authorities; install them or set mailbox.imap.ca_file")]
    NoAuthorities,
    /// The server does not offer STARTTLS, or offers no login on the connection that it made safe.
    #[error("{host}:{port} does not offer {capability}; {fix}")]
    NotOffered {
        /// The configured host.
        host: String,
        /// The configured port.
        port: u16,
        /// What is missing.
        capability: &'static str,
        /// What to do about it.
        fix: &'static str,
    },
    /// The server refused user and password.
    #[error("{host}:{port} refused the login{}; check user and password in [mailbox.imap]", in_brackets(*code))]
    LoginRefused {
        /// The configured host.
        host: String,
        /// The configured port.
        port: u16,
        /// The response code, where the server gave a known one.
        code: Option<Refusal>,
    },
    /// There is no access token to log in with.
    #[error("no access token to log in with")]
    Token(#[from] OauthError),
    /// The server refused an access token, and another one that was asked for anew.
    #[error(
        "{host}:{port} refused the access token{}; check that user in [mailbox.imap] is the account's address, and that scope in \
         [mailbox.imap.oauth] names IMAP and was consented to",
        in_brackets(*code)
    )]
    TokenRefused {
        /// The configured host.
        host: String,
        /// The configured port.
        port: u16,
        /// The response code, where the server gave a known one.
        code: Option<Refusal>,
    },
    /// The server answered NO or BAD.
    #[error("the mail server answered {status}{} to {command}", in_brackets(*code))]
    Refused {
        /// What was asked.
        command: &'static str,
        /// How it was refused.
        status: Status,
        /// The response code, where the server gave a known one.
        code: Option<Refusal>,
    },
    /// The server said BYE.
    #[error("the mail server ended the session (BYE) during {command}")]
    Bye {
        /// What was asked.
        command: &'static str,
    },
    /// The connection broke or was closed without BYE.
    #[error("the connection to the mail server ended during {command}")]
    Ended {
        /// What was asked.
        command: &'static str,
        /// Why, where the operating system said so.
        #[source]
        source: io::Error,
    },
    /// The server fell silent, or dripped so slowly that the answer would never end.
    #[error("the mail server did not answer {command} in time ({} s)", after.as_secs_f32())]
    TimedOut {
        /// What was asked.
        command: &'static str,
        /// How long we waited.
        after: Duration,
    },
    /// The answer is not IMAP (RFC 9051), or not an answer to what was asked.
    #[error("the mail server's answer to {command} is not understood: {what}")]
    Garbled {
        /// What was asked.
        command: &'static str,
        /// What was found, in our words.
        what: &'static str,
    },
    /// The answer announces more bytes than it may have.
    #[error("the mail server's answer to {command} has {bytes} bytes, more than the {bytes_max} that are allowed")]
    TooLarge {
        /// What was asked.
        command: &'static str,
        /// What was announced or found.
        bytes: u64,
        /// What was allowed.
        bytes_max: u64,
    },
    /// The server left out letters that are still there.
    #[error("the mail server's answer to {command} lacks {missing} of {asked} letters, which are still there")]
    Incomplete {
        /// What was asked.
        command: &'static str,
        /// How many letters were asked for.
        asked: usize,
        /// How many are there but were not in the answer.
        missing: usize,
    },
    /// Letters are still there after a command that should have taken them away.
    #[error("{remaining} of {asked} letters are still in the folder after {command}")]
    StillThere {
        /// What was asked.
        command: &'static str,
        /// How many letters were asked for.
        asked: usize,
        /// How many are left.
        remaining: usize,
    },
    /// The server cannot do it without harm to letters of others.
    #[error("the mail server has no {capability}, without which {needed_for} could touch letters of others")]
    CapabilityMissing {
        /// What the server would have to offer.
        capability: &'static str,
        /// What it is needed for.
        needed_for: &'static str,
    },
    /// The folder takes no keywords of ours.
    #[error("the folder {folder:?} takes no new keywords (PERMANENTFLAGS); check mailbox.keyword")]
    KeywordNotKept {
        /// The configured folder.
        folder: String,
    },
    /// The folder was made anew between two calls: the UIDs that the caller knows mean other letters now.
    #[error("the folder's UIDVALIDITY changed from {known} to {found}: it must be opened again")]
    UidValidityChanged {
        /// The value that the caller was told.
        known: u32,
        /// The value that the folder has now.
        found: u32,
    },
    /// Something that was handed to us cannot be said to a mailbox.
    #[error("{what} cannot be used: {why}")]
    Argument {
        /// Which argument.
        what: &'static str,
        /// What is wrong with it.
        why: &'static str,
    },
    /// The file system refused. The path is left out: in a mail store it may be an address.
    #[error("the Maildir failed: {action}")]
    Maildir {
        /// What was tried.
        action: &'static str,
        /// Why it failed.
        #[source]
        source: io::Error,
    },
    /// Our own index of a Maildir cannot be read. It is never guessed at: UIDs would come to mean other letters.
    #[error(
        "line {line} of .expunged-uids in the Maildir is damaged: {why}; restore the file, or delete it to number all \
         letters anew"
    )]
    Index {
        /// The line, from 1.
        line: usize,
        /// What is wrong with it.
        why: &'static str,
    },
}

impl MailboxError {
    /// Whether the same call may go through later.
    #[must_use]
    pub fn retry(&self) -> Retry {
        match self {
            Self::Unreachable { .. }
            | Self::Bye { .. }
            | Self::Ended { .. }
            | Self::TimedOut { .. }
            | Self::Garbled { .. }
            | Self::Incomplete { .. }
            | Self::StillThere { .. }
            | Self::UidValidityChanged { .. } => Retry::Transient,
            // A handshake that is cut off is a lost connection; a certificate that is refused stays refused.
            Self::Tls { source, .. } if source.kind() != io::ErrorKind::InvalidData => Retry::Transient,
            Self::Refused { status: Status::No, code, .. } => code.map_or(Retry::Transient, Refusal::retry),
            Self::Token(error) => error.retry(),
            Self::LoginRefused { code, .. } | Self::TokenRefused { code, .. } => {
                code.map_or(Retry::Permanent, Refusal::retry)
            }
            Self::Maildir { source, .. } => match source.kind() {
                io::ErrorKind::PermissionDenied
                | io::ErrorKind::NotFound
                | io::ErrorKind::NotADirectory
                | io::ErrorKind::ReadOnlyFilesystem => Retry::Permanent,
                _ => Retry::Transient,
            },
            Self::Tls { .. }
            | Self::HostName { .. }
            | Self::CaFile { .. }
            | Self::NoAuthorities
            | Self::NotOffered { .. }
            | Self::Refused { .. }
            | Self::TooLarge { .. }
            | Self::CapabilityMissing { .. }
            | Self::KeywordNotKept { .. }
            | Self::Argument { .. }
            | Self::Index { .. } => Retry::Permanent,
        }
    }
}

impl MailboxError {
    /// Whether one letter alone may be the cause, so that the others can still be had when they are asked for without
    /// it: a server that cannot read a letter's file, or says it in words that are not IMAP.
    #[must_use]
    pub fn may_be_one_letter(&self) -> bool {
        match self {
            Self::Refused { code, .. } => code.is_none_or(|code| code.retry() == Retry::Permanent),
            Self::Garbled { .. } | Self::Incomplete { .. } | Self::TooLarge { .. } => true,
            Self::Maildir { source, .. } => source.kind() == io::ErrorKind::PermissionDenied,
            _ => false,
        }
    }

    /// Whether a person must act before the mailbox can be read at all: the login or the certificate is refused, or the
    /// settings are wrong.
    #[must_use]
    pub fn needs_a_person(&self) -> bool {
        let is_setting = matches!(
            self,
            Self::Tls { .. }
                | Self::HostName { .. }
                | Self::CaFile { .. }
                | Self::NoAuthorities
                | Self::NotOffered { .. }
                | Self::LoginRefused { .. }
                | Self::Token(_)
                | Self::TokenRefused { .. }
                | Self::Index { .. }
        );
        is_setting && self.retry() == Retry::Permanent
    }
}

/// How a command was refused (RFC 9051 §7.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// Understood and not done.
    No,
    /// Not understood.
    Bad,
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::No => "NO",
            Self::Bad => "BAD",
        })
    }
}

/// Why a command was refused: the response codes of RFC 5530 §3 that make a difference to us or to the reader.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// `[UNAVAILABLE]`: a part of the server is down.
    Unavailable,
    /// `[AUTHENTICATIONFAILED]`: user or password is wrong.
    AuthenticationFailed,
    /// `[AUTHORIZATIONFAILED]`: the user may not use this mailbox.
    AuthorizationFailed,
    /// `[EXPIRED]`: the password has expired.
    Expired,
    /// `[PRIVACYREQUIRED]`: the connection is not encrypted enough.
    PrivacyRequired,
    /// `[CONTACTADMIN]`: the server's administrator must act.
    ContactAdmin,
    /// `[NOPERM]`: the user may not do this.
    NoPermission,
    /// `[INUSE]`: somebody else holds it.
    InUse,
    /// `[EXPUNGEISSUED]`: some of the letters vanished meanwhile.
    ExpungeIssued,
    /// `[CORRUPTION]`: the server's own data are damaged.
    Corruption,
    /// `[SERVERBUG]`: the server failed.
    ServerBug,
    /// `[LIMIT]`: a limit of the server's.
    Limit,
    /// `[OVERQUOTA]`: the mailbox is full.
    OverQuota,
    /// `[NONEXISTENT]`: there is no such folder.
    NonExistent,
    /// `[TRYCREATE]`: there is no such folder, and it may be created (RFC 9051 §7.1).
    TryCreate,
}

impl Refusal {
    /// Every code with the atom that stands in brackets.
    const ATOMS: [(Self, &'static str); 15] = [
        (Self::Unavailable, "UNAVAILABLE"),
        (Self::AuthenticationFailed, "AUTHENTICATIONFAILED"),
        (Self::AuthorizationFailed, "AUTHORIZATIONFAILED"),
        (Self::Expired, "EXPIRED"),
        (Self::PrivacyRequired, "PRIVACYREQUIRED"),
        (Self::ContactAdmin, "CONTACTADMIN"),
        (Self::NoPermission, "NOPERM"),
        (Self::InUse, "INUSE"),
        (Self::ExpungeIssued, "EXPUNGEISSUED"),
        (Self::Corruption, "CORRUPTION"),
        (Self::ServerBug, "SERVERBUG"),
        (Self::Limit, "LIMIT"),
        (Self::OverQuota, "OVERQUOTA"),
        (Self::NonExistent, "NONEXISTENT"),
        (Self::TryCreate, "TRYCREATE"),
    ];

    /// The code that a server's text begins with, if it is one of ours; the text itself is never kept.
    #[must_use]
    pub fn from_text(text: &str) -> Option<Self> {
        let (atom, _) = text.trim_start().strip_prefix('[')?.split_once([']', ' '])?;
        Self::ATOMS.iter().find(|(_, known)| known.eq_ignore_ascii_case(atom)).map(|(code, _)| *code)
    }

    const fn retry(self) -> Retry {
        match self {
            Self::Unavailable | Self::InUse | Self::ExpungeIssued | Self::ServerBug | Self::Limit | Self::OverQuota => {
                Retry::Transient
            }
            Self::AuthenticationFailed
            | Self::AuthorizationFailed
            | Self::Expired
            | Self::PrivacyRequired
            | Self::ContactAdmin
            | Self::NoPermission
            | Self::Corruption
            | Self::NonExistent
            | Self::TryCreate => Retry::Permanent,
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let atom = Self::ATOMS.iter().find(|(code, _)| code == self).map_or("", |(_, atom)| *atom);
        write!(f, "[{atom}]")
    }
}

fn in_brackets(code: Option<Refusal>) -> String {
    code.map_or_else(String::new, |code| format!(" {code}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_is_read_from_the_code_alone() {
        assert_eq!(Refusal::from_text("[AUTHENTICATIONFAILED] who@example.org?"), Some(Refusal::AuthenticationFailed));
        assert_eq!(Refusal::from_text("[overquota] full"), Some(Refusal::OverQuota));
        assert_eq!(Refusal::from_text("no [OVERQUOTA] here"), None);
        assert_eq!(Refusal::from_text("[X-OWN] words"), None);
    }

    #[test]
    fn a_refused_login_is_permanent_unless_the_server_says_that_it_is_not_well() {
        let refused = |code| MailboxError::LoginRefused { host: "imap.example.org".into(), port: 993, code };
        assert_eq!(refused(None).retry(), Retry::Permanent);
        assert_eq!(refused(Some(Refusal::AuthenticationFailed)).retry(), Retry::Permanent);
        assert_eq!(refused(Some(Refusal::Unavailable)).retry(), Retry::Transient);
        let text = refused(Some(Refusal::AuthenticationFailed)).to_string();
        assert_eq!(
            text,
            "imap.example.org:993 refused the login [AUTHENTICATIONFAILED]; check user and password in [mailbox.imap]"
        );
    }
}
