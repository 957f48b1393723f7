//! A world on disk: stores, mailboxes, key file and ledger. One without servers can be copied at any moment when no
//! daemon runs in it.

use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use expunged::db::{DatabaseSettings, Db};
use expunged::domain::Timestamp;
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

use super::beside::Beside;
use super::customer::{self, People};
use super::daemon::{CHILD, DONE, LEASE_MILLIS, Order, TEST};
use super::mail::Mail;
use super::shop;
use crate::support::postgres::{fresh_postgres, postgres_url};
use crate::support::unique_word;

/// A child that takes longer than this is stuck.
const CHILD_MAX: Duration = Duration::from_secs(90);

/// Which database the ledger is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    Sqlite,
    Postgres,
}

/// What happens at one time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Two letters arrive; in a world of folders the mail server of the customer takes nothing, so that the challenge
    /// waits.
    Opened,
    /// It takes the challenge.
    Challenged,
    /// The customer answers with the code.
    Confirmed,
    /// The grace period is over.
    Erased,
    /// A partner who was asked to erase as well says that it is done.
    Answered,
    /// Somebody wrote of the erased, and the stores are searched again.
    Swept,
    /// The letters are to be forgotten.
    Forgotten,
    /// The time of what was kept is over.
    Over,
}

impl Phase {
    pub const ALL: [Self; 8] = [
        Self::Opened,
        Self::Challenged,
        Self::Confirmed,
        Self::Erased,
        Self::Answered,
        Self::Swept,
        Self::Forgotten,
        Self::Over,
    ];

    fn order(self, beginning: Timestamp, letters_max: i64, kill_at: Option<(String, u32)>) -> Order {
        let (minutes, letters) = match self {
            Self::Opened => (0, 2),
            Self::Challenged => (60, 2),
            Self::Confirmed => (120, 3),
            Self::Erased => (8 * 1440, 3),
            Self::Answered => (9 * 1440, 4),
            Self::Swept => (17 * 1440, 4),
            // Nobody else was asked where letters go over servers.
            Self::Forgotten => (51 * 1440, letters_max),
            Self::Over => (120 * 1440, letters_max),
        };
        Order { now: beginning.as_micros() + minutes * 60_000_000, letters, kill_at }
    }
}

/// A world.
pub struct World {
    folder: TempDir,
    /// Of the ledger, where it is no file of the folder.
    postgres: Option<String>,
    /// Stores on servers, where there are any beside the files of the shop.
    beside: Option<Beside>,
    mail: Mail,
    people: People,
    beginning: Timestamp,
}

impl World {
    /// Before anything happened.
    pub async fn create(side: Side, mail: Mail) -> Self {
        Self::create_with(side, mail, None).await
    }

    /// The same with a store in PostgreSQL and one in MariaDB beside the files, and nobody else who is asked.
    pub async fn across(side: Side) -> Self {
        Self::create_with(side, Mail::Folders, Some(Beside::create().await)).await
    }

    async fn create_with(side: Side, mail: Mail, beside: Option<Beside>) -> Self {
        let postgres = match side {
            Side::Sqlite => None,
            Side::Postgres => Some(fresh_postgres().await),
        };
        let (folder, people, beginning) = (tempfile::tempdir().unwrap(), mail.people(), mail.beginning());
        let world = Self { folder, postgres, beside, mail, people, beginning };
        // Where servers give the time, no phase comes after it.
        let kept = if world.phases().contains(&Phase::Over) { "24 months" } else { "10 years" };
        shop::create(world.folder(), &world.people.owner, kept).await;
        for name in ["cur", "new", "tmp"] {
            std::fs::create_dir_all(world.support().join(name)).unwrap();
        }
        world.configure();
        world
    }

    /// The same world of folders once more. Its stores on servers are those of the beginning: nothing was erased yet.
    pub async fn copy(&self) -> Self {
        let folder = tempfile::tempdir().unwrap();
        copy_folder(self.folder(), folder.path());
        let postgres = match &self.postgres {
            None => None,
            Some(url) => Some(copy_database(url).await),
        };
        let beside = match &self.beside {
            None => None,
            Some(_) => Some(Beside::create().await),
        };
        let (mail, people) = (self.mail.clone(), self.people.clone());
        let world = Self { folder, postgres, beside, mail, people, beginning: self.beginning };
        world.configure();
        world
    }

    /// Ends it. The folder goes by itself.
    pub async fn leave(self) {
        if let Some(url) = &self.postgres {
            let mut server = PgConnection::connect(&postgres_url().await).await.unwrap();
            let drop = format!("DROP DATABASE {} WITH (FORCE)", database_name(url));
            server.execute(AssertSqlSafe(drop)).await.unwrap();
        }
        if let Some(beside) = self.beside {
            beside.leave().await;
        }
    }

    /// All rows of the stores: the table, and a line per row.
    pub async fn rows(&self) -> Vec<(String, Vec<String>)> {
        let mut rows = shop::rows(self.folder()).await;
        if let Some(beside) = &self.beside {
            rows.extend(beside.rows().await);
        }
        rows
    }

    fn configure(&self) {
        let ledger = format!(
            "\n[database]\nurl = \"{}\"\nconnections_max = 4\n",
            self.postgres.as_deref().unwrap_or("sqlite:ledger.db")
        );
        let mut common = include_str!("config.toml").replace("privacy@shop.example", &self.people.support);
        if self.asks_partner() {
            common = common.replace("\"sales.toml\"]", "\"sales.toml\", \"parcels.toml\"]");
        }
        if let Some(beside) = &self.beside {
            let names = beside.write_maps(self.folder()).map(|name| format!("\"{name}\"")).join(", ");
            common = common.replace("\"sales.toml\"]", &format!("\"sales.toml\", {names}]"));
        }
        let text = [common, self.mail.config(&self.people), ledger].concat();
        std::fs::write(self.folder().join("expunged.toml"), text).unwrap();
    }

    /// Whether a partner is asked, who has a mailbox among the folders.
    fn asks_partner(&self) -> bool {
        matches!(self.mail, Mail::Folders) && self.beside.is_none()
    }

    /// Letters that arrive in its whole life.
    fn letters_max(&self) -> i64 {
        if self.asks_partner() { 4 } else { 3 }
    }

    /// The mailbox of the partner.
    pub fn partner(&self) -> PathBuf {
        self.folder().join("customers").join(shop::PARTNER)
    }

    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    fn support(&self) -> PathBuf {
        self.folder().join("support")
    }

    /// What happens in it.
    pub fn phases(&self) -> &'static [Phase] {
        if self.beside.is_some() { &Phase::ALL[..4] } else { self.mail.phases() }
    }

    /// All letters in the mailbox of the one who asked, as soon as there are so many different ones.
    pub async fn received(&self, different: usize) -> Vec<Vec<u8>> {
        self.mail.received(self.folder(), &self.people, different).await
    }

    /// What lies in the support mailbox.
    pub fn lying(&self) -> Vec<String> {
        self.mail.lying(self.folder(), &self.people)
    }

    /// The ledger, to look at; nobody else may have it open.
    pub async fn ledger(&self) -> Db {
        let url =
            self.postgres.clone().unwrap_or_else(|| format!("sqlite://{}", self.folder().join("ledger.db").display()));
        Db::open(&DatabaseSettings { url: url.into(), connections_max: 2 }).await.unwrap()
    }

    /// What people do at the beginning of a phase.
    pub async fn prepare(&self, phase: Phase) {
        let customer = self.folder().join("customers").join(&self.people.owner);
        match phase {
            Phase::Opened => {
                std::fs::create_dir_all(self.folder().join("customers")).unwrap();
                if self.phases().contains(&Phase::Challenged) {
                    // A file where a folder belongs: the mailer cannot write, and says "not now".
                    std::fs::write(&customer, "").unwrap();
                }
                self.deliver(&self.people.support, &self.people.request(), phase, -1).await;
                self.deliver(&self.people.support, &self.people.question(), phase, 0).await;
            }
            Phase::Challenged => std::fs::remove_file(&customer).unwrap(),
            Phase::Confirmed => {
                let (to, answer) = self.people.answer(&self.received(1).await);
                self.deliver(&to, &answer, phase, 0).await;
            }
            Phase::Answered => {
                let (to, answer) = customer::partner_answer(&customer::letters(&self.partner()));
                self.deliver(&to, &answer, phase, 0).await;
            }
            Phase::Swept => shop::late_writer(self.folder()).await,
            Phase::Erased | Phase::Forgotten | Phase::Over => {}
        }
    }

    /// In the place of the letters of the first phase: one that names two addresses of its writer, and one that asks for nothing.
    pub async fn name_two(&self) {
        std::fs::create_dir_all(self.folder().join("customers")).unwrap();
        self.deliver(&self.people.support, &self.people.request_of_two(), Phase::Opened, -1).await;
        self.deliver(&self.people.support, &self.people.question(), Phase::Opened, 0).await;
    }

    /// Delivers so many seconds from the phase's time: letters are numbered in the order of their times.
    async fn deliver(&self, to: &str, letter: &str, phase: Phase, seconds: i64) {
        let at = Timestamp::from_micros(phase.order(self.beginning, 0, None).now + seconds * 1_000_000);
        self.mail.write(self.folder(), &self.people, to, letter, at).await;
    }

    /// Starts a daemon that waits for what it is told. `points` lists what it passes.
    pub fn start(&self, points: Option<&Path>) -> Daemon<'_> {
        self.start_with(points, LEASE_MILLIS)
    }

    /// The same; it leases its work for so many milliseconds.
    pub fn start_with(&self, points: Option<&Path>, lease_millis: u64) -> Daemon<'_> {
        let mut child = Command::new(std::env::current_exe().unwrap());
        child.args(["--exact", TEST, "--nocapture", "--test-threads=1"]).current_dir(self.folder());
        child.env(CHILD, lease_millis.to_string()).envs(points.map(|file| ("EXPUNGED_POINTS_TO", file)));
        let errors = std::fs::File::create(self.folder().join("errors")).unwrap();
        child.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(errors).kill_on_drop(true);
        let mut child = child.spawn().unwrap();
        let (orders, answers) = (child.stdin.take().unwrap(), BufReader::new(child.stdout.take().unwrap()).lines());
        Daemon { world: self, child, orders, answers }
    }

    /// The end of what the daemons logged.
    pub fn log(&self) -> String {
        let log = std::fs::read_to_string(self.folder().join("log")).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(25)..].join("\n")
    }
}

/// A daemon that works in a world, or waits for what comes next in it.
pub struct Daemon<'w> {
    world: &'w World,
    child: Child,
    orders: ChildStdin,
    answers: Lines<BufReader<ChildStdout>>,
}

impl Daemon<'_> {
    /// Works through a phase until nothing is left to do.
    pub async fn work(&mut self, phase: Phase) -> Result<(), String> {
        self.order(phase, None).await;
        self.in_time(phase, async |daemon| daemon.until(DONE).await).await
    }

    /// Works through a phase until it is killed at this passage of a point.
    pub async fn die(mut self, phase: Phase, point: &str, passage: u32) -> Result<(), String> {
        self.order(phase, Some((point.to_owned(), passage))).await;
        self.in_time(phase, async |daemon| {
            while let Some(line) = daemon.answers.next_line().await.unwrap() {
                if line.ends_with(DONE) {
                    return Err("was not killed".to_owned());
                }
            }
            let ended = daemon.child.wait().await.unwrap();
            if ended.signal() == Some(9) { Ok(()) } else { Err(format!("was not killed but ended with {ended}")) }
        })
        .await
    }

    /// Works through a phase until it is killed from outside: after this time, counted from the first point of the erasing that it
    /// passes, or from its order. Whether that came before it was done.
    pub async fn die_soon(mut self, phase: Phase, since: Since<'_>, wait: Duration) -> Result<bool, String> {
        self.order(phase, None).await;
        let mut done = false;
        self.in_time(phase, async |daemon| {
            let soon = async {
                if let Since::Erasing(points) = since {
                    until_erasing(points).await;
                }
                tokio::time::sleep(wait).await;
            };
            tokio::select! {
                worked = until(&mut daemon.answers, DONE) => {
                    worked.map_err(|()| "ended by itself".to_owned())?;
                    done = true;
                }
                () = soon => {}
            }
            daemon.child.start_kill().unwrap();
            let ended = daemon.child.wait().await.unwrap();
            if ended.signal() == Some(9) { Ok(()) } else { Err(format!("was not killed but ended with {ended}")) }
        })
        .await?;
        Ok(!done)
    }

    /// Reads what it says until it says this.
    async fn until(&mut self, word: &str) -> Result<(), String> {
        match until(&mut self.answers, word).await {
            Ok(()) => Ok(()),
            Err(()) => Err(format!("ended with {}", self.child.wait().await.unwrap())),
        }
    }

    /// Ends it in order.
    pub async fn end(mut self) -> Result<(), String> {
        drop(self.orders);
        let ended = self.child.wait().await.unwrap();
        if ended.success() { Ok(()) } else { Err(format!("{ended}\n{}", self.world.log())) }
    }

    async fn order(&mut self, phase: Phase, kill_at: Option<(String, u32)>) {
        let order =
            serde_json::to_string(&phase.order(self.world.beginning, self.world.letters_max(), kill_at)).unwrap();
        self.orders.write_all(format!("{order}\n").as_bytes()).await.unwrap();
    }

    async fn in_time(
        &mut self,
        phase: Phase,
        work: impl AsyncFnOnce(&mut Self) -> Result<(), String>,
    ) -> Result<(), String> {
        let worked = tokio::time::timeout(CHILD_MAX, work(self)).await;
        let why = match worked {
            Ok(Ok(())) => return Ok(()),
            Ok(Err(why)) => why,
            Err(_) => "the daemon is never done".to_owned(),
        };
        let errors = std::fs::read_to_string(self.world.folder().join("errors")).unwrap_or_default();
        Err(format!("{phase:?}: {why}\n{errors}\n{}", self.world.log()))
    }
}

/// Since when the time to a kill is counted.
pub enum Since<'p> {
    /// Since it was told to work.
    Order,
    /// Since it passed the first point of an erasing, by the list that it writes into this file.
    Erasing(&'p Path),
}

/// Returns when the list of points has one of an erasing.
pub async fn until_erasing(points: &Path) {
    while !std::fs::read_to_string(points).is_ok_and(|list| list.lines().any(|point| point.starts_with("erase"))) {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

/// Reads lines until one ends so.
async fn until(answers: &mut Lines<BufReader<ChildStdout>>, word: &str) -> Result<(), ()> {
    while let Some(line) = answers.next_line().await.unwrap() {
        if line.ends_with(word) {
            return Ok(());
        }
    }
    Err(())
}

fn copy_folder(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy_folder(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}

fn database_name(url: &str) -> String {
    url.rsplit('/').next().unwrap().to_owned()
}

async fn copy_database(url: &str) -> String {
    let server_url = postgres_url().await;
    let mut server = PgConnection::connect(&server_url).await.unwrap();
    let copy = format!("expunged_{}", unique_word());
    let drop = format!("DROP DATABASE IF EXISTS {copy}");
    let create = format!("CREATE DATABASE {copy} TEMPLATE {}", database_name(url));
    server.execute(AssertSqlSafe(drop)).await.unwrap();
    server.execute(AssertSqlSafe(create)).await.unwrap();
    server.close().await.unwrap();
    url.replace(&database_name(url), &copy)
}
