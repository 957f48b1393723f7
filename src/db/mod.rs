//! Our own database: the only SQL on it. SQLite inside the process, or PostgreSQL 15 and later for many daemons.
//!
//! Every statement is written once, with `$1, $2 …`, on a [`Tx`]; what the two databases really say differently
//! stands side by side in [`Dialect::pick`]. A family of tables has its own file here. No transaction is held
//! across outside work, and nothing here decides: this room stores what the stages decided.
//!
//! # How to add a table
//! 1. `migrations/sqlite/NNNN_name.sql` and `migrations/postgres/NNNN_name.sql`, and one line in `migrate.rs`.
//!    A test fails while the two sides differ in number or name.
//! 2. Types: SQLite `STRICT` tables with UUID as `BLOB`, time as `INTEGER` (µs since 1970), JSON as `TEXT`, truth as
//!    `INTEGER`; PostgreSQL `UUID`, `TIMESTAMPTZ`, `JSONB`, `BOOLEAN`. A `CHECK` mirrors every enum.
//! 3. A gate of the database is a trigger whose text begins with `gate:` ([`DbError::refused_by_gate`]).

pub mod authorities;
pub mod canaries;
pub mod challenges;
pub mod completions;
pub mod cursors;
pub mod deliveries;
mod dialect;
pub mod doubts;
pub mod erasures;
mod error;
pub mod evidence;
pub mod holds;
mod job_table;
pub mod jobs;
pub mod kept;
pub mod keys;
pub mod legal_holds;
pub mod letters;
pub mod mailbox_leases;
mod migrate;
pub mod mx_runs;
mod open;
mod params;
pub mod polls;
pub mod probe;
pub mod recipients;
pub mod requests;
mod row;
pub mod sealed;
pub mod shared_letters;
pub mod sql;
pub mod suppressions;
pub mod terminations;
pub mod trail;
mod wal;

pub use dialect::Dialect;
pub use error::DbError;
pub use job_table::Jobs;
pub use open::{DatabaseSettings, Db};
pub use sql::{Param, Params, Retries, Row, Tx};
