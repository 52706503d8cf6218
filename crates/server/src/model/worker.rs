//! The worker: takes candidates, holds them, asks about the most urgent within the limits, and puts what passes the checks
//! into the insight store.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use hashbrown::{HashMap, HashSet};
use tokio::sync::mpsc;
use tokio::task::{self, JoinSet};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use whittle_domain::prompt::{Evidence, Fault, Question, Source, Verdict, confidence, raised};
use whittle_domain::{InsightStatus, Severity};
use whittle_patterns::PatternId;

use super::ask::{Asker, Stop, blocking};
use super::breaker::Breaker;
use super::hold::{Added, Candidate, Held, Hold};
use super::status::Shared;
use crate::insights::{Insights, Words};

/// How often a pattern whose call failed is asked about again.
const MAX_TRIES: u32 = 3;
/// Pause after the budget was found spent.
const BUDGET_PAUSE_MS: u64 = 30_000;
/// Candidates that are taken in before anything else is looked at.
const GULP: usize = 1_024;
/// Patterns that are remembered as asked about; beyond it all may be asked about anew.
const MAX_SETTLED: usize = 100_000;
/// Time that requests in flight have to end when the program does.
const FAREWELL: Duration = Duration::from_secs(2);

/// The worker's own state.
pub(super) struct Worker {
    queue: mpsc::Receiver<Candidate>,
    hold: Hold,
    insights: Insights,
    shared: Arc<Shared>,
    forgotten: Arc<AtomicU64>,
    shutdown: CancellationToken,
    start: Instant,
    /// No calls before this: the budget is spent.
    paused_until: u64,
    /// The queue's other end is gone.
    closed: bool,
    /// Patterns of the calls in flight.
    asking: HashMap<task::Id, Vec<PatternId>>,
    /// Patterns that will not be asked about again: rejected, or given up.
    settled: HashSet<PatternId>,
}

/// A pattern on its way.
type Asked = (Held, Question);

/// How a batch ended.
enum Done {
    /// With an answer; what did not pass its checks.
    Answered(Vec<(Held, Fault)>),
    /// Without.
    Stopped(Vec<Held>, Stop),
}

impl Worker {
    pub(super) fn new(
        queue: mpsc::Receiver<Candidate>,
        hold: Hold,
        insights: Insights,
        shared: Arc<Shared>,
        forgotten: Arc<AtomicU64>,
        shutdown: CancellationToken,
    ) -> Self {
        let start = Instant::now();
        Worker {
            queue,
            hold,
            insights,
            shared,
            forgotten,
            shutdown,
            start,
            paused_until: 0,
            closed: false,
            asking: HashMap::new(),
            settled: HashSet::new(),
        }
    }

    /// Works until the shutdown.
    pub(super) async fn run(mut self) {
        let mut calls = JoinSet::new();
        let shutdown = self.shutdown.clone();
        loop {
            self.start_calls(&mut calls);
            self.show(calls.len());
            let wake = self.wake(calls.len());
            tokio::select! {
                () = shutdown.cancelled() => break,
                candidate = self.queue.recv(), if !self.closed => self.take_in(candidate),
                Some(done) = calls.join_next_with_id() => self.finish(done),
                () = tokio::time::sleep_until(wake) => {}
            }
        }
        // A call that is under way has been paid for.
        let rest = async { while calls.join_next().await.is_some() {} };
        let _ = tokio::time::timeout(FAREWELL, rest).await;
    }

    fn now(&self) -> u64 {
        self.start.elapsed().as_millis() as u64
    }

    fn show(&self, calls: usize) {
        let metrics = &self.shared.metrics;
        metrics.held.set(self.hold.len() as i64);
        metrics.in_flight.set(calls as i64);
    }

    /// When to look again if nothing else happens.
    fn wake(&self, calls: usize) -> Instant {
        const IDLE_MS: u64 = 60_000;
        let now = self.now();
        if calls >= self.settings().concurrency {
            return self.start + Duration::from_millis(now + IDLE_MS);
        }
        let opens = {
            let breaker = &self.shared.health().breaker;
            // Where only the end of a call, or nothing, lets further ones through, there is nothing to wake up for.
            if breaker.allows(now) { 0 } else { breaker.opens_at(now).unwrap_or(u64::MAX) }
        };
        let wall = (self.shared.asker.clock)();
        let minute = (self.shared.asker.budget.next_call(wall) - wall).max(0) as u64;
        let due = self.hold.next_due().unwrap_or(now + IDLE_MS).max(opens).max(self.paused_until).max(now + minute);
        self.start + Duration::from_millis(due.clamp(now + 1, now + IDLE_MS))
    }

    fn settings(&self) -> &super::ModelSettings {
        &self.shared.asker.settings
    }

    fn take_in(&mut self, candidate: Option<Candidate>) {
        let Some(candidate) = candidate else {
            self.closed = true;
            return;
        };
        self.hear(candidate);
        for _ in 0..GULP {
            match self.queue.try_recv() {
                Ok(candidate) => self.hear(candidate),
                Err(_) => break,
            }
        }
    }

    fn hear(&mut self, candidate: Candidate) {
        let pattern = self.insights.resolve(candidate.pattern);
        let asked = self.settled.contains(&pattern) || self.asking.values().any(|asked| asked.contains(&pattern));
        if asked || self.insights.has_words(pattern) {
            return;
        }
        if matches!(self.shared.health().breaker, Breaker::Locked { .. }) {
            // Nobody will be asked until the next start.
            self.insights.set_state(pattern, candidate.level, InsightStatus::ModelFailed);
            return;
        }
        let added = self.hold.add(Candidate { pattern, ..candidate }, self.now());
        self.note(added);
    }

    /// A pattern that found no room may be told again: what was told of it is forgotten.
    fn note(&self, added: Added) {
        if added != Added::Waits {
            self.shared.metrics.held_full.inc();
            self.forgotten.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn start_calls(&mut self, calls: &mut JoinSet<Done>) {
        while calls.len() < self.settings().concurrency {
            let now = self.now();
            let wall = (self.shared.asker.clock)();
            let free = self.shared.asker.budget.next_call(wall) <= wall;
            if now < self.paused_until || !free || !self.shared.health().breaker.allows(now) {
                return;
            }
            let batch = self.next_batch(now);
            if batch.is_empty() {
                return;
            }
            self.shared.health().breaker.begin();
            let asked = batch.iter().map(|(held, _)| held.pattern).collect();
            let call = calls.spawn(ask(self.shared.asker.clone(), self.insights.clone(), batch));
            self.asking.insert(call.id(), asked);
        }
    }

    /// The most urgent patterns that are due, up to a batch; one that reads like an instruction goes alone.
    fn next_batch(&mut self, now: u64) -> Vec<Asked> {
        let mut batch: Vec<Asked> = Vec::new();
        let mut apart = Vec::new();
        while batch.len() < self.settings().batch {
            let Some(held) = self.hold.take_due(now) else { break };
            let Some(question) = self.question(&held) else { continue };
            if question.alone && !batch.is_empty() {
                apart.push(held);
                continue;
            }
            let alone = question.alone;
            batch.push((held, question));
            if alone {
                break;
            }
        }
        for held in apart {
            let added = self.hold.put_back(held, 0);
            self.note(added);
        }
        batch
    }

    fn question(&self, held: &Held) -> Option<Question> {
        if self.insights.has_words(held.pattern) {
            return None;
        }
        let template = self.insights.catalog().typed_template(held.pattern)?;
        let severity = self.insights.get(held.pattern, held.level).severity;
        Some(self.shared.asker.prompter.question(&template, held.level, severity))
    }

    fn finish(&mut self, done: Result<(task::Id, Done), task::JoinError>) {
        let now = self.now();
        self.asking.remove(&done.as_ref().map_or_else(task::JoinError::id, |(id, _)| *id));
        match done {
            Ok((_, Done::Answered(refused))) => {
                self.well();
                for (held, fault) in refused {
                    tracing::info!(pattern = %held.pattern, %fault, "the model's words are rejected");
                    self.shared.metrics.rejected.inc();
                    self.insights.set_state(held.pattern, held.level, InsightStatus::Rejected);
                    self.settle(held.pattern);
                }
            }
            Ok((_, Done::Stopped(batch, stop))) => self.stopped(batch, stop, now),
            // A panic in a call; its patterns come back with their next lines.
            Err(_) => {
                self.unwell(now, "a call ended in a fault of this program".to_owned());
                self.forgotten.fetch_add(1, Ordering::Relaxed);
            }
        }
        let level = self.shared.asker.budget.level((self.shared.asker.clock)());
        self.shared.metrics.usd.set(level.usd.map_or(0.0, |(used, _)| used));
    }

    fn stopped(&mut self, batch: Vec<Held>, stop: Stop, now: u64) {
        match stop {
            Stop::OverBudget(why) => self.over_budget(batch, why, now),
            Stop::Later(pause) => {
                let mut health = self.shared.health();
                health.breaker.pause(now + pause.as_millis() as u64);
                health.trouble = Some(format!("the server asks for a pause of {} s", pause.as_secs()));
                drop(health);
                self.put_back(batch, 0);
            }
            Stop::Key(status) => {
                tracing::error!(status, "the model's server refuses the key; check OPENAI_API_KEY and OPENAI_MODEL");
                self.shared.health().breaker.lock(status);
                self.fail(batch, now);
                while let Some(held) = self.hold.take_due(u64::MAX) {
                    self.insights.set_state(held.pattern, held.level, InsightStatus::ModelFailed);
                }
            }
            Stop::Failed(why) => {
                tracing::warn!(%why, patterns = batch.len(), "the model gave no answer");
                self.unwell(now, why);
                self.fail(batch, now);
            }
        }
    }

    fn well(&self) {
        let mut health = self.shared.health();
        health.breaker.success();
        health.trouble = None;
    }

    fn settle(&mut self, pattern: PatternId) {
        if self.settled.len() >= MAX_SETTLED {
            self.settled.clear();
        }
        self.settled.insert(pattern);
    }

    fn unwell(&self, now: u64, why: String) {
        let open_for = self.settings().breaker_ms;
        let mut health = self.shared.health();
        health.breaker.failure(now, open_for);
        health.trouble = Some(why);
    }

    fn over_budget(&mut self, batch: Vec<Held>, why: String, now: u64) {
        {
            let mut health = self.shared.health();
            health.breaker.unmade(now);
            health.trouble = Some(why);
        }
        self.paused_until = now + BUDGET_PAUSE_MS;
        let wall = (self.shared.asker.clock)() + BUDGET_PAUSE_MS as i64;
        self.shared.spent_until.store(wall, Ordering::Relaxed);
        self.put_back(batch, 0);
        for held in self.hold.due(now) {
            if self.insights.set_state(held.pattern, held.level, InsightStatus::OverBudget) {
                self.shared.metrics.over_budget.inc();
            }
        }
    }

    /// Patterns whose call failed: later again, some times.
    fn fail(&mut self, batch: Vec<Held>, now: u64) {
        for held in batch {
            self.insights.set_state(held.pattern, held.level, InsightStatus::ModelFailed);
            if held.tries < MAX_TRIES {
                let again = now + self.settings().retry_pattern_ms;
                let added = self.hold.put_back(held.failed(), again);
                self.note(added);
            } else {
                self.shared.metrics.given_up.inc();
                self.settle(held.pattern);
            }
        }
    }

    fn put_back(&mut self, batch: Vec<Held>, not_before: u64) {
        for held in batch {
            let added = self.hold.put_back(held, not_before);
            self.note(added);
        }
    }
}

/// Asks about a batch and keeps what passes.
async fn ask(asker: Arc<Asker>, insights: Insights, batch: Vec<Asked>) -> Done {
    let (held, questions): (Vec<Held>, Vec<Question>) = batch.into_iter().unzip();
    let verdicts = match asker.ask(&questions).await {
        Ok(verdicts) => verdicts,
        Err(stop) => return Done::Stopped(held, stop),
    };
    let mut refused = Vec::new();
    for ((held, question), verdict) in held.into_iter().zip(&questions).zip(verdicts) {
        match verdict {
            Ok(verdict) => keep(&asker, &insights, held, question.severity, verdict).await,
            Err(fault) => refused.push((held, fault)),
        }
    }
    Done::Answered(refused)
}

async fn keep(asker: &Asker, insights: &Insights, held: Held, local: Severity, verdict: Verdict) {
    let severity = if verdict.raise { raised(local) } else { local };
    let evidence =
        Evidence { source: Source::Model, checks: verdict.checks, level: held.level, severity, lines: held.lines };
    let words = Words {
        pattern: held.pattern,
        level: held.level,
        summary: verdict.summary,
        raise: verdict.raise,
        category: verdict.category,
        remediation: verdict.remediation,
        confidence: confidence(&evidence),
        model: asker.model.clone(),
        answered_at: (asker.clock)(),
    };
    asker.metrics.explained.inc();
    let insights = insights.clone();
    if let Some(Err(error)) = blocking(move || insights.set(words)).await {
        tracing::warn!(%error, "an insight is not on disk yet");
    }
}
