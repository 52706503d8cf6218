//! Threads against each other: readers in segments that retention takes away and the writer uses again, and a close
//! while others wait.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;

use whittle_bus::{Bus, BusError, Entry, Position, Retention, SegmentBus, Settings};
use whittle_disk::SimDisk;

const ENTRIES: u64 = 20_000;
const PATIENCE: Duration = Duration::from_secs(30);

#[test]
fn readers_never_see_what_a_file_holds_in_its_next_life() {
    let settings = Settings {
        segment_bytes: 4096,
        retention: Retention { bytes: Some(12_000), age: None, quota: None },
        keep_every: Duration::from_micros(100),
        ..Settings::default()
    };
    let bus = SegmentBus::open(Arc::new(SimDisk::new(1)), Path::new("/bus"), settings).unwrap();
    bus.ensure_topic("t", 1).unwrap();
    let writing = AtomicBool::new(true);
    thread::scope(|scope| {
        for reader in 0..2 {
            let (bus, writing) = (&bus, &writing);
            scope.spawn(move || read_what_goes_away(bus, &format!("reader {reader}"), writing));
        }
        let (answer, answered) = mpsc::channel();
        for offset in 0..ENTRIES {
            let answer = answer.clone();
            let entry = Entry { body: offset.to_string().into(), count: 1, ..Entry::default() };
            bus.produce("t", entry, Box::new(move |result| drop(answer.send(result))));
            if offset >= 50 {
                answered.recv_timeout(PATIENCE).expect("the producer is told").expect("the entry is taken");
            }
        }
        writing.store(false, Ordering::Release);
    });
    let stats = bus.stats();
    assert!(stats.dropped_segments > 50, "{stats:?}");
    assert_eq!(stats.damaged_records, 0, "what is gone is not damaged");
}

/// Lets retention have everything, and reads it nevertheless.
fn read_what_goes_away(bus: &SegmentBus, group: &str, writing: &AtomicBool) {
    let mut consumer = bus.subscribe("t", group).unwrap();
    let mut read = 0_u64;
    while writing.load(Ordering::Acquire) || read == 0 {
        let end = bus.ends("t").unwrap()[0];
        consumer.commit(&[Position { partition: 0, offset: end }]).unwrap();
        consumer.seek(Position { partition: 0, offset: end.saturating_sub(100) }).unwrap();
        for _ in 0..10 {
            let frames = consumer.poll(300, Duration::from_millis(1)).unwrap();
            for frame in &frames {
                assert_eq!(frame.body, frame.base_offset.to_string());
            }
            read += frames.len() as u64;
        }
    }
}

#[test]
fn a_close_wakes_those_who_wait() {
    let bus = SegmentBus::open(Arc::new(SimDisk::new(1)), Path::new("/bus"), Settings::default()).unwrap();
    bus.ensure_topic("t", 1).unwrap();
    let mut consumer = bus.subscribe("t", "g").unwrap();
    let (ended, has_ended) = mpsc::channel();
    let waiting = thread::spawn(move || {
        let result = consumer.poll(1, Duration::MAX);
        let commit = consumer.commit(&[]);
        ended.send((result, commit)).unwrap();
    });
    bus.close();
    let (result, commit) = has_ended.recv_timeout(PATIENCE).expect("the poll ends with the bus");
    assert!(matches!(result, Err(BusError::Unavailable(_))), "{result:?}");
    assert!(matches!(commit, Err(BusError::Unavailable(_))), "{commit:?}");
    waiting.join().unwrap();
}
