//! `normalizer-service`: `logs.raw` to `logs.normalized`.

use std::sync::Arc;

use whittle_bus::{Bus as _, BusError, Frame};
use whittle_kafka::KafkaBus;

use super::Role;
use super::base::Base;
use super::program::Part;
use crate::pipeline::Normalize;
use crate::topics::{Life, Lives, ReadRaw, Traces, WriteNormalized};
use crate::up::build::build_scrubber;

/// The group of its copies.
const GROUP: &str = "normalizer-service-group";

/// Asks the brokers of which life of `logs.raw` a record is.
struct Topics {
    bus: Arc<KafkaBus>,
    raw: String,
    normalized: String,
}

impl Life for Topics {
    fn last_written(&self, partition: u32) -> Result<Option<Frame>, BusError> {
        // A partition that was added a moment ago has no counterpart yet.
        match self.bus.ends(&self.normalized)?.len() {
            count if (partition as usize) < count => self.bus.last(&self.normalized, partition),
            _ => Ok(None),
        }
    }

    fn end(&self, partition: u32) -> Result<u64, BusError> {
        let ends = self.bus.ends(&self.raw)?;
        ends.get(partition as usize).copied().ok_or_else(|| BusError::Unknown(format!("{} {partition}", self.raw)))
    }
}

pub(super) fn build(base: &Base) -> anyhow::Result<Part> {
    let (raw, normalized) = (&base.config.kafka_topic_raw, &base.config.kafka_topic_normalized);
    let traces = Traces::default();
    let consumer = base.subscribe(raw, GROUP)?;
    let lives =
        Lives::new(Box::new(Topics { bus: base.bus.clone(), raw: raw.clone(), normalized: normalized.clone() }));
    let read = ReadRaw::new(traces.clone(), lives.clone());
    let inlet = base.inlet(raw, consumer, read, "normalizer");
    let outlet = base.outlet(normalized, WriteNormalized, traces).of_lives(lives);
    let stage = base.stage(inlet, Normalize::new(build_scrubber(&base.config)?), outlet, raw);
    Ok(Part::of_stages(Role::Normalizer, vec![stage]))
}
