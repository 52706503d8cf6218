//! The embedded history: a folder of files, a manifest, and the threads that write and tidy.
//!
//! ```text
//! append -> tail (memory, visible) -> commit -> frozen -> flush thread -> file -> manifest -> on_durable
//! ```
//!
//! Readers take a snapshot under a lock that is held for a few pointers, and scan without any.

mod checkpoints;
mod flush;
mod journals;
mod log;
mod manifest;
mod state;
mod tidy;
mod writer;

use std::io;
use std::path::Path;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use whittle_disk::Disk;
use whittle_patterns::Catalog;

pub use checkpoints::Checkpoints;
pub(crate) use state::{Snapshot, StoredFile};

use crate::file::forms::Forms;
use crate::file::read::RowFile;
use crate::query::Caches;
use crate::{Checkpoint, Positions, Settings, Writer};
use flush::Flusher;
use journals::Journals;
use log::{ManifestLog, remove_if_there};
use state::{Garbage, Shared, lock};

/// Why a history cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another process has it: stop that one, or give this one a data directory of its own.
    #[error("the history in {0} is in use by another process; stop that one, or set another WHITTLE_DATA_DIR")]
    InUse(String),
    /// A later program wrote it: run that one.
    #[error("the history has format {0}, which a later version of this program wrote; run that version")]
    Newer(u64),
    /// It is damaged where a crash cannot have done it.
    #[error("the history is damaged: {0}; restore its folder from a copy, or move it away to start an empty one")]
    Damaged(String),
    /// The disk refuses.
    #[error("the history cannot be opened: {0}")]
    Io(#[from] io::Error),
}

/// A history that was read and does not run yet.
pub struct Opened {
    /// What a restart goes on from.
    pub checkpoint: Checkpoint,
    /// Files that could not be read and were set aside (renamed to `.damaged`): what is wrong with each.
    pub set_aside: Vec<String>,
    disk: Arc<dyn Disk>,
    settings: Settings,
    log: ManifestLog,
    journals: Journals,
    shared: Arc<Shared>,
    lock: Box<dyn Send + Sync>,
}

/// The running history on local files. Dropping it stops its threads; what was not committed is in the raw log.
pub struct FileHistory {
    shared: Arc<Shared>,
    pub(crate) catalog: Catalog,
    pub(crate) caches: Caches,
    flusher: Arc<Flusher>,
    threads: Mutex<Vec<JoinHandle<()>>>,
    _lock: Box<dyn Send + Sync>,
}

impl FileHistory {
    /// Reads the history of a folder; makes an empty one where there is none. Files that no commit names are deleted.
    pub fn open(disk: Arc<dyn Disk>, dir: &Path, settings: Settings) -> Result<Opened, OpenError> {
        let lock = lock_dir(&*disk, dir)?;
        let mut log = ManifestLog::open(disk.clone(), dir)?;
        let garbage = Arc::new(Garbage::default());
        let forms = Arc::new(Forms::default());
        let (files, set_aside) = open_files(&*disk, dir, &mut log, &garbage, &forms)?;
        let (journals, contents) = Journals::open(disk.clone(), dir, &log.live().journals)?;
        remove_orphans(&*disk, dir, &log)?;
        let checkpoint = Checkpoint {
            positions: log.live().positions.clone(),
            states: log.live().states.clone(),
            journals: contents,
        };
        let shared = Arc::new(Shared::new(dir, files, checkpoint.positions.clone(), garbage, forms));
        Ok(Opened { checkpoint, set_aside, disk, settings, log, journals, shared, lock })
    }

    /// Does once what otherwise happens in the background: merges small files, drops what is too old or too much, and
    /// deletes what nobody reads any more. For tests and tools; it may take long.
    pub fn tidy(&self) -> io::Result<()> {
        self.flusher.tidy()
    }

    pub(crate) fn snapshot(&self) -> Snapshot {
        self.shared.snapshot()
    }

    pub(crate) fn dropped_rows(&self) -> u64 {
        self.shared.dropped.load(Ordering::Relaxed)
    }
}

impl Opened {
    /// Starts the threads. `on_durable` is told, from the flush thread, up to where rows are on disk.
    pub fn start(
        self,
        catalog: Catalog,
        on_durable: Box<dyn Fn(&Positions) + Send + Sync>,
    ) -> io::Result<(Arc<FileHistory>, Box<dyn Writer>)> {
        let cache_bytes = self.settings.cache_bytes;
        let flusher = Arc::new(Flusher::new(self.disk, self.shared.clone(), self.settings, self.log, self.journals));
        let history = Arc::new(FileHistory {
            shared: self.shared,
            catalog,
            caches: Caches::new(cache_bytes),
            flusher: flusher.clone(),
            threads: Mutex::default(),
            _lock: self.lock,
        });
        let flush = std::thread::Builder::new().name("history-flush".to_owned()).spawn({
            let flusher = flusher.clone();
            move || flusher.run(&*on_durable)
        })?;
        lock(&history.threads).push(flush);
        if let Some(every) = flusher.settings.tidy_every {
            let tidy = std::thread::Builder::new().name("history-tidy".to_owned()).spawn({
                let flusher = flusher.clone();
                move || flusher.keep_tidy(every)
            })?;
            lock(&history.threads).push(tidy);
        }
        let writer = writer::HistoryWriter::new(history.clone(), flusher, self.checkpoint.positions);
        Ok((history, Box::new(writer)))
    }
}

impl Drop for FileHistory {
    fn drop(&mut self) {
        self.flusher.stop();
        for thread in lock(&self.threads).drain(..) {
            // A thread that panicked has said so; there is nothing left to do for it.
            let _ = thread.join();
        }
    }
}

/// Makes the folder, for this process alone.
fn lock_dir(disk: &dyn Disk, dir: &Path) -> Result<Box<dyn Send + Sync>, OpenError> {
    make_dir(disk, dir)?;
    disk.lock(&dir.join("lock")).map_err(|e| match e.kind() {
        io::ErrorKind::WouldBlock => OpenError::InUse(dir.display().to_string()),
        _ => OpenError::Io(e),
    })
}

/// Makes the folder, and its name and those above it durable: without that a power cut takes all that is in it.
fn make_dir(disk: &dyn Disk, dir: &Path) -> io::Result<()> {
    disk.create_dir_all(dir)?;
    let parents = dir.ancestors().skip(1).map(|path| if path.as_os_str().is_empty() { Path::new(".") } else { path });
    for (distance, path) in parents.enumerate() {
        match disk.sync_dir(path) {
            // Not every folder above may be opened, and one that may not is not ours.
            Err(e) if distance == 0 && e.kind() != io::ErrorKind::PermissionDenied => return Err(e),
            _ => {}
        }
    }
    Ok(())
}

type Opening = (Vec<Arc<StoredFile>>, Vec<String>);

fn open_files(
    disk: &dyn Disk,
    dir: &Path,
    log: &mut ManifestLog,
    garbage: &Arc<Garbage>,
    forms: &Forms,
) -> Result<Opening, OpenError> {
    let (mut files, mut damaged, mut set_aside) = (Vec::new(), manifest::Record::default(), Vec::new());
    for entry in log.live().added.clone() {
        let path = state::file_path(dir, entry.id);
        match disk.open(&path).and_then(|file| RowFile::open(file, &path, forms)) {
            Ok(rows) => files.push(Arc::new(StoredFile::new(entry, rows, garbage.clone()))),
            Err(e) => {
                set_aside.push(format!("{} ({} rows): {e}", path.display(), entry.rows));
                damaged.removed.push(entry.id);
            }
        }
    }
    if !damaged.removed.is_empty() {
        for &id in &damaged.removed {
            let path = state::file_path(dir, id);
            if let Err(e) = disk.rename(&path, &path.with_extension("damaged")) {
                tracing::warn!(file = %path.display(), error = %e, "a damaged file could not be set aside");
            }
        }
        log.commit(damaged)?;
    }
    Ok((files, set_aside))
}

/// Deletes what a crash left behind: files that were written but not committed.
fn remove_orphans(disk: &dyn Disk, dir: &Path, log: &ManifestLog) -> io::Result<()> {
    let live = log.live();
    let named = |path: &Path| {
        let rows = live.added.iter().any(|file| state::file_path(dir, file.id) == path);
        rows || live.journals.values().any(|journal| journals::journal_path(dir, journal.id) == path)
    };
    let ours = |path: &Path| path.extension().is_some_and(|e| e == "parquet" || e == "journal" || e == "tmp");
    for path in disk.list(dir)?.iter().filter(|path| ours(path) && !named(path)) {
        remove_if_there(disk, path)?;
    }
    Ok(())
}
