//! Running a question: off the threads that serve connections, within a budget, as long as someone waits.

use std::sync::Arc;
use std::time::Duration;

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
}

impl Replay {
    /// A replay of what the log held at the start (`ends`) beyond what the history did (`held`), both by partition.
    pub fn new(feed: Arc<Feed>, held: &[u64], ends: &[u64]) -> Self {
        Replay { feed, from: held.iter().sum(), to: ends.iter().sum() }
    }

    /// Says how far it is; `None` when everything is visible. Records that the log has lost and those that went to the
    /// dead letters count as done.
    pub fn progress(&self) -> Option<String> {
        let reached = self.feed.done();
        (reached < self.to).then(|| {
            let (done, all) = (reached.saturating_sub(self.from), self.to - self.from);
            format!("{done} of {all} records from before the start can be found so far")
        })
    }
}

/// Cancels the question when the request that asked it is dropped.
struct CancelOnDrop(Budget);

impl Drop for CancelOnDrop {
    fn drop(&mut self) {
        self.0.cancel();
    }
}

impl Storage {
    /// Why the history cannot be asked now.
    pub fn not_ready(&self) -> Option<String> {
        self.replay.progress()
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
        let slot = tokio::time::timeout(TURN, self.slots.acquire()).await;
        let _slot = slot.map_err(|_| busy())?.map_err(|_| busy())?;
        let budget = Budget::default();
        let guard = CancelOnDrop(budget.clone());
        let reader = self.reader.clone();
        let answer = tokio::task::spawn_blocking(move || question(&*reader, &budget)).await;
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
        assert_eq!(replay.progress(), None);
    }
}
