//! Random rows for a schema.

use super::schema::{Kind, Schema, Table};
use crate::support::dice::Dice;

/// A value of a row, or what must be known of it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Value {
    Null,
    Int(i64),
    Text(String),
    /// A text that says nothing, and that only the store knows.
    Tombstone,
    /// Whatever stands for nothing in this column.
    Emptied,
}

impl Value {
    pub fn text(&self) -> Option<String> {
        match self {
            Self::Int(number) => Some(number.to_string()),
            Self::Text(text) => Some(text.clone()),
            Self::Null | Self::Tombstone | Self::Emptied => None,
        }
    }

    /// The value as a column of this kind has it.
    pub fn in_column(self, kind: Kind) -> Self {
        match (self, kind) {
            (Self::Int(number), Kind::Text) => Self::Text(number.to_string()),
            (value, _) => value,
        }
    }

    pub fn sql(&self) -> String {
        match self {
            Self::Int(number) => number.to_string(),
            Self::Text(text) => format!("'{}'", text.replace('\'', "''")),
            Self::Null | Self::Tombstone | Self::Emptied => "NULL".to_owned(),
        }
    }

    /// Whether this is what the store has.
    pub fn meets(&self, found: &Option<String>) -> bool {
        match self {
            Self::Tombstone => found.as_ref().is_some_and(|text| text.starts_with("erased-")),
            Self::Emptied => found.as_ref().is_none_or(|text| text.starts_with("erased-")),
            other => other.text() == *found,
        }
    }
}

pub type Row = Vec<Value>;
/// By table.
pub type Rows = Vec<Vec<Row>>;

/// Fills the tables: first the rows, then what points to rows that were not there yet.
pub fn fill(dice: &mut Dice, schema: &Schema) -> Rows {
    let mut rows: Rows = Vec::new();
    let rows_max = if schema.tables.len() > 20 { 9 } else { 20 };
    for (number, table) in schema.tables.iter().enumerate() {
        let count = if number < 3 { 2 + dice.below(5) } else { dice.below(rows_max) };
        let mut here = Vec::new();
        for nth in 0..count {
            let mut row: Row = (0..table.columns.len()).map(|column| plain(dice, table, column, nth)).collect();
            let filled = (0..table.links.len()).all(|link| point(dice, schema, &rows, number, link, &mut row));
            if let Some((id, word)) = table.by_word {
                point_by_word(dice, schema, &rows, number, (id, word), &mut row);
            }
            if filled && !here.iter().any(|other: &Row| table.key.iter().all(|key| other[*key] == row[*key])) {
                here.push(row);
            }
        }
        rows.push(here);
    }
    for (number, table) in schema.tables.iter().enumerate() {
        for (at, link) in table.links.iter().enumerate().filter(|(_, link)| link.to >= number) {
            // What stands for nobody is nobody's.
            let first = usize::from(number == 0);
            for nth in first..if link.when.is_some() { 0 } else { rows[number].len() } {
                let mut row = rows[number][nth].clone();
                point_anywhere(dice, schema, &rows, number, at, &mut row);
                rows[number][nth] = row;
            }
        }
    }
    rows
}

fn plain(dice: &mut Dice, table: &Table, column: usize, nth: usize) -> Value {
    let nth = i64::try_from(nth).unwrap();
    if column == table.secret {
        let secret = Value::Text(format!("secret {nth}"));
        return if table.columns[column].nullable && dice.percent(20) { Value::Null } else { secret };
    }
    if table.word == Some(column) {
        let word = ["a", "b", "c", "d", ""][dice.below(5)];
        return if word.is_empty() { Value::Null } else { Value::Text(word.to_owned()) };
    }
    if column == table.since {
        return Value::Text(["2010-01-02", "2025-03-04"][dice.below(2)].to_owned());
    }
    if !table.key.contains(&column) {
        return Value::Null;
    }
    // Keys that a careless comparison takes for one another.
    let texts = ["a", "A", "a ", "é", "e", "it's", "\\", "%", "_", "0", "00"];
    match table.columns[column].kind {
        Kind::Int => Value::Int(nth * 3 - 4),
        Kind::Text => match texts.get(usize::try_from(nth).unwrap()) {
            Some(text) => Value::Text((*text).to_owned()),
            None => Value::Text(format!("key {nth}")),
        },
    }
}

/// Lets a row point to a row that is there; `false` where it must and cannot.
fn point(dice: &mut Dice, schema: &Schema, rows: &Rows, from: usize, link: usize, row: &mut Row) -> bool {
    let (table, link) = (&schema.tables[from], &schema.tables[from].links[link]);
    let nullable = link.columns.iter().all(|column| table.columns[*column].nullable);
    if link.to >= from || link.when.is_some() || nullable && dice.percent(30) {
        return true;
    }
    let Some(target) = dice.one_of(&rows[link.to]) else { return nullable };
    write(dice, schema, from, link, target, row);
    true
}

fn point_by_word(
    dice: &mut Dice,
    schema: &Schema,
    rows: &Rows,
    from: usize,
    (id, word): (usize, usize),
    row: &mut Row,
) {
    let table = &schema.tables[from];
    let ways: Vec<usize> = (0..table.links.len()).filter(|link| table.links[*link].when.is_some()).collect();
    row[word] = Value::Text("Product".to_owned());
    let Some(way) = dice.one_of(&ways).map(|way| &table.links[*way]) else { return };
    if let (Some(target), Some((_, said))) = (dice.one_of(&rows[way.to]), &way.when) {
        row[id] = target[schema.tables[way.to].key[0]].clone();
        if dice.percent(80) {
            row[word] = Value::Text(said.clone());
        }
    }
}

fn point_anywhere(dice: &mut Dice, schema: &Schema, rows: &Rows, from: usize, link: usize, row: &mut Row) {
    let link = &schema.tables[from].links[link];
    let Some(target) = dice.one_of(&rows[link.to]).cloned() else { return };
    if !dice.percent(35) {
        write(dice, schema, from, link, &target, row);
    }
}

fn write(dice: &mut Dice, schema: &Schema, from: usize, link: &super::schema::Link, target: &Row, row: &mut Row) {
    let (table, to) = (&schema.tables[from], &schema.tables[link.to]);
    // One part that is NULL, and the link points nowhere.
    let holed = link.columns.len() > 1 && dice.percent(10);
    let astray = !link.enforced && dice.percent(5);
    for (place, (column, key)) in link.columns.iter().zip(&to.key).enumerate() {
        let value = match (&target[*key], table.columns[*column].kind) {
            (Value::Int(_), Kind::Int) if astray => Value::Int(4_000_000_001),
            (value, kind) => value.clone().in_column(kind),
        };
        let hole = holed && place == 0 && table.columns[*column].nullable;
        row[*column] = if hole { Value::Null } else { value };
    }
}
