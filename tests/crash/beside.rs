//! Two stores beside the files of the shop, on the servers that a user would have: a help desk in PostgreSQL and a log of visits in
//! MariaDB. Each world has databases of its own.

use std::path::Path;

use sqlx::{AssertSqlSafe, Connection, MySqlConnection, PgConnection, Row};

use crate::support::mariadb::{fresh_mariadb, mariadb_url};
use crate::support::postgres::{fresh_postgres, postgres_url};

const DESK: &str = "
CREATE TABLE contacts (id BIGINT PRIMARY KEY, user_id BIGINT NOT NULL, name TEXT NOT NULL);
CREATE INDEX contacts_by_user ON contacts (user_id);
CREATE TABLE tickets (id BIGINT PRIMARY KEY, contact_id BIGINT NOT NULL REFERENCES contacts (id), said TEXT NOT NULL);
CREATE INDEX tickets_by_contact ON tickets (contact_id);
INSERT INTO contacts SELECT n, 1 + (n - 1) / 2, 'Contact ' || n FROM generate_series(1, 12) AS n;
INSERT INTO tickets SELECT n, 1 + (n - 1) / 3, 'Help ' || n FROM generate_series(1, 36) AS n;
";

const VISITS: &str = "
CREATE TABLE visits (id BIGINT PRIMARY KEY, user_id BIGINT, page VARCHAR(40) NOT NULL, KEY (user_id));
INSERT INTO visits WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 29)
  SELECT i + 1, 1 + i DIV 5, CONCAT('/page/', i) FROM n;
";

const DESK_MAP: &str = r#"
[store]
name = "desk"
kind = "postgres"
url = "{url}"
location = "here"
backup_days = 14

[tables.contacts]
key        = "id"
belongs_to = { "shop.users" = "user_id" }
categories = { id = "none", user_id = "none", name = "identity" }
erase      = "delete"

[tables.tickets]
key        = "id"
belongs_to = { contacts = "contact_id" }
categories = { id = "none", contact_id = "none", said = "content" }
erase      = "delete"
"#;

const VISITS_MAP: &str = r#"
[store]
name = "visits"
kind = "mysql"
url = "{url}"
location = "here"
backup_days = 14

[tables.visits]
key        = "id"
belongs_to = { "shop.users" = "user_id" }
categories = { id = "none", user_id = "none", page = "behaviour" }
erase      = "mask"
mask       = { user_id = "detach", page = { constant = "-" } }
"#;

/// The databases of one world.
pub struct Beside {
    desk: String,
    visits: String,
}

impl Beside {
    /// Both, as they are before anything was erased.
    pub async fn create() -> Self {
        let (desk, visits) = (fresh_postgres().await, fresh_mariadb().await);
        let mut connection = PgConnection::connect(&desk).await.unwrap();
        sqlx::raw_sql(DESK).execute(&mut connection).await.unwrap();
        connection.close().await.unwrap();
        let mut connection = MySqlConnection::connect(&visits).await.unwrap();
        sqlx::raw_sql(VISITS).execute(&mut connection).await.unwrap();
        connection.close().await.unwrap();
        Self { desk, visits }
    }

    /// Writes their maps into the folder of a world; returns the names of the files.
    pub fn write_maps(&self, folder: &Path) -> [&'static str; 2] {
        std::fs::write(folder.join("desk.toml"), DESK_MAP.replace("{url}", &self.desk)).unwrap();
        std::fs::write(folder.join("visits.toml"), VISITS_MAP.replace("{url}", &self.visits)).unwrap();
        ["desk.toml", "visits.toml"]
    }

    /// All rows: the table, and a line per row.
    pub async fn rows(&self) -> Vec<(String, Vec<String>)> {
        let mut connection = PgConnection::connect(&self.desk).await.unwrap();
        let mut all = Vec::new();
        for (table, sql) in [
            ("desk.contacts", "SELECT id || ' ' || user_id || ' ' || name AS line FROM contacts ORDER BY id"),
            ("desk.tickets", "SELECT id || ' ' || contact_id || ' ' || said AS line FROM tickets ORDER BY id"),
        ] {
            let rows = sqlx::query(sql).fetch_all(&mut connection).await.unwrap();
            all.push((table.to_owned(), rows.iter().map(|row| row.get("line")).collect()));
        }
        connection.close().await.unwrap();
        let mut connection = MySqlConnection::connect(&self.visits).await.unwrap();
        let sql = "SELECT CONCAT(id, ' ', COALESCE(user_id, '-'), ' ', page) AS line FROM visits ORDER BY id";
        let rows = sqlx::query(sql).fetch_all(&mut connection).await.unwrap();
        connection.close().await.unwrap();
        all.push(("visits.visits".to_owned(), rows.iter().map(|row| row.get("line")).collect()));
        all
    }

    /// Ends them.
    pub async fn leave(self) {
        let name = |url: &str| url.rsplit('/').next().unwrap().to_owned();
        let mut server = PgConnection::connect(&postgres_url().await).await.unwrap();
        let drop = format!("DROP DATABASE {} WITH (FORCE)", name(&self.desk));
        sqlx::raw_sql(AssertSqlSafe(drop)).execute(&mut server).await.unwrap();
        let mut server = MySqlConnection::connect(&mariadb_url().await).await.unwrap();
        let drop = format!("DROP DATABASE {}", name(&self.visits));
        sqlx::raw_sql(AssertSqlSafe(drop)).execute(&mut server).await.unwrap();
    }
}
