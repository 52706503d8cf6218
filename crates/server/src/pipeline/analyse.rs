//! The analysis stage: form and pattern of each line, and everyone who wants to see it before it is stored.

use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use whittle_domain::{Batch, Span};
use whittle_patterns::{Miner, Var};

use super::{DeadLetter, Divide, Stage};

/// Looks at analysed rows as they pass. It must be quick and must not wait for anything.
pub trait Tap: Send {
    /// Rows that have just been analysed.
    fn observe(&mut self, batch: &Arc<Batch>);
    /// Time passes; `now` (microseconds since 1970) only where no rows come in, so that a replay goes by the rows' own time.
    fn tick(&mut self, now: Option<i64>);
}

/// What the miner learned and no checkpoint holds yet. Shared with who writes the checkpoint.
#[derive(Debug, Clone, Default)]
pub struct PatternJournal(Arc<Mutex<Vec<u8>>>);

impl PatternJournal {
    /// Takes out what is new since the last call.
    pub fn take(&self) -> Bytes {
        std::mem::take(&mut *self.lock()).into()
    }

    fn append(&self, bytes: &[u8]) {
        if !bytes.is_empty() {
            self.lock().extend_from_slice(bytes);
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<u8>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The stage. Its taps see each batch after it is analysed and before it is stored.
pub struct Analyse {
    miner: Miner,
    vars: Vec<Var>,
    journal: PatternJournal,
    taps: Vec<Box<dyn Tap>>,
    clock: Box<dyn Fn() -> i64 + Send>,
}

impl Analyse {
    /// A stage over a miner that has been loaded; `clock` gives microseconds since 1970.
    pub fn new(
        miner: Miner,
        journal: PatternJournal,
        taps: Vec<Box<dyn Tap>>,
        clock: Box<dyn Fn() -> i64 + Send>,
    ) -> Self {
        Analyse { miner, vars: Vec::new(), journal, taps, clock }
    }

    fn mine(&mut self, batch: &mut Batch) {
        let (miner, vars) = (&mut self.miner, &mut self.vars);
        let mut learned = false;
        batch.analyse(|source, message, _, spans| {
            vars.clear();
            let found = miner.observe_from(source, message, vars);
            spans.extend(vars.iter().map(|var| Span { start: var.start, len: var.len }));
            learned |= found.new_form;
            (found.form, found.pattern)
        });
        if learned {
            self.journal.append(&self.miner.drain_journal());
        }
    }
}

impl Stage for Analyse {
    type In = Batch;
    type Out = Arc<Batch>;
    const NAME: &'static str = "analysis";

    fn process(&mut self, batch: &mut Batch) -> Arc<Batch> {
        self.mine(batch);
        let batch = Arc::new(std::mem::take(batch));
        for tap in &mut self.taps {
            tap.observe(&batch);
        }
        batch
    }

    fn tick(&mut self, idle: bool) {
        let now = idle.then(|| (self.clock)());
        for tap in &mut self.taps {
            tap.tick(now);
        }
    }
}

impl Divide for Batch {
    fn records(&self) -> usize {
        self.len()
    }

    fn halves(self) -> (Self, Self) {
        let half = self.len() / 2;
        (self.part(0..half), self.part(half..self.len()))
    }

    fn dead_letter(&self, topic: &str, reason: String) -> Option<DeadLetter> {
        let row = self.rows().first()?;
        Some(DeadLetter {
            topic: topic.to_owned(),
            partition: row.partition,
            offset: row.offset,
            received_at: row.received_at,
            records: 1,
            reason,
            body: Bytes::copy_from_slice(self.text(row).message.as_bytes()),
        })
    }
}
