//! The files of the data maps, finished or not, and their stores opened to be looked over.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context as _;

use crate::cli::check::reach;
use crate::cli::exit::{Ended, Exit};
use crate::config::Config;
use crate::erase::map::StoreMap;
use crate::erase::map::known::Known;
use crate::erase::map::recipient::is_of_recipient;
use crate::stores::{self, Opened, Schema, StoreLimits, Survey};

/// One map as it lies there.
pub(super) struct MapFile {
    pub(super) path: PathBuf,
    pub(super) text: String,
    pub(super) known: Known,
}

impl MapFile {
    /// Reads a map; `None` for that of a recipient, in which nothing is open and of which nothing can be looked at.
    pub(super) fn read(path: &Path) -> Result<Option<Self>, Ended> {
        let text = std::fs::read_to_string(path)
            .with_context(|| format!("cannot read the map {}", path.display()))
            .map_err(|error| Ended::new(Exit::Usage, error))?;
        if is_of_recipient(&text) {
            return Ok(None);
        }
        let known = Known::read(&path.display().to_string(), &text)?;
        Ok(Some(Self { path: path.to_owned(), text, known }))
    }
}

/// The maps of the config whose stores are looked into; a recipient is asked, and nothing of it is seen. Only those of the named stores, where any are named.
pub(super) fn of_config(config: &Config, named: &[String]) -> Result<Vec<MapFile>, Ended> {
    let files = config.stores.iter().map(|path| MapFile::read(path)).collect::<Result<Vec<_>, _>>()?;
    let files: Vec<MapFile> = files.into_iter().flatten().collect();
    if let Some(name) = named.iter().find(|name| !files.iter().any(|file| file.known.name.as_str() == *name)) {
        let words = format!("no data map of the config is of a store {name}; see [stores] maps");
        return Err(Ended::saying(Exit::NotFound, words));
    }
    let wanted = |file: &MapFile| named.is_empty() || named.iter().any(|name| file.known.name.as_str() == name);
    Ok(files.into_iter().filter(wanted).collect())
}

/// Opens a store to look it over.
pub(super) async fn survey(store: &StoreMap, limits: StoreLimits) -> Result<Arc<dyn Survey>, Ended> {
    let url = reach::url_of(store)?;
    Ok(stores::survey::open(store.kind, &url, limits).await.with_context(|| {
        format!("the store of {} cannot be looked at; is its url right, and the server up?", store.file)
    })?)
}

/// Looks at a store of names: its tables are those of the map, and the names that belong to none are counted.
pub(super) async fn names(store: &StoreMap, limits: StoreLimits) -> Result<Schema, Ended> {
    Ok(opened(store, limits).await?.rows().schema().await?)
}

/// Opens a store as an erasing does.
pub(super) async fn opened(store: &StoreMap, limits: StoreLimits) -> Result<Opened, Ended> {
    let url = reach::url_of(store)?;
    Ok(Opened::open(store.kind, &url, limits, store.shapes()).await?)
}
