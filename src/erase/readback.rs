//! Reads a step back: what is still there, by the saved keys and by the links that led to them. Writes nothing.

use std::collections::BTreeSet;

use super::act::{Work, stage};
use super::discover::goes_as_a_whole;
use super::error::EraseError;
use super::map::{Link, TableRef};
use super::owners::Owners;
use super::packed::Packed;
use super::plan::{Act, Step};
use super::whose::Sorted;
use crate::stores::Select;

/// Rows that are not as they should be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Left {
    /// Rows under a saved key that lead to the target, or of which nobody can tell whose they are; and rows of a subject
    /// with a saved identity, where these count. A row under a deleted key that leads to others, or nowhere, is a new
    /// row under a key that its store gave again.
    pub(super) back: u64,
    /// Rows whose keys nobody saved: a late writer brought them.
    pub(super) late: u64,
}

impl Work<'_> {
    /// Reads one step back.
    pub(super) async fn left(&self, step: &Step, owners: &Owners) -> Result<Left, EraseError> {
        if let Some(link) = &step.rows.pointing {
            return self.still_pointing(step, link, owners).await;
        }
        let (by_link, recognised) = (self.by_link(step, owners).await?, self.by_identity(step).await?);
        let back = self.by_key(step, owners).await? + by_link.back + recognised.back;
        Ok(Left { back, late: by_link.late + recognised.late })
    }

    /// Rows under the saved keys.
    ///
    /// With the scope `data` the person stays and goes on writing: a chunk that was seen done when it ended is done.
    async fn by_key(&self, step: &Step, owners: &Owners) -> Result<u64, EraseError> {
        // The rows of an opened circle are counted by the step that deletes them.
        if matches!(step.act, Act::Open(_) | Act::Keep) {
            return Ok(0);
        }
        let at = &step.rows.at;
        let store = self.finder().store(at)?;
        let table = self.finder().table(at)?;
        let (asking, state) = (self.asking(step, owners).await?, self.state(step.number).await?);
        let mut residue = 0;
        for chunk in 0..self.chunks(&step.rows)? {
            let is_done = state.chunks.get(&chunk).is_some_and(|chunk| chunk.done.is_some());
            if is_done && !goes_as_a_whole(self.skeleton()) && !self.searching {
                continue;
            }
            let keys = self.over(step, &self.load(&step.rows, chunk).await?).await?;
            let Sorted { ours, unsure } = asking.sorted(&keys, stage(step, &state, chunk)).await?;
            let select = Select { table: &at.table, columns: &table.key, values: &ours, linked_to: None };
            let left = match &step.act {
                Act::Delete => store.count(select).await,
                _ => store.residue(select, &self.assignments(step, table, &ours).await?).await,
            };
            residue += unsure + left.map_err(EraseError::store(at))?;
        }
        Ok(residue)
    }

    /// Rows that lead to the target and that no saved key finds. With the scope `data` the person stays, and so does
    /// what they write from now on.
    async fn by_link(&self, step: &Step, owners: &Owners) -> Result<Left, EraseError> {
        if !goes_as_a_whole(self.skeleton()) || !self.is_first_of_its_table(step) {
            return Ok(Left::default());
        }
        let at = &step.rows.at;
        let table = self.finder().table(at)?;
        let saved = self.saved_of(at).await?;
        let (mut late, mut known) = (Packed::default(), Packed::default());
        // Shared rows are told by the step in which they let go.
        let planned = |link: &&Link| !link.shared && self.skeleton().finds_in(&link.to);
        for link in table.belongs_to.iter().filter(planned) {
            let found = self.linked(at, link, owners).await?;
            late = late.with(found.minus(&saved));
            known = known.with(found.both(&saved));
        }
        // What its own key finds is counted by it.
        known = match table.shape {
            None => self.finder().missing(at, table, &known).await?,
            Some(_) => Packed::default(),
        };
        Ok(Left { back: known.len() as u64, late: late.len() as u64 })
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
    async fn still_pointing(&self, step: &Step, link: &Link, owners: &Owners) -> Result<Left, EraseError> {
        let found = self.linked(&step.rows.at, link, owners).await?;
        let saved = self.saved(&step.rows).await?;
        let back = found.both(&saved).len() as u64;
        // The target's own late rows are counted by the step that they belong to.
        let late = if matches!(step.act, Act::Cut(_)) { 0 } else { found.len() as u64 - back };
        Ok(Left { back, late })
    }

    async fn linked(&self, at: &TableRef, link: &Link, owners: &Owners) -> Result<Packed, EraseError> {
        let table = self.finder().table(at)?;
        // What is only pointed to is let go of where it is deleted.
        let parents = match table.refers_to.contains(link) {
            true => self.saved_in(|step| step.rows.at == link.to && step.act == Act::Delete).await?,
            false => self.saved_of(&link.to).await?,
        };
        let parents = owners.without_lost(&link.to, &parents);
        self.finder().linked(at, table, link, &parents).await
    }

    /// All saved keys of the target's rows that such steps are about.
    async fn saved_in(&self, wanted: impl Fn(&Step) -> bool + Send) -> Result<Packed, EraseError> {
        let mut keys = Packed::default();
        let mut seen = BTreeSet::new();
        for step in self.skeleton().steps.iter().filter(|step| step.rows.pointing.is_none() && wanted(step)) {
            if seen.insert(&step.rows) {
                keys = keys.with(self.saved(&step.rows).await?);
            }
        }
        Ok(keys)
    }
}
