//! The embedded bus as a whole: what is opened, what runs, and how it ends.

use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use whittle_disk::Disk;

use crate::api::{Bus, BusError, Consumer, Done, Entry, ProduceError};
use crate::consumer::Member;
use crate::files::{self, check_name, file_name};
use crate::frame::payload_bytes;
use crate::group::Group;
use crate::health::Health;
use crate::keeper::Keeper;
use crate::partition::Partition;
use crate::queue::{Item, Queue};
use crate::settings::Settings;
use crate::signal::{Signal, deadline};
use crate::stats::{Counters, Stats};
use crate::topic::Topic;
use crate::writer::Writer;

/// Bytes that an entry may have, whatever is set: lengths in a frame have 32 bits.
const MAX_ENTRY: usize = 1 << 30;

/// The embedded bus: a log in segment files, for one process.
///
/// [`SegmentBus::open`] starts its two threads, the writer and the keeper, which [`SegmentBus::close`] (or dropping it) ends
/// after all that waits is written.
pub struct SegmentBus {
    shared: Arc<Shared>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

/// Moves a bus without threads, step by step, for simulations in which the test decides when something is written.
pub struct Hand {
    writer: Writer,
    keeper: Keeper,
}

/// What all parts of a bus share.
pub(crate) struct Shared {
    pub disk: Arc<dyn Disk>,
    pub dir: PathBuf,
    pub settings: Settings,
    pub queue: Queue,
    pub health: Health,
    pub counters: Counters,
    topics: RwLock<HashMap<String, Arc<Topic>>>,
    /// Held while a topic or a group is made.
    making: Mutex<()>,
    generations: Mutex<fastrand::Rng>,
    roll: AtomicBool,
    closed: AtomicBool,
    stop: Signal,
    /// Of the data directory; given back when the bus is closed.
    lock: Mutex<Option<Box<dyn Send + Sync>>>,
}

impl SegmentBus {
    /// Opens the bus in `dir`, which is made when it is missing, and starts it.
    ///
    /// # Errors
    /// [`BusError::Locked`] when another process has the directory, [`BusError::Newer`] when a newer program wrote it, and
    /// [`BusError::Io`] when the file system fails.
    pub fn open(disk: Arc<dyn Disk>, dir: &Path, settings: Settings) -> Result<Arc<SegmentBus>, BusError> {
        let (bus, Hand { writer, keeper }) = Self::open_by_hand(disk, dir, settings)?;
        let shared = bus.shared.clone();
        let writer = spawn("bus-writer", move || writer.run())?;
        bus.threads().push(writer);
        let keeper = spawn("bus-keeper", move || keep(&shared, &keeper))?;
        bus.threads().push(keeper);
        Ok(bus)
    }

    /// Opens the bus without threads: nothing is written but when the [`Hand`] is moved.
    ///
    /// # Errors
    /// As [`SegmentBus::open`].
    pub fn open_by_hand(
        disk: Arc<dyn Disk>,
        dir: &Path,
        settings: Settings,
    ) -> Result<(Arc<SegmentBus>, Hand), BusError> {
        let shared = Arc::new(Shared::open(disk, dir, settings)?);
        let hand = Hand { writer: Writer::new(shared.clone()), keeper: Keeper::new(shared.clone()) };
        Ok((Arc::new(SegmentBus { shared, threads: Mutex::default() }), hand))
    }

    /// Takes nothing more, writes and syncs what waits, tells its producers, and gives the directory back. Done when it
    /// returns; further calls do nothing.
    pub fn close(&self) {
        self.shared.start_closing();
        let threads = std::mem::take(&mut *self.threads());
        for thread in threads {
            // A producer's callback may hold the last reference to the bus; the writer cannot wait for itself.
            if thread.thread().id() != thread::current().id() && thread.join().is_err() {
                tracing::error!("a thread of the bus panicked");
            }
        }
        self.shared.end_closing();
    }

    /// What the bus has done and holds.
    pub fn stats(&self) -> Stats {
        self.shared.stats()
    }

    /// Forgets a group without members: retention no longer waits for it. Answers whether there was one.
    ///
    /// # Errors
    /// [`BusError::Io`] when its file cannot be removed.
    pub fn forget_group(&self, topic: &str, group: &str) -> Result<bool, BusError> {
        let topic = self.shared.topic(topic)?;
        let mut groups = topic.groups.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(known) = groups.get(group).filter(|g| !g.has_members()) else { return Ok(false) };
        known.forget(&*self.shared.disk)?;
        groups.remove(group);
        Ok(true)
    }

    fn threads(&self) -> std::sync::MutexGuard<'_, Vec<JoinHandle<()>>> {
        self.threads.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for SegmentBus {
    fn drop(&mut self) {
        self.close();
    }
}

impl Hand {
    /// Writes one batch of what waits, or does what is due when nothing does.
    pub fn write(&mut self) {
        self.writer.turn(Duration::ZERO);
    }

    /// Looks at retention.
    pub fn keep(&mut self) {
        self.keeper.pass();
    }

    /// Ends the bus cleanly, as [`SegmentBus::close`] does where there are threads.
    pub fn close(mut self, bus: &SegmentBus) {
        bus.shared.start_closing();
        while self.writer.turn(Duration::ZERO) {}
        self.writer.finish();
        bus.shared.end_closing();
    }
}

fn spawn(name: &str, run: impl FnOnce() + Send + 'static) -> Result<JoinHandle<()>, BusError> {
    let spawned = thread::Builder::new().name(name.to_owned()).spawn(run);
    spawned.map_err(|e| BusError::Io { context: format!("cannot start the thread {name}"), source: e })
}

fn keep(shared: &Shared, keeper: &Keeper) {
    loop {
        let seen = shared.stop.count();
        if shared.is_closed() {
            return;
        }
        keeper.pass();
        shared.stop.wait(seen, deadline(shared.settings.keep_every));
    }
}

impl Shared {
    fn open(disk: Arc<dyn Disk>, dir: &Path, settings: Settings) -> Result<Self, BusError> {
        files::make_data_dir(&*disk, dir)?;
        let path = dir.join("lock");
        let lock = disk.lock(&path).map_err(|e| match e.kind() {
            io::ErrorKind::WouldBlock => BusError::Locked(dir.display().to_string()),
            _ => BusError::io("cannot lock", &path, e),
        })?;
        files::check_format(&*disk, dir)?;
        let shared = Shared {
            queue: Queue::new(settings.queue_bytes, settings.queue_entries),
            generations: Mutex::new(settings.seed.map_or_else(fastrand::Rng::new, fastrand::Rng::with_seed)),
            disk,
            dir: dir.to_owned(),
            settings,
            health: Health::default(),
            counters: Counters::default(),
            topics: RwLock::default(),
            making: Mutex::default(),
            roll: AtomicBool::new(false),
            closed: AtomicBool::new(false),
            stop: Signal::default(),
            lock: Mutex::new(Some(lock)),
        };
        shared.open_topics()?;
        Ok(shared)
    }

    fn open_topics(&self) -> Result<(), BusError> {
        let topics = self.dir.join("topics");
        files::make_dir(&*self.disk, &topics)?;
        files::sync_dir(&*self.disk, &topics)?;
        for dir in files::list(&*self.disk, &topics)? {
            let Some(name) = files::name_of(&dir) else { continue };
            let topic = Topic::open(&*self.disk, &dir, &name, &self.counters)?;
            self.open_groups(&topic)?;
            self.insert(topic);
        }
        Ok(())
    }

    fn open_groups(&self, topic: &Topic) -> Result<(), BusError> {
        let dir = self.groups_dir(&topic.name);
        self.make_groups_dir(&dir)?;
        files::sync_dir(&*self.disk, &dir)?;
        let starts: Vec<u64> = topic.partitions.iter().map(|p| p.start()).collect();
        for path in files::list(&*self.disk, &dir)? {
            if files::is_temporary(&path) {
                let _ = self.disk.remove(&path);
                continue;
            }
            let Some(name) = files::name_of(&path) else { continue };
            let group = Arc::new(Group::open(&*self.disk, path, &starts)?);
            topic.groups.lock().unwrap_or_else(PoisonError::into_inner).insert(name, group);
        }
        Ok(())
    }

    fn make_groups_dir(&self, dir: &Path) -> Result<(), BusError> {
        files::make_dir(&*self.disk, &self.dir.join("groups"))?;
        files::make_dir(&*self.disk, dir)
    }

    fn groups_dir(&self, topic: &str) -> PathBuf {
        self.dir.join("groups").join(file_name(topic))
    }

    fn insert(&self, topic: Topic) -> Arc<Topic> {
        let topic = Arc::new(topic);
        let mut topics = self.topics.write().unwrap_or_else(PoisonError::into_inner);
        topics.insert(topic.name.clone(), topic.clone());
        topic
    }

    fn ensure_topic(&self, name: &str, partitions: u32) -> Result<Arc<Topic>, BusError> {
        check_name(name)?;
        let _making = self.making.lock().unwrap_or_else(PoisonError::into_inner);
        if let Ok(topic) = self.topic(name) {
            // An unused one may have been left half made.
            if topic.partitions.len() >= partitions as usize || !topic.is_unused() {
                return Ok(topic);
            }
        }
        self.make_groups_dir(&self.groups_dir(name))?;
        let dir = self.dir.join("topics").join(file_name(name));
        files::make_dir(&*self.disk, &dir)?;
        Ok(self.insert(Topic::create(&*self.disk, &dir, name, partitions, &self.counters)?))
    }

    fn group(&self, topic: &Topic, name: &str) -> Result<Arc<Group>, BusError> {
        check_name(name)?;
        let mut groups = topic.groups.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(group) = groups.get(name) {
            return Ok(group.clone());
        }
        let path = self.groups_dir(&topic.name).join(file_name(name));
        let starts = topic.partitions.iter().map(|p| p.start()).collect();
        let group = Arc::new(Group::create(&*self.disk, path, starts)?);
        groups.insert(name.to_owned(), group.clone());
        Ok(group)
    }

    fn topic(&self, name: &str) -> Result<Arc<Topic>, BusError> {
        let topics = self.topics.read().unwrap_or_else(PoisonError::into_inner);
        topics.get(name).cloned().ok_or_else(|| BusError::Unknown(format!("'{}'", name.escape_debug())))
    }

    /// All topics, in the order of their names.
    pub fn topics(&self) -> Vec<Arc<Topic>> {
        let mut topics: Vec<_> = self.topics.read().unwrap_or_else(PoisonError::into_inner).values().cloned().collect();
        topics.sort_by(|a, b| a.name.cmp(&b.name));
        topics
    }

    /// All partitions of all topics.
    pub fn partitions(&self) -> Vec<Arc<Partition>> {
        self.topics().iter().flat_map(|t| t.partitions.iter().cloned()).collect()
    }

    /// A number for a new segment.
    pub fn next_generation(&self) -> u64 {
        self.generations.lock().unwrap_or_else(PoisonError::into_inner).u64(1..)
    }

    /// Whether so many bytes may be used without touching the reserve; if not, says why.
    pub fn check_room(&self, bytes: u64) -> Result<(), String> {
        let reserve = self.settings.reserve;
        if reserve.percent == 0 {
            return Ok(());
        }
        // A disk that does not tell is found full when it is written to.
        let (Ok(free), Ok(total)) = (self.disk.free_space(&self.dir), self.disk.total_space(&self.dir)) else {
            return Ok(());
        };
        let kept = reserve.of(total);
        if free >= kept.saturating_add(bytes) {
            return Ok(());
        }
        Err(format!(
            "the disk of {} is full: {} MiB are free and {} MiB are to stay free; make room, it then goes on by itself",
            self.dir.display(),
            free >> 20,
            kept >> 20
        ))
    }

    /// Some partition's newest segment is to be closed.
    pub fn ask_roll(&self) {
        self.roll.store(true, Ordering::Release);
    }

    /// Whether that was asked, once.
    pub fn take_roll(&self) -> bool {
        self.roll.swap(false, Ordering::AcqRel)
    }

    pub fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Acquire)
    }

    fn start_closing(&self) {
        self.queue.close();
        self.closed.store(true, Ordering::Release);
        self.stop.ring();
    }

    fn end_closing(&self) {
        self.topics().iter().for_each(|topic| topic.signal.ring());
        drop(self.lock.lock().unwrap_or_else(PoisonError::into_inner).take());
    }

    fn stats(&self) -> Stats {
        let counters = &self.counters;
        let segments: Vec<_> = self.partitions().iter().flat_map(|p| p.segments()).collect();
        Stats {
            appended_records: counters.appended_records.get(),
            appended_entries: counters.appended_entries.get(),
            appended_bytes: counters.appended_bytes.get(),
            syncs: counters.syncs.get(),
            write_failures: counters.write_failures.get(),
            damaged_records: counters.damaged_records.get(),
            torn_ends: counters.torn_ends.get(),
            dropped_segments: counters.dropped_segments.get(),
            unread_dropped_records: counters.unread_dropped_records.get(),
            retained_bytes: segments.iter().map(|s| s.size()).sum(),
            segments: segments.len() as u64,
            queued_bytes: self.queue.bytes() as u64,
        }
    }

    /// The item of an entry, or why it is not taken.
    fn item(&self, topic: &str, entry: Entry, done: Done) -> Result<Item, (Done, ProduceError)> {
        let most = self.settings.entry_bytes.min(MAX_ENTRY);
        if payload_bytes(&entry) > most {
            return Err((done, ProduceError::TooLarge(most)));
        }
        if let Some(reason) = self.health.refusing() {
            return Err((done, ProduceError::Unavailable(reason)));
        }
        let partition = self.topic(topic).map_err(|e| e.to_string()).and_then(|topic| {
            topic
                .partition_for(&entry)
                .cloned()
                .ok_or_else(|| format!("{topic} has no such partition", topic = topic.name))
        });
        match partition {
            Ok(partition) => Ok(Item::new(partition, entry, done)),
            Err(reason) => Err((done, ProduceError::Unavailable(reason))),
        }
    }
}

impl Bus for SegmentBus {
    fn ensure_topic(&self, topic: &str, partitions: u32) -> Result<u32, BusError> {
        Ok(self.shared.ensure_topic(topic, partitions)?.partitions.len() as u32)
    }

    fn produce(&self, topic: &str, entry: Entry, done: Done) {
        let item = self.shared.item(topic, entry, done);
        if let Err((done, error)) = item.and_then(|item| self.shared.queue.push(item)) {
            done(Err(error));
        }
    }

    fn subscribe(&self, topic: &str, group: &str) -> Result<Box<dyn Consumer>, BusError> {
        let topic = self.shared.topic(topic)?;
        let group = self.shared.group(&topic, group)?;
        Ok(Box::new(Member::join(self.shared.clone(), topic, group)))
    }

    fn ends(&self, topic: &str) -> Result<Vec<u64>, BusError> {
        Ok(self.shared.topic(topic)?.partitions.iter().map(|p| p.end()).collect())
    }

    fn starts(&self, topic: &str) -> Result<Vec<u64>, BusError> {
        Ok(self.shared.topic(topic)?.partitions.iter().map(|p| p.start()).collect())
    }

    fn committed(&self, topic: &str, group: &str) -> Result<Vec<Option<u64>>, BusError> {
        let topic = self.shared.topic(topic)?;
        let groups = topic.groups.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(groups.get(group).map_or_else(|| vec![None; topic.partitions.len()], |group| group.committed()))
    }

    fn refusing(&self) -> Option<String> {
        self.shared.health.refusing()
    }
}
