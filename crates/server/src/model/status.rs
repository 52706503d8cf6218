//! What `GET /analysis` says: the state of the model client, its budget, and what was left out and why.

use std::sync::atomic::AtomicI64;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::Serialize;
use whittle_domain::prompt::Form;

use super::ask::Asker;
use super::breaker::Breaker;
use super::metrics::ModelMetrics;

/// The answer of `GET /analysis`.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Analysis {
    /// The model client.
    pub model: ModelState,
    /// How far the limits are used up.
    pub budget: BudgetState,
    /// Patterns that wait to be asked about, and requests in flight.
    pub waiting: Waiting,
    /// What became of the patterns that were asked about, since the start.
    pub patterns: Outcomes,
    /// What was not asked about, since the start.
    pub skipped: Skipped,
}

/// How the model client is.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ModelState {
    /// False: local analysis alone.
    pub configured: bool,
    /// The model's name.
    pub name: Option<String>,
    /// `off`, `ok`, `failing` or `open`.
    pub state: &'static str,
    /// Why it is not `ok`, and what helps.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// How strictly the server takes the form of answers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub form: Option<Form>,
}

/// The limits.
#[derive(Debug, Clone, PartialEq, Serialize, Default)]
pub struct BudgetState {
    /// Calls of the last minute.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub calls: Option<Gauge>,
    /// Tokens of this UTC day, spent or reserved.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tokens: Option<Gauge>,
    /// US dollars of this UTC day; absent where the prices are not set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub usd: Option<Gauge>,
}

/// A limit and how much of it is used.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Gauge {
    /// Used.
    pub used: f64,
    /// Of so much.
    pub limit: f64,
}

/// What waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Default)]
#[serde(rename_all = "camelCase")]
pub struct Waiting {
    /// Patterns.
    pub held: u64,
    /// Requests.
    pub in_flight: u64,
}

/// Patterns by what became of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Default)]
#[serde(rename_all = "camelCase")]
pub struct Outcomes {
    /// The model's words passed every check.
    pub explained: u64,
    /// They broke a rule, twice.
    pub rejected: u64,
    /// The server did not answer, four times.
    pub given_up: u64,
}

/// What was left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Default)]
#[serde(rename_all = "camelCase")]
pub struct Skipped {
    /// Lines that the worker's queue had no room for.
    pub queue_full: u64,
    /// Patterns that made room for more urgent ones.
    pub held_full: u64,
    /// Times that a pattern waited because the budget was spent.
    pub over_budget: u64,
}

/// Asks the worker for its state, from any thread. Clones share it.
#[derive(Clone)]
pub struct ModelStatus(Option<Arc<Shared>>);

/// What the worker and those who ask it share.
pub(super) struct Shared {
    pub asker: Arc<Asker>,
    pub metrics: ModelMetrics,
    pub health: Mutex<Health>,
    /// Milliseconds since 1970 until which the budget is spent; 0 when it is not.
    pub spent_until: AtomicI64,
}

/// How the last calls went.
pub(super) struct Health {
    pub breaker: Breaker,
    /// Why the last call failed; none when it did not.
    pub trouble: Option<String>,
}

impl ModelStatus {
    /// The state when no model is configured.
    pub(crate) fn off() -> Self {
        ModelStatus(None)
    }

    pub(super) fn of(shared: Arc<Shared>) -> Self {
        ModelStatus(Some(shared))
    }

    /// The state now.
    pub fn state(&self) -> Analysis {
        match &self.0 {
            Some(shared) => shared.state(),
            None => Analysis {
                model: ModelState { configured: false, name: None, state: "off", reason: None, form: None },
                budget: BudgetState::default(),
                waiting: Waiting::default(),
                patterns: Outcomes::default(),
                skipped: Skipped::default(),
            },
        }
    }
}

impl Shared {
    pub(super) fn health(&self) -> MutexGuard<'_, Health> {
        self.health.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn state(&self) -> Analysis {
        let now = (self.asker.clock)();
        let level = self.asker.budget.level(now);
        let whole = |(used, limit): (u64, u64)| Gauge { used: used as f64, limit: limit as f64 };
        let metrics = &self.metrics;
        Analysis {
            model: self.model(now),
            budget: BudgetState {
                calls: Some(whole(level.calls)),
                tokens: Some(whole(level.tokens)),
                usd: level.usd.map(|(used, limit)| Gauge { used, limit }),
            },
            waiting: Waiting {
                held: metrics.held.get().max(0) as u64,
                in_flight: metrics.in_flight.get().max(0) as u64,
            },
            patterns: Outcomes {
                explained: metrics.explained.get(),
                rejected: metrics.rejected.get(),
                given_up: metrics.given_up.get(),
            },
            skipped: Skipped {
                queue_full: metrics.queue_full.get(),
                held_full: metrics.held_full.get(),
                over_budget: metrics.over_budget.get(),
            },
        }
    }

    fn model(&self, now: i64) -> ModelState {
        let health = self.health();
        let spent = self.spent_until.load(std::sync::atomic::Ordering::Relaxed) > now;
        let (state, reason) = match (&health.breaker, &health.trouble) {
            (Breaker::Locked { status }, _) => {
                let fix = "check OPENAI_API_KEY and OPENAI_MODEL, then restart";
                ("open", Some(format!("the server refuses the key ({status}); {fix}")))
            }
            (Breaker::Open { .. } | Breaker::Trying, trouble) => ("open", trouble.clone()),
            (Breaker::Closed { .. }, Some(trouble)) => (if spent { "ok" } else { "failing" }, Some(trouble.clone())),
            (Breaker::Closed { .. }, None) => ("ok", None),
        };
        let name = Some(self.asker.model.clone());
        ModelState { configured: true, name, state, reason, form: Some(self.asker.form()) }
    }
}
