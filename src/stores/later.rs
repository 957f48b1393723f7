//! A store that was away when the daemon started: each call tries to open it first, and is refused as by any store that is away
//! until that succeeds. It is then the store itself.

use async_trait::async_trait;
use secrecy::SecretString;
use tokio::sync::OnceCell;

use super::{
    Assignment, Key, KeyValue, Lookup, LookupRow, Opened, RowStore, Schema, Select, Shapes, StoreError, StoreKind,
    StoreLimits, Tally,
};

/// What opens the store, and the store once it is open.
pub(super) struct Later {
    kind: StoreKind,
    url: SecretString,
    limits: StoreLimits,
    shapes: Shapes,
    opened: OnceCell<Opened>,
}

impl Later {
    pub(super) fn new(kind: StoreKind, url: SecretString, limits: StoreLimits, shapes: Shapes) -> Self {
        Self { kind, url, limits, shapes, opened: OnceCell::new() }
    }

    async fn there(&self) -> Result<&Opened, StoreError> {
        let open = || Opened::open(self.kind, &self.url, self.limits, self.shapes.clone());
        self.opened.get_or_try_init(open).await
    }

    async fn rows(&self) -> Result<&dyn RowStore, StoreError> {
        self.there().await.map(Opened::rows)
    }

    async fn queries(&self) -> Result<&dyn Lookup, StoreError> {
        match self.there().await? {
            Opened::Sql(store) => Ok(store.as_ref()),
            Opened::Keys(_) => Err(StoreError::NoCatalogue { kind: self.kind }),
        }
    }
}

#[async_trait]
impl RowStore for Later {
    async fn ping(&self) -> Result<(), StoreError> {
        self.rows().await?.ping().await
    }

    async fn schema(&self) -> Result<Schema, StoreError> {
        self.rows().await?.schema().await
    }

    async fn keys(
        &self,
        select: Select<'_>,
        key: &[String],
        after: Option<&Key>,
        limit: u32,
    ) -> Result<Vec<Key>, StoreError> {
        self.rows().await?.keys(select, key, after, limit).await
    }

    async fn keys_of_both(&self, one: Select<'_>, other: Select<'_>, key: &[String]) -> Result<Vec<Key>, StoreError> {
        self.rows().await?.keys_of_both(one, other, key).await
    }

    fn canonical(&self, table: &str, columns: &[String], key: &Key) -> Result<Key, StoreError> {
        // What the columns hold is not known before their catalogue was read.
        self.opened.get().ok_or(StoreError::NotReached)?.rows().canonical(table, columns, key)
    }

    async fn tally(
        &self,
        select: Select<'_>,
        assignments: &[Assignment],
        groups: &[Vec<String>],
    ) -> Result<Tally, StoreError> {
        self.rows().await?.tally(select, assignments, groups).await
    }

    async fn count(&self, select: Select<'_>) -> Result<u64, StoreError> {
        self.rows().await?.count(select).await
    }

    async fn delete(&self, select: Select<'_>) -> Result<u64, StoreError> {
        self.rows().await?.delete(select).await
    }

    async fn mask(&self, select: Select<'_>, assignments: &[Assignment]) -> Result<u64, StoreError> {
        self.rows().await?.mask(select, assignments).await
    }

    async fn residue(&self, select: Select<'_>, assignments: &[Assignment]) -> Result<u64, StoreError> {
        self.rows().await?.residue(select, assignments).await
    }

    async fn values(&self, select: Select<'_>, columns: &[String]) -> Result<Vec<Vec<Option<KeyValue>>>, StoreError> {
        self.rows().await?.values(select, columns).await
    }

    async fn canary(&self, at: &str) -> Result<Option<String>, StoreError> {
        self.rows().await?.canary(at).await
    }

    async fn set_canary(&self, at: &str, epoch: &str) -> Result<(), StoreError> {
        self.rows().await?.set_canary(at, epoch).await
    }
}

#[async_trait]
impl Lookup for Later {
    async fn lookup(&self, sql: &str, params: &[(&str, &str)]) -> Result<Vec<LookupRow>, StoreError> {
        self.queries().await?.lookup(sql, params).await
    }

    async fn describe(&self, sql: &str, params: &[&str]) -> Result<Vec<String>, StoreError> {
        self.queries().await?.describe(sql, params).await
    }
}
