//! A member of a group on the embedded bus.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use crate::api::{BusError, Consumer, Frame, Position};
use crate::bus::Shared;
use crate::group::{Assigned, Group};
use crate::partition::Partition;
use crate::reader::{Reader, Step};
use crate::signal::deadline;
use crate::topic::Topic;

/// How often in a row a read may fail before what cannot be read counts as damaged, so that one bad sector does not stop
/// a partition for good.
const READ_ATTEMPTS: u32 = 3;

pub(crate) struct Member {
    shared: Arc<Shared>,
    topic: Arc<Topic>,
    group: Arc<Group>,
    id: u64,
    seen_changes: Option<u64>,
    cursors: Vec<Cursor>,
    /// Which cursor comes first in the next poll, so that none starves.
    turn: usize,
}

/// Where a member stands in a partition.
struct Cursor {
    partition: Arc<Partition>,
    term: u64,
    position: u64,
    reader: Option<Reader>,
    failures: u32,
}

impl Member {
    pub fn join(shared: Arc<Shared>, topic: Arc<Topic>, group: Arc<Group>) -> Self {
        let id = group.join();
        topic.signal.ring();
        let mut member = Member { shared, topic, group, id, seen_changes: None, cursors: Vec::new(), turn: 0 };
        member.refresh();
        member
    }

    /// Takes over what the group gave this member since the last look.
    fn refresh(&mut self) {
        let changes = self.group.changes();
        if self.seen_changes == Some(changes) {
            return;
        }
        let mut before = std::mem::take(&mut self.cursors);
        for assigned in self.group.assigned(self.id) {
            let kept = |c: &Cursor| c.partition.number == assigned.partition && c.term == assigned.term;
            match before.iter().position(kept) {
                Some(i) => self.cursors.push(before.swap_remove(i)),
                None => self.cursors.extend(self.open_cursor(assigned)),
            }
        }
        self.seen_changes = Some(changes);
    }

    fn open_cursor(&self, assigned: Assigned) -> Option<Cursor> {
        let partition = self.topic.partitions.get(assigned.partition as usize)?.clone();
        let position = assigned.from.min(partition.end());
        if position < assigned.from {
            tracing::error!(partition = %partition.name, committed = assigned.from, end = position, "the group had committed what is no longer there");
        }
        Some(Cursor { partition, term: assigned.term, position, reader: None, failures: 0 })
    }

    fn gather(&mut self, max_bytes: usize) -> Result<Vec<Frame>, BusError> {
        let mut frames = Vec::new();
        let mut budget = max_bytes.max(1);
        let count = self.cursors.len();
        self.turn = self.turn.wrapping_add(1);
        for i in 0..count {
            let cursor = &mut self.cursors[(self.turn + i) % count];
            match cursor.read(&self.shared, &mut budget, &mut frames) {
                // What was read before the failure is not held back by it.
                Err(_) if !frames.is_empty() => break,
                result => result?,
            }
            if budget == 0 {
                break;
            }
        }
        Ok(frames)
    }

    fn cursor(&self, partition: u32) -> Option<&Cursor> {
        self.cursors.iter().find(|c| c.partition.number == partition)
    }
}

impl Cursor {
    fn read(&mut self, shared: &Shared, budget: &mut usize, out: &mut Vec<Frame>) -> Result<(), BusError> {
        while *budget > 0 {
            match self.step(shared) {
                Ok(Some(frame)) => {
                    self.recovered();
                    self.position = frame.next_offset();
                    *budget = budget.saturating_sub(frame.body.len() + frame.key.len() + crate::frame::HEAD_BYTES);
                    out.push(frame);
                }
                Ok(None) => return Ok(()),
                Err(e) => {
                    self.failures += 1;
                    self.reader = None;
                    return Err(BusError::io("cannot read the partition", &self.partition.dir, e));
                }
            }
        }
        Ok(())
    }

    /// Reading works (again): the next failure has all its attempts.
    fn recovered(&mut self) {
        if self.failures > 0 {
            self.failures = 0;
            self.reader.iter_mut().for_each(|r| r.set_patch(false));
        }
    }

    /// The next frame, from whichever segment it is in.
    fn step(&mut self, shared: &Shared) -> io::Result<Option<Frame>> {
        loop {
            let mut reader = match self.reader.take() {
                Some(reader) => reader,
                None => match self.open(shared)? {
                    Some(reader) => reader,
                    None => return Ok(None),
                },
            };
            let step = reader.next(self.position);
            if reader.segment.is_retired() {
                continue; // retention took it meanwhile, and the file may hold something else by now
            }
            match step? {
                Step::Frame(frame) => {
                    self.reader = Some(reader);
                    return Ok(Some(frame));
                }
                Step::Lost(lost) => {
                    self.position = self.position.max(lost.end);
                    self.partition.count_lost(lost, &shared.counters);
                    self.reader = Some(reader);
                }
                Step::End if self.partition.is_last(&reader.segment) => {
                    self.reader = Some(reader);
                    return Ok(None);
                }
                Step::End => self.position = self.position.max(reader.segment.end()),
            }
        }
    }

    fn open(&mut self, shared: &Shared) -> io::Result<Option<Reader>> {
        loop {
            let Some(segment) = self.partition.find(self.position) else { return Ok(None) };
            let file = match shared.disk.open(&segment.path) {
                Ok(file) => file,
                Err(_) if segment.is_retired() => continue,
                Err(e) => return Err(e),
            };
            let mut reader = Reader::new(segment, file, self.partition.number);
            reader.set_patch(self.failures >= READ_ATTEMPTS);
            return Ok(Some(reader));
        }
    }
}

impl Consumer for Member {
    fn poll(&mut self, max_bytes: usize, timeout: Duration) -> Result<Vec<Frame>, BusError> {
        let until = deadline(timeout);
        loop {
            let seen = self.topic.signal.count();
            self.refresh();
            let frames = self.gather(max_bytes)?;
            if !frames.is_empty() {
                return Ok(frames);
            }
            if self.shared.is_closed() {
                return Err(BusError::Unavailable("the bus is closed".into()));
            }
            if !self.topic.signal.wait(seen, until) {
                return Ok(Vec::new());
            }
        }
    }

    fn commit(&mut self, positions: &[Position]) -> Result<(), BusError> {
        if self.shared.is_closed() {
            return Err(BusError::Unavailable("the bus is closed".into()));
        }
        let mut commits = Vec::with_capacity(positions.len());
        for position in positions {
            let cursor = self.cursor(position.partition);
            if let Some(cursor) = cursor.filter(|c| position.offset > c.partition.end()) {
                return Err(BusError::Unknown(format!(
                    "{} has no offset {} yet",
                    cursor.partition.name, position.offset
                )));
            }
            commits.push((*position, cursor.map(|c| c.term)));
        }
        self.group.commit(&*self.shared.disk, self.id, &commits)
    }

    fn seek(&mut self, position: Position) -> Result<(), BusError> {
        self.refresh();
        let cursor = self.cursors.iter_mut().find(|c| c.partition.number == position.partition);
        let cursor = cursor.ok_or(BusError::Revoked(position.partition))?;
        cursor.position = position.offset;
        cursor.reader = None;
        cursor.failures = 0;
        Ok(())
    }

    fn position(&self, partition: u32) -> Option<u64> {
        self.cursor(partition).map(|cursor| cursor.position)
    }

    fn assignment(&self) -> Vec<u32> {
        self.group.assigned(self.id).iter().map(|a| a.partition).collect()
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        self.group.leave(self.id);
        self.topic.signal.ring();
    }
}
