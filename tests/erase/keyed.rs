//! The same contract over a store without tables: accounts in SQLite, sessions and carts in Redis.

mod maps;

use expunged::domain::{Retry, Scope};
use expunged::erase::{DataMap, EraseError, Outcome};
use expunged::stores::{self, Opened, StoreKind, StoreLimits, StoreName};
use redis::aio::MultiplexedConnection;
use secrecy::SecretString;

use super::memory::MemoryLedger;
use super::world::{MAPS, TABLES, World, rows, target};
use crate::support::redis::{connect, fresh_redis, names, run};

const CACHE: (&str, &str) = ("cache.toml", include_str!("../../config/stores/cache.toml"));

struct Shop {
    world: World,
    cache: MultiplexedConnection,
    url: SecretString,
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
        world.map = DataMap::parse(&[maps[0], CACHE]).unwrap_or_else(|error| panic!("{error}"));
        let url = fresh_redis().await;
        let mut cache = connect(&url).await.unwrap();
        let commands = commands(accounts);
        run(&mut cache, &commands.iter().map(String::as_str).collect::<Vec<_>>()).await;
        let name = StoreName::new("cache").unwrap();
        let mapped = &world.map.stores()[&name];
        let url = SecretString::from(url);
        let opened = Opened::open(mapped.kind, &url, StoreLimits::default(), mapped.shapes());
        world.stores.insert(name, opened.await.unwrap());
        Self { world, cache, url }
    }

    /// All that is left in the cache, in words.
    async fn dump(&mut self) -> Vec<String> {
        let mut all = names(&mut self.cache).await;
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

fn erased(outcome: &Outcome, table: &str) -> (u64, u64) {
    let steps = outcome.steps.iter().filter(|step| step.store.as_str() == "cache" && step.table == table);
    steps.fold((0, 0), |(erased, residue), step| (erased + step.counts.erased, residue + step.counts.residue))
}

#[tokio::test]
async fn what_belongs_to_a_user_goes_and_nothing_else() {
    let mut shop = Shop::open(2).await;
    let target = target(Scope::User, Scope::User, 11);
    let preview = shop.world.preview(&target).await.unwrap();
    let counts: Vec<_> = preview.rows.iter().map(|row| (row.table.as_str(), row.rows)).collect();
    for expected in [("sessions", 2), ("carts", 1), ("online", 1), ("events", 1), ("users", 1)] {
        assert!(counts.contains(&expected), "{expected:?} in {counts:?}");
    }
    let last = preview.skeleton.steps.last().unwrap();
    assert_eq!(last.rows.at.table, "users", "the identifying row last");
    let mut expected = shop.dump().await;
    let outcome = shop.world.erase(&target).await;
    assert!(outcome.is_clean());
    assert_eq!(outcome.stores().iter().map(|store| store.as_str()).collect::<Vec<_>>(), ["accounts", "cache"]);
    for (table, count) in [("sessions", 2), ("carts", 1), ("online", 1), ("events", 1)] {
        assert_eq!(erased(&outcome, table), (count, 0), "{table}");
    }
    let behaviour = outcome.by_category().into_iter().find(|line| line.category == "behaviour").unwrap();
    assert_eq!(behaviour.erased, 5, "the letter tells of them");
    expected.retain(|name| !["session:11:a", "session:11:b", "carts/11", "online:1/11"].contains(&name.as_str()));
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
        left.iter().all(|name| !name.contains(":11") && !name.contains("/11") && !name.contains(":12")),
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
    ledger.kill_after(Some(8));
    shop.world.execute(&plan, &ledger).await.unwrap_err();
    ledger.kill_after(None);
    let other = CACHE.1.replace("session:{user}:*", "sess:{user}:*").replace("\"rate:*\"", "\"rate:*\", \"session:*\"");
    shop.world.map = DataMap::parse(&[MAPS[0], (CACHE.0, &other)]).unwrap_or_else(|error| panic!("{error}"));
    let name = StoreName::new("cache").unwrap();
    let shapes = shop.world.map.stores()[&name].shapes();
    let opened = stores::open_keys(StoreKind::Redis, &shop.url, StoreLimits::default(), shapes);
    shop.world.stores.insert(name, Opened::Keys(opened.await.unwrap()));
    let Err(EraseError::Defects { defects }) = shop.world.execute(&plan, &ledger).await else { panic!("another map") };
    assert!(defects[0].to_string().contains("made in another way"), "{}", defects[0]);
}
