//! What ingestion counts.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::Registry;

/// The answer of a request.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Answer {
    status: u16,
}

/// Counters of `POST /ingest`.
#[derive(Debug, Clone)]
pub struct IngestMetrics {
    /// Records that were acknowledged.
    pub records: Counter,
    /// Bytes of their bodies, decoded.
    pub bytes: Counter,
    /// Seconds from a request's last byte to the answer that its records are durable.
    pub ack_seconds: Histogram,
    requests: Family<Answer, Counter>,
}

impl IngestMetrics {
    /// Registers the counters.
    pub fn register(registry: &mut Registry) -> Self {
        let metrics = IngestMetrics {
            records: Counter::default(),
            bytes: Counter::default(),
            ack_seconds: Histogram::new(exponential_buckets(0.000_25, 2.0, 14)),
            requests: Family::default(),
        };
        registry.register("whittle_ingest_records", "Records that were acknowledged", metrics.records.clone());
        registry.register("whittle_ingest_bytes", "Bytes of acknowledged bodies, decoded", metrics.bytes.clone());
        let about = "Seconds from a request's last byte to its acknowledgement";
        registry.register("whittle_ingest_ack_seconds", about, metrics.ack_seconds.clone());
        registry.register("whittle_ingest_requests", "Requests by the status of the answer", metrics.requests.clone());
        metrics
    }

    /// Counts an answer.
    pub fn answered(&self, status: u16) {
        self.requests.get_or_create(&Answer { status }).inc();
    }
}
