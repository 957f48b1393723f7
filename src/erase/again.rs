//! Searches the stores once more for everything that a completed erasure had saved: late writers, imports, a backup that
//! was restored. Changes nothing.

use super::act::Work;
use super::discover::{Owned, goes_as_a_whole};
use super::engine::{Recognised, Run, resumed, trusted_schemas};
use super::error::EraseError;
use super::map::TableRef;
use super::packed::Packed;
use super::plan::{Act, Step};

/// Rows that a search found, by what can be told of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Returned {
    /// Rows that belong to saved ones and whose keys nobody saved: somebody wrote them after the erasing.
    pub late: u64,
    /// Rows under saved keys, and rows that should have let go: a store went back in time, or wrote them again.
    pub back: u64,
    /// Rows under saved keys that are somebody else's by now: the store gave the key again. They did not come back.
    pub others: u64,
    /// Rows under other keys that hold a saved identity: the person came anew, or an import brought them back.
    pub recognised: u64,
    /// Whether the person or account went as a whole. Of named categories the person may have given new values since,
    /// which nothing tells from the old ones.
    pub whole: bool,
}

impl Returned {
    /// Whether nothing came back.
    #[must_use]
    pub const fn is_nothing(&self) -> bool {
        self.late == 0 && self.back == 0 && self.recognised == 0
    }

    /// Whether a late writer brought all of it, so that it is certainly what was asked to go.
    #[must_use]
    pub const fn is_late_only(&self) -> bool {
        self.whole && self.late > 0 && self.back == 0 && self.recognised == 0
    }

    /// Whether all of it is certainly what was asked to go, if a store is known to have gone back in time.
    #[must_use]
    pub const fn is_theirs(&self) -> bool {
        self.whole && self.recognised == 0
    }
}

/// Searches for the saved keys and identities of a plan; finds nothing where nothing was saved.
///
/// # Errors
/// A store that does not answer, or is not any more what the plan knew.
pub async fn search(plan_digest: &[u8; 32], run: &Run<'_>) -> Result<Returned, EraseError> {
    let schemas = trusted_schemas(run.map, run.stores).await?;
    let Some(saved) = run.ledger.discovery().await? else { return Ok(Returned::default()) };
    let discovery = resumed(plan_digest, saved, &schemas)?;
    let nobody = Owned::new();
    let acting = Work::new(run, &schemas, &discovery, &nobody, Recognised::Residue);
    let work = Work { searching: true, ..acting };
    let strangers = work.find_strangers().await?;
    let work = Work { strangers: &strangers, ..work };
    let mut returned = Returned {
        whole: goes_as_a_whole(work.skeleton()),
        others: strangers.values().map(|keys| keys.len() as u64).sum(),
        ..Returned::default()
    };
    let owners = work.owners().await?;
    for step in &work.skeleton().steps {
        let left = work.left(step, &owners).await?;
        returned.late += left.late;
        returned.back += left.back;
        if step.rows.pointing.is_none() && work.is_first_of_its_table(step) {
            returned.recognised += work.named_in(&step.rows.at).await?.len() as u64;
        }
    }
    Ok(returned)
}

impl Work<'_> {
    /// Rows that lie under saved keys of deleted rows and are somebody else's: they hold none of the saved identities, and
    /// none of their links leads to a saved row. Of a table that has neither, nothing can be told, and its rows are theirs.
    pub(super) async fn find_strangers(&self) -> Result<Owned, EraseError> {
        let mut strangers = Owned::new();
        for at in self.skeleton().finds.iter().flatten() {
            let mut found = Packed::default();
            for step in self.skeleton().steps.iter().filter(|step| step.rows.at == *at && step.act == Act::Delete) {
                found = found.with(self.under_saved_keys(step).await?);
            }
            if found.is_empty() {
                continue;
            }
            if let Some(theirs) = self.theirs(at, &strangers).await? {
                strangers.insert(at.clone(), found.minus(&theirs));
            }
        }
        Ok(strangers)
    }

    /// The rows of a table that are known to be the target's; `None` where nothing tells.
    async fn theirs(&self, at: &TableRef, strangers: &Owned) -> Result<Option<Packed>, EraseError> {
        let table = self.finder().table(at)?;
        let mut theirs = self.recognised(at).await?;
        let planned = self.skeleton().finds.iter().flatten();
        for link in table.belongs_to.iter().filter(|link| planned.clone().any(|found| *found == link.to)) {
            let mut parents = self.saved_of(&link.to).await?;
            if let Some(strangers) = strangers.get(&link.to) {
                parents = parents.minus(strangers);
            }
            let linked = self.finder().linked(at, table, link, &parents).await?;
            theirs = Some(theirs.unwrap_or_default().with(linked));
        }
        Ok(theirs)
    }

    /// The rows that lie under the saved keys of a step.
    async fn under_saved_keys(&self, step: &Step) -> Result<Packed, EraseError> {
        let at = &step.rows.at;
        let table = self.finder().table(at)?;
        let mut found = Packed::default();
        for chunk in 0..self.chunks(&step.rows)? {
            let keys = self.load(&step.rows, chunk).await?;
            found = found.with(self.finder().present(at, table, &keys).await?);
        }
        Ok(found)
    }
}
