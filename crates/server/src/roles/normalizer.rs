//! `normalizer-service`: `logs.raw` to `logs.normalized`.

use super::Role;
use super::base::Base;
use super::program::Part;
use crate::pipeline::Normalize;
use crate::topics::{ReadRaw, TopicInlet, Traces, WriteNormalized};
use crate::up::build::build_scrubber;

/// The group of its copies.
const GROUP: &str = "normalizer-service-group";

pub(super) fn build(base: &Base) -> anyhow::Result<Part> {
    let (raw, normalized) = (&base.config.kafka_topic_raw, &base.config.kafka_topic_normalized);
    let traces = Traces::default();
    let consumer = base.subscribe(raw, GROUP)?;
    let inlet = TopicInlet::new(raw, consumer, ReadRaw(traces.clone()), base.end.draining.clone());
    let outlet = base.outlet(normalized, WriteNormalized, traces);
    let stage = base.stage(inlet, Normalize::new(build_scrubber(&base.config)?), outlet, raw);
    Ok(Part::of_stages(Role::Normalizer, vec![stage]))
}
