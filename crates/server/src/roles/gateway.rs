//! `websocket-gateway`: `logs.insights` to browsers. Each copy sees every event, in a group of its own.
//!
//! It begins some way before the end, so that clients of another copy, or of this one before a restart, can go on where they were.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use prometheus_client::registry::Registry;
use tokio_util::sync::CancellationToken;
use whittle_bus::{Bus as _, BusError, Consumer, Frame, Position};
use whittle_domain::Batch;
use whittle_domain::knowledge::Knowledge;
use whittle_kafka::KafkaBus;

use super::Role;
use super::base::Base;
use super::program::Part;
use crate::gateway::Gateway;
use crate::http::Refusal;
use crate::insights::Insights;
use crate::pipeline::{EdgeError, Held, Outlet, Refused, Stage};
use crate::shared;
use crate::topics::{ReadRecords, Traces};
use crate::up::run::tell_insights;

/// Events before the end that are read at a start, over all partitions.
const BEFORE: u64 = 65_536;

/// Rows as they are.
struct Show;

impl Stage for Show {
    type In = Batch;
    type Out = Arc<Batch>;
    const NAME: &'static str = "gateway";

    fn process(&mut self, batch: &mut Batch) -> Arc<Batch> {
        Arc::new(std::mem::take(batch))
    }
}

/// The live stream as an outlet. A gateway keeps nothing, so that its group need not remember where it was.
struct ToClients(Arc<Gateway>);

impl Outlet for ToClients {
    type Item = Arc<Batch>;

    fn send(&mut self, batch: Arc<Batch>) -> Result<Held, Refused<Arc<Batch>>> {
        self.0.publish(&batch);
        Ok(Held::Later)
    }

    fn tick(&mut self) -> Result<(), EdgeError> {
        Ok(())
    }
}

/// A member that goes back some way in each partition that it is given.
struct FromBefore {
    consumer: Box<dyn Consumer>,
    bus: Arc<KafkaBus>,
    topic: String,
    begun: BTreeSet<u32>,
    /// How many there were at the start.
    partitions: usize,
    /// What was there at the start and has not been read.
    left: Arc<AtomicU64>,
}

impl FromBefore {
    fn begin(&mut self, partition: u32) -> Result<(), BusError> {
        let (starts, ends) = (self.bus.starts(&self.topic)?, self.bus.ends(&self.topic)?);
        let share = BEFORE / ends.len().max(1) as u64;
        let at = |list: &[u64]| list.get(partition as usize).copied().unwrap_or(0);
        let from = at(&ends).saturating_sub(share).max(at(&starts));
        self.consumer.seek(Position { partition, offset: from })?;
        if self.begun.insert(partition) {
            self.left.fetch_add(at(&ends).saturating_sub(from), Ordering::Relaxed);
        }
        Ok(())
    }
}

/// Marks that there are partitions which it has not begun to read.
const NOT_BEGUN: u64 = 1 << 63;

impl Consumer for FromBefore {
    fn poll(&mut self, max_bytes: usize, timeout: Duration) -> Result<Vec<Frame>, BusError> {
        let mut frames = self.consumer.poll(max_bytes, timeout)?;
        let fresh: Vec<u32> =
            self.consumer.assignment().into_iter().filter(|partition| !self.begun.contains(partition)).collect();
        for partition in fresh {
            // What came from its end comes again from before it.
            match self.begin(partition) {
                Ok(()) => frames.retain(|frame| frame.partition != partition),
                Err(error) => {
                    tracing::debug!(%error, partition, "the newest events cannot be read again");
                    self.begun.insert(partition);
                }
            }
        }
        let (read, mut left) = (frames.len() as u64, self.left.load(Ordering::Relaxed));
        if !self.begun.is_empty() && self.begun.len() >= self.partitions {
            left &= !NOT_BEGUN;
        }
        self.left.store((left & NOT_BEGUN) | (left & !NOT_BEGUN).saturating_sub(read), Ordering::Relaxed);
        Ok(frames)
    }

    fn commit(&mut self, positions: &[Position]) -> Result<(), BusError> {
        self.consumer.commit(positions)
    }

    fn seek(&mut self, position: Position) -> Result<(), BusError> {
        self.consumer.seek(position)
    }

    fn position(&self, partition: u32) -> Option<u64> {
        self.consumer.position(partition)
    }

    fn assignment(&self) -> Vec<u32> {
        self.consumer.assignment()
    }
}

pub(super) fn build(base: &Base, registry: &mut Registry) -> anyhow::Result<Part> {
    let (topic, stop) = (&base.config.kafka_topic_insights, base.end.sinks.clone());
    let catalog = shared::learn_alone(&base.bus, &stop)?;
    let insights = Insights::new(Arc::new(Knowledge::builtin()?), catalog, base.config.asks_a_model());
    shared::follow_words(&insights, &base.bus, &stop)?;
    let (settings, draining) = (base.config.gateway.clone(), base.end.draining.clone());
    let gateway = Gateway::new(settings, Arc::new(insights.clone()), registry, draining.clone());
    let group = format!("ws-gateway-group-{}", uuid::Uuid::now_v7());
    let left = Arc::new(AtomicU64::new(NOT_BEGUN));
    let consumer = FromBefore {
        consumer: base.bus.subscribe_at_end(topic, &group)?,
        bus: base.bus.clone(),
        topic: topic.clone(),
        begun: BTreeSet::new(),
        partitions: base.bus.ends(topic)?.len(),
        left: left.clone(),
    };
    let inlet = base.inlet(topic, Box::new(consumer), ReadRecords(Traces::default()), "gateway");
    let stage = base.stage(inlet, Show, ToClients(gateway.clone()), topic);
    let (beating, told) = (gateway.clone(), gateway.clone());
    let no_such_route = || async { Refusal::not_found("not_found", "there is no such route; the stream is at /") };
    Ok(Part {
        role: Role::Gateway,
        routes: gateway.routes().fallback(no_such_route),
        ready: Arc::new(move || {
            (left.load(Ordering::Relaxed) > 0).then(|| "the newest events are still being read".to_owned())
        }),
        stages: vec![stage],
        tasks: vec![
            Box::pin(async move { beating.run().await }),
            Box::pin(tell_insights(insights.clone(), told, stop.clone())),
            Box::pin(refresh(insights, stop)),
        ],
    })
}

/// Follows patterns that have become one, for roles whose stages do not.
pub(super) async fn refresh(insights: Insights, stop: CancellationToken) {
    let mut pace = tokio::time::interval(Duration::from_secs(1));
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            _ = pace.tick() => insights.refresh(),
        }
    }
}
