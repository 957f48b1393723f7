//! `[service]`, `[database]`, `[keys]`.

use std::collections::BTreeMap;

use jiff::tz::TimeZone;
use secrecy::{ExposeSecret, SecretString};
use serde_spanned::Spanned;

use super::super::error::Problem;
use super::super::raw::{Maybe, RawDatabase, RawKeys, RawService, TextOrTexts};
use super::super::{Database, Keys, Law, PerLanguage, Service};
use super::secret::RawSecret;
use super::{Checks, Section};
use crate::domain::Language;

impl Checks<'_> {
    pub(super) fn service(&mut self, raw: Maybe<RawService>, law: Option<&Law>) -> Option<(Service, TimeZone)> {
        let why = "it says who you are: name, address, team, supervisory_authority, court_remedy";
        let (section, raw) = self.open_required("service", raw, why)?;
        let name = self.line_required(&section, "name", raw.name, "the name that letters call you by");
        let address = match raw.address {
            Some(address) => self.address("address", address),
            None => {
                self.note_missing(&section, "address", "the address that people write to");
                None
            }
        };
        let sender_name = raw.sender_name.map_or_else(|| name.clone(), |raw| self.line("sender_name", raw));
        let language = raw.language.map_or(Some(Language::En), |raw| self.word("language", &raw));
        let time_zone =
            raw.time_zone.map_or_else(|| Some(("UTC".to_owned(), TimeZone::UTC)), |raw| self.time_zone(raw));
        let team = self.team(&section, raw.team);
        let colleagues = raw.colleagues.map(|raw| self.colleagues(raw.into_inner()));
        let pack = law.map(|law| &law.pack);
        let of_pack = pack.and_then(|pack| pack.supervisory_authority.clone());
        let supervisory_authority =
            self.of_refusals(&section, "supervisory_authority", raw.supervisory_authority, of_pack);
        let of_pack = pack.and_then(|pack| pack.court_remedy.clone());
        let court_remedy = self.per_language(&section, "court_remedy", raw.court_remedy, of_pack, language);
        let (time_zone_name, time_zone) = time_zone?;
        let service = Service {
            name: name?,
            // Who has an address beside ours works with us.
            colleagues: match colleagues {
                Some(colleagues) => colleagues?,
                None => {
                    address.iter().filter_map(|address| address.rsplit_once('@')).map(|at| at.1.to_owned()).collect()
                }
            },
            address: address?,
            sender_name: sender_name?,
            language: language?,
            time_zone: time_zone_name,
            team: team?,
            supervisory_authority: supervisory_authority?,
            court_remedy: court_remedy?,
        };
        Some((service, time_zone))
    }

    fn time_zone(&mut self, raw: Spanned<String>) -> Option<(String, TimeZone)> {
        if let Ok(time_zone) = TimeZone::get(raw.get_ref()) {
            return Some((raw.into_inner(), time_zone));
        }
        let problem = Problem::new(format!("{:?} is no time zone (`time_zone`)", raw.get_ref()))
            .at(raw.span(), "expected an IANA name such as Europe/Berlin or UTC")
            .help("if the name is right, this system lacks the time zone data (Debian: package tzdata)");
        self.note(problem);
        None
    }

    /// Addresses and domains; a domain has no @.
    fn colleagues(&mut self, raw: Vec<Spanned<String>>) -> Option<Vec<String>> {
        let given = raw.len();
        let known: Vec<String> = raw.into_iter().filter_map(|raw| self.colleague(raw)).collect();
        (known.len() == given).then_some(known)
    }

    fn colleague(&mut self, raw: Spanned<String>) -> Option<String> {
        let text = raw.get_ref();
        if text.contains('@') && !text.starts_with('@') {
            return self.address("colleagues", raw);
        }
        let label = |label: &str| !label.is_empty() && label.chars().all(|c| c.is_alphanumeric() || c == '-');
        if text.split('.').count() > 1 && text.split('.').all(label) {
            return Some(raw.into_inner());
        }
        let problem = Problem::new("`colleagues` names neither an address nor a domain")
            .at(raw.span(), "expected an address such as ann@example.com, or a domain such as example.com")
            .help("a domain is written without @, and counts without those below it");
        self.note(problem);
        None
    }

    fn team(&mut self, section: &Section, raw: Maybe<Vec<Spanned<String>>>) -> Option<Vec<String>> {
        const FIX: &str = "alarms need at least one reader: team = [\"support@example.com\"]";
        let Some(raw) = raw else {
            self.note_missing(section, "team", FIX);
            return None;
        };
        let (span, raw) = (raw.span(), raw.into_inner());
        if raw.is_empty() {
            let problem = Problem::new("`team` names nobody, so that no alarm would be read");
            self.note(problem.at(span, "expected at least one address").help(FIX));
            return None;
        }
        let given = raw.len();
        let team: Vec<String> = raw.into_iter().filter_map(|address| self.address("team", address)).collect();
        (team.len() == given).then_some(team)
    }

    /// A text that every refusal must have (Art. 12(4) GDPR): from the config, or else from the law pack.
    fn of_refusals(
        &mut self,
        section: &Section,
        key: &str,
        raw: Maybe<String>,
        pack: Option<String>,
    ) -> Option<String> {
        match (raw, pack) {
            (Some(raw), _) => self.text_given(key, raw),
            (None, Some(of_pack)) => Some(of_pack),
            (None, None) => {
                self.note_missing(section, key, "every refusal names it (Art. 12(4) GDPR), so no default can be right");
                None
            }
        }
    }

    /// The same, once for all languages or once for each.
    fn per_language(
        &mut self,
        section: &Section,
        key: &str,
        raw: Maybe<TextOrTexts>,
        pack: Option<String>,
        fallback: Option<Language>,
    ) -> Option<PerLanguage> {
        let Some(raw) = raw else {
            let missing = self.was_taken_out(&format!("service.{key}"));
            let same = if missing { None } else { self.of_refusals(section, key, None, pack) };
            return same.map(PerLanguage::Same);
        };
        let span = raw.span();
        let each = match raw.into_inner() {
            TextOrTexts::Same(words) => return self.text_given(key, Spanned::new(span, words)).map(PerLanguage::Same),
            TextOrTexts::Each(each) => each,
        };
        let (given, mut words) = (each.len(), BTreeMap::new());
        for (language, text) in each {
            let language = self.word::<Language>(key, &Spanned::new(span.clone(), language));
            let text = self.text_given(key, Spanned::new(span.clone(), text));
            words.extend(language.zip(text));
        }
        let fallback = fallback?;
        if words.len() == given && !words.contains_key(&fallback) {
            let problem = Problem::new(format!("`{key}` has no text in {fallback}, the `language` of [service]"))
                .at(span, "expected one of that language")
                .help("it stands in letters of every language that has none of its own");
            self.note(problem);
            return None;
        }
        (words.len() == given).then_some(PerLanguage::Each { fallback, words })
    }

    pub(super) fn database(&mut self, raw: Maybe<RawDatabase>) -> Option<Database> {
        let why = "our own database: url = \"sqlite:ledger.db\" for one daemon, postgres://… for many";
        let (section, raw) = self.open_required("database", raw, why)?;
        let span = [&raw.url, &raw.url_file, &raw.url_credential].into_iter().flatten().map(Spanned::span).next();
        let secret = RawSecret { value: raw.url, file: raw.url_file, credential: raw.url_credential };
        let url = self.secret(&section, "url", secret);
        let connections_max = self.number("connections_max", raw.connections_max, 1..=1_000, 8);
        let url = url?;
        // One that nobody uses was not read.
        let url = if url.expose_secret().is_empty() { url } else { self.database_url(&url, span)? };
        Some(Database { url, connections_max })
    }

    /// The URL with a known scheme, and with SQLite's file placed beside the config file when it is relative.
    fn database_url(&mut self, url: &SecretString, span: Option<std::ops::Range<usize>>) -> Option<SecretString> {
        let text = url.expose_secret();
        if text.starts_with("postgres://") || text.starts_with("postgresql://") {
            if url::Url::parse(text).is_ok() {
                return Some(url.clone());
            }
        } else if let Some(rest) = text.strip_prefix("sqlite:") {
            let rest = rest.strip_prefix("//").unwrap_or(rest);
            let (file, query) = rest.split_once('?').map_or((rest, None), |(file, query)| (file, Some(query)));
            if file.starts_with('/') {
                return Some(SecretString::from(format!("sqlite://{rest}")));
            }
            if !file.is_empty() {
                let folder = self.folder().to_string_lossy();
                let folder = folder.replace('%', "%25").replace('?', "%3F").replace('#', "%23");
                let folder = if folder.is_empty() { ".".to_owned() } else { folder };
                let query = query.map_or(String::new(), |query| format!("?{query}"));
                return Some(SecretString::from(format!("sqlite://{folder}/{file}{query}")));
            }
        }
        let problem = Problem::new("the database's `url` cannot be used")
            .help("expected sqlite:FILE or postgres://user:password@host/database")
            .help("special characters of a password are written in percent encoding (@ is %40)");
        self.note(match span {
            Some(span) => problem.at(span, "expected another URL (its text is not shown)"),
            None => problem,
        });
        None
    }

    pub(super) fn keys(&mut self, raw: Maybe<RawKeys>) -> Option<Keys> {
        let why = "kek_file names the key that wraps all others; it is made on the first start";
        let (section, raw) = self.open_required("keys", raw, why)?;
        let kek_file = self.path_required(&section, "kek_file", raw.kek_file, why)?;
        let beside = || {
            let mut beside = kek_file.clone().into_os_string();
            beside.push(".watermark");
            beside.into()
        };
        let watermark_file = match raw.watermark_file {
            Some(raw) => self.path("watermark_file", raw)?,
            None => beside(),
        };
        Some(Keys { kek_file, watermark_file })
    }
}
