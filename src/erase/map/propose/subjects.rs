//! Whose rows are they? Tables whose rows are data subjects, by what somebody said, by name, and by what they hold.

use std::collections::BTreeMap;

use super::{Guess, Hints, words};
use crate::domain::SubjectKind;
use crate::stores::{Schema, Table};

/// The subject tables by name.
pub(super) type Subjects<'a> = BTreeMap<&'a str, Guess<SubjectKind>>;

/// What a table of this name holds, and how often that is so.
const NAMES: &[(&str, SubjectKind, f32)] = &[
    ("tenant", SubjectKind::Account, 0.85),
    ("account", SubjectKind::Account, 0.8),
    ("organization", SubjectKind::Account, 0.8),
    ("organisation", SubjectKind::Account, 0.8),
    ("workspace", SubjectKind::Account, 0.75),
    ("client", SubjectKind::Account, 0.65),
    ("company", SubjectKind::Account, 0.6),
    ("user", SubjectKind::User, 0.9),
    ("member", SubjectKind::User, 0.75),
    ("person", SubjectKind::User, 0.7),
    ("employee", SubjectKind::User, 0.65),
    ("staff", SubjectKind::User, 0.65),
    ("end user", SubjectKind::EndUser, 0.95),
    ("patient", SubjectKind::EndUser, 0.75),
    ("visitor", SubjectKind::EndUser, 0.7),
    ("subscriber", SubjectKind::EndUser, 0.7),
    ("guest", SubjectKind::EndUser, 0.65),
    ("contact", SubjectKind::EndUser, 0.5),
];

/// Finds at most one table for each kind.
pub(super) fn find<'a>(schema: &'a Schema, hints: &Hints) -> Subjects<'a> {
    let mut found = Subjects::new();
    let mut taken: Vec<SubjectKind> = hints.elsewhere.iter().map(|(_, kind)| kind.clone()).collect();
    for (name, kind) in &hints.subjects {
        if let Some((name, _)) = schema.tables.get_key_value(name) {
            found.insert(name, Guess::new(kind.clone(), 1.0, "you said so"));
            taken.push(kind.clone());
        }
    }
    for kind in [SubjectKind::Account, SubjectKind::User, SubjectKind::EndUser] {
        let mut candidates: Vec<_> = schema
            .tables
            .iter()
            .filter(|(name, _)| !taken.contains(&kind) && !found.contains_key(name.as_str()))
            .filter_map(|(name, table)| Some((name, score(schema, name, table, &kind)?)))
            .collect();
        candidates.sort_by(|(_, a), (_, b)| b.confidence.total_cmp(&a.confidence));
        if let Some((name, guess)) = candidates.into_iter().next() {
            found.insert(name, guess);
        }
    }
    found
}

/// How sure it is that rows of this table are subjects of this kind.
fn score(schema: &Schema, name: &str, table: &Table, kind: &SubjectKind) -> Option<Guess<SubjectKind>> {
    let bare = name.rsplit('.').next().unwrap_or(name);
    let words: Vec<String> = words::words(bare).iter().map(|word| words::singular(word)).collect();
    let said = words.join(" ");
    let (word, confidence) = customer(schema, &said, kind).or_else(|| {
        let named = NAMES.iter().filter(|(word, of, _)| of == kind && ends_with(&said, word));
        named.max_by(|a, b| a.2.total_cmp(&b.2)).map(|(word, _, confidence)| (*word, *confidence))
    })?;
    let pointed = schema.tables.values().filter(|other| super::points_to(other, name)).count();
    let contact = table
        .columns
        .iter()
        .filter_map(|column| words::category(&column.name, true))
        .any(|guess| matches!(guess.value, "contact" | "phone"));
    // `auth_user` is still the table of users; `user_settings` is not, and ends in another word.
    let exact = if said == word { 0.0 } else { -0.1 };
    let known = if contact || *kind == SubjectKind::Account { 0.05 } else { -0.25 };
    let hub = if pointed > 0 { 0.05 } else { -0.15 };
    let single = table.primary_key.len() == 1;
    let confidence = (confidence + exact + known + hub).clamp(0.0, 0.99);
    let reason = format!(
        "named like {word:?}, pointed to by {pointed} foreign {}{}",
        if pointed == 1 { "key" } else { "keys" },
        if contact { ", holds what a person is reached by" } else { "" }
    );
    (single && confidence > 0.3).then(|| Guess::new(kind.clone(), confidence, reason))
}

/// Customers are users of somebody's account where there are accounts, and accounts themselves where there are none.
fn customer(schema: &Schema, said: &str, kind: &SubjectKind) -> Option<(&'static str, f32)> {
    if !ends_with(said, "customer") {
        return None;
    }
    let is_account = |name: &String| {
        let words: Vec<String> = words::words(name).iter().map(|word| words::singular(word)).collect();
        matches!(words.join(" ").as_str(), "account" | "tenant" | "organization" | "organisation" | "workspace")
    };
    let accounts = schema.tables.keys().any(is_account);
    let fits = match kind {
        SubjectKind::Account => !accounts,
        SubjectKind::User => accounts,
        _ => false,
    };
    fits.then_some(("customer", 0.65))
}

fn ends_with(said: &str, word: &str) -> bool {
    said == word || said.strip_suffix(word).is_some_and(|before| before.ends_with(' '))
}
