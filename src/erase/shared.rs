//! Rows that are the target's only as far as nobody else has them: those that several people share, and those that other
//! rows hold. Reads keys only.

use std::collections::BTreeSet;

use super::discover::{Finder, Owned, Shared};
use super::error::EraseError;
use super::map::{Holder, Link, TableMap, TableRef};
use crate::stores::{Key, KeyValue};

impl Finder<'_> {
    /// Those of the rows that nobody else has: all who share or hold a row are the target's. A link that holds the key of
    /// nobody counts as somebody's, because that cannot be told from a key that was written in another way.
    pub(super) async fn not_shared(
        &self,
        at: &TableRef,
        table: &TableMap,
        mut rows: BTreeSet<Key>,
        owned: &Owned,
        shared: &Shared,
    ) -> Result<BTreeSet<Key>, EraseError> {
        for link in table.belongs_to.iter().filter(|link| link.shared) {
            let ours = shared.get(&(at.clone(), link.clone()));
            let others = self.holding_something(at, table, link, &rows).await?;
            rows.retain(|key| !others.contains(key) || ours.is_some_and(|ours| ours.contains(key)));
        }
        for holder in &table.held_by {
            let others = self.held_by_others(at, holder, &rows, owned).await?;
            rows.retain(|key| !others.contains(key));
        }
        Ok(rows)
    }

    /// The rows that one of these rows holds.
    pub(super) async fn held(
        &self,
        at: &TableRef,
        holder: &Holder,
        holders: &BTreeSet<Key>,
    ) -> Result<BTreeSet<Key>, EraseError> {
        let rows = self.read(&holder.by, self.table(&holder.by)?, &holder.columns, holders).await?;
        let whole = |(_, values): (Key, Vec<Option<KeyValue>>)| values.into_iter().collect::<Option<_>>().map(Key);
        let held = rows.into_iter().filter_map(whole).collect();
        let table = self.table(at)?;
        self.linked(at, table, &Link::plain(at.clone(), table.key.clone()), &held).await
    }

    /// Those of the rows that rows of others hold.
    async fn held_by_others(
        &self,
        at: &TableRef,
        holder: &Holder,
        rows: &BTreeSet<Key>,
        owned: &Owned,
    ) -> Result<BTreeSet<Key>, EraseError> {
        if rows.is_empty() {
            return Ok(BTreeSet::new());
        }
        let link = Link::plain(at.clone(), holder.columns.clone());
        let by = self.table(&holder.by)?;
        let mut others = self.linked(&holder.by, by, &link, rows).await?;
        others.retain(|key| !owned.get(&holder.by).is_some_and(|ours| ours.contains(key)));
        self.held(at, holder, &others).await
    }

    /// Those of the rows in which this link points to somebody.
    async fn holding_something(
        &self,
        at: &TableRef,
        table: &TableMap,
        link: &Link,
        rows: &BTreeSet<Key>,
    ) -> Result<BTreeSet<Key>, EraseError> {
        let read = self.read(at, table, &link.columns, rows).await?;
        let holds = |(_, values): &(Key, Vec<Option<KeyValue>>)| values.iter().all(Option::is_some);
        let holding = read.into_iter().filter(holds).map(|(key, _)| key).collect();
        self.meeting(at, table, &link.when, holding).await
    }
}
