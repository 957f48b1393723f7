//! Reads by keys: whether those that were found find their rows, and what these hold in columns that somebody asks for.

use super::discover::Finder;
use super::error::EraseError;
use super::map::{Link, TableMap, TableRef};
use super::packed::{Gather, Packed};
use crate::stores::{Key, KeyValue, Select};

impl Finder<'_> {
    /// That rows which were found by a link are found by their keys as well. A store that holds a value of another type
    /// than its column says (SQLite does) gives out a key by which nothing is found, and the row would stay and be
    /// called gone. A row that went meanwhile is not found by its link either.
    pub(super) async fn have_keys(
        &self,
        at: &TableRef,
        table: &TableMap,
        link: &Link,
        parents: &Packed,
        keys: &Packed,
    ) -> Result<(), EraseError> {
        if table.shape.is_some() {
            return Ok(());
        }
        let mut missing = self.missing(at, table, keys).await?;
        if !missing.is_empty() {
            let again = self.linked(at, table, link, parents).await?;
            missing = self.missing(at, table, &missing.both(&again)).await?;
        }
        let rows = missing.len() as u64;
        if rows == 0 { Ok(()) } else { Err(EraseError::NotByKey { at: at.clone(), rows }) }
    }

    /// Those of these keys that find nothing.
    pub(super) async fn missing(&self, at: &TableRef, table: &TableMap, keys: &Packed) -> Result<Packed, EraseError> {
        let mut missing = Packed::default();
        for page in self.chunks(keys) {
            let present = self.present(at, table, &page).await?;
            if present.len() < page.len() {
                missing = missing.with(page.into_iter().collect::<Packed>().minus(&present));
            }
        }
        Ok(missing)
    }

    /// Those of these keys that find a row.
    pub(super) async fn present(&self, at: &TableRef, table: &TableMap, keys: &[Key]) -> Result<Packed, EraseError> {
        let store = self.store(at)?;
        let mut present = Gather::default();
        for chunk in keys.chunks(self.limits.chunk_rows.max(1) as usize) {
            let select = Select { table: &at.table, columns: &table.key, values: chunk, linked_to: None };
            // A key is unique, so that one page holds all rows of the chunk.
            let page = store.keys(select, &table.key, None, self.limits.chunk_rows).await;
            page.map_err(EraseError::store(at))?.iter().for_each(|key| present.add(key));
        }
        Ok(present.finish())
    }

    /// What the rows of these keys, which are few, hold in these columns, NULL as `None`; in no order. A row that went
    /// meanwhile is missing.
    pub(super) async fn read(
        &self,
        at: &TableRef,
        table: &TableMap,
        columns: &[String],
        keys: &[Key],
    ) -> Result<Vec<(Key, Vec<Option<KeyValue>>)>, EraseError> {
        let store = self.store(at)?;
        let all: Vec<String> = table.key.iter().chain(columns).cloned().collect();
        let mut rows = Vec::with_capacity(keys.len());
        for chunk in keys.chunks(self.limits.chunk_rows.max(1) as usize) {
            let select = Select { table: &at.table, columns: &table.key, values: chunk, linked_to: None };
            for mut row in store.values(select, &all).await.map_err(EraseError::store(at))? {
                let held = row.split_off(table.key.len());
                rows.extend(row.into_iter().collect::<Option<_>>().map(|key| (Key(key), held)));
            }
        }
        Ok(rows)
    }
}
