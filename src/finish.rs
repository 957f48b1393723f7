//! Work that must not be left half done when nobody waits for it any more.
//!
//! A future is dropped wherever a time-out passes or another branch of a `select!` is faster. Most can be dropped at any
//! point. One that cannot is the BEGIN of a transaction: sqlx 0.9 counts a transaction only when the server has
//! answered, so a connection whose BEGIN was dropped goes back to the pool with the transaction open. The next one who
//! gets it would write into somebody else's transaction, or be told that it is read-only.

use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::runtime::Handle;

/// A future that is finished by the runtime if it is dropped half way; then its output is dropped.
#[derive(Debug)]
#[must_use = "a future does nothing unless it is awaited"]
pub struct Finish<F>(Option<Pin<Box<F>>>)
where
    F: Future + Send + 'static,
    F::Output: Send + 'static;

/// Makes `future` one that is finished once it was begun, whether or not somebody still waits for it.
pub fn finish<F>(future: F) -> Finish<F>
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    Finish(Some(Box::pin(future)))
}

impl<F> Future for Finish<F>
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let Some(future) = &mut self.0 else { return Poll::Pending };
        let polled = future.as_mut().poll(context);
        if polled.is_ready() {
            self.0 = None;
        }
        polled
    }
}

impl<F> Drop for Finish<F>
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    fn drop(&mut self) {
        // Outside a runtime nothing can go on, and no pool is used any more either.
        if let (Some(future), Ok(runtime)) = (self.0.take(), Handle::try_current()) {
            drop(runtime.spawn(future));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use tokio::sync::Notify;
    use tokio::time::timeout;

    use super::*;

    #[tokio::test]
    async fn what_was_dropped_half_way_is_finished() {
        let (go, done) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        let (wait, tell) = (Arc::clone(&go), Arc::clone(&done));
        let work = finish(async move {
            wait.notified().await;
            tell.notify_one();
        });
        assert!(timeout(Duration::from_millis(1), work).await.is_err(), "it waits to be let go");
        go.notify_one();
        timeout(Duration::from_secs(10), done.notified()).await.expect("it went on alone");
    }

    #[tokio::test]
    async fn what_is_awaited_gives_its_output() {
        assert_eq!(finish(async { 7 }).await, 7);
    }
}
