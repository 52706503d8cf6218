//! The normalizer's stage: bodies in, one batch of rows out.

use bytes::Bytes;
use whittle_domain::scrub::Scrubber;
use whittle_domain::{Arrival, Batch, Normalizer, RawBatch};

use super::{DeadLetter, Divide, Stage};

/// Rows that are worked on at once, more or less: enough to make hand-overs cheap, few enough to stay in the cache.
const ROWS: usize = 8192;
/// Bytes that are worked on at once.
const BYTES: usize = 4 << 20;

/// The records of one body, from the `skip`th to before the `end`th.
#[derive(Debug)]
struct Part {
    raw: RawBatch,
    arrival: Arrival,
    skip: usize,
    end: usize,
}

/// The records of some bodies.
#[derive(Debug, Default)]
pub struct Raws {
    parts: Vec<Part>,
    rows: usize,
    bytes: usize,
    /// In which pass over the log they were read.
    pass: u32,
}

impl Raws {
    /// Nothing yet, of a pass over the log.
    pub fn of_pass(pass: u32) -> Self {
        Raws { pass, ..Raws::default() }
    }

    /// Adds the records of a body from the `skip`th on.
    pub fn push(&mut self, raw: RawBatch, arrival: Arrival, skip: usize) {
        let end = raw.rows().len();
        self.push_part(Part { raw, arrival, skip, end });
    }

    fn push_part(&mut self, part: Part) {
        self.rows += part.end - part.skip;
        self.bytes += part.raw.body().len();
        self.parts.push(part);
    }

    /// Whether more may be added.
    pub fn has_room(&self) -> bool {
        self.rows < ROWS && self.bytes < BYTES
    }

    /// Whether there is no record.
    pub fn is_empty(&self) -> bool {
        self.rows == 0
    }
}

impl Divide for Raws {
    fn records(&self) -> usize {
        self.rows
    }

    fn halves(self) -> (Self, Self) {
        let half = self.rows / 2;
        let (mut first, mut second) = (Raws::of_pass(self.pass), Raws::of_pass(self.pass));
        for part in self.parts {
            let room = (half - first.rows).min(part.end - part.skip);
            let cut = part.skip + room;
            if room > 0 {
                first.push_part(Part { raw: part.raw.clone(), arrival: part.arrival, skip: part.skip, end: cut });
            }
            if cut < part.end {
                second.push_part(Part { skip: cut, ..part });
            }
        }
        (first, second)
    }

    fn dead_letter(&self, topic: &str, reason: String) -> Option<DeadLetter> {
        let part = self.parts.first()?;
        let row = part.raw.rows().get(part.skip)?;
        Some(DeadLetter {
            topic: topic.to_owned(),
            partition: part.arrival.partition,
            offset: part.arrival.base_offset + part.skip as u64,
            received_at: part.arrival.received_at,
            records: 1,
            reason,
            body: Bytes::copy_from_slice(part.raw.str(row.json).as_bytes()),
        })
    }
}

/// The stage.
pub struct Normalize(Normalizer);

impl Normalize {
    /// A stage that scrubs, if asked to.
    pub fn new(scrubber: Option<Scrubber>) -> Self {
        Normalize(Normalizer::new(scrubber))
    }
}

impl Stage for Normalize {
    type In = Raws;
    type Out = Batch;
    const NAME: &'static str = "normalizer";

    fn process(&mut self, raws: &mut Raws) -> Batch {
        // After a panic rows of the failed try may still be there.
        drop(self.0.take());
        for part in &raws.parts {
            self.0.push(&part.raw, part.arrival, part.skip..part.end);
        }
        let mut batch = self.0.take();
        batch.pass = raws.pass;
        batch
    }
}
