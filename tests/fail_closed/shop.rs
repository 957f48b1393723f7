//! The shop of these tests: on PostgreSQL, with rows of several kinds and a login that may do what erasing needs.

use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::Path;
use std::process::Command;

use sqlx::{AssertSqlSafe, Connection as _, PgConnection};

use crate::support::postgres::{fresh_postgres, own_postgres};
use crate::support::recipe::Server;
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

/// What kind of shop it is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Setting {
    /// A few rows.
    Usual,
    /// So many users of account 1 more ([`MANY`]), each of whom orders might still point to; and so many orders that reading them all
    /// takes a while.
    Large,
    /// The orders lie on a small disk of their own.
    SmallDisk,
}

/// Users that account 1 of a large shop has besides.
pub(super) const MANY: i64 = 1_600;

const LARGE: &str = "
    ALTER TABLE orders ADD FOREIGN KEY (user_id) REFERENCES users (id);
    CREATE INDEX orders_user_id ON orders (user_id);
    INSERT INTO users SELECT 'm' || n, 'a1', 'user', 'm' || n || '@team.example', 'Many', NULL FROM generate_series(1, 1600) n;
    INSERT INTO orders SELECT 'm' || n, NULL, '2026-02-05', NULL, NULL FROM generate_series(1, 100000) n;
    ANALYZE orders";

/// What somebody does to the shop.
#[derive(Clone, Copy)]
pub(super) enum Deed {
    /// Statements of its owner.
    Shop(&'static str),
    /// Statements on the server, outside of the shop.
    Server(&'static str),
    /// Fills the small disk, and the last page of the orders.
    Fill,
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
    /// Ends before its disk goes.
    _server: Option<Server>,
    _disk: Option<SmallDisk>,
}

impl Shop {
    /// A statement of the program may take so long on it.
    pub(super) async fn open(setting: Setting, statement_seconds: u32) -> Self {
        let login = format!("eraser_{}", unique_word());
        // A disk that goes away harms the server that has tables on it. And PostgreSQL does not use an index that was made anew as long as
        // a transaction of before it is open in any database: neither has neighbours.
        let server = if setting == Setting::Usual { None } else { Some(own_postgres().await) };
        let database = match &server {
            Some(server) => {
                run(&server.url, "CREATE DATABASE shop").await.close().await.unwrap();
                server.url_of("shop")
            }
            None => fresh_postgres().await,
        };
        let disk = match &server {
            Some(server) if setting == Setting::SmallDisk => Some(SmallDisk::under(&server.url).await),
            _ => None,
        };
        let mut url = None;
        let ground = Ground::with_shop_at(database, |shop| {
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
        match setting {
            Setting::Usual => {}
            Setting::Large => ground.shop.run(LARGE).await,
            Setting::SmallDisk => ground.shop.run("ALTER TABLE orders SET TABLESPACE small").await,
        }
        let (world, url) = (ground.build().await, url.unwrap());
        Self { world, url, login, lock: None, _server: server, _disk: disk }
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
            Deed::Fill => {
                let mut server = self.url.clone();
                server.set_path("postgres");
                run(server.as_str(), FILL_DISK).await.close().await.unwrap();
                self.world.ground.shop.run(FILL_PAGE).await;
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
        self.command(&["map", "check", "-o", "json"])
    }

    /// A command that looks.
    pub(super) fn command(&self, arguments: &[&str]) -> (Option<i32>, String) {
        let ground = &self.world.ground;
        let config = std::fs::read_to_string(ground.path("expunged.toml")).unwrap();
        let smtp = config.replace("[mailer.file]\npath = \"customers\"", "[mailer.smtp]\nhost = \"localhost\"");
        ground.write("check.toml", &smtp);
        let mut command = Command::new(env!("CARGO_BIN_EXE_expunged"));
        let output = command.args(arguments).arg("--config").arg(ground.path("check.toml")).output();
        let output = output.unwrap();
        let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        (output.status.code(), said)
    }

    /// The login belongs to the server, and goes with the test.
    pub(super) async fn close(mut self) {
        self.does(Deed::Shop("DROP OWNED BY {login}; DROP ROLE {login}")).await;
    }
}

/// In another database of the server, where the shop's map does not see it.
const FILL_DISK: &str = "CREATE TABLE ballast (filler TEXT) TABLESPACE small;
    DO $$ BEGIN
      LOOP
        BEGIN INSERT INTO ballast VALUES (repeat('x', 1900));
        EXCEPTION WHEN disk_full THEN EXIT;
        END;
      END LOOP;
    END $$";

/// A changed row is written anew, and there is room for it as long as the last page has some.
const FILL_PAGE: &str = "DO $$ DECLARE n INT := 0; BEGIN
      LOOP
        n := n + 1;
        BEGIN INSERT INTO orders VALUES ('n' || n, NULL, '2026-02-05', NULL, NULL);
        EXCEPTION WHEN disk_full THEN EXIT;
        END;
      END LOOP;
    END $$";

/// Whether a file system may be mounted here; it takes root, and in a container more than that.
#[expect(clippy::print_stderr, reason = "a test that did not run says so where the runner shows it")]
pub(super) fn may_mount() -> bool {
    let folder = tempfile::tempdir().unwrap();
    let mounted = mount(&["-t", "tmpfs", "-o", "size=4k", "tmpfs"], folder.path());
    if !mounted {
        eprintln!("NOT TESTED: a full disk takes one of its own, and no tmpfs may be mounted here");
        return false;
    }
    Command::new("umount").arg(folder.path()).status().is_ok_and(|status| status.success())
}

/// A file system in memory of a few pages, with a tablespace `small` on it.
struct SmallDisk(tempfile::TempDir);

impl SmallDisk {
    /// One that this server of ours may write to.
    async fn under(url: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o711)).unwrap();
        let place = folder.path().join("disk");
        std::fs::create_dir(&place).unwrap();
        let mut server = run(url, "SELECT 1").await;
        let data: String = sqlx::query_scalar("SHOW data_directory").fetch_one(&mut server).await.unwrap();
        let user = std::fs::metadata(&data).unwrap();
        let options = format!("size=512k,mode=700,uid={},gid={}", user.uid(), user.gid());
        let mounted = mount(&["-t", "tmpfs", "-o", &options, "tmpfs"], &place);
        assert!(mounted, "a tmpfs of its own");
        let sql = format!("CREATE TABLESPACE small LOCATION '{}'", place.display());
        sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut server).await.unwrap();
        server.close().await.unwrap();
        Self(folder)
    }
}

fn mount(options: &[&str], place: &Path) -> bool {
    Command::new("mount").args(options).arg(place).output().is_ok_and(|mounted| mounted.status.success())
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Lazily: whoever still has a file open there keeps nobody else waiting.
        let _ = Command::new("umount").arg("-l").arg(self.0.path().join("disk")).status();
    }
}

async fn run(url: &str, sql: &str) -> PgConnection {
    let mut connection = PgConnection::connect(url).await.unwrap();
    sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(&mut connection).await.unwrap();
    connection
}
