//! How text travels to and from the three drivers.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// One row, every column as the text that the store made of it.
pub type TextRow = Vec<Option<String>>;

/// Ends its statement when it is dropped before the statement is done: the caller's time was up.
pub struct Watch(Option<Arc<AtomicBool>>);

impl Watch {
    /// For a server that ends statements by itself.
    pub const fn of_server() -> Self {
        Self(None)
    }

    /// For a statement that looks at this flag while it runs.
    pub const fn of_flag(stop: Arc<AtomicBool>) -> Self {
        Self(Some(stop))
    }

    /// The statement is done.
    pub fn done(mut self) {
        self.0 = None;
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        if let Some(stop) = &self.0 {
            stop.store(true, Ordering::Relaxed);
        }
    }
}

/// Begins, to the end even if the caller is dropped meanwhile, as a time-out does (see [`crate::finish`]).
pub(in crate::stores) async fn begin<D: sqlx::Database>(
    pool: &sqlx::Pool<D>,
    how: &'static str,
) -> Result<sqlx::Transaction<'static, D>, sqlx::Error> {
    let pool = pool.clone();
    crate::finish::finish(async move { pool.begin_with(how).await }).await
}

/// What makes texts of a row of this connection.
macro_rules! texts {
    ($connection:ty) => {
        |row: &<<$connection as $crate::stores::sql::Pooled>::Db as sqlx::Database>::Row| {
            let texts = (0..sqlx::Row::len(row)).map(|index| sqlx::Row::try_get::<Option<String>, _>(row, index));
            texts.collect::<Result<$crate::stores::sql::TextRow, sqlx::Error>>()
        }
    };
}

/// Implements [`super::Connection`] for a struct with a `pool`. A macro and not a generic function, because the
/// bounds that sqlx asks of "any database" are longer than the code.
macro_rules! impl_connection {
    (
        $connection:ty,
        read: $begin_read:expr,
        alone: $alone:expr,
        write: $begin_write:expr,
        explain: $begin_explain:expr
    ) => {
        #[async_trait::async_trait]
        impl $crate::stores::sql::Connection for $connection {
            async fn read(
                &self,
                sql: &str,
                params: &[String],
            ) -> Result<Vec<$crate::stores::sql::TextRow>, $crate::stores::StoreError> {
                let mut tx = $crate::stores::sql::begin(&self.pool, $begin_read).await?;
                let watch = <$connection as $crate::stores::sql::Pooled>::watch(&mut tx).await?;
                let mut query = sqlx::query(sqlx::AssertSqlSafe(sql));
                for param in params {
                    query = query.bind(param.as_str());
                }
                let rows = query.fetch_all(&mut *tx).await?;
                watch.done();
                tx.rollback().await?;
                Ok(rows.iter().map($crate::stores::sql::texts!($connection)).collect::<Result<_, _>>()?)
            }

            async fn query(
                &self,
                sql: &str,
                params: &[String],
            ) -> Result<Vec<$crate::stores::sql::TextRow>, $crate::stores::StoreError> {
                if !$alone {
                    return self.read(sql, params).await;
                }
                let mut connection = self.pool.acquire().await?;
                let watch = <$connection as $crate::stores::sql::Pooled>::watch(&mut connection).await?;
                let mut query = sqlx::query(sqlx::AssertSqlSafe(sql));
                for param in params {
                    query = query.bind(param.as_str());
                }
                let rows = query.fetch_all(&mut *connection).await?;
                watch.done();
                Ok(rows.iter().map($crate::stores::sql::texts!($connection)).collect::<Result<_, _>>()?)
            }

            async fn write(
                &self,
                sql: &str,
                params: &[String],
                rows_max: u64,
            ) -> Result<u64, $crate::stores::StoreError> {
                let mut tx = $crate::stores::sql::begin(&self.pool, $begin_write).await?;
                let watch = <$connection as $crate::stores::sql::Pooled>::watch(&mut tx).await?;
                let mut query = sqlx::query(sqlx::AssertSqlSafe(sql));
                for param in params {
                    query = query.bind(param.as_str());
                }
                let found = query.execute(&mut *tx).await?.rows_affected();
                watch.done();
                if found > rows_max {
                    tx.rollback().await?;
                    let table = String::new();
                    return Err($crate::stores::StoreError::RowCount { table, max: rows_max, found });
                }
                tx.commit().await?;
                Ok(found)
            }

            async fn columns(&self, sql: &str) -> Result<Vec<String>, $crate::stores::StoreError> {
                use sqlx::{Column as _, Executor as _, Statement as _};
                let mut connection = self.pool.acquire().await?;
                let sql = sqlx::SqlSafeStr::into_sql_str(sqlx::AssertSqlSafe(sql));
                let prepared = connection.prepare(sql).await?;
                Ok(prepared.columns().iter().map(|column| column.name().to_owned()).collect())
            }

            async fn explain(&self, sql: &str, params: &[String]) -> Result<(), $crate::stores::StoreError> {
                let mut tx = $crate::stores::sql::begin(&self.pool, $begin_explain).await?;
                let explained = format!("EXPLAIN {sql}");
                let mut query = sqlx::query(sqlx::AssertSqlSafe(explained.as_str()));
                for param in params {
                    query = query.bind(param.as_str());
                }
                // Its answer is not read: what counts is whether the store was willing to plan it.
                query.fetch_all(&mut *tx).await?;
                Ok(tx.rollback().await?)
            }

            async fn sizes(&self) -> Result<Vec<$crate::stores::sql::TextRow>, $crate::stores::StoreError> {
                survey::sizes(self).await
            }

            async fn beyond(&self) -> Result<Vec<String>, $crate::stores::StoreError> {
                survey::beyond(self).await
            }

            async fn catalogue(&self) -> Result<$crate::stores::Schema, $crate::stores::StoreError> {
                schema::read(self).await
            }
        }
    };
}

pub(in crate::stores) use {impl_connection, texts};
