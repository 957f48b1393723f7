//! The room verify.
