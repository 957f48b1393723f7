//! All that work needs, built once by the daemon and handed to every job.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::civil::Date;

use crate::authenticate::Authenticator;
use crate::chance::Chance;
use crate::clock::Clock;
use crate::config::Config;
use crate::db::Db;
use crate::domain::request::Policy;
use crate::domain::{Calendar, LetterId, Scope, State, SubjectKind};
use crate::erase::discover::EraseLimits;
use crate::erase::preview::DriftLimits;
use crate::erase::{DataMap, Target};
use crate::filter::Filters;
use crate::intake::{Lexicon, Limits};
use crate::reply::compose::{self, parse_verp};
use crate::reply::letters::BackupLine;
use crate::reply::mailer::Mailer;
use crate::reply::templates::Templates;
use crate::stores::http::HttpStore;
use crate::stores::{Key, KeyValue, StoreName, Stores};
use crate::trail::Stamps;
use crate::vault::{InstallationKeys, KeyEncryptionKey, WatermarkFile};
use crate::verify::{AuthorityTable, Directory, Terms};

use super::sent::Sent;

/// Everything that a stage needs, with no way to change it.
pub struct House {
    /// Our own database.
    pub db: Db,
    /// What time it is.
    pub clock: Arc<dyn Clock>,
    /// Where random bytes come from.
    pub chance: Arc<dyn Chance>,
    /// What wraps the keys of cases and deliveries.
    pub kek: Arc<KeyEncryptionKey>,
    /// How far our own database had come, outside of it.
    pub watermark: WatermarkFile,
    /// Look-ups, gate, digests, message ids.
    pub keys: InstallationKeys,
    /// The words of requests.
    pub lexicon: Arc<Lexicon>,
    /// What of a letter is read at most.
    pub intake_limits: Limits,
    /// The letters.
    pub templates: Templates,
    /// How letters leave.
    pub mailer: Arc<dyn Mailer>,
    /// Where the mail server keeps what it sent, if it does.
    pub sent: Option<Sent>,
    /// Who sent a letter, by its signature.
    pub authenticator: Authenticator,
    /// The spam filters, where there are any.
    pub filters: Option<Filters>,
    /// Who an address is.
    pub directory: Arc<dyn Directory>,
    /// Who may ask for what.
    pub authority: AuthorityTable,
    /// What is where.
    pub map: DataMap,
    /// The open stores.
    pub stores: Stores,
    /// The services of recipients that are asked by HTTP; empty beside the daemon, where nobody is asked.
    pub services: BTreeMap<StoreName, HttpStore>,
    /// How much is erased at once.
    pub erase_limits: EraseLimits,
    /// The periods of a life.
    pub policy: Policy,
    /// Days and working days.
    pub calendar: Calendar,
    /// The checked configuration.
    pub config: Config,
    /// What was in force, for the trail.
    pub stamps: Stamps,
    /// Read letters that were there before the first run.
    pub backfill: bool,
}

/// How long an authority lives beyond the grace period: for a hold that is released, a weekend, a store that is down.
const AUTHORITY_BEYOND_GRACE: Duration = Duration::from_secs(14 * 86_400);

impl House {
    /// The domain of our address, the right side of our Message-IDs.
    #[must_use]
    pub fn domain(&self) -> &str {
        self.config.service.address.rsplit_once('@').map_or("localhost", |(_, domain)| domain)
    }

    /// Our address with a token in it (`privacy+token@example.org`): a reply to it proves possession.
    #[must_use]
    pub fn plus_address(&self, token: &str) -> String {
        compose::plus_address(&self.config.service.address, token)
    }

    /// Whether this is our own address, also with something behind a plus.
    #[must_use]
    pub fn is_our_address(&self, address: &crate::intake::Address) -> bool {
        let mailbox = address.local.split('+').next().unwrap_or_default();
        self.our_addresses().any(|ours| {
            let (local, domain) = ours.rsplit_once('@').unwrap_or_default();
            mailbox.eq_ignore_ascii_case(local) && address.domain.eq_ignore_ascii_case(domain)
        })
    }

    /// Whether everybody that a letter came from works with us, by `service.colleagues`. A claim like any From.
    #[must_use]
    pub fn is_of_colleagues(&self, from: &[crate::intake::Address]) -> bool {
        let known = |address: &crate::intake::Address| {
            let is = |named: &String| match named.contains('@') {
                true => address.as_str().eq_ignore_ascii_case(named),
                false => address.domain.eq_ignore_ascii_case(named),
            };
            self.config.service.colleagues.iter().any(is)
        };
        !from.is_empty() && from.iter().all(known)
    }

    /// The letter of ours that was sent from this envelope address.
    #[must_use]
    pub fn parse_verp(&self, address: &str) -> Option<LetterId> {
        self.our_addresses().find_map(|ours| parse_verp(ours, address))
    }

    /// Our address, and the one that we had before.
    fn our_addresses(&self) -> impl Iterator<Item = &str> {
        std::iter::once(self.config.service.address.as_str()).chain(self.config.mailbox.known_as.as_deref())
    }

    /// The name of the mailbox in the ledger.
    #[must_use]
    pub fn mailbox_name(&self) -> &str {
        self.config.mailbox_name()
    }

    /// How long the letters of a request that ended in this state are kept, in days.
    #[must_use]
    pub const fn letter_days(&self, state: State) -> u32 {
        let retention = &self.config.retention;
        match state {
            State::Expired | State::NotFound => retention.unverified_letter_days,
            _ => retention.letter_days,
        }
    }

    /// How answers are judged.
    #[must_use]
    pub fn terms(&self) -> Terms {
        Terms {
            attempts_max: self.config.challenge.attempts_max,
            authority_lives: self.policy.grace + AUTHORITY_BEYOND_GRACE,
        }
    }

    /// The same for a request whose grace period is this one.
    #[must_use]
    pub fn terms_with(&self, grace: Duration) -> Terms {
        Terms { authority_lives: grace + AUTHORITY_BEYOND_GRACE, ..self.terms() }
    }

    /// The categories that "my data" means while the account lives: all but what the account is known and reached by.
    #[must_use]
    pub fn general_categories(&self) -> Vec<String> {
        self.map.general_categories()
    }

    /// The root of a plan: the row of a subject's table with this key; `None` where the map has no such subject.
    #[must_use]
    pub fn target(&self, scope: Scope, subject: &SubjectKind, key: &str, categories: Vec<String>) -> Option<Target> {
        let (subject_kind, at) = self.map.root(subject)?;
        let key = Key(vec![KeyValue::Text(key.to_owned())]);
        Some(Target { scope, subject_kind, store: at.store, table: at.table, key, categories })
    }

    /// How far counts may move between the proof and the erasing.
    #[must_use]
    pub fn drift_limits(&self) -> DriftLimits {
        let limits = &self.config.limits;
        DriftLimits { percent_max: u64::from(limits.drift_percent), rows_max: limits.drift_rows }
    }

    /// When the backups of these stores expire.
    #[must_use]
    pub fn backups(&self, stores: &[String], finished_on: Date) -> Vec<BackupLine> {
        self.map
            .stores()
            .iter()
            .filter(|(name, store)| store.backup_days > 0 && stores.iter().any(|other| other == name.as_str()))
            .map(|(name, store)| BackupLine {
                store_label: name.to_string(),
                location: store.location.clone().unwrap_or_default(),
                expires_on: finished_on.saturating_add(jiff::Span::new().days(i64::from(store.backup_days))),
            })
            .collect()
    }
}
