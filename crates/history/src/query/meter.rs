//! What a query has spent of its budget.

use std::cell::RefCell;
use std::io;
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

use crate::{Budget, QueryError, Total};

/// Measures the CPU time of the calling thread against a budget, and keeps why an answer is not whole.
pub(crate) struct Meter<'a> {
    budget: &'a Budget,
    start: Duration,
    partial: RefCell<Option<String>>,
}

/// A query goes no further.
#[derive(Debug)]
pub(crate) enum Stop {
    /// It answers with what it has.
    Partial,
    /// Nobody waits for the answer.
    Cancelled,
}

fn thread_time() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec.unsigned_abs(), time.tv_nsec as u32)
}

impl<'a> Meter<'a> {
    pub(crate) fn new(budget: &'a Budget) -> Self {
        Meter { budget, start: thread_time(), partial: RefCell::default() }
    }

    /// Stops when nobody waits any more, or when the CPU time is spent.
    pub(crate) fn look(&self) -> Result<(), Stop> {
        if self.budget.is_cancelled() {
            return Err(Stop::Cancelled);
        }
        if thread_time().saturating_sub(self.start) < self.budget.cpu {
            return Ok(());
        }
        self.note(format!("the query took more than {} ms of CPU time", self.budget.cpu.as_millis()));
        Err(Stop::Partial)
    }

    /// Stops when something would take more memory than the query may hold.
    pub(crate) fn hold(&self, bytes: usize) -> Result<(), Stop> {
        if bytes <= self.budget.memory {
            return Ok(());
        }
        self.note(format!("the query needs more than {} MiB of memory", self.budget.memory >> 20));
        Err(Stop::Partial)
    }

    /// Keeps the first reason why the answer is not whole.
    pub(crate) fn note(&self, reason: String) {
        self.partial.borrow_mut().get_or_insert(reason);
    }

    /// Something cannot be read: the answer is what the rest gives.
    pub(crate) fn damaged(&self, error: &io::Error) {
        tracing::error!(%error, "a part of the history cannot be read");
        self.note(format!("a part of the history cannot be read: {error}"));
    }

    /// What a scan came to, as far as the caller goes on; a cancelled query does not.
    pub(crate) fn settle(&self, result: Result<(), Stop>) -> Result<(), QueryError> {
        match result {
            Ok(()) | Err(Stop::Partial) => Ok(()),
            Err(Stop::Cancelled) => Err(QueryError::Cancelled),
        }
    }

    /// A count with what is known of it.
    pub(crate) fn total(&self, count: u64) -> Total {
        match &*self.partial.borrow() {
            None => Total::Exact(count),
            Some(reason) => Total::AtLeast(count, reason.clone()),
        }
    }
}
