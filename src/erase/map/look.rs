//! The last look at a store: its catalogue as it was when a person last said that the map speaks of all of it. It lies
//! in a file beside the map (`shop.toml` has `shop.seen.json`), so that it is reviewed and versioned with the map, and
//! a check can run where no store is at hand. Names and types only, never a row.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::stores::{OnDelete, Schema, StoreName, Table};

/// A kept look.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Kept {
    /// The form of this file.
    version: u32,
    store: StoreName,
    tables: std::collections::BTreeMap<String, Table>,
}

const VERSION: u32 = 1;

/// A look that cannot be read or kept.
#[derive(Debug, thiserror::Error)]
pub enum LookError {
    /// The file.
    #[error("the last look at a store, {path}, cannot be read or written")]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// What it holds.
    #[error("{path} is no look at the store {store} that this program wrote; take it away and look again")]
    Form {
        /// Which.
        path: PathBuf,
        /// Whose it should be.
        store: StoreName,
    },
}

/// Where the look beside this map lies.
#[must_use]
pub fn path_of(map_file: &Path) -> PathBuf {
    map_file.with_extension("seen.json")
}

/// The last look, if there was one.
///
/// # Errors
/// [`LookError`] for a file that cannot be read or is something else.
pub fn read(map_file: &Path, store: &StoreName) -> Result<Option<Schema>, LookError> {
    let path = path_of(map_file);
    let text = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(source) => return Err(LookError::File { path, source }),
    };
    match serde_json::from_str::<Kept>(&text) {
        Ok(kept) if kept.version == VERSION && kept.store == *store => {
            Ok(Some(Schema { tables: kept.tables, strays: 0 }))
        }
        _ => Err(LookError::Form { path, store: store.clone() }),
    }
}

/// Keeps a look.
///
/// # Errors
/// [`LookError::File`].
pub fn keep(map_file: &Path, store: &StoreName, schema: &Schema) -> Result<PathBuf, LookError> {
    let path = path_of(map_file);
    let kept = Kept { version: VERSION, store: store.clone(), tables: schema.tables.clone() };
    let text = serde_json::to_string_pretty(&kept).map(|text| text + "\n").map_err(std::io::Error::from);
    match text.and_then(|text| std::fs::write(&path, text)) {
        Ok(()) => Ok(path),
        Err(source) => Err(LookError::File { path, source }),
    }
}

/// One way in which a store is not as it was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Change {
    /// The table.
    pub table: String,
    /// The column, where it is about one.
    pub column: Option<String>,
    /// What became of it.
    pub change: &'static str,
    /// From what to what.
    pub note: String,
}

/// What changed between two looks, by table.
#[must_use]
pub fn diff(before: &Schema, now: &Schema) -> Vec<Change> {
    let mut changes = Vec::new();
    for (name, was) in &before.tables {
        match now.tables.get(name) {
            None => changes.push(change(name, None, "gone", String::new())),
            Some(is) => table(&mut changes, name, was, is),
        }
    }
    for (name, is) in now.tables.iter().filter(|(name, _)| !before.tables.contains_key(*name)) {
        changes.push(change(
            name,
            None,
            "new",
            match is.columns.len() {
                1 => "1 column".to_owned(),
                more => format!("{more} columns"),
            },
        ));
    }
    changes.sort_by(|a, b| (&a.table, &a.column).cmp(&(&b.table, &b.column)));
    changes
}

fn change(table: &str, column: Option<&str>, change: &'static str, note: String) -> Change {
    Change { table: table.to_owned(), column: column.map(str::to_owned), change, note }
}

fn table(changes: &mut Vec<Change>, name: &str, was: &Table, is: &Table) {
    for column in &was.columns {
        let Some(now) = is.column(&column.name) else {
            changes.push(change(name, Some(&column.name), "gone", column.type_name.clone()));
            continue;
        };
        let said = |column: &crate::stores::Column| {
            let null = if column.nullable { "" } else { " NOT NULL" };
            let computed = if column.generated { ", computed" } else { "" };
            format!("{}{null}{computed}", column.type_name)
        };
        if said(column) != said(now) {
            changes.push(change(name, Some(&column.name), "changed", format!("{} → {}", said(column), said(now))));
        } else if column != now {
            changes.push(change(name, Some(&column.name), "changed", "it compares in another way".to_owned()));
        }
    }
    for column in is.columns.iter().filter(|column| was.column(&column.name).is_none()) {
        changes.push(change(name, Some(&column.name), "new", column.type_name.clone()));
    }
    if was.primary_key != is.primary_key {
        let note = format!("primary key ({}) → ({})", was.primary_key.join(", "), is.primary_key.join(", "));
        changes.push(change(name, None, "changed", note));
    }
    if was.keeps_old_rows != is.keeps_old_rows {
        changes.push(change(name, None, "changed", "system versioning".to_owned()));
    }
    if was.hides_rows != is.hides_rows {
        changes.push(change(name, None, "changed", "row-level security".to_owned()));
    }
    let foreign = |key: &crate::stores::ForeignKey| {
        let rule = match key.on_delete {
            OnDelete::Refuse => "",
            OnDelete::Cascade => ", ON DELETE CASCADE",
            OnDelete::LetGo => ", ON DELETE SET NULL",
        };
        format!("({}) → {} ({}){rule}", key.columns.join(", "), key.table, key.references.join(", "))
    };
    let listed = |columns: &Vec<String>| format!("({})", columns.join(", "));
    lists(changes, name, "foreign key", &was.foreign_keys, &is.foreign_keys, foreign);
    lists(changes, name, "unique", &was.uniques, &is.uniques, listed);
    lists(changes, name, "partly unique", &was.partly_unique, &is.partly_unique, Clone::clone);
    lists(changes, name, "index", &was.indexes, &is.indexes, listed);
    lists(changes, name, "CHECK", &was.checks, &is.checks, Clone::clone);
}

/// What a list lost and gained.
fn lists<T: PartialEq>(
    changes: &mut Vec<Change>,
    table: &str,
    of: &str,
    was: &[T],
    is: &[T],
    said: impl Fn(&T) -> String,
) {
    for gone in was.iter().filter(|one| !is.contains(one)) {
        changes.push(change(table, None, "gone", format!("{of} {}", said(gone))));
    }
    for new in is.iter().filter(|one| !was.contains(one)) {
        changes.push(change(table, None, "new", format!("{of} {}", said(new))));
    }
}
