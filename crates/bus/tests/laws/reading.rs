//! Laws of consuming.

use std::thread;
use std::time::{Duration, Instant};

use bytes::Bytes;
use whittle_bus::{Entry, Position};

use super::hands::*;
use super::{Harness, Law, PATIENCE};

pub const LAWS: &[Law] = &[
    ("what was appended is read as it was", read_as_it_was),
    ("a poll waits and is woken", poll_wakes),
    ("a poll gives up in time", poll_gives_up),
    ("a poll is bounded", poll_is_bounded),
    ("seeking goes back and forth", seeking),
    ("a frame comes whole where its middle was asked for", middle_of_a_frame),
    ("every partition is read", every_partition),
];

fn read_as_it_was(harness: &mut dyn Harness) {
    let bus = harness.fresh();
    bus.ensure_topic("same", 1).unwrap();
    let all_bytes: Vec<u8> = (0..=255).collect();
    let entries = vec![
        entry("plain"),
        entry(""),
        Entry { key: Bytes::from(all_bytes.clone()), body: Bytes::from(all_bytes.repeat(1000)), ..entry("") },
        Entry {
            headers: vec![("a".into(), Bytes::new()), ("ä".into(), Bytes::from(all_bytes)), ("a".into(), "2".into())],
            time: 253_402_300_799_000_000, // the last second of the year 9999
            ..entry("headers")
        },
        Entry { time: 0, ..entry("epoch") },
    ];
    append_all(&*bus, "same", entries.clone());
    let mut consumer = bus.subscribe("same", "g").unwrap();
    for (i, (frame, entry)) in read(&mut *consumer, entries.len()).into_iter().zip(entries).enumerate() {
        assert_eq!(frame.base_offset, i as u64);
        assert_eq!((frame.partition, frame.count, frame.time), (0, 1, entry.time));
        assert_eq!((frame.key, frame.headers, frame.body), (entry.key, entry.headers, entry.body));
    }
    nothing_more(&mut *consumer);
}

fn poll_wakes(harness: &mut dyn Harness) {
    let bus = harness.fresh();
    bus.ensure_topic("wake", 1).unwrap();
    let mut consumer = bus.subscribe("wake", "g").unwrap();
    nothing_more(&mut *consumer);
    thread::scope(|scope| {
        let waiting = scope.spawn(move || {
            let frames = consumer.poll(1000, PATIENCE).unwrap();
            (texts(&frames), Instant::now())
        });
        append(&*bus, "wake", entry("here"));
        let appended = Instant::now();
        let (texts, woken) = waiting.join().unwrap();
        assert_eq!(texts, ["here"]);
        assert!(woken.saturating_duration_since(appended) < PATIENCE / 2, "it slept on although there was a record");
    });
}

fn poll_gives_up(harness: &mut dyn Harness) {
    let bus = harness.fresh();
    bus.ensure_topic("empty", 1).unwrap();
    let mut consumer = bus.subscribe("empty", "g").unwrap();
    let start = Instant::now();
    assert!(consumer.poll(1000, Duration::from_millis(30)).unwrap().is_empty());
    let took = start.elapsed();
    assert!(took >= Duration::from_millis(30) && took < PATIENCE / 2, "{took:?}");
}

fn poll_is_bounded(harness: &mut dyn Harness) {
    let bus = harness.fresh();
    bus.ensure_topic("bound", 1).unwrap();
    append_all(&*bus, "bound", (0..100).map(|i| entry(format!("{i:01000}"))).collect());
    let mut consumer = bus.subscribe("bound", "g").unwrap();
    let (mut read, until) = (0, Instant::now() + PATIENCE);
    while read < 100 {
        let frames = consumer.poll(10_000, Duration::from_millis(200)).unwrap();
        assert!(frames.len() <= 12, "{} frames of 1,000 bytes where 10,000 bytes were asked for", frames.len());
        assert!(Instant::now() < until, "{read} of 100 frames came within the patience of the laws");
        read += frames.len();
    }
    consumer.seek(Position { partition: 0, offset: 0 }).unwrap();
    let one = consumer.poll(1, PATIENCE).unwrap();
    assert_eq!(one.len(), 1, "at least one frame comes, however few bytes are asked for");
}

fn seeking(harness: &mut dyn Harness) {
    let bus = harness.fresh();
    bus.ensure_topic("seek", 1).unwrap();
    append_all(&*bus, "seek", (0..50).map(|i| entry(i.to_string())).collect());
    let mut consumer = bus.subscribe("seek", "g").unwrap();
    assert_eq!(read(&mut *consumer, 50).len(), 50);
    for offset in [40, 0, 49, 13] {
        consumer.seek(Position { partition: 0, offset }).unwrap();
        let frames = read(&mut *consumer, 50 - offset as usize);
        assert_eq!(frames[0].base_offset, offset);
    }
    consumer.seek(Position { partition: 0, offset: 50 }).unwrap();
    nothing_more(&mut *consumer);
    append(&*bus, "seek", entry("new"));
    assert_eq!(texts(&read(&mut *consumer, 1)), ["new"]);
}

fn middle_of_a_frame(harness: &mut dyn Harness) {
    if !harness.takes_many() {
        return;
    }
    let bus = harness.fresh();
    bus.ensure_topic("middle", 1).unwrap();
    for name in ["a", "b", "c"] {
        append(&*bus, "middle", Entry { count: 10, ..entry(name) });
    }
    let mut consumer = bus.subscribe("middle", "g").unwrap();
    for (offset, first) in [(0, "a"), (9, "a"), (10, "b"), (15, "b"), (29, "c")] {
        consumer.seek(Position { partition: 0, offset }).unwrap();
        let frame = &consumer.poll(1, PATIENCE).unwrap()[0];
        assert_eq!(frame.body, first, "at {offset}");
        assert_eq!((frame.count, frame.next_offset() % 10), (10, 0));
    }
    consumer.commit(&[Position { partition: 0, offset: 15 }]).unwrap();
    drop(consumer);
    let mut consumer = bus.subscribe("middle", "g").unwrap();
    assert_eq!(texts(&read(&mut *consumer, 2)), ["b", "c"]);
}

fn every_partition(harness: &mut dyn Harness) {
    let bus = harness.fresh();
    bus.ensure_topic("all", 3).unwrap();
    append_all(&*bus, "all", (0..300).map(|i| entry_in(i % 3, format!("{i:0500}"))).collect());
    let mut consumer = bus.subscribe("all", "g").unwrap();
    let mut seen = [0_u32; 3];
    let until = Instant::now() + PATIENCE;
    while seen.iter().sum::<u32>() < 300 {
        assert!(Instant::now() < until, "only {seen:?} came within the patience of the laws");
        for frame in consumer.poll(5000, Duration::from_millis(200)).unwrap() {
            let seen = &mut seen[frame.partition as usize];
            assert_eq!(frame.base_offset, u64::from(*seen), "within a partition frames come in order");
            *seen += 1;
        }
    }
    assert_eq!(seen, [100; 3]);
}
