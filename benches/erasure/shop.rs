//! The shop that is erased from: six tables on one of three databases, what it is filled with, and the same erasing
//! by hand-written SQL.

use std::path::Path;
use std::str::FromStr as _;

use anyhow::{Context as _, Result};
use expunged::chance::{Chance, OsChance, draw};
use expunged::stores::StoreKind;
use sqlx::mysql::MySqlPoolOptions;
use sqlx::postgres::PgPoolOptions;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions};
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _, MySqlPool, PgPool, SqlitePool};

/// What belongs to a customer.
#[derive(Clone, Copy)]
pub struct Rows {
    pub addresses: u64,
    pub orders: u64,
    pub events: u64,
    pub sessions: u64,
}

/// With the customer and their account, 37 rows.
pub const MANY: Rows = Rows { addresses: 2, orders: 10, events: 20, sessions: 3 };

const TABLES: &str = "
CREATE TABLE numbers (i BIGINT NOT NULL PRIMARY KEY);
CREATE TABLE contracts (account_id VARCHAR(20) NOT NULL PRIMARY KEY, ended_at VARCHAR(20));
CREATE TABLE accounts (id VARCHAR(20) NOT NULL PRIMARY KEY, company VARCHAR(80) NOT NULL);
CREATE TABLE customers (id BIGINT NOT NULL PRIMARY KEY, account_id VARCHAR(20) NOT NULL, role VARCHAR(10) NOT NULL,
  email VARCHAR(80) NOT NULL UNIQUE, full_name VARCHAR(80) NOT NULL, FOREIGN KEY (account_id) REFERENCES accounts (id));
CREATE INDEX customers_account ON customers (account_id);
CREATE TABLE addresses (id BIGINT NOT NULL PRIMARY KEY, customer_id BIGINT NOT NULL, street VARCHAR(80),
  FOREIGN KEY (customer_id) REFERENCES customers (id));
CREATE INDEX addresses_customer ON addresses (customer_id);
CREATE TABLE orders (id BIGINT NOT NULL PRIMARY KEY, customer_id BIGINT, placed_at {day} NOT NULL,
  ship_name VARCHAR(80), ship_street VARCHAR(80), FOREIGN KEY (customer_id) REFERENCES customers (id));
CREATE INDEX orders_customer ON orders (customer_id);
CREATE TABLE events (id BIGINT NOT NULL PRIMARY KEY, customer_id BIGINT NOT NULL, detail VARCHAR(80),
  FOREIGN KEY (customer_id) REFERENCES customers (id));
CREATE INDEX events_customer ON events (customer_id);
CREATE TABLE sessions (id BIGINT NOT NULL PRIMARY KEY, customer_id BIGINT NOT NULL, address VARCHAR(40),
  FOREIGN KEY (customer_id) REFERENCES customers (id));
CREATE INDEX sessions_customer ON sessions (customer_id);";

/// The statements by hand; `{of}` is what tells the rows of the account in the statement's parameter.
const BY_HAND: [(&str, &str); 6] = [
    ("addresses", "DELETE FROM addresses WHERE {of}"),
    ("events", "DELETE FROM events WHERE {of}"),
    ("sessions", "DELETE FROM sessions WHERE {of}"),
    ("orders", "UPDATE orders SET customer_id = NULL, ship_name = NULL, ship_street = NULL WHERE {of}"),
    ("customers", "DELETE FROM customers WHERE account_id = {parameter}"),
    ("accounts", "DELETE FROM accounts WHERE id = {parameter}"),
];

/// The database of the shop, as somebody with a pen reaches it.
pub enum Shop {
    Sqlite(SqlitePool),
    Postgres(PgPool),
    Mysql(MySqlPool),
}

/// Runs on whichever pool it is.
macro_rules! on {
    ($shop:expr, $pool:ident => $work:expr) => {
        match $shop {
            Shop::Sqlite($pool) => $work,
            Shop::Postgres($pool) => $work,
            Shop::Mysql($pool) => $work,
        }
    };
}

impl Shop {
    pub async fn sqlite(file: &Path) -> Result<Self> {
        let options = SqliteConnectOptions::new()
            .filename(file)
            .create_if_missing(true)
            .foreign_keys(true)
            .journal_mode(SqliteJournalMode::Wal)
            .disable_statement_logging();
        Ok(Self::Sqlite(SqlitePoolOptions::new().max_connections(1).connect_with(options).await?))
    }

    pub async fn postgres(url: &str) -> Result<Self> {
        let options = sqlx::postgres::PgConnectOptions::from_str(url)?.disable_statement_logging();
        Ok(Self::Postgres(PgPoolOptions::new().max_connections(1).connect_with(options).await?))
    }

    pub async fn mysql(url: &str) -> Result<Self> {
        let options = sqlx::mysql::MySqlConnectOptions::from_str(url)?.disable_statement_logging();
        Ok(Self::Mysql(MySqlPoolOptions::new().max_connections(1).connect_with(options).await?))
    }

    pub async fn run(&self, sql: &str) -> Result<()> {
        let safe = AssertSqlSafe(sql.to_owned());
        on!(self, pool => sqlx::raw_sql(safe).execute(pool).await.map(|_| ())).with_context(|| sql.to_owned())
    }

    async fn number(&self, sql: &str) -> Result<u64> {
        let safe = AssertSqlSafe(sql.to_owned());
        let number: i64 = on!(self, pool => sqlx::query_scalar(safe).fetch_one(pool).await)?;
        Ok(u64::try_from(number)?)
    }

    /// What another program asks all day.
    pub async fn orders_of(&self, customer: u64) -> Result<u64> {
        self.number(&format!("SELECT COUNT(*) FROM orders WHERE customer_id = {customer}")).await
    }

    /// The tables, and numbers to fill them from.
    pub async fn create(&self, numbers: u64) -> Result<()> {
        let day = if matches!(self, Self::Sqlite(_)) { "TEXT" } else { "DATE" };
        self.run(&TABLES.replace("{day}", day)).await?;
        if let Self::Mysql(_) = self {
            self.run("SET SESSION max_recursive_iterations = 4294967295").await?;
        }
        self.run(&format!(
            "INSERT INTO numbers WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {numbers}) \
             SELECT i FROM n"
        ))
        .await
    }

    /// So many customers with ids from `first` on: each with an account of their own, or all in one.
    pub async fn fill(&self, first: u64, count: u64, is_one_account: bool, rows: Rows) -> Result<()> {
        let (last, below) = (first + count - 1, first - 1);
        let own = format!("CONCAT('a', {} + i)", A + below);
        let one = format!("'{}'", account(first));
        let accounts = match is_one_account {
            true => format!("VALUES ({one}, 'Company Ltd')"),
            false => format!("SELECT {own}, 'Company Ltd' FROM numbers WHERE i <= {count}"),
        };
        let whose = if is_one_account { one } else { own };
        let role = if is_one_account { "CASE WHEN i = 1 THEN 'owner' ELSE 'user' END" } else { "'owner'" };
        let mut script = format!(
            "BEGIN; INSERT INTO accounts {accounts};
             INSERT INTO customers SELECT {below} + i, {whose}, {role}, CONCAT('c', {below} + i, '@bench.example'), 'Ada Bench'
             FROM numbers WHERE i <= {count};"
        );
        for (table, of_each, values) in [
            ("addresses", rows.addresses, "'Elm Street 1'"),
            ("orders", rows.orders, "'2026-02-01', 'Ada Bench', 'Elm Street 1'"),
            ("events", rows.events, "'looked at a mug'"),
            ("sessions", rows.sessions, "'192.0.2.1'"),
        ] {
            script += &format!(
                " INSERT INTO {table} SELECT c.id * 100 + n.i, c.id, {values} FROM customers c JOIN numbers n ON n.i <= {of_each} \
                 WHERE c.id BETWEEN {first} AND {last};"
            );
        }
        script = match self {
            // PostgreSQL does not take a text for a date in a query by itself.
            Self::Postgres(_) => script.replace("'2026-02-01'", "DATE '2026-02-01'"),
            _ => script,
        };
        self.run(&format!("{script} COMMIT")).await
    }

    /// What the planner of the database should know, and a checkpoint: the measurement pays for none.
    pub async fn settle(&self) -> Result<()> {
        match self {
            Self::Sqlite(_) => self.run("ANALYZE; PRAGMA wal_checkpoint(TRUNCATE)").await,
            Self::Postgres(_) => {
                self.run("VACUUM ANALYZE").await?;
                self.run("CHECKPOINT").await
            }
            Self::Mysql(_) => self.run("ANALYZE TABLE accounts, customers, addresses, orders, events, sessions").await,
        }
    }

    /// Erases an account by hand: six prepared statements in one transaction.
    pub async fn erase(&self, account: &str) -> Result<()> {
        let parameter = if matches!(self, Self::Postgres(_)) { "$1" } else { "?" };
        // MariaDB goes through the whole table for a subquery, and joins by the index.
        let is_mysql = matches!(self, Self::Mysql(_));
        let statements = BY_HAND.map(|(table, sql)| {
            let sql = if is_mysql && sql.contains("{of}") { joined(table, sql) } else { sql.replace("{of}", OF) };
            sql.replace("{parameter}", parameter)
        });
        on!(self, pool => {
            let mut tx = pool.begin().await?;
            for sql in statements {
                sqlx::query(AssertSqlSafe(sql)).bind(account).execute(&mut *tx).await?;
            }
            Ok(tx.commit().await?)
        })
    }

    /// How many rows each table has, and how many orders still tell of somebody.
    pub async fn counts(&self) -> Result<[u64; 7]> {
        let mut counts = [0; 7];
        for (count, (table, _)) in counts.iter_mut().zip(BY_HAND) {
            *count = self.number(&format!("SELECT COUNT(*) FROM {table}")).await?;
        }
        let named =
            "SELECT COUNT(*) FROM orders WHERE COALESCE(ship_name, ship_street) IS NOT NULL OR customer_id IS NOT NULL";
        counts[6] = self.number(named).await?;
        Ok(counts)
    }

    pub async fn close(self) {
        on!(self, pool => pool.close().await);
    }
}

const A: u64 = 1_000_000_000;

/// The account of the customer with this id who is the first in it.
pub fn account(customer: u64) -> String {
    format!("a{}", A + customer)
}

const OF: &str = "customer_id IN (SELECT id FROM customers WHERE account_id = {parameter})";

fn joined(table: &str, sql: &str) -> String {
    let join = format!("{table} t JOIN customers c ON c.id = t.customer_id");
    let of = "WHERE c.account_id = {parameter}";
    match sql.starts_with("DELETE") {
        true => format!("DELETE t FROM {join} {of}"),
        false => format!("UPDATE {join} SET t.customer_id = NULL, t.ship_name = NULL, t.ship_street = NULL {of}"),
    }
}

/// A database of its own on a server, gone again by [`leave`](Self::leave).
pub struct Place {
    pub url: String,
    server: String,
    name: String,
    kind: StoreKind,
}

impl Place {
    /// On the server that the variable names; `None` without it.
    pub async fn on(kind: StoreKind, variable: &str) -> Result<Option<Self>> {
        let Ok(server) = std::env::var(variable) else { return Ok(None) };
        let name = format!("bench_{}", data_encoding::HEXLOWER.encode(&draw::<8>(&OsChance as &dyn Chance)));
        let mut url: url::Url = server.parse()?;
        url.set_path(&name);
        let place = Self { url: url.to_string(), server, name, kind };
        place.say(&format!("CREATE DATABASE {}", place.name)).await?;
        Ok(Some(place))
    }

    async fn say(&self, sql: &str) -> Result<()> {
        let sql = AssertSqlSafe(sql.to_owned());
        if self.kind == StoreKind::Mysql {
            sqlx::raw_sql(sql).execute(&mut sqlx::MySqlConnection::connect(&self.server).await?).await?;
        } else {
            sqlx::raw_sql(sql).execute(&mut sqlx::PgConnection::connect(&self.server).await?).await?;
        }
        Ok(())
    }

    pub async fn leave(self) -> Result<()> {
        let force = if self.kind == StoreKind::Mysql { "" } else { " WITH (FORCE)" };
        self.say(&format!("DROP DATABASE {}{force}", self.name)).await
    }
}
