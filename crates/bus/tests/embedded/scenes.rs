//! Scenes that chance would rarely play: limits, retention, refusals, damage of what is not a record, two processes.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use whittle_bus::{
    Bus, BusError, Clock, Consumer, Entry, Hand, Position, ProduceError, Reserve, Retention, SegmentBus, Settings,
};
use whittle_disk::sim::{Call, Fault, Rule};
use whittle_disk::{Disk, OsDisk, SimDisk};

const DIR: &str = "/bus";
const SEGMENT: u64 = 4096;

type Answer = Result<Position, ProduceError>;

/// A bus moved by hand, and what its producers were told.
struct Scene {
    disk: SimDisk,
    bus: Arc<SegmentBus>,
    hand: Hand,
    answers: Arc<Mutex<Vec<Answer>>>,
}

fn settings() -> Settings {
    Settings {
        segment_bytes: SEGMENT,
        reserve: Reserve { percent: 0, at_most: 0 },
        retention: Retention { bytes: None, age: None, quota: None },
        seed: Some(5),
        ..Settings::default()
    }
}

fn try_open(disk: &SimDisk, settings: Settings) -> Result<(Arc<SegmentBus>, Hand), BusError> {
    SegmentBus::open_by_hand(Arc::new(disk.clone()), Path::new(DIR), settings)
}

fn entry(len: usize) -> Entry {
    Entry { body: vec![b'x'; len].into(), count: 1, ..Entry::default() }
}

impl Scene {
    fn new(settings: Settings) -> Self {
        Self::on(SimDisk::new(1), settings)
    }

    fn on(disk: SimDisk, settings: Settings) -> Self {
        let (bus, hand) = try_open(&disk, settings).expect("the bus opens");
        bus.ensure_topic("t", 1).expect("the topic is made");
        Scene { disk, bus, hand, answers: Arc::default() }
    }

    fn produce(&self, entry: Entry) {
        let answers = self.answers.clone();
        self.bus.produce("t", entry, Box::new(move |answer| answers.lock().unwrap().push(answer)));
    }

    /// Writes so many entries of 1,000 bytes, each in a batch of its own.
    fn fill(&mut self, entries: usize) {
        for _ in 0..entries {
            self.produce(entry(1000));
            self.hand.write();
        }
    }

    fn answers(&self) -> Vec<Answer> {
        std::mem::take(&mut self.answers.lock().unwrap())
    }

    fn subscribe(&self, group: &str) -> Box<dyn Consumer> {
        self.bus.subscribe("t", group).expect("the group is made")
    }

    fn start(&self) -> u64 {
        self.bus.starts("t").unwrap()[0]
    }

    fn files(&self, extension: &str) -> Vec<PathBuf> {
        self.disk.files().into_iter().filter(|p| p.extension().is_some_and(|e| e == extension)).collect()
    }
}

fn count(consumer: &mut dyn Consumer) -> usize {
    let mut count = 0;
    loop {
        match consumer.poll(1 << 20, Duration::ZERO).expect("polling works").len() {
            0 => return count,
            n => count += n,
        }
    }
}

#[test]
fn too_much_at_once_is_refused() {
    let mut scene = Scene::new(Settings { queue_bytes: 5000, entry_bytes: 9000, ..settings() });
    scene.produce(entry(9001));
    assert_eq!(scene.answers(), [Err(ProduceError::TooLarge(9000))]);
    scene.produce(entry(9000)); // more than the queue holds, but nothing else waits
    scene.produce(entry(1));
    assert_eq!(scene.answers(), [Err(ProduceError::Busy)]);
    scene.hand.write();
    (0..5).for_each(|_| scene.produce(entry(1000)));
    assert_eq!(scene.answers(), [Ok(Position { partition: 0, offset: 0 }), Err(ProduceError::Busy)]);
    assert_eq!(scene.bus.stats().queued_bytes, 4 * 1064);
    let Scene { bus, hand, .. } = scene;
    hand.close(&bus);
    bus.produce("t", entry(1), Box::new(|answer| assert_eq!(answer, Err(ProduceError::Closed))));
    assert!(bus.subscribe("t", "g").unwrap().poll(1, Duration::from_secs(600)).is_ok_and(|f| f.len() == 1));
}

#[test]
fn an_entry_larger_than_a_segment_has_one_to_itself() {
    let mut scene = Scene::new(settings());
    for len in [10, 20_000, 10] {
        scene.produce(entry(len));
    }
    scene.hand.write();
    assert!(scene.answers().iter().all(Result::is_ok));
    assert_eq!(scene.files("log").len(), 3);
    assert_eq!(count(&mut *scene.subscribe("g")), 3);
}

#[test]
fn retention_by_size_waits_for_every_group() {
    let retention = Retention { bytes: Some(3 * SEGMENT), age: None, quota: None };
    let mut scene = Scene::new(Settings { retention, ..settings() });
    scene.subscribe("idle");
    let mut consumer = scene.subscribe("g");
    scene.fill(30);
    scene.hand.keep();
    assert_eq!(scene.start(), 0, "nobody has committed anything");
    assert_eq!(count(&mut *consumer), 30);
    consumer.commit(&[Position { partition: 0, offset: 20 }]).unwrap();
    scene.hand.keep();
    assert_eq!(scene.start(), 0, "the idle group holds everything");
    assert!(scene.bus.forget_group("t", "idle").unwrap());
    scene.hand.keep();
    let start = scene.start();
    assert!((16..=20).contains(&start), "{start}");
    consumer.commit(&[Position { partition: 0, offset: 30 }]).unwrap();
    scene.hand.keep();
    assert!(scene.bus.stats().retained_bytes <= 3 * SEGMENT);
    assert_eq!(scene.bus.stats().unread_dropped_records, 0);
    assert_eq!(count(&mut *scene.subscribe("late")) as u64, 30 - scene.start());
}

#[test]
fn a_dropped_segment_is_used_again() {
    let retention = Retention { bytes: Some(2 * SEGMENT), age: None, quota: None };
    let mut scene = Scene::new(Settings { retention, ..settings() });
    scene.fill(12);
    scene.hand.keep();
    assert_eq!(scene.files("spare").len(), 1);
    scene.fill(4);
    assert_eq!(scene.files("spare").len(), 0);
    let start = scene.start();
    let disk = scene.disk.kill();
    let scene = Scene::on(disk, settings());
    assert_eq!(scene.bus.ends("t").unwrap(), [16]);
    assert_eq!(count(&mut *scene.subscribe("g")) as u64, 16 - start);
    assert_eq!((scene.bus.stats().damaged_records, scene.bus.stats().torn_ends), (0, 0));
}

#[test]
fn retention_by_age_reaches_the_newest_segment_too() {
    let now = Arc::new(AtomicI64::new(0));
    let clock = now.clone();
    let retention = Retention { bytes: None, age: Some(Duration::from_secs(100)), quota: None };
    let clock = Clock::new(move || clock.load(Ordering::Relaxed));
    let mut scene = Scene::new(Settings { retention, clock, ..settings() });
    scene.fill(5);
    now.store(101_000_000, Ordering::Relaxed);
    scene.hand.keep();
    scene.hand.write();
    assert_eq!(scene.start(), 3, "what was last written to 100 s ago is gone, and what is newest now was closed");
    now.store(202_000_000, Ordering::Relaxed);
    scene.hand.keep();
    assert_eq!(scene.start(), 5);
    assert_eq!(scene.bus.ends("t").unwrap(), [5]);
    scene.fill(1);
    assert_eq!(count(&mut *scene.subscribe("g")), 1);
}

#[test]
fn the_quota_drops_what_nobody_read_and_says_so() {
    let retention = Retention { bytes: None, age: None, quota: Some(3 * SEGMENT) };
    let mut scene = Scene::new(Settings { retention, ..settings() });
    let mut consumer = scene.subscribe("g");
    consumer.poll(1, Duration::ZERO).unwrap();
    scene.fill(30);
    scene.hand.keep();
    let start = scene.start();
    assert!(scene.bus.stats().retained_bytes <= 3 * SEGMENT);
    assert_eq!(scene.bus.stats().unread_dropped_records, start);
    assert!(start > 10, "{start}");
    assert_eq!(count(&mut *consumer) as u64, 30 - start);
    assert_eq!(scene.bus.stats().damaged_records, 0, "what was dropped is not damaged");
}

#[test]
fn the_reserve_of_the_disk_is_left_free() {
    let mut scene = Scene::new(Settings { reserve: Reserve { percent: 10, at_most: 1 << 40 }, ..settings() });
    scene.disk.set_capacity(100_000);
    scene.fill(200);
    let free = scene.disk.free_space(Path::new(DIR)).unwrap();
    assert!((10_000..16_000).contains(&free), "{free}");
    let reason = scene.bus.refusing().expect("it refuses");
    assert!(reason.contains("make room"), "{reason}");
    let refused = scene.answers().into_iter().filter(Result::is_err).count();
    assert!(refused > 100, "{refused}");
    scene.disk.set_capacity(200_000);
    scene.hand.write();
    assert_eq!(scene.bus.refusing(), None);
    scene.fill(1);
    assert!(scene.answers()[0].is_ok());
    assert_eq!(scene.bus.stats().write_failures, 0, "it never came to a failing write");
}

#[test]
fn a_full_disk_gives_up_what_all_groups_have_done() {
    let mut scene = Scene::new(Settings { reserve: Reserve { percent: 10, at_most: 1 << 40 }, ..settings() });
    scene.disk.set_capacity(100_000);
    let mut consumer = scene.subscribe("g");
    scene.fill(200);
    assert!(scene.bus.refusing().is_some());
    count(&mut *consumer);
    let end = scene.bus.ends("t").unwrap()[0];
    consumer.commit(&[Position { partition: 0, offset: end }]).unwrap();
    scene.disk.set_capacity(90_000);
    scene.hand.keep();
    assert!(scene.start() > 0);
    scene.hand.write();
    assert!(scene.bus.refusing().is_none_or(|_| scene.disk.free_space(Path::new(DIR)).unwrap() < 14_000));
}

#[test]
fn a_refused_entry_is_not_there_after_a_kill() {
    for fault in [Fault::Io, Fault::NoSpace] {
        let mut scene = Scene::new(settings());
        scene.fill(2);
        scene.disk.inject(Rule { call: Some(Call::Sync), after: 0, times: 1, fault });
        scene.disk.inject(Rule { call: Some(Call::Create), after: 0, times: 9, fault }); // nor can a new segment be made
        scene.fill(1);
        assert!(matches!(scene.answers()[2], Err(ProduceError::Unavailable(_))));
        assert!(scene.bus.refusing().is_some());
        scene.disk.heal();
        let scene = Scene::on(scene.disk.kill(), settings());
        assert_eq!(scene.bus.ends("t").unwrap(), [2]);
        assert_eq!(count(&mut *scene.subscribe("g")), 2);
    }
}

#[test]
fn a_segment_is_never_synced_again_after_a_failed_sync() {
    let mut scene = Scene::new(settings());
    scene.fill(1);
    scene.disk.inject(Rule { call: Some(Call::Sync), after: 0, times: 1, fault: Fault::Io });
    scene.fill(1);
    assert_eq!(scene.bus.refusing(), None, "the log goes on in a new segment at once");
    scene.fill(1);
    let answers = scene.answers();
    assert!(answers[1].is_err());
    assert_eq!(answers[2], Ok(Position { partition: 0, offset: 1 }));
    assert_eq!(scene.files("log").len(), 2);
    assert_eq!(scene.bus.stats().write_failures, 1);
    let scene = Scene::on(scene.disk.power_cut(), settings());
    assert_eq!(count(&mut *scene.subscribe("g")), 2);
}

#[test]
fn an_unreadable_sector_stops_no_partition() {
    let mut scene = Scene::new(settings());
    scene.fill(3);
    let mut consumer = scene.subscribe("g");
    scene.disk.inject(Rule { call: Some(Call::Read), after: 0, times: 4, fault: Fault::Io });
    for _ in 0..3 {
        assert!(matches!(consumer.poll(1 << 20, Duration::ZERO), Err(BusError::Io { .. })));
    }
    // The fourth failure is of the first block of 4 KiB alone, which all the frames are in.
    assert_eq!(count(&mut *consumer), 0);
    assert_eq!(scene.bus.stats().damaged_records, 3);
    scene.fill(1);
    assert_eq!(count(&mut *consumer), 1);
}

#[test]
fn damaged_commits_begin_again() {
    let mut scene = Scene::new(settings());
    scene.fill(3);
    let mut consumer = scene.subscribe("g");
    consumer.commit(&[Position { partition: 0, offset: 2 }]).unwrap();
    let path = scene.disk.files().into_iter().find(|p| p.ends_with("groups/t/g")).unwrap();
    scene.disk.flip(&path, 140).unwrap();
    let scene = Scene::on(scene.disk.kill(), settings());
    assert_eq!(scene.bus.committed("t", "g").unwrap(), [None]);
    assert_eq!(count(&mut *scene.subscribe("g")), 3);
}

#[test]
fn a_callback_that_panics_ends_nothing() {
    let mut scene = Scene::new(settings());
    scene.bus.produce("t", entry(1), Box::new(|_| panic!("a producer's own fault")));
    scene.produce(entry(1));
    scene.hand.write();
    assert_eq!(scene.answers(), [Ok(Position { partition: 0, offset: 1 })]);
}

#[test]
fn a_newer_format_is_refused() {
    let scene = Scene::new(settings());
    let disk = scene.disk.kill();
    let path = Path::new("/bus/format");
    disk.remove(path).unwrap();
    disk.create_new(path).unwrap().write_all_at(b"whittle-bus 2\n", 0).unwrap();
    let refused = try_open(&disk, settings()).map(drop).unwrap_err();
    assert!(matches!(&refused, BusError::Newer(m) if m.contains("run the newer program")), "{refused}");

    let disk = disk.kill();
    disk.remove(path).unwrap();
    disk.create_new(path).unwrap().write_all_at(b"\xffhittle", 0).unwrap();
    try_open(&disk, settings()).expect("a damaged format file is no newer format");
}

/// Set for the process that finds the directory in use.
const OTHER: &str = "WHITTLE_BUS_TEST_DIR";

#[test]
fn two_processes_on_one_directory() {
    if let Ok(dir) = std::env::var(OTHER) {
        let refused = SegmentBus::open(Arc::new(OsDisk), Path::new(&dir), Settings::default()).map(drop);
        assert!(matches!(&refused, Err(BusError::Locked(d)) if *d == dir), "{refused:?}");
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let other = || {
        let mut test = Command::new(std::env::current_exe().unwrap());
        test.args(["--exact", "scenes::two_processes_on_one_directory"]).env(OTHER, dir.path());
        test.output().expect("the other process runs")
    };
    let bus = SegmentBus::open(Arc::new(OsDisk), dir.path(), Settings::default()).unwrap();
    bus.ensure_topic("t", 1).unwrap();
    let output = other();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    bus.close();
    let output = other();
    assert!(!output.status.success(), "a closed bus has given the directory back");
}
