//! Questions that a map leaves open: a value of `"?"`. `expunged map init` writes them where it does not know; the map
//! is refused until a person has answered each, so that nothing is ever erased, or kept, by default.

use std::ops::Range;

use toml_edit::{Document, Item, TableLike, Value};

use super::MapError;

/// What stands where an answer is missing.
pub const OPEN: &str = "?";
/// How the comment before an open question begins.
pub const QUESTION: &str = "open:";
/// What the words before a proposed answer are.
pub const PROPOSED: &str = "Proposed: ";

/// One question that nobody answered yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// The keys that lead to it: `tables`, `users`, `erase`.
    pub path: Vec<String>,
    /// The bytes of the map that hold the `"?"`.
    pub span: Range<usize>,
}

impl Question {
    /// As an error of its map.
    pub(super) fn error(&self, file: (&str, &str)) -> MapError {
        let message = format!("{} is still open", self.path.join("."));
        MapError::at(file, self.span.clone(), message, "answer the question in the comment behind it")
    }

    /// The line that it stands on, from 1.
    #[must_use]
    pub fn line(&self, text: &str) -> usize {
        text.get(..self.span.start).unwrap_or(text).matches('\n').count() + 1
    }
}

/// The open questions of a map, in its own order. A text that is no TOML has none: the reader says what is wrong.
#[must_use]
pub fn questions(text: &str) -> Vec<Question> {
    let mut found = Vec::new();
    if let Ok(document) = Document::parse(text) {
        in_table(document.as_table(), &mut Vec::new(), &mut found);
    }
    found.sort_by_key(|question: &Question| question.span.start);
    found
}

fn in_table(table: &dyn TableLike, path: &mut Vec<String>, found: &mut Vec<Question>) {
    for (key, item) in table.iter() {
        path.push(key.to_owned());
        match item {
            Item::Value(value) => in_value(value, path, found),
            other => {
                if let Some(table) = other.as_table_like() {
                    in_table(table, path, found);
                }
            }
        }
        path.pop();
    }
}

fn in_value(value: &Value, path: &mut Vec<String>, found: &mut Vec<Question>) {
    match value {
        Value::String(text) if text.value() == OPEN => {
            found.push(Question { path: path.clone(), span: text.span().unwrap_or(0..0) });
        }
        Value::Array(values) => values.iter().for_each(|value| in_value(value, path, found)),
        Value::InlineTable(table) => in_table(table, path, found),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_is_found_wherever_it_stands() {
        let map = "[store]\nbackup_days = \"?\"\n[tables.a]\nkey = [\"x\", \"?\"]\nlinks = { b = \"?\" }\n\
            [tables.a.categories]\nx = \"none\" # why?\ny = \"?\"\n";
        let found: Vec<_> = questions(map).iter().map(|q| (q.path.join("."), q.line(map))).collect();
        let expected =
            [("store.backup_days", 2), ("tables.a.key", 4), ("tables.a.links.b", 5), ("tables.a.categories.y", 8)];
        assert_eq!(found, expected.map(|(path, line)| (path.to_owned(), line)));
        assert!(questions("not = = toml").is_empty());
    }
}
