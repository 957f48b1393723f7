//! What must be left of the rows, worked out in memory and by brute force from what the words of a map mean.

use std::collections::BTreeSet;

use super::rows::{Row, Rows, Value};
use super::schema::{Answer, Link, Rule, Schema, Table};

/// The first day that is not kept any more, for what began in 2010 and is kept for five years; what began in 2025 is.
const STILL_KEPT: &str = "2021";

pub struct Walked {
    /// Every row that must be left, as it must be.
    pub rows: Rows,
    /// How many rows go.
    pub deleted: u64,
}

pub fn key_of(schema: &Schema, table: usize, row: &Row) -> Vec<Value> {
    schema.tables[table].key.iter().map(|column| row[*column].clone()).collect()
}

/// Erases a subject.
pub fn erase(schema: &Schema, rows: &Rows, table: usize, root: &[Value]) -> Walked {
    let own = own(schema, rows, table, root);
    let mut left = Vec::new();
    let mut deleted = 0;
    for (number, all) in rows.iter().enumerate() {
        let mut here = Vec::new();
        for (nth, row) in all.iter().enumerate() {
            let mine = own.contains(&(number, nth));
            match changed(schema, rows, &own, number, row, mine) {
                Some(row) => here.push(row),
                None => deleted += 1,
            }
        }
        left.push(here);
    }
    Walked { rows: left, deleted }
}

type Own = BTreeSet<(usize, usize)>;

/// Table and place of every row that belongs to the subject: over and over, until there is no more.
fn own(schema: &Schema, rows: &Rows, root_table: usize, root: &[Value]) -> Own {
    let mut own = Own::new();
    for (nth, row) in rows[root_table].iter().enumerate() {
        if key_of(schema, root_table, row) == root {
            own.insert((root_table, nth));
        }
    }
    loop {
        let before = own.len();
        for number in 0..schema.tables.len() {
            for (nth, row) in rows[number].iter().enumerate() {
                if !own.contains(&(number, nth)) && belongs(schema, rows, &own, number, row) {
                    own.insert((number, nth));
                }
            }
        }
        if own.len() == before {
            return own;
        }
    }
}

fn belongs(schema: &Schema, rows: &Rows, own: &Own, number: usize, row: &Row) -> bool {
    let table = &schema.tables[number];
    let to_own = |link: &&Link| points_to_own(schema, rows, own, link, row);
    if table.links.iter().filter(|link| !link.refers && !link.shared).any(|link| to_own(&link)) {
        return true;
    }
    let shares: Vec<&Link> = table.links.iter().filter(|link| link.shared && holds_something(link, row)).collect();
    let holders = holders(schema, rows, number, row);
    let any = !shares.is_empty() || !holders.is_empty();
    any && shares.iter().all(to_own) && holders.iter().all(|holder| own.contains(holder))
}

/// The rows that hold a row, where rows of its table are held.
fn holders(schema: &Schema, rows: &Rows, number: usize, row: &Row) -> Vec<(usize, usize)> {
    let key = key_of(schema, number, row);
    let mut holders = Vec::new();
    for (table, link) in &schema.tables[number].held_by {
        let link = &schema.tables[*table].links[*link];
        for (nth, other) in rows[*table].iter().enumerate() {
            if holds(link, other, &key) {
                holders.push((*table, nth));
            }
        }
    }
    holders
}

fn holds_something(link: &Link, row: &Row) -> bool {
    counts(link, row) && link.columns.iter().all(|column| row[*column] != Value::Null)
}

fn counts(link: &Link, row: &Row) -> bool {
    link.when.as_ref().is_none_or(|(column, word)| row[*column] == Value::Text(word.clone()))
}

/// Whether a row points to this key.
fn holds(link: &Link, row: &Row, key: &[Value]) -> bool {
    counts(link, row)
        && link
            .columns
            .iter()
            .zip(key)
            .all(|(column, key)| row[*column] != Value::Null && row[*column].text() == key.text())
}

fn points_to_own(schema: &Schema, rows: &Rows, own: &Own, link: &Link, row: &Row) -> bool {
    let to = (link.to, 0)..(link.to + 1, 0);
    own.range(to).any(|(table, nth)| holds(link, row, &key_of(schema, *table, &rows[*table][*nth])))
}

fn answer<'a>(table: &'a Table, row: &Row) -> &'a Answer {
    let word = table.word.and_then(|column| row[column].text());
    let by_word = word.and_then(|word| table.answers.iter().find(|answer| answer.words.contains(&word)));
    by_word.unwrap_or_else(|| table.answers.last().expect("a table has an answer"))
}

fn changed(schema: &Schema, rows: &Rows, own: &Own, number: usize, row: &Row, mine: bool) -> Option<Row> {
    let table = &schema.tables[number];
    let mut left = row.clone();
    let answer = answer(table, row);
    if mine {
        let ended = answer.keep_years.is_some() && row[table.since].text()?.as_str() < STILL_KEPT;
        let hangs = schema.tables.iter().any(|other| other.links.iter().any(|link| link.to == number))
            || !table.held_by.is_empty();
        match answer.rule {
            Rule::Delete => return None,
            Rule::Keep if ended && !hangs => return None,
            Rule::Keep if ended => left[table.secret] = Value::Emptied,
            Rule::Keep => {}
            Rule::Mask => left[table.secret] = answer.mask.clone()?,
        }
    }
    for link in &table.links {
        let gone = |link: &Link| {
            own.iter().any(|(to, nth)| {
                let target = &rows[*to][*nth];
                *to == link.to
                    && (!link.refers || goes(schema, *to, target))
                    && holds(link, row, &key_of(schema, *to, target))
            })
        };
        if gone(link) {
            link.lets_go.iter().for_each(|(column, value)| left[*column] = value.clone());
        }
    }
    Some(left)
}

/// Whether a row of the subject is deleted by the rule of its table.
fn goes(schema: &Schema, number: usize, row: &Row) -> bool {
    answer(&schema.tables[number], row).rule == Rule::Delete
}
