//! What the model worker counts.

use std::sync::atomic::AtomicU64;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::Registry;

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Outcome {
    outcome: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Reason {
    reason: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Direction {
    direction: &'static str,
}

/// Counters of the worker. Clones share them.
#[derive(Debug, Clone)]
pub(super) struct ModelMetrics {
    /// Requests that got a usable answer, none, or were refused.
    pub answered: Counter,
    pub failed: Counter,
    pub refused: Counter,
    /// Seconds of a request.
    pub seconds: Histogram,
    pub tokens_sent: Counter,
    pub tokens_received: Counter,
    /// Patterns with an insight from the model, by what became of the question.
    pub explained: Counter,
    pub rejected: Counter,
    pub given_up: Counter,
    /// Lines that were not told because the queue was full.
    pub queue_full: Counter,
    /// Patterns that found no room to wait.
    pub held_full: Counter,
    /// Patterns that waited because the budget was spent.
    pub over_budget: Counter,
    /// Patterns that wait.
    pub held: Gauge,
    /// Calls in flight.
    pub in_flight: Gauge,
    /// Dollars of today.
    pub usd: Gauge<f64, AtomicU64>,
}

impl ModelMetrics {
    pub(super) fn register(registry: &mut Registry) -> Self {
        let (calls, tokens): (Family<Outcome, Counter>, Family<Direction, Counter>) = Default::default();
        let (patterns, skipped): (Family<Outcome, Counter>, Family<Reason, Counter>) = Default::default();
        let call = |outcome| calls.get_or_create_owned(&Outcome { outcome });
        let pattern = |outcome| patterns.get_or_create_owned(&Outcome { outcome });
        let skip = |reason| skipped.get_or_create_owned(&Reason { reason });
        let token = |direction| tokens.get_or_create_owned(&Direction { direction });
        let metrics = ModelMetrics {
            answered: call("answered"),
            failed: call("failed"),
            refused: call("refused"),
            seconds: Histogram::new(exponential_buckets(0.05, 2.0, 11)),
            tokens_sent: token("sent"),
            tokens_received: token("received"),
            explained: pattern("explained"),
            rejected: pattern("rejected"),
            given_up: pattern("given_up"),
            queue_full: skip("queue_full"),
            held_full: skip("held_full"),
            over_budget: skip("over_budget"),
            held: Gauge::default(),
            in_flight: Gauge::default(),
            usd: Gauge::default(),
        };
        registry.register("whittle_model_calls", "Requests to the model, by outcome", calls);
        registry.register("whittle_model_tokens", "Tokens that the model's server counted", tokens);
        registry.register("whittle_model_patterns", "Patterns that the model was asked about, by outcome", patterns);
        registry.register("whittle_model_skipped", "Lines and patterns that were not asked about, by reason", skipped);
        registry.register("whittle_model_call_seconds", "Seconds of a request to the model", metrics.seconds.clone());
        registry.register("whittle_model_held", "Patterns that wait to be asked about", metrics.held.clone());
        registry.register("whittle_model_in_flight", "Requests to the model in flight", metrics.in_flight.clone());
        registry.register("whittle_model_usd_today", "US dollars spent or reserved today", metrics.usd.clone());
        metrics
    }
}
