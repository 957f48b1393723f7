//! A small shop of two SQLite stores, its data maps, and plain SQL that reads every row of it.

use std::path::Path;

use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, Row};

use crate::support::world::PARCELS;

/// The one who asks for account 1 to be deleted, where nobody else has mail.
pub const OWNER: &str = "owner.1@team.example";
/// Somebody with an ordinary question.
pub const ASKING: &str = "owner.2@team.example";

/// Who holds data of the shop's users, too.
pub const PARTNER: &str = "privacy@parcel.example";

const SHOP: &str = "
CREATE TABLE accounts (id INTEGER PRIMARY KEY, company TEXT NOT NULL);
CREATE TABLE users (id INTEGER PRIMARY KEY, account_id INTEGER NOT NULL REFERENCES accounts (id), role TEXT NOT NULL,
  email TEXT NOT NULL UNIQUE, full_name TEXT NOT NULL);
CREATE INDEX users_by_account ON users (account_id);
CREATE TABLE expunged_canary (id TEXT PRIMARY KEY NOT NULL, epoch TEXT NOT NULL);
INSERT INTO expunged_canary VALUES ('expunged', '0');
INSERT INTO accounts VALUES (1, 'Albrecht & Co'), (2, 'Bonnet & Co'), (3, 'Castillo & Co');
INSERT INTO users VALUES
  (1, 1, 'owner', 'owner.1@team.example', 'Anna Albrecht'), (2, 1, 'user', 'user.1@team.example', 'Bela Bonnet'),
  (3, 2, 'owner', 'owner.2@team.example', 'Carla Castillo'), (4, 2, 'user', 'user.2@team.example', 'Dmitri Dahl'),
  (5, 3, 'owner', 'owner.3@team.example', 'Elena Eriksen'), (6, 3, 'user', 'user.3@team.example', 'Farid Fontaine');
";

const SALES: &str = "
CREATE TABLE orders (id INTEGER PRIMARY KEY, user_id INTEGER, placed_at TEXT NOT NULL, ship_name TEXT,
  ship_street TEXT);
CREATE INDEX orders_by_user ON orders (user_id);
CREATE TABLE sessions (id INTEGER PRIMARY KEY, user_id INTEGER NOT NULL, pages TEXT NOT NULL);
CREATE INDEX sessions_by_user ON sessions (user_id);
WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 11)
  INSERT INTO orders (user_id, placed_at, ship_name, ship_street)
    SELECT 1 + i / 2, '2024-05-15', 'Parcel ' || i, 'Elm Street ' || i FROM n;
WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 17)
  INSERT INTO sessions (user_id, pages) SELECT 1 + i / 3, '/basket/' || i FROM n;
";

const SHOP_MAP: &str = r#"
[store]
name = "shop"
kind = "sqlite"
url = "sqlite://shop.db"
location = "here"
backup_days = 90
canary = "expunged_canary"

[tables.accounts]
subject    = "account"
key        = "id"
categories = { id = "none", company = "identity" }
erase      = "delete"

[tables.users]
subject    = "user"
key        = "id"
identify   = { email = "email" }
belongs_to = { accounts = "account_id" }
categories = { id = "none", account_id = "none", role = "none", email = "contact", full_name = "identity" }
erase      = "delete"
"#;

const SALES_MAP: &str = r#"
[store]
name = "sales"
kind = "sqlite"
url = "sqlite://sales.db"
location = "here"
backup_days = 14

[tables.orders]
key        = "id"
belongs_to = { "shop.users" = "user_id" }
categories = { id = "none", user_id = "none", placed_at = "none", ship_name = "identity", ship_street = "contact" }
erase      = "mask"
mask       = { user_id = "detach", ship_name = "null" }
keep       = { ground = "Art. 17(3)(b) GDPR", until = "placed_at + {kept}" }

[tables.sessions]
key        = "id"
belongs_to = { "shop.users" = "user_id" }
categories = { id = "none", user_id = "none", pages = "behaviour" }
erase      = "delete"
"#;

/// Every row of every table, as text.
const ROWS: [(&str, &str, &str); 4] = [
    ("shop", "accounts", "SELECT id || ' ' || company AS line FROM accounts ORDER BY id"),
    (
        "shop",
        "users",
        "SELECT id || ' ' || account_id || ' ' || role || ' ' || email || ' ' || full_name AS line FROM users ORDER BY id",
    ),
    (
        "sales",
        "orders",
        "SELECT id || ' ' || quote(user_id) || ' ' || placed_at || ' ' || quote(ship_name) || ' ' || quote(ship_street) AS line FROM orders ORDER BY id",
    ),
    ("sales", "sessions", "SELECT id || ' ' || user_id || ' ' || pages AS line FROM sessions ORDER BY id"),
];

/// Makes the stores and their maps in a folder; account 1 is that of `owner`, and orders stay so long.
pub async fn create(folder: &Path, owner: &str, kept: &str) {
    std::fs::write(folder.join("parcels.toml"), PARCELS).unwrap();
    let shop = SHOP.replace(OWNER, owner);
    for (store, schema, map) in [("shop", shop.as_str(), SHOP_MAP), ("sales", SALES, SALES_MAP)] {
        let mut file = open(folder, store).await;
        sqlx::raw_sql(AssertSqlSafe(schema)).execute(&mut file).await.unwrap();
        file.close().await.unwrap();
        std::fs::write(folder.join(format!("{store}.toml")), map.replace("{kept}", kept)).unwrap();
    }
}

/// Somebody writes of a user who was erased.
pub async fn late_writer(folder: &Path) {
    let mut file = open(folder, "sales").await;
    sqlx::raw_sql("INSERT INTO sessions (user_id, pages) VALUES (1, '/late')").execute(&mut file).await.unwrap();
    file.close().await.unwrap();
}

/// How many accounts there are.
pub async fn accounts(folder: &Path) -> i64 {
    let mut file = open(folder, "shop").await;
    let number = sqlx::query_scalar("SELECT COUNT(*) FROM accounts").fetch_one(&mut file).await.unwrap();
    file.close().await.unwrap();
    number
}

/// All rows of the stores: the table, and a line per row.
pub async fn rows(folder: &Path) -> Vec<(String, Vec<String>)> {
    let mut all = Vec::new();
    for (store, table, sql) in ROWS {
        let mut file = open(folder, store).await;
        let rows = sqlx::query(AssertSqlSafe(sql)).fetch_all(&mut file).await.unwrap();
        file.close().await.unwrap();
        all.push((format!("{store}.{table}"), rows.iter().map(|row| row.get("line")).collect()));
    }
    all
}

async fn open(folder: &Path, store: &str) -> SqliteConnection {
    let options = SqliteConnectOptions::new().filename(folder.join(format!("{store}.db"))).create_if_missing(true);
    options.connect().await.unwrap()
}
