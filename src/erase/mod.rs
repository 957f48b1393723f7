//! Erasing: data map → plan → steps → outcome. Forward only, and nothing without a [`Plan`](plan::Plan).
//!
//! # The way
//! 1. [`map`]: what the engineer wrote, checked in itself and against the stores. One defect stops the start.
//! 2. [`plan`]: the map and a target give a [`Skeleton`](plan::Skeleton): what is found root → leaf, what is erased
//!    leaf → root, and a digest over all of it. Pure.
//! 3. [`preview`]: the skeleton with counts. Free for anybody, and cannot be executed.
//! 4. [`Plan`](plan::Plan): a preview and an authority for exactly its digest.
//! 5. [`engine`]: saves every key, then acts in chunks, then reads every step back. Before each act a row is asked whose
//!    it is by now (`whose`): one that was given to somebody else is left alone. Rows that came meanwhile are found in
//!    a further round, under the same plan.
//!
//! This room never decides who may ask, never writes a letter, and keeps no state of its own: the [`ledger`] does.
//! Rows are not read, only keys, the words by which rows are told apart, and columns whose mask is made of what they
//! hold ([`json`], patterns, dates, pseudonyms): those for one chunk of rows, and they go nowhere but back.

mod act;
mod again;
mod blank;
mod by_key;
pub mod discover;
pub mod engine;
pub mod error;
mod graph;
mod held;
pub mod holding;
mod identity;
pub mod json;
pub mod keeping;
pub mod ledger;
pub mod map;
mod marks;
pub mod outcome;
mod owners;
mod packed;
mod pages;
pub mod paper;
mod placeholder;
pub mod plan;
mod planner;
pub mod preview;
mod readback;
mod remade;
mod shared;
mod throttle;
pub mod told;
pub mod tombstone;
mod whose;
mod words;

pub use again::{Returned, search};
pub use blank::unblankable;
pub use discover::EraseLimits;
pub use engine::{BREAKPOINTS, Decision, Recognised, Run, execute, execute_again, execute_decided};
pub(crate) use error::rows_that;
pub use error::{EraseError, PlanError};
pub use held::{HeldTables, waiting};
pub use holding::Holding;
pub use keeping::{Ends, Keeping, KeptRow, can_begin, ends, plan_past_keeping, trusted};
pub use ledger::{
    Before, Begun, ChunkState, Discovery, Ended, KeyPage, Ledger, LedgerError, StepCounts, StepOutcome, StepState,
};
pub use map::{DataMap, MapDefect, MapError, check};
pub use outcome::{Kept, Line, Outcome};
pub use packed::Packed;
pub use paper::PlanPaper;
pub use plan::{Plan, Skeleton, Target, plan};
pub use preview::{Drift, DriftLimits, People, Preview, drift, preview, preview_with_people};
pub use throttle::{LagError, try_lag};
