//! Rows that stand for nobody, and are given what must point to somebody. Looked for before the first write.

use super::discover::{Finder, Found};
use super::error::EraseError;
use super::map::{Link, Mask, TableMap, TableRef};
use crate::stores::{Key, KeyValue, Select, StoreError};

impl Finder<'_> {
    /// Whether every placeholder that the map names is there, and is none of the rows that were found.
    pub(super) async fn placeholders(&self, found: &Found) -> Result<(), EraseError> {
        for (by, table) in &self.skeleton.tables {
            for link in table.belongs_to.iter().chain(&table.refers_to) {
                if let (Some(key), Ok(to)) = (placeholder(table, link), self.table(&link.to)) {
                    self.placeholder(found, by, link, to, key).await?;
                }
            }
        }
        Ok(())
    }

    async fn placeholder(
        &self,
        found: &Found,
        by: &TableRef,
        link: &Link,
        to: &TableMap,
        key: Key,
    ) -> Result<(), EraseError> {
        let at = &link.to;
        let missing = || EraseError::NoPlaceholder { at: at.clone(), by: by.clone(), column: link.columns.join(", ") };
        let store = self.store(at)?;
        let key = match store.canonical(&at.table, &to.key, &key) {
            Ok(key) => key,
            Err(StoreError::KeyShape { .. }) => return Err(missing()),
            Err(error) => return Err(EraseError::store(at)(error)),
        };
        let select = Select { table: &at.table, columns: &to.key, values: std::slice::from_ref(&key), linked_to: None };
        if store.count(select).await.map_err(EraseError::store(at))? != 1 {
            return Err(missing());
        }
        let mut theirs = found.sets.iter().filter(|(set, _)| set.at == *at && set.pointing.is_none());
        match theirs.any(|(_, keys)| keys.contains(&key)) {
            true => Err(EraseError::PlaceholderErased { at: at.clone() }),
            false => Ok(()),
        }
    }
}

/// The key that all columns of a link get together.
fn placeholder(table: &TableMap, link: &Link) -> Option<Key> {
    let value = |column: &String| match table.mask.get(column) {
        Some(Mask::Reown(key)) => Some(KeyValue::Text(key.clone())),
        _ => None,
    };
    link.columns.iter().map(value).collect::<Option<_>>().map(Key)
}
