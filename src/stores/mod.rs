//! The room stores.
