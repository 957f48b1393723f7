//! `expunged check`: whether what was configured is right, a line each, with the fix. Writes nothing anywhere.

mod filter;
mod others;
mod our_mx;
mod pages;
pub(super) mod reach;

use std::path::Path;

use rustix::fs::Access;
use secrecy::ExposeSecret as _;
use serde::Serialize;

use crate::config::{Config, MailboxKind, PerLanguage};
use crate::daemon::build::{self, BuildError};
use crate::domain::Language;
use crate::erase::DataMap;
use crate::intake::Lexicon;
use crate::reply::settings::MailerSettings;
use crate::reply::templates::Templates;
use crate::vault::{KeyEncryptionKey, KeyFileError};
use crate::verify::{AuthoritySettings, AuthorityTable};

use super::exit::{Ended, Exit, Outcome};
use super::invocation::Invocation;
use super::open;
use crate::output::{self, Tabular, counted, progress};

/// What `check` understands.
#[derive(Debug, clap::Args)]
pub(super) struct CheckArgs {
    /// Also reach everything outside: stores and their schemas, our own database, the mailbox, the mail server, the
    /// directory.
    #[arg(long)]
    connect: bool,
}

/// What became of one check.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Finding {
    Ok,
    Failed,
    NotThereYet,
    NotTried,
    /// It works, and should not stay so.
    Warning,
}

/// One check.
#[derive(Debug, Serialize)]
struct Line {
    check: String,
    result: Finding,
    /// What is wrong and what to do, or what was found.
    note: String,
}

impl Tabular for Line {
    const HEADS: &'static [&'static str] = &["check", "result", "note"];

    fn cells(&self) -> Vec<String> {
        let result = match self.result {
            Finding::Ok => "ok",
            Finding::Failed => "FAILED",
            Finding::NotThereYet => "not there yet",
            Finding::NotTried => "not tried",
            Finding::Warning => "WARNING",
        };
        vec![self.check.clone(), result.to_owned(), self.note.clone()]
    }
}

/// The lines so far, and the gravest code among them.
#[derive(Default)]
struct Report {
    lines: Vec<Line>,
    worst: Option<Exit>,
}

impl Report {
    fn note(&mut self, check: impl Into<String>, result: Finding, note: impl Into<String>) {
        self.lines.push(Line { check: check.into(), result, note: note.into() });
    }

    fn ok(&mut self, check: impl Into<String>, note: impl Into<String>) {
        self.note(check, Finding::Ok, note);
    }

    /// A failure with its code. What is wrong here weighs more than what is only far away.
    fn failed(&mut self, check: impl Into<String>, exit: Exit, note: impl Into<String>) {
        self.note(check, Finding::Failed, note);
        if self.worst != Some(Exit::Usage) {
            self.worst = Some(exit);
        }
    }

    /// A failure as an error and its sources tell it.
    fn error(&mut self, check: impl Into<String>, exit: Exit, error: impl Into<anyhow::Error>, fix: &str) {
        let error: anyhow::Error = error.into();
        let causes: Vec<String> = error.chain().map(ToString::to_string).collect();
        let note = if fix.is_empty() { causes.join(": ") } else { format!("{}. {fix}", causes.join(": ")) };
        self.failed(check, exit, note);
    }
}

/// Checks everything that can be checked, not only up to the first mistake.
pub(super) async fn run(invocation: &Invocation, args: &CheckArgs) -> Outcome {
    let config = invocation.config_to_look()?;
    let mut report = Report::default();
    report.ok("config", invocation.config_file.display().to_string());
    for words in open::secrets(&invocation.config_file, &config.stores) {
        report.note("secrets", Finding::Warning, words);
    }
    let map = at_rest(&mut report, &config);
    pages::served(&mut report, &config).await;
    if args.connect {
        let bar = progress("reaching everything");
        reach::run(&mut report, &config, map.as_ref()).await;
        bar.finish_and_clear();
    } else {
        our_mx::not_looked_up(&mut report, &config);
    }
    output::rows(invocation.format, &report.lines)?;
    match report.worst {
        None => Ok(()),
        Some(exit) => {
            let failed = report.lines.iter().filter(|line| line.result == Finding::Failed).count();
            Err(Ended::saying(
                exit,
                format_args!("{failed} of {} failed", counted(report.lines.len() as u64, "check", "checks")),
            ))
        }
    }
}

/// People name data in their own words; what no map has a category for, nobody but a person of the team can tell.
fn named_data(report: &mut Report, map: &DataMap, lexicon: &Lexicon) {
    let mapped = map.categories();
    let unknown: Vec<_> = lexicon.categories().into_iter().filter(|category| !mapped.contains(category)).collect();
    let note = match unknown.as_slice() {
        [] => "every category that the lexicon knows is in a map".to_owned(),
        unknown => format!(
            "who names such data goes to a person of the team, as no column of a map has the category: {}",
            unknown.join(", ")
        ),
    };
    report.ok("named data", note);
}

/// The categories of the maps for which letters have no word of their own, and write what the map writes.
fn untranslated(report: &mut Report, map: &DataMap, templates: &Templates) {
    let is_named = |category: &str| Language::ALL.iter().all(|language| templates.names_category(*language, category));
    let unnamed: Vec<&str> = map.categories().into_iter().filter(|category| !is_named(category)).collect();
    if !unnamed.is_empty() {
        let words = format!(
            "letters in every language write these as the maps do, as they have no word for them: {}",
            unnamed.join(", ")
        );
        report.ok("names of categories", words);
    }
}

/// What can be told without reaching anything outside this machine's files.
fn at_rest(report: &mut Report, config: &Config) -> Option<DataMap> {
    let map = match build::map(config) {
        Ok(map) => {
            let tables = map.tables().count();
            let (stores, recipients) = (map.stores().len(), map.recipients().len());
            let others = match recipients {
                0 => String::new(),
                some => format!(", {}", counted(some as u64, "recipient", "recipients")),
            };
            let (stores, tables) =
                (counted(stores as u64, "store", "stores"), counted(tables as u64, "table", "tables"));
            report.ok("data maps", format!("{stores}, {tables}{others}"));
            others::recipients(report, config, &map);
            others::urls(report, &map);
            Some(map)
        }
        Err(error) => {
            for words in each(error) {
                report.failed("data maps", Exit::Usage, words);
            }
            None
        }
    };
    if let Some(map) = &map {
        match build::directory_is_mapped(config, map) {
            Ok(()) => report.ok("store of the directory", ""),
            Err(error) => report.error("store of the directory", Exit::Usage, error, ""),
        }
    }
    match AuthorityTable::new(&AuthoritySettings { rows: config.authority.clone() }) {
        Ok(_) => report.ok(
            "authority",
            format!("{} from the default", counted(config.authority.len() as u64, "row differs", "rows differ")),
        ),
        Err(error) => report.error("authority", Exit::Usage, error, ""),
    }
    court_remedy(report, config);
    // A program whose lexicons are wrong is not built.
    report.ok("lexicon", "");
    map.iter().for_each(|map| named_data(report, map, &Lexicon::embedded()));
    match Templates::embedded() {
        Ok(templates) => {
            report.ok("templates", "");
            map.iter().for_each(|map| untranslated(report, map, &templates));
        }
        Err(error) => report.error("templates", Exit::Failed, error, ""),
    }
    if !matches!(config.mailer, MailerSettings::Smtp(_)) {
        report.note(
            "mailer",
            Finding::NotTried,
            "none that sends, which is enough to look: 'expunged run' refuses it without [mailer.smtp], but for --observe",
        );
    }
    if let MailboxKind::Maildir(maildir) = &config.mailbox.kind {
        match build::mailbox_is_there(config) {
            Ok(()) => {
                let unmarked = ". No mail program sees which letters were taken: a Maildir has no place for our keyword; see move_to";
                let seen = if config.mailbox.move_to.is_some() { "" } else { unmarked };
                report.ok("mailbox folder", format!("{}{seen}", maildir.path.display()));
            }
            Err(error) => report.error("mailbox folder", Exit::Unavailable, error, "'expunged run' refuses to start"),
        }
    }
    let file = &config.keys.kek_file;
    match KeyEncryptionKey::open(file) {
        Ok(_) => report.ok("key file", file.display().to_string()),
        Err(KeyFileError::Missing(_)) => {
            to_be_made(report, "key file", file, "the first start makes it; keep a copy outside of backups");
        }
        Err(error) => report.error("key file", Exit::Usage, error, ""),
    }
    if let Some(file) = config.database.url.expose_secret().strip_prefix("sqlite://").map(Path::new) {
        if file.exists() {
            report.ok("database file", file.display().to_string());
        } else {
            to_be_made(report, "database file", file, "the first start makes it");
        }
    }
    map
}

/// Each mistake of the maps by itself, so that each has a line of its own.
fn each(error: BuildError) -> Vec<String> {
    match error {
        BuildError::Map(mut first) => {
            let more = std::mem::take(&mut first.more).into_vec();
            std::iter::once(first).chain(more).map(|mistake| mistake.to_string()).collect()
        }
        other => {
            let error = anyhow::Error::new(other);
            vec![error.chain().map(ToString::to_string).collect::<Vec<_>>().join(": ")]
        }
    }
}

/// Letters in other languages have the same words where nobody gave them their own.
fn court_remedy(report: &mut Report, config: &Config) {
    let remedy = &config.service.court_remedy;
    let lacks: Vec<&str> = remedy.lacks().iter().map(|language| language.as_str()).collect();
    let note = match (remedy, lacks.as_slice()) {
        (_, []) => "in every language of our letters".to_owned(),
        (PerLanguage::Same(_), _) => format!(
            "the same words in letters of every language ({}); [service.court_remedy] takes a text for each: {} = \"…\"",
            lacks.join(", "),
            lacks.join(" = \"…\", ")
        ),
        (PerLanguage::Each { fallback, .. }, lacks) => {
            format!("letters in {} have the words in {fallback}", lacks.join(", "))
        }
    };
    report.ok("court remedy", note);
}

/// A file that the first start makes, if it can.
fn to_be_made(report: &mut Report, check: &str, file: &Path, note: &str) {
    let folder = match file.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    };
    let can = rustix::fs::access(folder, Access::WRITE_OK | Access::EXEC_OK);
    let fix = match can {
        Ok(()) if folder.is_dir() => return report.note(check, Finding::NotThereYet, note),
        Err(rustix::io::Errno::ACCESS | rustix::io::Errno::ROFS) => {
            "may not be written by us; let our user write there"
        }
        Err(rustix::io::Errno::NOENT) => "is not there, and the first start makes no folders; make it",
        _ => "is no folder that files could be made in",
    };
    report.failed(check, Exit::Usage, format!("the folder {} {fix}", folder.display()));
}
