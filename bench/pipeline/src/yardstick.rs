//! A fixed job, to see how fast the machine is just now.
//!
//! Other work on the machine changes what a CPU second is worth by a third. The job mixes what the program does: it hashes
//! bytes, sorts numbers and walks memory.

use std::hint::black_box;
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

/// CPU time of this thread.
pub fn thread_cpu() -> Duration {
    let now = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(now.tv_sec.unsigned_abs(), now.tv_nsec as u32)
}

/// Runs the job and gives its CPU time in milliseconds: the least of three, since the first may be cold.
pub fn measure() -> f64 {
    let runs = (0..3).map(|_| {
        let before = thread_cpu();
        black_box(job());
        (thread_cpu() - before).as_secs_f64() * 1_000.0
    });
    runs.fold(f64::INFINITY, f64::min)
}

fn job() -> u64 {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    let mut numbers: Vec<u64> = (0..400_000).map(|_| next()).collect();
    numbers.sort_unstable();
    let bytes: Vec<u8> = numbers.iter().flat_map(|n| n.to_le_bytes()).collect();
    let hash = bytes
        .iter()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3));
    let mut at = 0;
    let walked = (0..400_000).fold(0_u64, |sum, _| {
        at = (at * 31 + 7 + (numbers[at] as usize & 0xff)) % numbers.len();
        sum.wrapping_add(numbers[at])
    });
    hash ^ walked
}
