//! What can be set on the embedded bus, with defaults for one machine.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The settings of a [`SegmentBus`](crate::SegmentBus).
#[derive(Debug, Clone)]
pub struct Settings {
    /// Bytes after which a segment is full. An entry that is larger has a segment to itself.
    pub segment_bytes: u64,
    /// Bytes written with one call and made durable with one sync.
    pub batch_bytes: usize,
    /// Bytes that an entry may have: key, headers and body.
    pub entry_bytes: usize,
    /// Bytes that may wait to be written; a single larger entry is taken when nothing else waits.
    pub queue_bytes: usize,
    /// Entries that may wait to be written.
    pub queue_entries: usize,
    /// What is left free on the disk.
    pub reserve: Reserve,
    /// When old segments go.
    pub retention: Retention,
    /// Time between two looks at retention and free space.
    pub keep_every: Duration,
    /// Time between two attempts to write again, once the disk was full or failed.
    pub retry_every: Duration,
    /// Where the numbers come from that tell a segment's frames from what its file held before. `None` takes them from
    /// the operating system; a number makes a run repeatable.
    pub seed: Option<u64>,
    /// The clock by which segments age.
    pub clock: Clock,
}

/// Space that the bus leaves free on its disk: a share of it, but not more than so many bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reserve {
    /// Percent of the disk.
    pub percent: u8,
    /// Bytes at most.
    pub at_most: u64,
}

/// When old segments go. Whole segments, the oldest first, and never what a group has not committed, but for `quota`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention {
    /// Bytes that all topics together should have at most.
    pub bytes: Option<u64>,
    /// Age after which a segment goes, counted from its last entry.
    pub age: Option<Duration>,
    /// Bytes that all topics together never exceed for long: beyond it segments go even unread, which is logged and counted.
    /// `None` refuses new entries on a full disk instead.
    pub quota: Option<u64>,
}

/// Tells the time in microseconds since 1970.
#[derive(Clone)]
pub struct Clock(Arc<dyn Fn() -> i64 + Send + Sync>);

impl Clock {
    /// A clock that asks `now`.
    pub fn new(now: impl Fn() -> i64 + Send + Sync + 'static) -> Self {
        Clock(Arc::new(now))
    }

    /// The machine's clock.
    pub fn system() -> Self {
        Clock::new(|| {
            let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
            i64::try_from(since.as_micros()).unwrap_or(i64::MAX)
        })
    }

    /// Microseconds since 1970.
    pub fn now(&self) -> i64 {
        (self.0)()
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Clock")
    }
}

impl Reserve {
    /// Bytes to leave free on a disk of `total` bytes.
    pub fn of(&self, total: u64) -> u64 {
        (total / 100 * u64::from(self.percent)).min(self.at_most)
    }
}

impl Default for Reserve {
    fn default() -> Self {
        Reserve { percent: 5, at_most: 4 << 30 }
    }
}

impl Default for Retention {
    fn default() -> Self {
        Retention { bytes: Some(4 << 30), age: Some(Duration::from_secs(7 * 24 * 3600)), quota: None }
    }
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            segment_bytes: 64 << 20,
            batch_bytes: 8 << 20,
            entry_bytes: 72 << 20,
            queue_bytes: 64 << 20,
            queue_entries: 65_536,
            reserve: Reserve::default(),
            retention: Retention::default(),
            keep_every: Duration::from_secs(1),
            retry_every: Duration::from_millis(250),
            seed: None,
            clock: Clock::system(),
        }
    }
}
