//! Writing back: one struct per letter with `render()`, and the ways to send it.
pub mod settings;
