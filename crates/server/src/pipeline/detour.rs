//! The way round a history that cannot be written: rows go on to those who watch them live, and once the history takes
//! rows again the log is read anew from where it stopped.
//!
//! ```text
//! RawInlet ─► Normalize ─► Analyse (taps) ─► HistoryEdge ─► Store
//!     ▲                                          │ what it lets fall is asked for again
//!     └───────────────── Detour ◄────────────────┘
//! ```
//!
//! A batch carries the number of the *pass* over the log in which it was read. After a rewind the edge waits for the first
//! batch of the new pass: what is still on its way from before lies ahead of what the history needs next.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crossbeam_channel::{SendTimeoutError, Sender, bounded};
use whittle_domain::Batch;

use super::{ChannelInlet, EdgeError, Held, Outlet, Refused};

/// How long the history may refuse rows before live events no longer wait for it.
const PATIENCE: Duration = Duration::from_secs(2);
/// How often a blocked edge looks whether the history refuses.
const LOOK: Duration = Duration::from_millis(50);

/// A rewind that the edge asks the inlet for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rewind {
    /// The number of the pass that starts with it.
    pub pass: u32,
    /// For each partition the first offset that the history has not been given.
    pub from: Vec<u64>,
}

#[derive(Debug, Default)]
struct State {
    /// Since when the history refuses rows.
    refusing: Option<Instant>,
    rewind: Option<Rewind>,
}

/// What the storage stage, the edge before it and the first inlet tell one another.
#[derive(Debug, Clone, Default)]
pub struct Detour(Arc<Mutex<State>>);

impl Detour {
    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The history took rows.
    pub fn taken(&self) {
        self.lock().refusing = None;
    }

    /// The history refused rows.
    pub fn refused(&self) {
        self.lock().refusing.get_or_insert_with(Instant::now);
    }

    /// Whether the history has refused rows for so long that nobody else may wait for it.
    fn is_blocked(&self) -> bool {
        self.lock().refusing.is_some_and(|since| since.elapsed() >= PATIENCE)
    }

    fn ask(&self, from: Vec<u64>) -> u32 {
        let mut state = self.lock();
        let pass = state.rewind.as_ref().map_or(0, |rewind| rewind.pass) + 1;
        state.rewind = Some(Rewind { pass, from });
        pass
    }

    /// The rewind that was asked for last, where the inlet reads in an earlier pass.
    pub fn asked(&self, pass: u32) -> Option<Rewind> {
        self.lock().rewind.clone().filter(|rewind| rewind.pass > pass)
    }
}

/// A bounded channel to the storage stage that lets batches fall while the history cannot be written. `held` are the
/// offsets, by partition, from which the history needs rows.
pub fn history_edge(room: usize, held: &[u64], detour: Detour) -> (HistoryEdge, ChannelInlet<Arc<Batch>>) {
    let (sender, receiver) = bounded(room);
    (HistoryEdge { sender, detour, next: held.to_vec(), way: Way::Straight }, ChannelInlet::new(receiver))
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    /// Batches go to the history, and wait for it.
    Straight,
    /// The history cannot be written: batches fall.
    Round,
    /// It can again: batches fall until the first of this pass.
    Back(u32),
}

/// The outlet of the analysis in front of the storage stage.
#[derive(Debug)]
pub struct HistoryEdge {
    sender: Sender<Arc<Batch>>,
    detour: Detour,
    /// For each partition the offset after the last row that was passed on.
    next: Vec<u64>,
    way: Way,
}

impl HistoryEdge {
    /// Passes a batch on. Falls back to the way round when the history refuses for too long.
    fn pass_on(&mut self, mut batch: Arc<Batch>) -> Result<Held, Refused<Arc<Batch>>> {
        loop {
            let ends = ends(&batch);
            match self.sender.send_timeout(batch, LOOK) {
                Ok(()) => {
                    self.note(&ends);
                    return Ok(Held::Later);
                }
                Err(SendTimeoutError::Disconnected(back)) => return Err(Box::new((EdgeError::Closed, back))),
                Err(SendTimeoutError::Timeout(back)) => batch = back,
            }
            if self.detour.is_blocked() {
                tracing::warn!(
                    "the history cannot be written; live events and alerts go on without it, and it reads what it misses from the raw log later"
                );
                self.way = Way::Round;
                return Ok(Held::Later);
            }
        }
    }

    fn note(&mut self, ends: &[(u32, u64)]) {
        for &(partition, end) in ends {
            if let Some(next) = self.next.get_mut(partition as usize) {
                *next = end;
            }
        }
    }

    fn turn_back(&mut self) {
        if self.way == Way::Round && !self.detour.is_blocked() {
            tracing::info!("the history can be written again; it catches up from the raw log");
            self.way = Way::Back(self.detour.ask(self.next.clone()));
        }
    }
}

/// The offset after the last row of each stretch of rows of one partition.
fn ends(batch: &Batch) -> Vec<(u32, u64)> {
    let runs = batch.rows().chunk_by(|a, b| a.partition == b.partition);
    runs.filter_map(|run| run.last()).map(|row| (row.partition, row.offset + 1)).collect()
}

impl Outlet for HistoryEdge {
    type Item = Arc<Batch>;

    fn send(&mut self, batch: Arc<Batch>) -> Result<Held, Refused<Arc<Batch>>> {
        self.turn_back();
        match self.way {
            Way::Back(pass) if batch.pass >= pass => self.way = Way::Straight,
            Way::Round | Way::Back(_) => return Ok(Held::Later),
            Way::Straight => {}
        }
        self.pass_on(batch)
    }

    fn tick(&mut self) -> Result<(), EdgeError> {
        self.turn_back();
        Ok(())
    }
}
