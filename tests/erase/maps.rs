//! Maps that are wrong: in themselves with file, line and fix, or not true of their stores.

use std::collections::BTreeMap;

use expunged::erase::{DataMap, check};

use super::world::{MAPS, World};

#[tokio::test]
async fn the_examples_are_true_of_the_shop() {
    let world = World::shop(1).await;
    assert_eq!(check(&world.map, &world.stores.schemas().await.unwrap()), []);
    assert_eq!(check(&world.map, &BTreeMap::new()).len(), 3, "a store that was not read is a defect");
}

/// Replaces a piece of shop.toml and answers the error as it is shown.
fn error_of(old: &str, new: &str) -> String {
    let shop = MAPS[1].1;
    assert!(shop.contains(old), "{old}");
    let shop = shop.replacen(old, new, 1);
    DataMap::parse(&[MAPS[0], ("shop.toml", &shop), MAPS[2]]).expect_err(new).to_string()
}

#[test]
fn errors_name_file_line_and_fix() {
    for (old, new, place, says, fix) in [
        ("erase      = \"mask\"", "erase = \"shred\"", "shop.toml:15:9", "\"shred\" is no rule", "delete, mask, keep"),
        ("key        = \"id\"", "kye = \"id\"", "shop.toml:12:1", "unknown field `kye`", "config/stores"),
        (
            "\"accounts.users\" = \"user_id\"",
            "\"accounts.user\" = \"user_id\"",
            "shop.toml:13:",
            "no mapped table",
            "store.table",
        ),
        ("ship_name = \"identity\", ", "", "shop.toml:11:", "column ship_name has no category", "ship_name = \"none\""),
        ("+ 10 years", "+ 10 eons", "shop.toml:17:", "cannot be read", "10 years"),
        ("ground = \"Art. 17(3)(b) GDPR; HGB §257\"", "ground = \" \"", "shop.toml:17:", "needs a ground", "article"),
        ("ship_name = \"null\"", "ship_name = \"blank\"", "shop.toml:16:", "no mask", "tombstone"),
        ("mask       = { engraving = \"null\" }", "", "shop.toml:24:", "nothing is masked", "mask = {"),
        ("url = \"sqlite://shop.db\"", "", "shop.toml:3:", "how the store is reached", "exactly one"),
        ("kind = \"sqlite\"", "kind = \"oracle\"", "shop.toml:5:8", "no store kind", "sqlite, postgres, mysql"),
        ("name = \"shop\"", "name = \"accounts\"", "shop.toml:4:8", "two files map", "one file"),
        (
            "orders = \"order_id\"",
            "orders = [\"order_id\", \"line_no\", \"x\"]",
            "shop.toml:20:",
            "column x has no category",
            "x = ",
        ),
    ] {
        let error = error_of(old, new);
        assert!(error.starts_with(place) && error.contains(says) && error.contains(fix), "{new}: {error}");
    }
}

#[test]
fn a_url_never_prints() {
    let text = MAPS[1].1.replace("sqlite://shop.db", "postgres://root:hunter2@db/shop");
    let map = DataMap::parse(&[MAPS[0], ("shop.toml", &text), MAPS[2]]).unwrap();
    assert!(!format!("{map:?} {}", serde_json::to_string(&map).unwrap()).contains("hunter2"));
}

#[tokio::test]
async fn every_difference_is_a_defect() {
    for (store, sql, column, says) in [
        ("accounts", "ALTER TABLE users ADD COLUMN fax TEXT", Some("fax"), "not mapped"),
        ("accounts", "ALTER TABLE users DROP COLUMN locale", Some("locale"), "no such column"),
        ("shop", "DROP TABLE sessions", None, "no such table"),
        (
            "accounts",
            "CREATE TABLE badges (id INTEGER PRIMARY KEY, user_id INTEGER REFERENCES users (id))",
            None,
            "not mapped",
        ),
        (
            "crm",
            "CREATE TABLE areas (id INTEGER PRIMARY KEY); ALTER TABLE contacts ADD COLUMN area INTEGER REFERENCES areas (id)",
            None,
            "not mapped",
        ),
        (
            "crm",
            "ALTER TABLE contacts DROP COLUMN nickname; ALTER TABLE contacts ADD COLUMN nickname VARCHAR(60) NOT NULL DEFAULT ''",
            Some("nickname"),
            "NOT NULL",
        ),
        (
            "crm",
            "DROP TABLE notes; CREATE TABLE notes (id INTEGER, ticket_id BIGINT, parent_id BIGINT, body TEXT)",
            None,
            "key is not unique",
        ),
        (
            "shop",
            "DROP TABLE search_history; CREATE TABLE search_history (id BIGINT PRIMARY KEY, user_id BIGINT, end_user_id BIGINT REFERENCES orders (id), query TEXT, searched_at TEXT)",
            Some("end_user_id"),
            "no answer",
        ),
    ] {
        let world = World::shop(0).await;
        world.run(store, sql).await;
        let defects = check(&world.map, &world.stores.schemas().await.unwrap());
        let found = defects.iter().any(|defect| defect.column.as_deref() == column && defect.problem.contains(says));
        assert!(found, "{sql}: {defects:?}");
    }
}

#[tokio::test]
async fn masks_must_fit() {
    for (old, new, says) in [
        (
            "email = \"tombstone\", phone = \"null\", full_name = { constant = \"erased\" }, language_note",
            "email = { constant = \"x\" }, phone = \"null\", full_name = \"null\", language_note",
            "unique",
        ),
        (
            "email = \"tombstone\", phone = \"null\", full_name",
            "email = \"tombstone\", phone = { constant = \"0123456789012345678901234567890123456789x\" }, full_name",
            "too long",
        ),
        ("language_note = \"null\"", "language_note = \"null\", locale = \"tombstone\"", "24 characters"),
    ] {
        assert!(MAPS[0].1.contains(old), "{old}");
        let accounts = MAPS[0].1.replacen(old, new, 1);
        let map = DataMap::parse(&[("accounts.toml", &accounts), MAPS[1], MAPS[2]]).unwrap();
        let world = World::shop(0).await;
        let defects = check(&map, &world.stores.schemas().await.unwrap());
        assert!(defects.iter().any(|defect| defect.problem.contains(says)), "{new}: {defects:?}");
    }
}
