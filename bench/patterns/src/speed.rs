//! CPU seconds for known lines, for new forms and of the rivals; memory with many forms.

use std::hint::black_box;

use serde::Serialize;
use whittle_patterns::{Limits, Miner, Scanner};

use crate::cpu::{least, seconds};
use crate::lines::new;
use crate::rivals::Name;

/// Lines of one run of the fast measures, and runs of which the fastest counts.
const LINES: usize = 2_000_000;
const RUNS: usize = 5;
/// Forms for memory and for the speed of new ones.
const FORMS: usize = 100_000;
/// Lines for the rivals, which are slower.
const RIVAL_LINES: usize = 200_000;

/// What was measured, all in lines for a CPU second.
#[derive(Debug, Serialize)]
pub struct Speed {
    lines: usize,
    mean_bytes: usize,
    forms: usize,
    patterns: usize,
    scan: f64,
    known: f64,
    new_forms: f64,
    rivals: Vec<RivalSpeed>,
}

/// A rival's.
#[derive(Debug, Serialize)]
struct RivalSpeed {
    name: &'static str,
    known: f64,
}

/// Measures on these lines.
pub fn measure(lines: &[String]) -> anyhow::Result<Speed> {
    let times = LINES.div_ceil(lines.len());
    let total = (times * lines.len()) as f64;
    let all = || (0..times).flat_map(|_| lines);
    let mut vars = Vec::new();
    let mut scanner = Scanner::new();
    let scan = least(RUNS, || {
        for line in all() {
            vars.clear();
            scanner.scan(line, &mut vars);
            black_box(&vars);
        }
    });
    let mut miner = Miner::default();
    for line in lines {
        miner.observe(line, &mut vars);
    }
    let known = least(RUNS, || {
        for line in all() {
            vars.clear();
            black_box(miner.observe(line, &mut vars));
        }
    });
    let catalog = miner.catalog();
    Ok(Speed {
        lines: lines.len(),
        mean_bytes: lines.iter().map(String::len).sum::<usize>() / lines.len(),
        forms: catalog.form_count(),
        patterns: catalog.pattern_count(),
        scan: total / scan,
        known: total / known,
        new_forms: FORMS as f64 / new_forms(&new(FORMS)).0,
        rivals: Name::ALL.into_iter().map(|name| rival(name, lines)).collect::<anyhow::Result<_>>()?,
    })
}

fn rival(name: Name, lines: &[String]) -> anyhow::Result<RivalSpeed> {
    let rival = name.learn(lines)?;
    let times = RIVAL_LINES.div_ceil(lines.len());
    let known = least(2, || {
        for line in (0..times).flat_map(|_| lines) {
            black_box(rival.find(line));
        }
    });
    Ok(RivalSpeed { name: name.label(), known: (times * lines.len()) as f64 / known })
}

/// CPU seconds of lines that are all new, and the miner that knows them then.
fn new_forms(fresh: &[String]) -> (f64, Miner) {
    let mut miner = Miner::new(Limits { forms: 2 * FORMS, forms_per_source: 2 * FORMS });
    let mut vars = Vec::new();
    let took = seconds(|| {
        for line in fresh {
            vars.clear();
            black_box(miner.observe(line, &mut vars));
        }
    });
    (took, miner)
}

/// Memory with [`FORMS`] forms.
#[derive(Debug, Serialize)]
pub struct Memory {
    forms: usize,
    bytes: u64,
}

/// Measures in this process, which should have done nothing else.
pub fn memory() -> Memory {
    let fresh = new(FORMS);
    let before = resident();
    let (_, mut miner) = new_forms(&fresh);
    drop(miner.drain_journal());
    Memory { forms: miner.catalog().form_count(), bytes: resident().saturating_sub(before) }
}

/// Resident memory of this process in bytes; zero where the system does not say.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap_or_default();
    line.split_whitespace().nth(1).and_then(|kb| kb.parse::<u64>().ok()).unwrap_or(0) * 1024
}
