//! Whether there is anybody whom a hold would be on. A slip in a number holds nobody, and nobody would notice before the
//! erasing; somebody who is not known yet may be held all the same, but only if whoever holds them says so.

use std::collections::BTreeSet;

use crate::config::{Config, Directory};
use crate::domain::SubjectKind;
use crate::erase::DataMap;
use crate::erase::map::TableRef;
use crate::stores::{Key, KeyValue, Select, StoreError, StoreName};
use crate::verify::DirectoryError;

use super::{FlowError, HeldTarget, House};

/// What the stores say of it.
#[derive(Debug)]
pub enum Known {
    /// It is there; this is what it is called there (a key as its column has it).
    There(HeldTarget),
    /// Nothing is found by this name.
    Nothing,
    /// Who would know does not answer.
    NotAsked(FlowError),
}

/// The stores that know whether it is there.
#[must_use]
pub fn stores_asked(config: &Config, map: &DataMap, target: &HeldTarget) -> BTreeSet<StoreName> {
    match target {
        HeldTarget::Account(_) => {
            let accounts = map.subjects(&SubjectKind::Account).map(|(at, _)| at.store);
            let directory = match &config.directory {
                Directory::Sql { store, .. } => StoreName::new(store),
                Directory::Http { .. } | Directory::Ldap { .. } | Directory::File(_) => None,
            };
            accounts.chain(directory).collect()
        }
        HeldTarget::Subject(at, _) => BTreeSet::from([at.store.clone()]),
        HeldTarget::Table(_) | HeldTarget::Store(_) | HeldTarget::Everything => BTreeSet::new(),
    }
}

/// Asks for it: an account by its owner in the directory, and by its row; a person by their row. Tables and stores are known
/// by the data maps.
pub async fn known(house: &House, target: &HeldTarget) -> Known {
    let found = match target {
        HeldTarget::Account(account) => of_account(house, account).await,
        HeldTarget::Subject(at, key) => match row(house, at, key).await {
            Ok(key) => Ok(key.map(|key| HeldTarget::Subject(at.clone(), key))),
            Err(error) => Err(error),
        },
        other => Ok(Some(other.clone())),
    };
    match found {
        Ok(Some(target)) => Known::There(target),
        Ok(None) => Known::Nothing,
        Err(error) => Known::NotAsked(error),
    }
}

async fn of_account(house: &House, account: &str) -> Result<Option<HeldTarget>, FlowError> {
    let there = |account: &str| Some(HeldTarget::Account(account.to_owned()));
    let asked = match house.directory.owner(account).await {
        // As the directory writes it, which is what a request is bound to.
        Ok(Some(owner)) => return Ok(there(&owner.account)),
        Err(DirectoryError::NotOneOwner { .. }) => Ok(there(account)),
        // Where the directory knows another account by it, it is no account as it is written.
        Ok(None) | Err(DirectoryError::OtherAccount { .. }) => Ok(None),
        Err(error) => Err(error),
    };
    // An account whose owner is gone already still has its row.
    for (at, _) in house.map.subjects(&SubjectKind::Account) {
        if let Some(key) = row(house, &at, account).await? {
            return Ok(there(&key));
        }
    }
    Ok(asked?)
}

/// The key of a row as its column has it; `None` where there is no such row.
async fn row(house: &House, at: &TableRef, key: &str) -> Result<Option<String>, FlowError> {
    let failed = |source: StoreError| FlowError::from(crate::erase::EraseError::Store { at: at.clone(), source });
    let Some(table) = house.map.table(at) else { return Ok(None) };
    let store = house.stores.get(&at.store).map_err(failed)?;
    store.schema().await.map_err(failed)?;
    let values = key.splitn(table.key.len(), '/').map(|part| KeyValue::Text(part.to_owned())).collect();
    let key = match store.canonical(&at.table, &table.key, &Key(values)) {
        Ok(key) => key,
        // No value of the column's kind is no key of a row.
        Err(StoreError::KeyShape { .. }) => return Ok(None),
        Err(error) => return Err(failed(error)),
    };
    let select = Select { table: &at.table, columns: &table.key, values: std::slice::from_ref(&key), linked_to: None };
    let found = store.count(select).await.map_err(failed)? > 0;
    let texts: Vec<String> = key.0.iter().map(|value| value.to_text().to_string()).collect();
    Ok(found.then(|| texts.join("/")))
}
