//! What is on disk: opened, checked against each other, ready to go on.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail};
use bytes::Bytes;
use uuid::Uuid;
use whittle_bus::{Bus as _, SegmentBus};
use whittle_disk::{Disk, OsDisk};
use whittle_history::{Checkpoint, Checkpoints, FileHistory, Opened, Positions, StageState};
use whittle_patterns::Miner;
use whittle_postgres::Address;

use super::build::PATTERNS;
use crate::config::{Config, DEAD_LETTERS};

/// Bytes of rows in memory at which they are written to a file; as many may wait while that goes on.
const TAIL_BYTES: usize = 32 << 20;
/// Bytes that the raw log keeps beyond what the history still needs.
const RAW_BYTES: u64 = 1 << 30;

/// The group that holds back retention: of `logs.raw` where the history is in files, else of the topic before the database.
pub(super) const GROUP: &str = "storage-service-group";
/// Names this raw log among others, in the state of the stages.
const RAW_LOG: &str = "raw-log";

/// Where rows end up.
pub(super) enum History {
    /// In files of the data directory, with the checkpoint.
    Files(Box<Opened>),
    /// In a database, behind a topic of the bus; the checkpoint is in the data directory.
    Postgres { settings: Box<whittle_postgres::Settings>, checkpoints: Box<Checkpoints> },
}

/// Everything in the data directory.
pub(super) struct Data {
    pub disk: Arc<dyn Disk>,
    pub dir: PathBuf,
    pub bus: Arc<SegmentBus>,
    pub history: History,
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
    let (checkpoint, history) = match &config.postgres_url {
        None => files(config, &disk, &dir)?,
        Some(url) => {
            bus.ensure_topic(&config.kafka_topic_insights, 1)?;
            postgres(config, url, &disk, &dir)?
        }
    };
    let ends = bus.ends(&config.kafka_topic_raw)?;
    let held = (0..ends.len()).map(|p| checkpoint.positions.get(&(p as u32)).copied().unwrap_or(0)).collect();
    let data = Data { disk, dir, bus, history, checkpoint, ends, held };
    check(&data)?;
    Ok(data)
}

fn files(config: &Config, disk: &Arc<dyn Disk>, dir: &Path) -> anyhow::Result<(Checkpoint, History)> {
    let history = FileHistory::open(disk.clone(), &dir.join("history"), history_settings(config))?;
    for file in &history.set_aside {
        tracing::error!(file, "a file of the history is damaged and was set aside");
    }
    Ok((history.checkpoint.clone(), History::Files(Box::new(history))))
}

/// The database itself is not asked: it may be away, and everything else runs all the same.
fn postgres(config: &Config, url: &str, disk: &Arc<dyn Disk>, dir: &Path) -> anyhow::Result<(Checkpoint, History)> {
    let address = Address::parse(url).context("POSTGRES_URL")?;
    let (mut checkpoint, mut checkpoints) = Checkpoints::open(disk.clone(), &dir.join("stages"))?;
    if !checkpoint.states.contains_key(RAW_LOG) {
        let name = Bytes::from(Uuid::now_v7().to_string());
        let state = StageState { states: [(RAW_LOG.to_owned(), name)].into(), ..StageState::default() };
        checkpoints.commit(&Positions::new(), &state).context("the data folder cannot be written")?;
        checkpoint.states.extend(state.states);
    }
    let name = checkpoint.states.get(RAW_LOG).map(|name| String::from_utf8_lossy(name).into_owned());
    let mut settings = whittle_postgres::Settings::new(address, name.unwrap_or_default());
    settings.keep_age = keep_age(config);
    settings.keep_bytes = config.whittle_retention_bytes;
    Ok((checkpoint, History::Postgres { settings: Box::new(settings), checkpoints: Box::new(checkpoints) }))
}

fn keep_age(config: &Config) -> Duration {
    Duration::from_secs(u64::from(config.whittle_retention_days) * 24 * 3600)
}

/// Offsets are identities: a log that starts over would give those of stored rows to new records.
fn check(data: &Data) -> anyhow::Result<()> {
    for (held, end) in data.held.iter().zip(&data.ends) {
        if held > end {
            let kept = if matches!(data.history, History::Files(_)) { "history" } else { "stages" };
            let (bus, history) = (data.dir.join("bus"), data.dir.join(kept));
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

/// How the embedded bus is opened.
pub(crate) fn bus_settings(config: &Config) -> whittle_bus::Settings {
    let mut settings = whittle_bus::Settings::default();
    // A body is one entry, with its headers.
    settings.entry_bytes = settings.entry_bytes.max(config.whittle_max_decoded_bytes + (1 << 20));
    settings.retention.bytes = Some(RAW_BYTES);
    settings
}

/// What the history keeps, and when it writes.
pub(crate) fn history_settings(config: &Config) -> whittle_history::Settings {
    whittle_history::Settings {
        keep_age: keep_age(config),
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
