//! What alerting counts.

use std::fmt;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeLabelSet, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::{ConstGauge, Gauge};
use prometheus_client::registry::Registry;

use super::Clock;

/// A sink by its name in the settings.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct SinkLabel {
    sink: String,
}

/// Counters of alerting.
#[derive(Clone)]
pub struct AlertMetrics {
    /// Rows that matched a rule.
    pub matched: Counter,
    /// Rows that matched a rule but came too late to be worth an alert.
    pub backfill: Counter,
    /// Rows that matched a rule while there were too many open windows.
    pub overflowed: Counter,
    /// Windows that are open.
    pub open_windows: Gauge,
    /// Notices that were taken for delivery.
    pub notices: Counter,
    /// Notices that had been taken before: after a restart.
    pub known: Counter,
    pending: Family<SinkLabel, Gauge>,
    delivered: Family<SinkLabel, Counter>,
    failed: Family<SinkLabel, Counter>,
    dead: Family<SinkLabel, Counter>,
    ages: Arc<OldestAges>,
}

/// Counters of one sink.
#[derive(Debug, Clone)]
pub(crate) struct SinkMetrics {
    pending: Gauge,
    oldest: Arc<AtomicI64>,
    /// Notices that were delivered.
    pub delivered: Counter,
    /// Deliveries that failed; each may be followed by another try.
    pub failed: Counter,
    /// Notices that were given up.
    pub dead: Counter,
}

/// Nothing waits.
const NONE: i64 = i64::MAX;

/// Tells at each scrape how old the oldest notice of each sink is.
struct OldestAges {
    clock: Clock,
    sinks: Mutex<Vec<(String, Arc<AtomicI64>)>>,
}

impl AlertMetrics {
    /// Registers the counters. The clock gives milliseconds since 1970.
    pub fn register(registry: &mut Registry, clock: Clock) -> Self {
        let metrics = AlertMetrics {
            matched: Counter::default(),
            backfill: Counter::default(),
            overflowed: Counter::default(),
            open_windows: Gauge::default(),
            notices: Counter::default(),
            known: Counter::default(),
            pending: Family::default(),
            delivered: Family::default(),
            failed: Family::default(),
            dead: Family::default(),
            ages: Arc::new(OldestAges { clock, sinks: Mutex::default() }),
        };
        let m = metrics.clone();
        registry.register("whittle_alert_matched_rows", "Rows that matched an alert rule", m.matched);
        registry.register("whittle_alert_backfill_rows", "Matching rows that were over an hour late", m.backfill);
        registry.register("whittle_alert_overflowed_rows", "Matching rows without room for a window", m.overflowed);
        registry.register("whittle_alert_open_windows", "Open alert windows", m.open_windows);
        registry.register("whittle_alert_notices", "Notifications taken for delivery", m.notices);
        registry.register("whittle_alert_known_notices", "Notifications that had been taken before", m.known);
        registry.register("whittle_alert_pending", "Notifications that wait for a sink", m.pending);
        registry.register("whittle_alert_delivered", "Notifications that a sink took", m.delivered);
        registry.register("whittle_alert_failed", "Deliveries that failed and were to be tried again", m.failed);
        registry.register("whittle_alert_dead", "Notifications that were given up", m.dead);
        registry.register_collector(Box::new(m.ages));
        metrics
    }

    pub(crate) fn sink(&self, name: &str) -> SinkMetrics {
        let label = SinkLabel { sink: name.to_owned() };
        let oldest = Arc::new(AtomicI64::new(NONE));
        self.ages.lock().push((name.to_owned(), oldest.clone()));
        SinkMetrics {
            pending: self.pending.get_or_create_owned(&label),
            delivered: self.delivered.get_or_create_owned(&label),
            failed: self.failed.get_or_create_owned(&label),
            dead: self.dead.get_or_create_owned(&label),
            oldest,
        }
    }
}

impl SinkMetrics {
    /// So many notices wait; the oldest was taken at this time.
    pub(crate) fn waiting(&self, notices: usize, oldest: Option<i64>) {
        self.pending.set(notices as i64);
        self.oldest.store(oldest.unwrap_or(NONE), Ordering::Relaxed);
    }
}

impl OldestAges {
    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<(String, Arc<AtomicI64>)>> {
        self.sinks.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for OldestAges {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OldestAges")
    }
}

impl Collector for OldestAges {
    fn encode(&self, mut encoder: DescriptorEncoder) -> Result<(), fmt::Error> {
        let about = "Seconds since the oldest waiting notification was taken";
        let mut gauge =
            encoder.encode_descriptor("whittle_alert_oldest_pending_seconds", about, None, MetricType::Gauge)?;
        let now = (self.clock)();
        for (sink, oldest) in self.lock().iter() {
            let millis = now.saturating_sub(oldest.load(Ordering::Relaxed)).max(0);
            let label = SinkLabel { sink: sink.clone() };
            ConstGauge::new(millis as f64 / 1_000.0).encode(gauge.encode_family(&label)?)?;
        }
        Ok(())
    }
}
