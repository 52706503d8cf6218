//! What readers see, and how it changes: files, frozen tails, the open tail, positions.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use super::manifest::FileEntry;
use crate::Positions;
use crate::file::forms::Forms;
use crate::file::read::RowFile;
use crate::tail::Tail;

/// Locks, also after a panic elsewhere: what these locks guard is whole after every step.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The file of rows with an id.
pub(crate) fn file_path(dir: &Path, id: u64) -> PathBuf {
    dir.join(format!("{id:016x}.parquet"))
}

/// Files that no commit names any more and nobody reads: they can be deleted.
#[derive(Debug, Default)]
pub(crate) struct Garbage(Mutex<Vec<PathBuf>>);

impl Garbage {
    pub(crate) fn add(&self, path: PathBuf) {
        lock(&self.0).push(path);
    }

    pub(crate) fn take(&self) -> Vec<PathBuf> {
        std::mem::take(&mut *lock(&self.0))
    }
}

/// A committed file. It is deleted when no commit names it and the last snapshot that holds it is gone.
pub(crate) struct StoredFile {
    pub(crate) entry: FileEntry,
    pub(crate) rows: RowFile,
    gone: AtomicBool,
    garbage: Arc<Garbage>,
}

impl StoredFile {
    pub(crate) fn new(entry: FileEntry, rows: RowFile, garbage: Arc<Garbage>) -> Self {
        StoredFile { entry, rows, gone: AtomicBool::new(false), garbage }
    }

    /// No commit names it any more.
    pub(crate) fn set_gone(&self) {
        self.gone.store(true, Ordering::Relaxed);
    }
}

impl Drop for StoredFile {
    fn drop(&mut self) {
        if self.gone.load(Ordering::Relaxed) {
            self.garbage.add(self.rows.path.clone());
        }
    }
}

/// All rows as of one moment. What is taken out of the history later stays readable through it.
#[derive(Clone)]
pub(crate) struct Snapshot {
    /// In the order of arrival.
    pub(crate) files: Arc<Vec<Arc<StoredFile>>>,
    /// In the order of arrival; the last is the open one.
    pub(crate) tails: Vec<Tail>,
    pub(crate) head: Positions,
}

impl Snapshot {
    /// First and last timestamp of all rows.
    pub(crate) fn range(&self) -> Option<(i64, i64)> {
        let files = self.files.iter().filter_map(|file| file.rows.index.seen());
        let tails = self.tails.iter().flat_map(|tail| tail.segments().map(|segment| segment.seen));
        files.chain(tails).reduce(|a, b| (a.0.min(b.0), a.1.max(b.1)))
    }
}

/// What the lock guards.
struct State {
    files: Arc<Vec<Arc<StoredFile>>>,
    frozen: Vec<Arc<Tail>>,
    tail: Tail,
    head: Positions,
}

/// Shared by readers, writer and background threads.
pub(crate) struct Shared {
    pub(crate) dir: PathBuf,
    pub(crate) garbage: Arc<Garbage>,
    /// The forms of all files and tails.
    pub(crate) forms: Arc<Forms>,
    /// Rows that retention dropped.
    pub(crate) dropped: AtomicU64,
    state: Mutex<State>,
    room: Condvar,
}

impl Shared {
    pub(crate) fn new(
        dir: &Path,
        files: Vec<Arc<StoredFile>>,
        head: Positions,
        garbage: Arc<Garbage>,
        forms: Arc<Forms>,
    ) -> Self {
        let state = State { files: Arc::new(files), frozen: Vec::new(), tail: Tail::default(), head };
        Shared {
            dir: dir.to_owned(),
            garbage,
            forms,
            dropped: AtomicU64::new(0),
            state: Mutex::new(state),
            room: Condvar::new(),
        }
    }

    pub(crate) fn snapshot(&self) -> Snapshot {
        let state = lock(&self.state);
        let mut tails: Vec<Tail> = state.frozen.iter().map(|tail| Tail::clone(tail)).collect();
        tails.push(state.tail.clone());
        Snapshot { files: state.files.clone(), tails, head: state.head.clone() }
    }

    pub(crate) fn files(&self) -> Arc<Vec<Arc<StoredFile>>> {
        lock(&self.state).files.clone()
    }

    /// Changes the open tail and the positions.
    pub(crate) fn with_tail<R>(&self, change: impl FnOnce(&mut Tail, &mut Positions) -> R) -> R {
        let state = &mut *lock(&self.state);
        change(&mut state.tail, &mut state.head)
    }

    /// Starts a new tail; the old one, unless it is empty, stays visible until its file is.
    pub(crate) fn freeze(&self) -> (Option<Arc<Tail>>, Positions) {
        let mut state = lock(&self.state);
        let tail = std::mem::take(&mut state.tail);
        let head = state.head.clone();
        if tail.rows == 0 {
            return (None, head);
        }
        let tail = Arc::new(tail);
        state.frozen.push(tail.clone());
        (Some(tail), head)
    }

    /// Puts files in the place of frozen tails.
    pub(crate) fn replace_frozen(&self, frozen: &[Arc<Tail>], files: Vec<Arc<StoredFile>>) {
        let mut state = lock(&self.state);
        state.frozen.retain(|tail| !frozen.iter().any(|gone| Arc::ptr_eq(gone, tail)));
        if !files.is_empty() {
            let mut all = state.files.to_vec();
            all.extend(files);
            all.sort_by_key(|file| file.entry.order);
            state.files = Arc::new(all);
        }
        self.room.notify_all();
    }

    /// Puts files in the place of others.
    pub(crate) fn replace_files(&self, gone: &[Arc<StoredFile>], come: Vec<Arc<StoredFile>>) {
        let mut state = lock(&self.state);
        let stays = |file: &&Arc<StoredFile>| !gone.iter().any(|gone| Arc::ptr_eq(gone, file));
        let mut all: Vec<Arc<StoredFile>> = state.files.iter().filter(stays).cloned().collect();
        all.extend(come);
        all.sort_by_key(|file| file.entry.order);
        state.files = Arc::new(all);
    }

    /// Waits until at most `most` bytes are frozen; whether they are.
    pub(crate) fn wait_for_room(&self, most: usize, wait: std::time::Duration, give_up: impl Fn() -> bool) -> bool {
        let state = lock(&self.state);
        let is_full = |state: &mut State| state.frozen.iter().map(|tail| tail.bytes).sum::<usize>() > most;
        let waited = self.room.wait_timeout_while(state, wait, |state| is_full(state) && !give_up());
        let (mut state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        !is_full(&mut state)
    }

    /// Wakes whoever waits for room, to look whether to give up.
    pub(crate) fn wake(&self) {
        let _state = lock(&self.state);
        self.room.notify_all();
    }
}
