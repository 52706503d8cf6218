//! The stages, each ready to run on a thread of its own. Between them stand channels; before a database stands a topic.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Context as _;
use bytes::Bytes;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::registry::Registry;
use tokio_util::sync::CancellationToken;
use whittle_bus::{Bus as _, Consumer, SegmentBus};
use whittle_domain::scrub::Scrubber;
use whittle_history::{Checkpoints, Positions, Reader, StageState, Writer};
use whittle_patterns::Miner;
use whittle_postgres::PgHistory;

use super::build::{ALERTS, PATTERNS};
use super::data::{Data, GROUP, History};
use crate::alerting::AlertStage;
use crate::clock::now_micros;
use crate::config::DEAD_LETTERS;
use crate::insights::Insights;
use crate::pipeline::{
    Analyse, DeadLetters, Detour, Durable, EdgeError, Feed, HistoryOutlet, Inlet, LastWritten, Normalize, Outlet, Pass,
    PatternJournal, RawInlet, Runner, Stage, StageMetrics, StoreOutlet, Tap, TopicInlet, TopicWriter, channel,
    history_edge,
};

/// The group that holds back the retention of `logs.raw` where a topic stands before the database.
const ANALYSIS_GROUP: &str = "ai-analysis-service-group";
/// Batches that may stand between two stages.
const BETWEEN: usize = 2;

/// A stage, ready to run.
pub(crate) struct NamedStage {
    pub name: &'static str,
    pub run: Box<dyn FnOnce() -> Result<(), EdgeError> + Send>,
}

/// What the stages are made of.
pub(super) struct Stages {
    pub miner: Miner,
    pub taps: Vec<Box<dyn Tap>>,
    pub alerts: Arc<Mutex<AlertStage>>,
    pub scrubber: Option<Scrubber>,
    pub feed: Arc<Feed>,
    pub insights: Insights,
    pub draining: CancellationToken,
    pub give_up: CancellationToken,
}

/// What every runner needs beside its stage.
struct Frame {
    bus: Arc<SegmentBus>,
    metrics: StageMetrics,
    dead: Counter,
    feed: Arc<Feed>,
    give_up: CancellationToken,
}

impl Frame {
    fn stage<I, S, O>(&self, inlet: I, stage: S, outlet: O, topic: &str) -> NamedStage
    where
        S: Stage + 'static,
        I: Inlet<Item = S::In> + 'static,
        O: Outlet<Item = S::Out> + 'static,
    {
        let feed = self.feed.clone();
        let dead = self.dead_letters(move |records| feed.dead(records));
        let runner = Runner::new(inlet, stage, outlet, dead, topic, &self.metrics, self.give_up.clone());
        NamedStage { name: S::NAME, run: Box::new(move || runner.run()) }
    }

    fn dead_letters(&self, told: impl Fn(u64) + Send + 'static) -> DeadLetters {
        DeadLetters::new(self.bus.clone(), DEAD_LETTERS.to_owned(), self.dead.clone(), told)
    }
}

/// The topics' names.
pub(super) struct Topics<'a> {
    pub raw: &'a str,
    pub insights: &'a str,
}

/// Starts the history and lines the stages up in front of it.
pub(super) fn build(
    parts: Stages,
    data: Data,
    topics: &Topics<'_>,
    registry: &mut Registry,
) -> anyhow::Result<(Arc<dyn Reader>, Vec<NamedStage>)> {
    let dead = Counter::default();
    registry.register("whittle_dead_letters", "Records that went to the dead letters", dead.clone());
    let metrics = StageMetrics::register(registry);
    let give_up = parts.give_up.clone();
    let frame = Frame { bus: data.bus.clone(), metrics, dead, feed: parts.feed.clone(), give_up };
    let durable = Durable::new(&data.held);
    let raised = durable.clone();
    let on_durable = move |positions: &Positions| {
        positions.iter().for_each(|(partition, offset)| raised.raise(*partition, *offset));
    };
    let front = Front { parts, frame, durable, topics };
    match data.history {
        History::Files(history) => {
            let catalog = front.parts.miner.catalog();
            let started = history.start(catalog, Box::new(on_durable)).context("the history cannot start")?;
            let consumer = data.bus.subscribe(topics.raw, GROUP)?;
            Ok((started.0, front.before_files(consumer, &data.held, started.1)))
        }
        History::Postgres { settings, checkpoints } => {
            let state = (*checkpoints, data.checkpoint.positions);
            front.with_database(*settings, state, on_durable, &data.held)
        }
    }
}

/// What stands before the history.
struct Front<'a> {
    parts: Stages,
    frame: Frame,
    durable: Durable,
    topics: &'a Topics<'a>,
}

impl Front<'_> {
    /// Starts the history in PostgreSQL and lines the stages up before it and behind the topic.
    fn with_database(
        self,
        mut settings: whittle_postgres::Settings,
        state: (Checkpoints, Positions),
        on_durable: impl Fn(&Positions) + Send + 'static,
        held: &[u64],
    ) -> anyhow::Result<(Arc<dyn Reader>, Vec<NamedStage>)> {
        let insights = self.parts.insights.clone();
        settings.insight = Arc::new(move |pattern, level| insights.json(pattern, level).to_string());
        let started = PgHistory::start(settings, self.parts.miner.catalog(), Box::new(|_| {}));
        let (reader, writer) = started.context("the history in PostgreSQL cannot start")?;
        let (last, bus) = (LastWritten::default(), self.frame.bus.clone());
        let (feed, topic) = (self.frame.feed.clone(), self.topics.insights.to_owned());
        let to_topic = TopicWriter::new(bus.clone(), topic, state, on_durable, feed, last.clone());
        let storage = self.storage(writer, last)?;
        let consumer = bus.subscribe(self.topics.raw, ANALYSIS_GROUP)?;
        let mut stages = self.before_topic(consumer, held, to_topic);
        stages.push(storage);
        Ok((reader, stages))
    }

    /// All stages in one chain of channels.
    fn before_files(self, consumer: Box<dyn Consumer>, held: &[u64], writer: Box<dyn Writer>) -> Vec<NamedStage> {
        let Front { parts, frame, durable, topics } = self;
        let journal = PatternJournal::default();
        let state = gather(journal.clone(), parts.alerts);
        let detour = Detour::default();
        let raw = RawInlet::new(topics.raw.to_owned(), parts.feed.clone(), consumer, held, durable, detour.clone());
        let (to_analysis, from_normalizer) = channel(BETWEEN);
        let (to_storage, from_analysis) = history_edge(BETWEEN, held, detour.clone());
        let analyse = Analyse::new(parts.miner, journal, parts.taps, Box::new(now_micros));
        vec![
            frame.stage(raw, Normalize::new(parts.scrubber), to_analysis, topics.raw),
            frame.stage(from_normalizer, analyse, to_storage, topics.raw),
            frame.stage(from_analysis, Pass, HistoryOutlet::new(writer, state, parts.feed, detour), topics.raw),
        ]
    }

    /// The chain ends in the topic: what is behind it cannot hold it up.
    fn before_topic(self, consumer: Box<dyn Consumer>, held: &[u64], writer: TopicWriter) -> Vec<NamedStage> {
        let Front { parts, frame, durable, topics } = self;
        let journal = PatternJournal::default();
        let state = gather(journal.clone(), parts.alerts);
        // The topic is as near as the log itself: no way leads round it.
        let detour = Detour::default();
        let raw = RawInlet::new(topics.raw.to_owned(), parts.feed.clone(), consumer, held, durable, detour.clone());
        let (to_analysis, from_normalizer) = channel(BETWEEN);
        let analyse = Analyse::new(parts.miner, journal, parts.taps, Box::new(now_micros));
        let to_topic = HistoryOutlet::new(Box::new(writer), state, parts.feed, detour);
        vec![
            frame.stage(raw, Normalize::new(parts.scrubber), to_analysis, topics.raw),
            frame.stage(from_normalizer, analyse, to_topic, topics.raw),
        ]
    }

    /// From the topic into the database. At the end it does not wait for one that is away: what is left is in the topic.
    fn storage(&self, writer: Box<dyn Writer>, last: LastWritten) -> anyhow::Result<NamedStage> {
        let (frame, topic) = (&self.frame, self.topics.insights);
        let first = |offsets: Vec<u64>| offsets.first().copied().unwrap_or(0);
        let committed = frame.bus.committed(topic, GROUP)?.first().copied().flatten();
        let next = match committed {
            Some(committed) => committed,
            None => first(frame.bus.starts(topic)?),
        };
        frame.feed.queued(first(frame.bus.ends(topic)?).saturating_sub(next));
        let inlet =
            TopicInlet::new(topic.to_owned(), frame.bus.subscribe(topic, GROUP)?, next, frame.feed.clone(), last);
        let feed = frame.feed.clone();
        let dead = frame.dead_letters(move |records| feed.dequeued(records));
        let outlet = StoreOutlet::new(writer, frame.feed.clone());
        let draining = self.parts.draining.clone();
        let runner = Runner::new(inlet, Pass, outlet, dead, topic, &frame.metrics, draining.clone());
        let run = move || match runner.run() {
            Err(EdgeError::Unavailable(error)) if draining.is_cancelled() => {
                tracing::warn!(error, "rows wait in the topic before the history for the next start");
                Ok(())
            }
            ended => ended,
        };
        Ok(NamedStage { name: Pass::NAME, run: Box::new(run) })
    }
}

/// The stages' state for a commit. It may be ahead of the rows that are committed with it: patterns only grow, and the
/// alert engine knows which rows it has seen.
fn gather(
    journal: PatternJournal,
    alerts: Arc<Mutex<AlertStage>>,
) -> impl FnMut() -> Result<StageState, EdgeError> + Send {
    move || {
        // The lock is held for the copy alone: rows go on to be looked at while the disk is waited for.
        let snapshot = alerts.lock().unwrap_or_else(PoisonError::into_inner).snapshot();
        let alerts = snapshot.persist().map_err(|error| EdgeError::Unavailable(error.to_string()))?;
        let learned: Bytes = journal.take();
        let journals =
            if learned.is_empty() { BTreeMap::new() } else { BTreeMap::from([(PATTERNS.to_owned(), learned)]) };
        Ok(StageState { states: BTreeMap::from([(ALERTS.to_owned(), alerts)]), journals })
    }
}
