//! A partition: its segments from the oldest to the newest, shared by the writer, the readers and retention.

use std::collections::VecDeque;
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use whittle_disk::Disk;

use crate::api::BusError;
use crate::damage::Damage;
use crate::recovery;
use crate::segment::{Segment, Tail};
use crate::signal::Signal;
use crate::stats::Counters;

/// The parts of a partition, each under its own lock, none of which is held during I/O but the writer's own.
pub(crate) struct Partition {
    /// Topic and number, for messages.
    pub name: String,
    pub number: u32,
    pub dir: PathBuf,
    /// Rung when something new can be read.
    pub signal: Arc<Signal>,
    log: Mutex<Log>,
    /// The writer's; held by it while it writes.
    pub tail: Mutex<Option<Tail>>,
    spare: Mutex<Option<PathBuf>>,
    damage: Mutex<Damage>,
    /// Making a segment failed, and must work before the bus takes entries again.
    broken: AtomicBool,
    /// Retention wants the newest segment closed, since what is in it is too old.
    roll: AtomicBool,
}

/// What there is to read.
#[derive(Default)]
struct Log {
    segments: VecDeque<Arc<Segment>>,
    end: u64,
}

impl Partition {
    /// Opens what stands in `dir`.
    pub fn open(
        disk: &dyn Disk,
        dir: PathBuf,
        topic: &str,
        number: u32,
        signal: Arc<Signal>,
        counters: &Counters,
    ) -> Result<Self, BusError> {
        let recovered = recovery::recover(disk, &dir)?;
        counters.torn_ends.add(recovered.torn.into());
        let partition = Partition {
            name: format!("{topic}/{number}"),
            number,
            dir,
            signal,
            log: Mutex::new(Log { segments: recovered.segments.into(), end: recovered.end }),
            tail: Mutex::new(recovered.tail),
            spare: Mutex::new(recovered.spare),
            damage: Mutex::default(),
            broken: AtomicBool::new(false),
            roll: AtomicBool::new(false),
        };
        for lost in recovered.lost {
            partition.count_lost(lost, counters);
        }
        Ok(partition)
    }

    fn log(&self) -> MutexGuard<'_, Log> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The offset that the next durable record gets.
    pub fn end(&self) -> u64 {
        self.log().end
    }

    /// The first offset that is still there.
    pub fn start(&self) -> u64 {
        let log = self.log();
        log.segments.front().map_or(log.end, |s| s.base)
    }

    /// The segment in which an offset stands, or the oldest where it is older.
    pub fn find(&self, offset: u64) -> Option<Arc<Segment>> {
        let log = self.log();
        let behind = log.segments.partition_point(|s| s.base <= offset);
        log.segments.get(behind.saturating_sub(1)).cloned()
    }

    /// Whether a segment is the newest.
    pub fn is_last(&self, segment: &Arc<Segment>) -> bool {
        self.log().segments.back().is_some_and(|last| Arc::ptr_eq(last, segment))
    }

    /// Takes in a segment that was just made.
    pub fn push(&self, segment: Arc<Segment>) {
        self.log().segments.push_back(segment);
    }

    /// Lets readers see what was made durable in the newest segment.
    pub fn publish(&self, segment: &Segment, durable: u64, end: u64) {
        let mut log = self.log();
        segment.publish(durable, end);
        log.end = end;
    }

    /// Forgets the newest segment when nothing in it was ever durable.
    pub fn drop_if_empty(&self, segment: &Arc<Segment>) {
        let mut log = self.log();
        let last = log.segments.back().is_some_and(|last| Arc::ptr_eq(last, segment));
        if last && segment.end() == segment.base {
            segment.retire();
            log.segments.pop_back();
        }
    }

    /// All segments, the oldest first. The last is the one being written, if there is any.
    pub fn segments(&self) -> Vec<Arc<Segment>> {
        self.log().segments.iter().cloned().collect()
    }

    /// The oldest segment, unless it is the newest too, and the time when the one behind it was made.
    pub fn oldest(&self) -> Option<(Arc<Segment>, i64)> {
        let log = self.log();
        let next = log.segments.get(1)?.created;
        Some((log.segments.front()?.clone(), next))
    }

    /// The newest segment.
    pub fn newest(&self) -> Option<Arc<Segment>> {
        self.log().segments.back().cloned()
    }

    /// Takes the oldest segment out of the log, if it is this one and not the newest.
    pub fn pop_oldest(&self, segment: &Arc<Segment>) -> bool {
        let mut log = self.log();
        let oldest = log.segments.front().is_some_and(|first| Arc::ptr_eq(first, segment));
        if !oldest || log.segments.len() < 2 {
            return false;
        }
        segment.retire();
        log.segments.pop_front();
        self.damage.lock().unwrap_or_else(PoisonError::into_inner).forget(segment.end());
        true
    }

    /// Counts records that turned out to be lost, each once.
    pub fn count_lost(&self, lost: Range<u64>, counters: &Counters) {
        let new = self.damage.lock().unwrap_or_else(PoisonError::into_inner).add(lost.clone());
        if new > 0 {
            counters.damaged_records.add(new);
            tracing::error!(partition = %self.name, from = lost.start, to = lost.end, "records are damaged and were skipped");
        }
    }

    /// Removes the file of a segment that retention took out, or keeps it to be used again; where that fails, the segment
    /// is the oldest again. The change is made durable before the next one can go: otherwise that might be missing
    /// after a power cut and this not, which would look like damage.
    pub fn discard(&self, disk: &dyn Disk, segment: &Segment, keep_spare: bool) -> io::Result<()> {
        let mut spare = self.spare.lock().unwrap_or_else(PoisonError::into_inner);
        let path = segment.path.with_extension("spare");
        let keep = keep_spare && spare.is_none();
        let gone = if keep { disk.rename(&segment.path, &path) } else { disk.remove(&segment.path) };
        if let Err(e) = gone {
            self.log().segments.push_front(Arc::new(segment.revived()));
            return Err(e);
        }
        match disk.sync_dir(&self.dir) {
            Ok(()) if keep => *spare = Some(path),
            Ok(()) => {}
            // The next one to go makes this durable too; but only what is surely gone under its old name is used again.
            Err(_) if keep => drop(disk.remove(&path)),
            Err(_) => {}
        }
        Ok(())
    }

    /// The file of an old segment to be used again.
    pub fn take_spare(&self) -> Option<PathBuf> {
        self.spare.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Frees the space of the spare file.
    pub fn drop_spare(&self, disk: &dyn Disk) -> io::Result<()> {
        self.take_spare().map_or(Ok(()), |path| disk.remove(&path))
    }

    /// Whether a file waits to be used again.
    pub fn has_spare(&self) -> bool {
        self.spare.lock().unwrap_or_else(PoisonError::into_inner).is_some()
    }

    /// Says whether making a segment failed.
    pub fn set_broken(&self, broken: bool) {
        self.broken.store(broken, Ordering::Relaxed);
    }

    /// Whether making a segment failed.
    pub fn is_broken(&self) -> bool {
        self.broken.load(Ordering::Relaxed)
    }

    /// Asks the writer to close the newest segment.
    pub fn ask_roll(&self) {
        self.roll.store(true, Ordering::Relaxed);
    }

    /// Whether that was asked, once.
    pub fn take_roll(&self) -> bool {
        self.roll.swap(false, Ordering::Relaxed)
    }
}

/// The folder of a partition.
pub(crate) fn partition_dir(topic: &Path, number: u32) -> PathBuf {
    topic.join(format!("{number:05}"))
}
