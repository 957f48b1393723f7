//! `[spam]`: the spam filters of the house.

use serde_spanned::Spanned;
use url::Url;

use super::super::error::Problem;
use super::super::raw::{Maybe, RawRspamd, RawSpam};
use super::Checks;
use super::secret::RawSecret;
use super::value::Unit;
use crate::filter::{FilterSettings, Program};

impl Checks<'_> {
    pub(super) fn spam(&mut self, raw: Maybe<RawSpam>) -> Option<FilterSettings> {
        let (_, raw) = Self::open("spam", raw);
        let timeout = self.duration("timeout_seconds", raw.timeout_seconds, Unit::Seconds, 1..=120, 10);
        let bytes_max = self.number("bytes_max", raw.bytes_max, 1_024..=67_108_864_u32, 524_288);
        let header = raw.header.and_then(|raw| self.header_name(raw));
        let program = match (raw.rspamd, raw.spamd) {
            (Some(rspamd), None) => self.rspamd(rspamd),
            (None, Some(spamd)) => {
                let (section, raw) = Self::open("spam.spamd", Some(spamd));
                let host = self.host(&section, raw.host);
                let port = self.number("port", raw.port, 1..=u16::MAX, 783);
                host.map(|host| Program::Spamd { host, port })
            }
            (Some(rspamd), Some(spamd)) => {
                let problem = Problem::new("there are two spam filters")
                    .at(spamd.span(), "a second one")
                    .beside(rspamd.span(), "a first one")
                    .help("keep one of [spam.rspamd] and [spam.spamd]");
                self.note(problem);
                None
            }
            (None, None) => None,
        };
        if program.is_none() && header.is_none() {
            return None;
        }
        let bytes_max = usize::try_from(bytes_max).unwrap_or(usize::MAX);
        Some(FilterSettings { program, header, timeout, bytes_max })
    }

    fn rspamd(&mut self, raw: Spanned<RawRspamd>) -> Option<Program> {
        let (section, raw) = Self::open("spam.rspamd", Some(raw));
        let secret = RawSecret { value: raw.password, file: raw.password_file, credential: raw.password_credential };
        let password = if secret.is_given() { Some(self.secret(&section, "password", secret)?) } else { None };
        let span = raw.url.as_ref().map(Spanned::span);
        let text =
            self.line_required(&section, "url", raw.url, "where rspamd scans, such as http://127.0.0.1:11333")?;
        let url = Url::parse(&(text.trim_end_matches('/').to_owned() + "/"));
        if let Ok(url) = url
            && matches!(url.scheme(), "http" | "https")
            && url.has_host()
            && url.username().is_empty()
            && url.password().is_none()
            && url.query().is_none()
            && url.fragment().is_none()
        {
            return Some(Program::Rspamd { url, password });
        }
        let problem = Problem::new("`url` is no place of rspamd").help("a password has its own key: password_file");
        self.note(match span {
            Some(span) => problem.at(span, "expected a url such as http://127.0.0.1:11333"),
            None => problem,
        });
        None
    }

    /// The name of a header (RFC 5322 §3.6.8).
    fn header_name(&mut self, raw: Spanned<String>) -> Option<String> {
        let span = raw.span();
        let name = self.line("header", raw)?;
        if name.len() <= 76 && name.bytes().all(|byte| byte.is_ascii_graphic() && byte != b':') {
            return Some(name);
        }
        self.note(Problem::new("`header` is no name of a header").at(span, "expected a name such as X-Spam-Flag"));
        None
    }
}
