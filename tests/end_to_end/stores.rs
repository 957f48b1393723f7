//! The stores of the test's shop, one of each kind, with their data maps; counted by plain SQL, never by the engine.

use std::path::{Path, PathBuf};

use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, Executor, MySqlConnection, PgConnection, SqliteConnection};

use crate::support::mariadb::fresh_mariadb;
use crate::support::postgres::fresh_postgres;

/// A person of the shop.
#[derive(Clone, Debug)]
pub struct Person {
    /// Their row.
    pub id: i64,
    /// Their name.
    pub name: &'static str,
    /// The address on file.
    pub email: String,
}

/// Owner and colleague of every account, and the domain of their addresses.
const ACCOUNTS: [(&str, &str, &str, &str); 6] = [
    ("Anna Albrecht", "Bela Bonnet", "customers.example", "en"),
    ("Greta Hartwig", "Jonas Keller", "kunden.example", "de"),
    ("Carla Castillo", "Dmitri Dahl", "customers.example", "en"),
    ("Elena Eriksen", "Farid Fontaine", "gone.example", "en"),
    ("Hugo Garrido", "Ines Ibarra", "refused.example", "en"),
    ("Katja Janssen", "Luis Lacroix", "slow.example", "en"),
];

/// How many accounts the shop has.
pub const ACCOUNT_COUNT: i64 = 6;

/// The user in this seat of an account: 0 is the owner, 1 the colleague.
pub fn user(account: i64, seat: i64) -> Person {
    let (owner, colleague, domain, _) = row(account);
    let name = if seat == 0 { owner } else { colleague };
    let email = format!("{}@{domain}", name.to_lowercase().replace(' ', "."));
    Person { id: account * 10 + seat, name, email }
}

fn row(account: i64) -> (&'static str, &'static str, &'static str, &'static str) {
    ACCOUNTS[usize::try_from(account - 1).expect("accounts count from 1")]
}

const SHOP: &str = "
CREATE TABLE accounts (id BIGINT PRIMARY KEY, company TEXT NOT NULL, opened_at DATE NOT NULL);
CREATE TABLE users (id BIGINT PRIMARY KEY, account_id BIGINT NOT NULL REFERENCES accounts (id), role TEXT NOT NULL,
  email TEXT NOT NULL UNIQUE, full_name TEXT NOT NULL, phone TEXT, locale TEXT NOT NULL);
CREATE TABLE end_users (id BIGINT PRIMARY KEY, account_id BIGINT NOT NULL REFERENCES accounts (id),
  email TEXT NOT NULL UNIQUE, full_name TEXT NOT NULL);";

const SALES: [&str; 3] = [
    "CREATE TABLE orders (id BIGINT PRIMARY KEY, user_id BIGINT, placed_at DATE NOT NULL, ship_name VARCHAR(80),
       ship_street VARCHAR(80), total INT NOT NULL, KEY by_user (user_id))",
    "CREATE TABLE sessions (id BIGINT PRIMARY KEY, user_id BIGINT NOT NULL, address VARCHAR(40) NOT NULL,
       started_at DATETIME NOT NULL, KEY by_user (user_id))",
    "CREATE TABLE searches (id BIGINT PRIMARY KEY, end_user_id BIGINT NOT NULL, query VARCHAR(80) NOT NULL,
       searched_at DATETIME NOT NULL, KEY by_end_user (end_user_id))",
];

const CRM: &str = "
CREATE TABLE contacts (id INTEGER PRIMARY KEY, user_ref INTEGER NOT NULL, display_name TEXT NOT NULL, note TEXT);
CREATE TABLE calls (id INTEGER PRIMARY KEY, contact_id INTEGER NOT NULL REFERENCES contacts (id), summary TEXT);";

const SHOP_MAP: &str = r#"
[store]
name = "shop"
kind = "postgres"
url_file = "shop.url"
location = "Frankfurt, DE"
backup_days = 35

[tables.accounts]
subject    = "account"
key        = "id"
categories = { id = "none", company = "identity", opened_at = "none" }
erase      = "delete"

[tables.users]
subject    = "user"
key        = "id"
identify   = { email = "email" }
belongs_to = { accounts = "account_id" }
categories = { id = "none", account_id = "none", role = "none", email = "contact", full_name = "identity", phone = "phone", locale = "none" }
erase      = "delete"
mask       = { phone = "null" }

[tables.end_users]
subject    = "end_user"
key        = "id"
identify   = { email = "email" }
belongs_to = { accounts = "account_id" }
categories = { id = "none", account_id = "none", email = "contact", full_name = "identity" }
erase      = "delete"
"#;

const SALES_MAP: &str = r#"
[store]
name = "sales"
kind = "mysql"
url_file = "sales.url"
location = "Dublin, IE"
backup_days = 14

[tables.orders]
key        = "id"
belongs_to = { "shop.users" = "user_id" }
categories = { id = "none", user_id = "none", placed_at = "none", ship_name = "identity", ship_street = "contact", total = "financial" }
erase      = "mask"
mask       = { user_id = "detach", ship_name = "null", ship_street = "null" }
keep       = { ground = "Art. 17(3)(b) GDPR; HGB §257", until = "placed_at + 10 years" }

[tables.sessions]
key        = "id"
belongs_to = { "shop.users" = "user_id" }
categories = { id = "none", user_id = "none", address = "behaviour", started_at = "none" }
erase      = "delete"

[tables.searches]
key        = "id"
belongs_to = { "shop.end_users" = "end_user_id" }
categories = { id = "none", end_user_id = "none", query = "behaviour", searched_at = "none" }
erase      = "delete"
"#;

const CRM_MAP: &str = r#"
[store]
name = "crm"
kind = "sqlite"
url_file = "crm.url"
location = "this machine"
backup_days = 0

[tables.contacts]
key        = "id"
belongs_to = { "shop.users" = "user_ref" }
categories = { id = "none", user_ref = "none", display_name = "identity", note = "communication" }
erase      = "delete"
mask       = { note = "null" }

[tables.calls]
key        = "id"
belongs_to = { contacts = "contact_id" }
categories = { id = "none", contact_id = "none", summary = "communication" }
erase      = "delete"
"#;

/// The three stores.
pub struct Stores {
    shop: String,
    sales: String,
    crm: PathBuf,
}

impl Stores {
    /// Makes and fills the stores, and writes their maps and the files with their urls into this folder.
    pub async fn create(folder: &Path) -> Self {
        let stores = Self { shop: fresh_postgres().await, sales: fresh_mariadb().await, crm: folder.join("crm.db") };
        stores.fill_shop().await;
        stores.fill_sales().await;
        stores.fill_crm().await;
        let crm = format!("sqlite://{}", stores.crm.display());
        let files = [("shop", SHOP_MAP, &stores.shop), ("sales", SALES_MAP, &stores.sales), ("crm", CRM_MAP, &crm)];
        for (name, map, url) in files {
            let named = map.replace(&format!("{name}.url"), &folder.join(format!("{name}.url")).display().to_string());
            std::fs::write(folder.join(format!("{name}.toml")), named).expect("the folder is ours");
            std::fs::write(folder.join(format!("{name}.url")), url).expect("the folder is ours");
        }
        stores
    }

    async fn fill_shop(&self) {
        let mut shop = PgConnection::connect(&self.shop).await.expect("PostgreSQL answers");
        shop.execute(SHOP).await.expect("the schema");
        for account in 1..=ACCOUNT_COUNT {
            let locale = row(account).3;
            let mut rows = format!("INSERT INTO accounts VALUES ({account}, 'Company {account}', '2021-03-01');");
            for (seat, role) in [(0, "owner"), (1, "user")] {
                let Person { id, name, email, .. } = user(account, seat);
                rows += &format!(
                    "INSERT INTO users VALUES ({id}, {account}, '{role}', '{email}', '{name}', '+49 30 5550{id}', '{locale}');
                     INSERT INTO end_users VALUES ({id}5, {account}, 'guest{id}@guests.example', 'Guest of {id}');"
                );
            }
            shop.execute(AssertSqlSafe(rows)).await.expect("rows");
        }
    }

    async fn fill_sales(&self) {
        let mut sales = MySqlConnection::connect(&self.sales).await.expect("MariaDB answers");
        for table in SALES {
            sales.execute(table).await.expect("the schema");
        }
        for id in user_ids() {
            let rows = [
                format!("INSERT INTO orders VALUES ({id}1, {id}, '2024-03-15', 'Parcel {id}', 'Lindenweg 1', 1000)"),
                format!("INSERT INTO orders VALUES ({id}2, {id}, '2025-01-03', 'Parcel {id}', 'Lindenweg 1', 2000)"),
                format!("INSERT INTO sessions VALUES ({id}1, {id}, '198.51.100.7', '2026-01-01 10:00:00')"),
                format!("INSERT INTO searches VALUES ({id}1, {id}5, 'shoes size 38', '2026-02-01 11:00:00')"),
            ];
            for row in rows {
                sales.execute(AssertSqlSafe(row)).await.expect("a row");
            }
        }
    }

    async fn fill_crm(&self) {
        let options = SqliteConnectOptions::new().filename(&self.crm).create_if_missing(true);
        let mut crm: SqliteConnection = options.connect().await.expect("a new file");
        crm.execute(CRM).await.expect("the schema");
        for id in user_ids() {
            let rows = format!(
                "INSERT INTO contacts VALUES ({id}, {id}, 'Contact {id}', 'prefers mornings');
                 INSERT INTO calls VALUES ({id}1, {id}, 'asked about delivery'), ({id}2, {id}, 'called back');"
            );
            crm.execute(AssertSqlSafe(rows)).await.expect("rows");
        }
        crm.close().await.expect("a file closes");
    }

    /// A number out of the store of this name.
    pub async fn count(&self, store: &str, sql: &str) -> i64 {
        let sql = AssertSqlSafe(sql.to_owned());
        let counted = match store {
            "shop" => {
                let mut shop = PgConnection::connect(&self.shop).await.expect("PostgreSQL answers");
                sqlx::query_scalar(sql).fetch_one(&mut shop).await
            }
            "sales" => {
                let mut sales = MySqlConnection::connect(&self.sales).await.expect("MariaDB answers");
                sqlx::query_scalar(sql).fetch_one(&mut sales).await
            }
            _ => {
                let mut crm = SqliteConnectOptions::new().filename(&self.crm).connect().await.expect("the file");
                sqlx::query_scalar(sql).fetch_one(&mut crm).await
            }
        };
        counted.expect("a number")
    }

    /// What the stores hold of these users and their guests: the number of rows per table, kept orders not counted.
    pub async fn rows_of(&self, users: &[i64]) -> Vec<(&'static str, i64)> {
        let list: Vec<String> = users.iter().map(ToString::to_string).collect();
        let users = list.join(", ");
        let guests = list.iter().map(|id| format!("{id}5")).collect::<Vec<_>>().join(", ");
        let questions = [
            ("shop", "users", "id", &users),
            ("shop", "end_users", "id", &guests),
            ("sales", "orders", "user_id", &users),
            ("sales", "sessions", "user_id", &users),
            ("sales", "searches", "end_user_id", &guests),
            ("crm", "contacts", "user_ref", &users),
            ("crm", "calls", "contact_id", &users),
        ];
        let mut found = Vec::new();
        for (store, table, column, ids) in questions {
            let sql = format!("SELECT COUNT(*) FROM {table} WHERE {column} IN ({ids})");
            found.push((table, self.count(store, &sql).await));
        }
        found
    }
}

fn user_ids() -> impl Iterator<Item = i64> {
    (1..=ACCOUNT_COUNT).flat_map(|account| [user(account, 0).id, user(account, 1).id])
}
