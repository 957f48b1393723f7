//! A ledger that has no room left says so, and goes on when there is some.

use std::process::Stdio;
use std::time::Duration;

use expunged::db::{DatabaseSettings, Db, DbError};
use expunged::params;
use tokio::process::Command;

use crate::support::world::{Ground, plain};

async fn ledger(folder: &std::path::Path) -> Db {
    let url = format!("sqlite://{}", folder.join("ledger.db").display());
    Db::open(&DatabaseSettings { url: url.into(), connections_max: 2 }).await.unwrap()
}

/// SQLite ends the transaction by itself where a page does not fit: the connection must not be asked to go on in it.
#[tokio::test]
async fn a_full_ledger_is_told_as_one_and_the_next_transaction_begins() {
    let folder = tempfile::tempdir().unwrap();
    let db = ledger(folder.path()).await;
    let mut tx = db.write().await.unwrap();
    let pages = tx.one("PRAGMA page_count", params![]).await.unwrap().i64("page_count").unwrap();
    tx.all(&format!("PRAGMA max_page_count = {}", pages + 1), params![]).await.unwrap();
    let sql = "INSERT INTO canaries (store, epoch, next_epoch) VALUES ($1, 0, 0)";
    let full = tx.execute(sql, params!["x".repeat(1 << 20)]).await.unwrap_err();
    assert!(matches!(full, DbError::Full(_)) && full.is_passing(), "{full:?}");
    let told = crate::support::world::told(&full);
    assert!(told.contains("the disk that holds our own database is full: make room there"), "{told}");
    assert!(told.contains("database or disk is full") && !told.contains("xxx"), "{told}");
    drop(tx);
    let mut tx = db.write().await.unwrap();
    assert_eq!(tx.execute(sql, params!["shop"]).await.unwrap(), 1);
    tx.commit().await.unwrap();
    db.close().await;
}

/// On a real disk of 2.5 MB, where one can be made.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_daemon_whose_disk_is_full_ends_and_says_why() {
    let ground = Ground::sqlite().await;
    std::fs::create_dir(ground.path("small")).unwrap();
    let ground = ground.with_config(|config| {
        let config = config.replace("sqlite:ledger.db", "sqlite:small/ledger.db");
        config
            .replace(
                "[mailer.file]\npath = \"customers\"",
                "[mailer.smtp]\nhost = \"127.0.0.1\"\nport = 9\nlogin = \"none\"",
            )
            .replace("\nlogin = \"none\"", "")
    });
    for number in 0..12 {
        let text = format!("Hello,\r\n\r\nwhere is my order number {number}?\r\n{}", "la la la la\r\n".repeat(25_000));
        let letter = plain(&format!("visitor{number}@elsewhere.example"), "My order", &text);
        std::fs::write(ground.path("support/new").join(format!("179900000{number}.M1P1.host")), letter).unwrap();
    }
    let script =
        "mount -t tmpfs -o size=2500k tmpfs small || exit 99; exec \"$0\" --config expunged.toml run --backfill";
    let mut command = Command::new("unshare");
    command.args(["--map-root-user", "--mount", "sh", "-c", script, env!("CARGO_BIN_EXE_expunged")]);
    command.current_dir(ground.path(".")).stdin(Stdio::null()).kill_on_drop(true);
    let Ok(ended) = tokio::time::timeout(Duration::from_secs(100), command.output()).await else {
        panic!("the daemon went on with a full disk");
    };
    let Ok(ended) = ended else {
        eprintln!("NOT TESTED: a daemon on a full disk takes a mount of its own, and `unshare` is not here");
        return;
    };
    let said = String::from_utf8_lossy(&ended.stderr).into_owned();
    if ended.status.code() == Some(99) || said.contains("unshare: ") {
        // The other test has what of it can be had.
        eprintln!("NOT TESTED: a daemon on a full disk takes one of its own, and no tmpfs may be mounted here");
        return;
    }
    assert_eq!(ended.status.code(), Some(1), "{said}");
    assert!(said.contains("because: the disk that holds our own database is full: make room there"), "{said}");
    assert!(!said.contains("elsewhere.example"), "{said}");
}
