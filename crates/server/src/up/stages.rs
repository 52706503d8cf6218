//! The three stages, with channels between them, each ready to run on a thread of its own.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Context as _;
use bytes::Bytes;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::registry::Registry;
use tokio_util::sync::CancellationToken;
use whittle_bus::{Bus, SegmentBus};
use whittle_domain::scrub::Scrubber;
use whittle_history::{Positions, Reader, StageState};
use whittle_patterns::Miner;

use super::build::{ALERTS, PATTERNS};
use super::data::Data;
use crate::alerting::AlertStage;
use crate::clock::now_micros;
use crate::config::DEAD_LETTERS;
use crate::pipeline::{
    Analyse, DeadLetters, Detour, Durable, EdgeError, Feed, HistoryOutlet, Inlet, Normalize, Outlet, Pass,
    PatternJournal, RawInlet, Runner, Stage, StageMetrics, Tap, channel, history_edge,
};

/// The group that holds back the retention of `logs.raw`: in one process the history is where all stages end.
const GROUP: &str = "storage-service-group";
/// Batches that may stand between two stages.
const BETWEEN: usize = 2;

/// A stage, ready to run.
pub(super) struct NamedStage {
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
        let dead = DeadLetters::new(self.bus.clone(), DEAD_LETTERS.to_owned(), self.dead.clone(), self.feed.clone());
        let runner = Runner::new(inlet, stage, outlet, dead, topic, &self.metrics, self.give_up.clone());
        NamedStage { name: S::NAME, run: Box::new(move || runner.run()) }
    }
}

/// Starts the history and lines the stages up in front of it.
pub(super) fn build(
    parts: Stages,
    data: Data,
    raw_topic: &str,
    registry: &mut Registry,
) -> anyhow::Result<(Arc<dyn Reader>, Vec<NamedStage>)> {
    let dead = Counter::default();
    registry.register("whittle_dead_letters", "Records that went to the dead letters", dead.clone());
    let metrics = StageMetrics::register(registry);
    let frame = Frame { bus: data.bus.clone(), metrics, dead, feed: parts.feed.clone(), give_up: parts.give_up };

    let durable = Durable::new(&data.held);
    let raised = durable.clone();
    let on_durable = move |positions: &Positions| {
        positions.iter().for_each(|(partition, offset)| raised.raise(*partition, *offset));
    };
    let catalog = parts.miner.catalog();
    let (reader, writer) = data.history.start(catalog, Box::new(on_durable)).context("the history cannot start")?;

    let consumer = data.bus.subscribe(raw_topic, GROUP)?;
    let journal = PatternJournal::default();
    let state = gather(journal.clone(), parts.alerts);
    let detour = Detour::default();
    let raw = RawInlet::new(raw_topic.to_owned(), parts.feed.clone(), consumer, &data.held, durable, detour.clone());
    let (to_analysis, from_normalizer) = channel(BETWEEN);
    let (to_storage, from_analysis) = history_edge(BETWEEN, &data.held, detour.clone());
    let analyse = Analyse::new(parts.miner, journal, parts.taps, Box::new(now_micros));
    let stages = vec![
        frame.stage(raw, Normalize::new(parts.scrubber), to_analysis, raw_topic),
        frame.stage(from_normalizer, analyse, to_storage, raw_topic),
        frame.stage(from_analysis, Pass, HistoryOutlet::new(writer, state, parts.feed, detour), raw_topic),
    ];
    Ok((reader, stages))
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
