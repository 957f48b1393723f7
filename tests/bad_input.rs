//! Bad input ends in a recorded disposition or in a clear error; nothing is lost, and the next letter is handled.

pub mod letters;
mod settings;
pub mod store_away;
