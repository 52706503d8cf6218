//! What the bus counts of itself, for metrics.

use std::sync::atomic::{AtomicU64, Ordering};

/// What a [`SegmentBus`](crate::SegmentBus) has done since it was opened, and what it holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// Records acknowledged.
    pub appended_records: u64,
    /// Entries acknowledged.
    pub appended_entries: u64,
    /// Bytes of the frames acknowledged.
    pub appended_bytes: u64,
    /// Syncs of segments.
    pub syncs: u64,
    /// Writes and syncs of segments that failed.
    pub write_failures: u64,
    /// Records found lost by damage.
    pub damaged_records: u64,
    /// Torn ends that were cut when the bus was opened.
    pub torn_ends: u64,
    /// Segments dropped by retention.
    pub dropped_segments: u64,
    /// Records dropped by the hard quota before a group had committed them.
    pub unread_dropped_records: u64,
    /// Bytes of all segments.
    pub retained_bytes: u64,
    /// Segments.
    pub segments: u64,
    /// Bytes that wait to be written.
    pub queued_bytes: u64,
}

/// The counters behind [`Stats`].
#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub appended_records: Counter,
    pub appended_entries: Counter,
    pub appended_bytes: Counter,
    pub syncs: Counter,
    pub write_failures: Counter,
    pub damaged_records: Counter,
    pub torn_ends: Counter,
    pub dropped_segments: Counter,
    pub unread_dropped_records: Counter,
}

/// A number that only grows.
#[derive(Debug, Default)]
pub(crate) struct Counter(AtomicU64);

impl Counter {
    pub fn add(&self, n: u64) {
        self.0.fetch_add(n, Ordering::Relaxed);
    }

    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}
