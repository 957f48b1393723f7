//! The world of the end-to-end tests: post, stores, a ledger, and the daemon of production in this process.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use expunged::chance::{Chance, OsChance};
use expunged::clock::{Clock, FixedClock, SystemClock};
use expunged::config::{self, Config, Purpose, Surroundings};
use expunged::daemon::build::{self, Choices};
use expunged::daemon::{self, Running};
use expunged::db::{deliveries, jobs};
use expunged::flow::House;
use tokio_util::sync::CancellationToken;

use super::stores::Stores;
use crate::support::dovecot::PASSWORD;
use crate::support::leash::Folder;
use crate::support::post::{Post, until};

/// Where the customers write to.
pub const SUPPORT: &str = "privacy@shop.example";
/// Where the alarms go to.
pub const TEAM: &str = "team@shop.example";

/// What differs between two runs.
#[derive(Clone, Debug)]
pub struct Way {
    /// The url of the ledger; none for an SQLite file in the world's folder.
    pub ledger: Option<String>,
    /// How the mailbox is read: `tls` or `starttls`.
    pub imap: &'static str,
    /// Lines that are added to Postfix's configuration.
    pub postfix: &'static str,
}

/// The world; its servers and its folder are gone after the drop.
pub struct World {
    /// Mailboxes and mail server.
    pub post: Post,
    /// What is erased from.
    pub stores: Stores,
    /// The house.
    pub house: Arc<House>,
    /// The clock that is moved by hand.
    pub clock: Arc<FixedClock>,
    _folder: Folder,
}

impl World {
    /// Starts the servers, fills the stores, and builds the house from a config of production.
    pub async fn create(way: &Way) -> Self {
        let folder = Folder::create();
        let post = Post::start(way.postfix).await;
        let stores = Stores::create(folder.path()).await;
        let config = config(folder.path(), way, &post);
        let clock = Arc::new(FixedClock::at(SystemClock.now()));
        let choices = Choices {
            clock: Arc::clone(&clock) as Arc<dyn Clock>,
            chance: Arc::new(OsChance) as Arc<dyn Chance>,
            // Production's own mailer, unless this is not root.
            mailer: post.replacement(),
            credentials: None,
            backfill: true,
            may_create: true,
            program: None,
        };
        let house = build::house(config, choices).await.unwrap_or_else(|why| panic!("the house: {why:?}"));
        Self { post, stores, house: Arc::new(house), clock, _folder: folder }
    }

    /// Runs the daemon while the story is told, and stops it in order after that.
    pub async fn live(&self, story: impl AsyncFnOnce(&Self)) {
        let mut running = Running::of(&self.house, "end-to-end");
        // The tests move the clock by hand, so that nobody rings when a job becomes due.
        running.workers.poll = Duration::from_millis(50);
        running.watch.poll = Duration::from_millis(500);
        let mailbox = build::mailbox(&self.house.config, &self.house.clock, &self.house.chance);
        let shutdown = CancellationToken::new();
        let daemon = daemon::run(Arc::clone(&self.house), mailbox, running, shutdown.clone());
        let story = async {
            story(self).await;
            shutdown.cancel();
        };
        let (ran, ()) = tokio::join!(daemon, story);
        ran.expect("the daemon ends when it is told to");
    }

    /// A customer writes to support.
    pub async fn write(&self, from: &str, letter: &str) {
        self.post.send(from, SUPPORT, letter.as_bytes()).await;
    }

    /// Waits until so many letters were judged and no job is due.
    pub async fn settled(&self, letters: u64) {
        let quiet = async || {
            let mut tx = self.house.db.read().await.expect("the ledger answers");
            let known = deliveries::count_by_disposition(&mut tx).await.expect("the ledger answers");
            let waiting = known.iter().any(|(disposition, _)| *disposition == deliveries::Disposition::Stored);
            let due = jobs::count_due(&mut tx, self.clock.now()).await.expect("the ledger answers");
            let sum: u64 = known.iter().map(|(_, count)| count).sum();
            (sum == letters && !waiting && due == 0).then_some(())
        };
        until(&format!("{letters} judged letters and no job that is due"), quiet, || self.post.log()).await;
    }

    /// How many letters got each disposition, by name.
    pub async fn dispositions(&self) -> Vec<(String, u64)> {
        let mut tx = self.house.db.read().await.expect("the ledger answers");
        let counts = deliveries::count_by_disposition(&mut tx).await.expect("the ledger answers");
        let mut counts: Vec<_> =
            counts.into_iter().map(|(disposition, count)| (disposition.to_string(), count)).collect();
        counts.sort();
        counts
    }

    /// Time passes.
    pub fn days_pass(&self, days: u64) {
        self.clock.advance(Duration::from_secs(days * 86_400 + 60));
    }

    /// The date header of a letter that is written now.
    pub fn date(&self) -> String {
        self.clock.now().to_jiff().strftime("%a, %d %b %Y %H:%M:%S +0000").to_string()
    }
}

/// A config as production has it: secrets in files, the mailbox and the mailer over TLS with an authority of our own.
fn config(folder: &Path, way: &Way, post: &Post) -> Config {
    let ledger = way.ledger.clone().unwrap_or_else(|| format!("sqlite://{}", folder.join("ledger.db").display()));
    let imap_port = if way.imap == "tls" { post.dovecot.imaps_port } else { post.dovecot.imap_port };
    let (smtp_port, smtp_authority) = match &post.postfix {
        Some(postfix) => (postfix.smtp_port, &postfix.ca_file),
        // Never connected to: the replacement hands over.
        None => (25, &post.dovecot.ca_file),
    };
    let text = format!(
        r#"[service]
name = "Example Shop"
address = "{SUPPORT}"
team = ["{TEAM}"]
supervisory_authority = "the data protection authority of Musterland"
court_remedy = "the courts at our seat or at your residence (Art. 79 GDPR)"

[database]
url_file = "ledger.url"

[keys]
kek_file = "kek"

[mailbox]
poll_seconds = 1

[mailbox.imap]
host = "localhost"
security = "{imap}"
port = {imap_port}
ca_file = "{imap_authority}"
user = "{SUPPORT}"
password_file = "imap.password"

[mailer.smtp]
host = "localhost"
security = "starttls"
port = {smtp_port}
ca_file = "{smtp_authority}"

[stores]
maps = ["shop.toml", "sales.toml", "crm.toml"]

[limits]
alarms_gathered_minutes = 0

[directory.sql]
store = "shop"
find = """
SELECT account_id AS account, role, id AS person, email AS address, locale FROM users WHERE email = :address
UNION ALL
SELECT account_id, 'end_user', id, email, NULL FROM end_users WHERE email = :address"""
target = """
SELECT account_id AS account, role, id AS person, full_name AS label, email AS address, locale FROM users
WHERE account_id = CAST(:account AS BIGINT) AND (lower(email) = lower(:identifier) OR lower(full_name) = lower(:identifier))"""
owner = """
SELECT account_id AS account, role, id AS person, full_name AS label, email AS address, locale
FROM users WHERE account_id = CAST(:account AS BIGINT) AND role = 'owner'"""
"#,
        imap = way.imap,
        imap_authority = post.dovecot.ca_file.display(),
        smtp_authority = smtp_authority.display(),
    );
    for (name, content) in [("expunged.toml", text.as_str()), ("ledger.url", &ledger), ("imap.password", PASSWORD)] {
        let path = folder.join(name);
        fs::write(&path, content).expect("the folder is ours");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("the file is ours");
    }
    let surroundings = Surroundings::new(Purpose::Production, None);
    config::load(&folder.join("expunged.toml"), &surroundings).unwrap_or_else(|why| panic!("the config: {why}"))
}
