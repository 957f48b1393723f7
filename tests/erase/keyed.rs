//! The same contract over stores without tables: accounts in SQLite, sessions and carts in Redis, pictures in a folder or a
//! bucket.

mod maps;

use std::path::Path;

use expunged::domain::{Retry, Scope};
use expunged::erase::{DataMap, EraseError, Outcome};
use expunged::stores::{Opened, StoreLimits, StoreName};
use redis::aio::MultiplexedConnection;
use secrecy::SecretString;

use super::memory::MemoryLedger;
use super::world::{MAPS, TABLES, World, rows, target};
use crate::support::redis::{connect, fresh_redis, names, run};
use crate::support::s3::Bucket;

const CACHE: (&str, &str) = ("cache.toml", include_str!("../../config/stores/cache.toml"));
const FILES: (&str, &str) = ("files.toml", include_str!("../../config/stores/files.toml"));

struct Shop {
    world: World,
    cache: MultiplexedConnection,
    url: String,
    files: tempfile::TempDir,
}

/// Everybody's pictures and exports, and nobody's.
fn names_of_files(accounts: i64) -> Vec<String> {
    let of_user = |user: i64| {
        let account = user / 10;
        [
            format!("avatars/{user}/now.png"),
            format!("avatars/{user}/old/first.png"),
            format!("exports/{account}/{user}.csv"),
        ]
    };
    let users = (1..=accounts).flat_map(|account| [account * 10 + 1, account * 10 + 2]);
    users.flat_map(of_user).chain(["static/logo.png".to_owned()]).collect()
}

/// What everybody has: two sessions, a cart, who is online, events of the account; and the account's and nobody's.
fn commands(accounts: i64) -> Vec<String> {
    let mut commands = vec!["SET rate:192.0.2.1 9".to_owned(), "HSET carts total 4".to_owned()];
    for account in 1..=accounts {
        for user in [1, 2].map(|place| account * 10 + place) {
            commands.extend([
                format!("SET session:{user}:a x"),
                format!("SET session:{user}:b x"),
                format!("HSET carts {user} mug"),
                format!("SADD online:{account} {user}"),
                format!("XADD events:{account} * what in user_id {user}"),
            ]);
        }
        commands.push(format!("XADD events:{account} * what tick"));
    }
    commands
}

impl Shop {
    async fn open(accounts: i64) -> Self {
        let maps = [MAPS[0]];
        let mut world = World::new(&maps, &[format!("{}{}", TABLES[0], rows(accounts)[0])]).await;
        world.map = DataMap::parse(&[maps[0], CACHE, FILES]).unwrap_or_else(|error| panic!("{error}"));
        let url = fresh_redis().await;
        let mut cache = connect(&url).await.unwrap();
        let commands = commands(accounts);
        run(&mut cache, &commands.iter().map(String::as_str).collect::<Vec<_>>()).await;
        let files = tempfile::tempdir().unwrap();
        for name in names_of_files(accounts) {
            let path = files.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, "picture").unwrap();
        }
        let folder = format!("file://{}", files.path().display());
        let mut shop = Self { world, cache, url: url.clone(), files };
        shop.place("cache", &url).await;
        shop.place("files", &folder).await;
        shop
    }

    /// Opens a store of the map at this place.
    async fn place(&mut self, name: &str, url: &str) {
        let name = StoreName::new(name).unwrap();
        let mapped = &self.world.map.stores()[&name];
        let url = SecretString::from(url);
        let opened = Opened::open(mapped.kind, &url, StoreLimits::default(), mapped.shapes());
        self.world.stores.insert(name, opened.await.unwrap());
    }

    /// All that is left in the cache and in the folder, in words.
    async fn dump(&mut self) -> Vec<String> {
        let mut all = names(&mut self.cache).await;
        walk(self.files.path(), self.files.path(), &mut all);
        let carts: Vec<String> = redis::cmd("HKEYS").arg("carts").query_async(&mut self.cache).await.unwrap();
        all.extend(carts.into_iter().map(|field| format!("carts/{field}")));
        for account in 1..=2 {
            let online: Vec<String> =
                redis::cmd("SMEMBERS").arg(format!("online:{account}")).query_async(&mut self.cache).await.unwrap();
            all.extend(online.into_iter().map(|member| format!("online:{account}/{member}")));
            let events: u64 =
                redis::cmd("XLEN").arg(format!("events:{account}")).query_async(&mut self.cache).await.unwrap();
            all.push(format!("events:{account} has {events}"));
        }
        all.sort();
        all
    }
}

/// Files and folders.
fn walk(folder: &Path, root: &Path, all: &mut Vec<String>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        all.push(path.strip_prefix(root).unwrap().display().to_string());
        if path.is_dir() {
            walk(&path, root, all);
        }
    }
}

fn erased(outcome: &Outcome, table: &str) -> (u64, u64) {
    let steps = outcome.steps.iter().filter(|step| step.table == table);
    steps.fold((0, 0), |(erased, residue), step| (erased + step.counts.erased, residue + step.counts.residue))
}

#[tokio::test]
async fn what_belongs_to_a_user_goes_and_nothing_else() {
    let mut shop = Shop::open(2).await;
    let target = target(Scope::User, Scope::User, 11);
    let preview = shop.world.preview(&target).await.unwrap();
    let counts: Vec<_> = preview.rows.iter().map(|row| (row.table.as_str(), row.rows)).collect();
    for expected in
        [("sessions", 2), ("carts", 1), ("online", 1), ("events", 1), ("avatars", 2), ("exports", 1), ("users", 1)]
    {
        assert!(counts.contains(&expected), "{expected:?} in {counts:?}");
    }
    let last = preview.skeleton.steps.last().unwrap();
    assert_eq!(last.rows.at.table, "users", "the identifying row last");
    let mut expected = shop.dump().await;
    let outcome = shop.world.erase(&target).await;
    assert!(outcome.is_clean());
    assert_eq!(outcome.stores().iter().map(|store| store.as_str()).collect::<Vec<_>>(), ["accounts", "cache", "files"]);
    for (table, count) in [("sessions", 2), ("carts", 1), ("online", 1), ("events", 1), ("avatars", 2), ("exports", 1)]
    {
        assert_eq!(erased(&outcome, table), (count, 0), "{table}");
    }
    let behaviour = outcome.by_category().into_iter().find(|line| line.category == "behaviour").unwrap();
    assert_eq!(behaviour.erased, 6, "the letter tells of them");
    let gone = ["session:11:a", "session:11:b", "carts/11", "online:1/11", "exports/1/11.csv"];
    expected.retain(|name| !gone.contains(&name.as_str()) && !name.starts_with("avatars/11"));
    expected.iter_mut().for_each(|line| *line = line.replace("events:1 has 3", "events:1 has 2"));
    assert_eq!(shop.dump().await, expected);
}

#[tokio::test]
async fn what_belongs_to_an_account_goes_with_its_users() {
    let mut shop = Shop::open(2).await;
    let outcome = shop.world.erase(&target(Scope::Account, Scope::Account, 1)).await;
    assert!(outcome.is_clean());
    assert_eq!(erased(&outcome, "events"), (3, 0), "also what only the account tells of, and each entry once");
    let left = shop.dump().await;
    assert!(
        left.iter().all(|name| !name.contains(":11")
            && !name.contains("/11")
            && !name.contains("/12")
            && !name.starts_with("exports/1")),
        "{left:?}"
    );
    assert!(left.contains(&"events:2 has 3".to_owned()) && left.contains(&"carts/total".to_owned()), "{left:?}");
}

#[tokio::test]
async fn a_kill_at_any_breakpoint_changes_nothing_in_the_end() {
    let target = target(Scope::User, Scope::User, 11);
    let mut quiet = Shop::open(1).await;
    let ledger = MemoryLedger::default();
    let expected = quiet.world.execute(&quiet.world.plan(&target).await, &ledger).await.unwrap();
    let (dump, passed) = (quiet.dump().await, ledger.passed());
    for (kill, name) in passed.iter().enumerate() {
        let mut shop = Shop::open(1).await;
        let plan = shop.world.plan(&target).await;
        let ledger = MemoryLedger::default();
        ledger.kill_after(Some(kill));
        shop.world.execute(&plan, &ledger).await.unwrap_err();
        ledger.kill_after(None);
        let outcome = shop.world.execute(&plan, &ledger).await.unwrap();
        assert_eq!(outcome, expected, "killed at {name} ({kill})");
        assert_eq!(shop.dump().await, dump, "killed at {name} ({kill})");
    }
}

#[tokio::test]
async fn what_comes_back_is_residue_and_what_comes_late_goes_too() {
    let mut shop = Shop::open(1).await;
    let plan = shop.world.plan(&target(Scope::User, Scope::User, 11)).await;
    let ledger = MemoryLedger::default();
    ledger.kill_after(Some(12));
    shop.world.execute(&plan, &ledger).await.unwrap_err();
    ledger.kill_after(None);
    run(&mut shop.cache, &["SET session:11:late x"]).await;
    let outcome = shop.world.execute(&plan, &ledger).await.unwrap();
    assert!(outcome.is_clean());
    assert_eq!(erased(&outcome, "sessions"), (3, 0), "found in a further round");
    run(&mut shop.cache, &["SET session:11:a x", "SADD online:1 11"]).await;
    let outcome = shop.world.execute(&plan, &ledger).await.unwrap();
    assert!(!outcome.is_clean());
    assert_eq!((erased(&outcome, "sessions"), erased(&outcome, "online")), ((3, 1), (1, 1)));
}

#[tokio::test]
async fn it_fails_closed() {
    let mut shop = Shop::open(1).await;
    let target = target(Scope::User, Scope::User, 11);
    let plan = shop.world.plan(&target).await;
    run(&mut shop.cache, &["SET surprise:11 x"]).await;
    let Err(EraseError::Defects { defects }) = shop.world.execute(&plan, &MemoryLedger::default()).await else {
        panic!("a name that nobody mapped may be theirs")
    };
    assert!(defects[0].to_string().contains("1 names of a sample are not mapped"), "{}", defects[0]);
    run(&mut shop.cache, &["DEL surprise:11", "DEL online:1", "SET online:1 text"]).await;
    let error = shop.world.execute(&plan, &MemoryLedger::default()).await.unwrap_err();
    let said = std::error::Error::source(&error).unwrap().to_string();
    assert!(said.contains("the map says set"), "{said}");
    assert_eq!(
        (error.retry(), shop.world.count("accounts", "SELECT COUNT(*) FROM users").await),
        (Retry::Permanent, 2)
    );
    run(&mut shop.cache, &["DEL online:1", "SADD online:1 11 12"]).await;
    let outcome = shop.world.execute(&plan, &MemoryLedger::default()).await.unwrap();
    assert!(outcome.is_clean(), "the cause is gone, and so are the rows");
}

#[tokio::test]
async fn a_plan_that_was_begun_ends_under_its_own_patterns() {
    let mut shop = Shop::open(1).await;
    let plan = shop.world.plan(&target(Scope::User, Scope::User, 11)).await;
    let ledger = MemoryLedger::default();
    ledger.kill_after(Some(14));
    shop.world.execute(&plan, &ledger).await.unwrap_err();
    ledger.kill_after(None);
    let other = CACHE.1.replace("session:{user}:*", "sess:{user}:*").replace("\"rate:*\"", "\"rate:*\", \"session:*\"");
    shop.world.map = DataMap::parse(&[MAPS[0], (CACHE.0, &other), FILES]).unwrap_or_else(|error| panic!("{error}"));
    let url = shop.url.clone();
    shop.place("cache", &url).await;
    let Err(EraseError::Defects { defects }) = shop.world.execute(&plan, &ledger).await else { panic!("another map") };
    assert!(defects[0].to_string().contains("made in another way"), "{}", defects[0]);
}

#[tokio::test]
async fn every_version_in_a_bucket_is_part_of_it() {
    let mut shop = Shop::open(2).await;
    let bucket = Bucket::versioned().await;
    for name in names_of_files(2) {
        bucket.put(&name).await;
        bucket.put(&name).await;
    }
    bucket.hide("avatars/11/now.png").await;
    shop.place("files", &bucket.url()).await;
    let outcome = shop.world.erase(&target(Scope::User, Scope::User, 11)).await;
    assert!(outcome.is_clean());
    assert_eq!((erased(&outcome, "avatars"), erased(&outcome, "exports")), ((5, 0), (2, 0)), "versions, and a marker");
    let left = bucket.names().await;
    assert_eq!(left.len(), 2 * names_of_files(2).len() - 6, "{left:?}");
    assert!(left.iter().all(|name| !name.contains("/11")), "{left:?}");
}

#[tokio::test]
async fn what_a_lock_keeps_stops_the_request_until_it_ends() {
    let mut shop = Shop::open(1).await;
    let bucket = Bucket::locking().await;
    for name in names_of_files(1) {
        bucket.put(&name).await;
    }
    bucket.hold("avatars/11/now.png", "ON").await;
    shop.place("files", &bucket.url()).await;
    let plan = shop.world.plan(&target(Scope::User, Scope::User, 11)).await;
    let ledger = MemoryLedger::default();
    let error = shop.world.execute(&plan, &ledger).await.unwrap_err();
    let said = std::error::Error::source(&error).unwrap().to_string();
    assert!(said.contains("legal hold"), "{said}");
    assert_eq!(shop.world.count("accounts", "SELECT COUNT(*) FROM users WHERE id = 11").await, 1, "the row goes last");
    bucket.hold("avatars/11/now.png", "OFF").await;
    let outcome = shop.world.execute(&plan, &ledger).await.unwrap();
    assert!(outcome.is_clean());
    assert_eq!(erased(&outcome, "avatars"), (2, 0), "the same counts as if nothing had happened");
}
