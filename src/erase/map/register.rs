//! The register of processing (Art. 30 GDPR), as far as the maps know it: which categories of whose data lie where, with
//! whom, on what ground and how long. What no map can say (transfers, measures) is not made up.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use serde::Serialize;

use super::{DataMap, NO_CATEGORY, RecipientMap, Rule, StoreMap, TableRef, reach};
use crate::domain::SubjectKind;

/// One line: a category of data in one store, kept on one ground.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Entry {
    /// The store.
    pub store: String,
    /// What kind of store it is.
    pub kind: String,
    /// Where it lies.
    pub location: Option<String>,
    /// Who holds it for us.
    pub processor: Option<String>,
    /// What for.
    pub purpose: Option<String>,
    /// The category of data.
    pub category: String,
    /// Whose data they are.
    pub subjects: Vec<SubjectKind>,
    /// The tables that hold them.
    pub tables: Vec<String>,
    /// What erasing does with them.
    pub erasing: String,
    /// On what ground they stay.
    pub ground: Option<String>,
    /// How long they stay.
    pub period: String,
    /// How long backups hold what was erased, in days.
    pub backup_days: u32,
}

/// The entries of all maps, by store and category.
#[must_use]
pub fn register(map: &DataMap) -> Vec<Entry> {
    let subjects = reach::subjects_of(map);
    let mut entries = Vec::new();
    for (name, store) in map.stores() {
        let mut grouped =
            BTreeMap::<(String, String, Option<String>, String), (BTreeSet<SubjectKind>, BTreeSet<String>)>::new();
        for (table, mapped) in &store.tables {
            let at = TableRef { store: name.clone(), table: table.clone() };
            let variants = mapped.variants();
            let personal = variants.iter().flat_map(|(_, variant)| variant.personal().map(move |of| (variant, of)));
            for (mapped, (column, category)) in personal {
                let masked = mapped.mask.contains_key(column);
                let erasing = match mapped.erase {
                    Rule::Delete => "deleted",
                    Rule::Mask | Rule::Keep if masked => "masked",
                    Rule::Mask | Rule::Keep => "kept",
                };
                let keep = mapped.keep.as_ref().filter(|_| !masked && mapped.erase != Rule::Delete);
                let period = keep.map_or_else(|| "until it is asked for".to_owned(), |keep| keep.until.to_string());
                let ground = keep.map(|keep| keep.ground.clone());
                let group = grouped.entry((category.to_owned(), erasing.to_owned(), ground, period)).or_default();
                group.0.extend(subjects.get(&at).into_iter().flatten().cloned());
                group.1.insert(table.clone());
            }
        }
        if grouped.is_empty() {
            let of_nobody = (NO_CATEGORY.to_owned(), "nothing to erase".to_owned(), None, String::new());
            grouped.insert(of_nobody, (BTreeSet::new(), store.tables.keys().cloned().collect()));
        }
        entries.extend(grouped.into_iter().map(|(key, of)| entry(name.as_str(), store, key, of)));
    }
    entries.extend(map.recipients().iter().flat_map(|(name, recipient)| {
        let of = |category: &String| of_recipient(name.as_str(), recipient, category);
        recipient.categories.iter().map(of).collect::<Vec<_>>()
    }));
    entries
}

/// What a recipient holds for us, as its map says.
fn of_recipient(name: &str, recipient: &RecipientMap, category: &str) -> Entry {
    Entry {
        store: name.to_owned(),
        kind: recipient.kind().to_string(),
        location: recipient.location.clone(),
        processor: Some(recipient.processor.clone().unwrap_or_else(|| recipient.label.clone())),
        purpose: recipient.purpose.clone(),
        category: category.to_owned(),
        subjects: recipient.tell.keys().cloned().collect(),
        tables: Vec::new(),
        erasing: "asked to erase".to_owned(),
        ground: None,
        period: "until it is asked for".to_owned(),
        backup_days: recipient.backup_days,
    }
}

fn entry(
    name: &str,
    store: &StoreMap,
    (category, erasing, ground, period): (String, String, Option<String>, String),
    (subjects, tables): (BTreeSet<SubjectKind>, BTreeSet<String>),
) -> Entry {
    Entry {
        store: name.to_owned(),
        kind: store.kind.to_string(),
        location: store.location.clone(),
        processor: store.processor.clone(),
        purpose: store.purpose.clone(),
        category,
        subjects: subjects.into_iter().collect(),
        tables: tables.into_iter().collect(),
        erasing,
        ground,
        period,
        backup_days: store.backup_days,
    }
}

const HEADS: [&str; 12] = [
    "store",
    "kind",
    "location",
    "processor",
    "purpose",
    "category",
    "subjects",
    "tables",
    "erasing",
    "ground",
    "period",
    "backup_days",
];

impl Entry {
    fn cells(&self) -> [String; 12] {
        let maybe = |text: &Option<String>| text.clone().unwrap_or_default();
        let subjects: Vec<_> = self.subjects.iter().map(SubjectKind::as_str).collect();
        [
            self.store.clone(),
            self.kind.clone(),
            maybe(&self.location),
            maybe(&self.processor),
            maybe(&self.purpose),
            self.category.clone(),
            subjects.join(", "),
            self.tables.join(", "),
            self.erasing.clone(),
            maybe(&self.ground),
            self.period.clone(),
            self.backup_days.to_string(),
        ]
    }
}

/// As a table in Markdown.
#[must_use]
pub fn markdown(entries: &[Entry]) -> String {
    let cell = |text: &str| {
        let plain: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        plain.replace('\\', "\\\\").replace('|', "\\|")
    };
    let row =
        |cells: &[String]| format!("| {} |\n", cells.iter().map(|text| cell(text)).collect::<Vec<_>>().join(" | "));
    let mut text = row(&HEADS.map(str::to_owned));
    let _ = writeln!(text, "|{}", "---|".repeat(HEADS.len()));
    entries.iter().for_each(|entry| text.push_str(&row(&entry.cells())));
    text
}

/// As comma-separated values (RFC 4180).
#[must_use]
pub fn csv(entries: &[Entry]) -> String {
    let cell = |text: &String| match text.contains([',', '"', '\n', '\r']) {
        true => format!("\"{}\"", text.replace('"', "\"\"")),
        false => text.clone(),
    };
    let row = |cells: &[String]| cells.iter().map(cell).collect::<Vec<_>>().join(",") + "\r\n";
    let mut text = row(&HEADS.map(str::to_owned));
    entries.iter().for_each(|entry| text.push_str(&row(&entry.cells())));
    text
}
