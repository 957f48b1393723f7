//! What works and should be known: searches without an index with their cost, columns that are called otherwise, and
//! tables that nothing leads to.

use std::collections::BTreeMap;

use expunged::erase::map::risk::{Coverage, risks};
use expunged::erase::{DataMap, check};

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
            let risks = risks(&map, &schemas, &sizes(rows), seconds);
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
        assert!(phone.contains("shop.visits.phone") && phone.contains("mostly contact"), "{phone}");
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
