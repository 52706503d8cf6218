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
pub(crate) use validate::{ALERTS, CANDIDATES, DEAD_LETTERS};

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
    /// Partitions of topics that are made when they are missing.
    pub kafka_partitions: u32,
    /// Replicas of these topics; the cluster's default when absent.
    pub kafka_replicas: Option<u16>,
    /// Replicas that each topic must have.
    pub whittle_require_replicas: Option<u16>,
    /// `plaintext`, `ssl`, `sasl_plaintext` or `sasl_ssl`.
    pub kafka_security_protocol: Option<String>,
    /// How we say who we are.
    pub kafka_sasl_mechanism: Option<String>,
    /// Name for the brokers.
    pub kafka_sasl_username: Option<String>,
    /// Password for the brokers.
    pub kafka_sasl_password: Option<String>,
    /// File of the authorities that sign the brokers' certificates.
    pub kafka_ssl_ca: Option<String>,
    /// File of our own certificate.
    pub kafka_ssl_certificate: Option<String>,
    /// File of its key.
    pub kafka_ssl_key: Option<String>,
    /// Password of that file.
    pub kafka_ssl_key_password: Option<String>,
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
            kafka_partitions: 6,
            kafka_replicas: None,
            whittle_require_replicas: None,
            kafka_security_protocol: None,
            kafka_sasl_mechanism: None,
            kafka_sasl_username: None,
            kafka_sasl_password: None,
            kafka_ssl_ca: None,
            kafka_ssl_certificate: None,
            kafka_ssl_key: None,
            kafka_ssl_key_password: None,
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

    /// What the clients of Kafka are made with, where there are brokers. `role` is the name under which the brokers count them.
    pub fn kafka_settings(&self, role: &str) -> Option<whittle_kafka::Settings> {
        let mut settings = whittle_kafka::Settings::new(self.kafka_brokers.clone()?);
        settings.client_id = format!("whittle-{role}");
        settings.groups = match self.kafka_group_protocol {
            GroupProtocol::Auto => whittle_kafka::GroupProtocol::Auto,
            GroupProtocol::Consumer => whittle_kafka::GroupProtocol::Consumer,
            GroupProtocol::Classic => whittle_kafka::GroupProtocol::Classic,
        };
        settings.replicas = self.kafka_replicas;
        // A record grows on its way: escapes, ids, times, the insight.
        settings.entry_bytes = 2 * self.whittle_max_record_bytes + (256 << 10);
        settings.queue_bytes = 2 * self.whittle_max_inflight_bytes;
        settings.security = whittle_kafka::Security {
            protocol: self.kafka_security_protocol.clone(),
            mechanism: self.kafka_sasl_mechanism.clone(),
            username: self.kafka_sasl_username.clone(),
            password: self.kafka_sasl_password.clone(),
            ca: self.kafka_ssl_ca.clone(),
            certificate: self.kafka_ssl_certificate.clone(),
            key: self.kafka_ssl_key.clone(),
            key_password: self.kafka_ssl_key_password.clone(),
        };
        Some(settings)
    }

    /// Settings that were changed and that nothing of `whittle up` reads: they are for roles that run alone, or for Kafka.
    pub fn unused_by_up(&self) -> Vec<&'static str> {
        let default = Config::default();
        let alone = [
            ("STORAGE_URL", self.storage_url.is_some()),
            ("GATEWAY_URL", self.gateway_url.is_some()),
            ("METRICS_PORT", self.metrics_port != default.metrics_port),
        ];
        let kafka = [
            ("KAFKA_TOPIC_NORMALIZED", self.kafka_topic_normalized != default.kafka_topic_normalized),
            (
                "KAFKA_TOPIC_INSIGHTS",
                self.kafka_topic_insights != default.kafka_topic_insights && self.postgres_url.is_none(),
            ),
            ("KAFKA_GROUP_PROTOCOL", self.kafka_group_protocol != default.kafka_group_protocol),
            ("KAFKA_PARTITIONS", self.kafka_partitions != default.kafka_partitions),
            ("WHITTLE_REQUIRE_REPLICAS", self.whittle_require_replicas.is_some()),
        ];
        let kafka = kafka.into_iter().filter(|_| self.kafka_brokers.is_none());
        alone.into_iter().chain(kafka).filter_map(|(key, changed)| changed.then_some(key)).collect()
    }
}
