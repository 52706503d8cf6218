//! Putting the roles together. Nothing takes work yet when this returns.

use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::Context as _;
use prometheus_client::registry::Registry;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use whittle_bus::{Bus, SegmentBus};
use whittle_domain::knowledge::Knowledge;
use whittle_domain::{Limits, scrub::Scrubber};
use whittle_patterns::Catalog;

use super::data::{self, Data};
use super::metrics::{self, Numbers};
use super::ports::Ports;
use super::stages::{self, NamedStage, Stages, Topics};
use super::taps::{ToAlerts, ToGateway, ToModel};
use crate::alerting::{AlertMetrics, AlertStage, DeliveryPolicy, Outbox, Sink};
use crate::clock::{now_micros, now_millis};
use crate::config::{Config, ScrubSetting};
use crate::gateway::Gateway;
use crate::ingest::{Admission, AdmissionLimits, Ingest, IngestLimits, IngestMetrics};
use crate::insights::Insights;
use crate::model::{Candidates, ModelWorker};
use crate::pipeline::{Feed, FeedLimits};
use crate::storage::{Replay, Storage};

/// Name of the alert engine's state in the checkpoint.
pub(super) const ALERTS: &str = "alerts";
/// Name of the pattern journal in the checkpoint.
pub(crate) const PATTERNS: &str = "patterns";
/// Bytes of records that may wait in memory for the first stage.
const FEED_BYTES: usize = 16 << 20;
/// Time for a body to arrive, and for its records to be durable.
const DEADLINE: Duration = Duration::from_secs(15);

/// What tells the parts that the end has come, in the order in which it comes.
#[derive(Debug, Clone, Default)]
pub(crate) struct End {
    /// Nothing new is taken.
    pub draining: CancellationToken,
    /// Stages do not try again what fails.
    pub give_up: CancellationToken,
    /// Deliveries and the model worker end.
    pub sinks: CancellationToken,
}

/// Everything, put together.
pub(super) struct Built {
    pub bind: IpAddr,
    pub data_dir: PathBuf,
    pub ports: Ports,
    pub metrics: Arc<Registry>,
    pub ingest: Arc<Ingest>,
    pub storage: Arc<Storage>,
    pub gateway: Arc<Gateway>,
    pub insights: Insights,
    pub feed: Arc<Feed>,
    pub stages: Vec<NamedStage>,
    pub outbox: Option<Outbox>,
    pub model: Option<JoinHandle<()>>,
    pub end: End,
    pub bus: Arc<SegmentBus>,
}

/// Opens and assembles.
///
/// # Errors
/// A folder that is in use or cannot be read, a setting that this program cannot follow.
pub(super) fn build(config: Config, ports: Ports) -> anyhow::Result<Built> {
    let data = data::open(&config)?;
    let mut registry = Registry::default();
    let end = End::default();
    let miner = data.load_miner()?;
    let catalog = miner.catalog();
    let limits = FeedLimits { bytes: FEED_BYTES, lag_records: config.whittle_max_lag_records };
    let feed = Arc::new(Feed::new(&data.ends, &data.held, limits));
    let (insights, candidates, model) =
        build_insights(&config, &data, catalog.clone(), end.sinks.clone(), &mut registry)?;
    let lookup = Arc::new(insights.clone());
    let (outbox, alerts) = build_alerts(&config, &data, lookup.clone(), &mut registry)?;
    let gateway = Gateway::new(config.gateway.clone(), lookup, &mut registry, end.draining.clone());
    gateway.begin_at(&(0..).zip(data.ends.iter().copied()).collect());
    let ingest = build_ingest(&config, (data.bus.clone(), false), feed.clone(), end.draining.clone(), &mut registry);
    let replay = Replay::new(feed.clone(), &data.held, &data.ends);
    let (data_dir, bus) = (data.dir.clone(), data.bus.clone());
    let taps = vec![
        Box::new(ToGateway(gateway.clone())) as _,
        Box::new(ToAlerts(alerts.clone())) as _,
        Box::new(ToModel(candidates)) as _,
    ];
    let scrubber = build_scrubber(&config)?;
    let parts = Stages {
        miner,
        taps,
        alerts,
        scrubber,
        feed: feed.clone(),
        insights: insights.clone(),
        draining: end.draining.clone(),
        give_up: end.give_up.clone(),
    };
    let topics = Topics { raw: &config.kafka_topic_raw, insights: &config.kafka_topic_insights };
    let (reader, stages) = stages::build(parts, data, &topics, &mut registry)?;
    let numbers = Numbers { bus: bus.clone(), reader: reader.clone(), feed: feed.clone(), ingest: ingest.clone() };
    metrics::register(&mut registry, numbers);
    let storage = Storage::new(reader, catalog, insights.clone(), model.status.clone(), replay, now_micros);
    Ok(Built {
        bind: config.whittle_bind,
        data_dir,
        ports,
        metrics: Arc::new(registry),
        ingest,
        storage,
        gateway,
        insights,
        feed,
        stages,
        outbox: Some(outbox),
        model: model.task,
        end,
        bus,
    })
}

/// What is known of patterns, and the worker that asks for more where a model is configured.
fn build_insights(
    config: &Config,
    data: &Data,
    catalog: Catalog,
    stop: CancellationToken,
    registry: &mut Registry,
) -> anyhow::Result<(Insights, Candidates, ModelWorker)> {
    let model = config.model_config();
    let dir = data.dir.join("analysis");
    let knowledge = Arc::new(Knowledge::builtin()?);
    let insights = Insights::open(knowledge, catalog, model.is_configured()?, data.disk.clone(), &dir)?;
    let state = (data.disk.clone(), dir.as_path());
    let clock = Arc::new(now_millis);
    let (candidates, worker) = ModelWorker::start(model, insights.clone(), state, clock, stop, registry)?;
    Ok((insights, candidates, worker))
}

/// The scrubber that the settings ask for.
pub(crate) fn build_scrubber(config: &Config) -> anyhow::Result<Option<Scrubber>> {
    let key = config.whittle_scrub_key.as_deref().unwrap_or_default();
    Ok(match config.whittle_scrub {
        ScrubSetting::Off => None,
        ScrubSetting::Mask => Some(Scrubber::mask()?),
        ScrubSetting::Hash => Some(Scrubber::hash(key.as_bytes()).context("WHITTLE_SCRUB_KEY")?),
    })
}

fn build_alerts(
    config: &Config,
    data: &Data,
    insights: Arc<Insights>,
    registry: &mut Registry,
) -> anyhow::Result<(Outbox, Arc<Mutex<AlertStage>>)> {
    let clock: crate::alerting::Clock = Arc::new(now_millis);
    let metrics = AlertMetrics::register(registry, clock.clone());
    let sinks = Sink::all(&config.alerts).context("alerts.webhooks")?;
    let policy = DeliveryPolicy::new(config.alerts.give_up_hours);
    let outbox = Outbox::open(data.disk.clone(), &data.dir.join("alerts"), sinks, policy, &metrics, clock)?;
    let state = data.checkpoint.states.get(ALERTS).cloned();
    let mut stage = AlertStage::new(&config.alerts, state, outbox.handle(), insights, metrics)?;
    // Without a state the rows since the last commit are looked at again: the outbox knows what was sent for them.
    stage.begin_at((0..).zip(data.held.iter().copied()).collect());
    Ok((outbox, Arc::new(Mutex::new(stage))))
}

/// Ingestion into a bus: with each record `apart`, or a request as one entry.
pub(crate) fn build_ingest(
    config: &Config,
    (bus, apart): (Arc<dyn Bus>, bool),
    feed: Arc<Feed>,
    draining: CancellationToken,
    registry: &mut Registry,
) -> Arc<Ingest> {
    let records = Limits {
        records: config.whittle_max_records,
        record_bytes: config.whittle_max_record_bytes,
        ..Limits::default()
    };
    let limits = IngestLimits {
        body_bytes: config.whittle_max_body_bytes,
        decoded_bytes: config.whittle_max_decoded_bytes,
        records,
        deadline: DEADLINE,
    };
    let admission = Admission::new(AdmissionLimits {
        inflight_bytes: config.whittle_max_inflight_bytes,
        requests_per_second: config.whittle_rate_limit,
        parses: std::thread::available_parallelism().map_or(1, usize::from),
    });
    let metrics = IngestMetrics::register(registry);
    let topic = config.kafka_topic_raw.clone();
    Arc::new(Ingest { bus, apart, topic, limits, admission, feed, metrics, draining })
}

impl Built {
    /// Syncs and closes what the stages wrote to.
    pub(super) fn close(&self) {
        self.bus.close();
    }
}
