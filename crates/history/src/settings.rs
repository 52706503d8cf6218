//! What an operator may set of the embedded history, and where its time comes from.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

/// The clock of the history: microseconds since 1970. Tests turn it by hand.
#[derive(Clone)]
pub struct Clock(Arc<dyn Fn() -> i64 + Send + Sync>);

impl Clock {
    /// A clock that answers with what `now` gives.
    pub fn new(now: impl Fn() -> i64 + Send + Sync + 'static) -> Self {
        Clock(Arc::new(now))
    }

    /// Microseconds since 1970.
    pub fn now(&self) -> i64 {
        (self.0)()
    }
}

impl Default for Clock {
    /// The machine's clock.
    fn default() -> Self {
        Clock::new(|| {
            let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
            since.as_micros() as i64
        })
    }
}

impl std::fmt::Debug for Clock {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Clock({})", self.now())
    }
}

/// How the embedded history writes and how long it keeps.
#[derive(Debug, Clone)]
pub struct Settings {
    /// A commit is due at so many rows in memory. A file of few rows costs more a row to write and to keep.
    pub flush_rows: usize,
    /// A commit is due at so many bytes in memory.
    pub flush_bytes: usize,
    /// A commit is due when the oldest row in memory is so old.
    pub flush_after: Duration,
    /// Bytes of rows that may wait for the disk, all told; beyond it `append` waits, then refuses.
    pub backlog_bytes: usize,
    /// How long `append` waits for room.
    pub append_wait: Duration,
    /// How long `finish` waits for the disk.
    pub finish_wait: Duration,
    /// Pause before a refused write is tried again.
    pub retry_after: Duration,
    /// Rows are kept for so long after their receipt.
    pub keep_age: Duration,
    /// Bytes on disk; beyond it the oldest files go.
    pub keep_bytes: u64,
    /// Share of the disk, in percent, that is left free: below it nothing is written.
    pub keep_free_percent: u8,
    /// Rows of a row group: the unit that is read or skipped as a whole.
    pub group_rows: usize,
    /// So many files of a size are merged into one.
    pub merge_files: usize,
    /// Rows of a merged file, at most.
    pub merged_rows: u64,
    /// Bytes a second that merging may write.
    pub merge_rate: u64,
    /// Pause between two looks for files to merge or to drop; `None`: only when told.
    pub tidy_every: Option<Duration>,
    /// Bytes of indexes and footers that are kept in memory for queries.
    pub cache_bytes: usize,
    /// The clock.
    pub clock: Clock,
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            flush_rows: 131_072,
            flush_bytes: 64 << 20,
            flush_after: Duration::from_secs(60),
            backlog_bytes: 96 << 20,
            append_wait: Duration::from_secs(2),
            finish_wait: Duration::from_secs(8),
            retry_after: Duration::from_secs(1),
            keep_age: Duration::from_secs(7 * 24 * 3600),
            keep_bytes: 10 << 30,
            keep_free_percent: 5,
            group_rows: 65_536,
            merge_files: 8,
            merged_rows: 4 << 20,
            merge_rate: 16 << 20,
            tidy_every: Some(Duration::from_secs(5)),
            cache_bytes: 48 << 20,
            clock: Clock::default(),
        }
    }
}
