//! Builds the house from a checked configuration. What cannot be trusted stops the start: a map that does not fit a
//! store, a key file with open permissions, a database of a newer program.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use secrecy::{ExposeSecret as _, SecretString};
use sha2::{Digest as _, Sha256};
use tempfile::TempDir;
use tracing::warn;

use crate::authenticate::{Authenticator, SystemDns};
use crate::chance::Chance;
use crate::clock::Clock;
use crate::config::{Config, Directory as DirectoryConfig, MailboxKind};
use crate::db::{DatabaseSettings, Db, DbError, keys};
use crate::domain::request::Policy;
use crate::erase::discover::EraseLimits;
use crate::erase::map::recipient::Way;
use crate::erase::map::{StoreMap, StoreUrl, url};
use crate::erase::{DataMap, check};
use crate::filter::Filters;
use crate::flow::sent::Sent;
use crate::flow::{House, chain};
use crate::intake::{Lexicon, Limits};
use crate::mailbox::Mailbox;
use crate::mailbox::imap::ImapMailbox;
use crate::mailbox::maildir::{self, Maildir};
use crate::reply::mailer::{FileMailer, Mailer, MemoryMailer, SmtpMailer};
use crate::reply::settings::MailerSettings;
use crate::reply::templates::Templates;
use crate::stores::http::{HttpLimits, HttpStore};
use crate::stores::{Opened, Schema, StoreError, StoreLimits, StoreName, Stores};
use crate::trail::Stamps;
use crate::vault::{KeyEncryptionKey, WatermarkFile};
use crate::verify::{AuthoritySettings, AuthorityTable, ClosedDirectory, Directory};

mod directory;
mod error;

use directory::whole_directory;
pub use directory::{directory, directory_is_mapped};
pub use error::BuildError;

/// What differs between production, the demo and tests.
pub struct Choices {
    /// What time it is.
    pub clock: Arc<dyn Clock>,
    /// Where random bytes come from.
    pub chance: Arc<dyn Chance>,
    /// Another mailer than the configured one.
    pub mailer: Option<Arc<dyn Mailer>>,
    /// Where systemd has put the credentials of our unit.
    pub credentials: Option<PathBuf>,
    /// Read letters that were there before the first run.
    pub backfill: bool,
    /// Make the ledger and the key file where they are missing, and bring the schema up to date. Only who runs the
    /// daemon does; who looks or acts beside it finds them there.
    pub may_create: bool,
    /// SHA-256 of the program that runs, where it is known already; else its file is read.
    pub program: Option<[u8; 32]>,
}

/// The map and its stores, opened and held against each other.
///
/// # Errors
/// [`BuildError`] for a map that cannot be read, a store that cannot be reached, or a misfit of the two.
pub async fn stores(config: &Config, credentials: Option<&Path>) -> Result<(DataMap, Stores), BuildError> {
    let (map, stores, away) = stores_that_answer(config, credentials).await?;
    away.into_values().next().map_or(Ok((map, stores)), Err)
}

/// The same for the daemon, which reads the mailbox and tells the team also while a store is away, and has its work wait. What it
/// could not hold against the map yet is held against it before each erasing.
async fn stores_or_later(config: &Config, credentials: Option<&Path>) -> Result<(DataMap, Stores), BuildError> {
    let (map, mut stores, away) = stores_that_answer(config, credentials).await?;
    for (name, error) in away {
        let Some(store) = map.stores().get(&name) else { return Err(error) };
        warn!(store = %name, error = %chain(&error), "the store is away: the daemon starts without it, and what needs it waits");
        let url = url_of(store, credentials)?;
        stores.insert(name, Opened::later(store.kind, url, store_limits(config), store.shapes()));
    }
    Ok((map, stores))
}

/// Those that are not there for now, with why. Whatever else is wrong with a store is an error.
type Away = BTreeMap<StoreName, BuildError>;

/// The stores that answer, held against the map.
async fn stores_that_answer(
    config: &Config,
    credentials: Option<&Path>,
) -> Result<(DataMap, Stores, Away), BuildError> {
    let map = map(config)?;
    let (mut stores, mut schemas, mut away) = (Stores::default(), BTreeMap::new(), Away::new());
    for (name, store) in map.stores() {
        match open_and_read(config, name, store, credentials).await {
            Ok((opened, schema)) => {
                schemas.insert(name.clone(), schema);
                stores.insert(name.clone(), opened);
            }
            Err(error) if error.is_away() => {
                away.insert(name.clone(), error);
            }
            Err(error) => return Err(error),
        }
    }
    let mut defects = check(&map, &schemas);
    defects.retain(|defect| !away.contains_key(&defect.at.store));
    if !defects.is_empty() {
        return Err(BuildError::MapDefects(defects));
    }
    Ok((map, stores, away))
}

/// Opens one store of the maps and reads its catalogue.
async fn open_and_read(
    config: &Config,
    name: &StoreName,
    store: &StoreMap,
    credentials: Option<&Path>,
) -> Result<(Opened, Schema), BuildError> {
    let opened = open(config, name, store, credentials).await?;
    let schema = opened.rows().schema().await.map_err(|source| not_opened(name, store, source))?;
    Ok((opened, schema))
}

/// The url of a store.
///
/// # Errors
/// [`BuildError::Url`] with the file or credential that cannot be read, [`BuildError::OtherKind`] for that of another kind of store.
pub fn url_of(store: &StoreMap, credentials: Option<&Path>) -> Result<SecretString, BuildError> {
    let place = || match &store.url {
        StoreUrl::File(path) => {
            let folder = Path::new(&store.file).parent().unwrap_or(Path::new(""));
            folder.join(path).display().to_string()
        }
        StoreUrl::Credential(name) => format!("the credential {name}"),
        StoreUrl::Value(_) => "the url".to_owned(),
    };
    let read = store.read_url(credentials);
    let url = read.map_err(|source| BuildError::Url { map: store.file.clone(), place: place(), source })?;
    match url::fault(store.kind, &url) {
        Some(url::Fault { message, help }) => {
            Err(BuildError::OtherKind { map: store.file.clone(), place: place(), message, help })
        }
        None => Ok(url),
    }
}

/// Opens one store of the maps.
async fn open(
    config: &Config,
    name: &StoreName,
    store: &StoreMap,
    credentials: Option<&Path>,
) -> Result<Opened, BuildError> {
    let url = url_of(store, credentials)?;
    let opened = Opened::open(store.kind, &url, store_limits(config), store.shapes()).await;
    opened.map_err(|source| not_opened(name, store, source))
}

fn not_opened(name: &StoreName, store: &StoreMap, source: StoreError) -> BuildError {
    BuildError::Store { name: name.clone(), file: store.file.clone(), source }
}

/// What a store may take at most, as configured.
#[must_use]
pub fn store_limits(config: &Config) -> StoreLimits {
    let (usual, statement) = (StoreLimits::default(), config.limits.statement);
    StoreLimits {
        statement_timeout: statement,
        // Before the statement's own end, or a row that somebody has locked would be told as a slow statement.
        lock_timeout: usual.lock_timeout.min(statement / 2),
        lookup_rows_max: config.limits.directory_rows_max,
        ..usual
    }
}

/// Reads the data maps.
///
/// # Errors
/// [`BuildError`] for a map that cannot be read or is wrong in itself.
pub fn map(config: &Config) -> Result<DataMap, BuildError> {
    let mut files = Vec::new();
    for path in &config.stores {
        let text = std::fs::read_to_string(path).map_err(|source| BuildError::Read { path: path.clone(), source })?;
        files.push((path.display().to_string(), text));
    }
    let borrowed: Vec<(&str, &str)> = files.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    Ok(DataMap::parse(&borrowed)?)
}

/// The services of recipients that are asked by HTTP. Opens no connection.
///
/// # Errors
/// [`BuildError::Recipient`] for a secret that cannot be read, or a map that cannot be used.
pub fn services(map: &DataMap, credentials: Option<&Path>) -> Result<BTreeMap<StoreName, HttpStore>, BuildError> {
    let mut services = BTreeMap::new();
    for (name, recipient) in map.recipients() {
        let Way::Http { url, allow, .. } = &recipient.way else { continue };
        let failed = |source| BuildError::Recipient { name: name.clone(), file: recipient.file.clone(), source };
        let secret = recipient.read_secret(credentials).map_err(|error| failed(error.into()))?.unwrap_or_default();
        let limits = HttpLimits::default();
        let service = HttpStore::new(url, secret.expose_secret(), allow.clone(), limits);
        services.insert(name.clone(), service.map_err(|error| failed(error.into()))?);
    }
    Ok(services)
}

/// The configured way out for letters.
fn mailer(settings: &MailerSettings) -> Result<Arc<dyn Mailer>, BuildError> {
    Ok(match settings {
        MailerSettings::Smtp(smtp) => Arc::new(SmtpMailer::new(smtp.clone())?),
        MailerSettings::File(folder) => Arc::new(FileMailer::new(folder.clone())),
        MailerSettings::Memory => Arc::new(MemoryMailer::default()),
    })
}

/// The configured mailbox; it connects when it is first asked.
#[must_use]
pub fn mailbox(config: &Config, clock: &Arc<dyn Clock>, chance: &Arc<dyn Chance>) -> Box<dyn Mailbox> {
    match &config.mailbox.kind {
        MailboxKind::Imap(settings) => Box::new(ImapMailbox::new(settings.clone())),
        MailboxKind::Maildir(settings) => {
            Box::new(Maildir::new(settings.clone(), Arc::clone(clock), Arc::clone(chance)))
        }
    }
}

/// Whether the mailbox could be read, as far as that can be told without reaching a server. One that goes away later is told
/// to the team.
///
/// # Errors
/// [`BuildError::NoMailbox`].
pub fn mailbox_is_there(config: &Config) -> Result<(), BuildError> {
    match &config.mailbox.kind {
        MailboxKind::Maildir(settings) if !maildir::is_there(&settings.path) => {
            Err(BuildError::NoMailbox(settings.path.clone()))
        }
        _ => Ok(()),
    }
}

/// Where the mail server keeps what it sent, if the config says so.
fn sent(config: &Config, choices: &Choices) -> Option<Sent> {
    let folder = config.mailbox.sent_folder.clone()?;
    let (config, clock, chance) = (config.clone(), Arc::clone(&choices.clock), Arc::clone(&choices.chance));
    Some(Sent::new(folder, move || mailbox_to_read(&config, &clock, &chance)))
}

/// The configured mailbox, of which nothing can be changed; it connects when it is first asked.
#[must_use]
pub fn mailbox_to_read(config: &Config, clock: &Arc<dyn Clock>, chance: &Arc<dyn Chance>) -> Box<dyn Mailbox> {
    match &config.mailbox.kind {
        MailboxKind::Imap(settings) => Box::new(ImapMailbox::read_only(settings.clone())),
        MailboxKind::Maildir(settings) => {
            Box::new(Maildir::read_only(settings.clone(), Arc::clone(clock), Arc::clone(chance)))
        }
    }
}

/// Opens our own database under its key.
///
/// # Errors
/// [`BuildError`] for a database or key file that cannot be used, or that do not belong together.
pub async fn ledger(config: &Config, choices: &Choices) -> Result<(Db, KeyEncryptionKey), BuildError> {
    let settings =
        DatabaseSettings { url: config.database.url.clone(), connections_max: config.database.connections_max };
    let db = if choices.may_create { Db::open(&settings).await? } else { Db::open_existing(&settings).await? };
    let mut tx = db.write().await?;
    // A key is made for a new database only: beside one that has its key, a second would hide that the first is lost.
    let kek = if !choices.may_create || keys::is_bound(&mut tx).await? {
        KeyEncryptionKey::open(&config.keys.kek_file)?
    } else {
        KeyEncryptionKey::open_or_create(&config.keys.kek_file, &*choices.chance)?
    };
    let binding = keys::bind(&mut tx, &kek, choices.clock.now()).await?;
    tx.commit().await?;
    if binding == keys::Binding::Other {
        return Err(BuildError::OtherKey);
    }
    Ok((db, kek))
}

/// Builds the house of the daemon. A store that does not answer for now stands in nobody's way; one that refuses the login does.
///
/// # Errors
/// [`BuildError`] with what is wrong and where it is configured.
pub async fn house(config: Config, choices: Choices) -> Result<House, BuildError> {
    let (map, stores) = stores_or_later(&config, choices.credentials.as_deref()).await?;
    let directory = whole_directory(&config, &stores).await?;
    let services = services(&map, choices.credentials.as_deref())?;
    let ledger = ledger(&config, &choices).await?;
    Ok(House { services, ..assemble(config, choices, (map, stores), directory, ledger)? })
}

/// Builds the house for an operator who acts on the ledger alone: the data maps are read and no store is opened, so that
/// a request is held though a store is away, or no longer as its map says. No letter leaves from here: the daemon sends.
///
/// # Errors
/// [`BuildError`] with what is wrong and where it is configured.
pub async fn house_of_ledger(config: Config, choices: Choices) -> Result<House, BuildError> {
    let map = map(&config)?;
    beside_the_daemon(config, choices, map, Stores::default(), Arc::new(ClosedDirectory)).await
}

/// The same for an operator who also asks the directory: of the stores, the one that the directory is in is opened.
///
/// # Errors
/// As [`house_of_ledger`], and where the directory cannot be asked.
pub async fn house_of_directory(config: Config, choices: Choices) -> Result<House, BuildError> {
    let map = map(&config)?;
    let mut stores = Stores::default();
    if let DirectoryConfig::Sql { store, .. } = &config.directory
        && let Some((name, store)) = StoreName::new(store).and_then(|name| map.stores().get_key_value(&name))
    {
        stores.insert(name.clone(), open(&config, name, store, choices.credentials.as_deref()).await?);
    }
    let directory = whole_directory(&config, &stores).await?;
    beside_the_daemon(config, choices, map, stores, directory).await
}

/// The same for an operator who has rows counted: every store is opened, and nobody is asked who somebody is.
///
/// # Errors
/// As [`house_of_ledger`], and where a store cannot be opened or is not as its map says.
pub async fn house_of_stores(config: Config, choices: Choices) -> Result<House, BuildError> {
    let (map, stores) = stores(&config, choices.credentials.as_deref()).await?;
    beside_the_daemon(config, choices, map, stores, Arc::new(ClosedDirectory)).await
}

/// The same for an operator who names something in stores: of the stores named, those that answer are opened, and the
/// directory where it can be asked. What could not be opened is said.
///
/// # Errors
/// As [`house_of_ledger`].
pub async fn house_of_what_answers(
    config: Config,
    choices: Choices,
    wanted: impl FnOnce(&Config, &DataMap) -> BTreeSet<StoreName>,
) -> Result<(House, Vec<BuildError>), BuildError> {
    let map = map(&config)?;
    let (mut stores, mut away) = (Stores::default(), Vec::new());
    let wanted = wanted(&config, &map);
    for (name, store) in map.stores().iter().filter(|(name, _)| wanted.contains(*name)) {
        match open(&config, name, store, choices.credentials.as_deref()).await {
            Ok(opened) => stores.insert(name.clone(), opened),
            Err(error) => away.push(error),
        }
    }
    let asks = !matches!(&config.directory, DirectoryConfig::Sql { store, .. } if !wanted.iter().any(|name| name.as_str() == store));
    let directory = match directory(&config, &stores) {
        // What is named needs nobody to say who it is.
        _ if !asks => Arc::new(ClosedDirectory),
        Ok(directory) => directory,
        Err(error) => {
            // Where its store is away, that was said.
            if away.is_empty() {
                away.push(error);
            }
            Arc::new(ClosedDirectory)
        }
    };
    Ok((beside_the_daemon(config, choices, map, stores, directory).await?, away))
}

async fn beside_the_daemon(
    config: Config,
    choices: Choices,
    map: DataMap,
    stores: Stores,
    directory: Arc<dyn Directory>,
) -> Result<House, BuildError> {
    let ledger = ledger(&config, &choices).await?;
    let choices = Choices { mailer: Some(Arc::new(MemoryMailer::default())), ..choices };
    assemble(config, choices, (map, stores), directory, ledger)
}

/// Builds the house for one who only looks: our own database refuses to be written, and no letter leaves. Where the daemon
/// has never run there is none, and an empty one takes its place in a folder that goes with what is returned.
///
/// # Errors
/// As [`house`].
pub async fn house_to_look(config: Config, choices: Choices) -> Result<(House, Option<TempDir>), BuildError> {
    let parts = stores(&config, choices.credentials.as_deref()).await?;
    let directory = whole_directory(&config, &parts.1).await?;
    let (ledger, folder) = match ledger_if_there(&config).await? {
        Some(ledger) => (ledger, None),
        None => {
            let folder = tempfile::Builder::new().prefix("expunged-observe-").tempdir().map_err(BuildError::Folder)?;
            (empty_ledger(&folder, &choices).await?, Some(folder))
        }
    };
    let choices = Choices { mailer: Some(Arc::new(MemoryMailer::default())), ..choices };
    Ok((assemble(config, choices, parts, directory, ledger)?, folder))
}

/// Our own database as one sees it who only looks: the connections refuse to write, and a login that may only read will do.
///
/// # Errors
/// As [`ledger`].
pub async fn ledger_to_look(config: &Config) -> Result<Ledger, BuildError> {
    let settings =
        DatabaseSettings { url: config.database.url.clone(), connections_max: config.database.connections_max };
    let db = Db::open_to_look(&settings).await?;
    let kek = KeyEncryptionKey::open(&config.keys.kek_file)?;
    let mut tx = db.read().await?;
    let binding = keys::binding(&mut tx, &kek).await?;
    drop(tx);
    if binding == keys::Binding::Other { Err(BuildError::OtherKey) } else { Ok((db, kek)) }
}

/// The same; `None` where the daemon has never made it.
///
/// # Errors
/// As [`ledger_to_look`].
pub async fn ledger_if_there(config: &Config) -> Result<Option<Ledger>, BuildError> {
    match ledger_to_look(config).await {
        Err(BuildError::Db(DbError::NotThere | DbError::OlderSchema { found: 0, .. })) => Ok(None),
        opened => opened.map(Some),
    }
}

/// A ledger in which nothing stands, under a key of its own.
async fn empty_ledger(folder: &TempDir, choices: &Choices) -> Result<Ledger, BuildError> {
    let url = format!("sqlite://{}", folder.path().join("ledger.db").display());
    let db = Db::open(&DatabaseSettings { url: url.into(), connections_max: 2 }).await?;
    Ok((db, KeyEncryptionKey::open_or_create(&folder.path().join("kek"), &*choices.chance)?))
}

/// Questions to DNS that one letter may have to wait for.
const QUESTIONS_MAX: u32 = 4;

/// Who sent a letter, by the DNS of the system.
fn authenticator(config: &Config) -> Result<Authenticator, BuildError> {
    let timeout = config.authentication.dns_timeout;
    Ok(Authenticator::new(Arc::new(SystemDns::new(timeout)), timeout * QUESTIONS_MAX)?)
}

/// Our own database and the key that its keys are wrapped with.
pub type Ledger = (Db, KeyEncryptionKey);

fn assemble(
    config: Config,
    choices: Choices,
    (map, stores): (DataMap, Stores),
    directory: Arc<dyn Directory>,
    (db, kek): Ledger,
) -> Result<House, BuildError> {
    let sent = sent(&config, &choices);
    let mailer = match choices.mailer {
        Some(mailer) => mailer,
        None => mailer(&config.mailer)?,
    };
    let lexicon = Lexicon::embedded();
    let stamps = stamps(&config, &map, &lexicon, choices.program)?;
    Ok(House {
        db,
        keys: kek.installation_keys(),
        kek: Arc::new(kek),
        watermark: WatermarkFile::at(config.keys.watermark_file.clone()),
        lexicon: Arc::new(lexicon),
        intake_limits: intake_limits(&config),
        templates: Templates::embedded()?,
        mailer,
        sent,
        authenticator: authenticator(&config)?,
        filters: config.spam.clone().map(Filters::new),
        directory,
        authority: AuthorityTable::new(&AuthoritySettings { rows: config.authority.clone() })?,
        services: BTreeMap::new(),
        erase_limits: erase_limits(&config),
        map,
        stores,
        stamps,
        policy: policy(&config),
        calendar: config.calendar.clone(),
        clock: choices.clock,
        chance: choices.chance,
        backfill: choices.backfill,
        config,
    })
}

/// The periods of a life, as configured.
#[must_use]
pub fn policy(config: &Config) -> Policy {
    let days = |time: std::time::Duration| u32::try_from(time.as_secs() / 86_400).unwrap_or(u32::MAX);
    Policy {
        time_zone: config.calendar.time_zone.clone(),
        challenge_expires: config.challenge.expires,
        reminder: config.challenge.reminder,
        approval_expires: config.schedule.owner_silence,
        grace: config.schedule.grace,
        hold_expires: config.schedule.owner_silence,
        due_soon_days: days(config.schedule.due_soon),
    }
}

/// What of a letter is read at most, as configured.
#[must_use]
pub fn intake_limits(config: &Config) -> Limits {
    let limits = &config.limits;
    Limits {
        body_bytes_max: limits.body_bytes_max,
        mime_depth_max: limits.mime_depth_max,
        parts_max: limits.parts_max,
        text_chars_max: usize::try_from(limits.text_chars_max).unwrap_or(usize::MAX),
        html_bytes_max: usize::try_from(limits.html_bytes_max).unwrap_or(usize::MAX),
        addresses_max: usize::try_from(config.challenge.addresses_max).unwrap_or(usize::MAX),
    }
}

/// How much is erased at once, as configured.
#[must_use]
pub fn erase_limits(config: &Config) -> EraseLimits {
    EraseLimits { chunk_rows: config.limits.rows_per_chunk, rows_per_store_max: config.limits.rows_per_subject_max }
}

/// What is in force: the policy, the configuration with the maps and words that it leads to, and the very program that
/// runs.
fn stamps(config: &Config, map: &DataMap, lexicon: &Lexicon, program: Option<[u8; 32]>) -> Result<Stamps, BuildError> {
    let build = match program {
        Some(known) => known,
        None => running_program().map_err(BuildError::Program)?,
    };
    let hex = |digest: [u8; 32]| data_encoding::HEXLOWER.encode(&digest);
    // A map is taken without the url of its store, in which a password may stand.
    let everything = serde_json::json!({
        "config": hex(config.digest()), "maps": map, "lexicon": hex(lexicon.digest()),
    });
    let config_digest = serde_json_canonicalizer::to_vec(&everything).map_err(BuildError::Stamp)?;
    Ok(Stamps { policy: config.policy_digest(), config: Sha256::digest(config_digest).into(), build })
}

/// SHA-256 of the executable that runs, as `sha256sum` prints it for the file.
fn running_program() -> std::io::Result<[u8; 32]> {
    let mut file = std::fs::File::open(std::env::current_exe()?)?;
    let mut hasher = Sha256::new();
    let mut piece = vec![0; 1 << 20];
    loop {
        match file.read(&mut piece)? {
            0 => return Ok(hasher.finalize().into()),
            read => hasher.update(&piece[..read]),
        }
    }
}
