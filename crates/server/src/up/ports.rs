//! The four ports of `whittle up`: taken before anything else starts, and told to whoever wants to know.

use std::path::Path;

use anyhow::Context as _;
use serde::Serialize;
use tokio::net::TcpListener;

use crate::config::Config;
use crate::http::bind;

/// The listeners, bound.
pub struct Listeners {
    /// `POST /ingest`
    pub ingestion: TcpListener,
    /// Questions.
    pub storage: TcpListener,
    /// WebSocket.
    pub gateway: TcpListener,
    /// The page.
    pub dashboard: TcpListener,
}

/// The ports that were taken, as `ports.json` in the data directory has them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Ports {
    /// `POST /ingest`
    pub ingestion: u16,
    /// Questions.
    pub storage: u16,
    /// WebSocket.
    pub gateway: u16,
    /// The page.
    pub dashboard: u16,
}

impl Listeners {
    /// Takes all four; a port set to 0 becomes any that is free.
    ///
    /// # Errors
    /// Names the setting whose port is taken.
    pub async fn bind(config: &Config) -> anyhow::Result<Self> {
        Ok(Listeners {
            ingestion: bind(config.address(config.port), "PORT").await?,
            storage: bind(config.address(config.http_port), "HTTP_PORT").await?,
            gateway: bind(config.address(config.ws_port), "WS_PORT").await?,
            dashboard: bind(config.address(config.dashboard_port), "DASHBOARD_PORT").await?,
        })
    }

    /// The ports that they have.
    ///
    /// # Errors
    /// When the system does not say.
    pub fn ports(&self) -> std::io::Result<Ports> {
        Ok(Ports {
            ingestion: self.ingestion.local_addr()?.port(),
            storage: self.storage.local_addr()?.port(),
            gateway: self.gateway.local_addr()?.port(),
            dashboard: self.dashboard.local_addr()?.port(),
        })
    }
}

impl Ports {
    /// Writes `ports.json`, for programs that look for a running server by its data directory.
    ///
    /// # Errors
    /// When the data directory cannot be written.
    pub fn write(&self, data_dir: &Path) -> anyhow::Result<()> {
        let path = data_dir.join("ports.json");
        let fresh = data_dir.join("ports.json.new");
        std::fs::write(&fresh, serde_json::to_vec(self)?)
            .and_then(|()| std::fs::rename(&fresh, &path))
            .with_context(|| format!("cannot write {}", path.display()))
    }

    /// Removes `ports.json`: nobody is to be looked for at these ports any more.
    pub fn remove(&self, data_dir: &Path) {
        let path = data_dir.join("ports.json");
        if let Err(error) = std::fs::remove_file(&path) {
            tracing::warn!(%error, "cannot remove {}", path.display());
        }
    }
}
