//! The notices that wait for one sink: due first, oldest of these first, and never two of one key out of order.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;

use crate::alerting::metrics::SinkMetrics;
use crate::alerting::outbox::{Key, Pending};

/// A queue with a bound. Notices of one key form a chain, of which only the first is due.
pub(crate) struct SinkQueue {
    inner: Mutex<Inner>,
    wake: Notify,
    limit: usize,
    pub(super) metrics: SinkMetrics,
}

#[derive(Default)]
struct Inner {
    chains: HashMap<Key, VecDeque<Waiting>>,
    /// First ones of their chains, by when they are due.
    due: BTreeSet<(Instant, u64)>,
    /// The same, by age.
    heads: BTreeMap<u64, (Instant, Key)>,
    /// When each notice that is not settled was taken.
    unsettled: BTreeMap<u64, i64>,
    /// Failures of the sink in a row.
    failures: u32,
    paused_until: Option<Instant>,
}

#[derive(Clone)]
struct Waiting {
    pending: Arc<Pending>,
    failures: u32,
    due: Instant,
}

/// A notice that is being delivered.
#[derive(Clone)]
pub(super) struct Attempt {
    pub pending: Arc<Pending>,
    /// Failures so far.
    pub failures: u32,
}

impl SinkQueue {
    /// An empty queue for `limit` notices.
    pub(crate) fn new(limit: usize, metrics: SinkMetrics) -> Self {
        SinkQueue { inner: Mutex::default(), wake: Notify::new(), limit, metrics }
    }

    /// Adds a notice; when there are too many, the oldest that is not being delivered leaves.
    pub(crate) fn push(&self, pending: Arc<Pending>) -> Option<Arc<Pending>> {
        let displaced = {
            let mut inner = self.lock();
            if inner.unsettled.len() >= self.limit { inner.displace() } else { None }
        };
        self.push_beyond(pending);
        displaced
    }

    /// Adds a notice whatever the bound.
    pub(crate) fn push_beyond(&self, pending: Arc<Pending>) {
        let mut inner = self.lock();
        inner.unsettled.insert(pending.seq, pending.at);
        let waiting = Waiting { failures: 0, due: Instant::now(), pending };
        let chain = inner.chains.entry(waiting.pending.key).or_default();
        chain.push_back(waiting.clone());
        if chain.len() == 1 {
            inner.schedule(&waiting);
        }
        self.measure(inner);
        self.wake.notify_one();
    }

    /// A notice is delivered or given up.
    pub(crate) fn settled(&self, seq: u64, dead: bool) {
        let mut inner = self.lock();
        inner.unsettled.remove(&seq);
        self.measure(inner);
        if dead {
            self.metrics.dead.inc();
        } else {
            self.metrics.delivered.inc();
        }
    }

    /// Waits for the next notice that is due.
    pub(super) async fn next(&self) -> Attempt {
        loop {
            // Made before the look, so that what is pushed in between is not missed.
            let woken = self.wake.notified();
            let until = match self.lock().take(Instant::now()) {
                Ok(attempt) => return attempt,
                Err(until) => until,
            };
            match until {
                Some(until) => {
                    let _ = tokio::time::timeout_at(until, woken).await;
                }
                None => woken.await,
            }
        }
    }

    /// A delivery went well; says whether the ones before had failed.
    pub(super) fn succeeded(&self, attempt: &Attempt) -> bool {
        let mut inner = self.lock();
        let recovered = inner.failures > 0;
        (inner.failures, inner.paused_until) = (0, None);
        inner.finish(attempt);
        drop(inner);
        self.wake.notify_one();
        recovered
    }

    /// The notice will not be tried again.
    pub(super) fn gave_up(&self, attempt: &Attempt) {
        self.lock().finish(attempt);
        self.metrics.failed.inc();
        self.wake.notify_one();
    }

    /// Counts a failure; says how many there were in a row.
    pub(super) fn failed(&self) -> u32 {
        let mut inner = self.lock();
        inner.failures += 1;
        inner.failures
    }

    /// The notice is due again after `wait`; nothing is tried at this sink before `pause` is over.
    pub(super) fn again(&self, attempt: &Attempt, wait: Duration, pause: Duration) {
        let now = Instant::now();
        let mut inner = self.lock();
        inner.paused_until = inner.paused_until.max(Some(now + pause));
        let Some(first) = inner.chains.get_mut(&attempt.pending.key).and_then(VecDeque::front_mut) else { return };
        first.failures += 1;
        first.due = now + wait;
        let first = first.clone();
        inner.schedule(&first);
        drop(inner);
        self.metrics.failed.inc();
        self.wake.notify_one();
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn measure(&self, inner: MutexGuard<'_, Inner>) {
        let oldest = inner.unsettled.first_key_value().map(|(_, at)| *at);
        self.metrics.waiting(inner.unsettled.len(), oldest);
    }
}

impl Inner {
    /// Takes the next one, or says when to look again; the others of its key wait until it is finished.
    fn take(&mut self, now: Instant) -> Result<Attempt, Option<Instant>> {
        if let Some(until) = self.paused_until.filter(|&until| until > now) {
            return Err(Some(until));
        }
        let Some(&(due, seq)) = self.due.first() else { return Err(None) };
        if due > now {
            return Err(Some(due));
        }
        let key = self.unschedule(due, seq);
        let first = key.and_then(|key| self.chains.get(&key)).and_then(VecDeque::front);
        let attempt = first.map(|first| Attempt { pending: first.pending.clone(), failures: first.failures });
        attempt.ok_or(Some(now))
    }

    /// The first of a chain is done: the second one's turn.
    fn finish(&mut self, attempt: &Attempt) {
        let key = attempt.pending.key;
        let Some(chain) = self.chains.get_mut(&key) else { return };
        chain.pop_front();
        match chain.front().cloned() {
            Some(next) => self.schedule(&next),
            None => {
                self.chains.remove(&key);
            }
        }
    }

    fn displace(&mut self) -> Option<Arc<Pending>> {
        let (&seq, &(due, key)) = self.heads.first_key_value()?;
        self.unschedule(due, seq);
        let pending = self.chains.get(&key)?.front()?.pending.clone();
        self.finish(&Attempt { pending: pending.clone(), failures: 0 });
        Some(pending)
    }

    fn schedule(&mut self, waiting: &Waiting) {
        let (seq, key) = (waiting.pending.seq, waiting.pending.key);
        self.due.insert((waiting.due, seq));
        self.heads.insert(seq, (waiting.due, key));
    }

    fn unschedule(&mut self, due: Instant, seq: u64) -> Option<Key> {
        self.due.remove(&(due, seq));
        self.heads.remove(&seq).map(|(_, key)| key)
    }
}
