//! The room erase.
