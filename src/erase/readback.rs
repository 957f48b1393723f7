//! Reads a step back: what is still there, by the saved keys and by the links that led to them. Writes nothing.

use super::discover::goes_as_a_whole;
use super::engine::Work;
use super::error::EraseError;
use super::plan::{Act, KeySet, Step};
use crate::stores::Select;

impl Work<'_> {
    /// Rows of a step that are not as they should be, and rows that came after the keys were saved.
    pub(super) async fn residue(&self, step: &Step) -> Result<u64, EraseError> {
        Ok(self.by_key(step).await? + self.by_link(step).await?)
    }

    async fn by_key(&self, step: &Step) -> Result<u64, EraseError> {
        let at = &step.rows.at;
        let store = self.run.stores.get(&at.store).map_err(EraseError::store(at))?;
        let table = self.finder().table(at)?;
        let mut residue = 0;
        for chunk in 0..self.chunks(&step.rows) {
            self.finder().not_killed()?;
            let keys = self.run.ledger.load_keys(&step.rows, chunk).await?;
            let select = Select { table: &at.table, columns: &table.key, values: &keys };
            residue += match &step.act {
                Act::Delete => store.count(select).await,
                Act::Mask(columns) | Act::LetGo(columns) => {
                    store.residue(select, &self.assignments(step, table, columns, &keys)).await
                }
                // The rows of an opened circle are counted by the step that deletes them.
                Act::Open(_) | Act::Keep => Ok(0),
            }
            .map_err(EraseError::store(at))?;
        }
        Ok(residue)
    }

    /// Rows that lead to the target and whose keys nobody saved: a late writer brought them. With the scope `data`
    /// the person stays, and so does what they write from now on.
    async fn by_link(&self, step: &Step) -> Result<u64, EraseError> {
        if !goes_as_a_whole(self.skeleton) || matches!(step.act, Act::Open(_)) {
            return Ok(0);
        }
        let at = &step.rows.at;
        let table = self.finder().table(at)?;
        let planned = |link: &&super::map::Link| self.skeleton.finds.iter().flatten().any(|found| *found == link.to);
        let links = match &step.rows.pointing {
            Some(link) => vec![link],
            None => table.belongs_to.iter().filter(planned).collect(),
        };
        let saved = self.saved(&step.rows).await?;
        let mut late = std::collections::BTreeSet::new();
        for link in links {
            let parents = self.saved(&KeySet { at: link.to.clone(), pointing: None }).await?;
            let found = self.finder().linked(at, table, link, &parents).await?;
            late.extend(found.into_iter().filter(|key| !saved.contains(key)));
        }
        Ok(late.len() as u64)
    }
}
