//! How a client walks along the stream: with the others of its feed where it can, alone where it must.

use std::sync::Arc;

use bytes::Bytes;
use tokio::time::Instant;

use super::Gateway;
use super::feed::{Feed, FeedKey, Next};
use super::filter::Filter;
use super::reader::{Frame, Reader, Work};
use super::ring::Heads;
use super::sampler::Sampler;

/// A stretch that a client reads for itself.
#[derive(Debug)]
struct Alone {
    until: u64,
    /// What it wants of it when it came back; everything that passes the filter otherwise.
    resume: Option<Heads>,
}

/// What a client is to be sent next.
#[derive(Debug)]
pub(super) enum Taken {
    /// Frames with so many events, the newest of which was received then (microseconds).
    Frames { bytes: Bytes, events: u64, received_at: i64 },
    /// Ask again: a step was done that led to nothing to send.
    Again,
    /// Nothing for now.
    Nothing,
}

/// A place in the stream.
#[derive(Debug)]
pub(super) struct Walk {
    cursor: u64,
    goal: u64,
    filter: Filter,
    batched: bool,
    feed: Arc<Feed>,
    alone: Option<Alone>,
    own: Reader,
    lost: u64,
}

impl Walk {
    /// A walk that starts at number `at`, the newest.
    pub fn new(gateway: &Gateway, filter: Filter, batch_ms: Option<u16>, at: u64, now: Instant) -> Self {
        let sampler = || batch_ms.and_then(|_| Sampler::new(gateway.settings.sample_above, now));
        let key = FeedKey { filter: filter.key.clone(), batch_ms };
        let feed = gateway.feeds.join(key, at, sampler());
        let own = Reader::new(at, sampler());
        Walk { cursor: at, goal: at, batched: batch_ms.is_some(), filter, feed, alone: None, own, lost: 0 }
    }

    /// Goes back to `start` for what a client missed, before it goes on with the others.
    pub fn resume(&mut self, start: u64, wanted: Heads) {
        if start < self.cursor {
            self.alone = Some(Alone { until: self.cursor, resume: Some(wanted) });
            self.cursor = start;
            self.own.jump(start);
        }
    }

    /// Number of the event that comes next, where any may be wanted.
    pub fn place(&self) -> u64 {
        if self.filter.is_shut() { u64::MAX } else { self.cursor }
    }

    /// Lets the client have what is below `goal`.
    pub fn aim(&mut self, goal: u64) {
        self.goal = self.goal.max(goal);
    }

    /// Events that were too old when the client came for them, since the last call.
    pub fn take_lost(&mut self) -> u64 {
        std::mem::take(&mut self.lost)
    }

    /// Gives up what is gone, so that a client that stands still is counted while it does.
    pub fn let_go(&mut self, tail: u64) {
        if self.filter.is_shut() || self.cursor >= tail {
            return;
        }
        self.lost += tail - self.cursor;
        self.cursor = tail;
        self.own.jump(tail);
        if self.alone.as_ref().is_some_and(|alone| alone.until <= tail) {
            self.alone = None;
        }
    }

    /// Takes the next frames, at most some hundred kilobytes.
    pub fn take(&mut self, gateway: &Gateway, now: Instant) -> Taken {
        if self.filter.is_shut() {
            return Taken::Nothing;
        }
        if self.alone.is_some() {
            return self.step_alone(gateway, now);
        }
        if self.cursor >= self.goal {
            return Taken::Nothing;
        }
        let work = work(gateway, &self.filter, self.batched, None);
        match self.feed.next(&work, self.cursor, self.goal, now, gateway.feeds.share()) {
            Next::Frame(frame) => self.pass(&frame),
            Next::Alone(until) => {
                self.own.jump(self.cursor);
                self.alone = Some(Alone { until, resume: None });
                Taken::Again
            }
            Next::Again => Taken::Again,
            Next::Later => {
                self.goal = self.cursor;
                Taken::Nothing
            }
        }
    }

    fn step_alone(&mut self, gateway: &Gateway, now: Instant) -> Taken {
        let Some(alone) = &self.alone else { return Taken::Again };
        let work = work(gateway, &self.filter, self.batched, alone.resume.as_ref());
        let step = self.own.step(&work, alone.until, now);
        self.lost += step.lost;
        self.cursor = self.own.at();
        if self.cursor >= alone.until {
            self.alone = None;
        }
        step.frame.map_or(Taken::Again, |frame| self.pass(&frame))
    }

    fn pass(&mut self, frame: &Frame) -> Taken {
        self.cursor = frame.end;
        if frame.events == 0 {
            return Taken::Again;
        }
        Taken::Frames { bytes: frame.bytes.clone(), events: frame.events, received_at: frame.received_at }
    }
}

fn work<'a>(gateway: &'a Gateway, filter: &'a Filter, batched: bool, resume: Option<&'a Heads>) -> Work<'a> {
    Work { ring: &gateway.ring, insights: &*gateway.insights, filter, batched, resume }
}
