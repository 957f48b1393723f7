//! The confirmation trail: one leaf per step of a case, in the transaction of the change that it records.
//!
//! A leaf is RFC 8785 canonical JSON. It holds no personal data: public facts are enums, counts, dates and digests,
//! typed so that an address does not fit; what is personal lies sealed in the vault under the case's record key, and
//! the leaf holds only an HMAC commitment to it. The leaves of a case are numbered and chained by their RFC 6962
//! hashes; their order over all cases, the log, comes afterwards and is not this room's.
//!
//! This room never writes to a database (`db::trail` does), never changes a leaf, and never decides anything.
//!
//! # How to add an event
//! A variant in [`Event`], and a new migration on both sides that makes the CHECK of `trail.event` anew with its word; a
//! test fails while they differ. A migration that was applied somewhere is never edited.

mod chain;
mod entry;
mod event;
mod facts;
mod leaf;

pub use chain::{BrokenChain, Fault, verify_chain};
pub use entry::{Actor, ActorKind, Entry, Link, Stamps, address_commitment};
pub use event::Event;
pub use facts::{Fact, Facts, NotAFact, PrivateFacts, WORD_BYTES_MAX, is_instant};
pub use leaf::{LEAF_BYTES_MAX, Leaf, LeafError, LeafFields, VERSION, leaf_hash};
