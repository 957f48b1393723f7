//! `expunged check --connect`: reaches everything outside once, and leaves it as it was.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use secrecy::SecretString;
use tokio::time::timeout;

use crate::chance::{Chance, OsChance};
use crate::cli::exit::{Ended, Exit};
use crate::cli::invocation::Invocation;
use crate::cli::ledger::{DoubtLine, WHAT_TO_DO};
use crate::cli::map::rights::{self, Missing};
use crate::cli::map::worded::{self, Worded};
use crate::clock::{Clock, SystemClock};
use crate::config::{Config, Directory, MailboxKind};
use crate::daemon::build::{self, BuildError};
use crate::db::jobs;
use crate::db::probe::{self, Probe};
use crate::db::{Db, DbError};
use crate::domain::Retry;
use crate::erase::map::{StoreMap, apart};
use crate::erase::{DataMap, check, try_lag};
use crate::flow::{FlowError, behind};
use crate::mailbox::MailboxError;
use crate::mailbox::trouble::{self, Trouble};
use crate::output::{counted, time};
use crate::reply::compose;
use crate::reply::mailer::{Reached, SmtpMailer};
use crate::reply::settings::MailerSettings;
use crate::stores::{Lookup, Opened, Schema, StoreError, StoreName, Stores};
use crate::vault::WatermarkFile;
use crate::verify::{DirectoryError, Trial, rehearse};

use super::{Finding, Report, filter, our_mx};

/// What becomes of requests while the directory is away.
const WAITS: &str =
    "What has to ask it waits until it is back: new requests, an owner's yes, and each erasing before it begins";

/// How long a server may take to answer.
const ANSWER_WITHIN: Duration = Duration::from_secs(15);

/// Reaches everything.
pub(super) async fn run(report: &mut Report, config: &Config, map: Option<&DataMap>) {
    if let Some(map) = map {
        for (name, recipient) in map.recipients() {
            let words = "it is asked when somebody is erased, and not before";
            report.note(format!("recipient {name} ({})", recipient.kind()), Finding::NotTried, words);
        }
        let open = all_stores(report, config, map).await;
        if is_in_reach(config, map, &open) {
            directory(report, config, &open).await;
        } else {
            let words = format!("it cannot be asked: the store that it asks was not reached. {WAITS}");
            report.note("directory", Finding::NotTried, words + &waiting(config).await);
        }
    }
    database(report, config).await;
    mailbox(report, config).await;
    mailer(report, config).await;
    filter::ask(report, config).await;
}

async fn all_stores(report: &mut Report, config: &Config, map: &DataMap) -> Stores {
    let (mut open, mut schemas) = (Stores::default(), BTreeMap::new());
    for (name, store) in map.stores() {
        let check = format!("store {name}");
        match reach(config, store).await {
            Ok((rows, schema)) => {
                report.ok(check, counted(schema.tables.len() as u64, "table", "tables"));
                open.insert(name.clone(), rows);
                schemas.insert(name.clone(), schema);
            }
            Err(ended) => {
                // What the login does not see is told with the statement that lets it.
                let is_hidden = matches!(ended.error.downcast_ref(), Some(StoreError::HiddenTables { .. }));
                let fix = if is_hidden { "" } else { "Is the url in its map right, and the server up?" };
                report.error(check, ended.exit, ended.error, fix);
            }
        }
    }
    for (name, store) in map.stores() {
        if let Ok(lookup) = open.lookup(name) {
            lag(report, name, store, lookup).await;
        }
        if schemas.contains_key(name) {
            rights(report, config, name, store).await;
            words(report, config, name, store).await;
        }
    }
    fits(report, map, &schemas);
    open
}

/// Asks once what an erasing would ask before each chunk.
async fn lag(report: &mut Report, name: &StoreName, store: &StoreMap, lookup: &dyn Lookup) {
    let check = format!("lag of store {name}");
    match try_lag(store, lookup).await {
        Ok(None) => {}
        Ok(Some(lag)) => report.ok(check, format!("{lag}")),
        Err(error) => {
            let ended = Ended::from(error);
            report.error(check, ended.exit, ended.error, &format!("See {}", store.file));
        }
    }
}

/// Has the store explain what an erasing would send, as `map check` does: what is not permitted is found before a request waits
/// for it.
async fn rights(report: &mut Report, config: &Config, name: &StoreName, store: &StoreMap) {
    let check = format!("rights in store {name}");
    match rights::missing(config, store).await {
        Ok(None) => {}
        Ok(Some(missing)) if missing.is_empty() => report.ok(check, "the login may do what the map asks for"),
        Ok(Some(missing)) => {
            for Missing { table, problem, help } in missing {
                report.failed(check.clone(), Exit::Usage, format!("{table}: {problem}; {help}"));
            }
        }
        Err(ended) => report.error(check, ended.exit, ended.error, ""),
    }
}

/// Looks whether rows hold words of which the map does not say what they mean, as `map check` does.
async fn words(report: &mut Report, config: &Config, name: &StoreName, store: &StoreMap) {
    let check = format!("words in store {name}");
    match worded::look(config, store).await {
        Ok(found) => {
            for Worded { table, column, problem, help, stops } in found {
                let words = format!("{table}.{column}: {problem}; {help}");
                if stops {
                    report.failed(check.clone(), Exit::Usage, words);
                } else {
                    report.note(check.clone(), Finding::NotTried, words);
                }
            }
        }
        Err(ended) => report.error(check, ended.exit, ended.error, ""),
    }
}

async fn reach(config: &Config, store: &StoreMap) -> Result<(Opened, Schema), Ended> {
    let url = url_of(store)?;
    let opened = Opened::open(store.kind, &url, build::store_limits(config), store.shapes()).await?;
    opened.rows().ping().await?;
    let schema = opened.rows().schema().await?;
    Ok((opened, schema))
}

/// The url of a store.
pub(in crate::cli) fn url_of(store: &StoreMap) -> Result<SecretString, Ended> {
    Ok(build::url_of(store, Invocation::credentials().as_deref())?)
}

/// Holds the maps against the stores, if all were reached.
fn fits(report: &mut Report, map: &DataMap, schemas: &BTreeMap<StoreName, Schema>) {
    const CHECK: &str = "maps fit stores";
    if schemas.len() != map.stores().len() {
        return report.note(CHECK, Finding::NotTried, "not all stores were reached");
    }
    let defects = check(map, schemas);
    if defects.is_empty() {
        report.ok(CHECK, "every column has a category, every foreign key an answer");
    }
    for defect in defects {
        report.failed(CHECK, Exit::Usage, defect.to_string());
    }
    for defect in apart(map, schemas) {
        report.failed("links of the maps", Exit::Usage, defect.to_string());
    }
}

async fn database(report: &mut Report, config: &Config) {
    const CHECK: &str = "database";
    let seen = timeout(ANSWER_WITHIN, probe::probe(&config.database.url)).await;
    match seen {
        Ok(Ok(Probe::Answers)) => ledger(report, config).await,
        Ok(Ok(Probe::NotThereYet)) => report.note(CHECK, Finding::NotThereYet, "the first start makes it"),
        // At rest it was said already.
        Ok(Err(DbError::NoFolder(_))) => report.note(CHECK, Finding::NotTried, "its folder is not there"),
        Ok(Err(error)) => report.error(CHECK, Exit::Unavailable, error, "See [database] url"),
        Err(_) => report.failed(CHECK, Exit::Unavailable, late("[database] url")),
    }
}

/// A database that answers, opened as every command that looks opens it: with its schema, under its key.
async fn ledger(report: &mut Report, config: &Config) {
    const CHECK: &str = "database";
    let opened = timeout(ANSWER_WITHIN, build::ledger_to_look(config)).await;
    match opened {
        Ok(Ok((db, kek))) => {
            report.ok(CHECK, "its schema and its key file are the right ones");
            doubts(report, config, &db).await;
            our_mx::look_up(report, config, (&db, &kek)).await;
            db.close().await;
        }
        Ok(Err(BuildError::Db(DbError::OlderSchema { found: 0, .. }))) => {
            if may_make(report, config).await {
                report.note(CHECK, Finding::NotThereYet, "empty; the first start makes the tables");
            }
        }
        Ok(Err(error)) => {
            if matches!(error, BuildError::Db(DbError::OlderSchema { .. })) {
                may_make(report, config).await;
            }
            let ended = Ended::from(error);
            report.error(CHECK, ended.exit, ended.error, "");
        }
        Err(_) => report.failed(CHECK, Exit::Unavailable, late("[database] url")),
    }
}

/// Whether the start can make or change the tables; where not, that is told.
async fn may_make(report: &mut Report, config: &Config) -> bool {
    const CHECK: &str = "rights in the database";
    match timeout(ANSWER_WITHIN, probe::lacks_right_to_make(&config.database.url)).await {
        Ok(Ok(None)) => return true,
        Ok(Ok(Some(lacks))) => report.failed(CHECK, Exit::Unavailable, lacks),
        Ok(Err(error)) => report.error(CHECK, Exit::Unavailable, error, "See [database] url"),
        Err(_) => report.failed(CHECK, Exit::Unavailable, late("[database] url")),
    }
    false
}

/// Whether it came back from a backup.
async fn doubts(report: &mut Report, config: &Config, db: &Db) {
    const CHECK: &str = "database as it was";
    let file = WatermarkFile::at(config.keys.watermark_file.clone());
    match behind::doubted(db, &file).await {
        Ok(found) if found.is_empty() => report.ok(CHECK, ""),
        Ok(found) => {
            for doubt in &found {
                let text = DoubtLine::from(doubt).text();
                report.failed(CHECK, Exit::Refused, format!("{text}; {WHAT_TO_DO}"));
            }
        }
        Err(error) => report.error(CHECK, Exit::Failed, error, ""),
    }
}

async fn mailbox(report: &mut Report, config: &Config) {
    const CHECK: &str = "mailbox";
    let (clock, chance): (Arc<dyn Clock>, Arc<dyn Chance>) = (Arc::new(SystemClock), Arc::new(OsChance));
    // A Maildir would get our index; of a mail server we want to know whether the folder takes our keyword.
    let mut mailbox = match &config.mailbox.kind {
        MailboxKind::Maildir(_) => build::mailbox_to_read(config, &clock, &chance),
        MailboxKind::Imap(imap) if !is_known(&imap.host, imap.port).await => {
            return report.failed(CHECK, Exit::Unavailable, unknown(&imap.host, "[mailbox.imap]"));
        }
        MailboxKind::Imap(_) => build::mailbox(config, &clock, &chance),
    };
    match timeout(ANSWER_WITHIN, mailbox.open()).await {
        Ok(Ok(folder)) => {
            report.ok(CHECK, format!("folder open, uidvalidity {}, next uid {}", folder.uid_validity, folder.uid_next));
        }
        Ok(Err(error)) => {
            let silent = matches!(error, MailboxError::TimedOut { .. }).then_some(Trouble::Silent);
            let see = see(silent.or_else(|| Trouble::of(&error)), "[mailbox]");
            let exit = match Ended::from(anyhow::Error::new(error)) {
                Ended { exit: Exit::Failed, error } => Ended { exit: Exit::Unavailable, error },
                known => known,
            };
            report.error(CHECK, exit.exit, exit.error, &see);
        }
        Err(_) => report.failed(CHECK, Exit::Unavailable, format!("{}. {}", late("[mailbox.imap]"), Trouble::Silent)),
    }
}

/// The mail server: connected, encrypted and logged in as for a letter, asked about our plus-addresses, and left again.
async fn mailer(report: &mut Report, config: &Config) {
    const CHECK: &str = "mail server";
    let MailerSettings::Smtp(smtp) = &config.mailer else {
        return report.note(CHECK, Finding::NotTried, "letters go to a folder or to memory");
    };
    let mailer = match SmtpMailer::new(smtp.clone()) {
        Ok(mailer) => mailer,
        Err(error) => return report.error(CHECK, Exit::Usage, error, "See [mailer.smtp]"),
    };
    if !is_known(&smtp.host, smtp.port).await {
        return report.failed(CHECK, Exit::Unavailable, unknown(&smtp.host, "[mailer.smtp]"));
    }
    // It has an end of its own.
    if let Err(error) = mailer.try_token().await {
        let exit = if error.retry() == Retry::Transient { Exit::Unavailable } else { Exit::Usage };
        return report.error(CHECK, exit, error, "");
    }
    match timeout(ANSWER_WITHIN, mailer.try_login()).await {
        Ok(Ok(())) => report.ok(CHECK, if smtp.login.is_some() { "encrypted, logged in" } else { "encrypted" }),
        Ok(Err(shut)) => {
            let at = format!("{}:{}", smtp.host, smtp.port);
            let error = anyhow::Error::new(shut).context(at);
            return report.error(CHECK, Exit::Unavailable, error, &see(shut.trouble, "[mailer.smtp]"));
        }
        Err(_) => {
            let words = format!("{}. {}", late("[mailer.smtp] host and port"), Trouble::Silent);
            return report.failed(CHECK, Exit::Unavailable, words);
        }
    }
    plus_addresses(report, config, &mailer).await;
}

/// Whether we may send as our address with something behind a plus (bounces come back to it), and whether letters to it
/// arrive (answers go there). What the mail server must do for that stands in the README.
async fn plus_addresses(report: &mut Report, config: &Config, mailer: &SmtpMailer) {
    const CHECK: &str = "plus-addresses";
    let (address, own) = (&config.service.address, compose::plus_address(&config.service.address, "check"));
    let asked = async {
        let Err(refused) = mailer.try_envelope(&own, &own).await else { return Ok(()) };
        Err(match refused.reached() {
            // A refusal of the sender may come as late as that: with another sender the recipient is fine.
            Some(Reached::Recipient) if mailer.try_envelope(address, &own).await.is_ok() => {
                (refused, Some(Reached::Sender))
            }
            reached => (refused, reached),
        })
    };
    let (error, refused) = match timeout(ANSWER_WITHIN, asked).await {
        Ok(Ok(())) => return report.ok(CHECK, format!("the mail server takes {own} as sender and as recipient")),
        Ok(Err(refused)) => refused,
        Err(_) => return report.failed(CHECK, Exit::Unavailable, late("[mailer.smtp] host and port")),
    };
    let fix = match refused {
        Some(Reached::Sender) => {
            format!("It does not let us send as {own}: the login must be allowed to, bounces are told apart by it")
        }
        Some(Reached::Recipient) => {
            format!(
                "It does not deliver {own}: letters to it must arrive like those to {address} (Postfix: recipient_delimiter = +)"
            )
        }
        _ => "See [mailer.smtp]".to_owned(),
    };
    report.error(CHECK, Exit::Unavailable, error, &fix);
}

/// Whether the directory can be asked: a store that is down or shut is not missing in the maps.
fn is_in_reach(config: &Config, map: &DataMap, open: &Stores) -> bool {
    let Directory::Sql { store, .. } = &config.directory else { return true };
    StoreName::new(store).is_none_or(|name| !map.stores().contains_key(&name) || open.get(&name).is_ok())
}

async fn directory(report: &mut Report, config: &Config, open: &Stores) {
    let directory = match build::directory(config, open) {
        Ok(directory) => directory,
        Err(error) => {
            let ended = Ended::from(error);
            return report.error("directory", ended.exit, ended.error, "");
        }
    };
    match directory.missing().await {
        Ok(missing) if missing.is_empty() => {}
        Ok(missing) => {
            for missing in missing {
                report.failed(format!("directory {}", missing.query), Exit::Usage, missing.to_string());
            }
            return;
        }
        // Which of them is told below, where each is asked.
        Err(_) => {}
    }
    for Trial { query, found } in rehearse(&*directory).await {
        let check = format!("directory {query}");
        let finds_nobody = match query {
            "find" => "it knows an address that cannot exist; has the query a WHERE with :address?",
            _ => "it finds somebody in an account that does not exist; has the query a WHERE with :account?",
        };
        match found {
            Ok(0) => report.ok(check, "answers"),
            Ok(_) => report.failed(check, Exit::Usage, finds_nobody),
            Err(error) => query_failed(report, config, &check, error).await,
        }
    }
}

/// How much waits for the directory by now and since when, as our own database knows it; nothing where nothing does.
async fn waiting(config: &Config) -> String {
    let seen = async {
        let (db, _) = build::ledger_to_look(config).await.ok()?;
        let mut tx = db.read().await.ok()?;
        let found = jobs::waiting_for(&mut tx, FlowError::DIRECTORY).await.ok();
        drop(tx);
        db.close().await;
        found
    };
    match timeout(ANSWER_WITHIN, seen).await.ok().flatten() {
        Some((count @ 1.., since)) => {
            let since = since.map(|since| format!(", since {}", time(since))).unwrap_or_default();
            format!(" ({} by now{since}; see 'expunged jobs list')", counted(count, "job", "jobs"))
        }
        _ => String::new(),
    }
}

/// Where the configuration says who an address is.
const fn section(directory: &Directory) -> &'static str {
    match directory {
        Directory::Sql { .. } => "directory.sql",
        Directory::Http { .. } => "directory.http",
        Directory::Ldap { .. } => "directory.ldap",
        Directory::File(_) => "directory.file",
    }
}

async fn query_failed(report: &mut Report, config: &Config, check: &str, error: DirectoryError) {
    let fix = format!("See [{}]", section(&config.directory));
    let error = match Ended::from(anyhow::Error::new(error)) {
        Ended { exit: Exit::Unavailable, error } => {
            let waits = format!("{fix}. {WAITS}{}", waiting(config).await);
            return report.error(check, Exit::Unavailable, error, &waits);
        }
        Ended { error, .. } => error,
    };
    report.error(check, Exit::Usage, error, &fix);
}

/// Whether a name has an address, as far as somebody tells in time.
async fn is_known(host: &str, port: u16) -> bool {
    timeout(ANSWER_WITHIN, trouble::is_known(host, port)).await.unwrap_or(false)
}

fn unknown(host: &str, section: &str) -> String {
    format!("{host}: {}", see(Some(Trouble::NoName), section))
}

/// What it comes to, and where it is set.
fn see(trouble: Option<Trouble>, section: &str) -> String {
    trouble.map_or_else(|| format!("See {section}"), |trouble| format!("{trouble} (see {section})"))
}

fn late(see: &str) -> String {
    format!("no answer within {} s. See {see}", ANSWER_WITHIN.as_secs())
}
