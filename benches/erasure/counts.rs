//! Counts the statements that are sent to any database: those of the stores and of the ledger, from what their driver tells.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use tracing::field::{Field, Visit};
use tracing::{Event, Metadata, Subscriber, span};

static STATEMENTS: AtomicU64 = AtomicU64::new(0);
static WRITES: AtomicU64 = AtomicU64::new(0);

/// What was sent since the last time.
#[derive(Clone, Copy, Default)]
pub struct Sent {
    /// Statements, without the BEGIN and COMMIT around them.
    pub statements: u64,
    /// Transactions of the ledger under the lease of the job that erases.
    pub writes: u64,
}

pub fn take() -> Sent {
    Sent { statements: STATEMENTS.swap(0, Relaxed), writes: WRITES.swap(0, Relaxed) }
}

/// Begins to count, for as long as the process lives.
pub fn begin() -> anyhow::Result<()> {
    Ok(tracing::subscriber::set_global_default(Counting)?)
}

struct Counting;

impl Subscriber for Counting {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target() == "sqlx::query"
    }

    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}

    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}

    fn event(&self, event: &Event<'_>) {
        event.record(&mut Summary);
    }

    fn enter(&self, _: &span::Id) {}

    fn exit(&self, _: &span::Id) {}
}

/// Each transaction of the ledger under a lease begins by confirming it.
struct Summary;

impl Visit for Summary {
    fn record_debug(&mut self, _: &Field, _: &dyn fmt::Debug) {}

    fn record_str(&mut self, field: &Field, value: &str) {
        // MariaDB's driver tells of these too.
        if field.name() != "summary"
            || ["START TRANSACTION", "COMMIT", "ROLLBACK"].iter().any(|of| value.starts_with(of))
        {
            return;
        }
        STATEMENTS.fetch_add(1, Relaxed);
        if value.starts_with("UPDATE jobs SET lease_until") {
            WRITES.fetch_add(1, Relaxed);
        }
    }
}
