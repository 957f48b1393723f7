//! The map as a picture: a Mermaid flowchart, owners above what belongs to them; and the steps of a plan in their order.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use super::{DataMap, Link, Rule, TableRef};
use crate::erase::preview::PreviewRow;

/// Draws the map. Tables of nobody's data are left out; links that cross stores are drawn like all others.
#[must_use]
pub fn draw(map: &DataMap) -> String {
    let drawn = || map.tables().filter(|(_, table)| !table.is_nobodys());
    let ids: BTreeMap<TableRef, String> = drawn().enumerate().map(|(n, (at, _))| (at, format!("t{n}"))).collect();
    let mut text = "flowchart TD\n".to_owned();
    for (number, (store, of)) in map.stores().iter().enumerate() {
        let _ = writeln!(text, "    subgraph s{number}[\"{} ({})\"]", label(store.as_str()), of.kind);
        for (at, table) in drawn().filter(|(at, _)| at.store == *store) {
            let Some(id) = ids.get(&at) else { continue };
            let name = label(&at.table);
            let kept = table.keep.as_ref().map(|keep| format!("<br>until {}", label(&keep.until.to_string())));
            let kept = kept.unwrap_or_default();
            let shape = match &table.subject {
                Some(kind) => format!("([\"<b>{name}</b><br>{kind}{kept}\"])"),
                None => format!("[\"{name}{kept}\"]"),
            };
            let _ = writeln!(text, "        {id}{shape}:::{}", table.erase);
        }
        text.push_str("    end\n");
    }
    for (at, table) in drawn() {
        let mut line = |link: &Link, arrow: &str| {
            if let (Some(from), Some(to)) = (ids.get(&link.to), ids.get(&at)) {
                let columns = label(&link.columns.join(", "));
                let _ = writeln!(text, "    {from} {arrow}|\"{columns}\"| {to}");
            }
        };
        table.belongs_to.iter().for_each(|link| line(link, "-->"));
        table.refers_to.iter().for_each(|link| line(link, "-.->"));
        // Whoever holds a row comes above it.
        let holders = table.held_by.iter().map(|holder| Link::plain(holder.by.clone(), holder.columns.clone()));
        holders.for_each(|link| line(&link, "==>"));
    }
    recipients(&mut text, map, &ids);
    text.push_str(&colours());
    if !map.recipients().is_empty() {
        text.push_str(ASKED);
    }
    text
}

/// Whoever else is asked to erase, each below those of whom they are told.
fn recipients(text: &mut String, map: &DataMap, ids: &BTreeMap<TableRef, String>) {
    for (number, (name, recipient)) in map.recipients().iter().enumerate() {
        let (name, kind, held) = (label(name.as_str()), recipient.kind(), label(&recipient.categories.join(", ")));
        let _ = writeln!(text, "    r{number}[/\"<b>{name}</b> ({kind})<br>{held}\"/]:::asked");
        for (subject, names) in &recipient.tell {
            let (tables, told) = (map.subjects(subject).map(|(at, _)| at), label(&names.join(", ")));
            for from in tables.filter_map(|at| ids.get(&at)) {
                let _ = writeln!(text, "    {from} -.->|\"told: {told}\"| r{number}");
            }
        }
    }
}

const ASKED: &str = "    classDef asked fill:#def,stroke:#069,color:#000\n";
const HELD: &str = "    classDef held fill:#eee,stroke:#333,color:#000,stroke-dasharray:4\n";

/// Draws the steps of a plan in their order, each with its rows, a frame around each store; after them who else is asked.
pub(in crate::erase) fn steps(steps: &[PreviewRow], waiting: &BTreeSet<u16>, asked: &[(String, String)]) -> String {
    let mut text = "flowchart TD\n".to_owned();
    let mut stores: Vec<_> = steps.iter().map(|step| &step.store).collect();
    stores.sort();
    stores.dedup();
    for (number, store) in stores.into_iter().enumerate() {
        let _ = writeln!(text, "    subgraph s{number}[\"{}\"]", label(store.as_str()));
        for step in steps.iter().filter(|step| step.store == *store) {
            let PreviewRow { step: place, table, act, rows, .. } = step;
            let kept = step.ground.as_ref().map(|ground| format!("<br>{}", label(ground))).unwrap_or_default();
            let until = step.until.map(|day| format!(" until {day}")).unwrap_or_default();
            let table = label(table);
            let colour = match &**act {
                "open" | "detach" => Rule::Mask.to_string(),
                rule => label(rule),
            };
            let (held, colour) = match waiting.contains(place) {
                true => ("<br>waits for a legal hold", "held".to_owned()),
                false => ("", colour),
            };
            let _ =
                writeln!(text, "        p{place}[\"<b>{table}</b><br>{act}: {rows}{kept}{until}{held}\"]:::{colour}");
        }
        text.push_str("    end\n");
    }
    for pair in steps.windows(2) {
        let _ = writeln!(text, "    p{} --> p{}", pair[0].step, pair[1].step);
    }
    for (number, (name, what)) in asked.iter().enumerate() {
        let _ = writeln!(text, "    r{number}[/\"<b>{}</b><br>{}\"/]:::asked", label(name), label(what));
        if let Some(last) = steps.last() {
            let _ = writeln!(text, "    p{} --> r{number}", last.step);
        }
    }
    text.push_str(&colours());
    text.push_str(if waiting.is_empty() { "" } else { HELD });
    text.push_str(if asked.is_empty() { "" } else { ASKED });
    text
}

fn colours() -> String {
    let colours = [
        (Rule::Delete, "fill:#fdd,stroke:#900"),
        (Rule::Mask, "fill:#ffd,stroke:#960"),
        (Rule::Keep, "fill:#dfd,stroke:#060"),
    ];
    colours.iter().map(|(rule, colours)| format!("    classDef {rule} {colours},color:#000\n")).collect()
}

/// A text inside Mermaid's quotes: what could end them is written as an entity.
fn label(text: &str) -> String {
    let entity = |c: char| match c {
        '"' | '<' | '>' | '&' | '#' | '`' | '|' => format!("#{};", u32::from(c)),
        c if c.is_control() => " ".to_owned(),
        c => c.to_string(),
    };
    text.chars().map(entity).collect()
}
