//! The room intake.
