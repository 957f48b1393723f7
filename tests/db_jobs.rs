//! The job table keeps its promises, the same on SQLite and on PostgreSQL.

mod ground;
mod model;
mod table;
mod worker;
mod world;
