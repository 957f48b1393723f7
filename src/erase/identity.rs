//! What a person is recognised by: read before the first write, sealed beside the keys, and looked for when a step is
//! read back. A row of the person that came back under another key is found by nothing else.
//!
//! Only columns of subjects that are unique in their store count there: a name has namesakes, and a row of theirs is no residue.
//! They are looked for in the subject's own table, and in every other table of the plan whose map says by the same word
//! (`identify = { email = … }`) which column holds one: a trigger may copy an address to where no link leads.
//! Whether the row under the target's own key is still theirs, all of them tell together.

use std::collections::BTreeMap;

use super::act::Work;
use super::discover::{Finder, Found, Owned, Sets, goes_as_a_whole};
use super::engine::Recognised;
use super::error::EraseError;
use super::map::{Link, TableMap, TableRef};
use super::packed::{Gather, Packed};
use super::plan::{KeySet, Step};
use super::readback::Left;
use crate::stores::{Key, KeyValue, Schema, StoreName, Table};

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
    /// Rows of a table that hold a saved identity and were not saved, by what becomes of them: residue, or rows
    /// that came late and go. A search counts them by themselves.
    pub(super) async fn by_identity(&self, step: &Step) -> Result<Left, EraseError> {
        if !self.is_first_of_its_table(step) || self.searching {
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
            for at in self.recognising() {
                taken.insert(at.clone(), self.named_in(at).await?);
            }
        }
        Ok(taken)
    }

    /// The rows of a table that go because they hold a saved identity, saved by now or not.
    pub(super) async fn taken_of(&self, at: &TableRef) -> Result<Packed, EraseError> {
        if self.recognised == Recognised::Goes && self.recognising().any(|known| known == at) {
            return Ok(self.recognised(at).await?.unwrap_or_default());
        }
        Ok(Packed::default())
    }

    /// The tables of the target's rows in which people are recognised.
    fn recognising(&self) -> impl Iterator<Item = &TableRef> {
        let skeleton = self.skeleton();
        let tables = skeleton.tables.iter().filter(|(_, table)| !table.identify.is_empty());
        tables.map(|(at, _)| at).filter(|at| skeleton.finds_in(at))
    }

    /// Rows of a table that hold a saved identity and were not saved, and of which nobody decided that they stay.
    pub(super) async fn named_in(&self, at: &TableRef) -> Result<Packed, EraseError> {
        let mut named = Packed::default();
        for (column, rows) in self.unsaved(at).await? {
            named = named.with(rows.minus(&self.stay(at, &column, &rows).await?));
        }
        Ok(named)
    }

    /// The rows of which a person says now that they stay, each with the identity that it holds: what else comes under its key,
    /// or holds another one, was not meant.
    pub(super) async fn staying(&self) -> Result<Sets, EraseError> {
        let mut staying = Sets::new();
        for at in self.recognising() {
            for (column, rows) in self.unsaved(at).await? {
                let rows = rows.minus(&self.stay(at, &column, &rows).await?);
                let held = self.with_held(at, &column, &rows).await?;
                let held = held.iter().map(|(key, value)| with(key, value)).collect();
                staying.insert(KeySet::staying(at.clone(), column), held);
            }
        }
        Ok(staying)
    }

    /// Those of these rows of which a person decided that they stay, and that hold what they held then.
    async fn stay(&self, at: &TableRef, column: &String, rows: &Packed) -> Result<Packed, EraseError> {
        let set = KeySet::staying(at.clone(), column.clone());
        if rows.is_empty() || !self.discovery.was_saved(&set) {
            return Ok(Packed::default());
        }
        let decided = self.saved(&set).await?;
        let held = self.with_held(at, column, rows).await?;
        Ok(held.into_iter().filter(|(key, value)| decided.contains(&with(key, value))).map(|(key, _)| key).collect())
    }

    /// What these rows hold in a column, where it is something.
    async fn with_held(
        &self,
        at: &TableRef,
        column: &String,
        rows: &Packed,
    ) -> Result<Vec<(Key, KeyValue)>, EraseError> {
        let (finder, table) = (self.finder(), self.finder().table(at)?);
        let mut held = Vec::new();
        for page in finder.chunks(rows) {
            let read = finder.read(at, table, std::slice::from_ref(column), &page).await?;
            held.extend(read.into_iter().filter_map(|(key, values)| Some((key, values.into_iter().flatten().next()?))));
        }
        Ok(held)
    }

    /// Rows of a table that hold a saved identity and were not saved, by the column that holds it.
    async fn unsaved(&self, at: &TableRef) -> Result<BTreeMap<String, Packed>, EraseError> {
        let mut holders = self.holders(at).await?;
        if holders.values().any(|rows| !rows.is_empty()) {
            let saved = self.saved_of(at).await?;
            holders.values_mut().for_each(|rows| *rows = rows.minus(&saved));
        }
        Ok(holders)
    }

    /// All rows of a table that hold a saved identity; `None` where none was saved, so that nobody is recognised there.
    pub(super) async fn recognised(&self, at: &TableRef) -> Result<Option<Packed>, EraseError> {
        Ok(self.holders(at).await?.into_values().reduce(Packed::with))
    }

    /// All rows of a table that hold a saved identity, by the column that holds it.
    async fn holders(&self, at: &TableRef) -> Result<BTreeMap<String, Packed>, EraseError> {
        let table = self.finder().table(at)?;
        let mut holders = BTreeMap::<String, Packed>::new();
        for (what, column) in &table.identify {
            let itself = Link::plain(at.clone(), vec![column.clone()]);
            for (subject, known) in self.known_by(at, table, what) {
                let values = self.saved(&KeySet::by(subject.clone(), known.clone())).await?;
                let from = (subject, std::slice::from_ref(known));
                let rows = self.finder().linked_from(at, table, &itself, from, &values).await?;
                let known = holders.entry(column.clone()).or_default();
                *known = std::mem::take(known).with(rows);
            }
        }
        Ok(holders)
    }

    /// Where the identities were saved by which people are recognised in a table: a subject's own, and for any other table
    /// those of all subjects.
    fn known_by<'s>(&'s self, at: &'s TableRef, table: &TableMap, what: &'s str) -> Vec<(&'s TableRef, &'s String)> {
        let is_own = table.subject.is_some();
        let subjects = self.skeleton().tables.iter().filter(
            |(subject, of)| {
                if is_own { subject == at } else { of.subject.is_some() }
            },
        );
        let columns = subjects.filter_map(|(subject, of)| Some((subject, of.identify.get(what)?)));
        let counts = |(subject, column): &(&TableRef, &String)| {
            let schema = self.schemas.get(&subject.store).and_then(|schema| schema.tables.get(&subject.table));
            is_unique(schema, column) && self.discovery.was_saved(&KeySet::by((*subject).clone(), (*column).clone()))
        };
        columns.filter(counts).collect()
    }
}

/// The key of a row with what the row holds.
fn with(key: &Key, value: &KeyValue) -> Key {
    Key(key.0.iter().chain([value]).cloned().collect())
}

/// Whether no two rows hold the same in this column.
fn is_unique(schema: Option<&Table>, column: &String) -> bool {
    schema.is_some_and(|table| table.is_unique(std::slice::from_ref(column)))
}
