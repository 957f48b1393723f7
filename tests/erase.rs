//! Erasing from three stores: each scope, nothing of others, killed anywhere, run twice, failing closed.

mod killed;
mod maps;
mod memory;
mod scopes;
mod servers;
mod world;
