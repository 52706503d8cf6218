//! What a query has spent of its budget.

use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

use crate::{Budget, QueryError, Total};

/// Measures the CPU time of the calling thread against a budget.
pub(crate) struct Meter<'a> {
    budget: &'a Budget,
    start: Duration,
}

/// Why a query stops early.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Partial(pub(crate) Option<String>);

impl Partial {
    /// The count with what is known of it.
    pub(crate) fn of(self, count: u64) -> Total {
        match self.0 {
            None => Total::Exact(count),
            Some(reason) => Total::AtLeast(count, reason),
        }
    }
}

fn thread_time() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec.unsigned_abs(), time.tv_nsec as u32)
}

impl<'a> Meter<'a> {
    pub(crate) fn new(budget: &'a Budget) -> Self {
        Meter { budget, start: thread_time() }
    }

    /// An error when nobody waits any more; a reason when the CPU time is spent.
    pub(crate) fn look(&self) -> Result<Option<String>, QueryError> {
        if self.budget.is_cancelled() {
            return Err(QueryError::Cancelled);
        }
        let spent = thread_time().saturating_sub(self.start);
        let most = self.budget.cpu;
        Ok((spent >= most).then(|| format!("the query took more than {} ms of CPU time", most.as_millis())))
    }
}
