//! Every store keeps the same contract: one suite for databases, run on SQLite, PostgreSQL and MariaDB, and one for stores
//! whose tables are declared ([`keyed`]), run on Redis, S3 and a folder.
//!
//! The servers are real ones, of `tests/run` or of this process's own, and every test has its own database on them.

mod alike;
mod keyed;
mod limits;
mod survey;

use expunged::domain::Retry;
use expunged::stores::{
    self, Assignment, ColumnKind, Key, KeyValue, NewValue, OnDelete, Select, SqlRows, StoreError, StoreKind,
    StoreLimits, Tally,
};
use expunged::verify::{Directory as _, Queries, QueryError, Row, SqlDirectory};
use secrecy::SecretString;
use sqlx::Executor as _;

use crate::support::mariadb::fresh_mariadb;
use crate::support::postgres::fresh_postgres;

/// Tables with every shape of key; `{uuid}`, `{bytes}`, `{time}`, `{short}` (a text of five characters) and `{loose}` (a
/// text that takes others for the same) are each database's own types, `{unique}` is an index on a part of what it names.
const TABLES: &str = "
    CREATE TABLE people (id BIGINT PRIMARY KEY, email VARCHAR(120) NOT NULL UNIQUE, phone VARCHAR(20), note TEXT);
    CREATE TABLE orders (
        id BIGINT PRIMARY KEY, person_id BIGINT, placed_at {time}, ship_name VARCHAR(60),
        FOREIGN KEY (person_id) REFERENCES people (id));
    CREATE TABLE items (
        order_id BIGINT NOT NULL, line_no INT NOT NULL, what VARCHAR(60),
        PRIMARY KEY (order_id, line_no), FOREIGN KEY (order_id) REFERENCES orders (id));
    CREATE TABLE sessions (id {uuid} PRIMARY KEY, person_ref VARCHAR(40) NOT NULL);
    CREATE TABLE blobs (id {bytes} PRIMARY KEY, person_id BIGINT);
    CREATE TABLE \"odd\"\"name\" (\"the key\" VARCHAR(40) PRIMARY KEY, \"select\" INT);
    CREATE TABLE alike (id BIGINT PRIMARY KEY, short {short}, small INT, round NUMERIC(20, 0), loose {loose},
        part VARCHAR(60), fixed CHAR(8), CHECK (small < 100000));
    {unique};
    CREATE TABLE named (name {loose} PRIMARY KEY, note VARCHAR(20), tag VARCHAR(8));
    CREATE TABLE gifts (id BIGINT PRIMARY KEY, giver BIGINT, taker BIGINT,
        FOREIGN KEY (giver) REFERENCES people (id) ON DELETE CASCADE,
        FOREIGN KEY (taker) REFERENCES people (id) ON DELETE SET NULL);
    CREATE TABLE follows (id BIGINT PRIMARY KEY, who {loose}, FOREIGN KEY (who) REFERENCES named (name));
    INSERT INTO named VALUES ('MULLER', 'hers', NULL);
    INSERT INTO follows VALUES (1, 'muller');
    INSERT INTO alike VALUES (1, '12345', 7, 12345678901234567891, 'muller', 'a', 'ab'), (2, NULL, NULL, NULL, 'MULLER', 'b', NULL),
        (3, NULL, NULL, NULL, 'M\u{fc}ller', 'c', NULL), (4, NULL, NULL, NULL, '?', 'd', NULL), (5, NULL, NULL, NULL, 'muller ', 'e', NULL),
        (6, NULL, NULL, NULL, '0190a000-0000-7000-8000-00000000000a', 'f', NULL),
        (7, NULL, NULL, NULL, '0190A000-0000-7000-8000-00000000000A', 'g', NULL);
    INSERT INTO people VALUES (1, 'anna@example.org', '1', 'x'), (2, 'ben@example.org', NULL, 'y'), (3, 'cy@example.org', '3', NULL);
    INSERT INTO orders VALUES (10, 1, '2026-01-02 03:04:05', 'Anna'), (11, 1, '2027-05-06 00:00:00', 'Anna'), (12, 2, NULL, 'Ben');
    INSERT INTO items VALUES (10, 1, 'a'), (10, 2, 'b'), (11, 1, 'c'), (12, 1, 'd');
    INSERT INTO sessions VALUES ('0190a000-0000-7000-8000-000000000001', '1'), ('0190a000-0000-7000-8000-000000000002', '2');
    INSERT INTO blobs VALUES ({blob1}, 1), ({blob2}, 2);
    INSERT INTO \"odd\"\"name\" VALUES ('it''s', 1), ('Ünï', 2)
";

struct World {
    /// Whether a foreign key of text compares as the store compares it.
    follows: bool,
    store: std::sync::Arc<dyn SqlRows>,
    dump: Box<dyn AsyncDump>,
}

#[async_trait::async_trait]
trait AsyncDump: Send + Sync {
    async fn count(&self, sql: &str) -> i64;
}

fn names(columns: &[&str]) -> Vec<String> {
    columns.iter().map(|column| (*column).to_owned()).collect()
}

fn ints(values: &[i64]) -> Vec<Key> {
    values.iter().map(|value| Key::from(*value)).collect()
}

fn null(column: &str) -> Assignment {
    Assignment { column: column.to_owned(), value: NewValue::Null }
}

async fn conform(world: World) {
    reads_the_catalogue(&world).await;
    pages_of_keys(&world).await;
    finds_what_two_selections_share(&world).await;
    compares_across_types(&world).await;
    tallies_what_rows_hold(&world).await;
    masks_and_sees_residue(&world).await;
    a_change_that_goes_too_far_is_undone(&world).await;
    tells_what_columns_hold(&world).await;
    deletes_by_composite_keys(&world).await;
    answers_the_directory(&world).await;
    names_are_quoted(&world).await;
    speaks_of_no_value(&world).await;
    alike::finds_nobody_else_s_rows(&world).await;
    alike::touches_nobody_else_s_rows(&world).await;
    alike::follows_a_foreign_key(&world).await;
    alike::writes_a_uuid_in_every_way(&world).await;
    alike::knows_a_key_by_its_text(&world).await;
    alike::sees_what_refuses_a_constant(&world).await;
}

async fn reads_the_catalogue(world: &World) {
    world.store.ping().await.unwrap();
    let schema = world.store.schema().await.unwrap();
    let people = &schema.tables["people"];
    assert_eq!(people.primary_key, ["id"]);
    assert_eq!(people.uniques, [names(&["email"])]);
    let email = people.column("email").unwrap();
    assert_eq!((email.kind, email.nullable, email.length_max), (ColumnKind::Text, false, Some(120)));
    assert!(people.column("phone").unwrap().nullable);
    let items = &schema.tables["items"];
    assert_eq!(items.primary_key, ["order_id", "line_no"]);
    let link = &items.foreign_keys[0];
    assert_eq!((link.columns.as_slice(), link.table.as_str()), (names(&["order_id"]).as_slice(), "orders"));
    assert_eq!((link.references.as_slice(), link.on_delete), (names(&["id"]).as_slice(), OnDelete::Refuse));
    let gifts = &schema.tables["gifts"].foreign_keys;
    let rule = |column: &str| gifts.iter().find(|link| link.columns == [column]).map(|link| link.on_delete);
    assert_eq!((rule("giver"), rule("taker")), (Some(OnDelete::Cascade), Some(OnDelete::LetGo)));
    assert!(schema.tables.contains_key("odd\"name"));
    assert_eq!(schema.tables["blobs"].column("id").unwrap().kind, ColumnKind::Bytes);
}

async fn pages_of_keys(world: &World) {
    let key = names(&["order_id", "line_no"]);
    let orders = ints(&[10, 11]);
    let columns = names(&["order_id"]);
    let select = Select { table: "items", columns: &columns, values: &orders, linked_to: None };
    let first = world.store.keys(select, &key, None, 2).await.unwrap();
    let pair = |a: i64, b: i64| Key(vec![a.into(), b.into()]);
    assert_eq!(first, [pair(10, 1), pair(10, 2)]);
    let second = world.store.keys(select, &key, first.last(), 2).await.unwrap();
    assert_eq!(second, [pair(11, 1)]);
    assert_eq!(world.store.count(select).await.unwrap(), 3);
    let none = Select { values: &[], ..select };
    assert_eq!((world.store.count(none).await.unwrap(), world.store.delete(none).await.unwrap()), (0, 0));
}

async fn finds_what_two_selections_share(world: &World) {
    let (by_id, keys) = (names(&["id"]), ints(&[10, 11, 12, 99]));
    let select = Select { table: "orders", columns: &by_id, values: &keys, linked_to: None };
    let (by_person, ben) = (names(&["person_id"]), ints(&[2, 3]));
    let other = Select { table: "orders", columns: &by_person, values: &ben, linked_to: None };
    assert_eq!(world.store.keys_of_both(select, other, &by_id).await.unwrap(), ints(&[12]));
    let first = Select { values: &keys[..2], ..select };
    assert_eq!(world.store.keys_of_both(first, other, &by_id).await.unwrap(), []);
    // As the store links them: that may take others for the same.
    let (ids, who, loud) = (ints(&[1]), names(&["who"]), [Key::from("MULLER")]);
    let one = Select { table: "follows", columns: &by_id, values: &ids, linked_to: None };
    let linked = Select { table: "follows", columns: &who, values: &loud, linked_to: None };
    assert_eq!(world.store.keys_of_both(one, linked, &by_id).await.unwrap().len(), usize::from(world.follows));
}

async fn compares_across_types(world: &World) {
    // A number there is a text here.
    let by_ref = names(&["person_ref"]);
    let one = ints(&[1]);
    let select = Select { table: "sessions", columns: &by_ref, values: &one, linked_to: None };
    let sessions = world.store.keys(select, &names(&["id"]), None, 10).await.unwrap();
    assert_eq!(sessions.len(), 1);
    let by_id = names(&["id"]);
    assert_eq!(
        world
            .store
            .count(Select { table: "sessions", columns: &by_id, values: &sessions, linked_to: None })
            .await
            .unwrap(),
        1
    );
    let text = [Key::from("1")];
    assert_eq!(
        world.store.count(Select { table: "people", columns: &by_id, values: &text, linked_to: None }).await.unwrap(),
        1
    );
    for unfit in ["0 OR 1=1", "anna@example.org", "01", ""] {
        let unfit = [Key::from(unfit)];
        let refused =
            world.store.count(Select { table: "people", columns: &by_id, values: &unfit, linked_to: None }).await;
        assert!(matches!(refused, Err(StoreError::KeyShape { .. })), "it cannot be told whether a row means it");
    }
    let by_person = names(&["person_id"]);
    let of_one = Select { table: "blobs", columns: &by_person, values: &one, linked_to: None };
    let blobs = world.store.keys(of_one, &by_id, None, 9).await.unwrap();
    assert_eq!(blobs, [Key(vec![KeyValue::Bytes(vec![0, 0xff, 1])])]);
    assert_eq!(
        world.store.count(Select { table: "blobs", columns: &by_id, values: &blobs, linked_to: None }).await.unwrap(),
        1
    );
    assert_eq!(
        world.store.delete(Select { table: "blobs", columns: &by_id, values: &blobs, linked_to: None }).await.unwrap(),
        1
    );
    assert_eq!(world.dump.count("SELECT COUNT(*) FROM blobs").await, 1);
}

async fn tallies_what_rows_hold(world: &World) {
    let by_id = names(&["id"]);
    let keys = ints(&[1, 2, 3, 9]);
    let select = Select { table: "people", columns: &by_id, values: &keys, linked_to: None };
    let tally = |rows, holding: &[u64]| Tally { rows, holding: holding.to_vec() };
    let groups = [names(&["phone"]), names(&["note", "phone"]), names(&["email"])];
    assert_eq!(world.store.tally(select, &[], &groups).await.unwrap(), tally(3, &[2, 3, 3]));
    assert_eq!(world.store.tally(select, &[], &[]).await.unwrap(), tally(3, &[]));
    // Ben has no number, and Anna's note is what it becomes.
    let note = Assignment { column: "note".to_owned(), value: NewValue::Constant("x".to_owned()) };
    let groups = [names(&["note"]), names(&["phone"]), names(&["note", "phone"])];
    let left = world.store.tally(select, &[note, null("phone")], &groups).await.unwrap();
    assert_eq!(left, tally(3, &[1, 2, 3]), "Ben's note, the numbers of Anna and Cy");
    let nobody = ints(&[9]);
    let none = Select { values: &nobody, ..select };
    assert_eq!(world.store.tally(none, &[], &groups).await.unwrap(), tally(0, &[0, 0, 0]));
    assert_eq!(world.store.tally(Select { values: &[], ..select }, &[], &groups).await.unwrap(), tally(0, &[0, 0, 0]));
    let unknown = world.store.tally(select, &[], &[names(&["nothing"])]).await;
    assert!(matches!(unknown, Err(StoreError::UnknownColumn { .. })));
}

async fn masks_and_sees_residue(world: &World) {
    let by_id = names(&["id"]);
    let keys = ints(&[1, 3]);
    let select = Select { table: "people", columns: &by_id, values: &keys, linked_to: None };
    let mask = [
        Assignment {
            column: "email".to_owned(),
            value: NewValue::PerKey { texts: names(&["erased-a", "erased-b"]), alike: 7 },
        },
        Assignment { column: "note".to_owned(), value: NewValue::Constant("it's gone".to_owned()) },
        null("phone"),
    ];
    assert_eq!(world.store.residue(select, &mask).await.unwrap(), 2);
    for _ in 0..2 {
        assert_eq!(world.store.mask(select, &mask).await.unwrap(), 2, "again, the same");
    }
    assert_eq!(world.store.residue(select, &mask).await.unwrap(), 0);
    let other = |text: &str| {
        let texts = names(&[text, "erased-b"]);
        [Assignment { column: "email".to_owned(), value: NewValue::PerKey { texts, alike: 7 } }]
    };
    for (text, left) in [("erased-z", 0), ("erased-zz", 1), ("hidden-a", 1)] {
        assert_eq!(world.store.residue(select, &other(text)).await.unwrap(), left, "{text}");
    }
    let right = "SELECT COUNT(*) FROM people WHERE (id = 1 AND email = 'erased-a' OR id = 3 AND email = 'erased-b')
                 AND note = 'it''s gone' AND phone IS NULL";
    assert_eq!(world.dump.count(right).await, 2);
    assert_eq!(world.dump.count("SELECT COUNT(*) FROM people WHERE id = 2 AND email = 'ben@example.org'").await, 1);
    let clash = [Assignment { column: "email".to_owned(), value: NewValue::Constant("same".to_owned()) }];
    let refused = world.store.mask(select, &clash).await.unwrap_err();
    assert_eq!(refused.retry(), Retry::Permanent);
}

async fn a_change_that_goes_too_far_is_undone(world: &World) {
    // Not a key: two orders hang on person 1.
    let columns = names(&["person_id"]);
    let one = ints(&[1]);
    let select = Select { table: "orders", columns: &columns, values: &one, linked_to: None };
    let error = world.store.mask(select, &[null("person_id")]).await.unwrap_err();
    assert!(matches!(error, StoreError::RowCount { ref table, max: 1, found: 2 } if table == "orders"), "{error}");
    assert_eq!(world.dump.count("SELECT COUNT(*) FROM orders WHERE person_id = 1").await, 2);
    let unfit = [Key::from("ten")];
    let error = world.store.delete(Select { values: &unfit, ..select }).await.unwrap_err();
    assert!(matches!(error, StoreError::KeyShape { .. }), "a key that is passed over would be a row that is kept");
}

/// NULL is a value of its own, and kinds are those of the columns.
async fn tells_what_columns_hold(world: &World) {
    let by_id = names(&["id"]);
    let keys = ints(&[10, 12, 99]);
    let select = Select { table: "orders", columns: &by_id, values: &keys, linked_to: None };
    let mut rows = world.store.values(select, &names(&["id", "person_id", "ship_name", "placed_at"])).await.unwrap();
    rows.sort();
    let text = |text: &str| Some(KeyValue::from(text));
    assert_eq!(rows.len(), 2);
    assert_eq!(rows[0][..3], [Some(10.into()), Some(1.into()), text("Anna")]);
    assert_eq!(rows[1], [Some(12.into()), Some(2.into()), text("Ben"), None]);
    let unknown = world.store.values(select, &names(&["id", "nothing"])).await;
    assert!(matches!(unknown, Err(StoreError::UnknownColumn { .. })));
    let none = Select { values: &[], ..select };
    assert!(world.store.values(none, &by_id).await.unwrap().is_empty());
}

async fn deletes_by_composite_keys(world: &World) {
    let key = names(&["order_id", "line_no"]);
    let keys = [Key(vec![10.into(), 2.into()]), Key(vec![12.into(), 1.into()]), Key(vec![12.into(), 9.into()])];
    let select = Select { table: "items", columns: &key, values: &keys, linked_to: None };
    assert_eq!(world.store.delete(select).await.unwrap(), 2);
    assert_eq!(world.store.delete(select).await.unwrap(), 0, "again: nothing is left");
    assert_eq!(world.dump.count("SELECT COUNT(*) FROM items").await, 2);
    let parents = ints(&[10]);
    let by_id = names(&["id"]);
    let refused =
        world.store.delete(Select { table: "orders", columns: &by_id, values: &parents, linked_to: None }).await;
    assert!(refused.is_err(), "the foreign key holds");
}

async fn answers_the_directory(world: &World) {
    let sql = "SELECT id AS account, phone, email FROM people WHERE email = :address -- :nobody";
    let rows = world.store.lookup(sql, &[("address", "ben@example.org")]).await.unwrap();
    assert_eq!(rows.len(), 1);
    assert_eq!(rows[0]["account"].as_deref(), Some("2"));
    assert_eq!(rows[0]["phone"], None);
    let injected = world.store.lookup(sql, &[("address", "' OR '1'='1")]).await.unwrap();
    assert!(injected.is_empty());
    let many = world.store.lookup("SELECT a.id FROM people a CROSS JOIN people b", &[]).await.unwrap_err();
    assert!(matches!(many, StoreError::TooManyRows { max: 5 }));
    let columns =
        world.store.describe("SELECT id AS person, email AS address FROM people WHERE email = :address", &["address"]);
    assert_eq!(columns.await.unwrap(), ["person", "address"]);
    world.store.describe("SELECT nothing FROM people", &[]).await.unwrap_err();
    lacks_columns(world).await;
    let missing = world.store.lookup("SELECT id FROM people WHERE email = :other", &[("address", "x")]).await;
    assert!(matches!(missing.unwrap_err(), StoreError::UnknownParameter { .. }));
    for writes in ["DELETE FROM people", "SELECT 1) AS q; DELETE FROM people; --"] {
        assert!(world.store.lookup(writes, &[]).await.is_err());
    }
    assert_eq!(world.dump.count("SELECT COUNT(*) FROM people").await, 3);
}

/// The directory's queries on this store.
struct Queried(std::sync::Arc<dyn SqlRows>);

#[async_trait::async_trait]
impl expunged::verify::Lookup for Queried {
    async fn lookup(&self, _: &str, _: &[(&str, &str)]) -> Result<Vec<Row>, QueryError> {
        panic!("a query is described, not run")
    }

    async fn describe(&self, sql: &str, params: &[&str]) -> Result<Vec<String>, QueryError> {
        let said = QueryError::of_store;
        self.0.describe(sql, params).await.map_err(said)
    }
}

/// A query that lacks a column is found out before a row comes.
async fn lacks_columns(world: &World) {
    let person =
        "SELECT id AS account, 'user' AS role, id AS person, email AS label FROM people WHERE email = :account";
    let queries = Queries {
        find: "SELECT id AS account, id AS person, email AS adress FROM people WHERE email = :address".to_owned(),
        target: format!("{person} AND email = :identifier"),
        owner: person.replace(" AS label", ""),
        ended: None,
        accounts: None,
        rows_max: 5,
    };
    let directory = SqlDirectory::new(std::sync::Arc::new(Queried(std::sync::Arc::clone(&world.store))), queries);
    let missing = directory.missing().await.unwrap();
    let missing: Vec<_> = missing.iter().map(|missing| (missing.query, missing.column)).collect();
    assert_eq!(missing, [("find", "role"), ("find", "address"), ("owner", "label")]);
}

async fn names_are_quoted(world: &World) {
    let column = names(&["the key"]);
    let keys = [Key::from("it's"), Key::from("Ünï")];
    let select = Select { table: "odd\"name", columns: &column, values: &keys, linked_to: None };
    assert_eq!(world.store.keys(select, &column, None, 10).await.unwrap().len(), 2);
    assert_eq!(world.store.mask(select, &[null("select")]).await.unwrap(), 2);
    assert_eq!(world.store.delete(select).await.unwrap(), 2);
    let unknown = world.store.count(Select { table: "no such; DROP TABLE people", ..select }).await.unwrap_err();
    assert!(matches!(unknown, StoreError::UnknownTable { .. }));
    let unknown = world.store.count(Select { columns: &names(&["id OR 1=1"]), table: "people", ..select }).await;
    assert!(matches!(unknown.unwrap_err(), StoreError::UnknownColumn { .. }));
}

async fn speaks_of_no_value(world: &World) {
    let by_id = names(&["id"]);
    let clash = [Assignment { column: "email".to_owned(), value: NewValue::Constant("ben@example.org".to_owned()) }];
    let error = world
        .store
        .mask(Select { table: "people", columns: &by_id, values: &ints(&[1]), linked_to: None }, &clash)
        .await;
    let mut text = format!("{:?}", error.as_ref().unwrap_err());
    let mut source: Option<&dyn std::error::Error> = Some(error.as_ref().unwrap_err());
    while let Some(error) = source {
        text.push_str(&format!("{error} {error:?}"));
        source = error.source();
    }
    assert!(!text.contains("ben@"), "{text}");
}

fn limits() -> StoreLimits {
    StoreLimits { lookup_rows_max: 5, ..StoreLimits::default() }
}

macro_rules! dumper {
    ($name:ident, $pool:ty) => {
        struct $name($pool);
        #[async_trait::async_trait]
        impl AsyncDump for $name {
            async fn count(&self, sql: &str) -> i64 {
                sqlx::query_scalar(sqlx::AssertSqlSafe(sql)).fetch_one(&self.0).await.unwrap()
            }
        }
    };
}
dumper!(SqliteDump, sqlx::SqlitePool);
dumper!(PostgresDump, sqlx::PgPool);
dumper!(MysqlDump, sqlx::MySqlPool);

fn tables(uuid: &str, bytes: &str, time: &str, blobs: [&str; 2], [loose, unique]: [&str; 2]) -> String {
    TABLES
        .replace("{short}", "VARCHAR(5)")
        .replace("{loose}", loose)
        .replace("{unique}", unique)
        .replace("{uuid}", uuid)
        .replace("{bytes}", bytes)
        .replace("{time}", time)
        .replace("{blob1}", blobs[0])
        .replace("{blob2}", blobs[1])
}

#[tokio::test]
async fn sqlite_conforms() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}", folder.path().join("store.db").display());
    let pool = sqlx::SqlitePool::connect(&format!("{url}?mode=rwc")).await.unwrap();
    let script = tables(
        "TEXT",
        "BLOB",
        "TIMESTAMP",
        ["x'00ff01'", "x'02'"],
        ["VARCHAR(40) COLLATE NOCASE", "CREATE UNIQUE INDEX by_part ON alike (small, lower(part)) WHERE id > 0"],
    );
    // SQLite has no decimals of that many digits.
    let script = script
        .replace("round NUMERIC(20, 0)", "round TEXT")
        .replace(", 12345678901234567891,", ", '12345678901234567891',");
    pool.execute(sqlx::AssertSqlSafe(script)).await.unwrap();
    let url = SecretString::from(url);
    survey::looks_over(stores::survey::open(StoreKind::Sqlite, &url, limits()).await.unwrap().as_ref()).await;
    let store = stores::open(StoreKind::Sqlite, &url, limits()).await.unwrap();
    conform(World { follows: false, store, dump: Box::new(SqliteDump(pool)) }).await;
}

#[tokio::test]
async fn postgres_conforms() {
    let url = fresh_postgres().await;
    let pool = sqlx::PgPool::connect(&url).await.unwrap();
    let script = tables(
        "UUID",
        "BYTEA",
        "TIMESTAMPTZ",
        [r"'\x00ff01'", r"'\x02'"],
        ["VARCHAR(40) COLLATE loosely", "CREATE UNIQUE INDEX by_part ON alike (small, lower(part)) WHERE id > 0"],
    );
    let collation = "CREATE COLLATION loosely (provider = icu, locale = 'und-u-ks-level1', deterministic = false)";
    pool.execute(collation).await.unwrap();
    pool.execute(sqlx::AssertSqlSafe(script)).await.unwrap();
    let url = SecretString::from(url);
    survey::looks_over(stores::survey::open(StoreKind::Postgres, &url, limits()).await.unwrap().as_ref()).await;
    let store = stores::open(StoreKind::Postgres, &url, limits()).await.unwrap();
    conform(World { follows: true, store, dump: Box::new(PostgresDump(pool)) }).await;
}

#[tokio::test]
async fn mariadb_conforms() {
    let url = fresh_mariadb().await;
    let pool = sqlx::MySqlPool::connect(&url).await.unwrap();
    // Another collation than the connection's, as databases that have lived a while have.
    let name = url::Url::parse(&url).unwrap().path().trim_start_matches('/').to_owned();
    let collate = format!("ALTER DATABASE {name} CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci");
    pool.execute(sqlx::AssertSqlSafe(collate)).await.unwrap();
    let script = tables(
        "CHAR(36)",
        "VARBINARY(20)",
        "DATETIME",
        ["x'00ff01'", "x'02'"],
        [
            "VARCHAR(40) CHARACTER SET latin1 COLLATE latin1_german1_ci",
            "CREATE UNIQUE INDEX by_part ON alike (small, part(4))",
        ],
    );
    let script = script.replace("\"odd\"\"name\"", "`odd\"name`").replace("\"the key\"", "`the key`");
    pool.execute(sqlx::AssertSqlSafe(script.replace("\"select\"", "`select`"))).await.unwrap();
    let url = SecretString::from(url);
    survey::looks_over(stores::survey::open(StoreKind::Mysql, &url, limits()).await.unwrap().as_ref()).await;
    let store = stores::open(StoreKind::Mysql, &url, limits()).await.unwrap();
    conform(World { follows: true, store, dump: Box::new(MysqlDump(pool)) }).await;
}
