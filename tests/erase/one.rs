//! One store on a server of any kind, with people in it, and an erasing from it.

use expunged::domain::{Scope, SubjectKind};
use expunged::erase::{
    self, DataMap, Decision, DriftLimits, EraseError, EraseLimits, Outcome, Plan, Returned, Run, Target,
};
use expunged::stores::{self, Key, StoreKind, StoreLimits, StoreName, Stores};
use secrecy::SecretString;
use sqlx::{AssertSqlSafe, Executor as _};

use super::memory::MemoryLedger;
use super::world::{NOW, authority};
use crate::support::mariadb::fresh_mariadb;
use crate::support::postgres::fresh_postgres;

/// The databases.
pub const KINDS: [StoreKind; 3] = [StoreKind::Sqlite, StoreKind::Postgres, StoreKind::Mysql];

/// The store `one`.
pub struct One {
    pub kind: StoreKind,
    pub url: String,
    pub map: DataMap,
    pub stores: Stores,
    _folder: tempfile::TempDir,
}

impl One {
    /// A store with these tables in its map, made by a script.
    pub async fn new(kind: StoreKind, tables: &str, script: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let url = match kind {
            StoreKind::Sqlite => format!("sqlite://{}", folder.path().join("one.db").display()),
            StoreKind::Postgres => fresh_postgres().await,
            _ => fresh_mariadb().await,
        };
        run(kind, &url, script).await;
        let head = format!("[store]\nname = \"one\"\nkind = \"{kind}\"\nurl = \"none:\"\nbackup_days = 1\n");
        let map = DataMap::parse(&[("one.toml", &format!("{head}{tables}"))]).unwrap_or_else(|error| panic!("{error}"));
        let mut stores = Stores::default();
        let store = stores::open(kind, &SecretString::from(url.clone()), StoreLimits::default()).await.unwrap();
        stores.insert(StoreName::new("one").unwrap(), store);
        Self { kind, url, map, stores, _folder: folder }
    }

    /// Plain SQL of somebody else.
    pub async fn run(&self, script: &str) {
        run(self.kind, &self.url, script).await;
    }

    pub async fn count(&self, sql: &str) -> i64 {
        let sql = AssertSqlSafe(sql.to_owned());
        match self.kind {
            StoreKind::Sqlite => {
                let pool = sqlx::SqlitePool::connect(&self.url).await.unwrap();
                sqlx::query_scalar(sql).fetch_one(&pool).await.unwrap()
            }
            StoreKind::Postgres => {
                let pool = sqlx::PgPool::connect(&self.url).await.unwrap();
                sqlx::query_scalar(sql).fetch_one(&pool).await.unwrap()
            }
            _ => {
                let pool = sqlx::MySqlPool::connect(&self.url).await.unwrap();
                sqlx::query_scalar(sql).fetch_one(&pool).await.unwrap()
            }
        }
    }

    /// The plan for a row of `people`.
    pub async fn plan(&self, id: i64) -> Result<Plan, EraseError> {
        let target = Target {
            scope: Scope::User,
            subject_kind: SubjectKind::User,
            store: StoreName::new("one").unwrap(),
            table: "people".to_owned(),
            key: Key::from(id),
            categories: Vec::new(),
        };
        let skeleton = erase::plan(&self.map, &target)?;
        let preview = erase::preview(&self.map, &self.stores, skeleton, EraseLimits::default(), NOW).await?;
        let authority = authority(preview.skeleton.digest);
        Ok(Plan::new(preview, authority)?)
    }

    pub async fn execute(&self, plan: &Plan, ledger: &MemoryLedger) -> Result<Outcome, EraseError> {
        self.execute_decided(plan, ledger, Decision::default()).await
    }

    pub async fn execute_decided(
        &self,
        plan: &Plan,
        ledger: &MemoryLedger,
        decision: Decision,
    ) -> Result<Outcome, EraseError> {
        erase::execute_decided(plan, &self.ran(ledger), decision).await
    }

    /// What a completed erasing finds when it looks again.
    pub async fn search(&self, plan: &Plan, ledger: &MemoryLedger) -> Returned {
        erase::search(&plan.skeleton().digest, &self.ran(ledger)).await.unwrap()
    }

    fn ran<'a>(&'a self, ledger: &'a MemoryLedger) -> Run<'a> {
        Run {
            map: &self.map,
            stores: &self.stores,
            ledger,
            tombstone_secret: &[9; 32],
            now: NOW,
            limits: EraseLimits::default(),
            drift: DriftLimits::default(),
        }
    }
}

async fn run(kind: StoreKind, url: &str, script: &str) {
    let script = AssertSqlSafe(script.to_owned());
    match kind {
        StoreKind::Sqlite => {
            let pool = sqlx::SqlitePool::connect(&format!("{url}?mode=rwc")).await.unwrap();
            pool.execute(script).await.unwrap();
            pool.close().await;
        }
        StoreKind::Postgres => {
            let pool = sqlx::PgPool::connect(url).await.unwrap();
            pool.execute(script).await.unwrap();
            pool.close().await;
        }
        _ => {
            let pool = sqlx::MySqlPool::connect(url).await.unwrap();
            pool.execute(script).await.unwrap();
            pool.close().await;
        }
    }
}

/// A trigger of each database that runs a statement for each row; `AFTER DELETE ON people`, say.
pub fn trigger(kind: StoreKind, when: &str, statement: &str) -> String {
    match kind {
        StoreKind::Sqlite => format!("CREATE TRIGGER meddle {when} BEGIN {statement}; END"),
        StoreKind::Postgres => format!(
            "CREATE FUNCTION meddle() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {statement}; RETURN COALESCE(NEW, OLD); END $$;
             CREATE TRIGGER meddle {when} FOR EACH ROW EXECUTE FUNCTION meddle()"
        ),
        _ => format!("CREATE TRIGGER meddle {when} FOR EACH ROW {statement}"),
    }
}

/// Takes it away.
pub const fn no_trigger(kind: StoreKind) -> &'static str {
    match kind {
        StoreKind::Postgres => "DROP FUNCTION meddle() CASCADE",
        _ => "DROP TRIGGER meddle",
    }
}
