//! What a person is recognised by: read before the first write, sealed beside the keys, and looked for when a step is
//! read back. A row of the person that came back under another key is found by nothing else.
//!
//! Only columns that are unique in their store count there: a name has namesakes, and a row of theirs is no residue.
//! Whether the row under the target's own key is still theirs, all of them tell together.

use std::collections::BTreeMap;

use super::act::Work;
use super::discover::{Finder, Found, Owned, goes_as_a_whole};
use super::engine::Recognised;
use super::error::EraseError;
use super::map::{Link, TableMap, TableRef};
use super::packed::{Gather, Packed};
use super::plan::{KeySet, Step};
use super::readback::Left;
use crate::stores::{Key, Schema, StoreName, Table};

impl Finder<'_> {
    /// Adds the identities of the subjects that were found.
    pub(super) async fn identities(
        &self,
        found: &mut Found,
        schemas: &BTreeMap<StoreName, Schema>,
    ) -> Result<(), EraseError> {
        if !goes_as_a_whole(self.skeleton) {
            return Ok(());
        }
        for (at, table) in self.skeleton.tables.iter().filter(|(_, table)| table.subject.is_some()) {
            let schema = schemas.get(&at.store).and_then(|schema| schema.tables.get(&at.table));
            // The target's own row is recognised by anything.
            let tells = |column: &&String| *at == self.skeleton.target.at() || is_unique(schema, column);
            for column in table.identify.values().filter(tells) {
                let own = |set: &KeySet| set.at == *at && set.pointing.is_none() && set.by.is_none();
                let parts: Vec<_> = found.sets.iter().filter(|(set, _)| own(set)).map(|(_, keys)| keys).collect();
                if parts.is_empty() {
                    continue; // only pointed to
                }
                let rows = parts.into_iter().cloned().fold(Packed::default(), Packed::with);
                let values = self.values(at, table, column, &rows).await?;
                found.sets.insert(KeySet { by: Some(column.clone()), ..KeySet::of(at.clone()) }, values);
            }
        }
        Ok(())
    }

    /// The values of a column in these rows, NULL left out.
    pub(super) async fn values(
        &self,
        at: &TableRef,
        table: &TableMap,
        column: &String,
        rows: &Packed,
    ) -> Result<Packed, EraseError> {
        let mut held = Gather::default();
        for page in self.chunks(rows) {
            let read = self.read(at, table, std::slice::from_ref(column), &page).await?;
            let values = read.into_iter().flat_map(|(_, values)| values).flatten();
            values.for_each(|value| held.add(&Key(vec![value])));
        }
        Ok(held.finish())
    }
}

impl Work<'_> {
    /// Rows of a subject's table that hold a saved identity and were not saved, by what becomes of them: residue, or rows
    /// that came late and go.
    pub(super) async fn by_identity(&self, step: &Step) -> Result<Left, EraseError> {
        if !self.is_first_of_its_table(step) || self.recognised == Recognised::Stays {
            return Ok(Left::default());
        }
        let rows = self.named_in(&step.rows.at).await?.len() as u64;
        Ok(if self.recognised == Recognised::Goes {
            Left { back: 0, late: rows }
        } else {
            Left { back: rows, late: 0 }
        })
    }

    /// The rows that go because they hold a saved identity.
    pub(super) async fn taken(&self) -> Result<Owned, EraseError> {
        let mut taken = Owned::new();
        if self.recognised == Recognised::Goes {
            for (at, _) in self.skeleton().tables.iter().filter(|(_, table)| table.subject.is_some()) {
                taken.insert(at.clone(), self.named_in(at).await?);
            }
        }
        Ok(taken)
    }

    /// The rows of a table that go because they hold a saved identity, saved by now or not.
    pub(super) async fn taken_of(&self, at: &TableRef) -> Result<Packed, EraseError> {
        let is_subject = self.skeleton().table(at).is_some_and(|table| table.subject.is_some());
        if self.recognised == Recognised::Goes && is_subject {
            return Ok(self.recognised(at).await?.unwrap_or_default());
        }
        Ok(Packed::default())
    }

    /// Rows of a table that hold a saved identity and were not saved.
    pub(super) async fn named_in(&self, at: &TableRef) -> Result<Packed, EraseError> {
        let mut others = self.recognised(at).await?.unwrap_or_default();
        if !others.is_empty() {
            let saved = self.saved_of(at).await?;
            others = others.minus(&saved);
        }
        Ok(others)
    }

    /// All rows of a table that hold a saved identity; `None` where none was saved, so that nobody is recognised there.
    pub(super) async fn recognised(&self, at: &TableRef) -> Result<Option<Packed>, EraseError> {
        let table = self.finder().table(at)?;
        let schema = self.schemas.get(&at.store).and_then(|schema| schema.tables.get(&at.table));
        let mut known: Option<Packed> = None;
        for column in table.identify.values().filter(|column| is_unique(schema, column)) {
            let set = KeySet { by: Some(column.clone()), ..KeySet::of(at.clone()) };
            if !self.discovery.was_saved(&set) {
                continue;
            }
            let values = self.saved(&set).await?;
            let itself = Link::plain(at.clone(), vec![column.clone()]);
            let rows = self.finder().linked(at, table, &itself, &values).await?;
            known = Some(known.unwrap_or_default().with(rows));
        }
        Ok(known)
    }
}

/// Whether no two rows hold the same in this column.
fn is_unique(schema: Option<&Table>, column: &String) -> bool {
    schema.is_some_and(|table| table.is_unique(std::slice::from_ref(column)))
}
