//! Keys that may be NULL: a row with a NULL there is found by no key, and nothing of it may be called done.

use expunged::erase::{EraseError, check};
use expunged::stores::{StoreError, StoreKind};

use super::memory::MemoryLedger;
use super::one::One;

const MAP: &str = r#"
[tables.people]
subject = "user"
key = "id"
categories = { id = "none", name = "identity" }
erase = "delete"

[tables.marks]
key = KEY
belongs_to = { people = "person_id" }
categories = { person_id = "none", code = "none", text = "communication" }
erase = "delete"
"#;

const PEOPLE: &str =
    "CREATE TABLE people (id INTEGER NOT NULL PRIMARY KEY, name TEXT); INSERT INTO people VALUES (1, 'Ada');";

async fn store(key: &str, marks: &str) -> One {
    One::new(StoreKind::Sqlite, &MAP.replace("KEY", key), &format!("{PEOPLE}{marks}")).await
}

/// SQLite alone lets a primary key be NULL: an old mistake that it keeps for the sake of old files.
#[tokio::test]
async fn a_key_of_several_columns_that_may_be_null_is_a_defect() {
    for (columns, after, nullable) in [
        ("person_id INTEGER, code TEXT", "", vec!["code", "person_id"]),
        ("person_id INTEGER NOT NULL, code TEXT", "", vec!["code"]),
        ("person_id INTEGER NOT NULL, code TEXT NOT NULL", "", vec![]),
        ("person_id INTEGER, code TEXT", "WITHOUT ROWID", vec![]),
        ("person_id INTEGER, code TEXT", "STRICT", vec![]),
    ] {
        let marks = format!("CREATE TABLE marks ({columns}, text TEXT, PRIMARY KEY (person_id, code)) {after};");
        let one = store("[\"person_id\", \"code\"]", &marks).await;
        let defects = check(&one.map, &one.stores.schemas().await.unwrap());
        let found: Vec<_> = defects.iter().filter_map(|defect| defect.column.as_deref()).collect();
        assert_eq!(found, nullable, "{columns} {after}: {defects:?}");
        for defect in &defects {
            assert_eq!(defect.problem, "a key column may be NULL");
            assert!(defect.help.contains("SQLite lets each column of a PRIMARY KEY of several be NULL"), "{defect}");
        }
    }
}

/// Of one column that many schemas leave so, each row is looked at when it is found.
#[tokio::test]
async fn a_row_whose_one_key_is_null_stops_it_before_the_first_write() {
    let marks = "CREATE TABLE marks (code TEXT PRIMARY KEY, person_id INTEGER, text TEXT);
        CREATE INDEX by_person ON marks (person_id); INSERT INTO marks VALUES ('a', 1, 'x')";
    let one = store("\"code\"", marks).await;
    assert_eq!(check(&one.map, &one.stores.schemas().await.unwrap()), []);
    let plan = one.plan(1).await.unwrap();
    one.run("INSERT INTO marks VALUES (NULL, 1, 'y')").await;
    let stopped = one.execute(&plan, &MemoryLedger::default()).await.unwrap_err();
    let is_null = |source: &StoreError| matches!(source, StoreError::NullKey { table } if table == "marks");
    assert!(
        matches!(&stopped, EraseError::Store { at, source } if at.table == "marks" && is_null(source)),
        "{stopped:?}"
    );
    assert_eq!(one.count("SELECT COUNT(*) FROM marks").await, 2, "nothing was written");
}
