//! SQLite's OR REPLACE deletes whatever is in the way of a row, and no trigger sees a DELETE: no row that the gate guards
//! may go like that, by whichever of its keys, on a connection that switched nothing on.

use std::path::Path;

use expunged::domain::RequestId;
use expunged::flow::operate;
use expunged::params;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{AssertSqlSafe, ConnectOptions as _, Row as _};

use super::{OWNERS, shop_is_untouched};
use crate::support::world::World;

/// What permits or proves something.
const GUARDED: [&str; 9] =
    ["requests", "authorities", "beginnings", "completions", "holds", "steps", "vault_keys", "trail", "recipients"];

/// Somebody with the file and a client of their own, in which everything is as SQLite ships it.
struct Stranger(SqliteConnection);

/// What tells the rows of a table apart: its columns, and which rows it is about.
struct Key {
    columns: Vec<String>,
    which: String,
}

impl Stranger {
    async fn at(ledger: &Path) -> Self {
        let options = SqliteConnectOptions::new().filename(ledger).foreign_keys(false);
        Self(options.connect().await.unwrap())
    }

    async fn words(&mut self, sql: String) -> Vec<String> {
        let rows = sqlx::query(AssertSqlSafe(sql)).fetch_all(&mut self.0).await.unwrap();
        rows.iter().map(|row| row.get::<String, _>(0)).collect()
    }

    /// The primary key, and every unique index beside it.
    async fn keys(&mut self, table: &str) -> Vec<Key> {
        let primary = format!("SELECT name FROM pragma_table_info('{table}') WHERE pk > 0 ORDER BY pk");
        let mut keys = vec![Key { columns: self.words(primary).await, which: "true".to_owned() }];
        let unique = format!(
            "SELECT name FROM pragma_index_list('{table}') WHERE \"unique\" = 1 AND origin <> 'pk' ORDER BY name"
        );
        for index in self.words(unique).await {
            let columns = format!("SELECT name FROM pragma_index_info('{index}') ORDER BY seqno");
            let text = format!("SELECT COALESCE(sql, '') FROM sqlite_schema WHERE name = '{index}'");
            let text = self.words(text).await.concat();
            let partial = text.split_once(" WHERE ").map_or("true", |(_, which)| which);
            keys.push(Key { columns: self.words(columns).await, which: partial.to_owned() });
        }
        for key in &mut keys {
            for column in &key.columns {
                key.which = format!("{} AND {column} IS NOT NULL", key.which);
            }
        }
        keys
    }

    /// Each row as text.
    async fn rows(&mut self, table: &str) -> Vec<String> {
        let columns = self.words(format!("SELECT name FROM pragma_table_info('{table}')")).await;
        let row = columns.iter().map(|column| format!("quote({column})")).collect::<Vec<_>>().join(" || ',' || ");
        self.words(format!("SELECT {row} FROM {table} ORDER BY 1")).await
    }

    /// The gate refuses the statement, or it does nothing.
    async fn is_stopped(&mut self, table: &str, sql: String) {
        let before = self.rows(table).await;
        match sqlx::query(AssertSqlSafe(sql.clone())).execute(&mut self.0).await {
            Ok(done) => assert_eq!(done.rows_affected(), 0, "{sql}"),
            Err(error) => {
                let said = error.as_database_error().map(|error| error.message().to_owned()).unwrap_or_default();
                assert!(said.starts_with("gate: "), "{sql}: {error}");
            }
        }
        assert_eq!(self.rows(table).await, before, "{sql}");
    }
}

/// A new row in every other respect that takes this key of one that is there.
async fn taken_by_a_new_row(stranger: &mut Stranger, table: &str, key: &Key, all: &[Key]) -> String {
    let columns = stranger.words(format!("SELECT name FROM pragma_table_info('{table}')")).await;
    let values = columns.iter().map(|column| {
        if !key.columns.contains(column) && all.iter().any(|other| other.columns.contains(column)) {
            format!(
                "CASE typeof({column}) WHEN 'blob' THEN randomblob(length({column})) WHEN 'text' THEN {column} || 'X'
                   WHEN 'integer' THEN {column} + 5000 END"
            )
        } else if (table, column.as_str()) == ("requests", "state") {
            // So that it is no birth that another rule refuses.
            "'received'".to_owned()
        } else {
            column.clone()
        }
    });
    let (values, columns) = (values.collect::<Vec<_>>().join(", "), columns.join(", "));
    format!("INSERT OR REPLACE INTO {table} ({columns}) SELECT {values} FROM {table} WHERE {} LIMIT 1", key.which)
}

/// A row that is there takes this key of another one.
fn taken_by_a_neighbour(table: &str, key: &Key) -> String {
    let (columns, which) = (key.columns.join(", "), &key.which);
    let of =
        |place: u8| format!("SELECT {columns} FROM {table} WHERE {which} ORDER BY {columns} LIMIT 1 OFFSET {place}");
    format!("UPDATE OR REPLACE {table} SET ({columns}) = ({}) WHERE ({columns}) = ({}) AND {which}", of(0), of(1))
}

/// Two requests with proof that were held, one of which is erasing: two rows at least in every table.
async fn two_with_all_that_permits(world: &World) -> RequestId {
    let one = world.ask_and_confirm(OWNERS[0]).await;
    let other = world.ask_and_confirm(OWNERS[1]).await;
    let operator = world.operator("alice");
    for id in [one, other] {
        let reference = world.reference(id).await;
        operate::act(&world.house, &reference, &operator, operate::Act::Hold, None).await.unwrap();
        operate::act(&world.house, &reference, &operator, operate::Act::Release, None).await.unwrap();
    }
    world.settle().await;
    for id in [one, other] {
        world.forge_beginning(id).await;
    }
    world.try_sql("UPDATE requests SET state = 'erasing' WHERE id = $1", params![one]).await.unwrap();
    let step = "INSERT INTO steps (request_id, sequence, store, table_name, action, state, authority_id, account_mac,
           plan_digest, intended_at)
         SELECT $1, n.number, 'shop', 'users', 'delete', 'intended', a.id, a.account_mac, a.plan_digest, a.issued_at
         FROM authorities a, (SELECT 900 AS number UNION SELECT 901) n WHERE a.request_id = $1";
    assert_eq!(world.try_sql(step, params![one]).await.unwrap(), 2);
    let asked =
        "INSERT INTO recipients (request_id, store, kind, state, attempts, answers, partial, token_hash, created_at, remind_at, due_at)
         SELECT $1, n.store, 'mail', 'pending', 0, 0, 0, randomblob(32), 1, 2, 3
         FROM (SELECT 'parcels' AS store UNION SELECT 'courier') n";
    assert_eq!(world.try_sql(asked, params![one]).await.unwrap(), 2);
    let done = "INSERT INTO completions (authority_id, covers, request_id, account_mac, plan_digest, held_anything, completed_at, mark)
         SELECT a.id, n.covers, a.request_id, a.account_mac, a.plan_digest, 1, a.issued_at, a.hmac
         FROM authorities a, (SELECT 'stores' AS covers UNION SELECT 'all') n WHERE a.request_id = $1";
    assert_eq!(world.try_sql(done, params![one]).await.unwrap(), 2);
    let places = "UPDATE trail SET log_index = position WHERE position <= 2";
    assert_eq!(world.try_sql(places, params![]).await.unwrap(), 2);
    other
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_key_of_a_guarded_row_is_taken() {
    let world = &World::sqlite().await;
    world.live(two_with_all_that_permits(world)).await;
    let stranger = &mut Stranger::at(&world.ground.path("ledger.db")).await;
    for table in GUARDED {
        let keys = stranger.keys(table).await;
        for key in &keys {
            let there = format!("SELECT CAST(COUNT(*) AS TEXT) FROM {table} WHERE {}", key.which);
            let there: u64 = stranger.words(there).await.concat().parse().unwrap();
            assert!(there >= 2, "{table} has two rows with ({})", key.columns.join(", "));
            let new = taken_by_a_new_row(stranger, table, key, &keys).await;
            stranger.is_stopped(table, new).await;
            stranger.is_stopped(table, taken_by_a_neighbour(table, key)).await;
        }
        // A rowid of its own would be a key that no index shows.
        let hidden = format!(
            "SELECT name FROM pragma_table_list('{table}') WHERE wr = 0 AND NOT EXISTS (
               SELECT 1 FROM pragma_table_info('{table}') WHERE pk = 1 AND type = 'INTEGER')"
        );
        assert_eq!(stranger.words(hidden).await, Vec::<String>::new());
    }
    shop_is_untouched(world).await;
}

/// The rule that guards an open wish does not take the answer away that the program asks for.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_wish_that_is_open_is_passed_over() {
    let world = &World::sqlite().await;
    let open = world.live(two_with_all_that_permits(world)).await;
    let columns = "state, origin, offered, approval, language, received_at, base_due, legal_due, extended, round, reminded, \
         code_asked, reachable, due_told, moves, opened_at, updated_at, wish_mac";
    let again = format!(
        "INSERT INTO requests (id, reference, case_id, {columns})
         SELECT randomblob(16), 'TWIN', randomblob(16), {columns} FROM requests WHERE id = $1
         ON CONFLICT (wish_mac) DO NOTHING"
    );
    assert_eq!(world.try_sql(&again, params![open]).await.unwrap(), 0);
    let let_go = "UPDATE requests SET wish_mac = NULL WHERE id = $1";
    assert_eq!(world.try_sql(let_go, params![open]).await.unwrap(), 1);
    let back = "UPDATE requests SET wish_mac = $2 WHERE id = $1";
    let refused = world.try_sql(back, params![open, vec![1_u8; 32]]).await.unwrap_err();
    assert_eq!(refused.refused_by_gate(), Some("a request stays itself"));
}
