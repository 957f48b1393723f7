//! The saved rows that links may lead to, without those that became somebody else's: what belongs to a ticket that was
//! given to another person is that person's, and so is what hangs on a key that a store gave a second time.

use std::collections::{BTreeMap, BTreeSet};

use super::act::Work;
use super::error::EraseError;
use super::ledger::StepState;
use super::map::{Mask, TableRef};
use super::plan::{Act, KeySet};
use super::tombstone;
use super::whose::{Says, Stage, Whose, whose};
use crate::stores::{Key, KeyValue};

/// Who owns, by table.
#[derive(Default)]
pub(super) struct Owners {
    of: BTreeMap<TableRef, Owner>,
    lost: BTreeMap<TableRef, BTreeSet<Key>>,
}

/// The saved rows of a table that links may lead to.
#[derive(Default)]
pub(super) struct Owner {
    keys: BTreeSet<Key>,
    /// Their keys in every spelling that a program may give them.
    texts: BTreeSet<Vec<String>>,
}

impl Owner {
    fn of(keys: BTreeSet<Key>) -> Self {
        let texts = keys.iter().flat_map(spellings).collect();
        Self { keys, texts }
    }

    pub(super) fn has(&self, texts: &Vec<String>) -> bool {
        self.texts.contains(texts)
    }

    pub(super) const fn keys(&self) -> &BTreeSet<Key> {
        &self.keys
    }
}

fn spellings(key: &Key) -> Vec<Vec<String>> {
    let longer = |rows: Vec<Vec<String>>, value: &KeyValue| {
        let with = |row: &Vec<String>| {
            let row = row.clone();
            value.spellings().into_iter().map(move |text| row.iter().cloned().chain([text]).collect())
        };
        rows.iter().flat_map(with).collect()
    };
    key.0.iter().fold(vec![Vec::new()], longer)
}

/// A saved row with what its links say.
struct Asked {
    at: TableRef,
    key: Key,
    to: Vec<TableRef>,
    says: Vec<Says>,
    stage: Stage,
}

impl Owners {
    /// The owners of a table; `None` where none were saved.
    pub(super) fn of(&self, at: &TableRef) -> Option<&Owner> {
        self.of.get(at)
    }

    /// Whether a saved row is somebody else's by now.
    pub(super) fn has_lost(&self, at: &TableRef, key: &Key) -> bool {
        self.lost.get(at).is_some_and(|lost| lost.contains(key))
    }

    fn lose(&mut self, at: &TableRef, key: &Key) -> bool {
        let owner = self.of.entry(at.clone()).or_default();
        for texts in spellings(key) {
            owner.texts.remove(&texts);
        }
        owner.keys.remove(key);
        self.lost.entry(at.clone()).or_default().insert(key.clone())
    }

    /// Whoever loses a row loses what led to it only: again and again, until nothing more is lost.
    fn settle(&mut self, rows: &[Asked]) {
        loop {
            let lost = |row: &&Asked| {
                let now = |(to, says): (&TableRef, &Says)| match says {
                    Says::Held(texts) if !self.of(to).is_some_and(|owner| owner.has(texts)) => Says::Elsewhere,
                    other => other.clone(),
                };
                let rest = row.says.iter().skip(row.to.len()).cloned();
                let says: Vec<Says> = row.to.iter().zip(&row.says).map(now).chain(rest).collect();
                !self.has_lost(&row.at, &row.key) && whose(&says, row.stage) != Whose::Target
            };
            let lost: Vec<&Asked> = rows.iter().filter(lost).collect();
            if lost.is_empty() {
                return;
            }
            for row in lost {
                self.lose(&row.at, &row.key);
            }
        }
    }
}

impl Work<'_> {
    /// Asks all saved rows that others are found by, root first.
    pub(super) async fn owners(&self) -> Result<Owners, EraseError> {
        let mut owners = Owners::default();
        for group in &self.skeleton().finds {
            let group: Vec<&TableRef> =
                group.iter().filter(|at| self.is_owner(at) && !self.discovery.sets_of(at).is_empty()).collect();
            for at in &group {
                owners.of.insert((*at).clone(), Owner::of(self.saved_of(at).await?));
            }
            let mut rows = Vec::new();
            for at in group {
                self.ask_all(at, &mut owners, &mut rows).await?;
            }
            owners.settle(&rows);
        }
        Ok(owners)
    }

    /// Whether some link that the plan follows leads to the table.
    fn is_owner(&self, at: &TableRef) -> bool {
        let mut links =
            self.skeleton().tables.iter().flat_map(|(_, table)| table.belongs_to.iter().chain(&table.refers_to));
        links.any(|link| link.to == *at)
    }

    async fn ask_all(&self, at: &TableRef, owners: &mut Owners, rows: &mut Vec<Asked>) -> Result<(), EraseError> {
        let (table, ways) = (self.finder().table(at)?, self.ways(at).await?);
        let (root, taken) = (self.root_of(at)?, self.taken_of(at).await?);
        let to: Vec<TableRef> = ways.iter().map(|way| way.link.to.clone()).collect();
        for set in self.discovery.sets_of(at) {
            let deleting = self.deleting(&set).await?;
            for chunk in 0..self.chunks(&set)? {
                let keys = self.load(&set, chunk).await?;
                let stage = Stage::of(deleting.as_ref(), chunk);
                let says = self.says(at, &ways, &keys, owners).await?;
                let silent = |says: &[Says]| says.iter().all(|one| matches!(one, Says::Nothing | Says::Cut));
                let unseen = keys.iter().zip(&says).filter(|(_, says)| stage != Stage::Untouched && silent(says));
                let unseen: BTreeSet<Key> = unseen.map(|(key, _)| key.clone()).collect();
                let present = self.finder().present(at, table, &unseen).await?;
                for (key, says) in keys.into_iter().zip(says) {
                    if root.as_ref() == Some(&key) {
                        if stage != Stage::Untouched && self.whose_root(&key, stage).await? != Whose::Target {
                            owners.lose(at, &key);
                        }
                    } else if taken.contains(&key) {
                        // It goes by what it holds.
                    } else if stage == Stage::Untouched || !silent(&says) || present.contains(&key) {
                        rows.push(Asked { at: at.clone(), key, to: to.clone(), says, stage });
                    }
                }
            }
        }
        Ok(())
    }

    /// How far the step is that deletes the rows of a set.
    async fn deleting(&self, set: &KeySet) -> Result<Option<StepState>, EraseError> {
        let step = self.skeleton().steps.iter().find(|step| step.rows == *set && step.act == Act::Delete);
        Ok(match step {
            Some(step) => Some(self.run.ledger.step(step.number).await?),
            None => None,
        })
    }

    /// The key of the target's own row, where this is its table.
    pub(super) fn root_of(&self, at: &TableRef) -> Result<Option<Key>, EraseError> {
        let target = &self.skeleton().target;
        // What was kept of an erasure outlives its root.
        if target.at() != *at || target.key.0.is_empty() {
            return Ok(None);
        }
        let table = self.finder().table(at)?;
        let store = self.finder().store(at)?;
        Ok(Some(store.canonical(&at.table, &table.key, &target.key).map_err(EraseError::store(at))?))
    }

    /// Whose the row under the target's own key is. Its links lead up, so that only what the person is recognised by
    /// can tell: a row that holds nothing of it any more may be a stranger's under the same key, or theirs after they
    /// changed it, and a person has to look. Once the row was seen gone, it can only be a stranger's.
    pub(super) async fn whose_root(&self, key: &Key, stage: Stage) -> Result<Whose, EraseError> {
        let at = self.skeleton().target.at();
        let table = self.finder().table(&at)?;
        let row = BTreeSet::from([key.clone()]);
        let mut differs = false;
        for column in table.identify.values() {
            let set = KeySet { by: Some(column.clone()), ..KeySet::of(at.clone()) };
            let known = if self.discovery.was_saved(&set) { self.saved(&set).await? } else { BTreeSet::new() };
            if known.is_empty() {
                continue;
            }
            let now = self.finder().values(&at, table, column, &row).await?;
            let is_theirs = |value: &Key| known.contains(value) || is_masked(value, table.mask.get(column));
            if now.iter().any(is_theirs) {
                return Ok(Whose::Target);
            }
            differs |= !now.is_empty();
        }
        Ok(match (differs, stage) {
            (false, _) => Whose::Target,
            (true, Stage::Done) => Whose::Another,
            (true, _) => Whose::Unsure,
        })
    }
}

/// Whether a value is what we put in the place of somebody's.
fn is_masked(value: &Key, mask: Option<&Mask>) -> bool {
    let text = value.single().map(KeyValue::to_text).unwrap_or_default();
    let is_constant = matches!(mask, Some(Mask::Constant(constant)) if *constant == text);
    text.is_empty() || tombstone::is_one(&text) || is_constant
}
