//! `whittle up`: every role in one process.
//!
//! *Validate* was done with the settings; *build* opens what is on disk and takes the ports; *run* owns the threads and tasks
//! and ends them in order.

mod build;
mod data;
mod metrics;
mod ports;
mod run;
mod stages;
mod taps;

use tokio_util::sync::CancellationToken;

use crate::config::Config;

/// Runs all roles until `stop`.
///
/// # Errors
/// What keeps it from starting, with the fix; what could not be finished at the end.
pub async fn run(config: Config, stop: CancellationToken) -> anyhow::Result<()> {
    let built = build::build(config).await?;
    run::run(built, stop).await
}
