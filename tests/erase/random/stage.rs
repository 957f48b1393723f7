//! A case on a real store: made, erased from, read.

use expunged::erase::{self, DataMap, DriftLimits, EraseLimits, Plan, Run, Target, check};
use expunged::stores::{self, Key, KeyValue, StoreKind, StoreLimits, StoreName, Stores};
use secrecy::SecretString;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{Executor as _, PgPool, Row as _, SqlitePool};

use super::Case;
use super::rows::{Rows, Value};
use super::schema::{Schema, Table};
use super::walk::Walked;
use crate::erase::memory::MemoryLedger;
use crate::erase::world::{NOW, authority};
use crate::support::dice::Dice;

pub struct Stage {
    pub kind: StoreKind,
    map: DataMap,
    stores: Stores,
    pool: Pool,
}

enum Pool {
    Sqlite(SqlitePool),
    Postgres(PgPool),
}

/// A folder in memory where there is one: what is tested is what is written, not that it is on a disk.
pub fn in_memory() -> tempfile::TempDir {
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap()
}

impl Stage {
    pub async fn sqlite(folder: &std::path::Path, case: &Case) -> Self {
        let file = folder.join("one.db");
        let options = SqliteConnectOptions::new()
            .filename(&file)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Memory)
            .synchronous(SqliteSynchronous::Off)
            .foreign_keys(false);
        let pool = SqlitePoolOptions::new().max_connections(1).connect_with(options).await.unwrap();
        let script = script(case, StoreKind::Sqlite);
        pool.execute(sqlx::AssertSqlSafe(format!("BEGIN; {script} COMMIT"))).await.unwrap();
        let url = format!("sqlite://{}", file.display());
        Self::on(StoreKind::Sqlite, &url, Pool::Sqlite(pool), &case.schema).await
    }

    pub async fn postgres(url: &str, case: &Case) -> Self {
        let pool = PgPool::connect(url).await.unwrap();
        let script = script(case, StoreKind::Postgres);
        let all = format!("BEGIN; DROP SCHEMA public CASCADE; CREATE SCHEMA public; {script} COMMIT");
        pool.execute(sqlx::AssertSqlSafe(all)).await.unwrap();
        Self::on(StoreKind::Postgres, url, Pool::Postgres(pool), &case.schema).await
    }

    async fn on(kind: StoreKind, url: &str, pool: Pool, schema: &Schema) -> Self {
        let text = schema.map(kind);
        let map = DataMap::parse(&[("one.toml", &text)]).unwrap_or_else(|error| panic!("{error}\n{text}"));
        let url = SecretString::from(url.to_owned());
        let limits = StoreLimits { connections_max: 1, ..StoreLimits::default() };
        let mut stores = Stores::default();
        stores.insert(name(), stores::open(kind, &url, limits).await.unwrap());
        assert_eq!(check(&map, &stores.schemas().await.unwrap()), [], "{text}");
        Self { kind, map, stores, pool }
    }

    /// Erases, sometimes killed on the way and sometimes twice, and compares what was told with what was worked out.
    pub async fn erase(&self, dice: &mut Dice, table: usize, root: &[Value], walked: &Walked) -> Result<(), String> {
        let target = Target {
            scope: super::scope(table),
            subject_kind: super::kind(table),
            store: name(),
            table: super::schema::SUBJECTS[table].0.to_owned(),
            key: Key(root.iter().map(key_value).collect()),
            categories: Vec::new(),
        };
        let limits = EraseLimits { chunk_rows: [1, 2, 3, 1_000][dice.below(4)], ..EraseLimits::default() };
        let skeleton = erase::plan(&self.map, &target).map_err(|error| format!("no plan: {error}"))?;
        let preview = erase::preview(&self.map, &self.stores, skeleton, limits, NOW).await;
        let preview = preview.map_err(|error| format!("no preview: {error:?}"))?;
        let authority = authority(preview.skeleton.digest);
        let plan = Plan::new(preview, authority).map_err(|error| error.to_string())?;
        let ledger = MemoryLedger::default();
        let run = Run {
            map: &self.map,
            stores: &self.stores,
            ledger: &ledger,
            tombstone_secret: &[9; 32],
            now: NOW,
            limits,
            drift: DriftLimits::default(),
        };
        if dice.percent(15) {
            ledger.kill_after(Some(dice.below(60)));
            let _ = erase::execute(&plan, &run).await;
            ledger.kill_after(None);
        }
        let outcome = erase::execute(&plan, &run).await.map_err(|error| format!("not erased: {error:?}"))?;
        if !outcome.is_clean() {
            let left = outcome.steps.iter().filter(|step| step.counts.residue > 0);
            let left: Vec<_> = left.map(|step| format!("{} {} {:?}", step.table, step.act, step.counts)).collect();
            return Err(format!("not clean: {}", left.join("; ")));
        }
        if outcome.totals().erased != walked.deleted {
            return Err(format!("{} rows were told to be erased, not {}", outcome.totals().erased, walked.deleted));
        }
        if dice.percent(10) && erase::execute(&plan, &run).await.map_err(|error| error.to_string())? != outcome {
            return Err("run again, it tells something else".to_owned());
        }
        Ok(())
    }

    /// Every row of a table, as text.
    pub async fn dump(&self, table: &Table) -> Vec<Vec<Option<String>>> {
        let texts: Vec<_> = table.columns.iter().map(|column| format!("CAST({} AS TEXT)", column.name)).collect();
        let sql = format!("SELECT {} FROM {}", texts.join(", "), table.name);
        let count = table.columns.len();
        match &self.pool {
            Pool::Sqlite(pool) => {
                let rows = pool.fetch_all(sqlx::AssertSqlSafe(sql)).await.unwrap();
                rows.iter().map(|row| (0..count).map(|at| row.get(at)).collect()).collect()
            }
            Pool::Postgres(pool) => {
                let rows = pool.fetch_all(sqlx::AssertSqlSafe(sql)).await.unwrap();
                rows.iter().map(|row| (0..count).map(|at| row.get(at)).collect()).collect()
            }
        }
    }

    /// The rows with what only the store knows.
    pub async fn settled(&self, schema: &Schema, rows: &Rows) -> Rows {
        let mut settled = rows.clone();
        for (table, rows) in schema.tables.iter().zip(&mut settled) {
            let known = |value: &Value| !matches!(value, Value::Tombstone | Value::Emptied);
            if rows.iter().flatten().all(known) {
                continue;
            }
            let dump = self.dump(table).await;
            for row in rows {
                let found = dump.iter().find(|found| table.key.iter().all(|key| row[*key].meets(&found[*key])));
                let found = found.expect("the row was there a moment ago");
                for (value, found) in row.iter_mut().zip(found) {
                    if matches!(value, Value::Tombstone | Value::Emptied) {
                        *value = found.clone().map_or(Value::Null, Value::Text);
                    }
                }
            }
        }
        settled
    }
}

fn name() -> StoreName {
    StoreName::new("one").unwrap()
}

fn key_value(value: &Value) -> KeyValue {
    match value {
        Value::Int(number) => KeyValue::Int(*number),
        other => KeyValue::Text(other.text().unwrap_or_default()),
    }
}

/// Tables, rows, and then the foreign keys, where the store can be told of them later.
fn script(case: &Case, kind: StoreKind) -> String {
    let mut script = case.schema.tables_sql(kind).join("\n");
    for (table, rows) in case.schema.tables.iter().zip(&case.rows) {
        let values: Vec<_> =
            rows.iter().map(|row| format!("({})", row.iter().map(Value::sql).collect::<Vec<_>>().join(", "))).collect();
        if !values.is_empty() {
            script += &format!("INSERT INTO {} VALUES {};\n", table.name, values.join(", "));
        }
    }
    if kind == StoreKind::Postgres {
        for table in &case.schema.tables {
            for foreign in case.schema.foreign_keys(table) {
                script += &format!("ALTER TABLE {} ADD {foreign};\n", table.name);
            }
        }
    }
    script
}
