//! A store of some schema on each kind of server, and an engineer who answers every question as it was proposed.

use std::sync::Arc;

use expunged::erase::map::propose::{Head, Hints, header, propose, write};
use expunged::erase::{DataMap, check};
use expunged::stores::{self, Schema, StoreKind, StoreLimits, StoreName, Survey};
use regex::Regex;
use secrecy::SecretString;
use sqlx::{AssertSqlSafe, Executor as _};

use crate::support::mariadb::fresh_mariadb;
use crate::support::postgres::fresh_postgres;

pub const KINDS: [StoreKind; 3] = [StoreKind::Sqlite, StoreKind::Postgres, StoreKind::Mysql];

/// A store that was made for one test.
pub struct Made {
    pub kind: StoreKind,
    pub url: String,
    pub survey: Arc<dyn Survey>,
    _folder: tempfile::TempDir,
}

/// Makes a store by a script; `{time}` in it is the database's own type of an instant.
pub async fn made(kind: StoreKind, script: &str) -> Made {
    let folder = tempfile::tempdir().unwrap();
    let url = match kind {
        StoreKind::Sqlite => format!("sqlite://{}", folder.path().join("store.db").display()),
        StoreKind::Postgres => fresh_postgres().await,
        StoreKind::Mysql => fresh_mariadb().await,
        StoreKind::Redis | StoreKind::Objects => panic!("{kind} has no schema"),
    };
    run(kind, &url, script).await;
    let survey = stores::survey::open(kind, &SecretString::from(url.clone()), StoreLimits::default()).await.unwrap();
    Made { kind, url, survey, _folder: folder }
}

/// Plain SQL on a store.
pub async fn run(kind: StoreKind, url: &str, script: &str) {
    let script = |time| AssertSqlSafe(script.replace("{time}", time));
    match kind {
        StoreKind::Sqlite => {
            let pool = sqlx::SqlitePool::connect(&format!("{url}?mode=rwc")).await.unwrap();
            let script = script("TIMESTAMP").0;
            pool.execute(AssertSqlSafe(format!("BEGIN; {script}; COMMIT"))).await.unwrap();
            pool.close().await;
        }
        StoreKind::Postgres => {
            let pool = sqlx::PgPool::connect(url).await.unwrap();
            pool.execute(script("TIMESTAMPTZ")).await.unwrap();
            pool.close().await;
        }
        StoreKind::Mysql => {
            let pool = sqlx::MySqlPool::connect(url).await.unwrap();
            let script = script("DATETIME").0;
            pool.execute(AssertSqlSafe(format!("SET SESSION sql_mode = 'ANSI_QUOTES'; {script}"))).await.unwrap();
            pool.close().await;
        }
        StoreKind::Redis | StoreKind::Objects => panic!("{kind} has no schema"),
    }
}

/// The beginning of a map of this store.
pub fn begun(made: &Made) -> String {
    header(&Head { name: name(), kind: made.kind, reached_by: ("url", made.url.clone()) })
}

pub fn name() -> StoreName {
    StoreName::new("shop").unwrap()
}

/// The map that is proposed.
pub fn proposed(made: &Made, schema: &Schema, hints: &Hints) -> String {
    write(&begun(made), schema, &propose(schema, hints)).unwrap_or_else(|error| panic!("{error}")).text
}

/// What an engineer answers who believes every proposal. What has none stays open.
pub fn answered(map: &str) -> String {
    let proposal = Regex::new(r"^(.*) = \x22\?\x22 # open: .* Proposed: (.*) \(\d\.\d\d\): .*$").unwrap();
    let answer = |line: &str| match line {
        _ if line.contains("(Art. 30 GDPR)") => "location = \"Frankfurt\"".to_owned(),
        _ if line.contains("the last backup gone") => "backup_days = 35".to_owned(),
        _ => proposal.replace(line, "$1 = $2").into_owned(),
    };
    map.lines().map(answer).collect::<Vec<_>>().join("\n")
}

/// The map of this text is one that erasing would start with.
pub fn is_true(map: &str, schema: &Schema) -> DataMap {
    let read = DataMap::parse(&[("shop.toml", map)]).unwrap_or_else(|error| panic!("{error}\n{map}"));
    let defects = check(&read, &[(name(), schema.clone())].into());
    assert!(defects.is_empty(), "{}\n{map}", defects.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"));
    read
}
