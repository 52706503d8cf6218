//! The log through its public face, written and read by hand on the simulated disk.

mod decoder;
mod flips;

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use whittle_disk::{OsDisk, SimDisk};

use crate::*;

fn settings() -> Settings {
    Settings { segment_bytes: 4096, seed: Some(1), ..Settings::default() }
}

fn entry(body: &str) -> Entry {
    Entry { body: Bytes::copy_from_slice(body.as_bytes()), count: 1, ..Entry::default() }
}

type Answers = Arc<Mutex<Vec<Result<Position, ProduceError>>>>;

fn produce(bus: &SegmentBus, answers: &Answers, entry: Entry) {
    let answers = answers.clone();
    bus.produce("t", entry, Box::new(move |answer| answers.lock().unwrap().push(answer)));
}

fn bodies(consumer: &mut dyn Consumer) -> Vec<String> {
    let mut out = Vec::new();
    loop {
        let frames = consumer.poll(1 << 20, Duration::ZERO).unwrap();
        if frames.is_empty() {
            return out;
        }
        out.extend(frames.iter().map(|f| String::from_utf8(f.body.to_vec()).unwrap()));
    }
}

#[test]
fn comes_back_after_a_close() {
    let disk = SimDisk::new(1);
    let dir = Path::new("/data/bus");
    let answers = Answers::default();
    for life in 0..3 {
        let (bus, mut hand) = SegmentBus::open_by_hand(Arc::new(disk.clone()), dir, settings()).unwrap();
        bus.ensure_topic("t", 1).unwrap();
        for i in 0..100 {
            produce(&bus, &answers, entry(&format!("{life}-{i}")));
            if i % 7 == 0 {
                hand.write();
            }
        }
        hand.write();
        assert_eq!(answers.lock().unwrap().len(), (life + 1) * 100);
        let mut consumer = bus.subscribe("t", "g").unwrap();
        assert_eq!(bodies(&mut *consumer).len(), (life + 1) * 100);
        hand.close(&bus);
        assert_eq!(bus.stats().damaged_records, 0);
        assert_eq!(bus.stats().torn_ends, 0);
        drop(consumer);
    }
    let offsets: Vec<u64> = answers.lock().unwrap().iter().map(|a| a.clone().unwrap().offset).collect();
    assert_eq!(offsets, (0..300).collect::<Vec<_>>());
}

#[test]
fn runs_with_threads_on_the_real_disk() {
    let dir = tempfile::tempdir().unwrap();
    let bus = SegmentBus::open(Arc::new(OsDisk), dir.path(), Settings::default()).unwrap();
    bus.ensure_topic("t", 2).unwrap();
    let mut consumer = bus.subscribe("t", "g").unwrap();
    let answers = Answers::default();
    for i in 0..1000 {
        produce(&bus, &answers, Entry { partition: Some(i % 2), ..entry(&i.to_string()) });
    }
    bus.close();
    assert!(answers.lock().unwrap().iter().all(Result::is_ok));
    assert_eq!(answers.lock().unwrap().len(), 1000);
    let mut read = Vec::new();
    while let Ok(frames) = consumer.poll(10_000, Duration::ZERO) {
        read.extend(frames.into_iter().map(|f| String::from_utf8(f.body.to_vec()).unwrap().parse::<u32>().unwrap()));
    }
    read.sort_unstable();
    assert_eq!(read, (0..1000).collect::<Vec<_>>());
}

#[test]
fn a_writer_that_panics_leaves_nobody_waiting() {
    let disk = Arc::new(SimDisk::new(1));
    // Only making a segment asks for the time, and only the writer does that.
    let clock = Clock::new(|| panic!("the test's own panic"));
    let retention = Retention { age: None, ..Retention::default() };
    let bus = SegmentBus::open(disk, Path::new("/bus"), Settings { clock, retention, ..settings() }).unwrap();
    bus.ensure_topic("t", 1).unwrap();
    let (answer, answered) = std::sync::mpsc::channel();
    for _ in 0..2 {
        let answer = answer.clone();
        bus.produce("t", entry("x"), Box::new(move |result| drop(answer.send(result))));
    }
    drop(answer);
    let answers: Vec<_> = answered.iter().collect();
    assert!(answers.iter().all(|a| *a == Err(ProduceError::Closed)), "{answers:?}");
    bus.produce("t", entry("x"), Box::new(|answer| assert_eq!(answer, Err(ProduceError::Closed))));
}

#[test]
fn the_last_reference_may_die_in_a_callback() {
    let bus = SegmentBus::open(Arc::new(SimDisk::new(1)), Path::new("/bus"), settings()).unwrap();
    bus.ensure_topic("t", 1).unwrap();
    let (alone, is_alone) = std::sync::mpsc::channel::<()>();
    let (answer, answered) = std::sync::mpsc::channel();
    let own = bus.clone();
    let done = move |result| {
        let _ = is_alone.recv(); // until the other reference is gone
        drop(own);
        drop(answer.send(result));
    };
    bus.produce("t", entry("x"), Box::new(done));
    drop(bus);
    drop(alone);
    answered.recv_timeout(Duration::from_secs(30)).expect("the writer does not wait for itself").unwrap();
}
