//! Frames that clients with the same subscription share: made once, by whoever of them is first, sent to all.
//!
//! A feed is a short chain of frames that ends where the newest one ends. A client that has read up to the start of a frame takes
//! it; one that stands elsewhere (it has just come, or it is slow) makes its own up to the next border and then walks with the
//! others.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use tokio::time::Instant;

use super::filter::FilterKey;
use super::reader::{Frame, Reader, Work};
use super::sampler::Sampler;

/// Bytes of frames that all feeds keep together.
const KEPT: usize = 32 << 20;
/// The most that one feed keeps, and the least.
const KEPT_BY_ONE: (usize, usize) = (2 << 20, 128 << 10);
/// Windows of a feed with `batchMs` are opened so far apart, or half of that.
const APART: Duration = Duration::from_millis(50);
/// Frames that one feed keeps; those in which no event passed have no bytes.
const MAX_FRAMES: usize = 1024;
/// Events between a feed's end and a new client that are made up for; a feed further behind starts where the client stands.
const MADE_UP: u64 = 4096;

/// What two clients must have in common to share frames.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct FeedKey {
    pub filter: FilterKey,
    pub batch_ms: Option<u16>,
}

/// The feeds that have clients.
#[derive(Debug, Default)]
pub(super) struct Feeds {
    feeds: Mutex<HashMap<FeedKey, Weak<Feed>>>,
}

impl Feeds {
    /// The feed of a subscription whose client stands at number `at`.
    pub fn join(&self, key: FeedKey, at: u64, sampler: Option<Sampler>) -> Arc<Feed> {
        let mut feeds = self.feeds.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(feed) = feeds.get(&key).and_then(Weak::upgrade) {
            return feed;
        }
        feeds.retain(|_, feed| feed.strong_count() > 0);
        let chain = Chain { reader: Reader::new(at, sampler), frames: VecDeque::new(), bytes: 0, opened: None };
        let feed = Arc::new(Feed { chain: Mutex::new(chain), batch_ms: key.batch_ms });
        feeds.insert(key, Arc::downgrade(&feed));
        feed
    }

    /// Bytes of frames that each feed may keep.
    pub fn share(&self) -> usize {
        let feeds = self.feeds.lock().unwrap_or_else(PoisonError::into_inner).len();
        (KEPT / feeds.max(1)).clamp(KEPT_BY_ONE.1, KEPT_BY_ONE.0)
    }
}

/// What a client gets from its feed.
#[derive(Debug)]
pub(super) enum Next {
    /// The frame that starts where the client stands.
    Frame(Arc<Frame>),
    /// The client makes its own frames up to this number, where it meets the others.
    Alone(u64),
    /// Ask again: a step was done.
    Again,
    /// Nothing more before the next tick: the frame of this one was made already.
    Later,
}

/// The shared frames of one subscription.
#[derive(Debug)]
pub(super) struct Feed {
    chain: Mutex<Chain>,
    batch_ms: Option<u16>,
}

#[derive(Debug)]
struct Chain {
    reader: Reader,
    frames: VecDeque<Arc<Frame>>,
    bytes: usize,
    /// When the newest window was opened.
    opened: Option<Instant>,
}

impl Feed {
    /// What comes next for a client that stands at `cursor` and wants what is below `goal` (above `cursor`).
    ///
    /// Frames of up to `keep` bytes (and always the newest) stay for others; with one client none do.
    pub fn next(self: &Arc<Self>, work: &Work<'_>, cursor: u64, goal: u64, now: Instant, keep: usize) -> Next {
        let shared = Arc::strong_count(self) > 1;
        let mut chain = self.chain.lock().unwrap_or_else(PoisonError::into_inner);
        chain.come_near(cursor);
        if cursor < chain.reader.at() {
            return chain.find(cursor);
        }
        if !chain.reader.is_midway() {
            if chain.is_early(now, self.batch_ms) {
                return Next::Later;
            }
            chain.opened = Some(now);
        }
        // What the feed lost each client counts for itself.
        let Some(frame) = chain.reader.step(work, goal, now).frame else { return Next::Again };
        let frame = Arc::new(frame);
        if shared {
            chain.keep(frame.clone(), keep);
        } else {
            chain.forget();
        }
        if frame.start == cursor { Next::Frame(frame) } else { chain.find(cursor) }
    }
}

impl Chain {
    /// Starts where the client stands when nobody needs what lies between.
    fn come_near(&mut self, cursor: u64) {
        let behind = cursor.saturating_sub(self.reader.at());
        if behind > MADE_UP || (behind > 0 && self.frames.is_empty() && !self.reader.is_midway()) {
            self.reader.jump(cursor);
            self.forget();
        }
    }

    /// One window a tick: the clients of a feed wake one after the other, and each sees a few events more than the one before.
    fn is_early(&self, now: Instant, batch_ms: Option<u16>) -> bool {
        let apart = APART.min(Duration::from_millis(u64::from(batch_ms.unwrap_or(0))) / 2);
        self.opened.is_some_and(|opened| now.saturating_duration_since(opened) < apart)
    }

    fn find(&self, cursor: u64) -> Next {
        if cursor >= self.reader.at() {
            return Next::Again;
        }
        let at = self.frames.partition_point(|frame| frame.end <= cursor);
        match self.frames.get(at) {
            Some(frame) if frame.start == cursor => Next::Frame(frame.clone()),
            Some(frame) if frame.start > cursor => Next::Alone(frame.start),
            Some(frame) => Next::Alone(frame.end),
            None => Next::Alone(self.reader.at()),
        }
    }

    fn keep(&mut self, frame: Arc<Frame>, room: usize) {
        self.bytes += frame.bytes.len();
        self.frames.push_back(frame);
        while self.frames.len() > 1 && (self.bytes > room || self.frames.len() > MAX_FRAMES) {
            let Some(oldest) = self.frames.pop_front() else { break };
            self.bytes -= oldest.bytes.len();
        }
    }

    fn forget(&mut self) {
        self.frames.clear();
        self.bytes = 0;
    }
}
