//! What an erasing holds and sends does not grow with the rows of a subject: a chunk of keys is the most that is asked for,
//! answered, saved or loaded at once, and the ledger is written to once per chunk and a few times besides.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use expunged::domain::Scope;
use expunged::stores::{
    Assignment, Key, KeyValue, Lookup, LookupRow, RowStore, Schema, Select, SqlRows, StoreError, Tally,
};

use super::memory::MemoryLedger;
use super::world::{World, target};
use crate::support::source::rust_files;

const CHUNK: u32 = 100;
/// The most keys of small sets that the engine holds at once, however many a subject has.
const HELD_MAX: usize = 4_096;

/// A store that notes how much is asked of it and answered at once.
struct Watched {
    store: Arc<dyn SqlRows>,
    most: Arc<AtomicUsize>,
}

impl Watched {
    fn note<T>(&self, asked: usize, answer: Result<Vec<T>, StoreError>) -> Result<Vec<T>, StoreError> {
        let answered = answer.as_ref().map_or(0, Vec::len);
        self.most.fetch_max(asked.max(answered), Ordering::Relaxed);
        answer
    }
}

#[async_trait]
impl Lookup for Watched {
    async fn lookup(&self, sql: &str, params: &[(&str, &str)]) -> Result<Vec<LookupRow>, StoreError> {
        self.store.lookup(sql, params).await
    }

    async fn describe(&self, sql: &str, params: &[&str]) -> Result<Vec<String>, StoreError> {
        self.store.describe(sql, params).await
    }
}

#[async_trait]
impl RowStore for Watched {
    async fn ping(&self) -> Result<(), StoreError> {
        self.store.ping().await
    }

    async fn schema(&self) -> Result<Schema, StoreError> {
        self.store.schema().await
    }

    async fn keys(
        &self,
        select: Select<'_>,
        key: &[String],
        after: Option<&Key>,
        limit: u32,
    ) -> Result<Vec<Key>, StoreError> {
        self.note(select.values.len(), self.store.keys(select, key, after, limit).await)
    }

    async fn keys_of_both(&self, one: Select<'_>, other: Select<'_>, key: &[String]) -> Result<Vec<Key>, StoreError> {
        self.note(one.values.len().max(other.values.len()), self.store.keys_of_both(one, other, key).await)
    }

    fn canonical(&self, table: &str, columns: &[String], key: &Key) -> Result<Key, StoreError> {
        self.store.canonical(table, columns, key)
    }

    async fn tally(
        &self,
        select: Select<'_>,
        assignments: &[Assignment],
        groups: &[Vec<String>],
    ) -> Result<Tally, StoreError> {
        self.note::<()>(select.values.len(), Ok(Vec::new()))?;
        self.store.tally(select, assignments, groups).await
    }

    async fn count(&self, select: Select<'_>) -> Result<u64, StoreError> {
        self.note::<()>(select.values.len(), Ok(Vec::new()))?;
        self.store.count(select).await
    }

    async fn delete(&self, select: Select<'_>) -> Result<u64, StoreError> {
        self.note::<()>(select.values.len(), Ok(Vec::new()))?;
        self.store.delete(select).await
    }

    async fn mask(&self, select: Select<'_>, assignments: &[Assignment]) -> Result<u64, StoreError> {
        self.note::<()>(select.values.len(), Ok(Vec::new()))?;
        self.store.mask(select, assignments).await
    }

    async fn residue(&self, select: Select<'_>, assignments: &[Assignment]) -> Result<u64, StoreError> {
        self.note::<()>(select.values.len(), Ok(Vec::new()))?;
        self.store.residue(select, assignments).await
    }

    async fn values(&self, select: Select<'_>, columns: &[String]) -> Result<Vec<Vec<Option<KeyValue>>>, StoreError> {
        self.note(select.values.len(), self.store.values(select, columns).await)
    }
}

/// A shop whose first owner has so many rows, some of them in a table that points to itself.
async fn shop(searches: i64) -> (World, Arc<AtomicUsize>) {
    let mut world = World::shop(1).await;
    world.limits.chunk_rows = CHUNK;
    let numbers = |count| format!("WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n WHERE x < {count})");
    let rows = "SELECT 100000 + x, 11, NULL, 'query', '2026-01-01 00:00:00' FROM n";
    world.run("shop", &format!("{} INSERT INTO search_history {rows}", numbers(searches))).await;
    let notes = "SELECT 100000 + x, 110, CASE x % 3 WHEN 1 THEN NULL ELSE 100000 + x - 1 END, 'a' FROM n";
    world.run("crm", &format!("{} INSERT INTO notes {notes}", numbers(searches / 4))).await;
    let most = Arc::new(AtomicUsize::new(0));
    for (name, store) in world.opened.clone() {
        world.stores.insert(name, Arc::new(Watched { store, most: Arc::clone(&most) }) as Arc<dyn SqlRows>);
    }
    (world, most)
}

#[tokio::test]
async fn a_chunk_of_keys_is_the_most_that_is_handled_at_once() {
    let owner = target(Scope::User, Scope::User, 11);
    for searches in [400, 6_000] {
        let (world, most) = shop(searches).await;
        let ledger = MemoryLedger::default();
        let outcome = world.execute(&world.plan(&owner).await, &ledger).await.unwrap();
        assert!(outcome.is_clean());
        let erased = outcome.totals().erased;
        assert!(erased as i64 > searches + searches / 4, "{erased} of {searches} and more");
        assert_eq!(most.load(Ordering::Relaxed), CHUNK as usize, "{searches} rows: at a store");
        let of_ledger = if searches > HELD_MAX as i64 { 2 * CHUNK as usize } else { HELD_MAX };
        assert!(ledger.most_keys() <= of_ledger, "{searches} rows: {} in the ledger", ledger.most_keys());
        assert_eq!(world.count("shop", "SELECT COUNT(*) FROM search_history WHERE user_id = 11").await, 0);
    }
}

#[tokio::test]
async fn the_ledger_is_written_once_per_chunk_and_five_times_besides() {
    let owner = target(Scope::User, Scope::User, 11);
    let mut world = World::shop(2).await;
    world.limits.chunk_rows = 1_000;
    let ledger = MemoryLedger::default();
    world.execute(&world.plan(&owner).await, &ledger).await.unwrap();
    let chunks = ledger.ended();
    assert!(chunks > 6, "{chunks}");
    let expected = BTreeMap::from([
        ("save keys", 1),
        ("save discovery", 1),
        ("load pages", 1),
        ("steps", 1),
        ("intend", 1),
        ("mark", chunks + 1), // the last one ends
        ("outcomes", 1),
    ]);
    assert_eq!(ledger.calls(), expected);
}

/// Where the engine may hold keys as they are in a set or map: how often, and why they are few.
const FEW: &[(&str, usize, &str)] = &[
    ("src/erase/act.rs", 1, "of one chunk"),
    ("src/erase/keeping.rs", 2, "of one page of what is kept"),
    ("src/erase/whose.rs", 3, "of one chunk"),
    ("src/erase/words.rs", 1, "of one page"),
];

/// A set that is whole is packed: a tree of keys takes twenty times as much.
#[test]
fn whole_sets_of_keys_are_packed() {
    let mut found = BTreeMap::new();
    for (file, text) in rust_files("src/erase") {
        let code = text.split("#[cfg(test)]").next().unwrap_or_default();
        let count =
            ["BTreeSet<Key>", "BTreeMap<Key,", "HashSet<Key>", "HashMap<Key,"].map(|of| code.matches(of).count());
        found.insert(file.display().to_string(), count.iter().sum::<usize>());
    }
    found.retain(|_, count| *count > 0);
    let known: BTreeMap<String, usize> = FEW.iter().map(|(file, count, _)| ((*file).to_owned(), *count)).collect();
    assert_eq!(found, known, "sets of keys that are not packed");
}
