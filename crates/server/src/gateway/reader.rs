//! From events to frames: what a stretch of the ring looks like to clients with one filter and one shape.
//!
//! A reader works in steps of bounded size and holds nothing of the ring between them, so that clients that stand still for a
//! minute cost no memory and clients with a slow query leave room for others.

use bytes::Bytes;
use tokio::time::Instant;

use super::filter::Filter;
use super::render::{self, InsightLookup};
use super::ring::{Heads, Piece, Ring};
use super::sampler::Sampler;
use super::wire;

/// Bytes after which a frame is full. Only an event that is larger by itself makes a larger one.
const FRAME: usize = 192 << 10;

/// Bytes that are ready to be sent: whole messages about the events numbered `start..end`, or none when no event passed.
#[derive(Debug, Clone)]
pub(super) struct Frame {
    pub start: u64,
    pub end: u64,
    pub bytes: Bytes,
    /// Events in it.
    pub events: u64,
    /// The clock of ingestion of the newest event in it, in microseconds.
    pub received_at: i64,
}

/// What frames are made from, and how.
#[derive(Clone, Copy)]
pub(super) struct Work<'a> {
    pub ring: &'a Ring,
    pub insights: &'a dyn InsightLookup,
    pub filter: &'a Filter,
    /// One message for many events, not one each.
    pub batched: bool,
    /// For a client that came back: by partition the first offset it wants; other partitions it does not want.
    pub resume: Option<&'a Heads>,
}

impl Work<'_> {
    fn wants(&self, piece: &Piece, row: &whittle_domain::Row) -> bool {
        let again = |heads: &Heads| heads.get(&row.partition).is_some_and(|next| row.offset >= *next);
        self.resume.is_none_or(again) && self.filter.matches(&piece.batch, row, self.insights)
    }

    fn passes_all(&self) -> bool {
        self.resume.is_none() && self.filter.is_open()
    }
}

/// What a step did.
#[derive(Debug, Default)]
pub(super) struct Step {
    /// Events that had gone before they could be looked at.
    pub lost: u64,
    /// Nothing while events are still being counted.
    pub frame: Option<Frame>,
}

/// A stretch of events that is sent as one: thinned alike.
#[derive(Debug)]
struct Window {
    end: u64,
    /// One in so many that pass is sent.
    every: u64,
    /// Events that passed so far.
    passed: u64,
    /// While events are counted, the next one to look at.
    counting: Option<u64>,
}

/// A place in the ring.
#[derive(Debug)]
pub(super) struct Reader {
    at: u64,
    window: Option<Window>,
    sampler: Option<Sampler>,
}

impl Reader {
    pub fn new(at: u64, sampler: Option<Sampler>) -> Self {
        Reader { at, window: None, sampler }
    }

    /// Number of the event to be looked at next.
    pub fn at(&self) -> u64 {
        self.at
    }

    /// Whether a stretch is half done.
    pub fn is_midway(&self) -> bool {
        self.window.is_some()
    }

    /// Goes elsewhere.
    pub fn jump(&mut self, at: u64) {
        self.at = at;
        self.window = None;
    }

    /// Goes on towards `goal`, at most by a stride.
    pub fn step(&mut self, work: &Work<'_>, goal: u64, now: Instant) -> Step {
        let tail = work.ring.tail();
        let lost = tail.saturating_sub(self.at).min(goal.saturating_sub(self.at));
        self.at += lost;
        let mut window = match self.window.take() {
            Some(window) => window,
            None => self.open(work, goal, now),
        };
        let frame = match window.counting {
            Some(at) => {
                self.count(work, &mut window, at.max(self.at), now);
                None
            }
            None => Some(self.render(work, &mut window)),
        };
        self.window = (self.at < window.end).then_some(window);
        Step { lost, frame }
    }

    fn open(&mut self, work: &Work<'_>, goal: u64, now: Instant) -> Window {
        let mut window = Window { end: goal, every: 1, passed: 0, counting: None };
        // Who comes back is told everything.
        let Some(sampler) = self.sampler.as_mut().filter(|_| work.batched && work.resume.is_none()) else {
            return window;
        };
        let events = goal.saturating_sub(self.at);
        if work.passes_all() {
            window.every = sampler.every(events, now);
        } else if events > sampler.room(now) {
            window.counting = Some(self.at);
        }
        window
    }

    /// Counts what passes, to know how much to thin it.
    fn count(&mut self, work: &Work<'_>, window: &mut Window, from: u64, now: Instant) {
        let mut passed = 0;
        let at = visit(work, from, window.end, |piece, row| {
            passed += u64::from(work.wants(piece, row));
            true
        });
        window.passed += passed;
        window.counting = Some(at);
        if at >= window.end {
            window.counting = None;
            window.every = self.sampler.as_mut().map_or(1, |s| s.every(window.passed, now));
            window.passed = 0;
        }
    }

    fn render(&mut self, work: &Work<'_>, window: &mut Window) -> Frame {
        let start = self.at;
        let mut shape = Shape::new(work.batched, window.every);
        self.at = visit(work, start, window.end, |piece, row| {
            if work.wants(piece, row) {
                if window.passed.is_multiple_of(window.every) {
                    shape.push(work, piece, row);
                }
                window.passed += 1;
            }
            shape.len() < FRAME
        });
        let (events, received_at) = (shape.events, shape.received_at);
        Frame { start, end: self.at, bytes: shape.finish(), events, received_at }
    }
}

/// Looks at events from `from` until `look` says stop, a stride is done, or what is next is not held. Returns the next number.
fn visit(work: &Work<'_>, from: u64, end: u64, mut look: impl FnMut(&Piece, &whittle_domain::Row) -> bool) -> u64 {
    let mut pieces = Vec::new();
    let (mut at, stop) = (from, end.min(from + work.filter.stride()));
    while at < stop {
        pieces.clear();
        if work.ring.read(at, stop, &mut pieces) != at || pieces.is_empty() {
            break;
        }
        for piece in &pieces {
            for row in piece.rows() {
                at += 1;
                if !look(piece, row) {
                    return at;
                }
            }
        }
    }
    at
}

/// A frame in the making.
struct Shape {
    batched: Option<(wire::Message, u64)>,
    plain: Vec<u8>,
    event: Vec<u8>,
    events: u64,
    received_at: i64,
}

impl Shape {
    fn new(batched: bool, every: u64) -> Self {
        Shape {
            batched: batched.then(|| (wire::Message::new(4 << 10), every)),
            plain: Vec::new(),
            event: Vec::new(),
            events: 0,
            received_at: 0,
        }
    }

    fn push(&mut self, work: &Work<'_>, piece: &Piece, row: &whittle_domain::Row) {
        if let Some((message, _)) = &mut self.batched {
            let out = message.payload();
            out.extend_from_slice(if self.events == 0 { br#"{"topic":"logs.insights","payloads":["# } else { b"," });
            render::event(&piece.batch, row, work.insights, out);
        } else {
            self.event.clear();
            self.event.extend_from_slice(br#"{"topic":"logs.insights","payload":"#);
            render::event(&piece.batch, row, work.insights, &mut self.event);
            self.event.push(b'}');
            wire::push(&self.event, &mut self.plain);
        }
        self.events += 1;
        self.received_at = row.received_at;
    }

    fn len(&mut self) -> usize {
        self.plain.len() + self.batched.as_mut().map_or(0, |(message, _)| message.payload().len())
    }

    fn finish(self) -> Bytes {
        match self.batched {
            None => self.plain.into(),
            Some(_) if self.events == 0 => Bytes::new(),
            Some((mut message, every)) => {
                let out = message.payload();
                out.push(b']');
                if every > 1 {
                    out.extend_from_slice(format!(",\"sampled\":{every}").as_bytes());
                }
                out.push(b'}');
                message.finish()
            }
        }
    }
}
