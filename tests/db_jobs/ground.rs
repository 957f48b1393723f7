//! The ground under every table: values go in and come out, gates and schemas are respected, mailbox leases.

use std::time::Duration;

use expunged::db::{Db, DbError, Param, mailbox_leases};
use expunged::domain::{Retry, Scope, Timestamp};
use expunged::params;
use serde_json::json;
use uuid::Uuid;

use super::world::{self, job, on_both};

on_both! {
    async fn every_kind_of_value_comes_back_as_it_went(world) {
        let create = world.db.dialect().pick(
            "CREATE TABLE v (id BLOB, b INTEGER, i INTEGER, s INTEGER, t TEXT, y BLOB, at INTEGER, j TEXT, n TEXT) STRICT",
            "CREATE TABLE v (id UUID, b BOOLEAN, i BIGINT, s SMALLINT, t TEXT, y BYTEA, at TIMESTAMPTZ, j JSONB, n TEXT)",
        );
        world.sql(create).await;
        let (id, at) = (Uuid::from_u128(7), Timestamp::from_micros(-1_234_567));
        let mut tx = world.db.write().await.unwrap();
        let insert = "INSERT INTO v VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
        let value = params![id, true, i64::MIN, 3_i16, "täxt", [9_u8; 32], at, json!({"k": [1, null]}), None::<&str>];
        tx.execute_one(insert, value).await.unwrap();
        let nulls = params![
            None::<Uuid>, None::<bool>, None::<i64>, None::<i32>, None::<String>, None::<Vec<u8>>, None::<Timestamp>,
            None::<serde_json::Value>, None::<&str>
        ];
        tx.execute_one(insert, nulls).await.unwrap();
        let row = tx.one("SELECT * FROM v WHERE id = $1", params![id]).await.unwrap().of("v");
        assert_eq!((row.uuid("id").unwrap(), row.bool("b").unwrap(), row.i64("i").unwrap()), (id, true, i64::MIN));
        assert_eq!((row.u32("s").unwrap(), row.text("t").unwrap()), (3, "täxt".into()));
        assert_eq!((row.array32("y").unwrap(), row.time("at").unwrap()), ([9; 32], at));
        assert_eq!((row.json("j").unwrap(), row.opt_text("n").unwrap()), (json!({"k": [1, null]}), None));
        let row = tx.one("SELECT * FROM v WHERE id IS NULL", params![]).await.unwrap();
        assert_eq!((row.opt_uuid("id").unwrap(), row.opt_bool("b").unwrap(), row.opt_i64("i").unwrap()), (None, None, None));
        assert_eq!((row.opt_bytes("y").unwrap(), row.opt_time("at").unwrap(), row.opt_json("j").unwrap()), (None, None, None));
    }

    async fn a_bad_stored_value_names_table_column_and_row(world) {
        let id = world.enqueue(&[job(world.now)]).await[0];
        let mut tx = world.db.read().await.unwrap();
        let row = tx.one("SELECT id, kind, request_id, run_at FROM jobs", params![]).await.unwrap().of("jobs");
        let unknown = row.word::<Scope>("kind").unwrap_err().to_string();
        assert_eq!(unknown, format!("jobs, row {id}: the stored value of kind is not readable"));
        assert!(matches!(row.uuid("request_id"), Err(DbError::Stored { table: "jobs", .. })), "NULL");
        assert!(matches!(row.text("run_at"), Err(DbError::Stored { .. })), "another type");
        assert!(matches!(row.text("no_such_column"), Err(DbError::Stored { .. })));
    }

    async fn lists_of_keys_are_one_parameter(world) {
        let ids = world.enqueue(&vec![job(world.now); 3]).await;
        let mut tx = world.db.read().await.unwrap();
        let sql = "SELECT id FROM jobs WHERE id = ANY($1) AND kind = ANY($2) AND priority = ANY($3) AND run_at = ANY($4)";
        let keys = vec![ids[0].as_uuid(), ids[2].as_uuid(), Uuid::nil()];
        let kinds = Param::Texts(vec!["a".into(), "it's".into()]);
        let rows = tx.all(sql, params![keys, kinds, vec![1_i64], vec![world.now]]).await.unwrap();
        assert_eq!(rows.len(), 2);
        let none = tx.all("SELECT id FROM jobs WHERE id = ANY($1)", params![Vec::<Uuid>::new()]).await.unwrap();
        assert!(none.is_empty());
    }

    async fn a_wrong_number_of_rows_is_an_error(world) {
        world.enqueue(&vec![job(world.now); 2]).await;
        let mut tx = world.db.write().await.unwrap();
        let all = tx.execute_one("UPDATE jobs SET reason = $1", params!["x"]).await;
        assert!(matches!(all, Err(DbError::RowCount { expected: 1, found: 2 })));
        assert!(matches!(tx.one("SELECT id FROM jobs WHERE kind = 'z'", params![]).await, Err(DbError::RowCount { .. })));
        assert!(matches!(tx.optional("SELECT id FROM jobs", params![]).await, Err(DbError::RowCount { .. })));
        assert!(tx.optional("SELECT id FROM jobs WHERE kind = 'z'", params![]).await.unwrap().is_none());
    }

    async fn a_gate_in_the_database_is_told_from_other_errors(world) {
        let gate = world.db.dialect().pick(
            "CREATE TRIGGER g BEFORE DELETE ON jobs BEGIN SELECT RAISE(ABORT, 'gate: no authority'); END",
            "CREATE FUNCTION g() RETURNS trigger LANGUAGE plpgsql AS
             $$ BEGIN RAISE EXCEPTION 'gate: no authority'; END $$",
        );
        world.sql(gate).await;
        if world.db.dialect() == expunged::db::Dialect::Postgres {
            world.sql("CREATE TRIGGER g BEFORE DELETE ON jobs FOR EACH ROW EXECUTE FUNCTION g()").await;
        }
        world.enqueue(&[job(world.now)]).await;
        let mut tx = world.db.write().await.unwrap();
        let refused = tx.execute("DELETE FROM jobs", params![]).await.unwrap_err();
        assert_eq!((refused.refused_by_gate(), refused.retry()), (Some("no authority"), Retry::Permanent));
        drop(tx);
        let mut tx = world.db.write().await.unwrap();
        let other = tx.execute("DELETE FROM no_such_table", params![]).await.unwrap_err();
        assert_eq!(other.refused_by_gate(), None);
    }

    async fn a_reading_transaction_cannot_write(world) {
        let mut tx = world.db.read().await.unwrap();
        assert!(tx.execute("DELETE FROM jobs", params![]).await.is_err());
    }

    async fn opening_again_changes_nothing_and_a_newer_schema_is_refused(world) {
        world.enqueue(&[job(world.now)]).await;
        let (one, two) = tokio::join!(Db::open(&world.settings), Db::open(&world.settings));
        one.unwrap().close().await;
        two.unwrap().close().await;
        assert_eq!(world.count("waiting").await, 1);
        world.sql("INSERT INTO schema_migrations (number, name, digest) SELECT 9999, '9999_later', digest FROM schema_migrations WHERE number = 1").await;
        assert!(matches!(Db::open(&world.settings).await, Err(DbError::NewerSchema { found: 9999, .. })));
        world.sql("DELETE FROM schema_migrations WHERE number = 9999").await;
        world.sql("UPDATE schema_migrations SET name = '0001_other' WHERE number = 1").await;
        assert!(matches!(Db::open(&world.settings).await, Err(DbError::ForeignSchema { number: 1, .. })));
    }

    async fn one_daemon_reads_a_mailbox_and_another_takes_over(world) {
        let term = Duration::from_millis(400);
        let first = mailbox_leases::acquire(&world.db, "support", "one", term).await.unwrap().unwrap();
        assert!(mailbox_leases::acquire(&world.db, "support", "two", term).await.unwrap().is_none());
        assert!(mailbox_leases::acquire(&world.db, "sales", "two", term).await.unwrap().is_some());
        mailbox_leases::extend(&world.db, &first, term).await.unwrap();
        let mut tx = world.db.write().await.unwrap();
        mailbox_leases::confirm_in(&mut tx, &first).await.unwrap();
        tx.commit().await.unwrap();

        tokio::time::sleep(term + Duration::from_millis(100)).await;
        let mut tx = world.db.write().await.unwrap();
        assert!(matches!(mailbox_leases::confirm_in(&mut tx, &first).await, Err(DbError::LostLease)), "it ran out");
        drop(tx);
        let second = mailbox_leases::acquire(&world.db, "support", "two", Duration::from_secs(60)).await.unwrap().unwrap();
        assert!(matches!(mailbox_leases::extend(&world.db, &first, term).await, Err(DbError::LostLease)));
        mailbox_leases::release(&world.db, &first).await.unwrap();
        assert!(mailbox_leases::acquire(&world.db, "support", "one", term).await.unwrap().is_none(), "two has it");
        mailbox_leases::release(&world.db, &second).await.unwrap();
        assert!(mailbox_leases::acquire(&world.db, "support", "one", term).await.unwrap().is_some());
    }
}

#[tokio::test]
async fn urls_that_are_none_are_refused() {
    for url in ["", "mysql://localhost/x", "ledger.db", "postgres://[", "sqlite:///no/such/folder/x.db"] {
        let settings = expunged::db::DatabaseSettings { url: url.into(), connections_max: 1 };
        assert!(Db::open(&settings).await.is_err(), "{url}");
    }
}

#[cfg(unix)]
#[tokio::test]
async fn the_database_file_is_its_owners_only() {
    use std::os::unix::fs::PermissionsExt as _;
    world::on_sqlite(|world| async move {
        use secrecy::ExposeSecret as _;
        let path = world.settings.url.expose_secret().strip_prefix("sqlite://").unwrap().to_owned();
        for file in [path.clone(), path + "-wal"] {
            assert_eq!(std::fs::metadata(file).unwrap().permissions().mode() & 0o777, 0o600);
        }
    })
    .await;
}
