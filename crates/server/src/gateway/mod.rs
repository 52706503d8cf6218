//! The WebSocket gateway: events from the pipeline to browsers, as they come.
//!
//! The pipeline hands over batches as they are and never waits. All clients read from one ring of them (`ring`); frames are made
//! when someone is there to read them, once for all clients that want the same (`feed`, `reader`), and go to the sockets without a
//! copy (`link`). A slow client keeps a number, not a queue: what falls out of the ring before it comes for it is dropped, counted,
//! and told to it if it asked to be told.
//!
//! The messages are the `Ws…` schemas of `docs/api/openapi.json`. A client that asks for nothing gets every event from its first
//! moment on, one text message each, and nothing else.

mod client;
mod feed;
mod filter;
mod insights;
mod link;
mod messages;
mod metrics;
mod pulse;
mod reader;
mod render;
mod ring;
mod roster;
mod sampler;
mod settings;
mod subscribe;
mod tally;
#[cfg(test)]
mod tests;
mod upgrade;
mod walk;
mod wire;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::Router;
use axum::routing::get;
use bytes::Bytes;
use prometheus_client::registry::Registry;
use tokio::sync::{Notify, broadcast, watch};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use whittle_domain::Batch;
use whittle_patterns::PatternId;

pub use metrics::GatewayMetrics;
pub use render::InsightLookup;
pub use ring::Heads;
pub use settings::GatewaySettings;

use feed::Feeds;
use ring::Ring;
use roster::Roster;

/// Messages beside events that may wait for a slow client; then it misses the oldest.
const SIDE_QUEUE: usize = 1024;
/// Time for clients to take their leave at the end.
const DRAIN: Duration = Duration::from_secs(3);

/// What is told beside events.
#[derive(Debug, Clone)]
enum Side {
    /// A pattern's insight, as a ready frame.
    Insight(Bytes),
    /// The numbers of a second, as the text that is the same for all clients.
    Second(Arc<str>),
}

/// The gateway: shared by the pipeline, which publishes, and the router, which lets clients in.
pub struct Gateway {
    settings: GatewaySettings,
    insights: Arc<dyn InsightLookup>,
    metrics: GatewayMetrics,
    ring: Ring,
    feeds: Feeds,
    roster: Arc<Roster>,
    side: broadcast::Sender<Side>,
    /// The number of the next event, as of the last pulse.
    pulse: watch::Sender<u64>,
    news: Notify,
    /// Whether a pulse is on its way.
    awake: AtomicBool,
    born: Instant,
    stop: CancellationToken,
    tasks: TaskTracker,
}

impl Gateway {
    /// A gateway without clients. [`Gateway::run`] makes it beat; `stop` ends it.
    pub fn new(
        settings: GatewaySettings,
        insights: Arc<dyn InsightLookup>,
        registry: &mut Registry,
        stop: CancellationToken,
    ) -> Arc<Self> {
        let metrics = GatewayMetrics::register(registry);
        Arc::new(Gateway {
            ring: Ring::new(settings.room_events, settings.room_bytes),
            feeds: Feeds::default(),
            roster: Roster::new(settings.max_clients, metrics.clients.clone()),
            side: broadcast::channel(SIDE_QUEUE).0,
            pulse: watch::channel(0).0,
            news: Notify::new(),
            awake: AtomicBool::new(false),
            born: Instant::now(),
            tasks: TaskTracker::new(),
            settings,
            insights,
            metrics,
            stop,
        })
    }

    /// Says where the log ends: by partition of `logs.raw` the next offset. To be called before the first [`Gateway::publish`].
    ///
    /// Events below it are a replay: the stream begins at the end, and clients that resume from further back are told of a gap.
    pub fn begin_at(&self, heads: &Heads) {
        self.ring.begin_at(heads);
    }

    /// Hands over a batch. Never waits and renders nothing: it moves a pointer, and at most wakes one task.
    ///
    /// Rows that were published before, by their offsets, are left out.
    pub fn publish(&self, batch: &Arc<Batch>) {
        if self.ring.push(batch) > 0 && !self.roster.is_empty() && !self.awake.swap(true, Ordering::SeqCst) {
            self.news.notify_one();
        }
    }

    /// Tells clients that asked for it that a pattern's insight changed. `insight` is its JSON.
    pub fn insight_changed(&self, pattern: PatternId, insight: &str) {
        if self.side.receiver_count() > 0 {
            // Clients may go between the question and the message.
            let _ = self.side.send(Side::Insight(messages::insight(pattern, insight)));
        }
    }

    /// The live stream, at `/` and `/ws`.
    pub fn routes(self: &Arc<Self>) -> Router {
        Router::new().route("/", get(upgrade::upgrade)).route("/ws", get(upgrade::upgrade)).with_state(self.clone())
    }

    /// Wakes clients and counts seconds until the stop; then waits for clients to take their leave.
    pub async fn run(&self) {
        pulse::beat(self).await;
        self.tasks.close();
        if tokio::time::timeout(DRAIN, self.tasks.wait()).await.is_err() {
            tracing::warn!("clients were still connected at the end of the drain");
        }
    }

    /// What the gateway counts.
    pub fn metrics(&self) -> &GatewayMetrics {
        &self.metrics
    }

    /// From now on news make a new pulse.
    fn rest(&self) {
        self.awake.store(false, Ordering::SeqCst);
    }
}
