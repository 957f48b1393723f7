//! The map as it is written, before anything is believed.

use std::collections::BTreeMap;

use secrecy::SecretString;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_spanned::Spanned;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawMap {
    pub(super) store: Spanned<RawStore>,
    #[serde(default)]
    pub(super) tables: BTreeMap<String, Spanned<RawTable>>,
    #[serde(default)]
    pub(super) keys: BTreeMap<String, Spanned<RawKeys>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawStore {
    pub(super) name: Spanned<String>,
    pub(super) kind: Spanned<String>,
    pub(super) url: Option<Spanned<SecretString>>,
    pub(super) url_file: Option<std::path::PathBuf>,
    pub(super) url_credential: Option<String>,
    pub(super) location: Option<String>,
    pub(super) processor: Option<String>,
    pub(super) purpose: Option<String>,
    pub(super) backup_days: u32,
    pub(super) ignore: Option<Spanned<Vec<String>>>,
    pub(super) canary: Option<Spanned<String>>,
    pub(super) throttle: Option<Spanned<RawThrottle>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawThrottle {
    #[serde(default)]
    pub(super) rest_percent: u32,
    pub(super) lag: Option<Spanned<String>>,
    pub(super) lag_max: Option<f64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawTable {
    pub(super) subject: Option<Spanned<String>>,
    pub(super) key: Spanned<OneOrMany>,
    #[serde(default)]
    pub(super) identify: BTreeMap<String, Spanned<String>>,
    #[serde(default)]
    pub(super) belongs_to: BTreeMap<String, Spanned<RawLinks>>,
    #[serde(default)]
    pub(super) refers_to: BTreeMap<String, Spanned<RawLinks>>,
    #[serde(default)]
    pub(super) held_by: BTreeMap<String, Spanned<OneOrMany>>,
    pub(super) categories: BTreeMap<String, Spanned<String>>,
    #[serde(default)]
    pub(super) words: BTreeMap<String, Spanned<Vec<String>>>,
    pub(super) erase: Spanned<String>,
    #[serde(default)]
    pub(super) mask: BTreeMap<String, Spanned<RawMask>>,
    pub(super) keep: Option<Spanned<RawKeep>>,
    #[serde(default)]
    pub(super) rows: Vec<Spanned<RawAnswer>>,
}

/// What happens to some rows of a table.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawAnswer {
    pub(super) when: Spanned<BTreeMap<String, OneOrMany>>,
    pub(super) erase: Spanned<String>,
    #[serde(default)]
    pub(super) mask: BTreeMap<String, Spanned<RawMask>>,
    pub(super) keep: Option<Spanned<RawKeep>>,
}

/// A table of names, of a store that has no tables of its own.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawKeys {
    pub(super) pattern: Spanned<String>,
    #[serde(rename = "type")]
    pub(super) holds: Option<Spanned<String>>,
    pub(super) field: Option<Spanned<String>>,
    pub(super) member: Option<Spanned<String>>,
    pub(super) entry: Option<Spanned<BTreeMap<String, Spanned<String>>>>,
    pub(super) ignore: Option<Vec<Spanned<String>>>,
    #[serde(default)]
    pub(super) belongs_to: BTreeMap<String, Spanned<OneOrMany>>,
    pub(super) category: Spanned<OneOrMany>,
    pub(super) erase: Spanned<String>,
}

#[derive(Deserialize, Clone)]
#[serde(untagged, expecting = "expected a column or a list of columns")]
pub(super) enum OneOrMany {
    One(String),
    Many(Vec<String>),
}

impl OneOrMany {
    pub(super) fn to_vec(&self) -> Vec<String> {
        match self {
            Self::One(one) => vec![one.clone()],
            Self::Many(many) => many.clone(),
        }
    }
}

/// `"user_id"`, `["sender_id", "recipient_id"]`, or the whole of it.
#[derive(Deserialize)]
#[serde(untagged, expecting = "expected a column, a list of columns, or { columns = …, when = { … }, shared = true }")]
pub(super) enum RawLinks {
    One(String),
    Many(Vec<RawPart>),
    Full(RawLink),
}

#[derive(Deserialize)]
#[serde(untagged, expecting = "expected a column, or { columns = …, when = { … }, shared = true }")]
pub(super) enum RawPart {
    Column(String),
    Full(RawLink),
}

#[derive(Deserialize, Clone)]
#[serde(deny_unknown_fields)]
pub(super) struct RawLink {
    pub(super) columns: OneOrMany,
    #[serde(default)]
    pub(super) when: BTreeMap<String, OneOrMany>,
    #[serde(default)]
    pub(super) shared: bool,
    #[serde(default)]
    pub(super) as_written: bool,
}

/// What happens to a column: a word, or one of these with what it needs.
#[derive(Deserialize)]
#[serde(untagged, deny_unknown_fields)]
pub(super) enum RawMask {
    Word(String),
    Constant {
        constant: String,
    },
    Reown {
        reown: String,
    },
    Redact {
        redact: String,
        with: String,
    },
    Truncate {
        truncate: String,
    },
    Json {
        json: BTreeMap<String, RawSpot>,
    },
    /// None of them: the reader says which there are.
    Other(IgnoredAny),
}

#[derive(Deserialize)]
#[serde(untagged, expecting = "expected \"remove\", \"null\" or { constant = \"…\" }")]
pub(super) enum RawSpot {
    Word(String),
    Constant(RawConstant),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawConstant {
    pub(super) constant: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawKeep {
    pub(super) ground: Spanned<String>,
    pub(super) until: Spanned<String>,
}
