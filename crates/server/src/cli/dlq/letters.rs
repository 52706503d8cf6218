//! The dead letters of a bus, read without disturbing anyone.

use std::sync::mpsc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use bytes::Bytes;
use whittle_bus::{Bus, Consumer, Entry, Frame, Position};
use whittle_domain::{BodyFormat, Limits, raw};

use super::TOPIC;
use crate::clock::now_micros;
use crate::ingest::{Envelope, encode};
use crate::topics;

/// The group that remembers what `--all` has replayed.
const GROUP: &str = "whittle-dlq-replay";
/// Bytes that are read at once.
const READ_BYTES: usize = 1 << 20;
/// Time for the bus to answer.
const PATIENCE: Duration = Duration::from_secs(30);

/// The topic of dead letters.
pub(super) struct Letters<'b> {
    bus: &'b dyn Bus,
    start: u64,
    end: u64,
}

/// A header's text.
pub(super) fn header<'f>(frame: &'f Frame, name: &str) -> Option<&'f str> {
    let (_, value) = frame.headers.iter().find(|(known, _)| known == name)?;
    std::str::from_utf8(value).ok()
}

impl<'b> Letters<'b> {
    pub fn open(bus: &'b dyn Bus) -> anyhow::Result<Self> {
        let first = |list: Vec<u64>| list.first().copied().unwrap_or(0);
        let ends = bus.ends(TOPIC).with_context(|| format!("{TOPIC} cannot be read"))?;
        Ok(Letters { bus, start: first(bus.starts(TOPIC)?), end: first(ends) })
    }

    /// Letters from a number on.
    pub fn read(&self, from: u64, limit: usize) -> anyhow::Result<Vec<Frame>> {
        let from = from.max(self.start);
        if from >= self.end || limit == 0 {
            return Ok(Vec::new());
        }
        // A group of its own, so that nobody's place is moved.
        let mut consumer = self.bus.subscribe(TOPIC, &format!("whittle-dlq-{}", uuid::Uuid::now_v7()))?;
        consumer.seek(Position { partition: 0, offset: from })?;
        self.read_on(&mut *consumer, limit)
    }

    fn read_on(&self, consumer: &mut dyn Consumer, limit: usize) -> anyhow::Result<Vec<Frame>> {
        let (mut found, until) = (Vec::new(), Instant::now() + PATIENCE);
        while found.len() < limit && found.last().is_none_or(|last: &Frame| last.next_offset() < self.end) {
            if Instant::now() > until {
                bail!("{TOPIC} could not be read within {} s", PATIENCE.as_secs());
            }
            found.extend(consumer.poll(READ_BYTES, Duration::from_millis(200))?);
        }
        found.truncate(limit);
        Ok(found)
    }

    pub fn one(&self, number: u64) -> anyhow::Result<Frame> {
        let found = self.read(number, 1)?.pop();
        found.filter(|frame| frame.base_offset == number).with_context(|| {
            format!("there is no dead letter {number}; they are numbered from {} to {}", self.start, self.end)
        })
    }

    pub fn these(&self, numbers: &[u64]) -> anyhow::Result<Vec<Frame>> {
        numbers.iter().map(|number| self.one(*number)).collect()
    }

    /// Those that `--all` has not replayed before.
    pub fn unplayed(&self) -> anyhow::Result<Vec<Frame>> {
        let committed = self.bus.committed(TOPIC, GROUP)?.first().copied().flatten();
        self.read(committed.unwrap_or(self.start), usize::MAX)
    }

    /// Remembers that `--all` has come so far.
    pub fn played(&self, frames: &[Frame]) -> anyhow::Result<()> {
        let Some(last) = frames.last() else { return Ok(()) };
        let mut consumer = self.bus.subscribe(TOPIC, GROUP)?;
        consumer.commit(&[Position { partition: 0, offset: last.next_offset() }])?;
        Ok(())
    }
}

/// Puts a letter into `logs.raw` as a new record, if it is one.
pub(super) fn replay(bus: &dyn Bus, topic: &str, apart: bool, frame: &Frame) -> Result<(), String> {
    let body: Bytes = frame.body.clone();
    let record =
        raw::parse(body.clone(), BodyFormat::Json, &Limits::replay()).map(|record| (record, BodyFormat::Json)).or_else(
            |_| raw::parse(body, BodyFormat::Ndjson, &Limits::replay()).map(|record| (record, BodyFormat::Ndjson)),
        );
    let (record, format) = record.map_err(|error| format!("it is no record: {error}"))?;
    let envelope =
        Envelope { event_id: uuid::Uuid::now_v7().as_u128(), received_at: now_micros(), ..Envelope::default() };
    let entries: Vec<Entry> =
        if apart { topics::entries(&record, &envelope) } else { vec![encode(&record, format, &envelope)] };
    // Also asks for the topic, which producers have to do.
    bus.ends(topic).map_err(|error| error.to_string())?;
    for entry in entries {
        let (told, answer) = mpsc::channel();
        bus.produce(topic, entry, Box::new(move |result| drop(told.send(result))));
        match answer.recv_timeout(PATIENCE) {
            Ok(Ok(_)) => {}
            Ok(Err(error)) => return Err(error.to_string()),
            Err(_) => return Err("the bus gave no answer; whether it is there is unknown".into()),
        }
    }
    Ok(())
}
