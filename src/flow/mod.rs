//! Joins the stages: load, ask the outside world, let a pure stage decide, then write facts, trail and jobs at once.
//!
//! This room exists so that the stages stay free of our database and of each other. Each file here does one kind of
//! job. The rule that all of them keep: questions to the outside come before the transaction, effects on the outside
//! after it, and between two of them stands a [`breakpoint`](crate::breakpoint) at which a test kills the process.
//!
//! ```text
//! arrive ─► judge (weigh) ─► open ─► identify ─► challenge … answer ─► (advance: apply + trail + jobs) ─► begin ─► erase
//!                                               outbox sends what advance wrote; forget ends it
//! ```
//!
//! # How to add a kind of job
//! A name in `kinds`, a file with its work, an arm in [`desk`].

mod accepted;
mod admit;
mod advance;
pub mod again;
pub mod agree;
mod answer;
pub mod arrive;
mod ask;
mod begin;
pub mod behind;
pub mod canary;
mod challenge;
mod clocks;
mod completion;
pub mod desk;
pub mod doctor;
mod erase;
mod error;
mod expunge;
mod facts;
mod flood;
mod forget;
pub mod gone;
mod heard;
pub mod house;
mod identify;
mod judge;
pub mod kinds;
mod ledger;
pub mod legal;
mod letter;
pub mod named;
mod note;
pub mod observe;
mod open;
pub mod operate;
pub mod our_mx;
mod ours;
pub mod outbox;
pub mod page;
mod pause;
pub mod paused;
mod promise;
pub mod recipients;
pub mod retention;
pub mod retry;
pub mod reveal;
mod safe;
pub mod sent;
mod several;
pub mod sighted;
mod standing;
pub mod stopped;
pub mod successor;
mod suppress;
pub mod termination;
mod thread;
pub mod tidy;
mod undelivered;
mod unheard;
pub mod verbs;
mod wake;
mod weigh;
mod whom;
pub mod whose;
mod wish;

use serde::de::DeserializeOwned;

use crate::db::jobs;
use crate::domain::RequestId;
use crate::queue::Lease;

pub use error::{FlowError, chain};
pub use house::House;

/// What a job was enqueued with.
fn payload<T: DeserializeOwned>(lease: &Lease) -> Result<T, FlowError> {
    serde_json::from_value(lease.job().payload.clone())
        .map_err(|_| FlowError::Broken("a job's payload of another shape"))
}

fn request_of(lease: &Lease) -> Result<RequestId, FlowError> {
    lease.job().request.ok_or(FlowError::Missing("the request of a job"))
}

/// Settles a job that had nothing to do any more.
async fn complete(house: &House, lease: &Lease) -> Result<(), FlowError> {
    let mut tx = house.db.write().await?;
    jobs::complete_in(&mut tx, lease).await?;
    tx.commit().await?;
    Ok(())
}
