//! Settings: defaults, then the file, then the environment, checked as a whole before anything starts.
//!
//! One flat set of keys: an environment variable `WHITTLE_DATA_DIR` is
//! `whittle_data_dir` in the file. Tables (`[model]`, `[[alerts.rules]]`, …) stand in
//! the file alone. A secret may come from a file by `NAME_FILE`.

mod load;
mod summary;
#[cfg(test)]
mod tests;
mod validate;
pub(crate) use validate::DEAD_LETTERS;

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use serde::Deserialize;

pub use load::{ConfigError, KEYS, Key, Kind, load};

/// Everything that can be set.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Kafka's brokers; the embedded bus when absent.
    pub kafka_brokers: Option<String>,
    /// Topic of records as ingested.
    pub kafka_topic_raw: String,
    /// Topic of normalized records.
    pub kafka_topic_normalized: String,
    /// Topic of records with their insight.
    pub kafka_topic_insights: String,
    /// `auto`, `consumer` or `classic`.
    pub kafka_group_protocol: GroupProtocol,
    /// Key of the model's API.
    pub openai_api_key: Option<String>,
    /// Base of an OpenAI-compatible API.
    pub openai_base_url: String,
    /// Name of the model.
    pub openai_model: String,
    /// PostgreSQL for the history; columnar files when absent.
    pub postgres_url: Option<String>,
    /// Port of ingestion.
    pub port: u16,
    /// Port of storage.
    pub http_port: u16,
    /// Port of the WebSocket gateway.
    pub ws_port: u16,
    /// Port of the page.
    pub dashboard_port: u16,
    /// Port of `/metrics` for roles without one.
    pub metrics_port: u16,
    /// Origins beside loopback that browsers may come from, comma-separated.
    pub cors_origins: String,
    /// Where the page's server finds storage; this machine's port when absent.
    pub storage_url: Option<String>,
    /// Where the page's server finds the gateway; this machine's port when absent.
    pub gateway_url: Option<String>,
    /// Folder of everything that is kept.
    pub whittle_data_dir: PathBuf,
    /// Address to listen on.
    pub whittle_bind: IpAddr,
    /// Allows an address other than loopback without authentication.
    pub whittle_allow_open: bool,
    /// What the program says of itself: a `tracing` filter.
    pub whittle_log: String,
    /// Requests a second and client address; 0 is no limit.
    pub whittle_rate_limit: u32,
    /// Bytes of a request's body, as sent.
    pub whittle_max_body_bytes: usize,
    /// Bytes of a request's body, decoded.
    pub whittle_max_decoded_bytes: usize,
    /// Records in a request.
    pub whittle_max_records: usize,
    /// Bytes of a record.
    pub whittle_max_record_bytes: usize,
    /// Bytes of request bodies held in memory at once, beyond which requests are refused.
    pub whittle_max_inflight_bytes: usize,
    /// Records that may wait in the raw log for the stages, beyond which requests are refused.
    pub whittle_max_lag_records: u64,
    /// Scrubbing of secrets and personal data.
    pub whittle_scrub: ScrubSetting,
    /// Key of the hash that `hash` puts in a secret's place.
    pub whittle_scrub_key: Option<String>,
    /// Days that the history keeps.
    pub whittle_retention_days: u32,
    /// Bytes that the history keeps.
    pub whittle_retention_bytes: u64,
    /// The model's limits (`[model]`).
    pub model: crate::model::ModelSettings,
    /// Alert rules and their sinks (`[alerts]`).
    pub alerts: crate::alerting::AlertSettings,
    /// The live stream's limits (`[gateway]`).
    pub gateway: crate::gateway::GatewaySettings,
}

/// Which group protocol consumers speak.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum GroupProtocol {
    /// The new one where the brokers have it.
    #[default]
    Auto,
    /// The new one (KIP-848).
    Consumer,
    /// The old one.
    Classic,
}

/// What becomes of secrets in messages and contexts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ScrubSetting {
    /// They stay.
    #[default]
    Off,
    /// They are replaced by their kind.
    Mask,
    /// They are replaced by a keyed hash, so that equal ones stay equal.
    Hash,
}

impl Default for Config {
    fn default() -> Self {
        Config {
            kafka_brokers: None,
            kafka_topic_raw: "logs.raw".into(),
            kafka_topic_normalized: "logs.normalized".into(),
            kafka_topic_insights: "logs.insights".into(),
            kafka_group_protocol: GroupProtocol::Auto,
            openai_api_key: None,
            openai_base_url: "https://api.openai.com/v1".into(),
            openai_model: "gpt-4o-mini".into(),
            postgres_url: None,
            port: 3001,
            http_port: 4000,
            ws_port: 8080,
            dashboard_port: 5173,
            metrics_port: 9464,
            cors_origins: String::new(),
            storage_url: None,
            gateway_url: None,
            whittle_data_dir: "./whittle-data".into(),
            whittle_bind: IpAddr::V4(Ipv4Addr::LOCALHOST),
            whittle_allow_open: false,
            whittle_log: "info".into(),
            whittle_rate_limit: 0,
            whittle_max_body_bytes: 16 << 20,
            whittle_max_decoded_bytes: 64 << 20,
            whittle_max_records: 50_000,
            whittle_max_record_bytes: 1 << 20,
            whittle_max_inflight_bytes: 64 << 20,
            whittle_max_lag_records: 20_000_000,
            whittle_scrub: ScrubSetting::Off,
            whittle_scrub_key: None,
            whittle_retention_days: 7,
            whittle_retention_bytes: 10 << 30,
            model: Default::default(),
            alerts: Default::default(),
            gateway: Default::default(),
        }
    }
}

impl Config {
    /// The address of a port of ours.
    pub fn address(&self, port: u16) -> SocketAddr {
        SocketAddr::new(self.whittle_bind, port)
    }

    /// The origins of [`Config::cors_origins`], one by one.
    pub fn origins(&self) -> Vec<String> {
        self.cors_origins.split(',').map(str::trim).filter(|o| !o.is_empty()).map(str::to_owned).collect()
    }

    /// Whom the model worker asks, and how much.
    pub fn model_config(&self) -> crate::model::ModelConfig {
        crate::model::ModelConfig {
            settings: self.model.clone(),
            base_url: self.openai_base_url.clone(),
            key: self.openai_api_key.clone(),
            model: self.openai_model.clone(),
        }
    }

    /// Settings that were changed and that nothing of `whittle up` reads: they are for roles that run alone.
    pub fn unused_by_up(&self) -> Vec<&'static str> {
        let default = Config::default();
        [
            ("STORAGE_URL", self.storage_url.is_some()),
            ("GATEWAY_URL", self.gateway_url.is_some()),
            ("METRICS_PORT", self.metrics_port != default.metrics_port),
            ("KAFKA_TOPIC_NORMALIZED", self.kafka_topic_normalized != default.kafka_topic_normalized),
            (
                "KAFKA_TOPIC_INSIGHTS",
                self.kafka_topic_insights != default.kafka_topic_insights && self.postgres_url.is_none(),
            ),
            ("KAFKA_GROUP_PROTOCOL", self.kafka_group_protocol != default.kafka_group_protocol),
        ]
        .into_iter()
        .filter_map(|(key, changed)| changed.then_some(key))
        .collect()
    }
}
