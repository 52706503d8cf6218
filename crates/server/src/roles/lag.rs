//! How far groups are behind, read from the brokers now and then, for `/metrics` and `/readyz`.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::Context as _;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;
use tokio_util::sync::CancellationToken;
use whittle_bus::{Bus as _, BusError};
use whittle_kafka::KafkaBus;

/// Between two looks at the brokers.
const PACE: Duration = Duration::from_secs(5);
/// Between two looks at whether the program ends.
const LOOK: Duration = Duration::from_millis(200);

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Labels {
    topic: String,
    group: &'static str,
}

/// The lags of the groups that this process is in. Clones share them.
#[derive(Clone, Default)]
pub(super) struct Lags {
    watched: Arc<Mutex<BTreeMap<(String, &'static str), u64>>>,
    gauges: Family<Labels, Gauge>,
}

impl Lags {
    /// Looks from now on, on a thread, until `stop`.
    pub fn start(bus: Arc<KafkaBus>, stop: CancellationToken, registry: &mut Registry) -> anyhow::Result<Self> {
        let lags = Lags::default();
        let about = "Messages of a topic that a group has not committed, over all of its members";
        registry.register("whittle_group_lag_records", about, lags.gauges.clone());
        let shared = lags.clone();
        let body = move || {
            while !stop.is_cancelled() {
                shared.look(&bus);
                let mut waited = Duration::ZERO;
                while waited < PACE && !stop.is_cancelled() {
                    std::thread::sleep(LOOK);
                    waited += LOOK;
                }
            }
        };
        std::thread::Builder::new().name("lags".into()).spawn(body).context("no thread for lags")?;
        Ok(lags)
    }

    /// Watches a group on a topic.
    pub fn watch(&self, topic: &str, group: &'static str) {
        self.lock().insert((topic.to_owned(), group), 0);
    }

    /// What is known, in words.
    pub fn told(&self) -> Vec<String> {
        let behind = self.lock().clone().into_iter().filter(|(_, lag)| *lag > 0);
        behind.map(|((topic, group), lag)| format!("{group} is {lag} records behind the end of {topic}")).collect()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<(String, &'static str), u64>> {
        self.watched.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn look(&self, bus: &KafkaBus) {
        let watched: Vec<(String, &'static str)> = self.lock().keys().cloned().collect();
        for (topic, group) in watched {
            match lag(bus, &topic, group) {
                Ok(lag) => {
                    let labels = Labels { topic: topic.clone(), group };
                    self.gauges.get_or_create(&labels).set(i64::try_from(lag).unwrap_or(i64::MAX));
                    self.lock().insert((topic, group), lag);
                }
                Err(error) => tracing::debug!(%error, topic, group, "the lag is unknown"),
            }
        }
    }
}

fn lag(bus: &KafkaBus, topic: &str, group: &str) -> Result<u64, BusError> {
    let (starts, ends) = (bus.starts(topic)?, bus.ends(topic)?);
    let committed = bus.committed(topic, group)?;
    let partitions = ends.iter().zip(starts).zip(committed);
    Ok(partitions.map(|((end, start), committed)| end.saturating_sub(committed.unwrap_or(start).max(start))).sum())
}
