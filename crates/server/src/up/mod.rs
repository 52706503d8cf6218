//! `whittle up`: every role in one process.
//!
//! *Validate* was done with the settings; *build* opens what is on disk and takes the ports; *run* owns the threads and tasks
//! and ends them in order.

pub(crate) mod build;
pub(crate) mod data;
mod metrics;
mod ports;
pub(crate) mod run;
mod servers;
pub(crate) mod stages;
mod taps;
#[cfg(test)]
mod tests;

use tokio_util::sync::CancellationToken;

use crate::config::Config;
use crate::http::Origins;
use crate::roles::{self, Role};
use build::Built;
use ports::{Listeners, Ports};
use servers::Servers;

/// Runs all roles until `stop`.
///
/// # Errors
/// What keeps it from starting, with the fix; what could not be finished at the end.
pub async fn run(config: Config, stop: CancellationToken) -> anyhow::Result<()> {
    warn(&config);
    if config.kafka_brokers.is_some() {
        return roles::run(config, &Role::ALL, stop).await;
    }
    build_and_run(config, stop, build::build).await
}

async fn build_and_run(
    config: Config,
    stop: CancellationToken,
    build: impl FnOnce(Config, Ports) -> anyhow::Result<Built> + Send + 'static,
) -> anyhow::Result<()> {
    // The ports first: a second copy is told of them before it waits for anything.
    let listeners = Listeners::bind(&config).await?;
    let ports = listeners.ports()?;
    tracing::info!(
        ports = format_args!("{} {} {} {}", ports.ingestion, ports.storage, ports.gateway, ports.dashboard),
        "opening {}",
        config.whittle_data_dir.display()
    );
    let servers = Servers::start(listeners, Origins::new(config.whittle_bind, &config.origins()));
    // Files are read and repaired for a while after a crash, off the threads that answer.
    let mut building = tokio::task::spawn_blocking(move || build(config, ports));
    let built = tokio::select! {
        built = &mut building => built??,
        () = stop.cancelled() => {
            // Opening survives a crash at any point, so it can be left as well.
            tracing::info!("ending: the data were not open yet");
            return Ok(());
        }
    };
    run::run(built, servers, stop).await
}

/// Says what is taken and may surprise.
fn warn(config: &Config) {
    if !config.whittle_bind.to_canonical().is_loopback() {
        tracing::warn!(
            "WHITTLE_ALLOW_OPEN: whoever reaches {} can read and write all logs, there is no authentication",
            config.whittle_bind
        );
    }
    for key in config.unused_by_up() {
        tracing::warn!("{key} is set and does nothing here: it is for roles that run alone, and up is all of them");
    }
}
