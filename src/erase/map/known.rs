//! What an unfinished map says already. It is read without being believed: open questions are no mistakes here.

use std::collections::BTreeMap;

use toml_edit::{DocumentMut, Item, TableLike, Value};

use super::open::{self, OPEN};
use super::{DataMap, MapError, StoreMap};
use crate::domain::SubjectKind;
use crate::stores::StoreName;

/// A map, however unfinished.
#[derive(Debug)]
pub struct Known {
    document: DocumentMut,
    /// The store's name.
    pub name: StoreName,
    /// How the store is reached, with none of its tables.
    pub store: StoreMap,
}

impl Known {
    /// Reads the text of a map.
    ///
    /// # Errors
    /// [`MapError`] for a text that is no TOML, or that does not say which store it is of and how that is reached.
    pub fn read(file: &str, text: &str) -> Result<Self, MapError> {
        let document: DocumentMut = text.parse().map_err(|error: toml_edit::TomlError| {
            let help = "see config/stores for complete examples";
            MapError::at((file, text), error.span().unwrap_or(0..0), error.message().trim(), help)
        })?;
        let mut head = DocumentMut::new();
        let mut store = document.get("store").cloned().unwrap_or_default();
        if let Some(store) = store.as_table_like_mut() {
            store.remove("ignore");
            let open: Vec<String> = open::questions(text).into_iter().filter_map(below_store).collect();
            for key in open.iter().filter(|key| *key != "backup_days") {
                store.remove(key);
            }
            // Whatever it is, nothing is erased by this reading.
            store.insert("backup_days", Item::Value(Value::from(0)));
            head.insert("store", Item::Value(Value::InlineTable(brackets(store))));
        }
        head.insert("tables", Item::Value(Value::InlineTable(toml_edit::InlineTable::new())));
        let alone = head.to_string();
        // The places in `alone` are not those of the file, so an error names the store's section.
        let map = DataMap::parse(&[(file, &alone)]).map_err(|error| {
            let at = text.find("[store]").unwrap_or(0);
            MapError::at((file, text), at..at, error.message, error.help)
        })?;
        let found = map.stores().iter().next().map(|(name, store)| (name.clone(), store.clone()));
        let (name, store) = found.ok_or_else(|| {
            MapError::at((file, text), 0..0, "the map has no [store]", "see config/stores for complete examples")
        })?;
        Ok(Self { document, name, store })
    }

    fn tables(&self) -> impl Iterator<Item = (&str, &dyn TableLike)> {
        let tables = self.document.get("tables").and_then(Item::as_table_like);
        tables.into_iter().flat_map(TableLike::iter).filter_map(|(name, item)| Some((name, item.as_table_like()?)))
    }

    /// The tables that it takes for subjects.
    #[must_use]
    pub fn subjects(&self) -> BTreeMap<String, SubjectKind> {
        let kind = |table: &dyn TableLike| table.get("subject")?.as_str()?.parse().ok();
        self.tables().filter_map(|(name, table)| Some((name.to_owned(), kind(table)?))).collect()
    }

    /// Whether it speaks of a table, or of a column of it: an answer, not a question.
    #[must_use]
    pub fn answers(&self, table: &str, column: Option<&str>) -> bool {
        let ignore = self.document.get("store").and_then(|store| store.get("ignore")).and_then(Item::as_array);
        if ignore.into_iter().flat_map(toml_edit::Array::iter).any(|name| name.as_str() == Some(table)) {
            return true;
        }
        let Some((_, found)) = self.tables().find(|(name, _)| *name == table) else { return false };
        let said = |item: Option<&Item>| item.is_some_and(|item| item.as_str() != Some(OPEN));
        match column {
            None => said(found.get("erase")),
            Some(column) => said(found.get("categories").and_then(|categories| categories.get(column))),
        }
    }
}

/// The key of a question that stands right under `[store]`.
fn below_store(question: open::Question) -> Option<String> {
    match question.path.as_slice() {
        [store, key] if store == "store" => Some(key.clone()),
        _ => None,
    }
}

fn brackets(table: &dyn TableLike) -> toml_edit::InlineTable {
    let mut brackets = toml_edit::InlineTable::new();
    for (key, value) in table.iter() {
        if let Some(value) = value.as_value() {
            let mut value = value.clone();
            value.decor_mut().clear();
            brackets.insert(key, value);
        }
    }
    brackets
}
