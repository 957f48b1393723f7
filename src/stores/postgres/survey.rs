//! Sizes of PostgreSQL's tables by its own statistics, and rights that erasing never needs.

use super::PostgresConnection;
use crate::stores::StoreError;
use crate::stores::sql::{Connection as _, TextRow};

/// A partitioned table counts as its partitions together. A table that was never analysed has -1.
const SIZES: &str = "SELECT
      CASE WHEN n.nspname = current_schema() THEN c.relname::text ELSE n.nspname || '.' || c.relname END,
      (CASE WHEN c.relkind = 'p'
        THEN (SELECT COALESCE(sum(GREATEST(p.reltuples, 0)), 0) FROM pg_partition_tree(c.oid) t
          JOIN pg_class p ON p.oid = t.relid WHERE t.isleaf)
        ELSE c.reltuples END)::bigint::text
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p', 'm') AND NOT c.relispartition
      AND n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname NOT LIKE 'pg\\_t%'";

/// The server is asked what the login may do, with all roles that it is in. What a superuser may do besides is not
/// listed: that it is one says it all.
const BEYOND: &str = "WITH me AS (SELECT r.* FROM pg_roles r WHERE r.rolname = current_user),
    t AS (SELECT CASE WHEN n.nspname = current_schema() THEN c.relname::text ELSE n.nspname || '.' || c.relname END AS name,
        c.oid FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
      WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition
        AND n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname NOT LIKE 'pg\\_t%')
    SELECT 'SUPERUSER' FROM me WHERE rolsuper
    UNION ALL SELECT 'CREATEDB' FROM me WHERE rolcreatedb AND NOT rolsuper
    UNION ALL SELECT 'CREATEROLE' FROM me WHERE rolcreaterole AND NOT rolsuper
    UNION ALL SELECT 'CREATE ON SCHEMA ' || quote_ident(current_schema()) FROM me
      WHERE NOT rolsuper AND has_schema_privilege(current_schema(), 'CREATE')
    UNION ALL SELECT 'TRUNCATE ON ' || string_agg(t.name, ', ' ORDER BY t.name) FROM t, me
      WHERE NOT me.rolsuper AND has_table_privilege(t.oid, 'TRUNCATE') HAVING count(*) > 0";

/// Sizes by the last ANALYZE.
pub(super) async fn sizes(connection: &PostgresConnection) -> Result<Vec<TextRow>, StoreError> {
    connection.read(SIZES, &[]).await
}

/// Rights on the server, the schema and whole tables.
pub(super) async fn beyond(connection: &PostgresConnection) -> Result<Vec<String>, StoreError> {
    Ok(connection.read(BEYOND, &[]).await?.into_iter().flatten().flatten().collect())
}
