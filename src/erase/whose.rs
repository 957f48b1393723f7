//! Whose a saved row is by now. Hours may lie between the finding of a row and the act on it, and a store may give the
//! key of a deleted row to somebody else's. So each row is asked once more, by the links that it was found by: before
//! anything is done to it, and when it is read back. Reads keys and links only, a chunk per statement.
//!
//! Names of a store without tables are not asked: whose they are stands in them. Nor are rows that other rows hold.

use std::collections::{BTreeMap, BTreeSet};

use super::act::Work;
use super::error::EraseError;
use super::ledger::StepState;
use super::map::{Link, Mask, TableMap, TableRef};
use super::owners::{Owner, Owners};
use super::packed::Packed;
use super::plan::{KeySet, Step};
use super::tombstone;
use crate::stores::{ColumnKind, Key, KeyValue, Select};

/// How far the deleting of a chunk is. Before its begin we cannot have freed a key, and at its end the rows were seen
/// gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    Untouched,
    Begun,
    Done,
}

impl Stage {
    /// How far a step that deletes is with a chunk; where no step deletes, no key is ever freed.
    pub(super) fn of(deleting: Option<&StepState>, chunk: u32) -> Self {
        match deleting.and_then(|state| state.chunks.get(&chunk)) {
            None => Self::Untouched,
            Some(begun) if begun.done.is_none() => Self::Begun,
            Some(_) => Self::Done,
        }
    }
}

/// What one link of a row says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Says {
    /// It leads to a saved row with this key.
    Held(Vec<String>),
    /// It leads to a saved row, as the store compares them.
    Follows,
    /// It led to one, and we let it go.
    Cut,
    /// It leads to some other row.
    Elsewhere,
    /// So it does, and who it leads to has a share in the row.
    Shared,
    /// It leads nowhere, or the row is not there.
    Nothing,
}

/// Whose a row is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Whose {
    Target,
    /// Nobody can tell: nothing is done to it, and it is not called done either.
    Unsure,
    Another,
}

/// What the links of a row come to. A row that leads nowhere was let go of, by us or by a program, and is the row that
/// was found, unless its key may have been given again.
pub(super) fn whose(says: &[Says], stage: Stage) -> Whose {
    let any = |wanted: Says| says.contains(&wanted);
    if any(Says::Shared) {
        return Whose::Another;
    }
    if says.iter().any(|one| matches!(one, Says::Held(_) | Says::Follows)) {
        return Whose::Target;
    }
    match (stage, any(Says::Cut), any(Says::Elsewhere)) {
        (Stage::Untouched, true, _) | (Stage::Untouched, _, false) | (Stage::Begun, true, false) => Whose::Target,
        (Stage::Begun, true, true) | (Stage::Begun, false, false) => Whose::Unsure,
        (Stage::Untouched | Stage::Begun, false, true) | (Stage::Done, ..) => Whose::Another,
    }
}

/// A link that rows of a table were found by.
pub(super) struct Way<'a> {
    pub(super) link: &'a Link,
    /// The rows that it led from when they were found, where a step lets it go.
    let_go: Packed,
    /// What it holds then.
    masks: Vec<Option<&'a Mask>>,
}

impl<'a> Way<'a> {
    fn bare(link: &'a Link) -> Self {
        Self { link, let_go: Packed::default(), masks: Vec::new() }
    }

    /// Whether the link of this row holds what we put there.
    fn is_cut(&self, key: &Key, texts: &[String]) -> bool {
        let is_ours = |(mask, text): (&Option<&Mask>, &String)| match mask {
            None => true,
            Some(Mask::Tombstone) => tombstone::is_one(text),
            Some(Mask::Constant(constant) | Mask::Reown(constant)) => constant == text,
            // What lets go becomes NULL, and no other mask lets a link go.
            Some(_) => false,
        };
        self.let_go.contains(key) && self.masks.iter().any(Option::is_some) && self.masks.iter().zip(texts).all(is_ours)
    }

    fn says(&self, key: &Key, held: Option<&Vec<String>>, owner: &Owner) -> Says {
        match held {
            Some(texts) if owner.has(texts) => Says::Held(texts.clone()),
            Some(texts) if self.is_cut(key, texts) => Says::Cut,
            Some(_) => Says::Elsewhere,
            None if self.let_go.contains(key) => Says::Cut,
            None => Says::Nothing,
        }
    }
}

/// The keys of a chunk, told apart.
pub(super) struct Sorted {
    /// Those whose rows are the target's, or gone.
    pub(super) ours: Vec<Key>,
    /// How many rows there are of which nobody can tell.
    pub(super) unsure: u64,
}

/// What is needed to ask the rows of one step.
pub(super) struct Asking<'a> {
    work: &'a Work<'a>,
    step: &'a Step,
    table: &'a TableMap,
    ways: Vec<Way<'a>>,
    /// Rows that go by what they hold, whatever their links say.
    taken: Packed,
    owners: &'a Owners,
}

impl Asking<'_> {
    /// Tells the rows of these keys apart.
    pub(super) async fn sorted(&self, keys: &[Key], stage: Stage) -> Result<Sorted, EraseError> {
        if self.table.shape.is_some() {
            return Ok(Sorted { ours: keys.to_vec(), unsure: 0 });
        }
        let at = &self.step.rows.at;
        let says = self.work.says(at, &self.ways, keys, self.owners).await?;
        let (mut ours, mut unsure) = (Vec::new(), Vec::new());
        let (mut unsure_root, root) = (0, self.work.root_of(at)?);
        for (key, says) in keys.iter().zip(says) {
            let verdict = match &self.step.rows.pointing {
                Some(_) if matches!(says.first(), Some(Says::Held(_) | Says::Follows)) => Whose::Target,
                Some(_) => Whose::Another,
                None if root.as_ref() == Some(key) => {
                    let verdict = self.work.whose_root(key, stage).await?;
                    unsure_root += u64::from(verdict == Whose::Unsure);
                    if verdict == Whose::Target { verdict } else { Whose::Another }
                }
                None if self.taken.contains(key) => Whose::Target,
                // What led to it went years ago; that it is not another row under the same key, its own end tells.
                None if self.step.past.is_some() => Whose::Target,
                None => whose(&says, stage),
            };
            match verdict {
                Whose::Target => ours.push(key.clone()),
                Whose::Unsure => unsure.push(key.clone()),
                Whose::Another => {}
            }
        }
        let unsure = self.work.finder().present(at, self.table, &unsure).await?.len() as u64 + unsure_root;
        Ok(Sorted { ours, unsure })
    }
}

impl<'a> Work<'a> {
    /// Gets ready to ask the rows of a step.
    pub(super) async fn asking(&'a self, step: &'a Step, owners: &'a Owners) -> Result<Asking<'a>, EraseError> {
        let table = self.finder().table(&step.rows.at)?;
        let ways = match &step.rows.pointing {
            Some(link) => vec![Way::bare(link)],
            None => self.ways(&step.rows.at).await?,
        };
        let taken = self.taken_of(&step.rows.at).await?;
        Ok(Asking { work: self, step, table, ways, taken, owners })
    }

    /// The links that the target's rows of a table were found by.
    pub(super) async fn ways(&self, at: &TableRef) -> Result<Vec<Way<'a>>, EraseError> {
        let table = self.finder().table(at)?;
        let mut ways = Vec::new();
        for link in table.belongs_to.iter().filter(|link| self.discovery.skeleton.finds_in(&link.to)) {
            let mut let_go = Packed::default();
            for ended in [false, true] {
                let set = KeySet { pointing: Some(link.clone()), ended, ..KeySet::of(at.clone()) };
                if self.discovery.was_saved(&set) {
                    let_go = let_go.with(self.saved(&set).await?);
                }
            }
            let masks = link.columns.iter().map(|column| table.mask.get(column)).collect();
            ways.push(Way { link, let_go, masks });
        }
        Ok(ways)
    }

    /// What the links of each row say, in the order of the keys.
    pub(super) async fn says(
        &self,
        at: &TableRef,
        ways: &[Way<'_>],
        keys: &[Key],
        owners: &Owners,
    ) -> Result<Vec<Vec<Says>>, EraseError> {
        let mut rows = vec![Vec::with_capacity(ways.len()); keys.len()];
        for way in ways {
            let Some(owner) = owners.of(&way.link.to) else {
                // What it led to was not saved by an older version: it goes by the keys alone.
                rows.iter_mut().for_each(|row| row.push(Says::Follows));
                continue;
            };
            let held = self.held(at, way.link, keys).await?;
            let mut says: Vec<Says> = keys.iter().map(|key| way.says(key, held.get(key), owner)).collect();
            let astray = || keys.iter().zip(&says).filter(|(_, says)| **says == Says::Elsewhere).map(|(key, _)| key);
            let follow = self.following(at, way.link, astray().cloned().collect(), owner).await?;
            for (key, says) in keys.iter().zip(&mut says) {
                if follow.contains(key) {
                    *says = Says::Follows;
                } else if *says == Says::Elsewhere && way.link.shared && self.goes(at) {
                    *says = Says::Shared;
                }
            }
            rows.iter_mut().zip(says).for_each(|(row, says)| row.push(says));
        }
        for row in &mut rows {
            // Who has a share in a row has none where it is the target's by another link.
            let is_plain = |(way, says): (&Way<'_>, &Says)| {
                !way.link.shared && matches!(says, Says::Held(_) | Says::Follows | Says::Cut)
            };
            if ways.iter().zip(&*row).any(is_plain) {
                row.iter_mut().filter(|says| **says == Says::Shared).for_each(|says| *says = Says::Elsewhere);
            }
        }
        // What other rows hold is told by those, which may be gone by now.
        if !self.finder().table(at)?.held_by.is_empty() {
            rows.iter_mut().for_each(|row| row.push(Says::Follows));
        }
        Ok(rows)
    }

    /// Whether rows of a table are deleted, so that one goes with the last who shares it.
    fn goes(&self, at: &TableRef) -> bool {
        self.skeleton().table(at).is_some_and(TableMap::goes)
    }

    /// What a link holds in the rows of these keys, where it holds anything.
    async fn held(&self, at: &TableRef, link: &Link, keys: &[Key]) -> Result<BTreeMap<Key, Vec<String>>, EraseError> {
        let table = self.finder().table(at)?;
        let decimal: Vec<bool> = link.columns.iter().map(|column| self.is_decimal(at, column)).collect();
        let texts = |(key, values): (Key, Vec<Option<KeyValue>>)| {
            let values: Vec<KeyValue> = values.into_iter().collect::<Option<_>>()?;
            let texts = values.iter().zip(&decimal).map(|(value, decimal)| text_of(value, *decimal)).collect();
            Some((key, texts))
        };
        let rows = self.finder().read(at, table, &link.columns, keys).await?;
        let mut held: BTreeMap<Key, Vec<String>> = rows.into_iter().filter_map(texts).collect();
        if !link.when.is_empty() {
            let counts = self.finder().meeting(at, table, &link.when, held.keys().cloned().collect()).await?;
            held.retain(|key, _| counts.contains(key));
        }
        Ok(held)
    }

    fn is_decimal(&self, at: &TableRef, column: &str) -> bool {
        let table = self.schemas.get(&at.store).and_then(|schema| schema.tables.get(&at.table));
        table.and_then(|table| table.column(column)).is_some_and(|column| column.kind == ColumnKind::Number)
    }

    /// Those of these rows whose link leads to a saved row by the store's own comparing, which may take texts for the
    /// same that differ. Asked only of rows that seem to lead elsewhere, which are few.
    async fn following(
        &self,
        at: &TableRef,
        link: &Link,
        astray: Vec<Key>,
        owner: &Owner,
    ) -> Result<BTreeSet<Key>, EraseError> {
        let mut follow = BTreeSet::new();
        if astray.is_empty() {
            return Ok(follow);
        }
        let table = self.finder().table(at)?;
        let store = self.finder().store(at)?;
        let one = Select { table: &at.table, columns: &table.key, values: &astray, linked_to: None };
        let parent = self.finder().table(&link.to)?;
        let linked_to = (link.to.store == at.store).then_some((link.to.table.as_str(), parent.key.as_slice()));
        for chunk in self.finder().chunks(owner.keys()) {
            let other = Select { table: &at.table, columns: &link.columns, values: &chunk, linked_to };
            follow.extend(store.keys_of_both(one, other, &table.key).await.map_err(EraseError::store(at))?);
        }
        Ok(follow)
    }
}

/// A value as the keys that it is compared with are written: a decimal without its empty places.
fn text_of(value: &KeyValue, decimal: bool) -> String {
    let text = value.to_text();
    match text.split_once('.') {
        Some((whole, places)) if decimal && places.bytes().all(|b| b == b'0') => whole.to_owned(),
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_the_target_s_as_long_as_one_link_says_so() {
        use Says::{Cut, Elsewhere, Follows, Nothing};
        use Stage::{Begun, Done, Untouched};
        use Whose::{Another, Target, Unsure};
        let held = Says::Held(vec!["1".to_owned()]);
        for (says, of) in [
            (vec![held.clone(), Elsewhere], [Target, Target, Target]),
            (vec![Elsewhere, Follows], [Target, Target, Target]),
            (vec![Elsewhere, Elsewhere], [Another, Another, Another]),
            (vec![Elsewhere, Nothing], [Another, Another, Another]),
            (vec![Cut, Nothing], [Target, Target, Another]),
            (vec![Cut, Elsewhere], [Target, Unsure, Another]),
            (vec![Nothing, Nothing], [Target, Unsure, Another]),
            (vec![Says::Held(vec!["1".to_owned()]), Says::Shared], [Another, Another, Another]),
        ] {
            assert_eq!([Untouched, Begun, Done].map(|stage| whose(&says, stage)), of, "{says:?}");
        }
    }
}
