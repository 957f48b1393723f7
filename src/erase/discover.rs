//! Finds every key of a target, root → leaf, before anything is written: masking an address destroys the path to
//! the rest. Reads keys only (and the day from which a row is kept), in pages, and never by OFFSET. What was found is held
//! packed, until it is saved.

use std::collections::BTreeMap;

use jiff::civil::Date;

use super::error::EraseError;
use super::map::{Keep, Link, TableMap, TableRef};
use super::owners::Owners;
use super::packed::{Gather, Packed};
use super::plan::{Act, KeySet, Skeleton, Step};
use crate::domain::{Scope, Timestamp};
use crate::stores::{Key, KeyValue, RowStore, Select, StoreError, StoreName, Stores};

/// What one erasure may take at most.
#[derive(Clone, Copy, Debug)]
pub struct EraseLimits {
    /// Rows per statement, and per transaction.
    pub chunk_rows: u32,
    /// Rows of one target in one store.
    pub rows_per_store_max: u64,
}

impl Default for EraseLimits {
    fn default() -> Self {
        Self { chunk_rows: 1_000, rows_per_store_max: 1_000_000 }
    }
}

/// Keys by the set that they are in, ascending.
pub(super) type Sets = BTreeMap<KeySet, Packed>;

/// Keys by their table.
pub(super) type Owned = BTreeMap<TableRef, Packed>;

/// Keys of the target by their table and its answer to them.
type Answered = BTreeMap<KeySet, Packed>;

/// Keys of rows that point to the target's by a link that others may share.
pub(super) type Shared = BTreeMap<(TableRef, Link), Packed>;

/// Every key that the steps are about, and until when rows are kept.
#[derive(Default)]
pub(super) struct Found {
    /// The keys.
    pub(super) sets: Sets,
    /// Step → the latest end of keeping among its rows.
    pub(super) until: BTreeMap<u16, Date>,
}

/// What reading needs.
pub(super) struct Finder<'a> {
    pub(super) skeleton: &'a Skeleton,
    pub(super) stores: &'a Stores,
    pub(super) limits: EraseLimits,
}

impl<'a> Finder<'a> {
    /// Finds everything, from the root on.
    pub(super) async fn find(&self, now: Timestamp) -> Result<Found, EraseError> {
        let root = self.root().await?;
        let owned = BTreeMap::from([(self.skeleton.target.at(), Packed::from(root))]);
        self.below(owned, &Sets::new(), now).await
    }

    /// Finds what belongs to saved rows and was not saved: rows that came later. `taken` are rows that count as theirs
    /// too, with all that belongs to them.
    pub(super) async fn late(
        &self,
        saved: &Sets,
        taken: Owned,
        owners: &Owners,
        now: Timestamp,
    ) -> Result<Found, EraseError> {
        let mut owned = taken;
        for (set, keys) in saved.iter().filter(|(set, _)| set.pointing.is_none()) {
            add(&mut owned, &set.at, owners.without_lost(&set.at, keys));
        }
        self.below(owned, saved, now).await
    }

    /// The row that is to be erased, by the key that the store has for it: what a person or a directory calls `12` may
    /// be a number there. A root that nobody looked up would be "nothing held" to a person whose data are all there.
    pub(super) async fn root(&self) -> Result<Key, EraseError> {
        let target = &self.skeleton.target;
        let at = target.at();
        let table = self.table(&at)?;
        let store = self.store(&at)?;
        let found = match store.canonical(&at.table, &table.key, &target.key) {
            Ok(key) => {
                let select = Select {
                    table: &at.table,
                    columns: &table.key,
                    values: std::slice::from_ref(&key),
                    linked_to: None,
                };
                store.keys(select, &table.key, None, 2).await
            }
            Err(error) => Err(error),
        };
        let mut found = match found {
            // What is no key of this table is the key of none of its rows.
            Err(StoreError::KeyShape { .. }) => return Err(EraseError::NotOneRoot { at, rows: 0 }),
            other => other.map_err(EraseError::store(&at))?,
        };
        match (found.pop(), found.len()) {
            (Some(key), 0) => Ok(key),
            (other, more) => Err(EraseError::NotOneRoot { at, rows: u64::from(other.is_some()) + more as u64 }),
        }
    }

    async fn below(&self, mut owned: Owned, saved: &Sets, now: Timestamp) -> Result<Found, EraseError> {
        for group in &self.skeleton.finds {
            self.group(group, &mut owned).await?;
        }
        let mut answered = Answered::new();
        for (at, keys) in &owned {
            for (answer, keys) in self.by_answer(at, self.table(at)?, keys).await? {
                answered.insert(KeySet { answer, ..KeySet::of(at.clone()) }, keys);
            }
        }
        let mut found = Found::default();
        for step in &self.skeleton.steps {
            if found.sets.contains_key(&step.rows) {
                continue;
            }
            let keys = match &step.rows.pointing {
                Some(link) => self.pointing(step, link, &owned, &answered).await?,
                None => answered.get(&KeySet { ended: false, ..step.rows.clone() }).cloned().unwrap_or_default(),
            };
            let same = |set: &KeySet| set.at == step.rows.at && set.pointing == step.rows.pointing && set.by.is_none();
            let known = saved.iter().filter(|(set, _)| same(set)).map(|(_, keys)| keys);
            let fresh = known.fold(keys, |fresh, known| fresh.minus(known));
            match self.keeping(&step.rows) {
                Some((number, keep)) => {
                    let split = self.split(&step.rows.at, keep, fresh, now).await?;
                    found.until.extend(split.until.map(|until| (number, until)));
                    found.sets.insert(KeySet { ended: true, ..step.rows.clone() }, split.ended);
                    found.sets.insert(KeySet { ended: false, ..step.rows.clone() }, split.kept);
                }
                None => {
                    found.sets.insert(step.rows.clone(), fresh);
                }
            }
        }
        for set in self.skeleton.witnesses() {
            let keys = match &set.pointing {
                Some(link) => match owned.get(&link.to) {
                    Some(parents) => self.linked(&set.at, self.table(&set.at)?, link, parents).await?,
                    None => Packed::default(),
                },
                None => owned.get(&set.at).cloned().unwrap_or_default(),
            };
            let fresh = saved.get(&set).map_or(keys.clone(), |known| keys.minus(known));
            found.sets.insert(set, fresh);
        }
        Ok(found)
    }

    /// The rows of tables that are found together: again and again, until nothing new is found.
    async fn group(&self, group: &[TableRef], owned: &mut Owned) -> Result<(), EraseError> {
        let mut shared = Shared::new();
        // What the last turn found; the first turn looks below everything.
        let mut last: Option<Owned> = None;
        loop {
            let mut next = Owned::new();
            for at in group {
                let new = self.next_in(at, owned, last.as_ref().unwrap_or(owned), &mut shared).await?;
                next.insert(at.clone(), new);
            }
            next.retain(|_, keys| !keys.is_empty());
            if next.is_empty() {
                return Ok(());
            }
            for (at, keys) in &next {
                add(owned, at, keys.clone());
                let in_store = |store: &StoreName| -> usize {
                    owned.iter().filter(|(at, _)| at.store == *store).map(|(_, keys)| keys.len()).sum()
                };
                self.within_limit(at, in_store(&at.store))?;
            }
            last = Some(next);
        }
    }

    /// The rows of one table that belong to these, and are not known yet.
    async fn next_in(
        &self,
        at: &TableRef,
        owned: &Owned,
        above: &Owned,
        shared: &mut Shared,
    ) -> Result<Packed, EraseError> {
        let table = self.table(at)?;
        let nobody = Packed::default();
        let mine = owned.get(at).unwrap_or(&nobody);
        let (mut new, mut maybe) = (Packed::default(), Packed::default());
        let above = |at: &TableRef| above.get(at).filter(|keys| !keys.is_empty());
        for link in table.belongs_to.iter().filter(|link| self.skeleton.finds_in(&link.to)) {
            let Some(parents) = above(&link.to) else { continue };
            let found = self.linked(at, table, link, parents).await?;
            self.have_keys(at, table, link, parents, &found.minus(mine)).await?;
            if link.shared {
                maybe = maybe.with(found.clone());
                let ours = shared.entry((at.clone(), link.clone())).or_default();
                *ours = std::mem::take(ours).with(found);
            } else {
                new = new.with(found);
            }
        }
        for holder in table.held_by.iter().filter(|holder| self.skeleton.finds_in(&holder.by)) {
            let Some(holders) = above(&holder.by) else { continue };
            maybe = maybe.with(self.held(at, holder, holders).await?);
        }
        let maybe = maybe.minus(&new).minus(mine);
        let last = self.not_shared(at, table, maybe, owned, shared).await?;
        Ok(new.with(last).minus(mine))
    }

    /// Rows that point to the target's rows by this link: to all of them, or, where only those are let go of, to the rows
    /// that will be deleted.
    async fn pointing(
        &self,
        step: &Step,
        link: &Link,
        owned: &Owned,
        answered: &Answered,
    ) -> Result<Packed, EraseError> {
        let at = &step.rows.at;
        let table = self.table(at)?;
        let all = owned.get(&link.to).cloned().unwrap_or_default();
        let only_pointed_to = table.refers_to.contains(link);
        let parents = match only_pointed_to {
            true => self.deleted(&link.to, answered).fold(Packed::default(), |all, (_, keys)| all.with(keys.clone())),
            false => all,
        };
        let mut pointing = self.linked(at, table, link, &parents).await?;
        self.have_keys(at, table, link, &parents, &pointing).await?;
        // A row that goes as a whole need not let go first, if it goes first. What belongs to a circle was opened.
        let first = self.deleted(&link.to, answered).map(|(number, _)| number).min().unwrap_or(u16::MAX);
        for (_, mine) in self.deleted(at, answered).filter(|(number, _)| !only_pointed_to || *number < first) {
            pointing = pointing.minus(mine);
        }
        Ok(pointing)
    }

    /// The target's rows of a table that its rules delete, with the step that does it.
    fn deleted<'f>(&'f self, at: &'f TableRef, answered: &'f Answered) -> impl Iterator<Item = (u16, &'f Packed)> {
        let deletes = move |step: &&Step| {
            step.rows.at == *at && step.rows.pointing.is_none() && !step.rows.ended && step.act == Act::Delete
        };
        let steps = self.skeleton.steps.iter().filter(deletes);
        steps.filter_map(|step| Some((step.number, answered.get(&step.rows)?)))
    }

    /// The keys of the rows whose link holds one of these keys.
    pub(super) async fn linked(
        &self,
        at: &TableRef,
        table: &TableMap,
        link: &Link,
        parents: &Packed,
    ) -> Result<Packed, EraseError> {
        let key = self.skeleton.table(&link.to).map(|parent| parent.key.as_slice());
        self.linked_from(at, table, link, (&link.to, key.unwrap_or_default()), parents).await
    }

    /// The same, where the keys were read from these columns.
    pub(super) async fn linked_from(
        &self,
        at: &TableRef,
        table: &TableMap,
        link: &Link,
        (other, columns): (&TableRef, &[String]),
        parents: &Packed,
    ) -> Result<Packed, EraseError> {
        let store = self.store(at)?;
        let linked_to = (other.store == at.store).then_some((other.table.as_str(), columns));
        let mut found = Gather::default();
        for chunk in self.chunks(parents) {
            let select = Select { table: &at.table, columns: &link.columns, values: &chunk, linked_to };
            let mut after = None;
            loop {
                let page = store.keys(select, &table.key, after.as_ref(), self.limits.chunk_rows).await;
                let page = page.map_err(EraseError::store(at))?;
                let full = page.len() >= self.limits.chunk_rows as usize;
                after = page.last().cloned();
                self.meeting(at, table, &link.when, page).await?.iter().for_each(|key| found.add(key));
                self.within_limit(at, found.about())?;
                if !full {
                    break;
                }
            }
        }
        Ok(found.finish())
    }

    /// The step that keeps the rows of this set for a while, and on what ground.
    fn keeping(&self, rows: &KeySet) -> Option<(u16, &Keep)> {
        let kept = KeySet { ended: false, ..rows.clone() };
        let step = self.skeleton.steps.iter().find(|step| step.rows == kept && step.keep.is_some())?;
        Some((step.number, step.keep.as_ref()?))
    }

    /// Tells rows that are still kept from those whose time is over: each row has its own end. One whose end cannot be
    /// read is neither, and stops it all.
    async fn split(&self, at: &TableRef, keep: &Keep, keys: Packed, now: Timestamp) -> Result<Split, EraseError> {
        let (mut ended, mut until, mut unreadable) = (Gather::default(), None, 0);
        for page in self.chunks(&keys) {
            // Rows that went meanwhile are missing among them; the step counts them as not found.
            for (key, end) in self.ends(at, keep, &page).await? {
                match end {
                    Some(end) if end < now.date() => ended.add(&key),
                    Some(end) => until = until.max(Some(end)),
                    None => unreadable += 1,
                }
            }
        }
        if unreadable > 0 {
            return Err(EraseError::NoEnd { at: at.clone(), column: keep.until.column.clone(), rows: unreadable });
        }
        let ended = ended.finish();
        Ok(Split { kept: keys.minus(&ended), ended, until })
    }

    /// Until when each of these rows stays that is there; `None` for one whose end cannot be read.
    pub(super) async fn ends(
        &self,
        at: &TableRef,
        keep: &Keep,
        keys: &[Key],
    ) -> Result<Vec<(Key, Option<Date>)>, EraseError> {
        let columns = std::slice::from_ref(&keep.until.column);
        let rows = self.read(at, self.table(at)?, columns, keys).await?;
        let end = |values: Vec<Option<KeyValue>>| {
            let start = values.into_iter().flatten().next();
            start.and_then(|start| keep.until.end(&start.to_text()))
        };
        Ok(rows.into_iter().map(|(key, values)| (key, end(values))).collect())
    }

    /// Keys in pieces of a chunk's size.
    pub(super) fn chunks<'k>(&self, keys: &'k Packed) -> impl Iterator<Item = Vec<Key>> + Send + use<'k> {
        keys.chunks(self.limits.chunk_rows as usize)
    }

    pub(super) fn table(&self, at: &TableRef) -> Result<&'a TableMap, EraseError> {
        self.skeleton.table(at).ok_or_else(|| EraseError::NotMapped { at: at.clone() })
    }

    /// The store that a table is in.
    pub(super) fn store(&self, at: &TableRef) -> Result<&'a dyn RowStore, EraseError> {
        self.stores.get(&at.store).map_err(EraseError::store(at))
    }

    fn within_limit(&self, at: &TableRef, rows: usize) -> Result<(), EraseError> {
        let max = self.limits.rows_per_store_max;
        if rows as u64 > max { Err(EraseError::TooManyRows { at: at.clone(), max }) } else { Ok(()) }
    }
}

/// Adds keys to those of a table.
fn add(owned: &mut Owned, at: &TableRef, keys: Packed) {
    let known = owned.entry(at.clone()).or_default();
    *known = std::mem::take(known).with(keys);
}

/// The rows of a table that are kept for a while, told apart by their own ends.
struct Split {
    kept: Packed,
    ended: Packed,
    /// The latest end of those that are kept.
    until: Option<Date>,
}

/// Whether the links of the target are cut by its erasure (the scope `data` leaves the person where they are).
pub(super) fn goes_as_a_whole(skeleton: &Skeleton) -> bool {
    skeleton.target.scope != Scope::Data
}
