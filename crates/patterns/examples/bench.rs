//! Lines a second for known lines and for new forms, and memory with many forms. `bench FILE…` takes the lines of
//! the files instead of its own; the figures are CPU seconds of this one thread.

use std::hint::black_box;
use std::io::Write;
use std::time::Instant;

use whittle_patterns::{Engine, Miner, Scanner, Var, form_of};

/// A deterministic sequence, so that every run sees the same lines.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn word(&mut self) -> String {
        const PARTS: [&str; 16] =
            ["ka", "lo", "mer", "tin", "sa", "ver", "on", "del", "ri", "pos", "em", "ul", "gra", "fi", "ne", "to"];
        (0..2 + self.next() % 3).map(|_| PARTS[(self.next() % 16) as usize]).collect()
    }
}

fn own_lines(count: usize) -> Vec<String> {
    let mut n = Numbers(42);
    let line = |n: &mut Numbers| match n.next() % 6 {
        0 => format!(
            "Accepted connection from 10.0.{}.{}:{} as session {}",
            n.next() % 256,
            n.next() % 256,
            n.next() % 60000,
            n.next()
        ),
        1 => format!(
            "Request GET /api/orders/{} finished with status {} in {} ms",
            n.next() % 9999,
            200 + n.next() % 300,
            n.next() % 999
        ),
        2 => format!(
            "worker-{} could not lease job {:016x}, will try again in {}s",
            n.next() % 64,
            n.next(),
            n.next() % 60
        ),
        3 => format!(
            "Checkpoint complete: wrote {} buffers, {} segments added, sync={}.{} s",
            n.next() % 9999,
            n.next() % 9,
            n.next() % 9,
            n.next() % 999
        ),
        4 => "Leader election is over, this node follows and is ready for requests of its clients".to_owned(),
        _ => format!(
            "Sent block blk_{} of size {} to /10.1.{}.{}:50010",
            n.next(),
            n.next() % 1_000_000,
            n.next() % 256,
            n.next() % 256
        ),
    };
    (0..count).map(|_| line(&mut n)).collect()
}

/// Lines that nothing was seen of before; `varied`: their punctuation varies too, as that of real programs does.
fn new_lines(count: usize, varied: bool) -> Vec<String> {
    const GAPS: [&str; 6] = [" ", ": ", ", ", " - ", "=", " ("];
    let mut n = Numbers(7);
    let line = |n: &mut Numbers| {
        let mut line = n.word();
        for _ in 0..5 + n.next() % 8 {
            line += if varied { GAPS[(n.next() % 6) as usize] } else { " " };
            line += &if n.next().is_multiple_of(5) { n.next().to_string() } else { n.word() };
        }
        line
    };
    (0..count).map(|_| line(&mut n)).collect()
}

/// Resident memory of this process in bytes; zero where the system does not say.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap_or_default();
    line.split_whitespace().nth(1).and_then(|kb| kb.parse::<u64>().ok()).unwrap_or(0) * 1024
}

fn per_second(name: &str, lines: usize, work: impl FnOnce()) -> String {
    let start = Instant::now();
    work();
    let took = start.elapsed().as_secs_f64();
    format!("{name}: {:.0} lines/s, {:.3} µs a line\n", lines as f64 / took, took / lines as f64 * 1e6)
}

fn main() -> std::io::Result<()> {
    let mut lines: Vec<String> = Vec::new();
    for path in std::env::args().skip(1) {
        lines.extend(String::from_utf8_lossy(&std::fs::read(path)?).lines().map(str::to_owned));
    }
    if lines.is_empty() {
        lines = own_lines(20_000);
    }
    let rounds = 4_000_000usize.div_ceil(lines.len());
    let (total, bytes) = (rounds * lines.len(), lines.iter().map(String::len).sum::<usize>());
    let mut out = std::io::stdout().lock();
    writeln!(out, "{} lines of {} bytes", lines.len(), bytes / lines.len())?;

    let mut vars: Vec<Var> = Vec::new();
    for engine in [Engine::Table, Engine::detect()] {
        let mut scanner = Scanner::with_engine(engine);
        let text = per_second(&format!("scan, {engine:?}"), total, || {
            for line in lines.iter().cycle().take(total) {
                vars.clear();
                scanner.scan(line, &mut vars);
                black_box(&vars);
            }
        });
        out.write_all(text.as_bytes())?;
    }
    let mut scanner = Scanner::new();
    let text = per_second("scan and form", total, || {
        for line in lines.iter().cycle().take(total) {
            vars.clear();
            scanner.scan(line, &mut vars);
            black_box(form_of(line.as_bytes(), &vars));
        }
    });
    out.write_all(text.as_bytes())?;
    let mut miner = Miner::default();
    for line in &lines {
        vars.clear();
        miner.observe(line, &mut vars);
    }
    let text = per_second("known lines", total, || {
        for line in lines.iter().cycle().take(total) {
            vars.clear();
            black_box(miner.observe(line, &mut vars));
        }
    });
    out.write_all(text.as_bytes())?;
    writeln!(out, "{} forms, {} patterns", miner.catalog().form_count(), miner.catalog().pattern_count())?;

    new_forms(&mut out, "new forms", &new_lines(100_000, true))?;
    new_forms(&mut out, "random words", &new_lines(100_000, false))
}

/// Measures lines that are all new: time, and memory with them.
fn new_forms(out: &mut impl Write, name: &str, fresh: &[String]) -> std::io::Result<()> {
    let mut vars = Vec::new();
    let before = resident();
    let mut miner = Miner::new(whittle_patterns::Limits { forms: 200_000, forms_per_source: 200_000 });
    let text = per_second(name, fresh.len(), || {
        for line in fresh {
            vars.clear();
            black_box(miner.observe(line, &mut vars));
        }
    });
    out.write_all(text.as_bytes())?;
    drop(miner.drain_journal());
    let (forms, patterns) = (miner.catalog().form_count(), miner.catalog().pattern_count());
    writeln!(
        out,
        "{forms} forms, {patterns} patterns: {} MiB more than before",
        resident().saturating_sub(before) / (1 << 20)
    )
}
