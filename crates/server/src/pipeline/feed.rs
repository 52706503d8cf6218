//! The short way from ingestion to the first stage: durable records go on in memory, already parsed.
//!
//! The feed may drop what it has no room for: it remembers up to where, and the inlet reads that from the log.

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded};
use whittle_domain::{Arrival, RawBatch};

/// Bodies that may wait; the bound in bytes is the one that counts, this one bounds small bodies.
const ROOM: usize = 8192;

/// The bounds of a feed.
#[derive(Debug, Clone, Copy)]
pub struct FeedLimits {
    /// Bytes of bodies that wait in memory.
    pub bytes: usize,
    /// Records that may wait for the history, beyond which ingestion refuses.
    pub lag_records: u64,
}

/// The records of one durable body.
#[derive(Debug)]
pub struct Fed {
    /// The records.
    pub raw: RawBatch,
    /// Where and when they arrived.
    pub arrival: Arrival,
}

impl Fed {
    /// The offset after the last record.
    pub fn end(&self) -> u64 {
        self.arrival.base_offset + self.raw.rows().len() as u64
    }
}

/// Between the bus's completions and the first stage. Shared by both.
pub struct Feed {
    sender: Sender<Fed>,
    receiver: Receiver<Fed>,
    bytes: AtomicUsize,
    limits: FeedLimits,
    /// For each partition: everything below is in the log, and parts of it were not fed.
    dropped_below: Vec<AtomicU64>,
    appended: AtomicU64,
    stored: AtomicU64,
    dead: AtomicU64,
    lost: AtomicU64,
    /// Records that went into the topic before the history, and that came out of it, since it was made or opened.
    queued: AtomicU64,
    dequeued: AtomicU64,
    closed: AtomicBool,
}

impl Feed {
    /// A feed for a log that ends at `ends`, of which the history holds what is below `held` (by partition). What lies
    /// between counts as dropped: it is read from the log.
    pub fn new(ends: &[u64], held: &[u64], limits: FeedLimits) -> Self {
        let (sender, receiver) = bounded(ROOM);
        Feed {
            sender,
            receiver,
            bytes: AtomicUsize::new(0),
            limits,
            dropped_below: ends.iter().map(|end| AtomicU64::new(*end)).collect(),
            appended: AtomicU64::new(ends.iter().sum()),
            stored: AtomicU64::new(held.iter().sum()),
            dead: AtomicU64::new(0),
            lost: AtomicU64::new(0),
            queued: AtomicU64::new(0),
            dequeued: AtomicU64::new(0),
            closed: AtomicBool::new(false),
        }
    }

    /// Hands over durable records. Never waits. Called in the order of the offsets.
    pub fn offer(&self, raw: RawBatch, arrival: Arrival) {
        self.appended.fetch_add(raw.rows().len() as u64, Ordering::Relaxed);
        let size = raw.memory();
        let fed = Fed { raw, arrival };
        let (partition, end) = (arrival.partition as usize, fed.end());
        let held = self.bytes.fetch_add(size, Ordering::Relaxed);
        let room = held == 0 || held + size <= self.limits.bytes;
        if !room || self.sender.try_send(fed).is_err() {
            self.bytes.fetch_sub(size, Ordering::Relaxed);
            self.dropped(partition, end);
        }
    }

    /// What lies below `end` in a partition has to be read from the log, unless it was given already.
    pub fn dropped(&self, partition: usize, end: u64) {
        if let Some(below) = self.dropped_below.get(partition) {
            below.fetch_max(end, Ordering::Release);
        }
    }

    /// The next records, if there are any at once.
    pub fn try_take(&self) -> Option<Fed> {
        self.receiver.try_recv().ok().inspect(|fed| self.taken(fed))
    }

    /// The next records within some time.
    pub fn take(&self, timeout: Duration) -> Option<Fed> {
        match self.receiver.recv_timeout(timeout) {
            Ok(fed) => {
                self.taken(&fed);
                Some(fed)
            }
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => None,
        }
    }

    fn taken(&self, fed: &Fed) {
        self.bytes.fetch_sub(fed.raw.memory(), Ordering::Relaxed);
    }

    /// For a partition: everything below this is in the log and may not have been fed.
    pub fn dropped_below(&self, partition: usize) -> u64 {
        self.dropped_below.get(partition).map_or(0, |below| below.load(Ordering::Acquire))
    }

    /// How many partitions there are.
    pub fn partitions(&self) -> usize {
        self.dropped_below.len()
    }

    /// The history took in records.
    pub fn stored(&self, records: u64) {
        self.stored.fetch_add(records, Ordering::Relaxed);
    }

    /// Records went to the dead letters.
    pub fn dead(&self, records: u64) {
        self.dead.fetch_add(records, Ordering::Relaxed);
    }

    /// Records are not in the log any more, by damage or by retention, and no stage has seen them.
    pub fn lost(&self, records: u64) {
        self.lost.fetch_add(records, Ordering::Relaxed);
    }

    /// Records went into the topic that stands before the history, where there is one: for the stages before it they count
    /// as stored.
    pub fn queued(&self, records: u64) {
        self.queued.fetch_add(records, Ordering::Relaxed);
    }

    /// Records came out of that topic: the history has them.
    pub fn dequeued(&self, records: u64) {
        self.dequeued.fetch_add(records, Ordering::Relaxed);
    }

    /// Records in that topic.
    pub fn waiting(&self) -> u64 {
        self.queued_so_far().saturating_sub(self.dequeued_so_far())
    }

    /// All records that ever went into that topic, as far as this process knows.
    pub fn queued_so_far(&self) -> u64 {
        self.queued.load(Ordering::Relaxed)
    }

    /// All records that came out of it.
    pub fn dequeued_so_far(&self) -> u64 {
        self.dequeued.load(Ordering::Relaxed)
    }

    /// Records that nothing waits for any more: stored, dead or lost, by this process or stored by those before it.
    pub fn done(&self) -> u64 {
        [&self.stored, &self.dead, &self.lost].iter().map(|count| count.load(Ordering::Relaxed)).sum()
    }

    /// Durable records that the history does not show yet.
    pub fn lag(&self) -> u64 {
        self.appended.load(Ordering::Relaxed).saturating_sub(self.done()) + self.waiting()
    }

    /// Whether so much waits for the history that ingestion has to refuse.
    pub fn is_behind(&self) -> bool {
        self.lag() > self.limits.lag_records
    }

    /// Ends the pipeline behind this feed. What still waits is in the log and is read at the next start.
    pub fn close(&self) {
        self.closed.store(true, Ordering::Release);
    }

    /// Whether [`Feed::close`] was called.
    pub fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Acquire)
    }
}
