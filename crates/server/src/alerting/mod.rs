//! Notifications: from the alert engine's notices to the world outside, through an outbox on disk.
//!
//! [`AlertStage`] watches rows inline and gives notices to the [`Outbox`], which makes them durable and delivers them to
//! each [`Sink`] at least once. A record that is computed again after a crash gives the same keys, which the outbox knows.

mod delivery;
mod metrics;
mod outbox;
mod settings;
mod sink;
mod stage;
mod state;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;

use std::sync::Arc;

pub use metrics::AlertMetrics;
pub use outbox::{DeadNotice, DeliveryPolicy, Offer, Outbox, OutboxError, OutboxHandle};
pub use settings::{AlertSettings, WebhookSettings};
pub use sink::{AddressGuard, DeliveryError, ForbiddenAddress, Sink, StdoutSink, WebhookSink};
pub use stage::{AlertError, AlertSnapshot, AlertStage};
pub use state::StateError;

/// The wall clock: milliseconds since 1970.
pub type Clock = Arc<dyn Fn() -> i64 + Send + Sync>;
