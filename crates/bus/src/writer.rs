//! The one thread that writes: group commit, segments made and closed, and what happens when the disk fails.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;

use crate::api::{Position, ProduceError};
use crate::bus::Shared;
use crate::frame::{self, HEAD_BYTES, Stamp};
use crate::partition::Partition;
use crate::queue::{Item, Taken};
use crate::segment::{FIRST, ROOM, SegmentHead, Tail};

/// Bodies from this size on are written from where they are; smaller ones are copied together first.
const OWN_PART: usize = 16 << 10;
/// A buffer larger than this is given back when nothing is to do.
const IDLE_BUFFER: usize = 1 << 20;
/// Room that must be there before a full disk counts as no longer full, so that it does not change at every batch.
const RESUME_ROOM: u64 = 8 << 20;

type Slot<'a> = MutexGuard<'a, Option<Tail>>;

/// The writer of a bus.
pub(crate) struct Writer {
    shared: Arc<Shared>,
    /// Heads and small bodies of the frames of a batch.
    buffer: Vec<u8>,
}

/// The frames of a batch: parts of the buffer and bodies between them, in the order in which they are written.
#[derive(Default)]
struct Batch {
    parts: Vec<Part>,
    bytes: u64,
    records: u64,
}

enum Part {
    Buffer(std::ops::Range<usize>),
    Body(Bytes),
}

impl Writer {
    pub fn new(shared: Arc<Shared>) -> Self {
        Writer { shared, buffer: Vec::new() }
    }

    /// Writes until the queue is closed and empty, and leaves everything marked as durable.
    pub fn run(mut self) {
        let _ended = Ended(self.shared.clone());
        loop {
            let settings = &self.shared.settings;
            let wait = if self.shared.health.is_refusing() { settings.retry_every } else { settings.keep_every };
            if !self.turn(wait) {
                break;
            }
        }
        self.finish();
    }

    /// Writes what waits, or does what is due when nothing comes within `wait`. False once the queue is closed and empty.
    pub fn turn(&mut self, wait: Duration) -> bool {
        let shared = self.shared.clone();
        match shared.queue.take(shared.settings.batch_bytes, wait) {
            Taken::Items(items) => self.write(items),
            Taken::Nothing => self.idle(),
            Taken::Closed => return false,
        }
        true
    }

    fn idle(&mut self) {
        if self.buffer.capacity() > IDLE_BUFFER {
            self.buffer = Vec::new();
        }
        self.recover();
        self.roll_old();
    }

    fn write(&mut self, items: Vec<Item>) {
        self.recover();
        if let Some(reason) = self.shared.health.refusing() {
            return fail(items, &reason);
        }
        self.roll_old();
        let mut groups: Vec<(Arc<Partition>, Vec<Item>)> = Vec::new();
        for item in items {
            match groups.iter_mut().rev().find(|(p, _)| Arc::ptr_eq(p, &item.partition)) {
                Some((_, group)) => group.push(item),
                None => groups.push((item.partition.clone(), vec![item])),
            }
        }
        for (partition, items) in groups {
            self.append(&partition, items);
        }
    }

    /// Appends to one partition, one write and sync for each segment that it takes.
    fn append(&mut self, partition: &Partition, mut items: Vec<Item>) {
        let mut slot = lock(partition);
        while !items.is_empty() {
            let tail = match &mut *slot {
                Some(tail) => tail,
                empty => match self.make_tail(partition, empty) {
                    Ok(tail) => tail,
                    Err(reason) => return fail(items, &reason),
                },
            };
            let count = self.fitting(tail, &items);
            if count == 0 {
                close_segment(&mut slot);
                continue;
            }
            let rest = items.split_off(count);
            self.append_run(partition, &mut slot, std::mem::replace(&mut items, rest));
        }
    }

    /// How many of the entries go into this segment. One that is larger than a segment goes into an empty one.
    fn fitting(&self, tail: &Tail, items: &[Item]) -> usize {
        let mut end = tail.pos;
        let fits = |item: &&Item| {
            end += item.bytes as u64;
            end <= self.shared.settings.segment_bytes
        };
        let count = items.iter().take_while(fits).count();
        if tail.pos == FIRST { count.max(1) } else { count }
    }

    fn append_run(&mut self, partition: &Partition, slot: &mut Slot<'_>, run: Vec<Item>) {
        let Some(tail) = slot.as_mut() else { return };
        let start = partition.end();
        let batch = encode(&mut self.buffer, &run, tail, start);
        let room = tail.room_wanted(batch.bytes, self.shared.settings.segment_bytes);
        if let Err(reason) = self.shared.check_room(room) {
            self.shared.health.refuse(&reason);
            return fail(run, &reason);
        }
        let parts: Vec<&[u8]> = batch.parts.iter().map(|part| part.bytes(&self.buffer)).collect();
        let written = tail.append(&parts, batch.bytes, room);
        self.buffer.clear();
        self.shared.counters.syncs.add(1);
        match written {
            Ok(()) => {
                partition.publish(&tail.segment, tail.pos, start + batch.records);
                partition.signal.ring();
                self.count(&batch, run.len());
                acknowledge(partition.number, start, run);
            }
            Err(e) => {
                let reason = self.give_up(partition, slot, &e);
                fail(run, &reason);
            }
        }
    }

    fn count(&self, batch: &Batch, entries: usize) {
        let counters = &self.shared.counters;
        counters.appended_records.add(batch.records);
        counters.appended_entries.add(entries as u64);
        counters.appended_bytes.add(batch.bytes);
    }

    /// Closes a segment whose last write may be lost or half there, whatever the disk says later. What was durable
    /// before stays; the log goes on in a new segment, which must be there before anyone is told, so that the failed entries
    /// cannot come back at the next start.
    fn give_up(&mut self, partition: &Partition, slot: &mut Slot<'_>, error: &io::Error) -> String {
        self.shared.counters.write_failures.add(1);
        let reason = format!(
            "cannot write to {}: {error}; see to the disk, it is tried again by itself",
            partition.dir.display()
        );
        tracing::error!(partition = %partition.name, %error, "a write failed; its segment is closed");
        if let Some(tail) = slot.take() {
            let _ = tail.file.set_len(tail.pos);
            tail.segment.set_size(tail.pos);
            partition.drop_if_empty(&tail.segment);
        }
        if is_full(error) {
            partition.set_broken(true);
            self.shared.health.refuse(&reason);
        } else if self.make_tail(partition, slot).is_ok() {
            tracing::info!(partition = %partition.name, "the log goes on in a new segment");
        }
        reason
    }

    /// Makes the next segment. Where that fails the bus refuses until it works.
    fn make_tail<'a>(&self, partition: &Partition, slot: &'a mut Option<Tail>) -> Result<&'a mut Tail, String> {
        let shared = &self.shared;
        let room = ROOM.min(shared.settings.segment_bytes);
        let made = shared.check_room(room).and_then(|()| {
            let head = SegmentHead::new(shared.next_generation(), partition.end(), shared.settings.clock.now());
            Tail::create(&*shared.disk, &partition.dir, partition.take_spare().as_deref(), head, room).map_err(|e| {
                let dir = partition.dir.display();
                format!("cannot make a segment in {dir}: {e}; see to the disk, it is tried again by itself")
            })
        });
        partition.set_broken(made.is_err());
        match made {
            Ok(tail) => {
                partition.push(tail.segment.clone());
                Ok(slot.insert(tail))
            }
            Err(reason) => {
                shared.health.refuse(&reason);
                Err(reason)
            }
        }
    }

    /// Tries whether the bus can take entries again.
    fn recover(&mut self) {
        if !self.shared.health.is_refusing() {
            return;
        }
        if let Err(reason) = self.shared.check_room(RESUME_ROOM.min(self.shared.settings.segment_bytes)) {
            return self.shared.health.refuse(&reason);
        }
        for partition in self.shared.partitions() {
            let mut slot = lock(&partition);
            if partition.is_broken() && slot.is_none() && self.make_tail(&partition, &mut slot).is_err() {
                return;
            }
        }
        self.shared.health.resume();
    }

    /// Closes segments that retention found too old to go on.
    fn roll_old(&mut self) {
        if !self.shared.take_roll() {
            return;
        }
        for partition in self.shared.partitions().iter().filter(|p| p.take_roll()) {
            let mut slot = lock(partition);
            if slot.as_ref().is_some_and(|tail| tail.pos > FIRST) {
                close_segment(&mut slot);
                // Where it fails, the next entry tries again.
                let _ = self.make_tail(partition, &mut slot);
            }
        }
    }

    /// Leaves each segment cut to its length, with a mark that says that all of it is durable.
    pub fn finish(&mut self) {
        for partition in self.shared.partitions() {
            let Some(tail) = lock(&partition).take() else { continue };
            let marked = if tail.pos == FIRST {
                Ok(())
            } else {
                let mark = frame::mark(tail.segment.generation, partition.end(), self.shared.settings.clock.now());
                let end = tail.pos + HEAD_BYTES as u64;
                tail.file
                    .write_all_at(&mark, tail.pos)
                    .and_then(|()| if end < tail.len { tail.file.set_len(end) } else { Ok(()) })
                    .and_then(|()| tail.file.sync())
            };
            if let Err(error) = marked {
                tracing::warn!(partition = %partition.name, %error, "cannot mark the end of the log; the next start looks for it");
            }
        }
    }
}

/// However the writer ends, even by a panic: nobody waits for an answer that no one gives any more.
struct Ended(Arc<Shared>);

impl Drop for Ended {
    fn drop(&mut self) {
        self.0.queue.abandon();
    }
}

impl Part {
    fn bytes<'a>(&'a self, buffer: &'a [u8]) -> &'a [u8] {
        match self {
            Part::Buffer(range) => &buffer[range.clone()],
            Part::Body(body) => body,
        }
    }
}

fn encode(buffer: &mut Vec<u8>, run: &[Item], tail: &Tail, start: u64) -> Batch {
    buffer.clear();
    let mut batch = Batch::default();
    let mut from = 0;
    for Item { entry, bytes, .. } in run {
        let base_offset = start + batch.records;
        frame::encode(entry, Stamp { generation: tail.segment.generation, base_offset, durable_before: start }, buffer);
        if entry.body.len() < OWN_PART {
            buffer.extend_from_slice(&entry.body);
        } else {
            batch.parts.push(Part::Buffer(from..buffer.len()));
            batch.parts.push(Part::Body(entry.body.clone()));
            from = buffer.len();
        }
        batch.bytes += *bytes as u64;
        batch.records += u64::from(entry.count.max(1));
    }
    batch.parts.push(Part::Buffer(from..buffer.len()));
    batch
}

fn lock(partition: &Partition) -> Slot<'_> {
    partition.tail.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Ends a full segment. The next one's name says where it ended, so nothing needs to be durable but what is already.
fn close_segment(slot: &mut Slot<'_>) {
    let Some(tail) = slot.take() else { return };
    if tail.len > tail.pos && tail.file.set_len(tail.pos).is_ok() {
        tail.segment.set_size(tail.pos);
    }
}

fn acknowledge(partition: u32, start: u64, run: Vec<Item>) {
    let mut offset = start;
    for item in run {
        let position = Position { partition, offset };
        offset += u64::from(item.entry.count.max(1));
        tell(item, Ok(position));
    }
}

fn fail(items: Vec<Item>, reason: &str) {
    for item in items {
        tell(item, Err(ProduceError::Unavailable(reason.to_owned())));
    }
}

/// Calls a producer back. One that panics must not end the writer, on which all others rely.
fn tell(item: Item, result: Result<Position, ProduceError>) {
    if catch_unwind(AssertUnwindSafe(|| (item.done)(result))).is_err() {
        tracing::error!("a producer's callback panicked");
    }
}

fn is_full(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
}
