//! What all SQL stores share: the text of the statements and the way of a call. Never which rows.
//!
//! Every parameter is sent as text (keys as one JSON list, cast by the schema's types inside the statement) and
//! every answer comes back as text, cast by the store. So one text serves three databases, and what differs is
//! the small [`Dialect`].

mod catalogue;
mod named;
mod statements;
mod survey;
mod wire;

use std::sync::{Arc, RwLock};
use std::time::Duration;

use async_trait::async_trait;

pub(super) use catalogue::{CheckRow, ColumnRow, IndexRow, LinkRow, UniqueRow, add_indexes, schema};
pub(super) use wire::{TextRow, Watch, begin, impl_connection, texts};

use super::{
    Assignment, Column, Key, KeyValue, Lookup, LookupRow, RowStore, Schema, Select, StoreError, StoreLimits, Table,
    Tally,
};
use statements::{Statement, Statements};

/// What a database says differently.
pub trait Dialect: Send + Sync + Sized + 'static {
    /// An identifier, quoted.
    fn quote(name: &str) -> String;

    /// The `n`th parameter (from 1).
    fn parameter(n: usize) -> String;

    /// An expression of this column's type as text; bytes as hex.
    fn as_text(expression: &str, column: Option<&Column>) -> String;

    /// Whether the database has logins with rights of their own.
    const HAS_LOGINS: bool;

    /// Whether a column of a foreign key compares as its foreign key does, so that rows are found as the store links
    /// them.
    const COMPARES_AS_LINKED: bool;

    /// A text expression in the type and collation that this column is compared in: never cut or rounded, and so
    /// that an index serves.
    fn as_type(text: &str, column: &Column) -> String;

    /// A derived table of a JSON list of lists: `c0`, `c1` … in the types that the columns of the key are compared
    /// in, beside each text column's `c` an `x` that [`Dialect::exact`] is compared with, and then the new values,
    /// which go on counting `c`.
    fn rows_of_json(parameter: &str, key: &[&Column], new: &[&Column]) -> String;

    /// What of a text column equals `x` only where both are the same to the byte; `None` where `=` is that already.
    fn exact(name: &str, column: &Column) -> Option<String>;

    /// Whether the value `at` came through the conversion to the column's character set; `None` where all do.
    fn survived(at: usize, column: &Column) -> Option<String>;

    /// Whether a column and its new value differ, to the byte, where NULL equals NULL.
    fn differ(name: &str, value: &str, column: &Column) -> String;

    /// `DELETE` of the rows of `t` that the derived table `s` joins on `matching`; `within` says the same as an IN
    /// that names `source` itself.
    fn delete(table: &str, source: &str, matching: &str, within: &str) -> String;

    /// `UPDATE` of the rows of `t` that the derived table `s` joins on `matching`; each set is `(column, value)`.
    fn update(table: &str, source: &str, matching: &str, sets: &[(String, String)]) -> String;
}

/// Which driver a connection uses.
pub trait Pooled {
    /// The driver.
    type Db: sqlx::Database;

    /// Arms what ends a statement that nobody waits for any more.
    fn watch(
        connection: &mut <Self::Db as sqlx::Database>::Connection,
    ) -> impl Future<Output = Result<Watch, sqlx::Error>> + Send;
}

/// Connects once and lets go. A pool takes a refused connection for a server that starts, waits its whole timeout, and
/// then says that it waited.
pub(super) async fn reach<C: sqlx::Connection>(
    connecting: impl Future<Output = Result<C, sqlx::Error>>,
    limits: StoreLimits,
) -> Result<(), StoreError> {
    let late = StoreError::Timeout { seconds: limits.statement_timeout.as_secs() };
    let connection = tokio::time::timeout(limits.statement_timeout, connecting).await.map_err(|_| late)??;
    Ok(connection.close().await?)
}

/// How statements travel. One call is one transaction.
#[async_trait]
pub trait Connection: Send + Sync {
    /// All rows of a query, every column text, in a read-only transaction.
    async fn read(&self, sql: &str, params: &[String]) -> Result<Vec<TextRow>, StoreError>;

    /// The same of a query that is ours, one SELECT: without a transaction of its own, where nothing is lost by that.
    async fn query(&self, sql: &str, params: &[String]) -> Result<Vec<TextRow>, StoreError>;

    /// Runs a statement; commits when it changed at most `rows_max` rows, and undoes it otherwise. Answers how many
    /// rows it changed.
    async fn write(&self, sql: &str, params: &[String], rows_max: u64) -> Result<u64, StoreError>;

    /// The names of the columns that a query answers.
    async fn columns(&self, sql: &str) -> Result<Vec<String>, StoreError>;

    /// Has a statement planned and not run, in a transaction that is undone and, where the database plans one there, only
    /// reads. Fails where running it would be refused.
    async fn explain(&self, sql: &str, params: &[String]) -> Result<(), StoreError>;

    /// The tables by name with about how many rows they have.
    async fn sizes(&self) -> Result<Vec<TextRow>, StoreError>;

    /// Rights of the login that erasing never needs.
    async fn beyond(&self) -> Result<Vec<String>, StoreError>;

    /// The catalogue.
    async fn catalogue(&self) -> Result<Schema, StoreError>;
}

/// An SQL database as a store.
pub struct SqlStore<D, C> {
    connection: C,
    limits: StoreLimits,
    schema: RwLock<Arc<Schema>>,
    dialect: std::marker::PhantomData<fn() -> D>,
}

impl<D: Dialect, C: Connection> SqlStore<D, C> {
    /// Reads the catalogue and is ready.
    pub(super) async fn ready(connection: C, limits: StoreLimits) -> Result<Self, StoreError> {
        let store = Self { connection, limits, schema: RwLock::default(), dialect: std::marker::PhantomData };
        store.schema().await?;
        Ok(store)
    }

    fn known(&self) -> Arc<Schema> {
        Arc::clone(&self.schema.read().unwrap_or_else(std::sync::PoisonError::into_inner))
    }

    async fn query(&self, statement: &Statement) -> Result<Vec<TextRow>, StoreError> {
        self.in_time(|| self.connection.query(&statement.sql, &statement.params)).await
    }

    /// The one row of numbers that a statement answers.
    async fn numbers(&self, statement: &Statement) -> Result<Vec<u64>, StoreError> {
        let row = self.query(statement).await?.into_iter().next();
        let number = |text: Option<String>| text?.parse().ok();
        let numbers = row.and_then(|row| row.into_iter().map(number).collect::<Option<_>>());
        numbers.ok_or_else(|| sqlx::Error::RowNotFound.into())
    }

    async fn write(&self, table: &str, statement: &Statement, rows_max: u64) -> Result<u64, StoreError> {
        let written = self.in_time(|| self.connection.write(&statement.sql, &statement.params, rows_max)).await;
        written.map_err(|error| match error {
            StoreError::RowCount { max, found, .. } => StoreError::RowCount { table: table.to_owned(), max, found },
            other => other,
        })
    }

    /// Runs a call within the time limit, and again when the store undid it to let another go first.
    async fn in_time<T, F>(&self, call: impl Fn() -> F) -> Result<T, StoreError>
    where
        F: Future<Output = Result<T, StoreError>>,
    {
        // The server's own limit comes first; this one is for a server that does not answer at all.
        let limit = self.limits.statement_timeout + self.limits.lock_timeout;
        let mut wait = Duration::from_millis(25);
        for _ in 1..self.limits.attempts_max {
            match tokio::time::timeout(limit, call()).await {
                Ok(Err(error)) if error.is_contention() => {
                    tokio::time::sleep(wait).await;
                    wait *= 2;
                }
                Ok(outcome) => return outcome,
                Err(_) => return Err(StoreError::Timeout { seconds: limit.as_secs() }),
            }
        }
        let timeout = StoreError::Timeout { seconds: limit.as_secs() };
        tokio::time::timeout(limit, call()).await.unwrap_or(Err(timeout))
    }
}

fn table_of<'s>(schema: &'s Schema, name: &str) -> Result<&'s Table, StoreError> {
    schema.tables.get(name).ok_or_else(|| StoreError::UnknownTable { table: name.to_owned() })
}

#[async_trait]
impl<D: Dialect, C: Connection> RowStore for SqlStore<D, C> {
    async fn ping(&self) -> Result<(), StoreError> {
        self.in_time(|| self.connection.read("SELECT '1'", &[])).await.map(drop)
    }

    async fn schema(&self) -> Result<Schema, StoreError> {
        let schema = self.in_time(|| self.connection.catalogue()).await?;
        *self.schema.write().unwrap_or_else(std::sync::PoisonError::into_inner) = Arc::new(schema.clone());
        Ok(schema)
    }

    async fn keys(
        &self,
        select: Select<'_>,
        key: &[String],
        after: Option<&Key>,
        limit: u32,
    ) -> Result<Vec<Key>, StoreError> {
        let schema = self.known();
        let statements = Statements::<D>::within_store(select, &schema)?;
        let Some(statement) = statements.keys(key, after, limit)? else { return Ok(Vec::new()) };
        let columns = statements.columns(key)?;
        self.query(&statement).await?.into_iter().map(|row| key_of(row, &columns, select.table)).collect()
    }

    async fn keys_of_both(&self, one: Select<'_>, other: Select<'_>, key: &[String]) -> Result<Vec<Key>, StoreError> {
        let schema = self.known();
        let statements = Statements::<D>::within_store(one, &schema)?;
        let both = statements.keys_of_both(&Statements::within_store(other, &schema)?, key)?;
        let Some(statement) = both else { return Ok(Vec::new()) };
        let columns = statements.columns(key)?;
        self.query(&statement).await?.into_iter().map(|row| key_of(row, &columns, one.table)).collect()
    }

    fn canonical(&self, table: &str, columns: &[String], key: &Key) -> Result<Key, StoreError> {
        let schema = self.known();
        let select = Select { table, columns, values: &[], linked_to: None };
        let columns = Statements::<D>::of(select, table_of(&schema, table)?).columns(columns)?;
        let values = key.0.iter().zip(&columns).map(|(value, column)| value.canonical(column.kind));
        let values: Option<Vec<_>> = values.collect();
        let whole = values.filter(|values| values.len() == columns.len() && values.len() == key.0.len());
        whole.map(Key).ok_or_else(|| StoreError::KeyShape { table: table.to_owned() })
    }

    async fn tally(
        &self,
        select: Select<'_>,
        assignments: &[Assignment],
        groups: &[Vec<String>],
    ) -> Result<Tally, StoreError> {
        let schema = self.known();
        let statements = Statements::<D>::of(select, table_of(&schema, select.table)?);
        let statement = match assignments {
            [] => statements.count(groups)?,
            _ => statements.residue(assignments, groups)?,
        };
        let Some(statement) = statement else { return Ok(Tally { rows: 0, holding: vec![0; groups.len()] }) };
        let mut numbers = self.numbers(&statement).await?.into_iter();
        Ok(Tally { rows: numbers.next().unwrap_or(0), holding: numbers.collect() })
    }

    async fn count(&self, select: Select<'_>) -> Result<u64, StoreError> {
        Ok(self.tally(select, &[], &[]).await?.rows)
    }

    async fn delete(&self, select: Select<'_>) -> Result<u64, StoreError> {
        let schema = self.known();
        let statements = Statements::<D>::of(select, table_of(&schema, select.table)?);
        let Some(statement) = statements.delete()? else { return Ok(0) };
        self.write(select.table, &statement, select.values.len() as u64).await
    }

    async fn mask(&self, select: Select<'_>, assignments: &[Assignment]) -> Result<u64, StoreError> {
        let schema = self.known();
        let statements = Statements::<D>::of(select, table_of(&schema, select.table)?);
        let Some(statement) = statements.mask(assignments)? else { return Ok(0) };
        self.write(select.table, &statement, select.values.len() as u64).await
    }

    async fn residue(&self, select: Select<'_>, assignments: &[Assignment]) -> Result<u64, StoreError> {
        if assignments.is_empty() {
            return Ok(0); // nothing is to be held, and a tally would count all rows
        }
        Ok(self.tally(select, assignments, &[]).await?.rows)
    }

    async fn values(&self, select: Select<'_>, columns: &[String]) -> Result<Vec<Vec<Option<KeyValue>>>, StoreError> {
        let schema = self.known();
        let statements = Statements::<D>::of(select, table_of(&schema, select.table)?);
        let Some(statement) = statements.values(columns)? else { return Ok(Vec::new()) };
        let columns = statements.columns(columns)?;
        let value = |(text, column): (Option<String>, &&Column)| text.map(|t| KeyValue::from_text(t, column.kind));
        let rows = self.query(&statement).await?.into_iter();
        Ok(rows.map(|row| row.into_iter().zip(&columns).map(value).collect()).collect())
    }
}

#[async_trait]
impl<D: Dialect, C: Connection> Lookup for SqlStore<D, C> {
    async fn lookup(&self, sql: &str, params: &[(&str, &str)]) -> Result<Vec<LookupRow>, StoreError> {
        let inner = named::bind::<D>(sql, params)?;
        let columns = self.in_time(|| self.connection.columns(&inner.sql)).await?;
        let statement = statements::as_texts::<D>(inner, &columns, self.limits.lookup_rows_max);
        let rows = self.in_time(|| self.connection.read(&statement.sql, &statement.params)).await?;
        if rows.len() as u64 > u64::from(self.limits.lookup_rows_max) {
            return Err(StoreError::TooManyRows { max: self.limits.lookup_rows_max });
        }
        Ok(rows.into_iter().map(|row| columns.iter().cloned().zip(row).collect()).collect())
    }

    async fn describe(&self, sql: &str, params: &[&str]) -> Result<Vec<String>, StoreError> {
        let params: Vec<(&str, &str)> = params.iter().map(|name| (*name, "")).collect();
        let bound = named::bind::<D>(sql, &params)?;
        self.in_time(|| self.connection.columns(&bound.sql)).await
    }
}

fn key_of(row: TextRow, columns: &[&Column], table: &str) -> Result<Key, StoreError> {
    let null = || StoreError::NullKey { table: table.to_owned() };
    let value = |(text, column): (Option<String>, &&Column)| text.map(|text| KeyValue::from_text(text, column.kind));
    row.into_iter().zip(columns).map(value).collect::<Option<_>>().map(Key).ok_or_else(null)
}
