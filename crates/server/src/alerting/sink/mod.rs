//! Where notices go.

mod address;
mod stdout;
#[cfg(test)]
mod tests;
mod webhook;

use std::time::Duration;

use whittle_domain::alerts::Notice;

use super::AlertSettings;
pub use address::{AddressGuard, ForbiddenAddress};
pub use stdout::StdoutSink;
pub use webhook::WebhookSink;

/// A delivery that did not happen, or may not have. It is tried again until the notice is too old.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct DeliveryError {
    /// What went wrong, for people; without the sink's URL, which may be a secret.
    pub reason: String,
    /// The wait that the receiver asked for.
    pub retry_after: Option<Duration>,
}

impl DeliveryError {
    fn new(reason: impl Into<String>) -> Self {
        DeliveryError { reason: reason.into(), retry_after: None }
    }
}

/// A receiver of notices.
pub enum Sink {
    /// Standard output of this process.
    Stdout(StdoutSink),
    /// A server that takes `POST`s.
    Webhook(WebhookSink),
}

impl Sink {
    /// The sinks of the settings.
    ///
    /// # Errors
    /// A webhook whose client cannot be made: no usable TLS.
    pub fn all(settings: &AlertSettings) -> Result<Vec<Sink>, DeliveryError> {
        let stdout = settings.stdout.then(|| Sink::Stdout(StdoutSink::new(std::io::stdout())));
        let webhooks = settings.webhooks.iter().map(|webhook| {
            let guard = if webhook.allow_private { AddressGuard::any() } else { AddressGuard::public() };
            WebhookSink::new(webhook, guard).map(Sink::Webhook)
        });
        stdout.map(Ok).into_iter().chain(webhooks).collect()
    }

    /// Its name in metrics and messages.
    pub fn name(&self) -> &str {
        match self {
            Sink::Stdout(_) => "stdout",
            Sink::Webhook(webhook) => webhook.name(),
        }
    }

    /// Deliveries at once.
    pub(super) fn workers(&self) -> usize {
        match self {
            Sink::Stdout(_) => 1,
            Sink::Webhook(_) => 4,
        }
    }

    /// Hands over a notice, within the sink's timeout.
    ///
    /// # Errors
    /// The receiver did not say that it has it.
    pub async fn deliver(&self, notice: &Notice) -> Result<(), DeliveryError> {
        match self {
            Sink::Stdout(stdout) => stdout.deliver(notice).await,
            Sink::Webhook(webhook) => webhook.deliver(notice).await,
        }
    }
}
