//! CPU time of this thread: wall time depends on who else uses the machine.

use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

fn now() -> Duration {
    let now = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(now.tv_sec.unsigned_abs(), now.tv_nsec as u32)
}

/// CPU seconds that the work took.
pub fn seconds(work: impl FnOnce()) -> f64 {
    let before = now();
    work();
    (now() - before).as_secs_f64()
}

/// The least CPU seconds of several runs: other work on the machine only ever adds.
pub fn least(runs: usize, mut work: impl FnMut()) -> f64 {
    (0..runs).map(|_| seconds(&mut work)).fold(f64::INFINITY, f64::min)
}
