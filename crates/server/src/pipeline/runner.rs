//! The one function that drives every stage: poll, process, send, commit.
//!
//! It owns what no stage should: backpressure, retries with jitter, dead letters, metrics, spans, the end.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::registry::Registry;
use tokio_util::sync::CancellationToken;

use super::{DeadLetter, DeadLetters, EdgeError, Held, Inlet, Outlet, Polled};

/// Longest wait of a poll, and so the pace of ticks while nothing comes.
const POLL: Duration = Duration::from_millis(100);
/// Pace of ticks while something comes.
const TICK: Duration = Duration::from_millis(100);
/// First wait before something that failed is tried again.
const FIRST_RETRY: Duration = Duration::from_millis(50);
/// Longest wait.
const LAST_RETRY: Duration = Duration::from_secs(5);

/// What a stage does with its input. No I/O, no clock.
pub trait Stage: Send {
    /// What it works on.
    type In: Divide;
    /// What comes out.
    type Out;
    /// Its name in metrics and logs.
    const NAME: &'static str;
    /// One step. After a panic it is called again with parts of the same input.
    fn process(&mut self, item: &mut Self::In) -> Self::Out;
    /// Time passes, several times a second; `idle` where no input waits.
    fn tick(&mut self, _idle: bool) {}
}

/// An input that can be cut, to find the record in it that cannot be processed.
pub trait Divide: Sized {
    /// How many records.
    fn records(&self) -> usize;
    /// The first half and the rest; of two records or more, neither is empty.
    fn halves(self) -> (Self, Self);
    /// The first record as a dead letter.
    fn dead_letter(&self, topic: &str, reason: String) -> Option<DeadLetter>;
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct StageLabel {
    stage: &'static str,
}

/// Counters of all stages, by stage.
#[derive(Debug, Clone, Default)]
pub struct StageMetrics {
    records: Family<StageLabel, Counter>,
    batches: Family<StageLabel, Counter>,
    rejected: Family<StageLabel, Counter>,
    retries: Family<StageLabel, Counter>,
    busy: Family<StageLabel, Counter<f64, std::sync::atomic::AtomicU64>>,
}

impl StageMetrics {
    /// Registers the counters.
    pub fn register(registry: &mut Registry) -> Self {
        let metrics = StageMetrics::default();
        registry.register("whittle_stage_records", "Records that a stage processed", metrics.records.clone());
        registry.register("whittle_stage_batches", "Batches that a stage processed", metrics.batches.clone());
        registry.register("whittle_stage_rejected", "Records that a stage gave up on", metrics.rejected.clone());
        registry.register("whittle_stage_retries", "Tries again, of any edge of a stage", metrics.retries.clone());
        registry.register("whittle_stage_busy_seconds", "Seconds that a stage worked", metrics.busy.clone());
        metrics
    }

    fn of(&self, stage: &'static str) -> Counters {
        let label = StageLabel { stage };
        Counters {
            records: self.records.get_or_create_owned(&label),
            batches: self.batches.get_or_create_owned(&label),
            rejected: self.rejected.get_or_create_owned(&label),
            retries: self.retries.get_or_create_owned(&label),
            busy: self.busy.get_or_create_owned(&label),
        }
    }
}

struct Counters {
    records: Counter,
    batches: Counter,
    rejected: Counter,
    retries: Counter,
    busy: Counter<f64, std::sync::atomic::AtomicU64>,
}

/// A stage between its edges. [`Runner::run`] takes a thread of its own.
pub struct Runner<I, S, O> {
    inlet: I,
    stage: S,
    outlet: O,
    dead_letters: DeadLetters,
    /// The topic that dead letters name as their origin.
    topic: String,
    counters: Counters,
    /// Set when waiting for something that does not come back has to end.
    give_up: CancellationToken,
}

impl<I, S, O> Runner<I, S, O>
where
    S: Stage,
    I: Inlet<Item = S::In>,
    O: Outlet<Item = S::Out>,
{
    /// A runner. Once `give_up` is cancelled nothing is tried again.
    pub fn new(
        inlet: I,
        stage: S,
        outlet: O,
        dead_letters: DeadLetters,
        topic: &str,
        metrics: &StageMetrics,
        give_up: CancellationToken,
    ) -> Self {
        let counters = metrics.of(S::NAME);
        Runner { inlet, stage, outlet, dead_letters, topic: topic.to_owned(), counters, give_up }
    }

    /// Runs until the inlet ends, then finishes the outlet.
    ///
    /// # Errors
    /// When the next stage is gone, or the end could not be written. Whatever was not held is computed again later.
    pub fn run(mut self) -> Result<(), EdgeError> {
        let mut ticked = Instant::now();
        loop {
            let polled = self.retried("poll", |runner| runner.inlet.poll(POLL))?;
            let idle = matches!(polled, Polled::Idle);
            match polled {
                Polled::Item(item, rejected) => self.step(item, rejected)?,
                Polled::Idle => {}
                Polled::Ended => break,
            }
            if idle || ticked.elapsed() >= TICK {
                ticked = Instant::now();
                self.stage.tick(idle);
                self.retried("tick", |runner| runner.outlet.tick())?;
            }
        }
        self.outlet.finish()
    }

    fn step(&mut self, item: S::In, rejected: Vec<DeadLetter>) -> Result<(), EdgeError> {
        let span = tracing::debug_span!("step", stage = S::NAME, records = item.records());
        let _entered = span.enter();
        for letter in rejected {
            self.reject(&letter)?;
        }
        self.counters.batches.inc();
        self.process(item)
    }

    /// Processes and sends; what panics is cut in halves until the record that does it is alone.
    fn process(&mut self, mut item: S::In) -> Result<(), EdgeError> {
        let records = item.records();
        if records == 0 {
            return Ok(());
        }
        let started = Instant::now();
        let stage = &mut self.stage;
        let out = catch_unwind(AssertUnwindSafe(|| stage.process(&mut item)));
        self.counters.busy.inc_by(started.elapsed().as_secs_f64());
        match out {
            Ok(out) => {
                self.counters.records.inc_by(records as u64);
                let held = self.send(out)?;
                if held == Held::Durable {
                    self.retried("commit", |runner| runner.inlet.commit())?;
                }
                Ok(())
            }
            Err(_) if records > 1 => {
                let (first, second) = item.halves();
                self.process(first)?;
                self.process(second)
            }
            Err(panic) => match item.dead_letter(&self.topic, panic_message(&*panic)) {
                Some(letter) => self.reject(&letter),
                None => Ok(()),
            },
        }
    }

    fn send(&mut self, out: S::Out) -> Result<Held, EdgeError> {
        let mut left = Some(out);
        self.retried("send", |runner| {
            let Some(out) = left.take() else { return Err(EdgeError::Closed) };
            runner.outlet.send(out).map_err(|refused| {
                let (error, out) = *refused;
                left = Some(out);
                error
            })
        })
    }

    fn reject(&mut self, letter: &DeadLetter) -> Result<(), EdgeError> {
        let (partition, offset, reason) = (letter.partition, letter.offset, &letter.reason);
        tracing::error!(stage = S::NAME, partition, offset, reason, "a record goes to the dead letters");
        self.counters.rejected.inc();
        self.retried("dead letter", |runner| runner.dead_letters.put(letter))
    }

    /// Tries until it works, waiting longer each time. Logs the first failure of a row, and that it is over.
    fn retried<T>(
        &mut self,
        what: &str,
        mut attempt: impl FnMut(&mut Self) -> Result<T, EdgeError>,
    ) -> Result<T, EdgeError> {
        let mut wait = FIRST_RETRY;
        let mut failed = false;
        loop {
            match attempt(self) {
                Err(EdgeError::Unavailable(error)) if !self.give_up.is_cancelled() => {
                    if !failed {
                        tracing::warn!(stage = S::NAME, what, error, "failed; trying again until it works");
                    }
                    failed = true;
                    self.counters.retries.inc();
                    self.pause(wait.mul_f64(0.5 + fastrand::f64()));
                    wait = (wait * 2).min(LAST_RETRY);
                }
                result => {
                    if failed && result.is_ok() {
                        tracing::info!(stage = S::NAME, what, "works again");
                    }
                    return result;
                }
            }
        }
    }

    /// Waits, but not beyond the end.
    fn pause(&self, wait: Duration) {
        let until = Instant::now() + wait;
        while !self.give_up.is_cancelled() {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            std::thread::sleep(left.min(POLL));
        }
    }
}

fn panic_message(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    format!("the stage panicked: {}", text.unwrap_or("without a message"))
}
