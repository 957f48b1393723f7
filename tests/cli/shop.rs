//! A tiny shop with a config of its own, and the program run on it as people run it.

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use expunged::chance::OsChance;
use expunged::clock::{Clock, SystemClock};
use expunged::mailbox::maildir;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions, Connection};

use super::Said;
use crate::support::expunged;

const SCHEMA: &str = "
CREATE TABLE accounts (id INTEGER PRIMARY KEY, company TEXT NOT NULL);
CREATE TABLE users (id INTEGER PRIMARY KEY, account_id INTEGER NOT NULL REFERENCES accounts (id), role TEXT NOT NULL,
  email TEXT NOT NULL, full_name TEXT NOT NULL);
CREATE TABLE orders (id INTEGER PRIMARY KEY, user_id INTEGER REFERENCES users (id), placed_at TEXT NOT NULL, ship_name TEXT);
INSERT INTO accounts VALUES (1, 'Customer Ltd'), (2, 'Other Ltd');
INSERT INTO users VALUES (1, 1, 'owner', 'olga@customer.example', 'Olga'), (2, 1, 'user', 'bo@customer.example', 'Bo'),
  (3, 2, 'owner', 'oscar@other.example', 'Oscar');
INSERT INTO orders VALUES (1, 1, '2024-01-01', 'Olga'), (2, 1, '2024-02-01', 'Olga'), (3, 2, '2024-03-01', 'Bo'),
  (4, 3, '2024-03-01', 'Oscar');
";

const MAP: &str = r#"
[store]
name = "shop"
kind = "sqlite"
url = "sqlite://FOLDER/shop.db"
location = "here"
backup_days = 35

[tables.accounts]
subject    = "account"
key        = "id"
categories = { id = "none", company = "identity" }
erase      = "delete"

[tables.users]
subject    = "user"
key        = "id"
identify   = { email = "email" }
belongs_to = { accounts = "account_id" }
categories = { id = "none", account_id = "none", role = "none", email = "contact", full_name = "identity" }
erase      = "delete"

[tables.orders]
key        = "id"
belongs_to = { users = "user_id" }
categories = { id = "none", user_id = "none", placed_at = "none", ship_name = "identity" }
erase      = "mask"
mask       = { user_id = "detach", ship_name = "null" }
keep       = { ground = "Art. 17(3)(b) GDPR", until = "placed_at + 10 years" }
"#;

const CRM: &str = r#"
[store]
name = "crm"
kind = "sqlite"
url = "sqlite://FOLDER/crm.db"
backup_days = 35

[tables.contacts]
key        = "id"
belongs_to = { "shop.users" = "user_id" }
categories = { id = "none", user_id = "none", email = "contact" }
erase      = "delete"
"#;

const CONFIG: &str = r#"
[service]
name = "Tiny Shop"
address = "privacy@tiny.example"
team = ["team@tiny.example"]
supervisory_authority = "the authority of your country"
court_remedy = "the courts at our seat"

[database]
url = "sqlite:ledger.db"

[keys]
kek_file = "kek"

[mailbox]
poll_seconds = 60

[mailbox.maildir]
path = "support"

[mailer.smtp]
host = "localhost"
port = PORT

[stores]
maps = ["shop.toml"]

[directory.sql]
store = "shop"
find = """
SELECT account_id AS account, role, id AS person, email AS address, 'en' AS locale FROM users
WHERE lower(email) = lower(:address)"""
target = """
SELECT account_id AS account, role, id AS person, full_name AS label, email AS address, 'en' AS locale FROM users
WHERE account_id = :account AND (lower(email) = lower(:identifier) OR full_name = :identifier)"""
owner = """
SELECT account_id AS account, role, id AS person, full_name AS label, email AS address, 'en' AS locale FROM users
WHERE account_id = :account AND role = 'owner'"""

[log]
filter = "info"
"#;

/// All that a shop is made of.
pub(super) const TEXTS: [&str; 3] = [SCHEMA, MAP, CONFIG];

/// How long the daemon may take for one letter.
const PATIENCE: Duration = Duration::from_secs(60);

/// The shop in a folder that goes with it.
pub(super) struct Shop(tempfile::TempDir);

impl Shop {
    pub(super) fn new() -> Self {
        let shop = Self(tempfile::tempdir().expect("a folder"));
        for folder in ["cur", "new", "tmp"] {
            std::fs::create_dir_all(shop.path("support").join(folder)).expect("a Maildir");
        }
        let map = MAP.replace("FOLDER", &shop.0.path().display().to_string());
        std::fs::write(shop.path("shop.toml"), map).expect("a map");
        std::fs::write(shop.path("expunged.toml"), CONFIG.replace("PORT", &closed_port().to_string()))
            .expect("a config");
        shop.sql(SCHEMA);
        shop
    }

    /// A store beside the first, and the file that it is.
    pub(super) fn second_store(&self) -> PathBuf {
        std::fs::write(self.path("crm.toml"), CRM.replace("FOLDER", &self.0.path().display().to_string()))
            .expect("a map");
        let config = std::fs::read_to_string(self.path("expunged.toml")).expect("the config");
        let both = config.replace("maps = [\"shop.toml\"]", "maps = [\"shop.toml\", \"crm.toml\"]");
        std::fs::write(self.path("expunged.toml"), both).expect("a config");
        self.sql_on(
            "crm.db",
            "CREATE TABLE contacts (id INTEGER PRIMARY KEY, user_id INTEGER, email TEXT NOT NULL);
             CREATE INDEX contacts_of ON contacts (user_id); INSERT INTO contacts VALUES (1, 1, 'olga@customer.example')",
        );
        self.path("crm.db")
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.path(name).exists()
    }

    /// The store's file, byte for byte.
    pub(super) fn bytes(&self) -> Vec<u8> {
        std::fs::read(self.path("shop.db")).expect("the store")
    }

    /// Another config beside the good one.
    pub(super) fn config_with(&self, good: &str, bad: &str) -> String {
        let config = std::fs::read_to_string(self.path("expunged.toml")).expect("the config");
        assert!(config.contains(good));
        std::fs::write(self.path("bad.toml"), config.replace(good, bad)).expect("a config");
        self.path("bad.toml").display().to_string()
    }

    /// Plain SQL on the store.
    pub(super) fn sql(&self, statements: &str) {
        self.sql_on("shop.db", statements);
    }

    /// Plain SQL on our own database.
    pub(super) fn ledger(&self, statements: &str) {
        self.sql_on("ledger.db", statements);
    }

    pub(super) fn sql_on(&self, file: &str, statements: &str) {
        let options = SqliteConnectOptions::new().filename(self.path(file)).create_if_missing(true);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async {
            let mut store = options.connect().await.expect("the store opens");
            sqlx::raw_sql(AssertSqlSafe(statements.to_owned())).execute(&mut store).await.expect("plain SQL");
            store.close().await.expect("the store closes");
        });
    }

    /// Does something while somebody else writes to our own database.
    pub(super) fn while_written(&self, act: impl FnOnce()) {
        let options = SqliteConnectOptions::new().filename(self.path("ledger.db"));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let mut writer = runtime.block_on(options.connect()).expect("the ledger opens");
        runtime.block_on(sqlx::raw_sql("BEGIN IMMEDIATE").execute(&mut writer)).expect("a writer");
        act();
        runtime.block_on(sqlx::raw_sql("ROLLBACK").execute(&mut writer)).expect("the writer gives up");
        runtime.block_on(writer.close()).expect("the ledger closes");
    }

    /// The mail server of the config, which takes a connection and says nothing. It waits for none.
    pub(super) fn listen(&self) -> std::net::TcpListener {
        let config = std::fs::read_to_string(self.path("expunged.toml")).expect("the config");
        let port = config.lines().find_map(|line| line.strip_prefix("port = ")).expect("a port");
        let server =
            std::net::TcpListener::bind(("127.0.0.1", port.parse().expect("a number"))).expect("the port is free");
        server.set_nonblocking(true).expect("it does not wait");
        server
    }

    /// A letter in the support mailbox.
    pub(super) fn letter(&self, from: &str, subject: &str, body: &str) {
        let letter = format!(
            "From: <{from}>\r\nTo: <privacy@tiny.example>\r\nSubject: {subject}\r\nMessage-ID: <{from}@client.example>\r\n\
             Date: Mon, 02 Mar 2026 10:00:00 +0000\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n{body}\r\n"
        );
        let now = SystemClock.now();
        maildir::deliver(&self.path("support"), letter.as_bytes(), &OsChance, now).expect("delivered");
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = expunged();
        command.args(arguments).env("EXPUNGED_CONFIG", self.path("expunged.toml"));
        command
    }

    pub(super) fn run(&self, arguments: &[&str]) -> Said {
        self.command(arguments).output().expect("it runs").into()
    }

    /// Runs it with somebody as the user who called sudo.
    pub(super) fn run_as(&self, login: &str, arguments: &[&str]) -> Said {
        self.command(arguments).env("SUDO_USER", login).output().expect("it runs").into()
    }

    /// Runs it as another user of the system, to whom everything is given first; `None` where we are not root, or the kernel
    /// knows who signed in.
    pub(super) fn run_as_user(&self, user: &str, arguments: &[&str]) -> Option<Said> {
        let signed_in = std::fs::read_to_string("/proc/self/loginuid").unwrap_or_default();
        if !rustix::process::getuid().is_root() || !matches!(signed_in.trim(), "" | "4294967295") {
            return None;
        }
        let given = Command::new("chown").args(["-R", user]).arg(self.0.path()).status();
        assert!(given.is_ok_and(|status| status.success()), "the folder is given to {user}");
        // The program lies where only root can look.
        let program = self.path("expunged");
        let plain = self.command(arguments);
        std::fs::copy(plain.get_program(), &program).expect("a copy");
        let mut command = Command::new("setpriv");
        command.args([&format!("--reuid={user}"), "--regid=nogroup", "--clear-groups", "--"]).arg(&program);
        command.args(plain.get_args());
        for (name, value) in plain.get_envs() {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        let said = command.current_dir(self.0.path()).output().expect("it runs").into();
        let back = Command::new("chown").args(["-R", "root"]).arg(self.0.path()).status();
        assert!(back.is_ok_and(|status| status.success()), "the folder comes back");
        Some(said)
    }

    /// Runs the daemon until something is so, then asks it to stop: it must end well and soon.
    pub(super) fn daemon_until(&self, so: impl Fn(&Self) -> bool) {
        self.daemon_of(&["run", "--backfill"], so);
    }

    /// The same, started by this command.
    pub(super) fn daemon_of(&self, command: &[&str], so: impl Fn(&Self) -> bool) {
        let mut daemon = self.command(command).stderr(Stdio::piped()).spawn().expect("it starts");
        let pid = rustix::process::Pid::from_child(&daemon);
        let mut log = BufReader::new(daemon.stderr.take().expect("its log"));
        let mut started = String::new();
        while !started.contains("daemon started") {
            assert_ne!(log.read_line(&mut started).expect("its log"), 0, "it ended: {started}");
        }
        // The rest of the log is read so that the daemon never waits for us.
        let rest = std::thread::spawn(move || log.lines().map_while(Result::ok).collect::<Vec<_>>().join("\n"));
        let since = Instant::now();
        while !so(self) && since.elapsed() < PATIENCE {
            std::thread::sleep(Duration::from_millis(100));
        }
        let in_time = since.elapsed() < PATIENCE;
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).expect("a signal");
        let ended = daemon.wait().expect("it ends");
        let log = rest.join().expect("its log");
        assert!(in_time, "it did not come to that:\n{log}");
        assert!(ended.success() && log.contains("daemon stopped"), "{ended}\n{log}");
        assert!(!started.contains("olga") && !log.contains("olga"), "no address in the log");
    }
}

pub(super) fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("UTF-8")
}

/// A port that nobody listens at.
fn closed_port() -> u16 {
    std::net::TcpListener::bind(("127.0.0.1", 0)).and_then(|port| port.local_addr()).expect("a free port").port()
}
