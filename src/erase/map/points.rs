//! Reads what a row points to: whose it is, who shares it, and by which word it is told what a column points to.
//!
//! ```toml
//! belongs_to = { users = "user_id" }                    # or ["sender_id", "recipient_id"]: two links
//! belongs_to = { orders = ["account_id", "order_no"] }  # one link, where the key of `orders` has two columns
//! belongs_to = { users = { columns = "subject_id", when = { subject_type = "User" } } }  # a type beside the key
//! belongs_to = { users = { columns = ["sender_id", "recipient_id"], shared = true } }    # goes with the last of them
//! belongs_to = { users = { columns = "user_no", as_written = true } }    # a text, and the key is a number: as it is written
//! held_by    = { memberships = "document_id" }          # goes with the last membership that holds it
//! words      = { subject_type = ["User", "Product"] }   # whatever else stands there stops an erasure
//! ```
//!
//! Where `when` names a column and `words` does not, the words of all its links are those that may stand there.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use serde_spanned::Spanned;

use super::load::Reader;
use super::raw::{OneOrMany, RawLink, RawLinks, RawPart};
use super::{Holder, Link, MapError, Mask, StoreMap, TableMap, TableRef, Words, error};
use crate::stores::StoreName;

impl RawLinks {
    fn parts(&self) -> Vec<RawLink> {
        let plain = |columns| RawLink { columns, when: BTreeMap::new(), shared: false, as_written: false };
        match self {
            Self::One(column) => vec![plain(OneOrMany::One(column.clone()))],
            Self::Full(link) => vec![link.clone()],
            Self::Many(parts) => {
                let columns = parts.iter().filter_map(|part| match part {
                    RawPart::Column(column) => Some(column.clone()),
                    RawPart::Full(_) => None,
                });
                let columns: Vec<String> = columns.collect();
                let full = parts.iter().filter_map(|part| match part {
                    RawPart::Column(_) => None,
                    RawPart::Full(link) => Some(link.clone()),
                });
                let listed = (!columns.is_empty() || parts.is_empty()).then(|| plain(OneOrMany::Many(columns)));
                listed.into_iter().chain(full).collect()
            }
        }
    }
}

impl Reader<'_> {
    pub(super) fn links(&self, raw: &BTreeMap<String, Spanned<RawLinks>>) -> Result<Vec<Link>, MapError> {
        let mut links = Vec::new();
        for (target, written) in raw {
            for part in written.as_ref().parts() {
                links.extend(self.link(target, &part, written.span())?);
            }
        }
        Ok(links)
    }

    /// Links of a store that has no columns beside those of its names.
    pub(super) fn plain_links(&self, raw: &BTreeMap<String, Spanned<OneOrMany>>) -> Result<Vec<Link>, MapError> {
        let mut links = Vec::new();
        for (target, columns) in raw {
            let columns_held = columns.as_ref().clone();
            let part = RawLink { columns: columns_held, when: BTreeMap::new(), shared: false, as_written: false };
            links.extend(self.link(target, &part, columns.span())?);
        }
        Ok(links)
    }

    fn link(&self, target: &str, part: &RawLink, span: Range<usize>) -> Result<Vec<Link>, MapError> {
        let to = self.resolve(target, span.clone())?;
        let key = self.keys.get(&to).map_or(0, Vec::len);
        let when = self.words_of(&part.when, &span)?;
        let (shared, as_written) = (part.shared, part.as_written);
        let one = |columns| Link { to: to.clone(), columns, when: when.clone(), shared, as_written };
        let columns = part.columns.to_vec();
        if key == 1 {
            Ok(columns.into_iter().map(|column| one(vec![column])).collect())
        } else if columns.len() == key {
            Ok(vec![one(columns)])
        } else {
            let help = format!("the key of {to} has {key} columns; list as many, in its order");
            Err(self.error(span, format!("the link to {to} does not fit its key"), help))
        }
    }

    pub(super) fn holders(&self, raw: &BTreeMap<String, Spanned<OneOrMany>>) -> Result<Vec<Holder>, MapError> {
        let mut holders = Vec::new();
        for (table, columns) in raw {
            let by = self.resolve(table, columns.span())?;
            let key = self.keys.get(self.at).map_or(0, Vec::len);
            let listed = columns.as_ref().to_vec();
            if listed.len() != key {
                let help = format!("the key of this table has {key} columns; list as many of {by}, in its order");
                return Err(self.error(columns.span(), format!("{by} does not hold the whole key"), help));
            }
            holders.push(Holder { by, columns: listed });
        }
        Ok(holders)
    }

    pub(super) fn words_of(&self, raw: &BTreeMap<String, OneOrMany>, span: &Range<usize>) -> Result<Words, MapError> {
        let words = raw.iter().map(|(column, words)| (column.clone(), words.to_vec()));
        self.not_empty(words.collect(), span)
    }

    pub(super) fn listed_words(&self, raw: &BTreeMap<String, Spanned<Vec<String>>>) -> Result<Words, MapError> {
        let span = raw.values().next().map_or(0..0, Spanned::span);
        self.not_empty(raw.iter().map(|(column, words)| (column.clone(), words.as_ref().clone())).collect(), &span)
    }

    fn not_empty(&self, words: Words, span: &Range<usize>) -> Result<Words, MapError> {
        match words.iter().find(|(_, words)| words.is_empty()) {
            Some((column, _)) => {
                let help = format!("list what may stand there: {{ {column} = [\"…\"] }}");
                Err(self.error(span.clone(), format!("no word of column {column} is named"), help))
            }
            None => Ok(words),
        }
    }

    fn resolve(&self, target: &str, span: Range<usize>) -> Result<TableRef, MapError> {
        let here = TableRef { store: self.at.store.clone(), table: target.to_owned() };
        let there = target
            .split_once('.')
            .and_then(|(store, table)| Some(TableRef { store: StoreName::new(store)?, table: table.to_owned() }));
        let known = [Some(here), there].into_iter().flatten().find(|to| self.keys.contains_key(to));
        known.ok_or_else(|| {
            let names: Vec<String> = self.keys.keys().flat_map(|to| [self.called(to), to.to_string()]).collect();
            let meant = error::meant(target, names.iter().map(String::as_str));
            let help = format!("{meant}name a table of this map, or \"store.table\" of another");
            self.error(span, format!("{target:?} is no mapped table"), help)
        })
    }

    /// How a link of this table names another.
    fn called(&self, to: &TableRef) -> String {
        if to.store == self.at.store { to.table.clone() } else { to.to_string() }
    }

    /// By a word it is told what a row is; a row whose word was masked could not be found again.
    pub(super) fn words_stay(&self, table: &TableMap, span: &Range<usize>) -> Result<(), MapError> {
        if let Some(link) = table.refers_to.iter().find(|link| link.shared) {
            let help = "only what belongs to somebody is shared: use belongs_to";
            return Err(self.error(span.clone(), format!("the link to {} is shared", link.to), help));
        }
        let masked = |column: &&String| table.variants().iter().any(|(_, variant)| variant.mask.contains_key(*column));
        if let Some(column) = table.by_word().find(masked) {
            let help = "leave it as it is";
            return Err(self.error(span.clone(), format!("column {column} tells what a row is, and is masked"), help));
        }
        let listed = |column: &str, word: &String| table.words.get(column).is_none_or(|words| words.contains(word));
        let told = table.belongs_to.iter().chain(&table.refers_to).flat_map(|link| &link.when);
        for (column, words) in told.chain(table.answers.iter().flat_map(|answer| &answer.when)) {
            if let Some(word) = words.iter().find(|word| !listed(column, word)) {
                let help = format!("add it there: words = {{ {column} = [\"{word}\", …] }}");
                return Err(self.error(
                    span.clone(),
                    format!("{word:?} is none of the words of column {column}"),
                    help,
                ));
            }
        }
        Ok(())
    }
}

impl StoreMap {
    /// The columns of which the map says what may stand there: the table, the column, and the words.
    #[must_use]
    pub fn worded(&self) -> Vec<(&str, &str, Vec<&str>)> {
        let mut worded = Vec::new();
        for (name, table) in &self.tables {
            let columns: BTreeSet<&String> = table.by_word().collect();
            worded.extend(columns.into_iter().filter_map(|column| {
                let words = table.known_words(column)?;
                Some((name.as_str(), column.as_str(), words.into_iter().map(String::as_str).collect()))
            }));
        }
        worded
    }
}

impl TableMap {
    /// The columns by whose words it is told what a row is.
    pub(in crate::erase) fn by_word(&self) -> impl Iterator<Item = &String> {
        let links = self.belongs_to.iter().chain(&self.refers_to).flat_map(|link| link.when.keys());
        links.chain(self.answers.iter().flat_map(|answer| answer.when.keys())).chain(self.words.keys())
    }

    /// Every word that a column may hold; `None` where it may hold any.
    pub(in crate::erase) fn known_words(&self, column: &str) -> Option<Vec<&String>> {
        if let Some(words) = self.words.get(column) {
            return Some(words.iter().collect());
        }
        let links = self.belongs_to.iter().chain(&self.refers_to);
        let words: Vec<&String> = links.filter_map(|link| link.when.get(column)).flatten().collect();
        (!words.is_empty()).then_some(words)
    }

    /// Whether a column holds another row's key: what it holds is told by the link, and cut with the link only.
    pub(in crate::erase) fn is_linked(&self, column: &str) -> bool {
        self.belongs_to.iter().chain(&self.refers_to).any(|link| link.columns.iter().any(|held| held == column))
    }

    /// The columns of a link that become NULL, or another row's key, when it lets go.
    pub(in crate::erase) fn letting_go<'l>(&self, links: impl Iterator<Item = &'l Link>) -> BTreeMap<String, Mask> {
        let columns = links.flat_map(|link| &link.columns);
        let let_go = columns.filter_map(|column| Some((column.clone(), self.mask.get(column)?.clone())));
        let_go.filter(|(_, mask)| mask.lets_go()).collect()
    }
}
