//! The analysis stage: form and pattern of each line, and everyone who wants to see it before it is stored.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use crossbeam_channel::Receiver;
use whittle_domain::{Batch, Row, Span, timestamp};
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
    /// What other copies of the stage have learned.
    learned: Option<Receiver<Bytes>>,
}

impl Analyse {
    /// A stage over a miner that has been loaded; `clock` gives microseconds since 1970.
    pub fn new(
        miner: Miner,
        journal: PatternJournal,
        taps: Vec<Box<dyn Tap>>,
        clock: Box<dyn Fn() -> i64 + Send>,
    ) -> Self {
        Analyse { miner, vars: Vec::new(), journal, taps, clock, learned: None }
    }

    /// Learns also from journals of other copies, as they come.
    #[must_use]
    pub fn learning(mut self, learned: Receiver<Bytes>) -> Self {
        self.learned = Some(learned);
        self
    }

    fn learn(&mut self) {
        for entry in self.learned.iter().flat_map(Receiver::try_iter) {
            if let Err(error) = self.miner.load(&entry) {
                tracing::error!(%error, "patterns of a newer version cannot be read; run that version everywhere");
            }
        }
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
        self.learn();
        self.mine(batch);
        let batch = Arc::new(std::mem::take(batch));
        for tap in &mut self.taps {
            guarded(|| tap.observe(&batch));
        }
        batch
    }

    fn tick(&mut self, idle: bool) {
        self.learn();
        let now = idle.then(|| (self.clock)());
        for tap in &mut self.taps {
            guarded(|| tap.tick(now));
        }
    }
}

/// Calls a tap. What goes wrong in one is its own: the rows are stored, and the other taps see them.
fn guarded(call: impl FnOnce()) {
    if catch_unwind(AssertUnwindSafe(call)).is_err() {
        tracing::error!("what looks at rows as they pass has panicked; the rows themselves go on");
    }
}

/// A normalized record as JSON, for the dead letters.
fn record_json(batch: &Batch, row: &Row) -> String {
    let text = batch.text(row);
    let mut record = serde_json::json!({
        "source": text.source,
        "level": row.level,
        "message": text.message,
        "timestamp": timestamp::to_string(row.timestamp),
        "receivedAt": timestamp::to_string(row.received_at),
    });
    if !text.level_text.is_empty() {
        record["levelText"] = text.level_text.into();
    }
    if let Ok(context) = serde_json::from_str::<serde_json::Value>(text.context) {
        record["context"] = context;
    }
    record.to_string()
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
            body: record_json(self, row).into(),
        })
    }
}
