//! Erasing from three stores: each scope, nothing of others, killed anywhere, run twice, failing closed.

mod alike;
mod answers;
mod bounds;
mod changed;
mod deadlock;
mod forbidden;
mod held;
mod keyed;
mod killed;
mod late;
mod maps;
mod memory;
mod nullable;
mod one;
mod random;
mod remade;
mod reowned;
mod retention;
mod root;
mod scopes;
mod servers;
mod told;
mod world;
mod written_back;
