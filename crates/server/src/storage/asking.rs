//! Running a question: off the threads that serve connections, within a budget, as long as someone waits.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use whittle_history::{Budget, Positions, QueryError, Reader};

use super::Storage;
use crate::http::Refusal;

/// How long a question waits for its turn.
const TURN: Duration = Duration::from_secs(20);

/// How far the history has come with what was acknowledged before the start.
#[derive(Debug, Clone, Default)]
pub struct Replay(Arc<ReplayState>);

#[derive(Debug, Default)]
struct ReplayState {
    target: Vec<u64>,
    from: u64,
    reached: AtomicU64,
}

impl Replay {
    /// A replay from what the history holds (`held`) to where the log ended at the start (`ends`), both by partition.
    pub fn new(held: &[u64], ends: &[u64]) -> Self {
        let from = held.iter().sum();
        Replay(Arc::new(ReplayState { target: ends.to_vec(), from, reached: AtomicU64::new(from) }))
    }

    /// Says how far it is; `None` when everything is visible.
    pub fn progress(&self, head: &Positions) -> Option<String> {
        let total: u64 = self.0.target.iter().sum();
        if self.0.reached.load(Ordering::Relaxed) >= total {
            return None;
        }
        let at = |partition: usize| head.get(&(partition as u32)).copied().unwrap_or(0);
        // A partition that is further than its target must not make up for one that is not there yet.
        let reached = self.0.target.iter().enumerate().map(|(p, target)| at(p).min(*target)).sum();
        self.0.reached.store(reached, Ordering::Relaxed);
        (reached < total).then(|| {
            let (done, all) = (reached.saturating_sub(self.0.from), total.saturating_sub(self.0.from));
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
        self.replay.progress(&self.reader.head())
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

    #[test]
    fn a_replay_ends_only_when_each_partition_is_there() {
        let replay = Replay::new(&[10, 0], &[20, 5]);
        let head = |a, b| Positions::from([(0, a), (1, b)]);
        assert_eq!(
            replay.progress(&head(10, 0)).as_deref(),
            Some("0 of 15 records from before the start can be found so far")
        );
        assert!(replay.progress(&head(40, 4)).is_some());
        assert_eq!(replay.progress(&head(20, 5)), None);
        assert_eq!(replay.progress(&head(0, 0)), None, "what was once visible stays so");
    }

    #[test]
    fn nothing_to_replay_is_ready_at_once() {
        assert_eq!(Replay::new(&[3], &[3]).progress(&Positions::new()), None);
    }
}
