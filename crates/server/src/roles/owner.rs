//! The one copy of `storage-service` that may run on the embedded history: its files are on one machine, so it reads all partitions.
//!
//! A topic of one partition has one reader in a group: who has it runs, who does not get it says so and ends.

use std::time::{Duration, Instant};

use anyhow::bail;
use whittle_bus::Bus as _;

use super::base::Base;
use crate::pipeline::EdgeError;
use crate::shared;
use crate::up::stages::NamedStage;

/// The group of those who would own the history.
const GROUP: &str = "storage-service-owner";
/// Time for a copy that was killed to be forgotten by its group; with the brokers' defaults that is 45 s.
const PATIENCE: Duration = Duration::from_secs(60);
/// Pace of heartbeats and looks.
const LOOK: Duration = Duration::from_millis(200);

/// Waits until this copy owns the history. The stage keeps it so, and ends when it is lost.
///
/// # Errors
/// Another copy has it.
pub(super) fn claim(base: &Base) -> anyhow::Result<NamedStage> {
    let mut consumer = base.bus.subscribe(shared::OWNER, GROUP)?;
    let (began, mut told) = (Instant::now(), false);
    while consumer.assignment().is_empty() {
        consumer.poll(1, LOOK)?;
        if base.end.draining.is_cancelled() {
            bail!("the program ends before it owned the history");
        }
        if began.elapsed() > PATIENCE {
            bail!(
                "another storage-service has the history: without POSTGRES_URL its files are on one machine, and one copy alone reads all partitions. Stop the other, or set POSTGRES_URL for several copies"
            );
        }
        if !told && began.elapsed() > Duration::from_secs(10) {
            told = true;
            tracing::warn!("another storage-service has the history, or was killed a moment ago; waiting");
        }
    }
    let stop = base.end.draining.clone();
    let run = move || {
        while !stop.is_cancelled() {
            // What cannot be read says nothing of who owns it.
            let _ = consumer.poll(1, LOOK);
            if consumer.assignment().is_empty() {
                return Err(EdgeError::Unavailable(
                    "another copy of storage-service has taken over the history".into(),
                ));
            }
        }
        Ok(())
    };
    Ok(NamedStage { name: "owner", run: Box::new(run) })
}
