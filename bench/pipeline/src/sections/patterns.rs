//! The pattern of a line whose form is known, on one core, in this process.

use std::hint::black_box;

use whittle_patterns::{Limits, Miner};

use super::Bench;
use crate::figure::Figure;
use crate::yardstick::thread_cpu;

/// Lines, and times that they are gone through once all forms are known.
const LINES: usize = 200_000;
const TIMES: usize = 5;

/// Mines lines of the corpus again and again.
pub fn run(bench: &mut Bench<'_>) -> anyhow::Result<()> {
    bench.report.section("patterns");
    let mut corpus = bench.corpus();
    let lines: Vec<_> = (0..LINES).map(|_| corpus.next_record()).collect();
    let mut miner = Miner::new(Limits::default());
    let mut vars = Vec::new();
    let mut pass = || {
        for line in &lines {
            vars.clear();
            black_box(miner.observe_bytes(&line.source, line.message.as_bytes(), &mut vars));
        }
    };
    pass();
    let before = thread_cpu();
    (0..TIMES).for_each(|_| pass());
    let seconds = (thread_cpu() - before).as_secs_f64();
    let found = miner.catalog().pattern_count();
    let report = &mut bench.report;
    let rate = (LINES * TIMES) as f64 / seconds;
    let note = format!("{LINES} lines of the corpus, {found} patterns");
    report
        .add(Figure::new("pattern of a known line, lines a second and core", rate, "/s").at_least(2e6, 5e6).note(note));
    Ok(())
}
