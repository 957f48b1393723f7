//! The directory as configured: its queries on a store of the maps, and whether they can be asked at all.

use std::sync::Arc;

use async_trait::async_trait;
use secrecy::ExposeSecret as _;

use crate::chance::OsChance;
use crate::clock::SystemClock;
use crate::config::{Config, Directory as DirectoryConfig};
use crate::domain::Retry;
use crate::erase::DataMap;
use crate::stores::http::{HttpLimits, SignedClient};
use crate::stores::{StoreName, Stores};
use crate::verify::{
    Directory, DirectoryError, FileDirectory, HttpLookup, LdapLookup, Lookup, Queries, QueryError, Refusal, Row,
    SqlDirectory, rehearse,
};

use super::BuildError;

/// Whether the store of the directory is one of the maps; a name alone, nothing is opened.
///
/// # Errors
/// [`BuildError::NoSuchStore`].
pub fn directory_is_mapped(config: &Config, map: &DataMap) -> Result<(), BuildError> {
    let DirectoryConfig::Sql { store, .. } = &config.directory else { return Ok(()) };
    let mapped = StoreName::new(store).and_then(|name| map.stores().get(&name));
    match mapped {
        Some(store) if !store.kind.is_keyed() => Ok(()),
        _ => Err(BuildError::NoSuchStore(store.clone())),
    }
}

/// The directory's queries on one store.
struct StoreQueries {
    stores: Stores,
    name: StoreName,
}

#[async_trait]
impl Lookup for StoreQueries {
    async fn lookup(&self, sql: &str, params: &[(&str, &str)]) -> Result<Vec<Row>, QueryError> {
        let said = QueryError::of_store;
        self.stores.lookup(&self.name).map_err(said)?.lookup(sql, params).await.map_err(said)
    }

    async fn describe(&self, sql: &str, params: &[&str]) -> Result<Vec<String>, QueryError> {
        let said = QueryError::of_store;
        self.stores.lookup(&self.name).map_err(said)?.describe(sql, params).await.map_err(said)
    }
}

fn rows_max(config: &Config) -> usize {
    usize::try_from(config.limits.directory_rows_max).unwrap_or(usize::MAX)
}

/// A directory that puts these queries to something that is asked over the network.
fn asked(config: &Config, source: Arc<dyn Lookup>, find: String, target: String, owner: String) -> Arc<dyn Directory> {
    let queries = Queries { find, target, owner, ended: None, accounts: None, rows_max: rows_max(config) };
    Arc::new(SqlDirectory::new(source, queries).in_zone(config.calendar.time_zone.clone()))
}

/// Who an address is, as configured.
///
/// # Errors
/// [`BuildError`] for a file that is no directory or a store that no map describes.
pub fn directory(config: &Config, stores: &Stores) -> Result<Arc<dyn Directory>, BuildError> {
    Ok(match &config.directory {
        DirectoryConfig::File(path) => Arc::new(FileDirectory::open(path, config.calendar.time_zone.clone())?),
        DirectoryConfig::Http { url, secret, allow, timeout } => {
            let limits = HttpLimits { timeout: *timeout, ..HttpLimits::default() };
            let client = SignedClient::new(url, secret.expose_secret(), allow.clone(), limits);
            let client = client.map_err(|error| DirectoryError::Query {
                query: "find",
                source: QueryError {
                    retry: Retry::Permanent,
                    refusal: Some(Refusal::Question),
                    source: Box::new(error),
                },
            })?;
            // What is signed is signed at the time of the day: whoever asks in the past is refused.
            let source = Arc::new(HttpLookup::new(client, Arc::new(SystemClock), Arc::new(OsChance)));
            let [find, target, owner] = ["find", "target", "owner"].map(str::to_owned);
            asked(config, source, find, target, owner)
        }
        DirectoryConfig::Ldap { settings, find, target, owner } => {
            let source = Arc::new(LdapLookup::new(settings.clone(), rows_max(config)));
            asked(config, source, find.clone(), target.clone(), owner.clone())
        }
        DirectoryConfig::Sql { store, find, target, owner, ended, accounts } => {
            let name = StoreName::new(store).ok_or_else(|| BuildError::NoSuchStore(store.clone()))?;
            stores.lookup(&name).map_err(|_| BuildError::NoSuchStore(store.clone()))?;
            let queries = Queries {
                find: find.clone(),
                target: target.clone(),
                owner: owner.clone(),
                ended: ended.clone(),
                accounts: accounts.clone(),
                rows_max: rows_max(config),
            };
            let store = Arc::new(StoreQueries { stores: stores.clone(), name });
            Arc::new(SqlDirectory::new(store, queries).in_zone(config.calendar.time_zone.clone()))
        }
    })
}

/// The directory, and none whose rows could not be read: each query is asked about nobody. A store that is away for now stands
/// in nobody's way.
pub(super) async fn whole_directory(config: &Config, stores: &Stores) -> Result<Arc<dyn Directory>, BuildError> {
    let directory = directory(config, stores)?;
    let missing = match directory.missing().await {
        // It is there again for the first letter, or that waits.
        Err(error) if error.retry() == Retry::Transient => Vec::new(),
        missing => missing?,
    };
    if !missing.is_empty() {
        return Err(BuildError::DirectoryColumns(missing));
    }
    for trial in rehearse(&*directory).await {
        match trial.found {
            Err(error) if error.refusal().is_some() => return Err(BuildError::Directory(error)),
            Ok(1..) | Err(DirectoryError::TooManyRows { .. }) if trial.query == "find" => {
                return Err(BuildError::DirectoryOfAnybody);
            }
            _ => {}
        }
    }
    Ok(directory)
}
