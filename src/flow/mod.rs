//! The room flow.
