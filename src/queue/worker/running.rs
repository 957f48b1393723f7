//! The jobs that run right now: tasks, their leases, and how each ended.

use std::collections::HashMap;
use std::sync::Arc;

use tokio::task::{AbortHandle, Id, JoinError, JoinSet};

use super::{Handler, Settled};
use crate::queue::{Held, Lease};

/// How a task ended.
pub(super) enum Ended {
    /// As the handler said.
    Settled(Settled),
    /// The handler panicked and took its lease with it; this is the same one.
    Panicked(Lease),
    /// We stopped it; this is the lease that it had.
    Stopped(Lease),
}

/// Tasks that are aborted when this is dropped, so that none works on unseen.
#[derive(Default)]
pub(super) struct Running {
    tasks: JoinSet<Settled>,
    leases: HashMap<Id, (Held, String, AbortHandle)>,
}

impl Running {
    pub(super) fn len(&self) -> usize {
        self.tasks.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.tasks.is_empty()
    }

    pub(super) fn start(&mut self, lease: Lease, handler: Arc<dyn Handler>) {
        let (held, kind) = (lease.held(), lease.job().kind.clone());
        let task = self.tasks.spawn(async move {
            if lease.job().is_exhausted() { handler.exhausted(lease).await } else { handler.handle(lease).await }
        });
        self.leases.insert(task.id(), (held, kind, task));
    }

    /// The leases to extend.
    pub(super) fn held(&self) -> Vec<Held> {
        self.leases.values().map(|(held, ..)| *held).collect()
    }

    /// Stops the task that works under this lease.
    pub(super) fn stop(&self, lost: Held) {
        for (_, _, task) in self.leases.values().filter(|(held, ..)| *held == lost) {
            task.abort();
        }
    }

    pub(super) fn stop_all(&mut self) {
        self.tasks.abort_all();
    }

    /// Waits until a task ends, and answers all that have; while none runs, it waits for ever. Dropping it loses
    /// nothing.
    pub(super) async fn next(&mut self) -> Vec<Ended> {
        let Some(first) = self.tasks.join_next_with_id().await else { return std::future::pending().await };
        let mut ended = Vec::from_iter(self.ended(first));
        while let Some(another) = self.tasks.try_join_next_with_id() {
            ended.extend(self.ended(another));
        }
        ended
    }

    fn ended(&mut self, outcome: Result<(Id, Settled), JoinError>) -> Option<Ended> {
        let id = match &outcome {
            Ok((id, _)) => *id,
            Err(error) => error.id(),
        };
        let (held, kind, _) = self.leases.remove(&id)?;
        Some(match outcome {
            Ok((_, settled)) => Ended::Settled(settled),
            Err(error) if error.is_panic() => Ended::Panicked(Lease::of_the_fallen(held, kind)),
            Err(_) => Ended::Stopped(Lease::of_the_fallen(held, kind)),
        })
    }
}
