//! `logs.dlq`: what could not be processed, with its untouched bytes and the reason.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use prometheus_client::metrics::counter::Counter;
use whittle_bus::{Bus, Entry, ProduceError};

use super::EdgeError;

/// How long a dead letter may take to become durable before it is tried again.
const PATIENCE: Duration = Duration::from_secs(15);

/// Bytes that are kept of a dead letter that is larger than an entry may be.
const CUT: usize = 1 << 20;

/// One record, or one entry, that could not be processed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeadLetter {
    /// Where it was read.
    pub topic: String,
    /// Partition there.
    pub partition: u32,
    /// Offset there.
    pub offset: u64,
    /// The clock of ingestion, in microseconds since 1970.
    pub received_at: i64,
    /// How many records.
    pub records: u64,
    /// Why it could not be processed.
    pub reason: String,
    /// Its bytes as they were.
    pub body: Bytes,
}

/// The topic of dead letters.
pub struct DeadLetters {
    bus: Arc<dyn Bus>,
    topic: String,
    count: Counter,
    told: Box<dyn Fn(u64) + Send>,
}

impl DeadLetters {
    /// Dead letters into a topic that exists; `count` counts them. Whoever waits for these records is `told` not to.
    pub fn new(bus: Arc<dyn Bus>, topic: String, count: Counter, told: impl Fn(u64) + Send + 'static) -> Self {
        DeadLetters { bus, topic, count, told: Box::new(told) }
    }

    /// Puts a letter, and waits until it is durable.
    ///
    /// # Errors
    /// When the bus does not take it now.
    pub fn put(&self, letter: &DeadLetter) -> Result<(), EdgeError> {
        match self.append(letter, letter.body.clone(), &letter.reason) {
            Err(ProduceError::TooLarge(_)) => {
                let cut = letter.body.slice(..letter.body.len().min(CUT));
                let reason = format!("{} (the first {} of {} bytes)", letter.reason, cut.len(), letter.body.len());
                self.append(letter, cut, &reason)
            }
            result => result,
        }
        .map_err(|error| EdgeError::Unavailable(error.to_string()))?;
        self.count.inc_by(letter.records);
        (self.told)(letter.records);
        Ok(())
    }

    fn append(&self, letter: &DeadLetter, body: Bytes, reason: &str) -> Result<(), ProduceError> {
        let headers = vec![
            ("topic".to_owned(), Bytes::from(letter.topic.clone())),
            ("partition".to_owned(), Bytes::from(letter.partition.to_string())),
            ("offset".to_owned(), Bytes::from(letter.offset.to_string())),
            ("reason".to_owned(), Bytes::from(reason.to_owned())),
        ];
        let entry = Entry { key: Bytes::new(), partition: Some(0), headers, body, count: 1, time: letter.received_at };
        let (told, answer) = crossbeam_channel::bounded(1);
        self.bus.produce(&self.topic, entry, Box::new(move |result| drop(told.send(result))));
        match answer.recv_timeout(PATIENCE) {
            Ok(result) => result.map(|_| ()),
            Err(_) => Err(ProduceError::Unavailable("a dead letter was not durable in time".into())),
        }
    }
}
