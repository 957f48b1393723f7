//! Maps that are wrong: in themselves with file, line and fix, or not true of their stores.

use std::collections::BTreeMap;

use expunged::domain::Scope;
use expunged::erase::{DataMap, check};
use expunged::stores::Key;

use super::world::{MAPS, World, target};

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
        ("erase      = \"mask\"", "erase = \"shred\"", "shop.toml:16:9", "\"shred\" is no rule", "delete, mask, keep"),
        ("key        = \"id\"", "kye = \"id\"", "shop.toml:12:1", "unknown field `kye`", "config/stores"),
        (
            "\"accounts.users\" = \"user_id\"",
            "\"accounts.user\" = \"user_id\"",
            "shop.toml:14:",
            "no mapped table",
            "store.table",
        ),
        ("ship_name = \"identity\", ", "", "shop.toml:12:", "column ship_name has no category", "ship_name = \"none\""),
        ("+ 10 years", "+ 10 eons", "shop.toml:18:", "cannot be read", "10 years"),
        ("ground = \"Art. 17(3)(b) GDPR; HGB §257\"", "ground = \" \"", "shop.toml:18:", "needs a ground", "article"),
        ("ship_name = \"null\"", "ship_name = \"blank\"", "shop.toml:17:", "no mask", "tombstone"),
        ("mask       = { engraving = \"null\" }", "", "shop.toml:25:", "nothing is masked", "mask = {"),
        ("url = \"sqlite://shop.db\"", "", "shop.toml:3:", "how the store is reached", "exactly one"),
        ("kind = \"sqlite\"", "kind = \"oracle\"", "shop.toml:5:8", "no kind of a store", "sqlite, postgres, mysql"),
        ("name = \"shop\"", "name = \"accounts\"", "shop.toml:4:8", "two files map", "one file"),
        ("account_id = \"detach\", ", "", "shop.toml:12:", "hold on to accounts.accounts", "account_id = \"detach\""),
        (
            "backup_days = 35",
            "backup_days = 35\nignore = [\"orders\"]",
            "shop.toml:9:10",
            "mapped and ignored",
            "ignore",
        ),
        (
            "orders = \"order_id\"",
            "orders = [\"order_id\", \"line_no\", \"x\"]",
            "shop.toml:21:",
            "column x has no category",
            "x = ",
        ),
    ] {
        let error = error_of(old, new);
        assert!(error.starts_with(place) && error.contains(says) && error.contains(fix), "{new}: {error}");
    }
}

/// Replaces a piece of accounts.toml and answers the error as it is shown.
fn accounts_error(old: &str, new: &str) -> String {
    let accounts = MAPS[0].1;
    assert!(accounts.contains(old), "{old}");
    let accounts = accounts.replacen(old, new, 1);
    DataMap::parse(&[("accounts.toml", &accounts), MAPS[1], MAPS[2]]).expect_err(new).to_string()
}

#[test]
fn a_map_that_could_never_work_is_refused() {
    for (old, new, says) in [
        ("subject    = \"end_user\"", "subject = \"user\"", "accounts.end_users has subject = \"user\" already"),
        ("key        = \"id\"\ncategories = { id", "key = [\"id\", \"company\"]\ncategories = { id", "by one column"),
        (", language_note = \"null\" }", " }", "column language_note has no mask, so that \"delete my data\""),
    ] {
        let error = accounts_error(old, new);
        assert!(error.contains(says), "{new}: {error}");
    }
}

#[test]
fn a_relative_path_begins_at_the_map() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("maps/shop.toml").display().to_string();
    let url_of = |url: &str| {
        let shop = MAPS[1].1.replace("url = \"sqlite://shop.db\"", url);
        let map = DataMap::parse(&[MAPS[0], (&file, &shop), MAPS[2]]).unwrap();
        let store = map.stores().values().find(|store| store.file == file).unwrap();
        store.read_url(None).map(|url| secrecy::ExposeSecret::expose_secret(&url).to_owned())
    };
    let maps = folder.path().join("maps").display().to_string();
    for (written, read) in [
        ("url = \"sqlite:shop.db\"", format!("sqlite://{maps}/shop.db")),
        ("url = \"sqlite://data/shop.db?mode=rw\"", format!("sqlite://{maps}/data/shop.db?mode=rw")),
        ("url = \"sqlite:///srv/shop.db\"", "sqlite:///srv/shop.db".to_owned()),
    ] {
        assert_eq!(url_of(written).unwrap(), read);
    }
    std::fs::create_dir(folder.path().join("maps")).unwrap();
    std::fs::write(folder.path().join("maps/shop.url"), "sqlite:shop.db\n").unwrap();
    assert_eq!(url_of("url_file = \"shop.url\"").unwrap(), format!("sqlite://{maps}/shop.db"));
}

#[tokio::test]
async fn a_table_that_nobody_mapped_is_ignored_only_by_name() {
    let world = World::shop(0).await;
    world.run("shop", "CREATE TABLE newsletter (id INTEGER PRIMARY KEY, address TEXT)").await;
    let schemas = world.stores.schemas().await.unwrap();
    let defects = |ignore: &str| {
        let shop = MAPS[1].1.replace("backup_days = 35", &format!("backup_days = 35\nignore = [{ignore}]"));
        check(&DataMap::parse(&[MAPS[0], ("shop.toml", &shop), MAPS[2]]).unwrap(), &schemas)
    };
    let [unmapped] = &defects("")[..] else { panic!("one defect") };
    assert!(unmapped.at.table == "newsletter" && unmapped.help.contains("ignore = [\"newsletter\"]"), "{unmapped}");
    assert_eq!(defects("\"newsletter\""), []);
    assert!(defects("\"newsletter\", \"letters\"")[0].problem.contains("no such table to ignore"));
    world.run("shop", "CREATE TABLE gifts (id INTEGER PRIMARY KEY, order_id BIGINT REFERENCES Orders (ID))").await;
    let schemas = world.stores.schemas().await.unwrap();
    let shop = MAPS[1].1.replace("backup_days = 35", "backup_days = 35\nignore = [\"newsletter\", \"gifts\"]");
    let found = check(&DataMap::parse(&[MAPS[0], ("shop.toml", &shop), MAPS[2]]).unwrap(), &schemas);
    assert!(found[0].at.table == "gifts" && found[0].problem.contains("holds on to somebody's data"), "{found:?}");
}

#[test]
fn a_url_never_prints() {
    let text = MAPS[1]
        .1
        .replace("sqlite://shop.db", "postgres://root:hunter2@db/shop")
        .replace("kind = \"sqlite\"", "kind = \"postgres\"");
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
            "crm",
            "DROP TABLE contacts; CREATE TABLE contacts (id BIGINT PRIMARY KEY, customer_ref BLOB, end_user_ref REAL, email VARCHAR(120), nickname VARCHAR(60))",
            Some("customer_ref"),
            "can never match accounts.users.id",
        ),
        (
            "crm",
            "DROP TABLE contacts; CREATE TABLE contacts (id BIGINT PRIMARY KEY, customer_ref TEXT, end_user_ref REAL, email VARCHAR(120), nickname VARCHAR(60))",
            Some("end_user_ref"),
            "can never match accounts.end_users.id",
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

/// What a store deletes by itself nobody counts, and it may be a row that stays.
#[tokio::test]
async fn a_cascade_may_take_only_what_goes_anyway() {
    let tables = |rule: &str| {
        format!(
            "CREATE TABLE users (id INTEGER PRIMARY KEY);
            CREATE TABLE things (id INTEGER PRIMARY KEY, user_id INTEGER REFERENCES users (id) ON DELETE {rule}, name TEXT)"
        )
    };
    let map = |link: &str, erase: &str| {
        format!(
            "[store]\nname = \"one\"\nkind = \"sqlite\"\nurl = \"sqlite:one.db\"\nbackup_days = 1
            [tables.users]\nsubject = \"user\"\nkey = \"id\"\nerase = \"delete\"\ncategories = {{ id = \"none\" }}
            [tables.things]\nkey = \"id\"\n{link} = {{ users = [\"user_id\"] }}\nerase = \"{erase}\"
            categories = {{ id = \"none\", user_id = \"none\", name = \"none\" }}
            mask = {{ user_id = \"detach\", name = \"null\" }}"
        )
    };
    for (rule, link, erase, says) in [
        ("CASCADE", "belongs_to", "delete", None),
        ("CASCADE", "belongs_to", "mask", Some("rows that stay")),
        ("CASCADE", "refers_to", "mask", Some("rows that stay")),
        ("SET NULL", "belongs_to", "mask", None),
        ("NO ACTION", "belongs_to", "mask", None),
    ] {
        let world = World::new(&[("one.toml", &map(link, erase))], &[tables(rule)]).await;
        let defects = check(&world.map, &world.stores.schemas().await.unwrap());
        let found: Vec<_> = defects.iter().filter(|defect| defect.problem.contains("CASCADE")).collect();
        assert_eq!(found.len(), usize::from(says.is_some()), "{rule} {link} {erase}: {defects:?}");
        if let (Some(says), [defect]) = (says, &found[..]) {
            assert!(defect.problem.contains(says) && defect.help.contains("foreign key to users"), "{defect}");
            assert_eq!(defect.column.as_deref(), Some("user_id"));
        }
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

/// A map of one table whose columns are all masked: `(type, mask, what is said)`.
#[tokio::test]
async fn masks_are_tried_before_they_are_needed() {
    for (column, mask, says) in [
        ("born DATE NOT NULL", "{ constant = \"1990-01-01\" }", None),
        ("born DATE NOT NULL", "{ truncate = \"year\" }", None),
        ("born INTEGER", "{ truncate = \"year\" }", Some("holds no dates")),
        ("born DATE UNIQUE", "{ truncate = \"month\" }", Some("unique")),
        ("born INTEGER", "{ redact = \"1\", with = \"\" }", Some("in a text")),
        ("born TEXT UNIQUE", "{ redact = \"1\", with = \"\" }", Some("unique")),
        ("born TEXT CHECK (born > '1')", "{ redact = \"1\", with = \"\" }", Some("CHECK")),
        ("born TEXT CHECK (json_valid(born))", "{ json = { \"$.a\" = \"null\" } }", None),
        ("born TEXT CHECK (length(born) > 3)", "{ json = { \"$.a\" = \"null\" } }", Some("CHECK")),
        ("born DATE", "{ json = { \"$.a\" = \"null\" } }", Some("no JSON")),
        ("born DATE NOT NULL", "{ constant = \"erased\" }", Some("not of the column's type")),
        ("born INTEGER NOT NULL", "{ constant = \"99999999999999999999\" }", Some("not of the column's type")),
        ("born NUMERIC(4, 2) NOT NULL", "{ constant = \"1.505\" }", Some("not of the column's type")),
        ("born JSONISH NOT NULL", "{ constant = \"{}\" }", Some("not of the column's type")),
        ("born TEXT CHECK (length(born) > 3)", "{ constant = \"x\" }", Some("CHECK")),
        ("born TEXT CHECK (length(born) > 3)", "\"null\"", None),
        ("born TEXT, CHECK (born IS NOT NULL)", "\"null\"", Some("CHECK")),
        ("born TEXT, phone TEXT, CHECK (phone IS NOT NULL)", "\"null\"", None),
        ("born TEXT NOT NULL", "{ constant = \"x \" }", Some("blank")),
        ("born TEXT); CREATE UNIQUE INDEX one ON people (lower(born)", "{ constant = \"x\" }", Some("unique")),
        ("born TEXT); CREATE UNIQUE INDEX one ON people (born) WHERE (id > 4", "{ constant = \"x\" }", Some("unique")),
    ] {
        let phone = if column.contains("phone") { ", phone = \"none\"" } else { "" };
        let map = format!(
            "[store]\nname = \"one\"\nkind = \"sqlite\"\nurl = \"sqlite:one.db\"\nbackup_days = 1\n
            [tables.people]\nsubject = \"user\"\nkey = \"id\"\nerase = \"mask\"
            categories = {{ id = \"none\", born = \"identity\"{phone} }}\nmask = {{ born = {mask} }}"
        );
        let table = format!("CREATE TABLE people (id INTEGER PRIMARY KEY, {column});");
        let world = World::new(&[("one.toml", &map)], &[table]).await;
        let defects = check(&world.map, &world.stores.schemas().await.unwrap());
        match says {
            None => assert_eq!(defects, [], "{column} {mask}"),
            Some(says) => {
                assert!(defects.iter().any(|defect| defect.problem.contains(says)), "{column} {mask}: {defects:?}")
            }
        }
    }
}

#[tokio::test]
async fn a_person_is_known_by_the_text_of_their_key() {
    let map = "[store]\nname = \"one\"\nkind = \"sqlite\"\nurl = \"sqlite:one.db\"\nbackup_days = 1
        [tables.people]\nsubject = \"user\"\nkey = \"id\"\nerase = \"delete\"\ncategories = { id = \"none\" }
        [tables.notes]\nkey = \"id\"\nerase = \"delete\"\nbelongs_to = { people = \"person\" }
        categories = { id = \"none\", person = \"none\" }";
    let script =
        "CREATE TABLE people (id BLOB NOT NULL PRIMARY KEY); CREATE TABLE notes (id INTEGER PRIMARY KEY, person BLOB);
        INSERT INTO people VALUES (x'0a0b'), (x'0c'); INSERT INTO notes VALUES (1, x'0a0b'), (2, x'0c');";
    let world = World::new(&[("one.toml", map)], &[script.to_owned()]).await;
    let mut person = target(Scope::User, Scope::User, 0);
    (person.store, person.key) = (expunged::stores::StoreName::new("one").unwrap(), Key::from("0A0B"));
    person.table = "people".to_owned();
    assert_eq!(world.erase(&person).await.totals().erased, 2);
    assert_eq!(world.count("one", "SELECT COUNT(*) FROM notes").await, 1);
    person.key = Key::from("anna");
    assert!(world.preview(&person).await.is_err(), "whose rows they are cannot be told");
}
