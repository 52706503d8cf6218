//! The writer: rows into the tail, tails into commits.

use std::sync::Arc;

use whittle_domain::Batch;

use super::FileHistory;
use super::flush::Flusher;
use crate::file::dictionary::Dictionary;
use crate::tail::Coder;
use crate::{Positions, StageState, WriteError, Writer};

/// Belongs to one thread. Holds the history, so that its threads run as long as somebody may commit.
pub(crate) struct HistoryWriter {
    history: Arc<FileHistory>,
    flusher: Arc<Flusher>,
    coder: Coder,
    additions: Dictionary,
    positions: Positions,
    rows: usize,
    bytes: usize,
    /// When the oldest row of the tail was appended.
    since: i64,
}

impl HistoryWriter {
    pub(crate) fn new(history: Arc<FileHistory>, flusher: Arc<Flusher>, positions: Positions) -> Self {
        let coder = Coder::new(history.shared.forms.clone());
        HistoryWriter {
            history,
            flusher,
            coder,
            additions: Dictionary::default(),
            positions,
            rows: 0,
            bytes: 0,
            since: 0,
        }
    }

    fn submit(&mut self, state: StageState) -> u64 {
        let (tail, positions) = self.history.shared.freeze();
        self.coder.reset();
        (self.rows, self.bytes) = (0, 0);
        self.flusher.submit(tail, positions, state)
    }
}

impl Writer for HistoryWriter {
    fn append(&mut self, batch: &Arc<Batch>) -> Result<(), WriteError> {
        self.flusher.wait_for_room()?;
        let Some(segment) = self.coder.segment(batch, &mut self.positions, &mut self.additions) else { return Ok(()) };
        if self.rows == 0 {
            self.since = self.flusher.settings.clock.now();
        }
        self.rows += segment.rows;
        self.bytes += segment.bytes();
        self.history.shared.with_tail(|tail, head| {
            tail.push(segment, &mut self.additions);
            head.clone_from(&self.positions);
        });
        Ok(())
    }

    fn is_due(&self) -> bool {
        let settings = &self.flusher.settings;
        let after = settings.flush_after.as_micros() as i64;
        self.rows >= settings.flush_rows
            || self.bytes >= settings.flush_bytes
            || self.rows > 0 && settings.clock.now().saturating_sub(self.since) >= after
    }

    fn commit(&mut self, state: StageState) -> Result<(), WriteError> {
        self.submit(state);
        Ok(())
    }

    fn finish(&mut self, state: StageState) -> Result<(), WriteError> {
        let ticket = self.submit(state);
        self.flusher.wait_for(ticket)
    }
}
