//! What is on disk: opened, checked against each other, ready to go on.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail};
use whittle_bus::{Bus as _, SegmentBus};
use whittle_disk::{Disk, OsDisk};
use whittle_history::{Checkpoint, FileHistory, Opened};
use whittle_patterns::Miner;

use super::build::PATTERNS;
use crate::config::{Config, DEAD_LETTERS};

/// Bytes of rows in memory at which they are written to a file; as many may wait while that goes on.
const TAIL_BYTES: usize = 32 << 20;
/// Bytes that the raw log keeps beyond what the history still needs.
const RAW_BYTES: u64 = 1 << 30;

/// Everything in the data directory.
pub(super) struct Data {
    pub disk: Arc<dyn Disk>,
    pub dir: PathBuf,
    pub bus: Arc<SegmentBus>,
    pub history: Opened,
    pub checkpoint: Checkpoint,
    /// By partition of `logs.raw`: where the log ends.
    pub ends: Vec<u64>,
    /// By partition of `logs.raw`: up to where the history holds everything.
    pub held: Vec<u64>,
}

/// Opens the data directory.
///
/// # Errors
/// Another process has it, the disk refuses, the data are of a newer format, or parts of it do not belong together.
pub(super) fn open(config: &Config) -> anyhow::Result<Data> {
    let dir = config.whittle_data_dir.clone();
    let disk: Arc<dyn Disk> = Arc::new(OsDisk);
    let fix = || format!("WHITTLE_DATA_DIR: cannot use {}; give a folder that this user may write", dir.display());
    disk.create_dir_all(&dir).with_context(fix)?;
    let bus = SegmentBus::open(disk.clone(), &dir.join("bus"), bus_settings(config))
        .with_context(|| format!("WHITTLE_DATA_DIR: the raw log in {} cannot be opened", dir.display()))?;
    bus.ensure_topic(&config.kafka_topic_raw, 1)?;
    bus.ensure_topic(DEAD_LETTERS, 1)?;
    let history = FileHistory::open(disk.clone(), &dir.join("history"), history_settings(config))?;
    for file in &history.set_aside {
        tracing::error!(file, "a file of the history is damaged and was set aside");
    }
    let checkpoint = history.checkpoint.clone();
    let ends = bus.ends(&config.kafka_topic_raw)?;
    let held = (0..ends.len()).map(|p| checkpoint.positions.get(&(p as u32)).copied().unwrap_or(0)).collect();
    let data = Data { disk, dir, bus, history, checkpoint, ends, held };
    check(&data)?;
    Ok(data)
}

/// Offsets are identities: a log that starts over would give those of stored rows to new records.
fn check(data: &Data) -> anyhow::Result<()> {
    for (held, end) in data.held.iter().zip(&data.ends) {
        if held > end {
            let (bus, history) = (data.dir.join("bus"), data.dir.join("history"));
            bail!(
                "the history holds records up to {held} but the raw log ends at {end}: {} was removed or is an older \
                 copy. Put it back, or move {} away as well to start empty",
                bus.display(),
                history.display()
            );
        }
    }
    Ok(())
}

fn bus_settings(config: &Config) -> whittle_bus::Settings {
    let mut settings = whittle_bus::Settings::default();
    // A body is one entry, with its headers.
    settings.entry_bytes = settings.entry_bytes.max(config.whittle_max_decoded_bytes + (1 << 20));
    settings.retention.bytes = Some(RAW_BYTES);
    settings
}

fn history_settings(config: &Config) -> whittle_history::Settings {
    whittle_history::Settings {
        keep_age: Duration::from_secs(u64::from(config.whittle_retention_days) * 24 * 3600),
        keep_bytes: config.whittle_retention_bytes,
        flush_bytes: TAIL_BYTES,
        backlog_bytes: 2 * TAIL_BYTES,
        ..whittle_history::Settings::default()
    }
}

impl Data {
    /// The miner as of the checkpoint.
    ///
    /// # Errors
    /// When a later version of the program wrote its journal.
    pub(super) fn load_miner(&self) -> anyhow::Result<Miner> {
        let mut miner = Miner::new(whittle_patterns::Limits::default());
        if let Some(journal) = self.checkpoint.journals.get(PATTERNS) {
            miner.load(journal)?;
        }
        Ok(miner)
    }
}
