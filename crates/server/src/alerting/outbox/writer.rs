//! The one thread that writes the outbox's file.

use std::io;
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use super::journal::Journal;
use super::{End, Job, Shared, State};

/// Takes what changed, writes it, syncs once, then hands on what is durable.
pub(super) struct Writer {
    shared: Arc<Shared>,
    journal: Journal,
}

impl Writer {
    pub(super) fn new(shared: Arc<Shared>, journal: Journal) -> Self {
        Writer { shared, journal }
    }

    /// Writes until the end.
    pub(super) fn run(mut self) {
        while let Some(job) = self.next() {
            let result = self.write(&job);
            if let Err(error) = &result {
                tracing::error!(%error, "the alert outbox cannot be written");
            }
            self.done(&job, result);
            for pending in &job.fresh {
                self.shared.publish(pending);
            }
        }
        let state = self.shared.lock();
        if state.end == Some(End::Flush) && state.durable < state.changes {
            tracing::error!(changes = state.changes - state.durable, "the alert outbox ends with changes not on disk");
        }
    }

    /// Waits for something to do; nothing when all is done and the end has come.
    fn next(&self) -> Option<Job> {
        let mut state = self.shared.lock();
        loop {
            if state.end == Some(End::Now) {
                return None;
            }
            let now = Instant::now();
            let due = state.rewrite.is_some_and(|at| at <= now || (state.end.is_some() && state.trouble.is_none()));
            if due || !state.unwritten.is_empty() || !state.fresh.is_empty() {
                return Some(state.job(due));
            }
            if state.end.is_some() {
                return None;
            }
            let wait = state.rewrite.map_or(Duration::from_secs(3_600), |at| at.saturating_duration_since(now));
            state = self.shared.work.wait_timeout(state, wait).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    fn write(&mut self, job: &Job) -> io::Result<()> {
        match &job.snapshot {
            Some(snapshot) => self.journal.rewrite(&snapshot.encode()),
            None if job.frames.is_empty() => Ok(()),
            None => self.journal.append(&job.frames),
        }
    }

    fn done(&self, job: &Job, result: io::Result<()>) {
        let mut state = self.shared.lock();
        match result {
            Ok(()) if job.snapshot.is_some() || !job.frames.is_empty() => {
                state.durable = state.durable.max(job.upto);
                state.trouble = None;
                if state.rewrite.is_none() && self.journal.is_stale(state.ledger.live_bytes()) {
                    state.rewrite = Some(Instant::now());
                }
            }
            Ok(()) => {}
            Err(error) => {
                state.trouble = Some(error.to_string());
                state.rewrite = Some(Instant::now() + self.shared.policy.disk_retry);
            }
        }
        if state.rewrite.is_some() {
            state.unwritten.clear();
        }
        drop(state);
        self.shared.written.notify_all();
    }
}

impl State {
    fn job(&mut self, rewrite: bool) -> Job {
        let snapshot = rewrite.then(|| self.ledger.snapshot());
        if rewrite {
            self.rewrite = None;
            self.unwritten.clear();
        }
        let frames = std::mem::take(&mut self.unwritten);
        Job { frames, snapshot, fresh: std::mem::take(&mut self.fresh), upto: self.changes }
    }
}
