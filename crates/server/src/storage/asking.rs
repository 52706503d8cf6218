//! Running a question: off the threads that serve connections, within a budget, as long as someone waits.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};
use whittle_history::{Budget, QueryError, Reader};

use super::Storage;
use crate::http::Refusal;
use crate::pipeline::Feed;

/// How long a question waits for its turn.
const TURN: Duration = Duration::from_secs(20);

/// How far the history has come with what was acknowledged before the start.
#[derive(Clone)]
pub struct Replay {
    feed: Arc<Feed>,
    from: u64,
    to: u64,
    /// Where a topic stands before the history: what had to come out of it once the stages before it were done.
    queued: Arc<OnceLock<u64>>,
}

impl Replay {
    /// A replay of what the log held at the start (`ends`) beyond what the history did (`held`), both by partition.
    pub fn new(feed: Arc<Feed>, held: &[u64], ends: &[u64]) -> Self {
        Replay { feed, from: held.iter().sum(), to: ends.iter().sum(), queued: Arc::default() }
    }

    /// Says how far it is; `None` when everything is visible. Records that the log has lost and those that went to the
    /// dead letters count as done.
    pub fn progress(&self) -> Option<String> {
        let reached = self.feed.done();
        if reached < self.to {
            let (done, all) = (reached.saturating_sub(self.from), self.to - self.from);
            return Some(format!("{done} of {all} records from before the start can be found so far"));
        }
        let queued = *self.queued.get_or_init(|| self.feed.queued_so_far());
        let waiting = queued.saturating_sub(self.feed.dequeued_so_far());
        (waiting > 0).then(|| format!("{waiting} records from before the start wait for the database"))
    }
}

/// Cancels the question when the request that asked it is dropped.
struct CancelOnDrop(Budget);

impl Drop for CancelOnDrop {
    fn drop(&mut self) {
        self.0.cancel();
    }
}

/// One budget for a question of several parts: each part has what those before it left.
pub(super) struct Parts<'a> {
    budget: &'a Budget,
    start: Duration,
}

impl<'a> Parts<'a> {
    /// A question that begins now, on this thread.
    pub(super) fn of(budget: &'a Budget) -> Self {
        Parts { budget, start: thread_time() }
    }

    /// What is left; cancelled together with the whole.
    pub(super) fn rest(&self) -> Budget {
        let mut rest = self.budget.clone();
        rest.cpu = rest.cpu.saturating_sub(thread_time().saturating_sub(self.start));
        rest
    }
}

/// CPU time of this thread, by which budgets go.
fn thread_time() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec.unsigned_abs(), u32::try_from(time.tv_nsec).unwrap_or(0))
}

impl Storage {
    /// Why the history cannot be asked now.
    pub fn not_ready(&self) -> Option<String> {
        self.replay.progress()
    }

    /// Why the service cannot do its work now.
    pub fn readiness(&self) -> Option<String> {
        self.not_ready().or_else(|| self.reader.unavailable())
    }

    /// Asks the history.
    ///
    /// # Errors
    /// 503 while it replays, cannot be read, or has too much to do.
    pub(super) async fn ask<T: Send + 'static>(
        self: &Arc<Self>,
        question: impl FnOnce(&dyn Reader, &Budget) -> Result<T, QueryError> + Send + 'static,
    ) -> Result<T, Refusal> {
        if let Some(progress) = self.not_ready() {
            return Err(Refusal::replaying(progress));
        }
        let busy = || Refusal::history_unavailable("too many questions at once; ask again in a moment");
        let slot = tokio::time::timeout(TURN, self.slots.clone().acquire_owned()).await;
        let slot = slot.map_err(|_| busy())?.map_err(|_| busy())?;
        let budget = Budget::default();
        let guard = CancelOnDrop(budget.clone());
        let reader = self.reader.clone();
        let work = move || {
            // Held until the question has ended, not just until nobody waits for it any more.
            let _slot = slot;
            question(&*reader, &budget)
        };
        let answer = tokio::task::spawn_blocking(work).await;
        drop(guard);
        match answer {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(error)) => Err(Refusal::history_unavailable(error.to_string())),
            Err(_) => Err(Refusal::history_unavailable("the question could not be answered")),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Barrier;

    use super::super::AT_ONCE;
    use super::super::testing::{Rows, storage_over};
    use super::*;
    use crate::pipeline::FeedLimits;

    #[test]
    fn a_replay_tells_how_far_it_is_until_it_is_over() {
        let limits = FeedLimits { bytes: 1, lag_records: 1 };
        let feed = Arc::new(Feed::new(&[20], &[5], limits));
        let replay = Replay::new(feed.clone(), &[5], &[20]);
        let told = |done: u64| Some(format!("{done} of 15 records from before the start can be found so far"));
        assert_eq!(replay.progress(), told(0));
        feed.stored(10);
        assert_eq!(replay.progress(), told(10));
        feed.stored(5);
        feed.queued(8);
        feed.dequeued(6);
        assert_eq!(replay.progress().as_deref(), Some("2 records from before the start wait for the database"));
        feed.queued(1);
        feed.dequeued(2);
        assert_eq!(replay.progress(), None, "what came after the start is not waited for");
    }

    #[test]
    fn parts_share_one_budget_and_one_end() {
        let whole = Budget::new(Duration::from_millis(50), 1);
        let parts = Parts::of(&whole);
        let rest = parts.rest();
        assert!(rest.cpu <= whole.cpu && !rest.is_cancelled());
        let spent = thread_time() + Duration::from_millis(60);
        while thread_time() < spent {
            std::hint::black_box(0);
        }
        assert_eq!(parts.rest().cpu, Duration::ZERO);
        whole.cancel();
        assert!(rest.is_cancelled());
    }

    #[tokio::test]
    async fn a_question_that_nobody_waits_for_keeps_its_turn_until_it_ends() {
        let storage = storage_over(Arc::new(Rows::default()));
        let (started, ended) = (Arc::new(Barrier::new(2)), Arc::new(Barrier::new(2)));
        let (at_start, at_end) = (started.clone(), ended.clone());
        let asked = storage.clone();
        let asking = tokio::spawn(async move {
            let question = move |_: &dyn Reader, budget: &Budget| {
                at_start.wait();
                at_end.wait();
                Ok(budget.is_cancelled())
            };
            asked.ask(question).await
        });
        tokio::task::spawn_blocking(move || started.wait()).await.expect("the question runs");
        asking.abort();
        assert!(asking.await.expect_err("nobody waits any more").is_cancelled());
        assert_eq!(storage.slots.available_permits(), AT_ONCE - 1, "its thread still works");
        tokio::task::spawn_blocking(move || ended.wait()).await.expect("the question goes on");
        let free = storage.slots.acquire_many(AT_ONCE as u32);
        drop(tokio::time::timeout(Duration::from_secs(20), free).await.expect("it ends").expect("turns stay open"));
    }
}
