//! What belongs to what: follows foreign keys from the subjects down, and names where there is no foreign key.

use std::collections::{BTreeMap, BTreeSet};

use super::subjects::Subjects;
use super::{Guess, Hints, LinkGuess, words};
use crate::erase::map::{Mask, fit, links};
use crate::stores::{ForeignKey, Schema, Table};

/// The links of every table below a subject.
pub(super) struct Links<'a> {
    pub(super) of: BTreeMap<&'a str, Vec<LinkGuess>>,
}

type Keys<'a> = BTreeMap<&'a str, Guess<Vec<String>>>;

impl Links<'_> {
    /// Whether rows of a table with these links are found from a subject.
    pub(super) fn is_reached(links: &[LinkGuess], subject: bool) -> bool {
        subject || links.iter().any(|link| link.belongs.value)
    }
}

/// Finds them.
pub(super) fn find<'a>(schema: &'a Schema, hints: &Hints, subjects: &Subjects<'a>, keys: &Keys<'a>) -> Links<'a> {
    let mut of = BTreeMap::new();
    for (name, table) in &schema.tables {
        let subject = subjects.contains_key(name.as_str());
        let enforced = table.foreign_keys.iter().map(|foreign| {
            let link = enforced_link(name, table, foreign, subject);
            by_key(link, foreign, keys.get(foreign.table.as_str()).map(|key| key.value.as_slice()).unwrap_or_default())
        });
        let mut links: Vec<_> = enforced.collect();
        several_to_one(&mut links);
        links.extend(by_name(schema, name, table, hints, subjects, keys));
        of.insert(name.as_str(), links);
    }
    let depths = depths(schema, subjects, &of);
    for links in of.values_mut() {
        // What is not below a subject is nobody's, and needs no answer.
        links.retain(|link| depths.contains_key(link.to.as_str()) || !schema.tables.contains_key(&link.to));
    }
    open_circles(&depths, &mut of);
    Links { of }
}

/// How far below a subject each table lies that something leads to.
fn depths<'a>(
    schema: &'a Schema,
    subjects: &Subjects<'a>,
    of: &BTreeMap<&'a str, Vec<LinkGuess>>,
) -> BTreeMap<&'a str, u32> {
    let mut children = BTreeMap::<&str, Vec<&'a str>>::new();
    let mut level: Vec<&str> = subjects.keys().copied().collect();
    for (name, links) in of {
        for link in links.iter().filter(|link| link.belongs.value) {
            if schema.tables.contains_key(&link.to) {
                children.entry(link.to.as_str()).or_default().push(name);
            } else {
                level.push(name);
            }
        }
    }
    let mut depths = BTreeMap::new();
    for depth in 0.. {
        level.retain(|table| !depths.contains_key(table));
        if level.is_empty() {
            break;
        }
        depths.extend(level.iter().map(|table| (*table, depth)));
        level = level.iter().flat_map(|table| children.get(table).into_iter().flatten().copied()).collect();
    }
    depths
}

/// Words of a column that points to a colleague, not to whose row it is.
const POINTS: &[&str] = &[
    "assignee",
    "assigned",
    "approver",
    "approved",
    "created",
    "creator",
    "updated",
    "deleted",
    "edited",
    "editor",
    "modified",
    "manager",
    "reports",
    "rep",
    "supervisor",
    "agent",
    "referrer",
    "referred",
    "reviewer",
    "reviewed",
    "moderator",
    "verified",
    "handled",
    "closed",
    "resolved",
    "by",
    "default",
    "current",
    "primary",
    "last",
    "latest",
    "billing",
    "shipping",
];

/// What a foreign key means.
fn enforced_link(name: &str, table: &Table, foreign: &ForeignKey, subject: bool) -> LinkGuess {
    let detach = letting_go(table, &foreign.columns);
    let column = foreign.columns.join(", ");
    let spoken: Vec<String> = foreign.columns.iter().flat_map(|column| words::words(column)).collect();
    let pointer = spoken.iter().find(|word| POINTS.contains(&word.as_str()));
    let belongs = if foreign.table == name {
        let reason = format!("{column} points to a row of its own table, which need not go with it");
        Guess::new(detach.is_none(), if detach.is_some() { 0.8 } else { 0.4 }, reason)
    } else if let Some(word) = pointer {
        let reason = format!("{column} is named like {word:?}: perhaps it only points");
        Guess::new(detach.is_none(), if detach.is_some() { 0.65 } else { 0.4 }, reason)
    } else if subject && detach.is_some() && !is_named_for(&spoken, &foreign.table) {
        Guess::new(true, 0.6, format!("a subject points by {column}"))
    } else {
        Guess::new(true, 0.9, format!("the foreign key of {column}"))
    };
    LinkGuess { to: foreign.table.clone(), columns: foreign.columns.clone(), belongs, detach }
}

/// The link with its columns in the order of the key that it points to.
fn by_key(mut link: LinkGuess, foreign: &ForeignKey, key: &[String]) -> LinkGuess {
    let of = |part: &String| foreign.references.iter().position(|to| to == part).and_then(|at| foreign.columns.get(at));
    match key.iter().map(|part| of(part).cloned()).collect::<Option<Vec<_>>>() {
        Some(columns) if columns.len() == foreign.columns.len() => link.columns = columns,
        _ => {
            let reason =
                format!("its foreign key points to ({}), which is not the key of it", foreign.references.join(", "));
            link.belongs = Guess::new(link.belongs.value, 0.1, reason);
        }
    }
    link
}

/// Whether a column is called after the table that it points to.
fn is_named_for(spoken: &[String], table: &str) -> bool {
    let last = words::words(table).last().map(|word| words::singular(word)).unwrap_or_default();
    spoken.iter().any(|word| words::singular(word) == last)
}

/// Several foreign keys to one table: a message has a sender and a recipient, and only a person knows whose it is.
fn several_to_one(links: &mut [LinkGuess]) {
    let mut count = BTreeMap::<String, usize>::new();
    for link in links.iter().filter(|link| link.belongs.value) {
        *count.entry(link.to.clone()).or_default() += 1;
    }
    for link in links.iter_mut().filter(|link| link.belongs.value && count.get(&link.to).is_some_and(|n| *n > 1)) {
        link.belongs.confidence = link.belongs.confidence.min(0.6);
        link.belongs.reason = format!("{}, one of several to {}", link.belongs.reason, link.to);
    }
}

/// Columns that are called after a subject's table and hold its key, though the store enforces nothing.
fn by_name(
    schema: &Schema,
    name: &str,
    table: &Table,
    hints: &Hints,
    subjects: &Subjects<'_>,
    keys: &Keys<'_>,
) -> Vec<LinkGuess> {
    let enforced: BTreeSet<&String> = table.foreign_keys.iter().flat_map(|foreign| &foreign.columns).collect();
    let mut found = Vec::new();
    for column in table.columns.iter().filter(|column| !enforced.contains(&column.name) && !column.generated) {
        let spoken = words::words(&column.name);
        let [stem @ .., last] = spoken.as_slice() else { continue };
        if stem.is_empty() || !matches!(last.as_str(), "id" | "ref" | "uuid" | "key" | "no" | "number") {
            continue;
        }
        let stem = words::singular(&stem.join(" "));
        let is_named =
            |to: &str| words::words(to).iter().map(|word| words::singular(word)).collect::<Vec<_>>().join(" ") == stem;
        let here = subjects.keys().find(|to| **to != name && is_named(to)).filter(|to| {
            let key = keys.get(**to).and_then(|key| key.value.first());
            let key = key.and_then(|key| schema.tables.get(**to)?.column(key));
            key.is_some_and(|key| links::kinds_meet(key.kind, column.kind))
        });
        let there = || hints.elsewhere.iter().find(|(to, _)| is_named(&to.table)).map(|(to, _)| to.to_string());
        if let Some(to) = here.map(|to| (*to).to_owned()).or_else(there) {
            let reason = format!("{} is called after it, and no foreign key says so", column.name);
            let columns = vec![column.name.clone()];
            let detach = letting_go(table, &columns);
            found.push(LinkGuess { to, columns, belongs: Guess::new(true, 0.6, reason), detach });
        }
    }
    found
}

/// The column of a link that may become NULL: of several, one that no other link needs.
fn letting_go(table: &Table, columns: &[String]) -> Option<String> {
    let free = |name: &&String| {
        let shared = table.foreign_keys.iter().filter(|foreign| foreign.columns.contains(name)).count() > 1;
        let fits = table.column(name).is_some_and(|column| fit::fits(&Mask::Detach, column, table));
        fits && !shared && !table.primary_key.contains(name)
    };
    columns.iter().find(free).cloned()
}

/// Tables that belong to one another in a circle can be deleted only where one of them lets go first. Links that lead
/// away from the subjects stay; another that would close a circle becomes one that only points, where it can let go,
/// and otherwise is a question.
fn open_circles(depths: &BTreeMap<&str, u32>, of: &mut BTreeMap<&str, Vec<LinkGuess>>) {
    let mut kept = BTreeMap::<String, Vec<String>>::new();
    let depth = |table: &str| depths.get(table).copied().unwrap_or(u32::MAX);
    let is_down = |table: &str, link: &LinkGuess| link.belongs.value && depth(table) > depth(&link.to);
    for (table, links) in of.iter() {
        let down = links.iter().filter(|link| is_down(table, link)).map(|link| link.to.clone());
        kept.entry((*table).to_owned()).or_default().extend(down);
    }
    for (table, links) in of.iter_mut() {
        for link in links.iter_mut().filter(|link| link.belongs.value && !is_down(table, link)) {
            if !leads(&kept, &link.to, table) {
                kept.entry((*table).to_owned()).or_default().push(link.to.clone());
                continue;
            }
            let lets_go = link.detach.is_some();
            let reason = format!("{} closes a circle of links", link.columns.join(", "));
            // A circle in which nothing can let go is for a person.
            link.belongs = Guess::new(!lets_go, if lets_go { 0.6 } else { 0.2 }, reason);
        }
    }
}

/// Whether rows of one table belong, at any depth, to rows of another.
fn leads(kept: &BTreeMap<String, Vec<String>>, from: &str, to: &str) -> bool {
    let (mut seen, mut next) = (BTreeSet::new(), vec![from]);
    while let Some(table) = next.pop() {
        if table == to {
            return true;
        }
        if seen.insert(table) {
            next.extend(kept.get(table).into_iter().flatten().map(String::as_str));
        }
    }
    false
}
