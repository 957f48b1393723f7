//! expunged: an erasure daemon.
//!
//! # The map of the house
//! Data flow one way: `mailbox → intake → verify → queue → erase → reply`; the `trail` gets one entry per step.

pub mod breakpoint;
pub mod chance;
pub mod cli;
pub mod clock;
pub mod config;
pub mod daemon;
pub mod db;
pub mod demo;
pub mod domain;
pub mod erase;
pub mod finish;
pub mod flow;
pub mod intake;
pub mod mailbox;
pub mod output;
pub mod queue;
pub mod reply;
pub mod stores;
pub mod trail;
pub mod vault;
pub mod verify;
