//! The room vault.
