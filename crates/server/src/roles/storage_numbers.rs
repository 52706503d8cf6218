//! Numbers of the history, read where they stand when someone asks for them.

use std::fmt;
use std::sync::Arc;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric as _};
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Registry;
use whittle_history::Reader;

struct Numbers(Arc<dyn Reader>);

impl fmt::Debug for Numbers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Numbers")
    }
}

/// Adds the numbers to a registry.
pub(super) fn register(registry: &mut Registry, reader: Arc<dyn Reader>) {
    registry.register_collector(Box::new(Numbers(reader)));
}

impl Collector for Numbers {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let stats = self.0.stats();
        for (name, about, value) in [
            ("whittle_history_rows", "Rows that can be found", stats.rows),
            ("whittle_history_tail_rows", "Of them rows in memory alone", stats.tail_rows),
            ("whittle_history_tail_bytes", "Bytes of rows in memory", stats.tail_bytes),
            ("whittle_history_disk_bytes", "Bytes of the history on disk", stats.disk_bytes),
            ("whittle_history_files", "Files of the history", stats.files),
        ] {
            let metric = ConstGauge::new(i64::try_from(value).unwrap_or(i64::MAX));
            metric.encode(encoder.encode_descriptor(name, about, None, metric.metric_type())?)?;
        }
        Ok(())
    }
}
