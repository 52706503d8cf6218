//! `logs.raw` as the first stage sees it: from memory while it keeps up, from the log after a start or when it fell behind.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use whittle_bus::{BusError, Consumer, Frame, Position};

use super::normalize::Raws;
use super::{DeadLetter, EdgeError, Fed, Feed, Inlet, Polled};
use crate::ingest;

/// Bytes that are read from the log at once.
const READ_BYTES: usize = 4 << 20;
/// Longest wait for the log, in which nothing comes from memory.
const LOG_WAIT: Duration = Duration::from_millis(50);

/// For each partition the offset below which the history is durable, as told by the history, for the group's commit.
#[derive(Debug, Clone)]
pub struct Durable(Arc<Vec<AtomicU64>>);

impl Durable {
    /// Nothing durable beyond `held`.
    pub fn new(held: &[u64]) -> Self {
        Durable(Arc::new(held.iter().map(|held| AtomicU64::new(*held)).collect()))
    }

    /// Everything below `offset` is durable.
    pub fn raise(&self, partition: u32, offset: u64) {
        if let Some(held) = self.0.get(partition as usize) {
            held.fetch_max(offset, Ordering::Release);
        }
    }

    fn get(&self, partition: usize) -> u64 {
        self.0.get(partition).map_or(0, |held| held.load(Ordering::Acquire))
    }
}

/// The inlet of the first stage. Its group's commits follow what the history made durable.
pub struct RawInlet {
    topic: String,
    feed: Arc<Feed>,
    consumer: Box<dyn Consumer>,
    durable: Durable,
    committed: Vec<u64>,
    /// For each partition the next offset to give.
    next: Vec<u64>,
    /// For each partition where the consumer stands.
    reading: Vec<Option<u64>>,
    /// Came from memory, but what lies before it has to be read from the log first.
    waiting: Option<Fed>,
}

impl RawInlet {
    /// An inlet that starts at `held` (by partition).
    pub fn new(topic: String, feed: Arc<Feed>, consumer: Box<dyn Consumer>, held: &[u64], durable: Durable) -> Self {
        RawInlet {
            topic,
            feed,
            consumer,
            durable,
            committed: vec![0; held.len()],
            next: held.to_vec(),
            reading: vec![None; held.len()],
            waiting: None,
        }
    }

    /// Takes what memory has, as long as it follows on what was given before.
    fn take_fed(&mut self, raws: &mut Raws) {
        while raws.has_room() {
            let Some(fed) = self.waiting.take().or_else(|| self.feed.try_take()) else { return };
            let partition = fed.arrival.partition as usize;
            let Some(next) = self.next.get_mut(partition) else { continue };
            if fed.arrival.base_offset > *next {
                self.waiting = Some(fed);
                return;
            }
            if fed.end() > *next {
                let skip = (*next - fed.arrival.base_offset) as usize;
                *next = fed.end();
                raws.push(fed.raw, fed.arrival, skip);
            }
        }
    }

    fn is_behind(&self) -> bool {
        self.waiting.is_some() || (0..self.next.len()).any(|p| self.next[p] < self.feed.dropped_below(p))
    }

    fn read_log(&mut self, timeout: Duration) -> Result<Polled<Raws>, EdgeError> {
        for partition in 0..self.next.len() {
            if self.reading[partition] != Some(self.next[partition]) {
                let offset = self.next[partition];
                self.consumer.seek(Position { partition: partition as u32, offset }).map_err(unavailable)?;
            }
        }
        let frames = self.consumer.poll(READ_BYTES, timeout.min(LOG_WAIT)).map_err(unavailable)?;
        let (mut raws, mut rejected) = (Raws::default(), Vec::new());
        for frame in &frames {
            self.take_frame(frame, &mut raws, &mut rejected);
        }
        if raws.is_empty() && rejected.is_empty() {
            return Ok(Polled::Idle);
        }
        Ok(Polled::Item(raws, rejected))
    }

    fn take_frame(&mut self, frame: &Frame, raws: &mut Raws, rejected: &mut Vec<DeadLetter>) {
        let partition = frame.partition as usize;
        let Some(next) = self.next.get_mut(partition) else { return };
        self.reading[partition] = Some(frame.next_offset());
        if frame.next_offset() <= *next {
            return;
        }
        // What the log lost, or retention took, can't be stored any more: it must not count as waiting for ever.
        self.feed.stored(frame.base_offset.saturating_sub(*next));
        let skip = next.saturating_sub(frame.base_offset) as usize;
        *next = frame.next_offset();
        match ingest::decode(frame) {
            Ok((raw, arrival)) => raws.push(raw, arrival, skip),
            Err(error) => {
                rejected.push(DeadLetter {
                    topic: self.topic.clone(),
                    partition: frame.partition,
                    offset: frame.base_offset,
                    received_at: frame.time,
                    records: u64::from(frame.count) - skip as u64,
                    reason: error.to_string(),
                    body: frame.body.clone(),
                });
            }
        }
    }

    /// Commits what the history has made durable since.
    fn commit_durable(&mut self) -> Result<(), EdgeError> {
        let risen: Vec<Position> = (0..self.committed.len())
            .map(|p| Position { partition: p as u32, offset: self.durable.get(p) })
            .filter(|position| position.offset > self.committed[position.partition as usize])
            .collect();
        if !risen.is_empty() {
            self.consumer.commit(&risen).map_err(unavailable)?;
            for position in risen {
                self.committed[position.partition as usize] = position.offset;
            }
        }
        Ok(())
    }
}

fn unavailable(error: BusError) -> EdgeError {
    EdgeError::Unavailable(error.to_string())
}

impl Inlet for RawInlet {
    type Item = Raws;

    fn poll(&mut self, timeout: Duration) -> Result<Polled<Raws>, EdgeError> {
        self.commit_durable()?;
        if self.feed.is_closed() {
            return Ok(Polled::Ended);
        }
        let mut raws = Raws::default();
        self.take_fed(&mut raws);
        if !raws.is_empty() {
            return Ok(Polled::Item(raws, Vec::new()));
        }
        if self.is_behind() {
            return self.read_log(timeout);
        }
        self.waiting = self.feed.take(timeout);
        self.take_fed(&mut raws);
        if raws.is_empty() { Ok(Polled::Idle) } else { Ok(Polled::Item(raws, Vec::new())) }
    }

    fn commit(&mut self) -> Result<(), EdgeError> {
        self.commit_durable()
    }
}
