//! The analysis stage's side of the worker: which patterns are told to it. Never waits.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use hashbrown::HashMap;
use hashbrown::hash_map::Entry;
use tokio::sync::mpsc;
use whittle_domain::{Batch, Level};
use whittle_patterns::PatternId;

use super::hold::Candidate;
use super::metrics::ModelMetrics;
use super::relay::{Heard, Relay, Told};
use crate::insights::Insights;
use crate::pipeline::Tap;

/// Patterns that are remembered; beyond it all are looked at anew.
const MAX_SEEN: usize = 65_536;
/// Calls of [`Tap::tick`] between looks at whether patterns have become one: about a second.
const TICKS: u32 = 10;

/// Tells the worker about patterns without an insight. A known line costs a look-up.
pub struct Candidates {
    insights: Insights,
    to_worker: Option<ToWorker>,
    ticks: u32,
}

/// The way to the worker, and what it has been told.
struct ToWorker {
    queue: mpsc::Sender<Candidate>,
    metrics: ModelMetrics,
    /// Rises when the worker has let go of patterns that it was told of.
    forgotten: Arc<AtomicU64>,
    forgotten_seen: u64,
    /// Lines of a pattern that are worth telling.
    lines: u32,
    seen: HashMap<PatternId, Seen>,
    /// Patterns of the batch that have something to tell.
    news: Vec<PatternId>,
}

#[derive(Debug, Clone, Copy)]
struct Seen {
    /// Lines that were told.
    told: u32,
    /// Lines that were not yet.
    untold: u32,
    level: Level,
    told_level: Level,
    /// It has an insight.
    done: bool,
}

impl Candidates {
    /// What tells nobody: no model is configured.
    pub(super) fn off(insights: Insights) -> Self {
        Candidates { insights, to_worker: None, ticks: 0 }
    }

    pub(super) fn new(
        insights: Insights,
        queue: mpsc::Sender<Candidate>,
        lines: u32,
        metrics: ModelMetrics,
        forgotten: Arc<AtomicU64>,
    ) -> Self {
        let to_worker = ToWorker {
            queue,
            metrics,
            forgotten,
            forgotten_seen: 0,
            lines: lines.max(1),
            seen: HashMap::new(),
            news: Vec::new(),
        };
        Candidates { insights, to_worker: Some(to_worker), ticks: 0 }
    }

    /// Tells others instead of this copy's own worker, which hears from all of them.
    pub fn relayed(mut self) -> (Self, Option<Relay>) {
        let relay = self.to_worker.as_mut().map(|worker| {
            let (told, telling) = mpsc::channel(worker.queue.max_capacity());
            let heard = std::mem::replace(&mut worker.queue, told);
            Relay { told: Told(telling), heard: Heard(heard) }
        });
        (self, relay)
    }

    /// Looks at the rows of a batch. Where the worker's queue is full, what could not be told is counted and left out; it
    /// is told with the pattern's next lines.
    pub fn observe(&mut self, batch: &Batch) {
        let Some(worker) = &mut self.to_worker else { return };
        let forgotten = worker.forgotten.load(Ordering::Relaxed);
        if worker.forgotten_seen != forgotten || worker.seen.len() > MAX_SEEN {
            worker.forgotten_seen = forgotten;
            worker.seen.clear();
        }
        for row in batch.rows() {
            worker.look(row.pattern, row.level, &self.insights);
        }
        worker.tell();
    }
}

impl ToWorker {
    fn look(&mut self, pattern: PatternId, level: Level, insights: &Insights) {
        let seen = match self.seen.entry(pattern) {
            Entry::Occupied(seen) => seen.into_mut(),
            Entry::Vacant(place) => place.insert(Seen {
                told: 0,
                untold: 0,
                level,
                told_level: Level::Debug,
                done: insights.has_words(pattern),
            }),
        };
        if seen.done || (seen.told >= self.lines && level <= seen.told_level) {
            return;
        }
        if seen.untold == 0 {
            self.news.push(pattern);
        }
        seen.untold += 1;
        seen.level = seen.level.max(level);
    }

    fn tell(&mut self) {
        for pattern in self.news.drain(..) {
            let Some(seen) = self.seen.get_mut(&pattern) else { continue };
            let candidate = Candidate { pattern, level: seen.level, lines: seen.untold };
            match self.queue.try_send(candidate) {
                Ok(()) => {
                    seen.told = seen.told.saturating_add(seen.untold);
                    seen.told_level = seen.level;
                }
                Err(_) => {
                    self.metrics.queue_full.inc_by(u64::from(seen.untold));
                }
            }
            seen.untold = 0;
        }
    }
}

impl Tap for Candidates {
    fn observe(&mut self, batch: &Arc<Batch>) {
        Candidates::observe(self, batch);
    }

    fn tick(&mut self, _now: Option<i64>) {
        self.ticks += 1;
        if self.ticks >= TICKS {
            self.ticks = 0;
            self.insights.refresh();
        }
    }
}
