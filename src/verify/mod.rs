//! Who asks, and may they? Turns a letter's claims and a person's answer into an [`Authority`].

mod authority;

pub use authority::{Authority, AuthorityKind};
