//! The demo's small shop: three SQLite files with a hundred accounts, and plain SQL that counts in them.
//!
//! It never uses the engine: what the demo believes of the stores, it counted itself.

use std::path::{Path, PathBuf};

use anyhow::Context;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, Row};

/// How many accounts the shop has.
pub const ACCOUNTS: i64 = 100;
/// Users per account, the owner among them.
pub const USERS_PER_ACCOUNT: i64 = 3;
/// People whom each account serves.
pub const END_USERS_PER_ACCOUNT: i64 = 4;

const SHOP: &str = "
CREATE TABLE accounts (id INTEGER PRIMARY KEY, company TEXT NOT NULL, city TEXT, opened_at TEXT NOT NULL);
CREATE TABLE users (id INTEGER PRIMARY KEY, account_id INTEGER NOT NULL REFERENCES accounts (id), role TEXT NOT NULL,
  email TEXT NOT NULL UNIQUE, full_name TEXT NOT NULL, phone TEXT, locale TEXT NOT NULL);
CREATE INDEX users_by_account ON users (account_id);
CREATE TABLE end_users (id INTEGER PRIMARY KEY, account_id INTEGER NOT NULL REFERENCES accounts (id),
  email TEXT NOT NULL UNIQUE, full_name TEXT NOT NULL, phone TEXT);
CREATE INDEX end_users_by_account ON end_users (account_id);
";

const SALES: &str = "
CREATE TABLE orders (id INTEGER PRIMARY KEY, user_id INTEGER, placed_at TEXT NOT NULL, ship_name TEXT, ship_street TEXT,
  total INTEGER NOT NULL);
CREATE INDEX orders_by_user ON orders (user_id);
CREATE TABLE searches (id INTEGER PRIMARY KEY, end_user_id INTEGER NOT NULL, query TEXT NOT NULL, searched_at TEXT NOT NULL);
CREATE INDEX searches_by_end_user ON searches (end_user_id);
CREATE TABLE sessions (id INTEGER PRIMARY KEY, user_id INTEGER NOT NULL, address TEXT NOT NULL, pages TEXT NOT NULL,
  started_at TEXT NOT NULL);
CREATE INDEX sessions_by_user ON sessions (user_id);
";

const CRM: &str = "
CREATE TABLE contacts (id INTEGER PRIMARY KEY, user_ref INTEGER NOT NULL, display_name TEXT NOT NULL, note TEXT);
CREATE INDEX contacts_by_user ON contacts (user_ref);
CREATE TABLE calls (id INTEGER PRIMARY KEY, contact_id INTEGER NOT NULL REFERENCES contacts (id), number TEXT, summary TEXT);
CREATE INDEX calls_by_contact ON calls (contact_id);
";

const GIVEN: [&str; 20] = [
    "Anna", "Bela", "Carla", "Dmitri", "Elena", "Farid", "Greta", "Hugo", "Ines", "Jonas", "Katja", "Luis", "Mira",
    "Noel", "Olga", "Pablo", "Rosa", "Sven", "Tilda", "Viktor",
];
const FAMILY: [&str; 15] = [
    "Albrecht", "Bonnet", "Castillo", "Dahl", "Eriksen", "Fontaine", "Garrido", "Hartwig", "Ibarra", "Janssen",
    "Keller", "Lacroix", "Morales", "Novak", "Ortega",
];

/// A person of the shop, as the letters of the demo need them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    /// Their row.
    pub id: i64,
    /// Their account.
    pub account: i64,
    /// Their name.
    pub name: String,
    /// Their address.
    pub email: String,
}

/// The shop on disk.
#[derive(Clone, Debug)]
pub struct Shop {
    folder: PathBuf,
}

impl Shop {
    /// Makes the three files and fills them.
    pub async fn create(folder: &Path) -> anyhow::Result<Self> {
        std::fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
        let shop = Self { folder: folder.to_owned() };
        for (store, schema) in [("shop", SHOP), ("sales", SALES), ("crm", CRM)] {
            let mut file = shop.open(store).await?;
            sqlx::raw_sql(schema).execute(&mut file).await?;
        }
        shop.fill_accounts().await?;
        shop.fill_sales().await?;
        shop.fill_crm().await?;
        Ok(shop)
    }

    /// The file of a store.
    pub fn file(&self, store: &str) -> PathBuf {
        self.folder.join(format!("{store}.db"))
    }

    async fn open(&self, store: &str) -> anyhow::Result<SqliteConnection> {
        let options = SqliteConnectOptions::new().filename(self.file(store)).create_if_missing(true);
        options.connect().await.with_context(|| format!("cannot open the demo's {store}"))
    }

    async fn fill_accounts(&self) -> anyhow::Result<()> {
        let mut file = self.open("shop").await?;
        let mut tx = file.begin().await?;
        for account in 1..=ACCOUNTS {
            let family = FAMILY[usize::try_from(account)? % FAMILY.len()];
            sqlx::query("INSERT INTO accounts VALUES (?, ?, 'Musterstadt', '2021-03-01')")
                .bind(account)
                .bind(format!("{family} & Co {account}"))
                .execute(&mut *tx)
                .await?;
            for seat in 0..USERS_PER_ACCOUNT {
                let person = self.user(account, seat)?;
                let role = if seat == 0 { "owner" } else { "user" };
                sqlx::query("INSERT INTO users VALUES (?, ?, ?, ?, ?, ?, ?)")
                    .bind(person.id)
                    .bind(account)
                    .bind(role)
                    .bind(&person.email)
                    .bind(&person.name)
                    .bind(format!("+49 30 555{:05}", person.id))
                    .bind(locale(account))
                    .execute(&mut *tx)
                    .await?;
            }
            for seat in 0..END_USERS_PER_ACCOUNT {
                let person = self.end_user(account, seat)?;
                sqlx::query("INSERT INTO end_users VALUES (?, ?, ?, ?, ?)")
                    .bind(person.id)
                    .bind(account)
                    .bind(&person.email)
                    .bind(&person.name)
                    .bind(format!("+49 40 777{:05}", person.id))
                    .execute(&mut *tx)
                    .await?;
            }
        }
        tx.commit().await?;
        Ok(())
    }

    async fn fill_sales(&self) -> anyhow::Result<()> {
        let mut file = self.open("sales").await?;
        // Two orders and three sessions a user, five searches an end-user.
        sqlx::raw_sql(AssertSqlSafe(format!(
            "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {users})
             INSERT INTO orders (user_id, placed_at, ship_name, ship_street, total)
               SELECT i, '2024-0' || (1 + i % 9) || '-15', 'Parcel for customer ' || i, 'Lindenweg ' || i, 1000 + i FROM n
               UNION ALL SELECT i, '2025-0' || (1 + i % 9) || '-03', 'Parcel for customer ' || i, 'Lindenweg ' || i, 2000 + i FROM n;
             WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 3 * {users} - 1)
             INSERT INTO sessions (user_id, address, pages, started_at)
               SELECT 1 + i / 3, '198.51.100.' || (i % 250), '/basket', '2026-01-01' FROM n;
             WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 5 * {end_users} - 1)
             INSERT INTO searches (end_user_id, query, searched_at) SELECT 1 + i / 5, 'shoes size ' || (36 + i % 10), '2026-02-01' FROM n;",
            users = ACCOUNTS * USERS_PER_ACCOUNT,
            end_users = ACCOUNTS * END_USERS_PER_ACCOUNT,
        )))
        .execute(&mut file)
        .await?;
        Ok(())
    }

    async fn fill_crm(&self) -> anyhow::Result<()> {
        let mut file = self.open("crm").await?;
        sqlx::raw_sql(AssertSqlSafe(format!(
            "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {users})
             INSERT INTO contacts (id, user_ref, display_name, note) SELECT i, i, 'Customer ' || i, 'prefers mornings' FROM n;
             INSERT INTO calls (contact_id, number, summary) SELECT id, '+49 30 555' || id, 'asked about delivery' FROM contacts;
             INSERT INTO calls (contact_id, number, summary) SELECT id, '+49 30 555' || id, 'called back' FROM contacts;",
            users = ACCOUNTS * USERS_PER_ACCOUNT,
        )))
        .execute(&mut file)
        .await?;
        Ok(())
    }

    /// A user by account and seat; seat 0 is the owner.
    pub fn user(&self, account: i64, seat: i64) -> anyhow::Result<Person> {
        let id = (account - 1) * USERS_PER_ACCOUNT + seat + 1;
        person(id, account, "team")
    }

    /// An end-user by account and seat.
    pub fn end_user(&self, account: i64, seat: i64) -> anyhow::Result<Person> {
        let id = (account - 1) * END_USERS_PER_ACCOUNT + seat + 1;
        person(id, account, "guest")
    }

    /// A number out of a store, by plain SQL.
    pub async fn count(&self, store: &str, sql: &'static str, id: i64) -> anyhow::Result<i64> {
        let mut file = self.open(store).await?;
        Ok(sqlx::query(sql).bind(id).fetch_one(&mut file).await?.try_get(0)?)
    }
}

fn person(id: i64, account: i64, group: &str) -> anyhow::Result<Person> {
    let place = usize::try_from(id)?;
    let shift = usize::from(group == "guest") * 7;
    let given = GIVEN[(place + shift) % GIVEN.len()];
    let family = FAMILY[(place / GIVEN.len() + place + shift) % FAMILY.len()];
    Ok(Person {
        id,
        account,
        name: format!("{given} {family}"),
        email: format!("{}.{}.{id}@{group}.example", given.to_lowercase(), family.to_lowercase()),
    })
}

const fn locale(account: i64) -> &'static str {
    match account % 4 {
        1 => "en",
        2 => "de",
        3 => "fr",
        _ => "es",
    }
}
