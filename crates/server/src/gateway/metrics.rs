//! What the gateway counts.

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::Registry;

/// Counters of the gateway.
#[derive(Debug, Clone)]
pub struct GatewayMetrics {
    /// Clients connected.
    pub clients: Gauge,
    /// Clients refused because there were too many.
    pub refused: Counter,
    /// Clients let go because they did not read or were not heard of.
    pub let_go: Counter,
    /// Events sent, over all clients.
    pub sent: Counter,
    /// Events not sent because a client was too slow, over all clients.
    pub dropped: Counter,
    /// Bytes written.
    pub bytes: Counter,
    /// Events that the slowest client is behind.
    pub lag: Gauge,
    /// Seconds from the clock of ingestion to a frame that is ready to be sent.
    pub delay_seconds: Histogram,
    /// Events that were gone before the per-second numbers counted them.
    pub uncounted: Counter,
}

impl GatewayMetrics {
    /// Registers the counters.
    pub fn register(registry: &mut Registry) -> Self {
        let metrics = GatewayMetrics {
            clients: Gauge::default(),
            refused: Counter::default(),
            let_go: Counter::default(),
            sent: Counter::default(),
            dropped: Counter::default(),
            bytes: Counter::default(),
            lag: Gauge::default(),
            delay_seconds: Histogram::new(exponential_buckets(0.001, 2.0, 14)),
            uncounted: Counter::default(),
        };
        let mut counter = |name: &str, about: &str, counter: &Counter| registry.register(name, about, counter.clone());
        counter("whittle_gateway_refused_clients", "Clients refused because there were too many", &metrics.refused);
        counter("whittle_gateway_let_go_clients", "Clients that did not read or were not heard of", &metrics.let_go);
        counter("whittle_gateway_events", "Events sent, over all clients", &metrics.sent);
        let about = "Events that clients were too slow for (positions of the stream, whatever their filters)";
        counter("whittle_gateway_dropped_events", about, &metrics.dropped);
        counter("whittle_gateway_bytes", "Bytes written to clients", &metrics.bytes);
        let about = "Events that were gone before the numbers of their second counted them";
        counter("whittle_gateway_uncounted_events", about, &metrics.uncounted);
        registry.register("whittle_gateway_clients", "Clients connected", metrics.clients.clone());
        registry.register(
            "whittle_gateway_lag_events",
            "Events that the slowest client is behind",
            metrics.lag.clone(),
        );
        let about = "Seconds from the clock of ingestion to a frame that is ready to be sent";
        registry.register("whittle_gateway_delay_seconds", about, metrics.delay_seconds.clone());
        metrics
    }
}
