//! What is told by a word that a row holds: which table a column points to, and which answer the row has. A word that
//! nobody spoke of stops the erasure: what it means cannot be guessed.

use std::collections::{BTreeMap, BTreeSet};

use super::discover::Finder;
use super::error::EraseError;
use super::map::{TableMap, TableRef, Words};
use super::packed::{Gather, Packed};
use crate::stores::Key;

/// What a row holds in the columns of words.
type Held = BTreeMap<String, Option<String>>;

impl Finder<'_> {
    /// Those of a page of rows that hold these words.
    pub(super) async fn meeting(
        &self,
        at: &TableRef,
        table: &TableMap,
        words: &Words,
        rows: Vec<Key>,
    ) -> Result<Vec<Key>, EraseError> {
        if words.is_empty() || rows.is_empty() {
            return Ok(rows);
        }
        let held = self.words(at, table, words.keys().cloned().collect(), &rows).await?;
        Ok(held.into_iter().filter(|(_, held)| meets(held, words)).map(|(key, _)| key).collect())
    }

    /// The rows by the answer that the map has to them. Rows that went meanwhile have that of all others.
    pub(super) async fn by_answer(
        &self,
        at: &TableRef,
        table: &TableMap,
        rows: &Packed,
    ) -> Result<BTreeMap<Option<u16>, Packed>, EraseError> {
        let columns: BTreeSet<String> = table.by_word().cloned().collect();
        if columns.is_empty() {
            return Ok(BTreeMap::from([(None, rows.clone())]));
        }
        let mut answers = BTreeMap::<_, Gather>::new();
        for page in self.chunks(rows) {
            let held = self.words(at, table, columns.clone(), &page).await?;
            for key in page {
                let answer = held.get(&key).and_then(|held| {
                    (0..).zip(&table.answers).find(|(_, answer)| meets(held, &answer.when)).map(|(place, _)| place)
                });
                answers.entry(answer).or_default().add(&key);
            }
        }
        Ok(answers.into_iter().map(|(answer, keys)| (answer, keys.finish())).collect())
    }

    /// What the rows hold in these columns.
    async fn words(
        &self,
        at: &TableRef,
        table: &TableMap,
        columns: BTreeSet<String>,
        rows: &[Key],
    ) -> Result<BTreeMap<Key, Held>, EraseError> {
        let read: Vec<String> = columns.iter().cloned().collect();
        let mut words = BTreeMap::new();
        let mut unknown = BTreeMap::<&String, u64>::new();
        for (key, values) in self.read(at, table, &read, rows).await? {
            let held = values.into_iter().map(|value| value.map(|value| value.to_text()));
            let held: Held = read.iter().cloned().zip(held).collect();
            for (column, word) in columns.iter().zip(held.values()) {
                let known = table.known_words(column);
                if known.is_some_and(|known| !word.as_ref().is_some_and(|word| known.contains(&word))) {
                    *unknown.entry(column).or_default() += 1;
                }
            }
            words.insert(key, held);
        }
        match unknown.into_iter().next() {
            Some((column, rows)) => Err(EraseError::UnknownWord { at: at.clone(), column: column.clone(), rows }),
            None => Ok(words),
        }
    }
}

fn meets(held: &Held, words: &Words) -> bool {
    let has = |(column, words): (&String, &Vec<String>)| {
        held.get(column).and_then(Option::as_ref).is_some_and(|word| words.contains(word))
    };
    words.iter().all(has)
}
