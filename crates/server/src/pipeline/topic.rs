//! `logs.insights` as the edge to the history: a topic of the embedded bus, so that a database that is down stops only the
//! history.
//!
//! In front of it stands a [`Writer`] whose rows go into the topic and whose checkpoint is a folder of its own. Behind it
//! an [`Inlet`] gives batches to the storage stage. A batch may stand in the topic twice, after a crash or an answer that
//! did not come: its rows carry their positions in `logs.raw`, by which the history skips what it has.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use whittle_bus::{Bus, BusError, Consumer, Entry, Frame, Position};
use whittle_domain::{Batch, packed};
use whittle_history::{Checkpoints, Positions, StageState, WriteError, Writer};

use super::{DeadLetter, EdgeError, Feed, Held, Inlet, Outlet, Polled, Refused};

/// How long an entry may take to become durable before it is tried again.
const PATIENCE: Duration = Duration::from_secs(15);
/// Rows since the last commit of the stages' state at which the next is due.
const COMMIT_ROWS: usize = 131_072;
/// Age of the oldest of them at which it is due.
const COMMIT_AFTER: Duration = Duration::from_secs(1);
/// Rows that are stored at once, more or less.
const ROWS: usize = 8_192;
/// Bytes that are read from the topic at once.
const READ_BYTES: usize = 4 << 20;
/// Time between two commits of what is stored: they only let old segments go.
const COMMIT_EVERY: Duration = Duration::from_millis(500);
/// Time that the history has for what is left in the topic at the end; the rest waits there for the next start.
const LAST: Duration = Duration::from_secs(2);

/// Whether the stage before has written its last batch.
#[derive(Debug, Clone, Default)]
pub struct LastWritten(Arc<AtomicBool>);

/// Takes analysed rows into the topic.
pub struct TopicWriter {
    bus: Arc<dyn Bus>,
    topic: String,
    checkpoints: Checkpoints,
    positions: Positions,
    on_durable: Box<dyn Fn(&Positions) + Send>,
    feed: Arc<Feed>,
    rows: usize,
    since: Option<Instant>,
    last: LastWritten,
}

impl TopicWriter {
    /// A writer that goes on at `positions`. `on_durable` is told up to where the topic and the checkpoint hold everything.
    pub fn new(
        bus: Arc<dyn Bus>,
        topic: String,
        (checkpoints, positions): (Checkpoints, Positions),
        on_durable: impl Fn(&Positions) + Send + 'static,
        feed: Arc<Feed>,
        last: LastWritten,
    ) -> Self {
        let on_durable = Box::new(on_durable);
        TopicWriter { bus, topic, checkpoints, positions, on_durable, feed, rows: 0, since: None, last }
    }

    fn produce(&self, batch: &Batch) -> Result<(), WriteError> {
        let time = batch.rows().first().map_or(0, |row| row.received_at);
        let body = Bytes::from(packed::pack(batch));
        let entry =
            Entry { key: Bytes::new(), partition: Some(0), headers: Vec::new(), body, count: batch.len() as u32, time };
        let (told, answer) = crossbeam_channel::bounded(1);
        self.bus.produce(&self.topic, entry, Box::new(move |result| drop(told.send(result))));
        match answer.recv_timeout(PATIENCE) {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) => Err(WriteError::Unavailable(error.to_string())),
            Err(_) => Err(WriteError::Unavailable("analysed rows were not durable in time".to_owned())),
        }
    }
}

impl Writer for TopicWriter {
    fn append(&mut self, batch: &Arc<Batch>) -> Result<(), WriteError> {
        if batch.is_empty() {
            return Ok(());
        }
        self.produce(batch)?;
        for row in batch.rows() {
            let next = self.positions.entry(row.partition).or_insert(0);
            *next = (*next).max(row.offset + 1);
        }
        self.feed.queued(batch.len() as u64);
        self.rows += batch.len();
        self.since.get_or_insert_with(Instant::now);
        Ok(())
    }

    fn is_due(&self) -> bool {
        self.rows >= COMMIT_ROWS || self.since.is_some_and(|since| since.elapsed() >= COMMIT_AFTER)
    }

    fn commit(&mut self, state: StageState) -> Result<(), WriteError> {
        let done = self.checkpoints.commit(&self.positions, &state);
        done.map_err(|error| WriteError::Unavailable(error.to_string()))?;
        (self.rows, self.since) = (0, None);
        (self.on_durable)(&self.positions);
        Ok(())
    }

    fn finish(&mut self, state: StageState) -> Result<(), WriteError> {
        self.commit(state)
    }
}

impl Drop for TopicWriter {
    /// However the stage ended: nothing comes after.
    fn drop(&mut self) {
        self.last.0.store(true, Ordering::Release);
    }
}

/// Gives batches from the topic, several small ones as one.
pub struct TopicInlet {
    topic: String,
    consumer: Box<dyn Consumer>,
    feed: Arc<Feed>,
    last: LastWritten,
    /// When the stage before was seen to have ended.
    ended: Option<Instant>,
    frames: VecDeque<Frame>,
    /// The next offset that is expected: what is missing before a frame is lost.
    next: u64,
    /// Where the batches that were given end, and where those that are stored do.
    given: Option<Position>,
    stored: Option<Position>,
    committed: Instant,
}

impl TopicInlet {
    /// An inlet over a member of the storage group, which goes on at `next`.
    pub fn new(topic: String, consumer: Box<dyn Consumer>, next: u64, feed: Arc<Feed>, last: LastWritten) -> Self {
        let (frames, ended, given, stored) = (VecDeque::new(), None, None, None);
        TopicInlet { topic, consumer, feed, last, ended, frames, next, given, stored, committed: Instant::now() }
    }

    /// Everything below an offset came, or is lost: nobody may wait for it.
    fn reach(&mut self, offset: u64) {
        if offset > self.next {
            let records = offset - self.next;
            tracing::error!(topic = self.topic, records, "rows on their way to the history are lost by damage on disk");
            self.feed.dequeued(records);
        }
    }

    /// Whether the end has come: all is given, or the time for it is over.
    fn is_over(&mut self) -> bool {
        if self.ended.is_none() && self.last.0.load(Ordering::Acquire) {
            self.ended = Some(Instant::now());
        }
        self.ended.is_some_and(|ended| ended.elapsed() >= LAST || self.feed.waiting() == 0)
    }

    fn commit_stored(&mut self) -> Result<(), BusError> {
        if self.committed.elapsed() < COMMIT_EVERY && self.ended.is_none() {
            return Ok(());
        }
        if let Some(stored) = self.stored.take() {
            self.committed = Instant::now();
            self.consumer.commit(&[stored])?;
        }
        Ok(())
    }

    /// The next frames as one batch.
    fn next_batch(&mut self) -> (Batch, Vec<DeadLetter>) {
        let (mut batch, mut rejected) = (Batch::default(), Vec::new());
        let mut bytes = 0;
        while let Some(frame) = self.frames.pop_front() {
            bytes += frame.body.len();
            if !batch.is_empty() && (batch.len() + frame.count as usize > ROWS || bytes > READ_BYTES) {
                self.frames.push_front(frame);
                break;
            }
            self.reach(frame.base_offset);
            self.next = frame.next_offset();
            self.given = Some(Position { partition: frame.partition, offset: frame.next_offset() });
            match packed::unpack(&frame.body) {
                Ok(one) if batch.is_empty() => batch = one,
                Ok(one) => batch.append(&one),
                Err(error) => rejected.push(DeadLetter {
                    topic: self.topic.clone(),
                    partition: frame.partition,
                    offset: frame.base_offset,
                    received_at: frame.time,
                    records: u64::from(frame.count),
                    reason: error.to_string(),
                    body: frame.body,
                }),
            }
        }
        (batch, rejected)
    }
}

fn unavailable(error: BusError) -> EdgeError {
    EdgeError::Unavailable(error.to_string())
}

impl Inlet for TopicInlet {
    type Item = Arc<Batch>;

    fn poll(&mut self, timeout: Duration) -> Result<Polled<Arc<Batch>>, EdgeError> {
        self.commit_stored().map_err(unavailable)?;
        if self.is_over() {
            return Ok(Polled::Ended);
        }
        if self.frames.is_empty() {
            self.frames = self.consumer.poll(READ_BYTES, timeout).map_err(unavailable)?.into();
        }
        let (batch, rejected) = self.next_batch();
        if batch.is_empty() && rejected.is_empty() {
            if let Some(position) = self.consumer.position(0) {
                self.reach(position);
                self.next = self.next.max(position);
            }
            return Ok(Polled::Idle);
        }
        Ok(Polled::Item(Arc::new(batch), rejected))
    }

    fn commit(&mut self) -> Result<(), EdgeError> {
        self.stored = self.given;
        self.commit_stored().map_err(unavailable)
    }
}

/// A history that is durable with each batch, as an outlet.
pub struct StoreOutlet {
    writer: Box<dyn Writer>,
    feed: Arc<Feed>,
}

impl StoreOutlet {
    /// An outlet over a writer whose state is kept elsewhere.
    pub fn new(writer: Box<dyn Writer>, feed: Arc<Feed>) -> Self {
        StoreOutlet { writer, feed }
    }
}

impl Outlet for StoreOutlet {
    type Item = Arc<Batch>;

    fn send(&mut self, batch: Arc<Batch>) -> Result<Held, Refused<Arc<Batch>>> {
        match self.writer.append(&batch) {
            Ok(()) => {
                self.feed.dequeued(batch.len() as u64);
                Ok(Held::Durable)
            }
            Err(error) => Err(Box::new((EdgeError::Unavailable(error.to_string()), batch))),
        }
    }
}

#[cfg(test)]
mod tests;
