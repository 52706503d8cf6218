//! `ai-analysis-service`: `logs.normalized` to `logs.insights`, and the one worker that asks a model.
//!
//! Each copy gives lines their patterns, and tells the others which it has learned. Patterns without words go to a topic of one
//! partition: the copy that has it asks the model for all of them.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use prometheus_client::registry::Registry;
use tokio_util::sync::CancellationToken;
use whittle_bus::{Bus as _, Consumer, Entry, Position};
use whittle_disk::OsDisk;
use whittle_domain::knowledge::Knowledge;
use whittle_kafka::KafkaBus;
use whittle_patterns::{Limits, Miner};

use super::Role;
use super::base::Base;
use super::program::{Part, Task};
use crate::clock::{now_micros, now_millis};
use crate::config::CANDIDATES;
use crate::insights::Insights;
use crate::model::{Heard, ModelWorker, Relay};
use crate::pipeline::{Analyse, PatternJournal};
use crate::shared::{self, Publisher};
use crate::topics::{ReadRecords, Traces, WriteInsights};

/// The group of its copies.
const GROUP: &str = "ai-analysis-service-group";
/// The group whose one member that has the partition asks the model.
const WORKER_GROUP: &str = "ai-analysis-service-worker";
/// Candidates that are read at once.
const READ_BYTES: usize = 64 << 10;
/// Pace of looks at whether the program ends.
const LOOK: Duration = Duration::from_millis(200);

pub(super) fn build(base: &Base, registry: &mut Registry) -> anyhow::Result<Part> {
    let (normalized, insights_topic) = (&base.config.kafka_topic_normalized, &base.config.kafka_topic_insights);
    let stop = base.end.sinks.clone();
    let mut miner = Miner::new(Limits::default());
    let learned = shared::learn_into(&mut miner, &base.bus, &stop)?;
    let model = base.config.model_config();
    let configured = model.is_configured()?;
    let insights = Insights::new(Arc::new(Knowledge::builtin()?), miner.catalog(), configured);
    shared::follow_words(&insights, &base.bus, &stop)?;
    let publisher = base.bus.clone();
    insights.share(move |pattern, words| shared::publish_words(&publisher, pattern, words));

    let dir = base.config.whittle_data_dir.join("analysis");
    let state = (Arc::new(OsDisk) as _, dir.as_path());
    let (candidates, worker) =
        ModelWorker::start(model, insights.clone(), state, Arc::new(now_millis), stop.clone(), registry)?;
    let (candidates, relay) = candidates.relayed();
    let tasks = relay.map_or_else(|| Ok(Vec::new()), |relay| relay_tasks(base, relay, worker))?;

    let journal = PatternJournal::default();
    let mut publisher = Publisher::new(base.bus.clone(), journal.clone(), base.end.give_up.clone());
    let traces = Traces::default();
    let consumer = base.subscribe(normalized, GROUP)?;
    let inlet = base.inlet(normalized, consumer, ReadRecords(traces.clone()), "analysis");
    let analyse = Analyse::new(miner, journal, vec![Box::new(candidates)], Box::new(now_micros)).learning(learned);
    let write = WriteInsights::new(insights, move || publisher.publish());
    let stage = base.stage(inlet, analyse, base.outlet(insights_topic, write, traces), normalized);
    Ok(Part { tasks, ..Part::of_stages(Role::Analysis, vec![stage]) })
}

/// The way of candidates to the topic, the way from it to the worker, and the worker.
fn relay_tasks(base: &Base, relay: Relay, worker: ModelWorker) -> anyhow::Result<Vec<Task>> {
    let Relay { mut told, heard } = relay;
    let (bus, stop) = (base.bus.clone(), base.end.sinks.clone());
    let consumer = base.subscribe(CANDIDATES, WORKER_GROUP)?;
    let hearing = stop.clone();
    std::thread::Builder::new().name("candidates".into()).spawn(move || hear(consumer, &heard, &hearing))?;
    let tell = async move {
        loop {
            let (key, candidate) = tokio::select! {
                () = stop.cancelled() => return,
                candidate = told.next() => match candidate {
                    Some(candidate) => candidate,
                    None => return,
                },
            };
            tell(&bus, key, candidate);
        }
    };
    let mut tasks: Vec<Task> = vec![Box::pin(tell)];
    if let Some(task) = worker.task {
        tasks.push(Box::pin(async move {
            if let Err(error) = task.await {
                tracing::error!(%error, "the model worker broke off");
            }
        }));
    }
    Ok(tasks)
}

fn tell(bus: &KafkaBus, key: String, candidate: Vec<u8>) {
    let entry = Entry {
        key: Bytes::from(key),
        partition: Some(0),
        body: candidate.into(),
        count: 1,
        time: now_micros(),
        ..Entry::default()
    };
    // A candidate that is lost comes again with the next line of its pattern.
    bus.produce(CANDIDATES, entry, Box::new(|_| {}));
}

/// Gives candidates to the worker for as long as this copy has the partition.
fn hear(mut consumer: Box<dyn Consumer>, heard: &Heard, stop: &CancellationToken) {
    while !stop.is_cancelled() {
        let frames = match consumer.poll(READ_BYTES, LOOK) {
            Ok(frames) => frames,
            Err(error) => {
                tracing::warn!(%error, "candidates for the model cannot be read; trying again");
                std::thread::sleep(LOOK);
                continue;
            }
        };
        let Some(last) = frames.last() else { continue };
        let position = Position { partition: last.partition, offset: last.next_offset() };
        frames.iter().for_each(|frame| heard.hear(&frame.body));
        if let Err(error) = consumer.commit(&[position]) {
            tracing::debug!(%error, "another copy has the candidates, or Kafka is away");
        }
    }
}
