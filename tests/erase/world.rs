//! Three stores of a small shop with real rows, and everything that is needed to erase from them.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use expunged::chance::SeededChance;
use expunged::domain::{RequestId, Scope, SubjectKind, Timestamp};
use expunged::erase::{self, DataMap, DriftLimits, EraseError, EraseLimits, Outcome, Plan, Preview, Run, Target};
use expunged::stores::{self, Key, SqlRows, StoreLimits, StoreName, Stores};
use expunged::vault::KeyEncryptionKey;
use expunged::verify::{Authority, EndedRecord};
use secrecy::SecretString;
use sqlx::{Executor as _, Row as _, SqlitePool};

use super::memory::MemoryLedger;

/// 2026-06-01T00:00:00Z.
pub const NOW: Timestamp = Timestamp::from_micros(1_780_272_000_000_000);

pub const MAPS: [(&str, &str); 3] = [
    ("accounts.toml", include_str!("../../config/stores/accounts.toml")),
    ("shop.toml", include_str!("../../config/stores/shop.toml")),
    ("crm.toml", include_str!("../../config/stores/crm.toml")),
];
pub const TABLES: [&str; 3] =
    [include_str!("../shop/accounts.sql"), include_str!("../shop/shop.sql"), include_str!("../shop/crm.sql")];

pub struct World {
    pub map: DataMap,
    pub stores: Stores,
    /// The same, for who puts something between the engine and them.
    pub opened: BTreeMap<StoreName, Arc<dyn SqlRows>>,
    pub pools: BTreeMap<String, SqlitePool>,
    pub limits: EraseLimits,
    _folder: tempfile::TempDir,
}

/// The shop's rows: every account has two users (…1 the owner, …2) and two end-users (…5, …6), everybody has two
/// orders of two lines, three searches, a session, a contact, a ticket for the owner and three notes on it.
pub fn rows(accounts: i64) -> [String; 3] {
    let mut sql = [String::from("INSERT INTO plans VALUES ('basic', 'Basic');"), String::new(), String::new()];
    for account in 1..=accounts {
        sql[0] += &format!("INSERT INTO accounts VALUES ({account}, 'Company {account}', 'active', 'basic');");
        for person in [1, 2, 5, 6].map(|place| account * 10 + place) {
            let is_user = person % 10 < 5;
            let (user, end_user) =
                if is_user { (person.to_string(), "NULL".into()) } else { ("NULL".into(), person.to_string()) };
            sql[0] += &if is_user {
                format!(
                    "INSERT INTO users VALUES ({person}, {account}, 'user', 'p{person}@example.org', '+49 {person}', 'Name {person}', 'de', 'note');"
                )
            } else {
                format!(
                    "INSERT INTO end_users VALUES ({person}, {account}, 'p{person}@example.org', NULL, 'Name {person}');"
                )
            };
            for n in 1..=2 {
                let order = person * 100 + n;
                sql[1] += &format!("INSERT INTO orders VALUES ({order}, {account}, {user}, {end_user}, '202{n}-03-04 05:06:07', 'Name {person}', 'Street {person}', 990);
                    INSERT INTO order_lines VALUES ({order}, 1, 'mug', 'Name {person}'), ({order}, 2, 'cup', NULL);");
            }
            for n in 1..=3 {
                sql[1] += &format!(
                    "INSERT INTO search_history VALUES ({}, {user}, {end_user}, 'query', '2026-01-01 00:00:00');",
                    person * 100 + n
                );
            }
            sql[1] +=
                &format!("INSERT INTO sessions VALUES ('s-{person}', {user}, {end_user}, '192.0.2.1', 'browser');");
            let reference = |id: &str| if id == "NULL" { id.to_owned() } else { format!("'{id}'") };
            let (ticket, owner) = (person * 10, account * 10 + 1);
            sql[2] += &format!(
                "INSERT INTO contacts VALUES ({person}, {}, {}, 'p{person}@example.org', 'nick');
                INSERT INTO tickets VALUES ({ticket}, {person}, '{owner}', 'help');",
                reference(&user),
                reference(&end_user)
            );
            sql[2] += &format!(
                "INSERT INTO notes VALUES ({0}1, {0}, NULL, 'a'), ({0}2, {0}, {0}1, 'b'), ({0}3, {0}, {0}2, 'c');",
                ticket
            );
        }
    }
    sql
}

impl World {
    /// The shop with this many accounts.
    pub async fn shop(accounts: i64) -> Self {
        let scripts = rows(accounts);
        let scripts: Vec<_> = TABLES.iter().zip(&scripts).map(|(tables, rows)| format!("{tables}{rows}")).collect();
        Self::new(&MAPS, &scripts).await
    }

    /// Stores of these maps, made by these scripts.
    pub async fn new(maps: &[(&str, &str)], scripts: &[String]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut map = DataMap::parse(maps).unwrap_or_else(|error| panic!("{error}"));
        let (mut stores, mut opened, mut pools) = (Stores::default(), BTreeMap::new(), BTreeMap::new());
        for ((file, _), script) in maps.iter().zip(scripts) {
            let name = StoreName::new(file.trim_end_matches(".toml")).unwrap();
            let url = format!("sqlite://{}", folder.path().join(format!("{name}.db")).display());
            let pool = SqlitePool::connect(&format!("{url}?mode=rwc")).await.unwrap();
            // One transaction: thousands of rows, one fsync.
            pool.execute(sqlx::AssertSqlSafe(format!("BEGIN; {script}; COMMIT"))).await.unwrap();
            let url = SecretString::from(url);
            let kind = map.stores()[&name].kind;
            let store = stores::open(kind, &url, StoreLimits::default()).await.unwrap();
            opened.insert(name.clone(), Arc::clone(&store));
            stores.insert(name.clone(), store);
            map.set_url(&name, url);
            pools.insert(name.to_string(), pool);
        }
        let limits = EraseLimits { chunk_rows: 2, ..EraseLimits::default() };
        Self { map, stores, opened, pools, limits, _folder: folder }
    }

    pub async fn preview(&self, target: &Target) -> Result<Preview, EraseError> {
        let skeleton = erase::plan(&self.map, target)?;
        erase::preview(&self.map, &self.stores, skeleton, self.limits, NOW).await
    }

    pub async fn plan(&self, target: &Target) -> Plan {
        let preview = self.preview(target).await.unwrap_or_else(|error| panic!("{error}"));
        let authority = authority(preview.skeleton.digest);
        Plan::new(preview, authority).unwrap()
    }

    pub async fn execute(&self, plan: &Plan, ledger: &MemoryLedger) -> Result<Outcome, EraseError> {
        let run = Run {
            map: &self.map,
            stores: &self.stores,
            ledger,
            tombstone_secret: &[9; 32],
            now: NOW,
            limits: self.limits,
            drift: DriftLimits::default(),
        };
        erase::execute(plan, &run).await
    }

    /// Plans, executes and answers the outcome.
    pub async fn erase(&self, target: &Target) -> Outcome {
        let plan = self.plan(target).await;
        self.execute(&plan, &MemoryLedger::default()).await.unwrap_or_else(|error| panic!("{error:?}"))
    }

    pub async fn count(&self, store: &str, sql: &str) -> i64 {
        sqlx::query_scalar(sqlx::AssertSqlSafe(sql)).fetch_one(&self.pools[store]).await.unwrap()
    }

    pub async fn run(&self, store: &str, sql: &str) {
        self.pools[store].execute(sqlx::AssertSqlSafe(sql)).await.unwrap();
    }

    /// Every row of every table: `store.table` → the rows as SQLite quotes them.
    pub async fn dump(&self) -> BTreeMap<String, Vec<String>> {
        let mut dump = BTreeMap::new();
        for (store, pool) in &self.pools {
            let tables = "SELECT m.name, group_concat('quote(\"' || c.name || '\")', '||'',''||')
                FROM sqlite_schema m JOIN pragma_table_info(m.name) c WHERE m.type = 'table' GROUP BY m.name";
            for table in pool.fetch_all(tables).await.unwrap() {
                let (name, columns): (String, String) = (table.get(0), table.get(1));
                let sql = format!("SELECT {columns} FROM \"{name}\" ORDER BY 1");
                let rows = sqlx::query_scalar(sqlx::AssertSqlSafe(sql)).fetch_all(pool).await.unwrap();
                dump.insert(format!("{store}.{name}"), rows);
            }
        }
        dump
    }
}

pub fn authority(plan_digest: [u8; 32]) -> Authority {
    let chance = SeededChance::new(3);
    let folder = tempfile::tempdir().unwrap();
    let keys = KeyEncryptionKey::open_or_create(&folder.path().join("kek"), &chance).unwrap().installation_keys();
    let (request, account_mac, round) = (RequestId::new(NOW, &chance), [1; 32], 0_u32);
    let (id, at) = (request.as_uuid(), NOW.as_micros().to_be_bytes());
    let mark = keys.gate().mac("expunged/1/ended", &[id.as_bytes(), &account_mac, &at, &round.to_be_bytes()]);
    let ended = EndedRecord { request, account_mac, ended_at: NOW, round, mark };
    Authority::of_ended_service(&ended, 0, keys.gate(), plan_digest, Duration::from_secs(3600), NOW, &chance).unwrap()
}

pub fn target(scope: Scope, subject_kind: Scope, id: i64) -> Target {
    let (table, subject_kind) = match subject_kind {
        Scope::Account => ("accounts", SubjectKind::Account),
        Scope::User => ("users", SubjectKind::User),
        _ => ("end_users", SubjectKind::EndUser),
    };
    Target {
        scope,
        subject_kind,
        store: StoreName::new("accounts").unwrap(),
        table: table.to_owned(),
        key: Key::from(id),
        categories: Vec::new(),
    }
}
