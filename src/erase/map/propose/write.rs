//! The text of a proposed map. What a person wrote stays to the byte: new tables come below, new columns and links are
//! put into the tables that are there. A line of ours says how sure it is and why; an open question is a `"?"` with the
//! question behind it.

mod names;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use toml_edit::{DocumentMut, InlineTable, Item, Key, TableLike, Value};

use super::{Guess, LinkGuess, NO_CATEGORY, Proposal};
use crate::erase::map::open::{self, OPEN, PROPOSED, QUESTION};
use crate::erase::map::{AMOUNTS, Mask, Rule};
use crate::stores::{ColumnKind, RowsOf, Schema, StoreKind, StoreName, Table};

pub use names::{spoken_of, write_names};

/// What stands under `[store]` in a new map.
#[derive(Debug)]
pub struct Head {
    /// The store's name.
    pub name: StoreName,
    /// Its kind.
    pub kind: StoreKind,
    /// How it is reached: `url`, `url_file` or `url_credential`, and its value.
    pub reached_by: (&'static str, String),
}

/// A map as it was written.
#[derive(Debug)]
pub struct Written {
    /// The text.
    pub text: String,
    /// Tables that it did not speak of before.
    pub tables_new: usize,
    /// Columns of other tables that it did not speak of before.
    pub columns_new: usize,
    /// Questions that are open in it.
    pub questions: usize,
}

/// A map that cannot be added to.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// It is no TOML.
    #[error("the map is no TOML, so nothing can be added to it")]
    Toml(#[from] toml_edit::TomlError),
    /// A key of it is something else than it should be.
    #[error("{0} of the map is no table, so nothing can be added to it")]
    Shape(String),
}

/// Adds to a map what it lacks: to one that somebody wrote, or to a mere [`header`].
///
/// # Errors
/// [`WriteError`] for a map that is not understood.
pub fn write(begun: &str, schema: &Schema, proposals: &BTreeMap<String, Proposal>) -> Result<Written, WriteError> {
    let mut document: DocumentMut = begun.parse()?;
    let ignored = names_of(document.get("store").and_then(|store| store.get("ignore")));
    let bookkeeping: Vec<&String> =
        proposals.iter().filter(|(_, proposal)| proposal.bookkeeping).map(|(name, _)| name).collect();
    let mut written = Written { text: String::new(), tables_new: 0, columns_new: 0, questions: 0 };
    let mut below = String::new();
    let mut ignore = Vec::new();
    for (name, proposal) in proposals.iter().filter(|(name, _)| !ignored.contains(*name)) {
        let Some(found) = schema.tables.get(name) else { continue };
        let tables = document.get_mut("tables").and_then(Item::as_table_like_mut);
        match tables.and_then(|tables| tables.get_mut(name)) {
            Some(table) => {
                let shape = || WriteError::Shape(format!("tables.{name}"));
                let in_lines = table.is_table();
                let table = table.as_table_like_mut().ok_or_else(shape)?;
                written.columns_new += add_columns((&mut *table, in_lines), proposal);
                add_links((table, in_lines), proposal);
            }
            None if bookkeeping.contains(&name) => ignore.push(name.as_str()),
            None => {
                written.tables_new += 1;
                new_table(&mut below, name, found, proposal);
            }
        }
    }
    add_ignored(&mut document, &ignore)?;
    let mapped = |name: &String| document.get("tables").and_then(|tables| tables.get(name)).is_some();
    for (name, found) in schema.tables.iter().filter(|(name, _)| !ignored.contains(*name) && !mapped(name)) {
        not_its_own(&mut below, begun, name, found.rows);
    }
    written.text = document.to_string();
    if !written.text.ends_with('\n') {
        written.text.push('\n');
    }
    written.text.push_str(&below);
    // A map that we wrote is TOML, whatever the tables are called.
    let _: DocumentMut = written.text.parse()?;
    written.questions = open::questions(&written.text).len();
    Ok(written)
}

/// The beginning of a new map.
#[must_use]
pub fn header(head: &Head) -> String {
    let (by, value) = &head.reached_by;
    format!(
        "# The data map of the store {name}, proposed from its schema. Read every line. What stands here with a number is a\n\
         # guess, and how sure it is; \"?\" is an open question, and the map is refused until each has its answer.\n\n\
         [store]\n\
         name = {}\n\
         kind = {}\n\
         {by} = {}\n\
         location = \"{OPEN}\" # {QUESTION} where do the data lie? For the register of processing (Art. 30 GDPR)\n\
         #processor = \"…\" # who holds them for you, for the same register\n\
         #purpose = \"…\" # what they are held for, for the same register\n\
         backup_days = \"{OPEN}\" # {QUESTION} in how many days is the last backup gone that holds what was erased?\n",
        quoted(head.name.as_str()),
        quoted(head.kind.as_str()),
        quoted(value),
        name = head.name,
    )
}

/// Where rows are copied or fetched, a map can answer nothing: what to do instead stands there, and `map check` goes on asking.
fn not_its_own(text: &mut String, begun: &str, name: &str, rows: RowsOf) {
    let line = format!("# {}: {}, and list it in ignore under [store].", plain(name), rows.seen_to());
    if rows != RowsOf::Itself && !begun.contains(&line) {
        let _ = writeln!(text, "\n{line}");
    }
}

fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}

fn keyed(name: &str) -> String {
    Key::new(name).display_repr().into_owned()
}

/// A comment is one line, whatever somebody called a column.
fn plain(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

/// `key = value # 0.95: why`, or an open question.
fn line<T>(key: &str, value: &str, guess: &Guess<T>, question: &str) -> String {
    let reason = plain(&guess.reason);
    if guess.is_sure() {
        format!("{key} = {value} # {:.2}: {reason}\n", guess.confidence)
    } else {
        let question = plain(question);
        format!("{key} = \"{OPEN}\" # {QUESTION} {question} {PROPOSED}{value} ({:.2}): {reason}\n", guess.confidence)
    }
}

const RULES: &str = "delete, mask or keep?";

fn new_table(text: &mut String, name: &str, found: &Table, proposal: &Proposal) {
    let table = format!("tables.{}", keyed(name));
    let _ = writeln!(text, "\n[{table}]");
    if let Some(subject) = &proposal.subject {
        let question = "whose rows are these: account, owner, user, end_user or a name of yours? Nobody's own: take the line away.";
        text.push_str(&line("subject", &quoted(subject.value.as_str()), subject, question));
    }
    match proposal.key.value.as_slice() {
        [] => {
            let why = plain(&proposal.key.reason);
            let _ = writeln!(text, "key = \"{OPEN}\" # {QUESTION} which columns tell its rows apart? {why}");
        }
        key => text.push_str(&line("key", &list(key), &proposal.key, "which columns tell its rows apart?")),
    }
    if !proposal.identify.is_empty() {
        let by: Vec<_> =
            proposal.identify.iter().map(|(what, column)| format!("{what} = {}", quoted(column))).collect();
        let _ = writeln!(text, "identify = {{ {} }}", by.join(", "));
    }
    if let Some(pointing) = &proposal.lost {
        let why = "whose rows are these? Nothing leads here from a subject, and they seem to be somebody's. Name what they \
            belong to and by which column, or a subject, or say \"none\" below.";
        let pointing =
            if pointing.is_empty() { String::new() } else { format!(" Pointed to by {}.", pointing.join(", ")) };
        let _ = writeln!(text, "belongs_to = \"{OPEN}\" # {QUESTION} {why}{}", plain(&pointing));
    }
    // What happens to rows is never ours to say.
    let rule = Guess { confidence: proposal.rule.confidence.min(super::SURE - 0.01), ..proposal.rule.clone() };
    text.push_str(&line("erase", &quoted(proposal.rule.value.as_str()), &rule, RULES));
    let time = found.columns.iter().find(|column| column.kind == ColumnKind::Time);
    let time = time.filter(|_| proposal.rule.value == Rule::Mask);
    if let Some(time) = time {
        let until = plain(&quoted(&format!("{} + 10 years", time.name)));
        let _ = writeln!(text, "#keep = {{ ground = \"Art. 17(3)(b) GDPR; …\", until = {until} }}");
    }
    for (of, belongs) in [("belongs_to", true), ("refers_to", false)] {
        let links = targets(proposal, belongs);
        let is_asked = belongs && proposal.lost.is_some();
        if !links.is_empty() && !is_asked {
            let _ = writeln!(text, "\n[{table}.{of}]");
            links.iter().for_each(|(to, links)| text.push_str(&link_line(to, links)));
        }
    }
    let _ = writeln!(text, "\n[{table}.categories]");
    for (column, guess) in &proposal.columns {
        text.push_str(&column_line(column, guess));
    }
    if !proposal.masks.is_empty() || !proposal.spare.is_empty() {
        let _ = writeln!(text, "\n[{table}.mask]");
        for (column, mask) in &proposal.masks {
            let amount =
                time.is_some() && proposal.columns.iter().any(|(name, guess)| name == column && guess.value == AMOUNTS);
            let _ = match mask {
                Some(mask) if amount => {
                    let reason = "where no law keeps the record".to_owned();
                    let guess = Guess { value: (), confidence: super::SURE - 0.01, reason };
                    write!(text, "{}", line(&keyed(column), &mask_value(mask), &guess, KEPT))
                }
                Some(mask) => writeln!(text, "{} = {}", keyed(column), mask_value(mask)),
                None => writeln!(text, "{} = \"{OPEN}\" # {QUESTION} {UNMASKED}", keyed(column)),
            };
        }
        for (column, mask) in proposal.spare.iter().filter(|(column, _)| !proposal.masks.contains_key(*column)) {
            // A comment is one line, whatever somebody called a column.
            let _ = writeln!(text, "#{} = {} # {SPARE}", plain(&keyed(column)), plain(&mask_value(mask)));
        }
    }
}

const KEPT: &str =
    "what does it become? A record that a law keeps is none without its amounts: with keep above, take the line away.";
const SPARE: &str = "where its category is not \"none\": what it becomes when somebody asks for that category alone";
const UNMASKED: &str = "what does it become where the row stays? Nothing that is known fits its type and conditions.";

fn column_line(column: &str, guess: &Guess<&'static str>) -> String {
    line(&keyed(column), &quoted(guess.value), guess, "which category of data, or \"none\"?")
}

/// The links of one kind, by what they point to.
fn targets(proposal: &Proposal, belongs: bool) -> BTreeMap<&str, Vec<&LinkGuess>> {
    let mut targets = BTreeMap::<&str, Vec<&LinkGuess>>::new();
    for link in proposal.links.iter().filter(|link| link.belongs.value == belongs) {
        targets.entry(link.to.as_str()).or_default().push(link);
    }
    targets
}

fn link_line(to: &str, links: &[&LinkGuess]) -> String {
    let columns: Vec<String> = links.iter().flat_map(|link| link.columns.iter().cloned()).collect();
    let Some(least) = links.iter().min_by(|a, b| a.belongs.confidence.total_cmp(&b.belongs.confidence)) else {
        return String::new();
    };
    let question = if least.belongs.value {
        "do its rows belong to these, and go with them? Otherwise move it to refers_to."
    } else {
        "does it only point to these, and let go? Otherwise move it to belongs_to."
    };
    line(&keyed(to), &list(&columns), &least.belongs, question)
}

fn list(columns: &[String]) -> String {
    match columns {
        [one] => quoted(one),
        several => format!("[{}]", several.iter().map(|column| quoted(column)).collect::<Vec<_>>().join(", ")),
    }
}

fn mask_value(mask: &Mask) -> String {
    match mask {
        Mask::Null => quoted("null"),
        Mask::Detach => quoted("detach"),
        Mask::Tombstone => quoted("tombstone"),
        Mask::Constant(text) => format!("{{ constant = {} }}", quoted(text)),
        Mask::Reown(key) => format!("{{ reown = {} }}", quoted(key)),
        // Never proposed: what is left of a value is a person's to say.
        Mask::Redact { .. } | Mask::Truncate(_) | Mask::Pseudonym | Mask::Json(_) => quoted(super::super::open::OPEN),
    }
}

fn names_of(list: Option<&Item>) -> BTreeSet<String> {
    let values = list.and_then(Item::as_array).into_iter().flat_map(toml_edit::Array::iter);
    values.filter_map(Value::as_str).map(str::to_owned).collect()
}

fn add_ignored(document: &mut DocumentMut, names: &[&str]) -> Result<(), WriteError> {
    if names.is_empty() {
        return Ok(());
    }
    let store = document.get_mut("store").and_then(Item::as_table_like_mut);
    let store = store.ok_or_else(|| WriteError::Shape("store".to_owned()))?;
    let ignore = store.entry("ignore").or_insert(Item::Value(Value::Array(toml_edit::Array::new())));
    let ignore = ignore.as_array_mut().ok_or_else(|| WriteError::Shape("store.ignore".to_owned()))?;
    names.iter().for_each(|name| ignore.push(*name));
    Ok(())
}

/// Adds the columns that a table of the map lacks, and their masks. Answers how many there were.
fn add_columns((table, in_lines): (&mut dyn TableLike, bool), proposal: &Proposal) -> usize {
    let has = |table: &dyn TableLike, of: &str, name: &str| {
        table.get(of).and_then(Item::as_table_like).is_some_and(|columns| columns.contains_key(name))
    };
    let mut added = 0;
    for (column, guess) in &proposal.columns {
        if has(table, "categories", column) {
            continue;
        }
        added += 1;
        let value = if guess.is_sure() { guess.value } else { OPEN };
        add((table, in_lines), "categories", column, Value::from(value), &column_line(column, guess));
        let mask = proposal.masks.get(column).and_then(Option::as_ref);
        if let Some(mask) = mask.filter(|_| guess.value != NO_CATEGORY && !has(table, "mask", column)) {
            let line = format!("{} = {}\n", keyed(column), mask_value(mask));
            if let Ok(value) = mask_value(mask).parse() {
                add((table, in_lines), "mask", column, value, &line);
            }
        }
    }
    added
}

/// Adds the links that a table of the map has no answer for: always as questions, because somebody wrote the rest.
fn add_links((table, in_lines): (&mut dyn TableLike, bool), proposal: &Proposal) {
    for link in &proposal.links {
        let is_answered = ["belongs_to", "refers_to"].iter().any(|of| {
            let entry = table.get(of).and_then(|links| links.get(&link.to));
            let named = entry.map(|entry| match entry.as_str() {
                Some(one) => BTreeSet::from([one.to_owned()]),
                None => names_of(Some(entry)),
            });
            // An open question stands for whatever may be answered.
            named.is_some_and(|named| named.contains(OPEN) || link.columns.iter().all(|column| named.contains(column)))
        });
        if is_answered {
            continue;
        }
        let of = if link.belongs.value { "belongs_to" } else { "refers_to" };
        let unsure = Guess { confidence: link.belongs.confidence.min(super::SURE - 0.01), ..link.belongs.clone() };
        let unsure = LinkGuess { belongs: unsure, ..link.clone() };
        add((table, in_lines), of, &link.to, Value::from(OPEN), &link_line(&link.to, &[&unsure]));
        let cut = link.detach.as_ref().filter(|_| !link.belongs.value);
        let masked = |column: &&String| {
            table.get("mask").and_then(Item::as_table_like).is_some_and(|mask| mask.contains_key(column))
        };
        if let Some(column) = cut.filter(|column| !masked(column)) {
            add((table, in_lines), "mask", column, Value::from("detach"), "");
        }
    }
}

/// Puts `line` into a table of a table: with its comment where it stands in lines, and above it where it stands in
/// brackets.
fn add((table, in_lines): (&mut dyn TableLike, bool), of: &str, key: &str, value: Value, line: &str) {
    let comment = line.split_once(" # ").map_or("", |(_, comment)| comment.trim_end());
    // Brackets hold no comments, so what is new gets a section of its own, but for a table that is in brackets itself.
    if in_lines && !table.contains_key(of) {
        table.insert(of, Item::Table(toml_edit::Table::new()));
    }
    if let Some(lines) = table.get_mut(of).and_then(Item::as_table_mut) {
        let mut value = value;
        if !comment.is_empty() {
            value.decor_mut().set_suffix(format!(" # {comment}"));
        }
        lines.insert(key, Item::Value(value));
        return;
    }
    let brackets = table.entry(of).or_insert(Item::Value(Value::InlineTable(InlineTable::new())));
    let Some(brackets) = brackets.as_inline_table_mut() else { return };
    let mut value = value;
    value.decor_mut().set_prefix(" ");
    value.decor_mut().set_suffix(" ");
    if let Some((_, last)) = brackets.iter_mut().last() {
        last.decor_mut().set_suffix("");
    }
    brackets.insert(key, value);
    if let Some((mut named, _)) = brackets.iter_mut().last() {
        named.leaf_decor_mut().set_prefix(" ");
        named.leaf_decor_mut().set_suffix(" ");
    }
    if let Some(mut above) = table.key_mut(of).filter(|_| !comment.is_empty()) {
        let before = above.leaf_decor().prefix().and_then(|raw| raw.as_str()).unwrap_or_default().to_owned();
        above.leaf_decor_mut().set_prefix(format!("{before}# {key}: {comment}\n", key = plain(key)));
    }
}
