//! The text of every statement. Identifiers come from the catalogue and are quoted; values are parameters.

use std::fmt::Write as _;
use std::marker::PhantomData;

use serde_json::Value;

use super::{Assignment, Column, Dialect, Key, Select, StoreError, Table};
use crate::stores::NewValue;

/// A statement with its parameters.
#[derive(Clone)]
pub(super) struct Statement {
    pub(super) sql: String,
    pub(super) params: Vec<String>,
}

/// The statements over one selection of one table. `None` where nothing can match.
pub(super) struct Statements<'a, D> {
    select: Select<'a>,
    table: &'a Table,
    dialect: PhantomData<D>,
}

impl<'a, D: Dialect> Statements<'a, D> {
    pub(super) const fn of(select: Select<'a>, table: &'a Table) -> Self {
        Self { select, table, dialect: PhantomData }
    }

    /// A page of keys.
    pub(super) fn keys(
        &self,
        key: &[String],
        after: Option<&Key>,
        limit: u32,
    ) -> Result<Option<Statement>, StoreError> {
        let Some((source, list)) = self.searched()? else { return Ok(None) };
        let columns = self.columns(key)?;
        let names: Vec<_> = columns.iter().map(|column| format!("t.{}", D::quote(&column.name))).collect();
        let texts: Vec<_> = names.iter().zip(&columns).map(|(name, column)| D::as_text(name, Some(column))).collect();
        let mut sql = format!("SELECT {} FROM {} AS t WHERE {}", texts.join(", "), self.name(), self.within(&source)?);
        let mut params = vec![list];
        if let Some(after) = after {
            let wanted = self.wire(after, &columns)?;
            params.extend(wanted.iter().map(text_of));
            let values: Vec<_> =
                columns.iter().enumerate().map(|(at, column)| D::as_type(&D::parameter(at + 2), column)).collect();
            let _ = write!(sql, " AND ({}) > ({})", names.join(", "), values.join(", "));
        }
        let _ = write!(sql, " ORDER BY {} LIMIT {limit}", names.join(", "));
        Ok(Some(Statement { sql, params }))
    }

    pub(super) fn count(&self) -> Result<Option<Statement>, StoreError> {
        let Some((source, list)) = self.searched()? else { return Ok(None) };
        let count = D::as_text("COUNT(*)", None);
        let sql = format!("SELECT {count} FROM {} AS t WHERE {}", self.name(), self.within(&source)?);
        Ok(Some(Statement { sql, params: vec![list] }))
    }

    pub(super) fn delete(&self) -> Result<Option<Statement>, StoreError> {
        if self.select.values.is_empty() {
            return Ok(None);
        }
        let (source, list) = self.exact(&[])?;
        Ok(Some(Statement {
            sql: D::delete(&self.name(), &source, &self.matching()?, &self.within(&source)?),
            params: vec![list],
        }))
    }

    pub(super) fn mask(&self, assignments: &[Assignment]) -> Result<Option<Statement>, StoreError> {
        if self.select.values.is_empty() || assignments.is_empty() {
            return Ok(None);
        }
        let (source, list) = self.exact(assignments)?;
        let sets: Vec<_> = self
            .new_values(assignments)
            .map(|(column, value)| (D::quote(&column.column), value.unwrap_or_else(|| "NULL".to_owned())))
            .collect();
        Ok(Some(Statement { sql: D::update(&self.name(), &source, &self.matching()?, &sets), params: vec![list] }))
    }

    pub(super) fn residue(&self, assignments: &[Assignment]) -> Result<Option<Statement>, StoreError> {
        if self.select.values.is_empty() || assignments.is_empty() {
            return Ok(None);
        }
        let (source, list) = self.exact(assignments)?;
        let left: Vec<_> = self
            .new_values(assignments)
            .map(|(assignment, value)| {
                let column = format!("t.{}", D::quote(&assignment.column));
                value.map_or_else(|| format!("{column} IS NOT NULL"), |value| D::differ(&column, &value))
            })
            .collect();
        let sql = format!(
            "SELECT {} FROM {source} AS s JOIN {} AS t ON {} WHERE {}",
            D::as_text("COUNT(*)", None),
            self.name(),
            self.matching()?,
            left.join(" OR "),
        );
        Ok(Some(Statement { sql, params: vec![list] }))
    }

    pub(super) fn latest(&self, column: &str) -> Result<Option<Statement>, StoreError> {
        if self.select.values.is_empty() {
            return Ok(None);
        }
        let (source, list) = self.exact(&[])?;
        let dated = self.column(column)?;
        let name = format!("t.{}", D::quote(&dated.name));
        let sql = format!(
            "SELECT {}, {} FROM {} AS t WHERE {}",
            D::as_text(&format!("MAX({name})"), Some(dated)),
            D::as_text(&format!("COUNT(*) - COUNT({name})"), None),
            self.name(),
            self.within(&source)?,
        );
        Ok(Some(Statement { sql, params: vec![list] }))
    }

    /// The catalogue's columns of these names.
    pub(super) fn columns(&self, names: &[String]) -> Result<Vec<&'a Column>, StoreError> {
        names.iter().map(|name| self.column(name)).collect()
    }

    fn column(&self, name: &str) -> Result<&'a Column, StoreError> {
        self.table
            .column(name)
            .ok_or_else(|| StoreError::UnknownColumn { table: self.select.table.to_owned(), column: name.to_owned() })
    }

    fn name(&self) -> String {
        self.table.path.iter().map(|part| D::quote(part)).collect::<Vec<_>>().join(".")
    }

    /// The selected values as a derived table, for searching: what the column cannot hold matches nothing.
    fn searched(&self) -> Result<Option<(String, String)>, StoreError> {
        let columns = self.columns(self.select.columns)?;
        let rows: Vec<Value> =
            self.select.values.iter().filter_map(|key| self.wire(key, &columns).ok()).map(Value::from).collect();
        if rows.is_empty() {
            return Ok(None);
        }
        Ok(Some((D::rows_of_json(&D::parameter(1), &columns), Value::from(rows).to_string())))
    }

    /// The selected keys and the new values as a derived table, for writing: what does not fit is an error.
    fn exact(&self, assignments: &[Assignment]) -> Result<(String, String), StoreError> {
        let mut columns = self.columns(self.select.columns)?;
        let mut rows = Vec::with_capacity(self.select.values.len());
        for (at, key) in self.select.values.iter().enumerate() {
            let mut row = self.wire(key, &columns)?;
            for assignment in assignments {
                match &assignment.value {
                    NewValue::Null => {}
                    NewValue::Constant(text) => row.push(text.as_str().into()),
                    NewValue::PerKey(texts) => row.push(texts.get(at).ok_or_else(|| self.misshapen())?.as_str().into()),
                }
            }
            rows.push(Value::from(row));
        }
        for assignment in assignments {
            let column = self.column(&assignment.column)?;
            if !matches!(assignment.value, NewValue::Null) {
                columns.push(column);
            }
        }
        Ok((D::rows_of_json(&D::parameter(1), &columns), Value::from(rows).to_string()))
    }

    /// Each assignment with the column of the derived table that holds its value; `None` is NULL.
    fn new_values<'b>(&self, assignments: &'b [Assignment]) -> impl Iterator<Item = (&'b Assignment, Option<String>)> {
        let mut next = self.select.columns.len();
        assignments.iter().map(move |assignment| {
            if matches!(assignment.value, NewValue::Null) {
                return (assignment, None);
            }
            next += 1;
            (assignment, Some(format!("s.c{}", next - 1)))
        })
    }

    fn wire(&self, key: &Key, columns: &[&Column]) -> Result<Vec<Value>, StoreError> {
        if key.0.len() != columns.len() {
            return Err(self.misshapen());
        }
        let values = key.0.iter().zip(columns).map(|(value, column)| value.to_wire(column));
        values.collect::<Option<_>>().ok_or_else(|| self.misshapen())
    }

    fn misshapen(&self) -> StoreError {
        StoreError::KeyShape { table: self.select.table.to_owned() }
    }

    fn within(&self, source: &str) -> Result<String, StoreError> {
        let names = self.columns(self.select.columns)?;
        let left: Vec<_> = names.iter().map(|column| format!("t.{}", D::quote(&column.name))).collect();
        let right: Vec<_> = (0..names.len()).map(|at| format!("s.c{at}")).collect();
        // A row value of one column would be a syntax error in MySQL's IN.
        let left = if left.len() == 1 { left.join("") } else { format!("({})", left.join(", ")) };
        Ok(format!("{left} IN (SELECT {} FROM {source} AS s)", right.join(", ")))
    }

    fn matching(&self) -> Result<String, StoreError> {
        let columns = self.columns(self.select.columns)?;
        let pairs = columns.iter().enumerate().map(|(at, column)| format!("t.{} = s.c{at}", D::quote(&column.name)));
        Ok(pairs.collect::<Vec<_>>().join(" AND "))
    }
}

fn text_of(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// A configured query with every column as text and one row more than allowed, so that an excess is seen.
pub(super) fn as_texts<D: Dialect>(inner: Statement, columns: &[String], rows_max: u32) -> Statement {
    let texts: Vec<_> = columns.iter().map(|name| D::as_text(&format!("q.{}", D::quote(name)), None)).collect();
    // The line break ends a comment that the query may close with.
    let sql = format!(
        "SELECT {} FROM (\n{}\n) AS q LIMIT {}",
        texts.join(", "),
        inner.sql.trim_end().trim_end_matches(';'),
        u64::from(rows_max) + 1
    );
    Statement { sql, params: inner.params }
}
