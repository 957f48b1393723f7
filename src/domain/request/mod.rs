//! The life of a request: its states, and the one pure function that moves it.
//!
//! [`apply`] takes a request and an event and gives the moved request with its effects, or an [`IllegalTransition`].
//! It does no I/O: effects (send this letter, run that work, wake at this time) become jobs in the transaction that
//! stores the moved request. So a whole life can be tested by feeding events, millions of them, with no server.
//!
//! ```text
//! Received ─► AwaitingConfirmation ─► (AwaitingApproval) ─► Scheduled ─► Erasing ─► (WaitingOnRecipients) ─► Completed
//!    │                │                      │                 │            │                                    │
//!    ├► NotFound      ├► Expired             ├► Refused        ├► Withdrawn └► NeedsReview (drift before a write) └► Reopened ─► Erasing ─► Completed
//!    ├► Forwarded     └► Withdrawn           └► NeedsReview (silence, before the base due date)
//!    └► NeedsReview ─► (put right) ─► Received        any waiting state ─► OnHold ─► back to where it was
//!
//! What came back while it waited: WaitingOnRecipients ─► Reopened ─► (Erasing) ─► WaitingOnRecipients.
//! ```

mod apply;
mod event;
mod state;

pub use apply::{apply, approval_ends, challenge_ends, opened};
pub use event::{Audience, Effect, Event, Wake, Work};
pub use state::{Ask, Hold, IllegalTransition, LookReason, Origin, Policy, Request, ReviewReason, State, Warrant};

#[cfg(test)]
mod walk;
