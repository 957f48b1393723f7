//! Reads a step back: what is still there, by the saved keys and by the links that led to them. Writes nothing.

use std::collections::BTreeSet;

use super::act::Work;
use super::discover::goes_as_a_whole;
use super::error::EraseError;
use super::map::{Link, TableRef};
use super::plan::{Act, Step};
use crate::stores::{Key, Select};

/// Rows that are not as they should be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Left {
    /// Rows under a saved key, or of a subject with a saved identity. A row that came back under a deleted key may be
    /// somebody else's by now (a store may give a key again), and a person may have signed up anew: nothing follows from
    /// it by itself, a person has to look.
    pub(super) back: u64,
    /// Rows whose keys nobody saved: a late writer brought them.
    pub(super) late: u64,
}

impl Work<'_> {
    /// Reads one step back.
    pub(super) async fn left(&self, step: &Step) -> Result<Left, EraseError> {
        match &step.rows.pointing {
            Some(link) => self.still_pointing(step, link).await,
            None => {
                let recognised = self.by_identity(step).await?;
                let back = self.by_key(step).await? + recognised.back;
                Ok(Left { back, late: self.by_link(step).await? + recognised.late })
            }
        }
    }

    async fn by_key(&self, step: &Step) -> Result<u64, EraseError> {
        let at = &step.rows.at;
        let store = self.run.stores.get(&at.store).map_err(EraseError::store(at))?;
        let table = self.finder().table(at)?;
        let mut residue = 0;
        for chunk in 0..self.chunks(&step.rows)? {
            let keys = self.load(&step.rows, chunk).await?;
            let select = Select { table: &at.table, columns: &table.key, values: &keys };
            residue += match &step.act {
                Act::Delete => store.count(select).await,
                // The rows of an opened circle are counted by the step that deletes them.
                Act::Open(_) | Act::Keep => Ok(0),
                _ => store.residue(select, &self.assignments(step, table, &keys).await?).await,
            }
            .map_err(EraseError::store(at))?;
        }
        Ok(residue)
    }

    /// Rows that lead to the target and whose keys nobody saved. With the scope `data` the person stays, and so does
    /// what they write from now on.
    async fn by_link(&self, step: &Step) -> Result<u64, EraseError> {
        if !goes_as_a_whole(self.skeleton()) || !self.is_first_of_its_table(step) {
            return Ok(0);
        }
        let at = &step.rows.at;
        let table = self.finder().table(at)?;
        // Shared rows are told by the step in which they let go.
        let planned =
            |link: &&Link| !link.shared && self.skeleton().finds.iter().flatten().any(|found| *found == link.to);
        let saved = self.saved_of(at).await?;
        let mut late = BTreeSet::new();
        for link in table.belongs_to.iter().filter(planned) {
            let found = self.linked(at, link).await?;
            late.extend(found.into_iter().filter(|key| !saved.contains(key)));
        }
        Ok(late.len() as u64)
    }

    /// Whether the rows of a table that belong to the target are counted with this step, though there may be several.
    pub(super) fn is_first_of_its_table(&self, step: &Step) -> bool {
        let tells = |other: &&Step| {
            let rows = &other.rows;
            rows.at == step.rows.at && rows.pointing.is_none() && !rows.ended && !matches!(other.act, Act::Open(_))
        };
        self.skeleton().steps.iter().find(tells).is_some_and(|first| first.number == step.number)
    }

    /// Rows that should have let go. One that points to somebody else by now has.
    async fn still_pointing(&self, step: &Step, link: &Link) -> Result<Left, EraseError> {
        let found = self.linked(&step.rows.at, link).await?;
        let saved = self.saved(&step.rows).await?;
        let back = found.iter().filter(|key| saved.contains(key)).count() as u64;
        // The target's own late rows are counted by the step that they belong to.
        let late = if matches!(step.act, Act::Cut(_)) { 0 } else { found.len() as u64 - back };
        Ok(Left { back, late })
    }

    async fn linked(&self, at: &TableRef, link: &Link) -> Result<BTreeSet<Key>, EraseError> {
        let table = self.finder().table(at)?;
        // What is only pointed to is let go of where it is deleted.
        let parents = match table.refers_to.contains(link) {
            true => self.saved_in(|step| step.rows.at == link.to && step.act == Act::Delete).await?,
            false => self.saved_of(&link.to).await?,
        };
        self.finder().linked(at, table, link, &parents).await
    }

    /// All saved keys of a table's rows that belong to the target.
    pub(super) async fn saved_of(&self, at: &TableRef) -> Result<BTreeSet<Key>, EraseError> {
        self.saved_in(|step| step.rows.at == *at).await
    }

    /// All saved keys of the target's rows that such steps are about.
    async fn saved_in(&self, wanted: impl Fn(&Step) -> bool + Send) -> Result<BTreeSet<Key>, EraseError> {
        let mut keys = BTreeSet::new();
        let mut seen = BTreeSet::new();
        for step in self.skeleton().steps.iter().filter(|step| step.rows.pointing.is_none() && wanted(step)) {
            if seen.insert(&step.rows) {
                keys.extend(self.saved(&step.rows).await?);
            }
        }
        Ok(keys)
    }
}
