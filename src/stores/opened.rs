//! Opens stores by their kind, and keeps them by name.

use std::collections::BTreeMap;
use std::sync::Arc;

use secrecy::SecretString;

use super::later::Later;
use super::{
    Lookup, RowStore, Schema, Shapes, SqlRows, StoreError, StoreKind, StoreLimits, StoreName, mysql, object, postgres,
    redis, sqlite,
};

/// Opens a database and reads its catalogue.
///
/// # Errors
/// An unreadable url, an unreachable server, a refused login; a kind that has no catalogue ([`open_keys`]).
pub async fn open(kind: StoreKind, url: &SecretString, limits: StoreLimits) -> Result<Arc<dyn SqlRows>, StoreError> {
    Ok(match kind {
        StoreKind::Sqlite => Arc::new(sqlite::open(url, limits).await?),
        StoreKind::Postgres => Arc::new(postgres::open(url, limits).await?),
        StoreKind::Mysql => Arc::new(mysql::open(url, limits).await?),
        StoreKind::Redis | StoreKind::Objects => return Err(StoreError::NoCatalogue { kind }),
    })
}

/// Opens a store of names, of which the map says what they are.
///
/// # Errors
/// An unreadable url, an unreachable server, a refused login; a kind that has a catalogue of its own ([`open`]).
pub async fn open_keys(
    kind: StoreKind,
    url: &SecretString,
    limits: StoreLimits,
    shapes: Shapes,
) -> Result<Arc<dyn RowStore>, StoreError> {
    Ok(match kind {
        StoreKind::Redis => Arc::new(redis::open(url, limits, shapes).await?),
        StoreKind::Objects => Arc::new(object::open(url, limits, shapes).await?),
        StoreKind::Sqlite | StoreKind::Postgres | StoreKind::Mysql => open(kind, url, limits).await?,
    })
}

/// A store as it was opened.
#[derive(Clone)]
pub enum Opened {
    /// It erases rows and answers queries.
    Sql(Arc<dyn SqlRows>),
    /// It erases what lies under names.
    Keys(Arc<dyn RowStore>),
}

impl Opened {
    /// Opens a store of any kind; `shapes` is what the map says of its names.
    ///
    /// # Errors
    /// As [`open`] and [`open_keys`].
    pub async fn open(
        kind: StoreKind,
        url: &SecretString,
        limits: StoreLimits,
        shapes: Shapes,
    ) -> Result<Self, StoreError> {
        Ok(if kind.is_keyed() {
            Self::Keys(open_keys(kind, url, limits, shapes).await?)
        } else {
            Self::Sql(open(kind, url, limits).await?)
        })
    }

    /// A store that is away now: whatever is asked of it tries to open it first.
    #[must_use]
    pub fn later(kind: StoreKind, url: SecretString, limits: StoreLimits, shapes: Shapes) -> Self {
        let store = Arc::new(Later::new(kind, url, limits, shapes));
        if kind.is_keyed() { Self::Keys(store) } else { Self::Sql(store) }
    }

    /// What finds and erases in it.
    #[must_use]
    pub fn rows(&self) -> &dyn RowStore {
        match self {
            Self::Sql(store) => store.as_ref(),
            Self::Keys(store) => store.as_ref(),
        }
    }
}

impl From<Arc<dyn SqlRows>> for Opened {
    fn from(store: Arc<dyn SqlRows>) -> Self {
        Self::Sql(store)
    }
}

/// The open stores by name.
#[derive(Clone, Default)]
pub struct Stores(BTreeMap<StoreName, Opened>);

impl Stores {
    /// Adds a store.
    pub fn insert(&mut self, name: StoreName, store: impl Into<Opened>) {
        self.0.insert(name, store.into());
    }

    /// The store of this name; a name that is not open is an error, never an empty store.
    ///
    /// # Errors
    /// [`StoreError::NotOpen`].
    pub fn get(&self, name: &StoreName) -> Result<&dyn RowStore, StoreError> {
        self.opened(name).map(Opened::rows)
    }

    /// The store of this name as what answers the directory's queries.
    ///
    /// # Errors
    /// [`StoreError::NotOpen`], [`StoreError::NoQueries`].
    pub fn lookup(&self, name: &StoreName) -> Result<&dyn Lookup, StoreError> {
        match self.opened(name)? {
            Opened::Sql(store) => Ok(store.as_ref()),
            Opened::Keys(_) => Err(StoreError::NoQueries { store: name.clone() }),
        }
    }

    fn opened(&self, name: &StoreName) -> Result<&Opened, StoreError> {
        self.0.get(name).ok_or_else(|| StoreError::NotOpen { store: name.clone() })
    }

    /// The stores with their names.
    pub fn iter(&self) -> impl Iterator<Item = (&StoreName, &dyn RowStore)> {
        self.0.iter().map(|(name, store)| (name, store.rows()))
    }

    /// The catalogue of every store, for the check of the data map.
    ///
    /// # Errors
    /// The first store that cannot be read.
    pub async fn schemas(&self) -> Result<BTreeMap<StoreName, Schema>, StoreError> {
        let mut schemas = BTreeMap::new();
        for (name, store) in self.iter() {
            schemas.insert(name.clone(), store.schema().await?);
        }
        Ok(schemas)
    }
}
