//! Reads all that the ledger holds, on either database, by SQL and as bytes of its files.

use std::collections::BTreeMap;
use std::path::Path;

use aho_corasick::AhoCorasick;
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
    sqlite_tables(path).await.into_values().collect::<Vec<_>>().concat()
}

/// The same by table.
pub async fn sqlite_tables(path: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut connection = SqliteConnectOptions::new().filename(path).connect().await.unwrap();
    let mut all = BTreeMap::new();
    let tables = "SELECT name FROM sqlite_master WHERE type = 'table'";
    let tables: Vec<String> = sqlx::query_scalar(tables).fetch_all(&mut connection).await.unwrap();
    for table in tables {
        let columns = sqlx::query_scalar("SELECT name FROM pragma_table_info(?)").bind(&table);
        let columns: Vec<String> = columns.fetch_all(&mut connection).await.unwrap();
        let mut rows = Vec::new();
        for column in columns {
            let sql = AssertSqlSafe(format!(
                "SELECT CAST(\"{column}\" AS BLOB) AS v FROM \"{table}\" WHERE \"{column}\" IS NOT NULL"
            ));
            for row in sqlx::query(sql).fetch_all(&mut connection).await.unwrap() {
                rows.extend_from_slice(row.get::<&[u8], _>("v"));
                rows.push(b'\n');
            }
        }
        all.insert(table, rows);
    }
    connection.close().await.unwrap();
    all
}

/// All rows of all tables as text; bytes stand there as hex.
async fn postgres_rows(url: &str) -> Vec<u8> {
    postgres_tables(url).await.into_values().collect::<Vec<_>>().concat()
}

/// The same by table.
pub async fn postgres_tables(url: &str) -> BTreeMap<String, Vec<u8>> {
    let mut connection = PgConnection::connect(url).await.unwrap();
    let mut all = BTreeMap::new();
    let tables = "SELECT tablename::text FROM pg_tables WHERE schemaname = 'public'";
    let tables: Vec<String> = sqlx::query_scalar(tables).fetch_all(&mut connection).await.unwrap();
    for table in tables {
        let sql = AssertSqlSafe(format!("SELECT t::text FROM \"{table}\" t ORDER BY 1"));
        let rows: Vec<String> = sqlx::query_scalar(sql).fetch_all(&mut connection).await.unwrap();
        all.insert(table, rows.join("\n").into_bytes());
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

/// What lies sealed now, and the wrapped keys of it.
pub async fn secrets(world: &World) -> Vec<Vec<u8>> {
    let mut tx = world.house.db.read().await.unwrap();
    let sql = "SELECT bytes FROM sealed UNION ALL SELECT wrapped FROM vault_keys WHERE wrapped IS NOT NULL";
    tx.all(sql, params![]).await.unwrap().iter().map(|row| row.bytes("bytes").unwrap()).collect()
}

/// Nothing is left of the names, nor of what was sealed, nor of the keys: not in a free page, not in the write-ahead log.
/// The daemon empties that log by itself; it is given the time of some polls.
pub async fn files_are_clean(world: &World, net: &Net, secrets: &[Vec<u8>]) {
    assert_eq!(world.number("SELECT COUNT(*) AS number FROM sealed", params![]).await, 0, "sealed rows without a key");
    if world.house.db.dialect() == Dialect::Postgres {
        return;
    }
    // The middle of a secret, which no other bytes are like.
    let middles =
        AhoCorasick::new(secrets.iter().map(|secret| &secret[secret.len() / 4..secret.len() * 3 / 4])).unwrap();
    let mut left = None;
    for _ in 0..100 {
        let files = files(world);
        assert!(files.iter().any(|(name, bytes)| name == "ledger.db" && bytes.len() > 100_000));
        left = files.iter().find(|(_, bytes)| middles.is_match(bytes)).map(|(name, _)| name.clone());
        if left.is_none() {
            for (name, bytes) in files {
                net.check(&bytes, &name);
            }
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    panic!("destroyed bytes are left in {}", left.unwrap_or_default());
}
