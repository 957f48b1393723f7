//! What works and should be known: searches without an index with their cost, columns that are called otherwise, and
//! tables that nothing leads to.

use std::collections::BTreeMap;

use expunged::erase::map::apart;
use expunged::erase::map::risk::{Coverage, risks, without_index};
use expunged::erase::{DataMap, check};
use expunged::stores::StoreKind;

use super::world::{KINDS, made, name};

const SCRIPT: &str = "
    CREATE TABLE users (id INTEGER NOT NULL PRIMARY KEY, email VARCHAR(120));
    CREATE TABLE visits (id INTEGER NOT NULL PRIMARY KEY, user_id INTEGER, phone VARCHAR(20));
    CREATE TABLE sessions (id INTEGER NOT NULL PRIMARY KEY, user_id INTEGER);
    CREATE TABLE wide (a INTEGER NOT NULL, user_id INTEGER NOT NULL, PRIMARY KEY (a, user_id));
    CREATE TABLE letters (address VARCHAR(120));
    CREATE INDEX by_user ON sessions (user_id, id);
    INSERT INTO users VALUES (1, 'a@example.org');";

const MAP: &str = r#"
[store]
name = "shop"
kind = "KIND"
url = "unused"
backup_days = 35
ignore = ["letters"]

[tables.users]
subject = "user"
key = "id"
categories = { id = "none", email = "contact" }
erase = "delete"

[tables.visits]
key = "id"
belongs_to = { users = "user_id" }
categories = { id = "none", user_id = "none", phone = "none" }
erase = "delete"

[tables.sessions]
key = "id"
belongs_to = { users = "user_id" }
categories = { id = "none", user_id = "none" }
erase = "delete"

[tables.wide]
key = ["a", "user_id"]
belongs_to = { users = "user_id" }
categories = { a = "none", user_id = "none" }
erase = "delete"
"#;

#[tokio::test]
async fn a_search_without_an_index_is_told_with_its_cost() {
    for kind in KINDS {
        let store = made(kind, SCRIPT).await;
        let schemas = BTreeMap::from([(name(), store.survey.look().await.unwrap())]);
        let map = DataMap::parse(&[("shop.toml", &MAP.replace("KIND", kind.as_str()))]).unwrap();
        let sizes = |rows: u64| {
            let tables = ["visits", "sessions", "wide"].map(|table| (table.to_owned(), rows));
            BTreeMap::from([(name(), BTreeMap::from(tables))])
        };
        let told = |rows: u64, seconds: u64| -> Vec<(bool, String)> {
            let risks = risks(&map, &schemas, Some(&sizes(rows)), seconds);
            risks.iter().map(|risk| (risk.grave, risk.defect.to_string())).collect()
        };
        let unindexed = |rows: u64, seconds: u64| -> Vec<(bool, String)> {
            told(rows, seconds).into_iter().filter(|(_, text)| text.contains("no index")).collect()
        };
        assert_eq!(unindexed(9_000, 60), [], "{kind}: a small table is read as fast");
        let slow = unindexed(3_000_000, 60);
        let [visits, wide] = &slow[..] else { panic!("{kind}: {slow:?}") };
        assert!(visits.1.contains("shop.visits.user_id") && visits.1.contains("about 3000000, some 3 s"), "{visits:?}");
        assert!(visits.1.contains("CREATE INDEX visits_user_id ON visits (user_id)") && !visits.0, "{visits:?}");
        assert!(wide.1.contains("shop.wide.user_id"), "the key begins with another column: {wide:?}");
        assert!(unindexed(3_000_000, 3).iter().all(|(grave, _)| *grave), "it would run into the time limit");

        let other: Vec<_> = told(1, 60).into_iter().map(|(_, text)| text).collect();
        let [letters, phone] = &other[..] else { panic!("{kind}: {other:?}") };
        assert!(letters.contains("shop.letters.address") && letters.contains("ignored"), "{letters}");
        assert!(phone.contains("shop.visits.phone") && phone.contains("mostly phone"), "{phone}");
    }
}

#[tokio::test]
async fn sizes_are_the_store_s_own() {
    for kind in KINDS {
        let many: String = (2..=3_000).map(|id| format!(",({id}, NULL)")).collect();
        let analyse = match kind {
            expunged::stores::StoreKind::Mysql => "ANALYZE TABLE users",
            _ => "ANALYZE users",
        };
        let script = format!("{SCRIPT} INSERT INTO users VALUES (0, NULL){many}; {analyse}");
        let store = made(kind, &script).await;
        let sizes = store.survey.sizes().await.unwrap();
        assert!((2_500..=3_500).contains(&sizes["users"]), "{kind}: {sizes:?}");
    }
}

#[tokio::test]
async fn what_leads_to_no_subject_is_a_defect_and_what_is_unmapped_counts() {
    let store = made(expunged::stores::StoreKind::Sqlite, SCRIPT).await;
    let schemas = BTreeMap::from([(name(), store.survey.look().await.unwrap())]);
    let of = |map: &str| DataMap::parse(&[("shop.toml", map)]).unwrap_or_else(|error| panic!("{error}"));
    let whole = MAP.replace("KIND", "sqlite");
    assert_eq!(check(&of(&whole), &schemas), []);
    assert_eq!(Coverage::of(&of(&whole), &schemas).percent(), 100);

    let lost = whole
        .replace("subject = \"user\"\nkey = \"id\"", "key = \"id\"\nbelongs_to = { sessions = \"id\" }")
        .replace("[tables.sessions]\n", "[tables.sessions]\nmask = { user_id = \"detach\" }\n");
    let defects = check(&of(&lost), &schemas);
    let unreached = defects.iter().filter(|defect| defect.problem.contains("belongs to no subject")).count();
    assert_eq!(unreached, 4, "a circle of tables that no subject is in: {defects:?}");

    let short = whole.replace(", phone = \"none\"", "");
    let defects = check(&of(&short), &schemas);
    assert!(defects.len() == 1 && defects[0].is_unmapped(), "{defects:?}");
    let coverage = Coverage::of(&of(&short), &schemas);
    assert_eq!((coverage.mapped, coverage.columns, coverage.percent()), (8, 9, 88));
}

/// A store of names is gone over as a whole: no index would change that, and it takes no SQL.
#[test]
fn no_index_is_asked_of_a_store_without_tables() {
    let maps = [
        ("accounts.toml", include_str!("../../config/stores/accounts.toml")),
        ("cache.toml", include_str!("../../config/stores/cache.toml")),
    ];
    let map = DataMap::parse(&maps).unwrap_or_else(|error| panic!("{error}"));
    let at = expunged::stores::StoreName::new("cache").unwrap();
    let schemas = BTreeMap::from([(at.clone(), map.stores()[&at].shapes().schema(0))]);
    assert!(!schemas[&at].tables.is_empty());
    let told = risks(&map, &schemas, Some(&BTreeMap::new()), 60);
    assert!(!told.iter().any(|risk| risk.defect.to_string().contains("INDEX")), "{told:?}");
    assert_eq!(without_index(&map, &schemas), []);
}

const APART: &str = "
    CREATE TABLE people (id INTEGER NOT NULL PRIMARY KEY, email VARCHAR(120));
    CREATE TABLE letters (id INTEGER NOT NULL PRIMARY KEY, person VARCHAR(120));
    CREATE TABLE logs (id INTEGER NOT NULL PRIMARY KEY, person BIGINT);
    CREATE TABLE codes (code VARCHAR(36) NOT NULL PRIMARY KEY, person INTEGER);
    CREATE TABLE marks (id INTEGER NOT NULL PRIMARY KEY, code CODE, number INTEGER);
    INSERT INTO people VALUES (1, 'a@example.org');";

const MAP_APART: &str = r#"
[store]
name = "shop"
kind = "KIND"
url = "unused"
backup_days = 35

[tables.people]
subject = "user"
key = "id"
categories = { id = "none", email = "contact" }
erase = "delete"

[tables.letters]
key = "id"
belongs_to = { people = "person" }
categories = { id = "none", person = "contact" }
erase = "delete"

[tables.logs]
key = "id"
belongs_to = { people = "person" }
categories = { id = "none", person = "none" }
erase = "delete"

[tables.codes]
key = "code"
belongs_to = { people = "person" }
categories = { code = "none", person = "none" }
erase = "delete"

[tables.marks]
key = "id"
belongs_to = { codes = ["code", "number"] }
categories = { id = "none", code = "none", number = "none" }
erase = "delete"
"#;

/// What a database would compare only by a cast is a risk that fails the check; whole numbers of two widths, or two types of
/// text, are none.
#[tokio::test]
async fn a_link_between_two_types_is_told_unless_somebody_says_that_it_is_right() {
    for kind in KINDS {
        let store = made(kind, &APART.replace("CODE", "VARCHAR(40)")).await;
        let schemas = BTreeMap::from([(name(), store.survey.look().await.unwrap())]);
        let text = MAP_APART.replace("KIND", kind.as_str());
        let apart = |text: &str| -> Vec<String> {
            let map = DataMap::parse(&[("shop.toml", text)]).unwrap_or_else(|error| panic!("{error}"));
            let risks = risks(&map, &schemas, Some(&BTreeMap::new()), 60);
            let told = risks.iter().filter(|risk| risk.defect.problem.contains("links to"));
            told.map(|risk| format!("{} {}", risk.grave, risk.defect)).collect()
        };
        let told = apart(&text);
        let [letters, marks] = &told[..] else { panic!("{kind}: {told:#?}") };
        assert!(letters.starts_with("true ") && letters.contains("shop.letters.person"), "{letters}");
        assert!(letters.contains("links to shop.people.id, which is int") || kind != StoreKind::Mysql, "{letters}");
        let lower = letters.to_lowercase();
        assert!(lower.contains("varchar") || lower.contains("character varying"), "both types are named: {letters}");
        assert!(letters.contains("{ columns = \"person\", as_written = true }"), "what to do: {letters}");
        assert!(marks.contains("shop.marks.number") && marks.contains("shop.codes.code"), "{marks}");
        let said = text
            .replacen("{ people = \"person\" }", "{ people = { columns = \"person\", as_written = true } }", 1)
            .replace("[\"code\", \"number\"]", "\"code\"");
        assert_eq!(apart(&said), Vec::<String>::new(), "{kind}");
    }
}

/// MariaDB refuses to compare two collations, and we compare to the byte.
#[tokio::test]
async fn two_collations_of_one_link_are_told() {
    let at = |collation: &str| APART.replace("CODE", &format!("VARCHAR(40) COLLATE {collation}"));
    let text = MAP_APART.replace("KIND", "mysql").replace("[\"code\", \"number\"]", "\"code\"");
    for (code, link, is_told) in [
        ("utf8mb4_general_ci", "utf8mb4_unicode_ci", true),
        ("utf8mb4_general_ci", "utf8mb4_general_ci", false),
        ("utf8mb4_bin", "utf8mb4_bin", false),
    ] {
        let script =
            at(link).replace("code VARCHAR(36) NOT NULL", &format!("code VARCHAR(36) COLLATE {code} NOT NULL"));
        let store = made(StoreKind::Mysql, &script).await;
        let schemas = BTreeMap::from([(name(), store.survey.look().await.unwrap())]);
        let map = DataMap::parse(&[("shop.toml", &text)]).unwrap();
        let told: Vec<_> = apart(&map, &schemas).into_iter().filter(|defect| defect.at.table == "marks").collect();
        assert_eq!(!told.is_empty(), is_told, "{code} {link}: {told:?}");
        assert!(told.iter().all(|defect| defect.problem.contains(code) && defect.problem.contains(link)), "{told:?}");
    }
}
