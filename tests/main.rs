//! All integration tests in one binary (one link instead of twenty); a file per promise.
#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that cannot go on has failed; it says where and why"
)]

mod bad_input;
mod canary;
mod db_jobs;
mod db_proof;
mod gate;
mod house;
mod intake;
mod layering;
mod letters;
mod mailbox_imap;
mod servers;
mod stores_conformance;
mod support;
