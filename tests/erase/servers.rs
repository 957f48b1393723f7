//! The same shop on real servers: accounts on PostgreSQL, orders on MariaDB, the CRM on SQLite.

use expunged::domain::Scope;
use expunged::erase::DataMap;
use expunged::stores::{self, StoreKind, StoreLimits, StoreName, Stores};
use secrecy::SecretString;
use sqlx::Executor as _;

use super::memory::MemoryLedger;
use super::world::{MAPS, TABLES, World, rows, target};
use crate::support::mariadb::fresh_mariadb;
use crate::support::postgres::fresh_postgres;

/// The shop's world with two of its stores moved to servers.
async fn moved(postgres: &str, mariadb: &str) -> World {
    let mut world = World::shop(3).await;
    let maps = MAPS.map(|(file, text)| match file {
        "accounts.toml" => {
            (file, text.replace("kind = \"sqlite\"", "kind = \"postgres\"").replace("sqlite:", "postgres:"))
        }
        "shop.toml" => (file, text.replace("kind = \"sqlite\"", "kind = \"mysql\"").replace("sqlite:", "mysql:")),
        _ => (file, text.to_owned()),
    });
    let maps: Vec<_> = maps.iter().map(|(file, text)| (*file, text.as_str())).collect();
    world.map = DataMap::parse(&maps).unwrap();
    let crm = world.pools["crm"].connect_options().get_filename().display().to_string();
    let places = [
        ("accounts", StoreKind::Postgres, postgres.to_owned()),
        ("shop", StoreKind::Mysql, mariadb.to_owned()),
        ("crm", StoreKind::Sqlite, format!("sqlite://{crm}")),
    ];
    world.stores = Stores::default();
    for (name, kind, url) in places {
        let store = stores::open(kind, &SecretString::from(url), StoreLimits::default()).await.unwrap();
        world.stores.insert(StoreName::new(name).unwrap(), store);
    }
    world
}

#[tokio::test]
async fn one_erasure_runs_over_three_kinds_of_store() {
    let (postgres, mariadb) = (fresh_postgres().await, fresh_mariadb().await);
    let accounts = sqlx::PgPool::connect(&postgres).await.unwrap();
    let shop = sqlx::MySqlPool::connect(&mariadb).await.unwrap();
    let script = rows(3);
    accounts.execute(sqlx::AssertSqlSafe(format!("{}{}", TABLES[0], script[0]))).await.unwrap();
    let mysql = format!("{}{}", TABLES[1], script[1]).replace(" TIMESTAMP", " DATETIME");
    shop.execute(sqlx::AssertSqlSafe(mysql)).await.unwrap();
    let world = moved(&postgres, &mariadb).await;
    let quiet = World::shop(3).await;
    for target in [
        target(Scope::User, Scope::User, 11),
        target(Scope::Account, Scope::Account, 2),
        target(Scope::EndUser, Scope::EndUser, 35),
    ] {
        let expected = quiet.erase(&target).await;
        let plan = world.plan(&target).await;
        let ledger = MemoryLedger::default();
        ledger.kill_after(Some(40));
        world.execute(&plan, &ledger).await.unwrap_err();
        ledger.kill_after(None);
        let outcome = world.execute(&plan, &ledger).await.unwrap_or_else(|error| panic!("{error:?}"));
        assert!(outcome.is_clean());
        assert_eq!(outcome, expected, "three kinds of store, one outcome");
    }
    let count = "SELECT COUNT(*) FROM users WHERE id = 11 OR account_id = 2";
    let left: i64 = sqlx::query_scalar(count).fetch_one(&accounts).await.unwrap();
    let all: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM users").fetch_one(&accounts).await.unwrap();
    assert_eq!((left, all), (0, 3));
    let named = "SELECT COUNT(*) FROM orders WHERE ship_name IS NOT NULL";
    let named: i64 = sqlx::query_scalar(named).fetch_one(&shop).await.unwrap();
    let kept: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM orders").fetch_one(&shop).await.unwrap();
    assert_eq!((named, kept), (24 - 2 - 8 - 2, 24));
}
