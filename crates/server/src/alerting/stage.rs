//! The alert engine on its thread, tied to the outbox.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use whittle_domain::Batch;
use whittle_domain::alerts::{AlertEngine, EngineState, Notice, NoticeKind, PatternFacts, RuleError, RuleSet};

use super::outbox::{Offer, OutboxError, OutboxHandle};
use super::state::{self, StateError};
use super::{AlertMetrics, AlertSettings};

/// Time for the outbox's disk at a checkpoint.
const FLUSH: Duration = Duration::from_secs(10);

/// Why alerting cannot start.
#[derive(Debug, thiserror::Error)]
pub enum AlertError {
    /// The rules are wrong.
    #[error("alerts.rules: {0}")]
    Rules(#[from] RuleError),
    /// The state cannot be read.
    #[error(transparent)]
    State(#[from] StateError),
}

/// Watches the rows that pass, and gives what is worth a notification to the outbox. Belongs to one thread at a time.
pub struct AlertStage {
    engine: AlertEngine,
    rules: RuleSet,
    resumed: bool,
    outbox: OutboxHandle,
    facts: Arc<dyn PatternFacts + Send + Sync>,
    metrics: AlertMetrics,
    /// Room for notices, used again and again.
    notices: Vec<Notice>,
    counted: Counted,
}

/// The state of a stage at one moment.
#[derive(Clone)]
pub struct AlertSnapshot {
    state: EngineState,
    outbox: OutboxHandle,
}

impl AlertSnapshot {
    /// Makes sure that all notices that the state has given are on disk, then gives the state, to be stored with the rows it
    /// stands for. Waits for the disk.
    ///
    /// # Errors
    /// The disk does not take the notices now: to be tried again with a newer snapshot, without a checkpoint until then.
    pub fn persist(self) -> Result<Bytes, OutboxError> {
        self.outbox.flush(FLUSH)?;
        Ok(state::encode(&self.state))
    }
}

/// The engine's counts that the metrics have.
#[derive(Default)]
struct Counted {
    matched: u64,
    backfill: u64,
    overflowed: u64,
}

impl AlertStage {
    /// A stage that goes on from the state of a checkpoint; from none it begins with the first row it sees.
    ///
    /// # Errors
    /// Rules that are wrong, a state that cannot be read.
    pub fn new(
        settings: &AlertSettings,
        engine_state: Option<Bytes>,
        outbox: OutboxHandle,
        facts: Arc<dyn PatternFacts + Send + Sync>,
        metrics: AlertMetrics,
    ) -> Result<Self, AlertError> {
        let rules = RuleSet::new(settings.effective_rules())?;
        let resumed = engine_state.is_some();
        let state = engine_state.map(|bytes| state::decode(&bytes)).transpose()?.unwrap_or_default();
        let engine = AlertEngine::new(rules.clone(), state);
        Ok(AlertStage {
            engine,
            rules,
            resumed,
            outbox,
            facts,
            metrics,
            notices: Vec::new(),
            counted: Counted::default(),
        })
    }

    /// Where a stage without a state begins: for each raw partition the first offset to look at. Older rows make no
    /// alert. A stage that goes on from a checkpoint knows better, and stays where it is.
    pub fn begin_at(&mut self, positions: BTreeMap<u32, u64>) {
        if !self.resumed {
            self.engine = AlertEngine::new(self.rules.clone(), EngineState { positions, windows: Vec::new() });
        }
    }

    /// Looks at a batch that analysis is done with. Never waits.
    pub fn observe(&mut self, batch: &Batch) {
        self.engine.observe(batch, &*self.facts, &mut self.notices);
        self.give();
    }

    /// Gives first notices, and last ones of windows that are over. To be called every 200 ms.
    ///
    /// `now` is the wall clock in microseconds where the stream is idle, none while rows come in.
    pub fn tick(&mut self, now: Option<i64>) {
        self.engine.tick(now, &mut self.notices);
        self.give();
        self.count();
    }

    /// The state as of now. Quick: what takes time is [`AlertSnapshot::persist`], which does not need the stage.
    pub fn snapshot(&self) -> AlertSnapshot {
        AlertSnapshot { state: self.engine.state(), outbox: self.outbox.clone() }
    }

    /// [`AlertStage::snapshot`], persisted.
    ///
    /// # Errors
    /// As of [`AlertSnapshot::persist`].
    pub fn checkpoint(&self) -> Result<Bytes, OutboxError> {
        self.snapshot().persist()
    }

    fn give(&mut self) {
        let mut notices = std::mem::take(&mut self.notices);
        for notice in notices.drain(..) {
            self.offer(notice);
        }
        self.notices = notices;
    }

    /// A notice that was taken in a run whose state was lost may have had another count: what it did not tell is told
    /// by the window's last notice, or now where the window is over.
    fn offer(&mut self, notice: Notice) {
        let again = (notice.kind == NoticeKind::Firing).then(|| notice.clone());
        let known = match self.outbox.offer(notice) {
            Offer::Taken => {
                self.metrics.notices.inc();
                return;
            }
            Offer::Known { count } => count,
        };
        self.metrics.known.inc();
        let Some(first) = again else { return };
        if !self.engine.recall(&first, known) && first.count > known {
            let last = Notice { kind: NoticeKind::Update, ..first };
            if self.outbox.offer(last) == Offer::Taken {
                self.metrics.notices.inc();
            }
        }
    }

    fn count(&mut self) {
        let Counted { matched, backfill, overflowed } = &mut self.counted;
        for (counter, engine, counted) in [
            (&self.metrics.matched, self.engine.matched, matched),
            (&self.metrics.backfill, self.engine.backfill, backfill),
            (&self.metrics.overflowed, self.engine.overflowed, overflowed),
        ] {
            counter.inc_by(engine - *counted);
            *counted = engine;
        }
        self.metrics.open_windows.set(self.engine.open_windows() as i64);
    }
}
