//! Brings the schema to the number that this program knows: all of it in one transaction, or nothing.
//!
//! It never goes down, never touches a schema that a newer program made, and never goes on from a migration whose text was
//! changed after it ran: what stands there would not be what the program believes.

use sha2::{Digest, Sha256};

use super::dialect::Dialect;
use super::error::DbError;
use super::open::Db;
use super::sql::Tx;
use crate::params;

struct Migration {
    number: i64,
    name: &'static str,
    sqlite: &'static str,
    postgres: &'static str,
}

impl Migration {
    const fn text(&self, dialect: Dialect) -> &'static str {
        match dialect {
            Dialect::Sqlite => self.sqlite,
            Dialect::Postgres => self.postgres,
        }
    }

    fn digest(&self, dialect: Dialect) -> [u8; 32] {
        Sha256::digest(self.text(dialect).as_bytes()).into()
    }
}

macro_rules! migrations {
    ($($number:literal $file:literal),+ $(,)?) => {
        &[$(Migration {
            number: $number,
            name: $file,
            sqlite: include_str!(concat!("../../migrations/sqlite/", $file, ".sql")),
            postgres: include_str!(concat!("../../migrations/postgres/", $file, ".sql")),
        }),+]
    };
}

/// Every migration, in order. To add one: a file on each side and a line here. None is edited once it was released.
const MIGRATIONS: &[Migration] = migrations![
    1 "0001_jobs",
    2 "0002_cases",
    3 "0003_proof",
    4 "0004_holds",
    5 "0005_changing",
    6 "0006_again",
    7 "0007_lasting",
    8 "0008_recipients",
    9 "0009_waits",
    10 "0010_settled",
    11 "0011_completions",
    12 "0012_holding",
    13 "0013_claimed",
    14 "0014_kept",
    15 "0015_since",
    16 "0016_termination",
    17 "0017_our_mx",
];

/// Any number that nobody else locks: the daemons that start together migrate one after the other.
const ADVISORY_LOCK: i64 = 0x6578_7075_6e67_6564;

/// Applies what is missing.
pub(super) async fn migrate(db: &Db) -> Result<(), DbError> {
    let mut tx = db.write().await?;
    if tx.dialect() == Dialect::Postgres {
        tx.all("SELECT pg_advisory_xact_lock($1)", params![ADVISORY_LOCK]).await?;
    }
    let created = tx.dialect().pick(
        "CREATE TABLE IF NOT EXISTS schema_migrations (
            number INTEGER PRIMARY KEY, name TEXT NOT NULL, digest BLOB NOT NULL, applied_at TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP
         ) STRICT",
        "CREATE TABLE IF NOT EXISTS schema_migrations (
            number BIGINT PRIMARY KEY, name TEXT NOT NULL, digest BYTEA NOT NULL,
            applied_at TIMESTAMPTZ NOT NULL DEFAULT CURRENT_TIMESTAMP
         )",
    );
    tx.script(created).await?;
    let applied = applied(&mut tx).await?;
    for migration in MIGRATIONS.iter().filter(|migration| migration.number > applied) {
        tx.script(migration.text(tx.dialect())).await?;
        let insert = "INSERT INTO schema_migrations (number, name, digest) VALUES ($1, $2, $3)";
        let digest = migration.digest(tx.dialect());
        tx.execute_one(insert, params![migration.number, migration.name, digest]).await?;
    }
    tx.commit().await
}

/// Refuses a schema that is not the one of this program; changes nothing.
pub(super) async fn is_current(db: &Db) -> Result<(), DbError> {
    let known = MIGRATIONS.last().map_or(0, |last| last.number);
    let mut tx = db.read().await?;
    let table = tx.dialect().pick(
        "SELECT 1 FROM sqlite_schema WHERE name = 'schema_migrations'",
        "SELECT 1 FROM pg_tables WHERE schemaname = current_schema() AND tablename = 'schema_migrations'",
    );
    let found = if tx.optional(table, params![]).await?.is_some() { applied(&mut tx).await? } else { 0 };
    if found == known { Ok(()) } else { Err(DbError::OlderSchema { found, known }) }
}

/// The number of the last migration that ran here; an error if it is not one of ours.
async fn applied(tx: &mut Tx) -> Result<i64, DbError> {
    let known = MIGRATIONS.last().map_or(0, |last| last.number);
    let mut last = 0;
    for row in tx.all("SELECT number, name, digest FROM schema_migrations ORDER BY number", params![]).await? {
        let row = row.of("schema_migrations");
        last = row.i64("number")?;
        if last > known {
            return Err(DbError::NewerSchema { found: last, known });
        }
        let found = row.text("name")?;
        match MIGRATIONS.iter().find(|ours| ours.number == last) {
            Some(ours) if ours.name == found && row.array32("digest")? == ours.digest(tx.dialect()) => {}
            Some(ours) if ours.name == found => return Err(DbError::ChangedMigration { number: last, name: found }),
            ours => {
                return Err(DbError::ForeignSchema { number: last, found, known: ours.map_or("", |ours| ours.name) });
            }
        }
    }
    Ok(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The file names of one side, sorted.
    fn files(dialect: &str) -> Vec<String> {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations").join(dialect);
        let mut names: Vec<_> = std::fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .filter(|name| name.ends_with(".sql"))
            .collect();
        names.sort();
        names
    }

    #[test]
    fn both_sides_have_the_same_migrations_and_all_are_listed() {
        let listed: Vec<_> = MIGRATIONS.iter().map(|migration| format!("{}.sql", migration.name)).collect();
        assert_eq!(files("sqlite"), listed);
        assert_eq!(files("postgres"), listed);
    }

    #[test]
    fn numbers_count_up_from_one_and_lead_the_name() {
        for (index, migration) in MIGRATIONS.iter().enumerate() {
            assert_eq!(migration.number, i64::try_from(index).unwrap() + 1);
            assert!(migration.name.starts_with(&format!("{:04}_", migration.number)), "{}", migration.name);
        }
    }
    /// What ran here is held by its text: an edited migration would leave an older database without what it says.
    #[tokio::test]
    async fn a_changed_migration_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}", folder.path().join("ledger.db").display());
        let settings = super::super::DatabaseSettings { url: url.into(), connections_max: 1 };
        let db = Db::open(&settings).await.unwrap();
        let mut tx = db.write().await.unwrap();
        let sql = "UPDATE schema_migrations SET digest = $1 WHERE number = 2";
        tx.execute_one(sql, params![[0_u8; 32]]).await.unwrap();
        tx.commit().await.unwrap();
        db.close().await;
        let refused = Db::open(&settings).await.err().unwrap();
        assert!(matches!(refused, DbError::ChangedMigration { number: 2, .. }), "{refused}");
    }
}
