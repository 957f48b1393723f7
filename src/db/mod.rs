//! The room db.
