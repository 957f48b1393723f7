//! All integration tests in one binary (one link instead of twenty); a file per promise.
#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that cannot go on has failed; it says where and why"
)]

mod access_tokens;
mod again;
mod agreed;
mod answers;
mod arrival;
mod authentication;
mod bad_input;
mod canary;
mod classify;
mod cli;
mod crash;
mod db_jobs;
mod db_proof;
mod demo;
mod desk;
mod directories;
mod end_to_end;
mod erase;
mod erase_records;
mod facts;
mod fail_closed;
mod forget;
mod gate;
mod held;
mod house;
mod intake;
mod intake_bounds;
mod kept;
mod kinds;
mod layering;
mod leaves;
mod ledger;
mod letters;
mod loops;
mod mailbox_imap;
mod maps;
mod observe;
mod outbox;
mod recipients;
mod restored;
mod retry;
mod schema;
mod servers;
mod several_daemons;
mod spam_filters;
mod stores_conformance;
mod support;
mod terminated;
mod throttled;
mod web;
mod wishes;
