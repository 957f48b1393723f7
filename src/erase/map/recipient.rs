//! Reads the map of a recipient: a store that somebody else erases from, because we ask them to (Art. 19 GDPR).
//!
//! ```toml
//! [store]
//! name       = "parcels"
//! kind       = "mail"                       # or "http"
//! label      = "Parcel & Co."               # as the letter to the person names them
//! categories = ["contact", "identity"]      # what they hold
//! address    = "privacy@parcel.example"     # mail
//! language   = "en"                         # mail: in which language they are written to
//! # url = "https://parcel.example/erasures", secret_file = "parcel.secret", allow = []      # http
//! remind_days = 7                           # mail
//! silent_days = 14                          # after that the team is told
//! location = "Lyon, FR"
//! backup_days = 30
//!
//! [tell]                                    # by what they find the person, per kind of subject
//! user     = ["email"]                      # a name under identify of the subject's table, or "key"
//! end_user = ["email", "key"]
//! ```

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use serde_spanned::Spanned;

use super::load::{File, store_name};
use super::{DataMap, MapError, StoreUrl};
use crate::domain::{Language, Scope, SubjectKind, UnknownWord};
use crate::stores::{RecipientKind, StoreName};

/// The identity that is the key of a subject's row.
pub const KEY: &str = "key";

/// Days until a recipient is reminded, and until the team is told, where the map says nothing else.
pub const REMIND_DAYS: u32 = 7;
/// See [`REMIND_DAYS`].
pub const SILENT_DAYS: u32 = 14;

/// A store that somebody else erases from.
#[derive(Clone, Debug, Serialize)]
pub struct RecipientMap {
    /// How they are asked.
    pub way: Way,
    /// How letters to people name them.
    pub label: String,
    /// Where the data lie.
    pub location: Option<String>,
    /// Who holds them, for the register; [`label`](Self::label) where it is missing.
    pub processor: Option<String>,
    /// What the data are held for.
    pub purpose: Option<String>,
    /// How long their backups live, in days.
    pub backup_days: u32,
    /// The categories of data that they hold.
    pub categories: Vec<String>,
    /// Per kind of subject: by what they find one.
    pub tell: BTreeMap<SubjectKind, Vec<String>>,
    /// Days until they are reminded.
    pub remind_days: u32,
    /// Days until their silence is told to the team.
    pub silent_days: u32,
    /// The file that it was read from.
    #[serde(skip)]
    pub file: String,
}

/// How a recipient is asked.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Way {
    /// By a letter.
    Mail {
        /// Where to.
        address: String,
        /// In which language.
        language: Language,
    },
    /// By an endpoint.
    Http {
        /// Where to; nothing secret may stand in it.
        url: String,
        /// What is signed with.
        #[serde(skip)]
        secret: StoreUrl,
        /// Addresses of our own networks that it may have.
        allow: Vec<IpAddr>,
    },
}

impl RecipientMap {
    /// How they are asked, as a word.
    #[must_use]
    pub const fn kind(&self) -> RecipientKind {
        match self.way {
            Way::Mail { .. } => RecipientKind::Mail,
            Way::Http { .. } => RecipientKind::Http,
        }
    }

    /// What of an erasure concerns them: the categories that they hold; empty where none does.
    #[must_use]
    pub fn concerned(&self, scope: Scope, named: &[String]) -> Vec<String> {
        let all = scope != Scope::Data;
        self.categories.iter().filter(|category| all || named.contains(category)).cloned().collect()
    }

    /// The secret that is signed with; `None` for a letter. A relative path begins at the folder of the map.
    ///
    /// # Errors
    /// The file cannot be read, or there is no folder of credentials.
    pub fn read_secret(&self, credentials: Option<&Path>) -> std::io::Result<Option<SecretString>> {
        let Way::Http { secret, .. } = &self.way else { return Ok(None) };
        let folder = Path::new(&self.file).parent().unwrap_or(Path::new(""));
        let secret = match secret {
            StoreUrl::File(path) => &StoreUrl::File(folder.join(path)),
            other => other,
        };
        secret.read(credentials).map(Some)
    }
}

#[derive(Deserialize)]
struct Head {
    store: HeadOfStore,
}

#[derive(Deserialize)]
struct HeadOfStore {
    kind: String,
}

/// Whether a file is the map of a recipient.
#[must_use]
pub fn is_of_recipient(text: &str) -> bool {
    toml::from_str::<Head>(text).is_ok_and(|head| head.store.kind.parse::<RecipientKind>().is_ok())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawRecipient {
    store: Spanned<RawStore>,
    tell: Spanned<BTreeMap<String, Spanned<Vec<String>>>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawStore {
    name: Spanned<String>,
    kind: Spanned<RecipientKind>,
    label: Spanned<String>,
    categories: Spanned<Vec<String>>,
    address: Option<Spanned<String>>,
    language: Option<Spanned<Language>>,
    url: Option<Spanned<String>>,
    secret: Option<SecretString>,
    secret_file: Option<PathBuf>,
    secret_credential: Option<String>,
    allow: Option<Spanned<Vec<IpAddr>>>,
    remind_days: Option<Spanned<u32>>,
    silent_days: Option<u32>,
    location: Option<String>,
    processor: Option<String>,
    purpose: Option<String>,
    backup_days: u32,
}

/// Reads the map of a recipient.
pub(super) fn load(file: File<'_>) -> Result<(StoreName, RecipientMap), MapError> {
    let raw: RawRecipient = toml::from_str(file.1).map_err(|error: toml::de::Error| {
        let help = "see config/stores/parcels.toml and courier.toml for complete examples";
        MapError::at(file, error.span().unwrap_or(0..0), error.message().trim(), help)
    })?;
    let store = raw.store.get_ref();
    let name = store_name(file, &store.name)?;
    let blank = |text: &Spanned<String>, what: &str| match text.get_ref().trim() {
        "" => Err(MapError::at(file, text.span(), format!("{what} says nothing"), "write it, or take the map away")),
        text => Ok(text.to_owned()),
    };
    if store.categories.get_ref().is_empty() {
        let help = "name what they hold, for example [\"contact\"]";
        return Err(MapError::at(file, store.categories.span(), "a recipient of no data is none", help));
    }
    let recipient = RecipientMap {
        way: way(file, &raw.store)?,
        label: blank(&store.label, "label")?,
        location: store.location.clone(),
        processor: store.processor.clone(),
        purpose: store.purpose.clone(),
        backup_days: store.backup_days,
        categories: store.categories.get_ref().clone(),
        tell: tell(file, &raw.tell)?,
        remind_days: store.remind_days.as_ref().map_or(REMIND_DAYS, |days| *days.get_ref()),
        silent_days: store.silent_days.unwrap_or(SILENT_DAYS),
        file: file.0.to_owned(),
    };
    if recipient.remind_days >= recipient.silent_days || recipient.silent_days > 31 {
        let span = store.remind_days.as_ref().map_or_else(|| raw.store.span(), Spanned::span);
        let help = "remind_days is less than silent_days, and that at most 31: the person is answered within a month";
        return Err(MapError::at(file, span, "they would be reminded too late", help));
    }
    Ok((name, recipient))
}

fn way(file: File<'_>, raw: &Spanned<RawStore>) -> Result<Way, MapError> {
    let store = raw.get_ref();
    let not_both = |message: &str, help: &str| MapError::at(file, raw.span(), message, help);
    match store.kind.get_ref() {
        RecipientKind::Mail => {
            let of_http = store.url.is_some() || store.allow.is_some();
            if of_http || store.secret.is_some() || store.secret_file.is_some() || store.secret_credential.is_some() {
                return Err(not_both("url, secret and allow are of kind = \"http\"", "take them away"));
            }
            let address = store.address.as_ref();
            let address =
                address.ok_or_else(|| not_both("a recipient by mail needs an address", "add address = \"…\""))?;
            let plain =
                |text: &str| !text.contains(|c: char| c.is_whitespace() || c.is_control() || "<>,;\"".contains(c));
            let is_address = |text: &str| {
                text.rsplit_once('@').is_some_and(|(local, domain)| !local.is_empty() && domain.contains('.'))
                    && plain(text)
            };
            if !is_address(address.get_ref()) {
                return Err(MapError::at(file, address.span(), "this is no address", "write name@domain"));
            }
            let language = store.language.as_ref().map_or(Language::En, |language| *language.get_ref());
            Ok(Way::Mail { address: address.get_ref().clone(), language })
        }
        RecipientKind::Http => {
            if store.address.is_some() || store.language.is_some() {
                return Err(not_both("address and language are of kind = \"mail\"", "take them away"));
            }
            let url = store.url.as_ref();
            let url = url.ok_or_else(|| not_both("a recipient by http needs a url", "add url = \"https://…\""))?;
            let secret = match (&store.secret, &store.secret_file, &store.secret_credential) {
                (Some(secret), None, None) => StoreUrl::Value(secret.clone()),
                (None, Some(path), None) => StoreUrl::File(path.clone()),
                (None, None, Some(name)) => StoreUrl::Credential(name.clone()),
                _ => {
                    let help = "write exactly one of secret, secret_file and secret_credential";
                    return Err(not_both("it is not clear what is signed with", help));
                }
            };
            let allow = store.allow.as_ref().map(|allow| allow.get_ref().clone()).unwrap_or_default();
            Ok(Way::Http { url: url.get_ref().clone(), secret, allow })
        }
    }
}

fn tell(
    file: File<'_>,
    raw: &Spanned<BTreeMap<String, Spanned<Vec<String>>>>,
) -> Result<BTreeMap<SubjectKind, Vec<String>>, MapError> {
    let mut tell = BTreeMap::new();
    for (subject, names) in raw.get_ref() {
        let kind = subject.parse().map_err(|error: UnknownWord| {
            let help = format!("use one of: {}", error.expected);
            MapError::at(file, names.span(), format!("{subject} is no kind of data subject"), help)
        })?;
        tell.insert(kind, names.get_ref().clone());
    }
    if tell.values().all(Vec::is_empty) {
        let help = "say by what they find a person, for example user = [\"email\"]";
        return Err(MapError::at(file, raw.span(), "they are told nothing", help));
    }
    Ok(tell)
}

/// Whether every subject of whom a recipient is told has what they are told.
pub(super) fn check(files: &[File<'_>], map: &DataMap) -> Result<(), MapError> {
    for (name, recipient) in &map.recipients {
        let file = files.iter().find(|file| file.0 == recipient.file).copied().unwrap_or((&recipient.file, ""));
        let at = file.1.find("[tell]").unwrap_or(0);
        for (subject, names) in &recipient.tell {
            let known: Vec<&String> = map.subjects(subject).flat_map(|(_, table)| table.identify.keys()).collect();
            if map.subjects(subject).next().is_none() {
                let help = format!("take {subject} out of [tell], or name its table in the map of its store");
                return Err(MapError::at(file, at..at, format!("no table has subject = \"{subject}\""), help));
            }
            if let Some(name) = names.iter().find(|name| *name != KEY && !known.contains(name)) {
                let known = known.into_iter().map(String::as_str).chain([KEY]).collect::<Vec<_>>().join(", ");
                let message = format!("{name} is not among what a {subject} is identified by");
                return Err(MapError::at(file, at..at, message, format!("use one of: {known}")));
            }
        }
        if map.stores.contains_key(name) {
            let message = format!("two files map the store {name}");
            return Err(MapError::at(file, 0..0, message, "one file per store"));
        }
    }
    Ok(())
}
