//! Roles over Kafka: each alone in a process, with copies that share its work, or all of them in one.
//!
//! The stages are those of `whittle up`; only their edges are topics. *Build* waits for the brokers and makes what is missing;
//! *run* is the same for any number of roles.

mod alerts;
mod analysis;
mod base;
mod dashboard;
mod engine;
mod gateway;
mod ingestion;
mod lag;
mod normalizer;
mod numbered;
mod owner;
mod program;
mod proxy;
mod storage;
mod storage_numbers;

use tokio_util::sync::CancellationToken;

use crate::config::Config;

/// What a process can be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// `POST /ingest` into `logs.raw`.
    Ingestion,
    /// `logs.raw` to `logs.normalized`.
    Normalizer,
    /// `logs.normalized` to `logs.insights`.
    Analysis,
    /// `logs.insights` to notifications.
    Alerts,
    /// `logs.insights` to the history, and questions about it.
    Storage,
    /// `logs.insights` to browsers.
    Gateway,
    /// The page.
    Dashboard,
}

impl Role {
    /// All of them.
    pub const ALL: [Role; 7] = [
        Role::Ingestion,
        Role::Normalizer,
        Role::Analysis,
        Role::Alerts,
        Role::Storage,
        Role::Gateway,
        Role::Dashboard,
    ];

    /// The name of its command.
    pub const fn name(self) -> &'static str {
        match self {
            Role::Ingestion => "ingestion-service",
            Role::Normalizer => "normalizer-service",
            Role::Analysis => "ai-analysis-service",
            Role::Alerts => "alert-service",
            Role::Storage => "storage-service",
            Role::Gateway => "websocket-gateway",
            Role::Dashboard => "dashboard",
        }
    }

    /// Its name on its port, as in `ports.json`.
    const fn port_name(self) -> &'static str {
        match self {
            Role::Ingestion => "ingestion",
            Role::Normalizer => "normalizer",
            Role::Analysis => "analysis",
            Role::Alerts => "alerts",
            Role::Storage => "storage",
            Role::Gateway => "gateway",
            Role::Dashboard => "dashboard",
        }
    }

    /// The setting of its port, and whether it is its own: the others have one for their metrics alone.
    fn port(self, config: &Config) -> (&'static str, u16, bool) {
        match self {
            Role::Ingestion => ("PORT", config.port, true),
            Role::Storage => ("HTTP_PORT", config.http_port, true),
            Role::Gateway => ("WS_PORT", config.ws_port, true),
            Role::Dashboard => ("DASHBOARD_PORT", config.dashboard_port, true),
            Role::Normalizer | Role::Analysis | Role::Alerts => ("METRICS_PORT", config.metrics_port, false),
        }
    }
}

/// Runs roles until `stop`.
///
/// # Errors
/// What keeps them from starting, with the fix; what could not be finished at the end.
pub async fn run(config: Config, roles: &[Role], stop: CancellationToken) -> anyhow::Result<()> {
    let needs_kafka = roles.iter().any(|role| *role != Role::Dashboard);
    if needs_kafka && config.kafka_brokers.is_none() {
        anyhow::bail!(
            "KAFKA_BROKERS: a role that runs alone reads and writes topics of Kafka; set it to the brokers, or run whittle up, which needs none"
        );
    }
    program::run(config, roles, stop).await
}
