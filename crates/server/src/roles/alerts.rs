//! `alert-service`: `logs.insights` to notifications.
//!
//! Copies share the topic, and pass on the few rows that some rule matches to a topic of one partition. The copy that has it counts
//! them and notifies, so that equal errors of all partitions are one notification.

use std::sync::Arc;

use prometheus_client::registry::Registry;
use whittle_domain::Batch;
use whittle_domain::alerts::{RuleSet, Sieve};
use whittle_domain::knowledge::Knowledge;

use super::base::Base;
use super::gateway::refresh;
use super::program::Part;
use super::{Role, engine};
use crate::config::ALERTS;
use crate::insights::Insights;
use crate::pipeline::Stage;
use crate::shared;
use crate::topics::{ReadRecords, Traces, WriteInsights};

/// The group of its copies.
const GROUP: &str = "alert-service-group";

/// Picks the rows that some rule matches.
struct Pick {
    sieve: Sieve,
    insights: Insights,
}

impl Stage for Pick {
    type In = Batch;
    type Out = Arc<Batch>;
    const NAME: &'static str = "alert-filter";

    fn process(&mut self, batch: &mut Batch) -> Arc<Batch> {
        let (sieve, insights, all) = (&self.sieve, &self.insights, std::mem::take(batch));
        Arc::new(all.picked(|row| sieve.takes(&all, row, insights)))
    }
}

pub(super) fn build(base: &Base, registry: &mut Registry) -> anyhow::Result<Part> {
    let (topic, stop) = (&base.config.kafka_topic_insights, base.end.sinks.clone());
    let catalog = shared::learn_alone(&base.bus, &stop)?;
    let insights = Insights::new(Arc::new(Knowledge::builtin()?), catalog, base.config.asks_a_model());
    shared::follow_words(&insights, &base.bus, &stop)?;
    let sieve = Sieve::new(RuleSet::new(base.config.alerts.effective_rules())?);
    let consumer = base.subscribe_at_end(topic, GROUP)?;
    let traces = Traces::default();
    let inlet = base.inlet(topic, consumer, ReadRecords(traces.clone()), "alert-filter");
    let write = WriteInsights::new(insights.clone(), || Ok(()));
    let outlet = base.outlet(ALERTS, write, traces).into_one(0);
    let filter = base.stage(inlet, Pick { sieve, insights: insights.clone() }, outlet, topic);
    let (engine, deliveries) = engine::build(base, &insights, registry)?;
    let tasks = vec![deliveries, Box::pin(refresh(insights, stop)) as _];
    Ok(Part { tasks, ..Part::of_stages(Role::Alerts, vec![filter, engine]) })
}
