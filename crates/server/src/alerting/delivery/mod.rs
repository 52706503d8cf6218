//! Takes notices out of the outbox to the sinks: a queue and workers of its own for each, so that one that hangs delays
//! nobody else.

mod queue;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::Sink;
use super::outbox::Shared;
use super::sink::DeliveryError;
use queue::Attempt;
pub(super) use queue::SinkQueue;

/// Longest pause of a sink after failures in a row: how late it may be noticed that it is back.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);
/// Tries since the start before a notice may be given up, whatever the clock says.
const LEAST_TRIES: u32 = 3;

/// Delivers until `stop`, then waits up to `drain` for what is under way.
pub(super) async fn run(shared: &Arc<Shared>, sinks: &[Arc<Sink>], stop: CancellationToken, drain: Duration) {
    let mut workers = JoinSet::new();
    for (place, sink) in sinks.iter().enumerate() {
        for _ in 0..sink.workers() {
            let worker = Worker { shared: shared.clone(), sink: sink.clone(), place };
            workers.spawn(worker.run(stop.clone()));
        }
    }
    stop.cancelled().await;
    if tokio::time::timeout(drain, async { while workers.join_next().await.is_some() {} }).await.is_err() {
        tracing::warn!("notifications were still being delivered at the end; they are delivered again after the start");
    }
}

/// One of a sink's deliverers.
struct Worker {
    shared: Arc<Shared>,
    sink: Arc<Sink>,
    place: usize,
}

impl Worker {
    async fn run(self, stop: CancellationToken) {
        loop {
            let attempt = tokio::select! {
                biased;
                () = stop.cancelled() => return,
                attempt = self.queue().next() => attempt,
            };
            match self.sink.deliver(&attempt.pending.notice).await {
                Ok(()) => self.delivered(&attempt),
                Err(error) => self.failed(&attempt, error),
            }
        }
    }

    fn queue(&self) -> &SinkQueue {
        self.shared.queue(self.place)
    }

    fn delivered(&self, attempt: &Attempt) {
        self.shared.settle(self.place, &attempt.pending, None);
        if self.queue().succeeded(attempt) {
            tracing::info!(sink = self.sink.name(), "notifications are delivered again");
        }
    }

    fn failed(&self, attempt: &Attempt, error: DeliveryError) {
        let policy = &self.shared.policy;
        let in_a_row = self.queue().failed();
        if in_a_row == 1 {
            tracing::warn!(sink = self.sink.name(), reason = error.reason, "a notification could not be delivered");
        }
        let age = self.shared.now().saturating_sub(attempt.pending.at);
        let old = u128::try_from(age).is_ok_and(|age| age >= policy.give_up.as_millis());
        if old && attempt.failures + 1 >= LEAST_TRIES {
            self.shared.settle(self.place, &attempt.pending, Some(&error.reason));
            self.queue().gave_up(attempt);
            return;
        }
        let wait = policy.backoff.delay(attempt.failures + 1, fastrand::f64());
        let pause = policy.backoff.delay(in_a_row, fastrand::f64()).min(LONGEST_PAUSE);
        let asked = error.retry_after.unwrap_or_default();
        self.queue().again(attempt, wait.max(asked), pause.max(asked));
    }
}
