//! `logs.raw` as the first stage sees it: from memory while it keeps up, from the log after a start or when it fell behind.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use whittle_bus::{BusError, Consumer, Frame, Position};

use super::normalize::Raws;
use super::{DeadLetter, Detour, EdgeError, Fed, Feed, Inlet, Polled, Rewind};
use crate::ingest;

/// Bytes that are read from the log at once.
const READ_BYTES: usize = 4 << 20;
/// Longest wait for the log, in which nothing comes from memory.
const LOG_WAIT: Duration = Duration::from_millis(50);
/// Wait after a commit that failed.
const COMMIT_AGAIN: Duration = Duration::from_secs(5);

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

    /// Below this everything of a partition is durable.
    pub fn of(&self, partition: u32) -> u64 {
        self.get(partition as usize)
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
    /// A commit failed, and is tried again then.
    commit_again: Option<Instant>,
    /// For each partition the next offset to give.
    next: Vec<u64>,
    /// For each partition where the consumer stands.
    reading: Vec<Option<u64>>,
    /// For each partition the offset up to which it was given once, whatever was read again since.
    seen: Vec<u64>,
    /// Came from memory, but what lies before it has to be read from the log first.
    waiting: Option<Fed>,
    detour: Detour,
    pass: u32,
}

impl RawInlet {
    /// An inlet that starts at `held` (by partition), and over again where `detour` asks for it.
    pub fn new(
        topic: String,
        feed: Arc<Feed>,
        consumer: Box<dyn Consumer>,
        held: &[u64],
        durable: Durable,
        detour: Detour,
    ) -> Self {
        RawInlet {
            topic,
            feed,
            consumer,
            durable,
            committed: vec![0; held.len()],
            commit_again: None,
            next: held.to_vec(),
            reading: vec![None; held.len()],
            seen: held.to_vec(),
            waiting: None,
            detour,
            pass: 0,
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

    /// Goes back to where the history stopped. What was given since is read from the log once more.
    fn rewind(&mut self, rewind: &Rewind) {
        self.pass = rewind.pass;
        for (partition, &from) in rewind.from.iter().enumerate().take(self.next.len()) {
            let next = &mut self.next[partition];
            self.seen[partition] = self.seen[partition].max(*next);
            self.feed.dropped(partition, *next);
            *next = from.min(*next);
            self.reading[partition] = None;
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
                self.reading[partition] = Some(offset);
            }
        }
        let frames = self.consumer.poll(READ_BYTES, timeout.min(LOG_WAIT)).map_err(unavailable)?;
        let (mut raws, mut rejected) = (Raws::of_pass(self.pass), Vec::new());
        for frame in &frames {
            self.take_frame(frame, &mut raws, &mut rejected);
        }
        if raws.is_empty() && rejected.is_empty() {
            self.skip_lost();
            return Ok(Polled::Idle);
        }
        Ok(Polled::Item(raws, rejected))
    }

    /// Nothing came: what the consumer passed over, since it is damaged or gone, is lost.
    fn skip_lost(&mut self) {
        for (partition, next) in self.next.iter_mut().enumerate() {
            let Some(position) = self.consumer.position(partition as u32) else { continue };
            if position > *next {
                self.feed.lost(position.saturating_sub((*next).max(self.seen[partition])));
                *next = position;
                self.reading[partition] = Some(position);
            }
        }
    }

    fn take_frame(&mut self, frame: &Frame, raws: &mut Raws, rejected: &mut Vec<DeadLetter>) {
        let partition = frame.partition as usize;
        let Some(next) = self.next.get_mut(partition) else { return };
        self.reading[partition] = Some(frame.next_offset());
        if frame.next_offset() <= *next {
            return;
        }
        // What the log lost, or retention took, must not count as waiting for ever; nor be counted in each pass.
        let seen = self.seen[partition];
        self.feed.lost(frame.base_offset.saturating_sub((*next).max(seen)));
        let skip = next.saturating_sub(frame.base_offset) as usize;
        *next = frame.next_offset();
        match ingest::decode(frame) {
            Ok((raw, arrival)) => raws.push(raw, arrival, skip),
            // In an earlier pass it went to the dead letters.
            Err(_) if frame.next_offset() <= seen => {}
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

    /// Commits what the history has made durable since. The commit only lets old segments go, so one that fails is tried
    /// again later and holds nothing up.
    fn commit_durable(&mut self) {
        let risen: Vec<Position> = (0..self.committed.len())
            .map(|p| Position { partition: p as u32, offset: self.durable.get(p) })
            .filter(|position| position.offset > self.committed[position.partition as usize])
            .collect();
        if risen.is_empty() || self.commit_again.is_some_and(|at| Instant::now() < at) {
            return;
        }
        match self.consumer.commit(&risen) {
            Ok(()) => {
                self.commit_again = None;
                for position in risen {
                    self.committed[position.partition as usize] = position.offset;
                }
            }
            Err(error) => {
                if self.commit_again.is_none() {
                    tracing::warn!(%error, "old segments of the raw log cannot be released; trying again");
                }
                self.commit_again = Some(Instant::now() + COMMIT_AGAIN);
            }
        }
    }
}

fn unavailable(error: BusError) -> EdgeError {
    EdgeError::Unavailable(error.to_string())
}

impl Inlet for RawInlet {
    type Item = Raws;

    fn poll(&mut self, timeout: Duration) -> Result<Polled<Raws>, EdgeError> {
        self.commit_durable();
        if self.feed.is_closed() {
            return Ok(Polled::Ended);
        }
        if let Some(rewind) = self.detour.asked(self.pass) {
            self.rewind(&rewind);
        }
        let mut raws = Raws::of_pass(self.pass);
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
        self.commit_durable();
        Ok(())
    }
}
