//! The one engine that counts matching rows, in whichever copy of `alert-service` has the partition of `logs.alerts`.
//!
//! Its state stands in a topic, as of the rows that are committed with it: a copy that takes over goes on from there.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use bytes::Bytes;
use prometheus_client::registry::Registry;
use tokio_util::sync::CancellationToken;
use whittle_bus::{Bus as _, BusError, Consumer, Entry, Frame, Position};
use whittle_disk::OsDisk;
use whittle_domain::Batch;
use whittle_kafka::KafkaBus;

use super::base::Base;
use super::program::Task;
use crate::alerting::{AlertMetrics, AlertSettings, AlertStage, DeliveryPolicy, Outbox, OutboxHandle, Sink};
use crate::clock::{now_micros, now_millis};
use crate::config::ALERTS;
use crate::insights::Insights;
use crate::pipeline::{DeadLetter, Divide, EdgeError, Held, Inlet, Outlet, Polled, Refused, Stage};
use crate::shared;
use crate::topics::{Acks, Read as _, ReadRecords, Traces};
use crate::up::stages::NamedStage;

/// The group whose one member that has the partition counts.
const GROUP: &str = "alert-service-engine";
/// Bytes that are read at once.
const READ_BYTES: usize = 2 << 20;
/// The state's key in its topic.
const KEY: &[u8] = b"engine";
/// Time for the state to be durable, after which it is tried again.
const PATIENCE: Duration = Duration::from_secs(15);
/// Level of compression: the state is written often.
const LEVEL: i32 = 1;

/// Rows to count, after the state that they follow on where this copy has just got the partition.
struct Counted {
    batch: Batch,
    resumed: Option<Resumed>,
}

/// The state that another copy, or this one before, has left.
struct Resumed(Option<Bytes>);

impl Divide for Counted {
    fn records(&self) -> usize {
        // Also a state without rows is something to do.
        self.batch.len().max(usize::from(self.resumed.is_some()))
    }

    fn halves(self) -> (Self, Self) {
        let (first, second) = self.batch.halves();
        (Counted { batch: first, resumed: self.resumed }, Counted { batch: second, resumed: None })
    }

    fn dead_letter(&self, topic: &str, reason: String) -> Option<DeadLetter> {
        self.batch.dead_letter(topic, reason)
    }
}

/// `logs.alerts`, and the state whenever the partition comes.
struct EngineInlet {
    bus: Arc<KafkaBus>,
    consumer: Box<dyn Consumer>,
    read: ReadRecords,
    stop: CancellationToken,
    owns: bool,
    given: Option<Position>,
}

impl EngineInlet {
    fn resume(&self) -> Result<Resumed, EdgeError> {
        let unavailable = |error: anyhow::Error| EdgeError::Unavailable(error.to_string());
        let mut last = None;
        shared::read_topic(&self.bus, shared::ALERTS, &self.stop, |frame: Frame| last = Some(frame.body))
            .map_err(unavailable)?;
        let state = last.map(|packed| zstd::decode_all(packed.as_ref()).map(Bytes::from)).transpose();
        state.map(Resumed).map_err(|error| unavailable(error.into()))
    }
}

impl Inlet for EngineInlet {
    type Item = Counted;

    fn poll(&mut self, timeout: Duration) -> Result<Polled<Counted>, EdgeError> {
        if self.stop.is_cancelled() {
            return Ok(Polled::Ended);
        }
        let frames = self.consumer.poll(READ_BYTES, timeout).map_err(|e| EdgeError::Unavailable(e.to_string()))?;
        let owned = std::mem::replace(&mut self.owns, !self.consumer.assignment().is_empty());
        let mut resumed = None;
        if self.owns && !owned {
            resumed = Some(self.resume().inspect_err(|_| self.owns = false)?);
        }
        let Some(last) = frames.last() else {
            let counted =
                |resumed| Polled::Item(Counted { batch: Batch::default(), resumed: Some(resumed) }, Vec::new());
            return Ok(resumed.map_or(Polled::Idle, counted));
        };
        self.given = Some(Position { partition: last.partition, offset: last.next_offset() });
        let mut rejected = Vec::new();
        let batch = self.read.read(ALERTS, &frames, &mut rejected);
        Ok(Polled::Item(Counted { batch, resumed }, rejected))
    }

    fn commit(&mut self) -> Result<(), EdgeError> {
        let Some(position) = self.given.take() else { return Ok(()) };
        match self.consumer.commit(&[position]) {
            // The copy that has it now goes on from the state and the commit before.
            Ok(()) | Err(BusError::Revoked(_)) => Ok(()),
            Err(error) => {
                self.given = Some(position);
                Err(EdgeError::Unavailable(error.to_string()))
            }
        }
    }
}

/// Counts rows.
struct Engine {
    settings: AlertSettings,
    insights: Arc<Insights>,
    metrics: AlertMetrics,
    outbox: OutboxHandle,
    stage: Option<AlertStage>,
}

impl Engine {
    fn resume(&mut self, state: Option<Bytes>) {
        let make = |state| {
            let (outbox, metrics) = (self.outbox.clone(), self.metrics.clone());
            AlertStage::new(&self.settings, state, outbox, self.insights.clone(), metrics)
        };
        let made = make(state).or_else(|error| {
            tracing::error!(%error, "the alert engine's state cannot be read; it begins anew");
            make(None)
        });
        match made {
            Ok(stage) => self.stage = Some(stage),
            Err(error) => tracing::error!(%error, "there are no alerts"),
        }
    }
}

impl Stage for Engine {
    type In = Counted;
    type Out = Option<crate::alerting::AlertSnapshot>;
    const NAME: &'static str = "alert-engine";

    fn process(&mut self, counted: &mut Counted) -> Self::Out {
        if let Some(Resumed(state)) = counted.resumed.take() {
            tracing::info!("this copy of alert-service counts alerts now");
            self.resume(state);
        }
        let stage = self.stage.as_mut()?;
        stage.observe(&counted.batch);
        Some(stage.snapshot())
    }

    fn tick(&mut self, idle: bool) {
        if let Some(stage) = &mut self.stage {
            stage.tick(idle.then(now_micros));
        }
    }
}

/// The state's topic. What the engine has noticed is in the outbox before the state says so.
struct StateOutlet {
    bus: Arc<KafkaBus>,
    give_up: CancellationToken,
}

impl Outlet for StateOutlet {
    type Item = Option<crate::alerting::AlertSnapshot>;

    fn send(&mut self, snapshot: Self::Item) -> Result<Held, Refused<Self::Item>> {
        let Some(snapshot) = snapshot else { return Ok(Held::Durable) };
        match self.write(snapshot.clone()) {
            Ok(()) => Ok(Held::Durable),
            Err(error) => Err(Box::new((EdgeError::Unavailable(error), Some(snapshot)))),
        }
    }
}

impl StateOutlet {
    fn write(&self, snapshot: crate::alerting::AlertSnapshot) -> Result<(), String> {
        let state = snapshot.persist().map_err(|error| error.to_string())?;
        let body = zstd::encode_all(state.as_ref(), LEVEL).map_err(|error| error.to_string())?;
        let acks = Acks::of(1);
        let told = acks.clone();
        let entry = Entry {
            key: Bytes::from_static(KEY),
            partition: Some(0),
            body: body.into(),
            count: 1,
            time: now_micros(),
            ..Entry::default()
        };
        self.bus.produce(shared::ALERTS, entry, Box::new(move |result| told.told(0, result)));
        let busy = acks.take_busy();
        let failed = if busy { None } else { acks.wait(&self.give_up, Some(Instant::now() + PATIENCE)) };
        match failed.as_deref() {
            Some([]) => Ok(()),
            Some([(_, error), ..]) => Err(error.to_string()),
            None => Err("the bus does not take the alert engine's state now".into()),
        }
    }
}

/// The engine's stage, and the task that delivers what it notices.
pub(super) fn build(base: &Base, insights: &Insights, registry: &mut Registry) -> anyhow::Result<(NamedStage, Task)> {
    let clock: crate::alerting::Clock = Arc::new(now_millis);
    let (settings, metrics) = (base.config.alerts.clone(), AlertMetrics::register(registry, clock.clone()));
    let sinks = Sink::all(&settings).context("alerts.webhooks")?;
    let policy = DeliveryPolicy::new(settings.give_up_hours);
    let dir = base.config.whittle_data_dir.join("alerts");
    let outbox = Outbox::open(Arc::new(OsDisk), &dir, sinks, policy, &metrics, clock)
        .context("WHITTLE_DATA_DIR: notifications wait there until they are delivered")?;
    let inlet = EngineInlet {
        bus: base.bus.clone(),
        consumer: base.subscribe(ALERTS, GROUP)?,
        read: ReadRecords(Traces::default()),
        stop: base.end.draining.clone(),
        owns: false,
        given: None,
    };
    let (insights, handle) = (Arc::new(insights.clone()), outbox.handle());
    let engine = Engine { settings, insights, metrics, outbox: handle, stage: None };
    let outlet = StateOutlet { bus: base.bus.clone(), give_up: base.end.give_up.clone() };
    let stop = base.end.sinks.clone();
    let deliveries: Task = Box::pin(async move {
        if let Err(error) = outbox.run(stop).await {
            tracing::error!(%error, "notifications cannot be delivered");
        }
    });
    Ok((base.stage(inlet, engine, outlet, ALERTS), deliveries))
}
