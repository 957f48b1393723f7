//! The room trail.
