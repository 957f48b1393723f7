//! Bad input ends in a recorded disposition or in a clear error; nothing is lost, and the next letter is handled.

mod letters;
mod settings;
mod store_away;
