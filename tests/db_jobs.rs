//! The job table keeps its promises, the same on SQLite and on PostgreSQL.

mod ground;
mod table;
mod worker;
mod world;
