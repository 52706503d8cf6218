//! The append queue: what waits for the writer, bounded in bytes and entries.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::api::{Done, Entry, ProduceError};
use crate::frame::{HEAD_BYTES, payload_bytes};
use crate::partition::Partition;
use crate::signal::deadline;

/// An entry on its way to the writer.
pub(crate) struct Item {
    pub partition: Arc<Partition>,
    pub entry: Entry,
    pub done: Done,
    /// Bytes of its frame.
    pub bytes: usize,
}

impl Item {
    pub fn new(partition: Arc<Partition>, entry: Entry, done: Done) -> Self {
        let bytes = HEAD_BYTES + payload_bytes(&entry);
        Item { partition, entry, done, bytes }
    }
}

/// What the writer got.
pub(crate) enum Taken {
    /// Entries in the order of arrival.
    Items(Vec<Item>),
    /// Nothing came in time.
    Nothing,
    /// Nothing is left and nothing will come.
    Closed,
}

#[derive(Default)]
struct Waiting {
    items: VecDeque<Item>,
    bytes: usize,
    closed: bool,
    /// The writer sleeps; only then it must be woken.
    asleep: bool,
}

/// The queue itself.
pub(crate) struct Queue {
    waiting: Mutex<Waiting>,
    wake: Condvar,
    max_bytes: usize,
    max_entries: usize,
}

impl Queue {
    pub fn new(max_bytes: usize, max_entries: usize) -> Self {
        Queue { waiting: Mutex::default(), wake: Condvar::new(), max_bytes, max_entries }
    }

    /// Appends; gives the callback back when there is no room or no more writer.
    pub fn push(&self, item: Item) -> Result<(), (Done, ProduceError)> {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        if waiting.closed {
            return Err((item.done, ProduceError::Closed));
        }
        let full = waiting.items.len() >= self.max_entries || waiting.bytes + item.bytes > self.max_bytes;
        if full && !waiting.items.is_empty() {
            return Err((item.done, ProduceError::Busy));
        }
        waiting.bytes += item.bytes;
        waiting.items.push_back(item);
        if std::mem::take(&mut waiting.asleep) {
            drop(waiting);
            self.wake.notify_one();
        }
        Ok(())
    }

    /// Takes what waits, up to `max_bytes` but at least one; waits up to `wait` for it.
    pub fn take(&self, max_bytes: usize, wait: Duration) -> Taken {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let until = deadline(wait);
        while waiting.items.is_empty() {
            if waiting.closed {
                return Taken::Closed;
            }
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Taken::Nothing;
            }
            waiting.asleep = true;
            waiting = self.wake.wait_timeout(waiting, left).unwrap_or_else(PoisonError::into_inner).0;
            waiting.asleep = false;
        }
        let mut bytes = 0;
        let fits = |item: &&Item| {
            bytes += item.bytes;
            bytes <= max_bytes
        };
        let take = waiting.items.iter().take_while(fits).count().max(1);
        let items: Vec<Item> = waiting.items.drain(..take).collect();
        waiting.bytes -= items.iter().map(|item| item.bytes).sum::<usize>();
        Taken::Items(items)
    }

    /// Nothing more is taken in; the writer still gets what waits.
    pub fn close(&self) {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).closed = true;
        self.wake.notify_all();
    }

    /// Takes in nothing more, and tells all who wait that the bus is closing. For a writer that is gone.
    pub fn abandon(&self) {
        self.close();
        let items = std::mem::take(&mut self.waiting.lock().unwrap_or_else(PoisonError::into_inner).items);
        for item in items {
            (item.done)(Err(ProduceError::Closed));
        }
    }

    /// Bytes that wait.
    pub fn bytes(&self) -> usize {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).bytes
    }
}
