//! A schema of 1,000 tables and 2,000 foreign keys gets a map that holds.

use std::time::Instant;

use expunged::domain::SubjectKind;
use expunged::erase::map::propose::Hints;
use expunged::stores::{Schema, StoreKind};

use super::generated::{TABLES, of_sqlite, script};
use super::world::{Made, answered, is_true, made, proposed};

#[expect(clippy::print_stdout, reason = "the figures are for who reads the run")]
async fn proposed_in_time(store: &Made, kind: StoreKind) -> (Schema, String) {
    let start = Instant::now();
    let schema = store.survey.look().await.unwrap();
    let read = start.elapsed();
    let hints = Hints { subjects: [("users".to_owned(), SubjectKind::User)].into(), ..Hints::default() };
    let text = proposed(store, &schema, &hints);
    println!("{kind}: {} tables read in {read:?}, map proposed after {:?}", schema.tables.len(), start.elapsed());
    (schema, text)
}

#[expect(clippy::print_stdout, reason = "the figures are for who reads the run")]
async fn gets_a_map_that_holds(kind: StoreKind) {
    let script = match kind {
        StoreKind::Postgres => script(),
        StoreKind::Sqlite => of_sqlite(&script()),
        StoreKind::Mysql => format!("SET SESSION foreign_key_checks = 0; {}", of_sqlite(&script())),
        StoreKind::Redis | StoreKind::Objects => panic!("{kind} has no schema"),
    };
    let store = made(kind, &script).await;
    let (schema, text) = proposed_in_time(&store, kind).await;
    let links: usize = schema.tables.values().map(|table| table.foreign_keys.len()).sum();
    assert_eq!((schema.tables.len(), links), (TABLES, 2 * (TABLES - 1)));
    let start = Instant::now();
    let map = is_true(&answered(&text), &schema);
    println!("{kind}: the map read and held against the store in {:?}", start.elapsed());
    assert_eq!(map.tables().count(), TABLES);
    let owned = map.tables().filter(|(_, table)| !table.belongs_to.is_empty()).count();
    assert_eq!(owned, TABLES - 1, "each belongs to somebody");
}

#[tokio::test]
async fn a_thousand_tables_of_sqlite() {
    gets_a_map_that_holds(StoreKind::Sqlite).await;
}

#[tokio::test]
async fn a_thousand_tables_of_postgres() {
    gets_a_map_that_holds(StoreKind::Postgres).await;
}

#[tokio::test]
async fn a_thousand_tables_of_mariadb() {
    gets_a_map_that_holds(StoreKind::Mysql).await;
}
