//! What recipients are told of the person: read before the first write, sealed beside the keys. It is a set of its own, so that
//! nobody is recognised by it in our stores.

use std::collections::BTreeSet;

use super::discover::{Finder, Found};
use super::error::EraseError;
use super::ledger::{Discovery, Ledger};
use super::map::recipient::KEY;
use super::map::{DataMap, RecipientMap, TableRef};
use super::packed::Packed;
use super::plan::{KeySet, Skeleton};
use crate::domain::SubjectKind;
use crate::stores::{Identity, StoreName};

/// Identities of one order. What is more goes into further ones, each with a key and an answer of its own.
pub const IDENTITIES_MAX: usize = 1_000;

/// Orders to one recipient about one request at most. Who is to be told more finds an account by its key.
pub const PARTS_MAX: usize = 100;

/// The name of a part of what a recipient is asked: that of its map for the first, `NAME/2` for the second.
#[must_use]
pub fn part(store: &StoreName, number: usize) -> String {
    if number <= 1 { store.to_string() } else { format!("{store}/{number}") }
}

/// The recipient whose part this is; no name of a map has a slash.
#[must_use]
pub fn whose(part: &str) -> Option<StoreName> {
    StoreName::new(part.split_once('/').map_or(part, |(store, _)| store))
}

/// Whether what is asked under this name is asked of a recipient, or is the one part of it that is named.
#[must_use]
pub fn is_of(part: &str, named: &str) -> bool {
    part == named || whose(part).is_some_and(|whose| whose.as_str() == named)
}

/// The recipients that a plan concerns, with the categories that they hold of it.
pub fn concerned<'m>(
    map: &'m DataMap,
    skeleton: &'m Skeleton,
) -> impl Iterator<Item = (&'m StoreName, &'m RecipientMap, Vec<String>)> {
    let target = &skeleton.target;
    map.recipients().iter().filter_map(|(name, recipient)| {
        let categories = recipient.concerned(target.scope, &target.categories);
        let known = sets(recipient, skeleton).next().is_some();
        (known && !categories.is_empty()).then_some((name, recipient, categories))
    })
}

/// What a recipient is told: of whom, by which table and identity.
fn sets<'m>(
    recipient: &'m RecipientMap,
    skeleton: &'m Skeleton,
) -> impl Iterator<Item = (&'m SubjectKind, &'m TableRef, &'m String)> {
    recipient.tell.iter().flat_map(move |(subject, names)| {
        let tables = skeleton
            .tables
            .iter()
            .filter(move |(at, table)| table.subject.as_ref() == Some(subject) && skeleton.finds_in(at));
        tables.flat_map(move |(at, _)| names.iter().map(move |name| (subject, at, name)))
    })
}

/// The tables that a recipient is told from.
pub fn tables<'m>(recipient: &'m RecipientMap, skeleton: &'m Skeleton) -> impl Iterator<Item = &'m TableRef> {
    sets(recipient, skeleton).map(|(_, at, _)| at)
}

impl Finder<'_> {
    /// Adds what the recipients are told; answers who is told anything.
    pub(super) async fn told(&self, found: &mut Found, map: &DataMap) -> Result<BTreeSet<String>, EraseError> {
        let mut told = BTreeSet::new();
        for (recipient_name, recipient, _) in concerned(map, self.skeleton) {
            let mut count = 0;
            for (_, at, name) in sets(recipient, self.skeleton) {
                let own = |set: &KeySet| set.at == *at && set.pointing.is_none() && set.by.is_none();
                let parts = found.sets.iter().filter(|(set, _)| own(set)).map(|(_, keys)| keys.clone());
                let rows = parts.fold(Packed::default(), Packed::with);
                let table = self.table(at)?;
                let values = match table.identify.get(name) {
                    Some(column) => self.values(at, table, column, &rows).await?,
                    None if name == KEY => rows,
                    // Another plan's table: the map was held against this when it was read.
                    None => return Err(EraseError::NotMapped { at: at.clone() }),
                };
                count += values.len();
                let max = IDENTITIES_MAX * PARTS_MAX;
                if count > max {
                    return Err(EraseError::TooManyRows { at: at.clone(), max: max as u64 });
                }
                found.sets.insert(KeySet::told(at.clone(), name.clone()), values);
            }
            if count > 0 {
                told.insert(recipient_name.to_string());
            }
        }
        Ok(told)
    }
}

/// Whether all that a recipient is told by the maps of now was read before the first write. What the maps were given since is
/// gone with the rows by which it could be read.
#[must_use]
pub fn is_planned(discovery: &Discovery, recipient: &RecipientMap) -> bool {
    sets(recipient, &discovery.skeleton)
        .all(|(_, at, name)| discovery.was_saved(&KeySet::told(at.clone(), name.clone())))
}

/// What one recipient is told, as it was saved before the first write.
///
/// # Errors
/// When the ledger does not answer.
pub async fn saved(
    ledger: &dyn Ledger,
    discovery: &Discovery,
    recipient: &RecipientMap,
) -> Result<Vec<Identity>, EraseError> {
    let mut identities = BTreeSet::new();
    for (subject, at, name) in sets(recipient, &discovery.skeleton) {
        let set = KeySet::told(at.clone(), name.clone());
        let chunks = discovery.chunks.get(&set.to_string()).map_or(0, Vec::len);
        for chunk in 0..u32::try_from(chunks).unwrap_or(u32::MAX) {
            let keys = ledger.load_keys(&set, chunk).await?;
            let values = keys.iter().flat_map(|key| key.0.first()).map(|value| value.to_text());
            identities.extend(values.map(|value| Identity { subject: subject.clone(), kind: name.clone(), value }));
        }
    }
    Ok(identities.into_iter().collect())
}
