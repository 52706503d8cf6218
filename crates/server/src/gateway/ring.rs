//! The events that every client reads from: the newest batches, shared by all, numbered in the order they came.
//!
//! An event's number counts from the start of the process. Readers hold a number, not a place, so a slow one costs nothing: when
//! what it wants has gone, it finds that its number lies before the oldest one. The lock is held to move a few pointers, never to
//! look at text, because the analysis thread takes it too.

use std::collections::{BTreeMap, VecDeque};
use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use whittle_domain::{Batch, Row};

/// Next offset by partition of `logs.raw`.
pub type Heads = BTreeMap<u32, u64>;

/// Batches handed out under one lock.
const PIECES: usize = 64;
/// Entries looked through under one lock.
const LOOK: usize = 256;

/// Some neighbouring rows of a batch.
#[derive(Debug, Clone)]
pub(super) struct Piece {
    pub batch: Arc<Batch>,
    pub rows: Range<usize>,
    /// Number of the first of these rows.
    pub first: u64,
}

impl Piece {
    pub fn rows(&self) -> &[Row] {
        &self.batch.rows()[self.rows.clone()]
    }

    fn end(&self) -> u64 {
        self.first + self.rows.len() as u64
    }

    /// The part with numbers in `from..to`.
    fn cut(&self, from: u64, to: u64) -> Piece {
        let skip = from.saturating_sub(self.first) as usize;
        let keep = (self.end().min(to) - self.first) as usize;
        let rows = self.rows.start + skip..self.rows.start + keep;
        Piece { batch: self.batch.clone(), rows, first: self.first + skip as u64 }
    }
}

/// First and last offset of one partition among the rows of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Offsets {
    partition: u32,
    first: u64,
    last: u64,
}

#[derive(Debug)]
struct Entry {
    piece: Piece,
    offsets: Vec<Offsets>,
    bytes: usize,
}

/// What was seen of one partition.
#[derive(Debug, Clone, Copy)]
struct Partition {
    /// Every event at or above this offset that there was is held.
    floor: u64,
    /// The next offset.
    next: u64,
}

/// Offsets that a returning client missed and that are no longer held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Gap {
    pub partition: u32,
    pub from: u64,
    /// Included.
    pub to: u64,
}

/// Where a returning client goes on.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Resumed {
    /// Number of the first event to look at.
    pub start: u64,
    pub gaps: Vec<Gap>,
}

#[derive(Debug, Default)]
struct Held {
    entries: VecDeque<Entry>,
    head: u64,
    bytes: usize,
    partitions: BTreeMap<u32, Partition>,
}

/// The ring. It holds at least `room_events` events while they fit in `room_bytes`; one batch is always held.
#[derive(Debug)]
pub(super) struct Ring {
    held: Mutex<Held>,
    head: AtomicU64,
    tail: AtomicU64,
    room_events: u64,
    room_bytes: usize,
}

impl Ring {
    pub fn new(room_events: usize, room_bytes: usize) -> Self {
        Ring {
            held: Mutex::default(),
            head: AtomicU64::new(0),
            tail: AtomicU64::new(0),
            room_events: room_events as u64,
            room_bytes,
        }
    }

    fn lock(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Number of the next event.
    pub fn head(&self) -> u64 {
        self.head.load(Ordering::Acquire)
    }

    /// Number of the oldest event held.
    pub fn tail(&self) -> u64 {
        self.tail.load(Ordering::Acquire)
    }

    /// Raises the next offsets to where the log ends: what lies below is a replay, which nobody is waiting for.
    pub fn begin_at(&self, heads: &Heads) {
        let mut held = self.lock();
        for (partition, next) in heads {
            let known = held.partitions.entry(*partition).or_insert(Partition { floor: *next, next: *next });
            if known.next < *next {
                *known = Partition { floor: *next, next: *next };
            }
        }
    }

    /// Appends a batch; returns how many of its rows are new. Rows below what was already seen of their partition are left out,
    /// so a batch that is published again changes nothing.
    pub fn push(&self, batch: &Arc<Batch>) -> u64 {
        let offsets = offsets(batch.rows());
        let mut held = self.lock();
        let before = held.head;
        let all_new = offsets.iter().all(|o| held.partitions.get(&o.partition).is_none_or(|p| o.first >= p.next));
        if all_new {
            held.append(batch, 0..batch.len(), offsets);
        } else {
            held.append_new_rows(batch);
        }
        let added = held.head - before;
        let gone = held.evict(self.room_events, self.room_bytes);
        self.tail.store(held.tail(), Ordering::Release);
        self.head.store(held.head, Ordering::Release);
        drop(held);
        // Batches are freed outside the lock.
        drop(gone);
        added
    }

    /// Events with numbers in `from..to`, as far as they are held, at most some batches at once. Returns the number of the first
    /// one: above `from` when older ones have gone.
    pub fn read(&self, from: u64, to: u64, out: &mut Vec<Piece>) -> u64 {
        let held = self.lock();
        let from = from.max(held.tail());
        let at = held.entries.partition_point(|e| e.piece.end() <= from);
        let wanted = held.entries.range(at..).take_while(|e| e.piece.first < to).take(PIECES);
        out.extend(wanted.map(|e| e.piece.cut(from, to)));
        from
    }

    /// The next number and the next offsets, of one instant.
    pub fn position(&self) -> (u64, Heads) {
        let held = self.lock();
        (held.head, held.partitions.iter().map(|(partition, p)| (*partition, p.next)).collect())
    }

    /// Where a client goes on that wants these offsets next, among the events below number `head`.
    pub fn resume(&self, wanted: &Heads, head: u64) -> Resumed {
        let (mut open, gaps) = self.missed(wanted);
        let mut resumed = Resumed { start: head, gaps };
        let mut end = head;
        // From the newest backwards: most who come back missed little.
        while !open.is_empty() && end > self.tail() {
            let held = self.lock();
            let upto = held.entries.partition_point(|e| e.piece.first < end);
            if upto == 0 {
                break;
            }
            for entry in held.entries.range(upto.saturating_sub(LOOK)..upto).rev() {
                end = entry.piece.first;
                for offsets in &entry.offsets {
                    let Some(next) = open.get(&offsets.partition) else { continue };
                    if offsets.last >= *next {
                        resumed.start = entry.piece.first;
                    }
                    if offsets.first <= *next {
                        open.remove(&offsets.partition);
                    }
                }
            }
        }
        resumed
    }

    /// The partitions with events to tell again, and what cannot be told any more.
    fn missed(&self, wanted: &Heads) -> (Heads, Vec<Gap>) {
        let held = self.lock();
        let (mut open, mut gaps) = (Heads::new(), Vec::new());
        for (partition, next) in wanted {
            let Some(seen) = held.partitions.get(partition).filter(|seen| *next < seen.next) else { continue };
            open.insert(*partition, *next);
            if *next < seen.floor {
                gaps.push(Gap { partition: *partition, from: *next, to: seen.floor - 1 });
            }
        }
        (open, gaps)
    }
}

impl Held {
    fn tail(&self) -> u64 {
        self.entries.front().map_or(self.head, |e| e.piece.first)
    }

    fn append(&mut self, batch: &Arc<Batch>, rows: Range<usize>, offsets: Vec<Offsets>) {
        if rows.is_empty() {
            return;
        }
        for o in &offsets {
            let next = o.last + 1;
            self.partitions.entry(o.partition).or_insert(Partition { floor: o.first, next }).next = next;
        }
        // A part of a batch keeps the whole of it, but is counted by its share: parts of one batch stand side by side.
        let bytes = batch.memory() * rows.len() / batch.len() + size_of::<Entry>();
        let piece = Piece { batch: batch.clone(), rows: rows.clone(), first: self.head };
        self.entries.push_back(Entry { piece, offsets, bytes });
        self.head += rows.len() as u64;
        self.bytes += bytes;
    }

    fn append_new_rows(&mut self, batch: &Arc<Batch>) {
        let rows = batch.rows();
        let is_new = |held: &Held, row: &Row| held.partitions.get(&row.partition).is_none_or(|p| row.offset >= p.next);
        let mut start = 0;
        while start < rows.len() {
            let first = is_new(self, &rows[start]);
            let len = rows[start..].iter().take_while(|row| is_new(self, row) == first).count();
            if first {
                self.append(batch, start..start + len, offsets(&rows[start..start + len]));
            }
            start += len.max(1);
        }
    }

    /// Takes out what is over the bounds.
    fn evict(&mut self, room_events: u64, room_bytes: usize) -> Vec<Entry> {
        let mut gone = Vec::new();
        while self.entries.len() > 1 {
            let oldest = self.entries[0].piece.end();
            if self.head - oldest < room_events && self.bytes <= room_bytes {
                break;
            }
            let Some(entry) = self.entries.pop_front() else { break };
            self.bytes -= entry.bytes;
            for o in &entry.offsets {
                if let Some(partition) = self.partitions.get_mut(&o.partition) {
                    partition.floor = o.last + 1;
                }
            }
            gone.push(entry);
        }
        gone
    }
}

/// First and last offsets by partition. Few batches have more than one partition.
fn offsets(rows: &[Row]) -> Vec<Offsets> {
    let mut found: Vec<Offsets> = Vec::with_capacity(1);
    let mut at = 0;
    for row in rows {
        if found.get(at).is_none_or(|o| o.partition != row.partition) {
            at = found.iter().position(|o| o.partition == row.partition).unwrap_or(found.len());
            if at == found.len() {
                found.push(Offsets { partition: row.partition, first: row.offset, last: row.offset });
            }
        }
        found[at].last = row.offset;
    }
    found
}
