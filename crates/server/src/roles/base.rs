//! What every role stands on: the bus with its topics, metrics, and the frame around stages.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail};
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::registry::Registry;
use whittle_bus::{Bus, BusError, Consumer};
use whittle_kafka::KafkaBus;

use super::lag::Lags;
use crate::config::{ALERTS, CANDIDATES, Config, DEAD_LETTERS};
use crate::pipeline::{DeadLetters, Feed, FeedLimits, Inlet, Outlet, Runner, Stage, StageMetrics};
use crate::shared;
use crate::topics::{Delay, Grow, Read, TopicInlet, TopicOutlet, Traces, Write};
use crate::up::build::End;
use crate::up::stages::NamedStage;

/// Pause between tries to reach the brokers at a start.
const AGAIN: Duration = Duration::from_millis(500);

/// The base of the roles of a process.
pub(super) struct Base {
    pub config: Config,
    pub bus: Arc<KafkaBus>,
    pub metrics: StageMetrics,
    pub end: End,
    pub lags: Lags,
    /// What an operator should know of the topics.
    pub weak: Arc<Vec<String>>,
    dead: Counter,
    delays: Family<DelayOf, Delay>,
    /// Counts what the roles of this process do with records; nothing waits in it.
    pub feed: Arc<Feed>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct DelayOf {
    stage: &'static str,
}

/// Why there is no base (yet).
enum NotYet {
    /// Try again.
    Away(BusError),
    /// Nothing that waiting helps.
    Never(anyhow::Error),
}

impl From<BusError> for NotYet {
    fn from(error: BusError) -> Self {
        NotYet::Away(error)
    }
}

impl Base {
    /// Opens the bus and waits until the brokers are there and the topics are.
    ///
    /// # Errors
    /// Settings that cannot be used, topics that are weaker than the settings allow, the end of the program.
    pub fn open(config: Config, name: &str, end: End, registry: &mut Registry) -> anyhow::Result<Self> {
        let settings = config.kafka_settings(name).context("KAFKA_BROKERS is not set")?;
        let bus = KafkaBus::open(settings).context("KAFKA_BROKERS")?;
        let mut told = false;
        let weak = loop {
            match prepare(&bus, &config) {
                Ok(weak) => break weak,
                Err(NotYet::Never(error)) => return Err(error),
                Err(NotYet::Away(error)) => {
                    if !std::mem::replace(&mut told, true) {
                        tracing::warn!(%error, "waiting for Kafka");
                    }
                }
            }
            if end.draining.is_cancelled() {
                bail!("the program ends before Kafka was there");
            }
            std::thread::sleep(AGAIN);
        };
        weak.iter().for_each(|warning| tracing::warn!("{warning}"));
        let dead = Counter::default();
        registry.register("whittle_dead_letters", "Records that went to the dead letters", dead.clone());
        let metrics = StageMetrics::register(registry);
        let delays = Family::default();
        let about = "Seconds since the receipt of the records that a stage works on; 0 while none wait";
        registry.register("whittle_stage_delay_seconds", about, Family::clone(&delays));
        let limits = FeedLimits { bytes: 0, lag_records: config.whittle_max_lag_records };
        let feed = Arc::new(Feed::new(&[], &[], limits));
        let lags = Lags::start(bus.clone(), end.draining.clone(), registry)?;
        Ok(Base { config, bus, metrics, end, lags, weak: Arc::new(weak), dead, delays, feed })
    }

    /// Joins a role's group on a topic; at a first start from the first record on.
    pub fn subscribe(&self, topic: &str, group: &'static str) -> anyhow::Result<Box<dyn Consumer>> {
        self.lags.watch(topic, group);
        Ok(self.bus.subscribe(topic, group)?)
    }

    /// The same; at a first start with what comes from now on.
    pub fn subscribe_at_end(&self, topic: &str, group: &'static str) -> anyhow::Result<Box<dyn Consumer>> {
        self.lags.watch(topic, group);
        Ok(self.bus.subscribe_at_end(topic, group)?)
    }

    /// A topic in front of a stage.
    pub fn inlet<R: Read>(
        &self,
        topic: &str,
        consumer: Box<dyn Consumer>,
        read: R,
        stage: &'static str,
    ) -> TopicInlet<R> {
        let delay = self.delays.get_or_create_owned(&DelayOf { stage });
        TopicInlet::new(topic, consumer, read, self.end.draining.clone()).timed(delay)
    }

    /// Where records go that cannot be processed.
    pub fn dead_letters(&self) -> DeadLetters {
        self.dead_letters_told(self.feed.clone())
    }

    fn dead_letters_told(&self, feed: Arc<Feed>) -> DeadLetters {
        let told = move |records| feed.dead(records);
        DeadLetters::new(self.bus.clone(), DEAD_LETTERS.to_owned(), self.dead.clone(), told)
    }

    /// A topic behind a stage.
    pub fn outlet<W: Write>(&self, topic: &str, write: W, traces: Traces) -> TopicOutlet<W> {
        let (bus, name) = (self.bus.clone(), topic.to_owned());
        let grow: Grow = Box::new(move |partitions| bus.grow_topic(&name, partitions));
        let give_up = self.end.give_up.clone();
        TopicOutlet::new(self.bus.clone(), topic, write, traces, self.dead_letters(), grow, give_up)
    }

    /// A stage between its edges, ready to run; `topic` is where its dead letters come from.
    pub fn stage<I, S, O>(&self, inlet: I, stage: S, outlet: O, topic: &str) -> NamedStage
    where
        S: Stage + 'static,
        I: Inlet<Item = S::In> + 'static,
        O: Outlet<Item = S::Out> + 'static,
    {
        self.counted_stage(inlet, stage, outlet, topic, self.feed.clone())
    }

    /// The same; `feed` counts what nothing waits for any more.
    pub fn counted_stage<I, S, O>(&self, inlet: I, stage: S, outlet: O, topic: &str, feed: Arc<Feed>) -> NamedStage
    where
        S: Stage + 'static,
        I: Inlet<Item = S::In> + 'static,
        O: Outlet<Item = S::Out> + 'static,
    {
        let (give_up, dead) = (self.end.give_up.clone(), self.dead_letters_told(feed));
        let runner = Runner::new(inlet, stage, outlet, dead, topic, &self.metrics, give_up);
        NamedStage { name: S::NAME, run: Box::new(move || runner.run()) }
    }
}

/// Makes what is missing, and looks at what is there.
fn prepare(bus: &KafkaBus, config: &Config) -> Result<Vec<String>, NotYet> {
    let (raw, normalized, insights) =
        (&config.kafka_topic_raw, &config.kafka_topic_normalized, &config.kafka_topic_insights);
    let partitions = bus.ensure_topic(raw, config.kafka_partitions)?;
    for topic in [normalized, insights] {
        // Stages write to the partition of the same number.
        if bus.ensure_topic(topic, partitions)? < partitions {
            bus.grow_topic(topic, partitions)?;
        }
    }
    for topic in [DEAD_LETTERS, ALERTS, CANDIDATES] {
        bus.ensure_topic(topic, 1)?;
    }
    for topic in shared::TOPICS {
        bus.ensure_compacted(topic, 1)?;
    }
    let strengths = bus.strengths(&[raw, normalized, insights])?;
    if let Some(wanted) = config.whittle_require_replicas.map(usize::from) {
        for strength in &strengths {
            let alone = wanted > 1 && strength.min_in_sync.is_some_and(|min| min < 2);
            if strength.replicas < wanted || alone {
                let (topic, replicas) = (&strength.topic, strength.replicas);
                let min = strength.min_in_sync.map_or("unknown".into(), |min| min.to_string());
                return Err(NotYet::Never(anyhow::anyhow!(
                    "WHITTLE_REQUIRE_REPLICAS={wanted}: {topic} has {replicas} replicas and min.insync.replicas={min}; give it {wanted} replicas and at least 2 in sync, or lower the setting"
                )));
            }
        }
    }
    Ok(strengths.iter().flat_map(whittle_kafka::Strength::warnings).collect())
}
