//! expunged: an erasure daemon.
//!
//! # The map of the house
//! Data flow one way: `mailbox → intake → verify → queue → erase → reply`; the `trail` gets one entry per step. Who may
//! know whom, and what each room never does, stands in ARCHITECTURE.md.
//!
//! | room | what it does |
//! |---|---|
//! | [`authenticate`] | whether a letter is from whom it says, by signature |
//! | [`breakpoint`] | names the points at which a crash test kills the process |
//! | [`chance`] | random bytes, as a parameter |
//! | [`cli`] | the commands: one file per command |
//! | [`clock`] | time, as a parameter |
//! | [`config`] | one TOML file becomes checked settings of every room |
//! | [`daemon`] | builds everything, supervises, sweeps, drains on shutdown |
//! | [`db`] | our own database: the only SQL on it, SQLite or PostgreSQL |
//! | [`demo`] | a temporary world in which the daemon shows the whole way |
//! | [`domain`] | a request's life: states, events, deadlines, ids |
//! | [`erase`] | data map to plan to saved keys to steps, and the reading back |
//! | [`filter`] | what a spam filter of the house says of a letter |
//! | [`finish`] | a future that goes on to its end though nobody waits |
//! | [`flow`] | joins the stages: load, decide, apply, one transaction |
//! | [`intake`] | the bytes of a letter become facts about it |
//! | [`mailbox`] | IMAP and Maildir: lists, fetches, marks, moves |
//! | [`oauth`] | access tokens for mail accounts |
//! | [`output`] | tables, JSON and progress on the terminal |
//! | [`queue`] | jobs, leases and the workers that do them |
//! | [`reply`] | our letters, in four languages, and the ways to send them |
//! | [`stores`] | the databases that rows are erased from, one folder per kind |
//! | [`trail`] | the leaves that say what happened, chained |
//! | [`vault`] | keys of a case, sealed personal data, their destruction |
//! | [`verify`] | who asks, may they, and the proof of it |
//! | [`web`] | the pages on which a question of ours can be answered |

pub mod authenticate;
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
pub mod filter;
pub mod finish;
pub mod flow;
pub mod intake;
pub mod mailbox;
pub mod oauth;
pub mod outbound;
pub mod output;
pub mod queue;
pub mod reply;
pub mod stores;
pub mod stumble;
pub mod trail;
pub mod vault;
pub mod verify;
pub mod web;
