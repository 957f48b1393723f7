//! Sizes of a SQLite file's tables. It has no logins; who may open the file may do everything.

use super::SqliteConnection;
use crate::stores::StoreError;
use crate::stores::sql::{Connection as _, Dialect as _, TextRow};
use crate::stores::sqlite::SqliteDialect;

/// A compound SELECT may have 500 parts (limits.html).
const PARTS_MAX: usize = 400;

const TABLES: &str = "SELECT name FROM pragma_table_list WHERE schema = 'main' AND type = 'table' AND wr = 0
    AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY name";

/// The greatest rowid of each table: found without reading it, and no less than its rows where they were numbered from
/// one. A table without rowid has none.
pub(super) async fn sizes(connection: &SqliteConnection) -> Result<Vec<TextRow>, StoreError> {
    let tables: Vec<String> = connection.read(TABLES, &[]).await?.into_iter().flatten().flatten().collect();
    let mut sizes = Vec::with_capacity(tables.len());
    for tables in tables.chunks(PARTS_MAX) {
        let text = |name: &String| name.replace('\'', "''");
        let part = |name: &String| {
            format!(
                "SELECT '{}', CAST(COALESCE(MAX(_rowid_), 0) AS TEXT) FROM {}",
                text(name),
                SqliteDialect::quote(name)
            )
        };
        let parts: Vec<_> = tables.iter().map(part).collect();
        sizes.extend(connection.read(&parts.join(" UNION ALL "), &[]).await?);
    }
    Ok(sizes)
}

/// Nothing: there are no rights.
pub(super) async fn beyond(_: &SqliteConnection) -> Result<Vec<String>, StoreError> {
    Ok(Vec::new())
}
