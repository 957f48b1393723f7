//! Links of text that the store does not enforce: what both ends of one collation take for the same goes, and nothing else.

use expunged::domain::{Scope, SubjectKind};
use expunged::erase::{DataMap, Target};
use expunged::stores::{self, Key, StoreKind, StoreLimits, StoreName, Stores};
use secrecy::SecretString;
use sqlx::{AssertSqlSafe, Executor as _, MySqlPool};

use super::memory::MemoryLedger;
use super::world::World;
use crate::support::mariadb::fresh_mariadb;

/// What hangs on a text, in every way that a map knows: rows that belong to it, to those, that only point to it, and that hold a row.
const TABLES: &str = "
    CREATE TABLE users (code VARCHAR(40) COLLATE {collation} NOT NULL PRIMARY KEY, email VARCHAR(80));
    CREATE TABLE visits (id INTEGER NOT NULL PRIMARY KEY, user_code VARCHAR(40) COLLATE {collation});
    CREATE TABLE pages (id INTEGER NOT NULL PRIMARY KEY, visit_id INTEGER, path VARCHAR(80));
    CREATE TABLE tickets (id INTEGER NOT NULL PRIMARY KEY, assignee VARCHAR(40) COLLATE {collation}, body VARCHAR(80));
    CREATE TABLE papers (code VARCHAR(40) COLLATE {collation} NOT NULL PRIMARY KEY, body VARCHAR(80));
    CREATE TABLE members (id INTEGER NOT NULL PRIMARY KEY, user_code VARCHAR(40) COLLATE {collation}, paper VARCHAR(40) COLLATE {collation});
    INSERT INTO users VALUES ('even', 'even@example.org'), ('odd', 'odd@example.org');
    INSERT INTO visits VALUES (1, 'EVEN'), (2, 'even '), (3, 'even'), (4, 'Odd'), (5, NULL), (6, 'event');
    INSERT INTO pages VALUES (1, 1, '/'), (2, 2, '/'), (3, 3, '/'), (4, 4, '/');
    INSERT INTO tickets VALUES (1, 'Even', 'a'), (2, 'odd', 'b'), (3, 'even ', 'c');
    INSERT INTO papers VALUES ('hers', 'x'), ('ours', 'y'), ('his', 'z');
    INSERT INTO members VALUES (1, 'EVEN', 'HERS'), (2, 'even', 'Ours'), (3, 'odd', 'ours '), (4, 'ODD', 'his');";

const MAP: &str = r#"
[store]
name = "shop"
kind = "mysql"
url = "mysql://unused"
backup_days = 35

[tables.users]
subject = "user"
key = "code"
categories = { code = "none", email = "contact" }
erase = "delete"

[tables.visits]
key = "id"
belongs_to = { users = "user_code" }
categories = { id = "none", user_code = "none" }
erase = "delete"

[tables.pages]
key = "id"
belongs_to = { visits = "visit_id" }
categories = { id = "none", visit_id = "none", path = "usage" }
erase = "delete"

[tables.tickets]
key = "id"
refers_to = { users = "assignee" }
categories = { id = "none", assignee = "none", body = "none" }
erase = "mask"
mask = { assignee = "detach" }

[tables.papers]
key = "code"
held_by = { members = "paper" }
categories = { code = "none", body = "contact" }
erase = "delete"

[tables.members]
key = "id"
belongs_to = { users = "user_code", papers = "paper" }
categories = { id = "none", user_code = "none", paper = "none" }
erase = "delete"
"#;

/// A shop on MariaDB whose texts have this collation, and a pool to look at it by plain SQL.
async fn shop(collation: &str) -> (World, MySqlPool) {
    let url = fresh_mariadb().await;
    let pool = MySqlPool::connect(&url).await.unwrap();
    pool.execute(AssertSqlSafe(TABLES.replace("{collation}", collation))).await.unwrap();
    let mut world = World::shop(1).await;
    world.map = DataMap::parse(&[("shop.toml", MAP)]).unwrap_or_else(|error| panic!("{error}"));
    world.stores = Stores::default();
    let store = stores::open(StoreKind::Mysql, &SecretString::from(url), StoreLimits::default()).await.unwrap();
    world.stores.insert(StoreName::new("shop").unwrap(), store);
    (world, pool)
}

fn even() -> Target {
    Target {
        scope: Scope::User,
        subject_kind: SubjectKind::User,
        store: StoreName::new("shop").unwrap(),
        table: "users".to_owned(),
        key: Key::from("even"),
        categories: Vec::new(),
    }
}

/// What is left of these, as the database itself lists it.
async fn left(pool: &MySqlPool) -> String {
    let sql = "SELECT CONCAT_WS('; ', (SELECT GROUP_CONCAT(code ORDER BY code) FROM users),
        (SELECT GROUP_CONCAT(id ORDER BY id) FROM visits), (SELECT GROUP_CONCAT(id ORDER BY id) FROM pages),
        (SELECT GROUP_CONCAT(id, COALESCE(assignee, '-') ORDER BY id) FROM tickets),
        (SELECT GROUP_CONCAT(code ORDER BY code) FROM papers), (SELECT GROUP_CONCAT(id ORDER BY id) FROM members))";
    sqlx::query_scalar(sql).fetch_one(pool).await.unwrap()
}

#[tokio::test]
async fn what_one_collation_takes_for_the_same_goes_without_a_foreign_key() {
    for (collation, wanted) in [
        ("utf8mb4_general_ci", "odd; 4,5,6; 4; 1-,2odd,3-; his,ours; 3,4"),
        // Case counts here, and blanks at the end do not: so it is for the database itself.
        ("utf8mb4_bin", "odd; 1,4,5,6; 1,4; 1Even,2odd,3-; hers,his,ours; 1,3,4"),
    ] {
        let (world, pool) = shop(collation).await;
        let preview = world.preview(&even()).await.unwrap();
        let counted = preview.rows.clone();
        let plan = world.plan(&even()).await;
        // A run that was killed goes on, and asks each row whose it is by now.
        let ledger = MemoryLedger::default();
        ledger.kill_after(Some(12));
        world.execute(&plan, &ledger).await.unwrap_err();
        ledger.kill_after(None);
        let outcome = world.execute(&plan, &ledger).await.unwrap_or_else(|error| panic!("{error:?}"));
        assert!(outcome.is_clean(), "{collation}");
        assert_eq!(left(&pool).await, wanted, "{collation}: {counted:?}");
    }
}
