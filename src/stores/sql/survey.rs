//! Looks an SQL store over. A right is tried by having the very statement of the erasing explained, not run.

use std::collections::BTreeMap;

use async_trait::async_trait;

use super::statements::{Statement, Statements};
use super::{Connection, Dialect, SqlStore, table_of};
use crate::stores::survey::{Attempt, Right, Survey};
use crate::stores::{
    Assignment, ColumnKind, Key, KeyValue, NewValue, RowStore, Schema, Select, StoreError, Table, ValueShapes,
};

/// A value is judged by its beginning.
const CHARS_MAX: u32 = 200;

#[async_trait]
impl<D: Dialect, C: Connection> Survey for SqlStore<D, C> {
    async fn look(&self) -> Result<Schema, StoreError> {
        self.schema().await
    }

    async fn sizes(&self) -> Result<BTreeMap<String, u64>, StoreError> {
        let rows = self.in_time(|| self.connection.sizes()).await?;
        let size = |row: Vec<Option<String>>| {
            let [table, rows] = <[Option<String>; 2]>::try_from(row).ok()?;
            Some((table?, rows?.parse().ok()?))
        };
        Ok(rows.into_iter().filter_map(size).collect())
    }

    async fn attempt(&self, attempt: Attempt<'_>) -> Result<Option<StoreError>, StoreError> {
        let schema = self.known();
        let table = table_of(&schema, attempt.table)?;
        let statement = statement::<D>(attempt, table)?;
        match self.in_time(|| self.connection.explain(&statement.sql, &statement.params)).await {
            Ok(()) => Ok(None),
            Err(error) if error.retry() == crate::domain::Retry::Transient => Err(error),
            Err(error) => Ok(Some(error)),
        }
    }

    async fn beyond(&self) -> Result<Vec<String>, StoreError> {
        self.in_time(|| self.connection.beyond()).await
    }

    fn has_logins(&self) -> bool {
        D::HAS_LOGINS
    }

    async fn unknown_words(
        &self,
        table: &str,
        column: &str,
        known: &[&str],
        words_max: u32,
    ) -> Result<u64, StoreError> {
        let schema = self.known();
        let found = table_of(&schema, table)?;
        let unknown = || StoreError::UnknownColumn { table: table.to_owned(), column: column.to_owned() };
        let exact = D::exact(&D::quote(column), found.column(column).ok_or_else(unknown)?);
        let by = exact.map(|exact| format!(", {exact}")).unwrap_or_default();
        // A collation that takes `user` for `User` would hide one of them.
        let words =
            format!("SELECT {0} AS w, COUNT(*) AS n FROM {1} GROUP BY {0}{by}", D::quote(column), name::<D>(found));
        let (word, number) = (D::as_text("q.w", None), D::as_text("q.n", None));
        let sql = format!("SELECT {word}, {number} FROM ({words}) AS q LIMIT {words_max}");
        let rows = self.query(&Statement { sql, params: Vec::new() }).await?;
        let unknown = rows.into_iter().filter(|row| {
            let word = row.first().and_then(Option::as_deref);
            !word.is_some_and(|word| known.contains(&word))
        });
        let number = |row: Vec<Option<String>>| row.get(1)?.as_deref()?.parse::<u64>().ok();
        Ok(unknown.filter_map(number).sum())
    }

    async fn shapes(&self, table: &str, rows_max: u32) -> Result<BTreeMap<String, ValueShapes>, StoreError> {
        let schema = self.known();
        let found = table_of(&schema, table)?;
        let told: Vec<_> = found.columns.iter().filter(|column| column.kind != ColumnKind::Bytes).collect();
        let text = |name: &str| format!("SUBSTR({}, 1, {CHARS_MAX})", D::as_text(&D::quote(name), None));
        let texts: Vec<_> = told.iter().map(|column| text(&column.name)).collect();
        if texts.is_empty() {
            return Ok(BTreeMap::new());
        }
        let sql = format!("SELECT {} FROM {} LIMIT {rows_max}", texts.join(", "), name::<D>(found));
        let rows = self.query(&Statement { sql, params: Vec::new() }).await?;
        let mut shapes = vec![ValueShapes::default(); told.len()];
        for row in rows {
            for (value, shapes) in row.iter().zip(&mut shapes) {
                shapes.look(value.as_deref().unwrap_or_default());
            }
        }
        Ok(told.iter().map(|column| column.name.clone()).zip(shapes).collect())
    }
}

fn name<D: Dialect>(table: &Table) -> String {
    table.path.iter().map(|part| D::quote(part)).collect::<Vec<_>>().join(".")
}

/// The statement that the erasing sends for this, over one key that it makes up.
fn statement<D: Dialect>(attempt: Attempt<'_>, table: &Table) -> Result<Statement, StoreError> {
    let values = [made_up(attempt, table)];
    let select = Select { table: attempt.table, columns: attempt.key, values: &values, linked_to: None };
    let statements = Statements::<D>::of(select, table);
    let statement = match attempt.right {
        Right::Select if attempt.columns.is_empty() => statements.count(&[])?,
        Right::Select => statements.values(attempt.columns)?,
        Right::Delete => statements.delete()?,
        Right::Update => {
            let null = |column: &String| Assignment { column: column.clone(), value: NewValue::Null };
            statements.mask(&attempt.columns.iter().map(null).collect::<Vec<_>>())?
        }
        Right::Insert => {
            let (found, table) = (table, name::<D>(table));
            let written = found.columns.iter().filter(|column| !column.generated);
            let columns: Vec<_> = written.map(|column| D::quote(&column.name)).collect();
            let nulls = vec!["NULL"; columns.len()].join(", ");
            let nothing = "(SELECT 1 AS one) AS s WHERE 1 = 0";
            let sql = format!("INSERT INTO {table} ({}) SELECT {nulls} FROM {nothing}", columns.join(", "));
            Some(Statement { sql, params: Vec::new() })
        }
    };
    statement.ok_or_else(|| StoreError::KeyShape { table: attempt.table.to_owned() })
}

/// A key of the right kinds. Nothing is ever run with it.
fn made_up(attempt: Attempt<'_>, table: &Table) -> Key {
    let value = |name: &String| match table.column(name).map(|column| column.kind) {
        Some(ColumnKind::Uuid) => KeyValue::Uuid(uuid::Uuid::nil()),
        Some(ColumnKind::Bytes) => KeyValue::Bytes(Vec::new()),
        Some(ColumnKind::Int | ColumnKind::Number) => KeyValue::Int(0),
        _ => KeyValue::Text("0".to_owned()),
    };
    Key(attempt.key.iter().map(value).collect())
}
