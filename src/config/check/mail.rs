//! `[mailbox]` and `[mailer]`: where letters come in and go out.

use std::path::PathBuf;

use serde_spanned::Spanned;

use super::super::error::Problem;
use super::super::raw::{Maybe, RawImap, RawMailbox, RawMailer, RawSmtp};
use super::super::{Mailbox, MailboxKind, Purpose};
use super::secret::RawSecret;
use super::value::Unit;
use super::{Checks, Section};
use crate::mailbox::settings::{ImapSettings, MaildirSettings, Security};
use crate::reply::settings::{MailerSettings, SmtpSettings};

/// The keyword that our letters get where the config names none.
const KEYWORD: &str = "$Expunged";

impl Checks<'_> {
    pub(super) fn mailbox(&mut self, raw: Maybe<RawMailbox>) -> Option<Mailbox> {
        let (section, raw) =
            self.open_required("mailbox", raw, "add [mailbox.imap] with host, user and password_file")?;
        let keyword = raw.keyword.map_or_else(|| Some(KEYWORD.to_owned()), |raw| self.keyword(raw));
        let keyword = keyword.unwrap_or_else(|| KEYWORD.to_owned());
        let kind = match (raw.imap, raw.maildir) {
            (Some(imap), None) => self.imap(imap, keyword).map(MailboxKind::Imap),
            (None, Some(maildir)) => {
                let (section, raw) = Self::open("mailbox.maildir", Some(maildir));
                let path = self.path_required(&section, "path", raw.path, "the folder that holds cur, new and tmp");
                path.map(|path| MailboxKind::Maildir(MaildirSettings { path, keyword }))
            }
            (Some(imap), Some(maildir)) => {
                let problem = Problem::new("there are two mailboxes")
                    .at(maildir.span(), "a second kind")
                    .beside(imap.span(), "a first kind")
                    .help("keep one of [mailbox.imap] and [mailbox.maildir]");
                self.note(problem);
                None
            }
            (None, None) => {
                self.note_missing(&section, "imap", "add [mailbox.imap], or [mailbox.maildir] with a path");
                None
            }
        };
        let move_span = raw.move_to.as_ref().map(Spanned::span);
        let move_to = self.folder_name("move_to", raw.move_to);
        if let (Some(MailboxKind::Imap(imap)), Some(Some(target)), Some(span)) = (&kind, &move_to, move_span)
            && is_same_folder(&imap.folder, target)
        {
            let problem = Problem::new("letters would be moved to where they lie (`move_to`)")
                .at(span, "expected another folder than `folder`")
                .help("a letter that is moved into its own folder arrives there again, for ever");
            self.note(problem);
        }
        let sent_folder = self.folder_name("sent_folder", raw.sent_folder);
        let known_as = raw.known_as.and_then(|address| self.address("known_as", address));
        let silence_span = raw.silence_alarm_minutes.as_ref().map(Spanned::span);
        let poll = self.duration("poll_seconds", raw.poll_seconds, Unit::Seconds, 1..=3_600, 20);
        let silence_alarm =
            self.duration("silence_alarm_minutes", raw.silence_alarm_minutes, Unit::Minutes, 1..=1_440, 30);
        if silence_alarm <= poll {
            let problem = Problem::new("the alarm of a silent mailbox would always ring")
                .help("`silence_alarm_minutes` must be longer than `poll_seconds`");
            self.note(match silence_span.or(section.span) {
                Some(span) => problem.at(span, "expected more than one poll to fail"),
                None => problem,
            });
        }
        Some(Mailbox { kind: kind?, move_to: move_to?, sent_folder: sent_folder?, known_as, poll, silence_alarm })
    }

    fn imap(&mut self, raw: Spanned<RawImap>, keyword: String) -> Option<ImapSettings> {
        let (section, raw) = Self::open("mailbox.imap", Some(raw));
        let host = self.host(&section, raw.host);
        let security = raw.security.map_or(Some(Security::Tls), |raw| self.security(&raw));
        let port = match security {
            Some(Security::StartTls) => 143,
            _ => 993,
        };
        let port = self.number("port", raw.port, 1..=u16::MAX, port);
        let ca_file = self.ca_file(raw.ca_file);
        let user = self.line_required(&section, "user", raw.user, "the login name, often the whole address");
        let secret = RawSecret { value: raw.password, file: raw.password_file, credential: raw.password_credential };
        let login = self.login(&section, secret, "mailbox.imap.oauth", raw.oauth);
        let folder = raw.folder.map_or_else(|| Some("INBOX".to_owned()), |raw| self.line("folder", raw));
        let step_timeout = self.duration("step_timeout_seconds", raw.step_timeout_seconds, Unit::Seconds, 1..=600, 60);
        let batch_bytes_max =
            self.number("batch_bytes_max", raw.batch_bytes_max, 65_536..=268_435_456, 8 * 1024 * 1024);
        Some(ImapSettings {
            host: host?,
            port,
            security: security?,
            ca_file: ca_file?,
            user: user?,
            login: login?,
            folder: folder?,
            keyword,
            step_timeout,
            batch_bytes_max,
        })
    }

    /// A keyword is an atom of IMAP (RFC 9051 §9); we take the letters that every server takes.
    fn keyword(&mut self, raw: Spanned<String>) -> Option<String> {
        let plain = |c: char| c.is_ascii_alphanumeric() || "$_-.".contains(c);
        if !raw.get_ref().is_empty() && raw.get_ref().len() <= 64 && raw.get_ref().chars().all(plain) {
            return Some(raw.into_inner());
        }
        let problem = Problem::new("`keyword` is no IMAP keyword")
            .at(raw.span(), "expected up to 64 of the letters a-z, A-Z, 0-9, $, _, - and .");
        self.note(problem);
        None
    }

    /// A folder that may be left out: `Some(None)` when it is, `None` when it is wrong.
    #[expect(clippy::option_option, reason = "left out and wrong are different answers")]
    fn folder_name(&mut self, key: &str, raw: Maybe<String>) -> Option<Option<String>> {
        match raw {
            Some(raw) => self.line(key, raw).map(Some),
            None => Some(None),
        }
    }

    /// A certificate file that may be left out.
    #[expect(clippy::option_option, reason = "left out and wrong are different answers")]
    fn ca_file(&mut self, raw: Maybe<String>) -> Option<Option<PathBuf>> {
        match raw {
            Some(raw) => self.file("ca_file", raw).map(Some),
            None => Some(None),
        }
    }

    pub(super) fn host(&mut self, section: &Section, raw: Maybe<String>) -> Option<String> {
        let span = raw.as_ref().map(Spanned::span);
        let host = self.line_required(section, "host", raw, "the name of the server, as in its certificate")?;
        // A name (RFC 1123 §2.1) or an address; IPv6 addresses have colons.
        let is_address = host.parse::<std::net::IpAddr>().is_ok();
        let is_name = host.chars().all(|c| c.is_alphanumeric() || "-._".contains(c));
        if is_address || is_name {
            return Some(host);
        }
        let problem = Problem::new("`host` is no host name").help("the port has its own key: port = 993");
        self.note(match span {
            Some(span) => problem.at(span, "expected a name such as imap.example.com, without scheme and port"),
            None => problem,
        });
        None
    }

    fn security(&mut self, raw: &Spanned<String>) -> Option<Security> {
        match raw.get_ref().as_str() {
            "tls" => Some(Security::Tls),
            "starttls" => Some(Security::StartTls),
            other => {
                let problem = Problem::new(format!("{other:?} is no way to encrypt (`security`)"))
                    .at(raw.span(), "expected one of tls, starttls")
                    .help("there is no way without encryption");
                self.note(problem);
                None
            }
        }
    }

    pub(super) fn mailer(&mut self, raw: Maybe<RawMailer>) -> Option<MailerSettings> {
        // Who only looks sends nothing: before there is a way out for letters, one can observe.
        if raw.is_none() && !self.surroundings.purpose.sends() && !self.was_taken_out("mailer") {
            return Some(MailerSettings::Memory);
        }
        let (section, raw) =
            self.open_required("mailer", raw, "add [mailer.smtp] with host, user and password_file")?;
        let file = raw.file.map(|file| {
            let span = file.span();
            let (section, raw) = Self::open("mailer.file", Some(file));
            let path = self.path_required(&section, "path", raw.path, "the folder that the letters are put in");
            (span, path.map(MailerSettings::File))
        });
        let memory = raw.memory.map(|memory| (memory.span(), Some(MailerSettings::Memory)));
        for (span, _) in [&file, &memory].into_iter().flatten() {
            self.refuse_in_production(span.clone());
        }
        let smtp = raw.smtp.map(|smtp| (smtp.span(), self.smtp(smtp).map(MailerSettings::Smtp)));
        let mut given: Vec<_> = [smtp, file, memory].into_iter().flatten().collect();
        match (given.pop(), given.pop()) {
            (Some((_, mailer)), None) => mailer,
            (Some((second, _)), Some((first, _))) => {
                let problem = Problem::new("there are two mailers")
                    .at(second, "a second kind")
                    .beside(first, "a first kind")
                    .help("keep one of [mailer.smtp], [mailer.file] and [mailer.memory]");
                self.note(problem);
                None
            }
            (None, _) => {
                self.note_missing(&section, "smtp", "add [mailer.smtp] with host, user and password_file");
                None
            }
        }
    }

    fn refuse_in_production(&mut self, span: std::ops::Range<usize>) {
        if self.surroundings.purpose == Purpose::Production {
            let problem = Problem::new("this mailer sends nothing, and this is production")
                .at(span, "expected [mailer.smtp]")
                .help("people would wait for letters that never leave; files and memory are for the demo and for tests")
                .help("to read a real mailbox without answering anybody, use `expunged run --observe`");
            self.note(problem);
        }
    }

    fn smtp(&mut self, raw: Spanned<RawSmtp>) -> Option<SmtpSettings> {
        let (section, raw) = Self::open("mailer.smtp", Some(raw));
        let host = self.host(&section, raw.host);
        let security = raw.security.map_or(Some(Security::StartTls), |raw| self.security(&raw));
        let port = match security {
            Some(Security::Tls) => 465,
            _ => 587,
        };
        let port = self.number("port", raw.port, 1..=u16::MAX, port);
        let ca_file = self.ca_file(raw.ca_file);
        let secret = RawSecret { value: raw.password, file: raw.password_file, credential: raw.password_credential };
        let login = if raw.user.is_some() || secret.is_given() || raw.oauth.is_some() {
            let user =
                self.line_required(&section, "user", raw.user, "a login needs a user; without both there is none");
            user.zip(self.login(&section, secret, "mailer.smtp.oauth", raw.oauth)).map(Some)
        } else {
            Some(None)
        };
        let send_timeout = self.duration("send_timeout_seconds", raw.send_timeout_seconds, Unit::Seconds, 1..=900, 120);
        Some(SmtpSettings { host: host?, port, security: security?, ca_file: ca_file?, login: login?, send_timeout })
    }
}

/// Folder names are compared as they are written, but for INBOX, which has no case (RFC 9051 §5.1).
fn is_same_folder(one: &str, other: &str) -> bool {
    one == other || (one.eq_ignore_ascii_case("INBOX") && other.eq_ignore_ascii_case("INBOX"))
}
