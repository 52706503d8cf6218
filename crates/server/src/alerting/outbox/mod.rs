//! Notifications on disk until they are delivered: at least once, each with a key by which a receiver can drop doubles.
//!
//! ```text
//! offer ──► ledger (memory, the truth) ──► writer: append, sync ──► one queue a sink ──► delivery ──► settle ──┐
//!               ▲                                                                                              │
//!               └──────────────────────────────────────────────────────────────────────────────────────────────┘
//! ```
//!
//! A notice is handed to the sinks once it is on disk. Where the disk does not take it (it may be what the alert is
//! about), it is delivered all the same; the file is then written anew from memory as soon as that works, and until then
//! [`OutboxHandle::flush`] fails, so that no checkpoint is taken above a notice that a crash would lose.

mod journal;
mod ledger;
mod record;
#[cfg(test)]
mod tests;
mod writer;

use std::collections::VecDeque;
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;
use whittle_disk::Disk;
use whittle_domain::alerts::Notice;

use super::delivery::{self, SinkQueue};
use super::{AlertMetrics, Clock, Sink};
use crate::http::retry::Backoff;
pub use ledger::{DeadNotice, Offer};
pub(crate) use ledger::{Key, Pending};
use ledger::{Ledger, Snapshot};
use record::{Record, VERSION};
use writer::Writer;

/// Bytes that may wait to be appended; beyond, the file is written anew from memory instead.
const MAX_UNWRITTEN: usize = 8 << 20;
/// Notices that may wait for one sink; beyond, the oldest is given up.
const MAX_WAITING: usize = 20_000;
const TOO_MANY: &str = "too many notifications waited for this sink";
/// Time for deliveries under way to end after the stop.
const DRAIN: Duration = Duration::from_secs(5);

/// Why the outbox cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum OutboxError {
    /// The file belongs to a newer program: run that one.
    #[error("the alert outbox in {0} has format {1}, this program knows {VERSION}; run the newer version of whittle")]
    Newer(String, u32),
    /// The file system failed.
    #[error("the alert outbox in {0} cannot be opened: {1}; check the disk and the folder's permissions")]
    Open(String, std::io::Error),
    /// Try again later: a notice is not on disk yet.
    #[error("notifications are not on disk yet: {0}")]
    Unwritten(String),
}

/// How deliveries, and writes to a disk that failed, are tried again.
#[derive(Debug, Clone, Copy)]
pub struct DeliveryPolicy {
    /// Waits of a notice, and of a sink, after failures in a row.
    pub backoff: Backoff,
    /// Age at which a notice that failed again is given up.
    pub give_up: Duration,
    /// Notices that may wait for one sink; beyond, the oldest is given up.
    pub waiting: usize,
    /// Time between tries to write to a disk that failed.
    pub disk_retry: Duration,
}

impl DeliveryPolicy {
    /// A second to five minutes between tries, for so many hours.
    pub fn new(give_up_hours: u64) -> Self {
        let backoff = Backoff { base: Duration::from_secs(1), most: Duration::from_secs(300) };
        let give_up = Duration::from_secs(give_up_hours.saturating_mul(3_600));
        DeliveryPolicy { backoff, give_up, waiting: MAX_WAITING, disk_retry: Duration::from_secs(1) }
    }
}

/// The outbox, opened but not running.
pub struct Outbox {
    shared: Arc<Shared>,
    writer: Writer,
    sinks: Vec<Arc<Sink>>,
}

/// Gives notices to an outbox. Cheap to clone.
#[derive(Clone)]
pub struct OutboxHandle {
    shared: Arc<Shared>,
}

/// What the writer, the deliveries and the handles share.
pub(crate) struct Shared {
    state: Mutex<State>,
    /// There is something to write, or the end has come.
    work: Condvar,
    /// Something was written, or could not be.
    written: Condvar,
    queues: Vec<SinkQueue>,
    names: Vec<Arc<str>>,
    clock: Clock,
    pub(crate) policy: DeliveryPolicy,
}

struct State {
    ledger: Ledger,
    unwritten: Vec<u8>,
    /// Taken, not yet handed to the sinks; no more than may wait for one of them.
    fresh: VecDeque<Arc<Pending>>,
    /// Changes so far, and how many of them are on disk.
    changes: u64,
    durable: u64,
    /// The file must be written anew, not before this time.
    rewrite: Option<Instant>,
    trouble: Option<String>,
    end: Option<End>,
}

/// How the outbox ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    /// What waits to be written is written first.
    Flush,
    /// At once: the owner was dropped.
    Now,
}

impl Outbox {
    /// Opens the outbox in a folder, which is made when missing. Nothing runs yet.
    ///
    /// # Errors
    /// [`OutboxError::Newer`] and [`OutboxError::Open`].
    pub fn open(
        disk: Arc<dyn Disk>,
        dir: &Path,
        sinks: Vec<Sink>,
        policy: DeliveryPolicy,
        metrics: &AlertMetrics,
        clock: Clock,
    ) -> Result<Self, OutboxError> {
        let shown = dir.display().to_string();
        let (journal, found) =
            journal::Journal::open(disk, dir).map_err(|error| OutboxError::Open(shown.clone(), error))?;
        if found.damaged > 0 {
            tracing::error!(frames = found.damaged, "the alert outbox has damaged records; notifications may be lost");
        }
        let mut ledger = Ledger::default();
        let rewrite = found.damaged > 0 || found.records.is_empty();
        for (record, bytes) in found.records {
            match record {
                Record::Format(version) if version > VERSION => return Err(OutboxError::Newer(shown, version)),
                record => ledger.apply(record, bytes),
            }
        }
        let names: Vec<Arc<str>> = sinks.iter().map(|sink| Arc::from(sink.name())).collect();
        let queue = |name: &Arc<str>| SinkQueue::new(policy.waiting, metrics.sink(name));
        let shared = Shared {
            queues: names.iter().map(queue).collect(),
            state: Mutex::new(State::new(ledger, rewrite.then(Instant::now))),
            work: Condvar::new(),
            written: Condvar::new(),
            names,
            clock,
            policy,
        };
        shared.drop_orphans();
        shared.requeue();
        let shared = Arc::new(shared);
        let writer = Writer::new(shared.clone(), journal);
        Ok(Outbox { shared, writer, sinks: sinks.into_iter().map(Arc::new).collect() })
    }

    /// Where notices are given in.
    pub fn handle(&self) -> OutboxHandle {
        OutboxHandle { shared: self.shared.clone() }
    }

    /// Writes and delivers until `stop`; then deliveries under way have a few seconds, and what is left stays on disk.
    ///
    /// To be stopped after whoever offers notices. Dropping the future ends the outbox as a crash would.
    ///
    /// # Errors
    /// The thread that writes cannot be started.
    pub async fn run(self, stop: CancellationToken) -> std::io::Result<()> {
        let ending = EndOnDrop(self.shared.clone());
        let (done, ended) = tokio::sync::oneshot::channel();
        let writer = self.writer;
        std::thread::Builder::new().name("alert-outbox".into()).spawn(move || {
            writer.run();
            let _ = done.send(());
        })?;
        delivery::run(&self.shared, &self.sinks, stop, DRAIN).await;
        self.shared.end(End::Flush);
        let _ = ended.await;
        drop(ending);
        Ok(())
    }
}

struct EndOnDrop(Arc<Shared>);

impl Drop for EndOnDrop {
    fn drop(&mut self) {
        self.0.end(End::Now);
    }
}

impl OutboxHandle {
    /// Takes a notice, unless its key and kind were taken before. Never waits for the disk.
    pub fn offer(&self, notice: Notice) -> Offer {
        let at = (self.shared.clock)();
        let mut state = self.shared.lock();
        let State { ledger, unwritten, .. } = &mut *state;
        let (offer, pending) = ledger.offer(notice, &self.shared.names, at, unwritten);
        if offer == Offer::Taken {
            state.fresh.extend(pending);
            state.changed();
            let too_many = state.fresh.len() > self.shared.policy.waiting;
            let displaced = if too_many { state.fresh.pop_front() } else { None };
            drop(state);
            self.shared.work.notify_one();
            if let Some(displaced) = displaced {
                self.shared.displace(&displaced);
            }
        }
        offer
    }

    /// Waits until all that was taken so far is on disk. Blocks its thread, so never one that drives tasks.
    ///
    /// # Errors
    /// [`OutboxError::Unwritten`] when the disk fails, or takes longer than `timeout`.
    pub fn flush(&self, timeout: Duration) -> Result<(), OutboxError> {
        let deadline = Instant::now() + timeout;
        let mut state = self.shared.lock();
        let target = state.changes;
        while state.durable < target {
            if let Some(trouble) = &state.trouble {
                return Err(OutboxError::Unwritten(trouble.clone()));
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                let message = format!("the disk took longer than {} s", timeout.as_secs());
                return Err(OutboxError::Unwritten(message));
            }
            state = self.shared.written.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        Ok(())
    }

    /// Why notices cannot be made durable now; nothing when they can.
    pub fn trouble(&self) -> Option<String> {
        self.shared.lock().trouble.clone()
    }

    /// The newest notices that were given up, oldest first; at most 1,000.
    pub fn dead(&self) -> Vec<DeadNotice> {
        self.shared.lock().ledger.dead().cloned().collect()
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Milliseconds since 1970.
    pub(crate) fn now(&self) -> i64 {
        (self.clock)()
    }

    /// The queue of a sink, by its place.
    pub(crate) fn queue(&self, sink: usize) -> &SinkQueue {
        &self.queues[sink]
    }

    /// Notes that a sink is done with a notice: delivered, or given up for a reason.
    pub(crate) fn settle(&self, sink: usize, pending: &Pending, dead: Option<&str>) {
        let name = &self.names[sink];
        self.queues[sink].settled(pending.seq, dead.is_some());
        if let Some(reason) = dead {
            let notice = &pending.notice;
            tracing::error!(sink = &**name, rule = notice.rule, key = notice.key, reason, "notification given up");
        }
        let at = self.now();
        let mut state = self.lock();
        let State { ledger, unwritten, .. } = &mut *state;
        if ledger.settle(pending.seq, name, at, dead, unwritten) {
            state.changed();
            drop(state);
            self.work.notify_one();
        }
    }

    /// Hands a notice to all sinks. Where one has no room, its oldest notice is given up.
    fn publish(&self, pending: &Arc<Pending>) {
        for (sink, queue) in self.queues.iter().enumerate() {
            if let Some(displaced) = queue.push(pending.clone()) {
                self.settle(sink, &displaced, Some(TOO_MANY));
            }
        }
    }

    /// Gives up a notice that no sink has got yet.
    fn displace(&self, pending: &Pending) {
        for sink in 0..self.queues.len() {
            self.settle(sink, pending, Some(TOO_MANY));
        }
    }

    fn end(&self, end: End) {
        let mut state = self.lock();
        if state.end != Some(End::Now) {
            state.end = Some(end);
        }
        drop(state);
        self.work.notify_all();
    }

    /// Gives up what waits for sinks that the settings no longer name.
    fn drop_orphans(&self) {
        let at = self.now();
        let mut state = self.lock();
        let orphans = state.ledger.orphans(&self.names);
        for (seq, sink) in &orphans {
            let State { ledger, unwritten, .. } = &mut *state;
            ledger.settle(*seq, sink, at, Some("the settings name no such sink any more"), unwritten);
            state.changed();
        }
        if !orphans.is_empty() {
            tracing::warn!(
                notices = orphans.len(),
                "given up: they waited for sinks that are no longer in the settings"
            );
        }
    }

    /// Queues what waited when the file was read.
    fn requeue(&self) {
        for (name, queue) in self.names.iter().zip(&self.queues) {
            let waiting: Vec<_> = self.lock().ledger.waiting(name).cloned().collect();
            for pending in waiting {
                // The bound held when they were taken; a lower one now must not lose them.
                queue.push_beyond(pending);
            }
        }
    }
}

impl State {
    fn new(ledger: Ledger, rewrite: Option<Instant>) -> Self {
        State {
            ledger,
            unwritten: Vec::new(),
            fresh: VecDeque::new(),
            changes: 0,
            durable: 0,
            rewrite,
            trouble: None,
            end: None,
        }
    }

    /// Counts a change. What is to be written anew, or is too much to append, need not be kept for appending.
    fn changed(&mut self) {
        self.changes += 1;
        if self.unwritten.len() > MAX_UNWRITTEN && self.rewrite.is_none() {
            self.rewrite = Some(Instant::now());
        }
        if self.rewrite.is_some() {
            self.unwritten.clear();
        }
    }
}

/// What the writer is to do next.
struct Job {
    frames: Vec<u8>,
    snapshot: Option<Snapshot>,
    fresh: VecDeque<Arc<Pending>>,
    /// Changes that are durable once this is done.
    upto: u64,
}
