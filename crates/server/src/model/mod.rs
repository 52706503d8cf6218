//! The model worker: asks an OpenAI-compatible server what a pattern means. Nobody waits for it.
//!
//! ```text
//! Candidates (a tap of the analysis stage) ─try_send─► queue ─► Hold ─► batch ─► Budget ─► Breaker ─► POST ─► check ─► Insights
//! ```
//!
//! Every limit is reserved before a call and on disk, so that no crash and no race goes beyond it. What a server does not
//! understand is learned from its refusals; what it answers is believed as far as it passes the checks of
//! [`whittle_domain::prompt`].

mod ask;
mod breaker;
mod budget;
mod candidates;
mod client;
mod dialect;
mod hold;
mod metrics;
mod relay;
mod settings;
mod status;
#[cfg(test)]
mod tests;
mod worker;

use std::path::Path;
use std::sync::atomic::{AtomicI64, AtomicU64};
use std::sync::{Arc, Mutex};

use prometheus_client::registry::Registry;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use whittle_disk::Disk;
use whittle_domain::prompt::{PromptError, Prompter};

use crate::insights::{Insights, JournalError};

pub use candidates::Candidates;
pub use relay::{Heard, Relay, Told};
pub use settings::ModelSettings;
pub use status::{Analysis, BudgetState, Gauge, ModelState, ModelStatus, Outcomes, Skipped, Waiting};

use ask::Asker;
use breaker::Breaker;
use budget::{Budget, Limits};
use client::Endpoint;
use dialect::Dialect;
use hold::Hold;
use metrics::ModelMetrics;
use status::{Health, Shared};
use worker::Worker;

/// Which model is asked, where, and how much.
#[derive(Clone)]
pub struct ModelConfig {
    /// Limits (`[model]`).
    pub settings: ModelSettings,
    /// `OPENAI_BASE_URL`.
    pub base_url: String,
    /// `OPENAI_API_KEY`.
    pub key: Option<String>,
    /// `OPENAI_MODEL`.
    pub model: String,
}

/// Why there is no worker.
#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    /// The address cannot be used.
    #[error("OPENAI_BASE_URL is no address of http or https; write it like https://api.openai.com/v1")]
    BaseUrl,
    /// The key cannot stand in a header.
    #[error("OPENAI_API_KEY holds characters that no key has; check it for line ends and quotes")]
    Key,
    /// The HTTP client cannot be made.
    #[error("the client of the model's server cannot be made: {0}")]
    Client(String),
    /// The state cannot be read.
    #[error(transparent)]
    State(#[from] JournalError),
    /// The rules of prompts cannot be used.
    #[error(transparent)]
    Prompt(#[from] PromptError),
}

impl ModelConfig {
    /// Checks what can be told before anything is opened.
    ///
    /// # Errors
    /// When the address or the key cannot be used.
    pub fn check(&self) -> Result<(), ModelError> {
        client::base_url(&self.base_url)?;
        self.key.as_deref().map_or(Ok(()), |key| client::bearer(key).map(drop))
    }

    /// Whether a model will be asked: there is a key, or the server is this machine's own and that is allowed.
    ///
    /// # Errors
    /// When the address cannot be used.
    pub fn is_configured(&self) -> Result<bool, ModelError> {
        let own = client::is_loopback(&client::base_url(&self.base_url)?);
        Ok(self.key.is_some() || (own && self.settings.loopback_without_key))
    }
}

/// The running worker.
pub struct ModelWorker {
    /// For `GET /analysis`.
    pub status: ModelStatus,
    /// Ends after the shutdown; none when no model is configured.
    pub task: Option<JoinHandle<()>>,
}

impl ModelWorker {
    /// Starts the worker on the current runtime; its budget is kept in `dir`. Where no model is configured there is none,
    /// and the candidates tell nobody. `clock` gives milliseconds since 1970.
    ///
    /// # Errors
    /// Says which setting cannot be used, or which file cannot be read, and what helps.
    pub fn start(
        config: ModelConfig,
        insights: Insights,
        state: (Arc<dyn Disk>, &Path),
        clock: Arc<dyn Fn() -> i64 + Send + Sync>,
        shutdown: CancellationToken,
        registry: &mut Registry,
    ) -> Result<(Candidates, ModelWorker), ModelError> {
        let metrics = ModelMetrics::register(registry);
        if !config.is_configured()? {
            let worker = ModelWorker { status: ModelStatus::off(), task: None };
            return Ok((Candidates::off(insights), worker));
        }
        let ModelConfig { settings, base_url, key, model } = config;
        let base = client::base_url(&base_url)?;
        if key.is_some() && base.scheme() == "http" && !client::is_loopback(&base) {
            tracing::warn!("OPENAI_BASE_URL is plain http: the key and the templates can be read on the way");
        }
        let asker = Arc::new(Asker {
            endpoint: Endpoint::new(&settings, &base, key.as_deref())?,
            model,
            prompter: Prompter::new()?,
            budget: Arc::new(Budget::open(Limits::of(&settings), state.0, state.1)?),
            settings: settings.clone(),
            metrics: metrics.clone(),
            dialect: Mutex::new(Dialect::full()),
            clock,
        });
        let health = Mutex::new(Health { breaker: Breaker::new(), trouble: None });
        let shared = Arc::new(Shared { asker, metrics: metrics.clone(), health, spent_until: AtomicI64::new(0) });
        let (to_worker, queue) = mpsc::channel(settings.queue);
        let forgotten = Arc::new(AtomicU64::new(0));
        let worker =
            Worker::new(queue, Hold::new(&settings), insights.clone(), shared.clone(), forgotten.clone(), shutdown);
        let task = tokio::spawn(worker.run());
        let candidates = Candidates::new(insights, to_worker, settings.hold_lines, metrics, forgotten);
        Ok((candidates, ModelWorker { status: ModelStatus::of(shared), task: Some(task) }))
    }
}
