//! A small world in this process: a Maildir as the support mailbox, Maildirs of the customers, a shop of one store, a
//! ledger on SQLite or PostgreSQL, and a clock that is moved by hand. The daemon in it is the one of production.
//!
//! What a test believes of the shop it reads by SQL of its own, and what it knows of our letters it reads as a
//! customer does.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use expunged::authenticate::{Authenticator, FileDns};
use expunged::chance::OsChance;
use expunged::clock::{Clock, FixedClock};
use expunged::config::{self, Config, ConfigError, Purpose, Surroundings};
use expunged::daemon::build::{self, BuildError, Choices};
use expunged::daemon::{self, Running, quiet};
use expunged::db::deliveries::{self, Disposition};
use expunged::db::{Params, requests};
use expunged::domain::{Reference, RequestId, State, Timestamp};
use expunged::flow::House;
use expunged::flow::arrive::Place;
use expunged::flow::operate::Operator;
use expunged::mailbox::{Mailbox, maildir};
use expunged::reply::mailer::Mailer;
use mail_parser::MessageParser;
use sqlx::postgres::PgConnectOptions;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions, Connection};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

use super::dovecot::Dovecot;
use super::postgres::fresh_postgres;

/// Where customers write to.
pub const SUPPORT: &str = "privacy@shop.example";
/// Who gets the alarms.
pub const TEAM: &str = "team@shop.example";

/// The map of a partner who holds addresses of the shop's users, and is asked by mail.
pub const PARCELS: &str = r#"
[store]
name = "parcels"
kind = "mail"
label = "Parcel & Co."
categories = ["contact"]
address = "privacy@parcel.example"
backup_days = 0

[tell]
user = ["email"]
"#;

const CONFIG: &str = include_str!("world/expunged.toml");
const MAP: &str = include_str!("world/shop.toml");
const SHOP: &str = include_str!("world/shop.sql");

/// A shop that data are erased from.
#[derive(Clone, Debug)]
pub enum Shop {
    Sqlite(PathBuf),
    Postgres(String),
}

impl Shop {
    /// Runs statements of the test's own. They are not logged: what they plant is looked for in the program's logs.
    pub async fn run(&self, sql: &str) {
        let sql = AssertSqlSafe(sql.to_owned());
        match self {
            Self::Sqlite(path) => {
                let mut connection =
                    sqlite(path).create_if_missing(true).connect().await.expect("the shop's file opens");
                sqlx::raw_sql(sql).execute(&mut connection).await.expect("the shop takes it");
                connection.close().await.expect("a connection closes");
            }
            Self::Postgres(url) => {
                let mut connection = postgres(url).connect().await.expect("the shop's server answers");
                sqlx::raw_sql(sql).execute(&mut connection).await.expect("the shop takes it");
                connection.close().await.expect("a connection closes");
            }
        }
    }

    /// A number out of the shop.
    pub async fn count(&self, sql: &str) -> i64 {
        let sql = AssertSqlSafe(sql.to_owned());
        match self {
            Self::Sqlite(path) => {
                let mut connection = sqlite(path).connect().await.expect("the shop's file opens");
                sqlx::query_scalar(sql).fetch_one(&mut connection).await.expect("the shop answers")
            }
            Self::Postgres(url) => {
                let mut connection = postgres(url).connect().await.expect("the shop's server answers");
                sqlx::query_scalar(sql).fetch_one(&mut connection).await.expect("the shop answers")
            }
        }
    }

    async fn fill(&self) {
        let day = if matches!(self, Self::Sqlite(_)) { "TEXT" } else { "DATE" };
        self.run(&SHOP.replace("{day}", day)).await;
    }
}

fn sqlite(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new().filename(path).disable_statement_logging()
}

fn postgres(url: &str) -> PgConnectOptions {
    PgConnectOptions::from_str(url).expect("a url").disable_statement_logging()
}

/// The files of a world before the daemon reads them.
pub struct Ground {
    /// The shop as the test reaches it.
    pub shop: Shop,
    folder: TempDir,
    ledger: String,
}

impl Ground {
    /// The ledger and the shop are SQLite files.
    pub async fn sqlite() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let shop = Shop::Sqlite(folder.path().join("shop.db"));
        let ground = Self { shop, folder, ledger: "sqlite:ledger.db".to_owned() };
        ground.lay(&ground.shop_url()).await;
        ground
    }

    /// The ledger is on PostgreSQL, the shop is a SQLite file.
    pub async fn postgres() -> Self {
        Self { ledger: fresh_postgres().await, ..Self::sqlite().await }.with_config(|config| config)
    }

    /// The ledger is a SQLite file; the shop is on PostgreSQL, and the map's url is made from its url.
    pub async fn with_shop_on_postgres(seen_as: impl FnOnce(&str) -> String) -> Self {
        Self::with_shop_at(fresh_postgres().await, seen_as).await
    }

    /// The same, in this empty database of a PostgreSQL.
    pub async fn with_shop_at(url: String, seen_as: impl FnOnce(&str) -> String) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let seen = seen_as(&url);
        let ground = Self { shop: Shop::Postgres(url), folder, ledger: "sqlite:ledger.db".to_owned() };
        ground.lay(&seen).await;
        ground
    }

    async fn lay(&self, shop_url: &str) {
        self.shop.fill().await;
        let kind = if matches!(self.shop, Shop::Sqlite(_)) { "sqlite" } else { "postgres" };
        self.write("shop.toml", &MAP.replace("{kind}", kind).replace("{url}", shop_url));
        self.write("expunged.toml", &CONFIG.replace("{ledger}", &self.ledger));
        for name in ["cur", "new", "tmp"] {
            std::fs::create_dir_all(self.path("support").join(name)).expect("a Maildir");
        }
    }

    fn shop_url(&self) -> String {
        match &self.shop {
            Shop::Sqlite(path) => format!("sqlite://{}", path.display()),
            Shop::Postgres(url) => url.clone(),
        }
    }

    /// The ledger's url, as the config has it.
    pub fn ledger_url(&self) -> &str {
        &self.ledger
    }

    /// A file of this world.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), text).expect("a file is written");
    }

    /// Writes the config anew, changed.
    pub fn with_config(self, change: impl FnOnce(String) -> String) -> Self {
        self.write("expunged.toml", &change(CONFIG.replace("{ledger}", &self.ledger)));
        self
    }

    /// Reads the config as the daemon does.
    pub fn config(&self) -> Result<Config, ConfigError> {
        config::load(&self.path("expunged.toml"), &Surroundings::new(Purpose::Demo, None))
    }

    /// Builds the house, or says why not.
    pub async fn house(&self, clock: &Arc<FixedClock>) -> Result<House, BuildError> {
        self.house_with(clock, None, Some(PROGRAM)).await
    }

    /// The same, with another mailer, and by a program of this digest; without one, by the program that runs.
    pub async fn house_with(
        &self,
        clock: &Arc<FixedClock>,
        mailer: Option<Arc<dyn Mailer>>,
        program: Option<[u8; 32]>,
    ) -> Result<House, BuildError> {
        let choices = Choices {
            clock: Arc::clone(clock) as Arc<dyn Clock>,
            chance: Arc::new(OsChance),
            mailer,
            credentials: None,
            backfill: true,
            may_create: true,
            program,
        };
        build::house(self.config().expect("the config is right"), choices).await
    }

    /// Why the house cannot be built, with all its causes.
    pub async fn refused(&self) -> String {
        match self.house(&Arc::new(FixedClock::at(START))).await {
            Ok(_) => panic!("the house was built"),
            Err(error) => told(&error),
        }
    }

    pub async fn build(self) -> World {
        self.build_of(None, START).await
    }

    /// The same, and the story begins at another time than [`START`].
    pub async fn build_at(self, start: Timestamp) -> World {
        self.build_of(None, start).await
    }

    /// The same, and letters leave by another way than the configured one.
    pub async fn build_with(self, mailer: Arc<dyn Mailer>) -> World {
        self.build_of(Some(mailer), START).await
    }

    async fn build_of(self, mailer: Option<Arc<dyn Mailer>>, start: Timestamp) -> World {
        let clock = Arc::new(FixedClock::at(start));
        let house = self.house_with(&clock, mailer, Some(PROGRAM)).await;
        let house = Arc::new(house.unwrap_or_else(|error| panic!("{}", told(&error))));
        World { house, clock, ground: self, dovecot: None, delivered: AtomicU64::new(0), seen: Mutex::default() }
    }
}

/// What tests take for the digest of the program: theirs has hundreds of megabytes, and a process of its own for each test.
pub const PROGRAM: [u8; 32] = [0x5e; 32];

/// A house of the config in the working folder, for a daemon that is a process of its own, and its clock.
pub async fn house_here(now: Timestamp) -> (Arc<House>, Arc<FixedClock>) {
    let clock = Arc::new(FixedClock::at(now));
    let config = config::load(Path::new("expunged.toml"), &Surroundings::new(Purpose::Demo, None)).unwrap();
    let choices = build::Choices {
        clock: Arc::clone(&clock) as _,
        chance: Arc::new(OsChance),
        mailer: None,
        credentials: None,
        backfill: true,
        may_create: true,
        program: Some(PROGRAM),
    };
    (Arc::new(build::house(config, choices).await.unwrap()), clock)
}

/// When the story begins: far from the ends of months and years.
pub const START: Timestamp = Timestamp::from_micros(1_799_000_000_000_000);

/// An error with all its causes, as the command line shows it.
pub use expunged::flow::chain as told;

pub async fn on_sqlite<F: Future<Output = ()>>(test: impl FnOnce(Ground) -> F) {
    test(Ground::sqlite().await).await;
}

pub async fn on_postgres<F: Future<Output = ()>>(test: impl FnOnce(Ground) -> F) {
    test(Ground::postgres().await).await;
}

/// The same test in a world whose ledger is on SQLite, and in one whose ledger is on PostgreSQL.
macro_rules! on_both {
    ($($tests:tt)*) => {
        $crate::support::on_both_of! {
            $crate::support::world::Ground, $crate::support::world::on_sqlite, $crate::support::world::on_postgres;
            $($tests)*
        }
    };
}

pub(crate) use on_both;

/// Where the ledger lies, for a test that builds worlds of its own kind.
#[derive(Clone, Copy, Debug)]
pub enum Side {
    Sqlite,
    Postgres,
}

impl Side {
    pub async fn ground(self) -> Ground {
        match self {
            Self::Sqlite => Ground::sqlite().await,
            Self::Postgres => Ground::postgres().await,
        }
    }
}

pub async fn beside_sqlite<F: Future<Output = ()>>(test: impl FnOnce(Side) -> F) {
    test(Side::Sqlite).await;
}

pub async fn beside_postgres<F: Future<Output = ()>>(test: impl FnOnce(Side) -> F) {
    test(Side::Postgres).await;
}

/// The same test with the ledger on SQLite and on PostgreSQL; it builds its worlds by itself.
macro_rules! on_both_sides {
    ($($tests:tt)*) => {
        $crate::support::on_both_of! {
            $crate::support::world::Side, $crate::support::world::beside_sqlite, $crate::support::world::beside_postgres;
            $($tests)*
        }
    };
}

pub(crate) use on_both_sides;

/// The world and the house that works in it.
pub struct World {
    pub house: Arc<House>,
    pub clock: Arc<FixedClock>,
    pub ground: Ground,
    dovecot: Option<Dovecot>,
    delivered: AtomicU64,
    seen: Mutex<BTreeSet<PathBuf>>,
}

impl World {
    pub async fn sqlite() -> Self {
        Ground::sqlite().await.build().await
    }

    pub async fn postgres() -> Self {
        Ground::postgres().await.build().await
    }

    /// Senders are authenticated by this file in the place of DNS.
    pub fn with_dns(self, dns: &str) -> Self {
        let mut house = Arc::into_inner(self.house).expect("nobody works in the house yet");
        let dns = Arc::new(FileDns::parse(dns).expect("a file of records"));
        house.authenticator = Authenticator::new(dns, Duration::from_secs(5)).expect("signatures can be verified");
        Self { house: Arc::new(house), ..self }
    }

    /// Letters reach the support mailbox on a server, which the config names.
    pub fn with_mailbox_on(self, dovecot: Dovecot) -> Self {
        Self { dovecot: Some(dovecot), ..self }
    }

    /// The server of the support mailbox.
    pub fn dovecot(&self) -> &Dovecot {
        self.dovecot.as_ref().expect("the mailbox is on a server")
    }

    /// Runs the daemon for as long as the story takes.
    pub async fn live<T>(&self, story: impl Future<Output = T>) -> T {
        let shutdown = CancellationToken::new();
        let (_, mailbox) = self.mailbox();
        let running = Running::of_demo(&self.house);
        let daemon = daemon::run(Arc::clone(&self.house), mailbox, running, shutdown.clone());
        let told = async {
            let told = story.await;
            shutdown.cancel();
            told
        };
        let (ran, told) = tokio::join!(daemon, told);
        ran.expect("the daemon ends in peace");
        told
    }

    /// The support mailbox as the daemon reads it, for a test that polls by itself.
    pub fn mailbox(&self) -> (Place, Box<dyn Mailbox>) {
        let mailbox = build::mailbox(&self.house.config, &self.house.clock, &self.house.chance);
        (daemon::place(&self.house), mailbox)
    }

    /// A letter reaches the support mailbox.
    pub fn deliver(&self, bytes: &[u8]) {
        match &self.dovecot {
            Some(dovecot) => dovecot.deliver(SUPPORT, &[String::from_utf8_lossy(bytes).into_owned()]),
            None => maildir::deliver(&self.ground.path("support"), bytes, &OsChance, self.clock.now())
                .expect("a letter is delivered"),
        }
        self.delivered.fetch_add(1, Ordering::SeqCst);
    }

    /// Waits until every letter is judged and no job is due.
    pub async fn settle(&self) {
        quiet::until_idle(&self.house, &self.clock, self.delivered.load(Ordering::SeqCst)).await.unwrap();
    }

    /// A letter reaches the support mailbox and is dealt with; what became of it.
    pub async fn receive(&self, bytes: &[u8]) -> (Disposition, Option<RequestId>) {
        self.deliver(bytes);
        self.settle().await;
        let mut tx = self.house.db.read().await.unwrap();
        let last = deliveries::latest(&mut tx).await.unwrap().expect("the letter was stored");
        (last.disposition, last.request)
    }

    /// Time passes, and what was due is done.
    pub async fn days_pass(&self, days: u64) {
        self.clock.advance(Duration::from_secs(days * 86_400 + 60));
        self.settle().await;
    }

    /// Hours pass, one after the other: what waits is tried in each.
    pub async fn hours_pass(&self, hours: u32) {
        for _ in 0..hours {
            self.clock.advance(Duration::from_secs(3_600));
            self.settle().await;
        }
    }

    pub async fn state(&self, id: RequestId) -> State {
        self.stored(id).await.request.state
    }

    pub async fn stored(&self, id: RequestId) -> requests::Stored {
        let mut tx = self.house.db.read().await.unwrap();
        requests::load(&mut tx, id).await.unwrap().expect("the request is there")
    }

    /// What our letters and our people call a request.
    pub async fn reference(&self, id: RequestId) -> Reference {
        self.stored(id).await.request.reference
    }

    /// An operator of this name.
    pub fn operator(&self, name: &str) -> Operator {
        Operator::named(&self.house, name)
    }

    /// The letters to an address that were not read before.
    pub fn fresh(&self, address: &str) -> Vec<Letter> {
        let folder = self.ground.path("customers").join(address.to_lowercase()).join("new");
        let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
        let mut seen = self.seen.lock().unwrap();
        let files = entries.map(|entry| entry.unwrap().path());
        files.filter(|file| seen.insert(file.clone())).map(|file| Letter::read(&file)).collect()
    }

    /// Runs a statement of plain SQL on the ledger, in a transaction of its own.
    pub async fn try_sql(&self, sql: &str, params: Params) -> Result<u64, expunged::db::DbError> {
        let mut tx = self.house.db.write().await.unwrap();
        let changed = tx.execute(sql, params).await?;
        tx.commit().await?;
        Ok(changed)
    }

    /// Writes by plain SQL that a request has begun under its authority, with a mark of the forger's own.
    pub async fn forge_beginning(&self, id: RequestId) {
        let sql = "INSERT INTO beginnings (authority_id, request_id, account_mac, plan_digest, begun_at, hmac)
             SELECT id, request_id, account_mac, plan_digest, issued_at, hmac FROM authorities WHERE request_id = $1";
        assert_eq!(self.try_sql(sql, expunged::params![id]).await.unwrap(), 1);
    }

    /// Writes by plain SQL that a request has erased a step under its authority and is completed, with a mark of the forger's own.
    pub async fn forge_completion(&self, id: RequestId) {
        let step = "INSERT INTO steps (request_id, sequence, store, table_name, action, state, counts, authority_id, account_mac,
               plan_digest, intended_at, read_back_at)
             SELECT $1, 900, 'shop', 'users', 'delete', 'read_back', $2, id, account_mac, plan_digest, issued_at, issued_at
             FROM authorities WHERE request_id = $1";
        let counts = serde_json::json!({ "residue": 0 });
        assert_eq!(self.try_sql(step, expunged::params![id, counts]).await.unwrap(), 1);
        let completion = "INSERT INTO completions (authority_id, covers, request_id, account_mac, plan_digest, held_anything,
               completed_at, mark)
             SELECT id, 'all', request_id, account_mac, plan_digest, 1 = 1, issued_at, hmac FROM authorities WHERE request_id = $1";
        assert_eq!(self.try_sql(completion, expunged::params![id]).await.unwrap(), 1);
    }

    /// A number out of the ledger, by plain SQL.
    pub async fn number(&self, sql: &str, params: Params) -> i64 {
        let mut tx = self.house.db.read().await.unwrap();
        tx.one(sql, params).await.unwrap().i64("number").unwrap()
    }

    /// The first letter of an owner who closes their account.
    pub fn closing(&self, address: &str) -> Vec<u8> {
        plain(
            address,
            "Please close my account",
            "Hello,\r\n\r\nplease delete my account and all data that belongs to it.",
        )
    }

    /// An owner asks to close their account and gets the challenge.
    pub async fn ask(&self, address: &str) -> (RequestId, Letter) {
        let (disposition, request) = self.receive(&self.closing(address)).await;
        assert_eq!(disposition, Disposition::Opened);
        let challenge = self.fresh(address).pop().expect("the owner is challenged");
        (request.unwrap(), challenge)
    }

    /// The same, and the owner types the code: the request waits for the end of its grace period.
    pub async fn ask_and_confirm(&self, address: &str) -> RequestId {
        let (request, challenge) = self.ask(address).await;
        let (disposition, _) = self.receive(&challenge.answer(address, &challenge.code())).await;
        assert_eq!((disposition, self.state(request).await), (Disposition::Answer, State::Scheduled));
        request
    }
}

/// A letter of plain text, as a mail program sends it.
pub fn plain(from: &str, subject: &str, text: &str) -> Vec<u8> {
    format!(
        "From: <{from}>\r\nTo: <{SUPPORT}>\r\nSubject: {subject}\r\nDate: Mon, 4 Jan 2027 10:00:00 +0000\r\n\
         Message-ID: <{}.{from}>\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n{text}\r\n",
        super::unique_word(),
    )
    .into_bytes()
}

/// A letter of ours, as its reader sees it.
#[derive(Clone)]
pub struct Letter {
    pub subject: String,
    pub text: String,
    pub reply_to: String,
    pub message_id: String,
}

impl Letter {
    pub fn read(file: &Path) -> Self {
        let bytes = std::fs::read(file).unwrap();
        let letter = MessageParser::default().parse(&bytes).expect("our letters are letters");
        let reply_to = letter.reply_to().or_else(|| letter.from()).and_then(|to| to.first()?.address());
        Self {
            subject: letter.subject().unwrap_or_default().to_owned(),
            text: letter.body_text(0).unwrap_or_default().into_owned(),
            reply_to: reply_to.unwrap_or_default().to_owned(),
            message_id: letter.message_id().unwrap_or_default().to_owned(),
        }
    }

    /// The code, which stands alone at the end of a line.
    pub fn code(&self) -> String {
        let fits = |word: &&str| {
            word.len() == 6
                && word.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit())
                && word.bytes().any(|b| b.is_ascii_digit())
        };
        let mut words = self.text.lines().filter_map(|line| line.trim().rsplit([' ', ':']).next());
        words.find(fits).expect("the letter has a code").to_owned()
    }

    /// A reply to it with this text above.
    pub fn answer(&self, from: &str, text: &str) -> Vec<u8> {
        format!(
            "From: <{from}>\r\nTo: <{to}>\r\nSubject: Re: {subject}\r\nDate: Mon, 4 Jan 2027 11:00:00 +0000\r\n\
             Message-ID: <{unique}.{from}>\r\nIn-Reply-To: <{id}>\r\nReferences: <{id}>\r\nMIME-Version: 1.0\r\n\
             Content-Type: text/plain; charset=utf-8\r\n\r\n{text}\r\n",
            to = self.reply_to,
            subject = self.subject,
            unique = super::unique_word(),
            id = self.message_id,
        )
        .into_bytes()
    }
}
