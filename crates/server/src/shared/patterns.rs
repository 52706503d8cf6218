//! Patterns: each copy of the analysis tells what it learns, and all learn what one does. Equal entries of several copies become one.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use crossbeam_channel::{Receiver, bounded};
use tokio_util::sync::CancellationToken;
use whittle_bus::{Bus as _, Entry};
use whittle_kafka::KafkaBus;
use whittle_patterns::{Catalog, Limits, Miner, split_journal};

use super::{PATTERNS, follow};
use crate::clock::now_micros;
use crate::pipeline::{EdgeError, PatternJournal};
use crate::topics::Acks;

/// Entries that wait for a stage that is busy; then the topic waits.
const ROOM: usize = 4096;
/// Time for what was learned to be durable, after which it is tried again.
const PATIENCE: Duration = Duration::from_secs(30);

/// What other copies have learned, for the miner of a stage.
pub type Learned = Receiver<Bytes>;

fn take_in(miner: &mut Miner, entry: &[u8]) {
    if let Err(error) = miner.load(entry) {
        tracing::error!(%error, "patterns of a newer version of the program cannot be read; run that version everywhere");
    }
}

/// Reads all that is known into a miner; what comes later is for whoever has the miner then.
///
/// # Errors
/// The topic cannot be read.
pub fn learn_into(miner: &mut Miner, bus: &KafkaBus, stop: &CancellationToken) -> anyhow::Result<Learned> {
    let (sender, learned) = bounded(ROOM);
    let replay = |frame: &whittle_bus::Frame| take_in(miner, &frame.body);
    follow::follow(bus, PATTERNS, stop, replay, move |frame| {
        // Ends with the stage that takes it.
        let _ = sender.send(frame.body);
    })?;
    Ok(learned)
}

/// A catalog that follows what is known, for roles that mine nothing themselves.
///
/// # Errors
/// The topic cannot be read.
pub fn learn_alone(bus: &KafkaBus, stop: &CancellationToken) -> anyhow::Result<Catalog> {
    let mut miner = Miner::new(Limits::default());
    let learned = learn_into(&mut miner, bus, stop)?;
    let catalog = miner.catalog();
    let body = move || learned.iter().for_each(|entry| take_in(&mut miner, &entry));
    std::thread::Builder::new().name("learn-patterns".into()).spawn(body)?;
    Ok(catalog)
}

/// Tells the other copies what a miner has learned.
pub struct Publisher {
    bus: Arc<KafkaBus>,
    journal: PatternJournal,
    /// Told, and not durable yet.
    left: Vec<(u64, Vec<u8>)>,
    give_up: CancellationToken,
}

impl Publisher {
    /// Tells what `journal` gathers.
    pub fn new(bus: Arc<KafkaBus>, journal: PatternJournal, give_up: CancellationToken) -> Self {
        Publisher { bus, journal, left: Vec::new(), give_up }
    }

    /// Tells what is new, and waits until it is durable.
    ///
    /// # Errors
    /// It is not; it goes with the next call.
    pub fn publish(&mut self) -> Result<(), EdgeError> {
        let new = self.journal.take();
        if !new.is_empty() {
            self.left.extend(split_journal(&new));
        }
        if self.left.is_empty() {
            return Ok(());
        }
        let acks = Acks::of(self.left.len());
        let mut busy = false;
        for (index, (name, entry)) in self.left.iter().enumerate() {
            let told = acks.clone();
            let entry = Entry {
                key: Bytes::copy_from_slice(format!("{name:016x}").as_bytes()),
                partition: Some(0),
                body: Bytes::copy_from_slice(entry),
                count: 1,
                time: now_micros(),
                ..Entry::default()
            };
            self.bus.produce(PATTERNS, entry, Box::new(move |result| told.told(index, result)));
            busy |= acks.take_busy();
        }
        let failed = if busy { None } else { acks.wait(&self.give_up, Some(Instant::now() + PATIENCE)) };
        match failed {
            Some(failed) if failed.is_empty() => {
                self.left.clear();
                Ok(())
            }
            _ => Err(EdgeError::Unavailable("new patterns cannot be told to the other copies now".into())),
        }
    }
}
