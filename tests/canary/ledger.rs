//! Reads all that the ledger holds, on either database, by SQL and as bytes of its files.

use std::path::Path;

use expunged::db::Dialect;
use expunged::params;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, PgConnection, Row};

use super::needles::Net;
use crate::support::world::World;

/// Fails where a planted word stands in any column, or in the bytes of the files.
pub async fn search(world: &World, net: &Net, stage: &str) {
    let rows = match world.house.db.dialect() {
        Dialect::Sqlite => {
            for (name, bytes) in files(world) {
                net.check(&bytes, &format!("{name}, {stage}"));
            }
            sqlite_rows(&world.ground.path("ledger.db")).await
        }
        Dialect::Postgres => postgres_rows(world.ground.ledger_url()).await,
    };
    assert!(rows.len() > 4_000, "the ledger was read: {} bytes", rows.len());
    net.check(&rows, &format!("the ledger, {stage}"));
}

/// All values of all tables, as bytes.
pub async fn sqlite_rows(path: &Path) -> Vec<u8> {
    let mut connection = SqliteConnectOptions::new().filename(path).connect().await.unwrap();
    let mut all = Vec::new();
    let tables = "SELECT name FROM sqlite_master WHERE type = 'table'";
    let tables: Vec<String> = sqlx::query_scalar(tables).fetch_all(&mut connection).await.unwrap();
    for table in tables {
        let columns = sqlx::query_scalar("SELECT name FROM pragma_table_info(?)").bind(&table);
        let columns: Vec<String> = columns.fetch_all(&mut connection).await.unwrap();
        for column in columns {
            let sql = AssertSqlSafe(format!(
                "SELECT CAST(\"{column}\" AS BLOB) AS v FROM \"{table}\" WHERE \"{column}\" IS NOT NULL"
            ));
            for row in sqlx::query(sql).fetch_all(&mut connection).await.unwrap() {
                all.extend_from_slice(row.get::<&[u8], _>("v"));
                all.push(b'\n');
            }
        }
    }
    connection.close().await.unwrap();
    all
}

/// All rows of all tables as text; bytes stand there as hex.
async fn postgres_rows(url: &str) -> Vec<u8> {
    let mut connection = PgConnection::connect(url).await.unwrap();
    let mut all = Vec::new();
    let tables = "SELECT tablename::text FROM pg_tables WHERE schemaname = 'public'";
    let tables: Vec<String> = sqlx::query_scalar(tables).fetch_all(&mut connection).await.unwrap();
    for table in tables {
        let sql = AssertSqlSafe(format!("SELECT t::text FROM \"{table}\" t"));
        let rows: Vec<String> = sqlx::query_scalar(sql).fetch_all(&mut connection).await.unwrap();
        all.extend_from_slice(rows.join("\n").as_bytes());
    }
    connection.close().await.unwrap();
    all
}

/// The files of a ledger on SQLite: the database, its write-ahead log, its index.
fn files(world: &World) -> Vec<(String, Vec<u8>)> {
    let entries = std::fs::read_dir(world.ground.path("")).unwrap().map(|entry| entry.unwrap());
    let ledger = entries.filter(|entry| entry.file_name().to_string_lossy().starts_with("ledger.db"));
    ledger
        .map(|entry| (entry.file_name().to_string_lossy().into_owned(), std::fs::read(entry.path()).unwrap()))
        .collect()
}

/// What lies sealed now.
pub async fn sealed_bytes(world: &World) -> Vec<Vec<u8>> {
    let mut tx = world.house.db.read().await.unwrap();
    let rows = tx.all("SELECT bytes FROM sealed", params![]).await.unwrap();
    rows.iter().map(|row| row.bytes("bytes").unwrap()).collect()
}

/// Nothing is left of the names, nor of what was sealed: not in a free page, not in the write-ahead log.
pub async fn files_are_clean(world: &World, net: &Net, sealed: &[Vec<u8>]) {
    let mut tx = world.house.db.read().await.unwrap();
    let left = tx.all("SELECT id FROM sealed", params![]).await.unwrap().len();
    drop(tx);
    assert_eq!(left, 0, "sealed rows are left without a key");
    if world.house.db.dialect() == Dialect::Postgres {
        return;
    }
    let mut connection = SqliteConnectOptions::new().filename(world.ground.path("ledger.db")).connect().await.unwrap();
    let done = sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)").fetch_one(&mut connection).await.unwrap();
    assert_eq!(done.get::<i64, _>(0), 0, "the checkpoint was not held up");
    connection.close().await.unwrap();
    let files = files(world);
    assert!(files.iter().any(|(name, bytes)| name == "ledger.db" && bytes.len() > 100_000));
    for (name, bytes) in files {
        net.check(&bytes, &name);
        for blob in sealed {
            let middle = &blob[blob.len() / 4..blob.len() * 3 / 4];
            assert!(middle.len() >= 16);
            assert!(!bytes.windows(middle.len()).any(|window| window == middle), "sealed bytes are left in {name}");
        }
    }
}
