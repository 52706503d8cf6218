//! Small moves that the laws are made of.

use std::collections::BTreeMap;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use whittle_bus::{Bus, Consumer, Entry, Frame, Position, ProduceError};

use super::PATIENCE;

/// An entry with a text as its body.
pub fn entry(body: impl AsRef<str>) -> Entry {
    Entry { body: Bytes::copy_from_slice(body.as_ref().as_bytes()), count: 1, ..Entry::default() }
}

/// The same in a partition.
pub fn entry_in(partition: u32, body: impl AsRef<str>) -> Entry {
    Entry { partition: Some(partition), ..entry(body) }
}

/// Appends and waits for the answer.
pub fn try_append(bus: &dyn Bus, topic: &str, entry: Entry) -> Result<Position, ProduceError> {
    let (answer, answered) = mpsc::channel();
    bus.produce(topic, entry, Box::new(move |result| drop(answer.send(result))));
    answered.recv_timeout(PATIENCE).expect("the producer is told within the patience of the laws")
}

/// Appends, which must work.
pub fn append(bus: &dyn Bus, topic: &str, entry: Entry) -> Position {
    try_append(bus, topic, entry).expect("the entry is taken")
}

/// Appends many, then waits for all.
pub fn append_all(bus: &dyn Bus, topic: &str, entries: Vec<Entry>) -> Vec<Position> {
    let (answer, answered) = mpsc::channel();
    let count = entries.len();
    for (i, entry) in entries.into_iter().enumerate() {
        let answer = answer.clone();
        bus.produce(topic, entry, Box::new(move |result| drop(answer.send((i, result)))));
    }
    let mut positions = BTreeMap::new();
    for _ in 0..count {
        let (i, result) =
            answered.recv_timeout(PATIENCE).expect("all producers are told within the patience of the laws");
        positions.insert(i, result.expect("the entry is taken"));
    }
    positions.into_values().collect()
}

/// Reads until so many frames have come.
pub fn read(consumer: &mut dyn Consumer, count: usize) -> Vec<Frame> {
    let until = Instant::now() + PATIENCE;
    let mut frames = Vec::new();
    while frames.len() < count {
        assert!(Instant::now() < until, "{} of {count} frames came within the patience of the laws", frames.len());
        frames.extend(consumer.poll(1 << 20, Duration::from_millis(200)).expect("polling works"));
    }
    frames
}

/// Polls each in turn until `enough` says that what all have got together is. For consumers that must take notice of each other.
pub fn read_together(consumers: &mut [Box<dyn Consumer>], enough: impl Fn(&[Vec<Frame>]) -> bool) -> Vec<Vec<Frame>> {
    let until = Instant::now() + PATIENCE;
    let mut frames = vec![Vec::new(); consumers.len()];
    while !enough(&frames) {
        assert!(Instant::now() < until, "the consumers did not get what they should within the patience of the laws");
        for (consumer, frames) in consumers.iter_mut().zip(&mut frames) {
            frames.extend(consumer.poll(1 << 20, Duration::from_millis(20)).expect("polling works"));
        }
    }
    frames
}

/// Nothing comes.
pub fn nothing_more(consumer: &mut dyn Consumer) {
    let frames = consumer.poll(1 << 20, Duration::from_millis(50)).expect("polling works");
    assert!(frames.is_empty(), "{} frames came where none were left", frames.len());
}

/// Bodies as text.
pub fn texts(frames: &[Frame]) -> Vec<String> {
    frames.iter().map(|f| String::from_utf8_lossy(&f.body).into_owned()).collect()
}

/// The positions behind frames, one for each partition.
pub fn behind(frames: &[Frame]) -> Vec<Position> {
    let mut ends = BTreeMap::new();
    for frame in frames {
        let end = ends.entry(frame.partition).or_insert(0);
        *end = frame.next_offset().max(*end);
    }
    ends.into_iter().map(|(partition, offset)| Position { partition, offset }).collect()
}
