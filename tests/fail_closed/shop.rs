//! The shop of these tests: on PostgreSQL, with rows of several kinds and a login that may do what erasing needs.

use std::process::Command;

use sqlx::{AssertSqlSafe, Connection as _, PgConnection};

use crate::support::unique_word;
use crate::support::world::{Ground, World};

const NOTES_MAP: &str = r#"
[tables.notes]
key        = "id"
belongs_to = { users = { columns = "about", when = { kind = "user" } } }
words      = { kind = ["user", "thing"] }
categories = { id = "none", kind = "none", about = "none", body = "communication" }
erase      = "delete"
"#;

const MORE: &str = "
    CREATE TABLE notes (id TEXT PRIMARY KEY, kind TEXT NOT NULL, about TEXT NOT NULL, body TEXT NOT NULL);
    INSERT INTO notes VALUES ('n1', 'user', 'u1', 'likes blue'), ('n2', 'user', 'u2', 'likes red'), ('n3', 'thing', 'u1', 'blue');
    CREATE ROLE {login} LOGIN; GRANT SELECT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {login}";

/// What somebody does to the shop.
#[derive(Clone, Copy)]
pub(super) enum Deed {
    /// Statements of its owner.
    Shop(&'static str),
    /// Statements on the server, outside of the shop.
    Server(&'static str),
    /// Reads rows and keeps them locked.
    Lock(&'static str),
    /// Lets go of them.
    Unlock,
}

/// The shop, and the world around it.
pub(super) struct Shop {
    pub(super) world: World,
    url: url::Url,
    login: String,
    lock: Option<PgConnection>,
}

impl Shop {
    /// A statement of the program may take so long on it.
    pub(super) async fn open(statement_seconds: u32) -> Self {
        let login = format!("eraser_{}", unique_word());
        let mut url = None;
        let ground = Ground::with_shop_on_postgres(|shop| {
            let mut seen = url::Url::parse(shop).unwrap();
            url = Some(seen.clone());
            seen.set_username(&login).unwrap();
            seen.into()
        })
        .await;
        let limit = format!("statement_seconds = {statement_seconds}");
        let ground = ground.with_config(|config| config.replace("statement_seconds = 3", &limit));
        let map = std::fs::read_to_string(ground.path("shop.toml")).unwrap();
        ground.write("shop.toml", &format!("{map}{NOTES_MAP}"));
        // The role belongs to the server, which outlives a test that failed.
        ground.shop.run(&format!("DROP ROLE IF EXISTS {login}")).await;
        ground.shop.run(&MORE.replace("{login}", &login)).await;
        Self { world: ground.build().await, url: url.unwrap(), login, lock: None }
    }

    pub(super) async fn does(&mut self, deed: Deed) {
        match deed {
            Deed::Shop(sql) => self.world.ground.shop.run(&sql.replace("{login}", &self.login)).await,
            Deed::Server(sql) => {
                let mut server = self.url.clone();
                server.set_path("postgres");
                let sql = sql.replace("{name}", self.url.path().trim_start_matches('/'));
                run(server.as_str(), &sql).await.close().await.unwrap();
            }
            Deed::Lock(sql) => self.lock = Some(run(self.url.as_str(), &format!("BEGIN; {sql}")).await),
            Deed::Unlock => self.lock.take().unwrap().close().await.unwrap(),
        }
    }

    /// Rows of account 1 by table: its users, end-users, itself, its named orders, notes about its users.
    pub(super) async fn theirs(&self) -> [i64; 5] {
        self.counts([
            "users WHERE account_id = 'a1'",
            "end_users WHERE account_id = 'a1'",
            "accounts WHERE id = 'a1'",
            "orders WHERE id = 'o1' AND (ship_name IS NOT NULL OR ship_street IS NOT NULL OR user_id IS NOT NULL)",
            "notes WHERE kind = 'user' AND about = 'u1'",
        ])
        .await
    }

    /// What is nobody's of account 1, or must be kept.
    pub(super) async fn others(&self) -> [i64; 5] {
        self.counts([
            "users WHERE account_id <> 'a1'",
            "accounts WHERE id <> 'a1'",
            "orders WHERE id <> 'o1' AND ship_name IS NOT NULL AND user_id IS NOT NULL",
            "orders WHERE id = 'o1'",
            "notes WHERE id IN ('n2', 'n3')",
        ])
        .await
    }

    async fn counts(&self, what: [&str; 5]) -> [i64; 5] {
        let mut counts = [0; 5];
        for (count, what) in counts.iter_mut().zip(what) {
            *count = self.world.ground.shop.count(&format!("SELECT COUNT(*) FROM {what}")).await;
        }
        counts
    }

    /// `expunged map check`: how it ends, and what it says.
    pub(super) fn map_check(&self) -> (Option<i32>, String) {
        let ground = &self.world.ground;
        let config = std::fs::read_to_string(ground.path("expunged.toml")).unwrap();
        let smtp = config.replace("[mailer.file]\npath = \"customers\"", "[mailer.smtp]\nhost = \"localhost\"");
        ground.write("check.toml", &smtp);
        let mut command = Command::new(env!("CARGO_BIN_EXE_expunged"));
        let output = command.args(["map", "check", "-o", "json", "--config"]).arg(ground.path("check.toml")).output();
        let output = output.unwrap();
        let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        (output.status.code(), said)
    }

    /// The login belongs to the server, and goes with the test.
    pub(super) async fn close(mut self) {
        self.does(Deed::Shop("DROP OWNED BY {login}; DROP ROLE {login}")).await;
    }
}

async fn run(url: &str, sql: &str) -> PgConnection {
    let mut connection = PgConnection::connect(url).await.unwrap();
    sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(&mut connection).await.unwrap();
    connection
}
