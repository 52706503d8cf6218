//! A topic in front of a stage.

use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use prometheus_client::metrics::gauge::Gauge;
use tokio_util::sync::CancellationToken;
use whittle_bus::{BusError, Consumer, Frame, Position};
use whittle_domain::{Batch, BatchBuilder};

use super::heads::{TRACEPARENT, value};
use super::{Lives, Traces, raw, records};
use crate::clock::now_micros;
use crate::pipeline::{DeadLetter, Divide, Durable, EdgeError, Inlet, Polled, Raws};

/// Bytes that are read at once.
const READ_BYTES: usize = 2 << 20;
/// Stretches of a topic that wait for the history; more are as many batches as it holds in memory.
const WAITING: usize = 100_000;

/// How messages become what a stage works on.
pub trait Read: Send {
    /// What the stage works on.
    type Item: Divide + Send;
    /// Reads messages of a topic; what cannot be read is rejected.
    fn read(&mut self, topic: &str, frames: &[Frame], rejected: &mut Vec<DeadLetter>) -> Self::Item;
    /// Looks up what it takes to read them.
    ///
    /// # Errors
    /// It cannot be looked up now; it is tried again with the same messages.
    fn prepare(&mut self, _frames: &[Frame]) -> Result<(), EdgeError> {
        Ok(())
    }
    /// For each partition of `logs.raw` the end of the records in an item.
    fn raw_ends(item: &Self::Item) -> BTreeMap<u32, u64>;
}

/// When what was read counts as done.
enum Done {
    /// Once the stage has sent it on.
    Sent,
    /// Once the history holds it.
    Held { durable: Durable, waiting: VecDeque<Stretch> },
}

/// Messages of one partition that were given together.
struct Stretch {
    partition: u32,
    /// The offset behind them, in the topic.
    next: u64,
    /// The end of their records in `logs.raw`.
    raw_end: u64,
}

/// The inlet. Its group's commits follow what is done.
pub struct TopicInlet<R> {
    topic: String,
    consumer: Box<dyn Consumer>,
    read: R,
    done: Done,
    stop: CancellationToken,
    /// Given and not committed.
    given: BTreeMap<u32, u64>,
    /// Nothing was sent for what was given last: all of it was rejected.
    only_rejected: bool,
    /// Came, and could not be prepared for yet.
    unread: Vec<Frame>,
    delay: Delay,
}

/// Seconds between the receipt of a record and now: how old what a stage works on is, 0 while nothing waits.
pub type Delay = Gauge<f64, AtomicU64>;

impl<R: Read> TopicInlet<R> {
    /// An inlet of a stage whose output is durable when it was sent. Ends at the `stop`.
    pub fn new(topic: &str, consumer: Box<dyn Consumer>, read: R, stop: CancellationToken) -> Self {
        let (given, topic) = (BTreeMap::new(), topic.to_owned());
        TopicInlet {
            topic,
            consumer,
            read,
            done: Done::Sent,
            stop,
            given,
            only_rejected: false,
            unread: Vec::new(),
            delay: Delay::default(),
        }
    }

    /// Says how old its records are.
    #[must_use]
    pub fn timed(mut self, delay: Delay) -> Self {
        self.delay = delay;
        self
    }

    /// Commits what is durable in the history, and nothing else.
    #[must_use]
    pub fn until_held(mut self, durable: Durable) -> Self {
        self.done = Done::Held { durable, waiting: VecDeque::new() };
        self
    }

    fn note(&mut self, frames: &[Frame], item: &R::Item) {
        let mut next = BTreeMap::new();
        for frame in frames {
            next.insert(frame.partition, frame.next_offset());
        }
        match &mut self.done {
            Done::Sent => self.given.extend(next),
            Done::Held { waiting, .. } => {
                let ends = R::raw_ends(item);
                for (partition, next) in next {
                    // Stages write to the partition of the same number. Where a stretch has no record there is none to wait for.
                    let raw_end = ends.get(&partition).copied().unwrap_or(0);
                    waiting.push_back(Stretch { partition, next, raw_end });
                }
                while waiting.len() > WAITING {
                    waiting.pop_front();
                }
            }
        }
    }

    /// Commits what the history has come to hold.
    fn commit_held(&mut self) -> Result<(), EdgeError> {
        let Done::Held { durable, waiting } = &mut self.done else { return Ok(()) };
        while let Some(stretch) = waiting.front() {
            if durable.of(stretch.partition) < stretch.raw_end {
                break;
            }
            self.given.insert(stretch.partition, stretch.next);
            waiting.pop_front();
        }
        self.commit_given()
    }

    fn commit_given(&mut self) -> Result<(), EdgeError> {
        while !self.given.is_empty() {
            let positions: Vec<Position> = self
                .given
                .iter()
                .map(|(partition, offset)| Position { partition: *partition, offset: *offset })
                .collect();
            match self.consumer.commit(&positions) {
                Ok(()) => self.given.clear(),
                // Another member goes on from what was committed last: it does again what was done since.
                Err(BusError::Revoked(partition)) => {
                    self.given.remove(&partition);
                }
                Err(error) => return Err(unavailable(&error)),
            }
        }
        Ok(())
    }
}

fn unavailable(error: &BusError) -> EdgeError {
    EdgeError::Unavailable(error.to_string())
}

impl<R: Read> Inlet for TopicInlet<R> {
    type Item = R::Item;

    fn poll(&mut self, timeout: Duration) -> Result<Polled<R::Item>, EdgeError> {
        self.commit_held()?;
        if std::mem::take(&mut self.only_rejected) {
            self.commit_given()?;
        }
        if self.stop.is_cancelled() {
            return Ok(Polled::Ended);
        }
        if self.unread.is_empty() {
            self.unread = self.consumer.poll(READ_BYTES, timeout).map_err(|error| unavailable(&error))?;
        }
        let Some(last) = self.unread.last() else {
            self.delay.set(0.0);
            return Ok(Polled::Idle);
        };
        self.delay.set((now_micros() - last.time).max(0) as f64 / 1e6);
        self.read.prepare(&self.unread)?;
        let frames = std::mem::take(&mut self.unread);
        let mut rejected = Vec::new();
        let item = self.read.read(&self.topic, &frames, &mut rejected);
        self.note(&frames, &item);
        self.only_rejected = item.records() == 0 && matches!(self.done, Done::Sent);
        Ok(Polled::Item(item, rejected))
    }

    fn commit(&mut self) -> Result<(), EdgeError> {
        match self.done {
            Done::Sent => self.commit_given(),
            Done::Held { .. } => self.commit_held(),
        }
    }
}

/// A message as a dead letter.
fn dead_letter(topic: &str, frame: &Frame, reason: String) -> DeadLetter {
    DeadLetter {
        topic: topic.to_owned(),
        partition: frame.partition,
        offset: frame.base_offset,
        received_at: frame.time,
        records: 1,
        reason,
        body: frame.body.clone(),
    }
}

/// `logs.raw`, for the normalizer.
pub struct ReadRaw {
    traces: Traces,
    lives: Lives,
}

impl ReadRaw {
    /// Reads records, whose traces are remembered; `lives` tells how their offsets count on where the topic was made again.
    pub fn new(traces: Traces, lives: Lives) -> Self {
        ReadRaw { traces, lives }
    }
}

impl Read for ReadRaw {
    type Item = Raws;

    fn prepare(&mut self, frames: &[Frame]) -> Result<(), EdgeError> {
        self.lives.follow(frames).map_err(|error| unavailable(&error))
    }

    fn read(&mut self, topic: &str, frames: &[Frame], rejected: &mut Vec<DeadLetter>) -> Raws {
        self.traces.clear();
        let mut raws = Raws::default();
        for frame in frames {
            match raw::decode(frame, topic) {
                Ok((record, mut arrival, trace)) => {
                    arrival.base_offset += self.lives.base(frame.partition);
                    if let Some(trace) = trace {
                        self.traces.put(arrival.partition, arrival.base_offset, trace);
                    }
                    raws.push(record, arrival, 0);
                }
                Err(error) => rejected.push(dead_letter(topic, frame, error.to_string())),
            }
        }
        raws
    }

    fn raw_ends(_: &Raws) -> BTreeMap<u32, u64> {
        BTreeMap::new()
    }
}

/// `logs.normalized` and `logs.insights`.
#[derive(Default)]
pub struct ReadRecords(pub Traces);

impl Read for ReadRecords {
    type Item = Batch;

    fn read(&mut self, topic: &str, frames: &[Frame], rejected: &mut Vec<DeadLetter>) -> Batch {
        self.0.clear();
        let bytes = frames.iter().map(|frame| frame.body.len()).sum();
        let mut batch = BatchBuilder::with_capacity(frames.len(), bytes);
        for frame in frames {
            if let Err(error) = records::push_row(frame, topic, &mut batch) {
                rejected.push(dead_letter(topic, frame, error.to_string()));
            }
        }
        let batch = batch.finish();
        for frame in frames {
            if let (Some(trace), Some(position)) = (value(frame, TRACEPARENT), super::heads::raw_position(frame)) {
                self.0.put(position.partition, position.offset, trace.clone());
            }
        }
        batch
    }

    fn raw_ends(batch: &Batch) -> BTreeMap<u32, u64> {
        let mut ends = BTreeMap::new();
        for row in batch.rows() {
            let end = ends.entry(row.partition).or_insert(0);
            *end = row.offset.saturating_add(1).max(*end);
        }
        ends
    }
}
