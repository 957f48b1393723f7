//! What stores without tables share: a table is declared by the map (a [`Shape`]: how its names are made and what lies
//! under them), a row is a name, a member under a name or a version under a name. What differs from store to store is the
//! small [`Backend`].
//!
//! Rows of such a store go as a whole: nothing in them is masked, and nothing is let go of.

mod meets;
mod shape;
mod template;
mod wanted;

use std::collections::BTreeSet;

use async_trait::async_trait;

pub use shape::{Holds, MEMBER, Member, NAME, Shape, Shapes, VALUE, VERSION};
pub use template::{BadTemplate, Template};
pub use wanted::Wanted;

use super::survey::Sampled;
use super::{Assignment, Key, KeyValue, RowStore, Schema, Select, StoreError, Tally};

/// How names are found and removed.
///
/// MUST: be idempotent; change nothing but the rows that are handed in; answer `Err` for a row that could not be removed,
/// and for one that is of another kind than its shape says; never walk through the whole store in one call of the server.
/// SHOULD: group rows into one call of the server, of a bounded size.
#[async_trait]
pub trait Backend: Send + Sync {
    /// Answers when the store can be reached and read.
    async fn ping(&self) -> Result<(), StoreError>;

    /// Whether the store is one that we can erase from, and the login may do what the shapes ask for: tried, not guessed.
    /// Answers how many names of a sample nobody said anything of.
    async fn look(&self, shapes: &Shapes) -> Result<u64, StoreError>;

    /// Some names and what lies under each, at most so many.
    async fn sample(&self, names_max: usize) -> Result<Vec<Sampled>, StoreError>;

    /// Every row of the table that is wanted.
    async fn find(&self, wanted: &Wanted<'_>) -> Result<BTreeSet<Key>, StoreError>;

    /// Whether each of these rows is there.
    async fn present(&self, table: &str, shape: &Shape, rows: &[Key]) -> Result<Vec<bool>, StoreError>;

    /// Removes these rows; answers how many there were.
    async fn remove(&self, table: &str, shape: &Shape, rows: &[Key]) -> Result<u64, StoreError>;

    /// What lies under the name of our canary, or its beginning; `None` where nothing does.
    async fn canary(&self, name: &str) -> Result<Option<String>, StoreError>;

    /// Writes it anew, where something lies there.
    async fn set_canary(&self, name: &str, epoch: &str) -> Result<(), StoreError>;
}

/// A canary is a number: so many bytes are read of what lies under its name.
pub(super) const CANARY_BYTES_MAX: u64 = 64;

/// A store whose tables are declared.
pub struct KeyStore<B> {
    backend: B,
    shapes: Shapes,
}

impl<B: Backend> KeyStore<B> {
    /// Looks at the store once and is ready.
    pub(super) async fn ready(backend: B, shapes: Shapes) -> Result<Self, StoreError> {
        backend.ping().await?;
        Ok(Self { backend, shapes })
    }

    /// Some names and what lies under each, at most so many.
    pub(super) async fn sample(&self, names_max: usize) -> Result<Vec<Sampled>, StoreError> {
        self.backend.sample(names_max).await
    }

    fn shape(&self, table: &str) -> Result<&Shape, StoreError> {
        self.shapes.tables.get(table).ok_or_else(|| StoreError::UnknownTable { table: table.to_owned() })
    }

    /// The rows of a selection, whichever columns it compares.
    async fn rows(&self, select: Select<'_>) -> Result<BTreeSet<Key>, StoreError> {
        let shape = self.shape(select.table)?;
        if select.values.is_empty() {
            return Ok(BTreeSet::new());
        }
        if select.columns == shape.row_key() {
            let rows = whole(select)?;
            let present = self.backend.present(select.table, shape, rows).await?;
            return Ok(rows.iter().zip(present).filter(|(_, here)| *here).map(|(row, _)| row.clone()).collect());
        }
        self.backend.find(&Wanted::of(select, shape, &self.shapes)?).await
    }
}

/// The values of a selection by the row's own key.
fn whole(select: Select<'_>) -> Result<&[Key], StoreError> {
    let is_name = |value: &KeyValue| matches!(value, KeyValue::Text(_) | KeyValue::Bytes(_));
    let fits = |row: &Key| row.0.len() == select.columns.len() && row.0.iter().all(is_name);
    if select.values.iter().all(fits) {
        Ok(select.values)
    } else {
        Err(StoreError::KeyShape { table: select.table.to_owned() })
    }
}

#[async_trait]
impl<B: Backend> RowStore for KeyStore<B> {
    async fn ping(&self) -> Result<(), StoreError> {
        self.backend.ping().await
    }

    async fn schema(&self) -> Result<Schema, StoreError> {
        let strays = self.backend.look(&self.shapes).await?;
        Ok(self.shapes.schema(strays))
    }

    /// Every page would be a walk through the whole store, so that all rows come in one.
    async fn keys(
        &self,
        select: Select<'_>,
        key: &[String],
        after: Option<&Key>,
        _limit: u32,
    ) -> Result<Vec<Key>, StoreError> {
        let row_key = self.shape(select.table)?.row_key();
        if let Some(column) = key.iter().find(|column| !row_key.contains(column)) {
            let (table, column) = (select.table.to_owned(), column.clone());
            return Err(StoreError::UnknownColumn { table, column });
        }
        let rows = self.rows(select).await?;
        Ok(rows.into_iter().filter(|row| after.is_none_or(|after| row > after)).collect())
    }

    async fn keys_of_both(&self, one: Select<'_>, other: Select<'_>, _key: &[String]) -> Result<Vec<Key>, StoreError> {
        let (one, other) = (self.rows(one).await?, self.rows(other).await?);
        Ok(one.intersection(&other).cloned().collect())
    }

    fn canonical(&self, table: &str, columns: &[String], key: &Key) -> Result<Key, StoreError> {
        self.shape(table)?;
        if columns.len() == key.0.len() {
            Ok(key.clone())
        } else {
            Err(StoreError::KeyShape { table: table.to_owned() })
        }
    }

    /// What lies under a name goes as a whole and is never NULL.
    async fn tally(
        &self,
        select: Select<'_>,
        assignments: &[Assignment],
        groups: &[Vec<String>],
    ) -> Result<Tally, StoreError> {
        let rows =
            if assignments.is_empty() { self.count(select).await? } else { self.residue(select, assignments).await? };
        Ok(Tally { rows, holding: vec![rows; groups.len()] })
    }

    async fn count(&self, select: Select<'_>) -> Result<u64, StoreError> {
        Ok(self.rows(select).await?.len() as u64)
    }

    async fn delete(&self, select: Select<'_>) -> Result<u64, StoreError> {
        let shape = self.shape(select.table)?;
        let rows: Vec<Key> = if select.columns == shape.row_key() {
            whole(select)?.to_vec()
        } else {
            self.rows(select).await?.into_iter().collect()
        };
        let (max, found) = (select.values.len() as u64, rows.len() as u64);
        if found > max {
            return Err(StoreError::RowCount { table: select.table.to_owned(), max, found });
        }
        if rows.is_empty() { Ok(0) } else { self.backend.remove(select.table, shape, &rows).await }
    }

    async fn mask(&self, select: Select<'_>, assignments: &[Assignment]) -> Result<u64, StoreError> {
        let nothing = select.values.is_empty() || assignments.is_empty();
        if nothing { Ok(0) } else { Err(no_columns(select)) }
    }

    async fn residue(&self, select: Select<'_>, assignments: &[Assignment]) -> Result<u64, StoreError> {
        let nothing = select.values.is_empty() || assignments.is_empty();
        if nothing { Ok(0) } else { Err(no_columns(select)) }
    }

    async fn values(&self, select: Select<'_>, columns: &[String]) -> Result<Vec<Vec<Option<KeyValue>>>, StoreError> {
        let shape = self.shape(select.table)?;
        if let Some(column) = columns.iter().find(|column| !shape.row_key().contains(column)) {
            let (table, column) = (select.table.to_owned(), column.clone());
            return Err(StoreError::UnknownColumn { table, column });
        }
        let key = shape.row_key();
        let place = |column: &String| key.iter().position(|known| known == column);
        let places: Vec<usize> = columns.iter().filter_map(place).collect();
        let rows = self.rows(select).await?;
        Ok(rows.into_iter().map(|row| places.iter().map(|at| row.0.get(*at).cloned()).collect()).collect())
    }

    async fn canary(&self, at: &str) -> Result<Option<String>, StoreError> {
        self.backend.canary(at).await
    }

    async fn set_canary(&self, at: &str, epoch: &str) -> Result<(), StoreError> {
        self.backend.set_canary(at, epoch).await
    }
}

fn no_columns(select: Select<'_>) -> StoreError {
    StoreError::NoColumns { table: select.table.to_owned() }
}

/// A name or a part of one as a value of a key.
pub(super) fn value(bytes: Vec<u8>) -> KeyValue {
    String::from_utf8(bytes).map_or_else(|error| KeyValue::Bytes(error.into_bytes()), KeyValue::Text)
}

/// The bytes of a value of a row's key, as [`value`] made it.
pub(super) fn bytes(value: &KeyValue) -> Vec<u8> {
    match value {
        KeyValue::Bytes(bytes) => bytes.clone(),
        other => other.to_text().into_bytes(),
    }
}
