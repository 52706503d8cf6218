//! Numbers that are read where they stand when someone asks for them: of the bus, the history and what is between.

use std::fmt;
use std::sync::Arc;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric as _};
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Registry;
use whittle_bus::{Bus as _, SegmentBus};
use whittle_history::Reader;

use crate::ingest::Ingest;
use crate::pipeline::Feed;

/// What the numbers are read from.
pub(super) struct Numbers {
    pub bus: Arc<SegmentBus>,
    pub reader: Arc<dyn Reader>,
    pub feed: Arc<Feed>,
    pub ingest: Arc<Ingest>,
}

impl fmt::Debug for Numbers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Numbers")
    }
}

/// Adds the numbers to a registry.
pub(super) fn register(registry: &mut Registry, numbers: Numbers) {
    registry.register_collector(Box::new(numbers));
}

impl Numbers {
    /// Accepted = stored + dead letters + lost + under way: how far this is from true. What is under way is counted by
    /// positions, the rest record by record, so a stage that loses a record shows. While records come in the parts are read
    /// at different moments; at rest it is 0.
    fn unaccounted(&self) -> u64 {
        let lag = self.feed.lag();
        let ends: u64 = self.bus.ends(&self.ingest.topic).unwrap_or_default().iter().sum();
        let under_way = ends.saturating_sub(self.reader.head().values().sum());
        lag.abs_diff(under_way)
    }
}

impl Collector for Numbers {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let (bus, history) = (self.bus.stats(), self.reader.stats());
        let counters = [
            ("whittle_bus_records", "Records made durable since the start", bus.appended_records),
            ("whittle_bus_bytes", "Bytes of their frames", bus.appended_bytes),
            ("whittle_bus_syncs", "Syncs to disk", bus.syncs),
            ("whittle_bus_write_failures", "Writes and syncs that failed", bus.write_failures),
            ("whittle_bus_damaged_records", "Records lost by damage on disk", bus.damaged_records),
            ("whittle_bus_dropped_segments", "Segments that retention dropped", bus.dropped_segments),
            ("whittle_bus_unread_dropped_records", "Records dropped unread", bus.unread_dropped_records),
            ("whittle_history_dropped_rows", "Rows that retention dropped", history.dropped_rows),
        ];
        for (name, about, value) in counters {
            let metric = ConstCounter::new(value);
            metric.encode(encoder.encode_descriptor(name, about, None, metric.metric_type())?)?;
        }
        let gauges = [
            ("whittle_bus_retained_bytes", "Bytes of the raw log", bus.retained_bytes),
            ("whittle_bus_queued_bytes", "Bytes that wait to be written", bus.queued_bytes),
            ("whittle_history_rows", "Rows that can be found", history.rows),
            ("whittle_history_tail_rows", "Of them rows in memory alone", history.tail_rows),
            ("whittle_history_tail_bytes", "Bytes of rows in memory", history.tail_bytes),
            ("whittle_history_disk_bytes", "Bytes of the history on disk", history.disk_bytes),
            ("whittle_history_files", "Files of the history", history.files),
            ("whittle_history_queued_records", "Records in the topic before the database", self.feed.waiting()),
            ("whittle_lag_records", "Durable records that cannot be found yet", self.feed.lag()),
            (
                "whittle_unaccounted_records",
                "Accepted, and neither stored, dead, lost nor under way",
                self.unaccounted(),
            ),
            ("whittle_ingest_inflight_bytes", "Bytes of requests under way", self.ingest.admission.inflight() as u64),
        ];
        for (name, about, value) in gauges {
            let metric = ConstGauge::new(i64::try_from(value).unwrap_or(i64::MAX));
            metric.encode(encoder.encode_descriptor(name, about, None, metric.metric_type())?)?;
        }
        Ok(())
    }
}
