//! A bus moved by hand on a simulated disk, beside a model of what it must hold.
//!
//! The model knows what was acknowledged at which offset, and which entries may or may not be there: those that were under
//! way when the process or the power ended, and those that were refused since. After each start the whole log is read and
//! compared: nothing acknowledged missing or changed, nothing that was never sent, nothing twice, no hole.

mod body;
mod ops;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::Path;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use whittle_bus::{
    Bus, BusError, Clock, Consumer, Entry, Frame, Hand, Position, ProduceError, Reserve, Retention, SegmentBus,
    Settings,
};
use whittle_disk::SimDisk;

pub use ops::{Op, script};

const DIR: &str = "/var/data/bus";
const TOPIC: &str = "t";
const GROUP: &str = "g";
pub const PARTITIONS: u32 = 2;

type Answers = Arc<Mutex<Vec<(u64, Result<Position, ProduceError>)>>>;

/// The bus, its disk and the model.
pub struct Simulation {
    pub disk: SimDisk,
    seed: u64,
    lives: u64,
    settings: Settings,
    clock: Arc<AtomicI64>,
    life: Option<Life>,
    /// What ends when the disk is off is the process alone.
    only_process: bool,
    answers: Answers,
    next_id: u64,
    /// What was sent, by id.
    sent: HashMap<u64, Sent>,
    /// By partition and offset: what is known to be durable.
    durable: Vec<BTreeMap<u64, u64>>,
    /// By partition: what the group has committed, or may have.
    committed: Vec<HashSet<Option<u64>>>,
    /// Calls that failed, other than by being refused.
    pub errors: u64,
    pub acknowledged: u64,
    pub refused: u64,
}

/// One life of the process.
struct Life {
    bus: Arc<SegmentBus>,
    hand: Hand,
    consumer: Option<Box<dyn Consumer>>,
    /// What the group has been given, by partition, and not yet committed.
    read: BTreeMap<u32, u64>,
}

#[derive(Clone, Copy)]
struct Sent {
    partition: u32,
    count: u32,
    len: usize,
    /// Acknowledged, or found after a start.
    settled: bool,
}

impl Simulation {
    pub fn new(seed: u64) -> Self {
        let mut rng = fastrand::Rng::with_seed(seed);
        let clock = Arc::new(AtomicI64::new(1_000_000));
        let now = clock.clone();
        let segment_bytes = *rng.choice(&[1500, 8192, 65_536]).unwrap_or(&8192);
        let settings = Settings {
            segment_bytes,
            batch_bytes: 6000,
            entry_bytes: 10_000,
            queue_bytes: 1 << 20,
            queue_entries: 1000,
            reserve: Reserve { percent: 0, at_most: 0 },
            retention: Retention { bytes: Some(4 * segment_bytes), age: Some(Duration::from_secs(500)), quota: None },
            clock: Clock::new(move || now.load(Ordering::Relaxed)),
            ..Settings::default()
        };
        Simulation {
            disk: SimDisk::new(seed),
            seed,
            lives: 0,
            settings,
            clock,
            life: None,
            only_process: false,
            answers: Answers::default(),
            next_id: 0,
            sent: HashMap::new(),
            durable: vec![BTreeMap::new(); PARTITIONS as usize],
            committed: vec![HashSet::from([None]); PARTITIONS as usize],
            errors: 0,
            acknowledged: 0,
            refused: 0,
        }
    }

    /// Does one thing, and starts anew where the power went meanwhile.
    pub fn run(&mut self, op: &Op) {
        if self.life.is_none() && !self.start() {
            return;
        }
        match *op {
            Op::Produce { partition, count, len } => self.produce(partition, count, len),
            Op::Write => self.with(|life| life.hand.write()),
            Op::Poll { bytes } => self.poll(bytes),
            Op::Commit => self.commit(),
            Op::Rejoin => self.with(Life::rejoin),
            Op::Keep { seconds } => {
                self.clock.fetch_add(seconds * 1_000_000, Ordering::Relaxed);
                self.with(|life| life.hand.keep());
            }
            Op::Reopen => self.close(),
            Op::Kill => {
                self.disk = self.disk.kill();
                self.end();
            }
            Op::PowerCut => self.power_cut(),
            Op::PowerOff { calls } => self.end_after(calls, false),
            Op::KillIn { calls } => self.end_after(calls, true),
        }
        self.take_answers();
        if self.disk.is_off() {
            self.come_to_end();
        }
    }

    fn with(&mut self, act: impl FnOnce(&mut Life)) {
        if let Some(life) = &mut self.life {
            act(life);
        }
    }

    /// Opens the bus and compares it with the model; false when the disk did not let it.
    pub fn start(&mut self) -> bool {
        self.lives += 1;
        let settings = Settings { seed: Some(self.seed << 20 | self.lives), ..self.settings.clone() };
        let opened = SegmentBus::open_by_hand(Arc::new(self.disk.clone()), Path::new(DIR), settings)
            .and_then(|(bus, hand)| bus.ensure_topic(TOPIC, PARTITIONS).map(|_| (bus, hand)));
        match opened {
            Ok((bus, hand)) => {
                self.compare(&bus);
                let mut life = Life { bus, hand, consumer: None, read: BTreeMap::new() };
                life.rejoin();
                self.life = Some(life);
                true
            }
            Err(e) => {
                assert!(matches!(e, BusError::Io { .. }), "{}: {e}", self.seed);
                self.errors += 1;
                if self.disk.is_off() {
                    self.come_to_end();
                }
                false
            }
        }
    }

    fn produce(&mut self, partition: u32, count: u32, len: usize) {
        let Some(life) = &self.life else { return };
        let id = self.next_id;
        self.next_id += 1;
        self.sent.insert(id, Sent { partition, count, len, settled: false });
        let entry = Entry {
            key: id.to_le_bytes().to_vec().into(),
            partition: Some(partition),
            headers: if has_header(id, len) { vec![("id".into(), id.to_string().into())] } else { Vec::new() },
            body: body::of(id, len),
            count,
            time: id as i64,
        };
        let answers = self.answers.clone();
        life.bus.produce(
            TOPIC,
            entry,
            Box::new(move |answer| {
                answers.lock().unwrap().push((id, answer));
            }),
        );
    }

    /// What producers were told since the last look.
    fn take_answers(&mut self) {
        let answers = std::mem::take(&mut *self.answers.lock().unwrap());
        for (id, answer) in answers {
            match answer {
                Ok(position) => self.settle(id, position),
                Err(ProduceError::Unavailable(_)) => self.refused += u64::from(!self.disk.is_off()),
                Err(e) => panic!("{}: entry {id}: {e}", self.seed),
            }
        }
    }

    fn settle(&mut self, id: u64, position: Position) {
        self.acknowledged += 1;
        let sent = self.sent.get_mut(&id).unwrap_or_else(|| panic!("{id} was never sent"));
        assert!(!std::mem::replace(&mut sent.settled, true), "{}: {id} was acknowledged before", self.seed);
        assert_eq!(position.partition, sent.partition, "{}", self.seed);
        let durable = &mut self.durable[position.partition as usize];
        if let Some((last, before)) = durable.last_key_value() {
            let end = last + u64::from(self.sent[before].count);
            assert!(position.offset >= end, "{}: {id} was acknowledged at {}, below {end}", self.seed, position.offset);
        }
        durable.insert(position.offset, id);
    }

    fn poll(&mut self, bytes: usize) {
        let Some(life) = &mut self.life else { return };
        let Some(consumer) = &mut life.consumer else { return };
        match consumer.poll(bytes, Duration::ZERO) {
            Ok(frames) => {
                for frame in &frames {
                    life.read.insert(frame.partition, frame.next_offset());
                }
                self.take_answers();
                frames.iter().for_each(|frame| self.check_frame(frame));
            }
            Err(e) => {
                assert!(matches!(e, BusError::Io { .. }), "{}: {e}", self.seed);
                self.errors += 1;
            }
        }
    }

    /// A frame that anyone was given is one that was acknowledged or found at the last start.
    fn check_frame(&self, frame: &Frame) {
        let id = self.durable[frame.partition as usize].get(&frame.base_offset);
        let id = *id.unwrap_or_else(|| panic!("{}: nothing durable is at {}", self.seed, frame.base_offset));
        self.check_content(id, frame);
    }

    fn check_content(&self, id: u64, frame: &Frame) {
        let sent = self.sent[&id];
        let place = (self.seed, frame.partition, frame.base_offset);
        assert_eq!(frame.partition, sent.partition, "{place:?}");
        assert_eq!(frame.count, sent.count, "{place:?}");
        assert_eq!(frame.time, id as i64, "{place:?}");
        assert_eq!(frame.headers.len(), usize::from(has_header(id, sent.len)), "{place:?}");
        assert!(frame.body == body::of(id, sent.len), "{place:?}: the body is another");
    }

    fn commit(&mut self) {
        let Some(life) = &mut self.life else { return };
        let Some(consumer) = &mut life.consumer else { return };
        let positions: Vec<Position> = std::mem::take(&mut life.read)
            .into_iter()
            .map(|(partition, offset)| Position { partition, offset })
            .collect();
        let result = consumer.commit(&positions);
        for Position { partition, offset } in positions {
            let known = &mut self.committed[partition as usize];
            if result.is_ok() {
                known.clear();
            }
            known.insert(Some(offset));
        }
        self.errors += u64::from(result.is_err());
    }

    fn close(&mut self) {
        let Some(Life { bus, hand, consumer, .. }) = self.life.take() else { return };
        hand.close(&bus);
        drop(consumer);
        drop(bus);
        self.take_answers();
    }

    fn end_after(&mut self, calls: u64, only_process: bool) {
        self.disk.power_off_after(calls);
        self.only_process = only_process;
    }

    fn come_to_end(&mut self) {
        if std::mem::take(&mut self.only_process) {
            self.disk = self.disk.kill();
            self.end();
        } else {
            self.power_cut();
        }
    }

    pub fn power_cut(&mut self) {
        self.disk = self.disk.power_cut();
        self.end();
    }

    /// The process is gone; what it was told before still counts.
    fn end(&mut self) {
        self.life = None;
        self.take_answers();
    }

    /// Reads the whole log and compares.
    fn compare(&mut self, bus: &SegmentBus) {
        self.compare_commits(bus);
        let (starts, ends) = (bus.starts(TOPIC).unwrap(), bus.ends(TOPIC).unwrap());
        let frames = match read_all(bus, &starts) {
            Ok(frames) => frames,
            Err(_) => {
                self.errors += 1; // the disk does not let itself be read; the next start compares
                return;
            }
        };
        assert_eq!(bus.stats().damaged_records, 0, "{}: nothing was damaged", self.seed);
        for partition in 0..PARTITIONS as usize {
            self.compare_partition(partition, starts[partition], ends[partition], &frames[partition]);
        }
    }

    fn compare_partition(&mut self, partition: usize, start: u64, end: u64, frames: &[Frame]) {
        let (seed, place) = (self.seed, partition);
        let held = self.committed[partition].iter().map(|c| c.unwrap_or(0)).max().unwrap_or(0);
        assert!(start <= held, "{seed}/{place}: retention took {start}, the group is at {held}");
        let mut expected = start;
        let known = std::mem::take(&mut self.durable[partition]);
        let mut now = BTreeMap::new();
        for frame in frames {
            assert_eq!(frame.base_offset, expected, "{seed}/{place}: a hole");
            expected = frame.next_offset();
            let id = u64::from_le_bytes(frame.key[..].try_into().unwrap());
            match known.get(&frame.base_offset) {
                Some(known) => assert_eq!(*known, id, "{seed}/{place}: another entry at {}", frame.base_offset),
                None => {
                    let sent = self.sent.get_mut(&id).unwrap_or_else(|| panic!("{seed}/{place}: {id} was never sent"));
                    let again = std::mem::replace(&mut sent.settled, true);
                    assert!(!again || self.dropped_before(&known, frame), "{seed}/{place}: {id} is there twice");
                }
            }
            self.check_content(id, frame);
            now.insert(frame.base_offset, id);
        }
        assert_eq!(expected, end, "{seed}/{place}: the log ends elsewhere than it says");
        if let Some((offset, id)) = known.iter().find(|(offset, _)| **offset >= start && !now.contains_key(offset)) {
            panic!("{seed}/{place}: {id} was acknowledged at {offset} and is lost");
        }
        self.durable[partition] = now;
    }

    /// What retention dropped may come back as long as that was not durable.
    fn dropped_before(&self, known: &BTreeMap<u64, u64>, frame: &Frame) -> bool {
        known.first_key_value().is_none_or(|(first, _)| frame.base_offset < *first)
    }

    fn compare_commits(&mut self, bus: &SegmentBus) {
        for (partition, committed) in bus.committed(TOPIC, GROUP).unwrap().into_iter().enumerate() {
            let known = &mut self.committed[partition];
            assert!(known.contains(&committed), "{}/{partition}: committed {committed:?}, not of {known:?}", self.seed);
            *known = HashSet::from([committed]);
        }
    }

    /// With the disk in order again the bus must take entries by itself, and hold everything.
    pub fn must_recover(&mut self) {
        self.disk.heal();
        self.disk.set_capacity(1 << 40);
        for _ in 0..5 {
            if self.life.is_some() || self.start() {
                break;
            }
        }
        for partition in 0..PARTITIONS {
            let before = self.acknowledged;
            for _ in 0..5 {
                self.run(&Op::Produce { partition, count: 1, len: 100 });
                self.run(&Op::Write);
                self.run(&Op::Write);
            }
            assert!(self.acknowledged > before, "{}: it does not take entries again", self.seed);
        }
        let refusing = self.life.as_ref().and_then(|life| life.bus.refusing());
        assert_eq!(refusing, None, "{}", self.seed);
        self.run(&Op::PowerCut);
        assert!(self.start(), "{}: it does not start", self.seed);
    }
}

impl Life {
    fn rejoin(&mut self) {
        self.consumer = None; // first leaves, so that it gets all partitions
        self.read.clear();
        self.consumer = self.bus.subscribe(TOPIC, GROUP).ok();
    }
}

/// Some entries have a header; those of the one length that makes frames of 512 bytes never.
fn has_header(id: u64, len: usize) -> bool {
    len != ops::EVEN && id.is_multiple_of(3)
}

fn read_all(bus: &SegmentBus, starts: &[u64]) -> Result<Vec<Vec<Frame>>, BusError> {
    let mut consumer = bus.subscribe(TOPIC, "audit")?;
    for (partition, offset) in starts.iter().enumerate() {
        consumer.seek(Position { partition: partition as u32, offset: *offset })?;
    }
    let mut frames = vec![Vec::new(); starts.len()];
    loop {
        let more = consumer.poll(1 << 20, Duration::ZERO)?;
        if more.is_empty() {
            break;
        }
        for frame in more {
            frames[frame.partition as usize].push(frame);
        }
    }
    drop(consumer);
    bus.forget_group(TOPIC, "audit")?;
    Ok(frames)
}
