//! The suite for stores whose tables are declared by the map: names, and what lies under them.
//!
//! Every store puts down the same names; what only one kind of store has (members, versions) has tests of its own beside.

mod object;
mod redis;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use expunged::stores::keyed::{Holds, Shape, Shapes};
use expunged::stores::{Assignment, Key, KeyValue, NewValue, RowStore, Select, StoreError, StoreName};

use super::{ints, names};

/// Names with everybody's data: the users 1, 2 and 12, accounts 7 and 8, a UUID, glob signs, and nobody's.
pub const NAMES: [&str; 12] = [
    "session/1/a",
    "session/1/b",
    "session/2/a",
    "session/12/a",
    "session/*/a",
    "session/0190A000000070008000000000000001/x",
    "profile/1",
    "profile/2",
    "7/avatar/1.png",
    "8/avatar/1.png",
    "7/avatar/2.png",
    "rate/1",
];

pub struct World {
    pub store: Arc<dyn RowStore>,
    /// The names that are there now, sorted.
    pub dump: Box<dyn Dump>,
    /// The versions of each name, where the store keeps some.
    pub versions: Option<BTreeMap<String, String>>,
}

#[async_trait::async_trait]
pub trait Dump: Send + Sync {
    async fn names(&self) -> Vec<String>;
}

/// What the map would say of [`NAMES`].
pub fn shapes(holds: Holds) -> Shapes {
    let shape = |pattern: &str| Shape {
        pattern: pattern.parse().unwrap(),
        holds,
        member: None,
        values: vec!["value".to_owned()],
    };
    Shapes {
        tables: [
            ("sessions", "session/{user}/*"),
            ("profiles", "profile/{user}"),
            ("avatars", "{account}/avatar/{user}.png"),
        ]
        .map(|(table, pattern)| (table.to_owned(), shape(pattern)))
        .into(),
        ignore: vec!["rate/*".parse().unwrap()],
        canary: None,
    }
}

impl World {
    fn row(&self, name: &str) -> Key {
        let version = |versions: &BTreeMap<String, String>| versions.get(name).map_or("gone", String::as_str).into();
        Key(std::iter::once(KeyValue::from(name)).chain(self.versions.as_ref().map(version)).collect())
    }

    fn rows(&self, names: &[&str]) -> Vec<Key> {
        names.iter().map(|name| self.row(name)).collect()
    }

    async fn find(&self, table: &str, places: &[&str], values: &[Key]) -> Result<Vec<Key>, StoreError> {
        let columns = names(places);
        let select = Select { table, columns: &columns, values, linked_to: None };
        let key = self.store.schema().await?.tables[table].primary_key.clone();
        let found = self.store.keys(select, &key, None, 10_000).await?;
        assert_eq!(self.store.count(select).await?, found.len() as u64);
        let tally = self.store.tally(select, &[], &[names(&["value"])]).await?;
        assert_eq!((tally.rows, tally.holding), (found.len() as u64, vec![found.len() as u64]));
        assert!(found.is_sorted());
        Ok(found)
    }
}

pub async fn conform(world: World) {
    declares_the_catalogue(&world).await;
    finds_whose_it_is_and_nobody_else_s(&world).await;
    refuses_what_cannot_be_told(&world).await;
    pages_above_a_key(&world).await;
    removes_what_is_handed_in(&world).await;
    writes_nothing_into_rows(&world).await;
    world.store.ping().await.unwrap();
}

async fn declares_the_catalogue(world: &World) {
    let schema = world.store.schema().await.unwrap();
    assert_eq!(schema.strays, 0, "every name is mapped or ignored");
    let avatars = &schema.tables["avatars"];
    assert_eq!(avatars.primary_key.len(), 1 + usize::from(world.versions.is_some()));
    let columns: Vec<_> = avatars.columns.iter().map(|column| column.name.as_str()).collect();
    assert!(["key", "account", "user", "value"].iter().all(|column| columns.contains(column)), "{columns:?}");
}

async fn finds_whose_it_is_and_nobody_else_s(world: &World) {
    let uuid = Key(vec![KeyValue::Uuid("0190a000-0000-7000-8000-000000000001".parse().unwrap())]);
    for (table, place, values, wanted) in [
        ("sessions", "user", ints(&[1]), vec!["session/1/a", "session/1/b"]),
        ("sessions", "user", ints(&[1, 12]), vec!["session/1/a", "session/1/b", "session/12/a"]),
        ("sessions", "user", vec![Key::from("*")], vec!["session/*/a"]),
        ("sessions", "user", vec![Key::from("?")], vec![]),
        ("sessions", "user", vec![uuid], vec!["session/0190A000000070008000000000000001/x"]),
        ("sessions", "user", vec![], vec![]),
        ("profiles", "user", ints(&[1, 3]), vec!["profile/1"]),
        ("avatars", "user", ints(&[1]), vec!["7/avatar/1.png", "8/avatar/1.png"]),
        ("avatars", "account", ints(&[7]), vec!["7/avatar/1.png", "7/avatar/2.png"]),
    ] {
        let found = world.find(table, &[place], &values).await.unwrap();
        assert_eq!(found, world.rows(&wanted), "{table} by {place}");
    }
    let both = [Key(vec![2.into(), 7.into()])];
    assert_eq!(world.find("avatars", &["user", "account"], &both).await.unwrap(), world.rows(&["7/avatar/2.png"]));
}

/// A value that holds what stands beside its place could be read as two things.
async fn refuses_what_cannot_be_told(world: &World) {
    for (table, value) in [("sessions", "1/a"), ("sessions", ""), ("avatars", "1.png")] {
        let refused = world.find(table, &["user"], &[Key::from(value)]).await.unwrap_err();
        assert!(matches!(refused, StoreError::KeyShape { .. }), "{table} {value}: {refused}");
    }
    let refused = world.find("sessions", &["account"], &ints(&[1])).await.unwrap_err();
    assert!(matches!(refused, StoreError::UnknownColumn { .. }), "{refused}");
    let columns = names(&["user"]);
    let unknown =
        world.store.count(Select { table: "carts", columns: &columns, values: &ints(&[1]), linked_to: None }).await;
    assert!(matches!(unknown, Err(StoreError::UnknownTable { .. })));
}

async fn pages_above_a_key(world: &World) {
    let (columns, one) = (names(&["user"]), ints(&[1]));
    let key = world.store.schema().await.unwrap().tables["sessions"].primary_key.clone();
    let select = Select { table: "sessions", columns: &columns, values: &one, linked_to: None };
    let first = world.row("session/1/a");
    assert_eq!(world.store.keys(select, &key, Some(&first), 10).await.unwrap(), world.rows(&["session/1/b"]));
    let after_all = world.row("session/1/b");
    assert!(world.store.keys(select, &key, Some(&after_all), 10).await.unwrap().is_empty());
}

async fn removes_what_is_handed_in(world: &World) {
    let key = world.store.schema().await.unwrap().tables["sessions"].primary_key.clone();
    let (columns, one) = (names(&["user"]), ints(&[1]));
    let too_far = world
        .store
        .delete(Select { table: "sessions", columns: &columns, values: &one, linked_to: None })
        .await
        .unwrap_err();
    assert!(matches!(too_far, StoreError::RowCount { max: 1, found: 2, .. }), "{too_far}");
    let before: BTreeSet<String> = world.dump.names().await.into_iter().collect();
    assert_eq!(before.len(), NAMES.len(), "nothing is gone yet");
    let rows = world.rows(&["session/*/a", "session/1/a", "session/nobody/a"]);
    let select = Select { table: "sessions", columns: &key, values: &rows, linked_to: None };
    assert_eq!(world.store.count(select).await.unwrap(), 2);
    assert_eq!(world.store.delete(select).await.unwrap(), 2);
    assert_eq!(world.store.delete(select).await.unwrap(), 0, "again: nothing is left");
    assert_eq!(world.store.count(select).await.unwrap(), 0);
    let after: BTreeSet<String> = world.dump.names().await.into_iter().collect();
    let gone: Vec<_> = before.difference(&after).map(String::as_str).collect();
    assert_eq!(gone, ["session/*/a", "session/1/a"]);
}

async fn writes_nothing_into_rows(world: &World) {
    let key = world.store.schema().await.unwrap().tables["profiles"].primary_key.clone();
    let rows = world.rows(&["profile/1"]);
    let select = Select { table: "profiles", columns: &key, values: &rows, linked_to: None };
    let mask = [Assignment { column: "value".to_owned(), value: NewValue::Null }];
    assert!(matches!(world.store.mask(select, &mask).await, Err(StoreError::NoColumns { .. })));
    assert!(matches!(world.store.residue(select, &mask).await, Err(StoreError::NoColumns { .. })));
}

#[test]
fn a_store_of_names_is_no_directory() {
    let name = StoreName::new("cache").unwrap();
    assert!(matches!(expunged::stores::Stores::default().lookup(&name), Err(StoreError::NotOpen { .. })));
}
