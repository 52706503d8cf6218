//! The flush thread: writes frozen tails to files and commits them. It never gives up and never dies: what the disk
//! refuses is tried again, and meanwhile `append` says why it has no room.

use std::io;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use whittle_disk::Disk;

use super::journals::Journals;
use super::log::{ManifestLog, remove_if_there};
use super::manifest::{FileEntry, JournalEntry, Record};
use super::state::{Shared, StoredFile, file_path, lock};
use crate::file::from_tail::write_tail;
use crate::file::read::RowFile;
use crate::file::write::{FileWriter, Written};
use crate::tail::Tail;
use crate::{Positions, Settings, StageState, WriteError};

/// How well new files are compressed: they are written while rows come in.
const ZSTD: i32 = 1;

/// What is to be made durable as one.
#[derive(Default)]
struct Job {
    tails: Vec<Arc<Tail>>,
    positions: Positions,
    state: StageState,
    ticket: u64,
}

/// One job waits at most: what comes while it waits joins it. Its rows are bounded by the backlog of `append`.
#[derive(Default)]
struct Queue {
    waiting: Option<Job>,
    /// The last ticket given, and the last whose job is durable.
    given: u64,
    durable: u64,
    /// Why the disk refuses, while it does, and how often it did.
    trouble: Option<String>,
    refusals: u64,
    stopped: bool,
}

/// The queue of commits and all that is needed to write them.
pub(crate) struct Flusher {
    pub(crate) disk: Arc<dyn Disk>,
    pub(crate) shared: Arc<Shared>,
    pub(crate) settings: Settings,
    pub(crate) log: Mutex<ManifestLog>,
    journals: Mutex<Journals>,
    queue: Mutex<Queue>,
    changed: Condvar,
    /// Held while somebody tidies.
    pub(super) tidying: Mutex<()>,
    /// Files that could not be merged with what follows them.
    pub(super) apart: Mutex<Vec<u64>>,
    /// Files of commits that failed: they are kept until it is certain that nothing on disk names them.
    pub(super) doubtful: Mutex<Vec<Arc<StoredFile>>>,
}

impl Flusher {
    pub(crate) fn new(
        disk: Arc<dyn Disk>,
        shared: Arc<Shared>,
        settings: Settings,
        log: ManifestLog,
        journals: Journals,
    ) -> Self {
        let (log, journals) = (Mutex::new(log), Mutex::new(journals));
        Flusher {
            disk,
            shared,
            settings,
            log,
            journals,
            queue: Mutex::default(),
            changed: Condvar::new(),
            tidying: Mutex::default(),
            apart: Mutex::default(),
            doubtful: Mutex::default(),
        }
    }

    /// Queues a commit; its ticket.
    pub(crate) fn submit(&self, tail: Option<Arc<Tail>>, positions: Positions, state: StageState) -> u64 {
        let mut queue = lock(&self.queue);
        queue.given += 1;
        let ticket = queue.given;
        let job = queue.waiting.get_or_insert_default();
        job.tails.extend(tail);
        job.positions = positions;
        job.ticket = ticket;
        job.state.states.extend(state.states);
        for (name, bytes) in state.journals {
            match job.state.journals.get_mut(&name) {
                Some(before) => *before = [&before[..], &bytes[..]].concat().into(),
                None => drop(job.state.journals.insert(name, bytes)),
            }
        }
        self.changed.notify_all();
        ticket
    }

    /// Waits until a commit is durable, or until the disk refuses it: its rows are in the raw log.
    pub(crate) fn wait_for(&self, ticket: u64) -> Result<(), WriteError> {
        let queue = lock(&self.queue);
        // The first refusal may be of something that was begun before.
        let enough = queue.refusals + 2;
        let is_open = |queue: &mut Queue| queue.durable < ticket && queue.refusals < enough && !queue.stopped;
        let waited = self.changed.wait_timeout_while(queue, self.settings.finish_wait, is_open);
        let (queue, _) = waited.unwrap_or_else(PoisonError::into_inner);
        if queue.durable >= ticket {
            return Ok(());
        }
        let trouble = queue.trouble.clone();
        Err(WriteError::Unavailable(trouble.unwrap_or_else(|| "the disk is slower than the time allowed".to_owned())))
    }

    /// Waits until there is room for more rows, or says why there is none.
    pub(crate) fn wait_for_room(&self) -> Result<(), WriteError> {
        let trouble = || lock(&self.queue).trouble.clone();
        let give_up = || trouble().is_some();
        if self.shared.wait_for_room(self.settings.backlog_bytes, self.settings.append_wait, give_up) {
            return Ok(());
        }
        let behind = || format!("{} MiB of rows wait for the disk", self.settings.backlog_bytes >> 20);
        Err(WriteError::Unavailable(trouble().unwrap_or_else(behind)))
    }

    pub(crate) fn stop(&self) {
        lock(&self.queue).stopped = true;
        self.changed.notify_all();
        self.shared.wake();
    }

    /// Works off the queue until the history is dropped.
    pub(crate) fn run(&self, on_durable: &(dyn Fn(&Positions) + Send + Sync)) {
        while let Some(job) = self.next_job() {
            if self.flush(&job).is_none() {
                return;
            }
            on_durable(&job.positions);
            lock(&self.queue).durable = job.ticket;
            self.changed.notify_all();
        }
    }

    fn next_job(&self) -> Option<Job> {
        let is_idle = |queue: &mut Queue| queue.waiting.is_none() && !queue.stopped;
        let waited = self.changed.wait_while(lock(&self.queue), is_idle);
        let mut queue = waited.unwrap_or_else(PoisonError::into_inner);
        if queue.stopped { None } else { queue.waiting.take() }
    }

    /// Makes a job durable; `None` when the history stops before the disk takes it.
    fn flush(&self, job: &Job) -> Option<()> {
        let mut record = Record { positions: job.positions.clone(), ..Record::default() };
        record.states.clone_from(&job.state.states);
        let mut files = Vec::new();
        for tail in &job.tails {
            let file = self.until_done(|| self.write(tail))?;
            record.added.push(file.entry);
            files.push(Arc::new(file));
        }
        for (name, bytes) in &job.state.journals {
            let entry = self.until_done(|| self.append_journal(name, bytes))?;
            record.journals.insert(name.clone(), entry);
        }
        self.until_done(|| lock(&self.log).commit(record.clone()))?;
        self.shared.replace_frozen(&job.tails, files);
        Some(())
    }

    fn append_journal(&self, name: &str, bytes: &[u8]) -> io::Result<JournalEntry> {
        lock(&self.journals).append(name, bytes, || lock(&self.log).take_id())
    }

    /// Writes a tail to a file with its final name, synced together with the folder.
    fn write(&self, tail: &Tail) -> io::Result<StoredFile> {
        self.check_free_space()?;
        let id = lock(&self.log).take_id();
        let path = file_path(&self.shared.dir, id);
        let written = self.write_as(tail, &path).inspect_err(|_| {
            // What is left of it also goes at the next start; here it gives its space back.
            let _ = remove_if_there(&*self.disk, &path.with_extension("tmp"));
            let _ = remove_if_there(&*self.disk, &path);
        })?;
        let rows = tail.rows as u64;
        let entry = FileEntry { id, order: id, bytes: written.bytes, rows, tier: 0, received: written.received };
        let rows = RowFile::written(written, &path)?;
        Ok(StoredFile::new(entry, rows, self.shared.garbage.clone()))
    }

    fn write_as(&self, tail: &Tail, path: &std::path::Path) -> io::Result<Written> {
        let temporary = path.with_extension("tmp");
        let mut writer = FileWriter::create(&*self.disk, &temporary, ZSTD)?;
        let totals = write_tail(tail, self.settings.group_rows, &mut writer)?;
        let written = writer.finish(tail.dictionary.clone(), totals)?;
        self.disk.rename(&temporary, path)?;
        self.disk.sync_dir(&self.shared.dir)?;
        Ok(written)
    }

    /// Fails while the disk has less room than is to be left free.
    pub(crate) fn check_free_space(&self) -> io::Result<()> {
        let (dir, percent) = (&self.shared.dir, self.settings.keep_free_percent);
        let (free, total) = (self.disk.free_space(dir)?, self.disk.total_space(dir)?);
        if u128::from(free) * 100 >= u128::from(total) * u128::from(percent) {
            return Ok(());
        }
        let text = format!(
            "{} MiB of the disk are free, fewer than {percent} %; delete something there, or keep less history",
            free >> 20
        );
        Err(io::Error::new(io::ErrorKind::StorageFull, text))
    }

    /// Does it again and again until it works; `None` when the history stops.
    fn until_done<T>(&self, mut step: impl FnMut() -> io::Result<T>) -> Option<T> {
        loop {
            match step() {
                Ok(done) => {
                    lock(&self.queue).trouble = None;
                    return Some(done);
                }
                Err(e) => self.refused(&e)?,
            }
        }
    }

    fn refused(&self, error: &io::Error) -> Option<()> {
        let full = error.kind() == io::ErrorKind::StorageFull && error.raw_os_error().is_some();
        let trouble = match full {
            true => format!("the disk of {} is full; free some space there", self.shared.dir.display()),
            false => error.to_string(),
        };
        let mut queue = lock(&self.queue);
        if queue.trouble.as_ref() != Some(&trouble) {
            tracing::error!(error = %trouble, "the history cannot be written; it is tried again");
        }
        queue.trouble = Some(trouble);
        queue.refusals += 1;
        self.changed.notify_all();
        drop(queue);
        self.shared.wake();
        self.pause(self.settings.retry_after)
    }

    /// Waits; `None` when the history stops.
    pub(crate) fn pause(&self, time: Duration) -> Option<()> {
        let waited = self.changed.wait_timeout_while(lock(&self.queue), time, |queue| !queue.stopped);
        let (queue, _) = waited.unwrap_or_else(PoisonError::into_inner);
        (!queue.stopped).then_some(())
    }
}
