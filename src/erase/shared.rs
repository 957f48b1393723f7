//! Rows that are the target's only as far as nobody else has them: those that several people share, and those that other
//! rows hold. Reads keys only.

use super::discover::{Finder, Owned, Shared};
use super::error::EraseError;
use super::map::{Holder, Link, TableMap, TableRef};
use super::packed::{Gather, Packed};
use crate::stores::{Key, KeyValue};

impl Finder<'_> {
    /// Those of the rows that nobody else has: all who share or hold a row are the target's. A link that holds the key of
    /// nobody counts as somebody's, because that cannot be told from a key that was written in another way.
    pub(super) async fn not_shared(
        &self,
        at: &TableRef,
        table: &TableMap,
        mut rows: Packed,
        owned: &Owned,
        shared: &Shared,
    ) -> Result<Packed, EraseError> {
        for link in table.belongs_to.iter().filter(|link| link.shared) {
            let ours = shared.get(&(at.clone(), link.clone()));
            let others = self.holding_something(at, table, link, &rows).await?;
            let others = ours.map_or(others.clone(), |ours| others.minus(ours));
            rows = rows.minus(&others);
        }
        for holder in &table.held_by {
            let others = self.held_by_others(at, holder, &rows, owned).await?;
            rows = rows.minus(&others);
        }
        Ok(rows)
    }

    /// The rows that one of these rows holds.
    pub(super) async fn held(&self, at: &TableRef, holder: &Holder, holders: &Packed) -> Result<Packed, EraseError> {
        let whole = |(_, values): (Key, Vec<Option<KeyValue>>)| values.into_iter().collect::<Option<_>>().map(Key);
        let mut held = Gather::default();
        for page in self.chunks(holders) {
            let rows = self.read(&holder.by, self.table(&holder.by)?, &holder.columns, &page).await?;
            rows.into_iter().filter_map(whole).for_each(|key| held.add(&key));
        }
        let held = held.finish();
        let table = self.table(at)?;
        let link = Link::plain(at.clone(), table.key.clone());
        self.linked_from(at, table, &link, (&holder.by, &holder.columns), &held).await
    }

    /// Those of the rows that rows of others hold.
    async fn held_by_others(
        &self,
        at: &TableRef,
        holder: &Holder,
        rows: &Packed,
        owned: &Owned,
    ) -> Result<Packed, EraseError> {
        if rows.is_empty() {
            return Ok(Packed::default());
        }
        let link = Link::plain(at.clone(), holder.columns.clone());
        let by = self.table(&holder.by)?;
        let others = self.linked(&holder.by, by, &link, rows).await?;
        let others = owned.get(&holder.by).map_or(others.clone(), |ours| others.minus(ours));
        self.held(at, holder, &others).await
    }

    /// Those of the rows in which this link points to somebody.
    async fn holding_something(
        &self,
        at: &TableRef,
        table: &TableMap,
        link: &Link,
        rows: &Packed,
    ) -> Result<Packed, EraseError> {
        let holds = |(_, values): &(Key, Vec<Option<KeyValue>>)| values.iter().all(Option::is_some);
        let mut holding = Gather::default();
        for page in self.chunks(rows) {
            let read = self.read(at, table, &link.columns, &page).await?;
            let some = read.into_iter().filter(holds).map(|(key, _)| key).collect();
            self.meeting(at, table, &link.when, some).await?.iter().for_each(|key| holding.add(key));
        }
        Ok(holding.finish())
    }
}
