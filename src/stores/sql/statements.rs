//! The text of every statement. Identifiers come from the catalogue and are quoted; values are parameters.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::marker::PhantomData;

use serde_json::Value;

use super::{Assignment, Column, Dialect, Key, Schema, Select, StoreError, Table, table_of};
use crate::stores::key::Fit;
use crate::stores::{ColumnKind, NewValue};

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
    /// Whether rows are found as the store links them.
    as_linked: bool,
    dialect: PhantomData<D>,
}

impl<'a, D: Dialect> Statements<'a, D> {
    /// Over the rows of a table alone, by keys of its own.
    pub(super) fn of(select: Select<'a>, table: &'a Table) -> Self {
        Self { select, table, as_linked: is_foreign_key::<D>(select, table), dialect: PhantomData }
    }

    /// The same where the values may be those of another table of this store.
    pub(super) fn within_store(select: Select<'a>, schema: &'a Schema) -> Result<Self, StoreError> {
        let table = table_of(schema, select.table)?;
        let as_linked = is_foreign_key::<D>(select, table) || compares_like(select, table, schema);
        Ok(Self { as_linked, ..Self::of(select, table) })
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
        let names: Vec<_> = columns.iter().map(|column| in_row::<D>(column)).collect();
        let mut sql = self.select(&self.texts(key)?, &self.within(&source, self.as_linked)?);
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

    /// What columns of the selected rows hold.
    pub(super) fn values(&self, columns: &[String]) -> Result<Option<Statement>, StoreError> {
        let Some((source, list)) = self.searched()? else { return Ok(None) };
        let sql = self.select(&self.texts(columns)?, &self.within(&source, false)?);
        Ok(Some(Statement { sql, params: vec![list] }))
    }

    /// The keys of the rows that another selection of the table has as well.
    pub(super) fn keys_of_both(&self, other: &Self, key: &[String]) -> Result<Option<Statement>, StoreError> {
        let (Some((one, list)), Some((two, other_list))) = (self.searched()?, other.searched_as(2)?) else {
            return Ok(None);
        };
        let (one, two) = (self.within(&one, self.as_linked)?, other.within(&two, other.as_linked)?);
        let sql = self.select(&self.texts(key)?, &format!("{one} AND {two}"));
        Ok(Some(Statement { sql, params: vec![list, other_list] }))
    }

    /// How many rows, and how many that hold something in a column of each group.
    pub(super) fn count(&self, groups: &[Vec<String>]) -> Result<Option<Statement>, StoreError> {
        let Some((source, list)) = self.searched()? else { return Ok(None) };
        let sql = self.select(&self.counts(groups, &BTreeMap::new())?, &self.within(&source, false)?);
        Ok(Some(Statement { sql, params: vec![list] }))
    }

    /// The counts of a tally. What tells a column from its new value stands in `left`.
    fn counts(&self, groups: &[Vec<String>], left: &BTreeMap<&str, String>) -> Result<String, StoreError> {
        let mut counts = vec![D::as_text("COUNT(*)", None)];
        for group in groups {
            let holds = |column: &Column| {
                let held = format!("{} IS NOT NULL", in_row::<D>(column));
                left.get(column.name.as_str()).map_or_else(|| held.clone(), |left| format!("({held} AND {left})"))
            };
            let holds: Vec<_> = self.columns(group)?.into_iter().map(holds).collect();
            counts.push(D::as_text(&format!("COUNT(CASE WHEN {} THEN 1 END)", holds.join(" OR ")), None));
        }
        Ok(counts.join(", "))
    }

    pub(super) fn delete(&self) -> Result<Option<Statement>, StoreError> {
        if self.select.values.is_empty() {
            return Ok(None);
        }
        let (source, list) = self.exact(&[])?;
        Ok(Some(Statement {
            sql: D::delete(&self.name(), &source, &self.matching()?, &self.within(&source, false)?),
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

    /// How many rows do not hold their new values, and of these how many hold something else in a column of each group.
    pub(super) fn residue(
        &self,
        assignments: &[Assignment],
        groups: &[Vec<String>],
    ) -> Result<Option<Statement>, StoreError> {
        if self.select.values.is_empty() || assignments.is_empty() {
            return Ok(None);
        }
        let (source, list) = self.exact(assignments)?;
        let left: BTreeMap<&str, String> = self
            .new_values(assignments)
            .map(|(assignment, value)| {
                let column = self.column(&assignment.column)?;
                let name = in_row::<D>(column);
                let differs = match (&assignment.value, value) {
                    (_, None) => format!("{name} IS NOT NULL"),
                    (NewValue::PerKey { alike, .. }, Some(value)) => differ_in_form::<D>(&name, &value, column, *alike),
                    (_, Some(value)) => D::differ(&name, &value, column),
                };
                Ok((column.name.as_str(), differs))
            })
            .collect::<Result<_, StoreError>>()?;
        let sql = format!(
            "SELECT {} FROM {source} AS s JOIN {} AS t ON {} WHERE {}",
            self.counts(groups, &left)?,
            self.name(),
            self.matching()?,
            left.values().map(String::as_str).collect::<Vec<_>>().join(" OR "),
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

    /// What a query answers of the rows of the table where this is so.
    fn select(&self, what: &str, condition: &str) -> String {
        format!("SELECT {what} FROM {} AS t WHERE {condition}", self.name())
    }

    /// These columns of a row as texts.
    fn texts(&self, columns: &[String]) -> Result<String, StoreError> {
        let text = |column: &&Column| D::as_text(&in_row::<D>(column), Some(column));
        Ok(self.columns(columns)?.iter().map(text).collect::<Vec<_>>().join(", "))
    }

    fn name(&self) -> String {
        self.table.path.iter().map(|part| D::quote(part)).collect::<Vec<_>>().join(".")
    }

    /// The selected values as a derived table, for searching: what is beyond the column's range matches nothing.
    fn searched(&self) -> Result<Option<(String, String)>, StoreError> {
        self.searched_as(1)
    }

    /// The same as this parameter of the statement.
    fn searched_as(&self, parameter: usize) -> Result<Option<(String, String)>, StoreError> {
        let columns = self.columns(self.select.columns)?;
        let mut rows = Vec::with_capacity(self.select.values.len());
        for key in self.select.values {
            rows.extend(self.spellings(key, &columns)?.into_iter().map(Value::from));
        }
        if rows.is_empty() {
            return Ok(None);
        }
        Ok(Some((D::rows_of_json(&D::parameter(parameter), &columns, &[]), Value::from(rows).to_string())))
    }

    /// The selected keys and the new values as a derived table, for writing: what does not fit is an error.
    fn exact(&self, assignments: &[Assignment]) -> Result<(String, String), StoreError> {
        let columns = self.columns(self.select.columns)?;
        let mut new = Vec::new();
        let mut rows = Vec::with_capacity(self.select.values.len());
        for (at, key) in self.select.values.iter().enumerate() {
            let mut row = self.wire(key, &columns)?;
            for assignment in assignments {
                match &assignment.value {
                    NewValue::Null => {}
                    NewValue::Constant(text) => row.push(text.as_str().into()),
                    NewValue::PerKey { texts, .. } => {
                        row.push(texts.get(at).ok_or_else(|| self.misshapen())?.as_str().into())
                    }
                    NewValue::Each(texts) => {
                        let text = texts.get(at).ok_or_else(|| self.misshapen())?;
                        row.push(text.as_deref().map_or(Value::Null, Value::from));
                    }
                }
            }
            rows.push(Value::from(row));
        }
        for assignment in assignments {
            let column = self.column(&assignment.column)?;
            if !matches!(assignment.value, NewValue::Null) {
                new.push(column);
            }
        }
        Ok((D::rows_of_json(&D::parameter(1), &columns, &new), Value::from(rows).to_string()))
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
        self.spellings(key, columns)?.into_iter().next().ok_or_else(|| self.misshapen())
    }

    /// The rows that this key may be written as: several where a column of text holds what is no text, none where a
    /// column cannot hold it.
    fn spellings(&self, key: &Key, columns: &[&Column]) -> Result<Vec<Vec<Value>>, StoreError> {
        if key.0.len() != columns.len() {
            return Err(self.misshapen());
        }
        let mut rows = vec![Vec::new()];
        for (value, column) in key.0.iter().zip(columns) {
            let values = match value.fit(column) {
                Fit::Values(values) => values,
                Fit::Never => Vec::new(),
                Fit::Unfit => return Err(self.misshapen()),
            };
            let longer = |row: &Vec<Value>| {
                let row = row.clone();
                values.clone().into_iter().map(move |value| row.iter().cloned().chain([value]).collect())
            };
            rows = rows.iter().flat_map(longer).collect();
        }
        Ok(rows)
    }

    fn misshapen(&self) -> StoreError {
        StoreError::KeyShape { table: self.select.table.to_owned() }
    }

    /// The rows whose columns are among the values: to the byte, or as the store itself links them.
    fn within(&self, source: &str, as_linked: bool) -> Result<String, StoreError> {
        let (mut left, mut right, mut survived) = (Vec::new(), Vec::new(), Vec::new());
        for (at, column) in self.columns(self.select.columns)?.into_iter().enumerate() {
            let name = in_row::<D>(column);
            let exact = D::exact(&name, column);
            left.push(name);
            right.push(format!("s.c{at}"));
            match exact {
                Some(_) if as_linked => survived.extend(D::survived(at, column)),
                Some(exact) => {
                    left.push(exact);
                    right.push(format!("s.x{at}"));
                }
                None => {}
            }
        }
        // A row value of one column would be a syntax error in MySQL's IN.
        let left = if left.len() == 1 { left.join("") } else { format!("({})", left.join(", ")) };
        let only = if survived.is_empty() { String::new() } else { format!(" WHERE {}", survived.join(" AND ")) };
        Ok(format!("{left} IN (SELECT {} FROM {source} AS s{only})", right.join(", ")))
    }

    /// The same to the byte, as the condition of a join.
    fn matching(&self) -> Result<String, StoreError> {
        let mut pairs = Vec::new();
        for (at, column) in self.columns(self.select.columns)?.into_iter().enumerate() {
            let name = in_row::<D>(column);
            pairs.push(format!("{name} = s.c{at}"));
            pairs.extend(D::exact(&name, column).map(|exact| format!("{exact} = s.x{at}")));
        }
        Ok(pairs.join(" AND "))
    }
}

/// Whether the compared columns are those of a foreign key.
fn is_foreign_key<D: Dialect>(select: Select<'_>, table: &Table) -> bool {
    let mut foreign = table.foreign_keys.iter();
    D::COMPARES_AS_LINKED && foreign.any(|key| key.columns == select.columns)
}

/// Whether both ends of a link that the store does not enforce take the same texts for the same, so that a program which joins them
/// finds what they both call equal. Only where one end is unique by that comparing: then it is nobody else's.
fn compares_like(select: Select<'_>, table: &Table, schema: &Schema) -> bool {
    let Some((other, columns)) = select.linked_to else { return false };
    let Some(other) = schema.tables.get(other) else { return false };
    let ends = select.columns.iter().zip(columns);
    let mut ends = ends.map(|(one, two)| table.column(one).zip(other.column(two)));
    let is_text = |column: &Column| column.kind == ColumnKind::Text;
    let alike = |(one, two): (&Column, &Column)| match is_text(one) && is_text(two) {
        true => one.compares_like(two),
        // Numbers and bytes are the same to the byte or not at all; a text beside a number is compared as it is written.
        false => !is_text(one) && !is_text(two),
    };
    select.columns.len() == columns.len()
        && ends.all(|ends| ends.is_some_and(alike))
        && (other.is_unique(columns) || table.is_unique(select.columns))
}

/// Whether a column and its new text differ, and differ in form too: another case's text for the same row says as little.
fn differ_in_form<D: Dialect>(name: &str, value: &str, column: &Column, alike: usize) -> String {
    let differ = D::differ(name, value, column);
    if alike == 0 {
        return differ;
    }
    let start = |text: &str| format!("SUBSTR({text}, 1, {alike})");
    let starts_differ = D::differ(&start(name), &start(value), column);
    format!("({differ} AND ({starts_differ} OR LENGTH({name}) <> LENGTH({value})))")
}

/// A column of a row of the table.
fn in_row<D: Dialect>(column: &Column) -> String {
    format!("t.{}", D::quote(&column.name))
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
