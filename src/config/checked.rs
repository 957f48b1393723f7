//! The config as the rest of the house sees it: every value is checked, every default filled in, every path absolute
//! (or relative to the folder that the config file's path was relative to). Never holds a value that cannot work.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use jiff::civil::Date;
use secrecy::SecretString;

use crate::domain::{Calendar, Language, LawPack, Scope, stored_enum};
use crate::filter::FilterSettings;
use crate::mailbox::settings::{ImapSettings, MaildirSettings};
use crate::reply::settings::MailerSettings;
use crate::verify::LdapSettings;
pub use crate::verify::{AuthorityRow, Rule, Target};

/// The whole config. Made by [`super::load`] and [`super::parse()`] only.
#[derive(Clone, Debug)]
pub struct Config {
    /// Who we are to the people who write to us.
    pub service: Service,
    /// Our own database.
    pub database: Database,
    /// Where the key-encryption key lies.
    pub keys: Keys,
    /// Where letters come in.
    pub mailbox: Mailbox,
    /// Where letters go out.
    pub mailer: MailerSettings,
    /// Who an address is.
    pub directory: Directory,
    /// How senders are authenticated.
    pub authentication: Authentication,
    /// Which spam filters are asked; `None`: none.
    pub spam: Option<FilterSettings>,
    /// Who may ask for what: the rows that differ from the default table, each case at most once.
    pub authority: Vec<AuthorityRow>,
    /// How ownership is proved.
    pub challenge: ChallengeSettings,
    /// How long each wait of a request lasts.
    pub schedule: Schedule,
    /// The law and its holidays.
    pub law: Law,
    /// The calendar in which deadlines are counted: time zone and holidays of the installation.
    pub calendar: Calendar,
    /// The limits on what comes from outside.
    pub limits: Limits,
    /// When we forget.
    pub retention: Retention,
    /// When accounts whose service has ended are erased; `None`: never by itself.
    pub termination: Option<Termination>,
    /// The data maps, one file per store.
    pub stores: Vec<PathBuf>,
    /// What is logged and how.
    pub log: Log,
    /// How jobs are worked on.
    pub workers: Workers,
    /// The pages on which a question of ours can be answered; `None`: by mail only.
    pub web: Option<Web>,
}

impl Config {
    /// By what the ledger knows the mailbox: our address, or the one that we had before.
    #[must_use]
    pub fn mailbox_name(&self) -> &str {
        self.mailbox.known_as.as_deref().unwrap_or(&self.service.address)
    }
}

/// `[service]`: who we are.
#[derive(Clone, Debug)]
pub struct Service {
    /// The name that letters call us by.
    pub name: String,
    /// The address that people write to and that our letters come from.
    pub address: String,
    /// The display name of our letters.
    pub sender_name: String,
    /// The language of a letter when nothing tells a better one.
    pub language: Language,
    /// The IANA name of the time zone in which days are counted.
    pub time_zone: String,
    /// The addresses that alarms go to.
    pub team: Vec<String>,
    /// Whose forwards are the wish of who wrote them: addresses, and domains for everybody in them.
    pub colleagues: Vec<String>,
    /// The supervisory authority that a refusal names.
    pub supervisory_authority: String,
    /// The judicial remedy that a refusal names.
    pub court_remedy: PerLanguage,
}

/// `[database]`: our own database.
#[derive(Clone, Debug)]
pub struct Database {
    /// `sqlite:` or `postgres:`; may carry a password.
    pub url: SecretString,
    /// Connections at most.
    pub connections_max: u32,
}

/// `[keys]`.
#[derive(Clone, Debug)]
pub struct Keys {
    /// The key-encryption key, made on the first start with mode 0600.
    pub kek_file: PathBuf,
    /// Says how far our own database had come; beside the key file unless it is named.
    pub watermark_file: PathBuf,
}

/// `[mailbox]`: where letters come in.
#[derive(Clone, Debug)]
pub struct Mailbox {
    /// What kind of mailbox, with its own settings.
    pub kind: MailboxKind,
    /// The folder that our letters are moved to; `None` leaves them where they lie.
    pub move_to: Option<String>,
    /// Where the mail server itself keeps copies of what is sent; ours are expunged there with the request.
    pub sent_folder: Option<String>,
    /// The `service.address` by which the ledger knows this mailbox, where that has changed since.
    pub known_as: Option<String>,
    /// Ask for new letters at least this often.
    pub poll: Duration,
    /// Alarm the team when no poll succeeded for this long.
    pub silence_alarm: Duration,
}

/// The kinds of mailbox.
#[derive(Clone, Debug)]
pub enum MailboxKind {
    /// `[mailbox.imap]`.
    Imap(ImapSettings),
    /// `[mailbox.maildir]`.
    Maildir(MaildirSettings),
}

/// `[directory]`: who an address is.
#[derive(Clone, Debug)]
pub enum Directory {
    /// `[directory.sql]`: queries on one of the stores.
    Sql {
        /// The name of a store, as its data map gives it.
        store: String,
        /// All accounts and roles of `:address`.
        find: String,
        /// The user or end-user of `:account` that `:identifier` names.
        target: String,
        /// The owner of `:account`.
        owner: String,
        /// A page, from `:from` on, of the accounts whose service has ended.
        ended: Option<String>,
        /// How many accounts there are.
        accounts: Option<String>,
    },
    /// `[directory.http]`: a service of the house's own.
    Http {
        /// Where it is asked.
        url: String,
        /// What questions are signed with; empty where nobody asks.
        secret: SecretString,
        /// The addresses of our own networks that it may have.
        allow: Vec<IpAddr>,
        /// One question must be answered within this time.
        timeout: Duration,
    },
    /// `[directory.ldap]`: filters on an LDAP server.
    Ldap {
        /// Where it is and what its entries mean.
        settings: LdapSettings,
        /// All accounts and roles of `:address`.
        find: String,
        /// The user or end-user of `:account` that `:identifier` names.
        target: String,
        /// The owner of `:account`.
        owner: String,
    },
    /// `[directory.file]`.
    File(PathBuf),
}

/// `[authentication]`: how it is told who sent a letter. It proves no ownership.
#[derive(Clone, Debug)]
pub struct Authentication {
    /// The authserv-id of our own MX, in lower case, whose Authentication-Results are trusted while it is proven that it takes
    /// forged ones out.
    pub trusted_mx: Option<String>,
    /// How long such a proof lasts.
    pub proof: Duration,
    /// DNS must answer a question within this time.
    pub dns_timeout: Duration,
}

/// `[challenge]`: how ownership is proved.
#[derive(Clone, Debug)]
pub struct ChallengeSettings {
    /// A challenge that nobody answers expires after this.
    pub expires: Duration,
    /// One reminder is sent after this.
    pub reminder: Duration,
    /// These scopes need the code besides a yes; `account` is always among them.
    pub code_for: Vec<Scope>,
    /// At most one challenge per address in this time.
    pub per_address: Duration,
    /// At most so many addresses of one letter are challenged.
    pub addresses_max: u32,
    /// So many wrong codes, and a person looks.
    pub attempts_max: u32,
    /// A person looks when the address or password on file changed within this time; zero never.
    pub freeze: Duration,
}

/// `[schedule]`: how long each wait of a request lasts.
#[derive(Clone, Debug)]
pub struct Schedule {
    /// Between the confirmation and the erasure; the person may withdraw.
    pub grace: Duration,
    /// An owner who does not answer for so long: the request goes to review.
    pub owner_silence: Duration,
    /// Reserved before the due date for the erasure itself and for a person's help.
    pub work: Duration,
    /// The team is told so long before a due date.
    pub due_soon: Duration,
    /// The stores are searched again so long after an erasure was completed; zero never.
    pub second_sweep: Duration,
    /// The canaries of the stores are looked at so often.
    pub canary: Duration,
    /// What came back with a store that has gone back in time is erased again without being asked.
    pub replay_by_itself: bool,
}

/// `[law]`: the law and its holidays.
#[derive(Clone, Debug)]
pub struct Law {
    /// Periods and articles.
    pub pack: LawPack,
    /// Public holidays; empty when no file is loaded, and then due dates do not roll off weekends either.
    pub holidays: Vec<Date>,
}

/// `[limits]`: on everything that comes from outside.
#[derive(Clone, Debug)]
pub struct Limits {
    /// A larger letter is not fetched; a person looks at it.
    pub body_bytes_max: u64,
    /// Multiparts in multiparts, at most so deep.
    pub mime_depth_max: u32,
    /// Parts of one letter.
    pub parts_max: u32,
    /// Characters of a letter's text that are read; the rest is dropped.
    pub text_chars_max: u32,
    /// Bytes of HTML that are turned into text.
    pub html_bytes_max: u32,
    /// Rows per statement when a store is erased.
    pub rows_per_chunk: u32,
    /// More rows than these of one subject in one store stop the request.
    pub rows_per_subject_max: u64,
    /// A plan whose counts drift by more than this percentage and more than `drift_rows` is confirmed again.
    pub drift_percent: u32,
    /// See `drift_percent`.
    pub drift_rows: u64,
    /// Rows that one question to the directory may bring.
    pub directory_rows_max: u32,
    /// One statement on a store may run this long.
    pub statement: Duration,
    /// Letters to one address in an hour; what is more waits.
    pub address_letters_per_hour: u32,
    /// Letters to the addresses of one domain in an hour.
    pub domain_letters_per_hour: u32,
    /// Letters to customers in an hour, in all.
    pub letters_per_hour: u32,
    /// Alarms of one kind that follow each other more closely than this are told together; zero: each by itself.
    pub alarms_gathered: Duration,
}

/// Words that stand in letters: in every language the same, or in each its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PerLanguage {
    /// The same in letters of every language.
    Same(String),
    /// By language; the language of `[service]` is among them, and stands in for those that are not.
    Each {
        /// What stands in letters of a language that has none of its own.
        fallback: Language,
        /// The words.
        words: BTreeMap<Language, String>,
    },
}

impl PerLanguage {
    /// What stands in letters of this language.
    #[must_use]
    pub fn of(&self, language: Language) -> &str {
        match self {
            Self::Same(words) => words,
            Self::Each { fallback, words } => {
                words.get(&language).or_else(|| words.get(fallback)).map_or("", String::as_str)
            }
        }
    }

    /// The languages of our letters that have no words of their own.
    #[must_use]
    pub fn lacks(&self) -> Vec<Language> {
        let has = |language: &Language| matches!(self, Self::Each { words, .. } if words.contains_key(language));
        Language::ALL.iter().copied().filter(|language| !has(language)).collect()
    }
}

/// `[retention]`: when we forget.
#[derive(Clone, Debug)]
pub struct Retention {
    /// Letters are destroyed this many days after the end of the request.
    pub letter_days: u32,
    /// Letters of a request that nobody confirmed, this many days after its end.
    pub unverified_letter_days: u32,
    /// Finished jobs, this many days after their end; those of a request at the latest with its record.
    pub job_days: u32,
    /// The keyed digests of letters that belong to no request, this many days after they were judged.
    pub digest_days: u32,
    /// The keyed HMACs of what the erased were recognised by, this many days after the erasure; 0 makes none.
    pub suppression_days: u32,
    /// Whether everybody of whom rows stay on a ground is told when they are gone; otherwise only who asked for it.
    pub tell_at_end: bool,
    /// The record of a request, this many days after its end. The law pack says so, not the config.
    pub record_days: u32,
}

/// `[termination]`: when accounts whose service has ended are erased.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Termination {
    /// So long after the end of the service.
    pub after: Duration,
    /// So many accounts that are due on one day, at most; where there are more, none is touched.
    pub accounts_per_run_max: u32,
    /// So large a part of all accounts, in percent; where there are more, none is touched.
    pub share_percent_max: u32,
}

/// `[log]`.
#[derive(Clone, Debug)]
pub struct Log {
    /// How a line looks.
    pub format: LogFormat,
    /// Which lines are written, in the syntax of `tracing-subscriber`'s `EnvFilter`.
    pub filter: String,
}

stored_enum! {
    /// How log lines look.
    LogFormat, "log format" {
        /// For people.
        Text = "text",
        /// One JSON object per line.
        Json = "json",
    }
}

/// `[workers]`: how jobs are worked on.
#[derive(Clone, Debug)]
pub struct Workers {
    /// Jobs at the same time.
    pub count: u32,
    /// Erasures at the same time, by workers of their own.
    pub erasures: u32,
    /// A job whose worker is silent for so long is given to another.
    pub lease: Duration,
    /// At shutdown, jobs in work may take so long to finish.
    pub drain: Duration,
}

/// `[web]`: the pages on which a question of ours can be answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Web {
    /// Where plain HTTP is listened for.
    pub listen: SocketAddr,
    /// By what browsers reach it: scheme, host and port, without a slash at the end.
    pub public_url: String,
    /// The header in which our own proxy names who asks, in lower case; `None`: who connects is who asks.
    pub client_address_header: Option<String>,
    /// Requests of one client address in a minute.
    pub address_requests_per_minute: u32,
    /// Requests for one page in a minute.
    pub token_requests_per_minute: u32,
    /// Connections at the same time; the next one waits.
    pub connections_max: u32,
    /// A request must have been read within this time, its header and its body each.
    pub read: Duration,
}

impl Web {
    /// The page that a token opens.
    #[must_use]
    pub fn page(&self, token: &str) -> String {
        format!("{}{PAGES}{token}", self.public_url)
    }
}

/// What stands before the token in the path of a page.
pub const PAGES: &str = "/r/";
