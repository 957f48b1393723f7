//! Finds every key of a target, root → leaf, before anything is written: masking an address destroys the path to
//! the rest. Reads keys only, in pages, and never by OFFSET.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use tokio_util::sync::CancellationToken;

use super::error::EraseError;
use super::map::{DataMap, Link, TableMap, TableRef};
use super::plan::{Act, KeySet, Skeleton, Step};
use crate::domain::{Scope, Timestamp};
use crate::stores::{Key, Select, Stores};

/// What one erasure may take at most.
#[derive(Clone, Copy, Debug)]
pub struct EraseLimits {
    /// Rows per statement, and per transaction.
    pub chunk_rows: u32,
    /// Rows of one target in one table.
    pub rows_per_table_max: u64,
}

impl Default for EraseLimits {
    fn default() -> Self {
        Self { chunk_rows: 1_000, rows_per_table_max: 1_000_000 }
    }
}

/// Every key that the steps are about, and until when rows are kept.
pub(super) struct Found {
    /// The keys, ascending.
    pub(super) sets: BTreeMap<KeySet, BTreeSet<Key>>,
    /// Step → the latest end of keeping among its rows.
    pub(super) until: BTreeMap<u16, Date>,
}

/// What reading needs.
pub(super) struct Finder<'a> {
    pub(super) map: &'a DataMap,
    pub(super) stores: &'a Stores,
    pub(super) limits: EraseLimits,
    pub(super) kill: &'a CancellationToken,
}

impl<'a> Finder<'a> {
    /// Finds everything.
    pub(super) async fn find(&self, skeleton: &Skeleton, now: Timestamp) -> Result<Found, EraseError> {
        let mut owned = BTreeMap::<TableRef, BTreeSet<Key>>::new();
        let root = skeleton.target.at();
        let store = self.stores.get(&root.store).map_err(EraseError::store(&root))?;
        let key = store.canonical(&root.table, &self.table(&root)?.key, &skeleton.target.key);
        owned.insert(root.clone(), BTreeSet::from([key.map_err(EraseError::store(&root))?]));
        for group in &skeleton.finds {
            self.group(skeleton, group, &mut owned).await?;
        }
        let mut sets = BTreeMap::new();
        for step in &skeleton.steps {
            if !sets.contains_key(&step.rows) {
                let keys = self.set(skeleton, &step.rows, &owned).await?;
                sets.insert(step.rows.clone(), keys);
            }
        }
        let until = self.ends(skeleton, &sets, now).await?;
        Ok(Found { sets, until })
    }

    /// The rows of tables that are found together: again and again, until nothing new is found.
    async fn group(
        &self,
        skeleton: &Skeleton,
        group: &[TableRef],
        owned: &mut BTreeMap<TableRef, BTreeSet<Key>>,
    ) -> Result<(), EraseError> {
        let known = |at: &TableRef| skeleton.finds.iter().flatten().any(|found| found == at);
        let mut fresh: BTreeMap<TableRef, BTreeSet<Key>> = owned.clone();
        loop {
            let mut next = BTreeMap::<TableRef, BTreeSet<Key>>::new();
            for at in group {
                let table = self.table(at)?;
                for link in table.belongs_to.iter().filter(|link| known(&link.to)) {
                    let Some(parents) = fresh.get(&link.to).filter(|keys| !keys.is_empty()) else { continue };
                    let found = self.linked(at, table, link, parents).await?;
                    let mine = owned.entry(at.clone()).or_default();
                    let new = found.into_iter().filter(|key| !mine.contains(key));
                    next.entry(at.clone()).or_default().extend(new);
                }
            }
            next.retain(|_, keys| !keys.is_empty());
            if next.is_empty() {
                return Ok(());
            }
            for (at, keys) in &next {
                let mine = owned.entry(at.clone()).or_default();
                mine.extend(keys.iter().cloned());
                self.within_limit(at, mine.len())?;
            }
            next.retain(|at, _| group.contains(at));
            fresh = next;
        }
    }

    async fn set(
        &self,
        skeleton: &Skeleton,
        rows: &KeySet,
        owned: &BTreeMap<TableRef, BTreeSet<Key>>,
    ) -> Result<BTreeSet<Key>, EraseError> {
        let nothing = BTreeSet::new();
        let mine = owned.get(&rows.at).unwrap_or(&nothing);
        let Some(link) = &rows.pointing else { return Ok(mine.clone()) };
        let parents = owned.get(&link.to).unwrap_or(&nothing);
        let mut pointing = self.linked(&rows.at, self.table(&rows.at)?, link, parents).await?;
        // A row that goes as a whole need not let go first.
        let goes = |step: &Step| step.rows.at == rows.at && step.act == Act::Delete;
        if skeleton.steps.iter().any(goes) {
            pointing.retain(|key| !mine.contains(key));
        }
        Ok(pointing)
    }

    /// The keys of the rows whose link holds one of these keys.
    pub(super) async fn linked(
        &self,
        at: &TableRef,
        table: &TableMap,
        link: &Link,
        parents: &BTreeSet<Key>,
    ) -> Result<BTreeSet<Key>, EraseError> {
        let store = self.stores.get(&at.store).map_err(EraseError::store(at))?;
        let mut found = BTreeSet::new();
        let parents: Vec<_> = parents.iter().cloned().collect();
        for chunk in parents.chunks(self.limits.chunk_rows as usize) {
            let select = Select { table: &at.table, columns: &link.columns, values: chunk };
            let mut after = None;
            loop {
                self.not_killed()?;
                let page = store.keys(select, &table.key, after.as_ref(), self.limits.chunk_rows).await;
                let page = page.map_err(EraseError::store(at))?;
                let full = page.len() >= self.limits.chunk_rows as usize;
                after = page.last().cloned();
                found.extend(page);
                self.within_limit(at, found.len())?;
                if !full {
                    break;
                }
            }
        }
        Ok(found)
    }

    /// Until when the rows of each step are kept: the latest end, which the letter names.
    async fn ends(
        &self,
        skeleton: &Skeleton,
        sets: &BTreeMap<KeySet, BTreeSet<Key>>,
        now: Timestamp,
    ) -> Result<BTreeMap<u16, Date>, EraseError> {
        let mut ends = BTreeMap::new();
        for step in &skeleton.steps {
            let (Some(keep), Some(keys)) = (&step.keep, sets.get(&step.rows)) else { continue };
            let at = &step.rows.at;
            let store = self.stores.get(&at.store).map_err(EraseError::store(at))?;
            let columns = &self.table(at)?.key;
            let keys: Vec<_> = keys.iter().cloned().collect();
            for chunk in keys.chunks(self.limits.chunk_rows as usize) {
                let select = Select { table: &at.table, columns, values: chunk };
                let latest = store.latest(select, &keep.until.column).await.map_err(EraseError::store(at))?;
                let end = latest.value.as_deref().map(|start| keep.until.end(start));
                let unreadable = u64::from(end == Some(None)) + latest.without;
                if unreadable > 0 {
                    let column = keep.until.column.clone();
                    return Err(EraseError::NoEnd { at: at.clone(), column, rows: unreadable });
                }
                let before = ends.get(&step.number).copied();
                if let Some(end) = end.flatten().max(before) {
                    ends.insert(step.number, end);
                }
            }
            if let Some(end) = ends.get(&step.number).copied().filter(|end| *end < now.date()) {
                return Err(EraseError::RetentionEnded { at: at.clone(), end });
            }
        }
        Ok(ends)
    }

    pub(super) fn table(&self, at: &TableRef) -> Result<&'a TableMap, EraseError> {
        self.map.table(at).ok_or_else(|| EraseError::NotMapped { at: at.clone() })
    }

    fn within_limit(&self, at: &TableRef, rows: usize) -> Result<(), EraseError> {
        let max = self.limits.rows_per_table_max;
        if rows as u64 > max { Err(EraseError::TooManyRows { at: at.clone(), max }) } else { Ok(()) }
    }

    pub(super) fn not_killed(&self) -> Result<(), EraseError> {
        if self.kill.is_cancelled() { Err(EraseError::Stopped) } else { Ok(()) }
    }
}

/// Whether the links of the target are cut by its erasure (the scope `data` leaves the person where they are).
pub(super) fn goes_as_a_whole(skeleton: &Skeleton) -> bool {
    skeleton.target.scope != Scope::Data
}
