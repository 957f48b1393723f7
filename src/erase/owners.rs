//! The saved rows that links may lead to, without those that became somebody else's: what belongs to a ticket that was
//! given to another person is that person's, and so is what hangs on a key that a store gave a second time.

use std::collections::BTreeMap;

use super::act::Work;
use super::error::EraseError;
use super::ledger::StepState;
use super::map::{Mask, TableRef};
use super::packed::{Gather, Packed};
use super::plan::{Act, KeySet};
use super::tombstone;
use super::whose::{Says, Stage, Way, Whose, whose};
use crate::stores::{Key, KeyValue};

/// Who owns, by table.
#[derive(Default)]
pub(super) struct Owners {
    of: BTreeMap<TableRef, Owner>,
    lost: BTreeMap<TableRef, Packed>,
}

/// The saved rows of a table that links may lead to.
#[derive(Default)]
pub(super) struct Owner {
    keys: Packed,
    /// Column → whether some key has there a number, a text, bytes, a UUID.
    kinds: Vec<[bool; 4]>,
}

impl Owner {
    fn of(keys: Packed) -> Self {
        let mut kinds = Vec::<[bool; 4]>::new();
        for key in keys.iter() {
            kinds.resize(kinds.len().max(key.0.len()), [false; 4]);
            for (kinds, value) in kinds.iter_mut().zip(&key.0) {
                match value {
                    KeyValue::Int(_) => kinds[0] = true,
                    KeyValue::Text(_) => kinds[1] = true,
                    KeyValue::Bytes(_) => kinds[2] = true,
                    KeyValue::Uuid(_) => kinds[3] = true,
                }
            }
        }
        Self { keys, kinds }
    }

    /// Whether one of the keys is written like this, in any spelling that a program may give it.
    pub(super) fn has(&self, texts: &[String]) -> bool {
        let longer = |keys: Vec<Vec<KeyValue>>, (text, kinds): (&String, &[bool; 4])| {
            let values = spelled(text, *kinds);
            let with = |key: &Vec<KeyValue>| {
                let key = key.clone();
                values.clone().into_iter().map(move |value| key.iter().cloned().chain([value]).collect())
            };
            keys.iter().flat_map(with).collect()
        };
        let keys = texts.iter().zip(&self.kinds).fold(vec![Vec::new()], longer);
        texts.len() == self.kinds.len() && keys.into_iter().any(|key| self.keys.contains(&Key(key)))
    }

    pub(super) const fn keys(&self) -> &Packed {
        &self.keys
    }
}

/// The values of these kinds that a text may be a spelling of.
fn spelled(text: &str, [number, plain, bytes, uuid]: [bool; 4]) -> Vec<KeyValue> {
    let numbers = text.parse().ok().filter(|_| number).map(KeyValue::Int);
    let texts = plain.then(|| KeyValue::Text(text.to_owned()));
    let hex = |text: &str| data_encoding::HEXLOWER_PERMISSIVE.decode(text.as_bytes()).ok();
    let bytes = hex(text).filter(|_| bytes).map(KeyValue::Bytes);
    let uuids = uuid::Uuid::parse_str(text).ok().filter(|_| uuid).map(KeyValue::Uuid);
    let all = [numbers, texts, bytes, uuids].into_iter().flatten();
    all.filter(|value| value.spellings().iter().any(|spelling| spelling == text)).collect()
}

impl Owners {
    /// The owners of a table; `None` where none were saved.
    pub(super) fn of(&self, at: &TableRef) -> Option<&Owner> {
        self.of.get(at)
    }

    /// Whether a saved row is somebody else's by now.
    fn has_lost(&self, at: &TableRef, key: &Key) -> bool {
        self.lost.get(at).is_some_and(|lost| lost.contains(key))
    }

    /// Those of these saved rows that are nobody else's by now.
    pub(super) fn without_lost(&self, at: &TableRef, keys: &Packed) -> Packed {
        self.lost.get(at).map_or(keys.clone(), |lost| keys.minus(lost))
    }

    fn lose(&mut self, at: &TableRef, keys: Packed) {
        let owner = self.of.entry(at.clone()).or_default();
        owner.keys = owner.keys.minus(&keys);
        let lost = self.lost.entry(at.clone()).or_default();
        *lost = std::mem::take(lost).with(keys);
    }
}

impl Work<'_> {
    /// Asks all saved rows that others are found by, root first. Whoever loses a row loses what led to it only, so that
    /// tables in a circle are asked again and again, until nothing more is lost.
    pub(super) async fn owners(&self) -> Result<Owners, EraseError> {
        let mut owners = Owners::default();
        for group in &self.skeleton().finds {
            let group: Vec<&TableRef> =
                group.iter().filter(|at| self.is_owner(at) && !self.discovery.sets_of(at).is_empty()).collect();
            for at in &group {
                owners.of.insert((*at).clone(), Owner::of(self.saved_of(at).await?));
            }
            while self.ask_group(&group, &mut owners).await? {}
        }
        Ok(owners)
    }

    /// Answers whether the group has to be asked once more.
    async fn ask_group(&self, group: &[&TableRef], owners: &mut Owners) -> Result<bool, EraseError> {
        let mut lost_any = false;
        for at in group {
            lost_any |= self.ask_all(at, owners).await?;
        }
        let leads_within = |at: &&TableRef| {
            let table = self.skeleton().table(at);
            table.is_some_and(|table| table.belongs_to.iter().any(|link| group.contains(&&link.to)))
        };
        Ok(lost_any && group.iter().any(leads_within))
    }

    /// Whether some link that the plan follows leads to the table.
    fn is_owner(&self, at: &TableRef) -> bool {
        let mut links =
            self.skeleton().tables.iter().flat_map(|(_, table)| table.belongs_to.iter().chain(&table.refers_to));
        links.any(|link| link.to == *at)
    }

    /// Asks the saved rows of a table, a chunk at a time; answers whether one of them was lost.
    async fn ask_all(&self, at: &TableRef, owners: &mut Owners) -> Result<bool, EraseError> {
        let (ways, taken) = (self.ways(at).await?, self.taken_of(at).await?);
        let mut lost_any = false;
        for set in self.discovery.sets_of(at) {
            let deleting = self.deleting(&set).await?;
            for chunk in 0..self.chunks(&set)? {
                let mut keys = self.load(&set, chunk).await?;
                // What goes by what it holds is not asked, nor what was lost before.
                keys.retain(|key| !taken.contains(key) && !owners.has_lost(at, key));
                let stage = Stage::of(deleting.as_ref(), chunk);
                let lost = self.lost_of(at, &ways, (keys, stage), owners).await?;
                lost_any |= !lost.is_empty();
                owners.lose(at, lost);
            }
        }
        Ok(lost_any)
    }

    /// Those of these rows that are somebody else's by now.
    async fn lost_of(
        &self,
        at: &TableRef,
        ways: &[Way<'_>],
        (keys, stage): (Vec<Key>, Stage),
        owners: &Owners,
    ) -> Result<Packed, EraseError> {
        let (table, root) = (self.finder().table(at)?, self.root_of(at)?);
        let says = self.says(at, ways, &keys, owners).await?;
        let silent = |says: &[Says]| says.iter().all(|one| matches!(one, Says::Nothing | Says::Cut));
        let unseen = keys.iter().zip(&says).filter(|(_, says)| stage != Stage::Untouched && silent(says));
        let unseen: Vec<Key> = unseen.map(|(key, _)| key.clone()).collect();
        let present = self.finder().present(at, table, &unseen).await?;
        let mut lost = Gather::default();
        for (key, says) in keys.iter().zip(&says) {
            let is_lost = if root.as_ref() == Some(key) {
                stage != Stage::Untouched && self.whose_root(key, stage).await? != Whose::Target
            } else {
                let is_there = stage == Stage::Untouched || !silent(says) || present.contains(key);
                is_there && whose(says, stage) != Whose::Target
            };
            if is_lost {
                lost.add(key);
            }
        }
        Ok(lost.finish())
    }

    /// How far the step is that deletes the rows of a set.
    async fn deleting(&self, set: &KeySet) -> Result<Option<StepState>, EraseError> {
        let step = self.skeleton().steps.iter().find(|step| step.rows == *set && step.act == Act::Delete);
        Ok(match step {
            Some(step) => Some(self.state(step.number).await?),
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
        let row = Packed::from(key.clone());
        let mut differs = false;
        for column in table.identify.values() {
            let set = KeySet { by: Some(column.clone()), ..KeySet::of(at.clone()) };
            let known = if self.discovery.was_saved(&set) { self.saved(&set).await? } else { Packed::default() };
            if known.is_empty() {
                continue;
            }
            let now = self.finder().values(&at, table, column, &row).await?;
            let is_theirs = |value: &Key| known.contains(value) || is_masked(value, table.mask.get(column));
            if now.iter().any(|value| is_theirs(&value)) {
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
